//! Invented videos.

use std::collections::HashSet;

use super::career::Career;
use crate::demo::hour::Hour;
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
    /// In seconds since 1970.
    pub published: i64,
    /// At the hour of the run.
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

impl DemoVideo {
    /// The video when it has so many views; likes and comments grow with them.
    pub(super) fn watched(self, views: u64) -> DemoVideo {
        let grown = |count: u64| count * views / self.views.max(1);
        DemoVideo { views, likes: self.likes.map(grown), comments: self.comments.map(grown), ..self }
    }
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
    &[(GAMING, 55), (MUSIC, 12), (ENTERTAINMENT, 13), (PEOPLE, 7), (SPORTS, 5), (COMEDY, 4), (FILM, 1), (NEWS, 3)];

/// Videos that come and go: each slot always has one, and replaces it after some days.
pub(super) struct VideoPool<'a> {
    /// Seeds all random numbers.
    pub name: &'a str,
    pub slots: usize,
    /// How many of a thousand videos the chart of a region takes.
    pub taken: u64,
    /// Scales the number of views.
    pub audience: u64,
    pub mix: Mix,
    pub languages: &'a [Words],
    pub world: &'a Words,
}

/// A video that may be in the chart of a region at some hour.
#[derive(Debug)]
pub(super) struct Candidate {
    /// The lower, the nearer to the top.
    pub position: i64,
    pub entered: Hour,
    pub video: DemoVideo,
}

impl VideoPool<'_> {
    /// The videos of the pool that are in the charts of this region at this hour.
    pub(super) fn candidates(&self, region: &str, hour: Hour) -> impl Iterator<Item = Candidate> {
        (0..self.slots).filter_map(move |slot| {
            let career = Career::of_slot(self.name, slot, hour);
            if !Rng::seeded(&[&career.name, region, "taken"]).per_mille(self.taken) {
                return None;
            }
            let position = career.position(region, hour)?;
            let video = self.invent(&career.name, career.obscurity(), career.published)?;
            let views = career.views(video.views, region, hour);
            Some(Candidate { position, entered: career.entered, video: video.watched(views) })
        })
    }

    fn random_kind(&self, rng: &mut Rng) -> VideoKind {
        let mut percent = rng.between(0, 99);
        for (kind, share) in self.mix {
            if percent < *share {
                return *kind;
            }
            percent -= share;
        }
        GAMING
    }

    /// The video of this name, with the counts that it will have in the end.
    pub(super) fn invent(&self, name: &str, obscurity: u64, published: i64) -> Option<DemoVideo> {
        let VideoPool { audience, languages, world, .. } = *self;
        let mut rng = Rng::seeded(&[name]);
        let kind = self.random_kind(&mut rng);
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
        let views = audience * 90_000 / (obscurity + 12) * rng.between(90_000, 660_000) / 10_000;
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
            published,
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

/// Ranks the candidates. Of videos whose titles differ only in a number, those that entered later are left out, unless
/// fewer than `length` videos remain. `titles` are those that are taken already.
pub(super) fn ranked(mut candidates: Vec<Candidate>, length: usize, mut titles: HashSet<String>) -> Vec<DemoVideo> {
    candidates.sort_by_key(|candidate| candidate.entered);
    let (mut chosen, repeated): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|candidate| titles.insert(title_without_digits(&candidate.video)));
    let missing = length.saturating_sub(chosen.len());
    chosen.extend(repeated.into_iter().take(missing));
    chosen.sort_by_key(|candidate| candidate.position);
    chosen.into_iter().take(length).map(|candidate| candidate.video).collect()
}

pub(super) fn title_without_digits(video: &DemoVideo) -> String {
    video.title.chars().filter(|char| !char.is_ascii_digit()).collect()
}

/// The studio of the game in a trailer's title; each game has one.
fn studio(title: &str, world: &Words) -> &'static str {
    let game = world.list("games").iter().position(|game| title.starts_with(game)).unwrap_or(0);
    let studios = world.list("studios");
    studios.get(game % studios.len().max(1)).copied().unwrap_or_default()
}
