//! `treehop install`

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use crate::block::{self, Taken};
use crate::cli::{self, Shell};
use crate::error::{Exit, Failure};
use crate::{file, output, places};

/// What happens to a shell's start-up, in the JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It did not load treehop before.
    Added,
    /// It loaded an older copy, or by an older block.
    Updated,
    /// Nothing to do.
    Unchanged,
    /// It does not load treehop any more.
    Removed,
    /// There was nothing to take out.
    Absent,
}

/// One file, as it is and as it is to be; `None`: no file.
struct Change {
    path: PathBuf,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
}

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

#[derive(Serialize)]
struct Document {
    schema: u8,
    shells: Vec<Done>,
}

#[derive(Serialize)]
struct Done {
    shell: &'static str,
    file: String,
    action: Action,
}

/// Runs `treehop install`.
pub fn run(args: &cli::Install) -> Result<()> {
    let shells = match &args.shells[..] {
        [] if args.uninstall => Shell::value_variants().to_vec(),
        [] => Shell::present()?,
        named => Shell::value_variants()
            .iter()
            .copied()
            .filter(|shell| named.contains(shell))
            .collect(),
    };
    if shells.is_empty() {
        return Err(
            Failure::new(Exit::Failed, "found none of bash, zsh, fish and nu")
                .hint("name the shell: treehop install bash")
                .into(),
        );
    }
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
    if failures.is_empty() {
        let shells = plans.iter().map(|plan| Done {
            shell: plan.shell.name(),
            file: plan.file.to_string_lossy().into_owned(),
            action: plan.action,
        });
        output::json(&Document {
            schema: output::SCHEMA,
            shells: shells.collect(),
        })?;
    }
    report(&plans, args)?;
    if failures.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Exit::Failed, failures.join("\n"))
        .hint("mend that and run it again, or load by hand what treehop init SHELL prints")
        .into())
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
    let copy = shell.integration().as_bytes().to_vec();
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
    fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes
            .iter()
            .filter(|change| change.before != change.after)
    }

    /// Fails before the first write where a later one could not be done.
    fn check(&self) -> Result<()> {
        self.changes()
            .try_for_each(|change| file::writable(&change.path))
    }

    fn write(&self) -> Result<()> {
        self.changes().try_for_each(|change| match &change.after {
            Some(text) => file::replace(&change.path, text),
            None => file::remove(&change.path),
        })
    }

    /// Shows what [`Plan::write`] would write: a start-up file as a diff, the copy by what prints it.
    fn show(&self) -> Result<()> {
        let mut text = Vec::new();
        for change in self.changes() {
            if change.path == self.file {
                text.extend(diff(
                    &change.path,
                    change.before.as_deref(),
                    change.after.as_deref(),
                ));
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

/// The one hunk in which two texts differ, unified, as `patch` reads it.
fn diff(path: &Path, before: Option<&[u8]>, after: Option<&[u8]>) -> Vec<u8> {
    const CONTEXT: usize = 3;
    let (old, new) = (lines(before), lines(after));
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..]
        .iter()
        .rev()
        .zip(new[head..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let from = head.saturating_sub(CONTEXT);
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let to = (old_end + CONTEXT).min(old.len());
    let range = |length: usize| {
        if length == 0 {
            format!("{from},0")
        } else {
            format!("{},{length}", from + 1)
        }
    };
    let name = |there: bool| {
        if there {
            path.display().to_string()
        } else {
            "/dev/null".to_string()
        }
    };
    let mut text = format!(
        "--- {}\n+++ {}\n@@ -{} +{} @@\n",
        name(before.is_some()),
        name(after.is_some()),
        range(to - from),
        range(to - from + new_end - old_end),
    )
    .into_bytes();
    let mut add = |sign: u8, lines: &[&[u8]]| {
        for line in lines {
            text.push(sign);
            text.extend(*line);
            if !line.ends_with(b"\n") {
                text.extend(b"\n\\ No newline at end of file\n");
            }
        }
    };
    add(b' ', &old[from..head]);
    add(b'-', &old[head..old_end]);
    add(b'+', &new[head..new_end]);
    add(b' ', &old[old_end..to]);
    text
}

fn lines(text: Option<&[u8]>) -> Vec<&[u8]> {
    text.unwrap_or_default()
        .split_inclusive(|&b| b == b'\n')
        .collect()
}

/// Says what was done, a line for each shell, and what to do next.
fn report(plans: &[Plan], args: &cli::Install) -> Result<()> {
    let would = if args.dry_run { "would be " } else { "" };
    for plan in plans {
        let (shell, file) = (plan.shell.name(), places::tilde(&plan.file));
        match plan.action {
            Action::Added => eprintln!("{shell}: {would}added to {file}"),
            Action::Updated => eprintln!("{shell}: {would}updated in {file}"),
            Action::Unchanged => eprintln!("{shell}: up to date in {file}"),
            Action::Removed => eprintln!("{shell}: {would}removed from {file}"),
            Action::Absent => eprintln!("{shell}: not in {file}"),
        }
    }
    if args.uninstall || args.dry_run || plans.is_empty() {
        return Ok(());
    }
    if plans.iter().any(|plan| plan.shell == Shell::Bash)
        && let Some(hint) = login_bash()?
    {
        eprintln!("hint: {hint}");
    }
    if places::program("treehop").is_none()
        && let Some(folder) = places::treehop()?.parent()
    {
        eprintln!(
            "hint: treehop is not on PATH; the shells above will find it in {}",
            places::tilde(folder)
        );
    }
    eprintln!("\nOpen a new terminal, or type in this one:");
    for plan in plans {
        eprintln!("  {:<5} {}", plan.shell.name(), plan.shell.load()?);
    }
    eprintln!(
        "Your prompt was left alone. To see branch and worktree in it, add to your settings:"
    );
    for plan in plans {
        eprintln!("  {:<5} {}", plan.shell.name(), plan.shell.prompt());
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
