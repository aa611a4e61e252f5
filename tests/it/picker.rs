//! `wcd` where several worktrees fit, and somebody is there to be asked.

use std::path::PathBuf;

use crate::common::shell::Session;
use crate::common::{Repo, Shell};
use crate::scenarios::scenarios;

/// The guide's repository with two that `oauth` fits.
fn repo() -> (Repo, PathBuf) {
    let repo = Repo::guide();
    repo.worktree("feature/oauth-one");
    let two = repo.worktree("feature/oauth-two");
    (repo, two)
}

/// Types `line`, and waits until the question with both answers stands.
#[track_caller]
pub fn question(s: &Session, line: &str) {
    s.text(line).keys(&["Enter"]);
    s.tmux.settle("the question", |screen| {
        screen.shows("feature/oauth-one")
            && screen.shows("feature/oauth-two")
            && !screen.cursor_line().contains("READY>")
    });
}

/// Chooses `feature/oauth-two` in the shell's own way.
#[track_caller]
pub fn choose_two(s: &Session) {
    if s.shell == Shell::Nu {
        s.tmux.text("oauth-two");
        s.tmux.settle("the filter", |screen| {
            !screen
                .lines
                .iter()
                .rev()
                .take_while(|line| !line.contains("READY>"))
                .any(|line| line.contains("oauth-one"))
        });
    } else {
        // A numbered list, possibly in columns: the number before the answer.
        let text = s.tmux.screen().text();
        let before = &text[..text.rfind("feature/oauth-two").expect("shown")];
        let digits = |c: char| c.is_ascii_digit();
        let number = before.trim_end_matches(|c: char| !digits(c));
        let number = &number[number.rfind(|c: char| !digits(c)).map_or(0, |at| at + 1)..];
        s.tmux.text(number);
    }
    s.keys(&["Enter"]).ready();
}

scenarios! {
    with_fzf: |shell| {
        let (repo, two) = repo();
        repo.scratch.with("fzf");
        let mut s = repo.shell(shell).start();
        question(&s, "wcd oauth");
        s.tmux.text("oauth-two");
        s.tmux.settle("one left", |screen| screen.shows("1/2"));
        s.keys(&["Enter"]).ready();
        s.probe().status(0).at(&two).branch("feature/oauth-two");
    }

    with_fzf_and_escape: |shell| {
        let (repo, _) = repo();
        repo.scratch.with("fzf");
        let mut s = repo.shell(shell).start();
        question(&s, "wcd oauth");
        s.keys(&["Escape"]).ready();
        s.probe().at(&repo.main);
    }

    the_shells_own_way: |shell| {
        let (repo, two) = repo();
        let mut s = repo.shell(shell).start();
        question(&s, "wcd oauth");
        choose_two(&s);
        s.probe().status(0).at(&two).branch("feature/oauth-two");
    }

    the_shells_own_way_and_no_answer: |shell| {
        let (repo, _) = repo();
        let mut s = repo.shell(shell).start();
        question(&s, "wcd oauth");
        s.keys(&[shell.pick("C-d", "C-d", "C-d", "Escape")]).ready();
        s.probe().at(&repo.main);
        s.line("wcd auth");
        s.probe().status(0).at(&repo.auth());
    }

    an_interrupt_leaves_everything_as_it_was: |shell| {
        let (repo, _) = repo();
        let mut s = repo.shell(shell).start();
        question(&s, "wcd oauth");
        s.keys(&["C-c"]).ready();
        s.probe().at(&repo.main).branch("main");
        s.line("wcd auth");
        s.probe().status(0).at(&repo.auth());
    }

    i_asks_among_all: |shell| {
        let (repo, two) = repo();
        let mut s = repo.shell(shell).start();
        question(&s, "wcd -i");
        assert!(s.tmux.screen().shows("fix/issue-422"), "all are there:\n{}", s.tmux.screen());
        choose_two(&s);
        s.probe().status(0).at(&two);
    }

    s_keeps_the_subdirectory_through_the_picker: |shell| {
        let (repo, two) = repo();
        let mut s = repo.shell(shell).dir(repo.main.join("src")).start();
        question(&s, "wcd -s oauth");
        choose_two(&s);
        s.probe().status(0).at(&two.join("src"));
    }

    hostile_branches_in_a_list: |shell| {
        let repo = Repo::guide();
        repo.worktree_at("oauth$(touch${IFS}pwned)", "bitsandbytes-one");
        repo.worktree_at("oauth`touch${IFS}pwned`", "bitsandbytes-two");
        for fzf in [false, true] {
            if fzf {
                repo.scratch.with("fzf");
            }
            let mut s = repo.shell(shell).start();
            s.text("wcd oauth").keys(&["Enter"]);
            s.tmux.settle("the question", |s| s.shows("oauth$(touch${IFS}pwned)") && s.shows("oauth`touch${IFS}pwned`"));
            s.keys(&["C-c"]).ready();
            s.line("echo done");
            assert!(!repo.main.join("pwned").exists());
        }
    }
}
