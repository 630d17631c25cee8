//! A server that is far away: how often the program waits for it.

use std::sync::atomic::AtomicUsize;

use super::*;

/// Passes bytes on with a delay, half of a round trip each way, and counts how often the program speaks after it has
/// heard something. Its threads end with the connections.
struct Far {
    port: u16,
    turns: Arc<AtomicUsize>,
}

impl Far {
    fn away(server: u16, round_trip: Duration) -> Far {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, turns) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&turns);
        thread::spawn(move || {
            for program in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                program.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (from, to) = (program.try_clone().unwrap(), server.try_clone().unwrap());
                let (heard, turns) = (Arc::new(AtomicBool::new(true)), Arc::clone(&counted));
                let (heard_there, half) = (Arc::clone(&heard), round_trip / 2);
                pass(from, to, half, move || {
                    if heard.swap(false, SeqCst) {
                        turns.fetch_add(1, SeqCst);
                    }
                });
                pass(server, program, half, move || heard_there.store(true, SeqCst));
            }
        });
        Far { port, turns }
    }

    fn url(&self, store: &Store) -> String {
        let port = Cluster::shared().unwrap().port;
        store.url.replacen(&format!(":{port}/"), &format!(":{}/", self.port), 1)
    }

    /// How often a command speaks and waits. A program that is not let go on while it speaks hears the first answers
    /// before its last words, so that on a busy machine it is the least of some that counts.
    fn turns_of(&self, run: impl Fn() -> Run) -> usize {
        let turns = || {
            self.turns.store(0, SeqCst);
            finish(run()).exits(0);
            self.turns.load(SeqCst)
        };
        let first = turns();
        if first <= MOST { first } else { first.min(turns()).min(turns()) }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, delay: Duration, note: impl Fn() + Send + 'static) {
    let (sent, arrives) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        while let Ok((at, bytes)) = arrives.recv() {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
    thread::spawn(move || {
        let mut buffer = [0; 65536];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            note();
            let _ = sent.send((Instant::now() + delay, buffer[..count].to_vec()));
        }
    });
}

/// Beyond connecting and opening, which take four: greeting, look, settings with version, and the claim of a run or the
/// beginning of what is read.
const OPENING: usize = 4;
const MOST: usize = OPENING + 10;

#[test]
fn all_regions_take_ten_round_trips_each_to_a_server_far_away() {
    let Some(store) = with_tables() else { return };
    let server = Server::start(|hit| {
        let ids: Vec<String> = (0..8).map(|place| format!("{}-{}", hit.region(), place + hit.nth)).collect();
        Answer::page(&ids, None)
    });
    let run = |url: &str, regions: &str| keep(url, &server, &format!("-r {regions} -c 8"));
    for _ in 0..2 {
        finish(run(&store.url, "all")).exits(0);
    }
    let far = Far::away(Cluster::shared().unwrap().port, Duration::from_millis(30));
    let url = far.url(&store);
    let reading = |arguments: &[&str]| far.turns_of(|| Run::new(arguments).env("TRENDFETCH_STORE", &url));
    // However many regions they are.
    for regions in ["PL", "all"] {
        let turns = [
            ("changes", reading(&["changes", "-r", regions, "-f", "json"])),
            ("changes with the ranks", reading(&["changes", "-r", regions])),
            ("report", reading(&["report", "-r", regions, "-o", "page.html"])),
            ("a run", far.turns_of(|| run(&url, regions))),
        ];
        println!("{regions}: {turns:?}");
        assert!(turns.iter().all(|(_, turns)| *turns <= MOST), "{regions}: {turns:?}, and at most {MOST}");
    }
}
