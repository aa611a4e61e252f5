//! `init`, `install`, `completions` and `doctor`, on scratch home folders and with the real shells: bash, zsh, fish and
//! nu must be on PATH, a missing one fails.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "nu"];

/// A home folder with a name that has to be quoted in every shell, and treehop in it.
struct Home {
    _scratch: tempfile::TempDir,
    path: PathBuf,
    bin: PathBuf,
    variables: Vec<(String, OsString)>,
}

impl Home {
    fn new() -> Home {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch
            .path()
            .canonicalize()
            .unwrap()
            .join(r#"it's "my" $(home) \ 家"#);
        let bin = path.join("the 'bin'");
        fs::create_dir_all(&bin).unwrap();
        fs::hard_link(env!("CARGO_BIN_EXE_treehop"), bin.join("treehop"))
            .or_else(|_| fs::copy(env!("CARGO_BIN_EXE_treehop"), bin.join("treehop")).map(|_| ()))
            .unwrap();
        Home {
            _scratch: scratch,
            path,
            bin,
            variables: Vec::new(),
        }
    }

    fn set(mut self, name: &str, value: impl AsRef<OsStr>) -> Home {
        self.variables.push((name.into(), value.as_ref().into()));
        self
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// A command in this home; no treehop but ours is ever on its PATH, and ours only if `ours`.
    fn command(&self, program: impl AsRef<OsStr>, ours: bool) -> Command {
        let path = std::env::var_os("PATH").unwrap();
        let others = std::env::split_paths(&path).filter(|folder| !folder.join("treehop").exists());
        let path =
            std::env::join_paths(ours.then(|| self.bin.clone()).into_iter().chain(others)).unwrap();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", &self.path)
            .env("PATH", path)
            .env("TERM", "dumb")
            .env("LC_ALL", "C.UTF-8");
        command
            .envs(self.variables.iter().map(|(k, v)| (k, v)))
            .current_dir(&self.path)
            .stdin(Stdio::null());
        command
    }

    fn treehop(&self, args: &[&str]) -> Output {
        self.command(self.bin.join("treehop"), true)
            .args(args)
            .output()
            .unwrap()
    }

    /// Runs treehop, which must succeed, and returns its JSON.
    fn json(&self, args: &[&str]) -> Value {
        let output = self.treehop(args);
        assert!(
            output.status.success(),
            "{args:?}: {}",
            text(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs treehop, which must fail with status 1 and nothing on standard output, and returns its standard error.
    fn fails(&self, args: &[&str]) -> String {
        let output = self.treehop(args);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{args:?}: {}",
            text(&output.stderr)
        );
        assert_eq!(text(&output.stdout), "", "{args:?}");
        text(&output.stderr)
    }

    /// Starts a shell as a terminal does, as far as it goes without one, and returns what `line` prints there.
    fn shell(&self, shell: &str, line: &str, ours: bool) -> Output {
        let mut command = self.command(shell, ours);
        match shell {
            "bash" | "zsh" => command.args(["-ic", line]),
            "fish" => command.args(["-c", line]),
            // Not `-c`, which reads no autoload folder.
            _ => command.args(["-e", &format!("{line}; exit")]),
        };
        command.output().unwrap_or_else(|e| panic!("{shell}: {e}"))
    }

    /// Every file and link: content, mode, target.
    fn files(&self) -> BTreeMap<PathBuf, (Vec<u8>, u32)> {
        fn walk(folder: &Path, files: &mut BTreeMap<PathBuf, (Vec<u8>, u32)>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let meta = path.symlink_metadata().unwrap();
                if meta.is_dir() {
                    walk(&path, files);
                } else if meta.is_symlink() {
                    let target = fs::read_link(&path).unwrap();
                    files.insert(path, (target.into_os_string().into_encoded_bytes(), 0));
                } else {
                    files.insert(
                        path.clone(),
                        (fs::read(&path).unwrap(), meta.permissions().mode()),
                    );
                }
            }
        }
        let mut files = BTreeMap::new();
        walk(&self.path, &mut files);
        files
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The actions of an install, in the order of [`SHELLS`].
fn actions(document: &Value) -> Vec<&str> {
    assert_eq!(document["schema"], 1);
    document["shells"]
        .as_array()
        .unwrap()
        .iter()
        .map(|shell| shell["action"].as_str().unwrap())
        .collect()
}

/// What stands in the project for a shell.
fn project(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Puts a stand-in for the integration where the block loads it from: it says that it was loaded, and a line that
/// asks for it prints `loaded`.
fn stand_in(home: &Home, shell: &str) -> &'static str {
    let (integration, line) = match shell {
        "nu" => (
            "def __treehop_hidden [] {}\nexport def treehop_shown [] {}\nexport-env { $env.STAND_IN = 'loaded' }\n",
            "print $env.STAND_IN? (scope commands | where name =~ treehop_ | get name | str join ' ')",
        ),
        "fish" => ("set -g STAND_IN loaded\n", "echo $STAND_IN"),
        _ => ("STAND_IN=loaded\n", "echo ${STAND_IN-}"),
    };
    home.write(
        &format!(".local/share/treehop/treehop.{shell}"),
        integration,
    );
    line
}

#[test]
fn init_prints_the_file_byte_for_byte() {
    let home = Home::new();
    for shell in SHELLS {
        let output = home.treehop(&["init", shell]);
        assert_eq!(
            text(&output.stdout),
            project(&format!("shell/treehop.{shell}"))
        );
    }
}

#[test]
fn uninstall_leaves_no_trace_of_install() {
    for before in [
        "",
        "a",
        "a\n",
        "a\r\nb\r\n",
        "a\r\nb",
        "\n\n",
        "if x; then\n  y\nfi # no newline",
    ] {
        let home = Home::new();
        home.write(".bashrc", before);
        fs::set_permissions(home.path.join(".bashrc"), fs::Permissions::from_mode(0o640)).unwrap();
        home.write(".config/fish/conf.d/treehop.fish", before);
        let start = home.files();
        assert_eq!(actions(&home.json(&["install"])), ["added"; 4]);
        assert!(home.read(".bashrc").starts_with(before));
        let installed = home.files();
        assert_eq!(actions(&home.json(&["install"])), ["unchanged"; 4]);
        assert_eq!(home.files(), installed, "the second time changes nothing");
        assert_eq!(
            actions(&home.json(&["install", "--uninstall", "--dry-run"])),
            ["removed"; 4]
        );
        assert_eq!(home.files(), installed, "a dry run changes nothing");
        assert_eq!(
            actions(&home.json(&["install", "--uninstall"])),
            ["removed"; 4]
        );
        assert_eq!(home.files(), start, "{before:?}");
        assert_eq!(
            actions(&home.json(&["install", "--uninstall"])),
            ["absent"; 4]
        );
    }
}

#[test]
fn an_older_block_is_replaced_in_place() {
    let home = Home::new();
    let around = |block: &str| format!("before\n{block}after\r\n");
    home.write(
        ".zshrc",
        around("# >>> treehop >>>\nold\n# <<< treehop <<<\n"),
    );
    assert_eq!(actions(&home.json(&["install", "zsh"])), ["updated"]);
    let new = home.read(".zshrc");
    assert!(
        new.starts_with("before\n# >>> treehop >>>\n# Written by")
            && new.ends_with("<<<\nafter\r\n"),
        "{new}"
    );
    home.json(&["install", "--uninstall", "zsh"]);
    assert_eq!(home.read(".zshrc"), around(""));
}

#[test]
fn a_link_is_kept_and_its_target_written() {
    let home = Home::new();
    let target = home.write("dotfiles/zsh/rc", "mine\n");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
    symlink("dotfiles/link", home.path.join(".zshrc")).unwrap();
    symlink("zsh/rc", home.path.join("dotfiles/link")).unwrap();
    symlink("dotfiles/bashrc", home.path.join(".bashrc")).unwrap();
    let start = home.files();
    home.json(&["install", "zsh", "bash"]);
    assert!(home.read("dotfiles/zsh/rc").starts_with("mine\n# >>>"));
    assert!(
        home.read("dotfiles/bashrc").starts_with("# >>>"),
        "a link to a file that is not there yet"
    );
    home.json(&["install", "--uninstall"]);
    assert_eq!(home.files(), start);
    symlink(".zshrc", home.path.join("dotfiles/zsh/loop")).unwrap();
    fs::remove_file(home.path.join(".zshrc")).unwrap();
    symlink(".zshrc", home.path.join(".zshrc")).unwrap();
    assert!(home.fails(&["install", "zsh"]).contains(".zshrc'"));
}

#[test]
fn each_shell_is_asked_for_its_own_place() {
    let home = Home::new();
    let (zdotdir, config, data) = (
        home.path.join("z"),
        home.path.join("c"),
        home.path.join("d"),
    );
    let home = home
        .set("ZDOTDIR", zdotdir)
        .set("XDG_CONFIG_HOME", config)
        .set("XDG_DATA_HOME", data);
    home.json(&["install"]);
    for file in [
        ".bashrc",
        "z/.zshrc",
        "c/fish/conf.d/treehop.fish",
        "c/nushell/autoload/treehop.nu",
    ] {
        assert!(home.read(file).starts_with("# >>> treehop >>>\n"));
    }
    assert_eq!(
        home.read("d/treehop/treehop.zsh"),
        project("shell/treehop.zsh")
    );
    // nu itself says where it looks.
    let asked = home.shell(
        "nu",
        "print ($nu.user-autoload-dirs | str join (char nl))",
        true,
    );
    assert_eq!(
        text(&asked.stdout).trim(),
        home.path.join("c/nushell/autoload").to_str().unwrap()
    );
}

#[test]
fn zdotdir_is_found_where_only_zsh_knows_it() {
    let home = Home::new();
    home.write(".zshenv", "echo noise\nZDOTDIR=~/'other place'\n");
    home.json(&["install", "zsh"]);
    let line = stand_in(&home, "zsh");
    assert!(home.read("other place/.zshrc").contains("treehop.zsh"));
    assert!(text(&home.shell("zsh", line, true).stdout).ends_with("loaded\n"));
}

#[test]
fn a_dry_run_shows_what_would_be_written() {
    let home = Home::new();
    home.write(".bashrc", "1\n2\n3\n4\n5");
    let start = home.files();
    let output = home.treehop(&["install", "--dry-run", "bash"]);
    let (document, shown) = (
        serde_json::from_slice(&output.stdout).unwrap(),
        text(&output.stderr),
    );
    assert_eq!(actions(&document), ["added"]);
    let file = home.path.join(".bashrc");
    let head = format!(
        "--- {0}\n+++ {0}\n@@ -2,4 +2,10 @@\n 2\n 3\n 4\n-5\n\\ No newline",
        file.display()
    );
    assert!(shown.contains(&head), "{shown}");
    assert!(shown.contains(
        "\n+# <<< treehop <<< (and the newline before)\nbash: would be added to ~/.bashrc\n"
    ));
    assert_eq!(home.files(), start);
    // A file that treehop must not write can still be shown what it lacks.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    assert!(
        home.fails(&["install", "--dry-run", "bash"])
            .contains(&head)
    );
}

#[test]
fn one_bad_file_is_one_line_and_the_others_are_served() {
    type Break = fn(&Home) -> &'static str;
    let ways: [Break; 4] = [
        |home| {
            home.write(".bashrc", "a\n# >>> treehop >>>\nb\n");
            "bashrc' was left as it is: line 2 is an opening marker without a closing one"
        },
        |home| {
            let file = home.write(".bashrc", "a\n");
            fs::set_permissions(file, fs::Permissions::from_mode(0o444)).unwrap();
            "bashrc' is read-only"
        },
        |home| {
            fs::create_dir(home.path.join(".bashrc")).unwrap();
            "bashrc' is not a file"
        },
        |home| {
            assert!(
                home.command("mkfifo", false)
                    .arg(".bashrc")
                    .status()
                    .unwrap()
                    .success()
            );
            "bashrc' is not a file"
        },
    ];
    for way in ways {
        let home = Home::new();
        let message = way(&home);
        let file = home.path.join(".bashrc");
        let content = || file.is_file().then(|| fs::read(&file).unwrap());
        let before = content();
        let shown = home.fails(&["install", "bash", "zsh"]);
        assert!(
            shown.contains("treehop: bash: '") && shown.contains(message),
            "{shown}"
        );
        assert!(home.read(".zshrc").contains("treehop.zsh"));
        assert!(
            !home.path.join(".local/share/treehop/treehop.bash").exists(),
            "{message}"
        );
        assert_eq!(content(), before);
    }
}

#[test]
fn without_a_home_there_is_one_clear_line() {
    let home = Home::new();
    for set in [None, Some(""), Some("relative")] {
        let mut command = home.command(home.bin.join("treehop"), true);
        command
            .env_remove("HOME")
            .envs(set.map(|value| ("HOME", value)));
        let output = command.arg("install").output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output.stderr).starts_with("treehop: HOME is not set"),
            "{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn a_login_bash_that_reads_no_bashrc_is_mentioned() {
    let home = Home::new();
    home.write(".profile", "# .bashrc is not read here\n");
    let hint = "a login bash reads ~/.profile, which does not load ~/.bashrc";
    assert!(text(&home.treehop(&["install", "bash"]).stderr).contains(hint));
    home.write(".profile", ". ~/.bashrc\n");
    assert!(!text(&home.treehop(&["install", "bash"]).stderr).contains("login bash"));
}

#[test]
fn real_shells_load_what_is_installed() {
    let home = Home::new();
    // The user's own settings come with aliases for what the block uses.
    home.write(
        ".bashrc",
        "alias command=false source=false builtin=false\nset -u",
    );
    home.write(
        ".zshrc",
        "alias command=false source=false builtin=false\nsetopt nounset extended_glob",
    );
    home.json(&["install"]);
    for shell in SHELLS {
        let line = stand_in(&home, shell);
        let expected = if shell == "nu" {
            "loaded\ntreehop_shown\n"
        } else {
            "loaded\n"
        };
        for ours in [true, false] {
            let output = home.shell(shell, line, ours);
            assert_eq!(
                text(&output.stdout),
                expected,
                "{shell}, on PATH: {ours}; {}",
                text(&output.stderr)
            );
            let found = match shell {
                "bash" => "type -P treehop",
                "zsh" => "whence -p treehop",
                "fish" => "command -s treehop",
                _ => "print (which treehop).0.path",
            };
            let found = text(&home.shell(shell, found, ours).stdout);
            assert_eq!(
                found.trim_end(),
                home.bin.join("treehop").to_str().unwrap(),
                "{shell}, on PATH: {ours}"
            );
        }
    }
}

#[test]
fn loading_starts_no_process_and_prints_nothing() {
    let home = Home::new();
    home.json(&["install"]);
    // In place of treehop, something that tells when it is called.
    fs::remove_file(home.bin.join("treehop")).unwrap();
    let file = home.write("the 'bin'/treehop", "#!/bin/sh\necho called >>~/called\n");
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    for shell in SHELLS {
        let output = home.shell(
            shell,
            if shell == "nu" {
                "print end"
            } else {
                "echo end"
            },
            true,
        );
        let errors = text(&output.stderr);
        // bash complains about the terminal that it does not have.
        let errors: Vec<_> = errors
            .lines()
            .filter(|line| !line.starts_with("bash: "))
            .collect();
        assert_eq!(
            (text(&output.stdout).as_str(), &errors[..]),
            ("end\n", &[][..]),
            "{shell}"
        );
        assert!(!home.path.join("called").exists(), "{shell} called treehop");
    }
}

#[test]
fn once_treehop_is_gone_nothing_is_loaded_or_said() {
    let home = Home::new();
    home.json(&["install"]);
    let lines = SHELLS.map(|shell| stand_in(&home, shell));
    fs::remove_file(home.bin.join("treehop")).unwrap();
    for (shell, line) in SHELLS.into_iter().zip(lines) {
        if shell == "nu" {
            // nu decides while parsing, and knows no PATH then: the copy has to go too.
            fs::remove_file(home.path.join(".local/share/treehop/treehop.nu")).unwrap();
        }
        let output = home.shell(shell, line, false);
        assert_eq!(text(&output.stdout).trim(), "", "{shell}");
        assert!(
            !text(&output.stderr).contains("treehop"),
            "{shell}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn the_line_to_type_now_loads_it() {
    let home = Home::new();
    let shown = text(&home.treehop(&["install"]).stderr);
    for shell in SHELLS {
        let start = format!("  {shell:<5} ");
        let mut lines = shown.lines().filter_map(|line| line.strip_prefix(&start));
        let (load, prompt) = (lines.next().unwrap(), lines.next().unwrap());
        let line = stand_in(&home, shell);
        let mut command = home.command(shell, true);
        let output = command
            .args(["-c", &format!("{load}\n{line}\n{prompt}")])
            .output()
            .unwrap();
        assert!(
            text(&output.stdout).starts_with("loaded\n"),
            "{shell}: {}",
            text(&output.stderr)
        );
        assert_eq!(text(&output.stderr), "", "{shell}");
    }
}

#[test]
fn a_prompt_shows_a_hostile_branch_as_text() {
    let hostile = "$(touch run)`touch run`%F{red}%%\\u";
    let home = Home::new().set("TREEHOP_PROMPT", hostile);
    let shown = text(&home.treehop(&["install"]).stderr);
    for (shell, show, expected) in [
        (
            "bash",
            r#"printf '%s\n' "${PS1@P}""#,
            format!("({hostile}) "),
        ),
        ("zsh", "print -rP -- \"$PROMPT\"", format!("({hostile}) ")),
        ("fish", "fish_right_prompt; echo", hostile.to_owned()),
        (
            "nu",
            "print (do $env.PROMPT_COMMAND_RIGHT)",
            hostile.to_owned(),
        ),
    ] {
        let prompt = shown
            .lines()
            .rfind(|line| line.starts_with(&format!("  {shell:<5} ")))
            .unwrap();
        let line = format!("PS1=; {}; {show}", &prompt[8..]);
        let line = if shell == "bash" || shell == "zsh" {
            &line
        } else {
            &line[6..]
        };
        let output = home
            .command(shell, true)
            .args(["-c", line])
            .output()
            .unwrap();
        assert_eq!(
            text(&output.stdout),
            format!("{expected}\n"),
            "{shell}: {}",
            text(&output.stderr)
        );
        assert!(!home.path.join("run").exists(), "{shell} ran it");
    }
}

#[test]
fn completions_are_fresh_and_every_shell_reads_them() {
    let home = Home::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for (shell, file, load) in [
        (
            "bash",
            "treehop.bash",
            "source ./treehop.bash; complete -p treehop",
        ),
        (
            "zsh",
            "_treehop",
            "fpath=($PWD $fpath); autoload -Uz compinit && compinit -u -D; echo $_comps[treehop]",
        ),
        (
            "fish",
            "treehop.fish",
            "source treehop.fish; complete -C 'treehop -C . inst'",
        ),
        (
            "nu",
            "treehop.nu",
            "use treehop.nu *; print (scope externs | where name == 'treehop install').0.name",
        ),
    ] {
        let output = home.treehop(&["completions", shell]);
        assert_eq!(
            text(&output.stdout),
            project(&format!("completions/{file}")),
            "stale: treehop completions {shell} >completions/{file}"
        );
        let mut command = home.command(shell, true);
        let output = command
            .args(["-c", load])
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(
            text(&output.stdout).contains("treehop")
                || text(&output.stdout).starts_with("install\t"),
            "{shell}"
        );
        assert_eq!(text(&output.stderr), "", "{shell}");
    }
    // nu checks a call against its `extern` before it runs anything.
    let line = "use treehop.nu *; treehop -C .. -C shell init nu -C ..";
    let output = home
        .command("nu", true)
        .args(["-c", line])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert_eq!(
        text(&output.stdout),
        project("shell/treehop.nu"),
        "{}",
        text(&output.stderr)
    );
}

/// The check called `name`: its status, message and fix.
fn check(document: &Value, name: &str) -> (String, String, Value) {
    let checks = document["checks"].as_array().unwrap();
    let found = checks
        .iter()
        .find(|check| check["name"] == name)
        .unwrap_or_else(|| panic!("no {name}: {document}"));
    let word = |key: &str| found[key].as_str().unwrap().to_owned();
    (word("status"), word("message"), found["fix"].clone())
}

#[test]
fn doctor_names_what_is_wrong_and_what_mends_it() {
    let home = Home::new()
        .set("TREEHOP_AUTO_VENV", "0")
        .set("TREEHOP_WORKTREE", "feature-auth");
    let document = home.json(&["doctor"]);
    assert_eq!(document["schema"], 1);
    for name in [
        "git",
        "treehop",
        "bash",
        "zsh",
        "fish",
        "nu",
        "this shell",
        "venv",
    ] {
        assert_eq!(check(&document, name).0, "ok", "{document}");
    }
    for shell in SHELLS {
        let fix = Value::from(format!("treehop install {shell}"));
        let name = format!("{shell} integration");
        assert_eq!(
            check(&document, &name),
            ("warn".into(), "not installed".into(), fix.clone())
        );
        home.json(&["install", shell]);
        assert_eq!(check(&home.json(&["doctor"]), &name).0, "ok");
        home.write(
            &format!(".local/share/treehop/treehop.{shell}"),
            "# of an older treehop\n",
        );
        let (status, message, again) = check(&home.json(&["doctor"]), &name);
        assert_eq!((status.as_str(), again), ("warn", fix), "{message}");
        assert_eq!(actions(&home.json(&["install", shell])), ["updated"]);
        assert_eq!(check(&home.json(&["doctor"]), &name).0, "ok");
    }
    home.write(".zshrc", "eval \"$(treehop init zsh)\"\n");
    assert_eq!(
        check(&home.json(&["doctor"]), "zsh integration").1,
        "loaded by a line of your own"
    );
    home.write(".zshrc", "# >>> treehop >>>\n");
    assert_eq!(check(&home.json(&["doctor"]), "zsh integration").0, "bad");
}

#[test]
fn doctor_finds_a_session_entry_that_was_left_behind() {
    let home = Home::new();
    let pid = std::process::id();
    home.write(
        &format!(".claude/sessions/{pid}.json"),
        format!("{{\"pid\":{pid},\"cwd\":\"/\"}}"),
    );
    home.write(".claude/sessions/notes.json", "{}");
    home.write(".claude/sessions/77.json", "not JSON");
    let stale = home.write(
        ".claude/sessions/2147483647.json",
        r#"{"pid":2147483647,"cwd":"/","procStart":"1"}"#,
    );
    let document = home.json(&["doctor"]);
    let found: Vec<_> = document["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["name"] == "session")
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    let mend = found[0]["fix"].as_str().unwrap();
    assert!(
        home.command("sh", false)
            .args(["-c", mend])
            .status()
            .unwrap()
            .success()
    );
    assert!(!stale.exists());
}

#[test]
fn doctor_knows_a_poor_environment() {
    let home = Home::new();
    let bare = |format: &str| {
        let mut command = home.command(home.bin.join("treehop"), false);
        command
            .env("PATH", home.path.join("nothing"))
            .args(["doctor", "--format", format])
            .output()
            .unwrap()
    };
    let document: Value = serde_json::from_slice(&bare("json").stdout).unwrap();
    assert_eq!(check(&document, "git").0, "bad");
    assert_eq!(check(&document, "treehop").0, "bad");
    assert_eq!(
        check(&document, "claude").2,
        "npm install -g @anthropic-ai/claude-code"
    );
    let table = text(&bare("table").stdout);
    assert!(
        table.contains("bad   git ")
            && table.contains("→ npm install -g")
            && !table.contains('\x1b'),
        "{table}"
    );
}
