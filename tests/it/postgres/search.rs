//! Full text search, with the dictionary of each video's language.

use super::*;

/// A server of one page with these videos: id, title, declared language.
fn titled(videos: &[(&str, &str, Option<&str>)]) -> Server {
    let items = videos.iter().map(|(id, title, language)| {
        let mut item = item(id);
        item["snippet"]["title"] = json!(title);
        item["snippet"]["defaultAudioLanguage"] = json!(language);
        item
    });
    let page = Answer::json(&json!({ "items": items.collect::<Vec<_>>() }));
    Server::start(move |_| page.clone())
}

fn found(store: &Store, config: &str, words: &str) -> Vec<String> {
    store.query(&format!(
        "SELECT video_id FROM videos WHERE search @@ websearch_to_tsquery('{config}', '{words}') ORDER BY 1"
    ))
}

#[test]
fn search_finds_inflections_by_an_index() {
    let Some(store) = Store::postgres() else { return };
    let server = titled(&[
        ("de1", "Das Haus am See", Some("de")),
        ("de2", "Die Farben des Hauses", Some("de-AT")),
        ("en", "Running houses", Some("en-US")),
        ("pl", "Domy i Häuser", Some("pl")),
        ("null", "Wesoły Häuser dom", None),
    ]);
    finish(run_into(&store.url, &server, "-r PL -q")).exits(0);
    // Without a declared language, that of the region is used.
    finish(run_into(&store.url, &titled(&[("at", "Häusern", None)]), "-r AT -q")).exits(0);
    assert_eq!(
        store.query("SELECT video_id, search_config FROM videos ORDER BY 1"),
        ["at|german", "de1|german", "de2|german", "en|english", "null|simple", "pl|simple"]
    );
    assert_eq!(found(&store, "german", "Häuser"), ["at", "de1", "de2"]);
    assert_eq!(found(&store, "english", "run house"), ["en"]);
    assert_eq!(found(&store, "simple", "häuser"), ["null", "pl"]);
    assert_eq!(found(&store, "simple", "WESOŁY"), ["null"]);
    // Channels and tags are searched too, with smaller weights.
    assert_eq!(found(&store, "simple", "channel two").len(), 6);
    let weights = "SELECT string_agg(DISTINCT weight, '' ORDER BY weight) FROM videos, unnest(search) AS lexeme,
                   unnest(lexeme.weights) AS weight WHERE video_id = 'pl'";
    assert_eq!(store.query(weights), ["ABC"]);
    let plan = "SET enable_seqscan = off;
                EXPLAIN SELECT title FROM videos WHERE search @@ websearch_to_tsquery('german', 'Häuser')";
    assert!(store.query(plan).join("\n").contains("videos_search"), "{:?}", store.query(plan));
}

#[test]
fn the_search_vector_is_computed_only_if_the_text_changes() {
    let Some(store) = Store::postgres() else { return };
    let run = |title: &str, language: &str| {
        finish(run_into(&store.url, &titled(&[("a", title, Some(language))]), "-r PL -q")).exits(0);
    };
    run("old words", "en");
    assert_eq!(found(&store, "english", "old"), ["a"]);
    // The vector was not computed again: a text that was written there is still found after a run without news.
    let mark = || store.execute("UPDATE videos SET search = to_tsvector('simple', 'marked')");
    mark();
    run("old words", "en");
    assert_eq!(found(&store, "simple", "marked"), ["a"]);
    run("newer words", "en");
    assert_eq!((found(&store, "simple", "marked").len(), found(&store, "english", "old").len()), (0, 0));
    assert_eq!(found(&store, "simple", "newer"), ["a"]);
    // In another language, the words have other stems.
    mark();
    run("newer words", "de");
    assert_eq!((found(&store, "simple", "marked").len(), found(&store, "german", "newer")), (0, vec!["a".to_owned()]));
    for change in ["channel = 'Another'", "tags = '[]'"] {
        store.execute(&format!("UPDATE videos SET search = to_tsvector('simple', 'marked'), {change}"));
        run("newer words", "de");
        assert_eq!(found(&store, "simple", "marked").len(), 0, "{change}");
    }
}

#[test]
fn a_missing_search_configuration_is_replaced_by_simple() {
    let Some(store) = Store::postgres() else { return };
    store.execute("ALTER TEXT SEARCH CONFIGURATION pg_catalog.german RENAME TO deutsch");
    let run = |title: &str| {
        finish(run_into(&store.url, &titled(&[("a", title, Some("de"))]), "-r PL -q")).exits(0);
    };
    run("Viele Häuser");
    assert_eq!(store.query("SELECT search_config FROM videos"), ["simple"]);
    assert_eq!(found(&store, "simple", "häuser"), ["a"]);
    // It is used as soon as the server has it, for example after an upgrade.
    store.execute("ALTER TEXT SEARCH CONFIGURATION pg_catalog.deutsch RENAME TO german");
    run("Viele Häuser");
    assert_eq!(store.query("SELECT search_config FROM videos"), ["german"]);
    assert_eq!(found(&store, "german", "Haus"), ["a"]);
}

#[test]
fn a_search_configuration_outside_the_search_path_is_not_used() {
    let Some(store) = Store::postgres() else { return };
    store.execute(
        "CREATE SCHEMA elsewhere; ALTER TEXT SEARCH CONFIGURATION pg_catalog.german RENAME TO deutsch;
         CREATE TEXT SEARCH CONFIGURATION elsewhere.german (COPY = simple)",
    );
    // A cast to regconfig finds only those in the search path.
    finish(run_into(&store.url, &titled(&[("a", "Haus", Some("de"))]), "-r PL -q")).exits(0);
    assert_eq!(store.query("SELECT search_config FROM videos"), ["simple"]);
}

#[test]
fn a_megabyte_of_words_in_a_title_or_tags_is_stored() {
    let Some(store) = Store::postgres() else { return };
    // Words that all differ, letters of four bytes (the most), one long word, and characters that JSON escapes with six.
    let words: String = (0..150_000_u32).map(|number| format!("{number:x} ")).collect();
    let wide: String =
        (0..50_000_u32).map(|n| format!("{}{} ", char::from_u32(0x20000 + n).unwrap(), n % 10)).collect();
    let titles = [words.clone(), wide, "x".repeat(1 << 20), "\u{1}".repeat(200_000)];
    // A run cuts titles, but a loaded document does not.
    let server = Server::of_pages(&["0", "1", "2", "3", "tags"]);
    let mut document = Run::on(&server, "-r PL --json").finish().exits(0).document();
    for (video, title) in document["videos"].as_array_mut().unwrap().iter_mut().zip(titles) {
        video["title"] = json!(title);
    }
    document["videos"][4]["tags"] = words.split(' ').collect();
    document["videos"][4]["channel"] = json!(words);
    let run = Run::new(&["load", "document.json"]).file("document.json", &document.to_string());
    finish(run.env("TRENDFETCH_STORE", &store.url)).exits(0);
    assert_eq!(store.query("SELECT count(*) FROM chart_entries"), ["5"]);
    // Text is stored whole, and the search covers its first words.
    assert_eq!(store.query("SELECT length(title) FROM videos WHERE video_id = 'PL-0'"), [words.len().to_string()]);
    assert_eq!(store.query("SELECT jsonb_array_length(tags) FROM videos WHERE video_id = 'PL-tags'"), ["150001"]);
    assert_eq!(found(&store, "simple", "9ff"), ["PL-0", "PL-tags"]);
}
