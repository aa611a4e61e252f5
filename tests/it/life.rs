//! The life of a worktree, in all four shells: `wnew`, `wsetup`, `wrm`, `wundo`, `wprune`.

use std::fs;
use std::path::Path;

use crate::common::{Repo, Scratch, Shell, tools};
use crate::scenarios::scenarios;
use crate::sessions::stand_in_for_claude;

/// A repository whose worktrees get a venv by `treehop.setup`: quicker than pip, and as real for a shell.
fn with_setup() -> Repo {
    let repo = Repo::guide();
    let make = "python3 -m venv --without-pip .venv";
    repo.git(["config", "treehop.setup", make]);
    repo
}

/// `~/git/NAME` with the files of a project in `tests/projects`, committed.
fn project(name: &str) -> Repo {
    let repo = Repo::named(&Scratch::new(), name);
    let from = tools::source("tests/projects").join(name);
    let copied = repo
        .scratch
        .command("cp", &from)
        .args(["-R", "."])
        .arg(&repo.main)
        .status();
    assert!(copied.expect("cp runs").success());
    repo.git(["add", "."]);
    repo.git(["commit", "-q", "-m", "project"]);
    repo
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

scenarios! {
    // --- The guide's story -------------------------------------------------------------------------------------

    the_guide_on_a_python_project: |shell| {
        let repo = project("python");
        fs::write(repo.main.join(".env"), "SECRET=1\n").unwrap();
        let auth = repo.tree("python-feature-auth");
        let mut s = repo.shell(shell).start();
        s.line("wnew feature/auth");
        s.probe().status(0).at(&auth).worktree("feature-auth").branch("feature/auth").venv(&auth.join(".venv"));
        s.line("python -c 'import tiny; print(tiny.WHERE)'");
        assert_eq!(s.output(), auth.join("tiny.py").to_str().unwrap(), "it is installed, and from here");
        assert_eq!(fs::read_to_string(auth.join(".env")).unwrap(), "SECRET=1\n");
        s.line("wrm");
        s.probe().status(0).at(&repo.main).no_venv();
        assert!(!exists(&auth));
        assert!(!repo.git(["worktree", "list"]).contains("auth"));
        assert_eq!(repo.git(["branch", "--list", "feature/auth"]), "", "there was nothing on it");
    }

    the_guide_on_a_node_project: |shell| {
        let repo = project("node");
        repo.scratch.with("npm").with("node");
        let fix = repo.tree("node-fix-422");
        let mut s = repo.shell(shell).start();
        s.line("wnew --name fix-422 fix/issue-422");
        s.probe().status(0).at(&fix).worktree("fix-422").branch("fix/issue-422");
        s.line("node -e \"console.log(require('helper'))\"");
        assert!(s.output().starts_with(fix.to_str().unwrap()), "{}", s.output());
        assert_eq!(repo.git_in(&fix, ["status", "--porcelain"]), "", "it can be removed without -f");
        repo.commit(&fix, "work", "done\n");
        s.line("wcd; wrm 422");
        s.probe().status(0).at(&repo.main);
        assert!(s.tmux.screen().shows("branch fix/issue-422 kept: it is not merged"), "{}", s.tmux.screen());
        s.line("wnew fix/issue-422");
        s.probe().status(0).branch("fix/issue-422");
        assert!(exists(&repo.tree("node-fix-issue-422").join("work")));
    }

    // --- wnew --------------------------------------------------------------------------------------------------

    wnew_goes_to_a_new_branch_beside_main: |shell| {
        let repo = Repo::guide();
        repo.commit(&repo.auth(), "auth", "work\n");
        let mut s = repo.shell(shell).dir(repo.auth().join("src")).start();
        s.line("wnew feature/auth-tests");
        let tree = repo.tree("bitsandbytes-feature-auth-tests");
        s.probe().status(0).at(&tree).worktree("feature-auth-tests").branch("feature/auth-tests");
        assert!(exists(&tree.join("auth")), "it begins where one stood");
        s.line("wnew other --base main");
        s.probe().status(0).at(&repo.tree("bitsandbytes-other")).branch("other");
        assert!(!exists(&repo.tree("bitsandbytes-other/auth")));
        s.line("wcd -");
        s.probe().status(0).at(&tree);
    }

    wnew_takes_a_branch_of_the_remote: |shell| {
        let repo = Repo::guide();
        let remote = repo.scratch.root.join("remote.git");
        repo.git(["clone", "-q", "--bare", ".", remote.to_str().unwrap()]);
        repo.git(["remote", "add", "origin", remote.to_str().unwrap()]);
        repo.git_in(&remote, ["branch", "theirs", "main"]);
        let mut s = repo.shell(shell).start();
        s.line("wnew theirs --fetch");
        s.probe().status(0).at(&repo.tree("bitsandbytes-theirs")).branch("theirs");
        assert_eq!(repo.git(["rev-parse", "--abbrev-ref", "theirs@{upstream}"]), "origin/theirs");
    }

    wnew_of_what_is_checked_out_stays: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        s.line("wnew feature/auth");
        assert!(s.output().contains("hint: wcd feature/auth"), "{}", s.output());
        s.probe().status(5).at(&repo.main).branch("main");
        s.line("wnew");
        assert!(s.output().contains("treehop: <BRANCH> is missing"), "{}", s.output());
        s.probe().status(2).at(&repo.main);
        s.line("wnew ..bad");
        s.probe().status(2).at(&repo.main);
    }

    wnew_explains_itself: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        s.line("wnew -h");
        assert!(s.tmux.screen().shows("--base <REF>"), "{}", s.tmux.screen());
        s.probe().status(0).at(&repo.main).branch("main");
    }

    wnew_with_c_hands_all_after_the_branch_to_claude: |shell| {
        let repo = Repo::guide();
        stand_in_for_claude(&repo);
        let tree = repo.tree("bitsandbytes-a-b");
        let mut s = repo.shell(shell).start();
        s.line("wnew --base main -c a/b --model opus -c 'do $A \"now\"' -h");
        let said = format!("claude in {} with : <--model> <opus> <-c> <do $A \"now\"> <-h>", tree.display());
        assert!(s.output().contains(&said), "{}", s.output());
        s.probe().status(7).at(&tree).branch("a/b");
        s.line("wnew -c c");
        assert!(s.output().contains("bitsandbytes-c with : <--name> <c>\n") || s.output().ends_with("<--name> <c>"), "{}", s.output());
        s.line("wnew d");
        assert!(!s.output().contains("claude"), "{}", s.output());
    }

    wnew_whose_setup_fails_says_what_is_there: |shell| {
        let repo = Repo::guide();
        stand_in_for_claude(&repo);
        repo.git(["config", "treehop.setup", "echo broken; false"]);
        let mut s = repo.shell(shell).start();
        s.line("wnew -c a/b");
        let output = s.output();
        assert!(output.contains("broken") && output.contains("hint: wcd a-b; wsetup"), "{output}");
        assert!(!output.contains("claude in"), "{output}");
        s.probe().status(1).at(&repo.main);
        assert!(exists(&repo.tree("bitsandbytes-a-b/src/server.py")), "the worktree stays");
    }

    wnew_runs_nothing_that_a_name_says: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        for (number, branch) in ["x$(touch${IFS}pwned)", "x`touch${IFS}pwned`", "x;touch${IFS}pwned", "it's", "x\"y", "x&y"].iter().enumerate() {
            s.line(&format!("wnew --name 'odd {number}' {}", shell.quote(branch)));
            let tree = repo.tree(format!("bitsandbytes-odd {number}"));
            s.probe().status(0).at(&tree).branch(branch).worktree(&format!("odd {number}"));
            s.line("wrm");
            s.probe().status(0).at(&repo.main);
            s.line("wundo");
            s.probe().status(0).at(&tree).branch(branch);
            assert!(!exists(&tree.join("pwned")) && !exists(&repo.main.join("pwned")), "{branch} was run");
        }
    }

    // --- wsetup ------------------------------------------------------------------------------------------------

    wsetup_activates_what_it_makes: |shell| {
        let repo = with_setup();
        let mut s = repo.shell(shell).dir(repo.auth().join("src")).start();
        s.probe().no_venv();
        s.line("wsetup");
        s.probe().status(0).at(&repo.auth().join("src")).venv(&repo.auth().join(".venv"));
        s.line("wsetup 422");
        s.probe().status(0).at(&repo.auth().join("src")).venv(&repo.auth().join(".venv"));
        assert!(exists(&repo.fix().join(".venv/bin/python")));
    }

    wsetup_that_fails_halfway_activates_what_is_there: |shell| {
        let repo = with_setup();
        repo.git(["config", "--add", "treehop.setup", "false"]);
        let mut s = repo.shell(shell).dir(repo.auth()).start();
        s.line("wsetup");
        assert!(s.output().contains("false failed: exit status 1"), "{}", s.output());
        s.probe().status(1).venv(&repo.auth().join(".venv"));
        s.line("wsetup nosuchthing");
        s.probe().status(3);
    }

    // --- wrm and wundo -----------------------------------------------------------------------------------------

    wrm_goes_to_main_from_inside_only: |shell| {
        let repo = Repo::guide();
        let venv = repo.venv(&repo.auth());
        let mut s = repo.shell(shell).dir(repo.auth().join("src")).start();
        s.probe().venv(&venv);
        s.line("wrm 422");
        s.probe().status(0).at(&repo.auth().join("src")).venv(&venv);
        s.line("wrm");
        s.probe().status(0).at(&repo.main).worktree("bitsandbytes").no_venv();
        assert!(!exists(&repo.auth()) && !exists(&repo.fix()));
        s.line("wrm");
        assert!(s.output().contains("is the main worktree"), "{}", s.output());
        s.probe().status(5).at(&repo.main);
    }

    wrm_takes_several_and_the_one_before: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        s.line("wrm -n auth 422");
        s.probe().status(0);
        assert!(exists(&repo.auth()) && exists(&repo.fix()));
        s.lines(&["wcd experiment", "wcd", "wrm auth 422 -"]);
        s.probe().status(0).at(&repo.main);
        assert!(!exists(&repo.auth()) && !exists(&repo.fix()) && !exists(&repo.experiment()));
    }

    wrm_of_changes_is_refused_and_forced_is_undone: |shell| {
        let repo = Repo::guide();
        let work = repo.auth().join("$(id) new");
        fs::write(&work, "work").unwrap();
        let mut s = repo.shell(shell).dir(repo.auth()).start();
        s.line("wrm");
        let output = s.output();
        assert!(output.contains("1 untracked") && output.contains("wrm -f feature-auth"), "{output}");
        s.probe().status(5).at(&repo.auth());
        s.line("wrm -f");
        s.probe().status(0).at(&repo.main);
        assert!(!exists(&repo.auth()));
        s.line("wundo --list");
        assert!(s.tmux.screen().shows("feature/auth"), "{}", s.tmux.screen());
        s.line("wundo auth");
        s.probe().status(0).at(&repo.auth()).branch("feature/auth");
        assert_eq!(fs::read_to_string(&work).unwrap(), "work");
        s.line("wundo");
        s.probe().status(3).at(&repo.auth());
    }

    wrm_asks_which_of_several: |shell| {
        let repo = Repo::guide();
        let one = repo.worktree("feature/oauth-one");
        let two = repo.worktree("feature/oauth-two");
        let mut s = repo.shell(shell).start();
        crate::picker::question(&s, "wrm oauth");
        s.keys(&[if shell == Shell::Nu { "Escape" } else { "C-d" }]).ready();
        assert_ne!(s.probe().text_status(), "0");
        assert!(exists(&one) && exists(&two), "no answer removes nothing");
        crate::picker::question(&s, "wrm oauth");
        crate::picker::choose_two(&s);
        s.probe().status(0).at(&repo.main);
        assert!(exists(&one) && !exists(&two));
    }

    a_removed_directory_is_said_and_left: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).dir(repo.auth()).start();
        repo.treehop(["remove", "auth"]).ok();
        s.enter();
        s.line("wsetup");
        assert!(s.output().contains("treehop: this directory was removed"), "{}", s.output());
        s.line("wrm 422");
        assert!(s.output().contains("treehop: this directory was removed"), "{}", s.output());
        assert!(!exists(&repo.fix()), "from the main worktree, all is as ever");
        s.line("wundo feature/auth");
        s.probe().status(0).at(&repo.auth()).branch("feature/auth");
        repo.treehop(["remove", "auth"]).ok();
        s.line("wcd");
        s.probe().status(0).at(&repo.main).worktree("bitsandbytes");
    }

    // --- wprune ------------------------------------------------------------------------------------------------

    wprune_forgets_what_is_gone_and_removes_what_is_merged: |shell| {
        let repo = Repo::guide();
        repo.commit(&repo.auth(), "auth", "work\n");
        repo.commit(&repo.fix(), "fix", "work\n");
        repo.git(["merge", "-q", "--no-edit", "feature/auth"]);
        fs::remove_dir_all(repo.experiment()).unwrap();
        let mut s = repo.shell(shell).dir(repo.auth()).start();
        s.line("wcd experiment");
        assert!(s.output().contains("hint: wprune"), "{}", s.output());
        s.line("wprune -n --merged");
        s.probe().status(0).at(&repo.auth());
        assert!(repo.git(["worktree", "list"]).contains("experiment"));
        s.line("wprune");
        s.probe().status(0).at(&repo.auth());
        assert!(!repo.git(["worktree", "list"]).contains("experiment"));
        s.line("wprune --merged");
        s.probe().status(0).at(&repo.main);
        assert!(!exists(&repo.auth()) && exists(&repo.fix()));
        assert_eq!(repo.git(["branch", "--list", "feature/auth"]), "");
    }
}

scenarios! {
    // --- wmerge and wpr ----------------------------------------------------------------------------------------

    wmerge_merges_removes_and_goes_to_main: |shell| {
        let repo = Repo::guide();
        repo.commit(&repo.auth(), "auth", "work\n");
        let mut s = repo.shell(shell).dir(repo.auth()).start();
        s.line("wmerge -n");
        s.probe().status(0).at(&repo.auth());
        s.line("wmerge");
        s.probe().status(0).at(&repo.main).branch("main");
        assert!(!exists(&repo.auth()) && exists(&repo.main.join("auth")));
        assert_eq!(repo.git(["branch", "--list", "feature/auth"]), "");
        repo.commit(&repo.fix(), "fix", "work\n");
        s.line("wmerge 422 --squash -m 'Mend $422' --keep");
        s.probe().status(0).at(&repo.main);
        assert_eq!(repo.git(["log", "-1", "--format=%s"]), "Mend $422");
        assert!(exists(&repo.fix()));
    }

    wmerge_that_would_conflict_changes_nothing: |shell| {
        let repo = Repo::guide();
        repo.conflict(&repo.auth());
        let before = repo.git(["rev-parse", "main", "feature/auth"]);
        let mut s = repo.shell(shell).start();
        s.line("wmerge auth");
        assert!(s.output().contains("README") && s.output().contains("hint: "), "{}", s.output());
        s.probe().status(6).at(&repo.main);
        assert_eq!(repo.git(["rev-parse", "main", "feature/auth"]), before);
        assert_eq!(repo.git(["status", "--porcelain"]), "");
    }

    wpr_pushes_and_opens_a_pull_request: |shell| {
        let repo = Repo::guide();
        let remote = repo.scratch.root.join("remote.git");
        repo.git(["clone", "-q", "--bare", ".", remote.to_str().unwrap()]);
        repo.git(["remote", "add", "origin", "git@github.com:you/bitsandbytes.git"]);
        // The other end of ssh is that repository, whatever is asked for.
        let ssh = repo.scratch.script("other-end", &format!("exec git-receive-pack '{}'", remote.display()));
        repo.scratch.script("gh", r#"case "$*" in *create*) printf 'gh'; printf ' <%s>' "$@"; echo;; *) exit 1;; esac"#);
        repo.commit(&repo.auth(), "auth", "work\n");
        let mut s = repo.shell(shell).env("GIT_SSH_COMMAND", &ssh).env("GIT_SSH_VARIANT", "ssh").start();
        s.line("wpr auth --title 'Add auth $(id)'");
        let screen = s.tmux.screen();
        assert!(screen.shows("<--title> <Add auth $(id)>"), "{screen}");
        s.probe().status(0).at(&repo.main);
        let pushed = repo.git_in(&remote, ["rev-parse", "feature/auth"]);
        assert_eq!(pushed, repo.git(["rev-parse", "feature/auth"]));
    }
}
