//! Reading a repository: where it is, what its worktrees are, what their refs and settings say.

pub mod changes;
pub mod discover;
pub mod entry;
pub mod graph;
pub mod objects;
pub mod refs;
mod settings;
pub mod stash;
#[cfg(test)]
mod testing;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gix::bstr::{BString, ByteSlice};
use gix::config::File as Config;

use crate::error::{Exit, Failure};
use discover::Found;
use entry::Entry;
pub use refs::Head;
use settings::Settings;

/// Extensions of the repository format that treehop reads itself; with any other, git is asked.
const EXTENSIONS: [&str; 6] = [
    "noop",
    "preciousobjects",
    "partialclone",
    "worktreeconfig",
    "objectformat",
    "relativeworktrees",
];

/// A repository, seen from one of its worktrees.
#[derive(Debug)]
pub struct Repo {
    /// The git directory that all worktrees share, a real path.
    pub common_dir: PathBuf,
    /// The git directory of the worktree that one stands in, a real path.
    pub git_dir: PathBuf,
    /// Has it no main working tree?
    pub bare: bool,
    /// Its refs or objects are in a format that only git itself reads (reftable, SHA-256).
    pub foreign_format: bool,
    top: Option<PathBuf>,
    config: Config,
    /// The text of the configuration that holds here, of the repository's own files.
    text: Vec<u8>,
    /// Its refs, where they are kept in files.
    pub refs: refs::Refs,
    settings: OnceCell<Settings>,
}

impl Repo {
    /// The repository that `dir` (absolute) lies in.
    ///
    /// # Errors
    /// As [`discover::discover`], or its configuration cannot be read.
    pub fn discover(dir: &Path) -> Result<Self> {
        let Found {
            git_dir,
            common_dir,
            top,
        } = discover::discover(dir)?;
        let (mut config, mut text) = read_config(&common_dir.join("config"))?;
        if config
            .boolean("extensions.worktreeConfig")
            .ok()
            .flatten()
            .unwrap_or_default()
        {
            // Git moves core.bare and core.worktree there.
            let (main, _) = read_config(&common_dir.join("config.worktree"))?;
            config.append(main).ok();
            text.extend(crate::file::small(git_dir.join("config.worktree")).unwrap_or_default());
        }
        let foreign_format = config
            .sections_by_name("extensions")
            .into_iter()
            .flatten()
            .any(|section| {
                section
                    .value_names()
                    .any(|name| !EXTENSIONS.contains(&name.to_ascii_lowercase().as_str()))
            })
            || config
                .raw_value("extensions.objectFormat")
                .is_ok_and(|f| f != "sha1");
        let mut repo = Repo {
            bare: false,
            foreign_format,
            refs: refs::Refs::new(common_dir.clone()),
            settings: OnceCell::new(),
            config,
            text,
            common_dir,
            git_dir,
            top,
        };
        repo.bare = repo
            .config
            .boolean("core.bare")
            .ok()
            .flatten()
            .unwrap_or_default()
            && repo.core_worktree().is_none();
        Ok(repo)
    }

    /// All worktrees, the main one first, the others in the order of their paths, as `git worktree list` has them.
    ///
    /// # Errors
    /// The admin files cannot be read, or git fails where it had to be asked.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        if self.foreign_format {
            entry::ask_git(self)
        } else {
            entry::read(self)
        }
    }

    /// The worktree that one stands in, alone: for 20 others, reading them all takes as long again as the whole start.
    ///
    /// # Errors
    /// As [`Repo::entries`]; [`Exit::NotFound`] where git does not list it.
    pub fn entry_here(&self) -> Result<Entry> {
        let entry = if self.foreign_format {
            self.entries()?
                .into_iter()
                .find(|entry| entry.git_dir == self.git_dir)
        } else {
            entry::read_one(self)
        };
        entry.ok_or_else(|| self.not_listed())
    }

    /// The failure of a worktree that git does not list.
    pub fn not_listed(&self) -> anyhow::Error {
        let message = format!(
            "git does not list the worktree of '{}'",
            self.git_dir.display()
        );
        Failure::new(Exit::NotFound, message)
            .hint("git worktree repair")
            .into()
    }

    /// The directory of the main worktree; in a bare repository, the repository itself.
    pub fn main_path(&self) -> PathBuf {
        if self.bare {
            return self.common_dir.clone();
        }
        if let Some(top) = self
            .top
            .as_ref()
            .filter(|_| self.git_dir == self.common_dir)
        {
            return top.clone();
        }
        if let Some(dir) = self.core_worktree() {
            let dir = self.common_dir.join(dir);
            return dir.canonicalize().unwrap_or(dir);
        }
        match self.common_dir.parent() {
            Some(parent) if self.common_dir.ends_with(".git") => parent.into(),
            _ => self.common_dir.clone(),
        }
    }

    /// The directory that people call the repository: the main worktree, or what a bare repository hides in.
    pub fn root(&self) -> PathBuf {
        let main = self.main_path();
        let hidden = main
            .file_name()
            .is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
        match main.parent() {
            Some(parent) if self.bare && hidden => parent.into(),
            _ => main,
        }
    }

    /// The repository's name: that of its root, without the `.git` of a bare one.
    pub fn name(&self) -> BString {
        let name = entry::base_name(&self.root());
        match name.strip_suffix(b".git") {
            Some(stem) if self.bare && !stem.is_empty() => stem.into(),
            _ => name,
        }
    }

    /// What a file of refs says: the branch or the commit, and where the branch stands.
    pub fn head(&self, git_dir: &Path) -> Head {
        self.refs.head(git_dir)
    }

    /// The object that `name` (`refs/heads/…`) stands at.
    pub fn resolve(&self, name: &[u8]) -> Option<String> {
        self.refs.resolve(name, 0).1
    }

    /// The branch that work ends up in: the remote's, else `main`, `master`, `init.defaultBranch`, else the main
    /// worktree's.
    pub fn default_branch(&self, main_branch: impl FnOnce() -> Option<BString>) -> Option<BString> {
        let local = |name: &[u8]| self.resolve(&[b"refs/heads/", name].concat()).is_some();
        if self.foreign_format {
            return main_branch();
        }
        if let Some(target) = self.refs.symbolic(b"refs/remotes/origin/HEAD")
            && let Some(name) = target.strip_prefix(b"refs/remotes/origin/")
        {
            return Some(name.into());
        }
        let usual = [&b"main"[..], b"master"]
            .into_iter()
            .find(|name| local(name))
            .map(BString::from);
        usual
            .or_else(|| self.configured_default().filter(|name| local(name)))
            .or_else(main_branch)
    }

    /// `init.defaultBranch`. Nearly everybody has it, so that it must not cost those whose branch is `main`.
    fn configured_default(&self) -> Option<BString> {
        let store = objects::open(&self.git_dir).ok()?;
        store.config_snapshot().string("init.defaultBranch")
    }

    /// The settings `treehop.*`.
    pub fn settings(&self) -> &Settings {
        self.settings
            .get_or_init(|| Settings::read(&self.text, &self.git_dir))
    }

    /// The settings `branch.NAME.*` in the repository's own file, as they are now: git deletes them with the branch.
    ///
    /// # Errors
    /// The file cannot be understood.
    pub fn branch_settings(&self, name: &[u8]) -> Result<Vec<(BString, BString)>> {
        let (config, _) = read_config(&self.common_dir.join("config"))?;
        let mut settings = vec![];
        for section in config.sections_by_name("branch").into_iter().flatten() {
            if section
                .header()
                .subsection_name()
                .is_none_or(|own| own != name)
            {
                continue;
            }
            let mut keys: Vec<String> = section.value_names().collect();
            let mut seen = std::collections::HashSet::new();
            keys.retain(|key| seen.insert(key.to_ascii_lowercase()));
            for key in keys {
                let values = section.values(&key).into_iter();
                settings.extend(values.map(|value| (BString::from(key.as_str()), value)));
            }
        }
        Ok(settings)
    }

    /// Does a branch of that name exist, here or on a remote?
    pub fn has_branch(&self, name: &[u8]) -> bool {
        let remotes = self.remotes().into_iter();
        let remotes = remotes.map(|remote| [b"refs/remotes/", &remote[..], b"/"].concat());
        std::iter::once(b"refs/heads/".to_vec())
            .chain(remotes)
            .any(|prefix| self.object(&[&prefix, name].concat()).is_some())
    }

    /// The object that the ref `name` (`refs/…`, in full) stands at, whatever format the refs are in.
    pub fn object(&self, name: &[u8]) -> Option<String> {
        if !self.foreign_format {
            return self.resolve(name);
        }
        let git = crate::git::Git::at(&self.common_dir).args([
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
        ]);
        let id = git.args([name.to_os_str_lossy()]).read().ok()?;
        Some(String::from_utf8_lossy(&id).trim_end().to_owned())
    }

    /// The names of the remotes.
    pub fn remotes(&self) -> Vec<BString> {
        let sections = self.config.sections_by_name("remote").into_iter().flatten();
        let mut names: Vec<BString> = sections
            .filter_map(|section| section.header().subsection_name().map(BString::from))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// `remote.<name>.fetch`: which refs of the remote are kept where.
    pub fn refspecs(&self, remote: &BString) -> Vec<BString> {
        let values = self
            .config
            .raw_values_by("remote", Some(remote.as_bstr()), "fetch");
        values.unwrap_or_default()
    }

    /// Is `branch.<branch>.<key>` set?
    pub fn has_branch_setting(&self, branch: &BString, key: &str) -> bool {
        let value = self
            .config
            .raw_value_by("branch", Some(branch.as_bstr()), key);
        value.is_ok()
    }

    fn core_worktree(&self) -> Option<PathBuf> {
        let value = self.config.raw_value("core.worktree").ok()?;
        gix::path::from_bstring(value).ok()
    }
}

fn read_config(file: &Path) -> Result<(Config, Vec<u8>)> {
    let options = gix::config::file::init::Options {
        lossy: true,
        ..Default::default()
    };
    let content = crate::file::small(file).unwrap_or_default();
    let meta = gix::config::file::Metadata::default();
    let config = Config::from_bytes_no_includes(&content, meta, options)
        .map_err(|e| anyhow::anyhow!("{e}"))
        .with_context(|| format!("could not understand '{}'", file.display()))?;
    Ok((config, content))
}
