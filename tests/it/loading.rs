//! Loading the integration: silently, at once, and beside whatever else a start-up file holds.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use crate::common::shell::Start;
use crate::common::{Repo, Shell, tools};
use crate::scenarios::scenarios;

/// treehop as it is, behind a script that writes down each call.
fn count_calls(repo: &Repo) -> impl Fn() -> usize {
    let calls = repo.scratch.root.join("calls");
    let line = format!(
        "echo \"$*\" >>'{}'\nexec '{}' \"$@\"",
        calls.display(),
        tools::treehop().display()
    );
    repo.scratch.script("treehop", &line);
    move || {
        fs::read_to_string(&calls)
            .unwrap_or_default()
            .lines()
            .count()
    }
}

/// A directory with every program of the machine, each of which only writes down its name, and what was written.
fn shims(repo: &Repo) -> (PathBuf, impl Fn() -> Vec<String>) {
    let (dir, log) = (
        repo.scratch.root.join("shims"),
        repo.scratch.root.join("started"),
    );
    let logger = repo.scratch.root.join("logger");
    fs::write(
        &logger,
        format!("#!/bin/sh\necho \"${{0##*/}}\" >>'{}'\n", log.display()),
    )
    .unwrap();
    fs::set_permissions(&logger, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(&dir).unwrap();
    for entry in fs::read_dir(tools::directory()).unwrap() {
        symlink(&logger, dir.join(entry.unwrap().file_name())).unwrap();
    }
    let started = move || {
        fs::read_to_string(&log)
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect()
    };
    (dir, started)
}

/// A session works as it should: there, the venv, and back.
#[track_caller]
fn works(repo: &Repo, start: Start) {
    let venv = repo.venv(&repo.auth());
    let mut s = start.start();
    let screen = s.tmux.screen();
    assert_eq!(screen.text().trim(), "READY>", "it is silent:\n{screen}");
    s.line("wcd auth");
    assert_eq!(s.output(), "", "and stays so");
    s.probe()
        .status(0)
        .at(&repo.auth())
        .branch("feature/auth")
        .prompt("feature/auth")
        .venv(&venv);
    s.line("wcd ^");
    s.probe().status(0).at(&repo.main).branch("main").no_venv();
    s.cd(repo.auth());
    s.probe().status(0).branch("feature/auth").venv(&venv);
    s.cd("/");
    s.probe().status(0).nowhere().no_venv();
}

scenarios! {
    without_the_integration_nothing_is_seen: |shell| {
        let repo = Repo::guide();
        let odd = repo.tree("it's a $(touch pwned) `dir`");
        fs::create_dir(&odd).unwrap();
        let mut s = repo.shell(shell).unloaded().start();
        s.probe().status(0).at(&repo.main).nowhere().no_venv();
        s.line("sh -c 'exit 7'");
        s.probe().status(7);
        s.cd(&odd).export("VIRTUAL_ENV_PROMPT", "it's $(touch pwned)");
        let probe = s.probe();
        probe.at(&odd);
        assert_eq!(probe.var("VIRTUAL_ENV_PROMPT").unwrap(), "it's $(touch pwned)");
        assert!(!odd.join("pwned").exists());
        s.line("sh -c 'echo one two'");
        assert_eq!(s.output(), "one two");
    }

    silently: |shell| {
        let repo = Repo::guide();
        for dir in [&repo.main, &repo.scratch.home] {
            let out = repo.shell(shell).dir(dir).command("");
            assert_eq!(String::from_utf8_lossy(&out.stdout), "", "standard output");
            assert_eq!(String::from_utf8_lossy(&out.stderr), "", "standard error");
            assert_eq!(out.status.code(), Some(0));
        }
    }

    with_nothing_else: |shell| {
        let repo = Repo::guide();
        works(&repo, repo.shell(shell));
    }

    twice_in_a_row: |shell| {
        let repo = Repo::guide();
        let calls = count_calls(&repo);
        works(&repo, repo.shell(shell).after(&shell.load()));
        let twice = calls();
        fs::remove_file(repo.scratch.root.join("calls")).unwrap();
        works(&repo, repo.shell(shell));
        assert_eq!(twice, calls(), "no hook runs twice");
    }

    in_a_login_shell: |shell| {
        let repo = Repo::guide();
        works(&repo, repo.shell(shell).login());
    }

    with_aliases_in_the_way: |shell| {
        let repo = Repo::guide();
        let line = match shell {
            Shell::Bash | Shell::Zsh => {
                "for name in cd ls rm command builtin printf read test git cat wcd wls; do alias $name='echo alias of'; done"
            }
            Shell::Fish => "for name in ls rm git cat grep wcd wls; alias $name 'echo alias of'; end",
            Shell::Nu => "alias ls = echo alias of\nalias rm = echo alias of\nalias git = echo alias of\n\
                          alias wcd = echo alias of\nalias wls = echo alias of",
        };
        let venv = repo.venv(&repo.auth());
        let mut s = repo.shell(shell).before(line).start();
        assert_eq!(s.tmux.screen().text().trim(), "READY>", "it is silent");
        s.line("wcd auth");
        s.probe().status(0).at(&repo.auth()).branch("feature/auth").venv(&venv);
        s.line("wls");
        assert!(s.output().contains("fix/issue-422"), "wls: {}", s.output());
        s.line("wcd 422");
        s.probe().status(0).at(&repo.fix()).no_venv();
    }

    with_a_cd_of_the_users_own: |shell| {
        let repo = Repo::guide();
        let line = match shell {
            Shell::Bash | Shell::Zsh => "cd() { builtin cd \"$@\" && echo moved; }",
            Shell::Fish => "function cd; builtin cd $argv; and echo moved; end",
            // A module is read with nu's own commands.
            Shell::Nu => "def --env cd [to: string] { print moved }",
        };
        let mut s = repo.shell(shell).before(line).start();
        s.line("wcd auth");
        assert_eq!(s.output(), "", "wcd does not run the user's cd");
        s.probe().status(0).at(&repo.auth());
    }

    with_cdpath: |shell| {
        let repo = Repo::guide();
        let git = repo.tree("");
        fs::create_dir_all(repo.scratch.home.join("decoy/bitsandbytes-fix-422")).unwrap();
        let path = format!("{}:{}:.", repo.scratch.home.join("decoy").display(), git.display());
        let mut s = repo.shell(shell).env("CDPATH", &path).start();
        s.line("wcd auth");
        assert_eq!(s.output(), "", "no directory is printed");
        s.probe().status(0).at(&repo.auth());
        s.line("wcd ../bitsandbytes-fix-422");
        s.probe().status(0).at(&repo.fix());
    }

    before_treehop_is_on_path: |shell| {
        let repo = Repo::guide();
        let later = repo.scratch.root.join("later");
        fs::create_dir(&later).unwrap();
        fs::rename(repo.scratch.bin.join("treehop"), later.join("treehop")).unwrap();
        let mut s = repo.shell(shell).start();
        assert_eq!(s.tmux.screen().text().trim(), "READY>", "it is silent");
        s.cd(repo.main.join("src"));
        assert_eq!(s.output(), "", "and stays so");
        s.line("wcd auth");
        assert!(s.output().contains("treehop"), "it says what is missing: {}", s.output());
        s.line(&shell.prepend_path(&later)).line("wcd auth");
        s.probe().status(0).at(&repo.auth()).branch("feature/auth");
    }

    path_set_below_the_line_that_loads: |shell| {
        let repo = Repo::guide();
        let later = repo.scratch.root.join("later");
        fs::create_dir(&later).unwrap();
        fs::rename(repo.scratch.bin.join("treehop"), later.join("treehop")).unwrap();
        works(&repo, repo.shell(shell).after(&shell.prepend_path(&later)));
    }

    loading_starts_no_treehop: |shell| {
        let repo = Repo::guide();
        let calls = count_calls(&repo);
        let out = repo.shell(shell).command("");
        assert!(out.status.success());
        assert_eq!(calls(), 0, "in a script");
        // In a terminal the first prompt asks, and not before.
        let loaded = repo.scratch.root.join("loaded");
        let too_early = repo.scratch.root.join("too-early");
        let script = format!("[ -e '{}' ] || : >'{}'\nexec '{}' \"$@\"", loaded.display(), too_early.display(), tools::treehop().display());
        repo.scratch.script("treehop", &script);
        let mut s = repo.shell(shell).after(&format!("touch '{}'", loaded.display())).start();
        s.probe().branch("main");
        assert!(loaded.exists() && !too_early.exists());
    }

    a_prompt_asks_nobody: |shell| {
        let repo = Repo::guide();
        let calls = count_calls(&repo);
        let mut s = repo.shell(shell).start();
        s.line("wcd auth");
        let before = calls();
        s.enter().enter();
        s.line("git switch -q -c other").line("sh -c 'exit 3'").line("git switch -q feature/auth");
        s.probe().branch("feature/auth");
        assert_eq!(calls(), before, "no change of directory, no call");
        s.cd("src");
        assert_eq!(calls(), before + 1, "a change of directory is one call");
        s.cd("/").enter();
        assert_eq!(calls(), before + 2, "and so is leaving");
    }

    loading_starts_no_process: |shell| {
        let repo = Repo::guide();
        let (shims, started) = shims(&repo);
        let unloaded = repo.shell(shell).unloaded().env("PATH", &shims).command("");
        assert!(unloaded.status.success());
        let before = started();
        let loaded = repo.shell(shell).env("PATH", &shims).command("");
        assert!(loaded.status.success());
        assert_eq!(started()[before.len()..], before);
    }

    a_prompt_starts_no_process: |shell| {
        let repo = Repo::guide();
        let (shims, started) = shims(&repo);
        let mut s = repo.shell(shell).start();
        s.line("wcd auth").line(&shell.prepend_path(&shims));
        let before = started();
        s.enter().enter();
        s.cd(repo.fix()).enter();
        assert_eq!(started(), before);
        s.line("git status");
        assert_eq!(started()[before.len()..], ["git"], "the shims do see what is started");
    }

    the_status_reaches_the_prompt: |shell| {
        let repo = Repo::guide();
        let prompt = match shell {
            Shell::Bash => "PS1='<$?> READY> '",
            Shell::Zsh => "PROMPT='<%?> READY> '",
            Shell::Fish => "function fish_prompt; echo -n \"<$status> READY> \"; end",
            Shell::Nu => "$env.PROMPT_COMMAND = {|| $'<($env.LAST_EXIT_CODE)> ' }",
        };
        let mut s = repo.shell(shell).after(prompt).start();
        s.line("sh -c 'exit 7'");
        s.tmux.wait("the status", |screen| screen.cursor_line() == "<7> READY>");
        s.line("wcd nosuch");
        s.tmux.wait("the status", |screen| screen.cursor_line() == "<3> READY>");
        s.line("wcd auth");
        s.tmux.wait("the status", |screen| screen.cursor_line() == "<0> READY>");
        if shell != Shell::Nu {
            s.line("cd /nowhere 2>/dev/null");
            s.tmux.wait("the status", |screen| screen.cursor_line() == "<1> READY>");
        }
    }

    nothing_else_in_the_users_namespace: |shell| {
        let repo = Repo::guide();
        let names = match shell {
            Shell::Bash => "compgen -v; compgen -A function; compgen -a",
            Shell::Zsh => "print -l ${(k)parameters} ${(k)functions} ${(k)aliases}",
            Shell::Fish => "set --names; functions --all --names | string split ', '",
            Shell::Nu => "scope commands | get name | append ($env | columns) | append (scope aliases | get name) | str join (char nl)",
        };
        let all = |start: Start| -> BTreeSet<String> {
            let out = start.command(names);
            String::from_utf8_lossy(&out.stdout).split_whitespace().map(str::to_owned).collect()
        };
        let before = all(repo.shell(shell).unloaded());
        let ours = |name: &&String| {
            let name = name.trim_start_matches("treehop ");
            let word = ["wcd", "wls", "wnew", "wsetup", "wclaude", "wrm", "wundo", "wmerge", "wpr", "wprune", "deactivate"];
            name.starts_with("__treehop") || name.starts_with("_treehop") || name.starts_with("TREEHOP_") || word.contains(&name)
        };
        let after = all(repo.shell(shell));
        assert!(after.contains("wcd") && after.contains("wls"));
        // What a shell sets by itself: the hooks' lists, and what its own helpers leave.
        let shells_own = [
            "PROMPT_COMMAND", "chpwd_functions", "precmd_functions", "add-zsh-hook", "is-at-least", "BASH_LINENO",
            "BASH_SOURCE", "FUNCNAME", "PIPESTATUS", "_", "PWD", "OLDPWD", "config", "LAST_EXIT_CODE", "CMD_DURATION_MS",
        ];
        let new: Vec<_> = after.difference(&before).filter(|n| !ours(n) && !shells_own.contains(&n.as_str())).collect();
        assert!(new.is_empty(), "{new:?}");
    }

    beside_direnv_loaded_before: |shell| {
        beside_direnv(shell, true);
    }

    beside_direnv_loaded_after: |shell| {
        beside_direnv(shell, false);
    }
}

/// direnv puts back the PATH that it remembers, with or without treehop's venv in it.
fn beside_direnv(shell: Shell, before: bool) {
    let repo = Repo::guide();
    repo.scratch.with("direnv");
    let venv = repo.venv(&repo.auth());
    repo.scratch.write(
        repo.auth().join(".envrc"),
        "export FROM_ENVRC=yes\nPATH_add scripts\n",
    );
    let mut allow = repo
        .scratch
        .command(repo.scratch.bin.join("direnv"), &repo.auth());
    assert!(allow.arg("allow").status().unwrap().success());
    let hook = match shell {
        Shell::Bash => "eval \"$(direnv hook bash)\"",
        Shell::Zsh => "eval \"$(direnv hook zsh)\"",
        Shell::Fish => "direnv hook fish | source",
        Shell::Nu => {
            "$env.config.hooks.pre_prompt = ($env.config.hooks.pre_prompt? | default [] | append {||\n  \
             direnv export json | from json --strict | default {} | load-env\n  \
             if ($env.PATH | describe) == 'string' { $env.PATH = ($env.PATH | split row (char esep)) }\n})"
        }
    };
    let start = repo.shell(shell).env("DIRENV_LOG_FORMAT", "");
    let mut s = if before {
        start.before(hook)
    } else {
        start.after(hook)
    }
    .start();
    let scripts = repo.auth().join("scripts");
    for round in ["first", "second"] {
        s.cd(repo.auth()).enter().enter();
        let probe = s.probe();
        assert!(
            probe.path().contains(&scripts),
            "{round}: direnv's own entry: {:?}",
            probe.path()
        );
        probe.active_venv(&venv);
        s.cd("/").enter().enter();
        let probe = s.probe();
        assert!(
            !probe.path().contains(&scripts),
            "{round}: direnv took it back: {:?}",
            probe.path()
        );
        probe.no_venv().nowhere();
        s.line("wcd bitsandbytes:auth").enter();
        s.probe().at(&repo.auth()).active_venv(&venv);
        s.line("wcd 422").enter().enter();
        s.probe().at(&repo.fix()).no_venv();
    }
}

/// `set -e` and `set -u` end a script at the first slip.
#[test]
fn under_set_eu() {
    for shell in [Shell::Bash, Shell::Zsh] {
        let repo = Repo::guide();
        let (auth, fix) = (repo.venv(&repo.auth()), repo.venv(&repo.fix()));
        let line = "wcd auth\nprobe 1\nwcd 422\nprobe 2\ncd /\nwcd bitsandbytes:\nprobe 3\nwls >/dev/null\nprobe 4\nwcd -\nprobe 5";
        let out = repo.shell(shell).before("set -eu").command(line);
        let error = String::from_utf8_lossy(&out.stderr);
        assert_eq!(error, "", "{shell:?}");
        assert!(out.status.success(), "{shell:?}");
        let probes = crate::common::shell::read_probes(&repo);
        assert_eq!(probes.len(), 5, "{shell:?}: {error}");
        probes[0].at(&repo.auth()).venv(&auth);
        probes[1].at(&repo.fix()).venv(&fix);
        probes[2].at(&repo.main).no_venv();
        let out = repo
            .shell(shell)
            .before("set -eu")
            .command("wcd nosuch\nprobe 9");
        assert_eq!(
            out.status.code(),
            Some(3),
            "{shell:?}: a failure still ends the script"
        );
    }
}

#[test]
fn interactive_under_set_u() {
    for shell in [Shell::Bash, Shell::Zsh] {
        let repo = Repo::guide();
        works(&repo, repo.shell(shell).before("set -u"));
    }
}

#[test]
fn zsh_with_options_that_change_the_language() {
    for options in [
        "EXTENDED_GLOB WARN_CREATE_GLOBAL NOMATCH",
        "KSH_ARRAYS SH_WORD_SPLIT",
        "NULL_GLOB GLOB_SUBST RC_EXPAND_PARAM",
        "AUTO_PUSHD PUSHD_IGNORE_DUPS CHASE_LINKS AUTO_CD CD_SILENT",
        "NO_CLOBBER NO_UNSET PIPE_FAIL",
        "PROMPT_SUBST NO_PROMPT_PERCENT",
        "TYPESET_SILENT NO_SHORT_LOOPS NO_EQUALS POSIX_BUILTINS",
    ] {
        let repo = Repo::guide();
        works(
            &repo,
            repo.shell(Shell::Zsh).before(&format!("setopt {options}")),
        );
    }
}

#[test]
fn bash_with_options_that_change_the_language() {
    for options in [
        "shopt -s nullglob failglob extglob",
        "set -o posix",
        "IFS=:",
        "shopt -s lastpipe autocd",
        "set -f",
        "set -C",
    ] {
        let repo = Repo::guide();
        works(&repo, repo.shell(Shell::Bash).before(options));
    }
}

/// Powerline and starship look at both.
#[test]
fn bash_hands_status_and_pipestatus_on() {
    for command in [
        "PROMPT_COMMAND='seen=\"$? ${PIPESTATUS[*]}\"'",
        "PROMPT_COMMAND=('seen=\"$? ${PIPESTATUS[*]}\"' ':')",
    ] {
        let repo = Repo::guide();
        let mut s = repo.shell(Shell::Bash).before(command).start();
        s.line("false | true | (exit 3)")
            .line("echo \"seen=$seen\"");
        assert_eq!(s.output(), "seen=3 1 0 3");
        s.line("wcd auth").line("echo \"$seen\"");
        s.probe().branch("feature/auth");
    }
}

#[test]
fn bash_replaced_by_a_login_shell() {
    let repo = Repo::guide();
    let venv = repo.venv(&repo.auth());
    let mut s = repo.shell(Shell::Bash).start();
    s.line("wcd auth").line("exec bash -l");
    s.probe().at(&repo.auth()).venv(&venv);
    s.line("wcd");
    s.probe().no_venv();
}

/// A prompt set after the venv was entered is not put back to an older one on leaving.
#[test]
fn a_prompt_that_was_set_inside_a_venv_stays() {
    for shell in [Shell::Bash, Shell::Zsh] {
        let repo = Repo::guide();
        repo.venv(&repo.auth());
        let mut s = repo.shell(shell).start();
        s.line("wcd auth")
            .line(shell.pick("PS1='mine READY> '", "PROMPT='mine READY> '", "", ""))
            .line("wcd");
        s.probe().no_venv();
        assert_eq!(s.ready().cursor_line(), "mine READY>");
    }
}

#[test]
fn zsh_registers_tab_when_compinit_comes_later() {
    let repo = Repo::guide();
    let s = repo
        .shell(Shell::Zsh)
        .after("autoload -Uz compinit && compinit -u -D")
        .start();
    s.text("wcd au").keys(&["Tab"]);
    s.tmux.wait_for("wcd feature/auth");
}

#[test]
fn zsh_expands_no_query() {
    let repo = Repo::guide();
    let mut s = repo
        .shell(Shell::Zsh)
        .before("setopt EXTENDED_GLOB NOMATCH")
        .dir(repo.auth())
        .start();
    s.line("wcd ^");
    s.probe().status(0).at(&repo.main);
    s.line("wcd [f]*x");
    s.probe().status(3);
}

/// zsh and fish notice a `cd` at once, in scripts and functions too.
#[test]
fn zsh_and_fish_notice_a_cd_in_the_same_line() {
    for shell in [Shell::Zsh, Shell::Fish] {
        let repo = Repo::guide();
        let venv = repo.venv(&repo.auth());
        let mut s = repo.shell(shell).start();
        let dir = repo.auth();
        let line = format!("cd {}; probe 0", shell.quote(dir.to_str().unwrap()));
        s.probe_by(&line)
            .at(&dir)
            .branch("feature/auth")
            .venv(&venv);
    }
}

#[test]
fn nu_gives_records() {
    let repo = Repo::guide();
    fs::write(repo.auth().join("src/server.py"), "changed\n").unwrap();
    let ask = |line: &str| {
        let out = repo.shell(Shell::Nu).command(line);
        assert!(
            out.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8_lossy(&out.stdout).trim_end().to_owned()
    };
    assert_eq!(
        ask("wls | where changes.modified > 0 | get branch | to nuon"),
        "[feature/auth]"
    );
    assert_eq!(ask("wls | length"), "4");
    assert_eq!(ask("wls | get commit.time.0 | describe"), "datetime");
    assert_eq!(ask("wls | where commit.time < (date now) | length"), "4");
}

#[test]
fn nu_keeps_statuses_and_spans() {
    let repo = Repo::guide();
    let mut s = repo.shell(Shell::Nu).start();
    s.line("wcd --nonsense");
    assert!(
        s.output().contains("wcd --nonsense"),
        "the span shows the line: {}",
        s.output()
    );
    s.line("help wcd");
    let help = s.output();
    assert!(
        help.contains("worktree") && help.contains("Flags:") && help.contains("Parameters:"),
        "{help}"
    );
    s.line("wcd nosuch");
    s.probe().status(3);
}

#[test]
fn wls_fits_a_small_terminal() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let repo = Repo::guide();
        repo.worktree(&format!("feature/{}", "long-".repeat(20)));
        let mut s = repo.shell(shell).size(60, 20).start();
        s.line("wls");
        let output = s.output();
        assert!(
            output.lines().count() <= 6,
            "a line for each worktree and one above:\n{output}"
        );
        assert!(output.contains("fix/issue-422"), "{output}");
    }
}
