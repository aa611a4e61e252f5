//! What is read from others as text: Claude Code's hooks and status line, its registry, `.worktreeinclude`.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use serde_json::json;

use super::generator::Generator;
use super::{harmless, nothing_ran};
use crate::common::{Repo, tools};
use crate::counted;

/// A document as Claude Code gives it, or one that looks like it.
fn document(luck: &mut Generator, repo: &Repo) -> String {
    let text = luck.text().to_string_lossy().into_owned();
    let whole = match luck.below(4) {
        0 => {
            json!({"cwd": repo.auth(), "workspace": {"current_dir": text}, "model": {"display_name": text}, "name": text})
        }
        1 => {
            json!({"cwd": repo.main, "name": format!("n/{text}"), "session_id": text, "model": text})
        }
        2 => {
            json!({"cwd": text, "worktree_path": text, "path": text, "name": "", "model": {"id": text}})
        }
        _ => json!([text, {"cwd": {"cwd": text}}, null, 1e300]),
    };
    let mut whole = whole.to_string();
    // Half of a document is none.
    if luck.below(4) == 0 {
        let at = (0..whole.len())
            .map(|at| whole.len() - at)
            .filter(|at| whole.is_char_boundary(*at));
        whole.truncate(at.skip(luck.below(20)).find(|_| true).unwrap_or_default());
    }
    whole
}

#[test]
fn hooks_and_status_lines() {
    let repo = Repo::guide();
    let mut luck = Generator::new(21);
    let input = repo.scratch.root.join("input");
    for _ in 0..60 {
        fs::write(&input, document(&mut luck, &repo)).unwrap();
        for args in [
            &["statusline"][..],
            &["hook", "worktree-create"],
            &["hook", "worktree-remove"],
        ] {
            let mut command = repo.scratch.command(tools::treehop(), &repo.main);
            let command = command
                .args(args)
                .env("NO_COLOR", "1")
                .stdin(File::open(&input).unwrap());
            let out = command.output().unwrap();
            let (status, said) = (out.status.code(), String::from_utf8_lossy(&out.stderr));
            harmless("standard error", &out.stderr);
            if args == ["statusline"] {
                assert_eq!((status, &*said), (Some(0), ""));
                harmless("the status line", &out.stdout);
            } else {
                assert!(
                    matches!(status, Some(0..=5)),
                    "{args:?}: {status:?}\n{said}"
                );
                assert!(
                    status == Some(0) || out.stdout.is_empty() && said.contains("treehop: "),
                    "{said}"
                );
            }
        }
    }
    for path in [repo.auth(), repo.fix(), repo.experiment()] {
        assert!(path.is_dir(), "nobody has named it");
    }
    repo.treehop(["list", "--full"]).json();
    nothing_ran(&repo.scratch.root);
    counted("names tried", 60);
}

#[test]
fn a_registry_of_nonsense() {
    let repo = Repo::guide();
    let mut luck = Generator::new(22);
    for number in 1..80 {
        repo.scratch.write(
            format!(".claude/sessions/{number}.json"),
            document(&mut luck, &repo),
        );
        repo.scratch.write(
            format!(".claude/jobs/{number}/state.json"),
            document(&mut luck, &repo),
        );
    }
    fs::create_dir(repo.scratch.home.join(".claude/sessions/99.json")).unwrap();
    // Without an end, and with nobody who writes into it.
    symlink(
        "/dev/zero",
        repo.scratch.home.join(".claude/sessions/98.json"),
    )
    .unwrap();
    let pipes = [
        ".claude/sessions/97.json",
        "git/bitsandbytes/.git/worktrees/bitsandbytes-fix-422/HEAD",
    ];
    for pipe in pipes {
        let _ = fs::remove_file(repo.scratch.home.join(pipe));
        let mut mkfifo = repo.scratch.command("mkfifo", &repo.scratch.home);
        assert!(mkfifo.arg(pipe).status().unwrap().success());
    }
    for args in [
        &["list"][..],
        &["find", "--all"],
        &["here"],
        &["find", "auth", "--full"],
        &["doctor", "--format", "table"],
    ] {
        let out = repo.treehop(args);
        harmless("standard error", out.stderr.as_bytes());
        harmless("standard output", &out.stdout);
        out.ok();
    }
}

/// Whatever `.worktreeinclude` names: only what git ignores is copied, to its own place, and over nothing.
#[test]
fn worktreeinclude_names_nothing_outside() {
    const PIECES: [&str; 20] = [
        "*",
        "**/",
        "!",
        "../",
        "/",
        "a",
        "a/b",
        ".env",
        "\\",
        "[",
        "]",
        "[!a]",
        "{a,b}",
        "/etc/passwd",
        "~/",
        "$(touch pwned)",
        "\u{202e}",
        " ",
        "#",
        "out",
    ];
    let repo = Repo::guide();
    let (secret, own) = (repo.tree("secret"), "my own\n");
    fs::create_dir(&secret).unwrap();
    fs::write(secret.join("key"), "SECRET\n").unwrap();
    fs::write(repo.main.join(".gitignore"), "a\n.env\nout\nlinked\n").unwrap();
    fs::create_dir(repo.main.join("a")).unwrap();
    for file in ["a/b", ".env"] {
        fs::write(repo.main.join(file), "ignored\n").unwrap();
    }
    symlink(&secret, repo.main.join("out")).unwrap();
    fs::create_dir(repo.main.join("linked")).unwrap();
    symlink("../../secret/key", repo.main.join("linked/key")).unwrap();
    fs::write(repo.main.join("untracked"), "not ignored\n").unwrap();
    let mut luck = Generator::new(23);
    for number in 0..40 {
        let lines: Vec<String> = (0..=luck.below(4))
            .map(|_| {
                (0..=luck.below(4))
                    .map(|_| PIECES[luck.below(PIECES.len())])
                    .collect()
            })
            .collect();
        let lines = lines.join("\n") + "\n*\n";
        fs::write(repo.main.join(".worktreeinclude"), &lines).unwrap();
        let tree = repo.worktree(&format!("t{number}"));
        if number % 2 == 0 {
            fs::write(tree.join(".env"), own).unwrap();
        }
        let out = repo.treehop_in(&tree, ["setup"]);
        harmless("standard error", out.stderr.as_bytes());
        out.ok();
        assert!(!tree.join("untracked").exists(), "{lines}");
        for place in [tree.join("out/key"), tree.join("linked/key")] {
            let found = place.canonicalize().ok();
            assert!(
                found.is_none_or(|found| found == secret.join("key")),
                "no copy of what a link leads to: {lines}"
            );
        }
        if number % 2 == 0 {
            assert_eq!(
                fs::read_to_string(tree.join(".env")).unwrap(),
                own,
                "{lines}"
            );
        }
        assert_eq!(fs::read_to_string(secret.join("key")).unwrap(), "SECRET\n");
        assert_eq!(fs::read_dir(&secret).unwrap().count(), 1);
    }
    nothing_ran(&repo.scratch.root);
}
