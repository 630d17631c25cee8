//! Databases for the tests: files of SQLite, and a temporary cluster of PostgreSQL on loopback.
//!
//! The cluster is created once for the process, by a shell that stops it and removes its folder when the process ends,
//! however it ends. PostgreSQL refuses to run as root, so root runs it as `nobody`.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::tools::not_installed;

/// A history that does not exist yet: the argument of `--store`, and the folder of its file.
pub struct Store {
    pub url: String,
    pub folder: TempDir,
}

impl Store {
    pub fn sqlite() -> Store {
        let folder = tempfile::tempdir().unwrap();
        Store { url: folder.path().join("history.db").to_str().unwrap().to_owned(), folder }
    }

    /// A new database in the cluster. Reports it, and returns `None`, if PostgreSQL is not installed.
    pub fn postgres() -> Option<Store> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let cluster = Cluster::shared()?;
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        cluster.psql("postgres", &format!("CREATE DATABASE {name}"));
        Some(Store { url: cluster.url(&name), folder: tempfile::tempdir().unwrap() })
    }

    /// Rows as text, one line each, with columns separated by `|`; read without trendfetch.
    pub fn query(&self, sql: &str) -> Vec<String> {
        if self.url.starts_with("postgres:") {
            return psql(&self.url, sql);
        }
        let connection = rusqlite::Connection::open(&self.url).unwrap();
        let mut statement = connection.prepare(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let cells: Vec<String> = (0..columns).map(|index| cell(row.get_ref(index).unwrap())).collect();
            Ok(cells.join("|"))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// Executes statements that return no rows.
    pub fn execute(&self, sql: &str) {
        if self.url.starts_with("postgres:") {
            psql(&self.url, sql);
        } else {
            rusqlite::Connection::open(&self.url).unwrap().execute_batch(sql).unwrap();
        }
    }
}

fn cell(value: rusqlite::types::ValueRef<'_>) -> String {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
        ValueRef::Blob(bytes) => format!("{bytes:?}"),
    }
}

/// A cluster of PostgreSQL. It is stopped when this is dropped or when the process ends.
pub struct Cluster {
    pub port: u16,
    /// Its files may be changed while it is stopped.
    pub folder: PathBuf,
    shell: Child,
}

impl Cluster {
    /// The cluster that tests share, each with its own database.
    pub fn shared() -> Option<&'static Cluster> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        SHARED.get_or_init(|| Cluster::start("")).as_ref()
    }

    /// Starts a separate cluster with further settings (`-c name=value`).
    pub fn start(settings: &str) -> Option<Cluster> {
        Cluster::create("initdb -D data -U trend -A trust --locale=C.UTF-8 -E UTF8", settings)
    }

    /// Starts a standby that follows another cluster.
    pub fn standby_of(primary: &Cluster) -> Option<Cluster> {
        let copy = format!("pg_basebackup -D data -R -c fast -h 127.0.0.1 -p {} -U trend", primary.port);
        Cluster::create(&copy, "-c log_connections=on")
    }

    /// Starts a cluster whose files a program of PostgreSQL creates.
    fn create(program: &str, settings: &str) -> Option<Cluster> {
        let Some(programs) = programs() else {
            not_installed("PostgreSQL is not installed (apt-get install postgresql)", "its tests");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("trendfetch-pg-").tempdir().unwrap().keep();
        let port = free_port();
        let script = format!(
            "cd {folder} && {bin}/{program} >created.log 2>&1 || exit 1
             start() {{
                 {bin}/postgres -D data -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} \
                     -c fsync=off -c max_connections=200 {settings} >>server.log 2>&1 & server=$!
             }}
             stop() {{ [ \"$server\" ] && kill -$1 $server && wait $server; server=; }}
             start
             while read -r order; do case $order in stop) stop QUIT ;; start) start ;; esac; done
             stop INT
             cd / && rm -rf {folder}",
            folder = folder.display(),
            bin = programs.display(),
        );
        let mut command = if is_root() {
            assert!(Command::new("chown").arg("nobody").arg(&folder).status().unwrap().success());
            let mut command = Command::new("setpriv");
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "sh", "-c", &script]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", &script]);
            command
        };
        // The shell ends when this pipe is closed, which the end of the process does too.
        let shell = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let cluster = Cluster { port, folder, shell };
        cluster.wait_until(Ready::YES);
        Some(cluster)
    }

    /// Stops the server as a crash would (`pg_ctl stop -m immediate`); its files stay.
    pub fn stop(&self) {
        self.order("stop");
        self.wait_until(Ready::GONE);
    }

    pub fn restart(&self) {
        self.order("start");
        self.wait_until(Ready::YES);
    }

    fn order(&self, word: &str) {
        writeln!(self.shell.stdin.as_ref().unwrap(), "{word}").unwrap();
    }

    fn wait_until(&self, ready: Ready) {
        let started_at = Instant::now();
        while is_ready(self.port) != ready {
            let log = || std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
            assert!(started_at.elapsed() < Duration::from_secs(60), "PostgreSQL is not {ready:?}: {}", log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://trend@127.0.0.1:{}/{database}", self.port)
    }

    pub fn psql(&self, database: &str, sql: &str) -> Vec<String> {
        psql(&self.url(database), sql)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// A port below the ephemeral range, so that no client of another test takes it meanwhile.
pub fn free_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(|| fastrand::u16(10_000..32_000)).take(1000).find(is_free).unwrap()
}

fn psql(url: &str, sql: &str) -> Vec<String> {
    let client = programs().unwrap().join("psql");
    let output = Command::new(client)
        .args(["-X", "-q", "-A", "-t", "-F", "|", "-v", "ON_ERROR_STOP=1", "-c", sql, url])
        .env("PGOPTIONS", "-c timezone=UTC")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {sql}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The exit status of `pg_isready`.
#[derive(Debug, PartialEq)]
pub struct Ready(Option<i32>);

impl Ready {
    pub const YES: Ready = Ready(Some(0));
    /// 1 would mean that the server rejects connections because it is starting.
    const GONE: Ready = Ready(Some(2));
}

pub fn is_ready(port: u16) -> Ready {
    let program = programs().unwrap().join("pg_isready");
    let arguments = ["-q", "-h", "127.0.0.1", "-p", &port.to_string()];
    Ready(Command::new(program).args(arguments).status().unwrap().code())
}

/// The folder of the newest version's programs. Debian does not put it into the path.
pub fn programs() -> Option<PathBuf> {
    let of_debian = std::fs::read_dir("/usr/lib/postgresql").ok().and_then(|versions| {
        let version = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
        let newest = versions.filter_map(Result::ok).filter_map(version).max()?;
        Some(Path::new("/usr/lib/postgresql").join(newest.to_string()).join("bin"))
    });
    let of_others = || {
        let output = Command::new("pg_config").arg("--bindir").output().ok()?;
        Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
    };
    of_debian.or_else(of_others).filter(|bin| bin.join("initdb").exists())
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
