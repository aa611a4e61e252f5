//! What people do, in all four shells: one scenario, four tests.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::common::{Repo, Scratch, Shell};

/// Each scenario becomes a module with one test for each shell.
macro_rules! scenarios {
    ($($name:ident: |$shell:ident| $body:block)*) => { $(
        mod $name {
            #[allow(clippy::wildcard_imports)]
            use super::*;

            fn scenario($shell: Shell) $body

            #[test]
            fn bash() {
                scenario(Shell::Bash);
            }

            #[test]
            fn zsh() {
                scenario(Shell::Zsh);
            }

            #[test]
            fn fish() {
                scenario(Shell::Fish);
            }

            #[test]
            fn nu() {
                scenario(Shell::Nu);
            }
        }
    )* };
}
pub(crate) use scenarios;

scenarios! {
    // --- wcd ---------------------------------------------------------------------------------------------------

    wcd_goes_to_the_last_segment: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        s.line("wcd auth");
        s.probe().status(0).at(&repo.auth()).worktree("feature-auth").branch("feature/auth").prompt("feature/auth");
        assert_eq!(s.line("wcd 422").output(), "", "wcd says nothing when it went there");
        s.probe().status(0).at(&repo.fix()).worktree("fix-422").branch("fix/issue-422");
    }

    wcd_without_words_goes_to_main: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).dir(repo.auth().join("src")).start();
        s.line("wcd");
        s.probe().status(0).at(&repo.main).worktree("bitsandbytes").branch("main");
    }

    wcd_dash_goes_back: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        s.lines(&["wcd auth", "wcd 422", "wcd -"]);
        s.probe().status(0).at(&repo.auth());
        s.line("wcd -");
        s.probe().status(0).at(&repo.fix());
    }

    wcd_dash_with_nowhere_to_go_back_to_fails: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        s.line("wcd -");
        let output = s.output();
        assert!(output.contains("treehop"), "it says so: {output}");
        let probe = s.probe();
        probe.at(&repo.main);
        assert_ne!(probe.text_status(), "0");
    }

    wcd_caret_and_at: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).dir(repo.auth().join("src")).start();
        s.line("wcd @");
        s.probe().status(0).at(&repo.auth());
        s.line("wcd ^");
        s.probe().status(0).at(&repo.main);
    }

    wcd_takes_a_path: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        s.line("wcd ../bitsandbytes-fix-422");
        s.probe().status(0).at(&repo.fix());
        let path = shell.quote(repo.auth().to_str().unwrap());
        s.line(&format!("wcd {path}"));
        s.probe().status(0).at(&repo.auth());
    }

    wcd_takes_several_words: |shell| {
        let repo = Repo::guide();
        repo.worktree("feature/auth-tests");
        let mut s = repo.shell(shell).start();
        s.line("wcd tests feature");
        s.probe().status(0).at(&repo.tree("bitsandbytes-feature-auth-tests"));
    }

    wcd_keeps_the_subdirectory_with_s: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).dir(repo.main.join("src")).start();
        s.line("wcd -s auth");
        s.probe().status(0).at(&repo.auth().join("src"));
        s.line("wcd 422");
        s.probe().status(0).at(&repo.fix());
    }

    wcd_nothing_found_is_3: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        s.line("wcd nosuchthing");
        assert!(s.output().contains("treehop: "), "it says so: {}", s.output());
        s.probe().status(3).at(&repo.main).branch("main");
    }

    wcd_names_the_wnew_for_a_branch_without_worktree: |shell| {
        let repo = Repo::guide();
        repo.git(["branch", "docs/readme"]);
        let mut s = repo.shell(shell).start();
        s.line("wcd docs/readme");
        assert!(s.output().contains("hint: wnew docs/readme"), "the hint: {}", s.output());
        s.probe().status(3).at(&repo.main);
    }

    wcd_outside_any_repository: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).dir("/").start();
        s.probe().nowhere();
        s.line("wcd auth");
        assert!(s.output().contains("treehop: "), "it says so: {}", s.output());
        s.probe().status(3).nowhere();
    }

    wcd_finds_a_known_repository_from_outside: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        s.line("wcd 422").cd("/");
        s.probe().nowhere();
        s.line("wcd auth");
        s.probe().status(0).at(&repo.auth()).branch("feature/auth");
    }

    wcd_reaches_another_repository_by_name: |shell| {
        let repo = Repo::guide();
        let other = Repo::named(&repo.scratch, "transformers");
        let tree = other.worktree("feature/auth");
        other.worktree("fix/tokens");
        let mut s = repo.shell(shell).start();
        s.line("wcd auth").cd(&other.main).line("wcd tokens").cd(&repo.main);
        s.line("wcd transformers:auth");
        s.probe().status(0).at(&tree).branch("feature/auth");
        s.line("wcd bitsandbytes:");
        s.probe().status(0).at(&repo.main);
    }

    wcd_with_several_matches_and_no_terminal_is_4: |shell| {
        let repo = Repo::guide();
        repo.worktree("feature/oauth-two");
        repo.worktree("feature/oauth-one");
        let line = match shell {
            Shell::Bash | Shell::Zsh => "wcd oauth </dev/null; probe $?",
            Shell::Fish => "wcd oauth </dev/null; probe $status",
            Shell::Nu => "try { wcd oauth } catch {|e| print -e $e.msg }; probe ($env.LAST_EXIT_CODE? | default 0)",
        };
        let out = repo.shell(shell).command(line);
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(stderr.contains("feature/oauth-one") && stderr.contains("feature/oauth-two"), "candidates: {stderr}");
        repo.shell(shell).probe_of(line).status(4).at(&repo.main);
    }

    wcd_in_a_script_refreshes_before_it_returns: |shell| {
        let repo = Repo::guide();
        let venv = repo.venv(&repo.auth());
        let probe = repo.shell(shell).probe_of(&format!("wcd auth\nprobe {}", shell.pick("$?", "$?", "$status", "0")));
        probe.status(0).at(&repo.auth()).branch("feature/auth").venv(&venv);
    }

    each_function_has_help: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        for (function, what) in [
            ("wcd", "REPO:QUERY"), ("wls", "what is where"), ("wnew", "--base"), ("wsetup", "dependencies"),
            ("wclaude", "--trust"), ("wrm", "--keep-branch"), ("wundo", "--list"), ("wmerge", "--squash"),
            ("wpr", "glab"), ("wprune", "--merged"),
        ] {
            s.line(&format!("{function} -h"));
            let help = s.output();
            for part in ["Usage:", "Examples:", function, what] {
                assert!(help.contains(part), "{function} -h has no {part}: {help}");
            }
            s.probe().status(0).at(&repo.main);
        }
    }

    wcd_refuses_an_unknown_option: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        s.line("wcd --nonsense");
        assert!(s.output().contains("nonsense"), "it says so: {}", s.output());
        let probe = s.probe();
        probe.at(&repo.main);
        assert_ne!(probe.text_status(), "0");
    }

    wls_shows_what_is_where: |shell| {
        let repo = Repo::guide();
        fs::write(repo.auth().join("new.py"), "").unwrap();
        let mut s = repo.shell(shell).start();
        let output = s.line("wls").output();
        for branch in ["main", "feature/auth", "fix/issue-422", "experiment/new-quantizer"] {
            assert!(output.contains(branch), "no {branch} in\n{output}");
        }
        s.probe().status(0).at(&repo.main);
    }

    wls_outside_a_repository_is_3: |shell| {
        let repo = Repo::new();
        let mut s = repo.shell(shell).dir("/").start();
        s.line("wls");
        assert!(s.output().contains("treehop: "), "it says so: {}", s.output());
        s.probe().status(3);
    }

    functions_return_the_status_to_the_next_command: |shell| {
        let repo = Repo::guide();
        let line = shell.pick(
            "wcd nosuch 2>/dev/null || wcd auth && probe 0",
            "wcd nosuch 2>/dev/null || wcd auth && probe 0",
            "wcd nosuch 2>/dev/null; or wcd auth; and probe 0",
            "try { wcd nosuch } catch { wcd auth; probe 0 }",
        );
        repo.shell(shell).start().probe_by(line).at(&repo.auth());
    }

    // --- wls ---------------------------------------------------------------------------------------------------

    wls_w_stays_fresh_and_leaves_no_trace: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        let before = s.line("git --version").tmux.screen();
        for end in ["q", "C-c"] {
            s.text("wls -w").keys(&["Enter"]);
            s.tmux.settle("the table", |screen| screen.shows("fix/issue-422") && screen.shows("q ends"));
            repo.scratch.write(repo.fix().join(end), "new");
            s.tmux.wait("the new file", |screen| screen.lines.iter().any(|l| l.contains("issue-422") && l.contains('?')));
            s.tmux.resize(40, 12);
            let small = s.tmux.settle("less of it", |screen| screen.lines.len() == 12 && screen.shows("q ends"));
            assert!(small.lines[0].contains("branch") && small.lines[1].contains("main"), "{small}");
            s.tmux.resize(200, 50);
            s.tmux.settle("all of it", |screen| screen.lines.len() == 50 && screen.shows("start"));
            s.keys(&[end]);
            s.tmux.settle("the prompt", |screen| screen.cursor_line().ends_with("READY>") && screen.shows(&before.lines[0]));
            s.probe().status(0).at(&repo.main);
        }
    }

    wls_w_needs_a_terminal: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        s.line("treehop list --watch | cat");
        assert!(s.output().contains("treehop: --watch needs a terminal"), "{}", s.output());
    }

    // --- Directories and the prompt ----------------------------------------------------------------------------

    a_plain_cd_is_noticed: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        s.probe().branch("main").worktree("bitsandbytes").prompt("main@bitsandbytes");
        s.cd(repo.auth().join("src"));
        s.probe().branch("feature/auth").worktree("feature-auth").prompt("feature/auth");
        s.cd("/");
        s.probe().nowhere();
        s.cd(repo.experiment());
        s.probe().branch("experiment/new-quantizer").prompt("experiment/new-quantizer@experiment");
    }

    a_switch_of_branch_shows_at_once: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).dir(repo.auth().join("src")).start();
        s.line("git switch -q -c other/thing");
        s.probe().branch("other/thing").prompt("other/thing@feature-auth").worktree("feature-auth");
        s.line("git switch -q feature/auth");
        s.probe().branch("feature/auth").prompt("feature/auth");
    }

    a_detached_head_shows_seven_digits: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).dir(repo.auth()).start();
        s.line("git switch -q --detach");
        let head = &repo.git_in(&repo.auth(), ["rev-parse", "HEAD"])[..7];
        s.probe().prompt(&format!("{head}@feature-auth")).worktree("feature-auth");
    }

    a_running_operation_shows: |shell| {
        let repo = Repo::guide();
        repo.conflict(&repo.auth());
        let mut s = repo.shell(shell).dir(repo.auth()).start();
        s.line("git merge -q main");
        s.probe().prompt("feature/auth|merge").branch("feature/auth");
        s.line("git merge --abort");
        s.probe().prompt("feature/auth");
        s.line("git rebase -q main");
        s.probe().prompt("feature/auth|rebase");
        s.line("git rebase --abort");
        s.probe().prompt("feature/auth").branch("feature/auth");
    }

    a_rebase_that_was_running_before: |shell| {
        let repo = Repo::guide();
        repo.rebase_in(&repo.auth());
        let mut s = repo.shell(shell).start();
        s.line("wcd feature/auth");
        s.probe().at(&repo.auth()).prompt("feature/auth|rebase");
    }

    an_unborn_branch_shows: |shell| {
        let repo = Repo::new();
        let empty = repo.tree("empty");
        repo.git_in(&repo.scratch.home, ["init", "-q", "git/empty"]);
        let mut s = repo.shell(shell).dir(&empty).start();
        s.probe().branch("main").prompt("main@empty");
    }

    the_prompt_shows_the_segment: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).after(shell.prompt()).start();
        s.line("wcd auth");
        s.tmux.wait_for("feature/auth READY>");
        s.line("git switch -q -c other");
        s.tmux.wait_for("other@feature-auth READY>");
        s.cd("/");
        s.tmux.wait("an empty segment", |screen| screen.cursor_line().trim() == "READY>");
    }

    a_new_shell_that_starts_in_a_worktree: |shell| {
        let repo = Repo::guide();
        let venv = repo.venv(&repo.auth());
        let mut s = repo.shell(shell).dir(repo.auth().join("src")).start();
        s.probe().branch("feature/auth").prompt("feature/auth").venv(&venv);
    }

    a_worktree_that_is_removed_clears_the_variables: |shell| {
        let repo = Repo::guide();
        repo.venv(&repo.auth());
        let mut s = repo.shell(shell).start();
        s.line("wcd auth");
        repo.git(["worktree", "remove", "--force", "../bitsandbytes-feature-auth"]);
        s.enter();
        // nu starts no program in a directory that is gone: look from elsewhere at what `wcd` leaves.
        if shell != Shell::Nu {
            s.probe().nowhere().no_venv();
        }
        s.line("wcd 422");
        s.probe().status(0).at(&repo.fix()).branch("fix/issue-422").no_venv();
    }

    wcd_out_of_a_directory_that_is_gone: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        s.line("wcd auth");
        fs::remove_dir_all(repo.auth()).unwrap();
        s.line("wcd");
        s.probe().status(0).at(&repo.main).branch("main");
    }

    a_moved_worktree_is_found: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        repo.git(["worktree", "move", "../bitsandbytes-feature-auth", "../bitsandbytes-login"]);
        s.line("wcd auth");
        s.probe().status(0).at(&repo.tree("bitsandbytes-login")).worktree("login");
    }

    reftable_branches_show: |shell| {
        if !crate::common::repo::git_has(45) {
            return;
        }
        let repo = Repo::init(&Scratch::new(), "tables", &["--ref-format=reftable"]);
        repo.worktree("feature/auth");
        let mut s = repo.shell(shell).start();
        s.line("wcd auth");
        s.probe().status(0).branch("feature/auth").prompt("feature/auth");
        s.line("git switch -q -c other");
        s.probe().branch("other").prompt("other@feature-auth");
    }

    the_variables_of_a_parent_are_not_believed: |shell| {
        let repo = Repo::guide();
        let stale = |name| (name, "stale");
        let mut start = repo.shell(shell).dir("/");
        for (name, value) in ["TREEHOP_WORKTREE", "TREEHOP_BRANCH", "TREEHOP_PROMPT"].map(stale) {
            start = start.env(name, value);
        }
        start.start().probe().nowhere();
    }

    // --- Virtual environments ----------------------------------------------------------------------------------

    a_real_venv_is_entered_left_and_swapped: |shell| {
        let repo = Repo::guide();
        let (auth, fix) = (repo.real_venv(&repo.auth()), repo.venv(&repo.fix()));
        let mut s = repo.shell(shell).start();
        s.probe().no_venv();
        s.line("wcd auth");
        s.probe().venv(&auth);
        s.line("python -c 'import sys; print(sys.prefix)'");
        assert!(s.output().contains(auth.to_str().unwrap()), "python's own prefix: {}", s.output());
        s.line("wcd 422");
        s.probe().venv(&fix);
        s.line("wcd");
        s.probe().no_venv();
        assert!(!repo.scratch.root.join("activate-was-sourced").exists(), "activate is never sourced");
    }

    a_plain_cd_activates_by_the_next_prompt: |shell| {
        let repo = Repo::guide();
        let (auth, fix) = (repo.venv(&repo.auth()), repo.venv(&repo.fix()));
        let mut s = repo.shell(shell).start();
        s.cd(repo.auth().join("src"));
        s.probe().venv(&auth);
        s.cd(repo.fix());
        s.probe().venv(&fix);
        s.cd("/");
        s.probe().no_venv();
    }

    a_venv_named_venv: |shell| {
        let repo = Repo::guide();
        let venv = repo.venv_at(&repo.auth().join("venv"));
        let mut s = repo.shell(shell).start();
        s.line("wcd auth");
        s.probe().venv(&venv);
    }

    a_venv_made_while_inside_by_the_next_wcd: |shell| {
        let repo = Repo::guide();
        let mut s = repo.shell(shell).start();
        s.line("wcd auth");
        s.probe().no_venv();
        let venv = repo.venv(&repo.auth());
        s.line("wcd auth");
        s.probe().venv(&venv);
    }

    the_users_own_venv_stays: |shell| {
        let repo = Repo::guide();
        repo.venv(&repo.auth());
        let own = repo.venv_at(&repo.scratch.home.join("own-venv"));
        let mut s = repo.shell(shell).start();
        s.export("VIRTUAL_ENV", own.to_str().unwrap()).line(&shell.prepend_path(&own.join("bin")));
        s.line("wcd auth");
        s.probe().at(&repo.auth()).own_venv(&own);
        s.line("wcd");
        s.probe().at(&repo.main).own_venv(&own);
    }

    an_inherited_venv_of_another_worktree_is_replaced: |shell| {
        let repo = Repo::guide();
        let (auth, fix) = (repo.venv(&repo.auth()), repo.venv(&repo.fix()));
        let path = std::env::join_paths(
            [auth.join("bin"), repo.scratch.bin.clone(), crate::common::tools::directory().to_owned()].iter(),
        );
        let start = repo.shell(shell).dir(repo.fix()).env("VIRTUAL_ENV", &auth).env("PATH", path.unwrap());
        start.env("TREEHOP_VENV", &auth).start().probe().venv(&fix);
    }

    a_nested_shell_follows: |shell| {
        let repo = Repo::guide();
        let (auth, fix) = (repo.venv(&repo.auth()), repo.venv(&repo.fix()));
        let mut s = repo.shell(shell).start();
        s.line("wcd auth").line(shell.pick("bash", "zsh -d", "fish", "nu"));
        s.probe().venv(&auth);
        s.line("wcd 422");
        s.probe().venv(&fix);
        s.line("exit");
        s.probe().venv(&auth).at(&repo.auth());
    }

    path_edits_made_in_between_stay: |shell| {
        let repo = Repo::guide();
        repo.venv(&repo.auth());
        let mine = repo.scratch.home.join("my bin");
        let mut s = repo.shell(shell).start();
        s.line("wcd auth").line(&shell.prepend_path(&mine));
        s.line("wcd");
        let probe = s.probe();
        probe.no_venv();
        assert_eq!(probe.path()[0], mine);
        assert_eq!(probe.path()[1], repo.scratch.bin);
        assert_eq!(probe.path().len(), 3);
    }

    deactivate_by_hand: |shell| {
        let repo = Repo::guide();
        let venv = repo.venv(&repo.auth());
        let mut s = repo.shell(shell).start();
        s.line("wcd auth").line("deactivate");
        s.probe().at(&repo.auth()).no_venv().branch("feature/auth");
        s.line("wcd").line("wcd auth");
        s.probe().venv(&venv);
    }

    auto_venv_can_be_turned_off: |shell| {
        let repo = Repo::guide();
        repo.venv(&repo.auth());
        let mut s = repo.shell(shell).env("TREEHOP_AUTO_VENV", "0").start();
        s.line("wcd auth");
        s.probe().at(&repo.auth()).no_venv().branch("feature/auth");
    }

    a_copied_venv_is_this_worktrees_own: |shell| {
        let repo = Repo::guide();
        let auth = repo.real_venv(&repo.auth());
        let fix = repo.fix().join(".venv");
        let cp = repo.scratch.command("cp", &repo.main).arg("-a").args([&auth, &fix]).status();
        assert!(cp.unwrap().success());
        let mut s = repo.shell(shell).start();
        s.line("wcd auth").line("wcd 422");
        s.probe().venv(&fix);
    }

    a_tracked_venv_is_refused: |shell| {
        let repo = Repo::guide();
        repo.venv(&repo.auth());
        repo.git_in(&repo.auth(), ["add", "-f", ".venv"]);
        repo.git_in(&repo.auth(), ["commit", "-q", "-m", "a gift"]);
        let mut s = repo.shell(shell).start();
        let output = s.line("wcd auth").output();
        assert_eq!(output.lines().filter(|line| line.contains(".venv")).count(), 1, "one line: {output}");
        s.probe().at(&repo.auth()).status(0).no_venv();
    }

    a_linked_venv_is_refused: |shell| {
        let repo = Repo::guide();
        let elsewhere = repo.venv_at(&repo.scratch.home.join("elsewhere"));
        symlink(elsewhere, repo.auth().join(".venv")).unwrap();
        let mut s = repo.shell(shell).start();
        let output = s.line("wcd auth").output();
        assert_eq!(output.lines().filter(|line| line.contains(".venv")).count(), 1, "one line: {output}");
        s.probe().at(&repo.auth()).no_venv();
    }

    a_venv_that_others_can_write_to_is_refused: |shell| {
        let repo = Repo::guide();
        let venv = repo.venv(&repo.auth());
        fs::set_permissions(venv.join("bin"), fs::Permissions::from_mode(0o777)).unwrap();
        let mut s = repo.shell(shell).start();
        let output = s.line("wcd auth").output();
        assert_eq!(output.lines().filter(|line| line.contains(".venv")).count(), 1, "one line: {output}");
        s.probe().at(&repo.auth()).no_venv();
    }

    a_colon_in_the_path_is_no_way_into_path: |shell| {
        let repo = Repo::new();
        let tree = repo.worktree_at("colon", "bitsandbytes-a:b");
        repo.venv(&tree);
        let mut s = repo.shell(shell).start();
        s.line("wcd colon");
        s.probe().at(&tree).no_venv();
    }

    // --- Hostile names -----------------------------------------------------------------------------------------

    hostile_branches_are_text: |shell| {
        let repo = Repo::new();
        let branches = ["$(touch${IFS}pwned)", "`touch${IFS}pwned`", "%F{red}x", "a;touch${IFS}pwned", "it's", "say\"hi\"", "🦀", "%n%%"];
        let trees: Vec<_> = (0..).zip(branches).map(|(n, branch)| repo.worktree_at(branch, format!("bitsandbytes-odd{n}"))).collect();
        let mut s = repo.shell(shell).after(shell.prompt()).start();
        for (number, branch) in branches.iter().enumerate() {
            s.line(&format!("wcd odd{number}"));
            s.tmux.wait_for(&format!("{branch}@odd{number} READY>"));
            s.probe().status(0).at(&trees[number]).branch(branch).prompt(&format!("{branch}@odd{number}"));
            s.line(&format!("wcd; wcd {}", shell.quote(branch)));
            s.probe().status(0).at(&trees[number]);
        }
        let output = s.line(shell.pick("wls", "wls", "wls", "wls | get branch | str join ' '")).output();
        for (branch, tree) in branches.iter().zip(&trees) {
            assert!(output.contains(branch), "wls shows {branch}:\n{output}");
            assert!(!tree.join("pwned").exists(), "{branch} was run");
        }
        assert!(!repo.main.join("pwned").exists());
    }

    hostile_directories_are_only_names: |shell| {
        let repo = Repo::new();
        let names = [
            "with space", "it's", "say \"hi\"", "$(touch pwned)", "`touch pwned`", "a;touch pwned", "-dash", "🦀", "%F{red}", "*",
            "back\\slash", "# not a comment", "[a]", "~", "{a,b}", "!!", "ends with space ",
        ];
        let mut s = repo.shell(shell).after(shell.prompt()).start();
        for (number, name) in names.iter().enumerate() {
            let branch = format!("odd/n{number}");
            let tree = repo.worktree_at(&branch, name);
            let venv = repo.venv(&tree);
            s.line(&format!("wcd n{number}"));
            s.probe().status(0).at(&tree).branch(&branch).worktree(name).venv(&venv);
            s.line("wcd");
            s.probe().status(0).at(&repo.main).no_venv();
            assert!(!repo.main.join("pwned").exists() && !tree.join("pwned").exists(), "{name} was run");
        }
    }

    a_name_at_the_limit: |shell| {
        let repo = Repo::new();
        let branch = format!("long/{}", "x".repeat(200));
        let name = "y".repeat(255);
        let tree = repo.worktree_at(&branch, &name);
        let mut s = repo.shell(shell).start();
        s.line("wcd long/x");
        s.probe().status(0).at(&tree).branch(&branch).worktree(&name);
    }
}

/// The table uses Python's own venv, and it has what the quick one pretends to have.
#[test]
fn the_quick_venv_is_like_the_real_one() {
    let repo = Repo::guide();
    let (real, quick) = (repo.real_venv(&repo.auth()), repo.venv(&repo.fix()));
    for file in ["pyvenv.cfg", "bin/activate", "bin/python", "bin/python3"] {
        assert!(real.join(file).exists(), "{file} in a real one");
        assert!(quick.join(file).exists(), "{file} in a quick one");
    }
}
