//! Worktrees for eyes: one line each, as wide as the terminal, coloured where it can be.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use crate::plain;
use crate::repo::changes::Changes;
use crate::worktree::Worktree;

/// A value and how it looks.
pub type Cell = (String, Style);
/// The heading, the importance (the least important goes first where the terminal is narrow) and what it shows.
type Column = (&'static str, u8, fn(&Worktree) -> Cell);

const GAP: usize = 2;
const BRANCH: u8 = 10;
const COMMIT: u8 = 1;
/// How much of a branch is to be seen as long as there are columns that can go; and where there is no other way.
const LEGIBLE: usize = 24;
const SHORTEST: usize = 10;
const COLUMNS: [Column; 8] = [
    ("", 9, mark),
    ("branch", BRANCH, branch),
    ("worktree", 4, name),
    ("changes", 8, changes),
    ("default", 5, default),
    ("upstream", 3, upstream),
    ("claude", 7, claude),
    ("commit", COMMIT, age),
];

/// A table of them with ANSI styles, as wide as the terminal that standard output is.
pub fn of(worktrees: &[Worktree]) -> String {
    // Where no terminal says how wide it is, nothing is left out.
    let width =
        terminal_size::terminal_size().map_or(usize::MAX, |(width, _)| usize::from(width.0));
    render(worktrees, width)
}

fn render(worktrees: &[Worktree], width: usize) -> String {
    let mut columns: Vec<(u8, Vec<Cell>)> = COLUMNS
        .iter()
        .map(|(heading, importance, show)| {
            let heading = ((*heading).to_owned(), Style::new().dimmed());
            (
                *importance,
                std::iter::once(heading)
                    .chain(worktrees.iter().map(show))
                    .collect(),
            )
        })
        .collect();
    // A column that says nothing takes no room.
    columns.retain(|(_, cells)| cells[1..].iter().any(|(text, _)| !text.is_empty()));
    let mut widths = fit(&columns, width, LEGIBLE);
    while let (None, Some(least)) = (&widths, least_important(&columns)) {
        columns.remove(least);
        widths = fit(&columns, width, LEGIBLE);
    }
    let widths = widths
        .or_else(|| fit(&columns, width, SHORTEST))
        .unwrap_or_else(|| clip(&columns, width));
    let mut out = String::new();
    for line in 0..=worktrees.len() {
        let mut gap = 0;
        for ((_, cells), room) in columns.iter().zip(&widths) {
            let (text, style) = &cells[line];
            let text = cut(text, *room);
            if text.is_empty() {
                gap += room + GAP;
                continue;
            }
            out += &" ".repeat(gap);
            let _ = write!(out, "{style}{text}{style:#}");
            gap = room - text.width() + GAP;
        }
        out.push('\n');
    }
    out
}

fn widest(cells: &[Cell]) -> usize {
    cells
        .iter()
        .map(|(text, _)| text.width())
        .max()
        .unwrap_or_default()
}

/// The widths of the columns in a line of `width`; `None` where they do not fit even with the texts that can be cut
/// cut short: first the commit, then the branch, to the width of `branch`.
fn fit(columns: &[(u8, Vec<Cell>)], width: usize, branch: usize) -> Option<Vec<usize>> {
    let mut widths: Vec<_> = columns.iter().map(|(_, cells)| widest(cells)).collect();
    let mut excess =
        (widths.iter().sum::<usize>() + GAP * (widths.len() - 1)).saturating_sub(width);
    for (importance, shortest) in [(COMMIT, 8), (BRANCH, branch)] {
        if let Some(at) = columns.iter().position(|(i, _)| *i == importance) {
            let less = excess.min(widths[at].saturating_sub(shortest));
            widths[at] -= less;
            excess -= less;
        }
    }
    (excess == 0).then_some(widths)
}

/// The widths in a line that is too short for all: what is beyond its end is not shown.
fn clip(columns: &[(u8, Vec<Cell>)], width: usize) -> Vec<usize> {
    let mut left = width;
    let mut take = |(_, cells): &(u8, Vec<Cell>)| {
        let room = widest(cells).min(left);
        left = left.saturating_sub(room + GAP);
        room
    };
    columns.iter().map(&mut take).collect()
}

/// The column to leave out next; branch and changes stay.
fn least_important(columns: &[(u8, Vec<Cell>)]) -> Option<usize> {
    let least = columns
        .iter()
        .enumerate()
        .min_by_key(|(_, (importance, _))| *importance);
    least
        .filter(|(_, (importance, _))| *importance < 7)
        .map(|(at, _)| at)
}

/// `text` as far as there is room.
pub fn cut(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    // What a character adds depends on those beside it (emoji), so the whole beginning is measured.
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = ends.take_while(|end| text[..*end].width() < room).last();
    match (room, end) {
        (0, _) => String::new(),
        (_, end) => format!("{}…", &text[..end.unwrap_or_default()]),
    }
}

/// Text in that colour.
pub fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(colour.into()))
}

fn mark(worktree: &Worktree) -> Cell {
    (
        if worktree.current { "*" } else { "" }.into(),
        Style::new().bold(),
    )
}

fn branch(worktree: &Worktree) -> Cell {
    let style = if worktree.current {
        Style::new().bold()
    } else {
        Style::new()
    };
    // The prompt segment holds what a rebase or a detached commit needs; the name has a column of its own.
    let segment = plain::line(&worktree.prompt);
    let (shown, operation) = segment.split_once('|').unwrap_or((&segment, ""));
    let shown = shown
        .strip_suffix(&format!("@{}", plain::line(&worktree.name)))
        .unwrap_or(shown);
    match operation {
        "" => (shown.to_owned(), style),
        operation => (
            format!("{shown}|{operation}"),
            style.fg_color(Some(AnsiColor::Yellow.into())),
        ),
    }
}

fn name(worktree: &Worktree) -> Cell {
    let note = match worktree {
        Worktree {
            prunable: Some(_), ..
        } => " (gone)",
        Worktree {
            locked: Some(_), ..
        } => " (locked)",
        _ => "",
    };
    (
        plain::line(&worktree.name) + note,
        if note.is_empty() {
            Style::new()
        } else {
            colour(AnsiColor::Red)
        },
    )
}

/// How many files are in conflict, staged, modified and untracked.
pub fn changes(worktree: &Worktree) -> Cell {
    let Some(Changes {
        staged,
        modified,
        untracked,
        conflicted,
    }) = worktree.changes
    else {
        return Cell::default();
    };
    let counts = [
        ('!', conflicted),
        ('+', staged),
        ('~', modified),
        ('?', untracked),
    ];
    let shown: Vec<_> = counts
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(sign, n)| format!("{sign}{n}"))
        .collect();
    (
        shown.join(" "),
        colour(if conflicted > 0 {
            AnsiColor::Red
        } else {
            AnsiColor::Yellow
        }),
    )
}

fn default(worktree: &Worktree) -> Cell {
    match &worktree.default {
        Some(_) if worktree.main => Cell::default(),
        Some(d) if d.ahead == 0 && d.behind == 0 => ("same".into(), Style::new().dimmed()),
        Some(d) if d.merged && d.ahead > 0 => ("merged".into(), Style::new().dimmed()),
        // Its own commits are there already, or it has none yet: `wprune --merged` knows.
        Some(d) if d.ahead == 0 => (arrows(0, d.behind), Style::new().dimmed()),
        Some(d) => (arrows(d.ahead, d.behind), Style::new()),
        None => Cell::default(),
    }
}

fn upstream(worktree: &Worktree) -> Cell {
    match &worktree.upstream {
        Some(upstream) if upstream.gone => ("gone".into(), colour(AnsiColor::Red)),
        Some(upstream) => match (
            upstream.ahead.unwrap_or_default(),
            upstream.behind.unwrap_or_default(),
        ) {
            (0, 0) => ("=".into(), Style::new().dimmed()),
            (ahead, behind) => (arrows(ahead, behind), Style::new()),
        },
        None => Cell::default(),
    }
}

fn arrows(ahead: usize, behind: usize) -> String {
    let counts = [('↑', ahead), ('↓', behind)];
    counts
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(sign, n)| format!("{sign}{n}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The status that wants attention most, or when the last session was active.
fn claude(worktree: &Worktree) -> Cell {
    let live = worktree.claude.live.as_deref().unwrap_or_default();
    let statuses = || {
        live.iter()
            .map(|session| session.status.as_deref().unwrap_or("running"))
    };
    let urgent = ["waiting", "busy", "shell", "idle"];
    let rank = |status: &&str| {
        urgent
            .iter()
            .position(|u| u == status)
            .unwrap_or(urgent.len())
    };
    let Some(first) = statuses().min_by_key(rank) else {
        let last = worktree
            .claude
            .last
            .as_ref()
            .map(|last| ago(&last.updated_at));
        return (last.unwrap_or_default(), Style::new().dimmed());
    };
    let style = match first {
        "waiting" => colour(AnsiColor::Magenta).bold(),
        "busy" => colour(AnsiColor::Green),
        _ => colour(AnsiColor::Cyan),
    };
    let more = if live.len() > 1 {
        format!(" ×{}", live.len())
    } else {
        String::new()
    };
    (plain::line(&first) + &more, style)
}

fn age(worktree: &Worktree) -> Cell {
    let shown = worktree
        .commit
        .as_ref()
        .map(|commit| format!("{} {}", ago(&commit.time), plain::line(&commit.subject)));
    (shown.unwrap_or_default(), Style::new().dimmed())
}

/// How long ago, in the one unit that says enough.
pub fn ago(time: &str) -> String {
    let Ok(time) = time.parse::<Timestamp>() else {
        return String::new();
    };
    let seconds = (Timestamp::now().as_second() - time.as_second()).max(0);
    let units = [
        (31_557_600, "y"),
        (604_800, "w"),
        (86_400, "d"),
        (3600, "h"),
        (60, "m"),
        (1, "s"),
    ];
    let fitting = units.iter().find(|(unit, _)| seconds >= *unit);
    fitting.map_or_else(
        || "now".into(),
        |(unit, name)| format!("{}{name} ago", seconds / unit),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_loses_columns_and_then_letters_of_the_branch() {
        let worktree = Worktree {
            name: "auth".into(),
            prompt: "feature/a-very-long-name-of-a-branch@auth".into(),
            changes: Some(Changes {
                modified: 3,
                ..Changes::default()
            }),
            ..Worktree::default()
        };
        let shown = |width| {
            anstream::adapter::strip_str(&render(std::slice::from_ref(&worktree), width))
                .to_string()
        };
        for (width, line) in [
            (200, "feature/a-very-long-name-of-a-branch  auth      ~3"),
            (45, "feature/a-very-long-name-…  auth      ~3"),
            (38, "feature/a-very-long-name-of-…  ~3"),
            (20, "feature/a-…  ~3"),
        ] {
            assert_eq!(shown(width).lines().nth(1), Some(line));
            assert!(shown(width).lines().all(|line| line.width() <= width));
        }
    }
    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let names = [
            "feature/auth",
            "機能/認証とその他のとても長い名前の枝",
            "fix/❤️❤️❤️❤️❤️❤️❤️❤️❤️❤️❤️❤️❤️❤️-emoji",
            "👩‍👩‍👧‍👦/family-🇩🇪-e\u{301}e\u{301}e\u{301}",
            "a",
        ];
        let worktrees = names.map(|name| Worktree {
            name: name.into(),
            prompt: format!("{name}@other|cherry-pick").into(),
            changes: Some(Changes {
                staged: 1,
                modified: 1234,
                untracked: 56,
                conflicted: 7,
            }),
            ..Worktree::default()
        });
        for width in 0..=200 {
            let text = anstream::adapter::strip_str(&render(&worktrees, width)).to_string();
            for line in text.lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }
}
