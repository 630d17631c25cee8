//! `changes`: what entered, left, rose and fell.

use super::*;
use trendfetch::history::changes::{Query, find, find_entrances};
use trendfetch::history::expiry::{Deleted, delete_before};

on_both_engines! {
    changes_are_printed_as_json
    runs_of_different_series_are_not_compared
    charts_are_compared_down_to_the_smaller_limit
    failed_fetches_are_skipped_in_comparisons
    a_run_loaded_late_is_compared_by_its_start
    a_single_complete_fetch_is_not_compared
    changes_agree_with_a_recomputation
    control_characters_in_a_source_are_escaped
    a_chart_of_one_or_of_all_categories_can_be_selected
    a_dropped_region_warns_only_if_requested
    runs_dated_in_the_future_are_skipped_with_a_warning
}

fn a_chart_of_one_or_of_all_categories_can_be_selected(store: Store) {
    record_poland(&store, 0, "youtube", None, 50, &["a", "b"]);
    record_poland(&store, 1, "youtube", None, 50, &["b", "a"]);
    let heading = |options: &str| {
        let shown = command(&store, &format!("changes --all {options}")).finish().exits(0).stdout;
        shown.split(": ").next().unwrap().to_owned()
    };
    let title = |options: &str| {
        let page = command(&store, &format!("report -o - {options}")).finish().exits(0).stdout;
        page.split("<h1>").nth(1).unwrap().split("</h1>").next().unwrap().to_owned()
    };
    // There is only one series.
    assert_eq!((&*heading(""), &*title("")), ("PL", "YouTube’s most popular videos"));
    record_poland(&store, 2, "youtube", Some(10), 50, &["c", "d"]);
    record_poland(&store, 3, "youtube", Some(10), 50, &["d", "c"]);
    // The page shows every category, or looks as if there were no others.
    let (all, music) = ("YouTube’s most popular videos", "YouTube’s most popular videos: Music");
    for (options, of_changes, of_page) in [
        ("", "PL, Music", all),
        ("--category music", "PL, Music", music),
        ("--category all", "PL, all categories", all),
        ("--category 0", "PL, all categories", all),
    ] {
        assert_eq!((&*heading(options), &*title(options)), (of_changes, of_page), "{options}");
    }
    record_poland(&store, 4, "youtube", None, 50, &["a", "b"]);
    assert_eq!((&*heading(""), &*title("")), ("PL, all categories", all));
}

fn a_dropped_region_warns_only_if_requested(store: Store) {
    record(
        &store,
        &document(hours(now(), -9 * 24), vec![failed("XX", ErrorKind::RegionUnsupported), chart("DE", &["a"])]),
    );
    record(&store, &document(hours(now(), -8), vec![chart("US", &["a"]), chart("PL", &["a"])]));
    record(&store, &document(hours(now(), -1), vec![chart("US", &["a"])]));
    let told = |options: &str| command(&store, &format!("changes {options}")).finish().exits(0).stderr;
    let tail = ": no two complete charts of one source and category to compare yet\n";
    assert!(told("").ends_with(&format!(" PL{tail}")), "{}", told(""));
    assert!(told("-r XX,US").ends_with(&format!(" XX{tail}")), "{}", told("-r XX,US"));
}

fn runs_dated_in_the_future_are_skipped_with_a_warning(store: Store) {
    record(&store, &document(hours(now(), -8), vec![chart("US", &["a"])]));
    record(&store, &document(hours(now(), -1), vec![chart("US", &["b"])]));
    let ahead = hours(now(), 48);
    record(&store, &document(ahead, vec![chart("US", &["c"])]));
    for arguments in ["changes -f json", "report -o -"] {
        let outcome = command(&store, arguments).finish().exits(0);
        let said = format!("runs of the history are dated up to {ahead}, which is in the future, and are ignored");
        assert!(outcome.stderr.contains(&said) && outcome.stderr.lines().count() == 1, "{}", outcome.stderr);
        assert!(outcome.stdout.contains("Title of b") && !outcome.stdout.contains("Title of c"), "{arguments}");
    }
}

/// A loaded document may come from anywhere, and a terminal would execute its escape sequences.
fn control_characters_in_a_source_are_escaped(store: Store) {
    for hour in [-7, 0] {
        let mut run = document(hours(now(), hour), vec![chart("US", &["a"])]);
        run.source = "evil\u{1b}[2J\u{202e}".into();
        record(&store, &run);
    }
    let shown = command(&store, "changes --all").finish().exits(0).stdout;
    assert!(shown.contains("(evil\\u{1b}[2J\\u{202e})"), "{shown:?}");
}

fn changes_in_json(store: &Store, options: &str) -> Value {
    let outcome = command(store, &format!("changes -f json {options}")).finish().exits(0);
    assert_eq!(outcome.stderr, "");
    outcome.document()
}

/// Three runs, with changes in PL and none in US.
fn three_runs(store: &Store) -> [Document; 3] {
    let time = |hour: i64| hours(at("2026-11-22T14:05:00Z"), hour);
    let mut runs = [
        document(time(-31), vec![chart("US", &["x", "y"]), chart("PL", &["c", "a"])]),
        document(time(0), vec![chart("US", &["x", "y"]), chart("PL", &["a", "b", "c", "d", "f"])]),
        document(time(7), vec![chart("US", &["x", "y"]), chart("PL", &["e", "c", "b", "d", "g"])]),
    ];
    for (run, document) in runs.iter_mut().enumerate() {
        for video in &mut document.videos {
            video.video.title = format!("{} of run {run}", video.video.id).into();
            video.video.channel = format!("Channel of {}", video.video.id).into();
        }
        record(store, document);
    }
    runs
}

fn changes_are_printed_as_json(store: Store) {
    let runs = three_runs(&store);
    // Titles are as last seen: a video that left was last seen by the run before.
    let moved = |id: &str, run: usize, rank: Option<u32>, previous: Option<u32>, first_seen: usize| {
        json!({
            "video_id": id, "title": format!("{id} of run {run}"), "channel": format!("Channel of {id}"),
            "rank": rank, "previous_rank": previous, "first_seen_at": runs[first_seen].fetched_at,
            "url": format!("https://www.youtube.com/watch?v={id}"), "views": runs[run].videos.iter().find(|video| video.video.id == id).unwrap().video.views
        })
    };
    let fetch = |run: usize| json!({"run_id": runs[run].run_id, "fetched_at": runs[run].fetched_at});
    let poland = json!({
        "region": "PL", "from": fetch(1), "to": fetch(2),
        "entered": [moved("e", 2, Some(1), None, 2), moved("g", 2, Some(5), None, 2)],
        "left": [moved("a", 1, None, Some(1), 0), moved("f", 1, None, Some(5), 1)],
        "rose": [moved("c", 2, Some(2), Some(3), 0)],
        "fell": [moved("b", 2, Some(3), Some(2), 1)], "pushed": 0
    });
    let america = json!({"region": "US", "from": fetch(1), "to": fetch(2), "entered": [], "left": [], "rose": [], "fell": [], "pushed": 0});
    // All regions by code, or the requested ones in their order.
    assert_eq!(changes_in_json(&store, ""), json!({"schema_version": 1, "regions": [poland, america]}));
    assert_eq!(changes_in_json(&store, "-r us,PL"), json!({"schema_version": 1, "regions": [america, poland]}));
    assert_eq!(changes_in_json(&store, "-r US -r PL"), json!({"schema_version": 1, "regions": [america, poland]}));
    assert_eq!(changes_in_json(&store, "-r PL"), json!({"schema_version": 1, "regions": [poland]}));
    assert_no_leftovers(&store);
}

#[test]
fn changes_are_printed_as_a_table() {
    let store = Store::sqlite();
    three_runs(&store);
    let outcome = command(&store, "changes --all -r US,PL").finish().exits(0);
    assert_eq!(outcome.stderr, "");
    let expected = "\
US: 2026-11-22 14:05 to 21:05 UTC, top 50: 0 entered, 0 left, 0 rose, 0 fell, 0 pushed

PL: 2026-11-22 14:05 to 21:05 UTC, top 50: 2 entered, 2 left, 1 rose, 1 fell, 0 pushed
Change   Rank  Previous  Time in chart  Trend  Title       Channel
entered     1         -            new  ··█    e of run 2  Channel of e
entered     5         -            new  ··▅    g of run 2  Channel of g
left        -         1          1d 7h  ▇█·    a of run 1  Channel of a
left        -         5            new  ·▅·    f of run 1  Channel of f
rose        2         3         1d 14h  █▆▇    c of run 2  Channel of c
fell        3         2          7h 0m  ·▇▆    b of run 2  Channel of b
";
    assert_eq!(outcome.stdout, expected);
    let expected = "\
2026-11-22 14:05 to 21:05 UTC, top 50
US  0 entered, 0 left, 0 rose, 0 fell, 0 pushed
PL  2 entered, 2 left, 1 rose, 1 fell, 0 pushed
    entered at 1      e of run 2  Channel of e
    rose from 3 to 2  c of run 2  Channel of c
    left from 1       a of run 1  Channel of a

--all lists every move
";
    assert_eq!(command(&store, "changes -r US,PL").finish().exits(0).stdout, expected);
    let nothing = "2026-11-22 14:05 to 21:05 UTC, top 50\nUS  0 entered, 0 left, 0 rose, 0 fell, 0 pushed\n";
    assert_eq!(command(&store, "changes -r US").finish().exits(0).stdout, nothing);
    let top = command(&store, "changes -r PL --top 1").finish().exits(0).stdout;
    assert!(top.starts_with("2026-11-22 14:05 to 21:05 UTC, top 1 of 50\nPL  1 entered, 1 left, 0 rose"), "{top}");
    // The heading names another source, a category, a smaller limit, and both days.
    for (hour, ids) in [(0, ["a", "b"]), (24, ["b", "a"])] {
        let mut other = document(hours(at("2026-11-20T14:05:00Z"), hour), vec![chart("AT", &ids)]);
        (other.source, other.request.category_id, other.request.max_results) = ("demo".into(), Some(10), 2);
        record(&store, &other);
    }
    let outcome = command(&store, "changes --all -r AT").finish().exits(0);
    let heading = "AT, Music (demo): 2026-11-20 14:05 to 2026-11-21 14:05 UTC, top 2: 0 entered, 0 left, 1 rose, 1 fell, 0 pushed";
    assert_eq!(outcome.stdout.lines().next(), Some(heading));
    let summary = command(&store, "changes -r AT").finish().exits(0).stdout;
    assert!(summary.starts_with("Music (demo), 2026-11-20 14:05 to 2026-11-21 14:05 UTC, top 2\nAT  0"), "{summary}");
    // Titles are whole in a pipe.
    let mut other = document(at("2026-11-23T14:05:00Z"), vec![chart("PL", &["long"])]);
    other.videos[0].video.title = "A long title ".repeat(9).trim_end().into();
    record(&store, &other);
    for options in ["", "--all", "--since 2026-11-23"] {
        let shown = command(&store, &format!("changes -r PL {options}")).finish().exits(0).stdout;
        assert!(shown.contains(&*other.videos[0].video.title), "{shown}");
    }
}

/// Stores a run of one chart of PL.
fn record_poland(
    store: &Store,
    hour: i64,
    source: &str,
    category_id: Option<u32>,
    max_results: u32,
    ids: &[&str],
) -> String {
    let mut run = document(hours(at(NOON), hour), vec![chart("PL", ids)]);
    (run.source, run.request.category_id, run.request.max_results) = (source.into(), category_id, max_results);
    record(store, &run);
    run.run_id
}

/// The changes of PL: both runs, and each list as ids.
fn poland(store: &Store) -> (String, String, [Vec<String>; 4]) {
    let changes = &changes_in_json(store, "-r PL")["regions"][0];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let ids = |list: &str| changes[list].as_array().unwrap().iter().map(|video| text(&video["video_id"])).collect();
    let run = |end: &str| text(&changes[end]["run_id"]);
    (run("from"), run("to"), ["entered", "left", "rose", "fell"].map(ids))
}

fn moves(lists: [&[&str]; 4]) -> [Vec<String>; 4] {
    lists.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect())
}

fn runs_of_different_series_are_not_compared(store: Store) {
    record_poland(&store, 0, "youtube", None, 50, &["a", "b"]);
    record_poland(&store, 1, "youtube", Some(10), 50, &["c"]);
    record_poland(&store, 2, "demo", None, 50, &["d"]);
    record_poland(&store, 3, "demo", Some(20), 50, &["e"]);
    let outcome = command(&store, "changes -f json").finish().exits(0);
    assert_eq!(outcome.document(), json!({"schema_version": 1, "regions": []}));
    assert!(
        outcome.stderr.contains("PL: no two complete charts of one source and category to compare yet"),
        "{}",
        outcome.stderr
    );
    // The last two runs of one series are compared, whatever came between and after them.
    let music = record_poland(&store, 4, "youtube", Some(10), 50, &["c", "f"]);
    record_poland(&store, 5, "demo", Some(10), 50, &["e"]);
    let (_, to, lists) = poland(&store);
    assert_eq!((to, lists), (music, moves([&["f"], &[], &[], &[]])));
    let all = record_poland(&store, 6, "youtube", None, 50, &["b"]);
    let (_, to, lists) = poland(&store);
    assert_eq!((to, lists), (all, moves([&[], &["a"], &[], &[]])));
    // `first_seen_at` does not count other categories or sources.
    record_poland(&store, 7, "youtube", None, 50, &["b", "c"]);
    let entered = changes_in_json(&store, "-r PL")["regions"][0]["entered"][0].clone();
    assert_eq!((&entered["video_id"], &entered["first_seen_at"]), (&json!("c"), &json!(hours(at(NOON), 7))));
}

fn charts_are_compared_down_to_the_smaller_limit(store: Store) {
    record_poland(&store, 0, "youtube", None, 5, &["a", "b", "c", "d", "e"]);
    record_poland(&store, 1, "youtube", None, 3, &["c", "b", "e"]);
    // Nothing is known about the ranks below.
    assert_eq!(poland(&store).2, moves([&["e"], &["a"], &["c"], &[]]));
    let outcome = command(&store, "changes --all").finish().exits(0);
    assert!(outcome.stdout.contains(" top 3: 1 entered, 1 left, 1 rose, 0 fell"), "{}", outcome.stdout);
    record_poland(&store, 2, "youtube", None, 4, &["c", "b", "d", "e"]);
    assert_eq!(poland(&store).2, moves([&["d"], &["e"], &[], &[]]));
}

fn failed_fetches_are_skipped_in_comparisons(store: Store) {
    let run = |hour: i64, poland: RegionChart| {
        let document = document(hours(at(NOON), hour), vec![chart("US", &["x"]), poland]);
        record(&store, &document);
        document.run_id
    };
    let first = run(0, chart("PL", &["a", "b"]));
    run(1, partial("PL", &["b"], ErrorKind::Timeout));
    let second = run(2, chart("PL", &["b", "c"]));
    let third = run(3, partial("PL", &["c"], ErrorKind::ServerError));
    let fourth = run(4, failed("PL", ErrorKind::RegionUnsupported));
    assert_eq!(poland(&store), (first, second.clone(), moves([&["c"], &["a"], &[], &[]])));
    let others = changes_in_json(&store, "-r US")["regions"][0].clone();
    assert_eq!((&others["from"]["run_id"], &others["to"]["run_id"]), (&json!(third), &json!(fourth)));
    // An empty chart is a whole one.
    let last = run(5, chart::<&str>("PL", &[]));
    assert_eq!(poland(&store), (second, last, moves([&[], &["b", "c"], &[], &[]])));
}

fn a_run_loaded_late_is_compared_by_its_start(store: Store) {
    let first = record_poland(&store, 0, "youtube", None, 50, &["a", "b"]);
    let third = record_poland(&store, 2, "youtube", None, 50, &["b", "c"]);
    assert_eq!(poland(&store), (first, third.clone(), moves([&["c"], &["a"], &[], &[]])));
    let second = record_poland(&store, 1, "youtube", None, 50, &["b", "d"]);
    assert_eq!(poland(&store), (second, third, moves([&["c"], &["d"], &[], &[]])));
}

fn a_single_complete_fetch_is_not_compared(store: Store) {
    let says_so = |options: &str, says: &str| {
        let outcome = command(&store, &format!("changes {options}")).finish().exits(0);
        assert!(
            outcome.stdout.is_empty() && outcome.stderr.lines().count() == 1,
            "{}{}",
            outcome.stdout,
            outcome.stderr
        );
        assert!(outcome.stderr.contains(says), "{}", outcome.stderr);
    };
    record(&store, &document(at(NOON), vec![failed("US", ErrorKind::Timeout), failed("PL", ErrorKind::Timeout)]));
    record(&store, &document(hours(at(NOON), 1), vec![chart("US", &["a"]), partial("PL", &["b"], ErrorKind::Timeout)]));
    says_so("", "PL,US: no two complete charts");
    says_so("-r US", "US: no two complete charts");
    // Never requested.
    says_so("-r JP,US", "JP,US: no two complete charts");
    record(&store, &document(hours(at(NOON), 2), vec![chart("US", &["a"])]));
    let outcome = command(&store, "changes --all").finish().exits(0);
    assert!(outcome.stdout.starts_with("US: ") && outcome.stderr.contains("PL: no two complete"), "{}", outcome.stderr);
    command(&store, "changes -r Poland").finish().exits(2);
}

/// A region of a run in the model.
#[derive(Clone)]
struct ModelFetch {
    at: Timestamp,
    run_id: String,
    source: &'static str,
    category: Option<u32>,
    max_results: u32,
    is_whole: bool,
    /// By rank.
    ids: Vec<String>,
}

impl ModelFetch {
    /// A count of its own for each video and run.
    fn views(&self, id: &str) -> u64 {
        views(self.at, id)
    }
}

fn views(at: Timestamp, id: &str) -> u64 {
    u64::try_from(at.as_second()).unwrap() + id.bytes().map(u64::from).sum::<u64>()
}

/// What `changes` must report: both runs, each list, and how many were pushed.
type ModelChanges = (String, String, [Vec<Move>; 4], usize);

/// `--since` and `--top`
#[derive(Debug, Clone, Copy)]
struct Asked {
    since: Option<Timestamp>,
    top: Option<u32>,
}

/// A simple model of the history of one region, by time.
#[derive(Default)]
struct Model {
    fetches: Vec<ModelFetch>,
    /// By source, category and id: first and last seen.
    seen: HashMap<(&'static str, Option<u32>, String), (Timestamp, Timestamp)>,
}

impl Model {
    fn add(&mut self, fetch: ModelFetch, keep_from: Timestamp) {
        for id in &fetch.ids {
            let span = self.seen.entry((fetch.source, fetch.category, id.clone())).or_insert((fetch.at, fetch.at));
            span.1 = fetch.at;
        }
        self.fetches.push(fetch);
        self.fetches.retain(|fetch| fetch.at >= keep_from);
        self.seen.retain(|_, (_, last)| *last >= keep_from);
    }

    /// The two fetches that `changes` must compare.
    fn compared(&self, since: Option<Timestamp>) -> Option<(&ModelFetch, &ModelFetch)> {
        let pairs = self.whole().into_values().filter_map(|fetches| {
            let to = *fetches.last()?;
            let from = match since {
                None => fetches.iter().rev().nth(1),
                Some(since) => fetches.iter().rev().find(|from| from.at < since).filter(|_| to.at >= since),
            };
            Some((*from?, to))
        });
        pairs.max_by_key(|(_, to)| to.at)
    }

    /// The whole fetches of each source and category.
    fn whole(&self) -> BTreeMap<(&str, Option<u32>), Vec<&ModelFetch>> {
        let mut kinds: BTreeMap<(&str, Option<u32>), Vec<&ModelFetch>> = BTreeMap::new();
        for fetch in self.fetches.iter().filter(|fetch| fetch.is_whole) {
            kinds.entry((fetch.source, fetch.category)).or_default().push(fetch);
        }
        kinds
    }

    /// The ids and ranks that a feed must have, each with the time when it entered.
    fn entrances(&self, asked: Asked) -> Option<BTreeSet<(Timestamp, String, u32)>> {
        let (first, last) = self.compared(asked.since)?;
        let fetches = self.whole().remove(&(last.source, last.category))?;
        let fetches: Vec<_> = fetches.into_iter().filter(|fetch| (first.at..=last.at).contains(&fetch.at)).collect();
        let mut entrances = BTreeSet::new();
        for two in fetches.windows(2) {
            let depth = two[0].max_results.min(two[1].max_results) as usize;
            let shown = |fetch: &ModelFetch| fetch.ids.iter().take(depth).cloned().collect::<Vec<_>>();
            let (before, now) = (shown(two[0]), shown(two[1]));
            for (rank, id) in (1..).zip(now).filter(|(_, id)| !before.contains(id)) {
                if asked.top.is_none_or(|top| rank <= top) {
                    entrances.insert((two[1].at, id, rank));
                }
            }
        }
        Some(entrances)
    }

    fn changes(&self, titles: &HashMap<String, String>, asked: Asked) -> Option<ModelChanges> {
        let (from, to) = self.compared(asked.since)?;
        let max_results = from.max_results.min(to.max_results);
        let rank = |fetch: &ModelFetch, id: &String| {
            let place = fetch.ids.iter().position(|other| other == id)?;
            u32::try_from(place + 1).ok().filter(|rank| *rank <= max_results)
        };
        let (mut lists, mut pushed): ([Vec<Move>; 4], usize) = Default::default();
        let everything: BTreeSet<&String> = from.ids.iter().chain(&to.ids).collect();
        let stayed = |id: &&&String| rank(from, id).is_some() && rank(to, id).is_some();
        let stayed: Vec<&String> = everything.iter().filter(stayed).copied().collect();
        // How many of those that stayed are above.
        let above = |fetch, id| stayed.iter().filter(|other| rank(fetch, other) < rank(fetch, id)).count();
        for id in everything {
            let (previous_rank, now) = (rank(from, id), rank(to, id));
            let list = match (now, previous_rank) {
                (Some(_), None) => 0,
                (None, Some(_)) => 1,
                (Some(now), Some(previous)) if now < previous && above(to, id) < above(from, id) => 2,
                (Some(now), Some(previous)) if now > previous && above(to, id) > above(from, id) => 3,
                (Some(now), Some(previous)) => {
                    let is_touched = asked.top.is_none_or(|top| now.min(previous) <= top);
                    pushed += usize::from(now != previous && is_touched);
                    continue;
                }
                (None, None) => continue,
            };
            let last = if now.is_some() { to } else { from };
            if !asked.top.is_none_or(|top| now.into_iter().chain(previous_rank).any(|rank| rank <= top)) {
                continue;
            }
            lists[list].push(Move {
                video_id: id.clone(),
                title: titles[id].clone(),
                channel: "A channel".into(),
                rank: now,
                previous_rank,
                first_seen_at: self.seen[&(to.source, to.category, id.clone())].0,
                views: Some(last.views(id)),
            });
        }
        lists.iter_mut().for_each(|list| list.sort_by_key(|each| each.rank.or(each.previous_rank)));
        Some((from.run_id.clone(), to.run_id.clone(), lists, pushed))
    }
}

/// Makes the next chart: some videos swap ranks, some leave, and some enter, of which a part was there before.
fn drift(ids: &mut Vec<String>, rng: &mut fastrand::Rng, code: &str) {
    while ids.len() < 10 {
        let new = format!("{code}-{}", rng.u8(0..60));
        if !ids.contains(&new) {
            ids.push(new);
        }
    }
    for _ in 0..rng.usize(0..4) {
        let place = rng.usize(1..ids.len());
        ids.swap(place - 1, place);
    }
    for _ in 0..rng.usize(0..3) {
        let gone = rng.usize(0..ids.len());
        ids.remove(gone);
        // Some videos are in the charts of two regions.
        let owner = if rng.u8(0..5) == 0 { "every" } else { code };
        let new = format!("{owner}-{}", rng.u8(0..40));
        if !ids.contains(&new) {
            ids.insert(rng.usize(0..=ids.len()), new);
        }
    }
}

fn changes_agree_with_a_recomputation(store: Store) {
    const CODES: [&str; 6] = ["US", "GB", "DE", "PL", "JP", "XX"];
    let mut rng = fastrand::Rng::with_seed(89);
    let mut models: [Model; 6] = Default::default();
    let mut current: HashMap<(usize, Option<u32>), Vec<String>> = HashMap::new();
    let mut titles: HashMap<String, String> = HashMap::new();
    let mut compared = 0;
    wait(async {
        let mut backend = history::open(&location(&store), Access::Create).await.unwrap();
        for run in 0..89 {
            let now = hours(at(NOON), 7 * run);
            let keep_from = days(now, -10);
            // Mostly the same request, sometimes another one.
            let (source, category, max_results) = match rng.u8(0..10) {
                0 => ("youtube", Some(10), 8),
                1 => ("demo", None, 8),
                2 => ("youtube", None, 6),
                _ => ("youtube", None, 8),
            };
            let mut charts = Vec::new();
            for (index, code) in CODES.into_iter().enumerate() {
                let ids = current.entry((index, category)).or_default();
                drift(ids, &mut rng, code);
                let shown = &ids[..max_results as usize];
                charts.push(match rng.u8(0..20) {
                    0 => failed(code, ErrorKind::ServerError),
                    1 => partial(code, &shown[..rng.usize(1..6)], ErrorKind::ServerError),
                    _ => chart(code, shown),
                });
            }
            for entry in charts.iter_mut().flat_map(|chart| &mut chart.entries) {
                entry.video.title = format!("{} of run {run}", entry.video.id).into();
                entry.video.views = Some(views(now, &entry.video.id));
                titles.insert(entry.video.id.to_string(), entry.video.title.to_string());
            }
            let known: Vec<(bool, Vec<String>)> = charts
                .iter()
                .map(|chart| {
                    let ids = chart.entries.iter().map(|entry| entry.video.id.to_string()).collect();
                    (chart.outcome.failure.is_none(), ids)
                })
                .collect();
            let mut document = document(now, charts);
            (document.source, document.request.category_id, document.request.max_results) =
                (source.into(), category, max_results);
            let run_id = document.run_id.clone();
            backend.record(&Arc::new(document), None).await.unwrap();
            delete_before(&mut *backend, keep_from, &mut Deleted::default()).await.unwrap();
            let all = CODES.map(region);
            for ((code, model), (is_whole, ids)) in CODES.iter().zip(&mut models).zip(known) {
                let run_id = run_id.clone();
                model.add(ModelFetch { at: now, run_id, source, category, max_results, is_whole, ids }, keep_from);
                assert!(model.fetches.iter().all(|fetch| fetch.ids.len() <= 8), "{code}");
            }
            let since = hours(now, -rng.i64(0..12 * 24));
            // At the start of a run too, which is not before it.
            let exact = hours(now, -7 * rng.i64(0..5));
            for (since, top) in [(None, None), (Some(since), None), (Some(exact), Some(4)), (None, Some(rng.u32(1..9)))]
            {
                let asked = Asked { since, top };
                let query = Query { regions: &all, category: None, since, until: jiff::Timestamp::MAX, top };
                let told = find(&mut *backend, &query, 0).await.unwrap();
                let mut told = told.into_iter().peekable();
                let fed = find_entrances(&mut *backend, &query).await.unwrap();
                for (code, model) in CODES.iter().zip(&models) {
                    let told =
                        told.next_if(|told| told.changes.region == region(code)).map(|told| told.changes).map(|told| {
                            let lists = [told.entered, told.left, told.rose, told.fell];
                            (told.from.run_id, told.to.run_id, lists, told.pushed.len())
                        });
                    compared += usize::from(told.is_some());
                    assert_eq!(told, model.changes(&titles, asked), "{code} after run {run}: {asked:?}");
                    let own = fed.list.iter().filter(|entrance| entrance.region == region(code));
                    let fed_to = own.map(|entrance| {
                        (entrance.entered_at, entrance.moved.video_id.clone(), entrance.moved.rank.unwrap())
                    });
                    let expected = model.entrances(asked);
                    assert_eq!(fed.regions.contains(&region(code)), expected.is_some());
                    assert_eq!(fed_to.collect::<BTreeSet<_>>(), expected.unwrap_or_default(), "{code}: {asked:?}");
                }
            }
        }
    });
    assert!(compared > 1500, "only {compared} comparisons");
}
