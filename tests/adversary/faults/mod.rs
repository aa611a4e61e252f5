//! What breaks under a command: after each fault one clear line, the right status, and nothing lost.
//!
//! Each fault meets each command. Where a command fails, nothing has changed; where it succeeds, nothing is lost; and
//! once the fault is lifted all of them work.

mod disk;
mod files;
mod kill;
mod place;
mod terminal;
mod tools;

use std::fmt::Write;

use place::{How, ORDERS, Place};

use crate::counted;

/// Something that is wrong, in a place that was made ready for it.
struct Fault {
    /// How treehop is started while it is wrong.
    how: How,
    /// Mends it.
    lift: Box<dyn Fn(&Place)>,
    /// What each failure has to say.
    words: &'static str,
}

impl Fault {
    /// One that lies in the way of starting treehop.
    fn of(how: How) -> Fault {
        Fault {
            how,
            lift: Box::new(|_| {}),
            words: "",
        }
    }

    /// One that lies in files, and is mended by `lift`.
    fn in_files(lift: impl Fn(&Place) + 'static) -> Fault {
        Fault {
            how: How::default(),
            lift: Box::new(lift),
            words: "",
        }
    }

    /// The same, with words that each failure has to say.
    fn saying(self, words: &'static str) -> Fault {
        Fault { words, ..self }
    }
}

/// A status, and the commands that have to end with it.
type Expected<'a> = &'a [(i32, &'a [&'a str])];

/// Those that need git to look.
const ASKING: [&str; 6] = ["undo --list", "remove -f", "undo", "pr", "merge", "prune"];
/// All that open the repository.
const INSIDE: [&str; 15] = [
    "list",
    "list --full",
    "list --format table",
    "find",
    "find --all",
    "here",
    "undo --list",
    "claude",
    "new",
    "setup",
    "remove -f",
    "undo",
    "pr",
    "merge",
    "prune",
];

/// Every command under the fault that `inject` makes. Those that are not `expected` to fail have to succeed.
fn matrix(name: &str, expected: Expected, inject: impl Fn(&Place) -> Fault) {
    for order in expected.iter().flat_map(|(_, orders)| *orders) {
        let known = ORDERS.iter().any(|known| known.name == *order);
        assert!(known, "{name}: which command is {order}?");
    }
    let place = Place::new();
    let before = place.state();
    let mut fault = inject(&place);
    let mut during = place.state();
    let (mut others, mut failed) = (String::new(), vec![]);
    for order in &ORDERS {
        counted("faults injected", 1);
        let run = place.run(order, &fault.how);
        let told = format!("{name}, treehop {}", order.name);
        run.judge(order, &told);
        let right = expected.iter().find(|(_, all)| all.contains(&order.name));
        let right = right.map_or(0, |(status, _)| *status);
        if run.status.code() != Some(right) || std::env::var_os("SHOW").is_some() {
            let _ = writeln!(others, "{told}: {:?}\n{}", run.status.code(), run.stderr);
        }
        if !run.status.success() {
            run.expect(run.stderr.contains(fault.words), &told, fault.words);
            failed.push(order);
        }
        if !run.status.success() || !order.changes {
            let told = format!("{told}\n{}", run.stderr);
            place.state().same(&during, &told);
            continue;
        }
        (fault.lift)(&place);
        place.nothing_lost(&before, &told);
        fault = inject(&place);
        during = place.state();
    }
    assert!(others.is_empty(), "other statuses than expected:\n{others}");
    (fault.lift)(&place);
    place.nothing_lost(&before, name);
    place.work(&failed, name);
}
