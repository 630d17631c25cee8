//! `completions`: scripts for bash, zsh and fish, derived from the definition of the command line.
//!
//! A script holds all that it offers, and starts no other program. So it also works for `./trendfetch`, behind `sudo`
//! and for an alias, it is there for a program that is not in `PATH`, and a press of Tab reads neither `.env` nor a key.
//!
//! clap_complete is not used. The scripts that it generates do not continue a list after a comma. That for bash splits
//! values at blanks, that for zsh does not quote descriptions that contain `"`, and that for fish offers files for the
//! options before a command. Its other way, the `unstable-dynamic` engine, starts the program at each Tab, must find it
//! in `PATH`, and leaves it to us to quote values and file names with blanks in bash.
//!
//! Everything follows clap's definition: an option that has possible values offers them, one with a value delimiter
//! offers them again after each comma, and a path offers files, or folders if its hint says so.

mod bash;
mod fish;
mod zsh;

use clap::{Arg, Command, CommandFactory, ValueHint};

use crate::cli::{Cli, Shell};

/// The script for `shell`.
pub(super) fn script(shell: Shell) -> String {
    let mut program = Cli::command();
    program.build();
    match shell {
        Shell::Bash => bash::script(&program),
        Shell::Zsh => zsh::script(&program),
        Shell::Fish => fish::script(&program),
    }
}

/// What can be offered for a value.
enum Values {
    /// Numbers, durations, addresses.
    Nothing,
    Files,
    Folders,
    /// One of these words, or several of them separated by `,`.
    Words {
        words: Vec<Word>,
        is_list: bool,
    },
}

struct Word {
    text: String,
    /// May be empty.
    help: String,
}

/// The program itself, under the name "", and its commands.
fn commands(program: &Command) -> impl Iterator<Item = (&str, &Command)> {
    std::iter::once(("", program)).chain(subcommands(program).map(|command| (command.get_name(), command)))
}

fn subcommands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set())
}

fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set())
}

/// The title and the values of each positional argument, in order. The last one repeats if the flag is set.
fn positions(command: &Command) -> (Vec<(String, Values)>, bool) {
    let names: Vec<Word> = subcommands(command)
        .map(|command| Word { text: command.get_name().to_owned(), help: first_line(command.get_about()) })
        .collect();
    if !names.is_empty() {
        return (vec![("command".to_owned(), Values::Words { words: names, is_list: false })], false);
    }
    let repeats = command.get_positionals().any(|arg| arg.get_num_args().is_some_and(|count| count.max_values() > 1));
    (command.get_positionals().map(|arg| (title(arg), values(arg))).collect(), repeats)
}

fn takes_value(option: &Arg) -> bool {
    option.get_action().takes_values()
}

/// Whether the value is the next word, and not only what follows `=`.
fn takes_next_word(option: &Arg) -> bool {
    takes_value(option) && !option.is_require_equals_set()
}

fn values(arg: &Arg) -> Values {
    let possible = arg.get_possible_values();
    if !possible.is_empty() {
        let words = possible.iter().filter(|value| !value.is_hide_set());
        let words = words.map(|value| Word { text: value.get_name().to_owned(), help: first_line(value.get_help()) });
        return Values::Words { words: words.collect(), is_list: arg.get_value_delimiter() == Some(',') };
    }
    // For clap, the hint of a PathBuf is AnyPath.
    match arg.get_value_hint() {
        ValueHint::AnyPath | ValueHint::FilePath => Values::Files,
        ValueHint::DirPath => Values::Folders,
        _ => Values::Nothing,
    }
}

/// What the help calls the value.
fn title(arg: &Arg) -> String {
    arg.get_value_names().and_then(<[_]>::first).map_or_else(|| arg.get_id().to_string(), ToString::to_string)
}

/// `-r` and `--regions`.
fn names(option: &Arg) -> Vec<String> {
    let short = option.get_short().map(|letter| format!("-{letter}"));
    let long = option.get_long().map(|name| format!("--{name}"));
    short.into_iter().chain(long).collect()
}

fn first_line(help: Option<&clap::builder::StyledStr>) -> String {
    help.map(|help| help.to_string().lines().next().unwrap_or_default().to_owned()).unwrap_or_default()
}

/// A regular expression for the words after which the next word is a value: `-r`, `-qr`, `--regions`.
fn before_value(program: &Command) -> String {
    let all = || commands(program).flat_map(|(_, command)| options(command));
    let letters = |valued: bool| -> String {
        let mut letters: Vec<char> =
            all().filter(|option| takes_next_word(option) == valued).filter_map(Arg::get_short).collect();
        letters.sort_unstable();
        letters.dedup();
        letters.into_iter().collect()
    };
    let mut longs: Vec<&str> = all().filter(|option| takes_next_word(option)).filter_map(Arg::get_long).collect();
    longs.sort_unstable();
    longs.dedup();
    format!("^(-[{}]*[{}]|--({}))$", letters(false), letters(true), longs.join("|"))
}

/// A word in quotes for a POSIX shell.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scripts for bash and fish find the command before they know which options it has.
    #[test]
    fn an_option_takes_a_value_in_every_command_or_in_none() {
        let mut program = Cli::command();
        program.build();
        let all: Vec<(String, bool)> = commands(&program)
            .flat_map(|(_, command)| options(command))
            .flat_map(|option| names(option).into_iter().map(|name| (name, takes_next_word(option))))
            .collect();
        for (name, takes) in &all {
            assert!(all.iter().all(|(other, also)| other != name || also == takes), "{name}");
        }
    }
}
