//! What differs between the shells: their files, and how a line is written in each.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::cli::{Shell, Target};
use crate::{places, plain};

impl Shell {
    /// The name that people type, that the JSON has and that the program is called.
    pub fn name(self) -> &'static str {
        match self {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
            Shell::Nu => "nu",
        }
    }

    /// What `treehop install` calls it.
    pub fn target(self) -> Target {
        match self {
            Shell::Bash => Target::Bash,
            Shell::Zsh => Target::Zsh,
            Shell::Fish => Target::Fish,
            Shell::Nu => Target::Nu,
        }
    }

    /// The integration, byte for byte as `shell/` has it.
    pub fn integration(self) -> String {
        match self {
            Shell::Bash => embedded!("shell/treehop.bash"),
            Shell::Zsh => embedded!("shell/treehop.zsh"),
            Shell::Fish => embedded!("shell/treehop.fish"),
            Shell::Nu => embedded!("shell/treehop.nu"),
        }
    }

    /// The oldest version that the integration works in, major and minor.
    pub fn oldest(self) -> (u32, u32) {
        match self {
            Shell::Bash => (4, 4),
            Shell::Zsh => (5, 8),
            Shell::Fish => (3, 6),
            Shell::Nu => (0, 110),
        }
    }

    /// The shells that the user has: on PATH, or with a file of theirs.
    pub fn present() -> Result<Vec<Shell>> {
        let mut shells = Vec::new();
        for &shell in Shell::value_variants() {
            if places::program(shell.name()).is_some() || shell.own_file()?.exists() {
                shells.push(shell);
            }
        }
        Ok(shells)
    }

    /// The file that the user writes settings into.
    pub fn own_file(self) -> Result<PathBuf> {
        let home = places::home()?;
        Ok(match self {
            Shell::Bash => home.join(".bashrc"),
            Shell::Zsh => zdotdir(&home).unwrap_or(home).join(".zshrc"),
            Shell::Fish => fish_config(&home).join("config.fish"),
            Shell::Nu => nu_config(home).join("config.nu"),
        })
    }

    /// The file that the block goes into. fish and nu read every file of a folder at their start, so that the
    /// user's own file need not be touched.
    pub fn start_up_file(self) -> Result<PathBuf> {
        let home = places::home()?;
        Ok(match self {
            Shell::Bash | Shell::Zsh => self.own_file()?,
            Shell::Fish => fish_config(&home).join("conf.d/treehop.fish"),
            // `$nu.user-autoload-dirs`
            Shell::Nu => nu_config(home).join("autoload/treehop.nu"),
        })
    }

    /// The copy of the integration that the block loads: reading a file starts no process, asking the binary for
    /// it would.
    pub fn copy(self) -> Result<PathBuf> {
        Ok(places::data()?.join(format!("treehop.{}", self.name())))
    }

    /// The lines of the block. They load the copy, quietly do nothing once treehop is gone, and let a treehop that
    /// is not on PATH (any more, or yet: fish reads `conf.d` before `config.fish`) be found where it was.
    pub fn block(self) -> Result<String> {
        let copy = self.copy()?;
        let binary = places::treehop()?;
        let folder = self.path(binary.parent().unwrap_or(Path::new("/")))?;
        let (copy, binary) = (self.path(&copy)?, self.path(&binary)?);
        let lines = match self {
            Shell::Bash | Shell::Zsh => format!(
                "if [ -r {copy} ] && {{ \\command -v treehop >/dev/null || {{ [ -x {binary} ] && PATH=$PATH:{folder}; }}; }}; then\n  \
                   \\builtin source {copy}\n\
                 fi\n"
            ),
            Shell::Fish => format!(
                "if test -r {copy}\n    \
                     command -q treehop; or begin; test -x {binary}; and set -gx PATH $PATH {folder}; end\n    \
                     command -q treehop; and source {copy}\n\
                 end\n"
            ),
            // A module, so that its internals stay inside; `use` is done while the file is parsed, hence constants.
            Shell::Nu => format!(
                "use (if ({copy} | path exists) {{ {copy} | path expand }}) *\n\
                 if ({binary} | path exists) and (which --all treehop | where type == external | is-empty) {{\n    \
                     $env.PATH = ($env.PATH | split row (char esep) | append ({folder} | path expand --no-symlink))\n\
                 }}\n"
            ),
        };
        Ok(format!(
            "# Written by `treehop install`, which may write it again; `treehop install --uninstall` takes it out.\n{lines}"
        ))
    }

    /// The line that loads the integration into a running shell.
    pub fn load(self) -> Result<String> {
        let copy = self.path(&self.copy()?)?;
        Ok(match self {
            Shell::Bash | Shell::Zsh | Shell::Fish => format!("source {copy}"),
            Shell::Nu => format!("use {copy} *"),
        })
    }

    /// A line that shows `TREEHOP_PROMPT`. Branch names are hostile: bash and fish expand a variable once, zsh reads
    /// `%` in what it expanded, hence the doubling.
    pub fn prompt(self) -> &'static str {
        match self {
            Shell::Bash => r#"PS1='${TREEHOP_PROMPT:+($TREEHOP_PROMPT) }'"$PS1""#,
            Shell::Zsh => {
                r#"setopt prompt_subst; PROMPT='${TREEHOP_PROMPT:+(${TREEHOP_PROMPT//\%/%%}) }'"$PROMPT""#
            }
            Shell::Fish => r#"function fish_right_prompt; printf %s "$TREEHOP_PROMPT"; end"#,
            Shell::Nu => "$env.PROMPT_COMMAND_RIGHT = {|| $env.TREEHOP_PROMPT? | default '' }",
        }
    }

    /// `path` as a word of this shell; below the home folder by `~`, so that a start-up file that is shared between
    /// machines stays the same on each.
    ///
    /// # Errors
    /// It is not plain text.
    pub fn path(self, path: &Path) -> Result<String> {
        let text = |p: &Path| {
            let text = p
                .to_str()
                .filter(|t| !t.contains(plain::hidden))
                .map(str::to_owned);
            text.with_context(|| {
                format!(
                    "'{}' is not plain UTF-8 text, and cannot stand in a file",
                    p.display()
                )
            })
        };
        let home = places::home()?;
        let (tilde, rest) = match path.strip_prefix(&home) {
            Ok(rest) => ("~/", text(rest)?),
            Err(_) => ("", text(path)?),
        };
        let plain = rest
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_./+-@,".contains(&b));
        Ok(match self {
            // Quoted, nu's `~` still expands where a path is expected; bare words are commands after `(`.
            Shell::Nu => format!(
                "\"{tilde}{}\"",
                rest.replace('\\', r"\\").replace('"', r#"\""#)
            ),
            _ if plain => format!("{tilde}{rest}"),
            Shell::Fish => format!(
                "{tilde}'{}'",
                rest.replace('\\', r"\\").replace('\'', r"\'")
            ),
            Shell::Bash | Shell::Zsh => format!("{tilde}'{}'", rest.replace('\'', r"'\''")),
        })
    }
}

/// fish reads `~/.config` on macOS too.
fn fish_config(home: &Path) -> PathBuf {
    places::absolute("XDG_CONFIG_HOME")
        .unwrap_or_else(|| home.join(".config"))
        .join("fish")
}

fn nu_config(home: PathBuf) -> PathBuf {
    places::absolute("XDG_CONFIG_HOME")
        .or_else(dirs::config_dir)
        .unwrap_or(home)
        .join("nushell")
}

/// Where zsh reads `.zshrc` from, if not from the home folder. `ZDOTDIR` is mostly set in `~/.zshenv` and not exported,
/// and then only zsh itself knows it.
fn zdotdir(home: &Path) -> Option<PathBuf> {
    let by_environment = places::absolute("ZDOTDIR");
    if by_environment.is_some() {
        return by_environment;
    }
    let files = [
        home.join(".zshenv"),
        "/etc/zshenv".into(),
        "/etc/zsh/zshenv".into(),
    ];
    files.iter().find(|file| {
        crate::file::read(file)
            .is_ok_and(|text| crate::block::mentions(&text.unwrap_or_default(), "ZDOTDIR"))
    })?;
    let zsh = places::program("zsh")?;
    let asked = Command::new(zsh)
        .args(["-c", r#"print -rn -- $'\n'"$ZDOTDIR""#])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    // The last line: what the user's file prints comes before it.
    let line = asked.stdout.rsplit(|&b| b == b'\n').next()?;
    Some(PathBuf::from(OsString::from_vec(line.to_vec()))).filter(|p| p.is_absolute())
}

/// Quotes `word` for a command that people copy, where it needs that: the same in the four shells, but for a `'`.
pub fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = String::from_utf8_lossy(word.as_ref().as_bytes()).into_owned();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_./+:@%-".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::quoted;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, ..crate::fuzz::quick() })]

        /// Hints are pasted.
        #[test]
        fn a_quoted_word_is_one_word_of_a_shell(words in proptest::collection::vec("[^\0]{0,12}", 1..20)) {
            let line: Vec<_> = words.iter().map(quoted).collect();
            let line = format!("printf '%s\\0' {}", line.join(" "));
            let out = Command::new("sh").arg("-c").arg(line).output().unwrap();
            let said = String::from_utf8(out.stdout).unwrap();
            prop_assert_eq!(said.split_terminator('\0').collect::<Vec<_>>(), words);
        }
    }
}
