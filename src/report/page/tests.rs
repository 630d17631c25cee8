use super::*;
use crate::report::samples::{at, attempt, charted, compared, failed, past, place, places, region, snapshot};
use crate::report::snapshot::Chart;
use crate::store::Attempt;

const LIMITS: Limits = Limits { places: 200, moves: 10, runs: 28 };

type Told = (String, String, Option<String>);

fn told(snapshot: &Snapshot) -> Vec<Told> {
    let each = troubles(snapshot).into_iter();
    each.map(|trouble| (trouble.what, trouble.regions, trouble.why.map(str::to_owned))).collect()
}

fn trouble(what: &str, regions: &str, why: Option<&str>) -> Told {
    (what.to_owned(), regions.to_owned(), why.map(str::to_owned))
}

/// A region with a chart, and these attempts.
fn tried(attempts: Vec<Attempt>) -> RegionPast {
    RegionPast { chart: Some(Chart { fetched_at: at(0), places: places(&["a"]) }), ..past(attempts) }
}

#[test]
fn regions_that_failed_alike_are_one_trouble_with_the_reason_of_the_first() {
    let snapshot = snapshot(vec![
        tried(vec![failed("US", 0, Status::Failed, "timeout")]),
        tried(vec![failed("GB", 0, Status::Failed, "connect")]),
        tried(vec![attempt("NO", 0)]),
        tried(vec![failed("PL", 0, Status::Failed, "timeout")]),
        tried(vec![failed("SE", 0, Status::Partial, "timeout")]),
    ]);
    let expected = [
        trouble("Failed last time (timeout):", "US, PL", Some("timeout at US")),
        trouble("Failed last time (connect):", "GB", Some("connect at GB")),
        trouble("Incomplete last time (timeout):", "SE", Some("timeout at SE")),
    ];
    assert_eq!(told(&snapshot), expected);
}

#[test]
fn a_failure_without_a_reason_is_told_all_the_same() {
    let silent = Attempt { status: Status::Failed, ..attempt("US", 0) };
    assert_eq!(told(&snapshot(vec![tried(vec![silent])])), [trouble("Failed last time (unknown):", "US", None)]);
    let wordless = Attempt { error: Some(("tls".to_owned(), String::new())), ..failed("US", 0, Status::Failed, "tls") };
    assert_eq!(told(&snapshot(vec![tried(vec![wordless])])), [trouble("Failed last time (tls):", "US", None)]);
}

#[test]
fn only_the_newest_answer_of_a_region_is_a_trouble() {
    let earlier = vec![failed("US", 0, Status::Failed, "timeout"), attempt("US", 1)];
    assert_eq!(told(&snapshot(vec![tried(earlier)])), []);
    let now = vec![attempt("US", 0), failed("US", 1, Status::Failed, "timeout")];
    assert_eq!(told(&snapshot(vec![tried(now)])).len(), 1);
}

#[test]
fn regions_without_any_chart_are_named() {
    let without = |code| past(vec![attempt(code, 0)]);
    let found = told(&snapshot(vec![without("US"), charted("GB", Vec::new()), without("PL")]));
    assert_eq!(found, [trouble("No chart at all:", "US, PL", None)]);
}

#[test]
fn a_chart_is_old_after_more_than_a_day() {
    let mut page = snapshot(vec![charted("US", places(&["a"])), charted("GB", places(&["a"]))]);
    page.made_at = at(24);
    assert_eq!(told(&page), []);
    page.made_at = at(24) + SignedDuration::from_secs(1);
    assert_eq!(told(&page), [trouble("Every chart is older than a day:", "2026-11-01 00:00", None)]);
    page.regions[1].chart.as_mut().unwrap().fetched_at = at(-5);
    let both = "2026-10-31 19:00 to 2026-11-01 00:00";
    assert_eq!(told(&page), [trouble("Every chart is older than a day:", both, None)]);
    // A third that is fresh: then the codes matter.
    let mut fresh = charted("PL", places(&["a"]));
    fresh.chart.as_mut().unwrap().fetched_at = at(24);
    page.regions.push(fresh);
    assert_eq!(told(&page), [trouble("Charts older than a day:", &format!("US, GB ({both})"), None)]);
}

/// What the rows of a chart say of moves: the id, the text, the class.
fn shown(past: &RegionPast) -> Vec<(&str, String, &'static str)> {
    let rows = Section::of(past, LIMITS).rows;
    rows.iter().map(|row| (&*row.place.video_id, row.moved.to_string(), row.moved.class())).collect()
}

#[test]
fn each_place_tells_how_it_moved_down_to_the_depth_of_both_charts() {
    let (before, now) = (places(&["a", "b", "c", "d"]), places(&["b", "new", "c", "a", "e", "d"]));
    let past = compared("US", (4, before), (6, now));
    let row = |id, text: &str, class| (id, text.to_owned(), class);
    let expected = [
        row("b", "+1", "up"),
        row("new", "new", "new"),
        row("c", "0", ""),
        row("a", "\u{2212}3", "down"),
        row("e", "–", ""),
        row("d", "–", ""),
    ];
    assert_eq!(shown(&past), expected);
}

#[test]
fn without_an_earlier_chart_no_move_is_known() {
    assert!(moves(&charted("US", places(&["a"]))).is_empty());
    assert_eq!(shown(&charted("US", places(&["a"]))), [("a", "–".to_owned(), "")]);
}

/// `Rose 3: b c`, one for each list.
fn listed(past: &RegionPast, most: usize) -> Vec<String> {
    let ids = |moves: &[&Move]| moves.iter().map(|each| format!(" {}", each.video_id)).collect::<String>();
    lists(past, most).iter().map(|list| format!("{} {}:{}", list.name, list.total, ids(&list.moves))).collect()
}

#[test]
fn lists_of_moves_come_by_rank_or_by_distance_and_are_cut() {
    let before = places(&["x", "a", "b", "c", "d", "y"]);
    let now = places(&["d", "m", "b", "a", "n", "c"]);
    let past = compared("US", (50, before), (50, now));
    assert_eq!(listed(&past, 10), ["Entered 2: m n", "Left 2: x y", "Rose 1: d", "Fell 2: a c"]);
    assert_eq!(listed(&past, 1), ["Entered 2: m", "Left 2: x", "Rose 1: d", "Fell 2: a"]);
    assert_eq!(listed(&past, 0), [""; 0]);
    let (before, now) = (places(&["a", "b", "c", "d"]), places(&["b", "d", "a", "c"]));
    let past = compared("US", (50, before), (50, now));
    assert_eq!(listed(&past, 10), ["Rose 2: d b", "Fell 2: a c"], "the farthest first, and no empty list");
}

#[test]
fn a_page_says_how_many_places_found_no_room() {
    let ids: Vec<String> = (0..11).map(|id| id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let snapshot =
        snapshot(vec![charted("US", places(&ids)), charted("GB", places(&ids[..2])), past(vec![attempt("PL", 0)])]);
    let text = |limits| Page::of(&snapshot, false, limits).left_out();
    assert_eq!(text(Limits { places: 11, ..LIMITS }), None);
    let ten = "To stay small, this page shows only the first 10 of up to 11 places of each chart. \
               A page of fewer regions (-r) shows more.";
    assert_eq!(text(Limits { places: 10, ..LIMITS }).as_deref(), Some(ten));
    // One run has no moves and no plots to leave out.
    assert_eq!(text(Limits { moves: 0, runs: 0, ..Limits { places: 10, ..LIMITS } }).as_deref(), Some(ten));
}

#[test]
fn a_cut_chart_says_so_above_its_rows() {
    let past = charted("US", places(&["a", "b", "c"]));
    let caption = |places| Section::of(&past, Limits { places, ..LIMITS }).caption();
    assert_eq!(caption(2), "The first 2 of 3 places; the page has no room for more.");
    assert_eq!(caption(3), "The chart of United States (US)");
}

#[test]
fn the_page_is_to_be_deleted_30_days_after_the_oldest_chart_on_it() {
    let by = |snapshot: &Snapshot| Page::of(snapshot, false, LIMITS).delete_by();
    let mut page = snapshot(vec![charted("US", places(&["a"])), charted("GB", places(&["a"]))]);
    page.made_at = at(48);
    assert_eq!(by(&page), "2026-12-01");
    page.regions[1].chart.as_mut().unwrap().fetched_at = at(-24);
    assert_eq!(by(&page), "2026-11-30");
    // The chart before is on the page too, by who left it.
    page.regions[0].previous = Some(Chart { fetched_at: at(-48), places: places(&["b"]) });
    assert_eq!(by(&page), "2026-11-29");
    let mut nothing = snapshot(vec![past(vec![attempt("US", 0)])]);
    nothing.made_at = at(48);
    assert_eq!(by(&nothing), "2026-12-03");
}

#[test]
fn pictures_are_only_those_of_the_host_that_the_policy_allows() {
    let picture = |address: Option<&str>| {
        let place = Place { thumbnail: address.map(str::to_owned), ..place(1, "a") };
        Row { place: &place, moved: Moved::New, minutes: 0 }.picture().map(str::to_owned)
    };
    let good = "https://i.ytimg.com/vi/a/hqdefault.jpg";
    assert_eq!(picture(Some(good)).as_deref(), Some(good));
    for other in [
        "https://i.ytimg.com.evil.example/vi/a.jpg",
        "https://i.ytimg.com@evil.example/vi/a.jpg",
        "https://i.ytimg.com",
        "http://i.ytimg.com/vi/a.jpg",
        "//i.ytimg.com/vi/a.jpg",
        " https://i.ytimg.com/vi/a.jpg",
        "https://evil.example/?https://i.ytimg.com/",
        "javascript:alert(1)",
        "",
    ] {
        assert_eq!(picture(Some(other)), None, "{other}");
    }
    assert_eq!(picture(None), None);
}

#[test]
fn a_region_outside_the_table_goes_by_its_code_alone() {
    let (known, unknown) = (charted("PL", Vec::new()), charted("XX", Vec::new()));
    assert_eq!(Section::of(&known, LIMITS).name(), "Poland (PL)");
    assert_eq!(Section::of(&unknown, LIMITS).name(), "XX");
    assert_eq!(unknown.region, region("XX"));
}

#[test]
fn ranks_of_a_week_ago_count_for_the_day_of_deletion() {
    let mut past = compared("US", (50, places(&["a"])), (50, places(&["a"])));
    past.attempts.insert(0, attempt("US", -6 * 24));
    past.standings =
        [-6 * 24, 0, 1].map(|number| crate::store::Standing { number, rank: 1, video_id: "a".to_owned() }).into();
    let page = snapshot(vec![past]);
    let page = Page::of(&page, false, LIMITS);
    // The plot and its table show the rank of this run.
    assert_eq!(page.sections[0].bump.as_ref().unwrap().columns[0].fetched_at, at(-6 * 24));
    assert_eq!(page.delete_by(), "2026-11-25");
}

#[test]
fn a_page_without_lists_of_moves_says_so() {
    let before = places(&["a", "b"]);
    let snapshot = snapshot(vec![compared("US", (50, before), (50, places(&["b", "c"])))]);
    let with = Page::of(&snapshot, false, LIMITS);
    assert!(!with.sections[0].lists.is_empty());
    let page = Page::of(&snapshot, false, Limits { places: 5, moves: 0, runs: 0 });
    assert!(page.sections[0].lists.is_empty());
    let said = "To stay small, this page shows no lists of who entered, left, rose and fell, no plots of ranks. \
                A page of fewer regions (-r) shows more.";
    assert_eq!(page.left_out().as_deref(), Some(said));
}
