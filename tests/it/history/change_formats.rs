//! `changes` in formats for programs, read by other programs.

use super::*;
use crate::tools::python;

/// A title with everything that a format might lose.
const ODD: &str = "=1+1 <b>&amp; \"it's\"</b> ]]> \u{1}\u{1f3b5}, \u{105}\n2";

/// Five runs of PL. `returns` leaves and returns, and `-odd` enters with an odd title.
fn five_runs(store: &Store) {
    let charts: [&[&str]; 5] = [
        &["a", "b", "c", "returns"],
        &["n", "a", "b", "c"],
        &["a", "returns", "b", "c"],
        &["a", "c", "b", "d"],
        &["-odd", "a", "returns", "b", "c"],
    ];
    for (run, ids) in (0..).zip(charts) {
        let mut document = document(hours(at(NOON), 7 * run), vec![chart("PL", ids), chart("US", &["x"])]);
        for video in document.videos.iter_mut().filter(|video| video.video.id == "-odd") {
            (video.video.title, video.video.channel) = (ODD.into(), "+ channel".into());
        }
        record(store, &document);
    }
}

/// Runs a Python program on what `changes` prints in each of these formats, each in a file of that name.
fn read_by_python(store: &Store, modules: &[&str], options: &str, formats: &[&str], program: &str) {
    let Some(python) = python(modules, "the formats of changes in Python") else { return };
    let folder = tempfile::tempdir().unwrap();
    for format in formats {
        let printed = command(store, &format!("changes -f {format} {options}")).finish().exits(0).stdout;
        std::fs::write(folder.path().join(format), printed).unwrap();
    }
    let outcome = std::process::Command::new(python).args(["-c", program]).current_dir(&folder).output().unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));
}

#[test]
fn rows_have_the_moves_of_the_json() {
    const COMPARE: &str = r#"
import csv, json
document = json.load(open("json", encoding="utf-8"))
names = ["video_id", "title", "channel", "rank", "previous_rank", "first_seen_at", "url", "views"]
expected = [
    {"region": region["region"], "change": change, **move}
    for region in document["regions"] for change in ["entered", "left", "rose", "fell"] for move in region[change]
]
assert len(expected) > 3, expected
lines = [json.loads(line) for line in open("ndjson", encoding="utf-8")]
assert lines == expected, lines
assert list(lines[0]) == ["region", "change"] + names, list(lines[0])

def cell(name, value):
    value = "" if value is None else str(value)
    if name in ("title", "channel"):
        value = value.replace("\x01", "\ufffd")
        return "'" + value if value[:1] in ("=", "+", "-", "@") else value
    return value
rows = list(csv.DictReader(open("csv", encoding="utf-8", newline="")))
assert rows == [{name: cell(name, value) for name, value in row.items()} for row in expected], rows
assert any(row["video_id"] == "-odd" for row in rows)
"#;
    let store = Store::sqlite();
    five_runs(&store);
    read_by_python(&store, &["csv", "json"], "", &["json", "ndjson", "csv"], COMPARE);
    read_by_python(&store, &["csv", "json"], "--since 2026-11-22T13:00Z", &["json", "ndjson", "csv"], COMPARE);
    let top = command(&store, "changes -f ndjson --top 1").finish().exits(0).stdout;
    assert_eq!(top.lines().count(), 1, "{top}");
    assert_eq!(command(&store, "changes -r US -f csv").finish().exits(0).stdout.lines().count(), 1);
}

/// The id and title of each entry of the feed.
fn feed(store: &Store, options: &str) -> Vec<String> {
    let feed = command(store, &format!("changes -f atom {options}")).finish().exits(0).stdout;
    feed.lines().filter_map(|line| line.trim().strip_prefix("<id>urn:trendfetch:entered:")).map(str::to_owned).collect()
}

#[test]
fn a_feed_is_read_by_other_programs() {
    const CHECK: &str = r#"
import feedparser, xml.etree.ElementTree as tree
tree.parse("atom")
feed = feedparser.parse(open("atom", "rb").read())
assert not feed.bozo and feed.version == "atom10", feed
assert feed.feed.id == "urn:trendfetch:feed:PL:latest" and feed.feed.title == "New on YouTube's charts: PL", feed.feed
assert feed.feed.updated == "2026-11-23T16:00:00Z", feed.feed
shown = [(entry.id.rsplit(":", 5)[-4], entry.link, entry.author, entry.updated) for entry in feed.entries]
watch = "https://www.youtube.com/watch?v="
assert [entry.link.removeprefix(watch) for entry in feed.entries] == ["-odd", "returns", "d", "returns", "n"], shown
odd = feed.entries[0]
# Invalid in XML, so it is replaced; a reader folds white space.
title = "=1+1 <b>&amp; \"it's\"</b> ]]> \ufffd\U0001f3b5, \u0105 2"
assert " ".join(odd.title.split()) == title and odd.title_detail.type == "text/plain", odd.title
assert odd.author == "+ channel" and odd.updated == "2026-11-23T16:00:00Z" == odd.published, odd
assert odd.summary == "Number 1 in Poland; 1,000 views" and odd.tags[0].term == "PL", odd
assert len({entry.id for entry in feed.entries}) == 5, shown
assert feed.entries[4].updated == "2026-11-22T19:00:00Z", shown
"#;
    let store = Store::sqlite();
    five_runs(&store);
    read_by_python(&store, &["feedparser"], "-r PL --since 2026-11-22T13:00Z", &["atom"], CHECK);
    // The last two charts.
    let ids = feed(&store, "-r PL --top 3");
    let expected = ["-odd", "returns"].map(|id| format!("youtube:0:PL:{id}:2026-11-23T16:00:00Z</id>"));
    assert_eq!(ids, expected);
    assert_eq!(feed(&store, "-r PL --top 1"), expected[..1]);
    // A feed without entries is one too.
    let empty = command(&store, "changes -r US -f atom").finish().exits(0).stdout;
    assert!(empty.contains("<updated>2026-11-23T16:00:00Z</updated>") && !empty.contains("<entry>"), "{empty}");
}

/// Somebody who reads the feed after each run sees each entrance once, whatever the period is.
#[test]
fn a_reader_sees_each_entrance_once() {
    let store = Store::sqlite();
    let mut rng = fastrand::Rng::with_seed(21);
    let (mut seen, mut expected): (BTreeSet<String>, BTreeSet<String>) = Default::default();
    let mut before: Option<Vec<String>> = None;
    for run in 0..12 {
        let time = hours(at(NOON), run - 20);
        let mut ids: Vec<String> = (0..8).map(|id| format!("v{id}")).filter(|_| rng.u8(0..4) > 0).collect();
        rng.shuffle(&mut ids);
        record(&store, &document(time, vec![chart("PL", &ids)]));
        for id in ids.iter().filter(|id| before.as_ref().is_some_and(|before| !before.contains(id))) {
            expected.insert(format!("youtube:0:PL:{id}:{time}</id>"));
        }
        let is_first = before.replace(ids).is_none();
        if !is_first {
            seen.extend(feed(&store, ""));
            let since = hours(at(NOON), run - 20 - rng.i64(0..=run.min(3)));
            let since = if since <= hours(at(NOON), -20) { hours(at(NOON), -19) } else { since };
            let ids = feed(&store, &format!("--since {since}"));
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
            seen.extend(ids);
        }
    }
    assert!(expected.len() > 10);
    assert_eq!(seen, expected);
}

#[test]
fn a_since_that_nothing_can_be_compared_with_is_told() {
    let store = Store::sqlite();
    five_runs(&store);
    for (since, told) in [
        ("2026-11-22", "PL,US: no two complete charts of one source and category, one before 2026-11-22T00:00:00Z"),
        ("2026-11-24", "PL,US: no two complete charts of one source and category, one before 2026-11-24T00:00:00Z"),
    ] {
        let outcome = command(&store, &format!("changes -f ndjson --since {since}")).finish().exits(0);
        assert!(outcome.stdout.is_empty() && outcome.stderr.contains(told), "{}", outcome.stderr);
    }
    for (since, told) in
        [("tomorrow", "give a time (2026"), ("9999-01-01", "--since: 9999-01-01T00:00:00Z is in the future")]
    {
        let outcome = command(&store, &format!("changes --since {since}")).finish().exits(2);
        assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
    }
    command(&store, "changes --top 0").finish().exits(2);
}
