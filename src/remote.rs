//! What remotes have: branches, and the pull or merge requests of GitHub and GitLab, found without their programs.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use anyhow::{Context, Result};
use gix::bstr::{BStr, BString, ByteSlice};

use crate::error::{Exit, Failure};
use crate::git::Git;
use crate::repo::Repo;

/// How often a pull request that moves while it is fetched is tried.
const TRIES: usize = 3;

/// A pull or merge request, fetched.
#[derive(Debug)]
pub struct Request {
    /// The remote that has it.
    pub remote: BString,
    /// The ref on the remote.
    pub name: BString,
    /// Where it stands.
    pub id: String,
}

/// The ref that holds what is known here of a remote's branch.
pub fn tracking(remote: &BString, branch: &[u8]) -> BString {
    [b"refs/remotes/", &remote[..], b"/", branch]
        .concat()
        .into()
}

/// The remotes that have the branch, as far as is known here.
pub fn having(repo: &Repo, branch: &[u8]) -> Vec<BString> {
    let mut remotes = repo.remotes();
    remotes.retain(|remote| repo.object(&tracking(remote, branch)).is_some());
    remotes
}

/// `REMOTE/branch` as the two of them; the longest name of a remote decides.
pub fn split(repo: &Repo, word: &[u8]) -> Option<(BString, BString)> {
    let remotes = repo.remotes();
    split_in(&remotes, word).map(|(remote, branch)| (remote.into(), branch.into()))
}

/// As [`split`], with the names of the remotes at hand.
pub fn split_in<'a>(remotes: &'a [BString], word: &'a [u8]) -> Option<(&'a BStr, &'a BStr)> {
    let parts = remotes.iter().filter_map(|remote| {
        let branch = word.strip_prefix(&remote[..])?.strip_prefix(b"/")?;
        (!branch.is_empty()).then(|| (remote.as_bstr(), branch.as_bstr()))
    });
    parts.max_by_key(|(remote, _)| remote.len())
}

/// Does git keep the remote's branch up to date here, so that it can be an upstream?
pub fn tracked(repo: &Repo, remote: &BString, branch: &BString) -> bool {
    let to = tracking(remote, b"*");
    let exact = tracking(remote, branch);
    repo.refspecs(remote).iter().any(|spec| {
        let spec = spec.strip_prefix(b"+").unwrap_or(spec);
        spec == [b"refs/heads/*:", &to[..]].concat()
            || spec == [b"refs/heads/", &branch[..], b":", &exact].concat()
    })
}

/// Asks the remote for the branch, and brings it. False: it has no such branch.
///
/// # Errors
/// The remote does not answer.
pub fn fetch(repo: &Repo, remote: &BString, branch: &BString) -> Result<bool> {
    let theirs = [b"refs/heads/", &branch[..]].concat();
    let ours = tracking(remote, branch);
    let Some(id) = ask(repo, remote, &[&theirs])?.remove(0) else {
        return Ok(false);
    };
    let have = || repo.object(&ours).is_some_and(|have| have == id);
    if have() {
        return Ok(true);
    }
    let refspec = [b"+", &theirs[..], b":", &ours].concat();
    let fetched = bring(repo, remote, &refspec);
    // Another run may have brought it at the same time, and git says that the ref moved.
    if have() {
        Ok(true)
    } else {
        fetched.map(|()| true)
    }
}

/// Finds and fetches the pull or merge request `number`, from `remote` or from whichever has it.
///
/// # Errors
/// [`Exit::NotFound`] where none has it, [`Exit::Ambiguous`] where several do; or no remote answers.
pub fn request(repo: &Repo, number: u64, remote: Option<&BString>) -> Result<Request> {
    let remotes = remote.map_or_else(|| repo.remotes(), |remote| vec![remote.clone()]);
    for _ in 0..TRIES {
        let found = find(repo, number, &remotes)?;
        bring(repo, &found.remote, &found.name)?;
        let commit = format!("{}^{{commit}}", found.id);
        if Git::at(&repo.common_dir)
            .args(["cat-file", "-e", &commit])
            .read()
            .is_ok()
        {
            return Ok(found);
        }
    }
    let message = format!("could not fetch pull request {number}: it moves all the time");
    Err(Failure::new(Exit::Failed, message).hint("try again").into())
}

fn find(repo: &Repo, number: u64, remotes: &[BString]) -> Result<Request> {
    let names = [
        BString::from(format!("refs/pull/{number}/head")),
        format!("refs/merge-requests/{number}/head").into(),
    ];
    let mut found = vec![];
    let mut failed = None;
    for remote in remotes {
        match ask(repo, remote, &[&names[0], &names[1]]) {
            Ok(ids) => {
                let mut here: Vec<_> = names.iter().zip(ids).collect();
                // Both exist only where one was mirrored: the address says whose it is.
                if address(repo, remote).contains_str("gitlab") {
                    here.reverse();
                }
                let first = here.into_iter().find_map(|(name, id)| Some((name, id?)));
                found.extend(first.map(|(name, id)| Request {
                    remote: remote.clone(),
                    name: name.clone(),
                    id,
                }));
            }
            Err(error) => failed = Some(error),
        }
    }
    let remotes: Vec<_> = found.iter().map(|request| &request.remote).collect();
    match (remotes.as_slice(), failed) {
        ([_], _) => Ok(found.remove(0)),
        ([], Some(error)) => Err(error),
        ([], None) => {
            let message = format!("no remote has a pull or merge request {number}");
            Err(Failure::new(Exit::NotFound, message)
                .hint("git remote -v")
                .into())
        }
        (several, _) => {
            let message = format!("{} remotes have a pull request {number}:", several.len());
            Err(Failure::new(Exit::Ambiguous, message)
                .listing(several.iter().map(|remote| format!("pr:{remote}/{number}")))
                .hint(format!("wnew pr:{}/{number}", several[0]))
                .into())
        }
    }
}

/// Where the remote's refs `names` stand.
fn ask(repo: &Repo, remote: &BString, names: &[&[u8]]) -> Result<Vec<Option<String>>> {
    let said = Git::at(&repo.common_dir)
        .args(["ls-remote", "--quiet", "--"])
        .args([OsStr::from_bytes(remote)])
        .args(names.iter().map(|name| OsStr::from_bytes(name)))
        .read()
        .with_context(|| format!("could not ask '{remote}'"))?;
    let at = |name: &[u8]| {
        said.lines().find_map(|line| {
            let (id, of) = line.split_once_str(b"\t")?;
            (of == name).then(|| id.to_str_lossy().into_owned())
        })
    };
    Ok(names.iter().map(|name| at(name)).collect())
}

fn bring(repo: &Repo, remote: &BString, refspec: &[u8]) -> Result<()> {
    Git::changing(&repo.common_dir)
        .env("GIT_DIR", &repo.common_dir)
        // The lock of a ref is waited for, since others fetch too; FETCH_HEAD is one for all.
        .args(["-c", "core.filesRefLockTimeout=10000"])
        .args([
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--",
        ])
        .args([OsStr::from_bytes(remote), OsStr::from_bytes(refspec)])
        .far()
        .run()
        .map_err(|_| {
            Failure::new(Exit::Failed, format!("could not fetch from '{remote}'"))
                .hint("git has said why, above")
                .into()
        })
}

fn address(repo: &Repo, remote: &BString) -> Vec<u8> {
    Git::at(&repo.common_dir)
        .args(["remote", "get-url", "--"])
        .args([OsStr::from_bytes(remote)])
        .read()
        .unwrap_or_default()
}
