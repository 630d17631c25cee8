//! The script for fish: a rule for each option and each position of each command, and the code of `template.fish`, which says
//! where on the line the cursor is.

use std::fmt::Write as _;

use clap::{Arg, Command};

use super::{
    Values, Word, before_value, commands, first_line, options, positions, subcommands, takes_next_word, values,
};

const TEMPLATE: &str = include_str!("template.fish");

pub(super) fn script(program: &Command) -> String {
    let names: Vec<&str> = subcommands(program).map(Command::get_name).collect();
    let mut script = TEMPLATE.replace("@BEFORE_VALUE@", &before_value(program)).replace("@COMMANDS@", &names.join(" "));
    for (name, command) in commands(program) {
        for option in options(command) {
            let _ = writeln!(script, "complete -c trendfetch -n '__trendfetch_at {}' {}", shown(name), rule(option));
        }
        let (positions, repeats) = positions(command);
        for (index, (_, values)) in positions.iter().enumerate() {
            let position = if repeats && index + 1 == positions.len() { "any".into() } else { index.to_string() };
            let offered = offered(values);
            let _ =
                writeln!(script, "complete -c trendfetch -n '__trendfetch_at {} {position}' {offered}", shown(name));
        }
    }
    script
}

/// The name of a command in `template.fish`.
fn shown(name: &str) -> &str {
    if name.is_empty() { "run" } else { name }
}

fn rule(option: &Arg) -> String {
    let short = option.get_short().map(|letter| format!("-s {letter} ")).unwrap_or_default();
    let long = option.get_long().map(|name| format!("-l {name} ")).unwrap_or_default();
    let requires = if takes_next_word(option) { "-r " } else { "" };
    let offered =
        if option.get_action().takes_values() { format!("{} ", offered(&values(option))) } else { String::new() };
    format!("{short}{long}{requires}{offered}-d {}", quoted(&first_line(option.get_help())))
}

fn offered(values: &Values) -> String {
    match values {
        Values::Nothing => "-f".to_owned(),
        Values::Files => "-F".to_owned(),
        Values::Folders => "-f -a '(__fish_complete_directories)'".to_owned(),
        Values::Words { words, is_list } => {
            let words: Vec<String> = words.iter().map(candidate).collect();
            let words = words.join(" ");
            format!("-f -a {}", quoted(&if *is_list { format!("(__trendfetch_list {words})") } else { words }))
        }
    }
}

/// A word and, after a tab, its description.
fn candidate(Word { text, help }: &Word) -> String {
    if help.is_empty() { quoted(text) } else { format!(r"{}\t{}", quoted(text), quoted(help)) }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_fish_would_interpret_is_quoted() {
        let option = Arg::new("x").long("x").value_parser(["a 'b'"]).help(r#""c" 'd' $e (f) \g"#);
        assert_eq!(rule(&option), r#"-l x -r -f -a '\'a \\\'b\\\'\'' -d '"c" \'d\' $e (f) \\g'"#);
    }
}
