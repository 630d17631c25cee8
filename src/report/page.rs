//! The page as a whole: the data of the templates, and its sentences.
//!
//! Templates escape all text except values marked `safe`: the style sheet, the script, and `lang` attributes.

use askama::Template;
use jiff::Timestamp;

use super::categories::category_name;
use super::category_page::CategoryPage;
use super::limits::Limits;
use super::rank_plot::HEIGHT;
use super::region_history::{RANK_PLOT_ENTRIES, RegionHistory};
use super::snapshot::{Origin, Snapshot};
use super::text::{self, date_time};
use super::time_axis::WIDTH;
use crate::history::{MAX_RETENTION, SeriesRuns};
use crate::model::category::Category;
use crate::support::human;

pub(super) const STYLE: &str = include_str!("style.css");
pub(super) const SCRIPT: &str = include_str!("script.js");

// The page's Content-Security-Policy allows these two by hash (CSP Level 3, hash-source).
pub(super) const STYLE_HASH: &str = "sha256-OQqoRRBTCMSpPzPZHQwKyYkaJKQ/1x8JCJjig8VnoSw=";
pub(super) const SCRIPT_HASH: &str = "sha256-KgXPrlMnlCzocOIsXpy162dmvDE/9N0iiqlE0qgKpic=";

/// How many other sources of the history are listed.
const MAX_OTHERS: usize = 5;

#[derive(Template)]
#[template(path = "page.html", config = "src/report/askama.toml")]
pub(super) struct ReportPage<'a> {
    /// At least one, all of the same source.
    snapshots: &'a [Snapshot],
    thumbnails: bool,
    limits: Limits,
    categories: Vec<CategoryPage<'a>>,
}

impl<'a> ReportPage<'a> {
    pub(super) fn new(snapshots: &'a [Snapshot], thumbnails: bool, limits: Limits) -> ReportPage<'a> {
        let categories = snapshots.iter().map(|snapshot| CategoryPage::new(snapshot, limits)).collect();
        ReportPage { snapshots, thumbnails, limits, categories }
    }

    fn source(&self) -> &str {
        self.snapshots.first().map_or("", |snapshot| &snapshot.series.source)
    }

    fn is_youtube(&self) -> bool {
        self.source() == "youtube"
    }

    /// Whether the page has a switch between categories.
    fn has_switch(&self) -> bool {
        self.categories.len() > 1
    }

    /// What the ids of a category's elements begin with, so that they are unique.
    fn prefix(&self, category: &CategoryPage<'_>) -> String {
        if self.has_switch() { format!("{}-", category.slug()) } else { String::new() }
    }

    /// The level of the headings of a category's parts. With a switch, the category has a heading of its own.
    fn level(&self) -> u8 {
        if self.has_switch() { 3 } else { 2 }
    }

    fn heading(&self) -> String {
        let heading = match self.source() {
            "youtube" => "YouTube’s most popular videos".to_owned(),
            "demo" => "Demo charts (invented data)".to_owned(),
            host => format!("Most popular videos of {host}"),
        };
        match &self.categories[..] {
            [only] if only.snapshot.series.category_id.is_some() => format!("{heading}: {}", only.name()),
            _ => heading,
        }
    }

    fn newest_run(&self) -> Timestamp {
        self.snapshots.iter().map(Snapshot::newest_run).max().unwrap_or_default()
    }

    fn newest_text(&self) -> String {
        date_time(&self.newest_run())
    }

    fn newest_element(&self) -> String {
        text::time(&self.newest_run())
    }

    fn made_text(&self) -> String {
        date_time(&self.made_at())
    }

    fn made_at(&self) -> Timestamp {
        self.snapshots.first().map(|snapshot| snapshot.made_at).unwrap_or_default()
    }

    fn origin(&self) -> String {
        let made_at = self.made_text();
        match self.snapshots.first().map(|snapshot| &snapshot.origin) {
            Some(Origin::History { others, .. }) => {
                let oldest = self.snapshots.iter().map(Snapshot::oldest_run).min().unwrap_or_default();
                let (first, last) = (date_time(&oldest), self.newest_text());
                let mut text =
                    format!("Generated {made_at} from a trendfetch history: runs from {first} to {last} UTC.");
                if !others.is_empty() {
                    let others: Vec<String> = others.iter().take(MAX_OTHERS).map(describe_runs).collect();
                    text.push_str(&format!(" The history also has {}, not shown here.", others.join("; ")));
                }
                text
            }
            Some(Origin::Document { run_id, fetched_at }) => {
                let started = date_time(fetched_at);
                format!(
                    "Generated {made_at} from the document of one trendfetch run, started {started} UTC ({run_id}). \
                     Changes between runs require a history."
                )
            }
            None => String::new(),
        }
    }

    fn regions(&self) -> impl Iterator<Item = &RegionHistory> {
        self.snapshots.iter().flat_map(|snapshot| &snapshot.regions)
    }

    /// The regions of the control that chooses one: code and name, by name.
    fn region_options(&self) -> Vec<(&str, String)> {
        let sections = self.categories.iter().flat_map(|category| &category.sections);
        let mut options: Vec<(&str, String)> = sections.map(|section| (section.code(), section.name())).collect();
        if self.has_switch() {
            options.sort_by(|one, other| one.1.cmp(&other.1));
            options.dedup();
        }
        options
    }

    /// What the limits leave out.
    fn omissions(&self) -> Option<String> {
        let Limits { entries, moves, runs, .. } = self.limits;
        let charts = self.regions().filter_map(|history| history.chart.as_ref());
        let longest = charts.map(|chart| chart.entries.len()).max().unwrap_or(0);
        let has_changes = self.categories.iter().any(|category| category.has_changes);
        let mut omissions = Vec::new();
        if longest > entries {
            omissions.push(format!("only the first {entries} of up to {longest} entries of each chart"));
        }
        if has_changes && moves == 0 {
            omissions.push("no lists of the videos that entered, left, rose and fell".to_owned());
        }
        if has_changes && runs == 0 {
            omissions.push("no rank plots".to_owned());
        }
        let list = omissions.join(", ");
        (!omissions.is_empty())
            .then(|| format!("To stay small, this page shows {list}. With fewer regions (-r) it shows more."))
    }

    fn attribution(&self) -> String {
        match self.source() {
            "youtube" => "Source of all charts: YouTube, through the YouTube Data API.".to_owned(),
            "demo" => {
                "Source of all charts: the demo of trendfetch. They are invented and not YouTube’s data.".to_owned()
            }
            other => format!("Source of all charts: {}.", source_name(other)),
        }
    }

    /// YouTube's terms limit storage to 30 days, which count from the oldest data on the page.
    fn delete_by(&self) -> String {
        let charts = self.regions().flat_map(|history| [&history.chart, &history.previous]).flatten();
        let with_plot = self.regions().filter(|history| !history.video_ranks.is_empty());
        let oldest_in_plots = with_plot.flat_map(|history| history.recent_attempts().first());
        let times = charts.map(|chart| chart.fetched_at).chain(oldest_in_plots.map(|attempt| attempt.fetched_at));
        let oldest = times.min().unwrap_or(self.made_at());
        let deadline = oldest.checked_add(MAX_RETENTION).unwrap_or(oldest);
        if deadline < self.made_at() {
            return "Those 30 days are over: delete this page.".to_owned();
        }
        format!("Delete this page, or generate it again, by {}.", deadline.strftime("%Y-%m-%d"))
    }
}

/// `one run of YouTube`
fn describe_runs(runs: &SeriesRuns) -> String {
    let count = if runs.runs == 1 { "one run".to_owned() } else { format!("{} runs", runs.runs) };
    let source = source_name(&runs.series.source);
    match runs.series.category_id {
        None => format!("{count} of {source}"),
        Some(id) => format!("{count} of {source}, {}", category_name(Some(Category::new(id)))),
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

    const LIMITS: Limits = Limits { entries: 200, moves: 10, runs: 28, other_titles: true };

    #[test]
    fn a_page_says_how_many_entries_it_omits() {
        let ids: Vec<String> = (0..11).map(|id| id.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let snapshot = snapshot(vec![
            with_chart("US", entries(&ids)),
            with_chart("GB", entries(&ids[..2])),
            without_chart(vec![attempt("PL", 0)]),
        ]);
        let snapshots = [snapshot];
        let text = |limits| ReportPage::new(&snapshots, false, limits).omissions();
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
            let text = ReportPage::new(std::slice::from_ref(snapshot), false, LIMITS).delete_by();
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
        assert_eq!(ReportPage::new(&[page], false, LIMITS).delete_by(), "Those 30 days are over: delete this page.");
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
        let snapshots = [snapshot(vec![history])];
        let page = ReportPage::new(&snapshots, false, LIMITS);
        // The plot and its table show the ranks of that run.
        assert_eq!(page.categories[0].sections[0].rank_plot.as_ref().unwrap().columns[0].fetched_at, at(-6 * 24));
        assert_eq!(page.delete_by(), "Delete this page, or generate it again, by 2026-11-25.");
    }

    #[test]
    fn a_page_without_move_lists_and_plots_says_so() {
        let before = entries(&["a", "b"]);
        let snapshots = [snapshot(vec![with_two_charts("US", (50, before), (50, entries(&["b", "c"])))])];
        let with = ReportPage::new(&snapshots, false, LIMITS);
        assert!(!with.categories[0].sections[0].move_lists.is_empty());
        let page = ReportPage::new(&snapshots, false, Limits { entries: 5, moves: 0, runs: 0, ..LIMITS });
        assert!(page.categories[0].sections[0].move_lists.is_empty());
        let expected = "To stay small, this page shows no lists of the videos that entered, left, rose and fell, no rank \
                        plots. With fewer regions (-r) it shows more.";
        assert_eq!(page.omissions().as_deref(), Some(expected));
    }
}
