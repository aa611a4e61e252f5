//! A thousand names through each command of the binary.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::generator::Generator;
use super::{harmless, nothing_ran, obeyed};
use crate::common::{Repo, tools};
use crate::counted;

/// A repository, and a tmux that writes down what it is asked to do.
fn repo() -> Repo {
    let repo = Repo::new();
    let asked = repo.scratch.root.join("windows");
    let script = format!("printf '%s\\0' \"$@\" >>'{}'", asked.display());
    repo.scratch.script("tmux", &script);
    repo
}

/// Runs treehop, which succeeds and says nothing that a terminal obeys; gives what it printed.
#[track_caller]
fn run<'a>(
    repo: &Repo,
    dir: &Path,
    args: &'a [&'a str],
    more: impl IntoIterator<Item = &'a OsStr>,
) -> Vec<u8> {
    let args = args.iter().map(OsStr::new).chain(more);
    let tmux = [("TMUX", OsStr::new("yes"))];
    let out = repo.scratch.treehop_env(dir, args, &tmux);
    harmless("standard error", out.stderr.as_bytes());
    out.ok();
    out.stdout
}

/// The same where JSON or a table is printed, for eyes too.
#[track_caller]
fn shown<'a>(
    repo: &Repo,
    dir: &Path,
    args: &'a [&'a str],
    more: impl IntoIterator<Item = &'a OsStr>,
) -> String {
    let out = run(repo, dir, args, more);
    harmless("standard output", &out);
    String::from_utf8(out).unwrap()
}

fn line(out: &[u8]) -> &OsStr {
    OsStr::from_bytes(out.strip_suffix(b"\n").unwrap())
}

/// What a prompt shows of a name: bytes that are no UTF-8 stay.
fn plain(name: &OsStr) -> OsString {
    let mut bytes = vec![];
    for chunk in name.as_bytes().utf8_chunks() {
        bytes.extend_from_slice(chunk.valid().replace(obeyed, "?").as_bytes());
        bytes.extend_from_slice(chunk.invalid());
    }
    OsString::from_vec(bytes)
}

/// All that looks at the worktree at `path`, which has `branch`; gives its name.
fn look(repo: &Repo, path: &Path, branch: &OsStr) -> OsString {
    let here = run(repo, path, &["here", "--fields", "branch,prompt,name"], []);
    let here: Vec<_> = here.split(|byte| *byte == b'\n').collect();
    assert_eq!(OsStr::from_bytes(here[0]), branch);
    assert!(here[1].starts_with(plain(branch).as_bytes()));
    harmless("the prompt", here[1]);
    harmless("the name", here[2]);
    let found: Value = serde_json::from_str(&shown(repo, path, &["find", "--"], [branch])).unwrap();
    assert_eq!(found["cd"], *path.to_string_lossy());
    // What Tab and the picker show and answer leads there.
    let tab = [
        "find",
        "--all",
        "--partial",
        "--fields",
        "query,description",
        "--",
    ];
    let tab = run(repo, &repo.main, &tab, [branch]);
    harmless("Tab", &tab);
    let answer = OsStr::from_bytes(tab.split(|byte| *byte == b'\n').next().unwrap());
    if answer != branch {
        let found: Value =
            serde_json::from_str(&shown(repo, path, &["find", "--"], [answer])).unwrap();
        assert_eq!(found["cd"], *path.to_string_lossy());
    }
    window(repo, path);
    status_line(repo, path);
    OsString::from_vec(here[2].to_vec())
}

fn window(repo: &Repo, path: &Path) {
    shown(
        repo,
        &repo.main,
        &["find", "--tab", "--"],
        [path.as_os_str()],
    );
    let windows = repo.scratch.root.join("windows");
    let asked = fs::read(&windows).unwrap();
    let words: Vec<_> = asked.split(|byte| *byte == 0).collect();
    assert_eq!(
        words[..3],
        [&b"new-window"[..], b"-c", path.as_os_str().as_bytes()]
    );
    harmless("a window", words[4]);
    assert!(!words[4].contains(&b'#'), "tmux runs what stands behind #");
    fs::remove_file(windows).unwrap();
}

fn status_line(repo: &Repo, dir: &Path) {
    let dir = dir.to_string_lossy();
    let input = repo.scratch.root.join("input");
    fs::write(
        &input,
        json!({"cwd": dir, "model": {"display_name": format!("Opus{dir}")}}).to_string(),
    )
    .unwrap();
    let mut command = repo.scratch.command(tools::treehop(), &repo.main);
    let out = command
        .arg("statusline")
        .env("NO_COLOR", "1")
        .stdin(File::open(input).unwrap())
        .output()
        .unwrap();
    assert!(out.status.success() && out.stderr.is_empty());
    harmless("the status line", &out.stdout);
}

/// Removes the worktrees, every other one with changes, and brings them back, branches and all.
fn remove_and_undo(repo: &Repo, made: &[(PathBuf, OsString)]) {
    for (path, _) in made.iter().step_by(2) {
        fs::write(path.join("mine"), path.as_os_str().as_bytes()).unwrap();
    }
    let paths = made.iter().map(|(path, _)| path.as_os_str());
    shown(repo, &repo.main, &["remove", "--force", "--"], paths);
    assert!(made.iter().all(|(path, _)| !path.exists()));
    shown(repo, &repo.main, &["undo", "--list"], []);
    shown(
        repo,
        &repo.main,
        &["undo", "--list", "--format", "table"],
        [],
    );
    let list = run(
        repo,
        &repo.main,
        &["undo", "--list", "--fields", "query,description"],
        [],
    );
    harmless("Tab", &list);
    let lines: Vec<_> = list.split(|byte| *byte == b'\n').collect();
    for query in lines.iter().step_by(2).filter(|query| !query.is_empty()) {
        shown(
            repo,
            &repo.main,
            &["undo", "--"],
            [OsStr::from_bytes(query)],
        );
    }
    for (at, (path, branch)) in made.iter().enumerate() {
        let mine = fs::read(path.join("mine")).ok();
        assert_eq!(
            mine.as_deref(),
            at.is_multiple_of(2).then_some(path.as_os_str().as_bytes())
        );
        assert_eq!(
            line(&run(repo, path, &["here", "--fields", "branch"], [])),
            branch
        );
    }
}

/// What is seen of all of them together.
fn look_at_all(repo: &Repo, count: usize) {
    let list: Value =
        serde_json::from_str(&shown(repo, &repo.main, &["list", "--full"], [])).unwrap();
    assert_eq!(list["worktrees"].as_array().unwrap().len(), count + 1);
    shown(repo, &repo.main, &["list", "--format", "table"], []);
    shown(repo, &repo.main, &["new", "--candidates"], []);
    harmless(
        "Tab",
        &run(
            repo,
            &repo.main,
            &["new", "--candidates", "--fields", "query,description"],
            [],
        ),
    );
    shown(repo, &repo.main, &["prune", "--dry-run"], []);
    nothing_ran(&repo.scratch.root);
}

/// Makes `count` worktrees and does all with them, 25 in each repository: with more, it would only take longer.
fn batches(
    seed: u64,
    count: usize,
    one: impl Fn(&Repo, &mut Generator, usize) -> (PathBuf, OsString),
) {
    let mut names = Generator::new(seed);
    for first in (0..count).step_by(25) {
        let repo = repo();
        let numbers = first..count.min(first + 25);
        let made: Vec<_> = numbers
            .map(|number| one(&repo, &mut names, number))
            .collect();
        look_at_all(&repo, made.len());
        remove_and_undo(&repo, &made);
        look_at_all(&repo, made.len());
        counted("names tried", made.len());
    }
}

/// The worktree of a branch that is called so.
fn branch(repo: &Repo, names: &mut Generator, number: usize) -> (PathBuf, OsString) {
    let branch = names.branch(number);
    let made = run(
        repo,
        &repo.main,
        &["new", "--no-setup", "--fields", "path", "--"],
        [branch.as_os_str()],
    );
    let path = PathBuf::from(line(&made));
    look(repo, &path, &branch);
    (path, branch)
}

#[test]
fn branches_one() {
    batches(1, 200, branch);
}

#[test]
fn branches_two() {
    batches(2, 200, branch);
}

/// A worktree in a directory that is called so.
fn directory(repo: &Repo, names: &mut Generator, number: usize) -> (PathBuf, OsString) {
    let directory = names.directory(number);
    let path = repo.tree(&directory);
    let branch = format!("d{number}");
    let words = ["new", "--no-setup", "--path"].map(OsStr::new);
    let words = words
        .into_iter()
        .chain([path.as_os_str(), OsStr::new(&branch)]);
    if directory.as_bytes().contains(&b'\n') {
        let out = repo.treehop(words);
        harmless("the refusal", out.fails(2).as_bytes());
        // With git it can be made.
        repo.worktree_at(&branch, &directory);
        let out = repo.treehop_in(&path, ["here", "--fields", "path"]);
        harmless("the refusal", out.fails(1).as_bytes());
    } else {
        shown(repo, &repo.main, &[], words);
        assert_eq!(
            line(&run(repo, &path, &["here", "--fields", "path"], [])),
            path
        );
    }
    assert_eq!(look(repo, &path, OsStr::new(&branch)), plain(&directory));
    (path, branch.into())
}

#[test]
fn directories_one() {
    batches(3, 150, directory);
}

#[test]
fn directories_two() {
    batches(4, 150, directory);
}

/// Somebody called so has committed something called so, and locked the worktree for such a reason.
fn person(repo: &Repo, names: &mut Generator, number: usize) -> (PathBuf, OsString) {
    let branch = format!("p{number}");
    let path = repo.worktree(&branch);
    let mut text = |first| [OsStr::new(first), &names.text()].join(OsStr::new(""));
    let (who, what, why) = (text("A"), text("S"), text("L"));
    for key in ["user.name", "user.email"] {
        repo.git([OsStr::new("config"), OsStr::new(key), &who]);
    }
    let commit = ["commit", "-q", "--allow-empty", "-m"].map(OsStr::new);
    repo.git_in(&path, commit.into_iter().chain([what.as_os_str()]));
    look(repo, &path, OsStr::new(&branch));
    let lock = ["worktree", "lock", "--reason"].map(OsStr::new).into_iter();
    repo.git(lock.chain([why.as_os_str(), path.as_os_str()]));
    let out = repo.treehop(["remove".as_ref(), path.as_os_str()]);
    harmless("the refusal", out.fails(5).as_bytes());
    shown(repo, &path, &["here", "--full"], []);
    shown(repo, &path, &["here", "--full", "--format", "table"], []);
    repo.git(["worktree".as_ref(), "unlock".as_ref(), path.as_os_str()]);
    (path, branch.into())
}

#[test]
fn people() {
    batches(5, 150, person);
}

/// A stranger's branch on a remote that is called so.
fn remote(repo: &Repo, names: &mut Generator, number: usize) -> (PathBuf, OsString) {
    let (remote, branch) = (names.branch(number), names.branch(number));
    let joined = |parts: &[&OsStr]| parts.join(OsStr::new(""));
    let [of, all, here]: [&OsStr; 3] =
        ["remote.", "+refs/heads/*:refs/remotes/", "refs/remotes/"].map(OsStr::new);
    let url = joined(&[of, &remote, OsStr::new(".url")]);
    let fetch = joined(&[of, &remote, OsStr::new(".fetch")]);
    let theirs = joined(&[here, &remote, OsStr::new("/"), &branch]);
    repo.git([OsStr::new("config"), &url, repo.main.as_os_str()]);
    repo.git([
        OsStr::new("config"),
        &fetch,
        &joined(&[all, &remote, OsStr::new("/*")]),
    ]);
    repo.git([OsStr::new("update-ref"), &theirs, OsStr::new("main")]);
    let whole = joined(&[&remote, OsStr::new("/"), &branch]);
    let made = run(
        repo,
        &repo.main,
        &["new", "--no-setup", "--fields", "path", "--"],
        [whole.as_os_str()],
    );
    let path = PathBuf::from(line(&made));
    shown(repo, &path, &["here", "--full"], []);
    look(repo, &path, &branch);
    (path, branch)
}

#[test]
fn remotes() {
    batches(6, 150, remote);
}
