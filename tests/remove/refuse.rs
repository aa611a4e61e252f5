//! What `remove` does not touch, and what `-f` does not lift.

use std::fs;
use std::process::Command;

use super::Project;

/// With and without `-f`: refused because of `why`, and nothing changes.
fn refused(project: &Project, name: &str, why: &str) {
    let dir = format!("app-{name}");
    let before = project.state(&dir);
    for args in [&["remove", name][..], &["remove", "-f", name]] {
        let said = project.fails(5, args);
        assert!(said.contains(why), "{args:?}: {said}");
    }
    assert_eq!(project.state(&dir), before);
    assert!(project.snapshots().is_empty());
    project.settled();
}

/// A process that lives, as Claude Code names it: its number and its start.
struct Living(std::process::Child);

impl Living {
    fn new() -> Self {
        Living(Command::new("sleep").arg("600").spawn().unwrap())
    }

    fn start(&self) -> String {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let fields = stat.rsplit_once(')').unwrap().1;
        fields.split_whitespace().nth(19).unwrap().to_owned()
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_main_worktree() {
    let project = Project::new();
    project.worktree("x");
    for query in ["^", "main", "."] {
        let said = project.fails(5, &["remove", "-f", query]);
        assert!(said.contains("'app' is the main worktree"), "{said}");
    }
    assert!(project.main.join("file").exists());
}

#[test]
fn changes_of_every_kind_but_with_force() {
    let project = Project::new();
    let changes: [(&str, &str, &[&str]); 4] = [
        ("modified", "file", &[]),
        ("untracked", "new/deep", &[]),
        ("staged", "file", &["add", "file"]),
        (
            "modified",
            "announced",
            &["add", "--intent-to-add", "announced"],
        ),
    ];
    for (number, (kind, file, then)) in changes.into_iter().enumerate() {
        let name = format!("w{number}");
        project.fresh(&name);
        project.write(format!("app-{name}/{file}"), "changed\n");
        if !then.is_empty() {
            project.git_in(format!("app-{name}"), then);
        }
        let said = project.fails(5, &["remove", &name]);
        assert!(
            said.contains(&format!("'{name}' has changes: 1 {kind}")),
            "{said}"
        );
        assert!(said.contains(&format!("wrm -f {name}")), "{said}");
        project.json(&["remove", "-f", &name]);
    }
}

#[test]
fn settings_that_hide_changes_hide_nothing() {
    let project = Project::new();
    project.fresh("hidden");
    project.git(&["config", "status.showUntrackedFiles", "no"]);
    project.write("app-hidden/new", "");
    assert!(
        project
            .fails(5, &["remove", "hidden"])
            .contains("1 untracked")
    );
}

#[test]
fn a_lock_unless_its_claude_session_is_dead() {
    let project = Project::new();
    let path = project.fresh("locked");
    let path = path.to_str().unwrap();
    let living = Living::new();
    let (pid, start) = (living.0.id(), living.start());
    let locks = [
        "on a stick".to_owned(),
        format!("claude session x (pid {pid} start {start})"),
        format!("claude agent x (pid {pid} start {start})"),
        // Another tool's, whose process is dead.
        format!("mine (pid {pid} start 1)"),
        "claude session x".to_owned(),
    ];
    for reason in &locks {
        project.git(&["worktree", "lock", "--reason", reason, path]);
        refused(&project, "locked", &format!("'locked' is locked: {reason}"));
        project.git(&["worktree", "unlock", path]);
    }
    let stale = format!("claude session x (y) (pid {pid} start 1)");
    project.git(&["worktree", "lock", "--reason", &stale, path]);
    project.json(&["remove", "locked"]);
    project.sound(&[]);
}

#[test]
fn a_live_session_in_it_or_below_it() {
    let project = Project::new();
    let path = project.fresh("alive");
    fs::create_dir(path.join("src")).unwrap();
    let living = Living::new();
    let sessions = project.home.join(".claude/sessions");
    fs::create_dir_all(&sessions).unwrap();
    let file = sessions.join(format!("{}.json", living.0.id()));
    let entry = |start: &str| {
        let cwd = path.join("src");
        let entry = serde_json::json!({"pid": living.0.id(), "procStart": start, "cwd": cwd, "name": "busy bee"});
        fs::write(&file, entry.to_string()).unwrap();
    };
    entry(&living.start());
    refused(
        &project,
        "alive",
        "a session is live in 'alive': 'busy bee'",
    );
    entry("1");
    project.json(&["remove", "alive"]);
}

#[test]
fn the_middle_of_an_operation() {
    let project = Project::new();
    for name in ["merge", "rebase", "cherry-pick", "revert", "bisect"] {
        let dir = format!("app-{name}");
        project.fresh(name);
        project.write(format!("{dir}/file"), "theirs\n");
        project.commit(&dir, "theirs");
        let git = |args: &[&str]| {
            let _ = project.command("git", &dir).args(args).output().unwrap();
        };
        project.write("app/file", format!("ours {name}\n"));
        project.commit("app", "ours");
        match name {
            "bisect" => git(&["bisect", "start"]),
            "revert" => {
                project.write(format!("{dir}/file"), "later\n");
                project.commit(&dir, "later");
                git(&["revert", "HEAD~1"]);
            }
            _ => git(&[name, "main"]),
        }
        refused(
            &project,
            name,
            &format!("'{name}' is in the middle of a {name}"),
        );
    }
}

#[test]
fn a_worktree_around_another_one() {
    let project = Project::new();
    project.fresh("outer");
    project.write("app-outer/.gitignore", "/inner\n");
    project.commit("app-outer", "ignore");
    project.git_in("app-outer", &["worktree", "add", "--quiet", "inner"]);
    refused(&project, "outer", "another worktree lies in 'outer'");
}

#[test]
fn a_detached_commit_that_no_branch_holds_but_with_force() {
    let project = Project::new();
    let path = project.fresh("loose");
    project.git_in("app-loose", &["switch", "--quiet", "--detach"]);
    let document = project.json(&["remove", "app-loose"]);
    assert_eq!(document["removed"][0]["branch"], serde_json::Value::Null);
    project.json(&["undo"]);
    project.write("app-loose/new", "work\n");
    project.commit("app-loose", "work");
    let said = project.fails(5, &["remove", "app-loose"]);
    assert!(said.contains("which no branch holds"), "{said}");
    project.json(&["remove", "-f", "app-loose"]);
    project.git(&["reflog", "expire", "--expire=now", "--all"]);
    project.git(&["gc", "--quiet", "--prune=now"]);
    project.json(&["undo"]);
    assert_eq!(fs::read(path.join("new")).unwrap(), b"work\n");
}

#[test]
fn work_in_a_submodule_or_in_a_repository_inside() {
    let project = Project::new();
    fs::create_dir(project.at("library")).unwrap();
    project.git_in("library", &["init", "--quiet"]);
    project.write("library/code", "1\n");
    project.commit("library", "one");
    project.git(&["submodule", "--quiet", "add", "../library", "sub"]);
    project.commit("app", "submodule");
    let path = project.fresh("super");
    // Not checked out: there is nothing to lose.
    project.json(&["remove", "super"]);
    project.json(&["undo"]);
    project.git_in("app-super", &["submodule", "--quiet", "update", "--init"]);
    project.write("app-super/sub/code", "2\n");
    let why = "its submodule 'sub' has changes";
    assert!(project.fails(5, &["remove", "-f", "super"]).contains(why));
    project.commit("app-super/sub", "two");
    let why = "its submodule 'sub' has commits that no remote has";
    assert!(project.fails(5, &["remove", "-f", "super"]).contains(why));
    project.git_in("app-super/sub", &["reset", "--quiet", "--hard", "HEAD~1"]);
    project.write("app-super/sub/code", "3\n");
    project.git_in("app-super/sub", &["stash", "--quiet"]);
    assert!(
        project
            .fails(5, &["remove", "-f", "super"])
            .contains("commits that no remote has")
    );
    project.git_in("app-super/sub", &["stash", "clear"]);
    project.json(&["remove", "super"]);
    project.settled();
    project.sound(&[]);
    project.json(&["undo"]);
    assert!(path.join("sub").is_dir() && path.join("file").exists());

    for inner in ["inner", "data/inner"] {
        let dir = format!("app-super/{inner}");
        fs::create_dir_all(project.at(&dir)).unwrap();
        project.git_in(&dir, &["init", "--quiet"]);
        project.write(format!("{dir}/x"), "");
        let why = format!("the repository '{inner}' in it has changes");
        let said = project.fails(5, &["remove", "-f", "super"]);
        assert!(said.contains(&why), "{said}");
        project.commit(&dir, "x");
        let why = format!("the repository '{inner}' in it has commits that no remote has");
        assert!(project.fails(5, &["remove", "-f", "super"]).contains(&why));
        fs::remove_dir_all(project.at(&dir)).unwrap();
    }
}
