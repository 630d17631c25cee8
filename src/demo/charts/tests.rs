use std::collections::{HashMap, HashSet};

use super::*;

/// Hours in different weeks and at different times of the day.
const HOURS: [Hour; 3] = [Hour(446_000), Hour(498_765), Hour(512_347)];

fn charts(set: &str, hour: Hour) -> Vec<Vec<DemoVideo>> {
    crate::config::region_list::parse(set).unwrap().into_iter().map(|region| chart(region, hour)).collect()
}

/// How many of the videos of the first `entries` are in two or more regions, in per mille.
fn shared(set: &str, entries: usize, hour: Hour) -> usize {
    let charts = charts(set, hour);
    let mut seen = HashMap::<&str, u32>::new();
    for video in charts.iter().flat_map(|chart| chart.iter().take(entries)) {
        *seen.entry(&video.id).or_default() += 1;
    }
    let repeated = seen.values().filter(|count| **count > 1).count();
    repeated * 1000 / seen.len()
}

#[test]
fn every_chart_is_complete_and_reproducible() {
    for (region, hour) in Region::all().zip(HOURS.into_iter().cycle()) {
        let chart = chart(region, hour);
        let ids: HashSet<&str> = chart.iter().map(|video| video.id.as_str()).collect();
        let titles: HashSet<&str> = chart.iter().map(|video| video.title.as_str()).collect();
        assert_eq!((ids.len(), titles.len()), (CHART_LENGTH, CHART_LENGTH), "{region}");
        assert!(
            ids.iter().all(|id| id.len() == 11 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)))
        );
        assert!(chart.iter().all(|video| video.channel_id.len() == 24 && !video.channel.is_empty()), "{region}");
        assert_eq!(chart.iter().take(50).filter(|video| video.broadcast != "none").count(), 1, "{region}");
        assert_eq!(chart, super::chart(region, hour));
    }
    assert!(chart(Region::new("XX").unwrap(), HOURS[0]).is_empty());
}

#[test]
fn one_of_the_top_ten_of_the_united_states_is_live() {
    for hour in HOURS {
        let us = chart(Region::new("US").unwrap(), hour);
        assert_eq!(us.iter().take(10).filter(|video| video.broadcast == "live").count(), 1);
    }
}

#[test]
fn regions_share_about_a_tenth_of_their_videos() {
    let hours: Vec<Hour> = (0..8).map(|index| Hour(498_000 + 31 * index)).collect();
    for (set, entries) in [("dailywatch", 50), ("viralvidvault", 50), ("dailywatch", 200), ("viralvidvault", 200)] {
        let shares: Vec<usize> = hours.iter().map(|hour| shared(set, entries, *hour)).collect();
        assert!((90..=140).contains(&(shares.iter().sum::<usize>() / shares.len())), "{set}, {entries}: {shares:?}");
        assert!(shares.iter().all(|share| (60..=170).contains(share)), "{set}, {entries}: {shares:?}");
    }
}

#[test]
fn the_mix_matches_the_real_charts() {
    let all: Vec<DemoVideo> = Region::all().flat_map(|region| chart(region, HOURS[1])).collect();
    let share = |that: &dyn Fn(&DemoVideo) -> bool| all.iter().filter(|video| that(video)).count() * 1000 / all.len();
    assert!((450..=550).contains(&share(&|video| video.category == 20)));
    assert!((220..=280).contains(&share(&|video| video.category == 10)));
    assert!((10..=30).contains(&share(&|video| video.likes.is_none())));
    assert!((15..=40).contains(&share(&|video| video.comments.is_none())));
    assert!((650..=750).contains(&share(&|video| video.audio.is_some_and(|audio| audio != "zxx"))));
    assert!(share(&|video| video.age_restricted) > 0 && share(&|video| !video.embeddable) > 0);
    assert!(all.iter().any(|video| video.views > 10_000_000));
    assert!(all.iter().filter(|video| video.broadcast == "none").all(|video| video.views > 1_000));
}

#[test]
fn the_chart_of_a_category_starts_with_the_videos_of_the_whole_chart() {
    for ((code, category), hour) in [("US", 10), ("DE", 25), ("PL", 2)].into_iter().zip(HOURS) {
        let region = Region::new(code).unwrap();
        let whole = chart(region, hour);
        let videos = category_chart(region, category, &whole, hour).unwrap();
        assert!(videos.len() >= 60 && videos.iter().all(|video| video.category == category), "{code}");
        let ids: HashSet<&str> = videos.iter().map(|video| video.id.as_str()).collect();
        assert_eq!(ids.len(), videos.len(), "{code}");
        let of_category: Vec<&DemoVideo> = whole.iter().filter(|video| video.category == category).collect();
        assert!(of_category.iter().zip(&videos).all(|(one, other)| **one == *other), "{code}");
        assert_eq!(Some(&videos), category_chart(region, category, &whole, hour).as_ref());
    }
}
