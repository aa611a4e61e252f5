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

/// The shared libraries that Rust asks for by name, and the static ones that are linked in their place: loading the
/// first ones takes a third of what `here` does, for 0.75 MB. Cargo can link statically only for a target that
/// is named on its command line (it would do the same to its own plugins); but of two libraries of one name a linker
/// takes that of the first directory, and that is ours.
const STATIC: [(&str, &[&str]); 3] = [
    ("libgcc_s.a", &["libgcc_eh.a"]),
    ("libm.a", &["libm.a"]),
    // They need each other.
    ("libc.a", &["libc.a", "libgcc.a", "libgcc_eh.a"]),
];

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
    let scripts: Option<Vec<String>> = STATIC.iter().map(|(_, with)| group(with)).collect();
    // Where a distribution keeps them elsewhere (Fedora in glibc-static), it is linked as usual.
    if let (true, Some(scripts)) = (natively, scripts) {
        for ((asked, _), script) in STATIC.iter().zip(scripts) {
            std::fs::write(out.join(asked), script)?;
        }
        println!("cargo::rustc-link-search=native={}", out.display());
        println!("cargo::rustc-link-arg-bins=-static");
    }
    Ok(())
}

/// What leads a linker to `libraries`, if all of them are there.
fn group(libraries: &[&str]) -> Option<String> {
    let places: Option<Vec<String>> = libraries.iter().map(|library| place(library)).collect();
    Some(format!("GROUP(\"{}\")\n", places?.join("\" \"")))
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
