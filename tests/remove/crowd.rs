//! Many at once in one repository.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};

use super::{Project, State};

/// Git that notes when two of it are at work with worktrees at the same time, and takes its time for it.
const GIT: &str = r#"#!/bin/sh
PATH=${PATH#*:}
case " $* " in *" worktree "*) ;; *) exec git "$@" ;; esac
mkdir "$HOME/busy" || echo "$*" >> "$HOME/overlaps"
git "$@"
status=$?
sleep 0.02
rmdir "$HOME/busy"
exit $status
"#;

fn start(project: &Project, args: &[&str]) -> (String, Child) {
    let mut treehop = project.command(env!("CARGO_BIN_EXE_treehop"), "app");
    treehop
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    (args.join(" "), treehop.spawn().unwrap())
}

/// A worktree with something of everything that could get lost.
fn filled(project: &Project, name: &str) -> State {
    let dir = format!("app-{name}");
    project.worktree(name);
    project.write(format!("{dir}/staged"), format!("{name}, staged\n"));
    project.git_in(&dir, &["add", "staged"]);
    project.write(format!("{dir}/file"), format!("{name}, changed\n"));
    project.write(format!("{dir}/un/tracked"), format!("{name}\n"));
    project.write(format!("{dir}/.env"), format!("{name}\n"));
    project.state(&dir)
}

#[test]
fn making_removing_bringing_back_and_pruning_at_once() {
    let project = Project::new();
    let names: Vec<String> = (0..8).map(|n| format!("w{n}")).collect();
    let states: Vec<State> = names.iter().map(|name| filled(&project, name)).collect();
    let (mut there, mut gone) = names.split_at(4);
    for name in gone {
        project.json(&["remove", "-f", name]);
    }
    let git = project.tools.join("git");
    fs::write(&git, GIT).unwrap();
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    let mut made = vec![];
    for round in 0..4 {
        let mut children = vec![];
        for n in 0..4 {
            let new = format!("new{round}{n}");
            children.push(start(&project, &["new", &new, "--no-setup"]));
            children.push(start(&project, &["remove", "-f", &there[n]]));
            children.push(start(&project, &["undo", &gone[n]]));
            made.push(format!("app-{new}"));
        }
        children.push(start(&project, &["prune"]));
        for (what, child) in children {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "round {round}, {what}: {said}");
        }
        std::mem::swap(&mut there, &mut gone);
        let overlaps = fs::read_to_string(project.home.join("overlaps"));
        assert!(overlaps.is_err(), "round {round}: {overlaps:?} at once");
        project.settled();
        let back = there.iter().map(|name| format!("app-{name}"));
        let mut all: Vec<_> = made.iter().cloned().chain(back).collect();
        all.sort();
        project.sound(&all.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(project.snapshots().len(), gone.len());
        for (name, before) in names.iter().zip(&states) {
            let dir = format!("app-{name}");
            assert_eq!(project.at(&dir).exists(), there.contains(name));
            assert!(!there.contains(name) || project.state(&dir) == *before);
        }
        for dir in &made {
            assert_eq!(project.git_in(dir, &["status", "--porcelain"]), "");
        }
        let list = project.git(&["worktree", "list", "--porcelain"]);
        assert!(!list.contains("\nlocked") && !list.contains("\nprunable"));
    }
}
