//! PgBouncer between the program and PostgreSQL.

use super::*;
use crate::databases::{Ready, free_port, is_ready, is_root};
use crate::tools::not_installed;

const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// Stopped when this is dropped.
struct Pooler {
    port: u16,
    child: Child,
    folder: tempfile::TempDir,
}

impl Pooler {
    fn start(mode: &str) -> Option<Pooler> {
        if !Path::new(PROGRAM).exists() {
            not_installed("pgbouncer is not installed (apt-get install pgbouncer)", "the history behind a pooler");
            return None;
        }
        Cluster::shared()?;
        // Something else may take the port before PgBouncer does, so try again.
        let started = std::iter::repeat_with(|| Pooler::spawn(mode)).take(10).flatten().next();
        Some(started.expect("PgBouncer starts"))
    }

    fn spawn(mode: &str) -> Option<Pooler> {
        let server = Cluster::shared()?.port;
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let at = |name: &str| folder.path().join(name);
        fs::write(at("users"), "\"trend\" \"\"\n").unwrap();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = {mode}\n\
             ignore_startup_parameters = options\n",
            at("users").display()
        );
        fs::write(at("pgbouncer.ini"), settings).unwrap();
        // PgBouncer refuses to run as root.
        let mut command = Command::new(if is_root() { "setpriv" } else { PROGRAM });
        if is_root() {
            fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", PROGRAM]);
        }
        let log = fs::File::create(at("log")).unwrap();
        let child = command.arg(at("pgbouncer.ini")).stderr(log).spawn().unwrap();
        let mut pooler = Pooler { port, child, folder };
        // A connection alone would not show that it is PgBouncer that listens.
        let began = Instant::now();
        while is_ready(port) != Ready::YES {
            if pooler.child.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(began.elapsed() < HANG_TIMEOUT, "PgBouncer does not answer");
            thread::sleep(Duration::from_millis(20));
        }
        Some(pooler)
    }

    fn url(&self, store: &Store) -> String {
        let port = Cluster::shared().unwrap().port;
        store.url.replacen(&format!(":{port}/"), &format!(":{}/", self.port), 1)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("PgBouncer: {}", fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_pooler_that_shares_sessions_is_rejected_before_the_fetch() {
    for mode in ["transaction", "statement"] {
        let Some(pooler) = Pooler::start(mode) else { return };
        // On an empty database, with tables, and with an open session.
        let Some(store) = Store::postgres() else { return };
        let url = pooler.url(&store);
        let server = Server::start(chart);
        let says = ["a pooler gives its sessions to others", "pool_mode = session"];
        assert_refused(finish(run_into(&url, &server, "-r PL")), &server, &says);
        finish(run_into(&store.url, &server, "-r PL -q")).exits(0);
        let unasked = Server::start(chart);
        for _ in 0..2 {
            assert_refused(finish(run_into(&url, &unasked, "-r PL")), &unasked, &says);
        }
        let left = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
                    WHERE datname = current_database() AND locktype = 'advisory'";
        assert_eq!(store.query(left), ["0"]);
        if mode == "transaction" {
            // Reading takes one transaction, and changes no settings of the shared sessions.
            command(&url, &["changes", "-f", "json"]).exits(0);
            command(&url, &["report", "-o", "page.html"]).exits(0);
            assert_eq!(Store { url, folder: tempfile::tempdir().unwrap() }.query("SHOW jit"), ["on"]);
        }
    }
}

#[test]
fn a_pooler_with_exclusive_sessions_is_accepted() {
    let (Some(pooler), Some(store)) = (Pooler::start("session"), Store::postgres()) else { return };
    let (url, server) = (pooler.url(&store), Server::start(chart));
    for _ in 0..3 {
        finish(run_into(&url, &server, "-r PL -q")).exits(0);
    }
    let holder = CommitLock::of(&store);
    thread::scope(|scope| {
        let first = scope.spawn(|| finish(run_into(&url, &server, "-r PL -q")));
        holder.wait_for(&store, 1);
        finish(run_into(&url, &Server::start(chart), "-r PL")).exits(75);
        drop(holder);
        first.join().unwrap().exits(0);
    });
    assert_eq!(store.query("SELECT count(*) FROM run_regions WHERE region = 'PL'"), ["4"]);
}
