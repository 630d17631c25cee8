// What must hold for any input. Shared by the fuzzers and by the property tests on stable, both of
// which include this file.

use jiff::Timestamp;
use trendfetch::category::Category;
use trendfetch::error::Kind;
use trendfetch::fetch::api::{self, PageRequest};
use trendfetch::fetch::transport::Reply;
use trendfetch::normalize::{Page, Window, page};
use trendfetch::region::{Region, parse_list};
use trendfetch::text::{escaped_in_json, is_hidden, one_line, visible, without_markup};

/// A body of 200, asked for as a page of `size` places behind `offset`.
pub fn check_page(body: &[u8], offset: u32, size: u32) {
    for description in [false, true] {
        let window = Window { offset, size, description, fetched_at: Timestamp::UNIX_EPOCH };
        if let Ok(page) = page(body, window) {
            check_window(&page, window);
        }
    }
}

fn check_window(page: &Page, window: Window) {
    assert!(page.places <= window.size);
    assert_eq!(page.sightings.len() as u32 + page.skipped, page.places);
    assert!(page.next.as_ref().is_none_or(|token| !token.is_empty()));
    let mut last = window.offset;
    for sighting in &page.sightings {
        assert!(sighting.rank > last && sighting.rank <= window.offset + page.places);
        last = sighting.rank;
        let video = &sighting.video;
        assert!(!video.id.is_empty());
        assert!(video.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(video.description.is_some(), window.description);
        assert_ne!(video.duration_seconds, Some(0));
        let is_language =
            |tag: &String| (2..=3).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_lowercase());
        assert!(video.declared_language.as_ref().is_none_or(is_language));
    }
}

/// An answer of any status.
pub fn check_reply(status: u16, retry_after: Option<String>, date: Option<String>, body: &[u8]) {
    let region = parse_list("PL").unwrap_or_default()[0];
    let request =
        PageRequest { region, category: Category::find("10"), offset: 0, size: 50, token: None, description: false };
    let reply = Reply { status, retry_after, date, body: body.to_vec() };
    let now = Timestamp::from_second(1_795_381_200).unwrap_or_default();
    match api::read(&reply, &request, now) {
        Ok(_) => assert_eq!(status, 200),
        Err(failure) => {
            let error = &failure.error;
            assert_eq!(error.status, Some(status));
            assert!(!error.message.is_empty() && error.message.chars().count() <= 300);
            assert!(!error.message.contains(is_hidden));
            assert!(status != 401 || error.kind == Kind::KeyRejected);
            // Only what the way there gives can be these.
            let of_the_way = [Kind::Connect, Kind::Tls, Kind::Certificate, Kind::Timeout, Kind::TooLarge];
            let of_the_run = [Kind::Budget, Kind::Deadline, Kind::Cancelled];
            assert!(!of_the_way.contains(&error.kind) && !of_the_run.contains(&error.kind));
        }
    }
}

/// What was typed for `--regions`.
pub fn check_regions(text: &str) {
    match parse_list(text) {
        Ok(regions) => {
            assert!(!regions.is_empty());
            for (index, region) in regions.iter().enumerate() {
                assert!(!regions[index + 1..].contains(region));
                assert_eq!(Region::new(region.code()), Some(*region));
            }
        }
        Err(error) => assert!(!error.to_string().contains(is_hidden)),
    }
}

/// Text from strangers.
pub fn check_text(text: &str) {
    assert!(!visible(text).contains(is_hidden));
    assert!(!escaped_in_json(text).contains(is_hidden));
    for limit in [1, 7, 40] {
        let line = one_line(text, limit);
        assert!(line.chars().count() <= limit && !line.contains(is_hidden));
    }
    let plain = without_markup(text);
    assert!(plain.len() <= text.len());
}
