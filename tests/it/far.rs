//! Simulates a distant server: a port of this machine that forwards bytes with a delay. `benches/history` uses it too.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// Each direction is delayed by half of a round trip. The threads end with the connections.
pub struct Far {
    pub port: u16,
    turns: Arc<AtomicUsize>,
}

impl Far {
    pub fn away(server: u16, round_trip: Duration) -> Far {
        Far::start(server, round_trip, false)
    }

    /// The same, but bytes that follow within half of a round trip arrive together with those before them.
    #[allow(dead_code, reason = "the benchmark does without it")]
    pub fn in_bursts(server: u16, round_trip: Duration) -> Far {
        Far::start(server, round_trip, true)
    }

    fn start(server: u16, round_trip: Duration, in_bursts: bool) -> Far {
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
                pass(from, to, half, in_bursts, move || {
                    if heard.swap(false, SeqCst) {
                        turns.fetch_add(1, SeqCst);
                    }
                });
                pass(server, program, half, in_bursts, move || heard_there.store(true, SeqCst));
            }
        });
        Far { port, turns }
    }

    /// Round trips since the last call: how often a client sent something after it had received something.
    pub fn turns(&self) -> usize {
        self.turns.swap(0, SeqCst)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, delay: Duration, in_bursts: bool, note: impl Fn() + Send + 'static) {
    let (sent, arrives) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        while let Ok((at, mut bytes)) = arrives.recv() {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if in_bursts {
                arrives.try_iter().for_each(|(_, more)| bytes.extend(more));
            }
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
