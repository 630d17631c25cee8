//! Mistakes in a command line, each in one sentence.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::model::error::UsageError;
use crate::model::region::Region;
use crate::support::sanitize::shell_quote;

/// clap's message as one line, for a log. The name of a subcommand is the first argument.
pub(super) fn in_one_line(error: &clap::Error, arguments: &[OsString], program: &Command) -> UsageError {
    let text = error.render().to_string();
    let is_reason =
        |paragraph: &&str| !["Usage:", "For more information"].iter().any(|start| paragraph.starts_with(start));
    let reasons = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()).filter(is_reason);
    let line = reasons.collect::<Vec<_>>().join("; ");
    let words: Vec<&str> = line.split_whitespace().collect();
    let line = words.join(" ");
    let name = arguments.get(1).and_then(|first| program.find_subcommand(first));
    let command = name.map(|command| format!(" {}", command.get_name())).unwrap_or_default();
    UsageError(format!("{}; see trendfetch{command} --help", line.strip_prefix("error: ").unwrap_or(&line)))
}

/// What is wrong if clap complains about a word that is part of a list.
pub(super) fn explain(error: &clap::Error, arguments: &[OsString], program: &Command) -> Option<UsageError> {
    let word = unknown_word(error, program)?;
    if word.starts_with('-') {
        return None;
    }
    let codes = list_around(word, arguments);
    let shown = shell_quote(&word.trim_matches([',', '，', '、']));
    Some(UsageError(match codes.as_slice() {
        [] if error.kind() != ErrorKind::InvalidSubcommand => return None,
        [] => format!(
            "{shown} is not a command; separate a list with commas (--regions US,GB,PL), and give a mode with = (--demo=calm); see --help"
        ),
        [code] => format!("{shown} is not a command; name a region with --regions {code}"),
        codes => format!("{shown} is not an option; separate regions with commas: --regions {}", codes.join(",")),
    }))
}

/// The word, unless clap has a suggestion for it.
fn unknown_word<'a>(error: &'a clap::Error, program: &Command) -> Option<&'a str> {
    let text = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand if error.get(ContextKind::SuggestedSubcommand).is_none() => {
            text(ContextKind::InvalidSubcommand).filter(|word| program.find_subcommand(word).is_none())
        }
        ErrorKind::UnknownArgument => text(ContextKind::InvalidArg),
        _ => None,
    }
}

/// The codes of regions around a word that is one, as in `-r US GB, PL`.
fn list_around<'a>(word: &str, arguments: &'a [OsString]) -> Vec<&'a str> {
    let codes = |argument: &'a OsString| -> Option<Vec<&'a str>> {
        let text = argument.to_str()?;
        let list = ["--regions=", "-r"].iter().find_map(|option| text.strip_prefix(option)).unwrap_or(text);
        let codes: Vec<&str> = list.split([',', '，', '、']).filter(|item| !item.is_empty()).collect();
        (!codes.is_empty() && codes.iter().all(|code| Region::new(code).is_some())).then_some(codes)
    };
    let Some(place) = arguments.iter().position(|argument| argument == word) else { return Vec::new() };
    if codes(&arguments[place]).is_none() {
        return Vec::new();
    }
    let start = arguments[..place].iter().rposition(|argument| codes(argument).is_none()).map_or(0, |last| last + 1);
    arguments[start..].iter().map_while(codes).flatten().collect()
}
