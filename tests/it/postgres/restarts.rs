//! A server that stops and restarts, and a database that takes no writes.

use super::*;

#[test]
fn a_run_survives_a_restart_and_is_saved_if_the_server_stays_down() {
    let Some(cluster) = Cluster::start("") else { return };
    let cluster = Arc::new(cluster);
    let store = Store { url: cluster.url("postgres"), folder: tempfile::tempdir().unwrap() };
    finish(run_into(&store.url, &Server::start(chart), "-r ZZ -q")).exits(0);

    let of = Arc::clone(&cluster);
    let server = Server::start(move |hit| {
        of.stop();
        match hit.region() {
            "US" => of.restart(),
            // The server is still down when the run wants to commit.
            "GB" => {
                let of = Arc::clone(&of);
                thread::spawn(move || {
                    thread::sleep(Duration::from_secs(1));
                    of.restart();
                });
            }
            _ => {}
        }
        chart(hit)
    });
    for region in ["US", "GB"] {
        let outcome = finish(run_into(&store.url, &server, &format!("-r {region} --json"))).exits(0);
        assert_eq!(by_region(&store)[region], whole(outcome.document()["run_id"].as_str().unwrap()));
    }

    let impatient = format!("{}?reconnect_timeout=3", store.url);
    let outcome = finish(run_into(&impatient, &server, "-r PL --json"));
    assert!(outcome.stderr.contains("check that the server runs"), "{}", outcome.stderr);
    // The next run notices before it spends quota.
    let server = Server::start(chart);
    assert_refused(finish(run_into(&store.url, &server, "-r DE")), &server, &["check that the server runs"]);
    cluster.restart();
    assert!(!by_region(&store).contains_key("PL"));
    assert_saved(outcome, &store);
}

#[test]
fn a_read_only_database_is_rejected_before_the_fetch_but_readable() {
    for with_history in [false, true] {
        let Some(store) = Store::postgres() else { return };
        let server = Server::start(chart);
        if with_history {
            finish(run_into(&store.url, &server, "-r US,PL -q")).exits(0);
        }
        let database = store.url.rsplit('/').next().unwrap();
        store.execute(&format!("ALTER DATABASE {database} SET default_transaction_read_only = on"));
        let unasked = Server::start(chart);
        assert_refused(
            finish(run_into(&store.url, &unasked, "-r US")),
            &unasked,
            &["takes no writes", "SET default_transaction_read_only = off"],
        );
        let load = Run::new(&["load", "x.json"]).file("x.json", &some_document());
        let outcome = finish(load.env("TRENDFETCH_STORE", &store.url)).exits(1);
        assert!(outcome.stderr.contains("takes no writes"), "{}", outcome.stderr);
        let changes = command(&store.url, &["changes"]);
        if with_history {
            changes.exits(0);
            let outcome = command(&store.url, &["prune", "--keep", "1d"]).exits(1);
            assert!(outcome.stderr.contains("takes no writes"), "{}", outcome.stderr);
        } else {
            assert!(changes.exits(1).stderr.contains("there is no history in it"));
        }
    }
}
