//! The command line. A mistake gets one clear message and exit 2, and nothing is sent.

use std::collections::BTreeSet;
use std::process::Command;

use crate::harness::{Run, Server, files_in};
use crate::tools::are_installed;

/// Asserts exit 2 with this message and without a request.
#[track_caller]
fn assert_refused(arguments: &[&str], says: &str) {
    let server = Server::of_pages(&["a"]);
    let mut run = Run::new(arguments);
    if !arguments.iter().any(|argument| argument.starts_with("--base-url") || argument.starts_with("--demo")) {
        run.command.args(["--base-url", &server.base_url]);
    }
    let outcome = run.finish().exits(2);
    assert!(outcome.stderr.contains(says), "{arguments:?}: {}", outcome.stderr);
    assert!(outcome.stderr.starts_with("error: ") && outcome.stdout.is_empty(), "{}{}", outcome.stdout, outcome.stderr);
    assert!(server.log().is_empty());
}

#[test]
fn malformed_regions_are_refused_with_a_suggestion() {
    assert_refused(&["-r", "UK"], "did you mean GB?");
    assert_refused(&["-r", "US,Poland"], "use the region's code: PL");
    assert_refused(&["-r", "USA"], "US");
    assert_refused(&["-r", "dailywach"], "dailywatch");
    assert_refused(&["-r", "U1"], "two-letter country code");
    assert_refused(&["-r", ""], "the list of regions is empty");
    assert_refused(&["-r", "\u{1b}[31mX"], r"\u{1b}");
}

#[test]
fn a_list_without_commas_is_refused_with_the_right_one() {
    for list in ["US GB", "US;GB", "us/gb", "US|GB", "US\tGB", "US，GB", " US , GB;PL"] {
        assert_refused(&["-r", list], "separate regions with commas: ");
        let outcome = Run::new(&["--demo"]).env("TRENDFETCH_REGIONS", list).finish().exits(2);
        let says = "error: TRENDFETCH_REGIONS: ";
        assert!(outcome.stderr.starts_with(says) && outcome.stderr.contains("with commas: "), "{}", outcome.stderr);
        assert_eq!(outcome.stderr.lines().count(), 1);
    }
    for arguments in [
        &["-r", "US", "GB,", "PL"][..],
        &["-rUS", "GB", "PL", "--json"],
        &["--json", "--regions=US,", "GB", "PL"],
        &["US", "GB", "PL"],
        &["changes", "-r", "US", "GB", "PL"],
        &["-q", "-r", "US", "GB", "PL", "changes"],
    ] {
        assert_refused(arguments, "separate regions with commas: --regions US,GB,PL");
    }
    for empty in [",", " ", ",,"] {
        assert_refused(&["-r", empty], "the list of regions is empty");
    }
    let server = Server::of_pages(&["a"]);
    Run::on(&server, "-c 1 -r US,GB,").finish().exits(0);
    assert_eq!(server.asked(), ["US", "GB"]);
}

#[test]
fn the_chart_of_all_categories_can_be_named() {
    let server = Server::of_pages(&["a"]);
    for all in ["all", "ALL", "0"] {
        let document = Run::on(&server, &format!("-r US --json --category {all}")).finish().exits(0).document();
        assert!(document["request"]["category_id"].is_null(), "{all}");
    }
    assert!(server.log().iter().all(|hit| !hit.query.contains_key("videoCategoryId")));
    Run::on(&server, "-r US --category music").finish().exits(0);
    assert_eq!(server.log().last().unwrap().query["videoCategoryId"], "10");
}

#[test]
fn numbers_out_of_range_are_refused() {
    assert_refused(&["-n", "0"], "1 to 200");
    assert_refused(&["-n", "201"], "1 to 200");
    assert_refused(&["-n", "ten"], "1 to 200");
    assert_refused(&["-c", "-1"], "0 for no limit");
    assert_refused(&["-c", "many"], "0 for no limit");
    assert_refused(&["--retries", "x"], "0 to 100");
    assert_refused(&["--max-units", "0"], "1 or more");
}

#[test]
fn malformed_durations_are_refused() {
    for option in ["--timeout", "--backoff", "--max-wait", "--deadline"] {
        for wrong in ["10", "0s", "-5s", "soon", "5 lightyears", "1y"] {
            assert_refused(&[&format!("{option}={wrong}")], "a positive number and a unit");
        }
    }
}

#[test]
fn unknown_names_are_refused() {
    assert_refused(&["--category", "Cats"], "Comedy");
    assert_refused(&["--category", "Musik"], "did you mean 'Music'?");
    assert_refused(&["--category", "science"], "did you mean 'Science & Technology'?");
    assert_refused(&["--category", "Music,Musik"], "did you mean 'Music'?");
    assert_refused(&["--category", ","], "the list of categories is empty");
    for list in ["Music;Gaming", "Music Gaming", "Music | News & Politics"] {
        assert_refused(&["--category", list], "separate categories with commas: ");
    }
    for categories in ["Music,Gaming", "every"] {
        let outcome = Run::new(&["changes", "--store", "h.db", "--category", categories]).finish().exits(2);
        assert!(outcome.stderr.contains("give one category"), "{}", outcome.stderr);
    }
    assert_refused(&["--format", "xml"], "json");
    assert_refused(&["--rows", "entries"], "requires --format ndjson");
    assert_refused(&["--rows", "entries", "--json"], "requires --format ndjson");
    assert_refused(&["--demo=fast"], "limited");
    assert_refused(&["--bogus"], "--bogus");
    assert_refused(&["PL"], "'PL' is not a command; name a region with --regions PL");
    assert_refused(&["-r", "US,", "PL\u{1b}"], "is not a command; separate a list with commas");
    assert_refused(&["--demo", "calm"], "a mode with = (--demo=calm)");
    // A misspelt subcommand is reported as such.
    assert_refused(&["chnages"], "'changes'");
    assert_refused(&["-r", "US", "chnages"], "'changes'");
}

#[test]
fn contradictory_outputs_are_refused() {
    assert_refused(&["-o", ""], "a value is required");
    assert_refused(&["-o", "a.json", "-o", "a.json"], "given twice");
    assert_refused(&["-o", "a.json", "-o", "./a.json"], "given twice");
    assert_refused(&["-o", "-", "-o", "-"], "given twice");
    assert_refused(&["--all-or-nothing"], "-o FILE");
    assert_refused(&["--json", "--format", "csv"], "cannot be used with");
    assert_refused(&["-q", "-v"], "cannot be used with");
}

#[test]
fn unusable_base_urls_are_refused() {
    for (url, says) in [
        ("ftp://example.org", "https://"),
        ("example.org/x", "https://"),
        ("http://example.org/youtube/v3", "in the clear"),
        ("http://127.0.0.1.example.org", "in the clear"),
        ("https://user:secret@example.org", "login"),
        ("https://example.org/?key=abc", "'?'"),
    ] {
        assert_refused(&["--base-url", url], says);
        let outcome = Run::new::<&str>(&[]).env("TRENDFETCH_BASE_URL", url).finish().exits(2);
        assert!(
            outcome.stderr.contains("TRENDFETCH_BASE_URL") && !outcome.stderr.contains("secret"),
            "{}",
            outcome.stderr
        );
    }
    assert_refused(&["--demo", "--base-url", "https://example.org"], "cannot be used with");
}

#[test]
fn a_missing_or_unusable_key_is_refused() {
    let assert_refused = |run: Run, says: &str| {
        let server = Server::of_pages(&["a"]);
        let outcome = run.env("TRENDFETCH_BASE_URL", &server.base_url).finish().exits(2);
        assert!(outcome.stderr.contains(says), "{}", outcome.stderr);
        assert!(server.log().is_empty());
    };
    assert_refused(Run::new::<&str>(&[]).without_key(), "--demo");
    assert_refused(Run::new::<&str>(&[]).env("YOUTUBE_API_KEY", ""), "there is no API key");
    assert_refused(Run::new::<&str>(&[]).env("YOUTUBE_API_KEY", "two words"), "more than one word");
    assert_refused(Run::new(&["--api-key-file", "missing"]), "cannot read the key from missing");
    assert_refused(Run::new(&["--api-key-file", "empty"]).file("empty", " \n"), "is empty");
    assert_refused(
        Run::new(&["--api-key-file", "key", "-o", "./key"]).file("key", "AIzaOther"),
        "is the key file itself",
    );
    assert_refused(Run::new::<&str>(&[]).env("CREDENTIALS_DIRECTORY", ".").file("youtube_api_key", ""), "is empty");
}

#[test]
fn what_cannot_be_a_key_is_refused_from_every_source() {
    let server = Server::of_pages(&["a"]);
    let from_each_source = |key: &str| {
        let run = || Run::on(&server, "-r US").without_key();
        let mut file = run().file("key", key);
        file.command.args(["--api-key-file", "key"]);
        let credential = run().env("CREDENTIALS_DIRECTORY", ".").file("youtube_api_key", key);
        let dotenv = run().file(".env", &format!("YOUTUBE_API_KEY={key}\n"));
        [run().env("YOUTUBE_API_KEY", key), file, credential, dotenv].map(Run::finish)
    };
    for (key, says) in [
        ("YOUTUBE_API_KEY=AIzaCanary", "looks like NAME=key"),
        ("<YOUR_API_KEY>", "looks like an example"),
        ("AIzaCanary1,AIzaCanary2", "looks like several keys"),
        ("AIza***", "looks like a key that was hidden"),
        ("$AIzaCanary", "looks like a variable"),
    ] {
        for outcome in from_each_source(key) {
            let outcome = outcome.exits(2);
            assert!(outcome.stderr.contains(says) && !outcome.stderr.contains(key), "{key}: {}", outcome.stderr);
            assert!(!outcome.stderr.contains("AIza"), "{key}: {}", outcome.stderr);
        }
    }
    assert!(server.log().is_empty());
    for key in ["AIzaCanary-_1", "'AIzaCanary-_1'", "\"AIzaCanary-_1\""] {
        for outcome in from_each_source(key) {
            outcome.exits(0);
            assert_eq!(server.log().last().unwrap().headers["x-goog-api-key"], "AIzaCanary-_1", "{key}");
        }
    }
}

#[test]
fn a_key_file_with_other_content_is_refused() {
    let utf16: Vec<u8> = "\u{feff}AIzaCanary".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (content, says) in [
        (utf16, "is UTF-16"),
        ("\u{feff}AIzaCanary".into(), "has a byte order mark"),
        (b"AIza\xe9".to_vec(), "is not text"),
        ("AIzaCanary\n".repeat(2).into(), "has several lines"),
        ("A".repeat(5000).into(), "is larger than 4 KiB"),
    ] {
        let run = Run::new(&["-r", "US", "--api-key-file", "key"]);
        std::fs::write(run.path("key"), content).unwrap();
        let outcome = run.finish().exits(2);
        assert!(outcome.stderr.contains(says) && !outcome.stderr.contains("AIza"), "{says}: {}", outcome.stderr);
    }
}

#[test]
fn malformed_variables_are_refused() {
    for (name, value, says) in
        [("TRENDFETCH_REGIONS", "UK", "TRENDFETCH_REGIONS"), ("RUST_LOG", "=,=loud=", "RUST_LOG")]
    {
        let outcome = Run::new(&["--demo"]).env(name, value).finish().exits(2);
        assert!(outcome.stderr.contains(says), "{}", outcome.stderr);
    }
}

#[test]
fn sources_of_the_key_have_the_order_of_help() {
    let sent = |run: Run| {
        let server = Server::of_pages(&["a"]);
        run.env("TRENDFETCH_BASE_URL", &server.base_url).finish().exits(0);
        server.log()[0].headers["x-goog-api-key"].clone()
    };
    let run = |arguments: &[&str]| {
        Run::new(&[&["-r", "PL"], arguments].concat())
            .env("YOUTUBE_API_KEY", "of-env")
            .file(".env", "YOUTUBE_API_KEY=of-dotenv\n")
    };
    assert_eq!(sent(run(&[]).without_key()), "of-dotenv");
    assert_eq!(sent(run(&[])), "of-env");
    assert_eq!(sent(run(&[]).env("CREDENTIALS_DIRECTORY", ".")), "of-env");
    assert_eq!(sent(run(&[]).env("CREDENTIALS_DIRECTORY", ".").file("youtube_api_key", "of-systemd\n")), "of-systemd");
    let file = run(&["--api-key-file", "key"])
        .env("CREDENTIALS_DIRECTORY", ".")
        .file("youtube_api_key", "of-systemd")
        .file("key", " of-file \n");
    assert_eq!(sent(file), "of-file");
}

#[test]
fn dotenv_sets_regions_but_never_the_base_url() {
    let server = Server::of_pages(&["a"]);
    let elsewhere = Server::of_pages(&["a"]);
    let dotenv = format!("TRENDFETCH_REGIONS=PL,NL\nTRENDFETCH_BASE_URL={}\n", elsewhere.base_url);
    Run::on(&server, "-c 1").file(".env", &dotenv).finish().exits(0);
    assert_eq!(server.asked(), ["PL", "NL"]);
    Run::new::<&str>(&[])
        .file(".env", &dotenv)
        .env("TRENDFETCH_BASE_URL", &server.base_url)
        .env("TRENDFETCH_REGIONS", "SE")
        .finish()
        .exits(0);
    assert_eq!(server.asked().last().unwrap(), "SE");
    assert!(elsewhere.log().is_empty());
}

#[test]
fn a_region_outside_the_table_is_a_warning() {
    let server = Server::of_pages(&["a"]);
    let outcome = Run::on(&server, "-r xx,US --json").finish().exits(0);
    assert!(outcome.stderr.contains("XX is not a region that YouTube is known to offer"), "{}", outcome.stderr);
    assert_eq!(outcome.document()["videos"][0]["primary_language"], "und");
}

#[test]
fn a_dry_run_shows_the_cost_and_sends_nothing() {
    let server = Server::of_pages(&["a"]);
    let outcome = Run::on(&server, "--dry-run -r US,GB,PL -n 120").without_key().finish().exits(0);
    assert!(outcome.stdout.contains("US,GB,PL") && outcome.stdout.contains("Quota units  9"), "{}", outcome.stdout);
    assert!(server.log().is_empty());
}

#[test]
fn short_help_shows_a_dozen_options() {
    let short = Run::new(&["-h"]).finish().exits(0).stdout;
    let count = short.lines().filter(|line| line.trim_start().starts_with('-')).count();
    assert!((11..=14).contains(&count), "{count}: {short}");
    let long = Run::new(&["--help"]).finish().exits(0).stdout;
    for shown in
        ["--max-wait", "--all-or-nothing", "Exit status:", "Concurrency and retries:", "500ms, 10s, 5m, 7h, 30d"]
    {
        assert!(long.contains(shown), "{shown}");
    }
}

#[test]
fn the_program_describes_itself() {
    let text = |command: &[&str]| Run::new(command).without_key().finish().exits(0).stdout;
    let regions = text(&["regions"]);
    assert!(regions.contains("PL    Poland                  pl        simple"), "{regions}");
    assert_eq!(regions.lines().filter(|line| line.as_bytes().get(2) == Some(&b' ')).count(), 111);
    let table = Run::new(&["regions", "-f", "json"]).finish().exits(0).document();
    let poland = serde_json::json!({"code": "PL", "name": "Poland", "language": "pl", "search_config": "simple"});
    assert!(table.as_array().unwrap().len() == 111 && table.as_array().unwrap().contains(&poland), "{table}");
    let csv = text(&["regions", "--format=csv"]);
    assert!(csv.starts_with("code,name,language,search_config\r\n") && csv.contains("\r\nPL,Poland,pl,simple\r\n"));
    assert_eq!(csv.lines().count(), 112);
    let man = text(&["man"]);
    assert!(man.contains(".TH trendfetch") && man.contains("Further attempts of one request"), "{man}");
    assert!(text(&["schema"]).contains("https://json-schema.org/draft/2020-12/schema"));
    assert_eq!(text(&["--version"]).trim(), concat!("trendfetch ", env!("CARGO_PKG_VERSION")));
}

/// The options of a command, as `--help` lists them.
fn options(help: &str) -> Vec<String> {
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    lines
        .flat_map(|line| line.split([' ', ',', '[', '=', '.']).filter(|word| word.starts_with("--")).map(str::to_owned))
        .collect()
}

#[test]
fn every_command_has_a_manual_page_with_its_options() {
    let text = |arguments: &[&str]| Run::new(arguments).finish().exits(0).stdout;
    let plain = |page: &str| page.replace("\\-", "-");
    let program = plain(&text(&["man"]));
    for section in ["ENVIRONMENT", "\"EXIT STATUS\"", "FILES", "EXAMPLES"] {
        assert!(program.contains(&format!(".SH {section}\n")), "{section}");
    }
    let commands: Vec<String> = text(&["--help"])
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .map_while(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|command| command != "help")
        .collect();
    assert!(commands.len() >= 7, "{commands:?}");
    for command in &commands {
        let page = plain(&text(&["man", command]));
        assert!(program.contains(&format!("trendfetch-{command}(1)")), "{command}");
        assert!(page.contains(&format!(".TH trendfetch-{command} 1")) && page.contains(".SH EXAMPLES"), "{page}");
        for option in options(&text(&[command, "--help"])) {
            assert!(page.contains(&option), "{command}: {option}");
        }
    }
    for option in options(&text(&["--help"])) {
        assert!(program.contains(&option), "{option}");
    }
    let outcome = Run::new(&["man", "--out", "pages/man1"]).finish().exits(0);
    let mut names = vec!["trendfetch.1".to_owned()];
    names.extend(commands.iter().map(|command| format!("trendfetch-{command}.1")));
    assert_eq!(
        files_in(&outcome.folder.path().join("pages/man1")).into_iter().collect::<BTreeSet<_>>(),
        names.into_iter().collect()
    );
    assert!(Run::new(&["man", "rune"]).finish().exits(2).stderr.contains("the pages are those of: changes, "));
}

#[test]
fn mandoc_finds_no_fault_in_the_manual_pages() {
    if !are_installed(&["mandoc"], "mandoc's check of the manual pages") {
        return;
    }
    let outcome = Run::new(&["man", "--out", "pages"]).finish().exits(0);
    let pages = outcome.folder.path().join("pages");
    let checked = Command::new("mandoc")
        .args(["-T", "lint", "-W", "warning"])
        .args(files_in(&pages))
        .current_dir(&pages)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
