//! What is refused, and leaves all as it is.

use std::fs;
use std::process::{Child, Command};

use crate::Work;
use crate::common::Repo;

#[test]
fn a_merge_that_would_conflict_names_the_files_and_the_way_out() {
    for args in [
        &["x"][..],
        &["--squash", "x"],
        &["--rebase", "x"],
        &["--no-ff", "x"],
    ] {
        let work = Work::new();
        work.commit_x("bad\u{1b}[31m", "theirs\n");
        work.commit("bad\u{1b}[31m", "ours\n");
        work.commit("two", "ours\n");
        let said = work.refused(6, args);
        let verb = if args[0] == "--rebase" {
            "rebase"
        } else {
            "merge"
        };
        // A rebase stops at the first commit that conflicts.
        assert!(said.contains("\n  two\n"), "{said}");
        assert_eq!(said.contains("\n  bad?[31m\n"), verb == "merge", "{said}");
        let x = work.x.to_str().unwrap().replace('\'', r"'\''");
        assert!(
            said.contains(&format!("hint: git -C '{x}' {verb} main, resolve it there")),
            "{said}"
        );
        work.is_sound();
    }
}

#[test]
fn a_rebase_that_conflicts_in_between_although_a_merge_would_not() {
    let work = Work::new();
    let before = fs::read(work.x.join("src/server.py")).unwrap();
    fs::write(work.x.join("src/server.py"), "other\n").unwrap();
    work.repo
        .git_in(&work.x, ["commit", "-q", "-a", "-m", "there"]);
    fs::write(work.x.join("src/server.py"), before).unwrap();
    work.repo
        .git_in(&work.x, ["commit", "-q", "-a", "-m", "and back"]);
    work.commit("src/server.py", "ours\n");
    let said = work.refused(6, &["--rebase", "x"]);
    assert!(said.contains("\n  src/server.py\n"), "{said}");
    work.merge(&["x"]).json();
    work.is_merged();
}

#[test]
fn what_is_not_committed_on_either_side() {
    let work = Work::diverged();
    let dirty = |dir: &std::path::Path, file: &str, kind: &str, name: &str| {
        let path = dir.join(file);
        let old = fs::read(&path).ok();
        fs::write(&path, "new\n").unwrap();
        for args in [&["x"][..], &["--keep", "x"], &["--rebase", "x"]] {
            let said = work.refused(5, args);
            assert!(
                said.contains(&format!("'{name}' has changes: 1 {kind}")),
                "{said}"
            );
            assert!(said.contains("hint: commit them first, in "), "{said}");
        }
        old.map_or_else(|| fs::remove_file(&path), |old| fs::write(&path, old))
            .unwrap();
    };
    dirty(&work.x, "one", "modified", "x");
    dirty(&work.x, "forgotten", "untracked", "x");
    dirty(&work.repo.main, "other", "modified", "app");
    fs::write(work.repo.main.join("other"), "staged\n").unwrap();
    work.repo.git(["add", "other"]);
    assert!(
        work.refused(5, &["x"])
            .contains("'app' has changes: 1 staged")
    );
    work.repo.git(["reset", "-q", "--hard"]);
    // Notes that nobody tracks stand in nobody's way.
    fs::write(work.repo.main.join("notes"), "mine\n").unwrap();
    work.merge(&["x"]).json();
    assert_eq!(fs::read(work.repo.main.join("notes")).unwrap(), b"mine\n");
}

#[test]
fn files_that_git_would_overwrite_in_silence() {
    for args in [&["x"][..], &["--no-ff", "x"], &["--squash", "x"]] {
        for (file, blocked) in [("one", "one"), ("dir/a", "dir"), ("new", "new/mine")] {
            let work = Work::new();
            fs::write(
                work.repo.main.join(".git/info/exclude"),
                "one\ndir\nnew\nmine\n",
            )
            .unwrap();
            work.commit_x(file, "theirs\n");
            let mine = work.repo.main.join(blocked);
            fs::create_dir_all(mine.parent().unwrap()).unwrap();
            fs::write(&mine, "mine\n").unwrap();
            let said = work.refused(5, args);
            assert!(
                said.contains(&format!("would be overwritten:\n  {blocked}\n")),
                "{said}"
            );
            fs::remove_file(&mine).unwrap();
            work.merge(args).json();
            assert_eq!(fs::read(work.repo.main.join(file)).unwrap(), b"theirs\n");
        }
    }
    // In the worktree itself, by what the rebase brings.
    let work = Work::diverged();
    fs::write(work.repo.main.join(".git/info/exclude"), "secret\n").unwrap();
    work.commit("secret", "theirs\n");
    fs::write(work.x.join("secret"), "mine\n").unwrap();
    assert!(
        work.refused(5, &["--rebase", "x"])
            .contains("of 'x', which git does not track, would be overwritten:\n  secret")
    );
    // Hidden from git's eyes.
    let work = Work::new();
    work.commit_x("src/server.py", "theirs\n");
    work.repo
        .git(["update-index", "--assume-unchanged", "src/server.py"]);
    fs::write(work.repo.main.join("src/server.py"), "mine\n").unwrap();
    assert!(work.refused(5, &["x"]).contains("\n  src/server.py\n"));
}

#[test]
fn a_directory_becomes_a_file() {
    let work = Work::new();
    work.repo.git_in(&work.x, ["rm", "-q", "-r", "src"]);
    work.commit_x("src", "a file\n");
    work.merge(&["x"]).json();
    assert_eq!(fs::read(work.repo.main.join("src")).unwrap(), b"a file\n");
    work.is_merged();
}

#[test]
fn the_main_worktree_a_detached_one_and_a_branch_into_itself() {
    let work = Work::new();
    assert!(
        work.refused(5, &["^"])
            .contains("'app' is the main worktree")
    );
    assert!(work.refused(5, &[]).contains("'app' is the main worktree"));
    assert!(
        work.refused(2, &["x", "--into", "x"])
            .contains("cannot be merged into itself")
    );
    assert!(
        work.refused(3, &["x", "--into", "nosuch"])
            .contains("there is no branch 'nosuch'")
    );
    assert!(
        work.refused(3, &["nosuch"])
            .contains("no worktree matches 'nosuch'")
    );
    work.repo.git_in(&work.x, ["switch", "-q", "--detach"]);
    let said = work.refused(5, &["app-x"]);
    assert!(
        said.contains("'x' is detached") && said.contains("switch -c BRANCH"),
        "{said}"
    );
    work.repo.git_in(&work.x, ["switch", "-q", "x"]);
    work.repo.git(["switch", "-q", "--detach"]);
    let said = work.refused(5, &["x"]);
    assert!(
        said.contains("'app' is detached: merge into which branch?"),
        "{said}"
    );
    assert!(said.contains("hint: wmerge --into BRANCH"), "{said}");
    work.merge(&["x", "--into", "main"]).json();
    assert_eq!(work.tip("main~2"), work.tip("HEAD"));
}

#[test]
fn the_middle_of_an_operation_on_either_side() {
    let work = Work::new();
    work.commit("two", "ours\n");
    for (dir, name) in [(&work.x, "x"), (&work.repo.main, "app")] {
        let other = if name == "x" { "main" } else { "x" };
        assert!(!work.repo.scratch.git_may_fail(dir, ["merge", other]));
        let said = work.refused(5, &["x"]);
        assert!(
            said.contains(&format!("'{name}' is in the middle of a merge")),
            "{said}"
        );
        work.repo.git_in(dir, ["merge", "--abort"]);
    }
    work.repo.rebase_in(&work.x);
    assert!(
        work.refused(5, &["x"])
            .contains("'x' is in the middle of a rebase")
    );
}

#[test]
fn histories_without_a_common_beginning() {
    let work = Work::new();
    let orphan = work.repo.worktree("orphan");
    work.repo
        .git_in(&orphan, ["checkout", "-q", "--orphan", "alien"]);
    work.repo.git_in(&orphan, ["commit", "-q", "-m", "alien"]);
    for args in [
        &["alien"][..],
        &["--squash", "alien"],
        &["--rebase", "alien"],
    ] {
        let said = work.refused(5, args);
        assert!(
            said.contains("'alien' and main have no history in common"),
            "{said}"
        );
        assert!(
            said.contains("merge --allow-unrelated-histories main"),
            "{said}"
        );
    }
    work.repo.git_in(
        &orphan,
        ["merge", "-q", "--allow-unrelated-histories", "main"],
    );
    work.merge(&["alien"]).json();
    assert!(!orphan.exists());
}

/// A process that lives.
struct Living(Child);

impl Drop for Living {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An entry in Claude Code's registry for a process that lives.
fn session(repo: &Repo, dir: &std::path::Path) -> Living {
    let living = Living(Command::new("sleep").arg("600").spawn().unwrap());
    let pid = living.0.id();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let began = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .nth(19)
        .unwrap();
    let entry = serde_json::json!({"pid": pid, "procStart": began, "cwd": dir, "name": "busy bee"});
    repo.scratch
        .write(format!(".claude/sessions/{pid}.json"), entry.to_string());
    living
}

#[test]
fn a_live_session_in_the_branchs_worktree() {
    let work = Work::new();
    // One in the main worktree may go on.
    let _other = session(&work.repo, &work.repo.main);
    let living = session(&work.repo, &work.x);
    for args in [&["x"][..], &["--keep", "x"]] {
        assert!(
            work.refused(5, args)
                .contains("a session is live in 'x': 'busy bee'")
        );
    }
    drop(living);
    work.merge(&["x"]).json();
    work.is_merged();
}

#[test]
fn what_stands_against_the_removal_is_found_out_before_the_merge() {
    let work = Work::new();
    let x = work.x.to_str().unwrap();
    work.repo.git(["worktree", "lock", "--reason", "mine", x]);
    let said = work.refused(5, &["x"]);
    assert!(
        said.contains("'x' is locked: mine") && said.contains("; or wmerge --keep"),
        "{said}"
    );
    work.merge(&["--keep", "x"]).json();
    assert_eq!(work.tip("main"), work.tip("x"));
}

#[test]
fn options_that_do_not_go_together() {
    let work = Work::new();
    for args in [
        &["--squash", "--rebase"][..],
        &["--squash", "--no-ff"],
        &["--rebase", "--no-ff"],
        &["-m", "text"],
    ] {
        work.refused(2, &[args, &["x"]].concat());
    }
}

#[test]
fn a_git_that_cannot_say_whether_a_merge_conflicts() {
    let work = Work::diverged();
    let script = r#"for word; do [ "$word" = merge-tree ] && echo 'usage: git merge-tree' >&2 && exit 129; done
PATH=${PATH#*:} exec git "$@""#;
    let git = work.repo.scratch.script("git", script);
    let before = work.state();
    let said = work.merge(&["x"]).fails(1).to_owned();
    assert!(said.contains("hint: git 2.38 or newer can"), "{said}");
    fs::remove_file(git).unwrap();
    assert_eq!(work.state(), before);
    // Where nothing can conflict it need not say.
    let work = Work::new();
    work.repo.scratch.script("git", script);
    work.merge(&["x"]).json();
}
