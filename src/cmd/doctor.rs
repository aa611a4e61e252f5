//! `treehop doctor`

use std::fmt::Write;
use std::path::Path;
use std::thread;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use crate::block;
use crate::cli::{self, Format, Shell};
use crate::cmd::install::{self, Action};
use crate::git::OLDEST;
use crate::places::version;
use crate::{output, places, shell};

/// How a finding is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// As it should be, or a choice.
    Ok,
    /// Something does not work that somebody may want.
    Warn,
    /// treehop does not work.
    Bad,
}

/// One finding.
#[derive(Debug, Serialize)]
struct Check {
    name: String,
    status: Status,
    message: String,
    /// The command that mends it, or gets what is missing.
    fix: Option<String>,
}

#[derive(Serialize)]
struct Document {
    schema: u8,
    checks: Vec<Check>,
}

impl Check {
    fn new(name: impl Into<String>, status: Status, message: impl Into<String>) -> Self {
        Check {
            name: name.into(),
            status,
            message: message.into(),
            fix: None,
        }
    }

    fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// Runs `treehop doctor`. It ends with 0 whatever it finds: a status other than 0 would leave standard output empty.
pub fn run(args: &cli::Doctor) -> Result<()> {
    let checks = checks();
    match args.format {
        Format::Json => output::json(&Document {
            schema: output::SCHEMA,
            checks,
        }),
        Format::Table => output::styled(&table(&checks)),
    }
}

fn checks() -> Vec<Check> {
    // Each of these starts a program; nu and zsh take their time.
    let (git, shells) = thread::scope(|scope| {
        let git = scope.spawn(git);
        let shells: Vec<_> = Shell::value_variants()
            .iter()
            .map(|&shell| scope.spawn(move || shell_checks(shell)))
            .collect();
        (
            git.join(),
            shells
                .into_iter()
                .map(thread::ScopedJoinHandle::join)
                .collect::<Vec<_>>(),
        )
    });
    let mut checks: Vec<Check> = git.into_iter().collect();
    checks.push(on_path());
    checks.extend(relative_path());
    checks.extend(state());
    checks.extend(shells.into_iter().flatten().flatten());
    checks.extend(loaded());
    checks.extend(hooks());
    checks.extend(TOOLS.iter().map(tool));
    checks.extend(
        crate::claude::registry()
            .into_iter()
            .filter(|s| !s.live)
            .map(|session| {
                Check::new(
                    "session",
                    Status::Warn,
                    format!(
                        "Claude Code left an entry of process {}, which is gone",
                        session.pid
                    ),
                )
                .fix(format!("rm {}", shell::quoted(&session.file)))
            }),
    );
    if std::env::var_os("TREEHOP_AUTO_VENV").is_some_and(|value| value == "0") {
        checks.push(Check::new(
            "venv",
            Status::Ok,
            "virtual environments are left alone (TREEHOP_AUTO_VENV=0)",
        ));
    }
    checks
}

fn git() -> Check {
    let Some(git) = places::program("git") else {
        return Check::new("git", Status::Bad, "not found")
            .fix(package(["git"; 4], "see https://git-scm.com"));
    };
    match version(&git) {
        Some((found, text)) if found >= OLDEST => Check::new("git", Status::Ok, text),
        Some((_, text)) => Check::new(
            "git",
            Status::Warn,
            format!(
                "{text} is older than {}, the first with merge-tree --write-tree",
                dotted(OLDEST)
            ),
        )
        .fix(package(["git"; 4], "see https://git-scm.com")),
        None => Check::new(
            "git",
            Status::Bad,
            format!("{} does not say its version", git.display()),
        ),
    }
}

/// The shell functions call `treehop` by its name.
fn on_path() -> Check {
    let name = "treehop";
    let Ok(this) = std::env::current_exe() else {
        return Check::new(name, Status::Warn, "does not know where it is");
    };
    match places::program(name) {
        Some(found) if places::same(&found, &this) => Check::new(
            name,
            Status::Ok,
            format!("{}, {}", env!("CARGO_PKG_VERSION"), places::tilde(&found)),
        ),
        Some(found) => {
            let found = places::tilde(&found);
            let message = format!("this is {}, the shells call {found}", places::tilde(&this));
            Check::new(name, Status::Warn, message).fix(format!("{found} doctor --format table"))
        }
        None => {
            let folder = this.parent().unwrap_or(Path::new("/"));
            Check::new(name, Status::Bad, "not on PATH")
                .fix(format!("export PATH=\"$PATH\":{}", shell::quoted(folder)))
        }
    }
}

/// The shells look for `treehop` in relative parts of PATH too, which every directory that one enters may fill.
fn relative_path() -> Option<Check> {
    let path = std::env::var_os("PATH")?;
    let mut parts = std::env::split_paths(&path);
    let part = parts.find(|part| !part.is_absolute())?;
    let message = format!(
        "'{}' in it is relative: whatever directory you enter, its programs are run",
        part.display()
    );
    Some(Check::new("PATH", Status::Warn, message).fix("take it out of PATH where you set that"))
}

/// What is remembered of repositories is neither read nor written where others can write to it.
fn state() -> Option<Check> {
    let folder = crate::known::folder()?;
    if !crate::file::others_can_write(&folder.metadata().ok()?) {
        return None;
    }
    let message = format!(
        "another user can write to {}: no repository is remembered",
        places::tilde(&folder)
    );
    let fix = format!("chmod go-w {}", shell::quoted(&folder));
    Some(Check::new("state", Status::Warn, message).fix(fix))
}

/// Whether `shell` is there, new enough, and loads the integration.
fn shell_checks(shell: Shell) -> Vec<Check> {
    let name = shell.name();
    let mut checks = Vec::new();
    let program = places::program(name);
    checks.push(match program.as_deref().map(version) {
        None => Check::new(name, Status::Ok, "not on PATH"),
        Some(Some((found, text))) if found >= shell.oldest() => Check::new(name, Status::Ok, text),
        Some(Some((_, text))) => {
            let message = format!(
                "{text} is older than {}: the integration does not load",
                dotted(shell.oldest())
            );
            let names = if shell == Shell::Nu {
                ["nushell"; 4]
            } else {
                [name; 4]
            };
            Check::new(name, Status::Warn, message)
                .fix(package(names, &format!("install a newer {name}")))
        }
        Some(None) => Check::new(name, Status::Warn, "does not say its version"),
    });
    let plan = install::plan(shell, false);
    if program.is_none() && !plan.as_ref().is_ok_and(|plan| plan.action != Action::Added) {
        return checks;
    }
    let name = format!("{name} integration");
    let again = format!("treehop install {}", shell.name());
    checks.push(match plan {
        Err(error) => Check::new(name, Status::Bad, format!("{error:#}")),
        Ok(plan) => {
            let file = places::tilde(&plan.file);
            match plan.action {
                _ if plan.action != Action::Added && plan.unsafe_folder().is_some() => {
                    let folder = plan.unsafe_folder().unwrap_or(Path::new("/"));
                    let fix = format!("chmod go-w {}", shell::quoted(folder));
                    let folder = places::tilde(folder);
                    let message = format!("another user can write to {folder}, which {file} loads");
                    Check::new(name, Status::Bad, message).fix(fix)
                }
                Action::Unchanged => Check::new(name, Status::Ok, format!("installed in {file}")),
                Action::Updated => {
                    let message = format!("what {file} loads is not what this treehop installs");
                    Check::new(name, Status::Warn, message).fix(again)
                }
                _ if by_hand(shell) => Check::new(name, Status::Ok, "loaded by a line of your own"),
                _ => Check::new(name, Status::Warn, "not installed").fix(again),
            }
        }
    });
    checks
}

/// Whether the user's own file loads the integration without `treehop install`.
fn by_hand(shell: Shell) -> bool {
    let text = shell
        .own_file()
        .and_then(|file| crate::file::read(&file))
        .ok()
        .flatten()
        .unwrap_or_default();
    let name = shell.name();
    [format!("treehop init {name}"), format!("treehop.{name}")]
        .iter()
        .any(|word| block::mentions(&text, word))
}

/// Inside a worktree the integration sets a variable; elsewhere nothing shows whether it is loaded.
fn loaded() -> Option<Check> {
    std::env::var_os("TREEHOP_WORKTREE")?;
    Some(Check::new(
        "this shell",
        Status::Ok,
        "the integration is loaded",
    ))
}

/// Whether Claude Code calls treehop: a choice, but what it calls has to be there.
fn hooks() -> Option<Check> {
    let (name, install) = ("claude hooks", "treehop install claude");
    let plan = match install::plan_claude(false, false) {
        Ok(plan) => plan,
        Err(error) => return Some(Check::new(name, Status::Warn, format!("{error:#}"))),
    };
    let file = places::tilde(&plan.file);
    match plan.action {
        Action::Unchanged => Some(Check::new(name, Status::Ok, format!("installed in {file}"))),
        Action::Updated => {
            let message = format!("what {file} calls is not what this treehop installs");
            Some(Check::new(name, Status::Warn, message).fix(install))
        }
        _ => {
            places::program("claude")?;
            let message = "optional: claude --worktree makes worktrees of its own kind";
            Some(Check::new(name, Status::Ok, message).fix(install))
        }
    }
}

/// A program that treehop calls for some of what it does.
struct Tool {
    name: &'static str,
    /// What is missing without it.
    purpose: &'static str,
    /// What [`Status`] its absence has.
    absent: Status,
    /// What to install, as brew, apt, dnf and pacman call it; elsewhere the command or address.
    packages: Option<[&'static str; 4]>,
    otherwise: &'static str,
}

const TOOLS: [Tool; 6] = [
    Tool {
        name: "claude",
        purpose: "the sessions that wls and list show are Claude Code's",
        absent: Status::Warn,
        packages: None,
        otherwise: "npm install -g @anthropic-ai/claude-code",
    },
    Tool {
        name: "gh",
        purpose: "optional: opens pull requests on GitHub",
        absent: Status::Ok,
        packages: Some(["gh", "gh", "gh", "github-cli"]),
        otherwise: "see https://cli.github.com",
    },
    Tool {
        name: "glab",
        purpose: "optional: opens merge requests on GitLab",
        absent: Status::Ok,
        packages: Some(["glab"; 4]),
        otherwise: "see https://gitlab.com/gitlab-org/cli",
    },
    Tool {
        name: "uv",
        purpose: "optional: installs what uv.lock names",
        absent: Status::Ok,
        packages: None,
        otherwise: "curl -LsSf https://astral.sh/uv/install.sh | sh",
    },
    Tool {
        name: "npm",
        purpose: "optional: installs what package.json names",
        absent: Status::Ok,
        packages: Some(["node", "npm", "nodejs-npm", "npm"]),
        otherwise: "see https://nodejs.org",
    },
    Tool {
        name: "fzf",
        purpose: "optional: wcd picks with it",
        absent: Status::Ok,
        packages: Some(["fzf"; 4]),
        otherwise: "see https://github.com/junegunn/fzf",
    },
];

fn tool(tool: &Tool) -> Check {
    if let Some(found) = places::program(tool.name) {
        return Check::new(tool.name, Status::Ok, places::tilde(&found));
    }
    let fix = match tool.packages {
        Some(names) => package(names, tool.otherwise),
        None => tool.otherwise.to_owned(),
    };
    Check::new(
        tool.name,
        tool.absent,
        format!("not found ({})", tool.purpose),
    )
    .fix(fix)
}

/// The command that installs a package here; `names` is what brew, apt, dnf and pacman call it.
fn package(names: [&str; 4], otherwise: &str) -> String {
    let managers = [
        ("brew", "brew install"),
        ("apt-get", "sudo apt-get install"),
        ("dnf", "sudo dnf install"),
        ("pacman", "sudo pacman -S"),
    ];
    let found = managers
        .iter()
        .zip(names)
        .find(|((program, _), _)| places::program(program).is_some());
    found.map_or_else(
        || otherwise.to_owned(),
        |((_, command), name)| format!("{command} {name}"),
    )
}

fn dotted((major, minor): (u32, u32)) -> String {
    format!("{major}.{minor}")
}

/// A line for each check, and beneath it what mends it.
fn table(checks: &[Check]) -> String {
    let width = checks
        .iter()
        .map(|check| check.name.chars().count())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for check in checks {
        let (colour, mark) = match check.status {
            Status::Ok => (32, "ok"),
            Status::Warn => (33, "warn"),
            Status::Bad => (31, "bad"),
        };
        let _ = writeln!(
            text,
            "\x1b[{colour}m{mark:<4}\x1b[0m  {:<width$}  {}",
            check.name, check.message
        );
        if let Some(fix) = &check.fix {
            let _ = writeln!(text, "      {:<width$}  → {fix}", "");
        }
    }
    text
}
