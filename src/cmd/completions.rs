//! `treehop completions`

use anyhow::Result;

use crate::cli::{self, Shell};
use crate::output;

/// Prints the completions of treehop itself: the files in `completions/`, which the test below has clap make from
/// the command line's types, so that the binary need not carry what makes them.
pub fn run(args: &cli::Completions) -> Result<()> {
    output::raw(text(args.shell).as_bytes())
}

fn text(shell: Shell) -> String {
    match shell {
        Shell::Bash => embedded!("completions/treehop.bash"),
        Shell::Zsh => embedded!("completions/_treehop"),
        Shell::Fish => embedded!("completions/treehop.fish"),
        Shell::Nu => embedded!("completions/treehop.nu"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::CommandFactory;
    use clap_complete::{generate, shells};

    use super::*;

    /// `TREEHOP_WRITE_COMPLETIONS=1 cargo test completions` writes them anew.
    #[test]
    fn the_files_are_what_clap_makes_of_the_command_line() {
        let generated = |shell| {
            let (mut made, mut command) = (vec![], <cli::Cli>::command());
            match shell {
                Shell::Bash => generate(shells::Bash, &mut command, "treehop", &mut made),
                Shell::Zsh => generate(shells::Zsh, &mut command, "treehop", &mut made),
                Shell::Fish => generate(shells::Fish, &mut command, "treehop", &mut made),
                Shell::Nu => generate(
                    clap_complete_nushell::Nushell,
                    &mut command,
                    "treehop",
                    &mut made,
                ),
            }
            String::from_utf8(made).unwrap()
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
        for (shell, file) in [
            (Shell::Bash, "treehop.bash"),
            (Shell::Zsh, "_treehop"),
            (Shell::Fish, "treehop.fish"),
            (Shell::Nu, "treehop.nu"),
        ] {
            let made = generated(shell);
            if std::env::var_os("TREEHOP_WRITE_COMPLETIONS").is_some() {
                std::fs::write(folder.join(file), &made).unwrap();
            } else {
                assert!(
                    made == text(shell),
                    "completions/{file} is stale: TREEHOP_WRITE_COMPLETIONS=1 cargo test"
                );
            }
        }
    }
}
