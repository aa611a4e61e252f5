//! `treehop hook worktree-remove`

use std::fs;
use std::path::Path;

use serde_json::json;

use super::common::{Repo, Scratch};
use super::{Run, SESSION, Session, feed};

fn remove(scratch: &Scratch, path: &Path) -> Run {
    let asked = json!({
        "session_id": SESSION, "transcript_path": "/nowhere/x.jsonl", "cwd": path.to_str().unwrap(),
        "hook_event_name": "WorktreeRemove", "worktree_path": path.to_str().unwrap(),
    });
    feed(scratch, &["hook", "worktree-remove"], asked.to_string())
}

#[test]
fn the_session_that_asks_does_not_stand_against_it() {
    let repo = Repo::guide();
    let (scratch, auth) = (&repo.scratch, repo.auth());
    let _asks = Session::start(scratch).register(scratch, SESSION, &auth);
    repo.treehop(["remove", "auth"]).fails(5);
    {
        let other = Session::start(scratch).register(scratch, "another", &auth);
        let said = remove(scratch, &auth);
        assert!(said.fails().contains(&other.pid()), "{}", said.stderr);
    }
    let done = remove(scratch, &auth);
    assert_eq!(
        (done.status, done.stdout.as_str()),
        (Some(0), ""),
        "{}",
        done.stderr
    );
    assert!(!auth.exists());
    assert!(!repo.git(["branch"]).contains("auth"), "it was merged");
    repo.treehop(["undo"]).ok();
    assert!(auth.join("src/server.py").exists());
}

#[test]
fn what_could_be_lost_stays() {
    let repo = Repo::guide();
    let (scratch, auth) = (&repo.scratch, repo.auth());
    fs::write(auth.join("new"), "work\n").unwrap();
    let said = remove(scratch, &auth);
    assert!(
        said.fails().contains("has changes: 1 untracked"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("hint: "), "{}", said.stderr);
    assert!(auth.join("new").exists());
    repo.commit(&auth, "new", "work\n");
    assert_eq!(remove(scratch, &auth).status, Some(0));
    assert!(
        repo.git(["branch"]).contains("feature/auth"),
        "it is not merged"
    );

    repo.git(["worktree", "lock", repo.fix().to_str().unwrap()]);
    for (path, why) in [
        (&repo.main, "main worktree"),
        (&repo.fix(), "locked"),
        (&repo.experiment().join("src"), "no worktree"),
        (&repo.scratch.home, "not in a git repository"),
    ] {
        let said = remove(scratch, path);
        assert!(said.fails().contains(why), "{}", said.stderr);
        assert!(path.exists());
    }
    feed(scratch, &["hook", "worktree-remove"], "{}").fails();
    assert_eq!(remove(scratch, &auth).status, Some(0), "it is gone already");
}
