//! The counts of entered and left videos in the statistics of a run.

use super::*;

on_both_engines! {
    statistics_count_entered_and_left_videos
}

fn statistics_count_entered_and_left_videos(store: Store) {
    let earlier = now() - SignedDuration::from_hours(7);
    let shown = |run: Run| {
        let outcome = run.finish();
        let lines = |text: &str| -> Vec<String> {
            let is_ours = |line: &&str| line.starts_with("Entered") || line.starts_with("Left");
            text.lines().filter(is_ours).map(str::to_owned).collect()
        };
        (lines(&outcome.stdout), lines(&outcome.stderr))
    };
    let server = Server::start(|hit| match hit.region() {
        "PL" if hit.nth > 0 => Answer::new(503, ""),
        _ => Answer::page(&["a", "b", "c"], None),
    });
    // The first run has nothing to compare with.
    assert_eq!(shown(run_into(&store, &server, "-r DE")), (vec![], vec![]));
    let mut old = document(earlier, vec![chart("US", &["x", "a", "y"]), chart("PL", &["a", "b"]), chart("AT", &["z"])]);
    old.source = "127.0.0.1".into();
    record(&store, &old);
    let time = earlier.strftime("%Y-%m-%d %H:%M");
    let both = |entered: &str, left: &str, regions: &str| {
        vec![
            format!("Entered                {entered:>8}   since {time} UTC"),
            format!("Left                   {left:>8}   in {regions}"),
        ]
    };
    assert_eq!(shown(run_into(&store, &server, "-r US,PL")), (both("3", "2", "2 regions"), vec![]));
    // A region that failed in this run is not compared.
    let (lines, _) = shown(run_into(&store, &server, "-r AT,PL --retries 0"));
    assert_eq!(lines, both("3", "1", "1 region"));
    let (lines, _) = shown(run_into(&store, &server, "-r PL --retries 0"));
    assert_eq!(lines, Vec::<String>::new());
    // If the data goes to standard output, the statistics go to standard error; with -q they are not printed.
    let (out, err) = shown(run_into(&store, &server, "-r US -f ndjson"));
    assert_eq!((out, err.len()), (vec![], 1));
    assert!(err[0].starts_with("Entered or left            none   since ") && err[0].ends_with(" UTC, in 1 region"));
    let outcome = run_into(&store, &server, "-r US -q").finish().exits(0);
    assert_eq!((&*outcome.stdout, &*outcome.stderr), ("", ""));
    // Another category is another series.
    assert_eq!(shown(run_into(&store, &server, "-r US --category 10")), (vec![], vec![]));
}
