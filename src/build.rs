//! The files that treehop carries are compressed, and what the linker is told for a release on Linux: treehop starts at
//! every change of directory, so that what happens before `main` counts.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use zlib_rs::{DeflateConfig, ReturnCode, compress_bound, compress_slice};

/// The folders whose files `init` and `completions` print.
const EMBEDDED: [&str; 2] = ["shell", "completions"];

/// At a fixed address it need not be relocated first, which would be a fifth of its start; what it reads is the user's
/// own, and it is safe Rust throughout.
const FIXED: &str = "-no-pie";

/// A tenth of the binary would be tables that only unwinding reads, and a panic aborts.
const NO_UNWINDING: &str = "src/no-unwinding.ld";

/// The shared library that Rust asks for by name, and the static one that is linked in its place: to load it takes a
/// tenth of what an empty program takes. Of two libraries of one name a linker takes that of the first directory, and
/// that is ours.
const UNWINDER: (&str, &str) = ("libgcc_s.a", "libgcc_eh.a");

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=src/build.rs");
    println!("cargo::rerun-if-changed={NO_UNWINDING}");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    for folder in EMBEDDED {
        println!("cargo::rerun-if-changed={folder}");
        embed(Path::new(folder), &out.join(folder))?;
    }
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|var| var == value);
    // musl's own start-up code refers to the tables that are left out here; a test that fails has to unwind.
    if !is("CARGO_CFG_TARGET_OS", "linux")
        || !is("CARGO_CFG_TARGET_ENV", "gnu")
        || !is("PROFILE", "release")
    {
        return Ok(());
    }
    let script = format!("{}/{NO_UNWINDING}", std::env::var("CARGO_MANIFEST_DIR")?);
    // The path apart: to `-Wl` a comma in it would be the end of it.
    for arg in [FIXED, "-Wl,--no-eh-frame-hdr", "-T", &script] {
        println!("cargo::rustc-link-arg-bins={arg}");
    }
    let natively = std::env::var("HOST")? == std::env::var("TARGET")?;
    if let (true, Some(unwinder)) = (natively, place(UNWINDER.1)) {
        std::fs::write(out.join(UNWINDER.0), format!("INPUT(\"{unwinder}\")\n"))?;
        println!("cargo::rustc-link-search=native={}", out.display());
    }
    Ok(())
}

/// Compresses the files of `folder` into `out`.
fn embed(folder: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(out)?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let text = std::fs::read(entry.path())?;
            let mut room = vec![0; compress_bound(text.len())];
            let (compressed, code) = compress_slice(&mut room, &text, DeflateConfig::new(9));
            assert_eq!(code, ReturnCode::Ok);
            std::fs::write(out.join(entry.file_name()), compressed)?;
        }
    }
    Ok(())
}

/// Where the C compiler has a library; for one that it does not have it prints the bare name.
fn place(library: &str) -> Option<String> {
    let asked = Command::new("cc")
        .arg(format!("-print-file-name={library}"))
        .output()
        .ok()?;
    let place = String::from_utf8(asked.stdout).ok()?;
    place.starts_with('/').then(|| place.trim_end().to_owned())
}
