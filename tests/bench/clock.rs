//! Times commands side by side: in turn, round by round, so that a busy moment strikes all of them alike.
//!
//! `clock ROUNDS -- DIRECTORY PROGRAM ARGS… [-- DIRECTORY PROGRAM ARGS…]…` prints one median for each, in microseconds.

use std::process::{Command, Stdio};
use std::time::Instant;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut parts = args.split(|arg| arg == "--");
    let rounds: usize = parts.next().and_then(|part| part.first()).and_then(|n| n.parse().ok()).expect("ROUNDS");
    let commands: Vec<&[String]> = parts.collect();
    let mut times = vec![Vec::with_capacity(rounds); commands.len()];
    for round in 0..rounds + 2 {
        for (words, times) in commands.iter().zip(&mut times) {
            let mut command = Command::new(&words[1]);
            command.args(&words[2..]).current_dir(&words[0]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let start = Instant::now();
            let status = command.status().unwrap_or_else(|e| panic!("{words:?}: {e}"));
            let time = start.elapsed();
            assert!(status.success(), "{words:?} ended with {status}");
            // The first two rounds only warm up.
            if round > 1 {
                times.push(time.as_nanos());
            }
        }
    }
    for mut times in times {
        times.sort_unstable();
        println!("{:.1}", times[times.len() / 2] as f64 / 1000.0);
    }
}
