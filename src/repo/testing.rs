//! What the tests of this module share: a repository that vanishes, and chance that repeats itself.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A repository in a directory of its own, deleted when dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new, empty repository.
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let unique = format!(
            "treehop-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let scratch = Scratch(std::env::temp_dir().canonicalize().unwrap().join(unique));
        std::fs::create_dir_all(&scratch.0).unwrap();
        scratch.git(&["init", "--quiet", "--initial-branch=main"]);
        let mut config = std::fs::File::options()
            .append(true)
            .open(scratch.at(".git/config"))
            .unwrap();
        // Whatever line endings whoever runs the tests is used to.
        config
            .write_all(b"[core]\n\tautocrlf = false\n\tattributesFile = .git/none\n")
            .unwrap();
        scratch
    }

    /// Its directory, absolute and without symbolic links.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of a file in it; `name` may be any bytes.
    pub fn at(&self, name: impl AsRef<[u8]>) -> PathBuf {
        self.0.join(OsStr::from_bytes(name.as_ref()))
    }

    /// Writes a file and the directories above it, whatever stood in their way.
    pub fn write(&self, name: impl AsRef<[u8]>, content: &[u8]) {
        let path = self.at(name);
        let parent = path.parent().unwrap();
        if std::fs::create_dir_all(parent).is_err() {
            for above in parent.ancestors().take_while(|above| *above != self.0) {
                let _ = std::fs::remove_file(above);
            }
            std::fs::create_dir_all(parent).unwrap();
        }
        if path.is_dir() && !path.is_symlink() {
            std::fs::remove_dir_all(&path).unwrap();
        }
        let _ = std::fs::remove_file(&path);
        std::fs::write(path, content).unwrap();
    }

    /// Runs git here and expects it to succeed.
    pub fn git(&self, args: &[&str]) -> Output {
        let output = self.try_git(args);
        assert!(
            output.status.success(),
            "git {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    /// Runs git here; the caller judges.
    pub fn try_git(&self, args: &[&str]) -> Output {
        git(&self.0).args(args).output().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A git that has an identity, signs nothing, and leaves nothing running behind.
pub fn git(dir: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(dir)
        .stdin(Stdio::null())
        .args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.com",
            "-c",
            "protocol.file.allow=always",
        ])
        .args([
            "-c",
            "core.fsync=none",
            "-c",
            "commit.gpgSign=false",
            "-c",
            "gc.auto=0",
            "-c",
            "maintenance.auto=false",
        ]);
    command
}

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
pub struct Chance(u64);

impl Chance {
    /// A sequence for this seed.
    pub fn new(seed: u64) -> Self {
        Chance(seed)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).unwrap()
    }

    /// True once in `n`.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of them.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Runs `test` with as many seeds, on all cores; `TREEHOP_TEST_SEEDS=2000` tries that many.
pub fn each_seed(seeds: u64, test: impl Fn(u64) + Sync) {
    let asked = std::env::var("TREEHOP_TEST_SEEDS").ok();
    let seeds = asked.and_then(|asked| asked.parse().ok()).unwrap_or(seeds);
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    test(seed);
                }
            });
        }
    });
}
