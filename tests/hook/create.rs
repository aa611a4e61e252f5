//! `treehop hook worktree-create`

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::common::tmux::until;
use super::common::{Repo, tools};
use super::{
    Session, asked, branch, create, end, feed, git_dir, set_up, start, treehop, with_setup,
};

#[test]
fn the_worktree_is_the_one_that_wnew_makes() {
    let repo = with_setup();
    repo.git(["config", "treehop.path", "../trees/{slug}"]);
    // From another worktree, with another HEAD, in a subdirectory.
    repo.commit(&repo.auth(), "more", "more\n");
    let made = create(&repo, &repo.auth().join("src"), "fix/it");
    let path = repo.tree("trees/fix-it");
    assert_eq!(Path::new(made.line()), path);
    assert_eq!(branch(&repo, &path), "fix/it");
    let head = |dir: &Path| repo.git_in(dir, ["rev-parse", "HEAD"]);
    assert_eq!(head(&path), head(&repo.main), "of the main worktree");
    assert!(path.join(".env").exists());
    assert_eq!(set_up(&path), "once\n");

    let again = create(&repo, &repo.main, "fix/it");
    assert_eq!(again.line(), made.line());
    assert_eq!(set_up(&path), "once\n", "only at first");
    assert_eq!(
        create(&repo, &repo.main, "it-is-me")
            .stderr
            .matches("treehop:")
            .count(),
        0
    );
}

#[test]
fn one_that_is_there_has_the_branch_or_else_the_name() {
    let repo = Repo::guide();
    let is = |name: &str, path: &Path| {
        assert_eq!(Path::new(create(&repo, &repo.main, name).line()), path);
    };
    is("feature/auth", &repo.auth());
    is("fix-422", &repo.fix());
    is("experiment", &repo.experiment());
    let named = repo.worktree_at("other", "bitsandbytes-twice");
    let right = repo.worktree_at("twice", "elsewhere");
    is("twice", &right);
    repo.git_in(&right, ["switch", "-q", "-c", "thrice"]);
    is("twice", &named);
    let said = create(&repo, &repo.main, "main");
    assert!(
        said.fails().contains("checked out already"),
        "{}",
        said.stderr
    );
}

#[test]
fn other_releases_and_odd_documents() {
    let repo = Repo::guide();
    let args = ["hook", "worktree-create"];
    let cwd = repo.main.to_str().unwrap();
    let other = format!("{{\"cwd\": {cwd:?}, \"worktree_name\": \"other\", \"base_ref\": \"x\"}}");
    let made = feed(&repo.scratch, &args, other);
    assert_eq!(Path::new(made.line()), repo.tree("bitsandbytes-other"));
    let before = repo.git(["worktree", "list"]);
    for text in [
        "",
        "{",
        "null",
        "[]",
        "\u{feff}{}",
        "{\"name\": 7}",
        "{\"name\": \"\"}",
        &format!("{{\"cwd\": {cwd:?}, \"name\": \"-x\"}}"),
        &format!("{{\"cwd\": {cwd:?}, \"name\": \"a..b\"}}"),
        "{\"cwd\": \"/\", \"name\": \"x\"}",
        "{\"cwd\": \"/gone/for/good\", \"name\": \"x\"}",
    ] {
        feed(&repo.scratch, &args, text).fails();
    }
    feed(&repo.scratch, &args, b"\xff\xfe").fails();
    assert_eq!(repo.git(["worktree", "list"]), before);
}

#[test]
fn a_pull_request_is_a_strangers() {
    let repo = with_setup();
    let remote = repo.scratch.home.join("remote.git");
    repo.git(["clone", "-q", "--bare", ".", remote.to_str().unwrap()]);
    repo.git(["remote", "add", "origin", remote.to_str().unwrap()]);
    repo.git_in(&remote, ["update-ref", "refs/pull/12/head", "HEAD"]);
    let made = create(&repo, &repo.main, "pr-12");
    let path = repo.tree("bitsandbytes-pr-12");
    assert_eq!(Path::new(made.line()), path);
    assert_eq!(repo.git(["config", "branch.pr-12.treehopPr"]), "12");
    assert!(!path.join(".env").exists());
    assert_eq!(set_up(&path), "", "nothing of it is run");
    assert_eq!(create(&repo, &repo.main, "pr-12").line(), made.line());
    create(&repo, &repo.main, "pr-13").fails();
}

#[test]
fn a_set_up_that_takes_long_goes_on_behind() {
    let repo = with_setup();
    let slow =
        "until [ -e \"$HOME/go\" ] || [ ! -d \"$HOME\" ]; do sleep 0.02; done; echo once >>set-up";
    repo.git(["config", "treehop.setup", slow]);
    let hurry = ["hook", "worktree-create", "--wait", "1"];
    // It ends only when nobody holds its standard error any more, as for Claude Code.
    let made = feed(&repo.scratch, &hurry, asked(&repo.main, "slow"));
    let path = repo.tree("bitsandbytes-slow");
    assert_eq!(Path::new(made.line()), path);
    let log = git_dir(&repo, &path).join("treehop-setup.log");
    assert!(
        made.stderr.contains(log.to_str().unwrap()),
        "{}",
        made.stderr
    );
    assert_eq!(set_up(&path), "");
    fs::write(repo.scratch.home.join("go"), "").unwrap();
    until("the end of it", || set_up(&path) == "once\n");
}

#[test]
fn a_set_up_that_fails_is_said_once() {
    let repo = with_setup();
    repo.git(["config", "treehop.setup", "echo no network >&2; exit 3"]);
    let failed = create(&repo, &repo.main, "poor");
    let said = failed.fails();
    assert!(
        said.contains("no network") && said.contains("treehop-setup.log"),
        "{said}"
    );
    let path = repo.tree("bitsandbytes-poor");
    assert_eq!(Path::new(create(&repo, &repo.main, "poor").line()), path);
}

#[test]
fn who_ends_the_hook_ends_the_set_up() {
    let repo = with_setup();
    let mark = repo.scratch.home.join("running");
    repo.git([
        "config",
        "treehop.setup",
        "touch \"$HOME/running\"; exec sleep 600",
    ]);
    let mut hook = treehop(&repo.scratch, &["hook", "worktree-create"]);
    let child = start(&mut hook, asked(&repo.main, "long"));
    until("the set-up", || mark.exists());
    let mut kill = repo.scratch.command(tools::program("kill"), Path::new("/"));
    assert!(kill.arg(child.id().to_string()).status().unwrap().success());
    let run = end(child);
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (None, ""),
        "{}",
        run.stderr
    );
    let again = repo
        .scratch
        .treehop(&repo.tree("bitsandbytes-long"), ["here"]);
    again.ok();
    repo.git(["config", "treehop.setup", "true"]);
    let setup = ["setup", "--fields", "path"];
    repo.treehop_in(&repo.tree("bitsandbytes-long"), setup).ok();
}

#[test]
fn what_a_kill_left_half_made_is_made_anew() {
    let repo = Repo::guide();
    repo.commit(&repo.main, ".gitattributes", "slow filter=slow\n");
    repo.commit(&repo.main, "slow", "slow\n");
    let wait = "touch \"$HOME/begun\"; [ -e \"$HOME/go\" ] || sleep 600; cat";
    repo.git(["config", "filter.slow.smudge", wait]);
    let mut hook = treehop(&repo.scratch, &["hook", "worktree-create"]);
    let child = start(hook.process_group(0), asked(&repo.main, "half"));
    let home = &repo.scratch.home;
    until("the checkout", || home.join("begun").exists());
    let mut kill = repo.scratch.command(tools::program("kill"), home);
    let group = format!("-{}", child.id());
    let killed = kill.args(["-9", "--", &group]).status().unwrap();
    assert!(killed.success());
    end(child);
    let path = repo.tree("bitsandbytes-half");
    assert!(path.exists() && !path.join("slow").exists());
    fs::write(home.join("go"), "").unwrap();
    let begun = Instant::now();
    let made = create(&repo, &repo.main, "half");
    assert_eq!(Path::new(made.line()), path);
    assert!(path.join("slow").exists());
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "it is not waited for"
    );
}

#[test]
fn a_subagents_worktree_is_locked_while_its_parent_lives() {
    let repo = with_setup();
    let mut parent =
        Session::start(&repo.scratch).register(&repo.scratch, super::SESSION, &repo.main);
    let name = "agent-a520cc1179dc3ec7f";
    let made = create(&repo, &repo.main, name);
    let path = repo.tree(format!("bitsandbytes-{name}"));
    assert_eq!(Path::new(made.line()), path);
    assert!(path.join(".env").exists());
    assert_eq!(set_up(&path), "", "no installation");
    let reason = |parent: &Session| {
        format!(
            "claude agent {name} (pid {} start {})",
            parent.pid(),
            parent.began()
        )
    };
    let locked = || repo.listed(&path)["locked"]["reason"].clone();
    assert_eq!(locked(), reason(&parent));
    let remove = || repo.treehop(["remove", name]);
    assert!(remove().fails(5).contains("locked"));
    parent.kill();
    // Asked for by another one, it is that one's.
    let next = Session::start(&repo.scratch).register(&repo.scratch, super::SESSION, &repo.main);
    assert_eq!(create(&repo, &repo.main, name).line(), made.line());
    assert_eq!(locked(), reason(&next));
    drop(next);
    remove().ok();
    assert!(!path.exists());
}

#[test]
fn no_second_session_gets_in() {
    let repo = Repo::guide();
    let scratch = &repo.scratch;
    let other = Session::start(scratch).register(scratch, "another", &repo.auth().join("src"));
    let refused = create(&repo, &repo.main, "feature/auth");
    assert!(refused.fails().contains(&other.pid()), "{}", refused.stderr);
    drop(other);
    let _own = Session::start(scratch).register(scratch, super::SESSION, &repo.auth());
    assert_eq!(
        Path::new(create(&repo, &repo.main, "feature/auth").line()),
        repo.auth()
    );
}

#[test]
fn of_ten_sessions_that_begin_at_once_one_gets_it() {
    let repo = Repo::guide();
    repo.git(["config", "treehop.claude", "true"]);
    let mut sessions: Vec<_> = (0..10).map(|_| Session::start(&repo.scratch)).collect();
    let hooks: Vec<_> = sessions
        .iter()
        .map(|session| {
            let mut hook = treehop(&repo.scratch, &["hook", "worktree-create"]);
            hook.env("CLAUDECODE", "1").env("CLAUDE_PID", session.pid());
            // Each has an id of its own, and no entry yet.
            let asked = asked(&repo.main, "popular").replace("8be2", &session.pid());
            start(&mut hook, asked)
        })
        .collect();
    let runs: Vec<_> = hooks.into_iter().map(end).collect();
    let won: Vec<_> = (0..10).filter(|at| runs[*at].status == Some(0)).collect();
    assert_eq!(
        won.len(),
        1,
        "{:?}",
        runs.iter().map(|run| &run.stderr).collect::<Vec<_>>()
    );
    let path = repo.tree("bitsandbytes-popular");
    assert_eq!(Path::new(runs[won[0]].line()), path);
    for lost in runs.iter().filter(|run| run.status != Some(0)) {
        assert!(
            lost.fails().contains("is live in 'popular'"),
            "{}",
            lost.stderr
        );
    }
    // It is about to begin, so nobody else may, until it has died.
    let wclaude = || repo.treehop(["claude", "popular"]);
    wclaude().fails(5);
    sessions[won[0]].kill();
    until("the lock to be free", || {
        repo.listed(&path)["claude"]["live"] == serde_json::json!([])
    });
    wclaude().ok();
}
