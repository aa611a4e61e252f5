//! What is staged: HEAD's tree against the index.

use std::ops::Range;

use anyhow::{Result, bail};
use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::index::State;
use gix::index::entry::{Flags, Mode};
use gix::index::extension::Tree as CacheTree;
use gix::objs::TreeRef;
use gix::objs::tree::{EntryKind, EntryRef};

use super::{MAX_DEPTH, Paths};

/// Counts the paths whose entry in the index is not what HEAD has. A path that was renamed without an edit counts
/// once. A branch without a commit has an empty tree.
pub fn count(repo: &gix::Repository, index: &State) -> Result<usize> {
    let mut comparison = Comparison {
        repo,
        paths: Paths::new(index),
        changed: 0,
        added: Vec::new(),
        removed: Vec::new(),
    };
    let head = repo.head_tree_id_or_empty()?.detach();
    comparison.directory(Some(head), index.tree(), 0..index.entries().len(), 0, 0)?;
    Ok(comparison.changed - comparison.renames())
}

/// What decides whether an added file is a removed one under another name: the object, and for what is no regular
/// file its mode too (git's rule).
type Content = (ObjectId, Option<EntryKind>);

struct Comparison<'a> {
    repo: &'a gix::Repository,
    paths: Paths<'a>,
    /// Paths that differ, the added and removed ones among them.
    changed: usize,
    added: Vec<Content>,
    removed: Vec<Content>,
}

impl Comparison<'_> {
    /// Compares one directory: `tree` in HEAD (`None`: it is not there), the `entries` of the index whose paths share
    /// its name of `prefix` bytes, and what the index remembers of the tree that it would be written as.
    fn directory(
        &mut self,
        tree: Option<ObjectId>,
        cache: Option<&CacheTree>,
        entries: Range<usize>,
        prefix: usize,
        depth: usize,
    ) -> Result<()> {
        if cache.is_some_and(|cache| cache.num_entries.is_some() && Some(cache.id) == tree) {
            return Ok(());
        }
        if depth > MAX_DEPTH {
            bail!("a path in the index is too deep");
        }
        let data = tree
            .map(|id| self.repo.find_tree(id))
            .transpose()?
            .map(|tree| tree.detach().data);
        let mut head = self.decode(data.as_deref().unwrap_or_default())?;
        // A tree sorts directories as if their names ended in a slash; here names are looked up.
        head.sort_unstable_by(|a, b| a.filename.cmp(b.filename));
        let mut met = vec![false; head.len()];

        let mut position = entries.start;
        while position < entries.end {
            let rest = self.paths.below(position, prefix)?;
            let slash = rest.find_byte(b'/');
            let name = &rest[..slash.unwrap_or(rest.len())];
            let found = head
                .binary_search_by(|entry| entry.filename.as_bytes().cmp(name))
                .ok();
            // A file and a directory of the same name are two different things.
            let found = found.filter(|at| head[*at].mode.is_tree() == slash.is_some());
            if let Some(at) = found {
                met[at] = true;
            }
            let found = found.map(|at| head[at]);
            position = if slash.is_some() {
                let below = prefix + name.len() + 1;
                let end = self.paths.end_of_directory(&(position..entries.end), below);
                let tree = found.map(|entry| entry.oid.to_owned());
                if self.paths.entries[position].mode == Mode::DIR {
                    if tree != Some(self.paths.entries[position].id) {
                        bail!("a directory of the sparse index has changed");
                    }
                } else {
                    let cache = cache.and_then(|cache| {
                        cache.children.iter().find(|child| child.name[..] == *name)
                    });
                    self.directory(tree, cache, position..end, below, depth + 1)?;
                }
                end
            } else {
                self.file(position, found.as_ref());
                position + 1
            };
        }
        for (entry, _) in head.iter().zip(met).filter(|(_, met)| !met) {
            self.gone(entry, depth)?;
        }
        Ok(())
    }

    /// Compares one entry of the index that is no directory with what HEAD has under its name.
    fn file(&mut self, position: usize, head: Option<&EntryRef<'_>>) {
        let entry = &self.paths.entries[position];
        if entry.stage_raw() != 0 {
            return;
        }
        let kind = entry.mode.to_tree_entry_mode().map(|mode| mode.kind());
        if entry.flags.contains(Flags::INTENT_TO_ADD) {
            // It announces a file without adding it: what HEAD had is gone for now.
            if let Some(head) = head {
                self.remove(head);
            }
        } else if let Some(head) = head {
            self.changed += usize::from(head.oid != entry.id || kind != Some(head.mode.kind()));
        } else {
            self.changed += 1;
            self.added
                .push((entry.id, kind.filter(|kind| is_special(*kind))));
        }
    }

    /// Counts what HEAD has and the index has not.
    fn gone(&mut self, entry: &EntryRef<'_>, depth: usize) -> Result<()> {
        if !entry.mode.is_tree() {
            self.remove(entry);
            return Ok(());
        }
        if depth > MAX_DEPTH {
            bail!("a path in HEAD is too deep");
        }
        let data = self.repo.find_tree(entry.oid)?.detach().data;
        for entry in self.decode(&data)? {
            self.gone(&entry, depth + 1)?;
        }
        Ok(())
    }

    fn remove(&mut self, entry: &EntryRef<'_>) {
        self.changed += 1;
        self.removed.push((
            entry.oid.to_owned(),
            Some(entry.mode.kind()).filter(|kind| is_special(*kind)),
        ));
    }

    fn decode<'data>(&self, data: &'data [u8]) -> Result<Vec<EntryRef<'data>>> {
        Ok(TreeRef::from_bytes(data, self.repo.object_hash())?.entries)
    }

    /// How many added files are removed ones under another name. Each removed one goes to one added one only.
    fn renames(&mut self) -> usize {
        self.added.sort_unstable();
        self.removed.sort_unstable();
        let mut added = self.added.iter().peekable();
        let mut renames = 0;
        for removed in &self.removed {
            while added.next_if(|content| *content < removed).is_some() {}
            renames += usize::from(added.next_if_eq(&removed).is_some());
        }
        renames
    }
}

/// Whether it is no regular file.
fn is_special(kind: EntryKind) -> bool {
    !matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable)
}
