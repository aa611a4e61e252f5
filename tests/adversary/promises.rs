//! What treehop promises, and the tests that prove it, each by its full name: the program (the folder or file below
//! `tests/`), the modules, the test. The last test here fails where one is named that is not there.

use std::fs;

use crate::common::tools;

/// A promise in short, and its tests. The first six are the promises about people's work, in their order.
const PROMISES: [(&str, &[&str]); 28] = [
    (
        "1. No uncommitted change and no untracked file is deleted that cannot be brought back",
        &[
            "remove::undo::every_byte_mode_and_link",
            "remove::refuse::changes_of_every_kind_but_with_force",
            "remove::refuse::settings_that_hide_changes_hide_nothing",
            "remove::undo::a_full_disk_loses_nothing",
            "remove::what_is_written_in_the_last_moment_is_not_lost",
            "adversary::faults::disk::a_disk_that_fills_up",
            "adversary::faults::kill::what_is_deleted_behind_is_not_what_is_brought_back",
            "adversary::faults::files::a_removal_of_1970_is_kept",
        ],
    ),
    (
        "2. Never removed: the main worktree, a locked one, one with changes, with a live session, in a rebase",
        &[
            "remove::refuse::the_main_worktree",
            "remove::refuse::a_lock_unless_its_claude_session_is_dead",
            "remove::refuse::changes_of_every_kind_but_with_force",
            "remove::refuse::a_live_session_in_it_or_below_it",
            "remove::refuse::the_middle_of_an_operation",
            "adversary::strangers::places::a_copied_worktree_is_not_the_one_that_it_was_copied_from",
        ],
    ),
    (
        "3. A branch is deleted only when its commits are in the default branch or its upstream",
        &[
            "remove::merged::merged_rebased_or_squashed",
            "remove::merged::work_that_is_nowhere_else_stays",
            "remove::merged::what_the_upstream_or_the_remote_default_branch_has",
            "remove::merged::what_stays_although_it_is_merged",
        ],
    ),
    (
        "4. A merge that would conflict changes nothing, and names the files",
        &[
            "merge::refuse::a_merge_that_would_conflict_names_the_files_and_the_way_out",
            "merge::refuse::a_rebase_that_conflicts_in_between_although_a_merge_would_not",
            "merge::hooks::a_conflict_that_only_the_real_merge_has",
            "it::life::wmerge_that_would_conflict_changes_nothing",
        ],
    ),
    (
        "5. A crash or kill -9 at any point leaves a sound repository, and the next run goes on",
        &[
            "new::stopped_before_or_after_any_git_the_next_run_succeeds",
            "new::killed_with_git_at_any_time_the_next_run_succeeds",
            "setup::a_kill_between_any_two_files_leaves_whole_ones_and_the_next_run_goes_on",
            "remove::kill::remove",
            "remove::kill::undo",
            "remove::kill::both_at_any_moment",
            "merge::kill::merging",
            "merge::kill::squashing",
            "merge::kill::rebasing",
            "merge::kill::in_the_middle_of_a_checkout",
            "hook::create::what_a_kill_left_half_made_is_made_anew",
            "adversary::faults::kill::killed_while_it_prunes",
            "adversary::faults::kill::killed_while_it_asks_for_a_merge",
            "adversary::faults::kill::killed_while_claude_asks_for_a_worktree",
        ],
    ),
    (
        "6. Nothing that a repository contains is executed because someone walks into it",
        &[
            "adversary::strangers::traps::nothing_of_it_runs",
            "adversary::strangers::traps::programs_in_relative_parts_of_path_are_not_run",
            "adversary::strangers::shells::bash",
            "adversary::strangers::shells::zsh",
            "adversary::strangers::shells::fish",
            "adversary::strangers::shells::nu",
            "it::odd::nothing_in_a_repository_runs",
        ],
    ),
    (
        "A venv that git tracks, that is a link out of the worktree or that another user can write to is never activated",
        &[
            "it::scenarios::a_tracked_venv_is_refused",
            "it::scenarios::a_linked_venv_is_refused",
            "it::scenarios::a_venv_that_others_can_write_to_is_refused",
            "it::here::venvs_that_are_not_to_be_trusted",
            "it::here::a_venv_beside_a_big_index",
            "adversary::strangers::places::an_environment_that_others_can_change_is_not_activated",
        ],
    ),
    (
        "Only what treehop activated is deactivated; an inherited one of another worktree is replaced",
        &[
            "it::scenarios::the_users_own_venv_stays",
            "it::scenarios::an_inherited_venv_of_another_worktree_is_replaced",
            "it::scenarios::auto_venv_can_be_turned_off",
        ],
    ),
    (
        "wcd activates before it returns, a plain cd by the next prompt",
        &[
            "it::scenarios::wcd_in_a_script_refreshes_before_it_returns",
            "it::scenarios::a_plain_cd_activates_by_the_next_prompt",
        ],
    ),
    (
        "activate is never sourced",
        &["it::scenarios::a_real_venv_is_entered_left_and_swapped"],
    ),
    (
        "A prompt without a change of directory costs no process, nor does loading",
        &[
            "it::loading::a_prompt_starts_no_process",
            "it::loading::a_prompt_asks_nobody",
            "it::loading::loading_starts_no_process",
        ],
    ),
    (
        "A worktree that is gone clears the variables",
        &["it::scenarios::a_worktree_that_is_removed_clears_the_variables"],
    ),
    (
        "Nothing else is put into the user's namespace",
        &["it::loading::nothing_else_in_the_users_namespace"],
    ),
    (
        "Hostile names show as text in each shell",
        &[
            "it::scenarios::hostile_branches_are_text",
            "it::scenarios::hostile_directories_are_only_names",
            "it::tab::hostile_branches_are_quoted_and_run_nothing",
            "it::picker::hostile_branches_in_a_list",
            "it::odd::hostile_branch_names_are_data",
            "install::a_prompt_shows_a_hostile_branch_as_text",
        ],
    ),
    (
        "Standard output is one JSON document of the published schema, the same whatever the configuration",
        &[
            "it::documents::every_key_counts",
            "it::documents::install_and_doctor",
            "it::list::the_configuration_of_the_user_changes_nothing",
            "adversary::faults::files::nothing_is_wrong",
        ],
    ),
    (
        "--fields prints raw values, one a line, null as an empty one; a closed pipe is quiet",
        &[
            "it::list::fields_are_raw_lines",
            "it::find::null_is_an_empty_line",
            "it::list::a_closed_pipe_is_quiet",
        ],
    ),
    (
        "Status 1: failed, with empty standard output, one line of what went wrong, and nothing changed",
        &[
            "adversary::faults::disk::a_full_disk",
            "adversary::faults::disk::nothing_can_be_written",
            "adversary::faults::disk::parts_of_it_cannot_be_read",
            "adversary::faults::files::broken_indexes",
            "adversary::faults::files::corrupt_refs",
            "adversary::faults::files::a_truncated_configuration",
            "adversary::faults::tools::without_git",
            "adversary::faults::tools::an_old_git",
            "adversary::faults::tools::a_file_system_without_locks",
            "adversary::faults::tools::without_a_home",
        ],
    ),
    ("Status 2: usage", &["it::find::a_wrong_command_line_is_2"]),
    (
        "Status 3: no such worktree",
        &[
            "it::scenarios::wcd_nothing_found_is_3",
            "it::here::outside_one_line_one_hint_and_3",
            "adversary::faults::files::a_directory_that_vanished",
        ],
    ),
    (
        "Status 4: ambiguous",
        &["it::scenarios::wcd_with_several_matches_and_no_terminal_is_4"],
    ),
    (
        "Status 5: refused, to protect work or a live session",
        &[
            "remove::refuse::a_live_session_in_it_or_below_it",
            "merge::refuse::what_is_not_committed_on_either_side",
            "claude::stand_in::sessions_that_were_started_otherwise",
        ],
    ),
    (
        "Status 6: a merge would conflict",
        &["merge::refuse::a_merge_that_would_conflict_names_the_files_and_the_way_out"],
    ),
    (
        "Nothing in list touches the network",
        &["adversary::strangers::traps::what_is_missing_is_not_fetched"],
    ),
    (
        "A repository owned by someone else is refused, as git refuses it",
        &[
            "adversary::strangers::places::a_repository_of_somebody_else_is_refused_by_every_command",
            "it::odd::somebody_elses_repository",
        ],
    ),
    (
        "One session in each worktree, however it was started; the lock cannot go stale",
        &[
            "claude::stand_in::of_ten_at_once_one_starts",
            "claude::stand_in::the_lock_alone_guards",
            "claude::stand_in::sessions_that_were_started_otherwise",
            "claude::stand_in::what_stands_in_the_lock_file_decides_nothing",
            "claude::real::of_ten_at_once_one_becomes_claude",
            "adversary::strangers::places::lock_files_of_others",
        ],
    ),
    (
        "A stranger's pull request runs no installation, no hook of its own, and claude without its settings",
        &[
            "new::a_pull_request_is_marked_as_a_strangers",
            "new::a_pull_request_runs_no_hook_of_its_own",
            "claude::stand_in::somebody_elses_pull_request",
            "claude::real::a_strangers_hooks_run_only_when_trusted",
        ],
    ),
    (
        ".worktreeinclude copies only what git ignores, never through a link out of the tree",
        &[
            "setup::what_is_named_and_ignored_is_copied_and_nothing_else",
            "setup::nothing_is_written_through_a_link_that_the_branch_holds",
            "setup::nothing_is_installed_through_a_link_out_of_the_worktree",
        ],
    ),
    (
        "Ctrl-C leaves nothing half-done",
        &[
            "new::a_signal_before_the_end_leaves_nothing",
            "setup::ctrl_c_ends_it_cleanly",
            "merge::hooks::ctrl_c_takes_it_back",
            "pr::ctrl_c_ends_all_of_it",
            "adversary::faults::kill::ctrl_c_while_it_removes",
            "adversary::faults::kill::ctrl_c_while_it_brings_back",
            "adversary::faults::kill::ctrl_c_while_it_prunes",
        ],
    ),
];

/// The file that holds a program's tests in these modules.
fn source(program: &str, modules: &[&str]) -> Option<String> {
    let folder = tools::source("tests").join(program);
    let stem = modules.iter().fold(folder, |dir, part| dir.join(part));
    let files = [
        stem.with_extension("rs"),
        stem.join("mod.rs"),
        stem.join("main.rs"),
    ];
    files.iter().find_map(|file| fs::read_to_string(file).ok())
}

#[test]
fn each_promise_names_tests_that_are_there() {
    for (promise, names) in PROMISES {
        assert!(!names.is_empty(), "nothing proves: {promise}");
        for name in names {
            let parts: Vec<&str> = name.split("::").collect();
            let (test, modules) = parts[1..].split_last().expect("a test");
            let file = source(parts[0], modules).unwrap_or_else(|| panic!("no file for {name}"));
            let is_test = file.contains(&format!("#[test]\nfn {test}()"));
            let in_four_shells = file.contains(&format!("\n    {test}: |shell|"));
            assert!(is_test || in_four_shells, "there is no test {name}");
        }
    }
}
