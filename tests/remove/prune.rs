//! `prune`: what is forgotten, and what is not.

use std::fs;

use serde_json::Value;

use super::Project;

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap();
    list.iter()
        .map(|entry| entry["name"].as_str().unwrap())
        .collect()
}

fn said(project: &Project, args: &[&str]) -> String {
    let output = project.treehop(args);
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn directories_that_are_gone() {
    let project = Project::new();
    for name in ["gone", "locked", "staged", "there"] {
        project.worktree(name);
    }
    let locked = project.at("app-locked");
    project.git(&["worktree", "lock", locked.to_str().unwrap()]);
    project.write("app-staged/file", "staged\n");
    project.git_in("app-staged", &["add", "file"]);
    for name in ["gone", "locked", "staged"] {
        fs::remove_dir_all(project.at(format!("app-{name}"))).unwrap();
    }
    let document = project.json(&["prune", "--dry-run"]);
    assert_eq!(names(&document["pruned"]), ["gone"]);
    project.sound(&["app-gone", "app-locked", "app-staged", "app-there"]);
    let output = project.treehop(&["prune"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("'staged' is kept, although its directory is gone: it holds staged changes"),
        "{said}"
    );
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(names(&document["pruned"]), ["gone"]);
    assert_eq!(document["pruned"][0]["branch"], "gone");
    assert_eq!(
        (&document["snapshots_dropped"], &document["cd"]),
        (&Value::from(0), &Value::Null)
    );
    project.sound(&["app-locked", "app-staged", "app-there"]);
    assert!(project.has_branch("gone"));
}

#[test]
fn what_was_moved_is_kept_and_named() {
    let project = Project::new();
    project.fresh("moved");
    fs::rename(project.at("app-moved"), project.at("elsewhere")).unwrap();
    let now = project.at("elsewhere");
    let text = said(&project, &["prune"]);
    assert!(
        text.contains(&format!("hint: git worktree repair {}", now.display())),
        "{text}"
    );
    project.git(&["worktree", "repair", now.to_str().unwrap()]);
    project.sound(&["elsewhere"]);
    fs::rename(&project.main, project.at("main-moved")).unwrap();
    let output = project.treehop_in("main-moved", &["prune"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("'elsewhere' does not know where its repository is"),
        "{text}"
    );
    assert!(now.exists() && project.at("main-moved/.git/worktrees/app-moved").exists());
}

#[test]
fn merged_ones_go_if_nothing_stands_against_it() {
    let project = Project::new();
    for name in ["merged", "squashed", "ff", "dirty", "open", "pushed"] {
        project.worktree(name);
    }
    project.fresh("new");
    project.fresh("updated");
    project.git(&["merge", "--quiet", "--ff-only", "ff"]);
    project.git(&["merge", "--quiet", "merged"]);
    project.git(&["merge", "--quiet", "dirty"]);
    project.git(&["merge", "--quiet", "--squash", "squashed"]);
    project.commit("app", "squashed");
    project.git_in("app-updated", &["merge", "--quiet", "--ff-only", "main"]);
    project.write("app-dirty/file", "changed\n");
    // An open pull request: pushed is not merged.
    project.git(&["clone", "--quiet", "--bare", ".", "../remote"]);
    project.git(&["remote", "add", "origin", "../remote"]);
    project.git_in(
        "app-pushed",
        &["push", "--quiet", "--set-upstream", "origin", "pushed"],
    );
    let document = project.json(&["prune", "--merged", "--dry-run"]);
    assert_eq!(names(&document["removed"]), ["ff", "merged", "squashed"]);
    let output = project.treehop_in("app-merged", &["prune", "--merged"]);
    let text = String::from_utf8_lossy(&output.stderr);
    let (listed, done) = (
        text.find("'squashed' is rebased into main").unwrap(),
        text.find("removed 'ff'").unwrap(),
    );
    assert!(listed < done, "{text}");
    assert!(text.contains("'dirty' is in main, but kept"), "{text}");
    assert!(
        text.contains("'new' is kept: it has no commits of its own yet"),
        "{text}"
    );
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(names(&document["removed"]), ["ff", "merged", "squashed"]);
    assert_eq!(document["cd"], project.main.to_str().unwrap());
    project.settled();
    project.sound(&[
        "app-dirty",
        "app-new",
        "app-open",
        "app-pushed",
        "app-updated",
    ]);
}

#[test]
fn snapshots_of_more_than_thirty_days_are_dropped() {
    let project = Project::new();
    for name in ["old", "young"] {
        project.fresh(name);
        project.write(format!("app-{name}/.env"), "x\n");
        project.json(&["remove", name]);
    }
    let name = project.snapshots().remove(0);
    let message = project.git(&["log", "-1", "--format=%B", &name]);
    let year = message.split_once("\ntime ").unwrap().1[..4].to_owned();
    let aged = message.replace(&format!("\ntime {year}"), "\ntime 2020");
    let tree = format!("{name}^{{tree}}");
    let commit = project.git(&["commit-tree", &tree, "-p", "main", "-m", aged.trim_end()]);
    project.git(&["update-ref", &name, commit.trim()]);
    assert_eq!(
        project.json(&["prune", "--dry-run"])["snapshots_dropped"],
        1
    );
    assert_eq!(project.snapshots().len(), 2);
    assert_eq!(project.json(&["prune"])["snapshots_dropped"], 1);
    assert!(project.snapshots()[0].contains("young"));
    let kept = fs::read_dir(project.main.join(".git/treehop/kept")).unwrap();
    assert_eq!(kept.count(), 1);
    project.json(&["undo"]);
    project.sound(&["app-young"]);
}

#[test]
fn worktrees_of_dead_agents_go_if_nothing_in_them_would_be_lost() {
    let project = Project::new();
    let own = std::process::id();
    for (name, pid) in [
        ("dead", "4000000"),
        ("living", own.to_string().as_str()),
        ("working", "4000001"),
    ] {
        let dir = project.fresh(name);
        let reason = format!("claude agent {name} (pid {pid})");
        project.git(&[
            "worktree",
            "lock",
            "--reason",
            &reason,
            dir.to_str().unwrap(),
        ]);
    }
    project.write("app-working/new", "work");
    let would = project.json(&["prune", "--dry-run"]);
    assert_eq!(would["removed"][0]["name"], "dead");
    assert!(project.at("app-dead").exists());
    let done = project.json(&["prune"]);
    assert_eq!(done["removed"].as_array().unwrap().len(), 1);
    assert!(!project.at("app-dead").exists());
    assert!(project.at("app-living").exists() && project.at("app-working/new").exists());
}
