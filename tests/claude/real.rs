//! The real Claude Code, offline, with a server that answers each message with the same words.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};

use super::server::{ANSWER, Server};
use super::{REFUSED, Run, World};
use crate::common::claude::offline;
use crate::common::tmux::{Tmux, until};
use crate::common::{Scratch, tools};

/// A world in which claude runs, and trusts its worktrees.
fn world() -> (World, Server) {
    let (mut world, server) = (World::new(), Server::start());
    let (repo, scratch) = (&world.repo, &world.repo.scratch);
    let url = format!("http://127.0.0.1:{}", server.port);
    let tmp = scratch.root.join("tmp");
    let variables = offline(repo, &url).into_iter();
    let mut env: Vec<_> = variables
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    env.push(("CLAUDE_CODE_TMPDIR".into(), tmp.into()));
    world.env = env;
    (world, server)
}

impl World {
    /// A terminal with `program` in it.
    fn terminal(&self, dir: &Path, program: &[&str]) -> Tmux {
        let mut env = self.repo.scratch.env();
        env.extend(self.env.clone());
        let program: Vec<OsString> = program.iter().map(OsString::from).collect();
        Tmux::start(&self.repo.scratch, &env, dir, (120, 40), &program)
    }

    /// Waits until the one session in the worktree at `path` is in the registry, and idle.
    fn idle(&self, path: &Path, terminal: &Tmux) -> Value {
        until(&format!("a session:\n{}", terminal.screen()), || {
            terminal.wait("a living claude", |screen| !screen.dead);
            self.live(path)
                .first()
                .is_some_and(|session| session["status"] == "idle")
        });
        let live = self.live(path);
        assert_eq!(live.len(), 1, "{live:?}");
        live[0].clone()
    }

    /// The conversations that began in `dir`.
    fn conversations(&self, dir: &Path) -> Vec<PathBuf> {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let folder: String = dir.to_str().unwrap().chars().map(plain).collect();
        let folder = self.repo.scratch.home.join(".claude/projects").join(folder);
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        let files = files.map(|file| file.path());
        files
            .filter(|file| file.extension().is_some_and(|e| e == "jsonl"))
            .collect()
    }
}

fn kill(scratch: &Scratch, signal: &str, pid: &Value) {
    let mut kill = scratch.command(tools::program("kill"), Path::new("/"));
    let status = kill.args([signal, &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_conversation_is_forked_into_another_worktree() {
    let (world, server) = world();
    let (repo, auth, fix) = (&world.repo, world.repo.auth(), world.repo.fix());
    repo.git([
        "config",
        "branch.feature/auth.treehopModel",
        "claude-of-auth",
    ]);
    repo.git(["config", "treehop.model", "claude-of-all"]);
    let run = world
        .run(&repo.main, ["auth", "-p", "the word is plum"])
        .ok();
    assert_eq!(run.stdout.trim(), ANSWER);
    let asked = server.asked("the word is plum");
    assert!(
        asked.iter().any(|one| one["model"] == "claude-of-auth"),
        "{asked:?}"
    );
    // The latest there, and not the latest of all.
    world
        .run(&repo.main, ["^", "-p", "the word is quince"])
        .ok();
    assert_eq!(world.conversations(&fix).len(), 0);
    let run = world
        .run(
            &fix.join("src"),
            ["--fork", "auth", "@", "-p", "which word?"],
        )
        .ok();
    assert_eq!(run.stdout.trim(), ANSWER);
    let asked = server.asked("which word?");
    assert!(
        asked.iter().any(|one| one["model"] == "claude-of-all"),
        "{asked:?}"
    );
    let asked = asked[0].to_string();
    assert!(
        asked.contains("the word is plum") && asked.contains(ANSWER),
        "{asked}"
    );
    assert!(!asked.contains("quince"), "{asked}");
    let forked = world.conversations(&fix.join("src"));
    assert_eq!(forked.len(), 1, "in the directory where one stood");
    assert!(
        fs::read_to_string(&forked[0]).unwrap().contains("fix-422"),
        "its name"
    );
    assert_eq!(
        world.conversations(&auth).len(),
        1,
        "the other is as it was"
    );
    // From now on there is one in that worktree, too.
    let last = repo
        .treehop(["find", "fix", "--fields", "claude.last.session_id"])
        .line();
    assert_eq!(Some(last.as_ref()), forked[0].file_stem());

    // What starts no session runs beside one; how claude ends is how this ends.
    let session = world.entry(&auth, "idle");
    let version = world.run(&auth, ["@", "--version"]).ok().stdout;
    assert!(version.contains("Claude Code"), "{version}");
    world
        .run(&auth, ["@", "-p", "x"])
        .fails(REFUSED, &["'the talk'"]);
    drop(session);
    let run = world.run(&auth, ["@", "--no-such-option"]);
    assert_eq!(run.status, Some(1), "{run:?}");
    assert!(run.stderr.contains("no-such-option"), "{run:?}");
}

#[test]
fn of_ten_at_once_one_becomes_claude() {
    let (world, server) = world();
    let auth = world.repo.auth();
    let begin = |_| {
        let mut command = world.claude(&auth, ["@", "-p", "in a race"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let all: Vec<_> = (0..10).map(begin).collect();
    let ended = all
        .into_iter()
        .map(|child| Run::of(&child.wait_with_output().unwrap()));
    let (done, refused): (Vec<Run>, Vec<Run>) = ended.partition(|run| run.status == Some(0));
    assert_eq!((done.len(), refused.len()), (1, 9), "{done:?} {refused:?}");
    for run in refused {
        run.fails(REFUSED, &["'feature-auth'", "pid "]);
    }
    let answered = server.asked("in a race").len();
    assert!(
        (1..=2).contains(&answered),
        "{answered} requests of one session"
    );
}

#[test]
fn in_a_terminal() {
    let (world, _server) = world();
    let (scratch, auth) = (&world.repo.scratch, world.repo.auth());
    let bash = ["bash", "--norc", "--noprofile"];
    let terminal = world.terminal(&auth.join("src"), &bash);
    terminal.line("PS1='ready '; set -b");
    terminal.line("treehop claude; echo \"ended with $?\"");
    // At once, long before it has an entry.
    until("the lock", || !world.live(&auth).is_empty());
    world.run(&auth, ["@"]).fails(REFUSED, &["pid "]);
    let session = world.idle(&auth, &terminal);
    // For a moment it has a name of claude's own.
    until("its name", || {
        world
            .live(&auth)
            .first()
            .is_some_and(|one| one["name"] == "feature-auth")
    });
    let entry = world.sessions().join(format!("{}.json", session["pid"]));
    let entry: Value = serde_json::from_slice(&fs::read(entry).unwrap()).unwrap();
    assert_eq!(entry["cwd"].as_str(), auth.join("src").to_str());
    let pid = format!("pid {}, idle", session["pid"]);
    for query in ["auth", "@"] {
        world
            .run(&auth, [query])
            .fails(REFUSED, &["'feature-auth'", &pid]);
    }
    // Suspended, it is still there.
    terminal.keys(&["C-z"]);
    terminal.wait_for("Stopped");
    world.run(&auth, ["@"]).fails(REFUSED, &[&pid]);
    kill(scratch, "-9", &session["pid"]);
    until("its end", || world.live(&auth).is_empty());
    let entry = world.sessions().join(format!("{}.json", session["pid"]));
    assert!(entry.exists(), "kill -9 leaves the entry");
    assert_eq!(
        world.run(&auth, ["@", "-p", "x"]).ok().stdout.trim(),
        ANSWER
    );
}

#[test]
fn one_that_was_started_without_treehop() {
    let (world, _server) = world();
    let (repo, auth) = (&world.repo, world.repo.auth());
    let nested = repo.worktree_at("agent/x", auth.join(".claude/worktrees/x"));
    let claude = repo.scratch.bin.join("claude");
    let terminal = world.terminal(&nested, &[claude.to_str().unwrap()]);
    let session = world.idle(&nested, &terminal);
    let pid = format!("pid {}, idle", session["pid"]);
    world.run(&nested, ["@"]).fails(REFUSED, &[&pid]);
    assert!(world.live(&auth).is_empty());
    assert_eq!(
        world.run(&auth, ["@", "-p", "x"]).ok().stdout.trim(),
        ANSWER
    );
}

/// Claude Code's daemon, which `--bg` starts; it ends with the test, and its sessions with it.
struct Daemon<'a>(&'a World);

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        let scratch = &self.0.repo.scratch;
        let mut stop = scratch.command(scratch.bin.join("claude"), &scratch.root);
        stop.args(["daemon", "stop", "--any"])
            .envs(self.0.env.clone());
        println!("{:?}", stop.output());
    }
}

#[test]
fn in_the_background() {
    let (world, _server) = world();
    let auth = world.repo.auth();
    let daemon = Daemon(&world);
    let run = world.run(&auth, ["@", "--bg", "go on"]).ok();
    assert!(run.stdout.contains("backgrounded"), "{run:?}");
    // No entry yet, and the lock is free: the job's file guards.
    world
        .run(&auth, ["@", "-p", "x"])
        .fails(REFUSED, &["'feature-auth'", "pid "]);
    until("its entry", || {
        world
            .live(&auth)
            .iter()
            .any(|one| one["name"] == "feature-auth")
    });
    let live = world.live(&auth);
    assert_eq!(
        (live.len(), &live[0]["name"], &live[0]["kind"]),
        (1, &json!("feature-auth"), &json!("bg")),
        "{live:?}"
    );
    world
        .run(&auth, ["@", "--bg", "x"])
        .fails(REFUSED, &["'feature-auth' (pid "]);
    drop(daemon);
    until("its end", || world.live(&auth).is_empty());
}

/// By `/cd` to another worktree, where it counts too, and by `/background` out of the terminal.
#[test]
fn one_that_moves() {
    let (world, _server) = world();
    let (auth, fix) = (world.repo.auth(), world.repo.fix());
    let _daemon = Daemon(&world);
    let terminal = world.terminal(&auth, &["treehop", "claude"]);
    world.idle(&auth, &terminal);
    terminal.wait_for("for shortcuts");
    let say = |words: &str| {
        terminal.text(words);
        terminal.settle(words, |screen| screen.shows(words));
        terminal.keys(&["Enter"]);
    };
    say("hello");
    terminal.wait_for(ANSWER);
    world.idle(&auth, &terminal);
    say(&format!("/cd {}", fix.display()));
    until("it there", || !world.live(&fix).is_empty());
    for dir in [&auth, &fix] {
        world
            .run(dir, ["@"])
            .fails(REFUSED, &["'feature-auth' (pid "]);
    }
    terminal.wait_for("Moved to");
    say("/background");
    let mut seen = vec![];
    until("the same in the background", || {
        let live = world.live(&fix);
        assert!(!live.is_empty(), "after {seen:?}\n{}", terminal.screen());
        seen.extend(live);
        let last = seen.last().unwrap();
        last["kind"] == "bg" && last["name"].is_string()
    });
    assert!(world.live(&auth).is_empty(), "it holds no lock any more");
}

#[test]
fn a_strangers_hooks_run_only_when_trusted() {
    let (world, _server) = world();
    let (repo, auth) = (&world.repo, world.repo.auth());
    let mark = repo.scratch.home.join("hooked");
    let hook = json!({"hooks": {"SessionStart": [{"hooks": [
        {"type": "command", "command": format!("touch {}", mark.display())},
    ]}]}});
    repo.scratch
        .write(auth.join(".claude/settings.json"), hook.to_string());
    repo.git(["config", "branch.feature/auth.treehopPr", "12"]);
    let hooked = |words: &[&str]| {
        let run = world.run(&auth, words).ok();
        assert_eq!(run.stdout.trim(), ANSWER);
        let hooked = mark.exists();
        let _ = fs::remove_file(&mark);
        (hooked, run.stderr)
    };
    let (ran, said) = hooked(&["@", "-p", "x"]);
    assert!(
        !ran && said.starts_with("'feature-auth' is a pull request"),
        "{said}"
    );
    assert_eq!(hooked(&["--trust", "@", "-p", "x"]), (true, String::new()));
    assert_eq!(hooked(&["@", "-p", "x"]), (true, String::new()));
}
