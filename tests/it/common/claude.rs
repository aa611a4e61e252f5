//! The real Claude Code, without a network.

use serde_json::json;

use super::Repo;

/// Its last 20 characters are approved below.
const KEY: &str = "sk-ant-treehop-test-key-000";

/// Puts claude on PATH, and gives the variables with which it starts; messages go to `url`. Where nobody listens a
/// session exists all the same.
pub fn offline(repo: &Repo, url: &str) -> Vec<(&'static str, String)> {
    repo.scratch.with("claude");
    let trusted = [repo.main.clone(), repo.auth(), repo.fix()].map(|dir| {
        let dir = dir.to_str().unwrap().to_owned();
        (dir, json!({"hasTrustDialogAccepted": true}))
    });
    let config = json!({
        "hasCompletedOnboarding": true, "theme": "dark",
        "customApiKeyResponses": {"approved": [KEY[KEY.len() - 20..]], "rejected": []},
        "projects": trusted.into_iter().collect::<serde_json::Map<_, _>>(),
    });
    repo.scratch.write(".claude.json", config.to_string());
    let variables = [
        ("ANTHROPIC_API_KEY", KEY),
        ("ANTHROPIC_BASE_URL", url),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ("DISABLE_AUTOUPDATER", "1"),
        ("SHELL", "/bin/sh"),
    ];
    variables
        .map(|(name, value)| (name, value.to_owned()))
        .into()
}
