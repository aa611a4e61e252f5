//! When a branch goes with its worktree.

use std::fs;

use super::Project;

/// Removes the worktree and tells whether the branch went, and what was said.
fn remove(project: &Project, args: &[&str]) -> (bool, String) {
    let output = project.treehop(&[&["remove"], args].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let removed = &document["removed"][0];
    let deleted = removed["branch_deleted"].as_bool().unwrap();
    assert_eq!(
        project.has_branch(removed["branch"].as_str().unwrap()),
        !deleted,
        "{said}"
    );
    (deleted, said)
}

fn goes(project: &Project, name: &str, how: &str) {
    let (deleted, said) = remove(project, &[name]);
    assert!(deleted && said.contains(how), "{said}");
}

fn stays(project: &Project, name: &str, why: &str) {
    let (deleted, said) = remove(project, &[name]);
    assert!(
        !deleted && said.contains(&format!("branch {name} kept: {why}")),
        "{said}"
    );
}

#[test]
fn merged_rebased_or_squashed() {
    let project = Project::new();
    for name in ["merged", "rebased", "squashed", "overtaken"] {
        project.worktree(name);
        project.write(format!("app-{name}/{name}"), "second\n");
        project.commit(&format!("app-{name}"), "second");
    }
    project.write("app/other", "main goes on\n");
    project.commit("app", "other");
    project.git(&["merge", "--quiet", "--no-ff", "merged"]);
    project.git(&["cherry-pick", "main..rebased"]);
    for name in ["squashed", "overtaken"] {
        project.git(&["merge", "--quiet", "--squash", name]);
        project.commit("app", name);
    }
    // Later work in the same lines does not hide that it was squashed.
    project.write("app/overtaken", "changed again\n");
    project.commit("app", "again");
    goes(&project, "merged", "in main");
    goes(&project, "rebased", "rebased into main");
    goes(&project, "squashed", "squashed into main");
    goes(&project, "overtaken", "squashed into main");
    project.fresh("empty");
    goes(&project, "empty", "in main");
    project.sound(&[]);
}

#[test]
fn work_that_is_nowhere_else_stays() {
    let project = Project::new();
    for name in ["own", "partly", "undone", "evil"] {
        project.worktree(name);
    }
    // One of two commits is in main.
    project.git(&["cherry-pick", "partly"]);
    project.write("app-partly/more", "more\n");
    project.commit("app-partly", "more");
    // Two commits that undo each other are still two commits.
    project.git_in("app-undone", &["revert", "--no-edit", "HEAD"]);
    // All commits are in main, but not what was done in the merge between them.
    project.git_in(
        "app-evil",
        &["merge", "--quiet", "--no-ff", "--no-commit", "main"],
    );
    project.write("app-evil/in the merge", "work\n");
    project.commit("app-evil", "merge");
    project.git(&["cherry-pick", "evil^1"]);
    for name in ["own", "partly", "undone", "evil"] {
        stays(&project, name, "it is not merged");
    }
    assert_eq!(project.git(&["log", "--format=%s", "-1", "own"]), "own\n");
}

#[test]
fn what_the_upstream_or_the_remote_default_branch_has() {
    let project = Project::new();
    project.git(&["clone", "--quiet", "--bare", ".", "../remote"]);
    project.git(&["remote", "add", "origin", "../remote"]);
    project.git(&["fetch", "--quiet"]);
    project.worktree("pushed");
    project.git_in(
        "app-pushed",
        &["push", "--quiet", "--set-upstream", "origin", "pushed"],
    );
    project.worktree("behind");
    project.git_in(
        "app-behind",
        &["push", "--quiet", "--set-upstream", "origin", "behind"],
    );
    project.write("app-behind/later", "not pushed\n");
    project.commit("app-behind", "later");
    project.worktree("remote-merged");
    project.git_in(
        "app-remote-merged",
        &["push", "--quiet", "origin", "remote-merged:main"],
    );
    goes(&project, "pushed", "in origin/pushed");
    stays(&project, "behind", "it is not merged");
    goes(&project, "remote-merged", "in origin/main");
}

#[test]
fn what_stays_although_it_is_merged() {
    let project = Project::new();
    project.fresh("asked");
    let (deleted, said) = remove(&project, &["--keep-branch", "asked"]);
    assert!(!deleted && said.contains("as you asked"), "{said}");
    project.fresh("twice");
    project.git(&[
        "worktree",
        "add",
        "--quiet",
        "--force",
        "../app-again",
        "twice",
    ]);
    let output = project.treehop(&["remove", project.at("app-twice").to_str().unwrap()]);
    assert!(output.status.success() && project.has_branch("twice"));
    project.git(&["switch", "--quiet", "-c", "elsewhere"]);
    project.git(&["worktree", "add", "--quiet", "../app-main", "main"]);
    let output = project.treehop(&["remove", project.at("app-main").to_str().unwrap()]);
    assert!(output.status.success() && project.has_branch("main"));
}

#[test]
fn the_stash_of_a_branch_that_goes_is_named() {
    let project = Project::new();
    let dir = project.fresh("stashed");
    fs::write(dir.join("file"), "stashed\n").unwrap();
    project.git_in("app-stashed", &["stash", "--quiet"]);
    let out = project.treehop(&["remove", "stashed"]);
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(
        said.contains("entries of the stash that were made on it stay: 1"),
        "{said}"
    );
    assert!(!project.has_branch("stashed"));
}
