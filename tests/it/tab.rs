//! Tab after `wcd`, pressed in a real terminal.

use crate::common::shell::Session;
use crate::common::tmux::Screen;
use crate::common::{Repo, Shell};
use crate::scenarios::scenarios;

/// A session where Tab works as its shell's users have it.
fn session(repo: &Repo, shell: Shell) -> Session<'_> {
    let start = repo.shell(shell);
    let start = match shell {
        Shell::Zsh => start.before("autoload -Uz compinit && compinit -u -D"),
        _ => start,
    };
    start.start()
}

/// What stands in the line with the cursor, after the prompt or the `| ` that nu shows while a menu is open.
fn typed(screen: &Screen) -> String {
    let line = screen.cursor_line();
    let line = line.rsplit_once("READY> ").map_or(line, |(_, line)| line);
    line.strip_prefix("| ").unwrap_or(line).to_owned()
}

/// Types `text`, presses Tab, and waits for the one answer.
#[track_caller]
fn completes(s: &Session, text: &str, right: &str) {
    s.text(text).keys(&["Tab"]);
    s.tmux.settle(&format!("{right:?}"), |screen| {
        typed(screen).trim_end() == right
    });
}

/// Shows all answers: bash only lists them when asked twice.
fn ask(s: &Session) {
    s.keys(if s.shell == Shell::Bash {
        &["Tab", "Tab"]
    } else {
        &["Tab"]
    });
}

scenarios! {
    one_answer_is_typed_out: |shell| {
        let repo = Repo::guide();
        let mut s = session(&repo, shell);
        completes(&s, "wcd au", "wcd feature/auth");
        s.keys(&["Enter"]).ready();
        s.probe().status(0).at(&repo.auth());
        completes(&s, "wcd 42", "wcd fix/issue-422");
        s.keys(&["Enter"]).ready();
        s.probe().status(0).at(&repo.fix());
    }

    a_beginning_is_completed_too: |shell| {
        let repo = Repo::guide();
        let s = session(&repo, shell);
        completes(&s, "wcd feat", "wcd feature/auth");
    }

    a_name_of_a_detached_worktree: |shell| {
        let repo = Repo::guide();
        repo.git_in(&repo.fix(), ["switch", "-q", "--detach"]);
        let s = session(&repo, shell);
        completes(&s, "wcd 42", "wcd fix-422");
    }

    several_answers_are_shown_and_nothing_is_eaten: |shell| {
        let repo = Repo::guide();
        let (one, two) = (repo.worktree("feature/oauth-one"), repo.worktree("hotfix/oauth-two"));
        let mut s = session(&repo, shell);
        s.text("wcd oau");
        ask(&s);
        let screen = s.tmux.settle("both answers", |s| s.shows("feature/oauth-one") && s.shows("hotfix/oauth-two"));
        assert_eq!(typed(&screen).trim_end(), "wcd oau", "what was typed is still there:\n{screen}");
        assert!(screen.shows("bitsandbytes-feature-oauth-one"), "a description says where:\n{screen}");
        // More letters decide.
        s.tmux.text("th-t");
        s.tmux.wait("the letters", |screen| typed(screen).trim_end() == "wcd oauth-t");
        s.keys(&["Tab"]);
        s.tmux.settle("the answer", |screen| typed(screen).trim_end() == "wcd hotfix/oauth-two");
        s.keys(&["Enter"]).ready();
        s.probe().status(0).at(&two);
        assert!(one.is_dir());
    }

    nothing_typed_offers_all: |shell| {
        let repo = Repo::guide();
        let s = session(&repo, shell);
        s.text("wcd ");
        ask(&s);
        s.tmux.wait("all worktrees", |screen| {
            ["main", "feature/auth", "fix/issue-422", "experiment/new-quantizer"].iter().all(|b| screen.shows(b))
        });
    }

    no_answer_leaves_the_line_alone: |shell| {
        let repo = Repo::guide();
        let mut s = session(&repo, shell);
        s.text("wcd zzzz").keys(&["Tab"]);
        // The shell has looked once it shows what is typed after the Tab.
        s.tmux.text("y");
        let screen = s.tmux.settle("the next letter", |screen| typed(screen).trim_end().ends_with('y'));
        assert_eq!(typed(&screen).trim_end(), "wcd zzzzy");
        s.keys(&["C-c"]);
        s.ready();
        s.probe().at(&repo.main);
    }

    another_repository: |shell| {
        let repo = Repo::guide();
        let other = Repo::named(&repo.scratch, "transformers");
        let tree = other.worktree("feature/tokens");
        repo.treehop(["find"]).ok();
        other.treehop(["find"]).ok();
        let mut s = session(&repo, shell);
        completes(&s, "wcd transformers:tok", "wcd transformers:feature/tokens");
        s.keys(&["Enter"]).ready();
        s.probe().status(0).at(&tree);
        s.text("wcd bitsandbytes:f");
        ask(&s);
        let screen = s.tmux.settle("both answers", |s| s.shows("feature/auth") && s.shows("fix/issue-422"));
        assert_eq!(typed(&screen).trim_end(), "wcd bitsandbytes:f", "nothing is eaten:\n{screen}");
    }

    hostile_branches_are_quoted_and_run_nothing: |shell| {
        let repo = Repo::guide();
        let mut s = session(&repo, shell);
        let tails = ["$(touch${IFS}pwned)", "`touch${IFS}pwned`", ";touch${IFS}pwned", "'q", "\"q", "🦀", "%F{red}", "&x|y", "#a", "!b"];
        for (number, tail) in tails.iter().enumerate() {
            let branch = format!("z{number}{tail}");
            let tree = repo.worktree_at(&branch, format!("bitsandbytes-odd{number}"));
            s.text(&format!("wcd z{number}")).keys(&["Tab"]);
            let last = tail.chars().rfind(|c| c.is_ascii_alphanumeric() || !c.is_ascii()).expect("a letter");
            s.tmux.settle(&format!("the quoted {branch}"), |s| typed(s).trim_end().len() > 6 && typed(s).contains(last));
            s.keys(&["Enter"]).ready();
            s.probe().status(0).at(&tree).branch(&branch);
            assert!(!tree.join("pwned").exists() && !repo.main.join("pwned").exists(), "{branch} was run");
        }
    }

    names_with_spaces_and_quotes: |shell| {
        let repo = Repo::guide();
        let mut s = session(&repo, shell);
        let tails = ["with space", "it's", "\"q\"", "$HOME", "$(touch pwned)", "\\n", "(x)", "*"];
        for (number, tail) in tails.iter().enumerate() {
            let name = format!("z{number} {tail}");
            let tree = repo.worktree_at(&format!("odd/{number}"), &name);
            repo.git_in(&tree, ["switch", "-q", "--detach"]);
            s.text(&format!("wcd z{number}")).keys(&["Tab"]);
            s.tmux.settle(&format!("the quoted {name}"), |screen| typed(screen).trim_end().len() > "wcd z0 x".len());
            s.keys(&["Enter"]).ready();
            s.probe().status(0).at(&tree);
            assert!(!tree.join("pwned").exists() && !repo.main.join("pwned").exists(), "{name} was run");
        }
    }

    an_opening_quote_may_stand_already: |shell| {
        let repo = Repo::guide();
        let mut s = session(&repo, shell);
        s.text("wcd 'au").keys(&["Tab"]);
        s.tmux.settle("the answer", |screen| typed(screen).contains("feature/auth"));
        let screen = s.tmux.screen();
        if typed(&screen).matches('\'').count() == 1 {
            s.tmux.text("'");
        }
        s.keys(&["Enter"]).ready();
        s.probe().status(0).at(&repo.auth());
    }

    options_are_offered: |shell| {
        let repo = Repo::guide();
        let s = session(&repo, shell);
        s.text("wcd -");
        ask(&s);
        s.tmux.wait("the options", |screen| {
            // fish and nu describe them by their long or short form.
            (screen.shows("-s") || screen.shows("--subdir")) && (screen.shows("-i") || screen.shows("--pick"))
        });
    }

    nothing_breaks_outside_a_repository: |shell| {
        let repo = Repo::guide();
        let start = repo.shell(shell).dir("/");
        let start = if shell == Shell::Zsh { start.before("autoload -Uz compinit && compinit -u -D") } else { start };
        let mut s = start.start();
        s.text("wcd zzz").keys(&["Tab"]);
        s.tmux.text("y");
        let screen = s.tmux.settle("the next letter", |screen| typed(screen).trim_end().ends_with('y'));
        assert!(!screen.shows("treehop:"), "no message in the middle of a line:\n{screen}");
        s.keys(&["C-c"]);
        s.ready();
        s.probe();
    }
}

scenarios! {
    wnew_offers_branches_without_a_worktree: |shell| {
        let repo = Repo::guide();
        repo.git(["branch", "docs/readme"]);
        repo.git(["update-ref", "refs/remotes/origin/theirs", "main"]);
        repo.git(["remote", "add", "origin", "/nowhere"]);
        let mut s = session(&repo, shell);
        completes(&s, "wnew read", "wnew docs/readme");
        s.keys(&["Enter"]).ready();
        s.probe().status(0).branch("docs/readme");
        completes(&s, "wnew thei", "wnew theirs");
        s.keys(&["C-c"]).ready();
        s.text("wnew auth").keys(&["Tab"]);
        s.tmux.text("s");
        s.tmux.settle("nothing for what has one", |screen| typed(screen).trim_end() == "wnew auths");
    }

    wrm_and_wundo_offer_what_they_take: |shell| {
        let repo = Repo::guide();
        let mut s = session(&repo, shell);
        completes(&s, "wrm 42", "wrm fix/issue-422");
        // Some shells put the blank there that others wait for.
        s.tmux.text(" au");
        s.keys(&["Tab"]);
        s.tmux.settle("the second", |screen| {
            typed(screen).split_whitespace().eq(["wrm", "fix/issue-422", "feature/auth"])
        });
        s.keys(&["Enter"]).ready();
        s.probe().status(0).at(&repo.main);
        assert!(!repo.auth().exists() && !repo.fix().exists());
        s.text("wundo au").keys(&["Tab"]);
        s.tmux.settle("its id", |screen| typed(screen).contains("wundo feature-auth-20"));
        s.keys(&["Enter"]).ready();
        s.probe().status(0).at(&repo.auth());
    }

    options_of_wnew_are_offered: |shell| {
        let repo = Repo::guide();
        let s = session(&repo, shell);
        s.text("wrm --ke").keys(&["Tab"]);
        s.tmux.settle("the option", |screen| typed(screen).trim_end() == "wrm --keep-branch");
    }
}
