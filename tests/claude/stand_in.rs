//! What is seen of a program that stands in for claude: its arguments, directory, environment, how it ends; and what the
//! guard says of registries and locks in any state.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::{REFUSED, Run, Running, World, began};
use crate::common::Scratch;
use crate::common::tmux::until;

/// Says where it is and what it got, each in brackets.
const ECHO: &str =
    r#"printf 'in %s:' "$PWD"; for one; do printf ' [%s]' "$one"; done; exit "${STATUS-0}""#;
/// Says that it runs, until its standard input ends.
const WAIT: &str = "echo $$ >> \"$HOME/started\"; exec cat";

fn world(script: &str) -> World {
    let world = World::new();
    world.repo.scratch.script("claude", script);
    world
}

/// Waits until the stand-in has been started.
fn started(scratch: &Scratch) {
    until("the stand-in", || scratch.home.join("started").exists());
}

#[test]
fn what_claude_gets() {
    let world = world(ECHO);
    let (auth, fix) = (world.repo.auth(), world.repo.fix());
    for (words, dir, got) in [
        ("", &auth, "[--name] [feature-auth]"),
        ("@", &auth, "[--name] [feature-auth]"),
        ("fix", &fix, "[--name] [fix-422]"),
        ("fix -p hi", &fix, "[--name] [fix-422] [-p] [hi]"),
        ("fix do mcp", &fix, "[--name] [fix-422] [do] [mcp]"),
        (
            "@ --model opus -h",
            &auth,
            "[--name] [feature-auth] [--model] [opus] [-h]",
        ),
        ("-- fix", &auth, "[--name] [feature-auth] [--] [fix]"),
        ("@ -- -c", &auth, "[--name] [feature-auth] [--] [-c]"),
        ("--", &auth, "[--name] [feature-auth] [--]"),
        (
            "-p x --force --trust",
            &auth,
            "[--name] [feature-auth] [-p] [x] [--force] [--trust]",
        ),
        (
            "--force --trust fix -C /",
            &fix,
            "[--name] [fix-422] [-C] [/]",
        ),
        ("-n mine", &auth, "[-n] [mine]"),
        ("--name=mine", &auth, "[--name=mine]"),
        ("-c", &auth, "[-c]"),
        ("--fork-session -r 1", &auth, "[--fork-session] [-r] [1]"),
        ("@ --from-pr 3", &auth, "[--from-pr] [3]"),
        ("@ mcp list", &auth, "[mcp] [list]"),
        ("@ --version", &auth, "[--version]"),
        ("@ purge", &auth, "[purge]"),
    ] {
        let run = world.run(&auth, words.split_whitespace()).ok();
        let right = format!("in {}: {got}", dir.display());
        assert_eq!(run.stdout, right, "treehop claude {words}");
        assert_eq!(run.stderr, "", "treehop claude {words}");
    }
    let odd = ["@", "a b", "", "$(id)", "it's \"x\"\n"];
    let run = world.run(&auth, odd).ok();
    let got = "[--name] [feature-auth] [a b] [] [$(id)] [it's \"x\"\n]";
    assert!(run.stdout.ends_with(got), "{run:?}");
    let bytes = std::ffi::OsStr::from_bytes(b"\xff");
    let run = world.claude(&auth, ["@"]).arg(bytes).output().unwrap();
    assert!(run.stdout.ends_with(b"[\xff]"), "{run:?}");
}

#[test]
fn which_model() {
    let world = world(ECHO);
    let (repo, auth) = (&world.repo, world.repo.auth());
    let got = |words: &[&str]| world.run(&auth, words).ok().stdout;
    repo.git(["config", "treehop.model", "haiku"]);
    assert!(got(&[]).ends_with("[--model] [haiku]"));
    repo.git(["config", "branch.feature/auth.treehopModel", "opus"]);
    assert!(
        got(&["-c"]).ends_with(" [--model] [opus] [-c]"),
        "also when resumed"
    );
    assert!(got(&["--model=x"]).ends_with("[feature-auth] [--model=x]"));
    assert!(got(&["@", "--", "--model"]).contains("[opus]"));
    assert!(!got(&["@", "mcp"]).contains("opus"));
    assert!(world.run(&auth, ["fix"]).ok().stdout.contains("haiku"));
}

#[test]
fn where_it_runs() {
    let world = world(ECHO);
    let repo = &world.repo;
    let sub = repo.auth().join("src");
    let place = |from: &Path, query: &str| {
        let out = world.run(from, [query]).ok().stdout;
        out.split(':').next().unwrap()[3..].to_owned()
    };
    for query in ["@", "auth", "-p"] {
        assert_eq!(place(&sub, query), sub.to_str().unwrap(), "{query}");
    }
    assert_eq!(place(&sub, "^"), repo.main.to_str().unwrap());
    let nested = repo.worktree_at("agent/x", repo.main.join(".claude/worktrees/x"));
    fs::create_dir(nested.join("deep")).unwrap();
    assert_eq!(
        place(&nested.join("deep"), "^"),
        repo.main.to_str().unwrap()
    );
    let outside = &repo.scratch.root;
    assert_eq!(place(outside, "auth"), repo.auth().to_str().unwrap());
    world
        .run(outside, ["-p"])
        .fails(3, &["not in a worktree", "hint: "]);
    world
        .run(&sub, ["nothing"])
        .fails(3, &["'nothing'", "hint: "]);
    world.run(&sub, ["f"]).fails(4, &["could be any of"]);
}

#[test]
fn how_it_ends_is_claudes_own() {
    let mut world = world(ECHO);
    world.env = vec![("STATUS".into(), "42".into())];
    assert_eq!(world.run(&world.repo.auth(), ["@"]).status, Some(42));
    world.repo.scratch.script("claude", "kill -TERM $$");
    let status = world.claude(&world.repo.auth(), ["@"]).status().unwrap();
    assert_eq!(status.signal(), Some(15));
    fs::remove_file(world.repo.scratch.bin.join("claude")).unwrap();
    let missing = ["claude is not on PATH", "treehop.claude"];
    world.run(&world.repo.auth(), ["@"]).fails(1, &missing);
}

#[test]
fn a_program_in_the_worktree_is_not_run_for_claude() {
    let mut world = World::new();
    let auth = world.repo.auth();
    let evil = world.repo.scratch.script("evil", "touch \"$HOME/evil\"");
    fs::copy(evil, auth.join("claude")).unwrap();
    let path = &world.repo.scratch.env()[std::ffi::OsStr::new("PATH")];
    let path = [b".::", path.as_bytes()].concat();
    world.env = vec![("PATH".into(), std::ffi::OsStr::from_bytes(&path).into())];
    world.run(&auth, ["@"]).fails(1, &["not on PATH"]);
    assert!(!world.repo.scratch.home.join("evil").exists());
}

#[test]
fn variables_of_other_places_are_forgotten() {
    let mut world = world("env");
    let git_dir = ".git/worktrees/bitsandbytes-feature-auth";
    let git_dir = world.repo.main.join(git_dir);
    world.env = [
        ("GIT_DIR", git_dir.to_str().unwrap()),
        ("GIT_INDEX_FILE", "/nowhere"),
        ("CLAUDECODE", "/nowhere"),
        ("CLAUDE_CODE_CHILD_SESSION", "/nowhere"),
        ("CLAUDE_CODE_SESSION_ID", "/nowhere"),
        ("CLAUDE_CODE_MAX_OUTPUT_TOKENS", "/kept"),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .into();
    let out = world.run(&world.repo.auth(), ["@"]).ok().stdout;
    assert!(
        !out.contains("/nowhere") && !out.contains("GIT_DIR"),
        "{out}"
    );
    assert!(out.contains("/kept"), "what is the user's stays");
    for (name, kept) in [("feature-auth", true), ("fix-422", false)] {
        let names = ["TREEHOP_WORKTREE", "TREEHOP_BRANCH", "TREEHOP_PROMPT"];
        world.env = names.map(|key| (key.into(), name.into())).into();
        let out = world.run(&world.repo.auth(), ["@"]).ok().stdout;
        for key in names {
            assert_eq!(out.contains(key), kept, "{key} of {name} in {out}");
        }
    }
}

#[test]
fn the_venv_of_the_worktree() {
    let mut world = world("echo \"${VIRTUAL_ENV-none} ${PATH%%:*} ${TREEHOP_VENV-none}\"");
    let (auth, fix, bin) = (
        world.repo.auth(),
        world.repo.fix(),
        world.repo.scratch.bin.clone(),
    );
    let venv = world.repo.venv(&auth);
    let own = world.repo.venv_at(&world.repo.scratch.home.join("own"));
    let (venv, own, bin) = (venv.display(), own.display(), bin.display());
    let run = |world: &World, dir| world.run(dir, ["@"]).ok().stdout.trim().to_owned();
    let active = format!("{venv} {venv}/bin {venv}");
    assert_eq!(run(&world, &auth), active);
    let none = format!("none {bin} none");
    assert_eq!(run(&world, &fix), none);
    let path = world.repo.scratch.env()[std::ffi::OsStr::new("PATH")].clone();
    let with = |venv: &dyn std::fmt::Display| {
        let path = format!("{venv}/bin:{}", path.to_str().unwrap());
        [("VIRTUAL_ENV", venv.to_string()), ("PATH", path)].map(|(k, v)| (k.into(), v.into()))
    };
    // Another worktree's, inherited: it is left.
    world.env = with(&venv).into();
    assert_eq!(run(&world, &fix), none);
    world.env = with(&own).into();
    assert_eq!(run(&world, &auth), format!("{own} {own}/bin none"));
    world
        .env
        .push(("TREEHOP_VENV".into(), own.to_string().into()));
    assert_eq!(run(&world, &auth), active, "that one was treehop's");
    world.env = vec![("TREEHOP_AUTO_VENV".into(), "0".into())];
    assert_eq!(run(&world, &auth), none);
}

#[test]
fn the_lock_alone_guards() {
    let world = world(WAIT);
    let (repo, auth) = (&world.repo, world.repo.auth());
    let mut first = world.start(&auth, ["@"]);
    let pid = first.0.id();
    started(&repo.scratch);
    let live = world.live(&auth);
    assert_eq!(live.len(), 1);
    assert_eq!(live[0]["pid"], pid, "it became claude");
    assert!(
        live[0]["since"].is_string() && live[0]["status"].is_null(),
        "{live:?}"
    );
    assert_eq!(repo.here(&auth)["claude"]["live"], serde_json::json!(live));
    let pid = format!("pid {pid}, running");
    let right = [
        "'feature-auth'",
        &pid,
        "in its terminal",
        "--fork feature-auth",
        "--force",
    ];
    for words in ["auth", "@ -p x", "@ --bg x", "@ purge"] {
        world.run(&auth, words.split(' ')).fails(REFUSED, &right);
    }
    assert!(world.live(&repo.main).is_empty() && world.live(&repo.fix()).is_empty());
    let other = world.start(&repo.fix(), ["@"]);
    until("one in another worktree", || {
        !world.live(&repo.fix()).is_empty()
    });
    drop(other);
    // `mcp` starts no session; cat ends at once.
    world.run(&auth, ["@", "mcp"]).status.expect("an end");
    let forced = world
        .claude(&auth, ["--force", "@"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(forced.status.success(), "{forced:?}");
    first.kill();
    assert!(world.live(&auth).is_empty(), "kill -9 frees at once");
    repo.scratch.script("claude", ECHO);
    world.run(&auth, ["@"]).ok();
}

#[test]
fn a_program_of_the_users() {
    let world = World::new();
    let (repo, auth) = (&world.repo, world.repo.auth());
    repo.scratch.script("agent", ECHO);
    repo.scratch.script("my agent", ECHO);
    repo.git(["config", "treehop.model", "opus"]);
    let get = |value: &str| {
        repo.git(["config", "treehop.claude", value]);
        let run = world.run(&auth, ["@", "a b", "--x"]).ok();
        run.stdout.split_once(": ").unwrap().1.to_owned()
    };
    assert_eq!(get("agent"), "[a b] [--x]");
    assert_eq!(get("agent -v '1 2'"), "[-v] [1 2] [a b] [--x]");
    let bin = repo.scratch.bin.display();
    assert_eq!(get(&format!("{bin}/agent")), "[a b] [--x]");
    assert_eq!(get(&format!("'{bin}/my agent'")), "[a b] [--x]");
    repo.scratch.script("claude", ECHO);
    let named = "[--name] [feature-auth] [--model] [opus] [a b] [--x]";
    assert_eq!(get(&format!("{bin}/claude")), named);
    assert_eq!(get("claude --verbose"), format!("[--verbose] {named}"));
    for program in ["agent", "agent --on"] {
        let _ = fs::remove_file(repo.scratch.home.join("started"));
        repo.scratch
            .script("agent", "echo > \"$HOME/started\"; cat");
        repo.git(["config", "treehop.claude", program]);
        let mut first = world.start(&auth, ["@"]);
        started(&repo.scratch);
        world
            .run(&auth, ["@"])
            .fails(REFUSED, &[&format!("pid {}", first.0.id())]);
        drop(first.0.stdin.take());
        assert!(first.0.wait().unwrap().success());
        assert!(world.live(&auth).is_empty(), "{program}");
    }
    world
        .run(&auth, ["--fork", "^", "@"])
        .fails(1, &["--fork", "agent"]);
}

#[test]
fn of_ten_at_once_one_starts() {
    let world = world(WAIT);
    let auth = world.repo.auth();
    let begin = |_| {
        let mut command = world.claude(&auth, ["@"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        Running(command.stderr(Stdio::null()).spawn().unwrap())
    };
    for _ in 0..3 {
        let mut all: Vec<Running> = (0..10).map(begin).collect();
        let (mut refused, mut left) = (0, 10);
        until("nine that end", || {
            all.retain_mut(|one| match one.0.try_wait().unwrap() {
                Some(status) => {
                    refused += usize::from(status.code() == Some(REFUSED));
                    false
                }
                None => true,
            });
            left = all.len();
            left == 1
        });
        started(&world.repo.scratch);
        assert_eq!((refused, left), (9, 1));
        let text = fs::read_to_string(world.repo.scratch.home.join("started")).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert_eq!(text.trim(), all[0].0.id().to_string());
        fs::remove_file(world.repo.scratch.home.join("started")).unwrap();
    }
}

/// Whoever looks shares the lock for a moment: here for a long one, again and again.
#[test]
fn those_who_look_stand_in_nobodys_way() {
    let world = world("exit 0");
    let auth = world.repo.auth();
    world.run(&auth, ["@"]).ok();
    let file = "worktrees/bitsandbytes-feature-auth/treehop-claude.lock";
    let file = fs::File::open(world.repo.main.join(".git").join(file)).unwrap();
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                let shared = flock(&file, FlockOperation::NonBlockingLockShared);
                thread::sleep(Duration::from_millis(2));
                let _ = shared.and_then(|()| flock(&file, FlockOperation::Unlock));
                thread::sleep(Duration::from_millis(2));
            }
        });
        let runs: Vec<Run> = (0..20).map(|_| world.run(&auth, ["@"])).collect();
        ended.store(true, Ordering::Relaxed);
        for run in runs {
            run.ok();
        }
    });
}

#[test]
fn what_stands_in_the_lock_file_decides_nothing() {
    let world = world(WAIT);
    let auth = world.repo.auth();
    let git_dir = world
        .repo
        .main
        .join(".git/worktrees/bitsandbytes-feature-auth");
    let file = git_dir.join("treehop-claude.lock");
    let me = std::process::id();
    let living = format!(
        "{{\"pid\":{me},\"procStart\":\"{}\",\"startedAt\":1}}\n",
        began(me)
    );
    for text in [&living[..], "", "garbage", &"x".repeat(100_000)] {
        fs::write(&file, text).unwrap();
        assert!(world.live(&auth).is_empty(), "nobody holds it");
        let mut first = world.start(&auth, ["@"]);
        let pid = first.0.id();
        until("the one that holds it", || {
            world.live(&auth).first().is_some_and(|s| s["pid"] == pid)
        });
        fs::write(&file, text).unwrap();
        assert_eq!(world.live(&auth).len(), 1);
        world.run(&auth, ["@"]).fails(REFUSED, &["feature-auth"]);
        first.kill();
    }
}

#[test]
fn sessions_that_were_started_otherwise() {
    let world = world(ECHO);
    let (repo, auth) = (&world.repo, world.repo.auth());
    world.run(&auth, ["@"]).ok();
    let link = repo.scratch.home.join("link");
    std::os::unix::fs::symlink(&auth, &link).unwrap();
    // In the worktree, below it, come by way of a link.
    for cwd in [auth.clone(), auth.join("src"), link] {
        let mut session = world.entry(&cwd, "waiting");
        let pid = format!("pid {}", session.0.id());
        world
            .run(&auth, ["@"])
            .fails(REFUSED, &["'the talk'", &pid, "waiting for "]);
        world.run(&repo.fix(), ["@"]).ok();
        world.run(&auth, ["@", "doctor"]).ok();
        world.run(&auth, ["--force"]).ok();
        session.kill();
        world.run(&auth, ["@"]).ok();
    }
    let nested = repo.worktree_at("agent/x", auth.join(".claude/worktrees/x"));
    let _session = world.entry(&nested, "idle");
    world.run(&auth, ["@"]).ok();
    world.run(&nested, ["@"]).fails(REFUSED, &["'the talk'"]);
    // What a session of Claude Code leaves behind when it is killed.
    let reason = "claude session x (pid 4000000 start 1)";
    repo.git([
        "worktree",
        "lock",
        "--reason",
        reason,
        repo.fix().to_str().unwrap(),
    ]);
    world.run(&repo.fix(), ["@"]).ok();
}

/// One that is still being moved to the background is in nobody's registry, and its job's file may stay for ever.
#[test]
fn jobs_that_have_only_a_file() {
    let world = world(ECHO);
    let auth = world.repo.auth();
    let (mut daemon, scratch) = (
        world.entry(&world.repo.scratch.root, "idle"),
        &world.repo.scratch,
    );
    let pid = daemon.0.id();
    let status = format!(
        "{{\"supervisorPid\":{pid},\"supervisorProcStart\":\"{}\"}}",
        began(pid)
    );
    let job = |id: &str, created: &str, ended: &str| {
        let state = format!(
            "{{\"state\":\"working\",\"sessionId\":\"{id}\",\"cwd\":\"{}\",\"createdAt\":\"{created}\",\
             \"firstTerminalAt\":{ended}}}",
            auth.display()
        );
        scratch.write(".claude/jobs/1a2b/state.json", state);
    };
    let now = String::from_utf8(
        scratch
            .command("date", &auth)
            .args(["-u", "+%FT%TZ"])
            .output()
            .unwrap()
            .stdout,
    );
    let now = now.unwrap().trim().to_owned();
    job("new", &now, "null");
    scratch.write(".claude/jobs/pins.json", "{}");
    world.run(&auth, ["@"]).ok();
    scratch.write(".claude/daemon.status.json", &status);
    world
        .run(&auth, ["@"])
        .fails(REFUSED, &[&format!("pid {pid}, running")]);
    world.run(&world.repo.fix(), ["@"]).ok();
    for (id, created, ended) in [
        ("new", "2024-05-01T12:00:00Z", "null"),
        ("new", "2124-05-01T12:00:00Z", "null"),
        ("new", &now, "\"2024-05-01T12:00:00Z\""),
        // The entry of the daemon's stand-in says this: what has an entry counts by that.
        ("11111111-1111-4111-8111-111111111111", &now, "null"),
    ] {
        job(id, created, ended);
        world.run(&auth, ["@"]).ok();
    }
    job("new", &now, "null");
    daemon.kill();
    world.run(&auth, ["@"]).ok();
}

#[test]
fn registries_in_any_state() {
    let world = world(ECHO);
    let auth = world.repo.auth();
    let sessions = world.sessions();
    world.run(&auth, ["@"]).ok();
    fs::create_dir_all(&sessions).unwrap();
    world.run(&auth, ["@"]).ok();
    let mut session = world.entry(&auth, "busy");
    let file = sessions.join(format!("{}.json", session.0.id()));
    let entry = fs::read_to_string(&file).unwrap();
    for number in 5_000_000..5_001_000 {
        fs::write(
            sessions.join(format!("{number}.json")),
            entry.replace(&session.0.id().to_string(), &number.to_string()),
        )
        .unwrap();
    }
    world
        .run(&auth, ["@"])
        .fails(REFUSED, &["'the talk'", "busy"]);
    // The number has another owner now.
    fs::write(&file, entry.replace(&began(session.0.id()), "1")).unwrap();
    world.run(&auth, ["@"]).ok();
    session.kill();
    fs::write(&file, entry).unwrap();
    for (name, text) in [
        ("1.json", "{"),
        ("2.json", "[]"),
        ("3.json", "\u{0}"),
        ("4.json", ""),
        ("5.key", "x"),
    ] {
        fs::write(sessions.join(name), text).unwrap();
    }
    fs::create_dir(sessions.join("6.json")).unwrap();
    std::os::unix::fs::symlink("7.json", sessions.join("7.json")).unwrap();
    world.run(&auth, ["@"]).ok();
    // Not to be read as a folder, whoever asks.
    fs::remove_dir_all(&sessions).unwrap();
    fs::write(&sessions, "").unwrap();
    world.run(&auth, ["@"]).ok();
}

#[test]
fn somebody_elses_pull_request() {
    let world = world(ECHO);
    let (repo, auth) = (&world.repo, world.repo.auth());
    repo.git(["config", "branch.feature/auth.treehopPr", "12"]);
    let restricted = "[--setting-sources] [user]";
    for words in ["@", "@ -c", "@ import"] {
        let run = world.run(&auth, words.split(' ')).ok();
        assert!(run.stdout.contains(restricted), "{run:?}");
        assert!(
            run.stderr.starts_with("'feature-auth' is a pull request")
                && run.stderr.lines().count() == 1,
            "{run:?}"
        );
    }
    assert!(!world.run(&auth, ["fix"]).ok().stdout.contains(restricted));
    repo.git(["config", "treehop.claude", "sh -c ':'"]);
    world
        .run(&auth, ["@"])
        .fails(REFUSED, &["pull request", "--trust feature-auth"]);
    repo.git(["config", "--unset", "treehop.claude"]);
    let session = world.entry(&auth, "idle");
    world
        .run(&auth, ["--trust"])
        .fails(REFUSED, &["'the talk'"]);
    drop(session);
    assert!(
        world.run(&auth, ["@"]).ok().stdout.contains(restricted),
        "refused, so not remembered"
    );
    for words in [&["--trust"][..], &["@"]] {
        let run = world.run(&auth, words).ok();
        assert!(
            !run.stdout.contains(restricted) && run.stderr.is_empty(),
            "{run:?}"
        );
    }
    assert_eq!(
        repo.git(["config", "branch.feature/auth.treehopTrust"]),
        "true"
    );
}

#[test]
fn what_cannot_be_forked() {
    let world = world(ECHO);
    let auth = world.repo.auth();
    world
        .run(&auth, ["--fork", "fix"])
        .fails(3, &["no conversation in 'fix-422'"]);
    world
        .run(&auth, ["--fork", "nothing"])
        .fails(3, &["'nothing'"]);
    world
        .run(&auth, ["--fork", "fix", "@", "-c"])
        .fails(2, &["--fork"]);
    world.run(&auth, ["--fork"]).fails(2, &["--fork"]);
    assert!(world.live(&auth).is_empty());
}

#[test]
fn a_bare_repository_has_no_session() {
    let world = world(ECHO);
    let bare = world.repo.tree("bare.git");
    world
        .repo
        .git(["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    world.run(&bare, ["@"]).fails(1, &["is bare"]);
}
