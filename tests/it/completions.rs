//! The completions, in the shells themselves. No script finds the program in `PATH`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::{Arg, CommandFactory, ValueHint};
use tempfile::TempDir;
use trendfetch::cli::Cli;

use crate::harness::Run;
use crate::tools::{are_installed, not_installed};

/// What must be offered for a line.
#[derive(Debug, Clone)]
enum Offer {
    Nothing,
    Exactly(Vec<String>),
    AtLeast(Vec<String>),
    Files,
    Folders,
}

fn exactly(words: &[&str]) -> Offer {
    Offer::Exactly(words.iter().map(|word| (*word).to_owned()).collect())
}

fn at_least(words: &[&str]) -> Offer {
    Offer::AtLeast(words.iter().map(|word| (*word).to_owned()).collect())
}

/// Lines that show one property each.
fn examples() -> Vec<(String, Offer)> {
    let examples = [
        ("", at_least(&["changes", "completions", "load", "man", "prune", "regions", "schema"])),
        ("chan", exactly(&["changes"])),
        ("--dem", at_least(&["--demo"])),
        ("--demo=", exactly(&["limited", "calm", "outage", "quota"])),
        ("--demo=c", exactly(&["calm"])),
        ("--demo chan", exactly(&["changes"])),
        ("-r U", exactly(&["UA", "UG", "US", "UY"])),
        ("-r u", exactly(&["UA", "UG", "US", "UY"])),
        ("-r d", at_least(&["dailywatch"])),
        ("-qr U", exactly(&["UA", "UG", "US", "UY"])),
        ("-r US,PL,G", exactly(&["GB", "GE", "GH", "GR", "GT"])),
        ("--regions=US,G", exactly(&["GB", "GE", "GH", "GR", "GT"])),
        ("--regions US -r U", at_least(&["UA", "UG", "UY"])),
        ("changes -r US,G", exactly(&["GB", "GE", "GH", "GR", "GT"])),
        ("--category N", exactly(&["News & Politics", "Nonprofits & Activism"])),
        ("--category news", exactly(&["News & Politics"])),
        ("changes --category al", exactly(&["all"])),
        ("--timeout 1", Offer::Nothing),
        ("-n ", Offer::Nothing),
        ("--store load ", at_least(&["changes", "load"])),
        ("--store load chan", exactly(&["changes"])),
        ("--store history.db changes --form", exactly(&["--format"])),
        ("changes --store history.db --format j", exactly(&["json"])),
        ("completions bash z", Offer::Nothing),
        ("man cha", exactly(&["changes"])),
        ("help cha", exactly(&["changes"])),
        ("--format ", at_least(&["json", "ndjson", "csv", "table"])),
        ("changes --format ", exactly(&["table", "json", "ndjson", "csv", "atom"])),
        ("--rows ", exactly(&["videos", "entries"])),
        ("--color ", exactly(&["auto", "always", "never"])),
        ("completions ", exactly(&["bash", "zsh", "fish"])),
        ("-o ", Offer::Files),
        ("--output=", Offer::Files),
        ("--store ", Offer::Files),
        ("--api-key-file ", Offer::Files),
        ("load ", Offer::Files),
        ("man --out ", Offer::Folders),
        ("-o da", exactly(&["data.json"])),
        ("-o folder/", exactly(&["deep.json"])),
        ("load folder/", exactly(&["deep.json"])),
    ];
    examples.into_iter().map(|(line, offer)| (line.to_owned(), offer)).collect()
}

/// Every option and every position of every command, according to clap's definition.
fn definition() -> Vec<(String, Offer)> {
    let mut program = Cli::command();
    program.build();
    let commands = program.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help");
    std::iter::once(("".to_owned(), &program))
        .chain(commands.map(|command| (format!("{} ", command.get_name()), command)))
        .flat_map(|(start, command)| lines_of(&start, command))
        .collect()
}

fn lines_of(start: &str, command: &clap::Command) -> Vec<(String, Offer)> {
    let args: Vec<&Arg> = command.get_arguments().filter(|arg| !arg.is_hide_set()).collect();
    let longs = args.iter().filter_map(|arg| arg.get_long()).map(|name| format!("--{name}")).collect();
    let shorts = args.iter().filter_map(|arg| arg.get_short()).map(|letter| format!("-{letter}")).collect();
    let mut lines = vec![(format!("{start}--"), Offer::AtLeast(longs)), (format!("{start}-"), Offer::AtLeast(shorts))];
    for arg in args.iter().filter(|arg| arg.get_action().takes_values()) {
        if arg.is_positional() {
            lines.push((start.to_owned(), offer(arg)));
        }
        if let Some(letter) = arg.get_short() {
            lines.push((format!("{start}-{letter} "), offer(arg)));
        }
        if let Some(name) = arg.get_long() {
            let separator = if arg.is_require_equals_set() { "=" } else { " " };
            lines.push((format!("{start}--{name}{separator}"), offer(arg)));
        }
    }
    lines
}

fn offer(arg: &Arg) -> Offer {
    let possible = arg.get_possible_values();
    let shown = possible.iter().filter(|value| !value.is_hide_set());
    let words: Vec<String> = shown.map(|value| value.get_name().to_owned()).collect();
    match arg.get_value_hint() {
        _ if !words.is_empty() => Offer::Exactly(words),
        ValueHint::AnyPath | ValueHint::FilePath => Offer::Files,
        ValueHint::DirPath => Offer::Folders,
        _ => Offer::Nothing,
    }
}

/// A folder to work in, and the lines to complete in `lines`.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new(shell: &str, lines: &[&str]) -> Desk {
        let folder = TempDir::new().unwrap();
        let desk = Desk { folder };
        fs::create_dir_all(desk.path("work/folder")).unwrap();
        for file in ["work/data.json", "work/a file.json", "work/folder/deep.json"] {
            fs::write(desk.path(file), "").unwrap();
        }
        let script = Run::new(&["completions", shell]).without_key().finish().exits(0).stdout;
        // The names under which the shells find the scripts by themselves.
        for name in ["trendfetch", "_trendfetch", "trendfetch.fish"] {
            fs::create_dir_all(desk.path("data/bash-completion/completions")).unwrap();
            fs::write(desk.path("data/bash-completion/completions").join(name), &script).unwrap();
        }
        desk.write("lines", &lines.iter().map(|line| format!("{line}\n")).collect::<String>());
        desk
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Runs a shell in the folder `work`, with no settings of the user. It must not complain.
    fn run(&self, shell: &str, arguments: &[&str], input: &str) {
        let mut child = Command::new(shell)
            .args(arguments)
            .current_dir(self.path("work"))
            .env("DESK", self.folder.path())
            .env("HOME", self.folder.path())
            .env("ZDOTDIR", self.folder.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("TERM", "xterm")
            .env_remove("INPUTRC")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.path("complaints")).unwrap())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{shell}: {}", self.read("complaints"));
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// What the shell wrote for each line: the words after a line `@`.
    fn answers(&self) -> Vec<Vec<String>> {
        let text = self.read("out");
        let answers = text.split("@\n").skip(1);
        answers.map(|words| words.lines().map(str::to_owned).filter(|word| !word.is_empty()).collect()).collect()
    }
}

/// Compares what a shell offers for the examples and the definition with what it must offer.
fn check(shell: &str, offered_for: impl Fn(&[&str]) -> Vec<Vec<String>>) {
    let lines: Vec<(String, Offer)> = examples().into_iter().chain(definition()).collect();
    assert!(lines.len() > 100, "{}", lines.len());
    let answers = offered_for(&lines.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>());
    assert_eq!(answers.len(), lines.len(), "{shell} stopped after {:?}", answers.last());
    let wrong: Vec<String> = lines
        .iter()
        .zip(&answers)
        .map(|((line, offer), words)| (line, offer, offered(line, words)))
        .filter(|(_, offer, words)| !is_right(offer, words))
        .map(|(line, offer, words)| format!("trendfetch {line}<Tab>\n  must be {offer:?}\n  is {words:?}\n"))
        .collect();
    assert!(wrong.is_empty(), "{shell}:\n{}", wrong.concat());
}

/// The words without what was typed before: `--demo=`, the items of a list, and the folder of a file.
fn offered(line: &str, words: &[String]) -> BTreeSet<String> {
    let typed = line.rsplit(' ').next().unwrap_or_default();
    let option = typed.find('=').map_or("", |end| &typed[..=end]);
    let value = &typed[option.len()..];
    let before = value.rfind([',', '/']).map_or("", |end| &value[..=end]);
    words
        .iter()
        .map(|word| word.strip_prefix(option).unwrap_or(word))
        .map(|word| word.strip_prefix(before).unwrap_or(word).trim_end_matches(['/', '=']).replace('\\', ""))
        .filter(|word| !word.is_empty())
        .collect()
}

fn is_right(offer: &Offer, words: &BTreeSet<String>) -> bool {
    let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
    match offer {
        Offer::Nothing => words.is_empty(),
        Offer::Exactly(wanted) => *words == wanted.iter().cloned().collect(),
        Offer::AtLeast(wanted) => wanted.iter().all(|word| words.contains(word)),
        Offer::Files => *words == set(&["a file.json", "data.json", "folder"]),
        Offer::Folders => *words == set(&["folder"]),
    }
}

/// Ctrl-O inserts all that is offered, as Tab does if it is only one word, and Ctrl-T writes the line down.
const BASHRC: &str = r#"
write_line() { printf '%s\n' @ "$READLINE_LINE" >>"$DESK/out"; READLINE_LINE=; }
bind '"\C-o": insert-completions'
bind -x '"\C-t": write_line'
"#;

/// What each line has become after a key. The line editor reads its keys from a pipe, so nothing has to be waited for.
fn in_bash(lines: &[&str], settings: &str, key: char) -> Vec<String> {
    let desk = Desk::new("bash", lines);
    desk.write("rc", &format!("{settings}\n{BASHRC}"));
    let keys: String = lines.iter().map(|line| format!("{line}{key}\u{14}")).collect();
    desk.run("bash", &["--noprofile", "--rcfile", desk.path("rc").to_str().unwrap(), "-i"], &format!("{keys}exit\n"));
    let complaints = desk.read("complaints");
    assert!(!complaints.contains("rc: line") && !complaints.contains("completions/trendfetch:"), "{complaints}");
    desk.answers().into_iter().map(|lines| lines.concat()).collect()
}

const SOURCE_IT: &str = r#". "$DESK/data/bash-completion/completions/trendfetch""#;

/// The words that Bash has put in place of the last word of a line.
fn inserted(typed: &str, line: &str) -> Vec<String> {
    let start = typed.rfind(' ').map_or(0, |space| space + 1);
    let mut words = vec![String::new()];
    let mut letters = line[start..].chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => words.last_mut().unwrap().extend(letters.next()),
            ' ' => words.push(String::new()),
            _ => words.last_mut().unwrap().push(letter),
        }
    }
    if words[0] == typed[start..] { Vec::new() } else { words }
}

#[test]
fn bash_offers_what_belongs_to_each_option() {
    if !are_installed(&["bash"], "completions in bash") {
        return;
    }
    check("bash", |lines| {
        let typed: Vec<String> = lines.iter().map(|line| format!("trendfetch {line}")).collect();
        let ended = in_bash(&typed.iter().map(String::as_str).collect::<Vec<_>>(), SOURCE_IT, '\u{f}');
        typed.iter().zip(&ended).map(|(typed, ended)| inserted(typed, ended)).collect()
    });
}

/// A line before a press of Tab, and after it.
const QUOTED: &[(&str, &str)] = &[
    ("trendfetch --category News", r"trendfetch --category News\ \&\ Politics"),
    ("trendfetch --category=news", r"trendfetch --category=News\ \&\ Politics"),
    (r"trendfetch --category News\ \&", r"trendfetch --category News\ \&\ Politics"),
    // A run's --category is a list, so zsh leaves the quotes open there.
    ("trendfetch changes --category 'News & P", "trendfetch changes --category 'News & Politics'"),
    ("trendfetch changes --category \"News", "trendfetch changes --category \"News & Politics\""),
    ("trendfetch --category Music,News", r"trendfetch --category Music,News\ \&\ Politics"),
    ("trendfetch -o a", r"trendfetch -o a\ file.json"),
    ("trendfetch -o 'a", "trendfetch -o 'a file.json'"),
    ("trendfetch -oa", r"trendfetch -oa\ file.json"),
    ("trendfetch -r PL,dai", "trendfetch -r PL,dailywatch"),
    ("trendfetch -rPL,dai", "trendfetch -rPL,dailywatch"),
    ("trendfetch --api-key-file ~/dat", "trendfetch --api-key-file ~/data/"),
    ("trendfetch man --out fo", "trendfetch man --out folder/"),
    ("./trendfetch completions f", "./trendfetch completions fish"),
];

#[test]
fn bash_quotes_what_it_inserts() {
    if !are_installed(&["bash"], "completions in bash") {
        return;
    }
    let typed: Vec<&str> = QUOTED.iter().map(|(typed, _)| *typed).collect();
    let ended = in_bash(&typed, SOURCE_IT, '\t');
    let ended: Vec<&str> = ended.iter().map(|line| line.trim_end()).collect();
    assert_eq!(ended, QUOTED.iter().map(|(_, ended)| *ended).collect::<Vec<_>>());
}

/// Some people take `=` out of the characters at which Bash splits words.
#[test]
fn bash_need_not_split_words_at_equal_signs() {
    if !are_installed(&["bash"], "completions in bash") {
        return;
    }
    let settings = format!("{SOURCE_IT}\nset -u; COMP_WORDBREAKS=${{COMP_WORDBREAKS//=}}");
    let ended = in_bash(&["trendfetch --demo=ca", "trendfetch --output=a", "trendfetch -r U"], &settings, '\t');
    assert_eq!(ended, ["trendfetch --demo=calm ", r"trendfetch --output=a\ file.json ", "trendfetch -r U"]);
}

#[test]
fn bash_completion_finds_the_script_by_its_name() {
    let library = "/usr/share/bash-completion/bash_completion";
    if !are_installed(&["bash"], "completions in bash") {
        return;
    }
    if !Path::new(library).exists() {
        return not_installed(&format!("{library} is missing"), "completions with bash-completion");
    }
    let lines = ["trendfetch --demo=ca", "trendfetch -r US,dai", "sudo trendfetch changes --form", "trendfetch -o 'a"];
    let ended = in_bash(&lines, &format!(". {library}"), '\t');
    let ended: Vec<&str> = ended.iter().map(|line| line.trim_end()).collect();
    let wanted = ["--demo=calm", "-r US,dailywatch", "changes --format", "-o 'a file.json'"];
    assert!(ended.iter().zip(wanted).all(|(line, end)| line.ends_with(end)) && ended.len() == 4, "{ended:?}");
}

/// Lists what is offered for each line, by writing down what the completion system is given.
const ZSHRC: &str = r#"
setopt extendedglob
TMOUT=300
compadd() {
  if (( ${@[(I)-[a-zA-Z]#[OAD]]} )); then builtin compadd "$@"; return; fi
  local -a hits; builtin compadd -O hits "$@"
  (( $#hits )) && print -rl -- "${hits[@]}" >>$DESK/out
  builtin compadd "$@"
}
zle-line-init() {
  local line
  for line in "${(@f)$(<$DESK/lines)}"; do
    print @ >>$DESK/out
    BUFFER=$line CURSOR=$#line
    zle $WIDGET_TO_ASK
    [[ $WIDGET_TO_ASK == list-choices ]] || print -r -- "=$BUFFER" >>$DESK/out
  done
  BUFFER=exit; zle accept-line
}
zle -N zle-line-init
"#;

/// Starts the shell in a terminal of its own, and reads from that until the shell ends.
const ZSH_IN_A_TERMINAL: &str = "\
zmodload zsh/zpty
zpty shell 'exec zsh -d -i'
while zpty -r shell output; do :; done";

const FROM_FPATH: &str = "fpath=($DESK/data/bash-completion/completions $fpath); compinit -u -D";
const SOURCED: &str = "compinit -u -D; . $DESK/data/bash-completion/completions/_trendfetch";

fn in_zsh(lines: &[&str], load: &str, widget: &str) -> Vec<Vec<String>> {
    let desk = Desk::new("zsh", lines);
    desk.write(".zshrc", &format!("WIDGET_TO_ASK={widget}\nautoload -Uz compinit; {load}\n{ZSHRC}"));
    desk.run("zsh", &["-f", "-c", ZSH_IN_A_TERMINAL], "");
    desk.answers()
}

#[test]
fn zsh_offers_what_belongs_to_each_option() {
    if !are_installed(&["zsh"], "completions in zsh") {
        return;
    }
    check("zsh", |lines| {
        let typed: Vec<String> = lines.iter().map(|line| format!("trendfetch {line}")).collect();
        in_zsh(&typed.iter().map(String::as_str).collect::<Vec<_>>(), FROM_FPATH, "list-choices")
    });
}

#[test]
fn zsh_quotes_what_it_inserts() {
    if !are_installed(&["zsh"], "completions in zsh") {
        return;
    }
    let typed: Vec<&str> = QUOTED.iter().map(|(typed, _)| *typed).collect();
    let answers = in_zsh(&typed, SOURCED, "complete-word");
    let ended: Vec<&str> =
        answers.iter().map(|answer| answer.last().map_or("", |line| line[1..].trim_end_matches([' ', ',']))).collect();
    assert_eq!(ended, QUOTED.iter().map(|(_, ended)| *ended).collect::<Vec<_>>());
}

const FISH: &str = r#"
source "$DESK/data/bash-completion/completions/trendfetch.fish"
while read --local line
    echo @
    complete --do-complete $line | string replace --regex '\t.*' ''
end <$DESK/lines >$DESK/out
"#;

#[test]
fn fish_offers_what_belongs_to_each_option() {
    if !are_installed(&["fish"], "completions in fish") {
        return;
    }
    check("fish", |lines| {
        let typed: Vec<String> = lines.iter().map(|line| format!("trendfetch {line}")).collect();
        let desk = Desk::new("fish", &typed.iter().map(String::as_str).collect::<Vec<_>>());
        desk.run("fish", &["--no-config", "-c", FISH], "");
        assert_eq!(desk.read("complaints"), "");
        desk.answers()
    });
}
