//! `treehop help`: of a command, or of a shell function, which is a command in other words.

use anyhow::Result;
use clap::{Arg, CommandFactory};

use crate::cli::{self, Cli};
use crate::error::{Exit, Failure};
use crate::help::FUNCTIONS;
use crate::output;

/// What scripts need, and the functions use themselves.
const FOR_SCRIPTS: [&str; 5] = ["directory", "fields", "full", "format", "all"];

/// Runs `treehop help`.
pub fn run(args: &cli::Help) -> Result<()> {
    output::raw(text(args.word.as_deref())?.as_bytes())
}

fn text(word: Option<&str>) -> Result<String> {
    let mut cli = <Cli>::command();
    cli.build();
    let Some(word) = word else {
        return Ok(cli.render_help().to_string());
    };
    let function = FUNCTIONS.iter().find(|(name, ..)| *name == word);
    let name = function.map_or(word, |(_, name, ..)| name);
    let Some(command) = cli.find_subcommand_mut(name) else {
        let message = format!("there is no command '{word}'");
        return Err(Failure::new(Exit::Usage, message)
            .hint("treehop help")
            .into());
    };
    let Some((_, _, about, usage)) = function else {
        return Ok(command.render_help().to_string());
    };
    let mut command = command.clone().override_usage(*usage).mut_args(|arg| {
        let hidden = arg.is_hide_set() || FOR_SCRIPTS.contains(&arg.get_id().as_str());
        arg.hide(hidden)
    });
    if !about.is_empty() {
        command = command.about(*about);
    }
    if word == "wcd" {
        let pick = Arg::new("interactive").short('i').long("interactive");
        command = command.arg(pick.help("Pick from a list").num_args(0));
    }
    Ok(command.render_help().to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn file(name: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        fs::read_to_string(path).unwrap()
    }

    /// The help of each function and each command.
    fn all() -> Vec<(String, String)> {
        let cli = <Cli>::command();
        let commands = cli.get_subcommands().map(clap::Command::get_name);
        let words = FUNCTIONS.iter().map(|(name, ..)| *name).chain(commands);
        words
            .map(|word| (word.to_owned(), text(Some(word)).unwrap()))
            .collect()
    }

    #[test]
    fn all_of_it_fits_a_narrow_terminal() {
        for (word, help) in all() {
            for line in help.lines() {
                assert!(line.chars().count() <= 80, "{word}: {line}");
            }
            let example = ["Example:", "Examples:"];
            let shown = help.lines().any(|line| example.contains(&line));
            // Claude Code runs these two.
            assert!(
                shown || ["hook", "statusline", "help"].contains(&&*word),
                "{word} has no example"
            );
        }
    }

    #[test]
    fn the_list_says_of_each_command_what_its_own_help_says() {
        for command in <Cli>::command().get_subcommands() {
            let help = text(Some(command.get_name())).unwrap();
            let listed = command.get_about().map(ToString::to_string);
            assert_eq!(listed.as_deref(), help.lines().next());
        }
    }

    #[test]
    fn the_shells_say_what_a_function_does_in_the_same_words() {
        let (fish, nu) = (file("shell/treehop.fish"), file("shell/treehop.nu"));
        for (name, ..) in FUNCTIONS {
            let help = text(Some(name)).unwrap();
            let about = help.lines().next().unwrap();
            let said = |quote| {
                fish.contains(&format!(
                    "function {name} --description {quote}{about}{quote}\n"
                ))
            };
            assert!(said('\'') || said('"'), "fish, {name}: {about}");
            // Its comment is the last paragraph before it.
            let definition = nu.lines().position(|line| {
                line.starts_with("export def") && line.contains(&format!(" {name} ["))
            });
            let above: Vec<_> = nu.lines().take(definition.unwrap()).collect();
            let comment = above.rsplit(|line| line.is_empty()).next().unwrap();
            assert_eq!(comment[0], format!("# {about}."), "nu, {name}");
        }
    }

    /// The README's code: lines of its blocks, and what stands between backticks.
    fn readme() -> Vec<String> {
        let readme = file("README.md");
        let mut code = vec![];
        for (at, part) in readme.split("```").enumerate() {
            if at % 2 == 1 {
                code.extend(part.lines().skip(1).map(str::to_owned));
            } else {
                code.extend(part.split('`').skip(1).step_by(2).map(str::to_owned));
            }
        }
        code
    }

    #[test]
    fn the_readme_has_every_command_and_no_option_that_is_not_there() {
        let helps = all();
        let mut shown = BTreeSet::new();
        for line in readme() {
            let words: Vec<&str> = line.split_whitespace().collect();
            for (at, word) in words.iter().enumerate() {
                let (name, from) = match *word {
                    "treehop" => (words.get(at + 1).copied().unwrap_or_default(), at + 2),
                    word if word.starts_with('w') => (word, at + 1),
                    _ => continue,
                };
                let Some((name, help)) = helps.iter().find(|(known, _)| known == name) else {
                    continue;
                };
                shown.insert(name);
                // These hand on what they do not know.
                if ["wclaude", "wpr"].contains(&name.as_str()) || words.contains(&"-c") {
                    continue;
                }
                let options = words[from..]
                    .iter()
                    .take_while(|word| !["#", "|", "&&"].contains(word))
                    .filter(|word| word.starts_with('-') && word.len() > 1);
                for option in options {
                    let known = help
                        .split([' ', ',', '\n', '['])
                        .any(|word| word == *option);
                    assert!(known, "{name} has no {option}: {line}");
                }
            }
        }
        let missing = helps.iter().filter(|(name, _)| !shown.contains(name));
        let missing: Vec<_> = missing.map(|(name, _)| name).collect();
        assert!(missing.is_empty(), "not in the README: {missing:?}");
    }

    /// `TREEHOP_WRITE_COMPLETIONS=1 cargo test man_page` writes it anew.
    #[test]
    fn the_man_page_is_what_the_help_says() {
        let own = text(None).unwrap();
        let (about, rest) = own.split_once("\n\n").unwrap();
        let mut page = format!(".TH TREEHOP 1\n.SH NAME\ntreehop \\- {about}\n");
        let mut section = |heading: &str, text: &str| {
            let text = text.replace('\\', "\\e").replace('-', "\\-");
            write!(page, ".SH {heading}\n.nf\n").unwrap();
            for line in text.lines() {
                // A dot or a quote at its beginning would be a request.
                let guard = if line.starts_with(['.', '\'']) {
                    "\\&"
                } else {
                    ""
                };
                writeln!(page, "{guard}{line}").unwrap();
            }
            page.push_str(".fi\n");
        };
        section("DESCRIPTION", rest);
        for (word, help) in all() {
            section(&word, &help);
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions/man/treehop.1");
        if std::env::var_os("TREEHOP_WRITE_COMPLETIONS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &page).unwrap();
        }
        let same = fs::read_to_string(path).unwrap_or_default() == page;
        assert!(
            same,
            "completions/man/treehop.1 is stale: TREEHOP_WRITE_COMPLETIONS=1 cargo test man_page"
        );
    }
}
