//! `man`: a manual page for the program and one for each subcommand.

use std::fs;
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::{self, Cli, ManArgs};
use crate::model::error::UsageError;
use crate::output::{self, exit_status};

const PROGRAM: &str = "trendfetch";

/// When the text of the pages last changed. A page needs a date, and that of the build would make each build differ.
const DATE: &str = "2026-11-27";

/// What clap does not know about a command.
struct Supplement {
    /// Empty for the program itself.
    command: &'static str,
    environment: &'static [&'static str],
    exit_status: &'static [(&'static str, &'static str)],
    files: &'static [(&'static str, &'static str)],
    examples: &'static [(&'static str, &'static str)],
}

const SUPPLEMENTS: &[Supplement] = &[
    Supplement {
        command: "",
        environment: &[
            "YOUTUBE_API_KEY",
            "TRENDFETCH_REGIONS",
            "TRENDFETCH_STORE",
            "TRENDFETCH_BASE_URL",
            "HTTPS_PROXY",
            "SSL_CERT_FILE",
            "RUST_LOG",
        ],
        exit_status: exit_status::TABLE,
        files: &[
            (".env", "in the working directory: lines NAME=value for the first three variables above"),
            ("$CREDENTIALS_DIRECTORY/youtube_api_key", "the API key, as LoadCredential= of systemd provides it"),
            ("~/.pgpass", "passwords of PostgreSQL, if the address of the history has none"),
            ("trendfetch-RUN_ID.json", "a run that the history could not store, for trendfetch load"),
        ],
        examples: &[
            ("The eight default regions, simulated; no key is needed", "trendfetch --demo"),
            ("The chart of three regions as JSON, for jq", "trendfetch -r US,GB,PL --json | jq '.videos[0]'"),
            ("The top 200 of every region, kept in a history", "trendfetch -r all -n 200 --store history.db"),
            ("What a run would cost", "trendfetch -r all -n 200 --dry-run"),
            (
                "Hourly from cron, fetching every seven hours",
                "0 * * * * trendfetch -q --store history.db --min-interval 7h",
            ),
        ],
    },
    Supplement {
        command: "changes",
        environment: HISTORY,
        exit_status: DONE_OR_FAILED,
        files: &[],
        examples: &[
            ("What changed in Poland since the run before", "trendfetch changes -r PL --store history.db"),
            (
                "Every move of the last week in the top 10",
                "trendfetch changes --since 7d --top 10 --all --store history.db",
            ),
            (
                "A feed of what entered in the last three days",
                "trendfetch changes --since 3d -f atom --store history.db > new.xml",
            ),
            (
                "The titles that entered any chart",
                "trendfetch changes -f json --store history.db | jq -r '.regions[].entered[].title'",
            ),
        ],
    },
    Supplement {
        command: "export",
        environment: HISTORY,
        exit_status: &[
            ("0", "everything that matches was written"),
            ("1", "nothing matches, so that nothing was written; or an output or the history cannot be used"),
            ("2", "the command line or an environment value is malformed"),
        ],
        files: &[],
        examples: &[
            (
                "The chart entries of a week",
                "trendfetch export --since 7d --rows entries -o week.csv --store history.db",
            ),
            ("The titles of one region", "trendfetch export -r PL -f ndjson --store history.db | jq -r .title"),
        ],
    },
    Supplement {
        command: "status",
        environment: HISTORY,
        exit_status: &[
            ("0", "every chart is fresh"),
            ("1", "there is no complete chart, or the history cannot be used"),
            ("2", "the command line or an environment value is malformed"),
            ("3", "a chart is older than --max-age, or missing"),
        ],
        files: &[],
        examples: &[("For a monitoring system", "trendfetch status --max-age 8h --store history.db")],
    },
    Supplement {
        command: "report",
        environment: HISTORY,
        exit_status: DONE_OR_FAILED,
        files: &[],
        examples: &[
            ("A page of the whole history", "trendfetch report --store history.db -o charts.html"),
            ("A page of one document", "trendfetch report --from trends.json -o charts.html"),
        ],
    },
    Supplement {
        command: "load",
        environment: HISTORY,
        exit_status: DONE_OR_FAILED,
        files: &[("trendfetch-RUN_ID.json", "a run that the history could not store")],
        examples: &[("A document that -o wrote", "trendfetch load trends.json --store history.db")],
    },
    Supplement {
        command: "prune",
        environment: HISTORY,
        exit_status: DONE_OR_FAILED,
        files: &[],
        examples: &[
            ("Keep 29 days, as a run does by itself", "trendfetch prune --keep 29d --store history.db"),
            ("Forget the log of runs after a year", "trendfetch prune --log 365d --store history.db"),
        ],
    },
    Supplement {
        command: "demo",
        environment: &["RUST_LOG"],
        exit_status: DONE_OR_FAILED,
        files: &[],
        examples: &[
            ("A week to try the other commands with", "trendfetch demo --store demo.db"),
            (
                "Four weeks of two regions, in two categories",
                "trendfetch demo --store demo.db --days 28 -r US,PL --category all,Music",
            ),
        ],
    },
    Supplement {
        command: "regions",
        environment: &[],
        exit_status: DONE_OR_FAILED,
        files: &[],
        examples: &[("The codes alone", "trendfetch regions -f json | jq -r '.[].code'")],
    },
    Supplement {
        command: "completions",
        environment: &[],
        exit_status: DONE_OR_FAILED,
        files: &[],
        examples: &[
            ("For bash", "trendfetch completions bash > ~/.local/share/bash-completion/completions/trendfetch"),
            ("For zsh, in a folder of its fpath", "trendfetch completions zsh > ~/.zfunc/_trendfetch"),
            ("For fish", "trendfetch completions fish > ~/.config/fish/completions/trendfetch.fish"),
        ],
    },
    Supplement {
        command: "man",
        environment: &[],
        exit_status: DONE_OR_FAILED,
        files: &[],
        examples: &[
            ("Install all pages for one user", "trendfetch man --out ~/.local/share/man/man1"),
            ("Read one page", "trendfetch man changes | man -l -"),
        ],
    },
    Supplement {
        command: "schema",
        environment: &[],
        exit_status: DONE_OR_FAILED,
        files: &[],
        examples: &[
            ("Keep it beside the data", "trendfetch schema > trendfetch.schema.json"),
            ("That of a line of -f ndjson --rows entries", "trendfetch schema entry"),
        ],
    },
];

const HISTORY: &[&str] = &["TRENDFETCH_STORE", "RUST_LOG"];

const DONE_OR_FAILED: &[(&str, &str)] = &[
    ("0", "done"),
    ("1", "failed; the message on standard error says why, and what to do"),
    ("2", "the command line or an environment value is malformed"),
];

/// Prints a page, or writes all pages into a folder.
///
/// # Errors
/// For an unknown command, and if a page cannot be written.
pub(super) fn run(args: &ManArgs) -> anyhow::Result<()> {
    let Some(folder) = &args.out else {
        return Ok(output::print(&page(args.command.as_deref().unwrap_or_default())?)?);
    };
    let unwritable = || format!("cannot make the folder {}; name one that you may write to", folder.display());
    fs::create_dir_all(folder).with_context(unwritable)?;
    for Supplement { command, .. } in SUPPLEMENTS {
        write_page(folder, command)?;
    }
    Ok(())
}

fn write_page(folder: &Path, command: &str) -> anyhow::Result<()> {
    let name = if command.is_empty() { PROGRAM.to_owned() } else { format!("{PROGRAM}-{command}") };
    Ok(output::save_file(&folder.join(format!("{name}.1")), &page(command)?)?)
}

fn page(name: &str) -> anyhow::Result<String> {
    // clap_mangen prints no help for an option that -h hides.
    let mut program = Cli::command().disable_help_subcommand(true).mut_args(|option| option.hide_short_help(false));
    program.build();
    let command = if name.is_empty() { Some(&program) } else { program.find_subcommand(name) };
    let supplement = SUPPLEMENTS.iter().find(|supplement| supplement.command == name);
    let (Some(command), Some(supplement)) = (command, supplement) else {
        let names: Vec<&str> = SUPPLEMENTS.iter().skip(1).map(|supplement| supplement.command).collect();
        return Err(UsageError(format!("no such command; the pages are those of: {}", names.join(", "))).into());
    };
    let mut bytes = Vec::new();
    render(command, supplement, &mut bytes).context("cannot render the man page")?;
    Ok(tidy(&String::from_utf8_lossy(&bytes)))
}

/// Removes what roff ignores and mandoc warns about: blanks at the end of a line, and clap_mangen's line breaks around
/// an empty line.
fn tidy(page: &str) -> String {
    let lines: String = page.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
    lines.replace("\n.br\n\n.br\n", "\n.sp\n")
}

fn render(command: &clap::Command, supplement: &Supplement, out: &mut Vec<u8>) -> std::io::Result<()> {
    let man = Man::new(command.clone()).date(DATE).source(concat!("trendfetch ", env!("CARGO_PKG_VERSION")));
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    if command.has_subcommands() {
        man.render_subcommands_section(out)?;
    }
    let described = |name: &&'static str| cli::ENVIRONMENT.iter().copied().find(|(variable, _)| variable == name);
    let environment: Vec<(&str, &str)> = supplement.environment.iter().filter_map(described).collect();
    let mut roff = Roff::new();
    section(&mut roff, "ENVIRONMENT", &environment);
    section(&mut roff, "EXIT STATUS", supplement.exit_status);
    if supplement.command.is_empty() {
        roff.control("PP", []);
        roff.text([roman(exit_status::PRECEDENCE)]);
    }
    section(&mut roff, "FILES", supplement.files);
    examples(&mut roff, supplement.examples);
    roff.to_writer(out)
}

fn section(roff: &mut Roff, title: &str, rows: &[(&str, &str)]) {
    if rows.is_empty() {
        return;
    }
    roff.control("SH", [title]);
    for (term, meaning) in rows {
        roff.control("TP", []);
        roff.text([bold(*term)]);
        roff.text([roman(*meaning)]);
    }
}

fn examples(roff: &mut Roff, examples: &[(&str, &str)]) {
    roff.control("SH", ["EXAMPLES"]);
    for (what, line) in examples {
        roff.control("TP", []);
        roff.text([roman(format!("{what}:"))]);
        roff.text([bold(*line)]);
    }
}
