//! What changed in a region's chart between two fetches of it. Pure, but for [`find`], which reads them.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{Backend, ChartFilter, ChartSeries, HistoryError, VideoRank};
use crate::model::category::{Category, ChartCategory};
use crate::model::region::Region;

/// The version of the shape of `changes -f json`.
pub const SCHEMA_VERSION: u32 = 1;

/// A whole chart of a region that the history holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// Which region.
    pub region: Region,
    /// The run.
    pub run_id: String,
    /// Its short name within the history.
    pub number: i64,
    /// Its start.
    pub fetched_at: Timestamp,
    /// Its source and category.
    pub series: ChartSeries,
    /// Places asked for.
    pub depth: u32,
}

/// A place of a chart, with what the history knows of its video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
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
    pub series: ChartSeries,
    /// Whether the region has charts of other categories besides, or this category was asked for.
    #[serde(skip)]
    pub is_chosen: bool,
    /// This and the whole charts before it, oldest first, as many as were wanted.
    #[serde(skip)]
    pub trail: Vec<Ranks>,
}

/// The ranks of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranks {
    /// By video.
    pub by_video: HashMap<String, u32>,
    /// Places asked for; nothing is known of what is below.
    pub depth: u32,
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

/// The changes of each of these regions between its last two charts of runs that began at `until` or before, of one
/// category where that is named, with the ranks in at most `columns` charts. A region without two charts that can be
/// compared is left out.
///
/// # Errors
/// When the history cannot be read.
pub async fn find(
    backend: &mut dyn Backend,
    regions: &[Region],
    category: Option<ChartCategory>,
    until: Timestamp,
    columns: usize,
) -> Result<Vec<RegionChanges>, HistoryError> {
    let filter = ChartFilter {
        regions: regions.to_vec(),
        source: None,
        category_id: category.map(ChartCategory::id),
        until,
        most: u32::try_from(columns.max(2)).unwrap_or(u32::MAX),
    };
    let mut by_region: HashMap<Region, Vec<Fetch>> = HashMap::new();
    for fetch in backend.newest(&filter).await? {
        by_region.entry(fetch.region).or_default().push(fetch);
    }
    let comparable: Vec<Comparable> =
        regions.iter().filter_map(|region| by_region.remove(region)).filter_map(comparable).collect();
    let pairs: Vec<Fetch> = comparable.iter().flat_map(|each| &each.fetches[..2]).cloned().collect();
    let mut charts = backend.charts(&pairs).await?.into_iter();
    let mut found = Vec::new();
    for Comparable { fetches, has_others } in &comparable {
        let (now, before) = (charts.next().unwrap_or_default(), charts.next().unwrap_or_default());
        let changes = compare((&fetches[1], &before), (&fetches[0], &now));
        found.push(RegionChanges { is_chosen: *has_others || category.is_some(), ..changes });
    }
    if columns > 0 {
        let fetches = comparable.into_iter().map(|each| each.fetches).collect();
        add_trails(backend, &mut found, fetches, columns).await?;
    }
    Ok(found)
}

/// Charts of a region that can be compared.
struct Comparable {
    /// Newest first; at least two.
    fetches: Vec<Fetch>,
    /// Whether the region has charts of other categories besides.
    has_others: bool,
}

/// Those of equal source and category of which there are at least two, of fetches that come newest first; the
/// newest of which there is such a one decides.
fn comparable(fetches: Vec<Fetch>) -> Option<Comparable> {
    let has_earlier = |(index, to): &(usize, &Fetch)| fetches[index + 1..].iter().any(|from| from.series == to.series);
    let series = fetches.iter().enumerate().find(has_earlier)?.1.series.clone();
    let has_others = fetches.iter().any(|fetch| fetch.series.category_id != series.category_id);
    Some(Comparable { fetches: fetches.into_iter().filter(|fetch| fetch.series == series).collect(), has_others })
}

/// Reads the ranks in the last charts of each region, of all their places; `fetches` are those charts, newest first.
async fn add_trails(
    backend: &mut dyn Backend,
    changes: &mut [RegionChanges],
    mut fetches: Vec<Vec<Fetch>>,
    columns: usize,
) -> Result<(), HistoryError> {
    for of_region in &mut fetches {
        of_region.truncate(columns);
        of_region.reverse();
    }
    let mut video_ranks = backend.video_ranks(&fetches.concat(), u32::MAX).await?.into_iter();
    for (changes, fetches) in changes.iter_mut().zip(&fetches) {
        let ranks = |(fetch, video_ranks): (&Fetch, Vec<VideoRank>)| Ranks {
            by_video: video_ranks.into_iter().map(|video_rank| (video_rank.video_id, video_rank.rank)).collect(),
            depth: fetch.depth,
        };
        changes.trail = fetches.iter().zip(video_ranks.by_ref()).map(ranks).collect();
    }
    Ok(())
}

/// What changed from one chart of a region to another, down to the smaller depth of the two. The places come by
/// rank.
pub fn compare((from, before): (&Fetch, &[HistoryEntry]), (to, now): (&Fetch, &[HistoryEntry])) -> RegionChanges {
    let depth = from.depth.min(to.depth);
    let before = before.iter().filter(|place| place.rank <= depth);
    let now = now.iter().filter(|place| place.rank <= depth);
    let fetch = |fetch: &Fetch| FetchRef { run_id: fetch.run_id.clone(), fetched_at: fetch.fetched_at };
    let mut changes = RegionChanges {
        region: to.region,
        from: fetch(from),
        to: fetch(to),
        entered: Vec::new(),
        left: Vec::new(),
        rose: Vec::new(),
        fell: Vec::new(),
        depth,
        series: to.series.clone(),
        is_chosen: false,
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

fn moved(place: &HistoryEntry, rank: Option<u32>, previous_rank: Option<u32>) -> Move {
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
        let series = ChartSeries { source: source.into(), category_id };
        Fetch { region: Region::new("PL").unwrap(), run_id: run_id.into(), number: 0, fetched_at, series, depth: 50 }
    }

    fn chart(ids: &[&str]) -> Vec<HistoryEntry> {
        (1..)
            .zip(ids)
            .map(|(rank, id)| HistoryEntry {
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
        let ids = |fetches: &[Fetch]| -> Option<Vec<String>> {
            Some(comparable(fetches.to_vec())?.fetches.into_iter().map(|fetch| fetch.run_id).collect())
        };
        assert_eq!(ids(&newest_first), Some(vec!["4".into(), "1".into()]));
        assert_eq!(ids(&newest_first[..4]), Some(vec!["3".into(), "2".into()]));
        assert_eq!(ids(&newest_first[..3]), None);
        assert_eq!(ids(&[]), None);
    }

    #[test]
    fn each_move_is_in_one_list_by_rank() {
        let (from, to) = (fetch("1", "youtube", None), fetch("2", "youtube", None));
        let changes = compare((&from, &chart(&["a", "b", "c", "d"])), (&to, &chart(&["e", "c", "b", "d"])));
        let shown = |moves: &[Move]| -> Vec<(String, Option<u32>, Option<u32>)> {
            moves.iter().map(|each| (each.video_id.clone(), each.rank, each.previous_rank)).collect()
        };
        assert_eq!(shown(&changes.entered), [("e".into(), Some(1), None)]);
        assert_eq!(shown(&changes.left), [("a".into(), None, Some(1))]);
        assert_eq!(shown(&changes.rose), [("c".into(), Some(2), Some(3))]);
        assert_eq!(shown(&changes.fell), [("b".into(), Some(3), Some(2))]);
    }
}
