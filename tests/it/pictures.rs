//! The README's pictures: real shells in a real terminal, as `tests/pictures/*.svg`.
//!
//! `TREEHOP_WRITE_PICTURES=1 cargo test --test it pictures` makes them anew; without it, a stale one fails.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anstyle_svg::{Palette, Term};
use serde_json::json;

use crate::common::tmux::Tmux;
use crate::common::{Repo, Shell, tools};
use crate::live::Session;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// Black and white are background and text; the rest as GitHub has it.
const LIGHT: [u32; 16] = [
    0x00ff_ffff,
    0x00cf_222e,
    0x0011_6329,
    0x009a_6700,
    0x0009_69da,
    0x0082_50df,
    0x001b_7c83,
    0x001f_2328,
    0x0065_6d76,
    0x00a4_0e26,
    0x001a_7f37,
    0x0063_3c01,
    0x0021_8bff,
    0x00a4_75f9,
    0x0031_92aa,
    0x001f_2328,
];
const DARK: [u32; 16] = [
    0x000d_1117,
    0x00ff_7b72,
    0x003f_b950,
    0x00d2_9922,
    0x0058_a6ff,
    0x00bc_8cff,
    0x0039_c5cf,
    0x00e6_edf3,
    0x008b_949e,
    0x00ff_a198,
    0x0056_d364,
    0x00e3_b341,
    0x0079_c0ff,
    0x00d2_a8ff,
    0x0056_d4dd,
    0x00e6_edf3,
];

fn drawn(text: &str, colours: [u32; 16]) -> String {
    let part = |colour: u32, at: u32| u8::try_from(colour >> at & 0xff).unwrap();
    let rgb = |colour| (part(colour, 16), part(colour, 8), part(colour, 0)).into();
    let term = Term::new()
        .palette(Palette(colours.map(rgb)))
        .min_width_px(0);
    term.render_svg(text)
}

/// One picture for light and dark: the dark one's colours hold where the reader prefers them.
fn svg(text: &str) -> String {
    let (light, dark) = (drawn(text, LIGHT), drawn(text, DARK));
    let colours = dark
        .lines()
        .filter(|line| line.starts_with("    .") && line.contains("fill:"));
    let colours: Vec<_> = colours.collect();
    let dark = format!(
        "    @media (prefers-color-scheme: dark) {{\n  {}\n    }}\n  </style>",
        colours.join("\n  ")
    );
    let light = light.replacen("  </style>", &dark, 1);
    // Dimmed is not to be guessed at; and no line of ours ends with an empty one.
    let light = light.replace("opacity: 0.4", "opacity: 0.65");
    light.replace("\n</tspan>", "</tspan>")
}

/// Compares with what is in the repository, or writes it there.
fn check(name: &str, text: &str) {
    check_as(name, text, str::to_owned);
}

/// Compares only what `telling` takes of it.
fn check_as(name: &str, text: &str, telling: fn(&str) -> String) {
    let picture = svg(text);
    let file = tools::source(format!("tests/pictures/{name}.svg"));
    if std::env::var_os("TREEHOP_WRITE_PICTURES").is_some() {
        fs::write(&file, &picture).unwrap();
    }
    let there = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        telling(&there) == telling(&picture),
        "tests/pictures/{name}.svg is stale: TREEHOP_WRITE_PICTURES=1 cargo test --test it pictures\n{text}"
    );
}

/// The rows of a picker: around them, each version of fzf draws something else.
fn rows(picture: &str) -> String {
    let rows = picture
        .split(['<', '>'])
        .filter(|text| text.contains("~/git/"));
    rows.map(|row| row.trim().to_owned() + "\n").collect()
}

fn before(seconds: u64) -> SystemTime {
    // A bit more, so that the test's own time does not change what is shown.
    SystemTime::now() - Duration::from_secs(seconds + HOUR / 4)
}

fn commit(repo: &Repo, dir: &Path, message: &str, age: u64) {
    let seconds = before(age).duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut git = repo.scratch.command(tools::program("git"), dir);
    let date = format!("@{seconds} +0000");
    git.env("GIT_COMMITTER_DATE", &date)
        .env("GIT_AUTHOR_DATE", &date);
    let done = git.args(["commit", "-q", "-a", "-m", message]);
    assert!(done.status().unwrap().success());
}

/// The guide's repository in the middle of its story, and the sessions in it.
fn story() -> (Repo, Vec<Session>) {
    let repo = Repo::new();
    let write = |dir: &Path, file: &str| repo.scratch.write(dir.join(file), format!("{file}\n"));
    let start = |dir: &Path, message, age| {
        repo.git_in(dir, ["add", "."]);
        commit(&repo, dir, message, age);
    };
    for file in ["README.md", "loader.py", "bits.py", "tests.py"] {
        write(&repo.main, file);
    }
    start(&repo.main, "Start the project", 3 * DAY);
    let auth = repo.worktree("feature/auth");
    let fix = repo.worktree_at("fix/issue-422", "bitsandbytes-fix-422");
    let experiment = repo.worktree_at("experiment/new-quantizer", "bitsandbytes-experiment");
    write(&repo.main, "cache.py");
    start(&repo.main, "Speed up the loader", 2 * HOUR);
    write(&auth, "auth.py");
    start(&auth, "Add auth", DAY);
    write(&auth, "notes.txt");
    repo.venv(&auth);
    write(&experiment, "four.py");
    start(&experiment, "Try 4 bits", 5 * HOUR);
    for file in ["README.md", "bits.py", "tests.py"] {
        repo.scratch.write(experiment.join(file), "4 bits\n");
    }
    write(&experiment, "eight.py");
    repo.git_in(&experiment, ["add", "eight.py"]);
    repo.scratch.write(fix.join("loader.py"), "slow\n");
    start(&fix, "Find what is slow", 3 * DAY);
    repo.scratch.write(fix.join("loader.py"), "fixed\n");
    let time = jiff::Timestamp::try_from(before(3 * DAY)).unwrap();
    let id = "11111111-1111-4111-8111-111111111111";
    let record =
        json!({"type": "user", "cwd": fix, "timestamp": time.to_string(), "sessionId": id});
    let slug = fix
        .to_str()
        .unwrap()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let transcript = format!(".claude/projects/{slug}/{id}.jsonl");
    repo.scratch.write(transcript, format!("{record}\n"));
    let sessions = [
        (&repo.main, "idle"),
        (&auth, "waiting"),
        (&experiment, "busy"),
    ]
    .map(|(dir, status)| Session::start(&repo.scratch, dir, status));
    (repo, sessions.into())
}

/// The README's prompt, after a plain one of the user's.
fn prompt(shell: Shell) -> &'static str {
    shell.pick(
        "PS1='\\W $ '\nPS1='${TREEHOP_PROMPT:+($TREEHOP_PROMPT) }'\"$PS1\"",
        "PROMPT='%1~ %% '\nsetopt prompt_subst; PROMPT='${TREEHOP_PROMPT:+(${TREEHOP_PROMPT//\\%/%%}) }'\"$PROMPT\"",
        "function fish_prompt; echo -n (path basename $PWD)'> '; end\n\
         function fish_right_prompt; printf %s \"$TREEHOP_PROMPT\"; end",
        "$env.PROMPT_COMMAND = {|| $env.PWD | path basename }\n$env.PROMPT_INDICATOR = '> '\n\
         $env.PROMPT_COMMAND_RIGHT = {|| $env.TREEHOP_PROMPT? | default '' }",
    )
}

/// A shell in a terminal.
struct Open {
    tmux: Tmux,
    shell: Shell,
}

/// Once it waits in the worktree `dir`.
fn open(repo: &Repo, shell: Shell, dir: &Path, size: (u16, u16)) -> Open {
    let start = repo.shell(shell).after(prompt(shell)).dir(dir);
    let tmux = start.size(size.0, size.1).spawn().tmux;
    let open = Open { tmux, shell };
    open.waits(dir);
    open
}

impl Open {
    /// Types a line; then it waits in `dir`.
    fn line(&self, line: &str, dir: &Path) {
        self.tmux.line(line);
        self.tmux.settle("the line", |screen| {
            screen.lines[..screen.cursor]
                .iter()
                .any(|above| above.contains(line))
        });
        self.waits(dir);
    }

    /// Waits for a prompt with nothing typed.
    fn waits(&self, dir: &Path) {
        let name = dir.file_name().unwrap().to_str().unwrap();
        let prompt = name.to_owned() + self.shell.pick(" $", " %", ">", ">");
        self.tmux.settle("the prompt", |screen| {
            let typed = screen.cursor_line().rsplit_once(&prompt);
            // On the right there may be the other one, after many spaces.
            typed.is_some_and(|(_, typed)| typed.is_empty() || typed.starts_with("    "))
        });
    }
}

/// What is on the screen, as if it were a user's home.
fn shown(repo: &Repo, tmux: &Tmux) -> String {
    tmux.coloured()
        .replace(repo.scratch.home.to_str().unwrap(), "/home/you")
}

/// Without the prompt that waits below it.
fn finished(text: &str) -> &str {
    text.rsplit_once('\n').map_or(text, |(above, _)| above)
}

#[test]
fn the_table() {
    let (repo, _sessions) = story();
    let open = open(&repo, Shell::Bash, &repo.main, (100, 20));
    open.line("wcd auth", &repo.auth());
    open.line("wls", &repo.auth());
    check("wls", finished(&shown(&repo, &open.tmux)));
}

#[test]
fn the_picker() {
    let (repo, _sessions) = story();
    repo.scratch.with("fzf");
    let tmux = open(&repo, Shell::Zsh, &repo.main, (100, 14)).tmux;
    tmux.line("wcd -i");
    tmux.settle("the list", |screen| screen.shows("4/4"));
    check_as("picker", &shown(&repo, &tmux), rows);
}

#[test]
fn the_prompts() {
    let (repo, _sessions) = story();
    let mut all = Vec::new();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Nu] {
        let open = open(&repo, shell, &repo.main, (88, 12));
        open.line("wcd auth", &repo.auth());
        open.line("printenv VIRTUAL_ENV", &repo.auth());
        let text = shown(&repo, &open.tmux);
        all.push(format!("\x1b[2m{}\x1b[0m\n{text}", shell.name()));
    }
    check("prompt", &all.join("\n\n"));
}

#[test]
fn the_table_of_nu() {
    let (repo, _sessions) = story();
    let open = open(&repo, Shell::Nu, &repo.auth(), (100, 24));
    for line in [
        "wls | where changes.modified > 0 | select branch state session base age",
        "wls | where session =~ waiting | get branch",
    ] {
        open.line(line, &repo.auth());
    }
    check("nu", finished(&shown(&repo, &open.tmux)));
}
