//! What the linker is told on Linux.

/// treehop starts at every change of directory. At a fixed address it need not be relocated first, which would be a
/// fifth of its start; what it reads is the user's own, and it is safe Rust throughout.
const FIXED: &str = "-no-pie";

/// A tenth of the binary would be tables that only unwinding reads, and a panic aborts.
const NO_UNWINDING: &str = "src/no-unwinding.ld";

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    println!("cargo::rerun-if-changed={NO_UNWINDING}");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/");
        // The path apart: to `-Wl` a comma in it would be the end of it.
        for arg in [
            FIXED,
            "-Wl,--no-eh-frame-hdr",
            "-T",
            &format!("{script}{NO_UNWINDING}"),
        ] {
            println!("cargo::rustc-link-arg-bins={arg}");
        }
    }
}
