//! The names of categories and regions that a history holds: all that this program knows, and a substitute for every other
//! one that a run has used, so that each key in the tables refers to a row. Pure.

use std::collections::BTreeSet;

use crate::model::Document;
use crate::model::category::Category;
use crate::model::language::search_config;
use crate::model::region::Region;

/// In the order of their keys.
pub(super) struct Names {
    pub(super) categories: Vec<Category>,
    pub(super) regions: Vec<Region>,
}

impl Names {
    /// Those that this program knows.
    pub(super) fn known() -> Names {
        Names::with([], [])
    }

    /// Those that this program knows, and those that the document uses.
    pub(super) fn of(document: &Document) -> Names {
        let charts = document.request.category_id.map(Category::new);
        let videos = document.videos.iter().filter_map(|merged| merged.video.category);
        Names::with(charts.into_iter().chain(videos), document.request.regions.iter().copied())
    }

    fn with(categories: impl IntoIterator<Item = Category>, regions: impl IntoIterator<Item = Region>) -> Names {
        let categories: BTreeSet<Category> = Category::all().chain(categories).collect();
        let regions: BTreeSet<Region> = Region::all().chain(regions).collect();
        Names { categories: categories.into_iter().collect(), regions: regions.into_iter().collect() }
    }
}

/// The configuration for the usual language of a region.
pub(super) fn region_search_config(region: &Region) -> &'static str {
    search_config(region.language())
}
