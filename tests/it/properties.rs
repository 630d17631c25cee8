//! The oracles of the fuzzers on stable, the layouts of error bodies, and text from strangers end to end.

use proptest::prelude::*;
use serde_json::{Value, json};
use trendfetch::fetch::api::{self, PageRequest};
use trendfetch::fetch::transport::Reply;
use trendfetch::region::parse_list;
use trendfetch::text::is_hidden;

use crate::harness::{Answer, Run, Server, item};

#[path = "../fuzz/oracles.rs"]
mod oracles;

/// JSON of any shape, with the names of the API where an object needs names.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[A-Za-z0-9_-]{1,11}".prop_map(Value::from),
        "[0-9]{1,22}".prop_map(Value::from),
        "P[0-9DTHMS]{0,8}".prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "items",
        "id",
        "snippet",
        "title",
        "channelTitle",
        "tags",
        "categoryId",
        "thumbnails",
        "default",
        "url",
        "width",
        "statistics",
        "viewCount",
        "likeCount",
        "contentDetails",
        "duration",
        "status",
        "embeddable",
        "kind",
        "nextPageToken",
        "error",
        "errors",
        "details",
        "reason",
        "message",
        "location",
        "metadata",
        "quota_unit",
        "retryDelay",
        "code",
        "defaultLanguage",
        "defaultAudioLanguage",
        "publishedAt",
    ]);
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..8)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_body_is_a_page_or_is_none(body in any::<Vec<u8>>(), json in any_json(), items in prop::collection::vec(any_json(), 0..60)) {
        oracles::check_page(&body, 0, 50);
        oracles::check_page(json.to_string().as_bytes(), 100, 50);
        oracles::check_page(json!({ "items": items }).to_string().as_bytes(), 50, 7);
    }

    #[test]
    fn any_answer_has_a_kind(status in 100_u16..600, retry_after in proptest::option::of("\\PC{0,30}"), json in any_json(), body in any::<Vec<u8>>()) {
        oracles::check_reply(status, retry_after.clone(), None, &body);
        oracles::check_reply(status, retry_after.clone(), retry_after, json!({ "error": json }).to_string().as_bytes());
    }

    #[test]
    fn any_text_is_a_list_of_regions_or_none(text in "\\PC{0,40}", codes in "([A-Za-z]{2},){0,8}(all|dailywatch|PL)") {
        oracles::check_regions(&text);
        oracles::check_regions(&codes);
    }

    #[test]
    fn no_text_controls_a_terminal(text in any::<String>(), hostile in "[\u{0}-\u{9f}\u{ad}\u{61c}\u{180e}\u{200b}-\u{206f}\u{feff}a<>]{0,40}") {
        oracles::check_text(&text);
        oracles::check_text(&hostile);
    }
}

/// The reasons that YouTube is known to give.
const REASONS: &[&str] = &[
    "API_KEY_INVALID",
    "API_KEY_SERVICE_BLOCKED",
    "SERVICE_DISABLED",
    "CONSUMER_SUSPENDED",
    "RATE_LIMIT_EXCEEDED",
    "keyInvalid",
    "keyExpired",
    "accessNotConfigured",
    "ipRefererBlocked",
    "authError",
    "quotaExceeded",
    "dailyLimitExceeded",
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "servingLimitExceeded",
    "concurrentLimitExceeded",
    "videoChartNotFound",
    "notFound",
    "invalidRegionCode",
    "invalidParameter",
    "invalidValue",
    "missingRequiredParameter",
    "unknownPart",
    "invalidPageToken",
    "backendError",
    "internalError",
    "processingFailure",
    "neverHeardOf",
];

#[test]
fn the_layouts_of_error_bodies_agree_at_every_status() {
    let request = PageRequest {
        region: parse_list("PL").unwrap()[0],
        category: None,
        offset: 0,
        size: 50,
        token: None,
        description: false,
    };
    let kind = |status: u16, body: Value| {
        let reply = Reply { status, retry_after: None, date: None, body: body.to_string().into_bytes() };
        api::read(&reply, &request, jiff::Timestamp::UNIX_EPOCH).unwrap_err().kind()
    };
    for status in (100..600).filter(|status| *status != 200) {
        for reason in REASONS {
            let errors = json!([{"reason": reason, "domain": "global", "message": "m"}]);
            let old = kind(status, json!({"error": {"code": status, "message": "m", "errors": errors}}));
            let vague = json!([{"reason": "badRequest", "domain": "global", "message": "m"}]);
            let details = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]);
            let new =
                kind(status, json!({"error": {"code": status, "message": "m", "errors": vague, "details": details}}));
            let word = kind(status, json!({ "error": reason }));
            assert_eq!((new, word), (old, old), "{status} {reason}");
        }
    }
}

#[test]
fn nothing_hostile_reaches_a_terminal_or_a_spreadsheet() {
    let hidden: Vec<char> =
        (0..0x11_0000).filter_map(char::from_u32).filter(|character| is_hidden(*character)).collect();
    let starts = [
        "=",
        "+",
        "-",
        "@",
        "\t",
        "\r",
        "\n",
        "＝",
        "＋",
        "－",
        "＠",
        "\u{1b}]8;;http://x\u{7}",
        "\u{9b}2J",
        "\u{202e}",
        "",
    ];
    let title = move |number: usize| {
        let some: String = hidden.iter().skip(number * 7 % hidden.len()).take(9).collect();
        format!("{}cmd{some}\u{1b}[31m{number}", starts[number % starts.len()])
    };
    let server = Server::start(move |hit| {
        if hit.region() == "PL" {
            let body = json!({"error": {"message": title(3), "errors": [{"reason": title(4)}]}});
            return Answer::new(403, body.to_string());
        }
        let items: Vec<Value> = (0..50)
            .map(|number| {
                let mut item = item(&format!("id{number}"));
                item["snippet"]["title"] = json!(title(number));
                item["snippet"]["channelTitle"] = json!(title(number + 1));
                item["snippet"]["tags"] = json!([title(number + 2)]);
                item
            })
            .collect();
        Answer::json(&json!({ "items": items }))
    });
    let run = |arguments: &str| Run::on(&server, &format!("-r US,PL {arguments}")).finish().exits(3);
    let is_safe = |text: &str, also: &[char]| {
        text.chars().all(|character| !is_hidden(character) || character == '\n' || also.contains(&character))
    };
    for arguments in ["-vv", "-f table -v", "--log-format json -vv"] {
        let outcome = run(arguments);
        assert!(is_safe(&outcome.stdout, &[]), "{arguments}: {:?}", outcome.stdout);
        assert!(is_safe(&outcome.stderr, &[]), "{arguments}: {:?}", outcome.stderr);
    }
    // Progress moves the cursor itself; of the strangers' text it may show nothing that is hidden but that.
    let progress = run("--progress always -q").stderr;
    assert!(
        is_safe(&progress, &['\u{1b}', '\r']) && !progress.contains("\u{1b}]8") && !progress.contains("cmd\u{1b}"),
        "{progress:?}"
    );

    let csv = run("-f csv -q -o -").stdout;
    for row in csv::Reader::from_reader(csv.as_bytes()).records() {
        for cell in &row.unwrap() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']), "{cell:?}");
            assert!(
                !cell.contains(|character: char| character.is_control() && !matches!(character, '\n' | '\r')),
                "{cell:?}"
            );
        }
    }
}
