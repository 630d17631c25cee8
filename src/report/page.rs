//! The page: what each part of it shows, and the templates that say so. All text goes through the
//! templates' escaping but for the constants of this folder.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;

use askama::Template;
use jiff::{SignedDuration, Timestamp};

use super::bump::Bump;
use super::categories::{self, Categories};
use super::gaps::{Gap, gaps};
use super::sharing::{HeatMap, Widespread, sharing};
use super::snapshot::{Origin, RegionPast, Snapshot};
use super::when;
use crate::category::Category;
use crate::figures::{grouped, span};
use crate::model::Status;
use crate::region::Region;
use crate::store::Place;
use crate::store::changes::Move;

/// A chart that is older is told before anything else.
const STALE: SignedDuration = SignedDuration::from_hours(24);

/// The most gaps that are told.
const MOST_GAPS: usize = 40;

/// Pictures come from here and from nowhere else; the page's policy says the same.
const PICTURES: &str = "https://i.ytimg.com/";

/// How much of it the page shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Places of each chart.
    pub places: usize,
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
    troubles: Vec<Trouble<'a>>,
    has_past: bool,
    sections: Vec<Section<'a>>,
    gaps: Vec<Gap>,
    more_gaps: usize,
    widespread: Vec<Widespread<'a>>,
    heat: HeatMap,
    categories: Categories,
    limits: Limits,
}

/// Regions that failed alike, or that are out of date.
struct Trouble<'a> {
    what: String,
    regions: String,
    why: Option<&'a str>,
}

/// A region.
struct Section<'a> {
    past: &'a RegionPast,
    bump: Option<Bump<'a>>,
    lists: Vec<Moves<'a>>,
    rows: Vec<Row<'a>>,
}

/// One of: entered, left, rose, fell.
struct Moves<'a> {
    name: &'static str,
    total: usize,
    moves: Vec<&'a Move>,
}

/// A place of a chart.
struct Row<'a> {
    place: &'a Place,
    moved: Moved,
    /// In the chart.
    minutes: i64,
}

/// Since the chart before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moved {
    New,
    By(i64),
    /// Below the depth that both charts have.
    Unknown,
}

impl<'a> Page<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, thumbnails: bool, limits: Limits) -> Page<'a> {
        let (heat, widespread) = sharing(snapshot);
        let mut gaps = gaps(snapshot);
        let more_gaps = gaps.len().saturating_sub(MOST_GAPS);
        gaps.truncate(MOST_GAPS);
        Page {
            snapshot,
            thumbnails,
            troubles: troubles(snapshot),
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
        self.snapshot.scope.source == "youtube"
    }

    fn heading(&self) -> String {
        let category = self.snapshot.scope.category_id.map(|id| categories::name(Some(Category::new(id))));
        match category {
            None => "YouTube’s most popular videos".to_owned(),
            Some(category) => format!("YouTube’s most popular videos: {category}"),
        }
    }

    /// Start of the newest run.
    fn newest(&self) -> String {
        when(match &self.snapshot.origin {
            Origin::History { runs, .. } => runs.end(),
            Origin::Document { fetched_at, .. } => fetched_at,
        })
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
                    let other = |runs: &crate::store::ScopeRuns| {
                        let category = runs.scope.category_id.map(|id| categories::name(Some(Category::new(id))));
                        let count = if runs.runs == 1 { "one run".into() } else { format!("{} runs", runs.runs) };
                        match category {
                            None => format!("{count} of {}", source_name(&runs.scope.source)),
                            Some(category) => format!("{count} of {}, {category}", source_name(&runs.scope.source)),
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
        let Limits { places, moves, runs } = self.limits;
        let charts = self.snapshot.regions.iter().filter_map(|past| past.chart.as_ref());
        let longest = charts.map(|chart| chart.places.len()).max().unwrap_or(0);
        let mut missing = Vec::new();
        if longest > places {
            missing.push(format!("only the first {places} of up to {longest} places of each chart"));
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
        match self.snapshot.scope.source.as_str() {
            "youtube" => "Source of all charts: YouTube, by the YouTube Data API.".to_owned(),
            "demo" => {
                "Source of all charts: the demo of trendfetch. It is invented, and none of YouTube’s data.".to_owned()
            }
            other => format!("Source of all charts: {}.", source_name(other)),
        }
    }

    /// 30 days after the oldest data on the page.
    fn delete_by(&self) -> String {
        let regions = &self.snapshot.regions;
        let charts = regions.iter().flat_map(|past| [&past.chart, &past.previous]).flatten();
        let plots = regions.iter().filter(|past| !past.standings.is_empty()).flat_map(|past| past.recent().first());
        let times = charts.map(|chart| chart.fetched_at).chain(plots.map(|attempt| attempt.fetched_at));
        let oldest = times.min().unwrap_or(self.snapshot.made_at);
        let last = oldest.checked_add(SignedDuration::from_hours(30 * 24)).unwrap_or(oldest);
        last.strftime("%Y-%m-%d").to_string()
    }
}

fn source_name(source: &str) -> String {
    match source {
        "youtube" => "YouTube".to_owned(),
        "demo" => "the demo".to_owned(),
        host => format!("the server {host}"),
    }
}

/// Regions that failed last time, those of one reason together; then those whose chart is old.
fn troubles(snapshot: &Snapshot) -> Vec<Trouble<'_>> {
    let mut groups: Vec<(Status, &str, &str, Vec<Region>)> = Vec::new();
    let mut stale: Vec<(Region, Timestamp)> = Vec::new();
    for past in &snapshot.regions {
        let Some(latest) = past.latest() else { continue };
        if latest.status != Status::Ok {
            let (kind, message) =
                latest.error.as_ref().map_or(("unknown", ""), |(kind, message)| (kind.as_str(), message.as_str()));
            match groups.iter_mut().find(|group| (group.0, group.1) == (latest.status, kind)) {
                Some(group) => group.3.push(past.region),
                None => groups.push((latest.status, kind, message, vec![past.region])),
            }
        }
        match &past.chart {
            Some(chart) if snapshot.made_at.duration_since(chart.fetched_at) > STALE => {
                stale.push((past.region, chart.fetched_at));
            }
            _ => {}
        }
    }
    let mut troubles: Vec<Trouble<'_>> = groups
        .into_iter()
        .map(|(status, kind, message, regions)| {
            let what = match status {
                Status::Partial => format!("Incomplete last time ({kind}):"),
                _ => format!("Failed last time ({kind}):"),
            };
            Trouble { what, regions: codes(&regions), why: (!message.is_empty()).then_some(message) }
        })
        .collect();
    let missing: Vec<Region> =
        snapshot.regions.iter().filter(|past| past.chart.is_none()).map(|past| past.region).collect();
    if !missing.is_empty() {
        troubles.push(Trouble { what: "No chart at all:".to_owned(), regions: codes(&missing), why: None });
    }
    if !stale.is_empty() {
        let is_all = stale.len() == snapshot.regions.len();
        let newest = stale.iter().map(|(_, at)| *at).max().unwrap_or_default();
        let oldest = stale.iter().map(|(_, at)| *at).min().unwrap_or_default();
        let regions: Vec<Region> = stale.iter().map(|(region, _)| *region).collect();
        let dates = if newest == oldest { when(&newest) } else { format!("{} to {}", when(&oldest), when(&newest)) };
        troubles.push(Trouble {
            what: if is_all { "Every chart is older than a day:" } else { "Charts older than a day:" }.to_owned(),
            regions: if is_all { dates } else { format!("{} ({dates})", codes(&regions)) },
            why: None,
        });
    }
    troubles
}

fn codes(regions: &[Region]) -> String {
    regions.iter().map(Region::code).collect::<Vec<_>>().join(", ")
}

impl<'a> Section<'a> {
    fn of(past: &'a RegionPast, limits: Limits) -> Section<'a> {
        let moves = moves(past);
        let rows = past.chart.iter().flat_map(|chart| {
            chart.places.iter().take(limits.places).map(|place| {
                let is_compared = past.changes.as_ref().is_some_and(|changes| place.rank <= changes.depth);
                let stayed = if is_compared { Moved::By(0) } else { Moved::Unknown };
                let moved = moves.get(&*place.video_id).copied().unwrap_or(stayed);
                let minutes = chart.fetched_at.duration_since(place.first_seen_at).as_secs() / 60;
                Row { place, moved, minutes: minutes.max(0) }
            })
        });
        Section { past, bump: Bump::of(past, limits.runs), lists: lists(past, limits.moves), rows: rows.collect() }
    }

    fn code(&self) -> &str {
        self.past.region.code()
    }

    fn name(&self) -> String {
        match self.past.region.known() {
            Some(_) => format!("{} ({})", self.past.region.name(), self.code()),
            None => self.code().to_owned(),
        }
    }

    fn has_past(&self) -> bool {
        self.past.changes.is_some()
    }

    fn last_answer(&self) -> String {
        let Some(latest) = self.past.latest() else { return "never asked for".to_owned() };
        let kind = latest.error.as_ref().map_or("", |(kind, _)| kind);
        match (latest.status, latest.videos) {
            (Status::Ok, 0) => "ok, but the chart is empty".to_owned(),
            (Status::Ok, _) => "ok".to_owned(),
            (Status::Partial, _) => format!("partial: {kind}"),
            (Status::Failed, _) => format!("failed: {kind}"),
        }
    }

    fn summary(&self) -> String {
        let Some(chart) = &self.past.chart else { return format!("No whole chart yet; {}.", self.last_answer()) };
        let count = chart.places.len();
        let mut text = format!("{count} {}, {}", if count == 1 { "place" } else { "places" }, when(&chart.fetched_at));
        if let Some(changes) = &self.past.changes {
            let since = changes.from.fetched_at;
            let depth = if (changes.depth as usize) < chart.places.len() {
                format!(" (down to place {})", changes.depth)
            } else {
                String::new()
            };
            text.push_str(&format!(
                ". Since {}{depth}: {} entered, {} left, {} rose, {} fell",
                when(&since),
                changes.entered.len(),
                changes.left.len(),
                changes.rose.len(),
                changes.fell.len()
            ));
        }
        match self.past.latest() {
            Some(latest) if latest.status != Status::Ok => {
                text.push_str(&format!(
                    ". The last run of {} was no whole one: {}",
                    when(&latest.fetched_at),
                    self.last_answer()
                ));
            }
            _ => {}
        }
        text + "."
    }

    fn caption(&self) -> String {
        let all = self.past.chart.as_ref().map_or(0, |chart| chart.places.len());
        if self.rows.len() < all {
            format!("The first {} of {all} places; the page has no room for more.", self.rows.len())
        } else {
            format!("The chart of {}", self.name())
        }
    }
}

/// The videos that entered, rose or fell.
fn moves(past: &RegionPast) -> HashMap<&str, Moved> {
    let Some(changes) = &past.changes else { return HashMap::new() };
    let all = changes.entered.iter().chain(&changes.rose).chain(&changes.fell);
    let moved = |each: &Move| match each.previous_rank.zip(each.rank) {
        None => Moved::New,
        Some((previous, rank)) => Moved::By(i64::from(previous) - i64::from(rank)),
    };
    all.map(|each| (&*each.video_id, moved(each))).collect()
}

/// Entered and left by rank, the others by how far.
fn lists(past: &RegionPast, most: usize) -> Vec<Moves<'_>> {
    let Some(changes) = past.changes.as_ref().filter(|_| most > 0) else { return Vec::new() };
    let all =
        [("Entered", &changes.entered), ("Left", &changes.left), ("Rose", &changes.rose), ("Fell", &changes.fell)];
    all.into_iter()
        .filter(|(_, moves)| !moves.is_empty())
        .map(|(name, moves)| {
            let mut shown: Vec<&Move> = moves.iter().collect();
            // Who entered or left has one rank only, and comes by that.
            shown.sort_by_key(|each| Reverse(distance(each)));
            shown.truncate(most);
            Moves { name, total: moves.len(), moves: shown }
        })
        .collect()
}

fn distance(each: &Move) -> u32 {
    each.rank.zip(each.previous_rank).map_or(0, |(rank, previous)| rank.abs_diff(previous))
}

impl Row<'_> {
    fn category(&self) -> String {
        self.place.category.map_or_else(|| "–".to_owned(), |category| categories::name(Some(category)))
    }

    fn views(&self) -> String {
        self.place.views.map_or_else(|| "–".to_owned(), grouped)
    }

    fn in_chart(&self) -> String {
        if self.minutes == 0 { "new".to_owned() } else { span(self.minutes * 60) }
    }

    /// Only from the host that the page's policy allows.
    fn picture(&self) -> Option<&str> {
        self.place.thumbnail.as_deref().filter(|address| address.starts_with(PICTURES))
    }
}

impl Moved {
    fn class(self) -> &'static str {
        match self {
            Moved::New => "new",
            Moved::By(1..) => "up",
            Moved::By(..0) => "down",
            Moved::By(0) | Moved::Unknown => "",
        }
    }
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moved::New => f.write_str("new"),
            Moved::By(0) => f.write_str("0"),
            Moved::By(by @ 1..) => write!(f, "+{by}"),
            // U+2212: a minus that is as wide as the plus.
            Moved::By(by) => write!(f, "\u{2212}{}", by.unsigned_abs()),
            Moved::Unknown => f.write_str("–"),
        }
    }
}

#[cfg(test)]
mod tests;
