//! The script for zsh: a call of `_arguments`, which knows the syntax of options, for the program and each command.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command};

use super::{Values, Word, commands, first_line, names, options, positions, quoted, takes_value, title, values};

const START: &str = r#"#compdef trendfetch
# Completions of trendfetch for zsh, from `trendfetch completions zsh`.

# Offers words, as `word:description` behind a title, in any case.
_trendfetch_words() {
    local title=$1
    local -a words=("${@:2}")
    _describe -t values $title words -M 'm:{a-zA-Z}={A-Za-z}'
}

# The same for what follows the last comma.
_trendfetch_list() {
    local title=$1
    local -a words=("${@:2}")
    compset -P '*,'
    _describe -t values $title words -M 'm:{a-zA-Z}={A-Za-z}' -qS ,
}

_trendfetch() {
    local curcontext=$curcontext state state_descr line
    typeset -A opt_args
    integer ret=1
"#;

const END: &str = r#"    esac
    return ret
}

# The file is either loaded by its name or sourced.
if [[ $funcstack[1] == _trendfetch ]]; then
    _trendfetch "$@"
else
    compdef _trendfetch trendfetch
fi
"#;

pub(super) fn script(program: &Command) -> String {
    let mut script = START.to_owned();
    // The options of the program end at the name of a command.
    push_arguments(&mut script, "    _arguments -s -S -C -A '-*'", "", program);
    script.push_str("    case $state/$words[1] in\n");
    for (name, command) in commands(program).skip(1) {
        let _ = writeln!(script, "        command/{name})");
        push_arguments(&mut script, "            _arguments -s -S", name, command);
        script.push_str("            ;;\n");
    }
    script + END
}

fn push_arguments(script: &mut String, call: &str, name: &str, command: &Command) {
    script.push_str(call);
    for spec in options(command).map(option).chain(words(name, command)) {
        let _ = write!(script, " \\\n                {spec}");
    }
    script.push_str(" && ret=0\n");
}

/// The specification of an option for `_arguments`, in quotes.
fn option(option: &Arg) -> String {
    let repeats = matches!(option.get_action(), ArgAction::Append | ArgAction::Count);
    let names = names(option);
    let before = if repeats { "*".to_owned() } else { format!("({})", names.join(" ")) };
    let names: Vec<String> = names.iter().map(|name| format!("{name}{}", separator(name, option))).collect();
    let names = if let [name] = names.as_slice() { name.clone() } else { format!("{{{}}}", names.join(",")) };
    let help = escaped(&first_line(option.get_help()), r"\[]:");
    let value = if takes_value(option) { value(option) } else { String::new() };
    format!("{}{names}{}", quoted(&before), quoted(&format!("[{help}]{value}")))
}

/// How a value follows the name: `+` and `=` in the same word or in the next, `=-` only after `=`.
fn separator(name: &str, option: &Arg) -> &'static str {
    match (takes_value(option), name.starts_with("--")) {
        (false, _) => "",
        (true, false) => "+",
        (true, true) if option.is_require_equals_set() => "=-",
        (true, true) => "=",
    }
}

fn value(option: &Arg) -> String {
    let colon = if option.is_require_equals_set() { "::" } else { ":" };
    format!("{colon}{}", action(&title(option), &values(option)))
}

/// The specifications of the positional arguments.
fn words(name: &str, command: &Command) -> Vec<String> {
    let (positions, repeats) = positions(command);
    let count = positions.len();
    let mut specs: Vec<String> = positions
        .iter()
        .enumerate()
        .map(|(index, (title, values))| {
            let position = if repeats && index + 1 == count { "*".to_owned() } else { (index + 1).to_string() };
            quoted(&format!("{position}:{}", action(title, values)))
        })
        .collect();
    if name.is_empty() {
        specs.push("'*:: :->command'".to_owned());
    }
    specs
}

fn action(title: &str, values: &Values) -> String {
    let action = match values {
        Values::Nothing => " ".to_owned(),
        Values::Files => "_files".to_owned(),
        Values::Folders => "_files -/".to_owned(),
        Values::Words { words, is_list } => {
            let function = if *is_list { "_trendfetch_list" } else { "_trendfetch_words" };
            let words: Vec<String> = words.iter().map(described).collect();
            // After a blank, it is called as it stands.
            format!(" {function} {} {}", quoted(title), words.join(" "))
        }
    };
    format!("{title}:{}", action.replace(':', r"\:"))
}

/// `name:description`
fn described(Word { text, help }: &Word) -> String {
    let text = escaped(text, r"\:");
    quoted(&if help.is_empty() { text } else { format!("{text}:{help}") })
}

fn escaped(text: &str, special: &str) -> String {
    text.chars().flat_map(|letter| special.contains(letter).then_some('\\').into_iter().chain([letter])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_zsh_would_interpret_is_quoted() {
        let argument = Arg::new("x").long("x").value_parser(["a:b c"]).help(r#""c" [d] $e: \g"#);
        let wanted = r#"'(--x)'--x='["c" \[d\] $e\: \\g]:x: _trendfetch_words x '\''a\\:b c'\'''"#;
        assert_eq!(option(&argument), wanted);
    }
}
