use serde_json::{Value, json};

use super::item::{MAX_DESCRIPTION, MAX_TAGS, MAX_TITLE};
use super::*;
use crate::model::category::Category;
use crate::model::language::Language;
use crate::model::valid::MAX_URL;
use crate::model::{Live, Video};

fn range() -> PageRange {
    PageRange { offset: 50, size: 50, description: true, fetched_at: "2026-11-22T21:00:05Z".parse().unwrap() }
}

fn read(body: impl AsRef<[u8]>) -> Result<Page, PageError> {
    parse_page(body.as_ref(), range())
}

/// The page of these items.
fn items(items: Value) -> Page {
    read(json!({ "items": items }).to_string()).unwrap()
}

/// The video of an item with an id and this part.
fn video_of(part: &str, fields: Value) -> Video {
    let page = items(json!([{"id": "abcdefghijk", part: fields}]));
    *page.entries.into_iter().next().unwrap().video
}

fn ranks(page: &Page) -> Vec<(u32, &str)> {
    page.entries.iter().map(|entry| (entry.rank, entry.video.id.as_str())).collect()
}

/// The video of an item of which only the id can be used.
fn bare(id: &str) -> Video {
    Video { id: id.into(), description: Some("".into()), ..Video::default() }
}

/// An item as YouTube sends it, with parts that are not requested.
fn full() -> Value {
    json!({
        "kind": "youtube#video",
        "etag": "\"XI7nbFXulYBIpL0ayR_gDh3eu1k/abc\"",
        "id": "a-B_c1d2E3f",
        "snippet": {
            "publishedAt": "2023-11-02T14:01:47Z",
            "channelId": "UCabc",
            "title": "Zażółć 🎵 \u{202e}gęślą & \"jaźń\"",
            "description": "line\r\nline\n",
            "thumbnails": {
                "default": {"url": "https://i.ytimg.com/default.jpg", "width": 120, "height": 90},
                "maxres": {"url": "https://i.ytimg.com/maxres.jpg", "width": 1280, "height": 720},
                "high": {"url": "https://i.ytimg.com/high.jpg", "width": 480, "height": 360}
            },
            "channelTitle": "Kanał",
            "tags": ["music video", "żółw"],
            "categoryId": "10",
            "liveBroadcastContent": "none",
            "defaultLanguage": "en",
            "localized": {"title": "x", "description": "y"},
            "defaultAudioLanguage": "pl-PL"
        },
        "contentDetails": {
            "duration": "PT15M51S",
            "dimension": "2d",
            "caption": "true",
            "licensedContent": true,
            "regionRestriction": {"blocked": ["RU"]},
            "contentRating": {"ytRating": "ytAgeRestricted"}
        },
        "status": {"embeddable": false, "privacyStatus": "public"},
        "statistics": {"viewCount": "18446744073709551615", "likeCount": "7", "favoriteCount": "0", "commentCount": "0"}
    })
}

#[test]
fn every_field_of_a_full_item_arrives() {
    let body = json!({
        "kind": "youtube#videoListResponse",
        "etag": "x",
        "pageInfo": {"totalResults": 200, "resultsPerPage": 5},
        "nextPageToken": "CDIQAA",
        "items": [full()]
    });
    let video = Video {
        id: "a-B_c1d2E3f".into(),
        title: "Zażółć 🎵 \u{202e}gęślą & \"jaźń\"".into(),
        channel: "Kanał".into(),
        channel_id: Some("UCabc".into()),
        category: Some(Category::new(10)),
        views: Some(u64::MAX),
        likes: Some(7),
        comments: Some(0),
        published_at: Some("2023-11-02T14:01:47Z".parse().unwrap()),
        duration_seconds: Some(951),
        live: Live::None,
        embeddable: Some(false),
        age_restricted: Some(true),
        tags: ["music video", "żółw"].into_iter().collect(),
        thumbnail: Some("https://i.ytimg.com/maxres.jpg".into()),
        description: Some("line\r\nline\n".into()),
        declared_language: Language::new("pl"),
        language_tag: Some("pl-PL".into()),
    };
    let entry = ChartEntry { rank: 51, fetched_at: range().fetched_at, video: Box::new(video) };
    let page = Page { entries: vec![entry], skipped: 0, items: 1, next_page_token: Some("CDIQAA".into()) };
    assert_eq!(read(body.to_string()), Ok(page));
}

#[test]
fn a_count_is_a_number_or_a_string_or_else_unknown() {
    let cases = [
        (json!("123"), Some(123)),
        (json!(123), Some(123)),
        (json!("0"), Some(0)),
        (json!(u64::MAX), Some(u64::MAX)),
        (json!("18446744073709551616"), None),
        (json!(18_446_744_073_709_551_616.0), None),
        (json!("-1"), None),
        (json!(-1), None),
        (json!(1.0), None),
        (json!(""), None),
        (json!(" 5"), None),
        (json!("1,000"), None),
        (json!(null), None),
        (json!(true), None),
        (json!([5]), None),
        (json!({"low": 5}), None),
    ];
    for (value, expected) in cases {
        let statistics = json!({"viewCount": value, "likeCount": value, "commentCount": value});
        assert_eq!(counts(&video_of("statistics", statistics)), [expected; 3], "{value}");
    }
    assert_eq!(counts(&video_of("statistics", json!({"likeCount": "5"}))), [None, Some(5), None]);
    let beyond = r#"{"items":[{"id":"a","statistics":{"viewCount":18446744073709551616,"likeCount":5}}]}"#;
    assert_eq!(counts(&read(beyond).unwrap().entries[0].video), [None, Some(5), None]);
}

/// Views, likes, comments.
fn counts(video: &Video) -> [Option<u64>; 3] {
    [video.views, video.likes, video.comments]
}

#[test]
fn a_category_is_a_32_bit_number_or_a_string() {
    let category = |id: Value| video_of("snippet", json!({ "categoryId": id })).category;
    assert_eq!(category(json!("10")), Some(Category::new(10)));
    assert_eq!(category(json!(99)), Some(Category::new(99)));
    assert_eq!(category(json!("4294967296")), None);
    assert_eq!(category(json!("Music")), None);
}

/// The JSON pointers to all values of the full item.
fn paths(value: &Value, here: &str, all: &mut Vec<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let path = format!("{here}/{key}");
        paths(value, &path, all);
        all.push(path);
    }
}

#[test]
fn a_field_of_another_type_counts_as_missing() {
    let mut all = Vec::new();
    paths(&full(), "", &mut all);
    assert!(all.len() > 40 && all.contains(&"/snippet/thumbnails/high/width".to_owned()));
    for path in all.iter().filter(|path| *path != "/id") {
        for wrong in
            [json!(null), json!(5), json!(-5), json!(0.5), json!("?"), json!(true), json!([[5]]), json!({"a": []})]
        {
            let mut item = full();
            *item.pointer_mut(path).unwrap() = wrong.clone();
            let page = items(json!([item, {"id": "next"}]));
            assert_eq!(ranks(&page), [(51, "a-B_c1d2E3f"), (52, "next")], "{path} = {wrong}");
            // Only this field and its members are lost.
            let video = &page.entries[0].video;
            assert!(path.starts_with("/snippet") || video.channel == "Kanał", "{path} = {wrong}");
            assert!(path.starts_with("/statistics") || video.likes == Some(7), "{path} = {wrong}");
            assert!(path.starts_with("/contentDetails") || video.duration_seconds == Some(951), "{path} = {wrong}");
            assert!(path.starts_with("/status") || video.embeddable == Some(false), "{path} = {wrong}");
        }
    }
    for wrong in [json!(null), json!(5), json!("x"), json!([]), json!({})] {
        let fields = ["title", "channelTitle", "channelId", "description", "publishedAt", "thumbnails", "tags"];
        let snippet: Value = fields.iter().map(|field| ((*field).to_owned(), json!([wrong]))).collect();
        assert_eq!(
            video_of("snippet", snippet),
            Video { tags: tag_of(&wrong).into_iter().collect(), ..bare("abcdefghijk") }
        );
        for part in ["snippet", "statistics", "status"] {
            assert_eq!(video_of(part, wrong.clone()), bare("abcdefghijk"), "{part} = {wrong}");
        }
    }
}

/// In a list of tags, only strings count.
fn tag_of(value: &Value) -> Vec<String> {
    value.as_str().map(str::to_owned).into_iter().collect()
}

#[test]
fn an_item_without_a_usable_id_is_skipped_but_takes_a_rank() {
    let wrong = [
        json!(null),
        json!(5),
        json!("x"),
        json!([]),
        json!({}),
        json!({"id": null}),
        json!({"id": 5}),
        json!({"id": {"videoId": "abc"}}),
        json!({"id": ""}),
        json!({"id": "a b"}),
        json!({"id": " abc"}),
        json!({"id": "a,b"}),
        json!({"id": "ż"}),
        json!({"id": "a".repeat(65)}),
    ];
    for wrong in wrong {
        let page = items(json!([{"id": "first"}, wrong, {"id": "third"}]));
        assert_eq!(ranks(&page), [(51, "first"), (53, "third")], "{wrong}");
        assert_eq!((page.skipped, page.items), (1, 3), "{wrong}");
    }
    assert_eq!(ranks(&items(json!([{"id": "a".repeat(64)}]))).len(), 1);
}

#[test]
fn a_repeated_id_is_kept_with_both_ranks() {
    let page = items(json!([{"id": "a"}, {"id": "b"}, {"id": "a"}]));
    assert_eq!((ranks(&page), page.skipped), (vec![(51, "a"), (52, "b"), (53, "a")], 0));
}

#[test]
fn more_items_than_requested_are_ignored() {
    let body = json!({"items": [{"id": "a"}, {}, {"id": "c"}, {"id": "d"}], "nextPageToken": "t"}).to_string();
    let page = parse_page(body.as_bytes(), PageRange { offset: 0, size: 3, ..range() }).unwrap();
    assert_eq!((ranks(&page), page.skipped, page.items), (vec![(1, "a"), (3, "c")], 1, 3));
    assert_eq!(page.next_page_token.as_deref(), Some("t"));
}

#[test]
fn a_token_is_a_nonempty_string() {
    let next = |token: Value| read(json!({"items": [], "nextPageToken": token}).to_string()).unwrap().next_page_token;
    assert_eq!(next(json!("CDIQAA")).as_deref(), Some("CDIQAA"));
    for none in [json!(""), json!(null), json!(5), json!({})] {
        assert_eq!(next(none.clone()), None, "{none}");
    }
}

#[test]
fn an_empty_chart_is_a_page() {
    let empty = Page { entries: Vec::new(), skipped: 0, items: 0, next_page_token: None };
    for body in [
        r#"{"items":[]}"#,
        r#"{"kind":"youtube#videoListResponse"}"#,
        r#"{"kind":"youtube#videoListResponse","items":null}"#,
        " {\"kind\" : \"youtube#videoListResponse\", \"items\" : [ ] }\r\n",
    ] {
        assert_eq!(read(body), Ok(empty.clone()), "{body}");
    }
}

#[test]
fn a_body_that_is_not_a_video_list_has_the_wrong_shape() {
    for body in [
        "{}",
        "[]",
        r#""x""#,
        "5",
        "null",
        "<html></html>",
        "<!DOCTYPE html>",
        r#"{"items":{}}"#,
        r#"{"items":"x"}"#,
        r#"{"items":null}"#,
        r#"{"kind":5,"items":null}"#,
        r#"{"kind":"youtube#videoListResponse","items":5}"#,
        r#"{"kind":"youtube#channelListResponse"}"#,
        r#"{"kind":"youtube#searchListResponse","items":[{"id":"a"}]}"#,
        r#"{"kind":"","items":[{"id":"a"}]}"#,
        r#"{"error":{"code":403}}"#,
        r#"{"items":[]} trailing"#,
        r#"{"items":[]}{"items":[]}"#,
        r#"{"items":[{]}"#,
        "\u{1f}\u{8b}",
    ] {
        assert_eq!(read(body), Err(PageError::WrongShape), "{body}");
    }
}

#[test]
fn a_page_cut_anywhere_is_truncated() {
    let mut item = full();
    item["extra"] = json!([true, false, null, 15, {"a": 1}]);
    let body = json!({"kind": "youtube#videoListResponse", "items": [item, {"id": "b"}, 5], "nextPageToken": "t"});
    let body = body.to_string().replace("Zażółć", r"\ud83c\udfb5 \u017c\n").into_bytes();
    assert_eq!(read(&body).unwrap().entries[0].video.title.chars().next(), Some('🎵'));
    for length in 0..body.len() {
        assert_eq!(read(&body[..length]), Err(PageError::Truncated), "{}", String::from_utf8_lossy(&body[..length]));
    }
}

#[test]
fn a_missing_or_invalid_kind_is_ignored_if_there_are_items() {
    for kind in ["", r#""kind":null,"#, r#""kind":5,"#, r#""kind":"youtube#videoListResponse","#] {
        assert_eq!(ranks(&read(format!(r#"{{{kind}"items":[{{"id":"a"}}]}}"#)).unwrap()), [(51, "a")], "{kind}");
    }
}

#[test]
fn an_unpaired_surrogate_is_replaced_and_its_video_kept() {
    for (json, text) in [
        (r"x\ud83dy", "x\u{fffd}y"),
        (r"\ude00", "\u{fffd}"),
        (r"\ud83d\ud83d", "\u{fffd}\u{fffd}"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        (r"\ud83d\u0041", "\u{fffd}A"),
        (r"\\ud83d\ud83d", "\\ud83d\u{fffd}"),
    ] {
        let item = format!(
            r#"{{"id":"b","snippet":{{"title":"{json}","channelTitle":"{json}","channelId":"{json}","tags":["{json}","{json}"],
            "description":"{json}","thumbnails":{{"high":{{"url":"{json}"}}}},"{json}":"{json}","publishedAt":"{json}"}},
            "contentDetails":{{"duration":"{json}"}},"{json}":[{{"{json}":"{json}"}}]}}"#
        );
        let body =
            format!(r#"{{"nextPageToken":"{json}","{json}":1,"items":[{{"id":"a"}},{item},{{"id":"{json}"}}]}}"#);
        let page = read(&body).unwrap();
        assert_eq!((ranks(&page), page.skipped, page.items), (vec![(51, "a"), (52, "b")], 1, 3), "{body}");
        assert_eq!(page.next_page_token.as_deref(), Some(text));
        let expected = Video {
            title: text.into(),
            channel: text.into(),
            tags: [text, text].into_iter().collect(),
            description: Some(text.into()),
            age_restricted: Some(false),
            ..bare("b")
        };
        assert_eq!(*page.entries[1].video, expected, "{json}");
    }
}

#[test]
fn a_number_beyond_f64_costs_only_its_field() {
    for number in ["1e999", "-1e999", "1E+400", &"9".repeat(400), "1.5e99999999999999999999"] {
        for (field, lost) in [("likeCount", "likes"), ("viewCount", "views")] {
            let body = format!(
                r#"{{"pageInfo":{{"totalResults":{number}}},"items":[{{"id":"a","statistics":{{"viewCount":1,"likeCount":2,"{field}":{number}}}}}]}}"#
            );
            let expected = if lost == "likes" { [Some(1), None, None] } else { [None, Some(2), None] };
            assert_eq!(counts(&read(&body).unwrap().entries[0].video), expected, "{body}");
        }
    }
}

#[test]
fn the_last_of_repeated_fields_counts() {
    let body = r#"{"kind":"youtube#searchListResponse","items":"x","items":[{"id":"lost"}],"nextPageToken":"a",
        "nextPageToken":"b","kind":"youtube#videoListResponse","items":[{"id":"lost","id":"a",
        "snippet":{"title":"lost","channelTitle":"lost"},
        "snippet":{"title":"lost","title":"last","tags":["lost"],"tags":["a","b"],"channelId":"lost","channelId":5,
            "thumbnails":{"high":{"url":"lost"},"maxres":{"url":"https://lost"},"maxres":{"url":"https://lost","url":"https://last"}}},
        "statistics":{"viewCount":"1","viewCount":"2","likeCount":"1","likeCount":"x"},
        "contentDetails":{"duration":"PT1S"},"contentDetails":null}]}"#;
    let mut page = read(body).unwrap();
    assert_eq!((ranks(&page), page.next_page_token.as_deref()), (vec![(51, "a")], Some("b")));
    let expected = Video {
        title: "last".into(),
        tags: ["a", "b"].into_iter().collect(),
        thumbnail: Some("https://last".into()),
        views: Some(2),
        ..bare("a")
    };
    assert_eq!(*page.entries.remove(0).video, expected);
    assert_eq!(read(r#"{"items":[],"items":"x"}"#), Err(PageError::WrongShape));
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert_eq!(ranks(&read("\u{feff}{\"items\":[{\"id\":\"a\"}]}").unwrap()), [(51, "a")]);
    assert_eq!(read("\u{feff}\u{feff}{\"items\":[]}"), Err(PageError::WrongShape));
    for cut in ["\u{feff}{\"items\":[", "\u{feff}"] {
        assert_eq!(read(cut), Err(PageError::Truncated));
    }
    assert_eq!(read(b"\xef\xbb"), Err(PageError::Truncated));
}

#[test]
fn texts_far_beyond_youtubes_limits_are_cut() {
    let long = |limit: usize| ("ż".repeat(limit), "ż".repeat(limit + 1));
    let (title, too_long) = long(MAX_TITLE);
    let (description, too_long_description) = long(MAX_DESCRIPTION);
    for (sent, sent_description) in [(&title, &description), (&too_long, &too_long_description)] {
        let snippet = json!({"title": sent, "channelTitle": sent, "description": sent_description});
        let video = video_of("snippet", snippet);
        assert_eq!((&*video.title, &*video.channel), (&*title, &*title));
        assert_eq!(video.description.as_deref(), Some(&*description));
    }
    let token = json!({"items": [], "nextPageToken": "x".repeat(1 << 20)}).to_string();
    assert_eq!(read(token).unwrap().next_page_token.unwrap().len(), MAX_TOKEN);
}

#[test]
fn an_unusable_channel_id_or_thumbnail_counts_as_missing() {
    let channel_id = |id: &str| video_of("snippet", json!({ "channelId": id })).channel_id;
    for id in ["UCabc", "-UC_a", &"x".repeat(64)] {
        assert_eq!(channel_id(id).as_deref(), Some(id));
    }
    for id in ["", "=1+1", "UC abc", "UC\n", "UC\0", "Ü", "-2+3+cmd|'/C calc'!A0", &"x".repeat(65)] {
        assert_eq!(channel_id(id), None, "{id:?}");
    }
    let thumbnail = |url: &str| {
        let pictures = json!({"maxres": {"url": url}, "high": {"url": "https://high"}});
        video_of("snippet", json!({ "thumbnails": pictures })).thumbnail.unwrap()
    };
    let longest = format!("https://{}", "x".repeat(MAX_URL - 8));
    for url in ["https://i.ytimg.com/vi/a/1.jpg?a=b#c", "http://host/%C3%BC", &longest] {
        assert_eq!(thumbnail(url), url);
    }
    for url in [
        "",
        "=1+1",
        "//host",
        "javascript:alert(1)",
        "https://a b",
        "https://a\n",
        "https://\0",
        &format!("{longest}x"),
    ] {
        assert_eq!(thumbnail(url), "https://high", "{url:?}");
    }
}

#[test]
fn tags_end_before_the_first_that_does_not_fit() {
    let count = |tags: Value| video_of("snippet", json!({ "tags": tags })).tags.iter().count();
    let long = |length: usize| "ż".repeat(length);
    assert_eq!(count(json!([long(MAX_TAGS)])), 1);
    assert_eq!(count(json!([long(MAX_TAGS + 1), "a"])), 0);
    assert_eq!(count(json!([long(MAX_TAGS - 2), "a", "b"])), 2);
    assert_eq!(count(json!(["a", long(MAX_TAGS), "b", 5, [["c"]]])), 1);
    assert_eq!(count(json!(vec![""; 3 * MAX_TAGS])), MAX_TAGS + 1);
}

#[test]
fn invalid_utf_8_becomes_replacement_characters() {
    let page =
        read(b"{\"items\":[{\"id\":\"a\",\"snippet\":{\"title\":\"x\xff\xe2\x82y\"}},{\"id\":\"b\xff\"}]}").unwrap();
    assert_eq!(page.entries[0].video.title, "x\u{fffd}\u{fffd}y");
    assert_eq!((ranks(&page), page.skipped), (vec![(51, "a")], 1));
}

#[test]
fn deep_nesting_is_read_without_a_deep_stack() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_object = format!("{}5{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    for deep in [deep, deep_object] {
        for body in [
            format!(r#"{{"pageInfo":{deep},"items":[{{"id":"a"}}]}}"#),
            format!(r#"{{"nextPageToken":{deep},"items":[{{"id":"a"}}]}}"#),
            format!(r#"{{"items":[{{"id":"a","topicDetails":{deep}}}]}}"#),
            format!(r#"{{"items":[{{"id":"a","snippet":{deep}}}]}}"#),
            format!(r#"{{"items":[{{"id":"a","snippet":{{"title":{deep},"tags":{deep},"thumbnails":{deep}}}}}]}}"#),
            format!(r#"{{"items":[{{"id":"a","statistics":{{"viewCount":{deep}}}}},{deep}]}}"#),
            // Read a second time, because of the second item's title.
            format!(r#"{{"items":[{{"id":"a","snippet":{{"title":{deep}}}}},{{"snippet":{{"title":"\ud83d"}}}}]}}"#),
        ] {
            let page = read(&body).unwrap();
            assert_eq!(page.entries.len(), 1);
            assert_eq!(*page.entries[0].video, Video { age_restricted: None, ..bare("a") });
        }
        assert_eq!(read(&deep), Err(PageError::WrongShape));
    }
}

#[test]
fn the_thumbnail_is_the_largest_of_the_five_known_sizes() {
    let thumbnail = |names: &[&str]| {
        let picture = |name: &&str| ((*name).to_owned(), json!({"url": format!("https://{name}"), "width": 9}));
        let thumbnails: Value = names.iter().map(picture).collect();
        let thumbnail = video_of("snippet", json!({ "thumbnails": thumbnails })).thumbnail;
        thumbnail.map(|url| url.replace("https://", ""))
    };
    let others = ["fhd", "qhd", "uhd", "shortsAspectRatio", "Maxres", ""];
    let mut names = ["default", "medium", "high", "standard", "maxres"].as_slice();
    while let Some((largest, smaller)) = names.split_last() {
        assert_eq!(thumbnail(&[&others, names].concat()).as_deref(), Some(*largest));
        assert_eq!(thumbnail(&[names, &others].concat()).as_deref(), Some(*largest));
        names = smaller;
    }
    assert_eq!(thumbnail(&others), None);
    let wrong = |maxres: Value| {
        let thumbnails = json!({"high": {"url": "https://high"}, "maxres": maxres});
        video_of("snippet", json!({ "thumbnails": thumbnails })).thumbnail.unwrap()
    };
    let url = "https://x";
    assert_eq!(wrong(json!({"url": url, "width": "?", "height": -1})), url);
    for maxres in [json!(null), json!(url), json!({}), json!({"url": null}), json!({"url": ""}), json!([{"url": url}])]
    {
        assert_eq!(wrong(maxres.clone()), "https://high", "{maxres}");
    }
    assert_eq!(video_of("snippet", json!({"thumbnails": [{"url": url}]})).thumbnail, None);
}

#[test]
fn tags_are_the_strings_of_the_list_in_order() {
    let tags = |tags: Value| -> Vec<String> {
        video_of("snippet", json!({ "tags": tags })).tags.iter().map(str::to_owned).collect()
    };
    assert_eq!(tags(json!(["b", "a c", "", "b"])), ["b", "a c", "", "b"]);
    assert_eq!(tags(json!(["b", null, 5, ["x"], {"a": "x"}, "a"])), ["b", "a"]);
    assert!(tags(json!([])).is_empty() && tags(json!("a")).is_empty());
}

#[test]
fn a_language_is_its_current_primary_subtag() {
    let cases = [
        ("en", Some("en")),
        ("en-US", Some("en")),
        ("en_GB", Some("en")),
        ("EN", Some("en")),
        ("zh-Hant-TW", Some("zh")),
        ("yue", Some("yue")),
        ("fil", Some("tl")),
        ("FIL-PH", Some("tl")),
        ("iw", Some("he")),
        ("in", Some("id")),
        ("ji", Some("yi")),
        ("jw", Some("jv")),
        ("mo-MD", Some("ro")),
        ("zxx", None),
        ("und", None),
        ("mul", None),
        ("MIS-Latn", None),
        ("UND-x", None),
        ("", None),
        ("-", None),
        ("e", None),
        ("english", None),
        ("e1", None),
        ("日本", None),
        ("en US", None),
    ];
    for (tag, expected) in cases {
        for field in ["defaultAudioLanguage", "defaultLanguage"] {
            let language = video_of("snippet", json!({ field: tag })).declared_language;
            assert_eq!(language.as_ref().map(Language::code), expected, "{field} {tag:?}");
        }
    }
}

#[test]
fn the_audio_language_takes_precedence_over_that_of_the_title() {
    let language = |audio: Value, title: &str| {
        video_of("snippet", json!({"defaultAudioLanguage": audio, "defaultLanguage": title})).declared_language
    };
    assert_eq!(language(json!("de"), "en"), Language::new("de"));
    assert_eq!(language(json!("zxx"), "en"), Language::new("en"));
    assert_eq!(language(json!(null), "en"), Language::new("en"));
    assert_eq!(language(json!("zxx"), "und"), None);
}

#[test]
fn the_tag_of_the_declared_language_is_kept_as_it_is() {
    let tag = |audio: Value, title: Value| {
        video_of("snippet", json!({"defaultAudioLanguage": audio, "defaultLanguage": title})).language_tag
    };
    for (audio, title, expected) in [
        (json!("de-AT"), json!("en"), Some("de-AT")),
        (json!("iw"), json!("en"), Some("iw")),
        (json!("zh-Hant-TW"), json!(null), Some("zh-Hant-TW")),
        // The language is that of the title, and so is the tag.
        (json!("zxx"), json!("en-GB"), Some("en-GB")),
        (json!(null), json!("EN_us"), Some("EN_us")),
        // No tag names a language.
        (json!("zxx"), json!("und"), Some("zxx")),
        (json!(null), json!("english"), Some("english")),
        (json!(""), json!(7), None),
        (json!("=1+1"), json!("x".repeat(65)), None),
    ] {
        assert_eq!(tag(audio.clone(), title.clone()).as_deref(), expected, "{audio} {title}");
    }
}

#[test]
fn a_duration_is_whole_seconds_or_none() {
    let cases = [
        ("PT15M51S", Some(951)),
        ("PT45S", Some(45)),
        ("PT16M", Some(960)),
        ("PT2H", Some(7_200)),
        ("PT1H17M31S", Some(4_651)),
        ("P1DT2H3M4S", Some(93_784)),
        ("P1W", Some(604_800)),
        ("PT1S", Some(1)),
        ("P0D", None),
        ("PT0S", None),
        ("-PT5S", None),
        ("P1M", None),
        ("P", None),
        ("PT", None),
        ("", None),
        ("951", None),
        ("15:51", None),
        ("soon", None),
        ("PT99999999999999999999S", None),
    ];
    for (duration, expected) in cases {
        let video = video_of("contentDetails", json!({ "duration": duration }));
        assert_eq!(video.duration_seconds, expected, "{duration:?}");
    }
}

#[test]
fn a_date_is_read_with_and_without_a_fraction() {
    let published = |text: &str| video_of("snippet", json!({ "publishedAt": text })).published_at;
    let expected: Option<Timestamp> = Some("2018-10-31T12:00:06Z".parse().unwrap());
    for text in
        ["2018-10-31T12:00:06.000Z", "2018-10-31T12:00:06Z", "2018-10-31t14:00:06+02:00", "2018-10-31T10:30:06-01:30"]
    {
        assert_eq!(published(text), expected, "{text}");
    }
    for text in ["", "yesterday", "2018-10-31", "2018-10-31T12:00:06", "2018-13-31T12:00:06Z", "1540987206"] {
        assert_eq!(published(text), None, "{text}");
    }
}

#[test]
fn a_date_is_in_rfc_3339_form_and_in_the_years_1_to_9999() {
    let published = |text: &str| video_of("snippet", json!({ "publishedAt": text })).published_at;
    let years = ["0001-01-01T00:00:00Z", "0001-01-01T02:00:00+02:00", "9999-12-30T12:00:00Z"];
    let written = years.map(|text| published(text).unwrap().to_string());
    assert_eq!(written, ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-30T12:00:00Z"]);
    for text in [
        "0000-12-31T23:59:59Z",
        "0001-01-01T01:59:59+02:00",
        "-000001-01-01T00:00:00Z",
        "+002018-10-31T12:00:06Z",
        "+010000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "20181031T120006Z",
        "2018-10-31 12:00:06Z",
        "2018-10-31T12Z",
        "2018-10-31T12:00Z",
        "2018-10-31T12:00:06,5Z",
        "2018-10-31T12:00:06+02",
        "2018-10-31T12:00:06+0200",
        "2018-10-31T12:00:06Z[UTC]",
        "2018-10-31T12:00:06+02:00[Europe/Warsaw]",
        " 2018-10-31T12:00:06Z",
        "２018-10-31T12:00:06Z",
        "2018-10-31T12:00:06é",
    ] {
        assert_eq!(published(text), None, "{text}");
    }
}

#[test]
fn a_broadcast_is_live_or_upcoming_or_else_none() {
    let live = |value: Value| video_of("snippet", json!({ "liveBroadcastContent": value })).live;
    assert_eq!((live(json!("live")), live(json!("upcoming"))), (Live::Live, Live::Upcoming));
    for other in [json!("none"), json!("completed"), json!("LIVE"), json!(""), json!(null), json!(true)] {
        assert_eq!(live(other.clone()), Live::None, "{other}");
    }
}

#[test]
fn age_restricted_is_known_if_there_are_details() {
    let restricted = |details: Value| video_of("contentDetails", details).age_restricted;
    assert_eq!(restricted(json!({"contentRating": {"ytRating": "ytAgeRestricted"}})), Some(true));
    for rating in [json!({}), json!({"mpaaRating": "mpaaR"}), json!({"ytRating": "other"}), json!(null)] {
        assert_eq!(restricted(json!({ "contentRating": rating })), Some(false), "{rating}");
    }
    assert_eq!(restricted(json!({})), Some(false));
    assert_eq!(restricted(json!(null)), None);
    assert_eq!(video_of("snippet", json!({})).age_restricted, None);
}

#[test]
fn a_description_is_kept_on_request_and_empty_if_missing() {
    let description = |is_requested, item: Value| {
        let body = json!({ "items": [item] }).to_string();
        parse_page(body.as_bytes(), PageRange { description: is_requested, ..range() })
            .unwrap()
            .entries
            .remove(0)
            .video
            .description
    };
    assert_eq!(description(true, full()).as_deref(), Some("line\r\nline\n"));
    assert_eq!(description(true, json!({"id": "a"})).as_deref(), Some(""));
    assert_eq!(description(false, full()), None);
}

#[test]
fn a_list_has_the_wrong_shape() {
    for body in ["[]", r#"[null,null,[{"id":"x"}]]"#, " [1,2,[]]"] {
        assert_eq!(read(body), Err(PageError::WrongShape), "{body}");
    }
}

#[test]
fn a_page_cut_after_an_unpaired_surrogate_is_truncated() {
    assert_eq!(read(r#"{"items":[{"id":"a","snippet":{"title":"\ud83d"}},{"id":"b""#), Err(PageError::Truncated));
}

#[test]
fn exactly_the_fields_that_are_read_are_requested() {
    let snippet =
        "title,thumbnails,channelTitle,tags,categoryId,liveBroadcastContent,defaultLanguage,defaultAudioLanguage";
    let rest = "contentDetails(duration,contentRating(ytRating)),statistics(viewCount,likeCount,commentCount),status(embeddable)";
    assert_eq!(
        selected_fields(false),
        format!("kind,nextPageToken,items(id,snippet(publishedAt,channelId,{snippet}),{rest})")
    );
    assert!(selected_fields(true).contains("channelId,title,description,thumbnails,"));
}
