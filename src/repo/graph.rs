//! How far two commits are apart.

use std::collections::{BinaryHeap, HashMap};

use anyhow::{Context, Result};
use gix::ObjectId;

/// Reachable from the first commit, from the second, from both.
const FIRST: u8 = 1;
const SECOND: u8 = 2;
const BOTH: u8 = FIRST | SECOND;

/// How many commits older than everything one-sided are still looked at once all that is left is common:
/// a commit whose date lies in the future of its children's may hide there. Git's own is 5.
const SLOP: u8 = 64;

/// A commit that the walk has met.
struct Commit {
    /// From where it is reachable, as far as is known.
    sides: u8,
    /// What of that its parents have been told.
    told: u8,
    /// Seconds since the epoch, by the committer's clock: it only steers the order, and may be wrong.
    date: i64,
    parents: Vec<ObjectId>,
}

/// How many commits only `a` has, and how many only `b`: ahead and behind, as
/// `git rev-list --left-right --count a...b` counts them.
///
/// What is known of a commit flows to its parents again whenever more becomes known, so skewed dates cost time
/// and not correctness. Where history ends early (a shallow clone, a graft, a parent that is not there), the
/// count ends too.
///
/// # Errors
/// `a` or `b` is not there or no commit, or the object database cannot be read.
pub fn ahead_behind(repo: &gix::Repository, a: ObjectId, b: ObjectId) -> Result<(usize, usize)> {
    if a == b {
        return Ok((0, 0));
    }
    // A commit-graph that cannot be read costs speed only.
    let cache = repo.commit_graph_if_enabled().ok().flatten();
    let mut graph = repo.revision_graph::<()>(cache.as_ref());
    let rewritten = rewritten_parents(repo)?;

    let mut commits = HashMap::<ObjectId, Commit>::new();
    let mut queue = BinaryHeap::new();
    // Commits of one side whose parents still have to be told.
    let mut one_sided = 0_usize;
    let mut oldest_one_sided = i64::MAX;
    let mut slop = SLOP;
    let mut news = vec![(a, FIRST), (b, SECOND)];
    loop {
        for (id, side) in news.drain(..) {
            if let Some(commit) = commits.get_mut(&id) {
                if commit.sides | side != commit.sides {
                    one_sided -= usize::from(commit.told != commit.sides);
                    commit.sides = BOTH;
                    queue.push((commit.date, id));
                }
            } else if let Some(found) = graph.try_lookup(&id)? {
                let date = found.committer_timestamp().unwrap_or_default();
                let parents = match rewritten.get(&id) {
                    Some(parents) => parents.clone(),
                    None => found.iter_parents().collect::<Result<_, _>>()?,
                };
                commits.insert(
                    id,
                    Commit {
                        sides: side,
                        told: 0,
                        date,
                        parents,
                    },
                );
                one_sided += usize::from(side != BOTH);
                queue.push((date, id));
            } else if id == a || id == b {
                anyhow::bail!("there is no commit {id}");
            }
        }
        let Some((date, id)) = queue.pop() else { break };
        if one_sided > 0 || date >= oldest_one_sided {
            slop = SLOP;
        } else if slop == 0 {
            break;
        } else {
            slop -= 1;
        }
        let Some(commit) = commits
            .get_mut(&id)
            .filter(|commit| commit.told != commit.sides)
        else {
            continue;
        };
        if commit.sides != BOTH {
            one_sided -= 1;
            oldest_one_sided = oldest_one_sided.min(date);
        }
        commit.told = commit.sides;
        news.extend(commit.parents.iter().map(|parent| (*parent, commit.sides)));
    }
    let only = |side| {
        commits
            .values()
            .filter(|commit| commit.sides == side)
            .count()
    };
    Ok((only(FIRST), only(SECOND)))
}

/// The commits whose parents are not the ones that they name: the ends of a shallow clone have none,
/// `info/grafts` gives others (a line: the commit, then its parents).
fn rewritten_parents(repo: &gix::Repository) -> Result<HashMap<ObjectId, Vec<ObjectId>>> {
    let mut rewritten = HashMap::new();
    if let Ok(grafts) = std::fs::read_to_string(repo.common_dir().join("info/grafts")) {
        for line in grafts.lines() {
            // A comment or a damaged line is passed over, as git does.
            let ids = line
                .split(' ')
                .map(|hex| ObjectId::from_hex(hex.as_bytes()));
            if let Ok([commit, parents @ ..]) = ids.collect::<Result<Vec<_>, _>>().as_deref() {
                rewritten.insert(*commit, parents.to_vec());
            }
        }
    }
    let shallow = repo
        .shallow_commits()
        .context("could not read where this shallow clone ends")?;
    for id in shallow.iter().flat_map(|ids| ids.iter()) {
        rewritten.insert(*id, Vec::new());
    }
    Ok(rewritten)
}

#[cfg(test)]
mod tests;
