//! The shells' start-up files: a block in each that loads a copy of the integration.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::Serialize;

use super::{Action, Change, diff};
use crate::block::{self, Taken};
use crate::cli::{self, Shell};
use crate::error::Failure;
use crate::{file, places};

/// What a shell needs, worked out before anything is written.
pub struct Plan {
    shell: Shell,
    /// The start-up file that has the block.
    pub file: PathBuf,
    /// What writing it comes to.
    pub action: Action,
    /// In the order of writing: no block ever points to a copy that is not there.
    changes: Vec<Change>,
}

/// A shell in the JSON.
#[derive(Serialize)]
pub struct Done {
    shell: &'static str,
    file: String,
    action: Action,
}

/// Serves `shells`; returns what was done and what failed.
///
/// # Errors
/// What is wrong with all of them.
pub fn run(shells: Vec<Shell>, args: &cli::Install) -> Result<(Vec<Plan>, Vec<String>)> {
    // Every shell for itself: what is wrong with one file keeps no other shell from being served.
    let mut plans = Vec::new();
    let mut failures = Vec::new();
    for shell in shells {
        let done = plan(shell, args.uninstall).and_then(|plan| {
            if args.dry_run {
                plan.show()?;
            }
            plan.check()?;
            if !args.dry_run {
                plan.write()?;
            }
            Ok(plan)
        });
        match done {
            Ok(plan) => plans.push(plan),
            // `HOME` is the same for all of them.
            Err(error) if error.is::<Failure>() => return Err(error),
            Err(error) => failures.push(format!("{}: {error:#}", shell.name())),
        }
    }
    Ok((plans, failures))
}

/// Works out what `shell` needs, to load treehop or (`uninstall`) to forget it.
///
/// # Errors
/// A file that cannot be read, a block with a marker missing, or no `HOME`.
pub fn plan(shell: Shell, uninstall: bool) -> Result<Plan> {
    let file = shell.start_up_file()?;
    let before = file::read(&file)?;
    let path = shell.copy()?;
    let old = file::read(&path)?;
    let damaged = |damage| {
        anyhow::anyhow!(
            "'{}' was left as it is: {damage}; delete what is left of the block",
            file.display()
        )
    };
    if uninstall {
        let after = match before
            .as_deref()
            .map_or(Ok(Taken::Absent), block::take)
            .map_err(damaged)?
        {
            Taken::Absent => before.clone(),
            Taken::Text(text) => Some(text),
            Taken::NoFile => None,
        };
        let action = if after == before && old.is_none() {
            Action::Absent
        } else {
            Action::Removed
        };
        let changes = vec![
            Change {
                path: file.clone(),
                before,
                after,
            },
            Change {
                path,
                before: old,
                after: None,
            },
        ];
        return Ok(Plan {
            shell,
            file,
            action,
            changes,
        });
    }
    let after = block::put(before.as_deref(), &shell.block()?).map_err(damaged)?;
    let copy = shell.integration().into_bytes();
    let action = match before
        .as_deref()
        .map_or(Ok(Taken::Absent), block::take)
        .map_err(damaged)?
    {
        Taken::Absent => Action::Added,
        _ if before.as_ref() == Some(&after) && old.as_ref() == Some(&copy) => Action::Unchanged,
        _ => Action::Updated,
    };
    let changes = vec![
        Change {
            path,
            before: old,
            after: Some(copy),
        },
        Change {
            path: file.clone(),
            before,
            after: Some(after),
        },
    ];
    Ok(Plan {
        shell,
        file,
        action,
        changes,
    })
}

impl Plan {
    /// What the JSON says of it.
    pub fn done(&self) -> Done {
        Done {
            shell: self.shell.name(),
            file: self.file.to_string_lossy().into_owned(),
            action: self.action,
        }
    }

    fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes
            .iter()
            .filter(|change| change.before != change.after)
    }

    /// Fails before the first write where a later one could not be done.
    fn check(&self) -> Result<()> {
        self.changes()
            .try_for_each(|change| file::writable(&change.path))?;
        // Every new shell runs what it holds.
        match self.unsafe_folder() {
            Some(folder) => bail!("another user can write to '{}'", folder.display()),
            None => Ok(()),
        }
    }

    /// The folder of the copy that the shell loads, if another user can change what is in it.
    pub fn unsafe_folder(&self) -> Option<&Path> {
        let copies = self
            .changes
            .iter()
            .filter(|c| c.after.is_some() && c.path != self.file);
        let mut folders = copies.filter_map(|change| change.path.parent());
        folders.find(|dir| {
            dir.metadata()
                .is_ok_and(|meta| file::others_can_write(&meta))
        })
    }

    fn write(&self) -> Result<()> {
        self.changes().try_for_each(Change::write)
    }

    /// Shows what [`Plan::write`] would write: a start-up file as a diff, the copy by what prints it.
    fn show(&self) -> Result<()> {
        let mut text = Vec::new();
        for change in self.changes() {
            if change.path == self.file {
                text.extend(diff(change));
            } else if change.after.is_some() {
                let line = format!(
                    "{}: the text of `treehop init {}`\n",
                    change.path.display(),
                    self.shell.name()
                );
                text.extend(line.bytes());
            } else {
                text.extend(format!("{}: removed\n", change.path.display()).bytes());
            }
        }
        Ok(std::io::stderr().write_all(&text)?)
    }
}

/// Says what was done, a line for each shell, and what to do next.
pub fn report(plans: &[Plan], args: &cli::Install) -> Result<()> {
    let would = if args.dry_run { "would be " } else { "" };
    for plan in plans {
        let (shell, file) = (plan.shell.name(), places::tilde(&plan.file));
        match plan.action {
            Action::Added => say!("{shell}: {would}added to {file}"),
            Action::Updated => say!("{shell}: {would}updated in {file}"),
            Action::Unchanged => say!("{shell}: up to date in {file}"),
            Action::Removed => say!("{shell}: {would}removed from {file}"),
            Action::Absent => say!("{shell}: not in {file}"),
        }
    }
    if args.uninstall || args.dry_run || plans.is_empty() {
        return Ok(());
    }
    if plans.iter().any(|plan| plan.shell == Shell::Bash)
        && let Some(hint) = login_bash()?
    {
        say!("hint: {hint}");
    }
    if places::program("treehop").is_none()
        && let Some(folder) = places::treehop()?.parent()
    {
        say!(
            "hint: treehop is not on PATH; the shells above will find it in {}",
            places::tilde(folder)
        );
    }
    say!("\nOpen a new terminal, or type in this one:");
    for plan in plans {
        say!("  {:<5} {}", plan.shell.name(), plan.shell.load()?);
    }
    say!("Your prompt was left alone. To see branch and worktree in it, add to your settings:");
    for plan in plans {
        say!("  {:<5} {}", plan.shell.name(), plan.shell.prompt());
    }
    Ok(())
}

/// What a login bash (macOS terminals, ssh) misses: it reads the first of three files that is there, and `~/.bashrc`
/// only if that one says so.
fn login_bash() -> Result<Option<String>> {
    let home = places::home()?;
    let names = [".bash_profile", ".bash_login", ".profile"];
    let first = names.iter().find(|name| home.join(name).exists());
    let name = first.unwrap_or(&names[0]);
    let text = file::read(&home.join(name))
        .unwrap_or_default()
        .unwrap_or_default();
    if block::mentions(&text, "bashrc") {
        return Ok(None);
    }
    let problem = if first.is_some() {
        "does not load"
    } else {
        "is not there to load"
    };
    Ok(Some(format!(
        "a login bash reads ~/{name}, which {problem} ~/.bashrc; add to it: [ -r ~/.bashrc ] && . ~/.bashrc"
    )))
}
