//! The user's settings: `git config treehop.*`, in any file and by any include that git follows.

use std::path::{Path, PathBuf};

use gix::bstr::{BStr, BString, ByteSlice};

/// The settings that hold for one repository. Where no file mentions them, nothing is parsed and all are the defaults.
#[derive(Debug)]
pub struct Settings(Option<gix::Repository>);

/// A file that holds neither of these words cannot set anything of ours, nor lead to a file that does.
const TELLING: [&[u8]; 3] = [b"treehop", b"include", b"defaultbranch"];

impl Settings {
    /// Reads what holds in the worktree with `git_dir`.
    pub fn read(common_dir: &Path, git_dir: &Path) -> Self {
        let by_environment = ["GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"]
            .iter()
            .any(|n| std::env::var_os(n).is_some());
        let files = [common_dir.join("config"), git_dir.join("config.worktree")]
            .into_iter()
            .chain(user_files());
        let telling = |file: PathBuf| {
            let content = std::fs::read(file).unwrap_or_default().to_ascii_lowercase();
            TELLING.iter().any(|word| content.contains_str(word))
        };
        let wanted = by_environment || files.into_iter().any(telling);
        Settings(if wanted {
            super::objects::open(git_dir).ok()
        } else {
            None
        })
    }

    /// `treehop.venv`: the names under which a virtual environment is looked for, relative to the worktree.
    pub fn venv(&self) -> Vec<BString> {
        let set = self.0.as_ref().and_then(|repo| {
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
        let snapshot = self.0.as_ref()?.config_snapshot();
        let set = snapshot.plumbing().raw_values("treehop.setup").ok()?;
        let values = set.rsplit(|value| value.is_empty()).next();
        Some(values.unwrap_or_default().to_vec())
    }

    /// `branch.<name>.treehopModel`: the model that claude is to use on that branch.
    pub fn model(&self, branch: &BStr) -> Option<BString> {
        let snapshot = self.0.as_ref()?.config_snapshot();
        snapshot
            .plumbing()
            .raw_value_by("branch", Some(branch), "treehopModel")
            .ok()
    }

    /// `init.defaultBranch`
    pub fn default_branch(&self) -> Option<BString> {
        self.0
            .as_ref()?
            .config_snapshot()
            .string("init.defaultBranch")
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
