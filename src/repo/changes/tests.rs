use std::os::unix::fs::{PermissionsExt, symlink};

use super::{Changes, ask_git, changes, parse};
use crate::repo::objects::open;
use crate::repo::testing::{Chance, Scratch, each_seed};

fn ours(scratch: &Scratch) -> Changes {
    changes(&open(scratch.path()).unwrap()).unwrap()
}

/// Expects the pass and git to give these numbers: staged, modified, untracked, conflicted.
#[track_caller]
fn expect(scratch: &Scratch, numbers: [usize; 4]) {
    let git = ask_git(scratch.path()).unwrap();
    assert_eq!(numbers_of(ours(scratch)), numbers, "the pass");
    assert_eq!(numbers_of(git), numbers, "git");
}

/// Expects the pass to give up, and git to give these numbers.
#[track_caller]
fn expect_of_git(scratch: &Scratch, numbers: [usize; 4]) {
    let git = ask_git(scratch.path()).unwrap();
    assert!(changes(&open(scratch.path()).unwrap()).is_err());
    assert_eq!(numbers_of(git), numbers, "git");
}

fn numbers_of(changes: Changes) -> [usize; 4] {
    [
        changes.staged,
        changes.modified,
        changes.untracked,
        changes.conflicted,
    ]
}

/// Makes a file look as if it had just been written, so that its content is compared.
fn age(path: &std::path::Path) {
    let future = std::time::SystemTime::now() + std::time::Duration::from_secs(100);
    let file = std::fs::File::options().append(true).open(path).unwrap();
    file.set_modified(future).unwrap();
}

/// A repository with these files committed, each with its own name as content.
fn committed(files: &[&str]) -> Scratch {
    let scratch = Scratch::new();
    for file in files {
        scratch.write(file, file.as_bytes());
    }
    commit(&scratch);
    scratch
}

fn commit(scratch: &Scratch) {
    scratch.git(&["add", "--all"]);
    scratch.git(&["commit", "--quiet", "--allow-empty", "-m", "a commit"]);
}

/// A repository with a commit, hidden in the git directory, for submodules to come from.
fn library(scratch: &Scratch) {
    scratch.git(&["init", "--quiet", ".git/library"]);
    scratch.write(".git/library/file", b"content");
    scratch.git(&["-C", ".git/library", "add", "--all"]);
    scratch.git(&["-C", ".git/library", "commit", "--quiet", "-m", "a commit"]);
}

#[test]
fn an_unborn_branch_has_what_is_staged() {
    let scratch = Scratch::new();
    expect(&scratch, [0, 0, 0, 0]);
    scratch.write("new", b"");
    scratch.write("staged", b"");
    scratch.git(&["add", "staged"]);
    expect(&scratch, [1, 0, 1, 0]);
}

#[test]
fn an_empty_index_has_everything_deleted() {
    let scratch = committed(&["one", "below/two"]);
    scratch.git(&["read-tree", "--empty"]);
    expect(&scratch, [2, 0, 2, 0]);
    std::fs::remove_file(scratch.at(".git/index")).unwrap();
    expect(&scratch, [2, 0, 2, 0]);
}

#[test]
fn a_rename_counts_once_and_an_edited_one_twice() {
    let scratch = committed(&["a", "b", "c"]);
    scratch.git(&["mv", "a", "below"]);
    expect(&scratch, [1, 0, 0, 0]);
    scratch.git(&["mv", "b", "d"]);
    scratch.write("d", b"b\nedited");
    scratch.git(&["add", "d"]);
    expect(&scratch, [3, 0, 0, 0]);
    // Two added copies of one removed file are a rename and an addition.
    scratch.git(&["mv", "c", "e"]);
    scratch.write("f", b"c");
    scratch.git(&["add", "f"]);
    expect(&scratch, [5, 0, 0, 0]);
}

#[test]
fn directories_links_and_files_take_each_others_place() {
    let scratch = committed(&["file", "other", "dir/one", "dir/two"]);
    scratch.write("file/inside", b"");
    expect(&scratch, [0, 1, 0, 0]);
    std::fs::remove_dir_all(scratch.at("dir")).unwrap();
    symlink("file", scratch.at("dir")).unwrap();
    expect(&scratch, [0, 3, 1, 0]);
    std::fs::remove_file(scratch.at("other")).unwrap();
    symlink("nowhere", scratch.at("other")).unwrap();
    expect(&scratch, [0, 4, 1, 0]);
    commit(&scratch);
    expect(&scratch, [0, 0, 0, 0]);
    std::fs::remove_file(scratch.at("other")).unwrap();
    symlink("elsewhe", scratch.at("other")).unwrap();
    expect(&scratch, [0, 1, 0, 0]);
}

#[test]
fn special_files_are_neither_tracked_nor_untracked() {
    let scratch = committed(&["file", "other"]);
    std::fs::remove_file(scratch.at("file")).unwrap();
    for pipe in ["file", "pipe"] {
        assert!(
            std::process::Command::new("mkfifo")
                .arg(scratch.at(pipe))
                .status()
                .unwrap()
                .success()
        );
    }
    expect(&scratch, [0, 1, 0, 0]);
}

#[test]
fn names_need_not_be_text() {
    let scratch = committed(&["plain"]);
    scratch.write(b"\xff\xfe/\x80", b"");
    scratch.write("new\nline", b"");
    expect(&scratch, [0, 0, 2, 0]);
    commit(&scratch);
    scratch.write(b"\xff\xfe/\x80", b"longer");
    scratch.write(b"\xff\xfe/\x81", b"");
    scratch.write(".gitignore", b"# not a byte order mark\n\xff\xfe/\x81\n");
    expect(&scratch, [0, 1, 1, 0]);
}

#[test]
fn only_what_git_watches_is_modified() {
    let scratch = committed(&["assumed", "skipped", "announced"]);
    scratch.git(&["update-index", "--assume-unchanged", "assumed"]);
    scratch.git(&["update-index", "--skip-worktree", "skipped"]);
    scratch.write("assumed", b"changed");
    std::fs::remove_file(scratch.at("skipped")).unwrap();
    expect(&scratch, [0, 0, 0, 0]);
    scratch.write("skipped", b"changed");
    expect(&scratch, [0, 0, 0, 0]);
    // Git counts it where a sparse checkout left it out and it is there all the same.
    scratch.git(&["config", "core.sparseCheckout", "true"]);
    expect(&scratch, [0, 1, 0, 0]);
    scratch.write("new", b"");
    scratch.git(&["rm", "--quiet", "--cached", "announced"]);
    scratch.git(&["add", "--intent-to-add", "new", "announced"]);
    expect(&scratch, [1, 3, 0, 0]);
}

#[test]
fn a_sparse_index_is_read_or_given_up_on() {
    let scratch = committed(&["in/file", "out/file", "out/below/file"]);
    scratch.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "in"]);
    scratch.write("new", b"");
    expect(&scratch, [0, 0, 1, 0]);
    scratch.write("out/file", b"there again");
    expect_of_git(&scratch, [0, 1, 1, 0]);
}

#[test]
fn a_split_index_is_read() {
    let scratch = committed(&["a", "b", "below/c"]);
    scratch.git(&["update-index", "--split-index"]);
    scratch.write("b", b"changed");
    scratch.write("d", b"");
    scratch.git(&["add", "d"]);
    scratch.git(&["rm", "--quiet", "below/c"]);
    expect(&scratch, [2, 1, 0, 0]);
}

#[test]
fn submodules_that_are_checked_out_are_left_to_git() {
    let scratch = committed(&["file"]);
    library(&scratch);
    for name in ["one", "two", "three"] {
        scratch.git(&["submodule", "--quiet", "add", "./.git/library", name]);
    }
    expect_of_git(&scratch, [4, 0, 0, 0]);
    commit(&scratch);
    scratch.write("one/new", b"");
    scratch.write("two/file", b"changed");
    scratch.git(&[
        "-C",
        "three",
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "another",
    ]);
    expect_of_git(&scratch, [0, 3, 0, 0]);
    let monitor = ["config", "core.fsmonitor", "touch ../.git/it-ran; false"];
    scratch.git(&[&["-C", "one"], &monitor[..]].concat());
    expect_of_git(&scratch, [0, 3, 0, 0]);
    assert!(!scratch.at(".git/it-ran").exists());
    scratch.git(&["config", "submodule.one.ignore", "untracked"]);
    scratch.git(&["config", "submodule.two.ignore", "dirty"]);
    expect_of_git(&scratch, [0, 1, 0, 0]);
    scratch.git(&["config", "diff.ignoreSubmodules", "all"]);
    expect_of_git(&scratch, [0, 0, 0, 0]);
    scratch.git(&["config", "--unset", "diff.ignoreSubmodules"]);
    scratch.git(&["submodule", "--quiet", "deinit", "--force", "--all"]);
    expect(&scratch, [0, 0, 0, 0]);
    // In a linked worktree none is checked out.
    scratch.git(&["worktree", "add", "--quiet", ".git/linked"]);
    let linked = scratch.at(".git/linked");
    assert_eq!(
        changes(&open(&linked).unwrap()).unwrap(),
        Changes::default()
    );
    std::fs::remove_dir(scratch.at("three")).unwrap();
    expect_of_git(&scratch, [0, 1, 0, 0]);
    scratch.write("one", b"a file");
    expect_of_git(&scratch, [0, 2, 0, 0]);
}

#[test]
fn a_directory_that_may_not_be_read_is_left_to_git() {
    let scratch = committed(&["dir/file"]);
    scratch.write("secret/file", b"");
    for dir in ["dir", "secret"] {
        std::fs::set_permissions(scratch.at(dir), PermissionsExt::from_mode(0o000)).unwrap();
    }
    let repo = open(scratch.path()).unwrap();
    match changes(&repo) {
        Err(_) => assert_eq!(ask_git(scratch.path()).unwrap(), Changes::default()),
        // The superuser may read everything.
        Ok(found) => assert_eq!(found, ask_git(scratch.path()).unwrap()),
    }
    for dir in ["dir", "secret"] {
        std::fs::set_permissions(scratch.at(dir), PermissionsExt::from_mode(0o700)).unwrap();
    }
}

#[test]
fn too_deep_a_directory_is_an_error_and_no_crash() {
    let scratch = Scratch::new();
    let mut fd = rustix::fs::open(
        scratch.path(),
        rustix::fs::OFlags::DIRECTORY,
        rustix::fs::Mode::empty(),
    )
    .unwrap();
    for _ in 0..super::MAX_DEPTH + 10 {
        rustix::fs::mkdirat(&fd, "d", rustix::fs::Mode::RWXU).unwrap();
        fd = rustix::fs::openat(
            &fd,
            "d",
            rustix::fs::OFlags::DIRECTORY,
            rustix::fs::Mode::empty(),
        )
        .unwrap();
    }
    assert!(changes(&open(scratch.path()).unwrap()).is_err());
}

#[test]
fn git_runs_filters_and_no_monitor() {
    let scratch = Scratch::new();
    scratch.git(&["config", "filter.upper.clean", "tr a-z A-Z"]);
    scratch.write(
        ".gitattributes",
        b"*.up filter=upper\n*.missing filter=missing\n",
    );
    scratch.write("a.up", b"text");
    scratch.write("b.missing", b"text");
    commit(&scratch);
    scratch.write("a.up", b"TeXt");
    expect_of_git(&scratch, [0, 0, 0, 0]);
    scratch.write("b.missing", b"TeXt");
    expect_of_git(&scratch, [0, 1, 0, 0]);
    scratch.git(&["config", "core.fsmonitor", "touch .git/it-ran; false"]);
    expect_of_git(&scratch, [0, 1, 0, 0]);
    assert!(!scratch.at(".git/it-ran").exists());
}

#[test]
fn git_is_asked_where_something_may_convert_the_file() {
    let scratch = committed(&["a/plain", "a/b/same"]);
    scratch.write("a/crlf", b"one\r\n");
    scratch.write("size", b"short");
    commit(&scratch);
    scratch.write("a/plain", b"a/PLAIN");
    scratch.write("size", b"longer");
    for file in ["a/b/same", "a/crlf"] {
        age(&scratch.at(file));
    }
    expect(&scratch, [0, 2, 0, 0]);
    // Attributes of other directories say nothing of it.
    scratch.write("a/b/.gitattributes", b"* text filter=x\n");
    scratch.write("c/.gitattributes", b"* text filter=x\n");
    expect(&scratch, [0, 2, 2, 0]);
    scratch.git(&["add", "c"]);
    expect(&scratch, [1, 2, 1, 0]);
    std::fs::remove_dir_all(scratch.at("a/b")).unwrap();
    // The same content counts where its line endings would be stored as others.
    scratch.write("a/.gitattributes", b"* text\n");
    expect_of_git(&scratch, [1, 4, 1, 0]);
    // Those of plain text have none to convert.
    std::fs::remove_file(scratch.at("a/crlf")).unwrap();
    expect(&scratch, [1, 4, 1, 0]);
    scratch.write("a/.gitattributes", b"* filter=x\n");
    expect_of_git(&scratch, [1, 4, 1, 0]);
    // In the index alone.
    scratch.write("a/.gitattributes", b"* text\n");
    scratch.git(&["add", "a/.gitattributes"]);
    expect(&scratch, [2, 4, 0, 0]);
    std::fs::remove_file(scratch.at("a/.gitattributes")).unwrap();
    expect_of_git(&scratch, [2, 5, 0, 0]);
}

#[test]
fn settings_and_attributes_of_the_user_may_convert_too() {
    let scratch = committed(&["file"]);
    scratch.write("file", b"FILE");
    expect(&scratch, [0, 1, 0, 0]);
    for file in [".git/none", ".git/info/attributes"] {
        scratch.write(file, b"* text=auto\n");
        expect(&scratch, [0, 1, 0, 0]);
        scratch.write(file, b"* filter=x\n");
        expect_of_git(&scratch, [0, 1, 0, 0]);
        std::fs::remove_file(scratch.at(file)).unwrap();
    }
    scratch.write("crlf", b"one\r\n");
    scratch.git(&["add", "crlf"]);
    age(&scratch.at("crlf"));
    expect(&scratch, [1, 1, 0, 0]);
    for value in ["true", "input"] {
        scratch.git(&["config", "core.autocrlf", value]);
        expect_of_git(&scratch, [1, 1, 0, 0]);
    }
    scratch.git(&["config", "core.autocrlf", "false"]);
    scratch.git(&["config", "attr.tree", "HEAD"]);
    expect_of_git(&scratch, [1, 1, 0, 0]);
}

#[test]
fn a_bare_repository_is_an_error() {
    let scratch = Scratch::new();
    scratch.git(&["init", "--quiet", "--bare", "bare"]);
    let repo = open(&scratch.at("bare")).unwrap();
    assert!(changes(&repo).is_err());
    assert!(ask_git(&scratch.at("bare")).is_err());
}

#[test]
fn records_of_git_status_are_counted() {
    let output = b"# branch.oid (initial)\x001 M. N... 100644 100644 100644 1 2 a\x002 R. N... 1 1 1 1 2 R100 b\x001 MM\0\
        1 .D N... 1 1 1 1 2 c\x001 AM N... 1 1 1 1 2 d\0u UU N... 1 1 1 1 1 1 1 e\0? f/\0! g\0";
    let expected = Changes {
        staged: 3,
        modified: 2,
        untracked: 1,
        conflicted: 1,
    };
    assert_eq!(parse(output).unwrap(), expected);
    assert!(parse(b"warning: no record\0").is_err());
}

/// Names that meet in all the ways that names can: prefixes of each other, around the slash in the order of bytes.
const NAMES: &[&[u8]] = &[
    b"a",
    b"a-b",
    b"a.b",
    b"a/b",
    b"a/b/c",
    b"a0",
    b"dir/x",
    b"dir/x.log",
    b"dir/sub/y",
    b"dir/sub/z.log",
    b"dir.x",
    b"build/out",
    b"build/keep/in",
    b"x.log",
    b"keep.log",
    b"text.crlf",
    b"dir/text.crlf",
    b"\xff\xfe",
    b"n\xc3\xa4me",
    b"new/one/two",
    b"new/three",
    b"\"quoted\"",
    b" space",
    b"-dash",
];
const DIRECTORIES: &[&str] = &["", "a/", "dir/", "dir/sub/", "build/", "new/"];
const CONTENTS: &[&[u8]] = &[
    b"",
    b"one\n",
    b"two\n",
    b"one\ntwo\n",
    b"one\r\n",
    b"two\r\nthree\n",
    b"\0binary\r\n",
];
const IGNORES: &[&[u8]] = &[
    b"*.log\n",
    b"*.log\n!keep.log\n",
    b"build/\n",
    b"/build/*\n!/build/keep/\n",
    b"*\n!*/\n!x*\n",
    b"sub\n!y\n",
    b"/x\n",
    b"dir/\n!dir/sub/y\n",
    b"*\n",
    b"# nothing\n\\#\na?b\n",
    b"**/y\n",
    b"!*.log\n",
];
const ATTRIBUTES: &[&[u8]] = &[
    b"* text=auto\n",
    b"* text=auto\n*.crlf eol=crlf\n",
    b"*.crlf text eol=crlf\n*.log -text\n",
    b"* -text\n",
];

/// One thing that people and their programs do to a worktree; it may fail.
fn act(scratch: &Scratch, chance: &mut Chance) {
    let name = chance.pick(NAMES);
    let text = std::str::from_utf8(name).unwrap_or("a");
    let content = chance.pick(CONTENTS);
    let directory = chance.pick(DIRECTORIES);
    let path = scratch.at(name);
    let git = |args: &[&str]| drop(scratch.try_git(args));
    match chance.below(36) {
        0..=6 => scratch.write(name, content),
        7 => drop(std::fs::remove_file(path)),
        8 => drop(std::fs::remove_dir_all(
            scratch.at(chance.pick(&DIRECTORIES[1..]).trim_end_matches('/')),
        )),
        9 => drop(std::fs::set_permissions(
            path,
            PermissionsExt::from_mode(0o755),
        )),
        10 => drop(std::fs::set_permissions(
            path,
            PermissionsExt::from_mode(0o644),
        )),
        11 => {
            let _ = std::fs::remove_file(&path);
            let _ = symlink(chance.pick(&["dir", "nowhere", "a"]), path);
        }
        12 | 13 => scratch.write(format!("{directory}.gitignore"), chance.pick(IGNORES)),
        14 => scratch.write(
            format!("{directory}.gitattributes"),
            chance.pick(ATTRIBUTES),
        ),
        15 => drop(std::fs::create_dir_all(
            scratch.at(format!("{directory}empty/below")),
        )),
        16 => git(&["init", "--quiet", &format!("{directory}nested")]),
        17 => {
            let nested = format!("{directory}nested");
            git(&["init", "--quiet", &nested]);
            scratch.write(format!("{nested}/file"), content);
            git(&["-C", &nested, "add", "file"]);
            git(&["-C", &nested, "commit", "--quiet", "-m", "nested"]);
        }
        18..=20 => git(&["add", "--", text]),
        21 => git(&["add", "--all"]),
        22 => git(&["add", "--force", "--", text]),
        23 => git(&["add", "--intent-to-add", "--", text]),
        24 => git(&["rm", "--quiet", "--cached", "-r", "--", text]),
        25 => git(&[
            "mv",
            "--",
            text,
            std::str::from_utf8(chance.pick(NAMES)).unwrap_or("b"),
        ]),
        26 => git(&["commit", "--quiet", "-m", "a commit"]),
        27 => git(&[
            "reset",
            "--quiet",
            "--mixed",
            chance.pick(&["HEAD", "HEAD~"]),
        ]),
        28 => git(&["checkout", "--quiet", "--", text]),
        29 => git(&["stash", "--quiet"]),
        30 => git(&[
            "update-index",
            chance.pick(&["--skip-worktree", "--assume-unchanged"]),
            text,
        ]),
        31 => git(&[
            "worktree",
            "add",
            "--quiet",
            "--detach",
            &format!("{directory}linked"),
        ]),
        32 => git(&[
            "submodule",
            "--quiet",
            "add",
            "./.git/library",
            &format!("{directory}submodule"),
        ]),
        33 => {
            scratch.write(format!("{directory}submodule/file"), content);
            scratch.write(format!("{directory}submodule/new"), content);
        }
        34 => git(&["sparse-checkout", "set", "--cone", "dir", "a"]),
        _ => conflict(scratch, chance),
    }
}

/// Merges, picks or stashes two histories that have each written the same few files.
fn conflict(scratch: &Scratch, chance: &mut Chance) {
    scratch.try_git(&["checkout", "--quiet", "-b", "other"]);
    for branch in ["main", "other"] {
        scratch.try_git(&["checkout", "--quiet", branch]);
        for _ in 0..3 {
            let name = NAMES[chance.below(6)];
            if chance.one_in(4) {
                let _ = std::fs::remove_file(scratch.at(name));
            } else {
                scratch.write(name, chance.pick(CONTENTS));
            }
        }
        scratch.try_git(&["add", "--all"]);
        scratch.try_git(&["commit", "--quiet", "-m", branch]);
    }
    scratch.try_git(&["merge", "--quiet", "main"]);
}

/// Makes git look at the content of every file again, now and later. What it says of a file whose attributes have
/// changed, and which itself has not, depends on whether that was in the second of the checkout.
fn touch(scratch: &Scratch) {
    NAMES
        .iter()
        .map(|name| scratch.at(name))
        .filter(|path| path.is_file() && !path.is_symlink())
        .for_each(|path| age(&path));
}

/// What git counts, with renames only where they are staged: in the worktree it takes a deleted file for one that was
/// renamed to an announced or even to a conflicted one.
fn by_git(scratch: &Scratch) -> Changes {
    let args = [
        "--no-optional-locks",
        "status",
        "--porcelain=v2",
        "-z",
        "--untracked-files=normal",
        "--no-renames",
    ];
    let unpaired = parse(&scratch.git(&args).stdout).unwrap();
    Changes {
        modified: unpaired.modified,
        ..ask_git(scratch.path()).unwrap()
    }
}

/// Whether a worktree is one that the pass may give up on with this error.
fn may_give_up(scratch: &Scratch, error: &str, attributes: bool) -> bool {
    let says = |args: &[&str], text: &str| {
        String::from_utf8_lossy(&scratch.try_git(args).stdout).contains(text)
    };
    error.contains("sparse index") && says(&["config", "index.sparse"], "true")
        || error.contains("only git knows")
            && (attributes || !says(&["config", "core.autocrlf"], "false"))
        || error.contains("submodule") && says(&["ls-files", "--stage"], "160000 ")
}

/// Makes a worktree by chance and compares the pass with git, several times on the way.
fn compare(seed: u64) {
    let chance = &mut Chance::new(seed);
    let scratch = Scratch::new();
    library(&scratch);
    // One or the other: without a hash, git loses the shared part of a split index.
    let index = if chance.one_in(2) {
        "core.splitIndex"
    } else {
        "index.skipHash"
    };
    for (setting, value, rarity) in [
        (index, "true", 5),
        ("core.fileMode", "false", 10),
        ("core.autocrlf", "true", 8),
        ("core.autocrlf", "input", 8),
        ("core.checkStat", "minimal", 10),
        ("core.trustCtime", "false", 10),
        ("core.untrackedCache", "true", 10),
        ("index.version", "4", 6),
        ("index.sparse", "true", 3),
        ("status.showUntrackedFiles", "no", 10),
        ("status.renames", "false", 10),
    ] {
        if chance.one_in(rarity) {
            scratch.git(&["config", setting, value]);
        }
    }
    for name in NAMES.iter().filter(|name| !name.ends_with(b"c")) {
        if chance.one_in(2) {
            scratch.write(name, chance.pick(CONTENTS));
        }
    }
    if !chance.one_in(12) {
        scratch.try_git(&["add", "--all"]);
        scratch.try_git(&["commit", "--quiet", "--allow-empty", "-m", "a commit"]);
    }
    let mut attributes = false;
    for step in 0..4 {
        for _ in 0..chance.below(5) {
            act(&scratch, chance);
            attributes |= DIRECTORIES
                .iter()
                .any(|dir| scratch.at(format!("{dir}.gitattributes")).exists());
        }
        if attributes {
            touch(&scratch);
        }
        let theirs = by_git(&scratch);
        let repo = open(scratch.path()).unwrap();
        match changes(&repo) {
            Ok(ours) if ours == theirs => {}
            // Its caller asks git then; but only for these reasons.
            Err(error) if may_give_up(&scratch, &error.to_string(), attributes) => {}
            other => {
                let status = scratch
                    .git(&["status", "--porcelain=v2", "--find-renames=100%"])
                    .stdout;
                let status = String::from_utf8_lossy(&status).into_owned();
                let config = std::fs::read_to_string(scratch.at(".git/config")).unwrap();
                panic!("seed {seed}, step {step}: {other:?}\ngit: {theirs:?}\n{status}\n{config}");
            }
        }
    }
}

/// Four states for each seed: a thousand.
#[test]
fn random_worktrees_count_as_in_git() {
    each_seed(250, compare);
}
