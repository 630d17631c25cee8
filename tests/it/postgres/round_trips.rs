//! How often the program waits for a distant server.

use super::*;
use crate::far::Far;
use crate::history::{allow, refuse};

/// Connecting and opening take four round trips: greeting, inspection, settings with the version, and the lock of the
/// request or the begin of a snapshot.
const OPENING: usize = 4;
const MOST: usize = OPENING + 10;

/// How often a command sends and then waits. On a busy machine, a program that is interrupted while it sends receives the
/// first answers before its last message, so the smallest of several counts is taken.
fn turns_of(far: &Far, run: impl Fn() -> Run) -> usize {
    let turns = || {
        far.turns();
        finish(run()).exits(0);
        far.turns()
    };
    let first = turns();
    if first <= MOST { first } else { first.min(turns()).min(turns()) }
}

#[test]
fn all_regions_take_ten_round_trips_to_a_distant_server() {
    let Some(store) = with_tables() else { return };
    let server = Server::start(|hit| {
        let ids: Vec<String> = (0..8).map(|place| format!("{}-{}", hit.region(), place + hit.nth)).collect();
        Answer::page(&ids, None)
    });
    let run = |url: &str, regions: &str| run_into(url, &server, &format!("-r {regions} -c 8"));
    for _ in 0..2 {
        finish(run(&store.url, "all")).exits(0);
    }
    // The runs began in the same second, perhaps.
    store.execute(
        "UPDATE runs SET fetched_at = fetched_at - interval '7h' WHERE number < (SELECT max(number) FROM runs)",
    );
    let feed = finish(Run::new(&["changes", "--store", &store.url, "--since", "1h", "-f", "atom"])).exits(0).stdout;
    assert_eq!(feed.matches("<entry>").count(), 111, "one in each region");
    let near = Cluster::shared().unwrap().port;
    let far = Far::away(near, Duration::from_millis(30));
    let url = store.url.replacen(&format!(":{near}/"), &format!(":{}/", far.port), 1);
    let reading = |arguments: &[&str]| turns_of(&far, || Run::new(arguments).env("TRENDFETCH_STORE", &url));
    // The number of regions does not matter.
    for regions in ["PL", "all"] {
        let turns = [
            ("changes", reading(&["changes", "-r", regions, "-f", "json"])),
            ("changes with the ranks", reading(&["changes", "-r", regions, "--all"])),
            ("changes since", reading(&["changes", "-r", regions, "--all", "--since", "1h", "--top", "5"])),
            ("a feed", reading(&["changes", "-r", regions, "--since", "1h", "-f", "atom"])),
            ("report", reading(&["report", "-r", regions, "-o", "page.html"])),
            ("a run", turns_of(&far, || run(&url, regions))),
        ];
        println!("{regions}: {turns:?}");
        assert!(turns.iter().all(|(_, turns)| *turns <= MOST), "{regions}: {turns:?}, and at most {MOST}");
    }
}

/// Statements are sent together, so that the answers to those after a failed one ("current transaction is aborted") arrive
/// along with its own.
#[test]
fn the_error_of_the_statement_that_failed_is_reported() {
    let Some(store) = with_tables() else { return };
    let server = Server::start(|hit| Answer::page(&[hit.region()], None));
    let near = Cluster::shared().unwrap().port;
    let far = Far::in_bursts(near, Duration::from_millis(40));
    let url = store.url.replacen(&format!(":{near}/"), &format!(":{}/", far.port), 1);
    for table in ["region_results", "videos", "counts_rows", "places_rows", "presence"] {
        refuse(&store, &format!("INSERT ON {table}"));
        let outcome = finish(run_into(&url, &server, "-r PL,US")).exits(1);
        allow(&store);
        assert!(outcome.stderr.contains("not today"), "{table}: {}", outcome.stderr);
    }
}
