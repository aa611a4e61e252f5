//! What the linker is told on Linux. treehop starts at every change of directory, so that what happens before `main`
//! counts.

use std::error::Error;
use std::path::Path;
use std::process::Command;

/// At a fixed address it need not be relocated first, which would be a fifth of its start; what it reads is the user's
/// own, and it is safe Rust throughout.
const FIXED: &str = "-no-pie";

/// A tenth of the binary would be tables that only unwinding reads, and a panic aborts.
const NO_UNWINDING: &str = "src/no-unwinding.ld";

/// Rust asks for this shared library by name. Loading it would be another fifth of the start, for functions that the
/// static one (`libgcc_eh`) has as well: of two libraries of one name the linker takes that of the first directory.
const UNWINDER: &str = "libgcc_s.a";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=src/build.rs");
    println!("cargo::rerun-if-changed={NO_UNWINDING}");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|var| var == value);
    // musl's own start-up code refers to the tables that are left out here.
    if !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return Ok(());
    }
    let mut args = vec![FIXED.to_owned()];
    // A test that fails has to unwind.
    if is("PROFILE", "release") {
        let script = format!("{}/{NO_UNWINDING}", std::env::var("CARGO_MANIFEST_DIR")?);
        // The path apart: to `-Wl` a comma in it would be the end of it.
        args.extend(["-Wl,--no-eh-frame-hdr".into(), "-T".into(), script]);
    }
    for arg in args {
        println!("cargo::rustc-link-arg-bins={arg}");
    }
    let natively = std::env::var("HOST")? == std::env::var("TARGET")?;
    if natively && has_static_unwinder() {
        let dir = std::env::var("OUT_DIR")?;
        std::fs::write(Path::new(&dir).join(UNWINDER), "INPUT(-lgcc_eh)\n")?;
        println!("cargo::rustc-link-search=native={dir}");
    }
    Ok(())
}

/// gcc comes with it; another compiler names no place where it is.
fn has_static_unwinder() -> bool {
    let found = Command::new("cc")
        .arg("-print-file-name=libgcc_eh.a")
        .output();
    found.is_ok_and(|out| out.stdout.starts_with(b"/"))
}
