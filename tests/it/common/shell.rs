//! The four shells, spoken to in one way.
//!
//! A session is an interactive shell in a terminal, with its start-up file in a scratch home. What it did is read
//! by a program that it runs (`probe`), so that all four are seen as their child processes see them.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::Output;

use super::tmux::{Screen, Tmux};
use super::{Repo, tools};

/// The prompt of every session. Whatever stands before it, a line that ends with it waits for input.
pub const READY: &str = "READY>";

/// What a probe tells of, besides the status and the directory.
const VARIABLES: [&str; 8] = [
    "TREEHOP_WORKTREE",
    "TREEHOP_BRANCH",
    "TREEHOP_PROMPT",
    "TREEHOP_VENV",
    "VIRTUAL_ENV",
    "VIRTUAL_ENV_PROMPT",
    "PATH",
    "OLDPWD",
];

/// One of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Nu,
}

impl Shell {
    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
            Shell::Nu => "nu",
        }
    }

    /// The text for this shell.
    pub fn pick<'t>(self, bash: &'t str, zsh: &'t str, fish: &'t str, nu: &'t str) -> &'t str {
        match self {
            Shell::Bash => bash,
            Shell::Zsh => zsh,
            Shell::Fish => fish,
            Shell::Nu => nu,
        }
    }

    /// The integration under test.
    pub fn file(self) -> PathBuf {
        tools::source(format!("shell/treehop.{}", self.name()))
    }

    /// The line that loads it.
    pub fn load(self) -> String {
        let file = self.quote(self.file().to_str().expect("UTF-8"));
        match self {
            Shell::Nu => format!("use {file} *"),
            _ => format!("source {file}"),
        }
    }

    /// `word` as one argument.
    pub fn quote(self, word: &str) -> String {
        match self {
            Shell::Bash | Shell::Zsh => format!("'{}'", word.replace('\'', r"'\''")),
            Shell::Fish => format!("'{}'", word.replace('\\', r"\\").replace('\'', r"\'")),
            Shell::Nu if word.contains('\'') => {
                format!("\"{}\"", word.replace('\\', r"\\").replace('"', "\\\""))
            }
            Shell::Nu => format!("'{word}'"),
        }
    }

    /// The line that sets and exports a variable.
    pub fn export(self, name: &str, value: &str) -> String {
        let value = self.quote(value);
        match self {
            Shell::Bash | Shell::Zsh => format!("export {name}={value}"),
            Shell::Fish => format!("set -gx {name} {value}"),
            Shell::Nu => format!("$env.{name} = {value}"),
        }
    }

    /// The line that puts a directory first on `PATH`.
    pub fn prepend_path(self, dir: &Path) -> String {
        let dir = self.quote(dir.to_str().expect("UTF-8"));
        match self {
            Shell::Bash | Shell::Zsh => format!("export PATH={dir}:\"$PATH\""),
            Shell::Fish => format!("set -gx PATH {dir} $PATH"),
            Shell::Nu => format!("$env.PATH = ($env.PATH | prepend {dir})"),
        }
    }

    /// The status of the last line.
    pub fn status(self) -> &'static str {
        self.pick("$?", "$?", "$status", "$env.LAST_EXIT_CODE")
    }

    /// The lines of the start-up file that give a prompt to wait for, and nothing that moves or talks.
    fn quiet(self) -> &'static str {
        match self {
            Shell::Bash => "PS1='READY> '\n",
            Shell::Zsh => "PROMPT='READY> '\nRPROMPT=''\nunsetopt prompt_sp beep\n",
            Shell::Fish => {
                "set -g fish_greeting\nset -g fish_autosuggestion_enabled 0\n\
                 function fish_prompt; echo -n 'READY> '; end\n"
            }
            Shell::Nu => {
                "$env.config.show_banner = false\n$env.PROMPT_COMMAND = {|| '' }\n\
                 $env.PROMPT_COMMAND_RIGHT = {|| '' }\n$env.PROMPT_INDICATOR = 'READY> '\n"
            }
        }
    }

    /// The lines that give a prompt with `TREEHOP_PROMPT`, as the README tells people to write it.
    pub fn prompt(self) -> &'static str {
        match self {
            Shell::Bash => "PS1='${TREEHOP_PROMPT-} READY> '\n",
            Shell::Zsh => "setopt prompt_subst\nPROMPT='${TREEHOP_PROMPT//\\%/%%} READY> '\n",
            Shell::Fish => "function fish_prompt; echo -n -- \"$TREEHOP_PROMPT READY> \"; end\n",
            Shell::Nu => {
                "$env.PROMPT_COMMAND = {|| $env.TREEHOP_PROMPT? | default '' }\n$env.PROMPT_INDICATOR = ' READY> '\n"
            }
        }
    }

    /// Where people put their own lines.
    pub fn rc(self) -> &'static str {
        self.pick(
            ".bashrc",
            ".zshrc",
            ".config/fish/config.fish",
            ".config/nushell/config.nu",
        )
    }
}

impl Repo {
    /// A session of `shell`, to be adjusted and started.
    pub fn shell(&self, shell: Shell) -> Start<'_> {
        let env = self.scratch.env();
        let size = (200, 50);
        let (before, after) = (String::new(), String::new());
        let dir = self.main.clone();
        Start {
            repo: self,
            shell,
            before,
            after,
            env,
            dir,
            size,
            load: true,
            login: false,
            zellij: false,
        }
    }
}

/// How a session begins.
pub struct Start<'a> {
    repo: &'a Repo,
    shell: Shell,
    before: String,
    after: String,
    env: BTreeMap<OsString, OsString>,
    dir: PathBuf,
    size: (u16, u16),
    load: bool,
    login: bool,
    zellij: bool,
}

impl<'a> Start<'a> {
    /// Lines of the start-up file above the one that loads treehop.
    pub fn before(mut self, lines: &str) -> Self {
        self.before.push_str(lines);
        self.before.push('\n');
        self
    }

    /// Lines below it.
    pub fn after(mut self, lines: &str) -> Self {
        self.after.push_str(lines);
        self.after.push('\n');
        self
    }

    /// A variable that the shell inherits.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.insert(name.into(), value.as_ref().into());
        self
    }

    /// Where it starts; else in the main worktree.
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        dir.as_ref().clone_into(&mut self.dir);
        self
    }

    /// Another terminal than one of 200 × 50.
    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        self.size = (columns, rows);
        self
    }

    /// The start-up file does not load treehop.
    pub fn unloaded(mut self) -> Self {
        self.load = false;
        self
    }

    /// A login shell.
    pub fn login(mut self) -> Self {
        self.login = true;
        self
    }

    /// Inside zellij, which fills the terminal with the shell alone, and ends with it.
    pub fn in_zellij(mut self) -> Self {
        let scratch = &self.repo.scratch;
        let layout = scratch.write(".config/zellij/plain.kdl", "layout { pane; }\n");
        let config = format!(
            "default_shell \"{}\"\ndefault_layout \"{}\"\npane_frames false\nshow_startup_tips false\n\
             show_release_notes false\non_force_close \"quit\"\n",
            tools::program(self.shell.name()).display(),
            layout.display()
        );
        scratch.write(".config/zellij/config.kdl", config);
        scratch.with("zellij");
        let sockets = scratch.root.clone();
        self.zellij = true;
        self.env("ZELLIJ_SOCKET_DIR", sockets)
    }

    /// Writes the start-up file.
    fn prepare(&self) {
        let load = if self.load {
            self.shell.load()
        } else {
            String::new()
        };
        let text = [&self.before, self.shell.quiet(), &load, "\n", &self.after].concat();
        let scratch = &self.repo.scratch;
        scratch.write(self.shell.rc(), text);
        match self.shell {
            // As Debian's own files for a new user do.
            Shell::Bash => {
                let path = scratch.env().remove(OsStr::new("PATH")).expect("PATH");
                let path = Shell::Bash.export("PATH", &path.to_string_lossy());
                scratch.write(".bash_profile", format!("{path}\n. ~/.bashrc\n"));
            }
            Shell::Nu => {
                scratch.write(".config/nushell/env.nu", "");
            }
            // Where it is missing, fish reads all manual pages in the background.
            Shell::Fish => {
                let dir = scratch.home.join(".local/share/fish/generated_completions");
                fs::create_dir_all(dir).expect("a directory");
            }
            Shell::Zsh => {}
        }
        write_probe(self.repo);
    }

    /// The shell and its arguments. zsh reads no file of the machine; the others have no such switch.
    fn program(&self) -> Vec<OsString> {
        if self.zellij {
            // tmux says in TMUX where one is.
            return ["env", "--unset=TMUX", "zellij"].map(OsString::from).into();
        }
        let mut argv: Vec<OsString> = vec![tools::program(self.shell.name()).into()];
        if self.shell == Shell::Zsh {
            argv.push("-d".into());
        }
        argv.push(if self.login { "-l" } else { "-i" }.into());
        argv
    }

    /// Starts it, and waits for its first prompt.
    #[track_caller]
    pub fn start(self) -> Session<'a> {
        let session = self.spawn();
        session.ready();
        session
    }

    /// Starts it, and does not wait.
    pub fn spawn(self) -> Session<'a> {
        self.prepare();
        let tmux = Tmux::start(
            &self.repo.scratch,
            &self.env,
            &self.dir,
            self.size,
            &self.program(),
        );
        Session {
            repo: self.repo,
            shell: self.shell,
            tmux,
            seen: read_probes(self.repo).len(),
        }
    }

    /// Runs one command line without a terminal, with treehop loaded, and gives what it printed.
    pub fn command(self, line: &str) -> Output {
        write_probe(self.repo);
        let load = if self.load {
            self.shell.load()
        } else {
            String::new()
        };
        let text = format!("{}{load}\n{}{line}\n", self.before, self.after);
        let mut command = self
            .repo
            .scratch
            .command(tools::program(self.shell.name()), &self.dir);
        match self.shell {
            Shell::Bash => command.args(["--noprofile", "--norc"]),
            Shell::Zsh => command.args(["-d", "-f"]),
            Shell::Fish => command.arg("--no-config"),
            Shell::Nu => command.arg("--no-config-file"),
        };
        command
            .arg("-c")
            .arg(text)
            .env_clear()
            .envs(&self.env)
            .output()
            .expect("the shell runs")
    }

    /// What the first probe of a command line saw.
    #[track_caller]
    pub fn probe_of(self, line: &str) -> Probe {
        let repo = self.repo;
        let out = self.command(line);
        let context = format!(
            "{}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
        read_probes(repo)
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no probe ran:\n{context}"))
            .with(context)
    }
}

/// A shell that waits for input.
pub struct Session<'a> {
    /// What it works on.
    pub repo: &'a Repo,
    /// Which one it is.
    pub shell: Shell,
    /// Its terminal.
    pub tmux: Tmux,
    seen: usize,
}

fn is_ready(screen: &Screen) -> bool {
    screen.cursor_line().ends_with(READY)
}

impl Session<'_> {
    /// Waits for the prompt.
    #[track_caller]
    pub fn ready(&self) -> Screen {
        self.tmux.settle("the prompt", is_ready)
    }

    /// Types `text` and leaves it on the line.
    #[track_caller]
    pub fn text(&self, text: &str) -> &Self {
        self.tmux.text(text);
        self.tmux.wait("the typed text", |screen| !is_ready(screen));
        self
    }

    /// Presses keys.
    pub fn keys(&self, keys: &[&str]) -> &Self {
        self.tmux.keys(keys);
        self
    }

    /// Types a line, and waits until the shell waits for the next.
    #[track_caller]
    pub fn line(&mut self, line: &str) -> &mut Self {
        let before = self.tmux.screen();
        self.tmux.line(line);
        self.tmux.settle("the next prompt", |screen| {
            is_ready(screen) && *screen != before
        });
        self
    }

    /// Several lines, one after the other.
    #[track_caller]
    pub fn lines(&mut self, lines: &[&str]) -> &mut Self {
        for line in lines {
            self.line(line);
        }
        self
    }

    /// An empty line: one more prompt.
    #[track_caller]
    pub fn enter(&mut self) -> &mut Self {
        let before = self.tmux.screen().cursor;
        self.keys(&["Enter"]);
        self.tmux.settle("another prompt", |screen| {
            is_ready(screen) && screen.cursor != before
        });
        self
    }

    /// `cd DIR`, as people type it.
    #[track_caller]
    pub fn cd(&mut self, dir: impl AsRef<Path>) -> &mut Self {
        let dir = self.shell.quote(dir.as_ref().to_str().expect("UTF-8"));
        self.line(&format!("cd {dir}"))
    }

    /// Sets and exports a variable.
    #[track_caller]
    pub fn export(&mut self, name: &str, value: &str) -> &mut Self {
        self.line(&self.shell.export(name, value))
    }

    /// What the last line printed.
    #[track_caller]
    pub fn output(&self) -> String {
        let screen = self.ready();
        let above = &screen.lines[..screen.cursor];
        let start = above
            .iter()
            .rposition(|line| line.contains(READY))
            .map_or(0, |at| at + 1);
        above[start..].join("\n")
    }

    /// Has the shell run `probe` with the status of the last line, and tells what that saw.
    #[track_caller]
    pub fn probe(&mut self) -> Probe {
        let line = format!("probe {}", self.shell.status());
        self.probe_by(&line)
    }

    /// The same by a line that runs `probe` somewhere in it.
    #[track_caller]
    pub fn probe_by(&mut self, line: &str) -> Probe {
        let before = self.tmux.screen();
        self.line(line);
        let probes = read_probes(self.repo);
        let screen = self.tmux.screen();
        assert_eq!(
            probes.len(),
            self.seen + 1,
            "no probe ran, or several:\n{screen}"
        );
        self.seen += 1;
        probes
            .into_iter()
            .last()
            .expect("a probe")
            .with(format!("{before}\n{screen}"))
    }
}

/// What a child process of the shell saw.
pub struct Probe {
    status: String,
    dir: PathBuf,
    python: PathBuf,
    vars: BTreeMap<&'static str, Option<OsString>>,
    context: String,
}

/// The script `probe`: one record of strings that each end with NUL.
fn write_probe(repo: &Repo) {
    let file = repo.scratch.root.join("probes");
    let mut script = String::from(
        "exec 2>/dev/null\nprintf '%s\\0' \"$1\" \"$(pwd -P)\" \"$(command -v python)\"",
    );
    for name in VARIABLES {
        write!(script, " \"${{{name}+=${name}}}\"").expect("written");
    }
    write!(script, " >>'{}'", file.display()).expect("written");
    repo.scratch.script("probe", &script);
}

/// All that was recorded so far.
pub fn read_probes(repo: &Repo) -> Vec<Probe> {
    let bytes = fs::read(repo.scratch.root.join("probes")).unwrap_or_default();
    let mut fields = bytes
        .split(|&byte| byte == 0)
        .map(|field| OsString::from_vec(field.to_vec()));
    let mut probes = Vec::new();
    while let (Some(status), Some(dir), Some(python)) =
        (fields.next(), fields.next(), fields.next())
    {
        let mut value = || {
            let field = fields.next().unwrap_or_default().into_vec();
            field
                .strip_prefix(b"=")
                .map(|value| OsString::from_vec(value.to_vec()))
        };
        probes.push(Probe {
            status: status.to_string_lossy().into_owned(),
            dir: dir.into(),
            python: python.into(),
            vars: VARIABLES.map(|name| (name, value())).into(),
            context: String::new(),
        });
    }
    probes
}

impl Probe {
    fn with(mut self, context: String) -> Probe {
        self.context = context;
        self
    }

    #[track_caller]
    fn expect<T: PartialEq + std::fmt::Debug>(&self, what: &str, found: &T, right: &T) -> &Self {
        assert!(
            found == right,
            "{what}: {found:?}, expected {right:?}\n{:#?}\n{}",
            self.vars,
            self.context
        );
        self
    }

    /// The value of a variable; None where it is not set.
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        self.vars[name].as_deref()
    }

    /// A variable that is set to nothing counts as one that is not set.
    fn text(&self, name: &str) -> Option<String> {
        self.var(name)
            .filter(|value| !value.is_empty())
            .map(|value| value.to_string_lossy().into_owned())
    }

    /// `PATH`, entry by entry.
    pub fn path(&self) -> Vec<PathBuf> {
        std::env::split_paths(self.var("PATH").unwrap_or_default()).collect()
    }

    /// The status that the shell gave.
    #[track_caller]
    pub fn status(&self, right: i32) -> &Self {
        self.expect("status", &self.status, &right.to_string())
    }

    /// The same, for a failure that may have any number.
    pub fn text_status(&self) -> &str {
        &self.status
    }

    /// The real directory that the process was in.
    #[track_caller]
    pub fn at(&self, right: &Path) -> &Self {
        self.expect("directory", &self.dir, &right.to_owned())
    }

    /// `TREEHOP_WORKTREE`
    #[track_caller]
    pub fn worktree(&self, right: &str) -> &Self {
        self.expect(
            "TREEHOP_WORKTREE",
            &self.text("TREEHOP_WORKTREE"),
            &Some(right.to_owned()),
        )
    }

    /// `TREEHOP_BRANCH`
    #[track_caller]
    pub fn branch(&self, right: &str) -> &Self {
        self.expect(
            "TREEHOP_BRANCH",
            &self.text("TREEHOP_BRANCH"),
            &Some(right.to_owned()),
        )
    }

    /// `TREEHOP_PROMPT`
    #[track_caller]
    pub fn prompt(&self, right: &str) -> &Self {
        self.expect(
            "TREEHOP_PROMPT",
            &self.text("TREEHOP_PROMPT"),
            &Some(right.to_owned()),
        )
    }

    /// None of the three says anything.
    #[track_caller]
    pub fn nowhere(&self) -> &Self {
        for name in ["TREEHOP_WORKTREE", "TREEHOP_BRANCH", "TREEHOP_PROMPT"] {
            self.expect(name, &self.text(name), &None);
        }
        self
    }

    /// treehop has activated that venv: first in `PATH`, once, with both variables.
    #[track_caller]
    pub fn venv(&self, right: &Path) -> &Self {
        self.expect("the first of PATH", &self.path()[0], &right.join("bin"));
        self.active_venv(right)
    }

    /// The same beside something that puts its own entries before it.
    #[track_caller]
    pub fn active_venv(&self, right: &Path) -> &Self {
        let name = Some(right.to_string_lossy().into_owned());
        self.expect("VIRTUAL_ENV", &self.text("VIRTUAL_ENV"), &name);
        self.expect("TREEHOP_VENV", &self.text("TREEHOP_VENV"), &name);
        self.expect(
            "VIRTUAL_ENV_PROMPT is set",
            &self.text("VIRTUAL_ENV_PROMPT").is_some(),
            &true,
        );
        self.expect("venvs in PATH", &self.venvs(), &vec![right.join("bin")]);
        self.expect("python", &self.python, &right.join("bin/python"));
        self
    }

    /// No venv is active, and nothing of one is left.
    #[track_caller]
    pub fn no_venv(&self) -> &Self {
        for name in ["VIRTUAL_ENV", "TREEHOP_VENV", "VIRTUAL_ENV_PROMPT"] {
            self.expect(name, &self.text(name), &None);
        }
        self.expect("venvs in PATH", &self.venvs(), &Vec::new())
    }

    /// The user's own venv is active, and treehop claims nothing.
    #[track_caller]
    pub fn own_venv(&self, right: &Path) -> &Self {
        self.expect(
            "VIRTUAL_ENV",
            &self.text("VIRTUAL_ENV"),
            &Some(right.to_string_lossy().into_owned()),
        );
        self.expect("TREEHOP_VENV", &self.text("TREEHOP_VENV"), &None);
        self.expect("venvs in PATH", &self.venvs(), &vec![right.join("bin")])
    }

    fn venvs(&self) -> Vec<PathBuf> {
        let is_venv = |dir: &Path| {
            dir.parent()
                .is_some_and(|venv| venv.join("pyvenv.cfg").exists())
        };
        let named = |dir: &Path| dir.as_os_str().as_bytes().ends_with(b"venv/bin");
        self.path()
            .into_iter()
            .filter(|dir| named(dir) || is_venv(dir))
            .collect()
    }
}
