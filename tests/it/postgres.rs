//! The history on PostgreSQL: what becomes of a run when the network, the server, its rights or its
//! settings are against it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};
use socket2::{Domain, SockRef, Socket, Type};

use crate::databases::{Cluster, Store, programs};
use crate::harness::{Answer, Hit, KEY, Outcome, Run, Server, item};

/// What takes longer hangs, even on a busy machine: nothing here takes more than a second or two.
const HANGS: Duration = Duration::from_secs(60);

/// A run against `server` that is kept. The address is in the environment, where no warning is due.
fn keep(url: &str, server: &Server, arguments: &str) -> Run {
    Run::on(server, arguments).env("TRENDFETCH_STORE", url)
}

fn command(url: &str, arguments: &[&str]) -> Outcome {
    finish(Run::new(arguments).env("TRENDFETCH_STORE", url))
}

fn finish(run: Run) -> Outcome {
    finish_within(run, HANGS)
}

fn finish_within(mut run: Run, patience: Duration) -> Outcome {
    let child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id().to_string();
    let (done, ended) = mpsc::channel();
    thread::spawn(move || done.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(patience) else {
        let _ = Command::new("kill").args(["-KILL", &id]).status();
        panic!("still at work after {patience:?}: {:?}", run.command);
    };
    let output = output.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(!stderr.contains("panicked") && !stdout.contains(KEY) && !stderr.contains(KEY), "{stderr}");
    Outcome { code: output.status.code(), stdout, stderr, folder: run.folder }
}

/// The document that a run saved in place of the history, and its run's id.
fn saved(outcome: &Outcome) -> Option<(PathBuf, String)> {
    let files = outcome.files();
    let names: Vec<&String> = files.iter().filter(|name| name.starts_with("trendfetch-")).collect();
    assert!(names.len() <= 1, "{names:?}");
    let id = names.first()?.strip_prefix("trendfetch-")?.strip_suffix(".json")?;
    assert!(outcome.stderr.contains("trendfetch load "), "{}", outcome.stderr);
    Some((outcome.folder.path().join(names[0]), id.to_owned()))
}

/// Brings a saved document in; what the program says about it.
fn load(url: &str, document: &Path) -> String {
    command(url, &["load", document.to_str().unwrap()]).exits(0).stdout
}

/// Asserts that a run ended with exit 1 and its document, and that the document can be brought in.
#[track_caller]
fn assert_saved(outcome: Outcome, store: &Store) {
    let outcome = outcome.exits(1);
    let (document, id) = saved(&outcome).unwrap_or_else(|| panic!("not saved: {}", outcome.stderr));
    let there = || store.query(&format!("SELECT count(*) FROM runs WHERE id = '{id}'"));
    assert_eq!(there(), ["0"]);
    assert!(load(&store.url, &document).contains("is in the history now"));
    assert_eq!(there(), ["1"]);
}

/// Asserts that a run ended with exit 1 before a unit was spent, and what it said.
#[track_caller]
fn assert_refused(outcome: Outcome, server: &Server, says: &[&str]) {
    let outcome = outcome.exits(1);
    assert!(server.log().is_empty(), "{} request(s) were sent: {}", server.log().len(), outcome.stderr);
    assert_eq!((outcome.stdout.as_str(), outcome.files().len()), ("", 0), "{}", outcome.stderr);
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert!(lines.len() == 1 && lines[0].contains("cannot use the history postgres:"), "{lines:?}");
    for words in says {
        assert!(outcome.stderr.contains(words), "{words:?} is not in: {}", outcome.stderr);
    }
}

/// A database in which the tables are there, by a run of a region that nothing else asks for.
fn with_tables() -> Option<Store> {
    let store = Store::postgres()?;
    finish(keep(&store.url, &Server::of_pages(&["x"]), "-r ZZ -q")).exits(0);
    Some(store)
}

fn as_role(store: &Store, role: &str) -> String {
    store.url.replacen("trend@", &format!("{role}@"), 1)
}

/// A name for a role or a schema that no other test uses: roles belong to the whole cluster.
fn own_name(store: &Store, what: &str) -> String {
    format!("{what}_{}", store.url.rsplit('/').next().unwrap())
}

/// `check` of each, so many at a time.
fn side_by_side<T: Send, R: Send>(width: usize, items: Vec<T>, check: impl Fn(T) -> R + Sync) -> Vec<R> {
    let (items, results) = (Mutex::new(items), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..width {
            scope.spawn(|| {
                loop {
                    let Some(item) = items.lock().unwrap().pop() else { return };
                    let result = check(item);
                    results.lock().unwrap().push(result);
                }
            });
        }
    });
    results.into_inner().unwrap()
}

// ---- Connections that are cut.

/// Whose bytes are counted.
#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    Program,
    Server,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Then {
    /// Connections hold again.
    Heals,
    /// They are closed as soon as they come.
    Closes,
    /// They are cut at the same number of bytes again.
    CutsAgain,
    /// The next one is told what a server that starts says, and from then on they hold.
    Starts,
}

#[derive(Debug, Clone, Copy)]
struct Cut {
    by: By,
    after: usize,
    /// The program sees a reset rather than an end. The server always sees an end, so that it takes
    /// in what was sent before.
    resets: bool,
    then: Then,
}

#[derive(Default)]
struct Plan {
    cut: Option<Cut>,
    connections: usize,
    /// What the first connection carried, from the program and from the server.
    said: [Vec<u8>; 2],
    /// The last connection's other end.
    server: Option<TcpStream>,
}

/// Stands between the program and PostgreSQL. Its thread ends with the test's process.
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
                        // What the server still says is taken, since a reset might keep it from
                        // reading what was sent before.
                        if by == By::Server {
                            let _ = std::io::copy(&mut &server, &mut std::io::sink());
                        }
                    });
                }
            }
        });
        proxy
    }

    /// Forgets the connections before.
    fn expect(&self, cut: Option<Cut>) {
        *self.plan.lock().unwrap() = Plan { cut, ..Plan::default() };
    }

    /// Cuts the connection that is there.
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
            plan.lock().unwrap().said[by as usize].extend(&buffer[..count]);
        }
        if to.write_all(&buffer[..count]).is_err() {
            return;
        }
        left -= count;
    }
    is_cut.store(true, SeqCst);
    if cut.is_some_and(|cut| cut.resets) {
        let _ = SockRef::from(program).set_linger(Some(Duration::ZERO));
        // Wakes the other thread, whose handle would keep the connection.
        let _ = program.shutdown(Shutdown::Read);
    } else {
        let _ = program.shutdown(Shutdown::Both);
    }
    let _ = server.shutdown(Shutdown::Write);
}

/// FATAL, 57P03, in answer to the first message.
fn say_starting_up(mut program: TcpStream) {
    let _ = program.read(&mut [0; 1024]);
    let fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0";
    let length = u32::try_from(fields.len() + 4).unwrap();
    let _ = program.write_all(&[b"E", &length.to_be_bytes()[..], fields].concat());
}

const PLACES: usize = 40;

fn chart(hit: &Hit) -> Answer {
    Answer::page(&(0..PLACES).map(|place| format!("{}-{place}", hit.region())).collect::<Vec<_>>(), None)
}

/// What the database holds of each region that any table knows.
fn by_region(store: &Store) -> BTreeMap<String, String> {
    let sql = "
        WITH named AS (SELECT region FROM run_regions UNION SELECT region FROM places UNION SELECT region FROM presence
                       UNION SELECT split_part(video_id, '-', 1) FROM videos
                       UNION SELECT split_part(video_id, '-', 1) FROM counts)
        SELECT region,
               (SELECT string_agg(id::text, '+') FROM run_regions JOIN runs ON id = run_id WHERE region = named.region),
               (SELECT count(*) FROM places WHERE region = named.region),
               (SELECT count(*) FROM counts WHERE split_part(video_id, '-', 1) = named.region),
               (SELECT count(*) FROM presence WHERE region = named.region),
               (SELECT count(*) FROM videos WHERE split_part(video_id, '-', 1) = named.region)
        FROM named";
    let rows = store.query(sql).into_iter().map(|row| {
        let (region, rest) = row.split_once('|').unwrap();
        (region.to_owned(), rest.to_owned())
    });
    let rows: BTreeMap<_, _> = rows.collect();
    assert_eq!(store.query("SELECT count(*) FROM runs"), [rows.len().to_string()], "{rows:?}");
    rows
}

fn whole(run_id: &str) -> String {
    format!("{run_id}|{PLACES}|{PLACES}|{PLACES}|{PLACES}")
}

/// Regions, one for each run, and none that is refused as a slip: two runs of the same request at
/// once would be another test.
fn regions() -> impl Iterator<Item = String> {
    (b'M'..=b'T').flat_map(|first| (b'A'..=b'Z').map(move |last| String::from_utf8(vec![first, last]).unwrap()))
}

/// Where the first of these bytes stands.
fn position(bytes: &[u8], of: &[u8]) -> usize {
    bytes.windows(of.len()).position(|window| window == of).unwrap()
}

/// Numbers spread over `0..whole`, each somewhere in its own part.
fn spread(random: &mut fastrand::Rng, count: usize, whole: usize) -> Vec<usize> {
    (0..count).map(|part| random.usize(part * whole / count..=(part + 1) * whole / count)).collect()
}

struct Ended {
    cut: Cut,
    region: String,
    was_asked: bool,
    outcome: Outcome,
}

/// Many runs, each with its connection cut elsewhere; then the database, the exit codes and the saved documents.
fn cut_everywhere(seed: u64, then: &[Then]) -> Option<(Store, Vec<Ended>)> {
    let store = with_tables()?;
    let server = Server::start(chart);
    let proxy = Proxy::to(Cluster::shared().unwrap().port);
    finish(keep(&proxy.url(&store), &server, "-r ZY --json")).exits(0);
    let said = std::mem::take(&mut proxy.plan.lock().unwrap().said);
    // Around the commit: the last byte of the question is missing, or the answer, whole or in part.
    let question = position(&said[0], b"COMMIT\0") + 7;
    let answer = position(&said[1], b"C\0\0\0\x0bCOMMIT\0");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut cuts = Vec::new();
    for (by, around) in [(By::Program, [question - 1, question]), (By::Server, [answer + 1, answer + 10])] {
        let length = said[by as usize].len();
        assert!(length > 2000 && length < 200_000, "{length}");
        for after in spread(&mut random, 58, length) {
            cuts.push(Cut { by, after, resets: random.bool(), then: then[random.usize(..then.len())] });
        }
        cuts.extend(around.map(|after| Cut { by, after, resets: false, then: then[0] }));
    }
    let runs: Vec<_> = cuts.into_iter().zip(regions()).collect();
    // Most of them only wait for their next try.
    let ended = side_by_side(60, runs, |(cut, region)| {
        let proxy = Proxy::to(Cluster::shared().unwrap().port);
        proxy.expect(Some(cut));
        let outcome = finish(keep(&proxy.url(&store), &server, &format!("-r {region} --json")));
        let was_asked = server.asked().contains(&region);
        Ended { cut, region, was_asked, outcome }
    });
    Some((store, ended))
}

/// Asserts what holds wherever a connection was cut; how many ended unasked, kept and saved.
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
fn a_run_whose_connection_is_cut_once_at_any_byte_is_kept_once_or_never_began() {
    let Some((store, ended)) = cut_everywhere(1, &[Then::Heals]) else { return };
    let ends = assert_whole_or_absent(&store, &ended);
    println!("cut once: {} not begun, {} kept, {} saved", ends[0], ends[1], ends[2]);
    // A run that has begun reaches the server by another connection.
    assert!(ends[0] > 5 && ends[1] > 50 && ends[2] == 0, "{ends:?}");
}

#[test]
fn a_run_whose_server_is_gone_from_any_byte_on_is_kept_or_saved_for_load() {
    let Some((store, ended)) = cut_everywhere(2, &[Then::Closes, Then::CutsAgain]) else { return };
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
    assert!(ends[0] > 5 && ends[1] > 0 && ends[2] > 50 && answers_lost >= 2, "{ends:?}, {answers_lost}");
}

#[test]
fn tables_whose_making_is_cut_at_any_byte_are_there_or_not_and_the_next_run_needs_no_repair() {
    let Some(store) = Store::postgres() else { return };
    let server = Server::start(chart);
    let proxy = Proxy::to(Cluster::shared().unwrap().port);
    let in_schema = |url: &str, schema: &str| format!("{url}?options=-c%20search_path%3D{schema}");
    store.execute("CREATE SCHEMA measured");
    finish(keep(&in_schema(&proxy.url(&store), "measured"), &server, "-r ZZ --json")).exits(0);
    let said = std::mem::take(&mut proxy.plan.lock().unwrap().said);
    let mut random = fastrand::Rng::with_seed(3);
    let mut cuts = Vec::new();
    for (by, commit) in [(By::Program, &b"COMMIT\0"[..]), (By::Server, b"C\0\0\0\x0bCOMMIT\0")] {
        // The first commit is that of the tables.
        let commit = position(&said[by as usize], commit) + 1;
        for after in spread(&mut random, 10, commit).into_iter().chain([commit + 6]) {
            cuts.push(Cut { by, after, resets: random.bool(), then: Then::Heals });
        }
    }
    let runs: Vec<_> = cuts.into_iter().zip(regions()).collect();
    let made = side_by_side(6, runs, |(cut, region)| {
        let (proxy, schema) = (Proxy::to(Cluster::shared().unwrap().port), format!("s_{}", region.to_lowercase()));
        store.execute(&format!("CREATE SCHEMA {schema}"));
        proxy.expect(Some(cut));
        let outcome = finish(keep(&in_schema(&proxy.url(&store), &schema), &server, &format!("-r {region} --json")));
        assert!(!server.asked().contains(&region) && outcome.files().is_empty(), "{cut:?}: {}", outcome.stderr);
        outcome.exits(1);
        // Another region, since the server may not have noticed yet that the first run is gone.
        let next = format!("-r X{} --json", &region[1..]);
        let run_id = finish(keep(&in_schema(&store.url, &schema), &server, &next)).exits(0).document();
        let kept = store.query(&format!("SELECT id FROM {schema}.runs"));
        assert_eq!(kept, [run_id["run_id"].as_str().unwrap()], "{cut:?}");
    });
    assert_eq!(made.len(), 22);
}

/// A run whose connection breaks while YouTube is asked.
fn broken_while_asking(store: &Store, then: Then) -> Outcome {
    let proxy = Arc::new(Proxy::to(Cluster::shared().unwrap().port));
    proxy.expect(Some(Cut { by: By::Program, after: usize::MAX, resets: false, then }));
    let url = proxy.url(store);
    let server = Server::start(move |hit| {
        proxy.cut_now();
        chart(hit)
    });
    finish(keep(&url, &server, "-r PL --json"))
}

#[test]
fn a_connection_that_breaks_while_youtube_is_asked_is_made_again() {
    let Some(store) = with_tables() else { return };
    let outcome = broken_while_asking(&store, Then::Heals).exits(0);
    assert_eq!(by_region(&store)["PL"], whole(outcome.document()["run_id"].as_str().unwrap()));
}

#[test]
fn a_run_that_comes_back_has_its_request_to_itself_again() {
    let Some(store) = with_tables() else { return };
    let holder = Holder::of(&store);
    thread::scope(|scope| {
        let first = scope.spawn(|| broken_while_asking(&store, Then::Heals));
        // It is back, and waits to commit.
        holder.wait_for(&store, 1);
        let unasked = Server::start(chart);
        let second = finish(keep(&store.url, &unasked, "-r PL"));
        assert!(unasked.log().is_empty());
        second.exits(75);
        drop(holder);
        first.join().unwrap().exits(0);
    });
}

#[test]
fn a_run_whose_request_another_took_meanwhile_is_saved() {
    let Some(store) = with_tables() else { return };
    let proxy = Arc::new(Proxy::to(Cluster::shared().unwrap().port));
    proxy.expect(Some(Cut { by: By::Program, after: usize::MAX, resets: false, then: Then::Heals }));
    let proxied = proxy.url(&store);
    let (asked, is_asked) = mpsc::channel();
    // Each of the two is answered when its channel is dropped.
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
        let cut = scope.spawn(|| finish(keep(&proxied, &server, "-r PL --json")));
        is_asked.recv_timeout(HANGS).unwrap();
        let other = scope.spawn(|| {
            loop {
                let outcome = finish(keep(&store.url, &server, "-r PL -q"));
                // The server may not have noticed yet that the first one is gone.
                if outcome.code != Some(75) {
                    return outcome;
                }
            }
        });
        is_asked.recv_timeout(HANGS).unwrap();
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
fn a_server_that_is_still_starting_when_a_run_comes_back_is_asked_again() {
    let Some(store) = with_tables() else { return };
    let outcome = broken_while_asking(&store, Then::Starts).exits(0);
    assert_eq!(by_region(&store)["PL"], whole(outcome.document()["run_id"].as_str().unwrap()));
}

#[test]
fn a_server_that_accepts_and_says_nothing_is_not_waited_for_without_an_end() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let server = Server::of_pages(&["a"]);
    // The library's connect_timeout ends with the handshake of TCP.
    let run = keep(&format!("postgres://trend@127.0.0.1:{port}/x?connect_timeout=1"), &server, "-r PL");
    assert_refused(finish_within(run, Duration::from_secs(10)), &server, &["check that the server runs"]);
}

#[test]
fn the_same_request_may_follow_at_once() {
    let Some(store) = with_tables() else { return };
    let server = Server::start(chart);
    for _ in 0..20 {
        finish(keep(&store.url, &server, "-r PL -q")).exits(0);
    }
    assert_eq!(store.query("SELECT count(*) FROM run_regions WHERE region = 'PL'"), ["20"]);
}

// ---- A server that stops.

#[test]
fn a_server_that_stops_in_mid_run_leaves_a_document_and_one_that_comes_back_takes_the_run() {
    let Some(cluster) = Cluster::start("") else { return };
    let cluster = Arc::new(cluster);
    let store = Store { url: cluster.url("postgres"), folder: tempfile::tempdir().unwrap() };
    finish(keep(&store.url, &Server::start(chart), "-r ZZ -q")).exits(0);

    let of = Arc::clone(&cluster);
    let server = Server::start(move |hit| {
        of.stop();
        match hit.region() {
            "US" => of.start_again(),
            // It is not there yet when the run wants to commit.
            "GB" => {
                let of = Arc::clone(&of);
                thread::spawn(move || {
                    thread::sleep(Duration::from_secs(1));
                    of.start_again();
                });
            }
            _ => {}
        }
        chart(hit)
    });
    for region in ["US", "GB"] {
        let outcome = finish(keep(&store.url, &server, &format!("-r {region} --json"))).exits(0);
        assert_eq!(by_region(&store)[region], whole(outcome.document()["run_id"].as_str().unwrap()));
    }

    let outcome = finish(keep(&store.url, &server, "-r PL --json"));
    assert!(outcome.stderr.contains("check that the server runs"), "{}", outcome.stderr);
    // Refused, where it was found in time.
    let server = Server::start(chart);
    assert_refused(finish(keep(&store.url, &server, "-r DE")), &server, &["check that the server runs"]);
    cluster.start_again();
    assert!(!by_region(&store).contains_key("PL"));
    assert_saved(outcome, &store);

    // A standby: it follows nobody, which makes no difference to those who ask it.
    cluster.stop();
    let signal = cluster.folder.join("data/standby.signal");
    fs::write(&signal, "").unwrap();
    give_to_server(&signal, &cluster);
    cluster.start_again();
    assert_eq!(store.query("SELECT pg_is_in_recovery()"), ["t"]);
    assert_refused(finish(keep(&store.url, &server, "-r DE")), &server, &["takes no writes", "not a standby"]);
    // It can be read, though.
    let says = command(&store.url, &["changes", "-f", "json"]).exits(0);
    assert_eq!(says.document()["regions"], json!([]));
    drop(server);
}

/// Files must belong to whom the server runs as.
fn give_to_server(path: &Path, cluster: &Cluster) {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let owner = fs::metadata(&cluster.folder).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    chown(path, Some(owner.uid()), Some(fs::metadata(cluster.folder.join("data")).unwrap().gid())).unwrap();
}

#[test]
fn a_database_that_takes_no_writes_is_refused_before_a_unit_is_spent_and_can_be_read() {
    for with_history in [false, true] {
        let Some(store) = Store::postgres() else { return };
        let server = Server::start(chart);
        if with_history {
            finish(keep(&store.url, &server, "-r US,PL -q")).exits(0);
        }
        let database = store.url.rsplit('/').next().unwrap();
        store.execute(&format!("ALTER DATABASE {database} SET default_transaction_read_only = on"));
        let unasked = Server::start(chart);
        assert_refused(finish(keep(&store.url, &unasked, "-r US")), &unasked, &["takes no writes", "the primary"]);
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

// ---- Transactions that the server wants repeated.

/// Runs fail with this code, at the statement or at the commit, as long as `fails` holds for the
/// number of the try. A sequence is not rolled back.
fn failing(store: &Store, code: &str, fails: &str, at_commit: bool) {
    let trigger = if at_commit {
        "CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON runs DEFERRABLE INITIALLY DEFERRED"
    } else {
        "CREATE TRIGGER fail BEFORE INSERT ON runs"
    };
    store.execute(&format!(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
         DECLARE try bigint := nextval('tries');
         BEGIN
             IF {fails} THEN RAISE EXCEPTION 'try %', try USING ERRCODE = '{code}'; END IF;
             RETURN NEW;
         END $$;
         {trigger} FOR EACH ROW EXECUTE FUNCTION fail()"
    ));
}

#[test]
fn a_serialization_failure_is_tried_again_and_the_run_kept_once() {
    for (code, at_commit) in [("40001", false), ("40001", true), ("40P01", false)] {
        let Some(store) = with_tables() else { return };
        failing(&store, code, "try <= 2", at_commit);
        let outcome = finish(keep(&store.url, &Server::start(chart), "-r PL --json")).exits(0);
        assert!(!outcome.stderr.contains("try "), "{}", outcome.stderr);
        assert_eq!(by_region(&store)["PL"], whole(outcome.document()["run_id"].as_str().unwrap()));
        assert_eq!(store.query("SELECT last_value FROM tries"), ["3"]);
    }
}

#[test]
fn what_fails_each_time_is_given_up_and_saved_and_what_will_not_pass_is_tried_once() {
    // The waits between the tries are long; all of them wait at the same time.
    let cases = vec![("40001", false, "7"), ("40001", true, "7"), ("23514", false, "1"), ("53100", true, "1")];
    side_by_side(4, cases, |(code, at_commit, tries)| {
        let Some(store) = with_tables() else { return };
        failing(&store, code, "true", at_commit);
        let outcome = finish(keep(&store.url, &Server::start(chart), "-r PL --json"));
        assert!(outcome.stderr.contains(&format!(": try {tries}; ")), "{}", outcome.stderr);
        assert_eq!(store.query("SELECT last_value FROM tries"), [tries]);
        assert!(!by_region(&store).contains_key("PL"));
        store.execute("DROP TRIGGER fail ON runs");
        assert_saved(outcome, &store);
    });
}

/// What transactions are by default, as an administrator may set it.
fn set_isolation(store: &Store, level: &str) {
    let database = store.url.rsplit('/').next().unwrap();
    store.execute(&format!("ALTER DATABASE {database} SET default_transaction_isolation = '{level}'"));
}

/// A client of PostgreSQL that holds the lock under which tables change and runs commit, until it is dropped.
struct Holder(Child);

impl Holder {
    fn of(store: &Store) -> Holder {
        let mut psql = Command::new(programs().unwrap().join("psql"));
        psql.args(["-X", "-q", "-A", "-t", &store.url]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = psql.spawn().unwrap();
        writeln!(
            child.stdin.as_ref().unwrap(),
            "SELECT pg_advisory_lock(1414677060, hashtext(current_schema()));\n\\echo held"
        )
        .unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "held"));
        Holder(child)
    }

    /// Waits until so many others wait.
    fn wait_for(&self, store: &Store, count: usize) {
        let waiting = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
                       WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted";
        let began = Instant::now();
        while store.query(waiting) != [count.to_string()] {
            assert!(began.elapsed() < HANGS, "they do not wait for the lock");
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

const AT_ONCE: [&str; 8] = ["US", "GB", "DE", "FR", "PL", "JP", "BR", "IN"];

/// Runs of as many regions at the same time, each of which can do nothing but wait at first.
fn at_once(store: &Store, server: &Server, count: usize) -> Vec<Outcome> {
    let holder = Holder::of(store);
    thread::scope(|scope| {
        let run = |region| finish(keep(&store.url, server, &format!("-r {region} -q")));
        let runs: Vec<_> = AT_ONCE[..count].iter().map(|region| scope.spawn(move || run(region))).collect();
        holder.wait_for(store, count);
        drop(holder);
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    })
}

fn eight_runs_commit_at_once(level: &str) {
    let Some(store) = with_tables() else { return };
    set_isolation(&store, level);
    // Nothing fails; it only counts the tries.
    failing(&store, "40001", "false", false);
    // The same videos, each time in another order.
    let server = Server::start(move |hit| {
        let mut ids: Vec<String> = (0..PLACES).map(|place| format!("shared-{place}")).collect();
        ids.rotate_left(5 * AT_ONCE.iter().position(|region| *region == hit.region()).unwrap());
        Answer::page(&ids, None)
    });
    for outcome in at_once(&store, &server, 8) {
        outcome.exits(0);
    }
    let sql = "SELECT (SELECT count(*) FROM places WHERE region <> 'ZZ'), (SELECT count(*) FROM presence WHERE region <> 'ZZ'),
                      (SELECT count(*) FROM videos WHERE video_id LIKE 'shared-%'), (SELECT count(*) FROM runs)";
    assert_eq!(store.query(sql), ["320|320|40|9"]);
    // They wait for their turn, and then nobody has to begin anew.
    assert_eq!(store.query("SELECT last_value FROM tries"), ["8"]);
}

#[test]
fn eight_runs_with_the_same_videos_commit_at_once() {
    eight_runs_commit_at_once("read committed");
}

#[test]
fn eight_runs_with_the_same_videos_commit_at_once_where_transactions_are_serializable() {
    // A statement that waits for a lock takes its snapshot before, unless the transaction reads what is committed.
    eight_runs_commit_at_once("serializable");
}

fn six_programs_make_the_tables(level: &str) {
    let Some(store) = Store::postgres() else { return };
    set_isolation(&store, level);
    for outcome in at_once(&store, &Server::start(chart), 6) {
        outcome.exits(0);
    }
    assert_eq!(by_region(&store).len(), 6);
    assert_eq!(store.query("SELECT version FROM trendfetch_schema"), ["1"]);
}

#[test]
fn of_six_programs_on_an_empty_database_one_makes_the_tables() {
    six_programs_make_the_tables("read committed");
}

#[test]
fn of_six_programs_on_an_empty_database_one_makes_the_tables_where_transactions_are_serializable() {
    six_programs_make_the_tables("serializable");
}

// ---- Rights, and tables of others.

#[test]
fn a_role_that_may_only_read_sees_changes_and_no_run_of_it_begins() {
    let Some(store) = Store::postgres() else { return };
    let server = Server::start(|hit| {
        let ids = if hit.nth == 0 { ["a", "b"] } else { ["b", "c"] };
        Answer::page(&ids, None)
    });
    for _ in 0..2 {
        finish(keep(&store.url, &server, "-r PL -q")).exits(0);
    }
    let reader = own_name(&store, "reader");
    store.execute(&format!("CREATE ROLE {reader} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"));
    let changes = command(&as_role(&store, &reader), &["changes", "-f", "json"]).exits(0).document();
    let ids = |what: &str| -> Vec<Value> {
        changes["regions"][0][what].as_array().unwrap().iter().map(|video| video["video_id"].clone()).collect()
    };
    assert_eq!((ids("entered"), ids("left"), ids("rose")), (vec![json!("c")], vec![json!("a")], vec![json!("b")]));
    let outcome = command(&as_role(&store, &reader), &["prune", "--keep", "1d"]).exits(1);
    assert!(outcome.stderr.contains("permission denied"), "{}", outcome.stderr);
    let load = Run::new(&["load", "x.json"]).file("x.json", &some_document());
    let outcome = finish(load.env("TRENDFETCH_STORE", &as_role(&store, &reader))).exits(1);
    let says = "its user may not write into its tables; GRANT INSERT, UPDATE and DELETE";
    assert!(outcome.stderr.contains(says), "{}", outcome.stderr);
    let unasked = Server::start(chart);
    assert_refused(finish(keep(&as_role(&store, &reader), &unasked, "-r US")), &unasked, &[says]);
}

/// Some document that `load` takes.
fn some_document() -> String {
    Run::on(&Server::start(chart), "-r DE --json").finish().exits(0).stdout
}

#[test]
fn a_role_that_may_not_make_tables_is_told_so_before_a_unit_is_spent() {
    let Some(store) = Store::postgres() else { return };
    let nobody = own_name(&store, "newcomer");
    // Before version 15, everybody might make tables in this schema.
    store.execute(&format!("CREATE ROLE {nobody} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC"));
    let server = Server::start(chart);
    let outcome = finish(keep(&as_role(&store, &nobody), &server, "-r PL"));
    assert_refused(outcome, &server, &["permission denied", "needs the right to create tables there"]);
    // A database that is not there, and a user that is not.
    let elsewhere = format!("{}_elsewhere", store.url);
    assert_refused(finish(keep(&elsewhere, &server, "-r PL")), &server, &["does not exist", "createdb"]);
    let stranger = as_role(&store, &own_name(&store, "stranger"));
    assert_refused(finish(keep(&stranger, &server, "-r PL")), &server, &["does not exist", "check the user"]);
}

#[test]
fn tables_of_another_program_are_left_alone_and_named_as_the_reason() {
    for (theirs, remains) in [
        ("CREATE TABLE videos (id int); INSERT INTO videos VALUES (42)", "videos"),
        ("CREATE TABLE runs (id int); INSERT INTO runs VALUES (42)", "runs"),
        ("CREATE VIEW observations AS SELECT 42 AS id", "observations"),
        ("CREATE TABLE other AS SELECT 42 AS id; CREATE INDEX videos_search ON other (id)", "other"),
    ] {
        let Some(store) = Store::postgres() else { return };
        store.execute(theirs);
        let relations = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1";
        let before = store.query(relations);
        let server = Server::start(chart);
        let says = ["already exists", "tables of another program"];
        assert_refused(finish(keep(&store.url, &server, "-r PL")), &server, &says);
        assert_eq!(
            (store.query(relations), store.query(&format!("SELECT * FROM {remains}"))),
            (before, vec!["42".into()])
        );
        // The advice holds.
        let own = own_name(&store, "own");
        store.execute(&format!("CREATE SCHEMA {own}"));
        let url = format!("{}?options=-c%20search_path%3D{own}", store.url);
        finish(keep(&url, &server, "-r PL -q")).exits(0);
        assert_eq!(store.query(&format!("SELECT count(*) FROM {own}.videos")), [PLACES.to_string()]);
    }
}

// ---- Search.

/// A server of one page whose videos are these: id, title, language as declared.
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
fn search_finds_inflections_of_the_language_of_each_video_by_an_index() {
    let Some(store) = Store::postgres() else { return };
    let server = titled(&[
        ("de1", "Das Haus am See", Some("de")),
        ("de2", "Die Farben des Hauses", Some("de-AT")),
        ("en", "Running houses", Some("en-US")),
        ("pl", "Domy i Häuser", Some("pl")),
        ("null", "Wesoły Häuser dom", None),
    ]);
    finish(keep(&store.url, &server, "-r PL -q")).exits(0);
    // Where none is declared, the region's counts.
    finish(keep(&store.url, &titled(&[("at", "Häusern", None)]), "-r AT -q")).exits(0);
    assert_eq!(
        store.query("SELECT video_id, search_config FROM videos ORDER BY 1"),
        ["at|german", "de1|german", "de2|german", "en|english", "null|simple", "pl|simple"]
    );
    assert_eq!(found(&store, "german", "Häuser"), ["at", "de1", "de2"]);
    assert_eq!(found(&store, "english", "run house"), ["en"]);
    assert_eq!(found(&store, "simple", "häuser"), ["null", "pl"]);
    assert_eq!(found(&store, "simple", "WESOŁY"), ["null"]);
    // Channel and tags as well, in a row of one weight each.
    assert_eq!(found(&store, "simple", "channel two").len(), 6);
    let weights = "SELECT string_agg(DISTINCT weight, '' ORDER BY weight) FROM videos, unnest(search) AS lexeme,
                   unnest(lexeme.weights) AS weight WHERE video_id = 'pl'";
    assert_eq!(store.query(weights), ["ABC"]);
    let plan = "SET enable_seqscan = off;
                EXPLAIN SELECT title FROM videos WHERE search @@ websearch_to_tsquery('german', 'Häuser')";
    assert!(store.query(plan).join("\n").contains("videos_search"), "{:?}", store.query(plan));
}

#[test]
fn the_words_of_a_video_are_taken_apart_again_when_they_change_and_only_then() {
    let Some(store) = Store::postgres() else { return };
    let run = |title: &str, language: &str| {
        finish(keep(&store.url, &titled(&[("a", title, Some(language))]), "-r PL -q")).exits(0);
    };
    run("old words", "en");
    assert_eq!(found(&store, "english", "old"), ["a"]);
    // Whoever writes another text there finds it after a run that saw nothing new.
    let mark = || store.execute("UPDATE videos SET search = to_tsvector('simple', 'marked')");
    mark();
    run("old words", "en");
    assert_eq!(found(&store, "simple", "marked"), ["a"]);
    run("newer words", "en");
    assert_eq!((found(&store, "simple", "marked").len(), found(&store, "english", "old").len()), (0, 0));
    assert_eq!(found(&store, "simple", "newer"), ["a"]);
    // Of another language, they have other stems.
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
fn a_configuration_that_the_server_lacks_is_replaced_by_simple() {
    let Some(store) = Store::postgres() else { return };
    store.execute("ALTER TEXT SEARCH CONFIGURATION pg_catalog.german RENAME TO deutsch");
    let run = |title: &str| {
        finish(keep(&store.url, &titled(&[("a", title, Some("de"))]), "-r PL -q")).exits(0);
    };
    run("Viele Häuser");
    assert_eq!(store.query("SELECT search_config FROM videos"), ["simple"]);
    assert_eq!(found(&store, "simple", "häuser"), ["a"]);
    // As soon as the server has it, as after an upgrade, it is used.
    store.execute("ALTER TEXT SEARCH CONFIGURATION pg_catalog.deutsch RENAME TO german");
    run("Viele Häuser");
    assert_eq!(store.query("SELECT search_config FROM videos"), ["german"]);
    assert_eq!(found(&store, "german", "Haus"), ["a"]);
}

#[test]
fn a_configuration_in_a_schema_that_is_not_searched_is_none() {
    let Some(store) = Store::postgres() else { return };
    store.execute(
        "CREATE SCHEMA elsewhere; ALTER TEXT SEARCH CONFIGURATION pg_catalog.german RENAME TO deutsch;
         CREATE TEXT SEARCH CONFIGURATION elsewhere.german (COPY = simple)",
    );
    // The cast to regconfig knows those of the search_path alone.
    finish(keep(&store.url, &titled(&[("a", "Haus", Some("de"))]), "-r PL -q")).exits(0);
    assert_eq!(store.query("SELECT search_config FROM videos"), ["simple"]);
}

#[test]
fn a_megabyte_of_words_in_a_title_or_in_tags_does_not_keep_a_run_out() {
    let Some(store) = Store::postgres() else { return };
    // Each word another one; of four bytes a letter, which is the most; without a break; and what
    // JSON needs six characters for.
    let words: String = (0..150_000_u32).map(|number| format!("{number:x} ")).collect();
    let wide: String =
        (0..50_000_u32).map(|n| format!("{}{} ", char::from_u32(0x20000 + n).unwrap(), n % 10)).collect();
    let titles = [words.clone(), wide, "x".repeat(1 << 20), "\u{1}".repeat(200_000)];
    let mut items: Vec<Value> = titles
        .iter()
        .map(|title| (title, item("x")))
        .enumerate()
        .map(|(number, (title, mut item))| {
            item["id"] = json!(format!("title-{number}"));
            item["snippet"]["title"] = json!(title);
            item
        })
        .collect();
    let mut tagged = item("tags");
    tagged["snippet"]["tags"] = words.split(' ').collect();
    tagged["snippet"]["channelTitle"] = json!(words);
    items.push(tagged);
    let page = Answer::json(&json!({ "items": items }));
    let server = Server::start(move |_| page.clone());
    let outcome = finish(keep(&store.url, &server, "-r PL --json")).exits(0);
    assert_eq!(outcome.document()["stats"]["skipped"], 0);
    assert_eq!(store.query("SELECT count(*) FROM chart_entries"), ["5"]);
    // The facts are whole; the search knows the first words.
    assert_eq!(store.query("SELECT length(title) FROM videos WHERE video_id = 'title-0'"), [words.len().to_string()]);
    assert_eq!(store.query("SELECT jsonb_array_length(tags) FROM videos WHERE video_id = 'tags'"), ["150001"]);
    assert_eq!(found(&store, "simple", "9ff"), ["tags", "title-0"]);
}

// ---- TLS and passwords.

/// A cluster with TLS that lets everybody but the tests' own user in by password alone.
struct Secured {
    cluster: Cluster,
    authority: PathBuf,
    /// Of somebody else.
    stranger: PathBuf,
    /// This machine's name.
    name: String,
}

const PASSWORD: &str = "Canary+Right/9f8e7d6c@5b:4a";
const WRONG: &str = "Canary+Wrong/1a2b3c4d@5e:6f";

impl Secured {
    fn shared() -> Option<&'static Secured> {
        static SHARED: OnceLock<Option<Secured>> = OnceLock::new();
        SHARED.get_or_init(Secured::start).as_ref()
    }

    fn start() -> Option<Secured> {
        let cluster = Cluster::start("")?;
        let output = Command::new("uname").arg("-n").output().unwrap();
        let name = String::from_utf8(output.stdout).unwrap().trim().to_lowercase();
        let (authority, stranger) = (issuer("Tests"), issuer("Others"));
        let key = KeyPair::generate().unwrap();
        let names = ["localhost".to_owned(), "db.example.org".into(), name.clone()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let write = |name: &str, text: String| {
            let path = cluster.folder.join(name);
            fs::write(&path, text).unwrap();
            give_to_server(&path, &cluster);
            path
        };
        write("data/server.crt", certificate.pem());
        write("data/server.key", key.serialize_pem());
        write("data/pg_hba.conf", "host all trend all trust\nhost all all all scram-sha-256\n".into());
        let (authority, stranger) = (write("authority.pem", authority.pem()), write("stranger.pem", stranger.pem()));
        cluster.psql("postgres", "ALTER SYSTEM SET ssl = on");
        cluster.psql("postgres", &format!("CREATE ROLE locked LOGIN SUPERUSER PASSWORD '{PASSWORD}'"));
        cluster.psql("postgres", "SELECT pg_reload_conf()");
        let began = Instant::now();
        while cluster.psql("postgres", "SHOW ssl") != ["on"] {
            assert!(began.elapsed() < HANGS, "{}", fs::read_to_string(cluster.folder.join("server.log")).unwrap());
        }
        Some(Secured { cluster, authority, stranger, name })
    }

    fn database(&self, name: &str) -> Store {
        self.cluster.psql("postgres", &format!("CREATE DATABASE {name}"));
        Store { url: self.cluster.url(name), folder: tempfile::tempdir().unwrap() }
    }

    /// `postgres://`, who, `@`, where, and parameters.
    fn url(&self, login: &str, host: &str, database: &str, parameters: &str) -> String {
        let parameters = parameters
            .replace("AUTHORITY", self.authority.to_str().unwrap())
            .replace("STRANGER", self.stranger.to_str().unwrap());
        format!("postgres://{login}@{host}:{}/{database}?{parameters}", self.cluster.port)
    }
}

fn issuer(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn is_loopback(name: &str) -> bool {
    use std::net::ToSocketAddrs;
    (name, 1).to_socket_addrs().is_ok_and(|all| all.map(|address| address.ip()).all(|ip| ip.is_loopback()))
}

/// A chart server that notes, before it answers, whether the program's connection is encrypted.
fn watching(store: &Store) -> (Server, Arc<Mutex<Vec<String>>>) {
    let (watched, seen) = (store.url.clone(), Arc::new(Mutex::new(Vec::new())));
    let notes = Arc::clone(&seen);
    let server = Server::start(move |hit| {
        let sql = "SELECT ssl, usename FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                   WHERE application_name = 'trendfetch' AND datname = current_database()";
        let store = Store { url: watched.clone(), folder: tempfile::tempdir().unwrap() };
        notes.lock().unwrap().extend(store.query(sql));
        chart(hit)
    });
    (server, seen)
}

#[test]
fn a_connection_is_encrypted_as_sslmode_says_and_by_default_where_it_leaves_the_machine() {
    let Some(secured) = Secured::shared() else { return };
    let store = secured.database("encrypted");
    let (server, seen) = watching(&store);
    let mut cases = vec![
        ("localhost", "sslmode=require&sslrootcert=AUTHORITY", "t"),
        ("localhost", "sslmode=verify-ca&sslrootcert=AUTHORITY", "t"),
        ("localhost", "sslmode=verify-full&sslrootcert=AUTHORITY", "t"),
        ("localhost", "sslmode=prefer&sslrootcert=AUTHORITY", "t"),
        ("db.example.org", "hostaddr=127.0.0.1&sslmode=require&sslrootcert=AUTHORITY", "t"),
        ("localhost", "sslmode=disable&sslrootcert=AUTHORITY", "f"),
        ("127.0.0.1", "sslmode=disable", "f"),
        ("localhost", "sslrootcert=AUTHORITY", "f"),
        ("127.0.0.1", "", "f"),
    ];
    if is_loopback(&secured.name) && secured.name != "localhost" {
        cases.push((&secured.name, "sslrootcert=AUTHORITY", "t"));
    } else {
        // Past the test harness, which would swallow it.
        let _ = writeln!(std::io::stderr(), "\nLEFT OUT: this machine's name is no other name for loopback\n");
    }
    for ((host, parameters, encrypted), region) in cases.into_iter().zip(regions()) {
        let url = secured.url("trend", host, "encrypted", parameters);
        finish(keep(&url, &server, &format!("-r {region} -q"))).exits(0);
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        assert_eq!(seen, [format!("{encrypted}|trend")], "{url}");
    }
}

#[test]
fn a_certificate_that_does_not_hold_is_refused_before_a_unit_is_spent() {
    let Some(secured) = Secured::shared() else { return };
    let store = secured.database("refused");
    let server = Server::start(chart);
    for (host, parameters, why) in [
        ("localhost", "sslmode=require", "UnknownIssuer"),
        ("localhost", "sslmode=require&sslrootcert=system", "UnknownIssuer"),
        ("localhost", "sslmode=prefer", "UnknownIssuer"),
        ("localhost", "sslmode=verify-ca&sslrootcert=STRANGER", "UnknownIssuer"),
        ("127.0.0.1", "sslmode=require&sslrootcert=AUTHORITY", "not valid for name"),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=AUTHORITY", "not valid for name"),
        ("127.0.0.1", "sslmode=prefer&sslrootcert=AUTHORITY", "not valid for name"),
        ("db.example.com", "hostaddr=127.0.0.1&sslmode=require&sslrootcert=AUTHORITY", "not valid for name"),
        ("localhost", "sslmode=require&sslrootcert=/nowhere/root.pem", "cannot read sslrootcert /nowhere/root.pem"),
    ] {
        let outcome = finish(keep(&secured.url("trend", host, "refused", parameters), &server, "-r PL"));
        assert_refused(outcome, &server, &[why, "sslrootcert"]);
    }
    assert_eq!(store.query("SELECT count(*) FROM pg_class WHERE relname = 'runs'"), ["0"]);
}

#[test]
fn a_server_without_tls_is_refused_where_it_is_required_and_taken_where_it_is_preferred() {
    let Some(store) = Store::postgres() else { return };
    let server = Server::start(chart);
    // Another name of loopback by inet_aton(3), which looks like none.
    let far = store.url.replacen("127.0.0.1", "127.1", 1);
    assert!(is_loopback("127.1"));
    for url in [format!("{}?sslmode=require", store.url), format!("{}?sslmode=verify-full", store.url), far] {
        let outcome = finish(keep(&url, &server, "-r PL"));
        assert_refused(outcome, &server, &["server does not support TLS", "sslmode=disable"]);
    }
    for (parameter, region) in ["sslmode=prefer", "sslmode=disable", ""].into_iter().zip(regions()) {
        finish(keep(&format!("{}?{parameter}", store.url), &server, &format!("-r {region} -q"))).exits(0);
    }
    assert_eq!(by_region(&store).len(), 3);
}

/// As a URL writes it.
fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn a_password_goes_by_scram_and_is_bound_to_the_channel() {
    let Some(secured) = Secured::shared() else { return };
    let store = secured.database("scram");
    let (server, seen) = watching(&store);
    let right = format!("locked:{}", percent(PASSWORD));
    let tls = "sslmode=require&sslrootcert=AUTHORITY&channel_binding=require";
    for ((parameters, encrypted), region) in [(tls, "t"), ("sslmode=disable", "f")].into_iter().zip(regions()) {
        let url = secured.url(&right, "localhost", "scram", parameters);
        finish(keep(&url, &server, &format!("-r {region} -q"))).exits(0);
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        assert_eq!(seen, [format!("{encrypted}|locked")]);
    }
    let server = Server::start(chart);
    // There is no channel to bind it to.
    let url = secured.url(&right, "localhost", "scram", "sslmode=disable&channel_binding=require");
    assert_refused(finish(keep(&url, &server, "-r PL")), &server, &["channel binding"]);
    let wrong = secured.url(&format!("locked:{}", percent(WRONG)), "localhost", "scram", tls);
    let says = ["password authentication failed", "check the user and the password in its address"];
    assert_refused(finish(keep(&wrong, &server, "-r PL")), &server, &says);
    let none = secured.url("locked", "localhost", "scram", tls);
    let says = ["password missing", "check the user and the password in its address"];
    assert_refused(finish(keep(&none, &server, "-r PL")), &server, &says);
}

/// A port that refuses, and that no other test gets meanwhile.
fn port_of_nobody() -> (Socket, u16) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    (socket, port)
}

/// One way to give a password to one command.
struct Way {
    place: &'static str,
    url: String,
    arguments: &'static [&'static str],
    is_right: bool,
}

#[test]
fn the_password_is_in_nothing_that_the_program_leaves() {
    const RUN: &[&str] = &["-o", "out.json", "-o", "out.csv"];
    const CHANGES: &[&str] = &["changes"];
    const LOAD: &[&str] = &["load", "x.json"];
    const PRUNE: &[&str] = &["prune", "--keep", "9d"];
    let Some(secured) = Secured::shared() else { return };
    let store = secured.database("canary");
    let (_nobody, gone) = port_of_nobody();
    let mut ways = Vec::new();
    for password in [PASSWORD, WRONG] {
        let all = percent(password);
        let some = password.replace('+', "%2B").replace('/', "%2F").replace('@', "%40").replace(':', "%3A");
        let tls = secured.url("locked", "localhost", "canary", "sslmode=require&sslrootcert=AUTHORITY");
        let plain = secured.url("locked", "localhost", "canary", "sslmode=disable");
        let with = |text: &str, url: &str| url.replacen("locked@", &format!("locked:{text}@"), 1);
        let port = format!(":{}/", secured.cluster.port);
        let mut add = |commands: &[&'static [&'static str]], place, url: String| {
            let is_right = password == PASSWORD;
            ways.extend(commands.iter().map(|&arguments| Way { place, url: url.clone(), arguments, is_right }));
        };
        add(&[RUN, CHANGES, LOAD, PRUNE], "TRENDFETCH_STORE", with(&some, &plain));
        add(&[RUN, LOAD], "TRENDFETCH_STORE", with(&all, &tls));
        add(&[RUN, PRUNE], "TRENDFETCH_STORE", format!("{plain}&password={some}"));
        add(&[RUN, LOAD], "--store", with(&some, &plain));
        add(&[RUN, CHANGES], "--store", format!("{plain}&password={all}"));
        add(&[RUN, LOAD], ".env", with(&some, &plain));
        // Nobody is there; or it is written as it is, or into the wrong place.
        add(&[RUN, LOAD], "TRENDFETCH_STORE", with(&some, &plain).replacen(&port, &format!(":{gone}/"), 1));
        let (first, last) = password.split_once('/').unwrap();
        let raw = ['#', '@'].map(|sign| format!("{first}{sign}{}", last.split('@').next().unwrap()));
        for raw in [password, &raw[0], &raw[1], &format!("12?{password}")] {
            add(&[RUN], "TRENDFETCH_STORE", with(raw, &plain));
        }
        for parameter in [format!("{password}=1"), format!("sslmode={password}"), format!("sslrootcert=x&port={all}")] {
            add(&[RUN, CHANGES], "TRENDFETCH_STORE", format!("{plain}&{parameter}"));
        }
        add(&[RUN], "--store", with(&some, &plain).replacen("postgres:", "postgre:", 1));
        add(&[RUN], "TRENDFETCH_STORE", format!("postgres:{password}"));
    }
    let server = Server::start(chart);
    let document = some_document();
    let check = |(way, region): (Way, String)| {
        let mut run = Run::new(way.arguments).file("x.json", &document);
        run = run.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        if way.arguments == RUN {
            run.command.args(["-vv", "-r", &region, "--base-url", &server.base_url]);
        }
        run = match way.place {
            "--store" => {
                run.command.args(["--store", &way.url]);
                run
            }
            ".env" => run.file(".env", &format!("TRENDFETCH_STORE='{}'\n", way.url)),
            _ => run.env(way.place, &way.url),
        };
        let outcome = finish(run);
        let mut texts = vec![outcome.stdout.clone(), outcome.stderr.clone()];
        texts.extend(outcome.files().iter().filter(|name| *name != ".env").map(|name| outcome.read(name)));
        for (text, password) in texts.iter().flat_map(|text| [(text, PASSWORD), (text, WRONG)]) {
            for disguise in [&percent(password), &percent(password)[..30], "Canary", "9f8e", "5b:4a", "1a2b", "5e:6f"] {
                assert!(!text.contains(disguise), "{}, {:?}: {disguise} is in {text}", way.url, way.arguments);
            }
        }
        (way.is_right, outcome.code.unwrap())
    };
    let ends: BTreeSet<_> = side_by_side(6, ways.into_iter().zip(regions()).collect(), check).into_iter().collect();
    // With the right one kept, not reached, not read; with the wrong one not let in, not read.
    assert_eq!(Vec::from_iter(ends), [(false, 1), (false, 2), (true, 0), (true, 1), (true, 2)]);

    // The hint that says how to bring a run in names the history, where it was named.
    failing(&store, "23514", "true", false);
    let url = secured.url(&format!("locked:{}", percent(PASSWORD)), "localhost", "canary", "sslmode=disable");
    for (typed, hint) in [
        (true, format!(" --store '{}'", secured.url("locked", "localhost", "canary", "sslmode=disable"))),
        (false, "with the same TRENDFETCH_STORE, bring it in with: ".to_owned()),
    ] {
        let mut run = Run::on(&server, "-r ZZ -vv").env("RUST_LOG", "trace");
        run = if typed {
            run.command.args(["--store", &url]);
            run
        } else {
            run.env("TRENDFETCH_STORE", &url)
        };
        let outcome = finish(run).exits(1);
        let document = fs::read_to_string(saved(&outcome).unwrap().0).unwrap();
        for text in [&outcome.stderr, &outcome.stdout, &document] {
            assert!(!text.contains("Canary") && !text.contains(&percent(PASSWORD)), "{text}");
        }
        assert!(outcome.stderr.contains(&hint), "{hint} is not in: {}", outcome.stderr);
    }
}

#[test]
fn a_password_with_a_question_mark_that_is_not_escaped_shows_nowhere() {
    // To tokio-postgres the address is good: it takes all before the first '@' for the login.
    let (_nobody, gone) = port_of_nobody();
    let server = Server::start(chart);
    let url = format!("postgres://locked:Canary?9f8e7d6c@127.0.0.1:{gone}/trends?sslmode=disable");
    let outcome = finish(keep(&url, &server, "-r PL"));
    assert!(server.log().is_empty() && matches!(outcome.code, Some(1 | 2)), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("Canary") && !outcome.stderr.contains("9f8e"), "{}", outcome.stderr);
}
