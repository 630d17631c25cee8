//! Migrations from earlier versions of the tables. No test assumes which version is the newest.

use super::*;

on_both_engines! {
    a_history_of_the_first_version_can_be_read_and_continued
    rows_that_refer_to_nothing_survive_a_migration
}

/// Rows of the first version: a run whose charts were deleted, and two runs with charts, of which the second could not
/// fetch one region.
const ROWS: &str = "
    INSERT INTO runs (id, fetched_at, source, category_id, max_results, status, raw, unique_videos, multi_region,
                      skipped, requests, retries, rate_limited, quota_units, elapsed_ms, held_ms, pruned)
    VALUES ('019a0000-0000-7000-8000-000000000001', '2026-10-10T07:00:00Z', 'youtube', NULL, 50, 'ok', 3, 3, 0, 0, 1, 0, 0, 1, 210, 0, TRUE),
           ('019a0000-0000-7000-8000-000000000002', '2026-11-20T07:00:00Z', 'youtube', NULL, 50, 'ok', 4, 3, 1, 0, 2, 0, 0, 2, 420, 0, FALSE),
           ('019a0000-0000-7000-8000-000000000003', '2026-11-20T14:00:00Z', 'youtube', NULL, 50, 'partial', 3, 3, 0, 0, 3, 1, 1, 3, 1420, 1000, FALSE);
    INSERT INTO run_regions (run_id, region, status, videos, error_kind, error_message, requests, retries, elapsed_ms, fetched_at)
    VALUES ('019a0000-0000-7000-8000-000000000001', 'PL', 'ok', 3, NULL, NULL, 1, 0, 200, '2026-10-10T07:00:00Z'),
           ('019a0000-0000-7000-8000-000000000002', 'PL', 'ok', 3, NULL, NULL, 1, 0, 200, '2026-11-20T07:00:00Z'),
           ('019a0000-0000-7000-8000-000000000002', 'US', 'ok', 1, NULL, NULL, 1, 0, 210, '2026-11-20T07:00:00Z'),
           ('019a0000-0000-7000-8000-000000000003', 'PL', 'ok', 3, NULL, NULL, 1, 0, 200, '2026-11-20T14:00:00Z'),
           ('019a0000-0000-7000-8000-000000000003', 'US', 'failed', 0, 'rate_limited', 'asked to wait 120 s', 2, 1, 1200, '2026-11-20T14:00:00Z');
    INSERT INTO videos (video_id, title, channel, channel_id, category_id, views, likes, comments, published_at,
                        duration_seconds, live, embeddable, age_restricted, tags, thumbnail, description,
                        description_fetched_at, declared_language, primary_language, search_config, first_seen_at,
                        last_seen_at SEARCH_COLUMN)
    VALUES ('aaaaaaaaaaa', 'Title of a', 'Channel of a', 'UCa', 10, 120, NULL, 4, '2026-10-01T00:00:00Z', 213, 'none', TRUE, FALSE, '[\"one\"]', NULL, 'About a', '2026-11-20T07:00:00Z', 'pl', 'pl', 'simple', '2026-10-10T07:00:00Z', '2026-11-20T07:00:00Z' SEARCH_VALUE),
           ('bbbbbbbbbbb', 'Title of b', 'Channel of b', NULL, 24, 260, 9, NULL, NULL, NULL, 'live', NULL, NULL, '[]', NULL, NULL, NULL, NULL, 'pl', 'simple', '2026-10-10T07:00:00Z', '2026-11-20T14:00:00Z' SEARCH_VALUE),
           ('ccccccccccc', 'Title of c', 'Channel of c', NULL, NULL, 30, NULL, NULL, NULL, 60, 'none', TRUE, FALSE, '[]', NULL, NULL, NULL, NULL, 'pl', 'simple', '2026-11-20T07:00:00Z', '2026-11-20T14:00:00Z' SEARCH_VALUE),
           ('ddddddddddd', 'Title of d', 'Channel of d', NULL, 10, 44, NULL, NULL, NULL, 61, 'none', TRUE, FALSE, '[]', NULL, NULL, NULL, NULL, 'pl', 'simple', '2026-11-20T14:00:00Z', '2026-11-20T14:00:00Z' SEARCH_VALUE);
    INSERT INTO places (run, region, rank, video_id)
    VALUES (2, 'PL', 1, 'aaaaaaaaaaa'), (2, 'PL', 2, 'bbbbbbbbbbb'), (2, 'PL', 3, 'ccccccccccc'), (2, 'US', 1, 'bbbbbbbbbbb'),
           (3, 'PL', 1, 'bbbbbbbbbbb'), (3, 'PL', 2, 'ddddddddddd'), (3, 'PL', 3, 'ccccccccccc');
    INSERT INTO counts (run, video_id, views, likes, comments)
    VALUES (2, 'aaaaaaaaaaa', 120, NULL, 4), (2, 'bbbbbbbbbbb', 250, 8, NULL), (2, 'ccccccccccc', 20, NULL, NULL),
           (3, 'bbbbbbbbbbb', 260, 9, NULL), (3, 'ccccccccccc', 30, NULL, NULL), (3, 'ddddddddddd', 44, NULL, NULL);
    INSERT INTO presence (source, region, category_id, video_id, first_seen_at, last_seen_at)
    VALUES ('youtube', 'PL', NULL, 'aaaaaaaaaaa', '2026-10-10T07:00:00Z', '2026-11-20T07:00:00Z'),
           ('youtube', 'PL', NULL, 'bbbbbbbbbbb', '2026-10-10T07:00:00Z', '2026-11-20T14:00:00Z'),
           ('youtube', 'PL', NULL, 'ccccccccccc', '2026-11-20T07:00:00Z', '2026-11-20T14:00:00Z'),
           ('youtube', 'PL', NULL, 'ddddddddddd', '2026-11-20T14:00:00Z', '2026-11-20T14:00:00Z'),
           ('youtube', 'US', NULL, 'bbbbbbbbbbb', '2026-11-20T07:00:00Z', '2026-11-20T07:00:00Z')";

/// Creates a history with the SQL of the first version.
pub fn create_first_version(store: &Store) {
    create_version(store, 1);
}

/// Creates a history of the first version, and migrates it to another one by the SQL of the program.
fn create_version(store: &Store, version: usize) {
    let (engine, column, value) =
        if is_postgres(store) { ("postgres", ", search", ", ''") } else { ("sqlite", "", "") };
    let migration = |number: usize| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/history").join(engine).join("migrations");
        fs::read_to_string(folder.join(format!("{number:04}.sql"))).unwrap()
    };
    let rows = ROWS.replace(" SEARCH_COLUMN", column).replace(" SEARCH_VALUE", value);
    let later: String = (2..=version).map(migration).collect();
    let set_version = if is_postgres(store) {
        format!(
            "CREATE TABLE trendfetch_schema (version bigint PRIMARY KEY);
             INSERT INTO trendfetch_schema SELECT generate_series(1, {version})"
        )
    } else {
        // "TRFD"
        format!("PRAGMA journal_mode = WAL; PRAGMA application_id = 1414678084; PRAGMA user_version = {version}")
    };
    store.execute(&format!("{}; {rows}; {later}; {set_version}", migration(1)));
}

/// The version of a history's tables, which grows with each migration.
pub fn version(store: &Store) -> usize {
    let sql = if is_postgres(store) { "SELECT max(version) FROM trendfetch_schema" } else { "PRAGMA user_version" };
    store.query(sql)[0].parse().unwrap()
}

fn a_history_of_the_first_version_can_be_read_and_continued(store: Store) {
    create_first_version(&store);
    let moved = |id: char, rank: Option<u32>, previous: Option<u32>, first: &str, views: u64| {
        json!({
            "video_id": id.to_string().repeat(11), "title": format!("Title of {id}"), "channel": format!("Channel of {id}"),
            "rank": rank, "previous_rank": previous, "first_seen_at": first,
            "url": format!("https://www.youtube.com/watch?v={}", id.to_string().repeat(11)), "views": views
        })
    };
    let fetch =
        |run: u32, at: &str| json!({"run_id": format!("019a0000-0000-7000-8000-00000000000{run}"), "fetched_at": at});
    let expected = json!({"schema_version": 1, "regions": [{
        "region": "PL", "from": fetch(2, "2026-11-20T07:00:00Z"), "to": fetch(3, "2026-11-20T14:00:00Z"),
        "entered": [moved('d', Some(2), None, "2026-11-20T14:00:00Z", 44)],
        "left": [moved('a', None, Some(1), "2026-10-10T07:00:00Z", 120)],
        "rose": [], "fell": [], "pushed": 1
    }]});
    assert_eq!(command(&store, "changes -f json -r PL").finish().exits(0).document(), expected);
    let table = command(&store, "changes --all -r PL").finish().exits(0).stdout;
    assert!(table.contains("left        -         1         41d 0h  █"), "{table}");
    #[cfg(feature = "report")]
    {
        let page = command(&store, "report -o -").finish().exits(0).stdout;
        let words: Vec<&str> = page.split('<').filter_map(|tag| Some(tag.split_once('>')?.1.trim())).collect();
        let words = words.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
        for text in [
            "runs from 2026-11-20 07:00 to 2026-11-20 14:00 UTC.",
            "Failed last time (too many requests):\nUS\nasked to wait 120 s",
            "Chart from\n2026-11-20 14:00\nUTC. Since\n2026-11-20 07:00\n: 1 new, 0 returned, 1 left, 0 rose, 0 fell, 1 pushed.",
            "1\n+1\nTitle of b\nChannel of b\nEntertainment\n260\n+10\n1\n2\n41d 7h ago\n2\nnew\nTitle of d\nChannel of d\nMusic\n44\n–\n2\n1\nnow\n\
             3\n–\nTitle of c\nChannel of c\n–\n30\n+10\n3\n2\n7h 0m ago",
        ] {
            assert!(words.contains(text), "{text}: {words}");
        }
    }
    // A run is added to it.
    let before = count(&store, "chart_entries");
    run_into(&store, &server_at(now(), &["a"]), "-r PL").finish().exits(0);
    assert_eq!((count(&store, "runs"), count(&store, "chart_entries")), (4, before + 1));
}

/// What an interrupted deletion, a wrong clock or another program may have left in a history whose keys nobody checked.
const LOOSE_ROWS: &str = "
    INSERT INTO places (run, region, rank, video_id) VALUES (3, 'XX', 1, 'no video'), (3, 'PL', 9, 'no video');
    INSERT INTO counts (run, video_id, views) VALUES (3, 'no video', 1);
    INSERT INTO presence (source, region, category_id, video_id, first_seen_at, last_seen_at)
    VALUES ('youtube', 'XX', 99, 'bbbbbbbbbbb', '2026-11-20T14:00:00Z', '2026-11-20T14:00:00Z'),
           ('youtube', 'PL', NULL, 'no video', '2026-11-20T14:00:00Z', '2026-11-20T14:00:00Z');
    INSERT INTO left_old (run) VALUES (3), (4711);
    UPDATE videos SET category_id = 98 WHERE video_id = 'ccccccccccc'";

fn rows_that_refer_to_nothing_survive_a_migration(store: Store) {
    create_version(&store, 3);
    store.execute(LOOSE_ROWS);
    let before = dump(&store);
    command(&store, "changes -r PL").finish().exits(0);
    let mut after = dump(&store);
    for row in after.get_mut("videos").unwrap() {
        assert_eq!(row.as_object_mut().unwrap().remove("language_tag"), Some(Value::Null));
    }
    // PostgreSQL checks the keys of `presence`, so a row of a video that is gone is deleted there.
    let is_kept = |row: &&Value| !is_postgres(&store) || row["video_id"] != "no video";
    let presence: Vec<Value> = before["presence"].iter().filter(is_kept).cloned().collect();
    assert_eq!(after["presence"], presence);
    for table in ["runs", "run_regions", "videos", "chart_entries", "observations"] {
        assert_eq!(after[table], before[table], "{table}");
    }
    let named = store.query("SELECT id, name FROM categories WHERE id IN (10, 98, 99) ORDER BY id");
    assert_eq!(named, ["10|Music", "98|Category 98", "99|Category 99"]);
    let named = store.query("SELECT * FROM regions WHERE code IN ('PL', 'AT', 'XX') ORDER BY code");
    assert_eq!(named, ["AT|Austria|de|german", "PL|Poland|pl|simple", "XX|XX|und|simple"]);
    // The program can go on with it.
    run_into(&store, &server_at(now(), &["a"]), "-r PL,XX --keep 3650d").finish().exits(0);
    command(&store, "prune --keep 1d").finish().exits(0);
    assert_eq!((count(&store, "chart_entries"), count(&store, "runs")), (2, 4));
}
