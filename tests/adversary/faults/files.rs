//! Broken files, and such as others have left.

use std::fs::{self, File, FileTimes};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::place::{How, ORDERS, Place};
use super::{ASKING, Expected, Fault, INSIDE, matrix};
use crate::counted;

/// The git directory of feature/auth, below the common one.
const AUTH: &str = "worktrees/bitsandbytes-feature-auth";
const FIX: &str = "worktrees/bitsandbytes-fix-422";

/// Gives `files` of the git directory another content, until it is lifted.
fn spoil(place: &Place, files: &[&str], spoilt: impl Fn(&[u8]) -> Vec<u8>) -> Fault {
    let files = files.iter().map(|file| place.git_dir().join(file));
    let whole: Vec<_> = files.map(|file| (fs::read(&file).unwrap(), file)).collect();
    for (text, file) in &whole {
        fs::write(file, spoilt(text)).unwrap();
    }
    Fault::in_files(move |_| {
        for (text, file) in &whole {
            fs::write(file, text).unwrap();
        }
    })
}

/// What a crash of the machine makes of a file that was being written.
fn half(text: &[u8]) -> Vec<u8> {
    text[..text.len() / 2].into()
}

#[test]
fn nothing_is_wrong() {
    matrix("nothing", &[], |_| Fault::in_files(|_| {}));
}

#[test]
fn broken_indexes() {
    let indexes = ["index", &format!("{AUTH}/index"), &format!("{FIX}/index")];
    // What the halves hold is not what HEAD does: changes.
    let cut: Expected = &[(1, &["remove -f"]), (5, &["merge"])];
    matrix("indexes cut off", cut, |place| spoil(place, &indexes, half));
    let garbage: Expected = &[(1, &["remove -f", "merge"])];
    matrix("indexes of garbage", garbage, |place| {
        spoil(place, &indexes, |_| b"DIRC\0\0\0\x02garbage".into())
    });
}

#[test]
fn corrupt_refs() {
    for (what, text) in [
        ("empty", ""),
        ("garbage", "garbage\n"),
        ("of no object", "1234567890123456789012345678901234567890\n"),
    ] {
        let name = format!("a branch that is {what}");
        let expected: Expected = match what {
            "of no object" => &[(1, &["pr", "merge"])],
            _ => &[(5, &["pr", "merge"])],
        };
        matrix(&name, expected, |place| {
            spoil(place, &["refs/heads/feature/auth"], |_| text.into())
        });
    }
}

#[test]
fn corrupt_packed_refs() {
    let asking = [&ASKING[..], &["new", "hook"]].concat();
    matrix("packed refs of garbage", &[(1, &asking)], |place| {
        let file = place.git_dir().join("packed-refs");
        fs::write(&file, "garbage\n").unwrap();
        Fault::in_files(move |_| fs::remove_file(&file).unwrap())
    });
}

#[test]
fn an_empty_head() {
    matrix(
        "an empty HEAD of a worktree",
        &[(5, &["pr", "merge"])],
        |place| spoil(place, &[&format!("{AUTH}/HEAD")], |_| vec![]),
    );
    let expected: Expected = &[
        (1, &["undo --list", "remove -f", "undo", "prune", "hook"]),
        (5, &["new", "merge"]),
    ];
    matrix("an empty HEAD of the repository", expected, |place| {
        spoil(place, &["HEAD"], |_| vec![])
    });
}

#[test]
fn an_object_that_is_gone() {
    matrix("a commit that is gone", &[(1, &["pr", "merge"])], |place| {
        let tip = place.repo.git(["rev-parse", "feature/auth"]);
        let object = place
            .git_dir()
            .join("objects")
            .join(&tip[..2])
            .join(&tip[2..]);
        let aside = place.repo.scratch.root.join("object");
        fs::rename(&object, &aside).unwrap();
        Fault::in_files(move |_| fs::rename(&aside, &object).unwrap())
    });
}

#[test]
fn a_truncated_configuration() {
    matrix(
        "a configuration cut off",
        &[(1, &INSIDE), (1, &["hook"])],
        |place| spoil(place, &["config"], |text| [text, b"[remote \"ori"].concat()),
    );
    let all = [
        &ASKING[..],
        &["list --full", "list --format table", "new", "hook"],
    ]
    .concat();
    matrix("a user's configuration cut off", &[(1, &all)], |place| {
        let file = place.repo.scratch.home.join(".gitconfig");
        let text = fs::read(&file).unwrap();
        fs::write(&file, [&text[..], b"[alias"].concat()).unwrap();
        Fault::in_files(move |_| fs::write(&file, &text).unwrap())
    });
}

#[test]
fn locks_that_a_dead_git_left() {
    matrix("git's locks", &[(1, &["merge"])], |place| {
        let names = [
            "index.lock",
            "HEAD.lock",
            "refs/heads/feature/auth.lock",
            "refs/heads/main.lock",
            &format!("{AUTH}/index.lock"),
            &format!("{AUTH}/HEAD.lock"),
            &format!("{FIX}/index.lock"),
        ];
        let files = names.map(|name| place.git_dir().join(name));
        for file in &files {
            fs::write(file, "").unwrap();
        }
        Fault::in_files(move |_| {
            for file in &files {
                // Those of a worktree went with it.
                let _ = fs::remove_file(file);
            }
        })
    });
}

/// What was brought back is back, although its snapshot cannot go; the next run sees to that.
#[test]
fn a_lock_on_the_packed_refs() {
    let place = Place::new();
    let before = place.state();
    let lock = place.git_dir().join("packed-refs.lock");
    fs::write(&lock, "").unwrap();
    let undo = ORDERS.iter().find(|order| order.name == "undo").unwrap();
    let run = place.run(undo, &How::default());
    run.judge(undo, "a lock on packed-refs");
    assert!(
        run.stderr.contains("packed-refs.lock': File exists"),
        "{}",
        run.stderr
    );
    fs::remove_file(lock).unwrap();
    place.nothing_lost(&before, "a lock on packed-refs");
    place.repo.treehop(["prune"]).json();
    let left = place.repo.git(["for-each-ref", "refs/treehop/removed/"]);
    assert_eq!(left, "");
    counted("faults injected", 1);
}

#[test]
fn what_treehop_notes_is_garbage() {
    let noted = |place: &Place| {
        let dir = place.git_dir().join("treehop");
        ["making", "removing", "undoing", "merging"].map(|kind| dir.join(kind).join("garbage"))
    };
    matrix("journals of garbage", &[], |place| {
        for file in noted(place) {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, b"path %2\xff\nend of it").unwrap();
            fs::create_dir_all(file.with_extension("folder")).unwrap();
        }
        Fault::in_files(|_| {})
    });
    matrix("journals of nothing that is there", &[], |place| {
        for file in noted(place) {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(
                &file,
                "path /nowhere/at/all\ngit_dir /nowhere\nbranch no\nend\nbegun\n",
            )
            .unwrap();
        }
        Fault::in_files(|_| {})
    });
}

#[test]
fn a_state_folder_that_is_none() {
    matrix("a file where the state is", &[], |place| {
        let state = place.repo.scratch.home.join(".local/state");
        let _ = fs::remove_dir_all(&state);
        fs::write(&state, "").unwrap();
        Fault::in_files(move |_| fs::remove_file(&state).unwrap())
    });
}

/// The clock went back: what was written before lies in the future.
#[test]
fn a_clock_that_went_back() {
    matrix("times to come", &[], |place| {
        let future = SystemTime::now() + Duration::from_secs(400 * 86400);
        let times = FileTimes::new().set_modified(future).set_accessed(future);
        let index = |id: &str| place.git_dir().join(id).join("index");
        let files = [
            index(""),
            index(AUTH),
            index(FIX),
            place.fix.join("untracked"),
            place.fix.join("src/server.py"),
            place.repo.main.join("src/server.py"),
        ];
        for file in files {
            File::options()
                .append(true)
                .open(file)
                .unwrap()
                .set_times(times)
                .unwrap();
        }
        // A session, a lock and a commit of then.
        let then = milliseconds(future);
        let me = std::process::id();
        let entry = json!({
            "pid": me, "cwd": "/elsewhere", "sessionId": "s", "startedAt": then, "statusUpdatedAt": then,
        });
        place
            .repo
            .scratch
            .write(format!(".claude/sessions/{me}.json"), entry.to_string());
        let lock = json!({"pid": me, "startedAt": then}).to_string();
        fs::write(place.git_dir().join(AUTH).join("treehop-claude.lock"), lock).unwrap();
        let mut git = place.repo.scratch.command("git", &place.auth);
        git.env("GIT_COMMITTER_DATE", "2099-01-01T00:00:00Z");
        let git = git
            .args(["commit", "-q", "--allow-empty", "-m", "of then"])
            .status();
        assert!(git.unwrap().success());
        // What was removed then: its record with another year.
        let script = "y=$(date +%Y); for name in $(git for-each-ref --format='%(refname)' refs/treehop/removed/old-$y*); do \
             made=$(git cat-file commit $name | sed \"s/\\([- ]\\)$y/\\12099/\" | git hash-object -w -t commit --stdin); \
             git update-ref ${name%%-$y*}-2099${name##*-$y} $made; git update-ref -d $name; done";
        let mut sh = place.repo.scratch.command("sh", &place.repo.main);
        assert!(sh.args(["-c", script]).status().unwrap().success());
        Fault::in_files(|_| {})
    });
}

/// A clock that was never set, and is right again now: what was removed by it is not out of date.
#[test]
fn a_removal_of_1970_is_kept() {
    let place = Place::new();
    let script = "name=$(git for-each-ref --format='%(refname)' refs/treehop/removed/); \
         git update-ref $name $(git cat-file commit $name | sed 's/^time ..../time 1970/' | git hash-object -w -t commit --stdin)";
    let mut sh = place.repo.scratch.command("sh", &place.repo.main);
    assert!(sh.args(["-c", script]).status().unwrap().success());
    let listed = place.repo.treehop(["undo", "--list"]).json();
    assert!(
        listed["snapshots"][0]["time"]
            .as_str()
            .unwrap()
            .starts_with("1970"),
        "{listed}"
    );
    place.repo.treehop(["prune"]).json();
    place.repo.treehop(["undo", "old"]).json();
    counted("faults injected", 1);
}

fn milliseconds(time: SystemTime) -> u128 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis()
}

fn moved(from: PathBuf) -> Fault {
    let to = from.with_extension("aside");
    fs::rename(&from, &to).unwrap();
    Fault::in_files(move |_| fs::rename(&to, &from).unwrap())
}

#[test]
fn a_directory_that_vanished() {
    // The one that one stands in.
    let vanishing = [
        "sh",
        "-c",
        "mkdir -p gone-now && cd gone-now && rmdir ../gone-now && exec \"$0\" \"$@\"",
    ];
    matrix("no current directory", &[(3, &INSIDE)], |_| {
        Fault::of(How::behind(vanishing))
    });
    // That of the worktree, while one stands elsewhere.
    let there: Expected = &[(3, &["claude", "setup", "pr", "merge"])];
    matrix("no directory of the worktree", there, |place| {
        let mut fault = moved(place.auth.clone());
        fault.how.dir = Some(place.repo.main.clone());
        fault
    });
    matrix(
        "no repository behind the worktree",
        &[(3, &INSIDE), (1, &["hook"])],
        |place| {
            let mut fault = moved(place.git_dir());
            fault.how.dir = Some(place.auth.clone());
            fault
        },
    );
}
