//! What a disk does, and who may do what on it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::place::{How, ORDERS, Place};
use super::{ASKING, Expected, Fault, INSIDE, matrix};
use crate::common::{Scratch, tools};
use crate::counted;

/// What writes into the repository.
const WRITING: [&str; 7] = ["new", "remove -f", "undo", "pr", "merge", "prune", "hook"];

/// `script` in a space of mounts of its own, before the command that follows; None where that is not to be had.
fn mounting(script: &str) -> Option<How> {
    for unshare in [&["unshare", "--mount"][..], &["unshare", "-Urm"]] {
        let mut try_it = Command::new(unshare[0]);
        try_it
            .args(&unshare[1..])
            .args(["mount", "-t", "tmpfs", "none", "/mnt"]);
        if try_it.output().is_ok_and(|tried| tried.status.success()) {
            return Some(How::behind(unshare.iter().chain(&["sh", "-c", script])));
        }
    }
    // A container may forbid it. Somebody who reads the log should know what was tried instead.
    println!("no mounts are to be had here: permissions and limits stand in for disks");
    None
}

/// Root without what lets it pass by permissions.
fn nobody_special() -> How {
    if fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) != 0) {
        return How::default();
    }
    let less = "-dac_override,-dac_read_search,-fowner,-chown";
    How::behind(["setpriv", "--bounding-set", less, "--inh-caps", less])
}

/// Nobody may write to the worktrees and the repository.
fn closed(place: &Place) -> Fault {
    let git = place.repo.main.parent().unwrap().to_owned();
    let chmod = move |how: &str| {
        let mut chmod = Command::new("chmod");
        assert!(
            chmod
                .args(["-R", how])
                .arg(&git)
                .status()
                .unwrap()
                .success()
        );
    };
    chmod("a-w");
    Fault {
        how: nobody_special(),
        lift: Box::new(move |_| chmod("u+w")),
        words: "",
    }
}

#[test]
fn nothing_can_be_written() {
    let writing = [&WRITING[..], &["setup", "claude"]].concat();
    let expected: Expected = &[(1, &writing)];
    matrix("no permission to write", expected, closed);
    matrix("a read-only file system", expected, |place| {
        let git = place.repo.main.parent().unwrap().display();
        // The directory that one stands in has to be looked up again.
        let script = format!(
            "mount --bind {git} {git} && mount -o remount,ro,bind {git} && cd \"$PWD\" && exec \"$0\" \"$@\""
        );
        mounting(&script).map_or_else(|| closed(place), Fault::of)
    });
}

#[test]
fn parts_of_it_cannot_be_read() {
    let objects = [
        &ASKING[..],
        &["list --full", "list --format table", "new", "hook"],
    ]
    .concat();
    let refs = ["undo --list", "remove -f", "undo", "prune", "new", "hook"];
    for (dir, expected) in [
        ("objects", &[(1, &objects[..])] as Expected),
        ("refs", &[(1, &refs), (5, &["pr", "merge"])]),
        // Some of them stand in the main worktree, for the others there is no repository.
        (
            "worktrees",
            &[(1, &INSIDE[8..]), (1, &["hook"]), (3, &INSIDE[..8])],
        ),
    ] {
        matrix(&format!("no permission to read {dir}"), expected, |place| {
            let dir = place.git_dir().join(dir);
            let chmod = move |mode| {
                fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).unwrap();
            };
            chmod(0);
            Fault {
                how: nobody_special(),
                lift: Box::new(move |_| chmod(0o755)),
                words: "",
            }
        });
    }
}

/// The worktrees lie on a disk of their own, of which `left` kilobytes are left. What is there afterwards replaces what
/// was there.
fn full(place: &Place, left: usize) -> How {
    let git = place.repo.main.parent().unwrap();
    let script = format!(
        "set -e; back=$PWD; cd /; cp -a {git} {aside}; mount -t tmpfs -o size=4m,mode=755 none {git}; cp -a {aside}/. {git}
         head -c {left}k /dev/zero >{git}/left; cat /dev/zero >{git}/fill 2>/dev/null || :; rm {git}/left; cd \"$back\"
         status=0; \"$0\" \"$@\" || status=$?
         cd /; rm -rf {git}/fill {aside}; cp -a {git} {aside}; umount -l {git}
         find {git} -mindepth 1 -delete; cp -a {aside}/. {git}; rm -rf {aside}; exit $status",
        git = git.display(),
        aside = git.with_extension("aside").display(),
    );
    // No file can grow: the nearest that needs no mount.
    let limit = "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"";
    mounting(&script).unwrap_or_else(|| How::behind(["bash", "-c", limit]))
}

#[test]
fn a_full_disk() {
    let expected: Expected = &[(1, &["new", "remove -f", "undo", "pr", "merge", "hook"])];
    matrix("a full disk", expected, |place| Fault::of(full(place, 0)));
}

/// It fills up while something is done: at each point all of it or nothing is there.
#[test]
fn a_disk_that_fills_up() {
    let those = ["new", "remove -f", "undo", "merge"];
    for left in [4, 8, 16, 32] {
        let place = Place::new();
        let before = place.state();
        let mut failed = vec![];
        for order in ORDERS.iter().filter(|order| those.contains(&order.name)) {
            counted("faults injected", 1);
            let told = format!("{left} KB left, treehop {}", order.name);
            let run = place.run(order, &full(&place, left));
            run.judge(order, &told);
            place.nothing_lost(&before, &told);
            if !run.status.success() {
                failed.push(order);
            }
        }
        place.work(&failed, &format!("{left} KB left"));
    }
}

/// An installation that cannot be written to its end leaves the shells' files as they were.
#[test]
fn a_full_disk_and_the_files_of_the_shells() {
    let scratch = Scratch::new();
    let rc = scratch.write(".bashrc", "export MINE=1\n");
    let limit = "trap '' XFSZ; ulimit -f 0; exec \"$0\" install bash";
    let mut bash = scratch.command(tools::program("bash"), &scratch.home);
    let out = bash
        .args(["-c", limit])
        .arg(tools::treehop())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("treehop: bash: could not write '"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(rc).unwrap(), "export MINE=1\n");
    let copies = scratch.home.join(".local/share/treehop");
    assert_eq!(
        fs::read_dir(copies).unwrap().count(),
        0,
        "half a file is left"
    );
    counted("faults injected", 1);
    assert!(scratch.treehop(&scratch.home, ["install", "bash"]).json()["shells"].is_array());
}
