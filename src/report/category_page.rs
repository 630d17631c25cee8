//! The charts of one category: the data of `category.html`. Pure.

use std::collections::HashSet;

use super::alerts::{Alert, absent_charts, alerts, no_longer_fetched};
use super::anomalies::{Anomaly, anomalies};
use super::categories::CategoryChart;
use super::limits::Limits;
use super::newcomers::Newcomers;
use super::overlap::RegionOverlap;
use super::region_section::RegionSection;
use super::snapshot::Snapshot;
use crate::model::category::ChartCategory;
use crate::support::human::group_digits;

const MAX_ANOMALIES: usize = 40;

/// A page with more regions shows each of them folded, and only the whole of their categories.
const MAX_OPEN_REGIONS: usize = 6;

pub(super) struct CategoryPage<'a> {
    pub snapshot: &'a Snapshot,
    pub alerts: Vec<Alert>,
    pub urgent: Vec<Anomaly>,
    /// Regions without a chart of this category, and regions that are no longer fetched.
    pub notes: Vec<String>,
    /// Whether any region has an earlier chart to compare with.
    pub has_changes: bool,
    pub sections: Vec<RegionSection<'a>>,
    pub anomalies: Vec<Anomaly>,
    pub more_anomalies: usize,
    pub newcomers: Newcomers<'a>,
    pub overlap: RegionOverlap<'a>,
    pub categories: CategoryChart,
}

impl<'a> CategoryPage<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, limits: Limits) -> CategoryPage<'a> {
        let (urgent, mut anomalies): (Vec<Anomaly>, Vec<Anomaly>) =
            anomalies(snapshot).into_iter().partition(Anomaly::is_urgent);
        let more_anomalies = anomalies.len().saturating_sub(MAX_ANOMALIES);
        anomalies.truncate(MAX_ANOMALIES);
        CategoryPage {
            snapshot,
            alerts: alerts(snapshot),
            urgent,
            notes: absent_charts(snapshot).into_iter().chain(no_longer_fetched(snapshot)).collect(),
            has_changes: snapshot.regions.iter().any(|history| history.changes.is_some()),
            sections: snapshot.regions.iter().map(|history| RegionSection::new(history, limits)).collect(),
            anomalies,
            more_anomalies,
            newcomers: Newcomers::new(snapshot),
            overlap: RegionOverlap::new(snapshot),
            categories: CategoryChart::new(snapshot),
        }
    }

    fn category(&self) -> ChartCategory {
        ChartCategory::from_id(self.snapshot.series.category_id)
    }

    pub(super) fn name(&self) -> String {
        self.category().category().map_or_else(|| "All categories".to_owned(), |category| category.to_string())
    }

    /// Its address within the page.
    pub(super) fn slug(&self) -> String {
        self.category().slug()
    }

    pub(super) fn problem_count(&self) -> usize {
        self.alerts.len() + self.urgent.len()
    }

    /// The numbers that a reader sees first, each with its name.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let Newcomers { new_videos, returned_videos, left_videos, .. } = self.newcomers;
        let mut facts = Vec::new();
        if !self.has_one_region() {
            facts.push(("Regions", self.sections.len()));
        }
        facts.push(("Videos", self.video_count()));
        if self.has_changes {
            let changes = [("New videos", new_videos), ("Returned", returned_videos), ("Left a chart", left_videos)];
            facts.extend(changes);
        }
        facts.into_iter().map(|(name, number)| (name, group_digits(number as u64))).collect()
    }

    /// How many different videos the newest charts have.
    fn video_count(&self) -> usize {
        let charts = self.snapshot.regions.iter().filter_map(|history| history.chart.as_ref());
        let ids: HashSet<&str> = charts.flat_map(|chart| &chart.entries).map(|entry| &*entry.video_id).collect();
        ids.len()
    }

    /// Whether the charts have videos of several categories.
    pub(super) fn has_categories(&self) -> bool {
        self.categories.legend.len() > 1
    }

    /// Then it comes first, and what compares regions is left out.
    pub(super) fn has_one_region(&self) -> bool {
        self.sections.len() == 1
    }

    /// Whether regions are unfolded at first. Then their charts are folded instead.
    pub(super) fn has_open_regions(&self) -> bool {
        self.sections.len() <= MAX_OPEN_REGIONS
    }

    /// Whether the charts inside of the regions are unfolded at first.
    pub(super) fn has_open_charts(&self) -> bool {
        self.has_one_region() || !self.has_open_regions()
    }
}
