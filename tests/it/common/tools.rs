//! The programs that tests run, and a `PATH` that holds them and nothing of the user's.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Programs that change what treehop does: a test that wants one asks for it with `Scratch::with`.
const ON_REQUEST: [&str; 18] = [
    "bun", "claude", "direnv", "fzf", "gh", "glab", "npm", "pdm", "pipenv", "pnpm", "poetry", "sk",
    "starship", "treehop", "uv", "wt", "yarn", "zellij",
];

/// The binary under test: `$TREEHOP` where it is set (tests/run.sh sets it to the release build).
pub fn treehop() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("TREEHOP") {
        Some(path) => {
            let path = source(path);
            path.canonicalize()
                .unwrap_or_else(|e| panic!("TREEHOP={}: {e}", path.display()))
        }
        None => PathBuf::from(env!("CARGO_BIN_EXE_treehop")),
    })
}

/// A file of this project.
pub fn source(file: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// Where the program `name` is on the machine. A missing one fails the test: nothing is skipped.
pub fn program(name: &str) -> PathBuf {
    if name == "nu" {
        return nu().to_owned();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["tests/.tools/node_modules/.bin", "tests/.tools/bin"].map(source))
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed: bash tests/run.sh installs it"))
}

/// npm puts a wrapper for node on the PATH; the shell itself knows where it really is.
fn nu() -> &'static Path {
    static NU: OnceLock<PathBuf> = OnceLock::new();
    NU.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let wrapper = std::env::split_paths(&path)
            .chain([source("tests/.tools/node_modules/.bin")])
            .map(|dir| dir.join("nu"))
            .find(|file| file.is_file())
            .expect("nu is not installed: bash tests/run.sh installs it");
        let out = Command::new(wrapper)
            .args(["--no-config-file", "--commands", "$nu.current-exe"])
            .output();
        let out = out.expect("nu runs");
        PathBuf::from(String::from_utf8(out.stdout).expect("a path").trim_end())
    })
}

/// A directory with links to the machine's programs, without those `ON_REQUEST`.
pub fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tools");
        std::fs::create_dir_all(&dir).expect("a directory for tools");
        let mut seen = HashSet::from([OsString::from("nu")]);
        for from in ["/usr/local/bin", "/usr/bin", "/bin"] {
            for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
                let (name, path) = (entry.file_name(), entry.path());
                let wanted = path.is_file() && !ON_REQUEST.iter().any(|no| OsStr::new(no) == name);
                // The first of a name counts, as on the machine's own PATH.
                if wanted && seen.insert(name.clone()) {
                    link(&path, &dir.join(name));
                }
            }
        }
        link(nu(), &dir.join("nu"));
        dir
    })
}

/// Makes `to` a link to `from`; one that is there already stays.
pub fn link(from: &Path, to: &Path) {
    if to.read_link().is_ok_and(|target| target == from) {
        return;
    }
    let _ = std::fs::remove_file(to);
    symlink(from, to).unwrap_or_else(|e| panic!("{} -> {}: {e}", to.display(), from.display()));
}
