//! A video: what a chart says about it, and the one list of its fields in the data.
//!
//! A field of a video is one line in [`Video`] and one row in [`COLUMNS`]. The document, the rows of NDJSON, CSV and
//! Parquet, and the JSON Schema are made from these rows; a saved document is read by the types here.
//! [`MERGE_COLUMNS`] has the fields that only a merged video has.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use compact_str::CompactString;
use jiff::Timestamp;
use serde::de::value::{CowStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::category::Category;
use super::columns::Value::{Count, Flag, FreeText, MadeText, Ranks, Regions, Text, Time};
use super::columns::{Column, Value};
use super::language::{self, Language, UNDETERMINED};
use super::region::Region;
use super::tags::Tags;

/// What a chart says about a video, whichever region it was seen in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Video {
    /// Eleven characters of `A-Z a-z 0-9 - _` today.
    #[serde(rename = "video_id")]
    pub id: CompactString,
    /// In the video's own language, at most 1,000 characters; empty if missing.
    pub title: CompactString,
    /// The channel's name, at most 1,000 characters; empty if missing.
    pub channel: CompactString,
    /// `UC...`; an [id](super::valid::is_id).
    pub channel_id: Option<CompactString>,
    #[serde(rename = "category_id")]
    pub category: Option<Category>,
    /// The maximum over the regions. `None`, and not 0, if YouTube gives no count.
    pub views: Option<u64>,
    /// `None` if the owner hides it.
    pub likes: Option<u64>,
    /// `None` if comments are disabled.
    pub comments: Option<u64>,
    /// From year 1 to 9999.
    pub published_at: Option<Timestamp>,
    /// Whole seconds; `None` for a broadcast that is live or has not begun.
    pub duration_seconds: Option<u64>,
    pub live: Live,
    /// Whether other sites may show the video in a player.
    pub embeddable: Option<bool>,
    pub age_restricted: Option<bool>,
    /// In the owner's order, at most 10,000 characters in all.
    pub tags: Tags,
    /// The address of the largest of YouTube's pictures up to 1280 x 720.
    pub thumbnail: Option<CompactString>,
    /// Only on request; at most 20,000 characters.
    pub description: Option<CompactString>,
    /// The language of the audio, or otherwise of the title, as declared by the owner.
    #[serde(deserialize_with = "language::read_declared")]
    pub declared_language: Option<Language>,
    /// The tag of the declared language as YouTube gives it, such as `de-AT`. One that names no language, such as
    /// `zxx`, is kept if there is no other.
    pub language_tag: Option<CompactString>,
}

impl Video {
    /// Raises each count to the larger of the two. A known count is larger than a missing one.
    pub fn raise_counts(&mut self, other: &Video) {
        self.views = self.views.max(other.views);
        self.likes = self.likes.max(other.likes);
        self.comments = self.comments.max(other.comments);
    }
}

/// `snippet.liveBroadcastContent`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Live {
    /// An ordinary video, or a broadcast that has ended.
    #[default]
    None,
    Live,
    /// Announced, not yet live.
    Upcoming,
}

impl Live {
    /// The one with this name in the document.
    pub fn find(name: &str) -> Option<Live> {
        [Live::None, Live::Live, Live::Upcoming].into_iter().find(|live| live.as_str() == name)
    }

    /// The name in the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Live::None => "none",
            Live::Live => "live",
            Live::Upcoming => "upcoming",
        }
    }
}

/// The address of a video's page.
pub fn video_url(id: &str) -> String {
    ["https://www.youtube.com/watch?v=", id].concat()
}

/// A video with its rank in each chart that contains it: an element of the document's `videos`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedVideo {
    /// As the first region has it, but with the maximum of each count.
    pub video: Box<Video>,
    /// The rank in each region, in the order of the request; at least one.
    pub ranks: Vec<(Region, u32)>,
    /// When the first page with the video arrived.
    pub fetched_at: Timestamp,
}

impl MergedVideo {
    pub fn url(&self) -> String {
        video_url(&self.video.id)
    }

    /// The rank in the region where it is highest.
    pub fn best_rank(&self) -> Option<u32> {
        self.ranks.iter().map(|(_, rank)| *rank).min()
    }

    /// The usual language of the first region; `und` for a region outside the table.
    pub fn primary_language(&self) -> &'static str {
        self.ranks.first().map_or(UNDETERMINED, |(region, _)| region.language())
    }

    /// PostgreSQL's text search configuration for the declared language, else for the primary one.
    pub fn search_config(&self) -> &'static str {
        let declared = self.video.declared_language.as_ref().map(Language::code);
        language::search_config(declared.unwrap_or(self.primary_language()))
    }
}

/// The column that is present only with `--description`.
pub const DESCRIPTION: &str = "description";

/// The fields of a merged video in the data, in the order of the document.
pub fn merged_columns() -> impl Iterator<Item = &'static Column<MergedVideo>> {
    COLUMNS.iter().chain(MERGE_COLUMNS)
}

/// The fields that every row with a video has: name, value, type and description in the JSON Schema.
pub const COLUMNS: &[Column<MergedVideo>] = &[
    Column::new("video_id", Text(|row| Some(&row.video.id)), r##""$ref": "#/$defs/id""##, ""),
    Column::new("url", MadeText(MergedVideo::url), r#""type": "string", "format": "uri""#, ""),
    Column::new("title", FreeText(|row| Some(&row.video.title)), NAME, "empty where missing; a longer one is cut"),
    Column::new("channel", FreeText(|row| Some(&row.video.channel)), NAME, "empty where missing; a longer one is cut"),
    Column::new("channel_id", Text(|row| row.video.channel_id.as_deref()), OPTIONAL_ID, ""),
    Column::new(
        "category_id",
        Count(|row| row.video.category.map(|category| category.id().into())),
        OPTIONAL_COUNT,
        "",
    ),
    Column::new(
        "category",
        Text(|row| row.video.category.and_then(Category::name)),
        OPTIONAL_TEXT,
        "null where the number is not known",
    ),
    Column::new("views", Count(|row| row.video.views), OPTIONAL_COUNT, "the maximum over the regions"),
    Column::new("likes", Count(|row| row.video.likes), OPTIONAL_COUNT, "null where hidden"),
    Column::new("comments", Count(|row| row.video.comments), OPTIONAL_COUNT, "null where disabled"),
    Column::new(
        "published_at",
        Time(|row| row.video.published_at),
        r##""oneOf": [{ "$ref": "#/$defs/time" }, { "type": "null" }]"##,
        "",
    ),
    Column::new(
        "duration_seconds",
        Count(|row| row.video.duration_seconds),
        OPTIONAL_COUNT,
        "null while live or not begun",
    ),
    Column::new("live", Text(|row| Some(row.video.live.as_str())), r#""enum": ["none", "live", "upcoming"]"#, ""),
    Column::new("embeddable", Flag(|row| row.video.embeddable), OPTIONAL_FLAG, ""),
    Column::new("age_restricted", Flag(|row| row.video.age_restricted), OPTIONAL_FLAG, ""),
    Column::new(
        "tags",
        Value::Tags(|row| &row.video.tags),
        r#""type": "array", "items": { "type": "string", "maxLength": 10000 }"#,
        "at most 10,000 characters in all",
    ),
    Column::new(
        "thumbnail",
        Text(|row| row.video.thumbnail.as_deref()),
        r#""type": ["string", "null"], "pattern": "^https?://""#,
        "the first there is of YouTube's sizes maxres, standard, high, medium, default",
    ),
    Column::new(
        DESCRIPTION,
        FreeText(|row| row.video.description.as_deref()),
        r#""type": "string", "maxLength": 20000"#,
        "only with --description; a longer one is cut",
    ),
    Column::new(
        "declared_language",
        Text(|row| row.video.declared_language.as_ref().map(Language::code)),
        r##""oneOf": [{ "$ref": "#/$defs/language" }, { "type": "null" }]"##,
        "the video's own; null also for zxx, und, mul and mis",
    ),
    Column::new(
        "language_tag",
        Text(|row| row.video.language_tag.as_deref()),
        OPTIONAL_TEXT,
        "the tag of the declared language as YouTube gives it",
    ),
    Column::new(
        "primary_language",
        Text(|row| Some(row.primary_language())),
        r##""$ref": "#/$defs/language""##,
        "of the first region met",
    ),
    Column::new(
        "search_config",
        Text(|row| Some(row.search_config())),
        r#""type": "string", "pattern": "^[a-z]+$""#,
        "PostgreSQL's text search configuration",
    ),
];

/// The fields that say where and when the video was met. A row of one chart entry has its own columns for that.
pub const MERGE_COLUMNS: &[Column<MergedVideo>] = &[
    Column::new("regions", Regions(|row| &row.ranks), r##""$ref": "#/$defs/regions", "minItems": 1"##, ""),
    Column::new("ranks", Ranks(|row| &row.ranks), r##""$ref": "#/$defs/ranks""##, "the rank in each region's chart"),
    Column::new(
        "fetched_at",
        Time(|row| Some(row.fetched_at)),
        r##""$ref": "#/$defs/time""##,
        "when the page that first showed it arrived",
    ),
];

// Types of the JSON Schema that several fields have.
const NAME: &str = r##""$ref": "#/$defs/name""##;
const OPTIONAL_ID: &str = r##""oneOf": [{ "$ref": "#/$defs/id" }, { "type": "null" }]"##;
const OPTIONAL_TEXT: &str = r##""$ref": "#/$defs/text_or_null""##;
const OPTIONAL_COUNT: &str = r##""$ref": "#/$defs/count_or_null""##;
const OPTIONAL_FLAG: &str = r#""type": ["boolean", "null"]"#;

impl Serialize for MergedVideo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        merged_columns().try_for_each(|column| column.serialize(self, &mut map))?;
        map.end()
    }
}

/// Reads what `serialize` writes. serde's `flatten` would do the same, but keeps a copy of every value first.
impl<'de> Deserialize<'de> for MergedVideo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MergedVideo, D::Error> {
        deserializer.deserialize_map(MergedVideoVisitor)
    }
}

struct MergedVideoVisitor;

impl<'de> Visitor<'de> for MergedVideoVisitor {
    type Value = MergedVideo;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a video")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MergedVideo, A::Error> {
        let mut merged = MergedFields::default();
        let fields = MapAccessDeserializer::new(VideoFields { map, merged: &mut merged });
        let video = Box::new(Video::deserialize(fields)?);
        let missing = serde::de::Error::missing_field;
        let regions = merged.regions.ok_or_else(|| missing("regions"))?;
        let by_region = merged.ranks.ok_or_else(|| missing("ranks"))?;
        let fetched_at = merged.fetched_at.ok_or_else(|| missing("fetched_at"))?;
        let rank = |region: Region| by_region.get(&region).map(|rank| (region, *rank)).ok_or(region);
        let ranks = regions.into_iter().map(rank).collect::<Result<_, _>>();
        let no_rank = |region| serde::de::Error::custom(format_args!("video {} has no rank in {region}", video.id));
        Ok(MergedVideo { ranks: ranks.map_err(no_rank)?, fetched_at, video })
    }
}

/// The fields of a merged video that [`Video`] does not have. `ranks` of [`MergedVideo`] is made from the first two.
#[derive(Default)]
struct MergedFields {
    regions: Option<Vec<Region>>,
    ranks: Option<HashMap<Region, u32>>,
    fetched_at: Option<Timestamp>,
}

/// Borrowed if the JSON has no escapes in it.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// An object without its [`MergedFields`], which are taken out on the way.
struct VideoFields<'a, A> {
    map: A,
    merged: &'a mut MergedFields,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for VideoFields<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(Key(key)) = self.map.next_key()? {
            match &*key {
                "regions" => self.merged.regions = Some(self.map.next_value()?),
                "ranks" => self.merged.ranks = Some(self.map.next_value()?),
                "fetched_at" => self.merged.fetched_at = Some(self.map.next_value()?),
                _ => return seed.deserialize(CowStrDeserializer::new(key)).map(Some),
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}
