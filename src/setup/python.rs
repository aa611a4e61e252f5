//! What `pip` needs to know first: into which virtual environment, and with which extras.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use gix::bstr::BString;
use serde_json::Value;

use crate::repo::Repo;
use crate::repo::entry::Entry;
use crate::venv;

/// The virtual environment to install into, relative to the worktree: the one that is there, else the first of
/// `treehop.venv`, still to be made.
///
/// # Errors
/// A sentence: it is one that treehop would not activate, such as a link to another worktree's, whose packages an
/// installation here must not change.
pub fn environment(repo: &Repo, entry: &Entry) -> Result<PathBuf, String> {
    let names = repo.settings().venv();
    let found = venv::find(&entry.path, &entry.git_dir, &names);
    if let Some(path) = found.path {
        let relative = path.strip_prefix(&entry.path);
        return Ok(relative.map_or_else(|_| path.clone(), Path::to_owned));
    }
    if let Some(why) = found.refused {
        return Err(why.replace(", so it is not activated", ""));
    }
    let name = names.first().map(|name| Path::new(OsStr::from_bytes(name)));
    let name = name.unwrap_or(Path::new(".venv"));
    let inside = name
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside || name.as_os_str().is_empty() {
        return Err(format!(
            "{} (treehop.venv) leads out of the worktree",
            name.display()
        ));
    }
    // Link by link: a virtual environment that is still to be made would be made where the link leads.
    let mut part = entry.path.clone();
    for component in name.components() {
        part.push(component);
        if part.is_symlink() {
            return Err(format!("{} is a symbolic link", name.display()));
        }
    }
    Ok(name.to_owned())
}

/// Is `python` that of a virtual environment? Without the file it would be the system's, under another name.
pub fn is_made(python: &Path) -> bool {
    let cfg = python.parent().map(|bin| bin.join("../pyvenv.cfg"));
    python.exists() && cfg.is_some_and(|cfg| cfg.is_file())
}

/// Has `python` a pip that works? Half of one is left where the making was interrupted.
pub fn has_pip(python: &Path) -> bool {
    let mut command = std::process::Command::new(python);
    let output = command.args(["-I", "-m", "pip", "--version"]).output();
    output.is_ok_and(|output| output.status.success())
}

/// Where a `pyproject.toml` declares extras.
const EXTRAS: [&str; 3] = [
    "/project/optional-dependencies",
    "/tool/setuptools/dynamic/optional-dependencies",
    "/tool/poetry/extras",
];

/// Is there a package to install? A `pyproject.toml` that only configures linters is none.
pub fn is_package(top: &Path) -> bool {
    if top.join("setup.py").is_file() {
        return true;
    }
    let Some(text) = read(top, "pyproject.toml") else {
        return false;
    };
    match basic_toml::from_str::<Value>(&text) {
        Ok(toml) => toml.get("project").or(toml.get("build-system")).is_some(),
        // Dates are beyond that parser, and what is wrong with a file pip can say better.
        Err(_) => text.contains("[project") || text.contains("[build-system]"),
    }
}

/// What `pip install -e` is to install: the package, with its extra `dev` where it declares one. In doubt with it: pip
/// only warns of an extra that does not exist.
pub fn project(top: &Path) -> &'static str {
    let dev = declares_dev(
        &read(top, "pyproject.toml").unwrap_or_default(),
        &read(top, "setup.cfg").unwrap_or_default(),
        &read(top, "setup.py").unwrap_or_default(),
    );
    if dev { ".[dev]" } else { "." }
}

fn declares_dev(pyproject: &str, cfg: &str, py: &str) -> bool {
    let is_dev = |name: &str| name.eq_ignore_ascii_case("dev");
    let toml = match basic_toml::from_str::<Value>(pyproject) {
        Ok(toml) => EXTRAS
            .iter()
            .filter_map(|place| toml.pointer(place)?.as_object())
            .any(|extras| extras.keys().any(|name| is_dev(name))),
        Err(_) => pyproject.contains("dev"),
    };
    let in_extras = cfg
        .lines()
        .skip_while(|line| line.trim() != "[options.extras_require]")
        .skip(1)
        .take_while(|line| !line.starts_with('['));
    let ini = in_extras
        .filter_map(|line| line.split_once(['=', ':']))
        .any(|(key, _)| is_dev(key.trim_end()));
    let code = py.split_once("extras_require").is_some_and(|(_, rest)| {
        rest.contains("\"dev\"") || rest.contains("'dev'") || rest.contains("dev=")
    });
    toml || ini || code
}

fn read(top: &Path, name: &str) -> Option<String> {
    // Not what is no file: a FIFO would make the read wait for ever.
    let path = top.join(name);
    let bytes = path.is_file().then(|| std::fs::read(path).ok())??;
    Some(BString::from(bytes).to_string())
}

#[cfg(test)]
mod tests {
    use super::declares_dev;

    #[test]
    fn dev_is_an_extra_where_the_project_declares_it() {
        for toml in [
            "[project.optional-dependencies]\ndev = ['pytest']",
            "[project]\noptional-dependencies.dev = []",
            "[project]\noptional-dependencies = { \"dev\" = [\n'a', # comment\n] }",
            "[project.optional-dependencies]\nDev = []",
            "[tool.poetry.extras]\ndev = ['a']",
            "[tool.setuptools.dynamic.optional-dependencies]\ndev = { file = 'dev.txt' }",
            "[dependency-groups]\ndev = ['a', {include-group = 'b'}]\n[project.optional-dependencies]\ndev = []",
            "[x]\nday = 2026-01-01\n[project.optional-dependencies]\ndev = []",
        ] {
            assert!(declares_dev(toml, "", ""), "{toml}");
        }
        for cfg in [
            "[options.extras_require]\ntest = a\ndev =\n    pytest\n[x]",
            "[options.extras_require]\ndev: pytest",
        ] {
            assert!(declares_dev("", cfg, ""), "{cfg}");
        }
        for py in [
            "setup(extras_require={'dev': ['a']})",
            "setup(\n extras_require = dict(dev=[]))",
        ] {
            assert!(declares_dev("", "", py), "{py}");
        }
    }

    #[test]
    fn dev_elsewhere_is_no_extra() {
        for toml in [
            "",
            "[project]\nname = 'dev'\n[project.optional-dependencies]\ntest = ['dev']",
            "[tool.poetry.group.dev.dependencies]\na = '*'",
            "[dependency-groups]\ndev = ['a']",
            "[tool.x]\ntext = '''\n[project.optional-dependencies]\ndev = []\n'''",
            "# [project.optional-dependencies]\n# dev = []",
        ] {
            assert!(!declares_dev(toml, "", ""), "{toml}");
        }
        assert!(!declares_dev(
            "",
            "[options.extras_require]\ntest = dev\n[dev]\ndev = x",
            ""
        ));
        assert!(!declares_dev("", "[options]\ndev = x", ""));
        assert!(!declares_dev("", "", "setup(name='dev')"));
    }
}
