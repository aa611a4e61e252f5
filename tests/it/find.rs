//! What QUERY means, tier by tier, and how `treehop find` answers.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::rc::Rc;

use serde_json::Value;

use crate::common::{Repo, Scratch, tools};

/// What a query finds, by branch.
enum Finds {
    One(&'static str),
    Several(&'static [&'static str]),
    Nothing,
}
use Finds::{Nothing, One, Several};

/// Asks every query in a repository with these branches in worktrees, besides main.
#[track_caller]
fn table(branches: &[&str], queries: &[(&str, Finds)]) {
    let repo = Repo::new();
    for branch in branches {
        let dir = format!("../bitsandbytes-{}", branch.replace('/', "-"));
        repo.git(["worktree", "add", "-q", "--no-checkout", "-b", branch, &dir]);
    }
    ask(&repo, queries);
}

#[track_caller]
fn ask(repo: &Repo, queries: &[(&str, Finds)]) {
    for (query, finds) in queries {
        let words = || ["find"].into_iter().chain(query.split(' '));
        let out = repo.treehop(words());
        match finds {
            One(branch) => {
                let found = out.json();
                assert_eq!(found["worktree"]["branch"], *branch, "{query:?}");
                assert_eq!(found["cd"], found["worktree"]["path"], "{query:?}");
            }
            Several(branches) => {
                let error = out.fails(4);
                for branch in *branches {
                    assert!(error.contains(branch), "{query:?}: no {branch} in {error}");
                }
                let all = repo.treehop(words().chain(["--all"])).json();
                let mut found: Vec<_> = all["matches"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|m| m["worktree"]["branch"].clone())
                    .collect();
                found.sort_by_key(Value::to_string);
                let mut right: Vec<_> =
                    branches.iter().map(|branch| Value::from(*branch)).collect();
                right.sort_by_key(Value::to_string);
                assert_eq!(found, right, "{query:?}");
            }
            Nothing => {
                let error = out.fails(3);
                assert!(error.contains(query), "{query:?} is named: {error}");
            }
        }
    }
}

#[test]
fn in_the_guide_s_repository() {
    ask(
        &Repo::guide(),
        &[
            ("feature/auth", One("feature/auth")),
            ("feature-auth", One("feature/auth")),
            ("auth", One("feature/auth")),
            ("fea", One("feature/auth")),
            ("au", One("feature/auth")),
            ("fix-422", One("fix/issue-422")),
            ("422", One("fix/issue-422")),
            ("issue", One("fix/issue-422")),
            ("ssue", One("fix/issue-422")),
            ("experiment", One("experiment/new-quantizer")),
            ("quantizer", One("experiment/new-quantizer")),
            ("nqz", One("experiment/new-quantizer")),
            ("main", One("main")),
            ("bitsandbytes", One("main")),
            ("f", Several(&["feature/auth", "fix/issue-422"])),
            ("zzz", Nothing),
        ],
    );
}

#[test]
fn each_tier_beats_the_next() {
    let all = [
        "auth",
        "feature/auth",
        "authority",
        "x/two-auth",
        "oauth",
        "a1u2t3h",
    ];
    for (from, branch) in all.into_iter().enumerate() {
        table(&all[from..], &[("auth", One(branch))]);
    }
}

#[test]
fn several_in_the_tier_that_decides() {
    table(
        &["feature/auth", "fix/auth", "authority"],
        &[("auth", Several(&["feature/auth", "fix/auth"]))],
    );
    table(
        &["a/authority", "b/author", "c/oauth"],
        &[("auth", Several(&["a/authority", "b/author"]))],
    );
    table(
        &["a/x-auth", "b/y_auth", "c/oauth"],
        &[("auth", Several(&["a/x-auth", "b/y_auth"]))],
    );
    table(
        &["a/oauth", "b/unauthorized", "c/a-u-t-h"],
        &[("auth", Several(&["a/oauth", "b/unauthorized"]))],
    );
    table(
        &["a/axuxtxh", "b/ayuythz"],
        &[("auth", Several(&["a/axuxtxh", "b/ayuythz"]))],
    );
}

#[test]
fn words_are_what_stands_between_separators() {
    for branch in ["a/x-422-y", "a/x_422_y", "a/x.422.y"] {
        table(&[branch, "b/1422x"], &[("422", One(branch))]);
    }
}

#[test]
fn several_words_must_all_match() {
    table(
        &["feature/auth-tests", "feature/auth", "fix/tests"],
        &[
            ("tests feature", One("feature/auth-tests")),
            ("feature tests", One("feature/auth-tests")),
            ("fix te", One("fix/tests")),
            ("auth fix", Nothing),
            ("feature zzz", Nothing),
        ],
    );
}

#[test]
fn smart_case() {
    table(
        &["Fix/Login", "feature/auth"],
        &[
            ("fix", One("Fix/Login")),
            ("login", One("Fix/Login")),
            ("Login", One("Fix/Login")),
            ("LOGIN", Nothing),
            ("Auth", Nothing),
            ("auth", One("feature/auth")),
        ],
    );
    table(
        &["a/auth", "a/Auth"],
        &[
            ("a/auth", One("a/auth")),
            ("a/Auth", One("a/Auth")),
            ("Auth", One("a/Auth")),
        ],
    );
    table(&["maße/ÄRGER"], &[("ärger", One("maße/ÄRGER"))]);
}

#[test]
fn what_looks_like_a_pattern_is_text() {
    let repo = Repo::new();
    repo.worktree_at("a+b(c", "odd");
    ask(
        &repo,
        &[
            (".*", Nothing),
            ("a+b(c", One("a+b(c")),
            ("b(c", One("a+b(c")),
            ("[a-z]", Nothing),
        ],
    );
}

#[test]
fn main_and_current() {
    let repo = Repo::guide();
    let cd = |dir: &Path, query: &[&str]| {
        repo.treehop_in(dir, ["find"].iter().chain(query)).json()["cd"].clone()
    };
    let inside = repo.auth().join("src");
    assert_eq!(cd(&inside, &["^"]), repo.main.to_str().unwrap());
    assert_eq!(cd(&inside, &[]), repo.main.to_str().unwrap());
    assert_eq!(cd(&inside, &["@"]), repo.auth().to_str().unwrap());
    assert_eq!(cd(&repo.main, &["@"]), repo.main.to_str().unwrap());
}

#[test]
fn paths() {
    let repo = Repo::guide();
    let other = Repo::named(&repo.scratch, "transformers");
    let auth = repo.auth();
    for (dir, path) in [
        (&repo.main, "../bitsandbytes-feature-auth"),
        (&repo.main, "../bitsandbytes-feature-auth/src"),
        (&repo.fix(), auth.to_str().unwrap()),
        (&auth.join("src"), "."),
        (&auth.join("src"), ".."),
        (&repo.main, "~/git/bitsandbytes-feature-auth"),
    ] {
        let found = repo.treehop_in(dir, ["find", path]).json();
        assert_eq!(
            found["worktree"]["path"],
            auth.to_str().unwrap(),
            "{path} in {}",
            dir.display()
        );
    }
    let found = repo.treehop(["find", other.main.to_str().unwrap()]).json();
    assert_eq!(
        found["repo"]["name"], "transformers",
        "a path leads into another repository"
    );
    repo.treehop(["find", "../nowhere"]).fails(3);
}

#[test]
fn a_branch_with_the_words_of_a_path_is_the_branch() {
    let repo = Repo::guide();
    fs::create_dir_all(repo.main.join("feature/auth")).unwrap();
    ask(
        &repo,
        &[("feature/auth", One("feature/auth")), ("src", One("main"))],
    );
}

#[test]
fn the_subdirectory_is_kept_as_far_as_it_exists() {
    let repo = Repo::guide();
    fs::create_dir_all(repo.main.join("src/deep/er")).unwrap();
    fs::create_dir_all(repo.fix().join("src/deep")).unwrap();
    let cd = |query: &str, flag: &str| {
        repo.treehop_in(&repo.main.join("src/deep/er"), ["find", flag, query])
            .json()["cd"]
            .clone()
    };
    assert_eq!(
        cd("422", "--subdir"),
        repo.fix().join("src/deep").to_str().unwrap()
    );
    assert_eq!(cd("auth", "-s"), repo.auth().join("src").to_str().unwrap());
}

#[test]
fn a_branch_without_a_worktree_names_the_command() {
    let repo = Repo::guide();
    repo.git(["branch", "docs/readme"]);
    let error = repo.treehop(["find", "docs/readme"]).fails(3).to_owned();
    assert!(
        error.lines().any(|line| line == "hint: wnew docs/readme"),
        "{error}"
    );
    let error = repo.treehop(["find", "docs/other"]).fails(3).to_owned();
    assert!(
        !error.contains("wnew docs/other"),
        "there is no such branch: {error}"
    );
}

#[test]
fn a_slip_of_the_fingers_names_what_it_looks_like() {
    let repo = Repo::guide();
    for (typed, hint) in [
        ("auht", "did you mean feature/auth?"),
        ("fix/isseu-422", "did you mean fix/issue-422?"),
        ("featrue-auth", "did you mean feature/auth?"),
        ("nothing-like-it", "hint: wls"),
    ] {
        let said = repo.treehop(["find", typed]).fails(3).to_owned();
        assert!(said.contains(hint), "{typed}: {said}");
    }
}

#[test]
fn a_remote_branch_names_the_command_too() {
    let repo = Repo::guide();
    repo.git(["clone", "-q", "--bare", ".", "../remote.git"]);
    repo.scratch
        .git(&repo.tree("remote.git"), ["branch", "docs/remote", "main"]);
    repo.git(["remote", "add", "origin", "../remote.git"]);
    repo.git(["fetch", "-q", "origin"]);
    let error = repo.treehop(["find", "docs/remote"]).fails(3).to_owned();
    assert!(
        error.lines().any(|line| line == "hint: wnew docs/remote"),
        "{error}"
    );
}

#[test]
fn a_branch_in_a_rebase_is_still_found() {
    let repo = Repo::guide();
    repo.rebase_in(&repo.auth());
    for query in ["feature/auth", "auth", "au"] {
        let found = repo.treehop(["find", query]).json();
        assert_eq!(found["cd"], repo.auth().to_str().unwrap(), "{query}");
        assert_eq!(found["worktree"]["branch"], Value::Null);
    }
}

#[test]
fn repositories_used_before() {
    let repo = Repo::guide();
    let other = Repo::named(&repo.scratch, "transformers");
    other.worktree("fix/tokens");
    let away = repo.scratch.home.clone();
    assert!(
        !repo.treehop_in(&away, ["find", "auth"]).fails(3).is_empty(),
        "nothing was used yet"
    );
    repo.treehop(["find", "422"]).ok();
    other.treehop(["find", "tokens"]).ok();
    let find = |dir: &Path, query: &str| repo.treehop_in(dir, ["find", query]).json()["cd"].clone();
    assert_eq!(find(&away, "auth"), repo.auth().to_str().unwrap());
    assert_eq!(
        find(&away, "tokens"),
        other.tree("transformers-fix-tokens").to_str().unwrap()
    );
    assert_eq!(
        find(&repo.main, "transformers:tokens"),
        other.tree("transformers-fix-tokens").to_str().unwrap()
    );
    assert_eq!(
        find(&repo.main, "transformers:"),
        other.main.to_str().unwrap()
    );
    assert_eq!(
        find(&repo.main, "trans:tok"),
        other.tree("transformers-fix-tokens").to_str().unwrap()
    );
    assert_eq!(
        find(&other.main, "bitsandbytes:auth"),
        repo.auth().to_str().unwrap()
    );
    let error = repo
        .treehop(["find", "nosuchrepo:auth"])
        .fails(3)
        .to_owned();
    assert!(error.contains("nosuchrepo"), "{error}");
    // Both have one called main.
    let error = repo.treehop_in(&away, ["find", "main"]).fails(4).to_owned();
    assert!(
        error.contains("bitsandbytes:main") && error.contains("transformers:main"),
        "{error}"
    );
}

#[test]
fn a_repository_that_is_gone_is_forgotten_quietly() {
    let repo = Repo::guide();
    let other = Repo::named(&repo.scratch, "transformers");
    repo.treehop(["find"]).ok();
    other.treehop(["find"]).ok();
    fs::remove_dir_all(&other.main).unwrap();
    let out = repo.treehop_in(&repo.scratch.home, ["find", "auth"]);
    assert_eq!(out.json()["cd"], repo.auth().to_str().unwrap());
    assert_eq!(out.stderr, "");
}

/// Many shells write down where they are at once; none of it is lost, and nothing is torn.
#[test]
fn repositories_are_remembered_from_many_processes_at_once() {
    let scratch = Scratch::new();
    let repos: Vec<Repo> = (0..12)
        .map(|number| Repo::named(&scratch, format!("repo{number}")))
        .collect();
    let start = |repo: &Repo| -> Child {
        let mut command = scratch.command(tools::treehop(), &repo.main);
        command.arg("find").stdout(Stdio::null()).spawn().unwrap()
    };
    let mut children: Vec<Child> = (0..3).flat_map(|_| repos.iter().map(start)).collect();
    assert!(
        children
            .iter_mut()
            .all(|child| child.wait().unwrap().success())
    );
    for (number, repo) in repos.iter().enumerate() {
        let found = scratch
            .treehop(&scratch.home, ["find", &format!("repo{number}:")])
            .json();
        assert_eq!(found["cd"], repo.main.to_str().unwrap());
    }
}

#[test]
fn a_state_directory_that_cannot_be_written_is_no_failure() {
    let repo = Repo::guide();
    let file = repo.scratch.write("a file", "");
    let env = [("XDG_STATE_HOME", file.as_os_str())];
    let out = repo.scratch.treehop_env(&repo.main, ["find", "auth"], &env);
    assert_eq!(out.json()["cd"], repo.auth().to_str().unwrap());
}

#[test]
fn all_without_a_query_is_all() {
    let repo = Repo::guide();
    let all = repo.treehop(["find", "--all"]).json();
    let queries: Vec<_> = all["matches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["query"].clone())
        .collect();
    assert_eq!(queries.len(), 4);
    assert_eq!(queries[0], "main");
    for one in all["matches"].as_array().unwrap() {
        let query = one["query"].as_str().unwrap();
        assert_eq!(
            repo.treehop(["find", query]).json()["cd"],
            one["cd"],
            "{query} is what to type"
        );
    }
}

#[test]
fn all_with_fields_is_lines() {
    let repo = Repo::guide();
    repo.worktree("feature/oauth");
    repo.git_in(&repo.fix(), ["switch", "-q", "--detach"]);
    let lines = repo
        .treehop(["find", "--all", "--fields", "query,repo.name,branch", "f"])
        .lines();
    let mut groups: Vec<_> = lines.chunks(3).map(<[_]>::to_vec).collect();
    groups.sort();
    let right = [
        ["feature/auth", "bitsandbytes", "feature/auth"],
        ["feature/oauth", "bitsandbytes", "feature/oauth"],
        ["fix-422", "bitsandbytes", ""],
    ];
    assert_eq!(groups, right);
    for line in repo
        .treehop(["find", "--all", "--fields", "description"])
        .lines()
    {
        assert!(
            line.contains("git/bitsandbytes"),
            "a description says where: {line:?}"
        );
    }
    repo.treehop(["find", "--all", "nosuchthing"]).fails(3);
}

#[test]
fn all_says_the_repository_where_it_was_asked_so() {
    let repo = Repo::guide();
    repo.treehop(["find"]).ok();
    let lines = repo
        .treehop(["find", "--all", "--fields", "query", "bitsandbytes:au"])
        .lines();
    assert_eq!(lines, ["bitsandbytes:feature/auth"]);
    let lines = repo
        .treehop_in(Path::new("/"), ["find", "--all", "--fields", "query", "au"])
        .lines();
    assert_eq!(
        lines,
        ["bitsandbytes:feature/auth"],
        "outside, only that finds it"
    );
}

#[test]
fn null_is_an_empty_line() {
    let repo = Repo::guide();
    let out = repo.treehop(["find", "auth", "--fields", "operation,branch,venv"]);
    out.ok();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "\nfeature/auth\n\n");
}

#[test]
fn a_wrong_command_line_is_2() {
    let repo = Repo::guide();
    for args in [
        vec!["find", "--nonsense"],
        vec!["find", "--fields", "nonsense", "auth"],
        vec!["find", "--fields", "", "auth"],
        vec!["list", "--format", "xml"],
        vec!["list", "surplus"],
        vec!["nonsense"],
        vec!["-C"],
        vec![],
    ] {
        let out = repo.treehop(&args);
        out.fails(2);
    }
}

#[test]
fn a_query_that_begins_with_a_dash() {
    let repo = Repo::new();
    let tree = repo.worktree_at("odd", "-dash");
    assert_eq!(
        repo.treehop(["find", "--", "-dash"]).json()["cd"],
        tree.to_str().unwrap()
    );
}

#[test]
fn c_is_as_in_git() {
    let repo = Repo::guide();
    let at_root = |args: &[&OsStr]| repo.treehop_in(Path::new("/"), args).json()["cd"].clone();
    let main = repo.main.as_os_str();
    let [c, find, auth]: [&OsStr; 3] = ["-C", "find", "auth"].map(OsStr::new);
    assert_eq!(
        at_root(&[c, main, find, auth]),
        repo.auth().to_str().unwrap()
    );
    let parent = repo.tree("");
    assert_eq!(
        at_root(&[
            c,
            parent.as_os_str(),
            c,
            "bitsandbytes".as_ref(),
            find,
            auth
        ]),
        repo.auth().to_str().unwrap()
    );
    repo.treehop(["-C", "/nowhere", "find"]).fails(1);
}

#[test]
fn the_worktree_whose_session_waits() {
    let repo = Repo::guide();
    let error = repo.treehop(["find", "!"]).fails(3).to_owned();
    assert!(error.contains("wait"), "{error}");
    let mut busy = crate::live::Session::start(&repo.scratch, &repo.fix(), "busy");
    let mut waits = crate::live::Session::start(&repo.scratch, &repo.auth().join("src"), "waiting");
    assert_eq!(
        repo.treehop(["find", "!"]).json()["cd"],
        repo.auth().to_str().unwrap()
    );
    waits.kill();
    busy.kill();
    repo.treehop(["find", "!"]).fails(3);
}

#[test]
fn a_nested_repository_is_its_own() {
    let repo = Repo::guide();
    let inner = Repo::named(&Rc::clone(&repo.scratch), "bitsandbytes/vendor/inner");
    inner.worktree_at("feature/inner", repo.tree("inner-feature"));
    assert_eq!(
        inner.treehop(["find", "feature"]).json()["worktree"]["branch"],
        "feature/inner"
    );
    assert_eq!(
        repo.treehop(["find", "auth"]).json()["worktree"]["branch"],
        "feature/auth"
    );
    inner.treehop(["find", "auth"]).fails(3);
}
