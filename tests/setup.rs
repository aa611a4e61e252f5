//! `treehop setup`, with real git and the real tools: python3 (with venv), node and npm must be on PATH, a missing one
//! fails. uv, pnpm and yarn are fetched once into an ignored folder. The projects need no network.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A home folder with a repository `app` and its worktree `app-auth`, in a directory whose name has to be quoted.
struct World {
    scratch: tempfile::TempDir,
    home: PathBuf,
    path: OsString,
    variables: Vec<(String, OsString)>,
}

impl World {
    fn new() -> World {
        let scratch = tempfile::tempdir().unwrap();
        let home = scratch
            .path()
            .canonicalize()
            .unwrap()
            .join(r#"it's "my" $(id) 家"#);
        fs::create_dir_all(home.join("app")).unwrap();
        let path = std::env::join_paths(
            std::iter::once(python().parent().unwrap().to_owned())
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let world = World {
            scratch,
            home,
            path: path.unwrap(),
            variables: vec![],
        };
        world.git("app", &["init", "--quiet", "--initial-branch=main"]);
        world
    }

    fn set(mut self, name: &str, value: impl AsRef<OsStr>) -> World {
        self.variables.push((name.into(), value.as_ref().into()));
        self
    }

    /// Another folder first on PATH.
    fn with(mut self, folder: impl Into<PathBuf>) -> World {
        let rest: Vec<_> = std::env::split_paths(&self.path).collect();
        self.path = std::env::join_paths(std::iter::once(folder.into()).chain(rest)).unwrap();
        self
    }

    /// Only git, sh and these on PATH.
    fn only(mut self, programs: &[&str]) -> World {
        let bin = self.home.join("bin");
        fs::create_dir_all(&bin).unwrap();
        for program in ["git", "sh"].iter().chain(programs) {
            symlink(on_path(program), bin.join(program)).unwrap();
        }
        self.path = bin.into();
        self
    }

    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.home.join(path)
    }

    fn write(&self, path: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn program(&self, path: impl AsRef<Path>, script: &str) {
        let path = self.write(path, format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.at(path);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    fn command(&self, program: impl AsRef<OsStr>, dir: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", &self.home)
            .env("PATH", &self.path)
            .env("LC_ALL", "C.UTF-8")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(self.variables.iter().map(|(k, v)| (k, v)))
            .current_dir(self.at(dir))
            .stdin(Stdio::null());
        command
    }

    fn git(&self, dir: &str, args: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        let mut command = self.command(on_path("git"), dir);
        succeeds(command.args(identity).args(args));
    }

    /// Commits all that is in `app` and makes the worktree.
    fn worktree(self) -> World {
        self.git("app", &["add", "--all"]);
        self.git("app", &["commit", "--quiet", "--allow-empty", "-m", "all"]);
        self.git(
            "app",
            &["worktree", "add", "--quiet", "-b", "auth", "../app-auth"],
        );
        self
    }

    fn treehop(&self, dir: &str, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_treehop"), dir);
        command.args(args);
        command
    }

    /// Sets `app-auth` up, which must succeed.
    fn setup(&self) -> Setup {
        let output = succeeds(&mut self.treehop("app-auth", &["setup"]));
        Setup {
            json: serde_json::from_slice(&output.stdout).unwrap(),
            stderr: text(&output.stderr),
        }
    }

    /// The same, which must fail with `status`; returns standard error.
    fn fails(&self, status: i32) -> String {
        let output = self.treehop("app-auth", &["setup"]).output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{stderr}");
        assert_eq!(text(&output.stdout), "");
        stderr
    }

    /// What the Python of the worktree's virtual environment prints.
    fn python(&self, code: &str) -> String {
        let python = self.at("app-auth/.venv/bin/python");
        text(&succeeds(self.command(python, "app-auth").args(["-c", code])).stdout)
    }
}

struct Setup {
    json: Value,
    stderr: String,
}

impl Setup {
    /// Of each step, `keys`, as one would print them.
    fn steps(&self, keys: &[&str]) -> Vec<String> {
        let steps = self.json["steps"].as_array().unwrap().iter();
        let shown = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        steps
            .map(|step| {
                keys.iter()
                    .map(|key| shown(&step[key]))
                    .collect::<Vec<_>>()
                    .join(": ")
            })
            .collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeeds(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    assert!(output.status.success(), "{command:?}: {}", text(&said));
    output
}

fn on_path(program: &str) -> PathBuf {
    std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{program} is not installed"))
}

/// The real python3, where PATH has a launcher that looks into the home folder.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let code = "import os, sys; print(os.path.realpath(sys.base_prefix) + '/bin/python3')";
        let output = succeeds(Command::new(on_path("python3")).args(["-I", "-c", code]));
        PathBuf::from(text(&output.stdout).trim_end())
    })
}

/// The folder with a real tool that is no part of the system, fetched where it is not there yet.
fn tool(name: &str) -> PathBuf {
    static FETCHED: OnceLock<()> = OnceLock::new();
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("setup-tools");
    FETCHED.get_or_init(|| {
        let (python_tools, node_tools, berry) = (
            tools.join("python"),
            tools.join("node"),
            tools.join("berry"),
        );
        if !python_tools.join("bin/uv").exists() {
            succeeds(
                Command::new(python())
                    .args(["-m", "venv"])
                    .arg(&python_tools),
            );
            let pip = ["-m", "pip", "install", "--quiet", "uv"];
            succeeds(Command::new(python_tools.join("bin/python")).args(pip));
        }
        for (folder, packages) in [
            (&node_tools, &["pnpm@10", "yarn@1"][..]),
            (&berry, &["@yarnpkg/cli-dist@4"]),
        ] {
            if !folder.join("node_modules/.bin/yarn").exists() {
                fs::create_dir_all(folder).unwrap();
                let npm = ["install", "--no-audit", "--no-fund", "--prefix"];
                succeeds(Command::new("npm").args(npm).arg(folder).args(packages));
            }
        }
    });
    match name {
        "uv" => {
            // Not the whole environment: its python is not what the tests mean.
            let alone = tools.join("uv");
            fs::create_dir_all(&alone).unwrap();
            let _ = symlink(tools.join("python/bin/uv"), alone.join("uv"));
            alone
        }
        "yarn 4" => tools.join("berry/node_modules/.bin"),
        _ => tools.join("node/node_modules/.bin"),
    }
}

/// A package that builds itself, so that nothing has to be fetched.
fn python_package(world: &World, more: &str) {
    world.write(
        "app/pyproject.toml",
        format!(
            "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n\
             [project]\nname = 'tiny'\nversion = '1'\nrequires-python = '>=3.8'\n{more}"
        ),
    );
    world.write("app/tiny.py", "");
    world.write(
        "app/.gitignore",
        ".venv/\nvenv/\n__pycache__/\nnode_modules/\n",
    );
    world.write(
        "app/backend.py",
        "import os, zipfile\n\
         def metadata():\n    return 'Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\nProvides-Extra: dev\\nRequires-Dist: helper; extra == \"dev\"\\n'\n\
         def build_editable(folder, settings=None, metadata_folder=None):\n    \
             name = 'tiny-1-py3-none-any.whl'\n    \
             with zipfile.ZipFile(os.path.join(folder, name), 'w') as wheel:\n        \
                 wheel.writestr('tiny.pth', os.getcwd() + '\\n')\n        \
                 wheel.writestr('tiny-1.dist-info/METADATA', metadata())\n        \
                 wheel.writestr('tiny-1.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n        \
                 wheel.writestr('tiny-1.dist-info/RECORD', '')\n    \
             return name\n",
    );
}

/// A wheel of a package `helper`, in a folder of wheels that is the only source.
fn wheels(world: World) -> World {
    let wheels = world.at("wheels");
    fs::create_dir_all(&wheels).unwrap();
    let code = "import zipfile\n\
        with zipfile.ZipFile('helper-1-py3-none-any.whl', 'w') as wheel:\n    \
            wheel.writestr('helper.py', '')\n    \
            wheel.writestr('helper-1.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: helper\\nVersion: 1\\n')\n    \
            wheel.writestr('helper-1.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n    \
            wheel.writestr('helper-1.dist-info/RECORD', '')\n";
    succeeds(
        Command::new(python())
            .args(["-c", code])
            .current_dir(&wheels),
    );
    // A path with blanks would be several.
    let link = world.scratch.path().join("wheels");
    symlink(wheels, &link).unwrap();
    world.set("PIP_NO_INDEX", "1").set("PIP_FIND_LINKS", link)
}

fn node_package(world: &World) {
    world.write("app/.gitignore", "node_modules/\n.yarn/\n.pnp.*\n");
    world.write(
        "app/package.json",
        r#"{"name":"tiny","version":"1.0.0","private":true,"dependencies":{"helper":"file:./helper"}}"#,
    );
    world.write(
        "app/helper/package.json",
        r#"{"name":"helper","version":"1.0.0"}"#,
    );
}

// --- .worktreeinclude ----------------------------------------------------------------------------------------------

/// A repository in which git ignores much, and `.worktreeinclude` names some of it.
fn included() -> World {
    let world = World::new();
    world.write(
        "app/.gitignore",
        ".env*\nsecrets/\nlink\nout/\n*.local\nnested/\n!.env.tracked\n",
    );
    world.write(
        "app/.worktreeinclude",
        ".env*\n!.env.prod\n/secrets/\nlink\nout/\n*.local\nnot-ignored\nnested/\n",
    );
    world.write("app/.env.tracked", "tracked");
    world.worktree()
}

#[test]
fn what_is_named_and_ignored_is_copied_and_nothing_else() {
    let world = included();
    world.write("app/.env", "KEY=1");
    world.write("app/.env.prod", "KEY=2");
    world.write("app/.env.tracked", "changed in main");
    world.write("app/not-ignored", "");
    world.write("app/secrets/deep/a b", "deep");
    let odd = OsStr::from_bytes(b"-\xff\n.local");
    world.write(Path::new("app").join(odd), "odd");
    fs::set_permissions(world.at("app/.env"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(world.at("app/secrets"), fs::Permissions::from_mode(0o700)).unwrap();
    symlink("/etc", world.at("app/link")).unwrap();
    // Neither another repository nor a worktree in a worktree is a file.
    world.git("app", &["worktree", "add", "--quiet", "nested/other"]);
    world.write("app/nested/other/.env", "theirs");
    world.write("app/nested/x", "ours");
    let setup = world.setup();
    assert_eq!(
        setup.steps(&["name", "command", "status", "reason", "log"]),
        ["copy: null: done: 5 files copied: null"]
    );
    assert_eq!(setup.json["schema"], 1);
    assert_eq!(setup.json["cd"], Value::Null);
    assert_eq!(setup.json["worktree"]["name"], "auth");
    assert_eq!(setup.json["repo"]["name"], "app");
    assert_eq!(world.read("app-auth/.env"), "KEY=1");
    assert_eq!(world.read("app-auth/.env.tracked"), "tracked");
    assert_eq!(world.read("app-auth/secrets/deep/a b"), "deep");
    assert_eq!(world.read(Path::new("app-auth").join(odd)), "odd");
    assert_eq!(world.read("app-auth/nested/x"), "ours");
    assert_eq!(
        fs::read_link(world.at("app-auth/link")).unwrap(),
        Path::new("/etc")
    );
    let mode = |path: &str| world.at(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(
        [mode("app-auth/.env"), mode("app-auth/secrets")],
        [0o600, 0o700]
    );
    for absent in [".env.prod", "not-ignored", "nested/other"] {
        assert!(!world.at("app-auth").join(absent).exists(), "{absent}");
    }
    // In the main worktree there is nothing to copy.
    let main = succeeds(&mut world.treehop("app", &["setup"]));
    assert_eq!(text(&main.stderr), "nothing to set up in 'app'\n");
}

#[test]
fn what_is_there_stays() {
    let world = included();
    world.write("app/.env", "main's");
    world.write("app/secrets/key", "main's");
    symlink("/etc", world.at("app/link")).unwrap();
    world.write("app-auth/.env", "mine");
    world.write("app-auth/link", "mine");
    let setup = world.setup();
    assert_eq!(
        setup.steps(&["reason"]),
        ["1 file copied, 2 kept that were there"]
    );
    assert_eq!(world.read("app-auth/.env"), "mine");
    assert_eq!(world.read("app-auth/link"), "mine");
    assert_eq!(
        world.setup().steps(&["reason"]),
        ["0 files copied, 3 kept that were there"]
    );
}

#[test]
fn nothing_is_written_through_a_link_that_the_branch_holds() {
    let world = included();
    world.write("app/out/key", "secret");
    world.write("app/secrets/key", "secret");
    fs::create_dir(world.at("elsewhere")).unwrap();
    symlink(world.at("elsewhere"), world.at("app-auth/out")).unwrap();
    world.write("app-auth/secrets", "a file");
    let setup = world.setup();
    assert_eq!(setup.steps(&["reason"]), ["0 files copied"]);
    assert!(
        setup
            .stderr
            .contains("'out/key' is not copied: 'out' is no directory here"),
        "{}",
        setup.stderr
    );
    assert_eq!(fs::read_dir(world.at("elsewhere")).unwrap().count(), 0);
    assert_eq!(world.read("app-auth/secrets"), "a file");
}

#[test]
fn a_file_that_cannot_be_copied_fails_the_setup_and_the_rest_goes_on() {
    let world = included();
    world.write("app/secrets/key", "secret");
    world.git("app", &["config", "treehop.setup", "echo ran >>ran"]);
    // Not a mode, which root passes by: a file where the temporary one has to go.
    fs::create_dir_all(world.at("app/.git/worktrees/app-auth/treehop-copy")).unwrap();
    let stderr = world.fails(1);
    assert!(
        stderr.contains("treehop: copy failed: could not copy 'secrets/key'"),
        "{stderr}"
    );
    assert_eq!(world.read("app-auth/ran"), "ran\n");
}

#[test]
fn in_a_bare_layout_the_worktree_of_the_default_branch_is_the_source() {
    let world = World::new();
    world.write("app/.gitignore", ".env\n");
    world.write("app/.worktreeinclude", ".env\n");
    let world = world.worktree();
    world.git("", &["clone", "--quiet", "--bare", "app", "bare/.bare"]);
    world.git(
        "bare/.bare",
        &["worktree", "add", "--quiet", "../main", "main"],
    );
    world.git(
        "bare/.bare",
        &["worktree", "add", "--quiet", "../auth", "auth"],
    );
    world.write("bare/main/.env", "KEY=1");
    succeeds(&mut world.treehop("bare/auth", &["setup"]));
    assert_eq!(world.read("bare/auth/.env"), "KEY=1");
    let output = world
        .treehop("bare/.bare", &["setup", "^"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("is bare"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_kill_between_any_two_files_leaves_whole_ones_and_the_next_run_goes_on() {
    let world = included();
    let content = "0123456789abcdef".repeat(4096);
    let names: Vec<_> = (0..300).map(|n| format!("secrets/{}/{n}", n % 7)).collect();
    for name in &names {
        world.write(Path::new("app").join(name), &content);
    }
    let whole = || {
        let paths = names.iter().map(|name| world.at("app-auth").join(name));
        let there: Vec<_> = paths.filter(|path| path.exists()).collect();
        for path in &there {
            assert_eq!(
                fs::read(path).unwrap().len(),
                content.len(),
                "{}",
                path.display()
            );
        }
        there.len()
    };
    let mut kills = 0;
    for delay in 0..40 {
        let mut child = world
            .treehop("app-auth", &["setup"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(5 + delay * 3));
        child.kill().unwrap();
        kills += usize::from(child.wait().unwrap().signal() == Some(9));
        if whole() == names.len() {
            break;
        }
    }
    assert!(kills > 0);
    world.setup();
    assert_eq!(whole(), names.len());
    world.git("app", &["fsck", "--strict"]);
    // A half of a file would lie in the git directory, where nobody commits it, and not beside the file.
    let strays = succeeds(world.command("git", "app-auth").args([
        "status",
        "--porcelain",
        "--untracked-files=all",
    ]));
    assert_eq!(text(&strays.stdout), "");
}

// --- Python --------------------------------------------------------------------------------------------------------

#[test]
fn a_package_is_installed_with_its_extra_into_a_venv_of_the_worktree() {
    let world = World::new();
    python_package(
        &world,
        "[project.optional-dependencies]\ndev = ['helper']\n",
    );
    let world = wheels(world.worktree());
    // Whatever is active where treehop is called is not what it installs into.
    let other = world.at("app/.venv");
    fs::create_dir_all(other.join("bin")).unwrap();
    world.program("app/.venv/bin/python3", "echo wrong python >&2; exit 9");
    let path = world.path.clone();
    let world = world.set("VIRTUAL_ENV", &other).with(other.join("bin"));
    let setup = world.setup();
    let pip = r#"pip: .venv/bin/python -m pip install -e ".[dev]": done"#;
    assert_eq!(
        setup.steps(&["name", "command", "status"]),
        ["venv: python3 -m venv .venv: done", pip]
    );
    assert_eq!(
        setup.json["worktree"]["venv"],
        world.at("app-auth/.venv").to_str().unwrap()
    );
    assert_eq!(
        world
            .python("import tiny, helper; print(tiny.__file__)")
            .trim_end(),
        world.at("app-auth/tiny.py").to_str().unwrap()
    );
    let lines: Vec<_> = setup.stderr.lines().collect();
    assert_eq!(lines[0], "python3 -m venv .venv …");
    assert!(
        lines[1].starts_with("python3 -m venv .venv: done in ") && lines[1].ends_with(" s"),
        "{lines:?}"
    );
    // Tools' own words are in the log.
    assert_eq!(lines.len(), 4, "{lines:?}");
    let log = setup.json["steps"][1]["log"].as_str().unwrap();
    assert!(world.read(log).contains("Successfully installed"));
    assert!(setup.json["steps"][1]["seconds"].as_f64().unwrap() > 0.0);

    // Again: the same environment. One without pip, as uv makes them, gets it.
    let code =
        "import glob, pip, shutil; [shutil.rmtree(d) for d in glob.glob(pip.__path__[0] + '*')]";
    world.python(code);
    let again = world.setup();
    assert_eq!(
        again.steps(&["command", "status"])[0],
        ".venv/bin/python -m ensurepip: done"
    );
    assert_eq!(again.steps(&["name"]), ["venv", "pip"]);

    // Without the tool nothing is done, and that is said.
    let world = World { path, ..world }.only(&[]);
    fs::remove_dir_all(world.at("app-auth/.venv")).unwrap();
    let without = world.setup();
    assert_eq!(
        without.steps(&["name", "status", "reason"]),
        ["venv: skipped: python3 is not on PATH"]
    );
    assert_eq!(
        without.stderr,
        "python3 -m venv .venv: skipped: python3 is not on PATH\n"
    );
}

#[test]
fn requirements_are_installed_where_pyproject_only_configures_tools() {
    let world = World::new();
    world.write("app/pyproject.toml", "[tool.black]\nline-length = 100\n");
    world.write("app/requirements.txt", "helper\n");
    world.git("app", &["config", "treehop.venv", "my env"]);
    let world = wheels(world.worktree());
    let setup = world.setup();
    assert_eq!(
        setup.steps(&["command"]),
        [
            r#"python3 -m venv "my env""#,
            r#""my env/bin/python" -m pip install -r requirements.txt"#
        ]
    );
    assert_eq!(
        setup.json["worktree"]["venv"],
        world.at("app-auth/my env").to_str().unwrap()
    );

    // Offline is an error that says so; what was installed stays.
    let offline = world
        .set("PIP_NO_INDEX", "0")
        .set("PIP_FIND_LINKS", "")
        .set("PIP_RETRIES", "1")
        .set("PIP_INDEX_URL", "http://127.0.0.1:9/simple");
    offline.write("app-auth/requirements.txt", "helper\niniconfig\n");
    let stderr = offline.fails(1);
    assert!(stderr.contains("failed after"), "{stderr}");
    assert!(
        stderr.contains("  ERROR: No matching distribution found for iniconfig\n"),
        "{stderr}"
    );
    assert!(
        stderr.contains("exit status 1, could not reach 127.0.0.1:9: offline?\n  log: "),
        "{stderr}"
    );
    assert!(stderr.ends_with("hint: wcd auth; wsetup\n"), "{stderr}");
    let log = stderr
        .split("log: ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    assert!(offline.read(log).contains("iniconfig"));
    assert!(offline.at("app-auth/my env").is_dir());
}

#[test]
fn a_python_without_an_environment_around_it_is_not_installed_into() {
    let world = World::new();
    python_package(&world, "");
    let world = world.worktree();
    world.program("app-auth/.venv/bin/python", "touch ran; exit 1");
    let world = world.only(&[]);
    let setup = world.setup();
    assert_eq!(setup.steps(&["name", "status"]), ["venv: skipped"]);
    assert!(!world.at("app-auth/ran").exists());
}

#[test]
fn nothing_is_installed_through_a_link_out_of_the_worktree() {
    let world = World::new();
    python_package(&world, "");
    let world = world.worktree();
    succeeds(
        Command::new(python())
            .args(["-m", "venv", "--without-pip"])
            .arg(world.at("app/.venv")),
    );
    for target in ["../app/.venv", "../app/not-yet"] {
        symlink(target, world.at("app-auth/.venv")).unwrap();
        let setup = world.setup();
        assert_eq!(setup.steps(&["name", "status"]), ["pip: skipped"]);
        assert!(
            setup
                .stderr
                .contains(".venv leads out of the worktree, so nothing")
                || setup
                    .stderr
                    .contains(".venv is a symbolic link, so nothing"),
            "{}",
            setup.stderr
        );
        fs::remove_file(world.at("app-auth/.venv")).unwrap();
    }
    assert!(!world.at("app/not-yet").exists());
}

#[test]
fn uv_syncs() {
    let world = World::new()
        .with(tool("uv"))
        .set("UV_OFFLINE", "1")
        .set("UV_PYTHON_DOWNLOADS", "never");
    python_package(&world, "");
    succeeds(world.command(tool("uv").join("uv"), "app").arg("lock"));
    let world = world.worktree();
    let setup = world.setup();
    assert_eq!(
        setup.steps(&["name", "command", "status"]),
        ["uv: uv sync: done"]
    );
    assert_eq!(
        setup.json["worktree"]["venv"],
        world.at("app-auth/.venv").to_str().unwrap()
    );
    world.python("import tiny");
}

// --- Node ----------------------------------------------------------------------------------------------------------

#[test]
fn npm_installs_with_a_lock_file_and_without() {
    let world = World::new();
    node_package(&world);
    let world = world.worktree();
    let setup = world.setup();
    assert_eq!(
        setup.steps(&["name", "command", "status"]),
        ["npm: npm install --no-package-lock: done"]
    );
    assert!(
        world
            .at("app-auth/node_modules/helper/package.json")
            .exists()
    );
    let status = succeeds(
        world
            .command("git", "app-auth")
            .args(["status", "--porcelain"]),
    );
    assert_eq!(text(&status.stdout), "");

    succeeds(world.command("npm", "app-auth").args([
        "install",
        "--package-lock-only",
        "--offline",
    ]));
    fs::remove_dir_all(world.at("app-auth/node_modules")).unwrap();
    assert_eq!(
        world.setup().steps(&["command", "status"]),
        ["npm ci: done"]
    );
    assert!(
        world
            .at("app-auth/node_modules/helper/package.json")
            .exists()
    );

    // Offline, with a dependency that only the registry has.
    world.write(
        "app-auth/package.json",
        r#"{"dependencies":{"is-odd":"1.0.0"}}"#,
    );
    fs::remove_file(world.at("app-auth/package-lock.json")).unwrap();
    let world = world
        .set("npm_config_registry", "http://registry.invalid/")
        .set("npm_config_fetch_retries", "0");
    let stderr = world.fails(1);
    assert!(stderr.contains("npm install --no-package-lock failed: exit status 1, could not reach registry.invalid: offline?"), "{stderr}");
}

#[test]
fn pnpm_and_both_yarns_install_what_their_lock_file_says() {
    for (which, lock, frozen) in [
        (
            "pnpm",
            &["pnpm", "install", "--lockfile-only", "--offline"][..],
            "pnpm: pnpm install --frozen-lockfile: done",
        ),
        (
            "yarn 1",
            &["yarn", "install", "--offline"],
            "yarn: yarn install --frozen-lockfile: done",
        ),
        (
            "yarn 4",
            &["yarn", "install", "--mode=update-lockfile"],
            "yarn: yarn install --immutable: done",
        ),
    ] {
        let bin = tool(which);
        let world = World::new()
            .with(&bin)
            .set("YARN_ENABLE_TELEMETRY", "0")
            .set("YARN_IGNORE_PATH", "1");
        node_package(&world);
        if which == "yarn 4" {
            world.write(
                "app/.yarnrc.yml",
                "nodeLinker: node-modules\nenableNetwork: false\n",
            );
        }
        succeeds(world.command(bin.join(lock[0]), "app").args(&lock[1..]));
        let world = world.worktree();
        let setup = world.setup();
        assert_eq!(
            setup.steps(&["name", "command", "status"]),
            [frozen],
            "{which}"
        );
        assert!(
            world
                .at("app-auth/node_modules/helper/package.json")
                .exists(),
            "{which}"
        );
    }
}

// --- The table -----------------------------------------------------------------------------------------------------

/// Programs that only write down how they were called.
fn recorders(world: World, programs: &[&str]) -> World {
    for program in programs {
        world.program(
            format!("recorders/{program}"),
            "printf '%s\\n' \"${0##*/} $*\" >>calls",
        );
    }
    let folder = world.at("recorders");
    world.only(&[]).with(folder)
}

#[test]
fn each_lock_file_has_its_tool() {
    let tools = [
        "uv", "poetry", "pdm", "pipenv", "npm", "pnpm", "yarn", "bun", "bundle", "composer", "go",
    ];
    let world = recorders(World::new().worktree(), &tools);
    for (files, called) in [
        (
            &["uv.lock", "poetry.lock", "pyproject.toml"][..],
            "uv sync\n",
        ),
        (&["poetry.lock", "pyproject.toml"], "poetry install\n"),
        (&["pdm.lock", "requirements.txt"], "pdm sync\n"),
        (&["Pipfile.lock", "Pipfile"], "pipenv sync --dev\n"),
        (&["package-lock.json", "package.json"], "npm ci\n"),
        (&["npm-shrinkwrap.json", "package.json"], "npm ci\n"),
        (
            &["pnpm-lock.yaml", "package.json"],
            "pnpm install --frozen-lockfile\n",
        ),
        (&["yarn.lock", "package.json"], "yarn install --immutable\n"),
        (
            &["bun.lock", "package.json"],
            "bun install --frozen-lockfile\n",
        ),
        (
            &["bun.lockb", "package.json"],
            "bun install --frozen-lockfile\n",
        ),
        (&["package.json"], "npm install --no-package-lock\n"),
        (&["Gemfile"], "bundle install\n"),
        (&["composer.json"], "composer install\n"),
        (&["go.mod"], "go mod download\n"),
        (
            &["uv.lock", "package.json", "go.mod"],
            "uv sync\nnpm install --no-package-lock\ngo mod download\n",
        ),
    ] {
        for file in files {
            world.write(Path::new("app-auth").join(file), "__metadata:\n");
        }
        world.setup();
        assert_eq!(world.read("app-auth/calls"), called, "{files:?}");
        for file in files.iter().chain(&["calls"]) {
            fs::remove_file(world.at("app-auth").join(file)).unwrap();
        }
    }
}

#[test]
fn a_missing_tool_is_said_and_skipped_and_a_failing_one_does_not_stop_the_others() {
    let world = recorders(World::new().worktree(), &["npm"]);
    world.program(
        "recorders/go",
        "i=0; while [ $i -lt 40 ]; do i=$((i + 1)); echo \"line $i\"; done; exit 7",
    );
    for file in ["poetry.lock", "package.json", "go.mod", "Gemfile"] {
        world.write(Path::new("app-auth").join(file), "");
    }
    let stderr = world.fails(1);
    assert!(
        stderr.contains("poetry install: skipped: poetry is not on PATH\n"),
        "{stderr}"
    );
    assert!(
        stderr.contains("bundle install: skipped: bundle is not on PATH\n"),
        "{stderr}"
    );
    assert!(
        stderr.contains("treehop: go mod download failed: exit status 7\n  log: "),
        "{stderr}"
    );
    assert!(
        stderr.contains("\n  line 26\n")
            && stderr.contains("\n  line 40\n")
            && !stderr.contains("line 25\n"),
        "{stderr}"
    );
    assert_eq!(
        world.read("app-auth/calls"),
        "npm install --no-package-lock\n"
    );
    fs::remove_file(world.at("app-auth/go.mod")).unwrap();
    let setup = world.setup();
    assert_eq!(
        setup.steps(&["name", "status", "reason"]),
        [
            "poetry: skipped: poetry is not on PATH",
            "npm: done: null",
            "bundle: skipped: bundle is not on PATH"
        ]
    );
}

#[test]
fn a_tool_that_only_the_active_environment_has_is_used_but_installs_elsewhere() {
    let world = World::new().worktree().only(&["mkdir"]);
    world.program(
        "mine/bin/poetry",
        "echo \"${VIRTUAL_ENV-none} $POETRY_VIRTUALENVS_IN_PROJECT $PIPENV_VENV_IN_PROJECT $UV_PROJECT_ENVIRONMENT ${GIT_DIR-none}\" >seen",
    );
    world.write("app-auth/poetry.lock", "");
    let mine = world.at("mine");
    let world = world.set("VIRTUAL_ENV", &mine).with(mine.join("bin"));
    world.setup();
    assert_eq!(world.read("app-auth/seen"), "none true 1 .venv none\n");
}

// --- treehop.setup -------------------------------------------------------------------------------------------------

#[test]
fn the_users_own_commands_replace_detection() {
    let world = recorders(World::new().worktree(), &["npm"]);
    world.write("app-auth/package.json", "{}");
    let commands = [
        "pwd >'a b'",
        r#"printf %s "$(echo '$x')" >c"#,
        "echo >&2 oops; exit 3",
        "echo never >d",
    ];
    for command in commands {
        world.git("app", &["config", "--add", "treehop.setup", command]);
    }
    let stderr = world.fails(1);
    assert!(stderr.contains("  oops\n"), "{stderr}");
    assert!(
        stderr.contains("treehop: echo >&2 oops; exit 3 failed: exit status 3\n"),
        "{stderr}"
    );
    assert_eq!(
        world.read("app-auth/a b").trim_end(),
        world.at("app-auth").to_str().unwrap()
    );
    assert_eq!(world.read("app-auth/c"), "$x");
    assert!(!world.at("app-auth/d").exists() && !world.at("app-auth/calls").exists());

    // As with git's own lists, an empty value forgets those before it.
    world.git("app", &["config", "--add", "treehop.setup", ""]);
    let setup = world.setup();
    assert_eq!(setup.json["steps"], serde_json::json!([]));
    assert!(!world.at("app-auth/calls").exists());
    world.git(
        "app",
        &[
            "config",
            "--add",
            "treehop.setup",
            "echo $VIRTUAL_ENV >e; command -v python >>e",
        ],
    );
    succeeds(
        Command::new(python())
            .args(["-m", "venv", "--without-pip"])
            .arg(world.at("app-auth/.venv")),
    );
    let setup = world.setup();
    assert_eq!(setup.steps(&["name", "status"]), ["treehop.setup: done"]);
    let venv = world.at("app-auth/.venv");
    assert_eq!(
        world.read("app-auth/e"),
        format!("{0}\n{0}/bin/python\n", venv.display())
    );
}

#[test]
fn nothing_happens_to_a_worktree_that_is_only_looked_at() {
    let world = recorders(World::new().worktree(), &["npm"]);
    world.write("app-auth/package.json", "{}");
    world.git("app", &["config", "treehop.setup", "touch ran"]);
    for command in ["here", "find", "list"] {
        succeeds(&mut world.treehop("app-auth", &[command]));
    }
    assert!(!world.at("app-auth/ran").exists() && !world.at("app-auth/calls").exists());
}

#[test]
fn a_query_names_the_worktree_and_fields_are_those_of_find() {
    let world = World::new().worktree();
    world.git("app", &["config", "treehop.setup", "touch ran"]);
    world.git(
        "app",
        &[
            "worktree",
            "add",
            "--quiet",
            "-b",
            "author",
            "../app-author",
        ],
    );
    let output = succeeds(&mut world.treehop(
        "app",
        &["setup", "--fields", "name,cd,branch", "--", "auth"],
    ));
    assert_eq!(text(&output.stdout), "auth\n\nauth\n");
    assert!(world.at("app-auth/ran").exists() && !world.at("app/ran").exists());
    for (args, status) in [
        (&["setup", "aut"][..], 4),
        (&["setup", "nope"], 3),
        (&["setup", "--nope"], 2),
    ] {
        let output = world.treehop("app", args).output().unwrap();
        assert_eq!(
            (output.status.code(), text(&output.stdout).as_str()),
            (Some(status), ""),
            "{args:?}"
        );
    }
    let output = world.treehop("", &["setup"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    fs::remove_dir_all(world.at("app-author")).unwrap();
    let output = world.treehop("app", &["setup", "author"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
}

// --- While it runs -------------------------------------------------------------------------------------------------

/// Starts a set-up that lasts, in a process group of its own, and returns when its command runs.
fn lasting(world: &World) -> Child {
    let script =
        "trap 'echo told >>told; exit 130' INT TERM; touch started; while :; do sleep 0.05; done";
    world.git("app", &["config", "treehop.setup", script]);
    let mut command = world.treehop("app-auth", &["setup"]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let began = Instant::now();
    while !world.at("app-auth/started").exists() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it does not start"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

#[test]
fn ctrl_c_ends_it_cleanly() {
    let world = World::new().worktree();
    // A terminal sends Ctrl-C to the whole group, `kill` a signal to one process.
    for (kill, signal) in [(&["-INT", "--", "-"][..], 2), (&["-TERM", "--", ""], 15)] {
        let child = lasting(&world);
        let target = format!("{}{}", kill[2], child.id());
        succeeds(Command::new("kill").args(&kill[..2]).arg(target));
        let output = child.wait_with_output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.signal(), Some(signal), "{stderr}");
        assert_eq!(text(&output.stdout), "");
        assert!(
            stderr.contains(": interrupted after ")
                && stderr.ends_with("the worktree stays as it is; wsetup auth goes on\n"),
            "{stderr}"
        );
        assert_eq!(world.read("app-auth/told"), "told\n");
        fs::remove_file(world.at("app-auth/told")).unwrap();
        fs::remove_file(world.at("app-auth/started")).unwrap();
    }
    world.git("app", &["config", "treehop.setup", "true"]);
    world.setup();
}

#[test]
fn a_second_setup_of_the_same_worktree_is_refused_until_the_first_ends() {
    let world = World::new().worktree();
    let mut child = lasting(&world);
    let stderr = world.fails(5);
    assert!(
        stderr.starts_with("treehop: this worktree is being set up already\nhint: tail -f "),
        "{stderr}"
    );
    let remove = world.treehop("app", &["remove", "auth"]).output().unwrap();
    assert_eq!(remove.status.code(), Some(5), "{}", text(&remove.stderr));
    // A kill -9 leaves no lock, not even where the tool lives on.
    child.kill().unwrap();
    child.wait().unwrap();
    world.git("app", &["config", "treehop.setup", "true"]);
    world.setup();
    succeeds(Command::new("kill").args(["-TERM", "--", &format!("-{}", child.id())]));
}

#[test]
fn a_terminal_shows_one_line_that_is_written_anew() {
    let world = World::new().worktree();
    world.git(
        "app",
        &[
            "config",
            "treehop.setup",
            "printf '\\033[31mhalf\\r'; printf 'nearly there\\n'; sleep 0.5",
        ],
    );
    let code = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) != 0)";
    let mut command = world.command(python(), "app-auth");
    command
        .args(["-c", code, env!("CARGO_BIN_EXE_treehop"), "setup"])
        .env("TERM", "xterm");
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut screen = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut screen)
        .unwrap();
    assert!(child.wait().unwrap().success(), "{screen}");
    let line = "\r\x1b[Kprintf";
    assert!(screen.matches(line).count() > 2, "{screen:?}");
    assert!(
        screen.contains("nearly there\r\x1b[K") || screen.contains(" s n"),
        "{screen:?}"
    );
    assert!(
        !screen.contains("\x1b[31m") && screen.contains(": done in 0."),
        "{screen:?}"
    );
}
