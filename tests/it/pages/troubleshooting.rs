//! Checks that `docs/troubleshooting.md` has an entry for every way in which a run can fail. It does not compare messages.

use std::collections::BTreeSet;

use trendfetch::model::error::ErrorKind;
use trendfetch::output::exit_status;

use super::{Page, rows};
use crate::harness::{Run, Server};

#[test]
fn every_kind_of_error_has_an_entry() {
    let page = Page::read("docs/troubleshooting.md");
    let said: Vec<&str> = rows(page.section("A region failed")).iter().map(|row| row[0].trim_matches('`')).collect();
    let meant: BTreeSet<&str> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(said.iter().copied().collect::<BTreeSet<_>>(), meant);
    assert_eq!(said.len(), meant.len(), "a kind has two entries: {said:?}");
    assert_says_something(&rows(page.section("A region failed")));
}

#[test]
fn every_exit_status_has_an_entry() {
    let page = Page::read("docs/troubleshooting.md");
    let table = rows(page.section("Exit status"));
    let said: Vec<&str> = table.iter().map(|row| row[0].trim_matches('`')).collect();
    let meant: Vec<&str> = exit_status::TABLE.iter().map(|(code, _)| *code).collect();
    assert_eq!(said, meant);
    assert_says_something(&table);
}

fn assert_says_something(table: &[Vec<&str>]) {
    for row in table {
        assert!(row.iter().all(|cell| !cell.is_empty()), "an empty cell: {row:?}");
    }
}

/// A run that is refused before anything is sent: the heading of the entry, arguments, a variable, and the content of
/// `.env`.
type Refusal = (&'static str, &'static [&'static str], Option<(&'static str, &'static str)>, Option<&'static str>);

const REFUSALS: &[Refusal] = &[
    ("The key", &[], Some(("YOUTUBE_API_KEY", "")), None),
    ("The key", &[], Some(("YOUTUBE_API_KEY", "<your key>")), None),
    ("The key", &["--api-key-file", "none"], None, None),
    ("The regions", &["-r", "UK"], None, None),
    ("The regions", &[], Some(("TRENDFETCH_REGIONS", "Poland")), None),
    ("Options and their values", &["--no-such-option"], None, None),
    ("Options and their values", &["no-such-command"], None, None),
    ("Options and their values", &["-n", "201"], None, None),
    ("Options and their values", &["--timeout", "10"], None, None),
    ("The category", &["--category", "Cats"], None, None),
    ("The outputs", &["-o", "a.json", "-o", "a.json"], None, None),
    ("Options that need another one", &["--min-interval", "7h"], None, None),
    ("Options that need another one", &["--rows", "entries"], None, None),
    ("Options that need another one", &["--all-or-nothing"], None, None),
    ("Options that need another one", &["changes"], None, None),
    ("The address of the API", &["--base-url", "http://youtube.example"], None, None),
    ("The address of the history", &["--store", "mysql://host/database"], None, None),
    ("A line of .env", &[], None, Some("YOUTUBE_API_KEY")),
    (
        "Proxy and certificates",
        &["--base-url", "https://youtube.example"],
        Some(("HTTPS_PROXY", "gopher://proxy")),
        None,
    ),
    ("Proxy and certificates", &["--base-url", "https://youtube.example"], Some(("SSL_CERT_FILE", "/none")), None),
    ("Other variables", &[], Some(("RUST_LOG", "a=b=c")), None),
    #[cfg(not(feature = "parquet"))]
    ("A feature that is not built in", &["-f", "parquet", "-o", "a.parquet"], None, None),
];

#[test]
fn everything_that_is_refused_before_a_request_has_an_entry() {
    let page = Page::read("docs/troubleshooting.md");
    let section = page.section("Exit status 2: nothing was sent");
    let headings: BTreeSet<&str> = section.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let refused: BTreeSet<&str> = REFUSALS.iter().map(|(heading, ..)| *heading).collect();
    let not_here: BTreeSet<&str> =
        if cfg!(feature = "parquet") { BTreeSet::from(["A feature that is not built in"]) } else { BTreeSet::new() };
    assert_eq!(&headings - &not_here, refused);

    for (heading, arguments, variable, dotenv) in REFUSALS {
        let server = Server::of_pages(&["a"]);
        let mut run = Run::new(arguments).env("TRENDFETCH_BASE_URL", &server.base_url);
        if let Some((name, value)) = variable {
            run = run.env(name, value);
        }
        if let Some(dotenv) = dotenv {
            run = run.without_key().file(".env", dotenv);
        }
        let outcome = run.finish().exits(2);
        assert!(server.log().is_empty(), "{heading}: something was sent");
        assert!(outcome.stderr.starts_with("error: "), "{heading}: {}", outcome.stderr);
    }
}
