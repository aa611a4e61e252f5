//! Listing a directory through its descriptor.

use std::ops::Range;

use rustix::fd::BorrowedFd;
use rustix::fs::FileType;

/// The names in a directory, except `.`, `..` and `.git`, in memory that the next directory uses again.
#[derive(Default)]
pub struct Listing {
    names: Vec<u8>,
    entries: Vec<(Range<usize>, FileType)>,
    #[cfg(target_os = "linux")]
    buffer: Vec<u8>,
}

impl Listing {
    /// Replaces the listing by that of `directory`, which must not have been listed through this descriptor before.
    ///
    /// # Errors
    /// The directory cannot be read.
    #[cfg(target_os = "linux")]
    pub fn read(&mut self, directory: BorrowedFd<'_>) -> rustix::io::Result<()> {
        self.clear();
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.reserve(32 * 1024);
        // `Dir` would take a second descriptor and an allocation for each name.
        let mut reader = rustix::fs::RawDir::new(directory, buffer.spare_capacity_mut());
        while let Some(entry) = reader.next() {
            let entry = entry?;
            self.push(entry.file_name().to_bytes(), entry.file_type());
        }
        self.buffer = buffer;
        Ok(())
    }

    /// Replaces the listing by that of `directory`.
    ///
    /// # Errors
    /// The directory cannot be read.
    #[cfg(not(target_os = "linux"))]
    pub fn read(&mut self, directory: BorrowedFd<'_>) -> rustix::io::Result<()> {
        self.clear();
        for entry in rustix::fs::Dir::read_from(directory)? {
            let entry = entry?;
            self.push(entry.file_name().to_bytes(), entry.file_type());
        }
        Ok(())
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The names with their types; a file system that does not tell a type gives [`FileType::Unknown`].
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], FileType)> {
        self.entries
            .iter()
            .map(|(range, kind)| (&self.names[range.clone()], *kind))
    }

    fn clear(&mut self) {
        self.names.clear();
        self.entries.clear();
    }

    fn push(&mut self, name: &[u8], kind: FileType) {
        if !matches!(name, b"." | b".." | b".git") {
            let start = self.names.len();
            self.names.extend_from_slice(name);
            self.entries.push((start..self.names.len(), kind));
        }
    }
}
