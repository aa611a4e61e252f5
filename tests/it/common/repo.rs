//! Real repositories in a scratch home that nothing of the user's reaches.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use super::tools;

/// A home directory, a `bin` that is first on `PATH`, and an environment made from nothing.
pub struct Scratch {
    _dir: tempfile::TempDir,
    /// The real path of everything.
    pub root: PathBuf,
    /// `$HOME`.
    pub home: PathBuf,
    /// First on `PATH`; holds treehop.
    pub bin: PathBuf,
}

impl Scratch {
    /// An empty home with treehop on `PATH`.
    pub fn new() -> Rc<Scratch> {
        let dir = tempfile::Builder::new()
            .prefix("treehop-")
            .tempdir()
            .expect("a temporary directory");
        let root = dir.path().canonicalize().expect("its real path");
        let scratch = Scratch {
            _dir: dir,
            home: root.join("home"),
            bin: root.join("bin"),
            root,
        };
        for dir in [
            &scratch.bin,
            &scratch.home.join("git"),
            &scratch.root.join("tmp"),
        ] {
            fs::create_dir_all(dir).expect("a scratch directory");
        }
        tools::link(tools::treehop(), &scratch.bin.join("treehop"));
        fs::write(
            scratch.home.join(".gitconfig"),
            "[user]\n name = A Developer\n email = dev@example.com\n[init]\n defaultBranch = main\n\
             [commit]\n gpgSign = false\n[protocol \"file\"]\n allow = always\n[advice]\n detachedHead = false\n",
        )
        .expect("a git configuration");
        Rc::new(scratch)
    }

    /// Puts the machine's `program` on `PATH`.
    pub fn with(&self, program: &str) -> &Self {
        tools::link(&tools::program(program), &self.bin.join(program));
        self
    }

    /// Puts a script named `name` first on `PATH`.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let file = self.bin.join(name);
        let _ = fs::remove_file(&file);
        fs::write(&file, format!("#!/bin/sh\n{text}\n")).expect("a script");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))
            .expect("an executable script");
        file
    }

    /// The whole environment of a test; nothing is inherited.
    pub fn env(&self) -> BTreeMap<OsString, OsString> {
        let home = |dir: &str| self.home.join(dir).into_os_string();
        let path = std::env::join_paths([&self.bin, tools::directory()]).expect("a PATH");
        let date = "2024-05-01T12:00:00Z";
        [
            ("HOME", self.home.clone().into()),
            ("PATH", path),
            ("TMPDIR", self.root.join("tmp").into()),
            ("XDG_CONFIG_HOME", home(".config")),
            ("XDG_STATE_HOME", home(".local/state")),
            ("XDG_DATA_HOME", home(".local/share")),
            ("XDG_CACHE_HOME", home(".cache")),
            ("LC_ALL", "C.UTF-8".into()),
            ("TZ", "UTC".into()),
            ("USER", "dev".into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_AUTHOR_DATE", date.into()),
            ("GIT_COMMITTER_DATE", date.into()),
        ]
        .map(|(k, v): (&str, OsString)| (k.into(), v))
        .into()
    }

    /// `program` in that environment.
    pub fn command(&self, program: impl AsRef<OsStr>, dir: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(self.env())
            .current_dir(dir)
            .stdin(std::process::Stdio::null());
        command
    }

    /// Runs git in `dir` and returns what it prints, without the last newline.
    pub fn git<A: AsRef<OsStr>>(&self, dir: &Path, args: impl IntoIterator<Item = A>) -> String {
        let mut command = self.command(tools::program("git"), dir);
        let out = command.args(args).output().expect("git runs");
        let text = String::from_utf8_lossy(&out.stdout).trim_end().to_owned();
        let error = String::from_utf8_lossy(&out.stderr);
        assert!(
            out.status.success(),
            "{command:?} in {}\n{text}\n{error}",
            dir.display()
        );
        text
    }

    /// Runs git where it may fail, as a merge that conflicts does.
    pub fn git_may_fail<A: AsRef<OsStr>>(
        &self,
        dir: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> bool {
        self.command(tools::program("git"), dir)
            .args(args)
            .output()
            .expect("git runs")
            .status
            .success()
    }

    /// Writes a file, its directories too.
    pub fn write(&self, file: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let file = self.home.join(file);
        fs::create_dir_all(file.parent().expect("a directory")).expect("its directory");
        fs::write(&file, text).expect("a file");
        file
    }
}

/// A repository below `~/git`, with one commit.
pub struct Repo {
    /// Where it lives.
    pub scratch: Rc<Scratch>,
    /// The main worktree.
    pub main: PathBuf,
}

impl Repo {
    /// `~/git/bitsandbytes` on main.
    pub fn new() -> Repo {
        Repo::named(&Scratch::new(), "bitsandbytes")
    }

    /// `~/git/NAME` on main, in a home that may hold others.
    pub fn named(scratch: &Rc<Scratch>, name: impl AsRef<Path>) -> Repo {
        Repo::init(scratch, name, &[])
    }

    /// The same with arguments for `git init`.
    pub fn init(scratch: &Rc<Scratch>, name: impl AsRef<Path>, args: &[&str]) -> Repo {
        let main = scratch.home.join("git").join(name);
        fs::create_dir_all(&main).expect("the main worktree");
        scratch.git(&main, ["init", "-q"].iter().chain(args));
        fs::write(main.join(".gitignore"), ".venv\nvenv\n").expect("a .gitignore");
        fs::create_dir(main.join("src")).expect("src");
        fs::write(main.join("src/server.py"), "print('hello')\n").expect("a file");
        let repo = Repo {
            scratch: Rc::clone(scratch),
            main,
        };
        repo.git(["add", "."]);
        repo.git(["commit", "-q", "-m", "start"]);
        repo
    }

    /// Exactly the layout of the guide.
    pub fn guide() -> Repo {
        let repo = Repo::new();
        repo.worktree("feature/auth");
        repo.worktree_at("fix/issue-422", "bitsandbytes-fix-422");
        repo.worktree_at("experiment/new-quantizer", "bitsandbytes-experiment");
        repo
    }

    /// A new branch in a worktree beside the main one, at `../bitsandbytes-feature-auth`.
    pub fn worktree(&self, branch: &str) -> PathBuf {
        let slug: Vec<&str> = branch
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'))
            .collect();
        let slug: Vec<&str> = slug.into_iter().filter(|part| !part.is_empty()).collect();
        let name = self.main.file_name().expect("a name").to_string_lossy();
        self.worktree_at(branch, format!("{name}-{}", slug.join("-")))
    }

    /// A new branch in a worktree with a directory of that name.
    pub fn worktree_at(&self, branch: &str, directory: impl AsRef<Path>) -> PathBuf {
        let path = self.tree(directory);
        self.git(
            ["worktree", "add", "-q", "-b", branch, "--"]
                .map(OsStr::new)
                .iter()
                .chain(&[path.as_os_str()]),
        );
        path
    }

    /// The directory beside the main worktree.
    pub fn tree(&self, directory: impl AsRef<Path>) -> PathBuf {
        self.main.parent().expect("a parent").join(directory)
    }

    /// `~/git/bitsandbytes-feature-auth`
    pub fn auth(&self) -> PathBuf {
        self.tree("bitsandbytes-feature-auth")
    }

    /// `~/git/bitsandbytes-fix-422`
    pub fn fix(&self) -> PathBuf {
        self.tree("bitsandbytes-fix-422")
    }

    /// `~/git/bitsandbytes-experiment`
    pub fn experiment(&self) -> PathBuf {
        self.tree("bitsandbytes-experiment")
    }

    /// Runs git in the main worktree.
    pub fn git<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> String {
        self.scratch.git(&self.main, args)
    }

    /// Runs git somewhere else.
    pub fn git_in<A: AsRef<OsStr>>(&self, dir: &Path, args: impl IntoIterator<Item = A>) -> String {
        self.scratch.git(dir, args)
    }

    /// Commits one file in the worktree `dir`.
    pub fn commit(&self, dir: &Path, file: &str, text: &str) {
        self.scratch.write(dir.join(file), text);
        self.git_in(dir, ["add", "-f", "--", file]);
        self.git_in(dir, ["commit", "-q", "-m", &format!("change {file}")]);
    }

    /// A venv in a worktree with what Python's own has, made in a moment.
    pub fn venv(&self, worktree: &Path) -> PathBuf {
        self.venv_at(&worktree.join(".venv"))
    }

    /// The same at any place.
    pub fn venv_at(&self, venv: &Path) -> PathBuf {
        fs::create_dir_all(venv.join("bin")).expect("bin");
        fs::write(
            venv.join("pyvenv.cfg"),
            "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.2\n",
        )
        .expect("pyvenv.cfg");
        let python = tools::program("python3");
        for name in ["python", "python3"] {
            tools::link(&python, &venv.join("bin").join(name));
        }
        // Sourcing it is what treehop never does: whoever does leaves a mark.
        let mark = self.scratch.root.join("activate-was-sourced");
        for (name, how) in [
            ("activate", "touch"),
            ("activate.fish", "touch"),
            ("activate.nu", "^touch"),
        ] {
            fs::write(
                venv.join("bin").join(name),
                format!("{how} '{}'\n", mark.display()),
            )
            .expect("activate");
        }
        venv.to_owned()
    }

    /// A venv from Python itself.
    pub fn real_venv(&self, worktree: &Path) -> PathBuf {
        let mut python = self.scratch.command(tools::program("python3"), worktree);
        let out = python
            .args(["-m", "venv", "--without-pip", ".venv"])
            .output()
            .expect("python3 runs");
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        worktree.join(".venv")
    }

    /// Starts a rebase of `branch` (in the worktree `dir`) that stops at a conflict.
    pub fn rebase_in(&self, dir: &Path) {
        self.conflict(dir);
        assert!(
            !self.scratch.git_may_fail(dir, ["rebase", "main"]),
            "the rebase stops"
        );
    }

    /// Gives main and the branch in `dir` changes that cannot be merged.
    pub fn conflict(&self, dir: &Path) {
        self.commit(dir, "README", "theirs\n");
        self.commit(&self.main, "README", "ours\n");
    }
}

/// Whether the machine's git is at least 2.MINOR: what an older one cannot make, no user of it has.
pub fn git_has(minor: u32) -> bool {
    let out = Command::new(tools::program("git"))
        .arg("version")
        .output()
        .expect("git runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let mut parts = text
        .split_whitespace()
        .nth(2)
        .unwrap_or_default()
        .split('.')
        .map(str::parse::<u32>);
    let (major, found) = (
        parts.next().and_then(Result::ok),
        parts.next().and_then(Result::ok),
    );
    major > Some(2) || found >= Some(minor)
}
