//! `bash shell/try.sh`, the command of a newcomer.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::rc::Rc;

use crate::common::tmux::Tmux;
use crate::common::{Scratch, Shell, tools};
use crate::scenarios::scenarios;

/// The environment of a user who has Rust: that of this test, with a home that can be looked through afterwards.
fn environment(scratch: &Scratch) -> Vec<(OsString, OsString)> {
    let home = PathBuf::from(std::env::var_os("HOME").expect("HOME"));
    let or =
        |name: &str, dir: &str| std::env::var_os(name).unwrap_or_else(|| home.join(dir).into());
    let mut env: Vec<(OsString, OsString)> = vec![
        ("HOME".into(), scratch.home.clone().into()),
        ("PATH".into(), std::env::var_os("PATH").expect("PATH")),
        ("CARGO_HOME".into(), or("CARGO_HOME", ".cargo")),
        ("RUSTUP_HOME".into(), or("RUSTUP_HOME", ".rustup")),
        ("TMPDIR".into(), scratch.root.join("tmp").into()),
        ("LC_ALL".into(), "C.UTF-8".into()),
        ("GIT_DIR".into(), "/nowhere".into()),
        ("VIRTUAL_ENV".into(), "/nowhere".into()),
    ];
    env.extend(std::env::var_os("CARGO_TARGET_DIR").map(|dir| ("CARGO_TARGET_DIR".into(), dir)));
    env.extend(std::env::var_os("RUSTUP_TOOLCHAIN").map(|name| ("RUSTUP_TOOLCHAIN".into(), name)));
    env
}

fn run(scratch: &Scratch, args: &[&str]) -> Output {
    let mut bash = Command::new(tools::program("bash"));
    bash.arg(tools::source("shell/try.sh"))
        .args(args)
        .current_dir("/")
        .stdin(Stdio::null());
    bash.env_clear()
        .envs(environment(scratch))
        .output()
        .expect("bash runs")
}

/// Everything below `dir`.
fn tree(dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(tree(&path));
        }
        found.insert(path);
    }
    found
}

scenarios! {
    one_command: |shell| {
        let scratch = Scratch::new();
        let before = (tree(&scratch.home), tree(&scratch.root.join("tmp")));
        let pwd = shell.pick("pwd", "pwd", "pwd", "print (pwd)");
        let line = format!("wcd auth; {pwd}; sh -c 'echo \"$TREEHOP_PROMPT $VIRTUAL_ENV\"'");
        let out = run(&scratch, &[shell.name(), "-c", &line]);
        let text = String::from_utf8_lossy(&out.stdout);
        let lines: Vec<&str> = text.lines().collect();
        let error = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{text}{error}");
        assert!(lines[0].ends_with("/bitsandbytes-feature-auth"), "{text}{error}");
        assert!(lines[1].starts_with("feature/auth "), "{text}{error}");
        assert!(lines[1].ends_with("/bitsandbytes-feature-auth/.venv"), "{text}{error}");
        let after = (tree(&scratch.home), tree(&scratch.root.join("tmp")));
        assert_eq!(before, after, "nothing of the user's is touched, nothing is left");
    }

    the_status_is_the_commands: |shell| {
        let scratch = Scratch::new();
        assert_eq!(run(&scratch, &[shell.name(), "-c", "exit 7"]).status.code(), Some(7));
        assert_eq!(run(&scratch, &[shell.name(), "-c", "wcd nosuch"]).status.code(), Some(3));
    }

    a_tour_without_a_terminal: |shell| {
        let scratch = Scratch::new();
        let out = run(&scratch, &[shell.name()]);
        let text = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success(), "{text}{}", String::from_utf8_lossy(&out.stderr));
        for part in ["wcd auth", "bitsandbytes-feature-auth\n", "bitsandbytes-fix-422\n", "experiment/new-quantizer", ".venv"] {
            assert!(text.contains(part), "no {part:?} in\n{text}");
        }
    }

    a_shell_to_play_in: |shell| {
        let scratch = Scratch::new();
        // The first call builds, and that may take longer than anybody waits for a screen.
        assert!(run(&scratch, &["bash", "-c", ":"]).status.success());
        let terminal = open(&scratch, shell);
        terminal.wait_for("wcd auth");
        terminal.wait("the shell's prompt", |screen| {
            let line = screen.cursor_line();
            !line.is_empty() && screen.lines[..screen.cursor].iter().any(|line| line.contains("exit"))
        });
        terminal.text("wcd auth");
        terminal.keys(&["Enter"]);
        terminal.wait("the prompt with the branch", |screen| screen.cursor_line().contains("feature/auth"));
        terminal.text("exit");
        terminal.keys(&["Enter"]);
        terminal.ended();
        assert_eq!(tree(&scratch.root.join("tmp")), BTreeSet::new(), "nothing is left");
    }
}

fn open(scratch: &Rc<Scratch>, shell: Shell) -> Tmux {
    let env = environment(scratch).into_iter().collect();
    let program: Vec<OsString> = vec![
        tools::program("bash").into(),
        tools::source("shell/try.sh").into(),
        shell.name().into(),
    ];
    Tmux::start(scratch, &env, Path::new("/"), (120, 40), &program)
}

#[test]
fn a_wrong_command_line_is_2() {
    let scratch = Scratch::new();
    for args in [&["csh"][..], &["-c"], &["--help-me"]] {
        let out = run(&scratch, args);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(
            String::from_utf8_lossy(&out.stderr).contains("hint: "),
            "{args:?}"
        );
    }
}
