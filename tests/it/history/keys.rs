//! What programs that show a database rely on: foreign keys, names, and the view `chart`.

use super::*;
use crate::tools::python;

on_both_engines! {
    every_reference_is_declared_as_a_key
    no_key_refers_to_a_missing_row
    names_follow_the_program
    the_view_shows_kept_charts
}

/// A foreign key: table, column, and what it refers to.
type Key = [String; 4];

fn keys(store: &Store) -> BTreeSet<Key> {
    let sql = if is_postgres(store) {
        "SELECT conrelid::regclass, own.attname, confrelid::regclass, other.attname
         FROM pg_constraint
         JOIN pg_attribute own ON own.attrelid = conrelid AND own.attnum = ALL (conkey)
         JOIN pg_attribute other ON other.attrelid = confrelid AND other.attnum = ALL (confkey)
         WHERE contype = 'f'"
    } else {
        "SELECT t.name, k.\"from\", k.\"table\", k.\"to\"
         FROM sqlite_schema t, pragma_foreign_key_list(t.name) k WHERE t.type = 'table'"
    };
    let key = |row: &String| row.split('|').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
    store.query(sql).iter().map(key).collect()
}

fn every_reference_is_declared_as_a_key(store: Store) {
    run_into(&store, &Server::of_pages(&["a"]), "-r US").finish().exits(0);
    let column_of = |column: &str| match column {
        "run" => Some(["runs", "number"]),
        "video_id" => Some(["videos", "video_id"]),
        "region" => Some(["regions", "code"]),
        "category_id" => Some(["categories", "id"]),
        _ => None,
    };
    let sql = if is_postgres(&store) {
        // The children inherit their columns from the tables that declare the keys.
        "SELECT table_name, column_name FROM information_schema.columns NATURAL JOIN information_schema.tables
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
           AND NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = table_name::regclass)"
    } else {
        "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'"
    };
    let mut expected = BTreeSet::new();
    for row in store.query(sql) {
        let (table, column) = row.split_once('|').unwrap();
        if let Some([other, key]) = column_of(column).filter(|[other, _]| *other != table) {
            expected.insert([table, column, other, key].map(str::to_owned));
        }
    }
    assert_eq!(keys(&store), expected);
    assert!(expected.len() >= 13, "{expected:?}");
    for [_, _, table, column] in expected {
        let primary = if is_postgres(&store) {
            format!(
                "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
                 WHERE indisprimary AND indrelid = '{table}'::regclass"
            )
        } else {
            format!("SELECT name FROM pragma_table_info('{table}') WHERE pk > 0")
        };
        assert_eq!(store.query(&primary), [column], "{table}");
    }
}

/// Asserts that every key refers to a row.
#[track_caller]
fn assert_keys_resolve(store: &Store) {
    for [table, column, other, key] in keys(store) {
        let sql = format!(
            "SELECT {column} FROM {table}
             WHERE {column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {other} WHERE {other}.{key} = {table}.{column})"
        );
        assert_eq!(store.query(&sql), [""; 0], "{table}.{column}");
    }
}

fn no_key_refers_to_a_missing_row(store: Store) {
    let day = |days_ago: i64| days(now(), -days_ago);
    let mut old = document(day(40), vec![chart("US", &["old", "both"]), chart("XX", &["old"])]);
    old.request.category_id = Some(4711);
    old.videos[0].video.category = Some(Category::new(99));
    load(&store, &old).exits(0);
    assert_keys_resolve(&store);
    // A run whose date was ahead by a month: the next run does not take its sightings for newer.
    let ahead = document(hours(day(3), 24 * 30), vec![chart("US", &["ahead", "both"]), chart("PL", &["ahead"])]);
    record(&store, &ahead);
    let later = |days_ago: i64, charts| {
        let document = document(day(days_ago), charts);
        wait(async {
            let mut backend = history::open(&location(&store), Access::Create).await.unwrap();
            let latest = Some(hours(document.fetched_at, 1));
            assert!(backend.record(&Arc::new(document.clone()), latest).await.unwrap());
        });
    };
    later(2, vec![chart("US", &["both", "ahead"]), failed("PL", ErrorKind::Timeout)]);
    later(1, vec![chart("US", &["both"])]);
    assert_keys_resolve(&store);
    assert_eq!(count(&store, "chart_entries"), 9);
    // The charts that are two days old go, and the video that was last seen in them; that of the run ahead has no more
    // data then.
    command(&store, "prune --keep 36h").finish().exits(0);
    assert_keys_resolve(&store);
    let videos = columns(&store, "videos", &["video_id"]);
    assert_eq!((videos, count(&store, "presence")), (vec![json!(["both"])], 1));
    assert_eq!(columns(&store, "chart_entries", &["region", "video_id"]), vec![json!(["US", "both"]); 2]);
    for arguments in ["prune --ahead", "prune --keep 1s --log 1s"] {
        command(&store, arguments).finish().exits(0);
        assert_keys_resolve(&store);
    }
    assert_eq!((count(&store, "runs"), count(&store, "videos")), (0, 0));
    // A pruned run is loaded again.
    load(&store, &old).exits(0);
    assert_keys_resolve(&store);
}

fn names_follow_the_program(store: Store) {
    let server = Server::start(|_| {
        let mut new = item("new");
        new["snippet"]["categoryId"] = "98".into();
        Answer::json(&json!({"items": [new, item("a")]}))
    });
    run_into(&store, &server, "-r US,XX --category 99 -n 9").finish().exits(0);
    let categories = "SELECT id, name FROM categories WHERE id IN (20, 98, 99) ORDER BY id";
    let regions = "SELECT code, name, language, search_config FROM regions WHERE code IN ('US', 'XX') ORDER BY code";
    assert_eq!(store.query(categories), ["20|Gaming", "98|Category 98", "99|Category 99"]);
    assert_eq!(store.query(regions), ["US|United States|en|english", "XX|XX|und|simple"]);
    assert_eq!(count(&store, "categories"), Category::all().count() as u64 + 2);
    assert_eq!(count(&store, "regions"), Region::all().count() as u64 + 1);
    // A version of the program that knows less, and one that knows more.
    store.execute("UPDATE categories SET name = 'Category 20' WHERE id = 20");
    store.execute("UPDATE regions SET name = code, language = 'und', search_config = 'simple' WHERE code = 'US'");
    store.execute("UPDATE categories SET name = 'Podcasts' WHERE id = 98");
    store.execute("UPDATE regions SET name = 'Atlantis', language = 'el', search_config = 'greek' WHERE code = 'XX'");
    store.execute("DELETE FROM categories WHERE id = 19");
    run_into(&store, &server, "-r US,XX").finish().exits(0);
    assert_eq!(store.query(categories), ["20|Gaming", "98|Podcasts", "99|Category 99"]);
    assert_eq!(store.query(regions), ["US|United States|en|english", "XX|Atlantis|el|greek"]);
    assert_eq!(store.query("SELECT name FROM categories WHERE id = 19"), ["Travel & Events"]);
}

fn the_view_shows_kept_charts(store: Store) {
    let mut first = document(at(NOON), vec![chart("US", &["a", "b"]), chart("PL", &["a"])]);
    first.videos[0].video.category = Some(Category::new(10));
    first.videos[1].video.category = Some(Category::new(99));
    record(&store, &first);
    record(&store, &document(hours(at(NOON), 7), vec![failed("US", ErrorKind::Timeout), chart("PL", &["a"])]));
    let sql =
        if is_postgres(&store) { "SELECT * FROM chart ORDER BY run DESC, region, rank" } else { "SELECT * FROM chart" };
    let shown = |store: &Store| -> Vec<String> {
        store.query(sql).iter().map(|row| row.replace(' ', "T").replace("+00|", "Z|")).collect()
    };
    let row = |time: &str, place: &str, id: &str, category: &str, run: u32| {
        format!("{time}|{place}|TitleTofT{id}|ATchannel|{category}|https://www.youtube.com/watch?v={id}|{run}")
    };
    // What is known about the video is as last seen.
    assert_eq!(
        shown(&store),
        [
            row("2026-11-22T19:00:00Z", "PL|1", "a", "", 2),
            row(NOON, "PL|1", "a", "", 1),
            row(NOON, "US|1", "a", "", 1),
            row(NOON, "US|2", "b", "CategoryT99", 1),
        ]
    );
    let columns = "fetched_at, region, rank, title, channel, category, url, run";
    assert_eq!(store.query(&format!("SELECT {columns} FROM chart")).len(), 4);
    let facets = store.query("SELECT region, count(*) FROM chart GROUP BY region ORDER BY region");
    assert_eq!(facets, ["PL|2", "US|2"]);
    // An entry without a video is shown; charts that are deleted are not.
    let unchecked = if is_postgres(&store) { "" } else { "PRAGMA foreign_keys = OFF;" };
    store.execute(&format!("{unchecked} DELETE FROM videos WHERE video_id = 'b'"));
    assert_eq!(shown(&store)[3], format!("{NOON}|US|2||||https://www.youtube.com/watch?v=b|1"));
    command(&store, "prune --keep 1h --ahead").finish().exits(0);
    store.execute(&format!("{unchecked} UPDATE runs SET pruned = (number > 1)"));
    assert_eq!(shown(&store), [""; 0]);
}

#[test]
fn the_first_page_of_the_view_needs_no_sorting() {
    let store = Store::sqlite();
    run_into(&store, &Server::of_pages(&["a"]), "-r US").finish().exits(0);
    let plan = store.query("EXPLAIN QUERY PLAN SELECT * FROM chart WHERE region = 'US' LIMIT 101").join("\n");
    assert!(plan.contains("runs_kept") && !plan.contains("TEMP B-TREE"), "{plan}");
}

/// Datasette on a history: follows each link of each table and view, and prints those that lead nowhere.
const FOLLOW_LINKS: &str = r#"
import asyncio, html, re, sqlite3, sys
from datasette.app import Datasette

async def main():
    site = Datasette([sys.argv[1]])
    await site.invoke_startup()
    get = site.client.get
    names = [name for name, in sqlite3.connect(sys.argv[1]).execute(
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name")]
    followed = 0
    for name in names:
        page = await get(f"/history/{name}?_size=50")
        assert page.status_code == 200, (name, page.status_code)
        for link in sorted(set(re.findall(r'href="(/history/[\w.~-]+/[^"?]+)"', page.text))):
            status = (await get(html.unescape(link))).status_code
            if status != 200: print(name, link, status)
            followed += 1
    print(followed > 100)
    found = (await get("/history/chart.json?_facet=region")).json()["facet_results"]
    for result in found.get("results", found)["region"]["results"]: print(result["value"], result["count"])
    for name in ("places", "region_results"):
        page = (await get(f"/history/{name}?_size=1")).text
        print(name, *re.findall(r'<td class="col-(\w+)[^>]*><a href="/history/(?:regions|runs)/[^"]*">([^<]*)</a>', page))

asyncio.run(main())
"#;

#[test]
fn datasette_follows_every_link() {
    let Some(python) = python(&["datasette"], "a history in Datasette") else { return };
    let store = Store::sqlite();
    for _ in 0..2 {
        command(&store, "-r US,PL,XX --demo=outage -c 0 -q").finish();
    }
    let output = Command::new(python).args(["-c", FOLLOW_LINKS, &store.url]).output().unwrap();
    let (printed, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{printed}{complaint}");
    let expected = "\
        True\nPL 100\nUS 100\n\
        places ('run', '1') ('region', 'Poland')\n\
        region_results ('run', '1') ('region', 'Poland')\n";
    assert_eq!(printed, expected, "{complaint}");
}
