//! The one broadcast in the chart of each region.

use super::career::views_at;
use super::videos::{LIVE, VideoPool};
use super::{CHART_LENGTH, DemoVideo, audience};
use crate::demo::hour::{HOUR, Hour};
use crate::demo::rng::Rng;
use crate::demo::words::Words;
use crate::model::region::Region;

/// A broadcast is in the chart for so many hours, and then another one takes its place.
const HOURS: i64 = 20;
/// For the first hours it is announced.
const ANNOUNCED_HOURS: i64 = 7;

/// Inserts the broadcast into the first fifty. In the United States it is a live one at rank 5; elsewhere the rank is
/// random, and the broadcast may be upcoming.
pub(super) fn insert(chart: &mut Vec<DemoVideo>, region: Region, hour: Hour, words: &Words, world: &Words) {
    let code = region.code();
    let phase = Rng::seeded(&[code, "broadcast"]).between(0, HOURS.unsigned_abs()) as i64;
    let (number, elapsed) = ((hour.0 + phase).div_euclid(HOURS), (hour.0 + phase).rem_euclid(HOURS));
    // The video has an id of its own, so no other region has it as an ordinary video.
    let name = format!("{code} broadcast {number}");
    let mut rng = Rng::seeded(&[&name]);
    let (index, is_live) = match code {
        "US" => (4, true),
        _ => (rng.between(0, 49) as usize, elapsed >= ANNOUNCED_HOURS),
    };
    let published = hour.start() - elapsed * HOUR - rng.between(600, 2 * HOUR.unsigned_abs()) as i64;
    let languages = std::slice::from_ref(words);
    let pool = VideoPool {
        name: &name,
        slots: 1,
        taken: 1000,
        audience: audience(code),
        mix: &[(LIVE, 100)],
        languages,
        world,
    };
    let Some(video) = pool.invent(&name, rng.between(0, 60), published) else { return };
    let age = (hour.start() - published).unsigned_abs();
    let views = if is_live { views_at(video.views / 10, age) } else { 0 };
    let broadcast = DemoVideo {
        broadcast: if is_live { "live" } else { "upcoming" },
        comments: None,
        age_restricted: false,
        ..video.watched(views)
    };
    chart.insert(index.min(chart.len()), broadcast);
    chart.truncate(CHART_LENGTH);
}
