//! What a command line wants at its last word: the value of an option, or an argument of a command.

use clap::{Arg, Command};

/// What is completed by names that only the tree or the file system knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Folder,
    Service,
    Domain,
    Field,
    Test,
    Code,
}

/// The word that is completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) what: Wanted,
    /// What of it is there.
    pub(super) begun: String,
    /// What precedes it in the same word: `--service=`, or nothing.
    pub(super) prefix: String,
    /// The folder of the tree, if one was given.
    pub(super) tree: Option<String>,
}

/// Returns what the last of the words is, or `None` if nothing but the command itself knows what may stand there.
pub(super) fn wanted(root: &Command, words: &[String]) -> Option<Word> {
    // bash takes the `=` of `--service=ledger` for a word.
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "=").collect();
    let (last, before) = words.split_last()?;
    let mut command = root;
    let mut option: Option<&Arg> = None;
    let mut values: Vec<&str> = Vec::new();
    let mut only_values = false;
    for word in before {
        if option.take().is_some() {
            continue;
        }
        if *word == "--" && !only_values {
            only_values = true;
        } else if word.starts_with('-') && word.len() > 1 && !only_values {
            option = if word.contains('=') { None } else { find(command, word).filter(|arg| takes_value(arg)) };
        } else if let Some(inner) = command.find_subcommand(word).filter(|_| values.is_empty()) {
            command = inner;
        } else {
            values.push(word);
        }
    }
    let (arg, begun, prefix) = match (option, last.split_once('=')) {
        (Some(arg), _) => (arg, *last, String::new()),
        (None, Some((name, value))) if name.starts_with("--") && !only_values => {
            (find(command, name)?, value, format!("{name}="))
        }
        (None, _) if last.starts_with('-') && !only_values => return None,
        (None, _) => (positional(command, values.len())?, *last, String::new()),
    };
    let what = what(arg)?;
    let has_tree = command.get_positionals().next().is_some_and(|arg| self::what(arg) == Some(Wanted::Folder));
    let tree = values.first().filter(|_| has_tree).map(|tree| (*tree).to_owned());
    Some(Word { what, begun: begun.to_owned(), prefix, tree })
}

/// Returns the option that is written like this: `--service` or `-o`.
fn find<'c>(command: &'c Command, word: &str) -> Option<&'c Arg> {
    let mut all = command.get_arguments();
    match word.strip_prefix("--") {
        Some(long) => all.find(|arg| arg.get_long() == Some(long)),
        None => all.find(|arg| arg.get_short().is_some_and(|short| word.ends_with(short))),
    }
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// Returns the argument at an index. The last one may repeat.
fn positional(command: &Command, index: usize) -> Option<&Arg> {
    let all: Vec<&Arg> = command.get_positionals().collect();
    let last = all.last().filter(|arg| arg.get_num_args().is_some_and(|range| range.max_values() > 1));
    all.get(index).or(last).copied()
}

/// Returns what the values of an argument are, by the name of the value.
fn what(arg: &Arg) -> Option<Wanted> {
    let name = arg.get_value_names()?.first()?;
    match name.as_str() {
        "DIR" | "OLD" | "NEW" => Some(Wanted::Folder),
        "SERVICE" => Some(Wanted::Service),
        "DOMAIN" => Some(Wanted::Domain),
        "FIELD" => Some(Wanted::Field),
        "FILTER" => Some(Wanted::Test),
        "CODE" => Some(Wanted::Code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// What is completed, what of it is there, and the tree.
    type Found<'a> = Option<(Wanted, &'a str, Option<&'a str>)>;

    #[test]
    fn the_last_word_is_what_its_command_says() {
        let rows: [(&str, Found<'_>); 22] = [
            ("", None),
            ("che", None),
            ("check ", Some((Wanted::Folder, "", None))),
            ("check pol", Some((Wanted::Folder, "pol", None))),
            ("check --co", None),
            ("check --costs pol", Some((Wanted::Folder, "pol", None))),
            ("check policies ", None),
            ("build policies --service ", Some((Wanted::Service, "", Some("policies")))),
            ("build policies -o ", None),
            ("build -o out.cmx --service led", Some((Wanted::Service, "led", None))),
            ("build policies --service=led", Some((Wanted::Service, "led", Some("policies")))),
            ("build policies --service = led", Some((Wanted::Service, "led", Some("policies")))),
            ("--format json build policies --service ", Some((Wanted::Service, "", Some("policies")))),
            ("graph policies --domain sh", Some((Wanted::Domain, "sh", Some("policies")))),
            ("graph policies --field ", Some((Wanted::Field, "", Some("policies")))),
            ("emit envoy policies --service ", Some((Wanted::Service, "", Some("policies")))),
            ("test policies pay", Some((Wanted::Test, "pay", Some("policies")))),
            ("test policies a b", Some((Wanted::Test, "b", Some("policies")))),
            ("explain CM04", Some((Wanted::Code, "CM04", None))),
            ("import authorizationpolicy ", None),
            ("import authorizationpolicy a.yaml b.yaml -o tr", Some((Wanted::Folder, "tr", None))),
            ("diff old n", Some((Wanted::Folder, "n", Some("old")))),
        ];
        let mut root = super::super::super::Cli::command();
        root.build();
        for (line, expected) in rows {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let found = wanted(&root, &words);
            let found = found.as_ref().map(|word| (word.what, word.begun.as_str(), word.tree.as_deref()));
            assert_eq!(found, expected, "{line}");
        }
    }
}
