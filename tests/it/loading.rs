//! Loading the integration: silently, at once, and beside whatever else a start-up file holds.

use std::fs;

use crate::common::{Repo, Shell};
use crate::scenarios::scenarios;

scenarios! {
    without_the_integration_nothing_is_seen: |shell| {
        let repo = Repo::guide();
        let odd = repo.tree("it's a $(touch pwned) `dir`");
        fs::create_dir(&odd).unwrap();
        let mut s = repo.shell(shell).unloaded().env("FROM", "parent").start();
        s.probe().status(0).at(&repo.main).nowhere().no_venv();
        s.line("sh -c 'exit 7'");
        s.probe().status(7);
        s.cd(&odd).export("VIRTUAL_ENV_PROMPT", "it's $(touch pwned)");
        let probe = s.probe();
        probe.at(&odd);
        assert_eq!(probe.var("VIRTUAL_ENV_PROMPT").unwrap(), "it's $(touch pwned)");
        assert!(!odd.join("pwned").exists());
        s.line("echo one two");
        assert_eq!(s.output(), if shell == Shell::Nu { "╭───┬─────╮\n│ 0 │ one │\n│ 1 │ two │\n╰───┴─────╯" } else { "one two" });
    }
}
