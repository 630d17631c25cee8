//! A page as it comes over the wire. Borrowed from the body, only the fields that are used, and
//! lenient: a field of another type is a field that is missing, and its item stays.
//!
//! Source: "Videos", <https://developers.google.com/youtube/v3/docs/videos>, and captured answers.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::tags::{self, Tags};

/// `youtube#videoListResponse`, with its items read as `I`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "I: Deserialize<'de>"))]
pub(super) struct List<'a, I> {
    #[serde(default, borrow, deserialize_with = "soft")]
    pub kind: Text<'a>,
    #[serde(default, borrow, deserialize_with = "soft")]
    pub next_page_token: Text<'a>,
    #[serde(default, deserialize_with = "at_most_a_page")]
    pub items: Option<Vec<I>>,
}

/// A page of YouTube's has 50 items at most. What a server sends beyond is passed over, not kept.
const MAX_ITEMS: usize = 50;

fn at_most_a_page<'de, D: Deserializer<'de>, I: Deserialize<'de>>(deserializer: D) -> Result<Option<Vec<I>>, D::Error> {
    struct Items<I>(PhantomData<I>);

    impl<'de, I: Deserialize<'de>> Visitor<'de> for Items<I> {
        type Value = Option<Vec<I>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of items")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut items = Vec::with_capacity(MAX_ITEMS);
            while items.len() < MAX_ITEMS {
                match list.next_element()? {
                    Some(item) => items.push(item),
                    None => return Ok(Some(items)),
                }
            }
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Some(items))
        }
    }

    deserializer.deserialize_any(Items(PhantomData))
}

/// An item; nothing in it where it is no object.
#[derive(Default)]
pub(super) struct Slot<'a>(pub Option<Item<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Slot<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        soft::<D, Option<Item<'de>>>(deserializer).map(Slot)
    }
}

/// `youtube#video`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item<'a> {
    #[serde(default, borrow, deserialize_with = "soft")]
    pub id: Text<'a>,
    #[serde(default, borrow, deserialize_with = "soft")]
    pub snippet: Option<Snippet<'a>>,
    #[serde(default, borrow, deserialize_with = "soft")]
    pub content_details: Option<ContentDetails<'a>>,
    #[serde(default, deserialize_with = "soft")]
    pub statistics: Option<Statistics>,
    #[serde(default, deserialize_with = "soft")]
    pub status: Option<VideoStatus>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Snippet<'a> {
    #[serde(default, borrow, deserialize_with = "soft")]
    pub published_at: Text<'a>,
    #[serde(default, borrow, deserialize_with = "soft")]
    pub channel_id: Text<'a>,
    #[serde(default, borrow, deserialize_with = "soft")]
    pub title: Text<'a>,
    #[serde(default, borrow, deserialize_with = "soft")]
    pub description: Text<'a>,
    #[serde(default, borrow, deserialize_with = "soft")]
    pub thumbnails: Thumbnails<'a>,
    #[serde(default, borrow, deserialize_with = "soft")]
    pub channel_title: Text<'a>,
    #[serde(default, deserialize_with = "soft")]
    pub tags: Tags,
    #[serde(default, deserialize_with = "soft")]
    pub category_id: Count,
    #[serde(default, borrow, deserialize_with = "soft")]
    pub live_broadcast_content: Text<'a>,
    #[serde(default, borrow, deserialize_with = "soft")]
    pub default_language: Text<'a>,
    #[serde(default, borrow, deserialize_with = "soft")]
    pub default_audio_language: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContentDetails<'a> {
    #[serde(default, borrow, deserialize_with = "soft")]
    pub duration: Text<'a>,
    #[serde(default, borrow, deserialize_with = "soft")]
    pub content_rating: Option<ContentRating<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContentRating<'a> {
    #[serde(default, borrow, deserialize_with = "soft")]
    pub yt_rating: Text<'a>,
}

/// Counts are strings of an unsigned 64-bit number.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Statistics {
    #[serde(default, deserialize_with = "soft")]
    pub view_count: Count,
    #[serde(default, deserialize_with = "soft")]
    pub like_count: Count,
    #[serde(default, deserialize_with = "soft")]
    pub comment_count: Count,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VideoStatus {
    #[serde(default, deserialize_with = "soft")]
    pub embeddable: Flag,
}

#[derive(Deserialize)]
struct Thumbnail<'a> {
    #[serde(default, borrow, deserialize_with = "soft")]
    url: Text<'a>,
    #[serde(default, deserialize_with = "soft")]
    width: Count,
    #[serde(default, deserialize_with = "soft")]
    height: Count,
}

#[derive(Default)]
pub(super) struct Text<'a>(pub Option<Cow<'a, str>>);
#[derive(Default)]
pub(super) struct Count(pub Option<u64>);
#[derive(Default)]
pub(super) struct Flag(pub Option<bool>);
/// The address of the largest; of equals the last, since YouTube lists them by size.
#[derive(Default)]
pub(super) struct Thumbnails<'a>(pub Option<Cow<'a, str>>);

/// What can be made of each JSON type; of the types that a field does not expect, nothing.
trait Soft<'de>: Default {
    fn text(_: Cow<'de, str>) -> Self {
        Self::default()
    }
    fn number(_: u64) -> Self {
        Self::default()
    }
    fn flag(_: bool) -> Self {
        Self::default()
    }
    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

impl<'de> Soft<'de> for Text<'de> {
    fn text(text: Cow<'de, str>) -> Self {
        Text(Some(text))
    }
}

impl<'de> Soft<'de> for Count {
    fn text(text: Cow<'de, str>) -> Self {
        Count(text.parse().ok())
    }
    fn number(number: u64) -> Self {
        Count(Some(number))
    }
}

impl<'de> Soft<'de> for Flag {
    fn flag(flag: bool) -> Self {
        Flag(Some(flag))
    }
}

impl<'de> Soft<'de> for Tags {
    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut tags = tags::Builder::default();
        while let Some(Element(Text(tag))) = list.next_element()? {
            tag.iter().for_each(|tag| tags.push(tag));
        }
        Ok(tags.build())
    }
}

impl<'de> Soft<'de> for Thumbnails<'de> {
    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let (mut largest, mut area) = (None, 0);
        while let Some((IgnoredAny, Element(thumbnail))) = object.next_entry::<_, Element<Option<Thumbnail<'de>>>>()? {
            let Some(Thumbnail { url: Text(Some(url)), width, height }) = thumbnail else { continue };
            let its_area = width.0.unwrap_or(0).saturating_mul(height.0.unwrap_or(0));
            if its_area >= area {
                (largest, area) = (Some(url), its_area);
            }
        }
        Ok(Thumbnails(largest))
    }
}

macro_rules! soft_object {
    ($($name:ty),*) => {$(
        impl<'de> Soft<'de> for Option<$name> {
            fn object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
                Deserialize::deserialize(MapAccessDeserializer::new(object)).map(Some)
            }
        }
    )*};
}
soft_object!(Item<'de>, Snippet<'de>, ContentDetails<'de>, ContentRating<'de>, Statistics, VideoStatus, Thumbnail<'de>);

struct Element<T>(T);

impl<'de, T: Soft<'de>> Deserialize<'de> for Element<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        soft(deserializer).map(Element)
    }
}

fn soft<'de, D: Deserializer<'de>, T: Soft<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(SoftVisitor(PhantomData))
}

struct SoftVisitor<T>(PhantomData<T>);

impl<'de, T: Soft<'de>> Visitor<'de> for SoftVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<T, E> {
        Ok(T::text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::text(Cow::Owned(text.to_owned())))
    }
    fn visit_u64<E>(self, number: u64) -> Result<T, E> {
        Ok(T::number(number))
    }
    fn visit_i64<E>(self, _: i64) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_f64<E>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_bool<E>(self, flag: bool) -> Result<T, E> {
        Ok(T::flag(flag))
    }
    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::list(list)
    }
    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::object(object)
    }
}
