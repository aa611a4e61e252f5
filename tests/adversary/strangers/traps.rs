//! What a repository may hold that runs: each trap is sprung once, to see that it is one, and then walked over.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::Canaries;
use crate::common::{Repo, tools};
use crate::counted;

/// What only looks: in a prompt, at a Tab, in a script, and what people look at.
const LOOKING: [&[&str]; 9] = [
    &["here"],
    &["list"],
    &["find", "auth"],
    &["find", "--all"],
    &["find", "--partial", "--all", "au"],
    &["new", "--candidates"],
    &["undo", "--list"],
    &["doctor"],
    FULL,
];
/// This asks what `git status` does.
const FULL: &[&str] = &["list", "--full"];

pub struct Trap {
    pub name: &'static str,
    /// Lays it in the main worktree and the repository.
    pub lay: fn(&Repo, &Canaries),
    /// What somebody types there who falls into it.
    spring: &'static str,
    /// Does `git status` run it as well, and so what asks the same?
    status: bool,
}

const fn trap(name: &'static str, spring: &'static str, lay: fn(&Repo, &Canaries)) -> Trap {
    Trap {
        name,
        lay,
        spring,
        status: false,
    }
}

pub const TRAPS: [Trap; 12] = [
    trap("tracked-venv", ".venv/bin/ls", |repo, canaries| {
        let venv = repo.venv(&repo.main);
        for name in ["ls", "git", "treehop", "python3", "activate"] {
            let _ = fs::remove_file(venv.join("bin").join(name));
            canaries.at(&venv.join("bin").join(name), "tracked-venv");
        }
        repo.git(["add", "-f", ".venv"]);
    }),
    trap("venv-behind-links", "venv/bin/ls", |repo, canaries| {
        let tools = repo.main.join("tools");
        repo.venv_at(&tools);
        canaries.at(&tools.join("bin/ls"), "venv-behind-links");
        // The link is not tracked, but what it leads to is.
        symlink("tools", repo.main.join("venv")).unwrap();
        repo.git(["add", "tools"]);
    }),
    trap("fsmonitor", "git status", |repo, canaries| {
        repo.git(["config", "core.fsmonitor", &canaries.program("fsmonitor")]);
    }),
    trap("hooks", "git checkout -q -b other", |repo, canaries| {
        for hook in [
            "post-checkout",
            "post-index-change",
            "reference-transaction",
            "pre-auto-gc",
            "fsmonitor-watchman",
        ] {
            canaries.at(&repo.main.join("hooks").join(hook), "hooks");
        }
        let hooks = repo.main.join("hooks");
        repo.git(["config", "core.hooksPath", hooks.to_str().unwrap()]);
    }),
    trap("aliases", "git worktrees", |repo, canaries| {
        let run = format!("!{}", canaries.program("aliases"));
        for alias in [
            "worktrees",
            "treehop",
            "status",
            "worktree",
            "rev-parse",
            "for-each-ref",
        ] {
            repo.git(["config", &format!("alias.{alias}"), &run]);
        }
    }),
    trap("envrc", ". ./.envrc", |repo, canaries| {
        fs::write(repo.main.join(".envrc"), canaries.script("envrc")).unwrap();
    }),
    Trap {
        status: true,
        ..trap("filters", "git add src", |repo, canaries| {
            fs::write(repo.main.join(".gitattributes"), "* filter=evil\n").unwrap();
            let run = canaries.program("filters");
            for key in ["clean", "smudge", "process"] {
                repo.git(["config", &format!("filter.evil.{key}"), &run]);
            }
            // Somebody has to look into it to know whether it was changed.
            fs::write(repo.main.join("src/server.py"), "print('hellO')\n").unwrap();
        })
    },
    trap("include", "git status", |repo, canaries| {
        let run = canaries.program("include");
        let text = format!("[core]\n fsmonitor = {run}\n pager = {run}\n[treehop]\n venv = evil\n");
        fs::write(repo.main.join("evil.config"), text).unwrap();
        repo.git(["config", "include.path", "../evil.config"]);
        let venv = repo.venv_at(&repo.main.join("evil"));
        canaries.at(&venv.join("bin/ls"), "include");
        repo.git(["add", "-f", "evil"]);
    }),
    trap(
        "programs",
        "git --paginate log; git diff HEAD",
        |repo, canaries| {
            let run = canaries.program("programs");
            for key in [
                "core.pager",
                "core.editor",
                "core.sshCommand",
                "core.askPass",
                "core.gitProxy",
                "diff.external",
                "credential.helper",
                "gpg.program",
                "sequence.editor",
                "interactive.diffFilter",
                "log.showSignature",
                "treehop.claude",
                "treehop.setup",
            ] {
                let value = if key.ends_with("Signature") {
                    "true"
                } else {
                    &run
                };
                repo.git(["config", key, value]);
            }
            fs::write(repo.main.join("src/server.py"), "changed\n").unwrap();
        },
    ),
    trap(
        "lazy-fetch",
        "git cat-file -p \"$(git rev-parse HEAD:src)\"",
        |repo, canaries| {
            let run = canaries.program("lazy-fetch");
            for (key, value) in [
                ("core.repositoryFormatVersion", "1"),
                ("extensions.partialClone", "origin"),
                ("remote.origin.url", &format!("ext::{run}")),
                ("remote.origin.promisor", "true"),
                ("remote.origin.partialclonefilter", "blob:none"),
                ("protocol.ext.allow", "always"),
            ] {
                repo.git(["config", key, value]);
            }
            let tree = repo.git(["rev-parse", "HEAD:src"]);
            let object = repo
                .main
                .join(".git/objects")
                .join(&tree[..2])
                .join(&tree[2..]);
            fs::remove_file(object).unwrap();
            repo.git(["config", "core.untrackedCache", "false"]);
        },
    ),
    trap("embedded", "cd evil && git status", embedded),
    // The same, as a worktree of the repository that it was committed into.
    trap(
        "embedded-worktree",
        "evil-worktree/wt/.venv/bin/ls",
        |repo, canaries| {
            let evil = repo.main.join("evil-worktree");
            let venv = repo.venv_at(&evil.join("wt/.venv"));
            canaries.at(&venv.join("bin/ls"), "embedded-worktree");
            for (file, text) in [
                ("HEAD", "ref: refs/heads/main\n"),
                ("commondir", "../.git\n"),
                ("gitdir", "wt/.git\n"),
            ] {
                fs::write(evil.join(file), text).unwrap();
            }
            repo.git(["add", "-f", "evil-worktree"]);
        },
    ),
];

/// A repository that was committed into another: its settings say that it has a worktree, and its index says that
/// nothing there is tracked.
fn embedded(repo: &Repo, canaries: &Canaries) {
    let evil = repo.main.join("evil");
    let run = canaries.program("embedded");
    let path = evil.to_str().unwrap();
    repo.git(["init", "-q", "--bare", path]);
    for (key, value) in [
        ("core.bare", "false"),
        ("core.worktree", "."),
        ("core.fsmonitor", &run),
    ] {
        repo.git(["config", "-f", &format!("{path}/config"), key, value]);
    }
    let _ = fs::remove_dir_all(evil.join("hooks"));
    for dir in ["objects", "refs"] {
        fs::write(evil.join(dir).join("kept"), "").unwrap();
    }
    let venv = repo.venv(&evil);
    canaries.at(&venv.join("bin/ls"), "embedded");
    repo.git(["add", "-f", "evil"]);
}

/// Runs `line` as somebody types it in `dir`.
fn types(repo: &Repo, dir: &Path, line: &str) {
    let mut sh = repo.scratch.command("sh", dir);
    let _ = sh.args(["-c", line]).output().unwrap();
}

#[test]
fn nothing_of_it_runs() {
    for trap in &TRAPS {
        let name = trap.name;
        // Twice, since what springs it may disarm it.
        for armed in [false, true] {
            let repo = Repo::new();
            let canaries = Canaries::new(&repo);
            (trap.lay)(&repo, &canaries);
            if !["programs", "filters", "lazy-fetch"].contains(&name) {
                repo.git([
                    "-c",
                    "core.fsmonitor=false",
                    "-c",
                    "core.hooksPath=/dev/null",
                    "commit",
                    "-q",
                    "--allow-empty",
                    "-m",
                    name,
                ]);
                repo.git([
                    "-c",
                    "core.hooksPath=/dev/null",
                    "-c",
                    "core.fsmonitor=false",
                    "worktree",
                    "add",
                    "-q",
                    "-b",
                    "feature/auth",
                    "../auth",
                ]);
            }
            canaries.ran();
            if !armed {
                types(&repo, &repo.main, trap.spring);
                assert_eq!(canaries.ran(), [name], "it is no trap");
                continue;
            }
            counted("traps walked over", 1);
            let dirs = [
                repo.main.clone(),
                repo.main.join("src"),
                repo.tree("auth"),
                repo.main.join("evil"),
                repo.main.join("evil-worktree"),
                repo.main.join("evil-worktree/wt"),
            ];
            for dir in dirs.iter().filter(|dir| dir.exists()) {
                for args in LOOKING {
                    let out = repo.treehop_in(dir, args);
                    let allowed = trap.status && args == FULL;
                    let ran = canaries.ran();
                    out.expect(
                        ran.is_empty() || allowed,
                        &format!("{name} ran in {}", dir.display()),
                    );
                }
                // None of these is to be put into PATH.
                let ceiling = [("GIT_CEILING_DIRECTORIES", OsStr::new("/nowhere"))];
                for env in [&[][..], &ceiling] {
                    let here = repo
                        .scratch
                        .treehop_env(dir, ["here", "--fields", "venv"], env);
                    here.expect(
                        here.stdout.trim_ascii().is_empty(),
                        &format!("{name}: a venv"),
                    );
                }
                let fed = format!("{{\"cwd\": {dir:?}}}");
                types(
                    &repo,
                    dir,
                    &format!("printf %s '{fed}' | treehop statusline"),
                );
                assert!(
                    canaries.ran().is_empty() || trap.status,
                    "{name} ran for the status line"
                );
            }
        }
    }
}

/// A format that treehop asks git about: every question may fetch, too.
#[test]
fn what_is_missing_is_not_fetched() {
    let repo = Repo::init(
        &crate::common::Scratch::new(),
        "theirs",
        &["--object-format=sha256"],
    );
    let canaries = Canaries::new(&repo);
    let run = canaries.program("fetch");
    for (key, value) in [
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", &format!("ext::{run}")),
        ("remote.origin.promisor", "true"),
        ("protocol.ext.allow", "always"),
    ] {
        repo.git(["config", key, value]);
    }
    let head = repo.git(["rev-parse", "HEAD"]);
    fs::remove_file(
        repo.main
            .join(".git/objects")
            .join(&head[..2])
            .join(&head[2..]),
    )
    .unwrap();
    types(&repo, &repo.main, "git log");
    assert_eq!(canaries.ran(), ["fetch"], "it is no trap");
    for args in LOOKING {
        let out = repo.treehop(args);
        out.expect(canaries.ran().is_empty(), "fetched");
    }
}

/// Many have `./bin` or `.` in their PATH.
#[test]
fn programs_in_relative_parts_of_path_are_not_run() {
    let repo = Repo::new();
    let canaries = Canaries::new(&repo);
    let dir = repo.main.join("bin");
    for name in [
        "git", "claude", "bash", "zsh", "fish", "nu", "ssh", "gh", "npm",
    ] {
        canaries.at(&dir.join(name), "relative");
    }
    let path = &repo.scratch.env()[OsStr::new("PATH")];
    let path = [OsStr::new("./bin:bin:."), path].join(OsStr::new(":"));
    let mut sh = repo.scratch.command(tools::program("sh"), &repo.main);
    let _ = sh.env("PATH", &path).args(["-c", "git version"]).output();
    assert_eq!(canaries.ran(), ["relative"], "it is no trap");
    for bare in ["true", "false"] {
        // A bare one is git's to find.
        repo.git(["config", "core.bare", bare]);
        for dir in [&repo.main, &repo.main.join(".git"), &dir] {
            for args in LOOKING {
                let out = repo.scratch.treehop_env(dir, args, &[("PATH", &path)]);
                out.expect(canaries.ran().is_empty(), "a program of theirs ran");
            }
        }
    }
    let doctor = repo
        .scratch
        .treehop_env(&repo.main, ["doctor"], &[("PATH", &path)]);
    let checks = doctor.json();
    let warned = checks["checks"]
        .as_array()
        .unwrap()
        .iter()
        .any(|check| check["name"] == "PATH");
    doctor.expect(warned, "doctor says so");
}
