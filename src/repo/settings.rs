//! The user's settings: `git config treehop.*`, in any file and by any include that git follows.

use std::path::{Path, PathBuf};

use gix::bstr::{BStr, BString, ByteSlice};

/// The settings that hold for one repository. Where no file mentions them, nothing is parsed and all are the defaults.
#[derive(Debug)]
pub struct Settings {
    parsed: Option<gix::Repository>,
    hooks_moved: bool,
}

/// A file that holds neither of these words cannot set anything of ours, nor lead to a file that does.
const TELLING: [&[u8]; 2] = [b"treehop", b"include"];

impl Settings {
    /// Reads what holds in the worktree with `git_dir`, of whose repository `own` is the configuration.
    pub fn read(own: &[u8], git_dir: &Path) -> Self {
        let by_environment = ["GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"]
            .iter()
            .any(|n| std::env::var_os(n).is_some());
        let users = user_files().into_iter();
        let users = users.map(|file| crate::file::small(file).unwrap_or_default());
        let (mut wanted, mut hooks_moved) = (by_environment, by_environment);
        for content in std::iter::once(own.to_vec()).chain(users) {
            let content = content.to_ascii_lowercase();
            let has = |word: &[u8]| content.contains_str(word);
            wanted = wanted || TELLING.iter().any(|word| has(word));
            hooks_moved = hooks_moved || has(b"hookspath") || has(b"include");
        }
        let parsed = wanted.then(|| super::objects::open(git_dir).ok()).flatten();
        Settings {
            parsed,
            hooks_moved,
        }
    }

    /// May the hooks be elsewhere than in `hooks/` of the git directory? Git knows.
    pub fn hooks_moved(&self) -> bool {
        self.hooks_moved
    }

    /// `treehop.venv`: the names under which a virtual environment is looked for, relative to the worktree.
    pub fn venv(&self) -> Vec<BString> {
        let set = self.parsed.as_ref().and_then(|repo| {
            repo.config_snapshot()
                .plumbing()
                .raw_values("treehop.venv")
                .ok()
        });
        set.filter(|names| !names.is_empty())
            .unwrap_or_else(|| vec![".venv".into(), "venv".into()])
    }

    /// `treehop.setup`: the commands that set a worktree up, where the user names them. As for git's own lists, an
    /// empty value forgets those before it.
    pub fn setup(&self) -> Option<Vec<BString>> {
        let snapshot = self.parsed.as_ref()?.config_snapshot();
        let set = snapshot.plumbing().raw_values("treehop.setup").ok()?;
        let values = set.rsplit(|value| value.is_empty()).next();
        Some(values.unwrap_or_default().to_vec())
    }

    /// `branch.<name>.treehopModel`: the model that claude is to use on that branch.
    pub fn model(&self, branch: &BStr) -> Option<BString> {
        let snapshot = self.parsed.as_ref()?.config_snapshot();
        snapshot
            .plumbing()
            .raw_value_by("branch", Some(branch), "treehopModel")
            .ok()
    }

    /// `treehop.model`: the model of branches that have none of their own.
    pub fn default_model(&self) -> Option<BString> {
        self.text("treehop.model")
    }

    /// `treehop.claude`: the program to run in the place of `claude`.
    pub fn claude(&self) -> Option<BString> {
        self.text("treehop.claude")
    }

    /// `branch.<name>.treehopTrust`: may the settings that come with this pull request be used?
    pub fn trusted(&self, branch: &BStr) -> bool {
        let Some(repo) = &self.parsed else {
            return false;
        };
        let snapshot = repo.config_snapshot();
        let set = snapshot
            .plumbing()
            .boolean_by("branch", Some(branch), "treehopTrust");
        matches!(set, Ok(Some(true)))
    }

    /// `treehop.path`: where new worktrees go, with `{repo}`, `{branch}`, `{slug}` and `{name}`.
    pub fn path(&self) -> BString {
        self.text("treehop.path")
            .unwrap_or_else(|| "../{repo}-{slug}".into())
    }

    /// `treehop.base`: where new branches begin.
    pub fn base(&self) -> Option<BString> {
        self.text("treehop.base")
    }

    /// `branch.<name>.treehopPr`: the pull request that the branch is, somebody else's work.
    pub fn pull_request(&self, branch: &BStr) -> Option<u64> {
        let snapshot = self.parsed.as_ref()?.config_snapshot();
        let number = snapshot
            .plumbing()
            .raw_value_by("branch", Some(branch), "treehopPr")
            .ok()?;
        number.to_str().ok()?.parse().ok()
    }

    fn text(&self, key: &str) -> Option<BString> {
        let set = self.parsed.as_ref()?.config_snapshot().string(key);
        set.filter(|value| !value.is_empty())
    }
}

/// The configuration files outside the repository that git reads.
fn user_files() -> Vec<PathBuf> {
    let variable = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let mut files = vec![];
    if variable("GIT_CONFIG_NOSYSTEM").is_none() {
        files.push(variable("GIT_CONFIG_SYSTEM").unwrap_or_else(|| "/etc/gitconfig".into()));
    }
    if let Some(file) = variable("GIT_CONFIG_GLOBAL") {
        files.push(file);
    } else {
        let home = dirs::home_dir();
        let xdg = variable("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
        files.extend(xdg.map(|dir| dir.join("git/config")));
        files.extend(home.map(|dir| dir.join(".gitconfig")));
    }
    files
}
