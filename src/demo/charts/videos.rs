//! Invented videos.

use std::collections::HashSet;

use crate::demo::rng::Rng;
use crate::demo::words::{Words, fill_template};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::demo) struct DemoVideo {
    pub id: String,
    pub title: String,
    pub channel: &'static str,
    pub channel_id: String,
    /// YouTube's category id.
    pub category: u32,
    /// The duration in seconds, unless it is a broadcast.
    pub seconds: u64,
    /// `none`, `live` or `upcoming`.
    pub broadcast: &'static str,
    /// In seconds at the time of the run.
    pub age: u64,
    pub views: u64,
    /// `None` if hidden by the owner.
    pub likes: Option<u64>,
    /// `None` if disabled by the owner.
    pub comments: Option<u64>,
    /// The language of the title.
    pub language: &'static str,
    /// The declared language of the audio.
    pub audio: Option<&'static str>,
    pub age_restricted: bool,
    pub embeddable: bool,
    /// How many thumbnail sizes there are beyond the three that every video has: 1 is `standard`, 2 is `maxres` too.
    pub large_thumbnails: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct VideoKind {
    /// The list of title templates in `words.txt`.
    titles: &'static str,
    /// YouTube's category id.
    category: u32,
    /// The shortest and the longest duration in seconds.
    seconds: (u64, u64),
    /// The list of channels in `words.txt`.
    channels: &'static str,
}

pub(super) const fn kind(
    titles: &'static str,
    category: u32,
    seconds: (u64, u64),
    channels: &'static str,
) -> VideoKind {
    VideoKind { titles, category, seconds, channels }
}

pub(super) const TRAILER: VideoKind = kind("trailer", 20, (45, 210), "studios");
pub(super) const GAMING: VideoKind = kind("gaming", 20, (480, 2700), "gamers");
pub(super) const LIVE: VideoKind = kind("live", 20, (3600, 14_400), "gamers");
pub(super) const MUSIC: VideoKind = kind("music", 10, (140, 280), "artists");
pub(super) const FILM: VideoKind = kind("film", 1, (60, 180), "cinemas");
pub(super) const ENTERTAINMENT: VideoKind = kind("entertainment", 24, (600, 2400), "creators");
pub(super) const PEOPLE: VideoKind = kind("people", 22, (480, 1800), "creators");
pub(super) const SPORTS: VideoKind = kind("sports", 17, (300, 900), "sport_channels");
pub(super) const COMEDY: VideoKind = kind("comedy", 23, (180, 900), "creators");
pub(super) const NEWS: VideoKind = kind("news", 25, (60, 900), "newsrooms");

/// Kinds with their percentages. With the worldwide pool mixed in, half of a chart is gaming and a quarter music, as in
/// YouTube's charts since July 2025.
pub(super) type Mix = &'static [(VideoKind, u64)];

pub(super) const WORLD_MIX: Mix = &[(MUSIC, 50), (TRAILER, 42), (FILM, 8)];
pub(super) const LOCAL_MIX: Mix =
    &[(GAMING, 54), (MUSIC, 16), (ENTERTAINMENT, 10), (PEOPLE, 7), (SPORTS, 5), (COMEDY, 4), (FILM, 1), (NEWS, 3)];

/// Attempts to make a title that does not exist yet.
const TITLE_ATTEMPTS: u32 = 60;
/// After these attempts the kind with the most titles is used.
const ATTEMPTS_OF_KIND: u32 = 20;

pub(super) struct VideoPool<'a> {
    /// Seeds all random numbers.
    pub name: &'a str,
    /// Scales the number of views.
    pub audience: u64,
    pub mix: Mix,
    pub languages: &'a [Words],
    pub world: &'a Words,
}

impl VideoPool<'_> {
    /// The first `count` videos, the most watched first. `titles` prevents titles that differ only in a number.
    pub(super) fn videos(&self, count: usize, titles: &mut HashSet<String>) -> Vec<DemoVideo> {
        (0..count).filter_map(|index| self.video_with_new_title(index, titles)).collect()
    }

    /// A video with a title that is not in `titles`, or with a repeated one if no attempt yields a new title.
    fn video_with_new_title(&self, index: usize, titles: &mut HashSet<String>) -> Option<DemoVideo> {
        let mut last = None;
        for attempt in 0..TITLE_ATTEMPTS {
            let kind = if attempt < ATTEMPTS_OF_KIND { self.random_kind(index) } else { self.main_kind() };
            let rng = Rng::seeded(&[self.name, &index.to_string(), &attempt.to_string()]);
            let Some(video) = self.video(rng, kind, index) else { continue };
            let is_new = titles.insert(video.title.chars().filter(|char| !char.is_ascii_digit()).collect());
            last = Some(video);
            if is_new {
                break;
            }
        }
        last
    }

    fn random_kind(&self, index: usize) -> VideoKind {
        let mut percent = Rng::seeded(&[self.name, "kind", &index.to_string()]).between(0, 99);
        for (kind, share) in self.mix {
            if percent < *share {
                return *kind;
            }
            percent -= share;
        }
        GAMING
    }

    fn main_kind(&self) -> VideoKind {
        self.mix.first().map_or(GAMING, |(kind, _)| *kind)
    }

    fn video(&self, mut rng: Rng, kind: VideoKind, index: usize) -> Option<DemoVideo> {
        let VideoPool { audience, languages, world, .. } = *self;
        let words = match kind {
            // Trailers are only in the first language, which is English in the worldwide pool.
            TRAILER => languages.first()?,
            _ => languages.get(rng.between(0, languages.len().saturating_sub(1) as u64) as usize)?,
        };
        let artist = words.choose("artists", &mut rng);
        let templates = if kind == TRAILER { world } else { words };
        let title = fill_template(templates.choose(kind.titles, &mut rng), artist, words, world, &mut rng);
        let channel = match kind {
            MUSIC => artist,
            TRAILER => studio(&title, world),
            FILM => world.choose(kind.channels, &mut rng),
            _ => words.choose(kind.channels, &mut rng),
        };
        let views = audience * 90_000 / (index as u64 + 12) * rng.between(30_000, 220_000) / 10_000;
        let likes = views * rng.between(20, 60) / 1000;
        let comments = likes * rng.between(30, 120) / 1000;
        let audio = match kind {
            MUSIC if rng.per_mille(120) => Some("zxx"),
            _ => rng.per_mille(700).then(|| words.choose("audio", &mut rng)),
        };
        Some(DemoVideo {
            id: rng.id(11),
            title,
            channel,
            channel_id: format!("UC{}", Rng::seeded(&["channel", channel]).id(22)),
            category: kind.category,
            seconds: rng.between(kind.seconds.0, kind.seconds.1),
            broadcast: "none",
            age: rng.between(3 * 3600, 130 * 3600),
            views,
            likes: (!rng.per_mille(20)).then_some(likes),
            comments: (!rng.per_mille(25)).then_some(comments),
            language: words.language,
            audio,
            age_restricted: rng.per_mille(15),
            embeddable: !rng.per_mille(20),
            large_thumbnails: rng.choose(&[2, 2, 2, 2, 2, 2, 2, 1, 1, 0]).unwrap_or(0),
        })
    }
}

/// The studio of the game in a trailer's title; each game has one.
fn studio(title: &str, world: &Words) -> &'static str {
    let game = world.list("games").iter().position(|game| title.starts_with(game)).unwrap_or(0);
    let studios = world.list("studios");
    studios.get(game % studios.len().max(1)).copied().unwrap_or_default()
}
