//! The charts of single categories. As at YouTube, some regions have no chart of some categories.

use super::videos::{self, Candidate, Mix, VideoPool, ranked, title_without_digits};
use super::{CHART_LENGTH, DemoVideo, audience};
use crate::demo::hour::Hour;
use crate::demo::rng::Rng;
use crate::demo::words::Words;
use crate::model::region::Region;

/// A category with a chart: its number, the videos in it, and in how many of a thousand regions it is missing.
type CategoryChart = (u32, Mix, u64);

const CHARTS: &[CategoryChart] = &[
    (1, &[(videos::FILM, 100)], 0),
    (2, &[(videos::kind("people", 2, (300, 1500), "creators"), 100)], 100),
    (10, &[(videos::MUSIC, 100)], 0),
    (15, &[(videos::kind("entertainment", 15, (30, 900), "creators"), 100)], 100),
    (17, &[(videos::SPORTS, 100)], 0),
    (19, &[(videos::kind("people", 19, (600, 2400), "creators"), 100)], 400),
    (20, &[(videos::GAMING, 90), (videos::TRAILER, 10)], 0),
    (22, &[(videos::PEOPLE, 100)], 0),
    (23, &[(videos::COMEDY, 100)], 0),
    (24, &[(videos::ENTERTAINMENT, 100)], 0),
    (25, &[(videos::NEWS, 100)], 0),
    (26, &[(videos::kind("people", 26, (180, 1200), "creators"), 100)], 50),
    (27, &[(videos::kind("people", 27, (300, 3600), "creators"), 100)], 700),
    (28, &[(videos::kind("entertainment", 28, (240, 1800), "creators"), 100)], 50),
    (29, &[(videos::kind("news", 29, (60, 1200), "newsrooms"), 100)], 900),
];

/// The chart of a category by rank: the videos of `whole`, the chart of all categories, that belong to it, then others.
/// `None` if the region has no such chart.
pub(in crate::demo) fn category_chart(
    region: Region,
    category: u32,
    whole: &[DemoVideo],
    hour: Hour,
) -> Option<Vec<DemoVideo>> {
    let (_, mix, missing) = CHARTS.iter().find(|(id, ..)| *id == category)?;
    let (code, number) = (region.code(), category.to_string());
    let mut rng = Rng::seeded(&[code, "category", &number]);
    if rng.per_mille(*missing) {
        return None;
    }
    let length = if matches!(category, 10 | 20) { CHART_LENGTH } else { rng.between(60, 160) as usize };
    let mut videos: Vec<DemoVideo> = whole.iter().filter(|video| video.category == category).cloned().collect();
    let (words, world) = (Words::load(region.language()), Words::load("world"));
    let name = format!("{code} {number}");
    let languages = std::slice::from_ref(&words);
    let audience = audience(code);
    // Some are away.
    let slots = length + length / 4;
    let pool = VideoPool { name: &name, slots, taken: 1000, audience, mix, languages, world: &world };
    // They are less watched than those that made it into the chart of all categories.
    let less_watched = |candidate: Candidate| {
        let views = candidate.video.views / 4;
        Candidate { video: candidate.video.watched(views), ..candidate }
    };
    let others = pool.candidates(code, hour).map(less_watched).collect();
    let titles = videos.iter().map(title_without_digits).collect();
    videos.extend(ranked(others, length.saturating_sub(videos.len()), titles));
    Some(videos)
}
