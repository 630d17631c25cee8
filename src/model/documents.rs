//! The runs of one invocation, which began together: one per category.

use std::sync::Arc;

use super::category::{Category, ChartCategory};
use super::{ChartId, Document, RegionStats, RunStatus};

/// The documents of runs that began together, in the order of the request.
#[derive(Debug, Clone)]
pub struct Documents {
    list: Vec<Arc<Document>>,
    /// How many categories were requested. Some may not have been due, or another run may hold their lock.
    requested: usize,
    is_busy: bool,
}

impl Documents {
    /// `is_busy` says whether another run holds the lock of a requested category.
    pub fn new(list: Vec<Arc<Document>>, requested: usize, is_busy: bool) -> Documents {
        Documents { list, requested, is_busy }
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Document>> + Clone {
        self.list.iter()
    }

    pub fn as_slice(&self) -> &[Arc<Document>] {
        &self.list
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether several categories were requested, so that each needs its name.
    pub fn are_several(&self) -> bool {
        self.requested > 1
    }

    /// Whether every requested category was fetched now.
    pub fn are_all(&self) -> bool {
        self.list.len() == self.requested
    }

    /// Whether another run holds the lock of a requested category.
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Those of a category, or all.
    pub fn of(&self, category: Option<ChartCategory>) -> Documents {
        let is_wanted =
            |document: &&Arc<Document>| category.is_none_or(|category| category.id() == document.request.category_id);
        Documents { list: self.list.iter().filter(is_wanted).cloned().collect(), ..*self }
    }

    /// The name of a document's category: if a single one was requested, or if there are several.
    pub fn category_of(&self, document: &Document) -> Option<String> {
        let is_named = self.are_several() || document.request.category_id.is_some();
        is_named.then(|| document.request.category_name())
    }

    /// Each run on its own.
    pub fn each(&self) -> impl Iterator<Item = Documents> {
        self.list.iter().map(|document| Documents { list: vec![Arc::clone(document)], is_busy: false, ..*self })
    }

    /// How many videos all of them have; a video counts once for each category.
    pub fn video_count(&self) -> usize {
        self.list.iter().map(|document| document.videos.len()).sum()
    }

    /// How the runs ended, as one.
    pub fn status(&self) -> RunStatus {
        RunStatus::of_rows(self.expected_charts().map(|(_, row)| row), self.video_count() > 0)
    }

    /// The charts whose absence is a failure. Among several categories, a chart that YouTube does not have is none: not
    /// every category has a chart in every region, and no list says which.
    pub fn expected_charts(&self) -> impl Iterator<Item = (ChartId, &RegionStats)> + Clone {
        self.charts().filter(|(chart, row)| !self.is_absent(chart, row))
    }

    /// The charts of categories that YouTube does not have, if several categories were requested.
    pub fn absent_charts(&self) -> impl Iterator<Item = ChartId> {
        self.charts().filter(|(chart, row)| self.is_absent(chart, row)).map(|(chart, _)| chart)
    }

    fn is_absent(&self, chart: &ChartId, row: &RegionStats) -> bool {
        self.are_several() && chart.category.is_some() && row.has_no_chart()
    }

    /// All charts that were requested now.
    pub fn charts(&self) -> impl Iterator<Item = (ChartId, &RegionStats)> + Clone {
        self.list.iter().flat_map(|document| {
            let category = document.request.category_id.map(Category::new);
            document.stats.regions.iter().map(move |row| (ChartId { region: row.region, category }, row))
        })
    }
}
