//! Servers of object storage on loopback, and buckets on them. `servers.py` runs the servers.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::Run;
use crate::tools::{are_installed, not_installed, python};

const SKIPPED: &str = "outputs in object storage";
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cloud/servers.py");
/// Where `.ci/run` installs Azurite.
const AZURITE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/azurite");

static S3: LazyLock<Option<Server>> = LazyLock::new(|| Server::start("s3", &["moto.server", "boto3"]));
static GOOGLE: LazyLock<Option<Server>> = LazyLock::new(|| Server::start("gs", &["moto.server", "boto3"]));
static AZURE: LazyLock<Option<Server>> = LazyLock::new(|| {
    if !Path::new(AZURITE).exists() {
        not_installed("Azurite is not installed", SKIPPED);
        return None;
    }
    are_installed(&["node"], SKIPPED).then(|| Server::start("az", &["azure.storage.blob"])).flatten()
});

/// An empty bucket on an S3 server, unless that is not installed.
pub fn s3() -> Option<Bucket> {
    S3.as_ref().map(Bucket::new)
}

/// An empty bucket on each server that is installed.
pub fn all() -> Vec<Bucket> {
    [&S3, &AZURE, &GOOGLE].into_iter().filter_map(|server| server.as_ref()).map(Bucket::new).collect()
}

/// A server. It ends with the process of the tests.
struct Server {
    scheme: &'static str,
    environment: Vec<(String, String)>,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Server {
    #[expect(clippy::zombie_processes, reason = "it ends with this process, whose end closes its standard input")]
    fn start(scheme: &'static str, modules: &[&str]) -> Option<Server> {
        let python = python(modules, SKIPPED)?;
        let mut command = Command::new(python);
        command.args([PROGRAM, scheme, AZURITE]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = command.spawn().unwrap();
        let pipes = Mutex::new((child.stdin.unwrap(), BufReader::new(child.stdout.unwrap())));
        let environment: serde_json::Map<String, Value> =
            serde_json::from_value(answer(&mut pipes.lock().unwrap().1)).unwrap();
        let environment =
            environment.into_iter().map(|(name, value)| (name, value.as_str().unwrap().to_owned())).collect();
        Some(Server { scheme, environment, pipes })
    }

    /// The result of a command of `servers.py`.
    fn ask(&self, command: &Value) -> Value {
        let answer = {
            let (stdin, stdout) = &mut *self.pipes.lock().unwrap();
            writeln!(stdin, "{command}").unwrap();
            answer(stdout)
        };
        assert!(answer.get("error").is_none(), "{command}: {answer}");
        answer
    }
}

fn answer(stdout: &mut impl BufRead) -> Value {
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("the server has ended: {error}"))
}

/// A bucket, looked at by the cloud's own client, or without one.
pub struct Bucket {
    server: &'static Server,
    pub name: String,
}

/// A request that an S3 server received.
#[derive(Debug, Clone, Deserialize)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    /// Bytes of content that the client received.
    pub received: u64,
}

impl Bucket {
    fn new(server: &'static Server) -> Bucket {
        static CREATED: AtomicUsize = AtomicUsize::new(0);
        // Google's client escapes all but letters and digits, which moto does not expect in this name.
        let name = format!("bucket{}", CREATED.fetch_add(1, Ordering::Relaxed));
        server.ask(&json!(["create", name]));
        Bucket { server, name }
    }

    /// The address of an object.
    pub fn address(&self, key: &str) -> String {
        format!("{}://{}/{key}", self.server.scheme, self.name)
    }

    /// The run with access to this bucket.
    pub fn open_to(&self, run: Run) -> Run {
        self.environment().iter().fold(run, |run, (name, value)| run.env(name, value))
    }

    /// The variables that give a program access.
    pub fn environment(&self) -> &[(String, String)] {
        &self.server.environment
    }

    /// Of all objects, sorted.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.ask("keys", &[]);
        keys.sort();
        keys
    }

    pub fn read(&self, key: &str) -> Vec<u8> {
        STANDARD.decode(self.ask::<String>("read", &[json!(key)])).unwrap()
    }

    pub fn write(&self, key: &str, content: &str) {
        self.ask::<()>("write", &[json!(key), json!(content)]);
    }

    /// The keys of uploads that are neither complete nor abandoned.
    pub fn uploads(&self) -> Vec<String> {
        self.ask("uploads", &[])
    }

    /// Makes each part of an upload to an S3 server take so long.
    pub fn delay(&self, seconds: f64) {
        self.ask::<()>("delay", &[json!(seconds)]);
    }

    /// What an S3 server was asked.
    pub fn log(&self) -> Vec<Request> {
        self.ask("log", &[])
    }

    fn ask<T: for<'de> Deserialize<'de>>(&self, what: &str, arguments: &[Value]) -> T {
        let command = [&[json!(what), json!(self.name)], arguments].concat();
        serde_json::from_value(self.server.ask(&json!(command))).unwrap()
    }
}
