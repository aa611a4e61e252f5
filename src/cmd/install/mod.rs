//! `treehop install`

mod claude;
pub mod json;
mod shells;

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use crate::cli::{self, Shell, Target};
use crate::error::{Exit, Failure};
use crate::{file, output};
pub use claude::plan as plan_claude;
pub use shells::plan;

/// What happens to a shell's start-up, or to Claude Code's settings, in the JSON.
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

impl Change {
    fn write(&self) -> Result<()> {
        match &self.after {
            Some(text) => file::replace(&self.path, text),
            None => file::remove(&self.path),
        }
    }
}

#[derive(Serialize)]
struct Document {
    schema: u8,
    shells: Vec<shells::Done>,
    claude: Option<claude::Done>,
}

/// Runs `treehop install`.
pub fn run(args: &cli::Install) -> Result<()> {
    let claude = args.targets.contains(&Target::Claude);
    if args.project && !claude {
        return Err(Failure::new(Exit::Usage, "--project is for Claude Code")
            .hint("treehop install claude --project")
            .into());
    }
    // First, since it is refused where a shell is only passed over.
    let claude = claude.then(|| claude::run(args)).transpose()?;
    let shells = match &args.targets[..] {
        [] if args.uninstall => Shell::value_variants().to_vec(),
        [] => Shell::present()?,
        named => {
            let mut shells = Shell::value_variants().to_vec();
            shells.retain(|shell| named.contains(&shell.target()));
            shells
        }
    };
    if shells.is_empty() && claude.is_none() {
        return Err(
            Failure::new(Exit::Failed, "found none of bash, zsh, fish and nu")
                .hint("name the shell: treehop install bash")
                .into(),
        );
    }
    let (plans, failures) = shells::run(shells, args)?;
    // Who types it reads the words below; a terminal wants no document.
    if failures.is_empty() && !std::io::stdout().is_terminal() {
        output::json(&Document {
            schema: output::SCHEMA,
            shells: plans.iter().map(shells::Plan::done).collect(),
            claude: claude.as_ref().map(claude::Plan::done),
        })?;
    }
    if let Some(claude) = &claude {
        claude.report(args);
    }
    shells::report(&plans, args)?;
    if args.uninstall && claude.is_none() {
        claude::remind();
    }
    if failures.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Exit::Failed, failures.join("\n"))
        .hint("mend that and run it again, or load by hand what treehop init SHELL prints")
        .into())
}

/// The one hunk in which two texts differ, unified, as `patch` reads it.
fn diff(change: &Change) -> Vec<u8> {
    const CONTEXT: usize = 3;
    let Change { path, .. } = change;
    let (before, after) = (change.before.as_deref(), change.after.as_deref());
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
