//! Refs, read from their files: loose ones first, then `packed-refs`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use gix::bstr::{BStr, BString};
use gix::refs::packed;

use crate::file;

/// How deep symbolic refs may nest, as in git.
const DEPTH: usize = 5;
/// From this size on `packed-refs` is mapped rather than read, in bytes.
const MAP_FROM: u64 = 32 * 1024;

/// What `HEAD` of a worktree says.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The branch without `refs/heads/`; `None` when detached or unreadable.
    pub branch: Option<BString>,
    /// The commit in hexadecimal; `None` on an unborn branch.
    pub id: Option<String>,
    /// Is a commit checked out and no branch?
    pub detached: bool,
}

/// The refs of a repository that keeps them in files.
pub struct Refs {
    common_dir: PathBuf,
    packed: OnceLock<Option<packed::Buffer>>,
}

impl std::fmt::Debug for Refs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refs")
            .field("common_dir", &self.common_dir)
            .finish_non_exhaustive()
    }
}

impl Refs {
    /// The refs below `common_dir`.
    pub fn new(common_dir: PathBuf) -> Self {
        Refs {
            common_dir,
            packed: OnceLock::new(),
        }
    }

    /// `HEAD` in `git_dir`.
    pub fn head(&self, git_dir: &Path) -> Head {
        let Ok(content) = file::small(git_dir.join("HEAD")) else {
            return Head::default();
        };
        match target(&content) {
            Some(Ok(id)) => Head {
                branch: None,
                id: Some(id),
                detached: true,
            },
            Some(Err(name)) => {
                let (name, id) = self.resolve(name, 0);
                Head {
                    branch: name.strip_prefix(b"refs/heads/").map(BString::from),
                    id,
                    detached: false,
                }
            }
            None => Head::default(),
        }
    }

    /// The ref that `name` leads to at last, and the object that it stands at.
    pub fn resolve(&self, name: &[u8], depth: usize) -> (BString, Option<String>) {
        let content =
            file::small(self.common_dir.join(OsStr::from_bytes(name))).unwrap_or_default();
        match target(&content) {
            Some(Err(next)) if depth < DEPTH => self.resolve(next, depth + 1),
            Some(Ok(id)) => (name.into(), Some(id)),
            _ => (name.into(), self.packed(name)),
        }
    }

    /// What the symbolic ref `name` points to.
    pub fn symbolic(&self, name: &[u8]) -> Option<BString> {
        let content = file::small(self.common_dir.join(OsStr::from_bytes(name))).ok()?;
        target(&content)?.err().map(BString::from)
    }

    fn packed(&self, name: &[u8]) -> Option<String> {
        let open = || {
            packed::Buffer::open(
                self.common_dir.join("packed-refs"),
                MAP_FROM,
                gix::hash::Kind::Sha1,
            )
            .ok()
        };
        let buffer = self.packed.get_or_init(open).as_ref()?;
        Some(buffer.try_find(BStr::new(name)).ok()??.target().to_string())
    }
}

/// The branch that `HEAD` in `git_dir` names, without a look at where it stands.
pub fn branch(git_dir: &Path) -> Option<BString> {
    let content = file::small(git_dir.join("HEAD")).ok()?;
    target(&content)?
        .err()?
        .strip_prefix(b"refs/heads/")
        .map(BString::from)
}

/// A ref file's content: an object id, or the name of another ref.
fn target(content: &[u8]) -> Option<Result<String, &[u8]>> {
    if let Some(name) = content.strip_prefix(b"ref:") {
        return Some(Err(name.trim_ascii()));
    }
    let hex = std::str::from_utf8(content.trim_ascii()).ok()?;
    (hex.len() >= 40 && hex.bytes().all(|b| b.is_ascii_hexdigit())).then(|| Ok(hex.to_owned()))
}
