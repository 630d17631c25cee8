//! The script for bash: a table of what each command offers, and the code of `bash.sh`, which reads the line. It needs
//! no bash-completion.

use std::fmt::Write as _;

use clap::Command;

use super::{Values, before_value, commands, names, options, positions, quoted, subcommands, takes_value, values};

const TEMPLATE: &str = include_str!("bash.sh");

pub(super) fn script(program: &Command) -> String {
    let names: Vec<&str> = subcommands(program).map(Command::get_name).collect();
    TEMPLATE
        .replace("@VALUES@\n", &value_cases(program))
        .replace("@OPTIONS@\n", &option_cases(program))
        .replace("@BEFORE_VALUE@", &before_value(program))
        .replace("@COMMANDS@", &names.join(" "))
}

fn value_cases(program: &Command) -> String {
    let mut cases = String::new();
    for (name, command) in commands(program) {
        for option in options(command).filter(|option| takes_value(option)) {
            let keys: Vec<String> = names(option).iter().map(|option| format!("'{name} {option}'")).collect();
            push_case(&mut cases, &keys.join(" | "), &values(option));
        }
        let (positions, repeats) = positions(command);
        for (index, (_, values)) in positions.iter().enumerate() {
            let is_repeated = repeats && index + 1 == positions.len();
            push_case(
                &mut cases,
                &format!("'{name} '{}", if is_repeated { "*".into() } else { index.to_string() }),
                values,
            );
        }
    }
    cases
}

fn push_case(cases: &mut String, pattern: &str, values: &Values) {
    let command = match values {
        Values::Nothing => "kind=nothing".to_owned(),
        Values::Files => "kind=files".to_owned(),
        Values::Folders => "kind=folders".to_owned(),
        Values::Words { words, is_list } => {
            let words: Vec<String> = words.iter().map(|word| quoted(&word.text)).collect();
            format!("kind={} words=({})", if *is_list { "list" } else { "words" }, words.join(" "))
        }
    };
    let _ = writeln!(cases, "        {pattern}) {command} ;;");
}

fn option_cases(program: &Command) -> String {
    let case = |(name, command)| {
        let names: Vec<String> = options(command).flat_map(names).collect();
        format!("        '{name}') echo {} ;;\n", names.join(" "))
    };
    commands(program).map(case).collect()
}
