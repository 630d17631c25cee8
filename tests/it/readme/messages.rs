//! The messages that the README explains, against those that the source holds: none is missing, and none is gone.

use std::fs;
use std::path::Path;

use super::section;

/// Sources whose sentences are no messages, or are explained by the one that they are part of.
const OTHERS: [&str; 14] = [
    "demo/response.rs",
    "document.rs",
    "exit.rs",
    "lib.rs",
    "model/error.rs",
    "normalize",
    "output/changes.rs",
    "output/price.rs",
    "output/progress.rs",
    "output/summary.rs",
    "output/table.rs",
    "report",
    "store/postgres/write.rs",
    "youtube/error_response/classify.rs",
];

/// Sentences that say nothing is wrong, are headings or reasons of lints, or never reach a person.
const NO_MESSAGES: [&str; 41] = [
    ": https://docs.rs",
    "A duration is a positive number",
    "Bosnia and Herzegovina",
    "Pace and patience",
    "Papua New Guinea",
    "[the key]",
    "run {} of {} {what}",
    "SET LOCAL",
    "SET lock_timeout",
    "Source and key",
    "United Arab Emirates",
    "What to fetch",
    "Where several apply",
    "application/json",
    "build it with its feature",
    "cannot listen for signals",
    "cannot make the page",
    "cannot render the man page",
    "ctid = ANY",
    "the charts of {} run(s)",
    "{} run(s) of the log",
    "trendfetch prune --keep {keep}",
    "is in the history now",
    "not due: the run that began",
    "of trendfetch --demo",
    "the demo's responses may be late",
    "a connection to the demo failed",
    "a thread ended early",
    "no fresh connections",
    "credentials not accepted",
    "failed parsing server response",
    "failed to create underlying connection",
    "io error during SOCKS handshake",
    "io error establishing tunnel",
    "proxy authorization required",
    "proxy response headers too long",
    "server does not support user/pass authentication",
    "the key cannot be a header",
    "the key file {shown}",
    "the one place that asks",
    "was in the history already",
];

#[test]
fn every_message_is_explained_and_every_explained_message_exists() {
    let literals = literals_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(literals.len() > 200, "{}", literals.len());
    let rows = section("Messages").lines().filter(|line| line.starts_with("| `") || line.starts_with("| …"));
    let fragments: Vec<&str> = rows
        .filter_map(|row| row.trim_start_matches('|').split('|').next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .flat_map(|message| message.split('…').map(str::trim))
        .filter(|fragment| fragment.chars().filter(|character| character.is_alphabetic()).count() > 3)
        .collect();

    let gone: Vec<&&str> =
        fragments.iter().filter(|fragment| !literals.iter().any(|(_, text)| text.contains(**fragment))).collect();
    assert!(gone.is_empty(), "README.md explains what is no message: {gone:#?}");

    let is_other = |file: &str| OTHERS.iter().any(|other| file.starts_with(other));
    let is_no_message = |text: &str| NO_MESSAGES.iter().any(|other| text.contains(other));
    let is_explained = |text: &str| fragments.iter().any(|fragment| text.contains(fragment));
    let missing: Vec<&(String, String)> = literals
        .iter()
        .filter(|(file, text)| !is_other(file) && is_sentence(text) && !is_no_message(text) && !is_explained(text))
        .collect();
    assert!(missing.is_empty(), "README.md does not explain: {missing:#?}");
}

/// Whether there are three words of small letters in it, and it is no statement of SQL.
fn is_sentence(text: &str) -> bool {
    let is_word = |word: &&str| word.len() > 1 && word.chars().all(|character| character.is_ascii_lowercase());
    let words = text.split(|character: char| !character.is_ascii_alphanumeric()).filter(is_word).count();
    let is_sql = text
        .trim_start()
        .split(' ')
        .next()
        .is_some_and(|word| word.len() > 2 && word.chars().all(|character| character.is_ascii_uppercase()));
    words >= 3 && text.contains(' ') && !is_sql
}

/// The texts in quotation marks of all sources but their tests, with the file that each is in.
fn literals_of(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.to_str().is_some_and(|path| path.ends_with(".rs") && !path.ends_with("tests.rs")) {
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            let source = fs::read_to_string(&path).unwrap();
            let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
            found.extend(literals(code).into_iter().map(|text| (name.clone(), text)));
        }
    }
    found.sort();
    found
}

fn literals(code: &str) -> Vec<String> {
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n").replace("'\"'", "").replace("\\\"", "'");
    // A line that ends in a backslash goes on without the blanks of the next.
    let joined = |text: &str| {
        let mut lines = text.split("\\\n");
        let first = lines.next().unwrap_or_default().to_owned();
        lines.fold(first, |text, line| text + line.trim_start())
    };
    code.split('"').skip(1).step_by(2).map(joined).collect()
}
