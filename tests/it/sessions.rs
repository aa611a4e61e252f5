//! Claude in worktrees, in all four shells: `wclaude`, windows of its own, and what a prompt knows of sessions.

use serde_json::json;

use crate::common::{Repo, Shell};
use crate::live::{Session, offline};
use crate::scenarios::scenarios;

/// A claude that says where it runs and what it gets, and ends with status 7.
pub fn stand_in_for_claude(repo: &Repo) {
    let script = r#"printf 'claude in %s with %s:' "$(pwd -P)" "${VIRTUAL_ENV##*/}"; printf ' <%s>' "$@"; echo; exit 7"#;
    repo.scratch.script("claude", script);
}

scenarios! {
    wclaude_goes_there_and_ends_as_claude_does: |shell| {
        let repo = Repo::guide();
        stand_in_for_claude(&repo);
        let venv = repo.venv(&repo.auth());
        let mut s = repo.shell(shell).start();
        s.line("wclaude auth --model opus 'do $A \"now\"' -h -t");
        let said = format!("claude in {} with .venv: <--name> <feature-auth> <--model> <opus> <do $A \"now\"> <-h> <-t>", repo.auth().display());
        assert!(s.output().contains(&said), "{}", s.output());
        s.probe().status(7).at(&repo.auth()).venv(&venv);
        s.lines(&["deactivate", "wclaude"]);
        assert!(s.output().contains("bitsandbytes-feature-auth with :"), "{}", s.output());
        s.probe().status(7).no_venv();
        s.lines(&["wcd", "wcd auth"]);
        s.probe().venv(&venv);
        s.line("wclaude --name mine");
        assert!(s.output().contains("bitsandbytes-feature-auth with .venv: <--name> <mine>"), "{}", s.output());
        s.lines(&["wcd", "wclaude - -p hello"]);
        assert!(s.output().contains("bitsandbytes-feature-auth with"), "{}", s.output());
        s.probe().status(7).at(&repo.auth());
        s.line("wclaude nosuchthing");
        s.probe().status(3).at(&repo.auth());
    }

    wclaude_refuses_where_a_session_is_live: |shell| {
        let repo = Repo::guide();
        stand_in_for_claude(&repo);
        let mut session = Session::start(&repo.scratch, &repo.auth().join("src"), "waiting");
        let mut s = repo.shell(shell).start();
        s.line("wclaude auth");
        let output = s.output();
        for said in ["treehop: a session is live in 'feature-auth': 'auth feature' (pid ", ", waiting", "hint: ", "--fork feature-auth", "--force"] {
            assert!(output.contains(said), "{said}: {output}");
        }
        s.probe().status(5).at(&repo.auth());
        s.line("wclaude --force");
        assert!(s.output().contains("claude in"), "{}", s.output());
        s.line("wclaude -t");
        s.probe().status(5);
        session.kill();
        s.line("wclaude");
        s.probe().status(7);
    }

    wclaude_explains_itself: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        s.line("wclaude -h");
        assert!(s.output().contains("--trust"), "{}", s.output());
        s.probe().status(0).at(&repo.main);
    }

    wnew_fork_takes_changes_and_conversation_along: |shell| {
        let repo = Repo::guide();
        stand_in_for_claude(&repo);
        repo.commit(&repo.auth(), "auth", "committed\n");
        repo.scratch.write(repo.auth().join("new"), "not committed\n");
        let mut s = repo.shell(shell).start();
        s.line("wnew feature/b --fork auth");
        assert!(s.output().contains("treehop: there is no conversation in 'feature-auth' to fork"), "{}", s.output());
        s.probe().status(3).at(&repo.main);
        let id = "11111111-1111-4111-8111-111111111111";
        let record = json!({"type": "user", "cwd": repo.auth(), "timestamp": "2024-05-01T10:00:00.000Z", "sessionId": id});
        let slug = repo.auth().to_str().unwrap().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        repo.scratch.write(format!(".claude/projects/{slug}/{id}.jsonl"), format!("{record}\n"));
        let tree = repo.tree("bitsandbytes-feature-b");
        s.line("wnew feature/b --fork auth");
        let said = format!("claude in {} with : <--resume> <{id}> <--fork-session> <--name> <feature-b>", tree.display());
        assert!(s.output().contains(&said), "{}", s.output());
        s.probe().status(7).at(&tree).branch("feature/b");
        assert_eq!(std::fs::read_to_string(tree.join("auth")).unwrap(), "committed\n");
        assert_eq!(std::fs::read_to_string(tree.join("new")).unwrap(), "not committed\n");
        assert!(repo.auth().join("new").exists(), "where they come from they stay");
    }

    a_window_of_its_own: |shell| {
        let repo = Repo::guide();
        stand_in_for_claude(&repo);
        let mut s = repo.shell(shell).start();
        // The new window is in front, so that it is what one sees and types into.
        s.text("wcd -t auth").keys(&["Enter"]);
        s.tmux.settle("the new window", |screen| !screen.shows("wcd") && screen.cursor_line().ends_with("READY>"));
        s.probe().at(&repo.auth()).worktree("feature-auth").branch("feature/auth");
        s.text("wnew -t -c a/b --model opus 'do it'").keys(&["Enter"]);
        s.tmux.settle("claude's window", |screen| screen.shows("<--model> <opus> <do it>") && screen.cursor_line().ends_with("READY>"));
        s.probe().at(&repo.tree("bitsandbytes-a-b")).branch("a/b");
        s.text("wclaude -t 422 hello").keys(&["Enter"]);
        s.tmux.settle("another", |screen| screen.shows("bitsandbytes-fix-422 with") && screen.cursor_line().ends_with("READY>"));
        s.probe().at(&repo.fix());
    }

    a_tab_of_its_own_in_zellij: |shell| {
        let repo = Repo::guide();
        stand_in_for_claude(&repo);
        let mut s = repo.shell(shell).in_zellij().start();
        s.text("wcd -t auth").keys(&["Enter"]);
        s.tmux.settle("the new tab", |screen| !screen.shows("wcd") && screen.cursor_line().ends_with("READY>"));
        s.probe().at(&repo.auth()).worktree("feature-auth").branch("feature/auth");
        s.text("wnew -t -c a/b --model opus 'do it'").keys(&["Enter"]);
        s.tmux.settle("claude's tab", |screen| screen.shows("<--model> <opus> <do it>") && screen.cursor_line().ends_with("READY>"));
        s.probe().at(&repo.tree("bitsandbytes-a-b")).branch("a/b");
    }

    no_window_without_a_terminal_that_opens_them: |shell| {
        let repo = Repo::guide();
        stand_in_for_claude(&repo);
        let mut s = repo.shell(shell).start();
        s.export("TMUX", "");
        for line in ["wcd -t auth", "wclaude -t auth", "wnew -t a/b"] {
            s.line(line);
            assert!(s.output().contains("treehop: there is no tmux, zellij, wezterm or kitty"), "{line}: {}", s.output());
            s.probe().status(1).at(&repo.main);
        }
        assert!(!repo.tree("bitsandbytes-a-b").exists(), "nothing is made for a window that cannot be");
    }

    the_prompt_counts_those_that_wait: |shell| {
        let repo = Repo::guide();
        repo.scratch.write(".claude/sessions/none.json", r#"{"status":"waiting"}"#);
        repo.scratch.write(".claude/sessions/7.json", r#"{"pid":7,"status":"waiting","procStart":"1"}"#);
        let mut one = Session::start(&repo.scratch, &repo.auth(), "waiting");
        let two = Session::start(&repo.scratch, &repo.fix(), "waiting");
        let _busy = Session::start(&repo.scratch, &repo.main, "busy");
        let mut s = repo.shell(shell).start();
        s.probe().prompt("main@bitsandbytes");
        s.export("TREEHOP_PROMPT_SESSIONS", "1");
        s.probe().prompt("main@bitsandbytes !2");
        one.kill();
        assert!(one.file.exists(), "the entry outlives it");
        s.enter();
        s.probe().prompt("main@bitsandbytes !1");
        std::fs::remove_file(&two.file).unwrap();
        s.enter();
        s.probe().prompt("main@bitsandbytes");
    }

    the_real_claude_holds_its_worktree: |shell| {
        let repo = Repo::guide();
        let mut start = repo.shell(shell);
        for (name, value) in offline(&repo) {
            start = start.env(name, value);
        }
        let mut s = start.start();
        s.text("wclaude auth --model sonnet").keys(&["Enter"]);
        s.tmux.wait("claude", |screen| screen.shows("Sonnet") && screen.shows("? for shortcuts"));
        repo.treehop(["claude", "auth"]).fails(5);
        repo.treehop(["remove", "auth"]).fails(5);
        s.tmux.text("/exit");
        s.tmux.wait("the command", |screen| screen.shows("/exit"));
        s.keys(&["Enter"]).ready();
        s.probe().status(0).at(&repo.auth()).branch("feature/auth");
        repo.treehop(["remove", "auth"]).ok();
    }
}
