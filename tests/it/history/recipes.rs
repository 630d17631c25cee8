//! The queries of the pages, on both databases.

use super::*;

on_both_engines! {
    the_queries_of_the_pages_run
}

fn the_queries_of_the_pages_run(store: Store) {
    let recipes: Vec<&str> = include_str!("../../../docs/data.md")
        .split("\n```sql recipe\n")
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap())
        .collect();
    assert_eq!(recipes.len(), 5);
    let server = Server::start(|hit| match (hit.region(), hit.nth) {
        ("US", 1) => Answer::new(503, ""),
        (_, 2) => Answer::page(&["c", "a"], None),
        _ => Answer::page(&["a", "b"], None),
    });
    for hour in [0, 7, 14] {
        run_at(hours(at(NOON), hour), &store, &server, "-r US,PL --retries 0");
    }
    let expected: [&[&str]; 5] = [
        &["1|Title of c|A channel", "2|Title of a|A channel"],
        &[
            "2026-11-22T12:00:00Z|PL|1|1000",
            "2026-11-22T12:00:00Z|US|1|1000",
            "2026-11-22T19:00:00Z|PL|1|1000",
            "2026-11-23T02:00:00Z|PL|2|1000",
            "2026-11-23T02:00:00Z|US|2|1000",
        ],
        &["2|Title of a|A channel", "2|Title of b|A channel", "2|Title of c|A channel"],
        &["A channel|4|1"],
        &["US|3|1|server_error", "PL|3|0|"],
    ];
    for (recipe, expected) in recipes.iter().zip(expected) {
        // PostgreSQL's client writes times in its own way.
        let rows: Vec<String> = store.query(recipe).iter().map(|row| row.replace(":00+00", ":00Z")).collect();
        let rows: Vec<String> =
            rows.iter().map(|row| row.replacen("-22 ", "-22T", 1).replacen("-23 ", "-23T", 1)).collect();
        assert_eq!(rows, expected, "{recipe}");
    }
}

#[test]
fn the_search_of_the_pages_finds_inflections() {
    let Some(store) = Store::postgres() else { return };
    let (_, search) = include_str!("../../../docs/history.md").split_once("\n```sql\n").unwrap();
    let search = search.split("\n```").next().unwrap();
    let server = Server::start(|_| {
        let titled = |id: &str, title: &str, language: &str| {
            let mut item = item(id);
            item["snippet"]["title"] = json!(title);
            item["snippet"]["defaultAudioLanguage"] = json!(language);
            item
        };
        Answer::json(&json!({"items": [
            titled("a", "Das beste Spiel", "de"), titled("b", "Kein Wort davon", "de"), titled("c", "spiele", "xx")]}))
    });
    run_at(at(NOON), &store, &server, "-r DE");
    let mut found = store.query(search);
    found.sort_unstable();
    assert_eq!(found, ["Das beste Spiel", "spiele"]);
}

#[test]
fn the_option_overrides_the_environment_and_dotenv() {
    let store = Store::sqlite();
    let server = Server::of_pages(&["a"]);
    let dotenv = format!("TRENDFETCH_STORE='{}'\n", store.url);
    Run::on(&server, "-r US").file(".env", &dotenv).finish().exits(0);
    assert_eq!(count(&store, "runs"), 1);
    // The real environment wins over the file, and the option over both.
    let other = another(&store);
    Run::on(&server, "-r US").file(".env", &dotenv).env("TRENDFETCH_STORE", &other.url).finish().exits(0);
    assert_eq!((count(&store, "runs"), count(&other, "runs")), (1, 1));
    let third = another(&store);
    let run = run_into(&third, &server, "-r US").file(".env", &dotenv).env("TRENDFETCH_STORE", &other.url);
    run.finish().exits(0);
    assert_eq!((count(&store, "runs"), count(&other, "runs"), count(&third, "runs")), (1, 1, 1));
    // The demo's run goes there as well, which it says, unless that was typed.
    let demo = |arguments: &[&str]| Run::new(arguments).env("TRENDFETCH_STORE", &other.url).finish().exits(0).stderr;
    assert!(demo(&["--demo=calm", "-r", "IN"]).contains("is stored in the history of TRENDFETCH_STORE"));
    assert_eq!(demo(&["--demo=calm", "-r", "IN", "--store", &another(&store).url]), "");
    assert_eq!(count(&other, "runs"), 2);
    // Commands read it too.
    Run::new(&["changes"]).file(".env", &dotenv).finish().exits(0);
    Run::new(&["prune", "--keep", "1d"]).file(".env", &dotenv).finish().exits(0);
    // An empty one is none.
    Run::on(&server, "-r US").env("TRENDFETCH_STORE", "").finish().exits(0);
    assert_eq!(count(&store, "runs"), 1);
}
