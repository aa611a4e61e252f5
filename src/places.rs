//! Where things are on this machine: the home folder, programs on PATH, treehop itself.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::error::{Exit, Failure};
use crate::plain;

/// Returns the home folder that the shells use: `HOME`, and not what the user database says, since they would
/// not look there.
///
/// # Errors
/// A [`Failure`] where `HOME` is not set to an absolute path.
pub fn home() -> Result<PathBuf> {
    absolute("HOME").ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            "HOME is not set, so there is no place for your shells' files",
        )
        .hint("HOME=/your/home treehop install")
        .into()
    })
}

/// Returns the path in the environment variable `name`; a relative one counts as none (XDG base directories).
pub fn absolute(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .map(PathBuf::from)
        .filter(|p| p.is_absolute())
}

/// Returns `path` for people: `~/…` below the home folder, and nothing that moves a cursor.
pub fn shown(path: &Path) -> String {
    let home = dirs::home_dir().filter(|home| home.parent().is_some());
    let below = home.and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned));
    let text = match below {
        Some(rest) => Path::new("~").join(rest).to_string_lossy().into_owned(),
        None => path.to_string_lossy().into_owned(),
    };
    plain::line(&text)
}

/// Returns the folder that holds what `treehop install` copies.
pub fn data() -> Result<PathBuf> {
    let home = home()?;
    Ok(absolute("XDG_DATA_HOME")
        .or_else(dirs::data_dir)
        .unwrap_or(home)
        .join("treehop"))
}

/// Returns the program `name` as PATH finds it, in its absolute parts: what stands in a relative one is whatever the
/// directory brings that one is in.
pub fn program(name: &str) -> Option<PathBuf> {
    program_in(&std::env::var_os("PATH")?, name)
}

/// Returns the program `name` as `path`, a list like PATH, finds it.
pub fn program_in(path: &OsStr, name: &str) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|file| {
            file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
        })
}

/// Returns this binary, by the name that PATH has for it where there is one: that name survives an update, when
/// what a package manager links it to does not.
pub fn treehop() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    Ok(program("treehop")
        .filter(|found| same(found, &this))
        .unwrap_or(this))
}

/// Whether two paths lead to the same file.
pub fn same(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// Returns `path` as people write it, with `~`.
pub fn tilde(path: &Path) -> String {
    match home()
        .ok()
        .as_deref()
        .and_then(|home| path.strip_prefix(home).ok())
    {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

/// Asks a program for its version: the first `N.N` that it prints, and the word with it.
pub fn version(program: &Path) -> Option<((u32, u32), String)> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .find_map(number)
}

/// Reads `5.2.15(1)-release` as 5.2 and `5.2.15`.
fn number(word: &str) -> Option<((u32, u32), String)> {
    let end = word
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(word.len());
    let text = word[..end].trim_end_matches('.');
    let mut parts = text.split('.');
    let version = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((version, text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn versions_are_read_as_the_programs_print_them() {
        for (line, version) in [
            (
                "GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)",
                (5, 2),
            ),
            ("zsh 5.9 (x86_64-debian-linux-gnu)", (5, 9)),
            ("fish, version 3.6.0", (3, 6)),
            ("fish, version 4.0b1-123-gabcdef", (4, 0)),
            ("0.115.1", (0, 115)),
            ("git version 2.39.5 (Apple Git-154)", (2, 39)),
        ] {
            assert_eq!(
                line.split_whitespace().find_map(number).map(|(v, _)| v),
                Some(version),
                "{line}"
            );
        }
        assert_eq!(number("version"), None);
        assert_eq!(number("99999999999.1"), None);
    }
}
