//! The data that crosses between the stages, and in `document` the document that they end in. Plain data, no
//! logic beyond what a type must promise. Field order here is the order in the document.

pub mod category;
mod clocks;
mod document;
pub mod error;
pub mod language;
pub mod read;
pub mod region;
pub mod tags;

use std::time::Duration;

use compact_str::CompactString;
use jiff::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::model::category::Category;
use crate::model::error::RegionError;
use crate::model::language::{Language, UNDETERMINED};
use crate::model::region::Region;
use crate::model::tags::Tags;

pub use clocks::Clocks;
pub(crate) use document::whole_seconds;
pub use document::{Document, Overlap, RegionStats, Request, SCHEMA_VERSION, Stats, Status};

/// What a chart says of a video, whichever region it was seen in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Video {
    /// Eleven characters of `A-Z a-z 0-9 - _` today.
    pub id: CompactString,
    /// In the video's own language, at most 1,000 characters; empty where missing.
    pub title: CompactString,
    /// The channel's name, at most 1,000 characters; empty where missing.
    pub channel: CompactString,
    /// `UC...`
    pub channel_id: Option<CompactString>,
    /// YouTube's number and English name.
    pub category: Option<Category>,
    /// Counts as YouTube gives them; `None` where it gives none, never a made-up 0.
    pub counts: Counts,
    /// When it was published, from year 1 to 9999.
    pub published_at: Option<Timestamp>,
    /// Whole seconds; `None` while live or not begun.
    pub duration_seconds: Option<u64>,
    /// Whether it is a broadcast.
    pub live: Live,
    /// Whether other sites may show it in a player.
    pub embeddable: Option<bool>,
    /// Whether YouTube shows it to adults only.
    pub age_restricted: Option<bool>,
    /// The owner's tags in order, at most 10,000 characters in all.
    pub tags: Tags,
    /// The address of the largest of YouTube's pictures up to 1280 x 720.
    pub thumbnail: Option<CompactString>,
    /// Only when asked for; at most 20,000 characters.
    pub description: Option<CompactString>,
    /// The language of the video's sound, else of its title, as far as the owner declared one.
    pub declared_language: Option<Language>,
}

/// The counts of a video. A video met again keeps the maximum of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// `statistics.viewCount`
    pub views: Option<u64>,
    /// `statistics.likeCount`; hidden by some owners.
    pub likes: Option<u64>,
    /// `statistics.commentCount`; absent where comments are off.
    pub comments: Option<u64>,
}

impl Counts {
    /// The larger of each count; a count that is there beats one that is not.
    #[must_use]
    pub fn max(self, other: Counts) -> Counts {
        Counts {
            views: self.views.max(other.views),
            likes: self.likes.max(other.likes),
            comments: self.comments.max(other.comments),
        }
    }
}

/// `snippet.liveBroadcastContent`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Live {
    /// An ordinary video, or a broadcast that has ended.
    #[default]
    None,
    /// On air.
    Live,
    /// Announced.
    Upcoming,
}

impl Live {
    /// Every state.
    pub const ALL: [Live; 3] = [Live::None, Live::Live, Live::Upcoming];

    /// The state that the document calls so.
    pub fn find(word: &str) -> Option<Live> {
        Live::ALL.into_iter().find(|live| live.as_str() == word)
    }

    /// The word in the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Live::None => "none",
            Live::Live => "live",
            Live::Upcoming => "upcoming",
        }
    }
}

/// One place of one region's chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartEntry {
    /// 1 is the top; skipped and repeated items are counted in.
    pub rank: u32,
    /// When the page that showed it arrived.
    pub fetched_at: Timestamp,
    /// What it showed. In a box, since it is large and moves from list to list.
    pub video: Box<Video>,
}

/// What one region brought: the parcel that `fetch` hands on.
#[derive(Debug, Clone)]
pub struct RegionChart {
    /// Its chart as far as it arrived, by rank; an id may repeat.
    pub entries: Vec<ChartEntry>,
    /// What became of it.
    pub outcome: RegionOutcome,
}

/// What became of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionOutcome {
    /// Which region.
    pub region: Region,
    /// Places that held a usable item.
    pub entries: usize,
    /// Items without a usable id.
    pub skipped: u32,
    /// Whether at least one page arrived, an empty one included.
    pub answered: bool,
    /// Why its chart is not whole.
    pub error: Option<RegionError>,
    pub metrics: FetchMetrics,
}

/// What it took to fetch a region.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FetchMetrics {
    /// Attempts sent, retries included.
    pub requests: u32,
    /// Requests that cost no quota unit, since they did not reach YouTube.
    pub unbilled: u32,
    /// Requests that repeated a failed one.
    pub retries: u32,
    /// Responses that reported a rate limit.
    pub rate_limited: u32,
    /// From the first attempt to the end, waits included.
    pub elapsed: Duration,
    /// Time in which an attempt was in flight or waited for its backoff: what the region would have taken if it were
    /// fetched on its own.
    pub sequential_time: Duration,
}

/// A video with all the regions that it was seen in: a row of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedVideo {
    /// The facts of the first region met; the counts are the maximum over all.
    pub video: Box<Video>,
    /// Regions with the rank in each, in the order asked for.
    pub ranks: Vec<(Region, u32)>,
    /// When the page that first showed it arrived.
    pub fetched_at: Timestamp,
}

impl MergedVideo {
    /// The page of the video.
    pub fn url(&self) -> String {
        format!("https://www.youtube.com/watch?v={}", self.video.id)
    }

    /// The language of the first region met; `und` for a region outside the table.
    pub fn primary_language(&self) -> &'static str {
        self.ranks.first().map_or(UNDETERMINED, |(region, _)| region.language())
    }

    /// PostgreSQL's text search configuration for the declared language, else the primary one.
    pub fn search_config(&self) -> &'static str {
        let declared = self.video.declared_language.as_ref().map(Language::code);
        language::search_config(declared.unwrap_or(self.primary_language()))
    }
}

impl MergedVideo {
    /// All fields of the document but `fetched_at`, in order, into a map that may hold others.
    ///
    /// # Errors
    /// What the serializer gives.
    pub fn serialize_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let video = &self.video;
        map.serialize_entry("video_id", &video.id)?;
        map.serialize_entry("url", &self.url())?;
        map.serialize_entry("title", &video.title)?;
        map.serialize_entry("channel", &video.channel)?;
        map.serialize_entry("channel_id", &video.channel_id)?;
        map.serialize_entry("category_id", &video.category.map(Category::id))?;
        map.serialize_entry("category", &video.category.and_then(Category::name))?;
        map.serialize_entry("views", &video.counts.views)?;
        map.serialize_entry("likes", &video.counts.likes)?;
        map.serialize_entry("comments", &video.counts.comments)?;
        map.serialize_entry("published_at", &video.published_at)?;
        map.serialize_entry("duration_seconds", &video.duration_seconds)?;
        map.serialize_entry("live", video.live.as_str())?;
        map.serialize_entry("embeddable", &video.embeddable)?;
        map.serialize_entry("age_restricted", &video.age_restricted)?;
        map.serialize_entry("tags", &video.tags)?;
        map.serialize_entry("thumbnail", &video.thumbnail)?;
        if let Some(description) = &video.description {
            map.serialize_entry("description", description)?;
        }
        map.serialize_entry("declared_language", &video.declared_language)?;
        map.serialize_entry("primary_language", self.primary_language())?;
        map.serialize_entry("search_config", self.search_config())?;
        map.serialize_entry("regions", &RegionsOf(&self.ranks))?;
        map.serialize_entry("ranks", &RanksOf(&self.ranks))?;
        Ok(())
    }
}

impl Serialize for MergedVideo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.serialize_fields(&mut map)?;
        map.serialize_entry("fetched_at", &self.fetched_at)?;
        map.end()
    }
}

struct RegionsOf<'a>(&'a [(Region, u32)]);

impl Serialize for RegionsOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(region, _)| region))
    }
}

struct RanksOf<'a>(&'a [(Region, u32)]);

impl Serialize for RanksOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(region, rank)| (region, rank)))
    }
}
