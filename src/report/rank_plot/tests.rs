use super::*;
use crate::history::VideoRank;
use crate::model::Status;
use crate::report::fixtures::{at, attempt, entries, failed, without_chart};
use crate::report::region_history::Chart;

/// Hourly runs, each given by its top videos; none is a failed run.
fn history_of(runs: &[&[&str]]) -> RegionHistory {
    let attempt_at = |(hour, top): (i64, &&[&str])| {
        if top.is_empty() { failed("US", hour, Status::Failed, "timeout") } else { attempt("US", hour) }
    };
    let mut history = without_chart((0..).zip(runs).map(attempt_at).collect());
    for (number, top) in (0..).zip(runs) {
        let video_rank = |(rank, id): (u32, &&str)| VideoRank { number, rank, video_id: (*id).to_owned() };
        history.video_ranks.extend((1..).zip(*top).map(video_rank));
    }
    let newest = (0..).zip(runs).filter(|(_, top)| !top.is_empty()).last();
    history.chart = newest.map(|(hour, top)| Chart { fetched_at: at(hour), entries: entries(top) });
    history
}

/// Each line as `a M12 1h244`, with its bridges after a `~`.
fn lines(plot: &RankPlot<'_>) -> Vec<String> {
    let bridges =
        |line: &PlotLine<'_>| if line.bridges.is_empty() { String::new() } else { format!(" ~{}", line.bridges) };
    plot.lines.iter().map(|line| format!("{} {}{}", line.entry.video_id, line.path, bridges(line))).collect()
}

fn areas(plot: &RankPlot<'_>) -> Vec<(i64, i64, i64, i64)> {
    plot.unknown_areas.iter().map(|area| (area.x, area.y, area.width, area.height)).collect()
}

fn hours(plot: &RankPlot<'_>) -> Vec<Timestamp> {
    plot.columns.iter().map(|column| column.fetched_at).collect()
}

#[test]
fn a_small_plot_matches_one_drawn_by_hand() {
    let history = history_of(&[&["a", "b"], &["b", "a"], &["b", "a"]]);
    let plot = RankPlot::new(&history, 28).unwrap();
    assert_eq!(lines(&plot), ["b M12 3l488 -2h488", "a M12 1l488 2h488"]);
    assert_eq!(plot.lines[0].ranks, [Some(2), Some(1), Some(1)]);
    assert_eq!((plot.other_path(), areas(&plot), plot.every_nth), (String::new(), vec![], 1));
    assert_eq!(plot.run_marks(), "M12 0v1M500 0v1M988 0v1");
    assert_eq!(plot.grid(), "M12 0v20M500 0v20M988 0v20");
    assert_eq!(hours(&plot), [at(0), at(1), at(2)]);
}

#[test]
fn a_run_without_a_complete_chart_is_shaded_and_bridged() {
    let mut history = history_of(&[&["a"], &["a"], &[], &["a"], &["a"]]);
    let plot = RankPlot::new(&history, 28).unwrap();
    assert_eq!(lines(&plot), ["a M12 1h244M744 1h244 ~M256 1h488"]);
    assert_eq!(areas(&plot), [(378, 0, 244, 20)]);
    // A deleted chart is omitted instead.
    history.attempts[2] = RegionAttempt { is_pruned: true, ..attempt("US", 2) };
    let plot = RankPlot::new(&history, 28).unwrap();
    assert_eq!((lines(&plot), areas(&plot)), (vec!["a M12 1h244h488h244".to_owned()], vec![]));
}

#[test]
fn missing_runs_take_their_room() {
    let mut history = history_of(&[&["a"], &["a"], &["a"], &["a"], &["b", "a"], &["b", "a"]]);
    // Hourly, but for four runs between the fourth and the fifth.
    for (attempt, hour) in history.attempts.iter_mut().zip([0, 1, 2, 3, 8, 9]) {
        attempt.fetched_at = at(hour);
    }
    let plot = RankPlot::new(&history, 28).unwrap();
    let xs: Vec<i64> = plot.columns.iter().map(|column| column.x).collect();
    assert_eq!(xs, [12, 120, 229, 337, 880, 988]);
    assert_eq!(areas(&plot), [(392, 0, 433, 20)]);
    let expected = ["b M880 1h108", "a M12 1h108h109h108M880 3h108 ~M337 1l543 2"];
    assert_eq!(lines(&plot), expected);
}

#[test]
fn a_line_breaks_at_a_run_without_the_video() {
    let history = history_of(&[&["a", "b"], &["a", "b"], &["b"], &["a", "b"], &["b", "a"]]);
    let plot = RankPlot::new(&history, 28).unwrap();
    assert_eq!(
        lines(&plot),
        ["b M12 3h244l244 -2l244 2l244 -2", "a M12 1h244M744 1l244 2"],
        "no bridge, since the run knows that the video was absent"
    );
    assert_eq!((plot.lines[1].ranks[2], areas(&plot)), (None, vec![]));
}

#[test]
fn an_isolated_rank_is_a_dash() {
    let history = history_of(&[&["a"], &["b"], &["a"]]);
    let plot = RankPlot::new(&history, 28).unwrap();
    assert_eq!(lines(&plot), ["a M7 1h10M983 1h10"]);
    assert_eq!(plot.other_path(), "M495 1h10");
}

#[test]
fn thinning_keeps_the_newest_run_and_joins_the_others() {
    let history = history_of(&[&["a"], &["a", "b"], &["a"], &["a"], &["b", "a"]]);
    let plot = RankPlot::new(&history, 2).unwrap();
    assert_eq!((plot.every_nth, hours(&plot)), (3, vec![at(1), at(4)]));
    assert_eq!(lines(&plot), ["b M12 3l976 -2", "a M12 1l976 2"]);
    assert_eq!(hours(&RankPlot::new(&history, 4).unwrap()), [at(0), at(2), at(4)]);
    assert_eq!(RankPlot::new(&history, 5).unwrap().every_nth, 1);
}

#[test]
fn a_plot_needs_two_complete_charts_and_room_for_them() {
    let two = history_of(&[&["a"], &["a"]]);
    assert!(RankPlot::new(&two, 2).is_some());
    assert!(RankPlot::new(&two, 1).is_none(), "only one column fits");
    assert!(RankPlot::new(&two, 0).is_none());
    assert!(RankPlot::new(&history_of(&[&["a"]]), 28).is_none());
    assert!(RankPlot::new(&history_of(&[&["a"], &[], &[]]), 28).is_none());
    let two_of_them_old = {
        let mut history = history_of(&[&["a"], &["a"], &["a"]]);
        history.attempts[2].fetched_at = at(24 * 30);
        history
    };
    assert!(RankPlot::new(&two_of_them_old, 28).is_none());
}

#[test]
fn videos_no_longer_at_the_top_have_the_title_that_is_known() {
    let mut history = history_of(&[&["a", "y", "x"], &["a", "x", "y"], &["a"]]);
    history.previous = Some(Chart { fetched_at: at(1), entries: entries(&["a", "x"]) });
    let plot = RankPlot::new(&history, 28).unwrap();
    assert_eq!(lines(&plot), ["a M12 1h488h488"]);
    let others: Vec<_> = plot.other_lines.iter().map(|line| (line.title, &*line.path)).collect();
    assert_eq!(others, [(Some("Title of x"), "M12 5l488 -2"), (None, "M12 3l488 2")]);
}

#[test]
fn only_the_top_ten_have_a_line_of_their_own() {
    let ids = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
    let mut history = history_of(&[&["k", "a"], &ids[..10]]);
    history.chart = Some(Chart { fetched_at: at(1), entries: entries(&ids) });
    let plot = RankPlot::new(&history, 28).unwrap();
    assert_eq!(plot.lines.iter().map(|line| &*line.entry.video_id).collect::<Vec<_>>(), ids[..10]);
    history.video_ranks.push(VideoRank { number: 1, rank: 10, video_id: "k".to_owned() });
    assert_eq!(RankPlot::new(&history, 28).unwrap().other_path(), "M12 1l976 18");
}

#[test]
fn thinning_keeps_the_newest_complete_chart_before_a_failed_run() {
    let history = history_of(&[&["a"], &["a"], &["a"], &["a"], &["new", "a"], &[]]);
    let plot = RankPlot::new(&history, 3).unwrap();
    let names: Vec<&str> = plot.lines.iter().map(|line| &*line.entry.video_id).collect();
    assert_eq!(names, ["new", "a"], "the labels are in the rows of their ranks");
}

#[test]
fn a_label_stays_at_its_rank_below_a_skipped_entry() {
    let mut history = history_of(&[&["a", "b", "c"], &["a", "b", "c"]]);
    history.chart.as_mut().unwrap().entries.remove(1);
    history.video_ranks.retain(|video_rank| video_rank.rank != 2);
    let plot = RankPlot::new(&history, 28).unwrap();
    let names: Vec<Option<&str>> = plot.labels().map(|name| name.map(|(_, line)| &*line.entry.video_id)).collect();
    assert_eq!(names, [Some("a"), None, Some("c")]);
}

#[test]
fn ranks_below_the_limit_of_a_run_are_unknown() {
    let mut history = history_of(&[&["a", "b", "c"], &["a", "c"], &["a", "b", "c"]]);
    history.attempts[1].max_results = 2;
    let plot = RankPlot::new(&history, 28).unwrap();
    assert_eq!(plot.lines[1].ranks, [Some(2), None, Some(2)]);
    assert_eq!(lines(&plot)[1], "b M7 3h10M983 3h10 ~M12 3h976");
    assert_eq!(areas(&plot), [(256, 4, 488, 16)], "below the second rank");
    // A chart shorter than the limit has no unknown ranks.
    history.attempts[1].max_results = 50;
    assert_eq!(areas(&RankPlot::new(&history, 28).unwrap()), []);
}
