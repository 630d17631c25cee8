//! What the page is about, as plain data: out of a history, or out of one document.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};

use super::schedule::Habit;
use crate::model::category::ChartCategory;
use crate::model::{Report, Status};
use crate::model::region::Region;
use crate::history::changes::{self, RegionChanges};
use crate::history::{Attempt, Engine, Fetch, Period, Place, Scope, ScopeRuns, Standing, StoreError, TERM};

/// How far the plots of ranks look back.
const RECENT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How many places the plots of ranks have.
pub(super) const TOP: u32 = 10;

/// Everything that the page shows.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// When the page is made.
    pub made_at: Timestamp,
    /// Out of what.
    pub origin: Origin,
    /// Source and category of everything on it.
    pub scope: Scope,
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
        others: Vec<ScopeRuns>,
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
    pub standings: Vec<Standing>,
}

/// A chart of a region.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Start of its run.
    pub fetched_at: Timestamp,
    /// By rank.
    pub places: Vec<Place>,
}

impl RegionPast {
    /// A region of which nothing but its runs is known yet.
    fn new(region: Region, attempts: Vec<Attempt>) -> RegionPast {
        RegionPast { region, attempts, chart: None, previous: None, changes: None, standings: Vec::new() }
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

    /// Whether there is any place of any chart to show.
    pub fn is_empty(&self) -> bool {
        self.regions.iter().all(|region| region.chart.as_ref().is_none_or(|chart| chart.places.is_empty()))
    }

    /// Out of a history: of the runs of a category where one is named, else of those like the newest run; of
    /// these regions where some are named. `None` where there is no such run.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub async fn of_history(
        engine: &mut dyn Engine,
        regions: Option<&[Region]>,
        category: Option<ChartCategory>,
        now: Timestamp,
    ) -> Result<Option<Snapshot>, StoreError> {
        engine.freeze().await?;
        let mut others = engine.scopes(now).await?;
        let is_wanted = |known: &ScopeRuns| category.is_none_or(|category| known.scope.category_id == category.id());
        let Some(index) = others.iter().position(is_wanted) else { return Ok(None) };
        let ScopeRuns { scope, newest, .. } = others.remove(index);
        let since = newest.checked_sub(TERM).unwrap_or(Timestamp::MIN);

        let period = Period { scope, since, until: newest };
        let attempts = engine.attempts(&period).await?;
        let scope = period.scope;
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
        add_charts(engine, &mut found, &scope).await?;
        add_standings(engine, &mut found, &scope).await?;
        let origin = Origin::History { runs: oldest..=newest, others };
        Ok(Some(Snapshot { made_at: now, origin, scope, regions: found }))
    }

    /// Out of a document; of these regions where some are named.
    pub fn of_document(report: &Report, regions: Option<&[Region]>, now: Timestamp) -> Snapshot {
        let mut charts: HashMap<Region, Vec<Place>> = HashMap::new();
        for merged in &report.videos {
            for (region, rank) in &merged.places {
                let video = &merged.video;
                charts.entry(*region).or_default().push(Place {
                    rank: *rank,
                    video_id: video.id.to_string(),
                    title: video.title.to_string(),
                    channel: video.channel.to_string(),
                    // One run knows no earlier one; the page shows no such column.
                    first_seen_at: report.fetched_at,
                    category: video.category,
                    views: video.counts.views,
                    thumbnail: video.thumbnail.as_ref().map(ToString::to_string),
                    language: video.declared_language.map(|language| language.code().to_owned()),
                });
            }
        }
        let past = |row: &crate::model::RegionStats| {
            let mut places = charts.remove(&row.region).unwrap_or_default();
            places.sort_unstable_by_key(|place| place.rank);
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
            let chart = (row.status != Status::Failed).then_some(Chart { fetched_at: report.fetched_at, places });
            RegionPast { chart, ..RegionPast::new(row.region, vec![attempt]) }
        };
        let mut found: Vec<RegionPast> = report.stats.regions.iter().map(past).collect();
        if let Some(asked) = regions {
            let place = |past: &RegionPast| asked.iter().position(|region| *region == past.region);
            found.retain(|past| place(past).is_some());
            found.sort_by_key(place);
        }
        Snapshot {
            made_at: now,
            origin: Origin::Document { run_id: report.run_id.clone(), fetched_at: report.fetched_at },
            scope: Scope { source: report.source.clone(), category_id: report.request.category_id },
            regions: found,
        }
    }
}

/// Reads the last two whole charts of each region.
async fn add_charts(engine: &mut dyn Engine, regions: &mut [RegionPast], scope: &Scope) -> Result<(), StoreError> {
    let last_two = |past: &RegionPast| -> Vec<Fetch> {
        past.attempts.iter().rev().filter(|attempt| attempt.is_whole()).take(2).map(|each| fetch(each, scope)).collect()
    };
    let fetches: Vec<Vec<Fetch>> = regions.iter().map(last_two).collect();
    let mut charts = engine.charts(&fetches.concat()).await?.into_iter();
    for (past, fetches) in regions.iter_mut().zip(fetches) {
        let mut fetches = fetches.into_iter().zip(charts.by_ref());
        let Some((to, places)) = fetches.next() else { continue };
        if let Some((from, before)) = fetches.next() {
            past.changes = Some(changes::compare((&from, &before), (&to, &places)));
            past.previous = Some(Chart { fetched_at: from.fetched_at, places: before });
        }
        past.chart = Some(Chart { fetched_at: to.fetched_at, places });
    }
    Ok(())
}

/// Reads the top of each region's recent charts, where there are several.
async fn add_standings(engine: &mut dyn Engine, regions: &mut [RegionPast], scope: &Scope) -> Result<(), StoreError> {
    let recent = |past: &RegionPast| -> Vec<Fetch> {
        let whole = past.recent().iter().filter(|attempt| attempt.is_whole());
        let fetches: Vec<Fetch> = whole.map(|attempt| fetch(attempt, scope)).collect();
        if fetches.len() < 2 { Vec::new() } else { fetches }
    };
    let fetches: Vec<Vec<Fetch>> = regions.iter().map(recent).collect();
    let mut standings = engine.standings(&fetches.concat(), TOP).await?.into_iter();
    for (past, fetches) in regions.iter_mut().zip(fetches) {
        past.standings = standings.by_ref().take(fetches.len()).flatten().collect();
    }
    Ok(())
}

/// The chart of an attempt that brought one.
fn fetch(attempt: &Attempt, scope: &Scope) -> Fetch {
    Fetch {
        region: attempt.region,
        run_id: attempt.run_id.clone(),
        number: attempt.number,
        fetched_at: attempt.fetched_at,
        scope: scope.clone(),
        depth: attempt.depth,
    }
}

#[cfg(test)]
mod tests;
