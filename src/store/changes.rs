//! What changed in a region's chart between two fetches of it. Pure, but for [`of`] and [`trail`], which read them.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{Engine, Period, Scope, StoreError};
use crate::category::Category;
use crate::region::Region;

/// The version of the shape of `changes -f json`.
pub const SCHEMA_VERSION: u32 = 1;

/// A whole chart of a region that the history holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// The run.
    pub run_id: String,
    /// Its short name within the history.
    pub number: i64,
    /// Its start.
    pub fetched_at: Timestamp,
    /// Its source and category.
    pub scope: Scope,
    /// Places asked for.
    pub depth: u32,
}

/// A place of a chart, with what the history knows of its video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// 1 is the top.
    pub rank: u32,
    /// Which video.
    pub video_id: String,
    /// As last seen; empty where missing.
    pub title: String,
    /// As last seen; empty where missing.
    pub channel: String,
    /// When it was first seen in this chart, by any run of its source and category.
    pub first_seen_at: Timestamp,
    /// As last seen.
    pub category: Option<Category>,
    /// In this run.
    pub views: Option<u64>,
    /// As last seen.
    pub thumbnail: Option<String>,
    /// As last seen: the language that the owner declared.
    pub language: Option<String>,
}

/// `changes`: what `-f json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Regions with two comparable charts, in the order asked for.
    pub regions: Vec<RegionChanges>,
}

/// One region, between its last two whole charts of equal source and category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegionChanges {
    /// Which.
    pub region: Region,
    /// The earlier fetch.
    pub from: FetchRef,
    /// The later one.
    pub to: FetchRef,
    /// Now in the chart, by rank.
    pub entered: Vec<Move>,
    /// No longer in it, by the rank they had.
    pub left: Vec<Move>,
    /// Higher than before, by rank.
    pub rose: Vec<Move>,
    /// Lower than before, by rank.
    pub fell: Vec<Move>,
    /// Down to which rank the two were compared.
    #[serde(skip)]
    pub depth: u32,
    /// Of both.
    #[serde(skip)]
    pub scope: Scope,
    /// The ranks in this and the whole charts before it, oldest first, where [`trail`] has looked them up.
    #[serde(skip)]
    pub trail: Vec<HashMap<String, u32>>,
}

/// Which fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FetchRef {
    /// The run.
    pub run_id: String,
    /// Its start.
    pub fetched_at: Timestamp,
}

/// A video that moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// Which.
    pub video_id: String,
    /// As last seen.
    pub title: String,
    /// As last seen.
    pub channel: String,
    /// Now; `None` where it left.
    pub rank: Option<u32>,
    /// Before; `None` where it entered.
    pub previous_rank: Option<u32>,
    /// When it was first seen in this chart.
    pub first_seen_at: Timestamp,
}

/// What changed over all regions of a run, for its stats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// Places that went to a video which was not in that chart before.
    pub entered: usize,
    /// Places that a video lost.
    pub left: usize,
    /// Regions that could be compared.
    pub regions: usize,
    /// The earliest and the latest fetch that they were compared with.
    pub fetched_at: (Timestamp, Timestamp),
}

impl Since {
    /// Of one region.
    pub(super) fn of(changes: &RegionChanges) -> Since {
        let at = changes.from.fetched_at;
        Since { entered: changes.entered.len(), left: changes.left.len(), regions: 1, fetched_at: (at, at) }
    }

    /// Of more regions.
    pub(super) fn and(self, other: Since) -> Since {
        let ((first, last), (other_first, other_last)) = (self.fetched_at, other.fetched_at);
        Since {
            entered: self.entered + other.entered,
            left: self.left + other.left,
            regions: self.regions + other.regions,
            fetched_at: (first.min(other_first), last.max(other_last)),
        }
    }
}

/// The changes of a region between the last two charts of runs that began at `until` or before, of one
/// category where that is named; `None` while there are no two that can be compared.
///
/// # Errors
/// When the history cannot be read.
pub async fn of(
    engine: &mut dyn Engine,
    region: Region,
    category: Option<Category>,
    until: Timestamp,
) -> Result<Option<RegionChanges>, StoreError> {
    let mut fetches = engine.fetches(region, until).await?;
    if let Some(category) = category {
        fetches.retain(|fetch| fetch.scope.category_id == Some(category.id()));
    }
    let Some((from, to)) = last_pair(&fetches) else { return Ok(None) };
    let depth = from.depth.min(to.depth);
    let before = engine.chart(from, region, depth).await?;
    let now = engine.chart(to, region, depth).await?;
    Ok(Some(compare(region, (from, &before), (to, &now))))
}

/// The ranks of all videos in a region's last whole charts, at most `columns` of them, oldest first.
///
/// # Errors
/// When the history cannot be read.
pub async fn trail(
    engine: &mut dyn Engine,
    changes: &RegionChanges,
    columns: usize,
) -> Result<Vec<HashMap<String, u32>>, StoreError> {
    let (region, until) = (changes.region, changes.to.fetched_at);
    let mut fetches = engine.fetches(region, until).await?;
    fetches.retain(|fetch| fetch.scope == changes.scope);
    fetches.truncate(columns);
    let Some(oldest) = fetches.last() else { return Ok(Vec::new()) };
    let period = Period { scope: changes.scope.clone(), since: oldest.fetched_at, until };
    let standings = engine.standings(&period, region, changes.depth).await?;
    let mut charts: HashMap<i64, HashMap<String, u32>> = HashMap::new();
    for standing in standings {
        charts.entry(standing.number).or_default().insert(standing.video_id, standing.rank);
    }
    Ok(fetches.iter().rev().map(|fetch| charts.remove(&fetch.number).unwrap_or_default()).collect())
}

/// The latest two of equal source and category, of fetches that come newest first.
fn last_pair(fetches: &[Fetch]) -> Option<(&Fetch, &Fetch)> {
    fetches.iter().enumerate().find_map(|(index, to)| {
        let from = fetches[index + 1..].iter().find(|from| from.scope == to.scope)?;
        Some((from, to))
    })
}

/// What changed from one chart of a region to another, down to the smaller depth of the two. The places come by
/// rank.
pub fn compare(region: Region, (from, before): (&Fetch, &[Place]), (to, now): (&Fetch, &[Place])) -> RegionChanges {
    let depth = from.depth.min(to.depth);
    let before = before.iter().filter(|place| place.rank <= depth);
    let now = now.iter().filter(|place| place.rank <= depth);
    let fetch = |fetch: &Fetch| FetchRef { run_id: fetch.run_id.clone(), fetched_at: fetch.fetched_at };
    let mut changes = RegionChanges {
        region,
        from: fetch(from),
        to: fetch(to),
        entered: Vec::new(),
        left: Vec::new(),
        rose: Vec::new(),
        fell: Vec::new(),
        depth,
        scope: to.scope.clone(),
        trail: Vec::new(),
    };
    let mut ranks_before: HashMap<&str, u32> = before.clone().map(|place| (&*place.video_id, place.rank)).collect();
    for place in now {
        let previous_rank = ranks_before.remove(&*place.video_id);
        let list = match previous_rank {
            None => &mut changes.entered,
            Some(previous) if place.rank < previous => &mut changes.rose,
            Some(previous) if place.rank > previous => &mut changes.fell,
            Some(_) => continue,
        };
        list.push(moved(place, Some(place.rank), previous_rank));
    }
    let left = before.filter(|place| ranks_before.contains_key(&*place.video_id));
    changes.left = left.map(|place| moved(place, None, Some(place.rank))).collect();
    changes
}

fn moved(place: &Place, rank: Option<u32>, previous_rank: Option<u32>) -> Move {
    Move {
        video_id: place.video_id.clone(),
        title: place.title.clone(),
        channel: place.channel.clone(),
        rank,
        previous_rank,
        first_seen_at: place.first_seen_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetch(run_id: &str, source: &str, category_id: Option<u32>) -> Fetch {
        let fetched_at = Timestamp::UNIX_EPOCH;
        let scope = Scope { source: source.into(), category_id };
        Fetch { run_id: run_id.into(), number: 0, fetched_at, scope, depth: 50 }
    }

    fn chart(ids: &[&str]) -> Vec<Place> {
        (1..)
            .zip(ids)
            .map(|(rank, id)| Place {
                rank,
                video_id: (*id).to_owned(),
                title: String::new(),
                channel: String::new(),
                first_seen_at: Timestamp::UNIX_EPOCH,
                category: None,
                views: None,
                thumbnail: None,
                language: None,
            })
            .collect()
    }

    #[test]
    fn only_alike_fetches_make_a_pair() {
        let newest_first = [
            fetch("5", "demo", None),
            fetch("4", "youtube", Some(10)),
            fetch("3", "youtube", None),
            fetch("2", "youtube", None),
            fetch("1", "youtube", Some(10)),
        ];
        let pair = last_pair(&newest_first).map(|(from, to)| (&*from.run_id, &*to.run_id));
        assert_eq!(pair, Some(("1", "4")));
        assert_eq!(last_pair(&newest_first[..3]), None);
        assert_eq!(last_pair(&[]), None);
    }

    #[test]
    fn each_move_is_in_one_list_by_rank() {
        let (from, to) = (fetch("1", "youtube", None), fetch("2", "youtube", None));
        let region = Region::new("PL").unwrap();
        let changes = compare(region, (&from, &chart(&["a", "b", "c", "d"])), (&to, &chart(&["e", "c", "b", "d"])));
        let shown = |moves: &[Move]| -> Vec<(String, Option<u32>, Option<u32>)> {
            moves.iter().map(|each| (each.video_id.clone(), each.rank, each.previous_rank)).collect()
        };
        assert_eq!(shown(&changes.entered), [("e".into(), Some(1), None)]);
        assert_eq!(shown(&changes.left), [("a".into(), None, Some(1))]);
        assert_eq!(shown(&changes.rose), [("c".into(), Some(2), Some(3))]);
        assert_eq!(shown(&changes.fell), [("b".into(), Some(3), Some(2))]);
    }
}
