//! The charts: what stands at which place of which region. The same in every run.
//!
//! A chart is laid out in blocks of fifty places. Each block takes some videos of a worldwide pool,
//! some of the pool of the region's language, and the rest of its own; a region has its own choice
//! and its own order. So regions share about as much as the real charts do, at any length.

use std::collections::HashSet;

use super::rng::Dice;
use super::words::{Words, fill};
use crate::model::region::Region;

/// Places of a chart.
pub(super) const PLACES: usize = 200;

const BLOCK: usize = 50;
/// Places of a block that hold videos of the worldwide pool, and how many that pool has for it.
const FROM_WORLD: (usize, usize) = (12, 40);
/// The same for the pool of the language.
const FROM_LANGUAGE: (usize, usize) = (8, 24);

/// A made-up video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Video {
    /// Eleven characters, as YouTube's.
    pub id: String,
    /// In the language of its audience.
    pub title: String,
    /// The channel's name.
    pub channel: &'static str,
    /// `UC` and 22 characters; the same for every video of the channel.
    pub channel_id: String,
    /// YouTube's number.
    pub category: u32,
    /// Length in seconds, of a video that is no broadcast.
    pub seconds: u64,
    /// `none`, `live` or `upcoming`.
    pub broadcast: &'static str,
    /// Age in seconds at the time of the run.
    pub age: u64,
    /// Counts; a missing one is hidden by the owner.
    pub views: u64,
    /// See `views`.
    pub likes: Option<u64>,
    /// See `views`.
    pub comments: Option<u64>,
    /// Language of its words.
    pub language: &'static str,
    /// The declared language of its sound.
    pub audio: Option<&'static str>,
    /// Shown to adults only.
    pub age_restricted: bool,
    /// May be shown by other sites.
    pub embeddable: bool,
    /// Pictures beyond the three sizes that every video has: none, `standard`, `maxres` too.
    pub large_pictures: usize,
}

/// A kind of video: how it is called in `words.txt`, YouTube's category, its length in seconds,
/// and the list that its channel comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ErrorKind(&'static str, u32, (u64, u64), &'static str);

const TRAILER: ErrorKind = ErrorKind("trailer", 20, (45, 210), "studios");
const GAMING: ErrorKind = ErrorKind("gaming", 20, (480, 2700), "gamers");
const LIVE: ErrorKind = ErrorKind("live", 20, (3600, 14_400), "gamers");
const MUSIC: ErrorKind = ErrorKind("music", 10, (140, 280), "artists");
const FILM: ErrorKind = ErrorKind("film", 1, (60, 180), "cinemas");

/// Kinds with their share in a pool, in hundredths. With the worldwide pool mixed in, half of a
/// chart is gaming and a quarter music: what the chart has held since July 2025.
type Mix = &'static [(ErrorKind, u64)];

const WORLD_MIX: Mix = &[(MUSIC, 50), (TRAILER, 42), (FILM, 8)];
const LOCAL_MIX: Mix = &[
    (GAMING, 54),
    (MUSIC, 16),
    (ErrorKind("entertainment", 24, (600, 2400), "creators"), 10),
    (ErrorKind("people", 22, (480, 1800), "creators"), 7),
    (ErrorKind("sports", 17, (300, 900), "sport_channels"), 5),
    (ErrorKind("comedy", 23, (180, 900), "creators"), 4),
    (FILM, 1),
    (ErrorKind("news", 25, (60, 900), "newsrooms"), 3),
];

/// The whole chart of a region, place by place; empty for a region that has none.
pub(super) fn chart(region: Region) -> Vec<Video> {
    if !region.is_known() {
        return Vec::new();
    }
    let world = Words::of("world");
    let (code, language) = (region.code(), region.language());
    let words = Words::of(language);
    let mut titles = HashSet::new();
    let blocks = PLACES / BLOCK;
    let foreign = ["en", "en", "es", "ko"].map(Words::of);
    let worldwide = pool("world", blocks * FROM_WORLD.1, WORLD_SIZE, WORLD_MIX, &foreign, &world, &mut titles);
    let local = std::slice::from_ref(&words);
    // The pool is the language's own even where its words are borrowed from English.
    let shared = pool(language, blocks * FROM_LANGUAGE.1, size_of(language), LOCAL_MIX, local, &world, &mut titles);
    let own = blocks * (BLOCK - FROM_WORLD.0 - FROM_LANGUAGE.0);
    let own = pool(code, own, size(code), LOCAL_MIX, local, &world, &mut titles);

    let mut dice = Dice::named(&[code, "order"]);
    let mut chart = Vec::with_capacity(PLACES);
    let mut own = own.into_iter();
    for block in 0..blocks {
        let mut places = choose(&worldwide, block, FROM_WORLD, &mut dice);
        places.extend(choose(&shared, block, FROM_LANGUAGE, &mut dice));
        for video in &mut places {
            // As caches of different age tell it: every region a little less than the newest.
            video.views -= video.views / 1000 * dice.between(0, 5);
        }
        places.extend(own.by_ref().take(BLOCK - places.len()));
        dice.shuffle(&mut places);
        chart.extend(places);
    }
    broadcast(&mut chart, region, &words, &world);
    chart
}

/// This region's choice of the pool's part for this block.
fn choose(pool: &[Video], block: usize, (taken, of): (usize, usize), dice: &mut Dice) -> Vec<Video> {
    let mut part: Vec<&Video> = pool.iter().skip(block * of).take(of).collect();
    dice.shuffle(&mut part);
    part.into_iter().take(taken).cloned().collect()
}

/// Turns one of the first fifty into a broadcast: in the United States one of the first ten that
/// is on air, elsewhere any, sometimes one that has not begun.
fn broadcast(chart: &mut [Video], region: Region, words: &Words, world: &Words) {
    let mut dice = Dice::named(&[region.code(), "broadcast"]);
    let (place, live) = match region.code() {
        "US" => (4, true),
        _ => (dice.between(0, 49) as usize, dice.per_mille(650)),
    };
    let Some(slot) = chart.get_mut(place) else { return };
    // A video of its own, so that no other region shows it as an ordinary one.
    let (mut titles, scale) = (HashSet::new(), size(region.code()));
    let salt = format!("{} broadcast", region.code());
    let Some(video) = pool(&salt, 1, scale, &[(LIVE, 100)], std::slice::from_ref(words), world, &mut titles).pop()
    else {
        return;
    };
    let broadcast = if live { "live" } else { "upcoming" };
    let views = if live { video.views / 10 } else { 0 };
    let likes = video.likes.map(|likes| likes / 10);
    *slot = Video { broadcast, views, likes, comments: None, age: video.age / 40, age_restricted: false, ..video };
}

/// So many videos, the most watched first, in any of these languages. `titles` keeps a title from
/// coming up again with another number in it.
fn pool(
    name: &str,
    count: usize,
    scale: u64,
    mix: Mix,
    languages: &[Words],
    world: &Words,
    titles: &mut HashSet<String>,
) -> Vec<Video> {
    let distinct = |index: usize| {
        let made = (0..60).map(|attempt: u32| {
            // Another title first; when this kind has none left, the kind that has the most.
            let drawn = kind(mix, &mut Dice::named(&[name, "kind", &index.to_string()]));
            let kind = if attempt < 20 { drawn } else { mix.first().map_or(GAMING, |(kind, _)| *kind) };
            let dice = Dice::named(&[name, &index.to_string(), &attempt.to_string()]);
            video(dice, kind, index, scale, languages, world)
        });
        let mut last = None;
        for video in made.flatten() {
            let fresh = titles.insert(video.title.chars().filter(|char| !char.is_ascii_digit()).collect());
            last = Some(video);
            if fresh {
                break;
            }
        }
        last
    };
    (0..count).filter_map(distinct).collect()
}

fn video(
    mut dice: Dice,
    kind: ErrorKind,
    index: usize,
    scale: u64,
    languages: &[Words],
    world: &Words,
) -> Option<Video> {
    let words = match kind {
        // The worldwide pool has English first; its trailers speak nothing else.
        TRAILER => languages.first()?,
        _ => languages.get(dice.between(0, languages.len().saturating_sub(1) as u64) as usize)?,
    };
    let ErrorKind(key, category, (shortest, longest), channels) = kind;
    let artist = words.pick("artists", &mut dice);
    let templates = if kind == TRAILER { world } else { words };
    let title = fill(templates.pick(key, &mut dice), artist, words, world, &mut dice);
    let channel = match kind {
        MUSIC => artist,
        TRAILER => studio(&title, world),
        FILM => world.pick(channels, &mut dice),
        _ => words.pick(channels, &mut dice),
    };
    let views = scale * 90_000 / (index as u64 + 12) * dice.between(30_000, 220_000) / 10_000;
    let likes = views * dice.between(20, 60) / 1000;
    let comments = likes * dice.between(30, 120) / 1000;
    let audio = match kind {
        MUSIC if dice.per_mille(120) => Some("zxx"),
        _ => dice.per_mille(700).then(|| words.pick("audio", &mut dice)),
    };
    Some(Video {
        id: dice.id(11),
        title,
        channel,
        channel_id: format!("UC{}", Dice::named(&["channel", channel]).id(22)),
        category,
        seconds: dice.between(shortest, longest),
        broadcast: "none",
        age: dice.between(3 * 3600, 130 * 3600),
        views,
        likes: (!dice.per_mille(20)).then_some(likes),
        comments: (!dice.per_mille(25)).then_some(comments),
        language: words.language,
        audio,
        age_restricted: dice.per_mille(15),
        embeddable: !dice.per_mille(20),
        large_pictures: dice.pick(&[2, 2, 2, 2, 2, 2, 2, 1, 1, 0]).unwrap_or(0),
    })
}

/// The maker of the game that a trailer's title begins with: always the same.
fn studio(title: &str, world: &Words) -> &'static str {
    let game = world.list("games").iter().position(|game| title.starts_with(game)).unwrap_or(0);
    let studios = world.list("studios");
    studios.get(game % studios.len().max(1)).copied().unwrap_or_default()
}

fn kind(mix: Mix, dice: &mut Dice) -> ErrorKind {
    let mut roll = dice.between(0, 99);
    for (kind, share) in mix {
        if roll < *share {
            return *kind;
        }
        roll -= share;
    }
    GAMING
}

/// The size of the audience of a region, where the United States are 100.
fn size(code: &str) -> u64 {
    SIZES.iter().find(|(_, codes)| codes.contains(&code)).map_or(3, |(size, _)| *size)
}

/// The size of a language's audience: that of its largest region.
fn size_of(language: &str) -> u64 {
    Region::all().filter(|region| region.language() == language).map(|region| size(region.code())).max().unwrap_or(1)
}

const WORLD_SIZE: u64 = 150;
const SIZES: &[(u64, &[&str])] = &[
    (100, &["US", "IN"]),
    (60, &["BR", "JP", "MX", "ID"]),
    (40, &["GB", "DE", "KR", "FR", "RU", "VN", "TR"]),
    (20, &["CA", "AU", "ES", "IT", "PL", "AR", "CO", "TH", "PH", "PK", "EG", "SA", "UA", "TW"]),
    (9, &["NL", "SE", "BE", "PT", "CL", "PE", "MY", "BD", "MA", "IQ", "ZA", "NG", "RO", "HK", "AE"]),
    (5, &["AT", "CH", "NO", "DK", "FI", "CZ", "GR", "HU", "IL", "SG", "IE", "NZ", "KE", "DZ"]),
];

#[cfg(test)]
mod tests;
