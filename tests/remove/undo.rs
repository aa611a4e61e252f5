//! `undo`: what comes back, and how.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{Project, tree};

/// Removes `app-NAME` with `-f`, forgets all that nothing holds, brings it back and compares.
fn there_and_back(project: &Project, name: &str) {
    let dir = format!("app-{name}");
    let before = project.state(&dir);
    let head = fs::read(project.main.join(format!(".git/worktrees/{dir}/HEAD"))).unwrap();
    project.json(&["remove", "-f", &dir]);
    assert!(!project.at(&dir).exists());
    project.settled();
    project.sound(&[]);
    project.git(&["reflog", "expire", "--expire=now", "--all"]);
    project.git(&["gc", "--quiet", "--prune=now"]);
    let document = project.json(&["undo"]);
    assert_eq!(document["cd"], project.at(&dir).to_str().unwrap());
    assert_eq!(document["worktree"]["path"], document["cd"]);
    let after = project.state(&dir);
    assert_eq!(after.files, before.files);
    assert_eq!(after.entries, before.entries);
    assert_eq!(after.status, before.status);
    assert!(after.index == before.index, "the index has other bytes");
    assert_eq!(
        fs::read(project.main.join(format!(".git/worktrees/{dir}/HEAD"))).unwrap(),
        head
    );
    assert!(project.snapshots().is_empty());
    assert!(
        !project
            .main
            .join(format!(".git/worktrees/{dir}/treehop-undo"))
            .exists()
    );
    project.settled();
    project.sound(&[&dir]);
}

#[test]
fn every_byte_mode_and_link() {
    let project = Project::new();
    // What git would change on the way in or out.
    project.git(&["config", "filter.shout.clean", "tr A-Z a-z"]);
    project.git(&["config", "filter.shout.smudge", "tr a-z A-Z"]);
    let attributes = "*.crlf text eol=crlf\n*.lf text eol=lf\n*.shout filter=shout\n*.id ident\n*.utf text working-tree-encoding=UTF-16\n";
    project.write("app/.gitattributes", attributes);
    for name in ["a.crlf", "b.crlf", "a.lf", "a.shout", "b.shout", "a.id"] {
        project.write(format!("app/{name}"), "one\ntwo $Id$\n");
    }
    for name in [
        "plain",
        "deleted",
        "deleted-staged",
        "moved",
        "assumed",
        "to-link",
        "dir/inner",
        "mode",
        "staged",
        "both",
        "-dash",
        "was ignored.log",
    ] {
        project.write(format!("app/{name}"), format!("{name}\n"));
    }
    project.git(&["add", "--force", "--", "was ignored.log"]);
    project.commit("app", "all");
    let path = project.fresh("odd");
    let git = |args: &[&str]| project.git_in("app-odd", args);
    let write = |name: &str, content: &[u8]| project.write(format!("app-odd/{name}"), content);
    write("a.crlf", b"mixed\r\nends\nhere\r");
    write("b.crlf", b"only lf\n");
    write("a.lf", b"crlf\r\nall the same\r\n");
    write("a.shout", b"MiXeD\n");
    write("a.id", b"$Id: mine $\n");
    write("new.utf", "nönsense, not UTF-16\n".as_bytes());
    write(
        "binary",
        &(0..=255).cycle().take(70_000).collect::<Vec<u8>>(),
    );
    write("was ignored.log", b"changed\n");
    write("staged", b"staged only\n");
    git(&["add", "staged"]);
    write("staged", b"staged\n");
    write("both", b"in the index\n");
    git(&["add", "both"]);
    write("both", b"in the file\n");
    write("announced", b"announced\n");
    git(&["add", "--intent-to-add", "announced"]);
    write("added", b"added\n");
    git(&["add", "added"]);
    fs::remove_file(path.join("added")).unwrap();
    fs::remove_file(path.join("deleted")).unwrap();
    git(&["rm", "--quiet", "deleted-staged"]);
    git(&["mv", "moved", "moved-to"]);
    git(&["update-index", "--assume-unchanged", "assumed"]);
    write("assumed", b"hidden from git\n");
    fs::remove_file(path.join("to-link")).unwrap();
    symlink("nowhere/../\u{e9}", path.join("to-link")).unwrap();
    symlink("dir", path.join("link to dir")).unwrap();
    fs::remove_dir_all(path.join("dir")).unwrap();
    write("dir", b"a file now\n");
    write("un/tracked/家 \"quoted\" \\ \n file", b"x");
    write("-f", b"");
    write(".github/git", b"");
    for (name, mode) in [
        ("mode", 0o755),
        ("plain", 0o600),
        ("un/tracked/run", 0o700),
        ("b.shout", 0o444),
    ] {
        if name.starts_with("un/") {
            write(name, b"#!/bin/sh\n");
        }
        fs::set_permissions(path.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    there_and_back(&project, "odd");
}

#[test]
fn a_clean_one_with_the_settings_of_its_branch() {
    let project = Project::new();
    project.git(&["clone", "--quiet", "--bare", ".", "../remote"]);
    project.git(&["remote", "add", "origin", "../remote"]);
    project.worktree("auth");
    project.git_in(
        "app-auth",
        &["push", "--quiet", "--set-upstream", "origin", "auth"],
    );
    project.git(&["config", "branch.auth.treehopModel", "opus \"4\"\nx"]);
    let settings = || project.git(&["config", "--get-regexp", "^branch\\.auth\\."]);
    let (before, tip, there) = (
        settings(),
        project.git(&["rev-parse", "auth"]),
        tree(&project.at("app-auth")),
    );
    project.json(&["remove", "auth"]);
    assert!(!project.has_branch("auth"));
    let list = project.json(&["undo", "--list"]);
    let snapshot = &list["snapshots"][0];
    assert_eq!(snapshot["name"], "auth");
    assert_eq!(snapshot["branch"], "auth");
    assert_eq!(snapshot["branch_deleted"], true);
    assert_eq!(snapshot["changed"], false);
    assert_eq!(snapshot["head"], tip.trim());
    let document = project.json(&["undo", "auth"]);
    assert_eq!(document["worktree"]["branch"], "auth");
    assert_eq!(document["restored"]["snapshot"], snapshot["snapshot"]);
    assert_eq!(
        (settings(), project.git(&["rev-parse", "auth"])),
        (before, tip)
    );
    assert_eq!(tree(&project.at("app-auth")), there);
    assert_eq!(project.git_in("app-auth", &["status", "--porcelain"]), "");
    assert_eq!(
        project.json(&["undo", "--list"])["snapshots"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn an_unborn_branch_and_a_detached_head() {
    let project = Project::new();
    project.git(&[
        "worktree",
        "add",
        "--quiet",
        "--orphan",
        "-b",
        "unborn",
        "../app-unborn",
    ]);
    project.write("app-unborn/first", "1\n");
    project.git_in("app-unborn", &["add", "first"]);
    there_and_back(&project, "unborn");
    let project = Project::new();
    project.fresh("loose");
    project.git_in("app-loose", &["switch", "--quiet", "--detach"]);
    project.write("app-loose/new", "1\n");
    there_and_back(&project, "loose");
}

#[test]
fn a_conflict_that_no_operation_left() {
    let project = Project::new();
    let path = project.fresh("conflict");
    project.write("app-conflict/file", "mine\n");
    project.git_in("app-conflict", &["stash", "--quiet"]);
    project.write("app-conflict/file", "theirs\n");
    project.commit("app-conflict", "theirs");
    let mut git = project.command("git", &path);
    assert!(
        !git.args(["stash", "pop"])
            .output()
            .unwrap()
            .status
            .success()
    );
    project.git(&["stash", "drop", "--quiet"]);
    assert!(
        project
            .git_in("app-conflict", &["status", "--porcelain"])
            .starts_with("UU")
    );
    there_and_back(&project, "conflict");
}

#[test]
fn settings_of_the_worktree_and_a_sparse_checkout() {
    let project = Project::new();
    project.write("app/in/file", "in\n");
    project.write("app/out/file", "out\n");
    project.commit("app", "two directories");
    let path = project.fresh("sparse");
    let git = |args: &[&str]| project.git_in("app-sparse", args);
    git(&["sparse-checkout", "set", "in"]);
    git(&["config", "--worktree", "user.name", "only here"]);
    git(&["config", "core.splitIndex", "false"]);
    assert!(!path.join("out").exists());
    for change in [false, true] {
        if change {
            project.write("app-sparse/in/file", "changed\n");
        }
        there_and_back(&project, "sparse");
        assert_eq!(git(&["config", "user.name"]), "only here\n");
        assert_eq!(git(&["sparse-checkout", "list"]), "in\n");
        assert!(!path.join("out").exists());
    }
}

#[test]
fn a_split_index() {
    let project = Project::new();
    project.fresh("split");
    project.git_in("app-split", &["update-index", "--split-index"]);
    project.write("app-split/new", "1\n");
    project.git_in("app-split", &["add", "new"]);
    there_and_back(&project, "split");
}

#[test]
fn where_the_branch_went_on_or_is_in_use_it_comes_back_detached() {
    let project = Project::new();
    project.worktree("moved");
    let tip = project.git(&["rev-parse", "moved"]);
    project.write("app-moved/file", "changed\n");
    let before = tree(&project.at("app-moved"));
    project.json(&["remove", "-f", "moved"]);
    project.git(&["branch", "--quiet", "--force", "moved", "main"]);
    let output = project.treehop(&["undo"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("'moved' is detached: the branch moved has moved"),
        "{said}"
    );
    assert_eq!(project.git_in("app-moved", &["rev-parse", "HEAD"]), tip);
    assert_eq!(
        project.git(&["rev-parse", "moved"]),
        project.git(&["rev-parse", "main"])
    );
    assert_eq!(tree(&project.at("app-moved")), before);
    assert_eq!(
        project.git_in("app-moved", &["status", "--porcelain"]),
        " M file\n"
    );

    project.worktree("used");
    project.json(&["remove", "used"]);
    project.git(&["switch", "--quiet", "used"]);
    let document = project.json(&["undo", "used"]);
    assert_eq!(document["worktree"]["detached"], true);
    project.sound(&["app-moved", "app-used"]);
}

#[test]
fn a_place_that_is_taken_is_left_alone() {
    let project = Project::new();
    project.fresh("place");
    project.json(&["remove", "place"]);
    project.write("app-place/mine", "mine\n");
    let said = project.fails(5, &["undo"]);
    assert!(said.contains("its place is taken"), "{said}");
    assert_eq!(tree(&project.at("app-place")).len(), 1);
    assert_eq!(project.snapshots().len(), 1);
    fs::remove_dir_all(project.at("app-place")).unwrap();
    fs::create_dir(project.at("app-place")).unwrap();
    project.json(&["undo"]);
    project.sound(&["app-place"]);
}

#[test]
fn which_one_is_meant() {
    let project = Project::new();
    project.fails(3, &["undo"]);
    for name in ["feature-a", "feature-b", "other"] {
        project.fresh(name);
        project.json(&["remove", name]);
    }
    assert!(project.fails(4, &["undo", "feature"]).contains("feature-b"));
    assert!(
        project
            .fails(3, &["undo", "nothing"])
            .contains("wundo --list")
    );
    let output = project.treehop(&["undo", "--list", "--fields", "name,branch"]);
    assert_eq!(
        output.stdout,
        b"other\nother\nfeature-b\nfeature-b\nfeature-a\nfeature-a\n"
    );
    project.json(&["undo", "feature-a"]);
    project.json(&["undo"]);
    project.sound(&["app-feature-a", "app-other"]);
    // Of those removed from the same place, the latest.
    project.write("app-other/new", "1\n");
    project.json(&["remove", "-f", "other"]);
    project.git(&["worktree", "add", "--quiet", "-b", "other", "../app-other"]);
    project.write("app-other/new", "2\n");
    project.json(&["remove", "-f", "other"]);
    project.json(&["undo", "other"]);
    assert_eq!(fs::read(project.at("app-other/new")).unwrap(), b"2\n");
}

/// No file may grow beyond 1 MiB: what is to be kept is more.
#[test]
fn a_full_disk_loses_nothing() {
    let project = Project::new();
    let worktree = project.fresh("big");
    // Four million bytes that do not compress.
    let mut state = 1_u64;
    let mut byte = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    };
    let big: Vec<u8> = (0..4 << 20).map(|_| byte()).collect();
    fs::write(worktree.join("big"), &big).unwrap();
    let limited = |command: &str| {
        let line = format!("trap '' XFSZ; ulimit -f 1024; \"$0\" {command}");
        let mut bash = project.command("bash", "app");
        bash.args(["-c", &line, env!("CARGO_BIN_EXE_treehop")]);
        bash.output().unwrap()
    };
    let out = limited("remove -f big");
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("treehop: "), "{said}");
    assert_eq!(fs::read(worktree.join("big")).unwrap(), big);
    assert!(project.snapshots().is_empty());
    project.json(&["remove", "-f", "big"]);
    project.settled();
    let out = limited("undo");
    assert_eq!(out.status.code(), Some(1));
    assert!(!worktree.exists(), "all of it comes back or nothing");
    assert_eq!(project.snapshots().len(), 1);
    project.json(&["undo"]);
    assert_eq!(fs::read(worktree.join("big")).unwrap(), big);
    project.settled();
}
