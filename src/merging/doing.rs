//! Doing it. Git does each step; where one fails, or a kill came between, the worktree is put back to where it was: it
//! was clean. What somebody has changed there since goes into the stash.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use gix::bstr::{BString, ByteSlice};

use super::{How, Plan, Source, refused};
use crate::cli;
use crate::error::{Exit, Failure};
use crate::git::{self, Git, branch_ref};
use crate::interrupt;
use crate::journal::{Journal, Kind, Record, Turn};
use crate::plain;
use crate::removal::contents::below;
use crate::removal::git_dir;
use crate::repo::Repo;
use crate::repo::changes::{self, Changes};
use crate::unfinished;

const NONE: [&str; 0] = [];
/// How old the lock of a dead git is at least.
const DEAD: Duration = Duration::from_secs(5);

/// A branch that is about to move, noted so that it can be taken back.
#[derive(Debug)]
struct Attempt {
    /// What is merged, as people call it.
    from: BString,
    /// What moves.
    into: BString,
    /// Where it stood.
    base: String,
    /// What is merged.
    tip: String,
    /// The files afterwards.
    tree: String,
    /// The worktree that has it checked out.
    dir: Option<PathBuf>,
    /// The worktree that is rebased first.
    rebased: Option<PathBuf>,
}

impl Attempt {
    fn record(&self) -> Record {
        let mut record = Record::default();
        record.add("from", [&self.from]);
        record.add("into", [&self.into]);
        record.add("base", [&self.base]);
        record.add("tip", [&self.tip]);
        record.add("tree", [&self.tree]);
        if let Some(dir) = &self.dir {
            record.add_path("dir", dir);
        }
        if let Some(dir) = &self.rebased {
            record.add_path("rebased", dir);
        }
        record
    }

    fn from_record(record: &Record) -> Option<Self> {
        let text = |key| record.text(key).map(str::to_owned);
        Some(Attempt {
            from: record.get("from")?.clone(),
            into: record.get("into")?.clone(),
            base: text("base")?,
            tip: text("tip")?,
            tree: text("tree")?,
            dir: record.path("dir"),
            rebased: record.path("rebased"),
        })
    }

    /// Writes it down, while nobody else is at the same.
    fn begin(&self, repo: &Repo, _: &Turn) -> Result<Journal> {
        let mut others = Kind::Merging.records(&repo.common_dir);
        if others.any(|other| other.get("into") == Some(&self.into)) {
            let message = format!("somebody else is merging into '{}' now", self.into);
            return Err(refused(message, "wait until that is done"));
        }
        for number in 0.. {
            let id = format!("{}-{number}", std::process::id());
            let record = self.record();
            if let Some(journal) = Journal::begin(&repo.common_dir, Kind::Merging, &id, &record)? {
                return Ok(journal);
            }
        }
        bail!("no name is left for a journal")
    }

    /// Takes `steps`, all or none of them. Returns where the branch stands then.
    fn run(
        &self,
        repo: &Repo,
        source: &Source,
        steps: impl FnOnce() -> Result<()>,
    ) -> Result<String> {
        let turn = unfinished::turn(repo)?;
        let still = |branch, at: &str| tip(repo, branch).is_ok_and(|now| now == at);
        if !still(&self.into, &self.base) || !still(&source.branch, &source.tip) {
            let message = format!("'{}' or '{}' has moved meanwhile", source.branch, self.into);
            return Err(refused(message, "wmerge again"));
        }
        let journal = self.begin(repo, &turn)?;
        drop(turn);
        let done = steps().and_then(|()| {
            let after = tip(repo, &self.into)?;
            ensure!(after != self.base, "git did not move '{}'", self.into);
            Ok(after)
        });
        let done = done.map_err(|error| self.failed(repo, error));
        journal.done()?;
        done
    }

    /// Takes all of it back, and says what went wrong.
    fn failed(&self, repo: &Repo, error: anyhow::Error) -> anyhow::Error {
        let worktrees = [&self.rebased, &self.dir];
        let conflicts: Vec<_> = worktrees
            .into_iter()
            .flatten()
            .flat_map(|dir| conflicts(dir))
            .collect();
        let (from, into) = (&self.from, &self.into);
        let moved = tip(repo, into).is_ok_and(|now| now != self.base);
        if moved {
            return error.context(format!(
                "git moved {into}, and failed then; wmerge again goes on"
            ));
        }
        let back = self.back();
        if let Err(left) = back {
            return error.context(format!(
                "merging '{from}' into {into} failed, and could not be taken back: {left:#}"
            ));
        }
        if let Err(interrupted) = interrupt::check() {
            return interrupted;
        }
        if conflicts.is_empty() {
            let message = format!("git did not merge '{from}' into {into}; all is as it was");
            return Failure::new(Exit::Failed, message)
                .hint("git or a hook has said why, above")
                .into();
        }
        let message = format!("merging '{from}' into {into} conflicts; all is as it was");
        let files = conflicts.iter().map(plain::line);
        Failure::new(Exit::Conflict, message).listing(files).into()
    }

    /// Puts both worktrees back to where they were; nobody but git and its hooks was there.
    fn back(&self) -> Result<()> {
        if let Some(dir) = &self.dir {
            put_back(dir)?;
            self.remove_half_written(dir)?;
        }
        match self.rebasing() {
            Some(dir) => asked(dir, &["rebase", "--abort"], NONE).map(drop),
            None => Ok(()),
        }
    }

    /// The worktree that is in the middle of this rebase, and no other.
    fn rebasing(&self) -> Option<&Path> {
        let dir = self.rebased.as_deref()?;
        let ours = |file| state(dir, file).is_some_and(|id| id.trim_ascii() == self.tip.as_bytes());
        let files = ["rebase-merge/orig-head", "rebase-apply/orig-head"];
        files.into_iter().any(ours).then_some(dir)
    }

    /// Ends it after a kill. Returns what there is to say.
    fn end(&self, repo: &Repo, begun: SystemTime) -> Result<Option<String>> {
        let mut said = None;
        if let Some(dir) = self.rebasing() {
            let shown = dir.display();
            if !conflicts(dir).is_empty() {
                return Ok(Some(format!("'{shown}' is in the middle of a rebase")));
            }
            unlock(dir, begun)?;
            keep_changes(dir)?;
            asked(dir, &["rebase", "--abort"], NONE)?;
            said = Some(format!(
                "took back a rebase that was interrupted in '{shown}'"
            ));
        }
        // Whoever has switched to another branch since has seen to what was there.
        let ours = |dir: &&PathBuf| repo.head(&admin(dir)).branch.as_ref() == Some(&self.into);
        let Some(dir) = self.dir.as_ref().filter(ours) else {
            return Ok(said);
        };
        let merging =
            state(dir, "MERGE_HEAD").is_some_and(|id| id.trim_ascii() == self.tip.as_bytes());
        if tip(repo, &self.into)? != self.base {
            if merging && index_is(dir, "HEAD")? {
                asked(dir, &["merge", "--quit"], NONE)?;
            }
            return Ok(said);
        }
        let shown = dir.display();
        if !conflicts(dir).is_empty() {
            return Ok(Some(format!("'{shown}' is in the middle of a merge")));
        }
        let halted = unlock(dir, begun)?;
        let squashing = written_since(&admin(dir).join("SQUASH_MSG"), begun);
        let all_there = !index_is(dir, "HEAD")? && index_is(dir, &self.tree)?;
        if !(merging || squashing || all_there || halted) {
            return Ok(said);
        }
        if halted {
            self.remove_half_written(dir)?;
        }
        put_back(dir)?;
        if halted {
            keep_changes(dir)?;
        }
        Ok(Some(format!(
            "took back a merge that was interrupted in '{shown}'"
        )))
    }

    /// Git was killed while it wrote files, or the disk was full: those that are new hold nothing but (the beginning of) what is committed.
    fn remove_half_written(&self, dir: &Path) -> Result<()> {
        let diff = [
            "diff-tree",
            "-r",
            "-z",
            "--no-renames",
            "--diff-filter=A",
            "--name-only",
        ];
        let new = asked(dir, &diff, [&self.base, &self.tip])?;
        for path in new.split(|b| *b == 0).filter(|path| !path.is_empty()) {
            let file = below(dir, path);
            let Ok(content) = fs::read(&file) else {
                continue;
            };
            let object = [self.tip.as_bytes(), b":", path].concat();
            let whole = asked(dir, &["cat-file", "blob"], [OsStr::from_bytes(&object)])?;
            if whole.starts_with(&content) && !file.is_symlink() {
                fs::remove_file(&file)
                    .with_context(|| format!("could not delete '{}'", file.display()))?;
            }
        }
        Ok(())
    }
}

impl Plan {
    /// Does it. Returns how it went, and where the target stands then.
    ///
    /// # Errors
    /// Git or a hook of it fails; all is as it was then, except that the upstream may have been pulled.
    pub fn carry_out(&self, repo: &Repo, args: &cli::Merge) -> Result<(How, String)> {
        interrupt::watch()?;
        let (source, target) = (&self.source, &self.target);
        let attempt = |from: &BString, base: &str, tip: &str, tree: &str| Attempt {
            from: from.clone(),
            into: target.branch.clone(),
            base: base.into(),
            tip: tip.into(),
            tree: tree.into(),
            dir: target.path().map(Path::to_owned),
            rebased: None,
        };
        if let Some(upstream) = target.upstream.as_ref().filter(|_| self.pull) {
            let pull = attempt(&upstream.short(), &target.tip, &self.base, &self.base);
            pull.run(repo, source, || {
                self.forward(repo, &upstream.name, &target.tip)
            })?;
        }
        if self.how == How::Nothing {
            return Ok((How::Nothing, self.base.clone()));
        }
        let mut merge = attempt(&source.branch, &self.base, &source.tip, &self.tree);
        merge.rebased = (self.how == How::Rebase).then(|| source.path.clone());
        let name = branch_ref(&source.branch);
        let after = merge.run(repo, source, || match (self.how, target.path()) {
            (How::Rebase, _) => self.rebase(repo, &name),
            (_, None) => self.forward(repo, &name, &self.base),
            (How::Squash, Some(dir)) => squash(dir, &short(repo, &name)?, args.message.as_deref()),
            (_, Some(dir)) => {
                let no_ff = args.no_ff.then_some("--no-ff");
                join(dir, &short(repo, &name)?, no_ff, args.message.as_deref())
            }
        })?;
        // Git's settings may have asked for a merge commit.
        let how = match self.how {
            How::FastForward if after != source.tip => How::Merge,
            how => how,
        };
        Ok((how, after))
    }

    /// Rebases the source, and moves the target on to it.
    fn rebase(&self, repo: &Repo, name: &BString) -> Result<()> {
        let Source {
            path,
            branch,
            tip: before,
            ..
        } = &self.source;
        Git::changing(path).args(["rebase", &self.base]).run()?;
        let rebased = tip(repo, branch)?;
        self.forward(repo, name, &self.base).inspect_err(|_| {
            if tip(repo, branch).is_ok_and(|now| now == rebased) {
                let _ = asked(path, &["reset", "--quiet", "--keep"], [before]);
            }
        })
    }

    /// Moves the target, which stands at `from`, on to the ref `name`.
    fn forward(&self, repo: &Repo, name: &BString, from: &str) -> Result<()> {
        if let Some(dir) = self.target.path() {
            return join(dir, name, Some("--ff-only"), None);
        }
        let to = repo_tip(repo, name)?;
        let reason = [b"merge ", &name[..], b": Fast-forward"].concat();
        let target = branch_ref(&self.target.branch);
        let words = [reason.to_os_str_lossy(), target.to_os_str_lossy()];
        let update = || {
            let git = Git::at(&repo.common_dir).args(["update-ref", "-m"]);
            git.args(words.iter().map(|word| &**word))
                .args([&*to, from])
        };
        git::patiently(update).map(drop)
    }
}

/// `git merge`, whatever `branch.NAME.mergeOptions` says about half of it.
fn join(dir: &Path, name: &BString, how: Option<&str>, message: Option<&OsStr>) -> Result<()> {
    let git = Git::changing(dir).args(["merge", "--commit", "--no-squash"]);
    let message = message.map(|message| [OsStr::new("-m"), message]);
    let git = git
        .args(how)
        .args(message.into_iter().flatten())
        .args(["--"]);
    git.args([&*name.to_os_str_lossy()]).run()
}

fn squash(dir: &Path, name: &BString, message: Option<&OsStr>) -> Result<()> {
    // `merge.ff = false` and a squash are at odds for git.
    let git = Git::changing(dir).args(["merge", "--squash", "--ff", "--"]);
    git.args([&*name.to_os_str_lossy()]).run()?;
    let commit = Git::changing(dir).args(["commit"]);
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    match message {
        Some(message) => commit.args([OsString::from("--message"), message.into()]),
        None if terminal => commit,
        None => commit.args(["--no-edit"]),
    }
    .run()
}

/// Takes back what git has left in the worktree `dir`, whose branch has not moved.
fn put_back(dir: &Path) -> Result<()> {
    let begun = |file| state(dir, file).is_some();
    if !begun("MERGE_HEAD") && !begun("SQUASH_MSG") && index_is(dir, "HEAD")? {
        return Ok(());
    }
    if asked(dir, &["reset", "--quiet", "--merge"], NONE).is_err() {
        // A hook has changed what was merged.
        keep_changes(dir)?;
    }
    Ok(())
}

/// Puts what is not committed in `dir` into the stash.
fn keep_changes(dir: &Path) -> Result<()> {
    let Changes {
        staged, modified, ..
    } = changes::ask_git(dir)?;
    if staged + modified == 0 {
        return Ok(());
    }
    let stash = Git::in_dir(dir)
        .here_only()
        .args(["stash", "create"])
        .own(jiff::Timestamp::now().as_second());
    let commit = stash.read()?;
    let commit = commit.trim_ascii().to_os_str_lossy();
    let message = "changed while a merge was under way";
    asked(dir, &["stash", "store", "--message", message], [&*commit])?;
    asked(dir, &["reset", "--quiet", "--hard"], NONE)?;
    say!(
        "what was changed in '{}' meanwhile is in the stash",
        dir.display()
    );
    Ok(())
}

/// Runs git in `dir` to look, or to take something back, which no hook is to refuse.
fn asked(
    dir: &Path,
    args: &[&str],
    more: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<Vec<u8>> {
    let git = Git::in_dir(dir).here_only();
    let git = git.args(["-c", "core.hooksPath=/dev/null"]);
    git.args(args).args(more).read()
}

/// Where a branch stands now.
fn tip(repo: &Repo, branch: &BString) -> Result<String> {
    repo_tip(repo, &branch_ref(branch))
}

fn repo_tip(repo: &Repo, name: &BString) -> Result<String> {
    let git = Git::at(&repo.common_dir).args(["rev-parse", "--verify", "--end-of-options"]);
    let id = git.args([&*name.to_os_str_lossy()]).read()?;
    Ok(id.trim_ascii().to_str_lossy().into_owned())
}

/// The name of a ref as people write it, and as it stands in a merge commit's message.
fn short(repo: &Repo, name: &BString) -> Result<BString> {
    let git = Git::at(&repo.common_dir).args(["for-each-ref", "--format=%(refname:short)"]);
    let out = git.args([&*name.to_os_str_lossy()]).read()?;
    Ok(out.trim_end_with(|c| c == '\n').into())
}

/// Files of the worktree that are in conflict.
fn conflicts(dir: &Path) -> Vec<BString> {
    let names = asked(dir, &["diff", "--name-only", "--diff-filter=U", "-z"], NONE);
    let names = names.unwrap_or_default();
    let names = names.split(|b| *b == 0).filter(|name| !name.is_empty());
    names.map(BString::from).collect()
}

/// Does the index hold just what that commit or tree does?
fn index_is(dir: &Path, tree: &str) -> Result<bool> {
    let diff = ["diff-index", "--cached", "--quiet", tree, "--"];
    let (status, _) = Git::in_dir(dir).here_only().args(diff).ask()?;
    Ok(status == 0)
}

/// The git directory of the worktree `dir`.
fn admin(dir: &Path) -> PathBuf {
    git_dir(dir).unwrap_or_else(|| dir.join(".git"))
}

/// A file in which git keeps what it is at.
fn state(dir: &Path, file: &str) -> Option<Vec<u8>> {
    fs::read(admin(dir).join(file)).ok()
}

fn written_since(file: &Path, begun: SystemTime) -> bool {
    let written = fs::metadata(file).and_then(|meta| meta.modified());
    written.is_ok_and(|written| written >= begun)
}

/// Removes the lock of a git that was killed while it wrote files. Returns whether there was one.
fn unlock(dir: &Path, begun: SystemTime) -> Result<bool> {
    let lock = admin(dir).join("index.lock");
    if !written_since(&lock, begun) {
        return Ok(false);
    }
    // A git that lives would be done by then; one that waits for somebody has written its index.
    std::thread::sleep(DEAD);
    let empty = fs::metadata(&lock).is_ok_and(|meta| meta.len() == 0);
    if !empty || written_since(&lock, SystemTime::now() - DEAD) {
        bail!(
            "another git is at work: wait until '{}' is gone, then wmerge again",
            lock.display()
        );
    }
    fs::remove_file(&lock).with_context(|| format!("could not delete '{}'", lock.display()))?;
    Ok(true)
}

/// Ends what killed runs have left half-merged. Returns what there is to say.
pub fn resume(repo: &Repo, _: &Turn) -> Vec<String> {
    let left = Kind::Merging.left(&repo.common_dir).into_iter();
    left.filter_map(|journal| {
        let attempt = Attempt::from_record(&journal.record)?;
        let ended = attempt.end(repo, journal.written());
        let ended = ended.and_then(|said| journal.done().map(|()| said));
        let failed = |error| format!("could not tidy up after an earlier merge: {error:#}");
        ended.unwrap_or_else(|error| Some(failed(error)))
    })
    .collect()
}
