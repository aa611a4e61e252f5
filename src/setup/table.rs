//! What is installed, by what lies in the worktree.

use std::path::Path;

use super::run::{Command, Runner, skipped};
use super::{Status, Step};
use crate::setup::python;

/// Each language once: the first rule of its own that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Python,
    Node,
    Ruby,
    Php,
    Go,
}

/// If one of `files` is there and `fits`, `runs` are run one after the other.
struct Rule {
    language: Language,
    files: &'static [&'static str],
    fits: fn(&Path) -> bool,
    runs: &'static [Run],
}

/// One command. `{venv}`, `{python}` and `{project}` stand for what [`python`] finds.
struct Run {
    name: &'static str,
    needed: fn(&Path) -> bool,
    args: &'static [&'static str],
}

const fn rule(language: Language, files: &'static [&'static str], runs: &'static [Run]) -> Rule {
    rule_if(language, files, |_| true, runs)
}

const fn rule_if(
    language: Language,
    files: &'static [&'static str],
    fits: fn(&Path) -> bool,
    runs: &'static [Run],
) -> Rule {
    Rule {
        language,
        files,
        fits,
        runs,
    }
}

const fn run(name: &'static str, args: &'static [&'static str]) -> Run {
    Run {
        name,
        needed: |_| true,
        args,
    }
}

/// `needed` gets the virtual environment's `python`.
const MAKE_VENV: Run = Run {
    name: "venv",
    needed: |python| !python::is_made(python),
    args: &["python3", "-m", "venv", "{venv}"],
};

/// One made by uv has no pip, nor one whose making was interrupted.
const ADD_PIP: Run = Run {
    name: "venv",
    needed: |python| !python::has_pip(python),
    args: &["{python}", "-m", "ensurepip"],
};

use Language::{Go, Node, Php, Python, Ruby};

#[rustfmt::skip]
const TABLE: &[Rule] = &[
    rule(Python, &["uv.lock"], &[run("uv", &["uv", "sync"])]),
    rule(Python, &["poetry.lock"], &[run("poetry", &["poetry", "install"])]),
    rule(Python, &["pdm.lock"], &[run("pdm", &["pdm", "sync"])]),
    rule(Python, &["Pipfile.lock"], &[run("pipenv", &["pipenv", "sync", "--dev"])]),
    rule_if(Python, &["pyproject.toml", "setup.py"], python::is_package,
        &[MAKE_VENV, ADD_PIP, run("pip", &["{python}", "-m", "pip", "install", "-e", "{project}"])]),
    rule(Python, &["requirements.txt"],
        &[MAKE_VENV, ADD_PIP, run("pip", &["{python}", "-m", "pip", "install", "-r", "requirements.txt"])]),
    rule(Node, &["package-lock.json", "npm-shrinkwrap.json"], &[run("npm", &["npm", "ci"])]),
    rule(Node, &["pnpm-lock.yaml"], &[run("pnpm", &["pnpm", "install", "--frozen-lockfile"])]),
    rule_if(Node, &["yarn.lock"], is_yarn_1, &[run("yarn", &["yarn", "install", "--frozen-lockfile"])]),
    rule(Node, &["yarn.lock"], &[run("yarn", &["yarn", "install", "--immutable"])]),
    rule(Node, &["bun.lock", "bun.lockb"], &[run("bun", &["bun", "install", "--frozen-lockfile"])]),
    // A lock file that nobody asked for would be an untracked file in each worktree, and keep it from being removed.
    rule(Node, &["package.json"], &[run("npm", &["npm", "install", "--no-package-lock"])]),
    rule(Ruby, &["Gemfile"], &[run("bundle", &["bundle", "install"])]),
    rule(Php, &["composer.json"], &[run("composer", &["composer", "install"])]),
    rule(Go, &["go.mod"], &[run("go", &["go", "mod", "download"])]),
];

/// The lock file of yarn 2 and newer is YAML, and begins otherwise.
fn is_yarn_1(top: &Path) -> bool {
    let lock = std::fs::read(top.join("yarn.lock")).unwrap_or_default();
    lock.trim_ascii().is_empty()
        || gix::bstr::ByteSlice::contains_str(&lock[..], "yarn lockfile v1")
}

/// Installs for each language; where one fails, the others still go on.
pub fn install(runner: &Runner, steps: &mut Vec<Step>) {
    let top = &runner.entry.path;
    let mut seen = vec![];
    for rule in TABLE {
        if !seen.contains(&rule.language) && rule.applies(top) {
            seen.push(rule.language);
            rule.follow(runner, steps);
        }
    }
}

/// Is there anything to install in the worktree at `top`?
pub fn is_wanted(top: &Path) -> bool {
    TABLE.iter().any(|rule| rule.applies(top))
}

impl Rule {
    fn applies(&self, top: &Path) -> bool {
        self.files.iter().any(|file| top.join(file).is_file()) && (self.fits)(top)
    }

    fn follow(&self, runner: &Runner, steps: &mut Vec<Step>) {
        let venv = match python::environment(runner.repo, runner.entry) {
            Ok(venv) => venv,
            Err(why) if self.language == Python => {
                let tool = self.runs.last().map_or("pip", |run| run.name);
                let reason = format!("{why}, so nothing is installed there");
                steps.push(skipped(tool, None, reason));
                return;
            }
            Err(_) => Path::new(".venv").into(),
        };
        let python = venv.join("bin/python");
        for run in self.runs {
            if !(run.needed)(&runner.entry.path.join(&python)) {
                continue;
            }
            let mut command = Command::default();
            for arg in run.args {
                match *arg {
                    "{venv}" => command.path(&runner.entry.path, &venv),
                    "{python}" => command.path(&runner.entry.path, &python),
                    "{project}" => command.word(python::project(&runner.entry.path)),
                    word => command.word(word),
                }
            }
            let step = runner.run(run.name, &command, &venv);
            let status = step.status;
            steps.push(step);
            if status != Status::Done {
                return;
            }
        }
    }
}
