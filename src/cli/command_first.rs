//! Options that are written before the name of a subcommand, as an alias such as `trendfetch --store charts.db` does.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command};

use super::{RunArgs, TerminalArgs};
use crate::model::error::UsageError;

/// Moves options that precede the name of a subcommand behind it, where clap reads them as options of the subcommand.
///
/// # Errors
/// For an option that the subcommand does not have.
pub(super) fn command_first(arguments: Vec<OsString>, program: &Command) -> Result<Vec<OsString>, UsageError> {
    let options = options_alone(program);
    // Any other mistake is reported when the whole line is parsed.
    let Ok(matches) = options.clone().try_get_matches_from(&arguments) else { return Ok(arguments) };
    let Some((name, rest)) = matches.subcommand() else { return Ok(arguments) };
    let Some(subcommand) = program.get_subcommands().find(|subcommand| subcommand.get_name() == name) else {
        return Ok(arguments);
    };
    if let Some(option) = given(&options, &matches).find(|option| !has_option(subcommand, option)) {
        return Err(misplaced(option, subcommand));
    }
    let position = arguments.len() - rest.get_many::<OsString>("").map_or(0, Iterator::count) - 1;
    let mut ordered = arguments;
    // Behind the name of the program.
    ordered[1..=position].rotate_right(1);
    Ok(ordered)
}

/// The options of the program and of all subcommands, without the subcommands. An unknown word, with everything after it,
/// counts as an external subcommand.
fn options_alone(program: &Command) -> Command {
    let command = Command::new("trendfetch").allow_external_subcommands(true).allow_negative_numbers(true);
    let mut options = RunArgs::augment_args(TerminalArgs::augment_args(command));
    for option in program.get_subcommands().flat_map(Command::get_arguments).filter(|arg| !arg.is_positional()) {
        if options.get_arguments().all(|known| known.get_long() != option.get_long()) {
            options = options.arg(outline(option));
        }
    }
    options
}

/// An option with the names and the kind of another one, and without its relations to others.
fn outline(option: &Arg) -> Arg {
    let name = option.get_long().unwrap_or_default().to_owned();
    Arg::new(name.clone()).long(name).action(option.get_action().clone())
}

fn given<'a>(options: &'a Command, matches: &'a ArgMatches) -> impl Iterator<Item = &'a Arg> {
    let is_given = |option: &&Arg| matches.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine);
    options.get_arguments().filter(is_given)
}

fn has_option(subcommand: &Command, option: &Arg) -> bool {
    option.is_global_set() || subcommand.get_arguments().any(|own| own.get_long() == option.get_long())
}

fn misplaced(option: &Arg, subcommand: &Command) -> UsageError {
    let (long, name) = (option.get_long().unwrap_or_default(), subcommand.get_name());
    let has = |own: &str| subcommand.get_arguments().any(|argument| argument.get_long() == Some(own));
    let remedy = match long {
        "json" if has("format") => format!("write: trendfetch {name} --format json"),
        "output" => format!("write: trendfetch {name} > FILE"),
        "keep" => "write: trendfetch prune --keep DUR".to_owned(),
        _ => format!("see trendfetch {name} --help"),
    };
    let run = RunArgs::augment_args(Command::new("run"));
    let what = if run.get_arguments().any(|own| own.get_long() == Some(long)) { "a run" } else { "another command" };
    UsageError(format!("--{long} is an option of {what}, and `{name}` does not have it; {remedy}"))
}
