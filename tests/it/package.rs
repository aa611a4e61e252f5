//! What a package of treehop has to hold, and may.

use std::process::Command;

use serde_json::Value;

use crate::common::tools;

/// What cargo says of this project.
fn cargo(args: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(args)
        .arg("--offline")
        .current_dir(tools::source(""));
    let out = cargo.output().expect("cargo runs");
    let error = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "cargo {args:?}: {error}");
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn every_licence_is_one_that_is_known() {
    let known = std::fs::read_to_string(tools::source("tests/deny.toml")).unwrap();
    let known = |licence: &str| {
        known.contains(&format!(
            "  \"{}\",\n",
            licence.trim_matches(['(', ')', ' '])
        ))
    };
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1"])).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50, "{}", packages.len());
    for package in packages {
        let expression = package["license"]
            .as_str()
            .unwrap_or_default()
            .replace('/', " OR ");
        // An AND of ORs is all that there is.
        let good = expression
            .split(" AND ")
            .all(|part| part.split(" OR ").any(known));
        assert!(
            good,
            "{}: '{expression}' is not in tests/deny.toml",
            package["name"]
        );
    }
}

#[test]
fn the_package_holds_what_the_binary_is_made_of_and_no_tests() {
    let list = cargo(&["package", "--list", "--allow-dirty"]);
    let files: Vec<&str> = list.lines().collect();
    for file in [
        "CHANGELOG.md",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "completions/_treehop",
        "completions/man/treehop.1",
        "shell/treehop.nu",
        "src/main.rs",
        "src/no-unwinding.ld",
    ] {
        assert!(files.contains(&file), "no {file} in {list}");
    }
    assert!(
        !files.iter().any(|file| file.starts_with("tests")),
        "{list}"
    );
}
