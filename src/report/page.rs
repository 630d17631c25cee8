//! The page: what each part of it shows, and the templates that say so. All text goes through the
//! templates' escaping but for the constants of this folder.

use askama::Template;

use super::alerts::{Trouble, given_up, troubles};
use super::anomalies::{Gap, gaps};
use super::categories::{self, Categories};
use super::overlap::{HeatMap, Widespread, sharing};
use super::region_section::Section;
use super::snapshot::{Origin, Snapshot};
use super::when;
use crate::history::ChartSeries;
use crate::history::TERM;
use crate::model::category::Category;

/// The most gaps that are told.
const MOST_GAPS: usize = 40;

/// How much of it the page shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Places of each chart.
    pub entries: usize,
    /// Videos of each list of moves.
    pub moves: usize,
    /// Runs of each plot of ranks.
    pub runs: usize,
}

#[derive(Template)]
#[template(path = "page.html", config = "src/report/askama.toml")]
pub(super) struct Page<'a> {
    snapshot: &'a Snapshot,
    thumbnails: bool,
    troubles: Vec<Trouble>,
    urgent: Vec<Gap>,
    given_up: Option<String>,
    has_past: bool,
    sections: Vec<Section<'a>>,
    gaps: Vec<Gap>,
    more_gaps: usize,
    widespread: Vec<Widespread<'a>>,
    heat: HeatMap,
    categories: Categories,
    limits: Limits,
}

impl<'a> Page<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, thumbnails: bool, limits: Limits) -> Page<'a> {
        let (heat, widespread) = sharing(snapshot);
        let (urgent, mut gaps): (Vec<Gap>, Vec<Gap>) = gaps(snapshot).into_iter().partition(Gap::is_urgent);
        let more_gaps = gaps.len().saturating_sub(MOST_GAPS);
        gaps.truncate(MOST_GAPS);
        Page {
            snapshot,
            thumbnails,
            troubles: troubles(snapshot),
            urgent,
            given_up: given_up(snapshot),
            has_past: snapshot.regions.iter().any(|past| past.changes.is_some()),
            sections: snapshot.regions.iter().map(|past| Section::of(past, limits)).collect(),
            gaps,
            more_gaps,
            widespread,
            heat,
            categories: Categories::of(snapshot),
            limits,
        }
    }

    fn is_youtube(&self) -> bool {
        self.snapshot.series.source == "youtube"
    }

    fn heading(&self) -> String {
        let ChartSeries { source, category_id } = &self.snapshot.series;
        let heading = match source.as_str() {
            "youtube" => "YouTube’s most popular videos".to_owned(),
            "demo" => "Charts of the demo, all invented".to_owned(),
            host => format!("Most popular videos of {host}"),
        };
        match category_id {
            Some(id) => heading + ": " + &categories::name(Some(Category::new(*id))),
            None if self.holds_categories() => heading + ": all categories",
            None => heading,
        }
    }

    /// Whether the history has charts of single categories besides.
    fn holds_categories(&self) -> bool {
        let Origin::History { others, .. } = &self.snapshot.origin else { return false };
        let ChartSeries { source, .. } = &self.snapshot.series;
        others.iter().any(|other| other.series.source == *source && other.series.category_id.is_some())
    }

    /// Start of the newest run.
    fn newest(&self) -> String {
        when(&self.snapshot.newest())
    }

    fn made_from(&self) -> String {
        let made = when(&self.snapshot.made_at);
        match &self.snapshot.origin {
            Origin::History { runs, others } => {
                let mut text = format!(
                    "Made {made} from a history of trendfetch: runs from {} to {} UTC.",
                    when(runs.start()),
                    when(runs.end())
                );
                if !others.is_empty() {
                    let other = |runs: &crate::history::SeriesRuns| {
                        let category = runs.series.category_id.map(|id| categories::name(Some(Category::new(id))));
                        let count = if runs.runs == 1 { "one run".into() } else { format!("{} runs", runs.runs) };
                        match category {
                            None => format!("{count} of {}", source_name(&runs.series.source)),
                            Some(category) => format!("{count} of {}, {category}", source_name(&runs.series.source)),
                        }
                    };
                    let others: Vec<String> = others.iter().take(5).map(other).collect();
                    text.push_str(&format!(" The history also holds {}; they are not shown here.", others.join("; ")));
                }
                text
            }
            Origin::Document { run_id, fetched_at } => {
                format!(
                    "Made {made} from the document of one run of trendfetch, begun {} UTC ({run_id}). What \
                     changed since earlier runs takes a history.",
                    when(fetched_at)
                )
            }
        }
    }

    /// What found no room.
    fn left_out(&self) -> Option<String> {
        let Limits { entries, moves, runs } = self.limits;
        let charts = self.snapshot.regions.iter().filter_map(|past| past.chart.as_ref());
        let longest = charts.map(|chart| chart.entries.len()).max().unwrap_or(0);
        let mut missing = Vec::new();
        if longest > entries {
            missing.push(format!("only the first {entries} of up to {longest} places of each chart"));
        }
        if self.has_past && moves == 0 {
            missing.push("no lists of who entered, left, rose and fell".to_owned());
        }
        if self.has_past && runs == 0 {
            missing.push("no plots of ranks".to_owned());
        }
        (!missing.is_empty()).then(|| {
            format!("To stay small, this page shows {}. A page of fewer regions (-r) shows more.", missing.join(", "))
        })
    }

    fn source_line(&self) -> String {
        match self.snapshot.series.source.as_str() {
            "youtube" => "Source of all charts: YouTube, by the YouTube Data API.".to_owned(),
            "demo" => {
                "Source of all charts: the demo of trendfetch. It is invented, and none of YouTube’s data.".to_owned()
            }
            other => format!("Source of all charts: {}.", source_name(other)),
        }
    }

    /// By 30 days after the oldest data on the page.
    fn delete_by(&self) -> String {
        let regions = &self.snapshot.regions;
        let charts = regions.iter().flat_map(|past| [&past.chart, &past.previous]).flatten();
        let plots = regions.iter().filter(|past| !past.video_ranks.is_empty()).flat_map(|past| past.recent().first());
        let times = charts.map(|chart| chart.fetched_at).chain(plots.map(|attempt| attempt.fetched_at));
        let oldest = times.min().unwrap_or(self.snapshot.made_at);
        let last = oldest.checked_add(TERM).unwrap_or(oldest);
        if last < self.snapshot.made_at {
            return "Those 30 days are over: delete this page.".to_owned();
        }
        format!("Delete this page, or make it again, by {}.", last.strftime("%Y-%m-%d"))
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
    use crate::report::samples::{at, attempt, charted, compared, entries, past, snapshot};
    use crate::report::snapshot::Chart;

    const LIMITS: Limits = Limits { entries: 200, moves: 10, runs: 28 };

    #[test]
    fn a_page_says_how_many_places_found_no_room() {
        let ids: Vec<String> = (0..11).map(|id| id.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let snapshot = snapshot(vec![
            charted("US", entries(&ids)),
            charted("GB", entries(&ids[..2])),
            past(vec![attempt("PL", 0)]),
        ]);
        let text = |limits| Page::of(&snapshot, false, limits).left_out();
        assert_eq!(text(Limits { entries: 11, ..LIMITS }), None);
        let ten = "To stay small, this page shows only the first 10 of up to 11 places of each chart. \
                   A page of fewer regions (-r) shows more.";
        assert_eq!(text(Limits { entries: 10, ..LIMITS }).as_deref(), Some(ten));
        // One run has no moves and no plots to leave out.
        assert_eq!(text(Limits { moves: 0, runs: 0, ..Limits { entries: 10, ..LIMITS } }).as_deref(), Some(ten));
    }

    #[test]
    fn the_page_is_to_be_deleted_30_days_after_the_oldest_chart_on_it() {
        let by = |snapshot: &Snapshot| {
            let said = Page::of(snapshot, false, LIMITS).delete_by();
            said.strip_prefix("Delete this page, or make it again, by ").unwrap().trim_end_matches('.').to_owned()
        };
        let mut page = snapshot(vec![charted("US", entries(&["a"])), charted("GB", entries(&["a"]))]);
        page.made_at = at(48);
        assert_eq!(by(&page), "2026-12-01");
        page.regions[1].chart.as_mut().unwrap().fetched_at = at(-24);
        assert_eq!(by(&page), "2026-11-30");
        // The chart before is on the page too, by who left it.
        page.regions[0].previous = Some(Chart { fetched_at: at(-48), entries: entries(&["b"]) });
        assert_eq!(by(&page), "2026-11-29");
        page.made_at = at(30 * 24);
        assert_eq!(Page::of(&page, false, LIMITS).delete_by(), "Those 30 days are over: delete this page.");
        let mut nothing = snapshot(vec![past(vec![attempt("US", 0)])]);
        nothing.made_at = at(48);
        assert_eq!(by(&nothing), "2026-12-03");
    }

    #[test]
    fn ranks_of_a_week_ago_count_for_the_day_of_deletion() {
        let mut past = compared("US", (50, entries(&["a"])), (50, entries(&["a"])));
        past.attempts.insert(0, attempt("US", -6 * 24));
        past.video_ranks = [-6 * 24, 0, 1]
            .map(|number| crate::history::VideoRank { number, rank: 1, video_id: "a".to_owned() })
            .into();
        let page = snapshot(vec![past]);
        let page = Page::of(&page, false, LIMITS);
        // The plot and its table show the rank of this run.
        assert_eq!(page.sections[0].bump.as_ref().unwrap().columns[0].fetched_at, at(-6 * 24));
        assert_eq!(page.delete_by(), "Delete this page, or make it again, by 2026-11-25.");
    }

    #[test]
    fn a_page_without_lists_of_moves_says_so() {
        let before = entries(&["a", "b"]);
        let snapshot = snapshot(vec![compared("US", (50, before), (50, entries(&["b", "c"])))]);
        let with = Page::of(&snapshot, false, LIMITS);
        assert!(!with.sections[0].lists.is_empty());
        let page = Page::of(&snapshot, false, Limits { entries: 5, moves: 0, runs: 0 });
        assert!(page.sections[0].lists.is_empty());
        let said = "To stay small, this page shows no lists of who entered, left, rose and fell, no plots of ranks. \
                    A page of fewer regions (-r) shows more.";
        assert_eq!(page.left_out().as_deref(), Some(said));
    }
}
