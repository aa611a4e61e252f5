//! What else prints JSON, and whether the schema is as strict as it has to be.

use std::fs;

use serde_json::{Value, json};

use crate::common::{Repo, Scratch, schema};

#[test]
fn install_and_doctor() {
    let scratch = Scratch::new();
    let install = |args: &[&str]| {
        scratch
            .treehop(&scratch.home, ["install"].iter().chain(args))
            .json()
    };
    assert_eq!(
        install(&["bash", "--dry-run"])["shells"][0]["action"],
        "added"
    );
    assert!(
        !scratch.home.join(".bashrc").exists(),
        "--dry-run writes nothing"
    );
    assert_eq!(install(&["bash"])["shells"][0]["action"], "added");
    assert_eq!(install(&["bash"])["shells"][0]["action"], "unchanged");
    assert_eq!(
        install(&["bash", "--uninstall"])["shells"][0]["action"],
        "removed"
    );
    scratch
        .treehop(&scratch.home, ["doctor", "--format", "json"])
        .json();
}

/// Every key of every document is required, and no other is allowed: taking any away, or adding one, is noticed.
#[test]
fn every_key_counts() {
    let repo = Repo::guide();
    let _session = crate::live::Session::start(&repo.scratch, &repo.auth(), "busy");
    repo.git([
        "worktree",
        "lock",
        "--reason",
        "because",
        repo.auth().to_str().unwrap(),
    ]);
    repo.git(["branch", "-q", "-u", "main", "feature/auth"]);
    repo.venv(&repo.main);
    std::fs::write(repo.main.join(".worktreeinclude"), ".venv\n").unwrap();
    std::fs::remove_dir_all(repo.experiment()).unwrap();
    // In this order: what one makes, the next shows.
    for (kind, args) in [
        ("list", &["list", "--full"][..]),
        ("found", &["find", "auth", "--full"]),
        ("matches", &["find", "--all", "auth", "--full"]),
        ("new", &["new", "a/b", "--model", "opus"]),
        ("setup", &["setup", "a/b"]),
        ("remove", &["remove", "a/b"]),
        ("snapshots", &["undo", "--list"]),
        ("undo", &["undo"]),
        ("merge", &["merge", "a/b"]),
        ("candidates", &["new", "--candidates"]),
        ("prune", &["prune", "--merged"]),
    ] {
        if kind == "candidates" {
            repo.git(["branch", "without-worktree"]);
        }
        let document = repo.treehop(args).json();
        let mut objects = vec![];
        pointers(&document, String::new(), &mut objects);
        assert!(objects.len() > 1, "{objects:?}");
        for at in objects {
            let object = document.pointer(&at).unwrap().as_object().unwrap();
            for key in object.keys() {
                let mut less = document.clone();
                less.pointer_mut(&at)
                    .unwrap()
                    .as_object_mut()
                    .unwrap()
                    .remove(key);
                assert!(
                    schema::check(kind, &less).is_err(),
                    "{kind}{at}/{key} may be missing"
                );
            }
            let mut more = document.clone();
            more.pointer_mut(&at).unwrap()["surplus"] = json!(1);
            assert!(
                schema::check(kind, &more).is_err(),
                "{kind}{at} may hold anything"
            );
        }
    }
}

/// Where the objects in `value` are.
fn pointers(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            object
                .iter()
                .for_each(|(key, value)| pointers(value, format!("{at}/{key}"), found));
            found.push(at);
        }
        Value::Array(array) => {
            array
                .iter()
                .enumerate()
                .for_each(|(number, value)| pointers(value, format!("{at}/{number}"), found));
        }
        _ => {}
    }
}

#[test]
fn the_schema_is_itself_valid() {
    let text = fs::read_to_string(crate::common::tools::source(
        "tests/schema/treehop.schema.json",
    ))
    .unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut compiler = boon::Compiler::new();
    compiler.set_default_draft(boon::Draft::V2020_12);
    compiler.add_resource("mem:///treehop", document).unwrap();
    compiler
        .compile("mem:///treehop", &mut boon::Schemas::new())
        .unwrap();
}
