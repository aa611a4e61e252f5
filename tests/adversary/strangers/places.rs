//! Places that are not what they look like, and such as somebody else can write.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use serde_json::Value;

use super::Canaries;
use crate::common::treehop::Out;
use crate::common::{Repo, Scratch, tools};
use crate::counted;

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Gives it to somebody else; who is not root can only let others at it with this mode.
fn give_away(path: &Path, instead: u32) {
    if !is_root() {
        return mode(path, instead);
    }
    let status = Command::new("chown")
        .args(["-R", "12345"])
        .arg(path)
        .status();
    assert!(status.unwrap().success());
}

/// A repository in which whoever reads HEAD waits for somebody to write it.
pub fn with_a_pipe_for_head(scratch: &Rc<Scratch>) -> PathBuf {
    let repo = Repo::named(scratch, "pipe");
    let head = repo.main.join(".git/HEAD");
    fs::remove_file(&head).unwrap();
    let made = Command::new("mkfifo").arg(&head).status();
    assert!(made.unwrap().success());
    repo.main
}

#[test]
fn a_pipe_for_head_keeps_nobody_waiting() {
    let repo = Repo::new();
    let pipe = with_a_pipe_for_head(&repo.scratch);
    for args in [&["here"][..], &["list", "--full"], &["new", "x"]] {
        let out = repo.treehop_in(&pipe, args);
        let said = out.fails(3);
        assert!(said.contains("HEAD' is not a file"), "{said}");
    }
    counted("traps walked over", 1);
}

/// In the copy of a worktree "this one" would be the one that was copied.
#[test]
fn a_copied_worktree_is_not_the_one_that_it_was_copied_from() {
    let repo = Repo::guide();
    let copy = repo.tree("copy");
    let cp = Command::new("cp")
        .arg("-a")
        .args([&repo.auth(), &copy])
        .status();
    assert!(cp.unwrap().success());
    for args in [
        &["remove"][..],
        &["remove", "-f", "@"],
        &["merge"],
        &["here"],
        &["pr"],
        &["setup"],
        &["list"],
    ] {
        let out = repo.treehop_in(&copy, args);
        let said = out.fails(5);
        assert!(said.contains("is a copy of the worktree"), "{said}");
    }
    assert!(repo.auth().join("src/server.py").exists());
    // One that was moved is itself.
    fs::remove_dir_all(repo.auth()).unwrap();
    fs::rename(copy, repo.auth()).unwrap();
    assert_eq!(repo.here(&repo.auth())["name"], "feature-auth");
    counted("traps walked over", 1);
}

/// A `.git` file that leads to another repository of one's own.
#[test]
fn a_git_file_that_leads_elsewhere_moves_nothing_there() {
    let repo = Repo::guide();
    let theirs = repo.scratch.home.join("theirs");
    fs::create_dir(&theirs).unwrap();
    let git_dir = repo.git_in(&repo.auth(), ["rev-parse", "--absolute-git-dir"]);
    for target in [git_dir, repo.main.join(".git").to_str().unwrap().to_owned()] {
        fs::write(theirs.join(".git"), format!("gitdir: {target}\n")).unwrap();
        for args in [&["remove", "-f"][..], &["merge"], &["prune"], &["setup"]] {
            repo.treehop_in(&theirs, args);
        }
        assert_eq!(
            repo.list()["worktrees"].as_array().unwrap().len(),
            4,
            "{target}"
        );
        assert!(repo.auth().join("src/server.py").exists());
    }
    counted("traps walked over", 1);
}

#[test]
fn a_repository_of_somebody_else_is_refused_by_every_command() {
    let repo = Repo::guide();
    let commands: [&[&str]; 12] = [
        &["list"],
        &["list", "--full"],
        &["find", "auth"],
        &["here"],
        &["new", "x", "--no-setup"],
        &["setup", "auth"],
        &["claude", "auth"],
        &["remove", "auth"],
        &["undo"],
        &["merge", "auth"],
        &["pr", "auth"],
        &["prune"],
    ];
    let refused = |env: &[(&str, &OsStr)]| {
        for args in commands {
            let out = repo.scratch.treehop_env(&repo.main, args, env);
            let said = out.fails(5);
            assert!(said.contains("belongs to somebody else"), "{said}");
            assert!(
                said.contains("hint: git config --global --add safe.directory"),
                "{said}"
            );
        }
    };
    // Git's own way to try it without another user.
    refused(&[("GIT_TEST_ASSUME_DIFFERENT_OWNER", OsStr::new("1"))]);
    if is_root() {
        give_away(&repo.main, 0);
        refused(&[]);
    }
    counted("traps walked over", commands.len());
}

/// The list of repositories, where others can write it or have it written elsewhere.
#[test]
fn state_that_another_user_can_write_is_neither_read_nor_written() {
    let repo = Repo::new();
    let theirs = Repo::named(&repo.scratch, "evil");
    let folder = repo.scratch.home.join(".local/state/treehop");
    let list = folder.join("repositories");
    let line = format!("{}\n", theirs.main.display());
    let finds = || -> Out { repo.scratch.treehop(&repo.scratch.home, ["find", "evil:"]) };
    let reset = || {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(&list, &line).unwrap();
    };
    reset();
    finds().ok();
    let bashrc = repo.scratch.write(".bashrc", &line);
    let doctor = || -> Value { repo.treehop(["doctor"]).json() };
    let spoilt: [(&str, &dyn Fn()); 6] = [
        ("a folder that all can write", &|| mode(&folder, 0o777)),
        ("a file that all can write", &|| mode(&list, 0o666)),
        ("a link to another file", &|| {
            fs::remove_file(&list).unwrap();
            symlink(&bashrc, &list).unwrap();
        }),
        ("a FIFO", &|| {
            fs::remove_file(&list).unwrap();
            assert!(
                Command::new("mkfifo")
                    .arg(&list)
                    .status()
                    .unwrap()
                    .success()
            );
        }),
        ("somebody else's folder", &|| give_away(&folder, 0o777)),
        ("somebody else's file", &|| give_away(&list, 0o666)),
    ];
    for (what, spoil) in spoilt {
        reset();
        spoil();
        assert!(
            finds().fails(3).contains("no repository used before"),
            "{what} is read"
        );
        repo.treehop(["here"]).ok();
        assert_eq!(
            fs::read_to_string(&bashrc).unwrap(),
            line,
            "{what} is written to"
        );
        let grown = list.is_file() && fs::read_to_string(&list).unwrap() != line;
        assert!(!grown, "{what} is written");
        counted("traps walked over", 1);
    }
    reset();
    mode(&folder, 0o777);
    let checks = doctor();
    let state = checks["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["name"] == "state");
    assert_eq!(state.expect("doctor says so")["status"], "warn");
}

/// What new shells load lies in a folder that others can write: nothing is put there, and doctor says what is there.
#[test]
fn the_shells_load_nothing_from_a_folder_that_others_can_write() {
    let scratch = Scratch::new();
    scratch.write(".bashrc", "");
    let folder = scratch.home.join(".local/share/treehop");
    fs::create_dir_all(&folder).unwrap();
    mode(&folder, 0o777);
    let out = scratch.treehop(&scratch.home, ["install", "bash"]);
    assert!(out.fails(1).contains("another user can write to"));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    assert_eq!(fs::read(scratch.home.join(".bashrc")).unwrap(), b"");
    mode(&folder, 0o755);
    scratch.treehop(&scratch.home, ["install", "bash"]).json();
    mode(&folder, 0o777);
    let checks = scratch.treehop(&scratch.home, ["doctor"]).json();
    let mut checks = checks["checks"].as_array().unwrap().iter();
    let bash = checks
        .find(|check| check["name"] == "bash integration")
        .unwrap();
    assert_eq!(bash["status"], "bad", "{bash}");
    counted("traps walked over", 1);
}

/// A lock file that is none, or another user's.
#[test]
fn lock_files_of_others() {
    let repo = Repo::guide();
    let canaries = Canaries::new(&repo);
    let claude = repo.scratch.bin.join("claude");
    canaries.at(&claude, "claude");
    let git_dir = repo.git_in(&repo.auth(), ["rev-parse", "--absolute-git-dir"]);
    let lock = Path::new(&git_dir).join("treehop-claude.lock");
    // One that leads to a file of mine: nothing is written there.
    let mine = repo.scratch.write("mine", "all of my work\n");
    symlink(&mine, &lock).unwrap();
    repo.treehop(["claude", "auth"]).fails(1);
    repo.treehop(["list"]).json();
    assert_eq!(fs::read_to_string(&mine).unwrap(), "all of my work\n");
    assert_eq!(canaries.ran(), [""; 0]);
    fs::remove_file(&lock).unwrap();
    // One that I may only read: it is locked all the same.
    fs::write(&lock, "{}\n").unwrap();
    mode(&lock, 0o444);
    let mut command = if is_root() {
        give_away(&lock, 0);
        let less = "-dac_override,-dac_read_search,-fowner";
        let mut command = repo.scratch.command("setpriv", &repo.main);
        command.args(["--bounding-set", less, "--inh-caps", less]);
        command.arg(tools::treehop());
        command
    } else {
        repo.scratch.command(tools::treehop(), &repo.main)
    };
    let out = command.args(["claude", "auth"]).output().unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    assert_eq!(canaries.ran(), ["claude"]);
    assert_eq!(fs::read_to_string(&lock).unwrap(), "{}\n");
    // One that somebody else holds.
    let held = fs::File::open(&lock).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    repo.treehop(["claude", "auth"]).fails(5);
    repo.treehop(["remove", "auth"]).fails(5);
    assert_eq!(canaries.ran(), [""; 0]);
    counted("traps walked over", 3);
}

/// Whoever can read a lock file can hold its lock, and nothing would ever go on.
#[test]
fn nobody_else_gets_at_the_locks() {
    let repo = Repo::guide();
    let claude = repo.scratch.bin.join("claude");
    Canaries::new(&repo).at(&claude, "claude");
    repo.treehop(["new", "x", "--no-setup"]).json();
    repo.treehop(["claude", "auth"]).ok();
    repo.treehop(["setup", "auth"]).json();
    let git_dir = repo.git_in(&repo.auth(), ["rev-parse", "--absolute-git-dir"]);
    let own = Path::new(&git_dir);
    for file in [
        repo.main.join(".git/treehop"),
        own.join("treehop-claude.lock"),
        own.join("treehop-setup.log"),
    ] {
        let mode = fs::metadata(&file).unwrap().mode();
        assert_eq!(mode & 0o007, 0, "{}", file.display());
        counted("traps walked over", 1);
    }
}

/// What others could put into PATH by writing to the worktree, or to what its environment leads to.
#[test]
fn an_environment_that_others_can_change_is_not_activated() {
    let repo = Repo::new();
    let venv = repo.venv(&repo.main);
    let found = || repo.treehop(["here", "--fields", "venv"]).line();
    assert_eq!(Path::new(&found()), venv);
    for dir in [repo.main.clone(), venv.clone(), venv.join("bin")] {
        mode(&dir, 0o777);
        assert_eq!(found(), "", "{}", dir.display());
        mode(&dir, 0o755);
    }
    assert_eq!(Path::new(&found()), venv);
    counted("traps walked over", 3);
}
