//! What git may do to a file before it stores it. How, only git knows; but mostly nothing tells it to, or it would
//! make no difference, and then files can be compared as they are.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::Path;

use gix::bstr::{BStr, BString, ByteSlice};

use super::Paths;

/// The file in each directory that says what its files are.
const ATTRIBUTES: &[u8] = b".gitattributes";

/// Where the usual builds of git have the attributes of the system.
const OF_THE_SYSTEM: [&str; 3] = [
    "/etc/gitattributes",
    "/usr/local/etc/gitattributes",
    "/opt/homebrew/etc/gitattributes",
];

/// The most that may happen to a file; the greater includes the smaller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conversion {
    Nothing,
    /// Line endings become `\n`, and `$Id: …$` becomes `$Id$`.
    OfText,
    /// A filter or an encoding may change everything.
    OfAnything,
}

/// What may happen to each file of the worktree.
pub fn everywhere(repo: &gix::Repository, workdir: &Path) -> Conversion {
    let config = repo.config_snapshot();
    if config.string("attr.tree").is_some() || std::env::var_os("GIT_ATTR_SOURCE").is_some() {
        return Conversion::OfAnything;
    }
    let of_the_user = match config.trusted_path("core.attributesFile") {
        Ok(Some(path)) => Some(workdir.join(path)),
        Ok(None) => gix::path::env::xdg_config("attributes", &mut |name| {
            std::env::var_os(name).filter(|value| !value.is_empty())
        }),
        Err(_) => return Conversion::OfAnything,
    };
    let of_settings = match config.try_boolean("core.autocrlf") {
        Ok(None | Some(false)) => Conversion::Nothing,
        // What is neither true nor false is `input`, or for git to complain about.
        _ => Conversion::OfText,
    };
    let of_the_repository = repo.common_dir().join("info/attributes");
    OF_THE_SYSTEM
        .iter()
        .map(Path::new)
        .chain(of_the_user.as_deref())
        .chain([of_the_repository.as_path()])
        .map(|path| by_file(path, path.metadata()))
        .fold(of_settings, Conversion::max)
}

/// What may happen to the file `path` because of the attributes in the directories above it.
pub fn of_file(path: &BStr, paths: Paths<'_>, workdir: &Path) -> Conversion {
    let above = path.find_iter("/").map(|slash| slash + 1);
    std::iter::once(0)
        .chain(above)
        .map(|end| {
            let attributes = BString::from([&path[..end], ATTRIBUTES].concat());
            let at = workdir.join(gix::path::from_bstr(attributes.as_bstr()).unwrap_or_default());
            match by_file(&at, at.symlink_metadata()) {
                // Git takes those of the index where the file is missing.
                Conversion::Nothing
                    if paths.tracks(&(0..paths.entries.len()), attributes.as_bstr(), false) =>
                {
                    Conversion::OfAnything
                }
                conversion => conversion,
            }
        })
        .fold(Conversion::Nothing, Conversion::max)
}

/// Whether [`Conversion::OfText`] would change this content.
pub fn changes_text(content: &[u8]) -> bool {
    content.contains_str("\r\n") || content.contains_str("$Id:")
}

/// What these attributes may ask for, at most.
fn by_file(path: &Path, metadata: std::io::Result<Metadata>) -> Conversion {
    let content = match metadata {
        Ok(metadata) if metadata.is_file() => std::fs::read(path),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Conversion::Nothing;
        }
        _ => return Conversion::OfAnything,
    };
    match content {
        Ok(content) if !content.contains_str("filter") && !content.contains_str("encoding") => {
            Conversion::OfText
        }
        _ => Conversion::OfAnything,
    }
}
