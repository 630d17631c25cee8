//! Several servers of one history: a primary, and a standby that takes its place.

use super::*;
use crate::harness::{ids, region_row};

/// The address of several servers, for the database of `store`.
fn hosts(ports: &[u16], database: &str) -> String {
    let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    format!("postgres://trend@{}/{database}", hosts.join(","))
}

#[test]
fn a_host_that_cannot_be_used_does_not_keep_the_next_from_being_tried() {
    let Some(store) = with_tables() else { return };
    let (port, database) = (Cluster::shared().unwrap().port, store.url.rsplit('/').next().unwrap());
    // Accepts connections and never answers, as a server does that hangs.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let silent = TcpListener::bind(("127.0.0.1", silent)).unwrap();
    let bad = [format!("127.0.0.1:{}", silent.local_addr().unwrap().port()), "gone.invalid:1".to_owned()];
    for (bad, region) in bad.iter().zip(["PL", "GB"]) {
        let url = format!("postgres://trend@{bad},127.0.0.1:{port}/{database}?connect_timeout=1&sslmode=disable");
        finish(run_into(&url, &Server::start(chart), &format!("-r {region} -q"))).exits(0);
        assert!(by_region(&store).contains_key(region));
    }
    // If none can be used, the reason of each is given.
    let (url, server) = (
        format!("postgres://trend@{}/{database}?connect_timeout=1&sslmode=disable", bad.join(",")),
        Server::start(chart),
    );
    assert_refused(finish(run_into(&url, &server, "-r DE")), &server, &[&bad[0], "no answer within 1 s; ", &bad[1]]);
}

/// Answers like [`chart`], with the same videos in another order for each request.
fn moving(hit: &Hit) -> Answer {
    let mut ids: Vec<String> = (0..PLACES).map(|place| format!("{}-{place}", hit.region())).collect();
    ids.rotate_left(hit.nth % PLACES);
    // Most runs are fetching when the primary stops.
    Answer::page(&ids, None).after(Duration::from_millis(150))
}

/// Fetches a region again and again until it is told to stop. Every third run is killed after some milliseconds.
fn fetch_repeatedly(url: &str, server: &Server, region: &str, is_over: &AtomicBool) -> Vec<Outcome> {
    let mut random = fastrand::Rng::with_seed(region.bytes().map(u64::from).sum());
    let mut outcomes = Vec::new();
    let mut nth = 0;
    loop {
        nth += 1;
        let is_last = is_over.load(SeqCst);
        let mut run = run_into(url, server, &format!("-r {region} --json"));
        if nth % 3 == 0 && !is_last {
            let mut child = run.command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            thread::sleep(Duration::from_millis(random.u64(5..150)));
            child.kill().unwrap();
            child.wait().unwrap();
        } else {
            outcomes.push(finish(run));
        }
        if is_last {
            return outcomes;
        }
    }
}

/// First and last sightings, by the rows of the runs.
const SIGHTINGS: &str = "
    SELECT region, video_id, min(fetched_at), max(fetched_at) FROM places JOIN runs ON number = run GROUP BY 1, 2
    EXCEPT SELECT region, video_id, first_seen_at, last_seen_at FROM presence";

#[test]
fn eight_fetchers_lose_nothing_when_a_standby_takes_over() {
    // A commit waits until the standby has it.
    let Some(primary) = Cluster::start("-c synchronous_standby_names=* -c log_connections=on") else { return };
    let standby = Cluster::standby_of(&primary).unwrap();
    let (both, server) = (hosts(&[standby.port, primary.port], "postgres"), Server::start(moving));

    // A run finds the server that takes writes, whichever comes first.
    finish(run_into(&both, &server, "-r ZZ -q")).exits(0);
    let of_standby = Store { url: standby.url("postgres"), folder: tempfile::tempdir().unwrap() };
    assert_eq!(of_standby.query("SELECT pg_is_in_recovery()"), ["t"]);
    let unasked = Server::start(chart);
    assert_refused(
        finish(run_into(&of_standby.url, &unasked, "-r DE")),
        &unasked,
        &["takes no writes", "not a standby"],
    );
    assert_refused(
        finish(run_into(&format!("{both}?target_session_attrs=standby"), &unasked, "-r DE")),
        &unasked,
        &["takes no writes"],
    );
    read_from(&standby, &primary, &server);

    let is_over = AtomicBool::new(false);
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let fetch = |region| fetch_repeatedly(&both, &server, region, &is_over);
        let fetchers: Vec<_> =
            ["US", "GB", "DE", "FR", "PL", "JP", "BR", "IN"].map(|region| scope.spawn(move || fetch(region))).into();
        thread::sleep(Duration::from_millis(700));
        primary.stop();
        thread::sleep(Duration::from_millis(300));
        of_standby.query("SELECT pg_promote()");
        is_over.store(true, SeqCst);
        fetchers.into_iter().flat_map(|fetcher| fetcher.join().unwrap()).collect()
    });
    let survived = outcomes.iter().filter(|outcome| outcome.code == Some(0)).count();
    let unstored: Vec<&Outcome> = outcomes.iter().filter(|outcome| saved(outcome).is_some()).collect();
    println!("{survived} of {} runs were stored, {} saved", outcomes.len(), unstored.len());
    assert!(survived > 8, "{survived}");
    // The others began while there was no primary, and sent nothing.
    for outcome in outcomes.iter().filter(|outcome| outcome.code != Some(0) && saved(outcome).is_none()) {
        assert!(outcome.stdout.is_empty() && outcome.stderr.contains("cannot use the history"), "{}", outcome.stderr);
    }
    for outcome in &unstored {
        load(&of_standby.url, &saved(outcome).unwrap().0);
    }
    // Each run that was stored is there once, as its document has it.
    for outcome in outcomes.iter().filter(|outcome| outcome.code == Some(0)) {
        let (document, region) = (outcome.document(), outcome.document()["request"]["regions"][0].clone());
        let (id, region) = (document["run_id"].as_str().unwrap(), region.as_str().unwrap());
        assert_eq!(region_row(&document, region)["status"], "ok");
        let sql =
            format!("SELECT video_id FROM chart_entries WHERE run_id = '{id}' AND region = '{region}' ORDER BY rank");
        assert_eq!(of_standby.query(&sql), ids(&document));
    }
    // Runs that were killed are there wholly or not at all.
    let partial = "SELECT number FROM runs WHERE raw <> (SELECT count(*) FROM places WHERE run = number)
                       OR unique_videos <> (SELECT count(*) FROM counts WHERE run = number)";
    assert_eq!(of_standby.query(partial), [""; 0]);
    assert_eq!(of_standby.query(SIGHTINGS), [""; 0]);
    // No lock is left.
    assert_eq!(of_standby.query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), ["0"]);
}

/// Everything that reads works on a standby. With `prefer-standby`, it is used where that suffices.
fn read_from(standby: &Cluster, primary: &Cluster, server: &Server) {
    let exported = ["export", "--rows", "entries", "-f", "csv"];
    for arguments in [&["changes", "-f", "json"][..], &["status"], &["report", "-o", "page.html"], &exported] {
        command(&standby.url("postgres"), arguments).exits(0);
    }
    let preferring =
        format!("{}?target_session_attrs=prefer-standby", hosts(&[primary.port, standby.port], "postgres"));
    let before = sessions(standby);
    command(&preferring, &["status"]).exits(0);
    finish(run_into(&preferring, server, "-r ZZ -q")).exits(0);
    assert_eq!(sessions(standby) - before, 1, "the first reads from it, the second writes elsewhere");
}

/// How many sessions of the program a server has had.
fn sessions(cluster: &Cluster) -> usize {
    let log = fs::read_to_string(cluster.folder.join("server.log")).unwrap();
    log.lines().filter(|line| line.contains("connection authorized") && line.contains("name=trendfetch")).count()
}
