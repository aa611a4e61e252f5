//! Opening a repository for its objects, its index and its configuration.

use std::path::Path;

use anyhow::{Context, Result};
use gix::open::{Options, Permissions};

/// What treehop reads differently from gix's defaults, and as git does.
const OVERRIDES: [&str; 3] = [
    // Git does not verify the checksum of an index that it only reads.
    "index.skipHash=true",
    // Worktrees are read side by side already.
    "index.threads=1",
    // Without nanoseconds, every file of a fresh checkout has to be hashed.
    "gitoxide.core.useNsec=true",
];

/// Variables that git sets for its hooks: they describe one worktree, and must not leak into another.
const ONE_WORKTREE: [&str; 4] = [
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_NAMESPACE",
];

/// Opens the repository at exactly this path: a worktree, a git directory, a bare or common one. Nothing is
/// searched for above it.
///
/// # Errors
/// There is no repository, its configuration cannot be read, or somebody else owns it and git's
/// `safe.directory` does not trust it.
pub fn open(git_dir_or_worktree: &Path) -> Result<gix::Repository> {
    let mut permissions = Permissions::default();
    if ONE_WORKTREE
        .iter()
        .any(|name| std::env::var_os(name).is_some())
    {
        permissions.env.git_prefix = gix::sec::Permission::Deny;
    }
    let options = Options::default()
        .permissions(permissions)
        .lossy_config(true)
        .bail_if_untrusted(true)
        .config_overrides(OVERRIDES);
    gix::open_opts(git_dir_or_worktree, options).with_context(|| {
        format!(
            "could not open the repository '{}'",
            git_dir_or_worktree.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::open;
    use crate::repo::testing::Scratch;

    #[test]
    fn opens_worktrees_and_git_directories_and_searches_nothing() {
        let scratch = Scratch::new();
        scratch.git(&["commit", "--quiet", "--allow-empty", "-m", "one"]);
        scratch.git(&["worktree", "add", "--quiet", "linked"]);
        scratch.git(&["clone", "--quiet", "--bare", ".", "bare"]);
        scratch.write("below/file", b"");

        let main = open(scratch.path()).unwrap();
        assert_eq!(main.workdir(), Some(scratch.path()));
        let linked = open(&scratch.path().join("linked")).unwrap();
        assert_eq!(
            linked.workdir(),
            Some(scratch.path().join("linked").as_path())
        );
        assert!(linked.git_dir().ends_with(".git/worktrees/linked"));
        assert_eq!(
            open(&scratch.path().join(".git")).unwrap().git_dir(),
            scratch.path().join(".git")
        );
        assert!(open(&scratch.path().join("bare")).unwrap().is_bare());
        assert!(open(&scratch.path().join("below")).is_err());
    }
}
