//! `load`: reading documents back.

use super::*;

on_both_engines! {
    loading_twice_changes_nothing
    many_documents_are_loaded_in_any_order
    an_older_run_only_moves_first_seen_at_back
    a_loaded_document_stores_the_same_rows_as_its_run
    a_document_that_cannot_be_read_changes_nothing
    a_document_that_no_run_could_write_is_rejected
    counts_above_32_bits_are_stored_and_shown
}

fn loading_twice_changes_nothing(store: Store) {
    let run = document(at(NOON), vec![chart("US", &["a", "b"]), failed("PL", ErrorKind::Timeout)]);
    let outcome = load(&store, &run).exits(0);
    assert_eq!(outcome.stdout, format!("run {} of {NOON} is in the history now\n", run.run_id));
    let before = dump(&store);
    assert_eq!(before["chart_entries"].len(), 2);
    // Only the run id decides.
    let mut changed = document(hours(at(NOON), 1), vec![chart("US", &["c"])]);
    changed.run_id = run.run_id.to_uppercase();
    for again in [&run, &changed] {
        let outcome = load(&store, again).exits(0);
        assert!(outcome.stdout.ends_with("was in the history already; nothing changed\n"), "{}", outcome.stdout);
        assert_eq!(outcome.stderr, "");
        assert_eq!(dump(&store), before);
    }
    // The same from standard input, for a run that was recorded directly.
    let server = Server::of_pages(&["a"]);
    let document = run_into(&store, &server, "-r US --json").finish().exits(0).stdout;
    let before = dump(&store);
    let mut piped = command(&store, "load -").file("document.json", &document);
    piped.command.stdin(fs::File::open(piped.path("document.json")).unwrap());
    assert!(piped.finish().exits(0).stdout.contains("nothing changed"));
    assert_eq!(dump(&store), before);
}

fn many_documents_are_loaded_in_any_order(store: Store) {
    let runs: Vec<Document> = (0..3)
        .map(|run| {
            let mut document = document(hours(at(NOON), 7 * run), vec![chart("US", &["a", &format!("b{run}")])]);
            document.videos[0].video.title = format!("Title {run}").into();
            document
        })
        .collect();
    let one_by_one = another(&store);
    runs.iter().for_each(|run| record(&one_by_one, run));
    let text = |run: usize| serde_json::to_string(&runs[run]).unwrap();
    let mut ahead = runs[0].clone();
    ahead.fetched_at = days(now(), 2);
    let mut many = command(&store, "load 2.json bad.json - 2.json missing.json ahead.json 0.json")
        .file("0.json", &text(0))
        .file("1.json", &text(1))
        .file("2.json", &text(2))
        .file("bad.json", "{}")
        .file("ahead.json", &serde_json::to_string(&ahead).unwrap());
    many.command.stdin(fs::File::open(many.path("1.json")).unwrap());
    let outcome = many.finish().exits(1);
    let line = |run: usize, what: &str| format!("run {} of {} {what}\n", runs[run].run_id, runs[run].fetched_at);
    let new = "is in the history now";
    let expected = [
        line(2, new),
        line(1, new),
        line(2, "was in the history already; nothing changed"),
        line(0, new),
        "7 documents: 3 loaded, 1 in the history already, 3 not loaded\n".into(),
    ];
    assert_eq!(outcome.stdout, expected.concat());
    let complaints: Vec<&str> = outcome.stderr.lines().collect();
    let says = ["bad.json is not", "cannot read missing.json", "ahead.json says", "error: 3 document(s) could not be"];
    assert_eq!(complaints.len(), says.len(), "{complaints:?}");
    assert!(complaints.iter().zip(says).all(|(line, says)| line.contains(says)), "{complaints:?}");
    assert_eq!(dump(&store), dump(&one_by_one));
    // Standard input has one document.
    let outcome = command(&store, "load - 0.json -").finish().exits(2);
    assert_one_sentence("-", &outcome, "standard input can be read only once");
    let outcome = command(&store, "load 0.json 0.json -q").file("0.json", &text(0)).finish().exits(0);
    assert_eq!((&*outcome.stdout, &*outcome.stderr), ("", ""));
}

#[test]
fn files_that_are_no_documents_create_no_history() {
    let store = Store::sqlite();
    command(&store, "load bad.json missing.json").file("bad.json", "{}").finish().exits(1);
    assert_eq!(files_in(store.folder.path()), [""; 0]);
}

fn an_older_run_only_moves_first_seen_at_back(store: Store) {
    let (old, new) = (days(at(NOON), -3), at(NOON));
    record(&store, &document(new, vec![chart("US", &["a", "b"])]));
    let before = dump(&store);
    let mut older = document(old, vec![chart("US", &["b", "a", "gone"]), chart("PL", &["a"])]);
    for video in &mut older.videos {
        video.video.title = "An older title".into();
        video.video.views = Some(1);
    }
    load(&store, &older).exits(0);
    let mut expected = before["videos"].clone();
    expected.iter_mut().for_each(|row| row["first_seen_at"] = json!(old));
    let now = rows(&store, "videos");
    assert_eq!(now.iter().filter(|row| row["video_id"] != "gone").cloned().collect::<Vec<_>>(), expected);
    let gone = row_of(&store, "gone");
    assert_eq!((&gone["title"], &gone["last_seen_at"]), (&json!("An older title"), &json!(old)));
    assert_eq!(
        columns(&store, "presence", &["region", "video_id", "first_seen_at", "last_seen_at"]),
        [
            json!(["PL", "a", old, old]),
            json!(["US", "a", old, new]),
            json!(["US", "b", old, new]),
            json!(["US", "gone", old, old]),
        ]
    );
}

/// Text that databases, formats or clients treat specially.
fn tricky_text() -> impl Strategy<Value = String> {
    const ODD: &[&str] = &[
        "\0",
        "'",
        "''",
        "\"",
        "\\",
        "\\N",
        "\\.",
        "|",
        "\n",
        "\r\n",
        "\t",
        "%",
        "$1",
        "?1",
        "{}",
        "[\"",
        "\u{1}",
        "\u{7f}",
        "\u{85}",
        "\u{200b}",
        "\u{202e}",
        "\u{2028}",
        "\u{feff}",
        "\u{fffd}",
        "\u{ffff}",
        "\u{10ffff}",
        "e\u{301}",
        "日本",
        "żółć",
        "🎵",
        " ",
    ];
    let piece = prop_oneof![
        3 => select(ODD).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-zA-Z0-9 ]{0,9}",
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn tricky_count() -> impl Strategy<Value = Option<u64>> {
    let largest = i64::MAX.unsigned_abs();
    prop_oneof![
        Just(None),
        any::<u64>().prop_map(Some),
        select(vec![Some(0), Some(largest), Some(largest + 1), Some(u64::MAX)])
    ]
}

/// From the year 1 on.
fn tricky_date() -> impl Strategy<Value = Timestamp> {
    tricky_time().prop_filter("before year 1", |time| time.as_second() >= -62_135_596_800)
}

fn tricky_time() -> impl Strategy<Value = Timestamp> {
    let seconds = Timestamp::MIN.as_second()..Timestamp::MAX.as_second();
    (seconds, 0..1_000_000_000).prop_map(|(second, nanosecond)| Timestamp::new(second, nanosecond).unwrap())
}

fn tricky_video() -> impl Strategy<Value = Video> {
    // Other ids and addresses count as missing.
    let channel_id = select(vec![None, Some("UCx"), Some("-_-")]);
    let thumbnail = select(vec![None, Some("https://i.ytimg.com/x.jpg"), Some("http://%00")]);
    let texts = (tricky_text(), tricky_text(), channel_id, thumbnail);
    let counts = [tricky_count(), tricky_count(), tricky_count(), tricky_count()];
    let live = select(&[Live::None, Live::Live, Live::Upcoming]);
    let others = (
        proptest::option::of(any::<u32>()),
        proptest::option::of(tricky_date()),
        any::<[Option<bool>; 2]>(),
        vec(tricky_text(), 0..4),
        proptest::option::of(tricky_text()),
        proptest::option::of(select(vec!["de", "en", "ja", "tlh"])),
        select(vec![None, Some("de-AT"), Some("zh_Hant"), Some("zxx")]),
    );
    (texts, counts, live, others).prop_map(|(texts, counts, live, others)| {
        let (title, channel, channel_id, thumbnail) = texts;
        let [views, likes, comments, duration_seconds] = counts;
        let (category, published_at, [embeddable, age_restricted], tags, description, language, tag) = others;
        Video {
            category: category.map(Category::new),
            views,
            likes,
            comments,
            declared_language: language.and_then(Language::new),
            language_tag: tag.map(Into::into),
            title: title.into(),
            channel: channel.into(),
            channel_id: channel_id.map(Into::into),
            published_at,
            duration_seconds,
            live,
            embeddable,
            age_restricted,
            tags: tags.into_iter().collect(),
            thumbnail: thumbnail.map(Into::into),
            description: description.map(Into::into),
            ..Video::default()
        }
    })
}

fn tricky_region_stats() -> impl Strategy<Value = RegionStats> {
    let error = (select(&ErrorKind::ALL), any::<Option<u16>>(), proptest::option::of(tricky_text()), tricky_text());
    let error = error.prop_map(|(kind, status, reason, message)| RegionError {
        status,
        reason,
        ..RegionError::new(kind, message)
    });
    let numbers = (any::<usize>(), any::<u32>(), any::<u32>(), any::<u64>());
    (select(&Status::ALL), proptest::option::of(error), numbers).prop_map(|(status, error, numbers)| {
        let (videos, requests, retries, elapsed_ms) = numbers;
        RegionStats { region: region("US"), language: "", status, videos, requests, retries, elapsed_ms, error }
    })
}

/// All runs share these ids, so that each updates rows of the others.
const IDS: [&str; 6] = ["a", "B-", "_c", "0", "zzzzzzzzzzz", "-"];

/// A run with any values that a run can have, at the first second of 1970.
fn tricky_document() -> impl Strategy<Value = Document> {
    let regions = subsequence(vec!["US", "PL", "DE", "XX"], 1..=4).prop_shuffle();
    let order: Vec<usize> = (0..IDS.len()).collect();
    let charts = vec((subsequence(order.clone(), 0..=IDS.len()).prop_shuffle(), 1..=30_u32), 4);
    let request = (
        select(vec!["youtube", "demo", "a\0b"]),
        select(vec![None, Some(0), Some(10), Some(u32::MAX)]),
        any::<u32>(),
        any::<u128>(),
    );
    let videos = (subsequence(order, 0..=IDS.len()).prop_shuffle(), vec((tricky_video(), tricky_time()), IDS.len()));
    let numbers = (any::<[usize; 3]>(), any::<[u32; 5]>(), any::<[u64; 2]>());
    (regions, charts, request, videos, vec(tricky_region_stats(), 4), numbers).prop_map(
        |(codes, charts, request, (order, videos), stats, numbers)| {
            let (source, category_id, max_results, run_id) = request;
            let ([raw, unique, multi_region], [skipped, requests, retries, rate_limited, quota_units], times) = numbers;
            let regions: Vec<Region> = codes.iter().map(|code| region(code)).collect();
            let place = |index: usize| {
                let rank_in = |(places, step): &(Vec<usize>, u32)| {
                    (1..).zip(places).find(|(_, place)| **place == index).map(|(place, _)| place * step)
                };
                regions.iter().zip(&charts).filter_map(|(region, chart)| Some((*region, rank_in(chart)?))).collect()
            };
            // A chart may contain a video that the document lacks, and a video may be in no chart.
            let videos = order.iter().map(|index| MergedVideo {
                video: Box::new(Video { id: IDS[*index].into(), ..videos[*index].0.clone() }),
                ranks: place(*index),
                fetched_at: videos[*index].1,
            });
            let stats_of = |(region, stats): (&Region, RegionStats)| RegionStats {
                region: *region,
                language: region.language(),
                ..stats
            };
            Document {
                schema_version: SCHEMA_VERSION,
                run_id: uuid::Uuid::from_u128(run_id).to_string(),
                source: source.into(),
                fetched_at: Timestamp::UNIX_EPOCH,
                videos: videos.collect(),
                stats: Stats {
                    raw,
                    unique,
                    multi_region,
                    skipped,
                    overlap: vec![Overlap { regions: [regions[0], regions[0]], videos: unique }],
                    requests,
                    retries,
                    rate_limited,
                    quota_units,
                    elapsed_ms: times[0],
                    held_ms: times[1],
                    regions_ok: Vec::new(),
                    regions_failed: Vec::new(),
                    regions: regions.iter().zip(stats).map(stats_of).collect(),
                },
                request: Request { regions, max_results, category_id },
            }
        },
    )
}

/// Runs by time, no two of them in the same second, and the order in which they are loaded.
pub(super) fn tricky_history() -> impl Strategy<Value = (Vec<Arc<Document>>, Vec<usize>)> {
    let runs = vec((tricky_document(), 1..100_000_000_i64), 3).prop_map(|runs| {
        let mut second = 0;
        let dated = runs.into_iter().map(|(document, gap)| {
            second += gap;
            Arc::new(Document { fetched_at: Timestamp::from_second(second).unwrap(), ..document })
        });
        dated.collect()
    });
    (runs, Just(vec![0, 1, 2]).prop_shuffle())
}

fn a_loaded_document_stores_the_same_rows_as_its_run(store: Store) {
    // A database takes longer to create than a file.
    let cases = if is_postgres(&store) { 8 } else { 24 };
    let config = ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 60, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&tricky_history(), |(reports, order)| {
        let (direct, loaded) = (another(&store), another(&store));
        wait(async {
            let mut direct = history::open(&location(&direct), Access::Create).await.unwrap();
            for document in &reports {
                assert!(direct.record(document, None).await.unwrap());
            }
            let mut loaded = history::open(&location(&loaded), Access::Create).await.unwrap();
            // Neither the order of loading nor loading twice changes the result.
            for index in order.iter().chain(&order) {
                let document = read_document::parse(&serde_json::to_vec(&*reports[*index]).unwrap()).unwrap();
                loaded.record(&Arc::new(document), None).await.unwrap();
            }
        });
        let (direct, loaded) = (dump(&direct), dump(&loaded));
        prop_assert_eq!(&direct, &loaded);
        let ids: BTreeSet<&str> =
            reports.iter().flat_map(|document| &document.videos).map(|video| &*video.video.id).collect();
        prop_assert_eq!(direct["videos"].len(), ids.len());
        prop_assert_eq!(direct["runs"].len(), 3);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// A change of some bytes.
#[derive(Debug, Clone)]
enum Damage {
    Replace(Index, u8),
    Insert(Index, &'static str),
    Remove(Index, usize),
    Repeat(Index, usize),
    End(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    const PIECES: &[&str] =
        &["null", "-1", "1e999", "99999999999999999999", "\"\"", "{", "]", ",", "\\ud800", "\\u0000", "\"US\"", "[]"];
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(place, byte)| Damage::Replace(place, byte)),
        (any::<Index>(), select(PIECES)).prop_map(|(place, piece)| Damage::Insert(place, piece)),
        (any::<Index>(), 1..40_usize).prop_map(|(place, length)| Damage::Remove(place, length)),
        (any::<Index>(), 1..40_usize).prop_map(|(place, length)| Damage::Repeat(place, length)),
        any::<Index>().prop_map(Damage::End),
    ]
}

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        if bytes.is_empty() {
            break;
        }
        let end = |place: usize, length: usize, bytes: &[u8]| (place + length).min(bytes.len());
        match damage {
            Damage::Replace(place, byte) => *place.get_mut(&mut bytes) = *byte,
            Damage::Insert(place, piece) => {
                let place = place.index(bytes.len());
                bytes.splice(place..place, piece.bytes());
            }
            Damage::Remove(place, length) => {
                let place = place.index(bytes.len());
                bytes.drain(place..end(place, *length, &bytes));
            }
            Damage::Repeat(place, length) => {
                let place = place.index(bytes.len());
                let again = bytes[place..end(place, *length, &bytes)].to_vec();
                bytes.splice(place..place, again);
            }
            Damage::End(place) => bytes.truncate(place.index(bytes.len())),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_document_is_rejected_or_still_valid(document in tricky_document(), damages in vec(damage(), 1..3)) {
        if let Ok(document) = read_document::parse(&damaged(serde_json::to_vec(&document).unwrap(), &damages)) {
            let bytes = serde_json::to_vec(&document).unwrap();
            let again = read_document::parse(&bytes).map(|document| serde_json::to_vec(&document).unwrap());
            prop_assert_eq!(again, Ok(bytes));
        }
    }

    #[test]
    fn a_document_survives_writing_and_reading(document in tricky_document()) {
        let written = serde_json::to_value(&document).unwrap();
        let mut read = serde_json::to_value(read_document::parse(written.to_string().as_bytes()).unwrap()).unwrap();
        // These two are derived from the regions, and `tricky_document` leaves them empty.
        for derived in ["regions_ok", "regions_failed"] {
            read["stats"][derived] = json!([]);
        }
        prop_assert_eq!(read, written);
    }
}

#[test]
fn an_older_or_edited_document_is_read_leniently() {
    let mut document = serde_json::to_value(document(at(NOON), vec![chart("US", &["a"])])).unwrap();
    let read =
        |document: &Value| read_document::parse(format!("\u{feff}{document}").as_bytes()).unwrap().videos.remove(0);
    for (written, language) in
        [("ji", Some("yi")), ("mo", Some("ro")), ("mul", None), ("mis", None), ("de", Some("de"))]
    {
        document["videos"][0]["declared_language"] = json!(written);
        assert_eq!(read(&document).video.declared_language, language.and_then(Language::new), "{written}");
    }
    for (written, is_date) in [("0000-12-31T23:59:59Z", false), ("-000001-01-01T00:00:00Z", false), (NOON, true)] {
        document["videos"][0]["published_at"] = json!(written);
        assert_eq!(read(&document).video.published_at.is_some(), is_date, "{written}");
    }
}

fn a_document_that_cannot_be_read_changes_nothing(store: Store) {
    let run = document(at(NOON), vec![chart("US", &["a", "b"]), chart("PL", &["a"])]);
    record(&store, &run);
    let before = dump(&store);
    let good = serde_json::to_value(document(hours(at(NOON), 1), vec![chart("US", &["a", "b"]), chart("PL", &["a"])]));
    let good = good.unwrap();
    let with = |pointer: &str, value: Value| {
        let mut document = good.clone();
        *document.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
        document.to_string()
    };
    let without = |field: &str| {
        let mut document = good.clone();
        document.as_object_mut().unwrap().remove(field).unwrap();
        document.to_string()
    };
    let good_text = good.to_string();
    let mut twice = good.clone();
    let again = twice["videos"][0].clone();
    twice["videos"].as_array_mut().unwrap().push(again);
    let bad = [
        ("empty", String::new(), "EOF"),
        ("other text", "hello".into(), "is not a trendfetch JSON document"),
        ("cut short", good_text[..good_text.len() / 2].to_owned(), "EOF"),
        ("another document", "{\"videos\": []}".into(), "missing field"),
        ("a list", "[]".into(), "is not a trendfetch JSON document"),
        ("a newer schema", with("/schema_version", json!(2)), "its schema_version is 2, and this trendfetch knows 1"),
        ("no run_id", without("run_id"), "missing field `run_id`"),
        ("no UUID", with("/run_id", json!("../../etc")), "its run_id is not a UUID"),
        ("no time", with("/fetched_at", json!("yesterday")), "is not a trendfetch JSON document"),
        ("a negative count", with("/videos/0/views", json!(-1)), "is not a trendfetch JSON document"),
        ("no region", with("/videos/0/regions/0", json!("USA")), "\"USA\" is not a region"),
        ("no rank", with("/videos/0/ranks", json!({"US": 1})), "video a has no rank in PL"),
        ("rank 0", with("/videos/0/ranks/US", json!(0)), "video a has rank 0 in US"),
        ("the same rank twice", with("/videos/1/ranks/US", json!(1)), "two videos have rank 1 in US"),
        ("a region twice", with("/videos/0/regions", json!(["US", "US"])), "video a is in US twice"),
        ("the same video twice", twice.to_string(), "video a is in it twice"),
        ("an unknown state", with("/videos/0/live", json!("maybe")), "unknown variant `maybe`"),
        ("an unknown status", with("/stats/regions/0/status", json!("fine")), "unknown variant `fine`"),
        (
            "an unknown kind",
            with("/stats/regions/0/error", json!({"kind": "bad luck", "status": null, "reason": null, "message": ""})),
            "\"bad luck\" is not a kind of error",
        ),
        ("other regions", with("/request/regions", json!(["US"])), "its stats.regions are not those of its request"),
        (
            "a stray region",
            with("/stats/regions/1/region", json!("DE")),
            "its stats.regions are not those of its request",
        ),
    ];
    for (what, text, says) in &bad {
        let outcome = command(&store, "load document.json").file("document.json", text).finish().exits(1);
        assert_one_sentence(what, &outcome, says);
    }
    for (file, says) in [("missing.json", "cannot read missing.json: No such file"), (".", "cannot read .: ")] {
        let outcome = command(&store, &format!("load {file}")).finish().exits(1);
        assert!(outcome.stderr.starts_with("error: ") && outcome.stderr.contains(says), "{}", outcome.stderr);
    }
    assert_eq!(dump(&store), before);
    // Each rejected document differs from this one in one value only.
    command(&store, "load document.json").file("document.json", &good_text).finish().exits(0);
    assert_eq!(count(&store, "runs"), 2);
}

fn a_document_that_no_run_could_write_is_rejected(store: Store) {
    record(&store, &document(at(NOON), vec![chart("US", &["a"])]));
    let before = dump(&store);
    let good = serde_json::to_value(document(hours(at(NOON), 1), vec![chart("US", &["a", "b"])])).unwrap();
    let with = |pointer: &str, value: Value| {
        let mut document = good.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        document
    };
    let mut twins = with("/videos/0/regions", json!(["US", "us"]));
    twins["videos"][0]["ranks"] = json!({"US": 1, "us": 7});
    let mut deep = with("/videos/0/ranks/US", json!(3_000_000_000_u32));
    deep["videos"][1]["ranks"]["US"] = json!(4_000_000_000_u32);
    let bad = [
        ("one region in two spellings", twins),
        ("ranks beyond every chart", deep),
        ("an id that no video has", with("/videos/0/video_id", json!("a\0b"))),
        ("a language that none is", with("/videos/0/declared_language", json!("d\0"))),
        (
            "a source that is no host",
            with("/source", json!((0..2500).map(|number| format!("{number:04}")).collect::<String>())),
        ),
        ("a fraction of a second", with("/fetched_at", json!("2026-11-22T13:00:00.5Z"))),
        ("a time before every calendar", with("/fetched_at", json!("-005000-01-01T00:00:00Z"))),
    ];
    let mut wrong = Vec::new();
    for (what, mut document) in bad {
        document["run_id"] = json!(uuid::Uuid::new_v4().to_string());
        let outcome = command(&store, "load document.json").file("document.json", &document.to_string()).finish();
        if outcome.code != Some(1) || !outcome.stderr.contains("is not a trendfetch JSON document") {
            wrong.push(format!("{what}: {}{}", outcome.stdout, outcome.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
    assert_eq!(dump(&store), before);
}

fn counts_above_32_bits_are_stored_and_shown(store: Store) {
    const MANY: u64 = 5_000_000_000;
    for hour in 0..2 {
        let run = document(hours(at(NOON), hour), vec![chart("US", &["a", "b"]), failed("PL", ErrorKind::Timeout)]);
        let mut document = serde_json::to_value(&run).unwrap();
        for count in ["raw", "unique", "multi_region", "elapsed_ms", "held_ms"] {
            document["stats"][count] = json!(MANY);
        }
        for row in document["stats"]["regions"].as_array_mut().unwrap() {
            (row["videos"], row["elapsed_ms"]) = (json!(MANY), json!(MANY));
        }
        document["videos"][0]["views"] = json!(MANY);
        command(&store, "load document.json").file("document.json", &document.to_string()).finish().exits(0);
    }
    assert_eq!(columns(&store, "run_regions", &["videos"]), vec![json!([MANY]); 4]);
    command(&store, "changes -f json").finish().exits(0);
    let page = command(&store, "report -o page.html").finish().exits(0);
    assert!(page.read("page.html").contains("5,000,000,000"));
}
