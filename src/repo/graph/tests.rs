use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

use super::ahead_behind;
use crate::repo::objects::open;
use crate::repo::testing::{Chance, Scratch, each_seed, git};

/// A history at random: for each commit its parents, all of them earlier in the list.
fn history(chance: &mut Chance, commits: usize) -> Vec<Vec<usize>> {
    let parent = |chance: &mut Chance, child: usize| {
        let reach = if chance.one_in(4) {
            child
        } else {
            child.min(4)
        };
        child - 1 - chance.below(reach)
    };
    (0..commits)
        .map(|child| {
            let count = if child == 0 || chance.one_in(25) {
                0
            } else {
                1 + usize::from(chance.one_in(3))
            };
            let mut parents: Vec<_> = (0..count).map(|_| parent(chance, child)).collect();
            parents.dedup();
            parents
        })
        .collect()
}

/// Writes it as commits tagged with their numbers, dated by clocks that may be wrong by a lot.
fn write(scratch: &Scratch, chance: &mut Chance, history: &[Vec<usize>], skew: usize) {
    let mut script = String::new();
    for (number, parents) in history.iter().enumerate() {
        let date = 1_000_000 + number * 10 + chance.below(skew);
        writeln!(script, "reset refs/heads/side\n").unwrap();
        writeln!(script, "commit refs/heads/side\nmark :{}", number + 1).unwrap();
        // The number, so that no two of one date and parent are the same commit.
        let message = number.to_string();
        let len = message.len();
        writeln!(script, "committer t <t@example.com> {date} +0000").unwrap();
        writeln!(script, "data {len}\n{message}").unwrap();
        for (position, parent) in parents.iter().enumerate() {
            writeln!(
                script,
                "{} :{}",
                if position == 0 { "from" } else { "merge" },
                parent + 1
            )
            .unwrap();
        }
    }
    let mut import = git(scratch.path());
    let mut import = import
        .args(["fast-import", "--quiet", "--force"])
        .arg("--export-marks=.git/marks")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    import
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    assert!(import.wait().unwrap().success());
    let marks = std::fs::read_to_string(scratch.at(".git/marks")).unwrap();
    let tags = marks.lines().map(|line| {
        let (mark, id) = line[1..].split_once(' ').unwrap();
        format!("{id} refs/tags/c{}\n", mark.parse::<usize>().unwrap() - 1)
    });
    scratch.write(".git/packed-refs", tags.collect::<String>().as_bytes());
}

fn ancestors(history: &[Vec<usize>], of: usize) -> Vec<bool> {
    let mut found = vec![false; history.len()];
    let mut todo = vec![of];
    while let Some(commit) = todo.pop() {
        if !std::mem::replace(&mut found[commit], true) {
            todo.extend(&history[commit]);
        }
    }
    found
}

fn by_git(scratch: &Scratch, a: &str, b: &str) -> (usize, usize) {
    let output = scratch
        .git(&["rev-list", "--left-right", "--count", &format!("{a}...{b}")])
        .stdout;
    let text = String::from_utf8(output).unwrap();
    let (ahead, behind) = text.trim().split_once('\t').unwrap();
    (ahead.parse().unwrap(), behind.parse().unwrap())
}

fn by_us(scratch: &Scratch, a: &str, b: &str) -> (usize, usize) {
    in_repo(&open(scratch.path()).unwrap(), a, b)
}

fn in_repo(repo: &gix::Repository, a: &str, b: &str) -> (usize, usize) {
    let id = |name: &str| {
        repo.find_reference(name)
            .unwrap()
            .peel_to_id()
            .unwrap()
            .detach()
    };
    ahead_behind(repo, id(a), id(b)).unwrap()
}

/// How many histories one repository holds: most of the time would go into making repositories.
const HISTORIES: usize = 25;

/// Some pairs of each history at random, by what it was made of; one of them by git, too.
fn compare(seed: u64) {
    let chance = &mut Chance::new(seed);
    let scratch = Scratch::new();
    let (mut all, mut ranges) = (vec![], vec![]);
    for _ in 0..HISTORIES {
        let begin = all.len();
        let commits = 10 + chance.below(150);
        let parents = history(chance, commits).into_iter();
        all.extend(parents.map(|parents| parents.iter().map(|p| begin + p).collect()));
        ranges.push((begin, commits));
    }
    let skew = chance.pick(&[1, 30, 300, 100_000]);
    write(&scratch, chance, &all, skew);
    if chance.one_in(3) {
        scratch.git(&["commit-graph", "write", "--reachable"]);
    }
    let repo = open(scratch.path()).unwrap();
    for (begin, commits) in ranges {
        for pair in 0..10 {
            let (a, b) = (begin + chance.below(commits), begin + chance.below(commits));
            let (of_a, of_b) = (ancestors(&all, a), ancestors(&all, b));
            let only = |these: &[bool], those: &[bool]| {
                let both = these.iter().zip(those);
                both.filter(|(this, that)| **this && !**that).count()
            };
            let expected = (only(&of_a, &of_b), only(&of_b, &of_a));
            let (a, b) = (format!("c{a}"), format!("c{b}"));
            let shown = format!("seed {seed}, {a}...{b}, skew {skew}");
            assert_eq!(in_repo(&repo, &a, &b), expected, "{shown}");
            if pair == 0 {
                let git = by_git(&scratch, &a, &b);
                // Where clocks are wrong by a lot, git ends its walk early and takes some common commits for one side's.
                let more = skew > 1 && git.0 >= expected.0 && git.1 >= expected.1;
                assert!(
                    git == expected || more,
                    "{shown}: {git:?}, not {expected:?}"
                );
            }
        }
    }
}

/// A thousand of them.
#[test]
fn random_histories_with_skewed_dates_count_as_in_git() {
    each_seed(40, compare);
}

#[test]
fn history_ends_where_a_clone_is_shallow() {
    let scratch = Scratch::new();
    let line: Vec<Vec<usize>> = (0..12_usize)
        .map(|n| n.checked_sub(1).into_iter().collect())
        .collect();
    write(&scratch, &mut Chance::new(0), &line, 1);
    scratch.git(&[
        "clone",
        "--quiet",
        "--no-local",
        "--depth=3",
        "--branch=c11",
        ".",
        "clone",
    ]);
    // The objects of the older commits are there, and still not part of the history.
    scratch.git(&[
        "-C",
        "clone",
        "fetch",
        "--quiet",
        "--depth=1",
        "origin",
        "tag",
        "c5",
    ]);
    scratch.git(&[
        "-C",
        "clone",
        "fetch",
        "--quiet",
        "--depth=2",
        "origin",
        "tag",
        "c8",
    ]);
    let repo = open(&scratch.path().join("clone")).unwrap();
    for (a, b) in [("c11", "c8"), ("c11", "c5"), ("c5", "c8"), ("c8", "c11")] {
        let id = |name: &str| {
            repo.find_reference(name)
                .unwrap()
                .peel_to_id()
                .unwrap()
                .detach()
        };
        let output = scratch.git(&[
            "-C",
            "clone",
            "rev-list",
            "--left-right",
            "--count",
            &format!("{a}...{b}"),
        ]);
        let (ahead, behind) = ahead_behind(&repo, id(a), id(b)).unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).unwrap().trim(),
            format!("{ahead}\t{behind}"),
            "{a}...{b}"
        );
    }
}

#[test]
fn grafts_and_replaced_commits_change_history() {
    let scratch = Scratch::new();
    let line: Vec<Vec<usize>> = (0..9_usize)
        .map(|n| n.checked_sub(1).into_iter().collect())
        .collect();
    write(&scratch, &mut Chance::new(0), &line, 1);
    scratch.git(&["commit-graph", "write", "--reachable"]);
    assert_eq!(by_us(&scratch, "c8", "c2"), (6, 0));

    scratch.git(&["replace", "--graft", "c6", "c1"]);
    assert_eq!(by_us(&scratch, "c8", "c2"), by_git(&scratch, "c8", "c2"));
    assert_eq!(by_us(&scratch, "c8", "c2"), (3, 1));

    scratch.git(&["replace", "-d", "c6"]);
    let hex = String::from_utf8(scratch.git(&["rev-parse", "c4", "c0"]).stdout).unwrap();
    scratch.write(
        ".git/info/grafts",
        format!("# a comment\n{}\n", hex.trim().replace('\n', " ")).as_bytes(),
    );
    assert_eq!(by_us(&scratch, "c8", "c2"), by_git(&scratch, "c8", "c2"));
    assert_eq!(by_us(&scratch, "c8", "c2"), (5, 2));
}

#[test]
fn a_commit_that_is_missing_is_an_error() {
    let scratch = Scratch::new();
    write(&scratch, &mut Chance::new(0), &[vec![]], 1);
    let repo = open(scratch.path()).unwrap();
    let there = repo
        .find_reference("c0")
        .unwrap()
        .peel_to_id()
        .unwrap()
        .detach();
    let absent = gix::ObjectId::from_hex(&[b'1'; 40]).unwrap();
    assert!(ahead_behind(&repo, there, absent).is_err());
    assert!(ahead_behind(&repo, absent, there).is_err());
    assert_eq!(ahead_behind(&repo, there, there).unwrap(), (0, 0));
}
