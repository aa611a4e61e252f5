//! Hostile names in the four shells: what they type out, show in prompt, list and picker, make, remove and bring back.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use super::generator::Generator;
use super::{nothing_ran, obeyed};
use crate::common::shell::Session;
use crate::common::{Repo, Shell};
use crate::counted;

/// A worktree with one name that is hostile: its branch's or its directory's.
struct Tree {
    path: PathBuf,
    branch: OsString,
    /// What means it and can be typed.
    query: String,
}

fn trees(repo: &Repo, names: &mut Generator, shell: Shell) -> Vec<Tree> {
    // A value in nu is UTF-8, and its `cd` takes controls out of it.
    let fits = |name: &OsStr| {
        shell != Shell::Nu
            || name
                .to_str()
                .is_some_and(|name| !name.contains(char::is_control))
    };
    let mut next = |number: usize, make: fn(&mut Generator, usize) -> OsString| {
        loop {
            let name = make(names, number);
            // A path with a newline is refused where lines are read (tests/it/odd.rs).
            if fits(&name) && !name.to_string_lossy().contains('\n') {
                return name;
            }
        }
    };
    let made = (0..40).map(|number| {
        let (directory, branch, query) = if number % 2 == 0 {
            let branch = next(number, Generator::branch);
            (format!("w{number}").into(), branch, format!("w{number}"))
        } else {
            let branch = format!("d{number}");
            (
                next(number, Generator::directory),
                branch.clone().into(),
                branch,
            )
        };
        let path = repo.tree(&directory);
        let words = ["worktree", "add", "-q", "-b"].map(OsStr::new).into_iter();
        repo.git(words.chain([branch.as_os_str(), "--".as_ref(), path.as_os_str()]));
        Tree {
            path,
            branch,
            query,
        }
    });
    made.collect()
}

/// What is left of the bytes of a name on a screen: all that no width can be argued about.
fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).collect()
}

/// Types `line`, and sees by a probe that this led to `tree`; the prompt shows its name as text.
#[track_caller]
fn leads_to(s: &mut Session, line: &str, tree: &Tree) {
    let probe = format!("{line}; probe {}", s.shell.status());
    let probe = s.probe_by(&probe);
    probe
        .status(0)
        .at(&tree.path)
        .branch(&tree.branch.to_string_lossy());
    let prompt = probe
        .var("TREEHOP_PROMPT")
        .unwrap()
        .to_string_lossy()
        .into_owned();
    let shown = tree.branch.to_string_lossy().replace(obeyed, "?");
    assert!(prompt.starts_with(&shown), "{prompt:?} for {shown:?}");
    s.tmux.wait("the prompt", |screen| {
        letters(screen.cursor_line()) == letters(&format!("{prompt} READY>"))
    });
}

fn typed(s: &Session) -> String {
    let screen = s.tmux.screen();
    let line = screen.cursor_line();
    line.rsplit_once("READY> ")
        .map_or(line, |(_, line)| line)
        .trim_end()
        .to_owned()
}

/// `TREEHOP_TEST_SEEDS=25` tries a thousand names in each shell; by itself it is forty.
fn through_all(shell: Shell, seed: u64) {
    let seeds = std::env::var("TREEHOP_TEST_SEEDS")
        .ok()
        .and_then(|seeds| seeds.parse().ok())
        .unwrap_or(1);
    for more in 0..seeds {
        through(shell, seed + 100 * more);
    }
}

fn through(shell: Shell, seed: u64) {
    let repo = Repo::new();
    let mut names = Generator::new(seed);
    let trees = trees(&repo, &mut names, shell);
    let start = repo.shell(shell).after(shell.prompt()).size(600, 60);
    let start = match shell {
        Shell::Zsh => start.before("autoload -Uz compinit && compinit -u -D"),
        // By themselves fish and nu put the directory, as it is, into the title.
        Shell::Fish => start.after("function fish_title; end"),
        Shell::Nu => start.after("$env.config.shell_integration.osc2 = false"),
        Shell::Bash => start,
    };
    let mut s = start.start();
    let record = repo.scratch.root.join("record");
    // All that is printed from now on, byte for byte.
    let cat = format!("exec cat >'{}'", record.display());
    s.tmux.tell(["pipe-pane", &cat]).expect("tmux records");
    for tree in &trees {
        leads_to(&mut s, &format!("wcd {}", tree.query), tree);
    }
    s.line("wcd").line("wls");
    tab(&mut s, &trees);
    pickers(&repo, &mut s, &trees);
    life(&mut s, &mut names);
    drop(s);
    nothing_ran(&repo.scratch.root);
    harmless(&record);
    counted("names tried", trees.len());
}

/// Tab types a word that leads there, for names of all kinds.
fn tab(s: &mut Session, trees: &[Tree]) {
    for (number, tree) in trees.iter().enumerate().step_by(4) {
        if tree.branch.to_string_lossy().contains(obeyed) {
            // The answer is the worktree's name, which nobody here begins to type.
            continue;
        }
        let before = format!("wcd n{number}/");
        s.text(&before).keys(&["Tab"]);
        s.tmux
            .settle("an answer", |_| typed(s).len() > 4 && typed(s) != before);
        s.keys(&["Enter"]).ready();
        s.probe().status(0).at(&tree.path);
        s.line("wcd");
    }
}

/// The list of choices, fzf's and the shell's own.
fn pickers(repo: &Repo, s: &mut Session, trees: &[Tree]) {
    for fzf in [false, true] {
        if fzf {
            repo.scratch.with("fzf");
        }
        s.text("wcd -i").keys(&["Enter"]);
        s.tmux.settle("the choices", |screen| {
            let text = screen.text();
            let below = text
                .rsplit_once("READY>")
                .map_or(&*text, |(_, below)| below);
            below.contains("worktree") && below.contains(&trees[1].query)
        });
        s.keys(&["C-c"]).ready();
        s.probe().at(&repo.main);
    }
}

/// A worktree is made, removed and brought back by its name.
fn life(s: &mut Session, names: &mut Generator) {
    let mut number = 100;
    for _ in 0..5 {
        let branch = loop {
            number += 1;
            // What is typed is the user's own.
            if let Some(name) = names
                .branch(number)
                .to_str()
                .filter(|name| !name.contains(obeyed))
            {
                break name.to_owned();
            }
        };
        s.line(&format!("wnew --no-setup {}", s.shell.quote(&branch)));
        let probe = s.probe();
        let name = probe
            .status(0)
            .branch(&branch)
            .var("TREEHOP_WORKTREE")
            .unwrap()
            .to_owned();
        s.lines(&[
            "wrm",
            &format!("wundo {}", s.shell.quote(name.to_str().unwrap())),
        ]);
        s.probe().status(0).branch(&branch);
        s.line("wrm -f");
        s.probe().status(0).at(&s.repo.main);
    }
}

/// Of all that was printed, nothing is an escape of a name. (The shells print their own.)
#[track_caller]
fn harmless(record: &Path) {
    let bytes = fs::read(record).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("READY>"), "recorded");
    let bad = text.find(|c: char| obeyed(c) && !c.is_ascii());
    assert!(
        bad.is_none(),
        "{:?}",
        text[bad.unwrap()..].chars().take(200).collect::<String>()
    );
    for escape in ["\x1b]0;pwned", "\x1bP+q"] {
        let bad = text.find(escape);
        assert!(
            bad.is_none(),
            "{:?}",
            &text[bad.unwrap().saturating_sub(80)..][..200]
        );
    }
}

#[test]
fn bash() {
    through_all(Shell::Bash, 11);
}

#[test]
fn zsh() {
    through_all(Shell::Zsh, 12);
}

#[test]
fn fish() {
    through_all(Shell::Fish, 13);
}

#[test]
fn nu() {
    through_all(Shell::Nu, 14);
}
