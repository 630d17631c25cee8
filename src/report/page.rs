//! The page as a whole: the data of the templates, and its sentences.
//!
//! Templates escape all text except values marked `safe`: the style sheet, the script, and `lang` attributes.

use askama::Template;

use super::alerts::{Alert, alerts, no_longer_fetched};
use super::anomalies::{Anomaly, anomalies};
use super::categories::{CategoryChart, category_name};
use super::limits::Limits;
use super::overlap::RegionOverlap;
use super::rank_plot::COLUMN_WIDTH;
use super::region_history::RANK_PLOT_ENTRIES;
use super::region_section::RegionSection;
use super::snapshot::{Origin, Snapshot};
use super::text::{self, date_time};
use crate::history::{ChartSeries, MAX_RETENTION, SeriesRuns};
use crate::model::category::Category;

pub(super) const STYLE: &str = include_str!("style.css");
pub(super) const SCRIPT: &str = include_str!("script.js");

// The page's Content-Security-Policy allows these two by hash (CSP Level 3, hash-source).
pub(super) const STYLE_HASH: &str = "sha256-VgvxTPpEA0q5TD7QYDcLbOPJ9ns3/hD6Dm/s1qY8ffU=";
pub(super) const SCRIPT_HASH: &str = "sha256-/GgXJDOvpucPKtzDjTbzq/fM6LfhbZyGQeQsfb0ubeg=";

const MAX_ANOMALIES: usize = 40;

/// How many other sources and categories of the history are listed.
const MAX_OTHERS: usize = 5;

#[derive(Template)]
#[template(path = "page.html", config = "src/report/askama.toml")]
pub(super) struct ReportPage<'a> {
    snapshot: &'a Snapshot,
    thumbnails: bool,
    limits: Limits,
    alerts: Vec<Alert>,
    urgent: Vec<Anomaly>,
    no_longer_fetched: Option<String>,
    /// Whether any region has an earlier chart to compare with.
    has_changes: bool,
    sections: Vec<RegionSection<'a>>,
    anomalies: Vec<Anomaly>,
    more_anomalies: usize,
    overlap: RegionOverlap<'a>,
    categories: CategoryChart,
}

impl<'a> ReportPage<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, thumbnails: bool, limits: Limits) -> ReportPage<'a> {
        let (urgent, mut anomalies): (Vec<Anomaly>, Vec<Anomaly>) =
            anomalies(snapshot).into_iter().partition(Anomaly::is_urgent);
        let more_anomalies = anomalies.len().saturating_sub(MAX_ANOMALIES);
        anomalies.truncate(MAX_ANOMALIES);
        ReportPage {
            snapshot,
            thumbnails,
            limits,
            alerts: alerts(snapshot),
            urgent,
            no_longer_fetched: no_longer_fetched(snapshot),
            has_changes: snapshot.regions.iter().any(|history| history.changes.is_some()),
            sections: snapshot.regions.iter().map(|history| RegionSection::new(history, limits)).collect(),
            anomalies,
            more_anomalies,
            overlap: RegionOverlap::new(snapshot),
            categories: CategoryChart::new(snapshot),
        }
    }

    fn is_youtube(&self) -> bool {
        self.snapshot.series.source == "youtube"
    }

    fn heading(&self) -> String {
        let ChartSeries { source, category_id } = &self.snapshot.series;
        let heading = match source.as_str() {
            "youtube" => "YouTube’s most popular videos".to_owned(),
            "demo" => "Demo charts (invented data)".to_owned(),
            host => format!("Most popular videos of {host}"),
        };
        match category_id {
            Some(id) => format!("{heading}: {}", Category::new(*id)),
            None if self.has_charts_of_categories() => format!("{heading}: all categories"),
            None => heading,
        }
    }

    /// Whether the history also has charts of single categories.
    fn has_charts_of_categories(&self) -> bool {
        let Origin::History { others, .. } = &self.snapshot.origin else { return false };
        let source = &self.snapshot.series.source;
        others.iter().any(|other| other.series.source == *source && other.series.category_id.is_some())
    }

    fn newest_run(&self) -> String {
        date_time(&self.snapshot.newest_run())
    }

    fn origin(&self) -> String {
        let made_at = date_time(&self.snapshot.made_at);
        match &self.snapshot.origin {
            Origin::History { runs, others } => {
                let (first, last) = (date_time(runs.start()), date_time(runs.end()));
                let mut text =
                    format!("Generated {made_at} from a trendfetch history: runs from {first} to {last} UTC.");
                if !others.is_empty() {
                    let others: Vec<String> = others.iter().take(MAX_OTHERS).map(describe_runs).collect();
                    text.push_str(&format!(" The history also has {}, not shown here.", others.join("; ")));
                }
                text
            }
            Origin::Document { run_id, fetched_at } => {
                let started = date_time(fetched_at);
                format!(
                    "Generated {made_at} from the document of one trendfetch run, started {started} UTC ({run_id}). \
                     Changes between runs require a history."
                )
            }
        }
    }

    /// What the limits leave out.
    fn omissions(&self) -> Option<String> {
        let Limits { entries, moves, runs } = self.limits;
        let charts = self.snapshot.regions.iter().filter_map(|history| history.chart.as_ref());
        let longest = charts.map(|chart| chart.entries.len()).max().unwrap_or(0);
        let mut omissions = Vec::new();
        if longest > entries {
            omissions.push(format!("only the first {entries} of up to {longest} entries of each chart"));
        }
        if self.has_changes && moves == 0 {
            omissions.push("no lists of the videos that entered, left, rose and fell".to_owned());
        }
        if self.has_changes && runs == 0 {
            omissions.push("no rank plots".to_owned());
        }
        let list = omissions.join(", ");
        (!omissions.is_empty())
            .then(|| format!("To stay small, this page shows {list}. With fewer regions (-r) it shows more."))
    }

    fn attribution(&self) -> String {
        match self.snapshot.series.source.as_str() {
            "youtube" => "Source of all charts: YouTube, through the YouTube Data API.".to_owned(),
            "demo" => {
                "Source of all charts: the demo of trendfetch. They are invented and not YouTube’s data.".to_owned()
            }
            other => format!("Source of all charts: {}.", source_name(other)),
        }
    }

    /// YouTube's terms limit storage to 30 days, which count from the oldest data on the page.
    fn delete_by(&self) -> String {
        let regions = &self.snapshot.regions;
        let charts = regions.iter().flat_map(|history| [&history.chart, &history.previous]).flatten();
        let with_plot = regions.iter().filter(|history| !history.video_ranks.is_empty());
        let oldest_in_plots = with_plot.flat_map(|history| history.recent_attempts().first());
        let times = charts.map(|chart| chart.fetched_at).chain(oldest_in_plots.map(|attempt| attempt.fetched_at));
        let oldest = times.min().unwrap_or(self.snapshot.made_at);
        let deadline = oldest.checked_add(MAX_RETENTION).unwrap_or(oldest);
        if deadline < self.snapshot.made_at {
            return "Those 30 days are over: delete this page.".to_owned();
        }
        format!("Delete this page, or generate it again, by {}.", deadline.strftime("%Y-%m-%d"))
    }
}

/// `one run of YouTube, Music`
fn describe_runs(runs: &SeriesRuns) -> String {
    let ChartSeries { source, category_id } = &runs.series;
    let count = if runs.runs == 1 { "one run".to_owned() } else { format!("{} runs", runs.runs) };
    let source = source_name(source);
    match category_id {
        None => format!("{count} of {source}"),
        Some(id) => format!("{count} of {source}, {}", category_name(Some(Category::new(*id)))),
    }
}

fn source_name(source: &str) -> String {
    match source {
        "youtube" => "YouTube".to_owned(),
        "demo" => "the demo".to_owned(),
        host => format!("the server {host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{at, attempt, entries, snapshot, with_chart, with_two_charts, without_chart};
    use crate::report::region_history::Chart;

    const LIMITS: Limits = Limits { entries: 200, moves: 10, runs: 28 };

    #[test]
    fn a_page_says_how_many_entries_it_omits() {
        let ids: Vec<String> = (0..11).map(|id| id.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let snapshot = snapshot(vec![
            with_chart("US", entries(&ids)),
            with_chart("GB", entries(&ids[..2])),
            without_chart(vec![attempt("PL", 0)]),
        ]);
        let text = |limits| ReportPage::new(&snapshot, false, limits).omissions();
        assert_eq!(text(Limits { entries: 11, ..LIMITS }), None);
        let ten = "To stay small, this page shows only the first 10 of up to 11 entries of each chart. \
                   With fewer regions (-r) it shows more.";
        assert_eq!(text(Limits { entries: 10, ..LIMITS }).as_deref(), Some(ten));
        // One run has no moves and no plots that could be omitted.
        assert_eq!(text(Limits { moves: 0, runs: 0, ..Limits { entries: 10, ..LIMITS } }).as_deref(), Some(ten));
    }

    #[test]
    fn a_page_must_be_deleted_30_days_after_its_oldest_chart() {
        let deadline = |snapshot: &Snapshot| {
            let text = ReportPage::new(snapshot, false, LIMITS).delete_by();
            text.strip_prefix("Delete this page, or generate it again, by ").unwrap().trim_end_matches('.').to_owned()
        };
        let mut page = snapshot(vec![with_chart("US", entries(&["a"])), with_chart("GB", entries(&["a"]))]);
        page.made_at = at(48);
        assert_eq!(deadline(&page), "2026-12-01");
        page.regions[1].chart.as_mut().unwrap().fetched_at = at(-24);
        assert_eq!(deadline(&page), "2026-11-30");
        // The previous chart is on the page too: its videos may have left.
        page.regions[0].previous = Some(Chart { fetched_at: at(-48), entries: entries(&["b"]) });
        assert_eq!(deadline(&page), "2026-11-29");
        page.made_at = at(30 * 24);
        assert_eq!(ReportPage::new(&page, false, LIMITS).delete_by(), "Those 30 days are over: delete this page.");
        let mut nothing = snapshot(vec![without_chart(vec![attempt("US", 0)])]);
        nothing.made_at = at(48);
        assert_eq!(deadline(&nothing), "2026-12-03");
    }

    #[test]
    fn ranks_in_the_plot_count_for_the_deadline() {
        let mut history = with_two_charts("US", (50, entries(&["a"])), (50, entries(&["a"])));
        history.attempts.insert(0, attempt("US", -6 * 24));
        history.video_ranks = [-6 * 24, 0, 1]
            .map(|number| crate::history::VideoRank { number, rank: 1, video_id: "a".to_owned() })
            .into();
        let page = snapshot(vec![history]);
        let page = ReportPage::new(&page, false, LIMITS);
        // The plot and its table show the ranks of that run.
        assert_eq!(page.sections[0].rank_plot.as_ref().unwrap().columns[0].fetched_at, at(-6 * 24));
        assert_eq!(page.delete_by(), "Delete this page, or generate it again, by 2026-11-25.");
    }

    #[test]
    fn a_page_without_move_lists_and_plots_says_so() {
        let before = entries(&["a", "b"]);
        let snapshot = snapshot(vec![with_two_charts("US", (50, before), (50, entries(&["b", "c"])))]);
        let with = ReportPage::new(&snapshot, false, LIMITS);
        assert!(!with.sections[0].move_lists.is_empty());
        let page = ReportPage::new(&snapshot, false, Limits { entries: 5, moves: 0, runs: 0 });
        assert!(page.sections[0].move_lists.is_empty());
        let expected = "To stay small, this page shows no lists of the videos that entered, left, rose and fell, no rank \
                        plots. With fewer regions (-r) it shows more.";
        assert_eq!(page.omissions().as_deref(), Some(expected));
    }
}
