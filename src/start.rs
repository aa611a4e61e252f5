//! `main` as C has it, for Linux with glibc. Rust's own first reads /proc/self/maps for the end of the stack, to say so
//! when it overflows: an eighth of what an empty program takes, and it would be spent at each change of directory.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int};
use std::os::fd::IntoRawFd;

use rustix::fs::{Mode, OFlags, open};
use rustix::stdio::{stderr, stdin, stdout};

#[unsafe(no_mangle)]
extern "C" fn main(_: c_int, _: *const *const c_char) -> c_int {
    open_standard_streams();
    // SAFETY: no other thread is there yet, and no handler is replaced.
    // A reader that went away is then an error of that write, and never the end in the middle of a change.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    std::process::exit(crate::run().into())
}

/// Where a standard stream is closed, a file that is opened later would get its number, and the next message.
fn open_standard_streams() {
    for stream in [stdin(), stdout(), stderr()] {
        if rustix::io::fcntl_getfd(stream).is_err() {
            // The lowest number that is free, so this one's; for the programs that are started, too.
            let null = open("/dev/null", OFlags::RDWR, Mode::empty());
            let _ = null.map(IntoRawFd::into_raw_fd);
        }
    }
}
