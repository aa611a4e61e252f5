//! `treehop statusline`: where a session of Claude Code is, in one line of its screen.
//!
//! Whatever is wrong, it prints what it can and ends with 0: an error has no place there.

use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use serde_json::Value;

use crate::cli::Show;
use crate::output;
use crate::plain;
use crate::reader::Reader;
use crate::repo::Repo;
use crate::table::{self, Cell};

/// Runs `treehop statusline`.
pub fn run() -> Result<()> {
    let session = super::hook::input();
    let mut cells = match directory(&session) {
        // Outside a repository, and where it is refused or damaged, the directory has to do.
        Some(dir) => worktree(&dir).unwrap_or_else(|_| vec![place(&dir)]),
        None => vec![],
    };
    cells.extend(model(&session));
    let shown = cells.iter().filter(|(text, _)| !text.is_empty());
    let shown = shown.map(|(text, style)| format!("{style}{text}{style:#}"));
    let line = shown.collect::<Vec<_>>().join("  ") + "\n";
    // It is never a terminal that reads this.
    let line = if std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty()) {
        anstream::adapter::strip_str(&line).to_string()
    } else {
        line
    };
    output::raw(line.as_bytes())
}

/// Where the session is.
fn directory(session: &Value) -> Option<PathBuf> {
    let named = [
        &session["workspace"]["current_dir"],
        &session["cwd"],
        &session["workspace"]["project_dir"],
    ];
    let named = named.into_iter().filter_map(Value::as_str).map(Path::new);
    let mut named = named.filter(|dir| dir.is_absolute());
    named
        .next()
        .map(Path::to_owned)
        .or_else(|| std::env::current_dir().ok())
}

fn worktree(dir: &Path) -> Result<Vec<Cell>> {
    let repo = Repo::discover(dir)?;
    let entries = [repo.entry_here()?];
    let show = Show {
        fields: vec!["prompt".into(), "changes".into()],
        ..Show::default()
    };
    let worktree = Reader::new(&repo, &entries, &show)
        .worktrees(&[0])?
        .remove(0);
    let prompt = (
        plain::line(&worktree.prompt),
        table::colour(AnsiColor::Cyan),
    );
    Ok(vec![prompt, table::changes(&worktree)])
}

fn place(dir: &Path) -> Cell {
    let name = dir.file_name().unwrap_or(dir.as_os_str());
    (plain::line(&name.to_string_lossy()), Style::new())
}

fn model(session: &Value) -> Option<Cell> {
    let model = &session["model"];
    let name = [&model["display_name"], &model["id"], model];
    let name = name.into_iter().find_map(Value::as_str)?;
    Some((plain::line(&name), Style::new().dimmed()))
}
