//! Connections that are cut at any byte, and servers that stop answering.

use super::*;

/// The side whose bytes are counted.
#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    Program,
    Server,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Then {
    /// New connections work.
    Heals,
    /// New connections are closed at once.
    Closes,
    /// New connections are cut after the same number of bytes.
    CutsAgain,
    /// The next connection is told that the server is starting; those after it work.
    Starts,
}

#[derive(Debug, Clone, Copy)]
struct Cut {
    by: By,
    after: usize,
    /// The program sees a reset instead of an end. The server always sees an end, so that it reads what was sent before.
    resets: bool,
    then: Then,
}

#[derive(Default)]
struct Plan {
    cut: Option<Cut>,
    connections: usize,
    /// The bytes of the first connection, from the program and from the server.
    traffic: [Vec<u8>; 2],
    /// The connection to the server.
    server: Option<TcpStream>,
}

/// A proxy between the program and PostgreSQL. Its thread ends with the process of the tests.
struct Proxy {
    port: u16,
    plan: Arc<Mutex<Plan>>,
}

impl Proxy {
    fn to(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy = Proxy { port, plan: Arc::default() };
        let plan = Arc::clone(&proxy.plan);
        thread::spawn(move || {
            for program in listener.incoming().map_while(Result::ok) {
                let (cut, nth) = {
                    let mut plan = plan.lock().unwrap();
                    plan.connections += 1;
                    (plan.cut, plan.connections)
                };
                let cut = match cut.map(|cut| cut.then) {
                    _ if nth == 1 => cut,
                    Some(Then::CutsAgain) => cut,
                    Some(Then::Closes) => continue,
                    Some(Then::Starts) if nth == 2 => {
                        say_starting_up(program);
                        continue;
                    }
                    _ => None,
                };
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                program.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                plan.lock().unwrap().server = Some(server.try_clone().unwrap());
                let is_cut = Arc::new(AtomicBool::new(false));
                for by in [By::Program, By::Server] {
                    let (program, server) = (program.try_clone().unwrap(), server.try_clone().unwrap());
                    let (plan, is_cut) = ((nth == 1).then(|| Arc::clone(&plan)), Arc::clone(&is_cut));
                    thread::spawn(move || {
                        pump(&program, &server, by, cut, plan.as_deref(), &is_cut);
                        drop(program);
                        // Reads what the server still sends: otherwise a reset might keep it from reading what was
                        // sent before.
                        if by == By::Server {
                            let _ = std::io::copy(&mut &server, &mut std::io::sink());
                        }
                    });
                }
            }
        });
        proxy
    }

    /// Sets the next cut, and forgets earlier connections.
    fn expect(&self, cut: Option<Cut>) {
        *self.plan.lock().unwrap() = Plan { cut, ..Plan::default() };
    }

    /// Cuts the current connection.
    fn cut_now(&self) {
        let server = self.plan.lock().unwrap().server.take().unwrap();
        server.shutdown(Shutdown::Both).unwrap();
    }

    fn url(&self, store: &Store) -> String {
        let port = Cluster::shared().unwrap().port;
        store.url.replacen(&format!(":{port}/"), &format!(":{}/", self.port), 1)
    }
}

fn pump(
    program: &TcpStream,
    server: &TcpStream,
    by: By,
    cut: Option<Cut>,
    plan: Option<&Mutex<Plan>>,
    is_cut: &AtomicBool,
) {
    let (mut from, mut to) = if by == By::Program { (program, server) } else { (server, program) };
    let cut = cut.filter(|cut| cut.by == by);
    let mut left = cut.map_or(usize::MAX, |cut| cut.after);
    let mut buffer = [0; 8192];
    while left > 0 {
        let Ok(count @ 1..) = from.read(&mut buffer) else {
            let _ = to.shutdown(Shutdown::Write);
            return;
        };
        if is_cut.load(SeqCst) {
            return;
        }
        let count = count.min(left);
        if let Some(plan) = plan {
            plan.lock().unwrap().traffic[by as usize].extend(&buffer[..count]);
        }
        if to.write_all(&buffer[..count]).is_err() {
            return;
        }
        left -= count;
    }
    is_cut.store(true, SeqCst);
    if cut.is_some_and(|cut| cut.resets) {
        let _ = SockRef::from(program).set_linger(Some(Duration::ZERO));
        // Wakes the other thread, whose handle would keep the connection open.
        let _ = program.shutdown(Shutdown::Read);
    } else {
        let _ = program.shutdown(Shutdown::Both);
    }
    let _ = server.shutdown(Shutdown::Write);
}

/// Answers the first message with FATAL 57P03.
fn say_starting_up(mut program: TcpStream) {
    let _ = program.read(&mut [0; 1024]);
    let fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0";
    let length = u32::try_from(fields.len() + 4).unwrap();
    let _ = program.write_all(&[b"E", &length.to_be_bytes()[..], fields].concat());
}

/// The position of the first match.
fn position(bytes: &[u8], of: &[u8]) -> usize {
    bytes.windows(of.len()).position(|window| window == of).unwrap()
}

/// Random numbers, one from each of `count` equal parts of `0..whole`.
fn spread(random: &mut fastrand::Rng, count: usize, whole: usize) -> Vec<usize> {
    (0..count).map(|part| random.usize(part * whole / count..=(part + 1) * whole / count)).collect()
}

struct Ended {
    cut: Cut,
    region: String,
    was_asked: bool,
    outcome: Outcome,
}

/// Many runs, each cut off at another byte. Checks the database, the exit codes and the saved documents.
fn cut_everywhere(seed: u64, then: &[Then], parameters: &str) -> Option<(Store, Vec<Ended>)> {
    let store = with_tables()?;
    let server = Server::start(chart);
    let proxy = Proxy::to(Cluster::shared().unwrap().port);
    finish(run_into(&proxy.url(&store), &server, "-r ZY --json")).exits(0);
    let traffic = std::mem::take(&mut proxy.plan.lock().unwrap().traffic);
    // Around the commit: its last byte is missing, or all or part of the answer.
    let question = position(&traffic[0], b"COMMIT\0") + 7;
    let answer = position(&traffic[1], b"C\0\0\0\x0bCOMMIT\0");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut cuts = Vec::new();
    for (by, around) in [(By::Program, [question - 1, question]), (By::Server, [answer + 1, answer + 10])] {
        let length = traffic[by as usize].len();
        assert!(length > 2000 && length < 200_000, "{length}");
        for after in spread(&mut random, 58, length) {
            cuts.push(Cut { by, after, resets: random.bool(), then: then[random.usize(..then.len())] });
        }
        cuts.extend(around.map(|after| Cut { by, after, resets: false, then: then[0] }));
    }
    let runs: Vec<_> = cuts.into_iter().zip(regions()).collect();
    // Most runs just wait for their next attempt.
    let ended = side_by_side(60, runs, |(cut, region)| {
        let proxy = Proxy::to(Cluster::shared().unwrap().port);
        proxy.expect(Some(cut));
        let url = format!("{}{parameters}", proxy.url(&store));
        let outcome = finish(run_into(&url, &server, &format!("-r {region} --json")));
        let was_asked = server.asked().contains(&region);
        Ended { cut, region, was_asked, outcome }
    });
    Some((store, ended))
}

/// Asserts what holds wherever a connection was cut. Returns how many runs did not start, were recorded, and were saved.
fn assert_whole_or_absent(store: &Store, ended: &[Ended]) -> [usize; 3] {
    let rows = by_region(store);
    let mut ends = [0; 3];
    for Ended { cut, region, was_asked, outcome } in ended {
        let (shown, row) = (format!("{cut:?}, {region}: {}", outcome.stderr), rows.get(region));
        let end = match (outcome.code, was_asked, saved(outcome)) {
            (Some(1), false, None) => {
                assert_eq!((row, outcome.stdout.as_str()), (None, ""), "{shown}");
                0
            }
            (Some(0), true, None) => {
                assert_eq!(row, Some(&whole(outcome.document()["run_id"].as_str().unwrap())), "{shown}");
                1
            }
            (Some(1), true, Some((_, id))) => {
                assert!(row.is_none_or(|row| *row == whole(&id)), "{row:?} after {shown}");
                2
            }
            other => panic!("{other:?} after {shown}"),
        };
        ends[end] += 1;
    }
    ends
}

#[test]
fn a_run_cut_off_once_at_any_byte_is_recorded_once_or_never_starts() {
    let Some((store, ended)) = cut_everywhere(1, &[Then::Heals], "") else { return };
    let ends = assert_whole_or_absent(&store, &ended);
    println!("cut once: {} not begun, {} kept, {} saved", ends[0], ends[1], ends[2]);
    // A run that has started reaches the server by a new connection.
    assert!(ends[0] > 5 && ends[1] > 50 && ends[2] == 0, "{ends:?}");
}

#[test]
fn a_run_cut_off_for_good_at_any_byte_is_recorded_or_saved() {
    let Some((store, ended)) = cut_everywhere(2, &[Then::Closes, Then::CutsAgain], "?reconnect_timeout=3") else {
        return;
    };
    let ends = assert_whole_or_absent(&store, &ended);
    let before = by_region(&store);
    let loaded = side_by_side(6, ended.iter().filter(|ended| saved(&ended.outcome).is_some()).collect(), |ended| {
        let (document, id) = saved(&ended.outcome).unwrap();
        let says = load(&store.url, &document);
        let was_there = before.contains_key(&ended.region);
        let expected = if was_there { "was in the history already" } else { "is in the history now" };
        assert!(says.contains(expected), "{:?}: {says}", ended.cut);
        (ended.region.clone(), id, was_there)
    });
    let after = by_region(&store);
    for (region, id, _) in &loaded {
        assert_eq!(after[region], whole(id), "{region}");
    }
    let answers_lost = loaded.iter().filter(|(.., was_there)| *was_there).count();
    println!(
        "cut for good: {} not begun, {} kept, {} saved, {answers_lost} of them kept all the same",
        ends[0], ends[1], ends[2]
    );
    assert!(ends[0] > 5 && ends[1] > 0 && ends[2] > 30 && answers_lost >= 2, "{ends:?}, {answers_lost}");
}

#[test]
fn creating_tables_can_be_cut_off_at_any_byte() {
    let Some(store) = Store::postgres() else { return };
    let server = Server::start(chart);
    let proxy = Proxy::to(Cluster::shared().unwrap().port);
    let in_schema = |url: &str, schema: &str| format!("{url}?options=-c%20search_path%3D{schema}");
    store.execute("CREATE SCHEMA measured");
    finish(run_into(&in_schema(&proxy.url(&store), "measured"), &server, "-r ZZ --json")).exits(0);
    let traffic = std::mem::take(&mut proxy.plan.lock().unwrap().traffic);
    let mut random = fastrand::Rng::with_seed(3);
    let mut cuts = Vec::new();
    for (by, commit) in [(By::Program, &b"COMMIT\0"[..]), (By::Server, b"C\0\0\0\x0bCOMMIT\0")] {
        // The first commit creates the tables.
        let commit = position(&traffic[by as usize], commit) + 1;
        for after in spread(&mut random, 10, commit).into_iter().chain([commit + 6]) {
            cuts.push(Cut { by, after, resets: random.bool(), then: Then::Heals });
        }
    }
    let runs: Vec<_> = cuts.into_iter().zip(regions()).collect();
    let made = side_by_side(6, runs, |(cut, region)| {
        let (proxy, schema) = (Proxy::to(Cluster::shared().unwrap().port), format!("s_{}", region.to_lowercase()));
        store.execute(&format!("CREATE SCHEMA {schema}"));
        proxy.expect(Some(cut));
        let outcome =
            finish(run_into(&in_schema(&proxy.url(&store), &schema), &server, &format!("-r {region} --json")));
        assert!(!server.asked().contains(&region) && outcome.files().is_empty(), "{cut:?}: {}", outcome.stderr);
        outcome.exits(1);
        // Another region, since the server may not have noticed yet that the first run is gone.
        let next = format!("-r X{} --json", &region[1..]);
        let run_id = finish(run_into(&in_schema(&store.url, &schema), &server, &next)).exits(0).document();
        let kept = store.query(&format!("SELECT id FROM {schema}.runs"));
        assert_eq!(kept, [run_id["run_id"].as_str().unwrap()], "{cut:?}");
    });
    assert_eq!(made.len(), 22);
}

/// A run whose connection breaks during the fetch.
fn broken_while_asking(store: &Store, then: Then) -> Outcome {
    let proxy = Arc::new(Proxy::to(Cluster::shared().unwrap().port));
    proxy.expect(Some(Cut { by: By::Program, after: usize::MAX, resets: false, then }));
    let url = proxy.url(store);
    let server = Server::start(move |hit| {
        proxy.cut_now();
        chart(hit)
    });
    finish(run_into(&url, &server, "-r PL --json"))
}

#[test]
fn a_connection_that_breaks_during_the_fetch_is_restored() {
    let Some(store) = with_tables() else { return };
    let outcome = broken_while_asking(&store, Then::Heals).exits(0);
    assert_eq!(by_region(&store)["PL"], whole(outcome.document()["run_id"].as_str().unwrap()));
}

#[test]
fn a_reconnected_run_holds_its_request_lock_again() {
    let Some(store) = with_tables() else { return };
    let holder = CommitLock::of(&store);
    thread::scope(|scope| {
        let first = scope.spawn(|| broken_while_asking(&store, Then::Heals));
        // It has reconnected, and waits to commit.
        holder.wait_for(&store, 1);
        let unasked = Server::start(chart);
        let second = finish(run_into(&store.url, &unasked, "-r PL"));
        assert!(unasked.log().is_empty());
        second.exits(75);
        drop(holder);
        first.join().unwrap().exits(0);
    });
}

#[test]
fn a_run_that_loses_its_request_lock_is_saved() {
    let Some(store) = with_tables() else { return };
    let proxy = Arc::new(Proxy::to(Cluster::shared().unwrap().port));
    proxy.expect(Some(Cut { by: By::Program, after: usize::MAX, resets: false, then: Then::Heals }));
    let proxied = proxy.url(&store);
    let (asked, is_asked) = mpsc::channel();
    // Each of the two requests is answered when its channel is dropped.
    let ((first, answers_first), (second, answers_second)) = (mpsc::channel::<()>(), mpsc::channel::<()>());
    let gates = Mutex::new((asked, [Some(answers_first), Some(answers_second)]));
    let server = Server::start(move |hit| {
        if hit.nth == 0 {
            proxy.cut_now();
        }
        let gate = {
            let mut gates = gates.lock().unwrap();
            gates.0.send(()).unwrap();
            gates.1[hit.nth].take()
        };
        let _ = gate.unwrap().recv();
        chart(hit)
    });
    thread::scope(|scope| {
        let cut = scope.spawn(|| finish(run_into(&proxied, &server, "-r PL --json --timeout 60s")));
        is_asked.recv_timeout(HANG_TIMEOUT).unwrap();
        let other = scope.spawn(|| {
            loop {
                let outcome = finish(run_into(&store.url, &server, "-r PL -q --timeout 60s"));
                // The server may not have noticed yet that the first one is gone.
                if outcome.code != Some(75) {
                    return outcome;
                }
            }
        });
        is_asked.recv_timeout(HANG_TIMEOUT).unwrap();
        drop(first);
        let cut = cut.join().unwrap();
        assert!(cut.stderr.contains("another run of the same request has begun"), "{}", cut.stderr);
        drop(second);
        other.join().unwrap().exits(0);
        assert_saved(cut, &store);
        assert_eq!(store.query("SELECT count(*) FROM run_regions WHERE region = 'PL'"), ["2"]);
    });
}

#[test]
fn reconnecting_waits_for_a_server_that_is_starting() {
    let Some(store) = with_tables() else { return };
    let outcome = broken_while_asking(&store, Then::Starts).exits(0);
    assert_eq!(by_region(&store)["PL"], whole(outcome.document()["run_id"].as_str().unwrap()));
}

#[test]
fn a_server_that_accepts_and_never_answers_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let server = Server::of_pages(&["a"]);
    // The client library's connect_timeout covers only the TCP handshake.
    let run = run_into(&format!("postgres://trend@127.0.0.1:{port}/x?connect_timeout=1"), &server, "-r PL");
    assert_refused(finish_within(run, Duration::from_secs(10)), &server, &["check that the server runs"]);
}

#[test]
fn the_same_request_can_follow_immediately() {
    let Some(store) = with_tables() else { return };
    let server = Server::start(chart);
    for _ in 0..20 {
        finish(run_into(&store.url, &server, "-r PL -q")).exits(0);
    }
    assert_eq!(store.query("SELECT count(*) FROM run_regions WHERE region = 'PL'"), ["20"]);
}

#[test]
fn a_command_says_why_the_server_ended_its_session() {
    let Some(store) = with_tables() else { return };
    let server = Server::of_large_pages();
    for _ in 0..4 {
        finish(run_into(&store.url, &server, "-r PL,US -q")).exits(0);
    }
    // Runs of that size are read one by one.
    store.execute("UPDATE region_results SET videos = 9000");
    let mut export = Run::new(&["export", "-f", "ndjson"]).env("TRENDFETCH_STORE", &store.url);
    let child = export.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It waits for its reader, in the middle of its transaction.
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'trendfetch' AND state = 'idle in transaction'
                     AND state_change < now() - interval '200ms'";
    let began = Instant::now();
    while store.query(end) != ["1"] {
        assert!(began.elapsed() < HANG_TIMEOUT, "no session is idle");
        thread::sleep(Duration::from_millis(20));
    }
    let outcome = Outcome::new(child.wait_with_output().unwrap(), export.folder);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("terminating connection due to administrator command"), "{}", outcome.stderr);
}
