//! The options of a run.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

use super::suggestions;
use super::terminal_args::{SCREEN, When};
use super::value_parsers::{concurrency, duration, max_results, max_units, retries};
use crate::demo;
use crate::model::category::ChartCategory;
use crate::model::error::UsageError;
use crate::output::{Format, RowKind};

// The groups of --help.
const FETCH: &str = "What to fetch";
const PACE: &str = "Concurrency and retries";
const OUTPUT: &str = "Output";
const HISTORY: &str = "History";
const SOURCE: &str = "Source and key";

/// What one item of `--category` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Categories(pub(super) Vec<ChartCategory>);

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Regions by ISO 3166-1 code, or a set: dailywatch, viralvidvault, all [default: dailywatch]
    ///
    /// Separated by commas, repeatable, in any case; of repeated regions the first counts. dailywatch is
    /// US GB DE FR IN BR AU CA, viralvidvault is US GB PL NL SE NO AT. TRENDFETCH_REGIONS in the
    /// environment replaces the default.
    #[arg(short, long, value_name = "LIST", value_delimiter = ',', value_parser = suggestions::region(), hide_possible_values = true, help_heading = FETCH)]
    pub regions: Vec<String>,

    /// Videos per region, 1 to 200, in pages of 50
    #[arg(short = 'n', long, value_name = "N", default_value = "50", value_parser = max_results, help_heading = FETCH)]
    pub max_results: u32,

    /// Charts of categories, by number or English name (Comedy is 23), or all, or every [default: all]
    ///
    /// Separated by commas, repeatable. `all` or 0 is the chart of all categories, `every` stands for the fifteen
    /// categories that new videos can have. Each category is a run of its own: one document, and one row in the
    /// history. All are fetched together, with the same permits, waits, budgets and deadline.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = suggestions::categories(), hide_possible_values = true, help_heading = FETCH)]
    pub category: Vec<Categories>,

    /// Fetch descriptions too
    #[arg(long, hide_short_help = true, help_heading = FETCH)]
    pub description: bool,

    /// Maximum number of requests in flight; 0 is no limit
    ///
    /// A permit covers one attempt and is never held while waiting to retry.
    #[arg(short, long, value_name = "N", default_value = "3", value_parser = concurrency, help_heading = PACE)]
    pub concurrency: usize,

    /// Time for one attempt, from connect to last byte
    #[arg(long, value_name = "DUR", default_value = "10s", value_parser = duration, hide_short_help = true, help_heading = PACE)]
    pub timeout: Duration,

    /// Further attempts of one request after a transient failure
    #[arg(long, value_name = "N", default_value = "4", value_parser = retries, hide_short_help = true, help_heading = PACE)]
    pub retries: u32,

    /// First backoff; doubles, full jitter, at most 30s
    #[arg(long, value_name = "DUR", default_value = "500ms", value_parser = duration, hide_short_help = true, help_heading = PACE)]
    pub backoff: Duration,

    /// Longest wait that the server may impose
    #[arg(long, value_name = "DUR", default_value = "60s", value_parser = duration, hide_short_help = true, help_heading = PACE)]
    pub max_wait: Duration,

    /// Time for the whole run, writing included; what is unfinished by then fails, what arrived is kept [default: none]
    #[arg(long, value_name = "DUR", value_parser = duration, hide_short_help = true, help_heading = PACE)]
    pub deadline: Option<Duration>,

    /// Maximum number of quota units (attempts) for this run [default: none]
    #[arg(long, value_name = "N", value_parser = max_units, hide_short_help = true, help_heading = PACE)]
    pub max_units: Option<u32>,

    /// Show what would be requested and what it costs; send nothing; needs no key
    #[arg(long, help_heading = FETCH)]
    pub dry_run: bool,

    /// Write the data, on standard output unless -o is given [default: stats only]
    #[arg(short, long, value_name = "FORMAT", help_heading = OUTPUT)]
    pub format: Option<Format>,

    /// Same as --format json
    #[arg(long, conflicts_with = "format", help_heading = OUTPUT)]
    pub json: bool,

    /// What a row of ndjson or csv is [default: videos]
    #[arg(long, value_name = "ROWS", hide_short_help = true, help_heading = OUTPUT)]
    pub rows: Option<RowKind>,

    /// Begin csv with a UTF-8 byte order mark, without which Excel misreads letters when a file is opened by a double click
    #[arg(long, hide_short_help = true, help_heading = OUTPUT)]
    pub csv_bom: bool,

    /// Write the data to FILE, whole or not at all; repeatable; - is standard output
    ///
    /// The format is that of the extension (.json, .ndjson, .jsonl, .csv, .prom), otherwise --format, otherwise json. With .gz at
    /// the end of its name, the file is compressed. If no video arrived, the old file stays, except that of metrics (.prom). /dev/stdout is standard output too, and /dev/fd/N an open descriptor.
    /// s3://BUCKET/KEY, gs://BUCKET/KEY and az://CONTAINER/KEY are objects, with the credentials of the clouds' own
    /// environment variables, if the program is built with the feature cloud.
    #[arg(short, long, value_name = "FILE", help_heading = OUTPUT)]
    pub output: Vec<PathBuf>,

    /// Leave the old files after a partial run too (still exit 3)
    #[arg(long, hide_short_help = true, help_heading = OUTPUT)]
    pub all_or_nothing: bool,

    /// Store the run in a history: a path or sqlite:PATH, or postgres://user@host/database
    ///
    /// TRENDFETCH_STORE in the environment or in .env replaces the default, which is none. A URL
    /// with a password belongs there: every user of the machine can read an argument.
    #[arg(long, value_name = "WHERE", value_hint = ValueHint::FilePath, help_heading = HISTORY)]
    pub store: Option<String>,

    /// With a history: delete what was last fetched more than DUR ago [default: 29d]
    ///
    /// YouTube's terms allow data that was fetched with a key to be kept for 30 days; a day is left for the next run to
    /// come late. A run deletes only if this machine's clock and the server's agree; and only `prune` deletes more than
    /// half of the history at once.
    #[arg(long, value_name = "DUR", value_parser = duration, hide_short_help = true, help_heading = HISTORY)]
    pub keep: Option<Duration>,

    /// With a history: send nothing if a run that covers this one began less than DUR ago
    ///
    /// That is a run of the same source and category, with at least as many --max-results, in which each of these regions
    /// was answered or is not offered by YouTube. Both starts are cut to the minute. This is logged with -v only; the exit
    /// status is 0.
    #[arg(long, value_name = "DUR", value_parser = duration, hide_short_help = true, help_heading = HISTORY)]
    pub min_interval: Option<Duration>,

    /// Use a simulation of the API inside this process; needs no key and no network
    #[arg(long, value_name = "MODE", num_args = 0..=1, require_equals = true, default_missing_value = "limited", help_heading = SOURCE)]
    pub demo: Option<demo::Mode>,

    /// Another endpoint, which answers GET {URL}/videos [default: the public API]
    ///
    /// Plain http: is accepted only for a loopback address, since the key would travel in the clear.
    /// TRENDFETCH_BASE_URL in the environment replaces the default.
    #[arg(long, value_name = "URL", hide_short_help = true, conflicts_with = "demo", help_heading = SOURCE)]
    pub base_url: Option<String>,

    /// Read the API key from FILE
    ///
    /// The default is the file youtube_api_key in $CREDENTIALS_DIRECTORY, otherwise YOUTUBE_API_KEY in the environment or
    /// in .env. No flag takes the key itself: every user of the machine could read it.
    #[arg(long, value_name = "FILE", hide_short_help = true, conflicts_with = "demo", help_heading = SOURCE)]
    pub api_key_file: Option<PathBuf>,

    /// Show progress on standard error
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_short_help = true, help_heading = SCREEN)]
    pub progress: When,
}

impl RunArgs {
    /// The categories in the order given; of repeated ones the first one counts. The default is the chart of all.
    ///
    /// # Errors
    /// For an empty list.
    pub fn categories(&self) -> Result<Vec<ChartCategory>, UsageError> {
        distinct_categories(&self.category)
    }
}

/// The categories of a list; without one, the chart of all.
///
/// # Errors
/// For an empty list.
pub(super) fn distinct_categories(items: &[Categories]) -> Result<Vec<ChartCategory>, UsageError> {
    if items.is_empty() {
        return Ok(vec![ChartCategory::All]);
    }
    let mut categories = Vec::new();
    for category in items.iter().flat_map(|item| &item.0) {
        if !categories.contains(category) {
            categories.push(*category);
        }
    }
    if categories.is_empty() {
        return Err(UsageError(
            "the list of categories is empty; name some, for example --category Music,Gaming".into(),
        ));
    }
    Ok(categories)
}
