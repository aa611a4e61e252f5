//! Many commands at once on one repository: what was there before is accounted for afterwards.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::common::claude::offline;
use crate::common::tmux::{Tmux, until};
use crate::common::{Repo, tools};
use crate::counted;
use crate::names::generator::Generator;

/// How many commands run at once, on how many worktrees.
const AT_ONCE: usize = 50;
const TREES: usize = 16;

/// One repository that all work on, and what they have put into it.
struct Field {
    env: BTreeMap<OsString, OsString>,
    main: PathBuf,
    git: PathBuf,
    /// The marks of what was committed or written.
    marks: Mutex<Vec<String>>,
    run: AtomicUsize,
    /// What ended in a way that no command may end in.
    wrong: Mutex<Vec<String>>,
}

impl Field {
    fn command(&self, program: &Path, dir: &Path, args: &[&str]) -> Option<Output> {
        let mut command = Command::new(program);
        let command = command
            .args(args)
            .current_dir(dir)
            .env_clear()
            .envs(&self.env);
        self.run.fetch_add(1, Ordering::Relaxed);
        // The directory may be gone.
        command.stdin(Stdio::null()).output().ok()
    }

    fn git(&self, dir: &Path, args: &[&str]) -> bool {
        let out = self.command(&self.git, dir, args);
        out.is_some_and(|out| out.status.success())
    }

    /// Runs treehop, which ends with a status that has a meaning, and says why where it fails.
    fn treehop(&self, dir: &Path, args: &[&str]) {
        let Some(out) = self.command(tools::treehop(), dir, args) else {
            return;
        };
        let said = String::from_utf8_lossy(&out.stderr);
        let right = match out.status.code() {
            Some(0) => !out.stdout.is_empty(),
            Some(1..=6) => out.stdout.is_empty() && said.contains("treehop: "),
            _ => false,
        };
        if !right {
            self.wrong
                .lock()
                .unwrap()
                .push(format!("{args:?}: {:?}\n{said}", out.status));
        }
    }

    fn tree(&self, number: usize) -> PathBuf {
        self.main.with_file_name(format!("bitsandbytes-b{number}"))
    }

    fn made(&self, mark: String) {
        self.marks.lock().unwrap().push(mark);
    }

    /// Writes a file of its own. Where that has gone well, somebody has work there.
    fn write(&self, file: &Path, mark: String) {
        if fs::write(file, &mark).is_ok() {
            self.made(mark);
        }
    }

    /// Adds a line to a file that git tracks.
    fn change(&self, file: &Path, mark: String) {
        let open = OpenOptions::new().append(true).open(file);
        if open.and_then(|mut file| writeln!(file, "{mark}")).is_ok() {
            self.made(mark);
        }
    }

    fn commit(&self, dir: &Path, mark: String) {
        let file = format!("c-{mark}");
        let words = ["commit", "-q", "-m", &mark, "--", &file];
        if fs::write(dir.join(&file), "committed\n").is_ok()
            && self.git(dir, &["add", "-f", "--", &file])
            && self.git(dir, &words)
        {
            self.made(mark);
        }
    }

    /// One thing that people, their tools or a session do.
    fn step(&self, thread: usize, step: usize, luck: &mut Generator) {
        let number = luck.below(TREES);
        let (tree, branch) = (self.tree(number), format!("b{number}"));
        // A text that is nowhere else.
        let (main, mark) = (self.main.as_path(), format!("mark-{thread}-{step}-end"));
        match luck.below(48) {
            0..=4 => self.treehop(main, &["new", "--no-setup", &branch]),
            5 => self.treehop(main, &["new", "--no-setup", "--carry", &branch]),
            6..=7 => self.treehop(main, &["remove", &branch]),
            8..=15 => self.treehop(main, &["remove", "--force", &branch]),
            16..=22 => self.treehop(main, &["undo", &branch]),
            23 => self.treehop(main, &["undo"]),
            24..=25 => self.treehop(main, &["merge", &branch]),
            26 => self.treehop(main, &["prune"]),
            27 => self.treehop(main, &["prune", "--merged"]),
            28 => self.treehop(main, &["list", "--full"]),
            29 => self.treehop(&tree, &["here"]),
            30 => self.treehop(main, &["find", "--all", &branch]),
            31 => self.treehop(main, &["remove", "feature/auth"]),
            32..=35 => self.commit(&tree, mark),
            36..=42 => self.write(&tree.join(format!("u-{mark}")), mark),
            43 => self.change(&tree.join("src/server.py"), mark),
            44 => self.write(&main.join(format!("u-{mark}")), mark),
            45 => drop(self.git(main, &["pack-refs", "--all"])),
            // It takes long on a machine with so much to do.
            46 if luck.below(4) == 0 => drop(self.git(main, &["gc", "--quiet"])),
            _ => drop(self.git(&tree, &["status"])),
        }
    }
}

/// All that a ref, an index or a worktree holds, in one.
fn all_there_is(field: &Field, repo: &Repo) -> HashSet<String> {
    let objects = repo.git([
        "rev-list",
        "--all",
        "--indexed-objects",
        "--objects",
        "--no-object-names",
    ]);
    let list = repo.scratch.root.join("objects");
    fs::write(&list, objects).unwrap();
    let mut cat = repo.scratch.command(&field.git, &repo.main);
    let cat = cat
        .args(["cat-file", "--batch", "--buffer"])
        .stdin(fs::File::open(list).unwrap());
    let mut all = cat.output().unwrap().stdout;
    files(repo.main.parent().unwrap(), &mut all);
    // What git ignores is kept beside its objects.
    files(&repo.main.join(".git/treehop"), &mut all);
    let text = String::from_utf8_lossy(&all);
    let marks = text
        .split("mark-")
        .skip(1)
        .filter_map(|rest| Some(format!("mark-{}-end", rest.split_once("-end")?.0)));
    marks.collect()
}

/// The content of all files below `dir`, without git's own.
fn files(dir: &Path, all: &mut Vec<u8>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            if entry.file_name() != ".git" {
                files(&path, all);
            }
        } else {
            all.extend(fs::read(path).unwrap_or_default());
        }
    }
}

/// `RACE_SECONDS` says for how many seconds; `tests/run.sh` runs it alone, as it takes all there is of a machine.
#[test]
#[ignore = "two minutes of all processors: tests/run.sh runs it by itself"]
fn commands_at_once_lose_nothing() {
    let seconds = std::env::var("RACE_SECONDS").map_or(120, |seconds| seconds.parse().unwrap());
    let repo = Repo::guide();
    let field = Field {
        env: repo.scratch.env(),
        main: repo.main.clone(),
        git: tools::program("git"),
        marks: Mutex::default(),
        run: AtomicUsize::new(0),
        wrong: Mutex::default(),
    };
    let claude = session(&repo);
    let end = Instant::now() + Duration::from_secs(seconds);
    std::thread::scope(|scope| {
        for thread in 0..AT_ONCE {
            let field = &field;
            scope.spawn(move || {
                let mut luck = Generator::new(1 + thread as u64);
                for step in (0..).take_while(|_| Instant::now() < end) {
                    field.step(thread, step, &mut luck);
                }
            });
        }
    });
    assert!(
        !claude.screen().dead && repo.auth().is_dir(),
        "a live session's worktree stays:\n{}",
        claude.screen()
    );
    drop(claude);
    // What was left to be deleted behind is deleted, and nothing is left half-done.
    repo.treehop(["prune"]).ok();
    let trash = repo.main.join(".git/treehop/trash");
    until("what is deleted behind", || {
        fs::read_dir(&trash).map_or(0, Iterator::count) == 0
    });
    let fsck = repo.git(["fsck", "--full", "--no-dangling"]);
    assert_eq!(fsck, "", "git calls it sound");
    repo.treehop(["list", "--full"]).json();
    let there = all_there_is(&field, &repo);
    let marks = field.marks.into_inner().unwrap();
    let lost: Vec<_> = marks.iter().filter(|mark| !there.contains(*mark)).collect();
    counted("races run", field.run.load(Ordering::Relaxed));
    counted("lost", lost.len());
    let wrong = field.wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} of them ended wrongly:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    assert!(
        lost.is_empty(),
        "{} of {} are lost: {lost:?}",
        lost.len(),
        marks.len()
    );
    assert!(marks.len() > 20, "something was done: {}", marks.len());
}

/// The real claude, at rest in a worktree.
fn session(repo: &Repo) -> Tmux {
    let mut env = repo.scratch.env();
    // Nobody listens there.
    let variables = offline(repo, "http://127.0.0.1:9").into_iter();
    env.extend(variables.map(|(name, value)| (name.into(), value.into())));
    let program = [tools::treehop().into(), "claude".into(), "auth".into()];
    let claude = Tmux::start(&repo.scratch, &env, &repo.main, (120, 40), &program);
    until("a session", || {
        let found = repo.treehop(["find", "feature/auth"]).json();
        found["worktree"]["claude"]["live"][0]["status"] == "idle"
    });
    claude
}

/// What is deleted behind a removal is never what `undo` brings back meanwhile.
#[test]
fn undo_beside_what_is_deleted_behind() {
    let repo = Repo::new();
    let tree = repo.worktree("big");
    for number in 0..1500 {
        fs::write(tree.join(format!("f{number}")), format!("{number}\n")).unwrap();
    }
    for round in 0..6 {
        repo.treehop(["remove", "--force", "big"]).ok();
        repo.treehop(["undo", "big"]).ok();
        for number in 0..1500 {
            let file = fs::read_to_string(tree.join(format!("f{number}")));
            assert_eq!(file.ok(), Some(format!("{number}\n")), "round {round}");
        }
    }
}
