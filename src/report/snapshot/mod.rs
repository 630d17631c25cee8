//! What the page is about, as plain data: out of a history, or out of one document.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};

use super::schedule::Habit;
use crate::history::changes::{self, RegionChanges};
use crate::history::{
    Attempt, Backend, ChartSeries, Fetch, HistoryEntry, HistoryError, Period, SeriesRuns, TERM, VideoRank,
};
use crate::model::category::ChartCategory;
use crate::model::region::Region;
use crate::model::{Document, Status};

/// How far the plots of ranks look back.
const RECENT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How many entries the plots of ranks have.
pub(super) const TOP: u32 = 10;

/// Everything that the page shows.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// When the page is made.
    pub made_at: Timestamp,
    /// Out of what.
    pub origin: Origin,
    /// Source and category of everything on it.
    pub series: ChartSeries,
    /// In the order asked for, else by code.
    pub regions: Vec<RegionPast>,
}

/// What the page is made from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// A history.
    History {
        /// The oldest and the newest run that were looked at.
        runs: RangeInclusive<Timestamp>,
        /// What else it holds.
        others: Vec<SeriesRuns>,
    },
    /// One run.
    Document {
        /// Which.
        run_id: String,
        /// Its start.
        fetched_at: Timestamp,
    },
}

/// What is known of a region.
#[derive(Debug, Clone)]
pub struct RegionPast {
    /// Which.
    pub region: Region,
    /// The runs that asked for it, oldest first; at least one.
    pub attempts: Vec<Attempt>,
    /// The newest chart that there is: whole out of a history; out of a document, what arrived.
    pub chart: Option<Chart>,
    /// The whole chart before it.
    pub previous: Option<Chart>,
    /// What happened between the two.
    pub changes: Option<RegionChanges>,
    /// The top of its recent whole charts, oldest first.
    pub video_ranks: Vec<VideoRank>,
}

/// A chart of a region.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Start of its run.
    pub fetched_at: Timestamp,
    /// By rank.
    pub entries: Vec<HistoryEntry>,
}

impl RegionPast {
    /// A region of which nothing but its runs is known yet.
    fn new(region: Region, attempts: Vec<Attempt>) -> RegionPast {
        RegionPast { region, attempts, chart: None, previous: None, changes: None, video_ranks: Vec::new() }
    }

    /// The newest run that asked for it.
    pub(super) fn latest(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// The attempts that the plot of ranks shows.
    pub(super) fn recent(&self) -> &[Attempt] {
        let since = self.latest().and_then(|newest| newest.fetched_at.checked_sub(RECENT).ok());
        let first = self.attempts.partition_point(|attempt| since.is_some_and(|since| attempt.fetched_at < since));
        &self.attempts[first..]
    }
}

impl Snapshot {
    /// Start of the newest run.
    pub(super) fn newest(&self) -> Timestamp {
        match &self.origin {
            Origin::History { runs, .. } => *runs.end(),
            Origin::Document { fetched_at, .. } => *fetched_at,
        }
    }

    /// The regions that are still fetched.
    pub(super) fn fetched(&self) -> impl Iterator<Item = &RegionPast> {
        self.regions.iter().filter(|past| !Habit::of(past).is_given_up(self.newest()))
    }

    /// The regions that are no longer fetched.
    pub(super) fn given_up(&self) -> impl Iterator<Item = &RegionPast> {
        self.regions.iter().filter(|past| Habit::of(past).is_given_up(self.newest()))
    }

    /// Whether there is any entry of any chart to show.
    pub fn is_empty(&self) -> bool {
        self.regions.iter().all(|region| region.chart.as_ref().is_none_or(|chart| chart.entries.is_empty()))
    }

    /// Out of a history: of the runs of a category where one is named, else of those like the newest run; of
    /// these regions where some are named. `None` where there is no such run.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub async fn of_history(
        backend: &mut dyn Backend,
        regions: Option<&[Region]>,
        category: Option<ChartCategory>,
        now: Timestamp,
    ) -> Result<Option<Snapshot>, HistoryError> {
        backend.begin_snapshot().await?;
        let mut others = backend.series(now).await?;
        let is_wanted = |known: &SeriesRuns| category.is_none_or(|category| known.series.category_id == category.id());
        let Some(index) = others.iter().position(is_wanted) else { return Ok(None) };
        let SeriesRuns { series, newest, .. } = others.remove(index);
        let since = newest.checked_sub(TERM).unwrap_or(Timestamp::MIN);

        let period = Period { series, since, until: newest };
        let attempts = backend.attempts(&period).await?;
        let series = period.series;
        let oldest = attempts.first().map_or(newest, |attempt| attempt.fetched_at);
        let mut by_region: HashMap<Region, Vec<Attempt>> = HashMap::new();
        for attempt in attempts {
            by_region.entry(attempt.region).or_default().push(attempt);
        }
        let mut codes: Vec<Region> = by_region.keys().copied().collect();
        codes.sort_unstable();
        let asked = regions.unwrap_or(&codes).iter();
        let mut found: Vec<RegionPast> =
            asked.filter_map(|region| Some(RegionPast::new(*region, by_region.remove(region)?))).collect();
        add_charts(backend, &mut found, &series).await?;
        add_video_ranks(backend, &mut found, &series).await?;
        let origin = Origin::History { runs: oldest..=newest, others };
        Ok(Some(Snapshot { made_at: now, origin, series, regions: found }))
    }

    /// Out of a document; of these regions where some are named.
    pub fn of_document(report: &Document, regions: Option<&[Region]>, now: Timestamp) -> Snapshot {
        let mut charts: HashMap<Region, Vec<HistoryEntry>> = HashMap::new();
        for merged in &report.videos {
            for (region, rank) in &merged.ranks {
                let video = &merged.video;
                charts.entry(*region).or_default().push(HistoryEntry {
                    rank: *rank,
                    video_id: video.id.to_string(),
                    title: video.title.to_string(),
                    channel: video.channel.to_string(),
                    // One run knows no earlier one; the page shows no such column.
                    first_seen_at: report.fetched_at,
                    category: video.category,
                    views: video.views,
                    thumbnail: video.thumbnail.as_ref().map(ToString::to_string),
                    language: video.declared_language.map(|language| language.code().to_owned()),
                });
            }
        }
        let past = |row: &crate::model::RegionStats| {
            let mut entries = charts.remove(&row.region).unwrap_or_default();
            entries.sort_unstable_by_key(|entry| entry.rank);
            let attempt = Attempt {
                run_id: report.run_id.clone(),
                number: 0,
                fetched_at: report.fetched_at,
                depth: report.request.max_results,
                region: row.region,
                status: row.status,
                videos: u32::try_from(row.videos).unwrap_or(u32::MAX),
                error: row.error.as_ref().map(|error| (error.kind.to_string(), error.message.clone())),
                is_pruned: false,
            };
            let chart = (row.status != Status::Failed).then_some(Chart { fetched_at: report.fetched_at, entries });
            RegionPast { chart, ..RegionPast::new(row.region, vec![attempt]) }
        };
        let mut found: Vec<RegionPast> = report.stats.regions.iter().map(past).collect();
        if let Some(asked) = regions {
            let entry = |past: &RegionPast| asked.iter().position(|region| *region == past.region);
            found.retain(|past| entry(past).is_some());
            found.sort_by_key(entry);
        }
        Snapshot {
            made_at: now,
            origin: Origin::Document { run_id: report.run_id.clone(), fetched_at: report.fetched_at },
            series: ChartSeries { source: report.source.clone(), category_id: report.request.category_id },
            regions: found,
        }
    }
}

/// Reads the last two whole charts of each region.
async fn add_charts(
    backend: &mut dyn Backend,
    regions: &mut [RegionPast],
    series: &ChartSeries,
) -> Result<(), HistoryError> {
    let last_two = |past: &RegionPast| -> Vec<Fetch> {
        past.attempts
            .iter()
            .rev()
            .filter(|attempt| attempt.is_whole())
            .take(2)
            .map(|each| fetch(each, series))
            .collect()
    };
    let fetches: Vec<Vec<Fetch>> = regions.iter().map(last_two).collect();
    let mut charts = backend.charts(&fetches.concat()).await?.into_iter();
    for (past, fetches) in regions.iter_mut().zip(fetches) {
        let mut fetches = fetches.into_iter().zip(charts.by_ref());
        let Some((to, entries)) = fetches.next() else { continue };
        if let Some((from, before)) = fetches.next() {
            past.changes = Some(changes::compare((&from, &before), (&to, &entries)));
            past.previous = Some(Chart { fetched_at: from.fetched_at, entries: before });
        }
        past.chart = Some(Chart { fetched_at: to.fetched_at, entries });
    }
    Ok(())
}

/// Reads the top of each region's recent charts, where there are several.
async fn add_video_ranks(
    backend: &mut dyn Backend,
    regions: &mut [RegionPast],
    series: &ChartSeries,
) -> Result<(), HistoryError> {
    let recent = |past: &RegionPast| -> Vec<Fetch> {
        let whole = past.recent().iter().filter(|attempt| attempt.is_whole());
        let fetches: Vec<Fetch> = whole.map(|attempt| fetch(attempt, series)).collect();
        if fetches.len() < 2 { Vec::new() } else { fetches }
    };
    let fetches: Vec<Vec<Fetch>> = regions.iter().map(recent).collect();
    let mut video_ranks = backend.video_ranks(&fetches.concat(), TOP).await?.into_iter();
    for (past, fetches) in regions.iter_mut().zip(fetches) {
        past.video_ranks = video_ranks.by_ref().take(fetches.len()).flatten().collect();
    }
    Ok(())
}

/// The chart of an attempt that brought one.
fn fetch(attempt: &Attempt, series: &ChartSeries) -> Fetch {
    Fetch {
        region: attempt.region,
        run_id: attempt.run_id.clone(),
        number: attempt.number,
        fetched_at: attempt.fetched_at,
        series: series.clone(),
        depth: attempt.depth,
    }
}

#[cfg(test)]
mod tests;
