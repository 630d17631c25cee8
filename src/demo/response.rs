//! From a request to its answer, as a pure function.
//!
//! Source of the shapes: "Videos: list" and "Errors" of the YouTube Data API's documentation, and
//! captured answers.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Mode;
use super::charts::{Video, chart};
use super::rng::Dice;
use crate::model::region::Region;

/// What does not change during a run.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Which faults there are.
    pub mode: Mode,
    /// As asked for, in order.
    pub regions: Vec<Region>,
    /// Requests that each region needs.
    pub pages: u32,
    /// Start of the run; videos are dated by it.
    pub now: Timestamp,
}

/// A request, as far as it matters here.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    /// Whether it came with a key.
    pub has_key: bool,
    /// Parameters of the address, decoded.
    pub parameters: Vec<(String, String)>,
    /// Requests of the run before this one.
    pub earlier: u32,
    /// Those of them for the same region.
    pub earlier_of_region: u32,
}

impl Query {
    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whose chart is wanted: YouTube's default is the United States.
    pub(super) fn region_code(&self) -> &str {
        self.get("regionCode").unwrap_or("US")
    }
}

/// Status, further headers, and body.
pub(super) type Answer = (u16, Vec<(&'static str, &'static str)>, Value);

/// How long the answer takes: constant for a region, so that runs repeat.
pub(super) fn latency(region: &str) -> Duration {
    let known = LATENCIES.iter().find(|(code, _)| *code == region).map(|(_, millis)| *millis);
    Duration::from_millis(known.unwrap_or_else(|| 200 + 10 * Dice::named(&["latency", region]).between(0, 30)))
}

const LATENCIES: &[(&str, u64)] =
    &[("US", 500), ("GB", 220), ("DE", 410), ("FR", 400), ("IN", 200), ("BR", 480), ("AU", 500), ("CA", 490)];

/// The answer to a request for a page of a chart.
pub(super) fn answer(plan: &Plan, query: &Query) -> Answer {
    if !query.has_key {
        let message = "Method doesn't allow unregistered callers: this demo wants an API key too, any will do.";
        return refusal(403, "global", "forbidden", "PERMISSION_DENIED", message);
    }
    fault(plan, query).unwrap_or_else(|| page(plan, query).unwrap_or_else(|refusal| refusal))
}

/// The fault that the mode has in store for this request.
fn fault(plan: &Plan, query: &Query) -> Option<Answer> {
    let is = |region: Option<&Region>| region.is_some_and(|region| region.code() == query.region_code());
    match plan.mode {
        Mode::Limited if is(plan.regions.get(1).or(plan.regions.first())) && query.earlier_of_region == 0 => {
            let message = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of the demo.";
            let (status, _, body) = refusal(429, "global", "rateLimitExceeded", "RESOURCE_EXHAUSTED", message);
            Some((status, vec![("retry-after", "1")], body))
        }
        Mode::Outage if is(plan.regions.last()) => {
            Some(refusal(503, "global", "backendError", "UNAVAILABLE", "The demo's service is out of order here."))
        }
        Mode::Quota if query.earlier >= planned(plan) / 2 => {
            let message = "The request cannot be completed because the demo's quota is used up.";
            Some(refusal(403, "youtube.quota", "quotaExceeded", "RESOURCE_EXHAUSTED", message))
        }
        _ => None,
    }
}

fn planned(plan: &Plan) -> u32 {
    u32::try_from(plan.regions.len()).unwrap_or(u32::MAX).saturating_mul(plan.pages)
}

fn page(plan: &Plan, query: &Query) -> Result<Answer, Answer> {
    if query.get("part").is_none() || query.get("chart") != Some("mostPopular") {
        return Err(bad_request("missingRequiredParameter", "The demo wants part and chart=mostPopular."));
    }
    let size = match query.get("maxResults").unwrap_or("5").parse() {
        Ok(size @ 1..=50) => size,
        _ => return Err(bad_request("invalidParameter", "maxResults must be within [1, 50].")),
    };
    let Some(region) = Region::new(query.region_code()).filter(|region| region.is_known()) else {
        return Err(bad_request("videoChartNotFound", "The demo has no chart for this regionCode."));
    };
    let start = match query.get("pageToken") {
        Some(token) => {
            read_token(token).ok_or_else(|| bad_request("invalidPageToken", "No page has this pageToken."))?
        }
        None => 0,
    };
    let category = query.get("videoCategoryId").filter(|id| *id != "0");
    let mut videos = chart(region);
    videos.retain(|video| category.is_none_or(|id| id == video.category.to_string()));
    let items: Vec<Value> = videos.iter().skip(start).take(size).map(|video| item(video, plan.now)).collect();
    let end = start.saturating_add(items.len());
    let mut list = json!({
        "kind": "youtube#videoListResponse",
        "etag": etag(&[region.code(), query.get("pageToken").unwrap_or_default()]),
        "items": items,
        "pageInfo": { "totalResults": videos.len(), "resultsPerPage": items.len() },
    });
    if end < videos.len() {
        list["nextPageToken"] = token(end).into();
    }
    Ok((200, Vec::new(), list))
}

/// Looks as opaque as YouTube's, so that nobody comes to rely on what is in it.
fn token(start: usize) -> String {
    format!("CG{start:03X}QAA")
}

fn read_token(token: &str) -> Option<usize> {
    usize::from_str_radix(token.strip_prefix("CG")?.strip_suffix("QAA")?, 16).ok()
}

fn item(video: &Video, now: Timestamp) -> Value {
    let rating = if video.age_restricted { json!({ "ytRating": "ytAgeRestricted" }) } else { json!({}) };
    let mut item = json!({
        "kind": "youtube#video",
        "etag": etag(&[&video.id]),
        "id": video.id,
        "snippet": {
            "publishedAt": published(now, video.age),
            "channelId": video.channel_id,
            "title": video.title,
            "description": format!("{} – {}. A made-up video of trendfetch --demo.", video.title, video.channel),
            "thumbnails": thumbnails(video),
            "channelTitle": video.channel,
            "categoryId": video.category.to_string(),
            "liveBroadcastContent": video.broadcast,
            "localized": { "title": video.title },
        },
        "contentDetails": { "duration": duration(video), "contentRating": rating },
        "statistics": { "viewCount": video.views.to_string() },
        "status": { "embeddable": video.embeddable },
    });
    // What an owner left out is absent, not null.
    if video.age.is_multiple_of(4) {
        item["snippet"]["defaultLanguage"] = video.language.into();
    }
    if !video.age.is_multiple_of(5) {
        item["snippet"]["tags"] = json!([video.channel, video.title]);
    }
    if let Some(audio) = video.audio {
        item["snippet"]["defaultAudioLanguage"] = audio.into();
    }
    if let Some(likes) = video.likes {
        item["statistics"]["likeCount"] = likes.to_string().into();
    }
    if let Some(comments) = video.comments {
        item["statistics"]["commentCount"] = comments.to_string().into();
    }
    item
}

fn published(now: Timestamp, age: u64) -> String {
    let seconds = now.as_second().saturating_sub(i64::try_from(age).unwrap_or(i64::MAX));
    Timestamp::from_second(seconds).unwrap_or(now).to_string()
}

fn thumbnails(video: &Video) -> Value {
    let sizes = [
        ("default", "default", 120, 90),
        ("medium", "mqdefault", 320, 180),
        ("high", "hqdefault", 480, 360),
        ("standard", "sddefault", 640, 480),
        ("maxres", "maxresdefault", 1280, 720),
    ];
    let picture = |(name, file, width, height): (&str, &str, u32, u32)| {
        let url = format!("https://i.ytimg.com/vi/{}/{file}.jpg", video.id);
        (name.to_owned(), json!({ "url": url, "width": width, "height": height }))
    };
    Value::Object(sizes.into_iter().take(3 + video.large_pictures).map(picture).collect())
}

/// ISO 8601, without the parts that are 0; `P0D` for a broadcast that has not ended.
fn duration(video: &Video) -> String {
    if video.broadcast != "none" {
        return "P0D".to_owned();
    }
    let (hours, minutes, seconds) = (video.seconds / 3600, video.seconds / 60 % 60, video.seconds % 60);
    let parts = [(hours, 'H'), (minutes, 'M'), (seconds, 'S')];
    let shown = parts.iter().filter(|(number, _)| *number > 0).map(|(number, unit)| format!("{number}{unit}"));
    format!("PT{}", shown.collect::<String>())
}

fn etag(of: &[&str]) -> String {
    Dice::named(of).id(27)
}

fn bad_request(reason: &str, message: &str) -> Answer {
    refusal(400, "youtube.parameter", reason, "INVALID_ARGUMENT", message)
}

/// For an address that is not the list of videos.
pub(super) fn nothing_here() -> Answer {
    refusal(404, "global", "notFound", "NOT_FOUND", "The demo only answers GET /youtube/v3/videos.")
}

fn refusal(code: u16, domain: &str, reason: &str, status: &str, message: &str) -> Answer {
    let error = json!({ "message": message, "domain": domain, "reason": reason });
    let body = json!({ "error": { "code": code, "message": message, "errors": [error], "status": status } });
    (code, Vec::new(), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(mode: Mode) -> Plan {
        let regions = ["US", "GB", "DE"].iter().filter_map(|code| Region::new(code)).collect();
        Plan { mode, regions, pages: 2, now: Timestamp::UNIX_EPOCH }
    }

    fn query(text: &str) -> Query {
        let parameters = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        Query { has_key: true, parameters, earlier: 0, earlier_of_region: 0 }
    }

    fn ask(mode: Mode, text: &str) -> Answer {
        answer(&plan(mode), &query(&format!("part=snippet&chart=mostPopular&{text}")))
    }

    fn reason(answer: &Answer) -> (u16, &str) {
        (answer.0, answer.2["error"]["errors"][0]["reason"].as_str().unwrap_or_default())
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let (mut ids, mut token) = (Vec::new(), String::new());
        for page in 0..4 {
            let (status, _, body) = ask(Mode::Calm, &format!("regionCode=us&maxResults=50{token}"));
            assert_eq!((status, body["pageInfo"]["totalResults"].as_u64()), (200, Some(200)));
            ids.extend(body["items"].as_array().unwrap().iter().map(|item| item["id"].to_string()));
            assert_eq!(body.get("nextPageToken").is_some(), page < 3);
            token = format!("&pageToken={}", body["nextPageToken"].as_str().unwrap_or_default());
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 200);
        assert_eq!(ask(Mode::Calm, "").2["items"].as_array().unwrap().len(), 5);
    }

    #[test]
    fn a_category_is_a_short_chart() {
        let music = ask(Mode::Calm, "regionCode=DE&videoCategoryId=10&maxResults=50").2;
        assert!(music["items"].as_array().unwrap().iter().all(|item| item["snippet"]["categoryId"] == "10"));
        let none = ask(Mode::Calm, "regionCode=DE&videoCategoryId=15");
        assert_eq!((none.0, none.2["items"].as_array().map(Vec::len)), (200, Some(0)));
    }

    #[test]
    fn what_is_wrong_is_refused() {
        assert_eq!(reason(&answer(&plan(Mode::Calm), &Query::default())), (403, "forbidden"));
        assert_eq!(reason(&answer(&plan(Mode::Calm), &query("chart=mostPopular"))), (400, "missingRequiredParameter"));
        assert_eq!(reason(&ask(Mode::Calm, "regionCode=XX")), (400, "videoChartNotFound"));
        assert_eq!(reason(&ask(Mode::Calm, "maxResults=51")), (400, "invalidParameter"));
        assert_eq!(reason(&ask(Mode::Calm, "pageToken=next")), (400, "invalidPageToken"));
    }

    #[test]
    fn each_mode_has_its_fault() {
        let limited = ask(Mode::Limited, "regionCode=GB");
        assert_eq!(reason(&limited), (429, "rateLimitExceeded"));
        assert_eq!(limited.1, [("retry-after", "1")]);
        assert_eq!(ask(Mode::Limited, "regionCode=US").0, 200);
        assert_eq!(reason(&ask(Mode::Outage, "regionCode=DE")), (503, "backendError"));
        assert_eq!(ask(Mode::Outage, "regionCode=GB").0, 200);
        let late = |earlier| {
            let query = Query { earlier, ..query("part=id&chart=mostPopular&regionCode=DE") };
            answer(&plan(Mode::Quota), &query).0
        };
        assert_eq!((late(2), late(3)), (200, 403));
    }

    #[test]
    fn the_eight_regions_take_400_milliseconds_on_average() {
        let sum: Duration = LATENCIES.iter().map(|(code, _)| latency(code)).sum();
        assert_eq!(sum, Duration::from_millis(8 * 400));
        assert!(Region::all().all(|region| (200..=500).contains(&latency(region.code()).as_millis())));
    }
}
