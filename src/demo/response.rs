//! Decides the response to a request. Pure.
//!
//! The JSON follows "Videos: list" and "Errors" in the documentation of the YouTube Data API, and recorded responses.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Mode;
use super::charts::{ChartCache, DemoVideo, category_chart};
use super::hour::Hour;
use super::rng::Rng;
use crate::model::region::Region;

/// What stays the same during a run.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    pub mode: Mode,
    /// In the order requested.
    pub regions: Vec<Region>,
    /// How many requests a run without faults sends.
    pub requests: u32,
    /// In which the run started. It decides the charts.
    pub hour: Hour,
    pub charts: Arc<ChartCache>,
}

/// The parts of a request that decide the response.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    pub has_key: bool,
    /// The decoded query parameters.
    pub parameters: Vec<(String, String)>,
    /// How many requests preceded this one.
    pub earlier_requests: u32,
    /// How many of them were for the same region.
    pub earlier_for_region: u32,
}

impl Query {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// YouTube's default is the United States.
    pub(super) fn region_code(&self) -> &str {
        self.get("regionCode").unwrap_or("US")
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reply {
    pub status: u16,
    /// The `Retry-After` header.
    pub retry_after: Option<&'static str>,
    pub body: Value,
}

/// How long a response takes. It is constant for each region, so that runs can be compared.
pub(super) fn latency(region: &str) -> Duration {
    let known = LATENCIES.iter().find(|(code, _)| *code == region).map(|(_, millis)| *millis);
    Duration::from_millis(known.unwrap_or_else(|| 200 + 10 * Rng::seeded(&["latency", region]).between(0, 30)))
}

/// The regions of the two named sets. `dailywatch` takes 3.2 s one at a time and 0.5 s all at once; `viralvidvault`
/// takes 2.8 and 0.45 s.
const LATENCIES: &[(&str, u64)] = &[
    ("US", 450),
    ("GB", 220),
    ("DE", 500),
    ("FR", 400),
    ("IN", 200),
    ("BR", 500),
    ("AU", 480),
    ("CA", 450),
    ("PL", 450),
    ("NL", 360),
    ("SE", 450),
    ("NO", 450),
    ("AT", 420),
];

/// Responds to a request for a page of a chart.
pub(super) fn respond(scenario: &Scenario, query: &Query) -> Reply {
    if !query.has_key {
        let message = "Method doesn't allow unregistered callers: the demo requires an API key too; any key will do.";
        return error(403, "global", "forbidden", "PERMISSION_DENIED", message);
    }
    fault(scenario, query).unwrap_or_else(|| page(scenario, query).unwrap_or_else(|error| error))
}

/// The fault with which the mode answers this request.
fn fault(scenario: &Scenario, query: &Query) -> Option<Reply> {
    let is_for = |region: Option<&Region>| region.is_some_and(|region| region.code() == query.region_code());
    let regions = &scenario.regions;
    match scenario.mode {
        Mode::Limited if is_for(regions.get(1).or(regions.first())) && query.earlier_for_region == 0 => {
            let message = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of the demo.";
            let reply = error(429, "global", "rateLimitExceeded", "RESOURCE_EXHAUSTED", message);
            Some(Reply { retry_after: Some("1"), ..reply })
        }
        Mode::Outage if is_for(regions.last()) => {
            Some(error(503, "global", "backendError", "UNAVAILABLE", "The demo's service is out of order here."))
        }
        Mode::Quota if query.earlier_requests >= scenario.requests / 2 => {
            let message = "The request cannot be completed because the demo's quota is used up.";
            Some(error(403, "youtube.quota", "quotaExceeded", "RESOURCE_EXHAUSTED", message))
        }
        _ => None,
    }
}

fn page(scenario: &Scenario, query: &Query) -> Result<Reply, Reply> {
    if query.get("part").is_none() || query.get("chart") != Some("mostPopular") {
        return Err(bad_request("missingRequiredParameter", "The demo requires part and chart=mostPopular."));
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
            parse_token(token).ok_or_else(|| bad_request("invalidPageToken", "No page has this pageToken."))?
        }
        None => 0,
    };
    let whole = scenario.charts.chart(region);
    let videos = match query.get("videoCategoryId").filter(|id| *id != "0") {
        None => whole,
        Some(id) => {
            let chart = id.parse().ok().and_then(|id| category_chart(region, id, &whole, scenario.hour));
            Arc::new(chart.ok_or_else(no_category_chart)?)
        }
    };
    let items: Vec<Value> = videos.iter().skip(start).take(size).map(|video| item(video, scenario.hour)).collect();
    let end = start.saturating_add(items.len());
    let mut body = json!({
        "kind": "youtube#videoListResponse",
        "etag": etag(&[region.code(), query.get("pageToken").unwrap_or_default(), &scenario.hour.0.to_string()]),
        "items": items,
        "pageInfo": { "totalResults": videos.len(), "resultsPerPage": items.len() },
    });
    if end < videos.len() {
        body["nextPageToken"] = token(end).into();
    }
    Ok(Reply { status: 200, retry_after: None, body })
}

/// As recorded for category 27 in India, 2026-10.
fn no_category_chart() -> Reply {
    error(404, "global", "notFound", "NOT_FOUND", "Requested entity was not found.")
}

/// Opaque like YouTube's tokens, so that nobody relies on its content.
fn token(start: usize) -> String {
    format!("CG{start:03X}QAA")
}

fn parse_token(token: &str) -> Option<usize> {
    usize::from_str_radix(token.strip_prefix("CG")?.strip_suffix("QAA")?, 16).ok()
}

fn item(video: &DemoVideo, hour: Hour) -> Value {
    let rating = if video.age_restricted { json!({ "ytRating": "ytAgeRestricted" }) } else { json!({}) };
    let mut item = json!({
        "kind": "youtube#video",
        "etag": etag(&[&video.id, &hour.0.to_string()]),
        "id": video.id,
        "snippet": {
            "publishedAt": published(video),
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
    // The API omits missing fields instead of sending null.
    if video.published % 4 == 0 {
        item["snippet"]["defaultLanguage"] = video.language.into();
    }
    if video.published % 5 != 0 {
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

fn published(video: &DemoVideo) -> String {
    Timestamp::from_second(video.published).unwrap_or_default().to_string()
}

fn thumbnails(video: &DemoVideo) -> Value {
    let sizes = [
        ("default", "default", 120, 90),
        ("medium", "mqdefault", 320, 180),
        ("high", "hqdefault", 480, 360),
        ("standard", "sddefault", 640, 480),
        ("maxres", "maxresdefault", 1280, 720),
    ];
    let thumbnail = |(name, file, width, height): (&str, &str, u32, u32)| {
        let url = format!("https://i.ytimg.com/vi/{}/{file}.jpg", video.id);
        (name.to_owned(), json!({ "url": url, "width": width, "height": height }))
    };
    Value::Object(sizes.into_iter().take(3 + video.large_thumbnails).map(thumbnail).collect())
}

/// An ISO 8601 duration without parts that are 0; `P0D` for a broadcast that has not ended.
fn duration(video: &DemoVideo) -> String {
    if video.broadcast != "none" {
        return "P0D".to_owned();
    }
    let (hours, minutes, seconds) = (video.seconds / 3600, video.seconds / 60 % 60, video.seconds % 60);
    let parts = [(hours, 'H'), (minutes, 'M'), (seconds, 'S')];
    let shown = parts.iter().filter(|(number, _)| *number > 0).map(|(number, unit)| format!("{number}{unit}"));
    format!("PT{}", shown.collect::<String>())
}

fn etag(name: &[&str]) -> String {
    Rng::seeded(name).id(27)
}

fn bad_request(reason: &str, message: &str) -> Reply {
    error(400, "youtube.parameter", reason, "INVALID_ARGUMENT", message)
}

/// Responds to any other path or method.
pub(super) fn not_found() -> Reply {
    error(404, "global", "notFound", "NOT_FOUND", "The demo only answers GET /youtube/v3/videos.")
}

fn error(code: u16, domain: &str, reason: &str, status: &str, message: &str) -> Reply {
    let error = json!({ "message": message, "domain": domain, "reason": reason });
    let body = json!({ "error": { "code": code, "message": message, "errors": [error], "status": status } });
    Reply { status: code, retry_after: None, body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::region_list;

    const HOUR: Hour = Hour(500_000);

    fn scenario(mode: Mode) -> Scenario {
        let regions = ["US", "GB", "DE"].iter().filter_map(|code| Region::new(code)).collect();
        Scenario { mode, regions, requests: 6, hour: HOUR, charts: Arc::new(ChartCache::at(HOUR)) }
    }

    fn query(text: &str) -> Query {
        let parameters = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        Query { has_key: true, parameters, ..Query::default() }
    }

    fn request(mode: Mode, text: &str) -> Reply {
        respond(&scenario(mode), &query(&format!("part=snippet&chart=mostPopular&{text}")))
    }

    fn reason(reply: &Reply) -> (u16, &str) {
        (reply.status, reply.body["error"]["errors"][0]["reason"].as_str().unwrap_or_default())
    }

    #[test]
    fn pages_continue_to_the_end_of_the_chart() {
        let (mut ids, mut token) = (Vec::new(), String::new());
        for page in 0..4 {
            let Reply { status, body, .. } = request(Mode::Calm, &format!("regionCode=us&maxResults=50{token}"));
            assert_eq!((status, body["pageInfo"]["totalResults"].as_u64()), (200, Some(200)));
            ids.extend(body["items"].as_array().unwrap().iter().map(|item| item["id"].to_string()));
            assert_eq!(body.get("nextPageToken").is_some(), page < 3);
            token = format!("&pageToken={}", body["nextPageToken"].as_str().unwrap_or_default());
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 200);
        assert_eq!(request(Mode::Calm, "").body["items"].as_array().unwrap().len(), 5);
    }

    #[test]
    fn a_category_has_a_chart_of_its_own_in_most_regions() {
        let music = request(Mode::Calm, "regionCode=DE&videoCategoryId=10&maxResults=50").body;
        assert!(music["items"].as_array().unwrap().iter().all(|item| item["snippet"]["categoryId"] == "10"));
        assert_eq!(music["pageInfo"]["totalResults"], 200);
        let unknown = request(Mode::Calm, "regionCode=DE&videoCategoryId=99");
        assert_eq!(reason(&unknown), (404, "notFound"));
        let with_chart =
            |category: u32| Region::all().filter(move |region| category_chart(*region, category, &[], HOUR).is_some());
        assert_eq!(with_chart(25).count(), Region::all().count());
        assert!((20..50).contains(&with_chart(27).count()) && with_chart(29).count() > 0);
    }

    #[test]
    fn invalid_requests_get_an_error() {
        assert_eq!(reason(&respond(&scenario(Mode::Calm), &Query::default())), (403, "forbidden"));
        assert_eq!(
            reason(&respond(&scenario(Mode::Calm), &query("chart=mostPopular"))),
            (400, "missingRequiredParameter")
        );
        assert_eq!(reason(&request(Mode::Calm, "regionCode=XX")), (400, "videoChartNotFound"));
        assert_eq!(reason(&request(Mode::Calm, "maxResults=51")), (400, "invalidParameter"));
        assert_eq!(reason(&request(Mode::Calm, "pageToken=next")), (400, "invalidPageToken"));
    }

    #[test]
    fn each_mode_has_its_fault() {
        let limited = request(Mode::Limited, "regionCode=GB");
        assert_eq!(reason(&limited), (429, "rateLimitExceeded"));
        assert_eq!(limited.retry_after, Some("1"));
        assert_eq!(request(Mode::Limited, "regionCode=US").status, 200);
        assert_eq!(reason(&request(Mode::Outage, "regionCode=DE")), (503, "backendError"));
        assert_eq!(request(Mode::Outage, "regionCode=GB").status, 200);
        let status_after = |earlier_requests| {
            let query = Query { earlier_requests, ..query("part=id&chart=mostPopular&regionCode=DE") };
            respond(&scenario(Mode::Quota), &query).status
        };
        assert_eq!((status_after(2), status_after(3)), (200, 403));
    }

    #[test]
    fn latencies_give_the_tables_of_both_sets() {
        for (set, one_at_a_time, all_at_once) in [("dailywatch", 3200, 500), ("viralvidvault", 2800, 450)] {
            let regions = region_list::parse(set).unwrap();
            let latencies: Vec<Duration> = regions.iter().map(|region| latency(region.code())).collect();
            assert_eq!(latencies.iter().sum::<Duration>(), Duration::from_millis(one_at_a_time), "{set}");
            assert_eq!(latencies.iter().max(), Some(&Duration::from_millis(all_at_once)), "{set}");
        }
        assert!(Region::all().all(|region| (200..=500).contains(&latency(region.code()).as_millis())));
    }
}
