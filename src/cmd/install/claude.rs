//! Claude Code's settings: hooks that make and remove its worktrees, and a status line.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};

use super::json::Step::{self, At, Key};
use super::json::Text;
use super::{Action, Change, diff};
use crate::cli::{self, Shell};
use crate::error::{Exit, Failure};
use crate::repo::Repo;
use crate::{claude, file, places};

/// The hooks: what Claude Code calls them, what treehop does.
const HOOKS: [(&str, &str); 2] = [
    ("WorktreeCreate", "hook worktree-create"),
    ("WorktreeRemove", "hook worktree-remove"),
];
/// How long they may take, in seconds: Claude Code's own default, which a set-up is measured by.
const TIMEOUT: u32 = 600;
const STATUS_LINE: &str = "statusline";

/// What Claude Code's settings need, worked out before anything is written.
pub struct Plan {
    /// The settings.
    pub file: PathBuf,
    /// What writing them comes to.
    pub action: Action,
    /// The status line that is used: `None`: none, `false`: the user's own.
    status_line: Option<bool>,
    /// Hooks of others for what ours answer.
    others: Vec<&'static str>,
    program: String,
    change: Change,
}

/// Claude Code in the JSON.
#[derive(Serialize)]
pub struct Done {
    file: String,
    action: Action,
    /// Is the status line treehop's?
    status_line: bool,
}

/// A command that Claude Code runs, with the keys in the order that people write them in.
#[derive(Serialize)]
struct Handler {
    r#type: &'static str,
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<u32>,
}

impl Handler {
    fn new(program: &str, words: &str, timeout: Option<u32>) -> Self {
        Handler {
            r#type: "command",
            command: format!("{program} {words}"),
            timeout,
        }
    }
}

/// What holds one in the list of an event.
#[derive(Serialize)]
struct Group {
    hooks: [Handler; 1],
}

/// One of our hooks in the settings: `hooks.EVENT[group].hooks[handler]`, and its command.
struct Ours {
    event: String,
    group: usize,
    handler: usize,
    command: String,
}

/// Does what `args` say with the settings.
///
/// # Errors
/// They cannot be read or written, or are broken; they are as they were then.
pub fn run(args: &cli::Install) -> Result<Plan> {
    let plan = plan(args.project, args.uninstall)?;
    let Change { before, after, .. } = &plan.change;
    if before == after {
        return Ok(plan);
    }
    if args.dry_run {
        std::io::stderr().write_all(&diff(&plan.change))?;
    }
    file::writable(&plan.file)?;
    if !args.dry_run {
        plan.change.write()?;
    }
    Ok(plan)
}

/// Works out what the user's settings need, or with `project` those that come with the worktree, to call treehop or
/// (`uninstall`) to forget it.
///
/// # Errors
/// They cannot be read, or are broken.
pub fn plan(project: bool, uninstall: bool) -> Result<Plan> {
    let file = settings(project)?;
    let before = file::read(&file)?;
    let broken = |why: &dyn std::fmt::Display| {
        let message = format!("'{}' was left as it is: {why}", file.display());
        anyhow::Error::from(Failure::new(Exit::Failed, message).hint("mend it, and run it again"))
    };
    let text = String::from_utf8(before.clone().unwrap_or_default()).map_err(|e| broken(&e))?;
    let empty = text.trim().is_empty();
    let mut text = Text::new(if empty { "{}\n".to_owned() } else { text });
    let value = text.value().map_err(|e| broken(&e))?;
    shape(&value).map_err(|why| broken(&why))?;
    // Others have treehop elsewhere.
    let program = if project || uninstall {
        "treehop".to_owned()
    } else {
        Shell::Bash.path(&places::treehop()?)?
    };
    let had = HOOKS
        .iter()
        .any(|(_, words)| !ours(&value, words).is_empty())
        || status_line(&value) == Some(true);
    if uninstall {
        take(&mut text)?;
    } else {
        put(&mut text, &program)?;
    }
    let value = text.value()?;
    let gone = uninstall && had && value.as_object().is_some_and(serde_json::Map::is_empty);
    let after = match &before {
        _ if gone => None,
        None if uninstall => None,
        Some(before) if empty && uninstall => Some(before.clone()),
        _ => Some(text.text().as_bytes().to_vec()),
    };
    let action = match (uninstall, had, before == after) {
        (true, false, _) => Action::Absent,
        (true, true, _) => Action::Removed,
        (false, _, true) => Action::Unchanged,
        (false, true, false) => Action::Updated,
        (false, false, false) => Action::Added,
    };
    let other = |(event, words): &(&'static str, &str)| {
        let handlers = handlers(&value).filter(|handler| handler.event == *event);
        (handlers.count() > ours(&value, words).len()).then_some(*event)
    };
    Ok(Plan {
        action,
        status_line: status_line(&value),
        others: HOOKS.iter().filter_map(other).collect(),
        program,
        change: Change {
            path: file.clone(),
            before,
            after,
        },
        file,
    })
}

/// Where the settings are.
fn settings(project: bool) -> Result<PathBuf> {
    if project {
        let repo = Repo::discover(&crate::cmd::current_dir()?)?;
        let entry = repo.entry_here()?;
        if entry.main && repo.bare {
            let message = format!("'{}' is bare: it has no files", repo.root().display());
            return Err(Failure::new(Exit::Failed, message)
                .hint("cd to a worktree")
                .into());
        }
        return Ok(entry.path.join(".claude/settings.json"));
    }
    let folder = claude::folder().context("HOME is not set")?;
    Ok(folder.join("settings.json"))
}

/// Says what is not as Claude Code has it, as far as that is in our way.
fn shape(value: &Value) -> Result<(), String> {
    let object = |value: &Value| value.is_object() || value.is_null();
    if !value.is_object() {
        return Err("it is no JSON object".into());
    }
    if !object(&value["hooks"]) {
        return Err("'hooks' is no object".into());
    }
    let is_array = |value: &Value| value.is_array() || value.is_null();
    match HOOKS.iter().find(|(e, _)| !is_array(&value["hooks"][e])) {
        Some((event, _)) => Err(format!("'hooks.{event}' is no array")),
        None => Ok(()),
    }
}

/// All hooks that run a command.
fn handlers(value: &Value) -> impl Iterator<Item = Ours> {
    let events = value["hooks"].as_object().into_iter().flatten();
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    events.flat_map(move |(event, groups)| {
        let groups = array(groups).into_iter().enumerate();
        let event = event.clone();
        groups.flat_map(move |(group, value)| {
            let event = event.clone();
            let handlers = array(&value["hooks"]).into_iter().enumerate();
            handlers.filter_map(move |(handler, value)| {
                Some(Ours {
                    event: event.clone(),
                    group,
                    handler,
                    command: value["command"].as_str()?.to_owned(),
                })
            })
        })
    })
}

/// Those that run `treehop WORDS`, wherever the user has moved them to.
fn ours(value: &Value, words: &str) -> Vec<Ours> {
    handlers(value)
        .filter(|handler| split(&handler.command, words).is_some())
        .collect()
}

/// `command` as treehop's path and what follows `words`.
fn split<'a>(command: &'a str, words: &str) -> Option<(&'a str, &'a str)> {
    let (program, rest) = command.split_once(words)?;
    let program = program.strip_suffix(' ')?;
    let called = program.trim_end_matches(['\'', '"']).ends_with("treehop");
    (called && (rest.is_empty() || rest.starts_with(' '))).then_some((program, rest))
}

/// Is there a status line, and is it ours?
fn status_line(value: &Value) -> Option<bool> {
    let set = value.get("statusLine").filter(|set| !set.is_null())?;
    let command = set["command"].as_str().unwrap_or_default();
    Some(split(command, STATUS_LINE).is_some())
}

/// `command` with the treehop of today; one that does more than call it stays.
fn renewed(command: &str, words: &str, program: &str) -> Option<String> {
    let (was, rest) = split(command, words)?;
    (was != program && !was.contains(['&', '|', ';'])).then(|| format!("{program} {words}{rest}"))
}

fn put(text: &mut Text, program: &str) -> Result<()> {
    for (event, words) in HOOKS {
        let value = text.value()?;
        let there = ours(&value, words);
        for one in &there {
            if let Some(command) = renewed(&one.command, words, program) {
                let way = [Key("hooks"), Key(&one.event), At(one.group), Key("hooks")];
                let way = [&way[..], &[At(one.handler), Key("command")]].concat();
                text.replace(&way, &command)?;
            }
        }
        if !there.is_empty() {
            continue;
        }
        let group = Group {
            hooks: [Handler::new(program, words, Some(TIMEOUT))],
        };
        fill(text, &[], "hooks", &value, &json!({}))?;
        fill(text, &[Key("hooks")], event, &value["hooks"], &json!([]))?;
        text.add(&[Key("hooks"), Key(event)], None, &group)?;
    }
    let value = text.value()?;
    match status_line(&value) {
        None => {
            let ours = Handler::new(program, STATUS_LINE, None);
            fill(text, &[], "statusLine", &value, &ours)?;
        }
        Some(true) => {
            let was = value["statusLine"]["command"].as_str().unwrap_or_default();
            if let Some(command) = renewed(was, STATUS_LINE, program) {
                text.replace(&[Key("statusLine"), Key("command")], &command)?;
            }
        }
        Some(false) => {}
    }
    Ok(())
}

/// Adds `key` where it is missing, or null.
fn fill(
    text: &mut Text,
    way: &[Step],
    key: &str,
    there: &Value,
    value: &impl Serialize,
) -> Result<()> {
    match there.get(key) {
        Some(Value::Null) => text.take(&[way, &[Key(key)]].concat())?,
        Some(_) => return Ok(()),
        None => {}
    }
    text.add(way, Some(key), value)
}

/// Takes out our hooks and status line, and what holds nothing else.
fn take(text: &mut Text) -> Result<()> {
    for (_, words) in HOOKS {
        while let Some(one) = ours(&text.value()?, words).pop() {
            let value = text.value()?;
            let hooks = &value["hooks"];
            let groups = &hooks[&one.event];
            let single = |value: &Value| match value {
                Value::Array(all) => all.len() == 1,
                Value::Object(all) => all.len() == 1,
                _ => false,
            };
            let way = [
                Key("hooks"),
                Key(&one.event),
                At(one.group),
                Key("hooks"),
                At(one.handler),
            ];
            // How much of the way holds nothing but this.
            let mut length = way.len();
            if single(&groups[one.group]["hooks"]) {
                length = 3;
                if single(groups) {
                    length = if single(hooks) { 1 } else { 2 };
                }
            }
            text.take(&way[..length])?;
        }
    }
    if status_line(&text.value()?) == Some(true) {
        text.take(&[Key("statusLine")])?;
    }
    Ok(())
}

impl Plan {
    /// What the JSON says of it.
    pub fn done(&self) -> Done {
        Done {
            file: self.file.to_string_lossy().into_owned(),
            action: self.action,
            status_line: self.status_line == Some(true),
        }
    }

    /// Says what was done, and what was not.
    pub fn report(&self, args: &cli::Install) {
        let would = if args.dry_run { "would be " } else { "" };
        let file = places::tilde(&self.file);
        match self.action {
            Action::Added => say!("claude: {would}added to {file}"),
            Action::Updated => say!("claude: {would}updated in {file}"),
            Action::Unchanged => say!("claude: up to date in {file}"),
            Action::Removed => say!("claude: {would}removed from {file}"),
            Action::Absent => say!("claude: not in {file}"),
        }
        if args.uninstall {
            return;
        }
        for event in &self.others {
            say!("claude: {event} has another hook, too: Claude Code runs both");
        }
        if self.status_line == Some(false) {
            say!(
                "claude: your own status line stays; treehop's would be: {} {STATUS_LINE}",
                self.program
            );
        }
    }
}

/// Where treehop goes from the shells, Claude Code may still call it.
pub fn remind() {
    if plan(false, true).is_ok_and(|plan| plan.action == Action::Removed) {
        say!("hint: Claude Code still calls it: treehop install claude --uninstall");
    }
}
