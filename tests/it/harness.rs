//! A scripted HTTP server that logs its requests, and a way to run the program in an empty folder.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

pub const KEY: &str = "AIzaTheKeyOfTheTests";

/// A request that the server received.
#[derive(Debug, Clone)]
pub struct Hit {
    pub at: Instant,
    pub path: String,
    pub query: HashMap<String, String>,
    /// By name in lower case.
    pub headers: HashMap<String, String>,
    /// How many requests for this region came before.
    pub nth: usize,
}

impl Hit {
    pub fn region(&self) -> &str {
        &self.query["regionCode"]
    }
    pub fn token(&self) -> Option<&str> {
        self.query.get("pageToken").map(String::as_str)
    }
}

/// A response.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    after: Duration,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Answer {
        Answer { status, headers: Vec::new(), body: body.into(), after: Duration::ZERO }
    }
    pub fn json(body: &Value) -> Answer {
        Answer::new(200, body.to_string())
    }
    /// A page of videos with these ids, and the token of the next page, if any.
    pub fn page<S: AsRef<str>>(ids: &[S], next: Option<&str>) -> Answer {
        let items: Vec<Value> = ids.iter().map(|id| item(id.as_ref())).collect();
        Answer::json(&json!({"kind": "youtube#videoListResponse", "items": items, "nextPageToken": next}))
    }
    /// An error response in YouTube's format.
    pub fn refusal(status: u16, reason: &str) -> Answer {
        let error = json!({"code": status, "message": format!("about {reason}"), "errors": [{"reason": reason, "domain": "global", "message": "x"}]});
        Answer::new(status, json!({ "error": error }).to_string())
    }
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }
    pub fn after(mut self, latency: Duration) -> Answer {
        self.after = latency;
        self
    }
}

/// An item of a page.
pub fn item(id: &str) -> Value {
    json!({
        "id": id,
        "snippet": {
            "title": format!("Title of {id}"), "channelTitle": "A channel", "channelId": "UCx", "categoryId": "20",
            "publishedAt": "2026-11-20T10:00:00Z", "liveBroadcastContent": "none", "defaultAudioLanguage": "en-US", "tags": ["one", "two words"],
            "thumbnails": {"default": {"url": "https://i.ytimg.com/x/default.jpg", "width": 120, "height": 90}}
        },
        "contentDetails": {"duration": "PT3M33S", "contentRating": {}},
        "statistics": {"viewCount": "1000", "likeCount": "10", "commentCount": "1"},
        "status": {"embeddable": true}
    })
}

/// A server on loopback. Its thread lives as long as the test process.
pub struct Server {
    pub base_url: String,
    log: Arc<Mutex<Vec<Hit>>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Hit) -> Answer + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}/youtube/v3", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&log));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                thread::spawn(move || serve(stream, &*answer, &seen));
            }
        });
        Server { base_url, log }
    }

    /// Each region's chart is one page of these ids, prefixed by its code.
    pub fn of_pages(ids: &'static [&'static str]) -> Server {
        Server::start(move |hit| {
            Answer::page(&ids.iter().map(|id| format!("{}-{id}", hit.region())).collect::<Vec<_>>(), None)
        })
    }

    /// Each region has four pages of fifty videos, all of its own, except XX, which fails. Its clock shows `date`, by which
    /// a run is dated.
    #[cfg(any(feature = "cloud", feature = "parquet"))]
    pub fn of_charts(date: &str) -> Server {
        let date = httpdate::fmt_http_date(date.parse::<jiff::Timestamp>().unwrap().into());
        Server::start(move |hit| {
            let page: u32 = hit.token().map_or(0, |token| token.parse().unwrap());
            let ids: Vec<String> =
                (page * 50..page * 50 + 50).map(|number| format!("{}-{number}", hit.region())).collect();
            let next = (page < 3).then(|| (page + 1).to_string());
            let answer = match hit.region() {
                "XX" => Answer::refusal(404, "notFound"),
                _ => Answer::page(&ids, next.as_deref()),
            };
            answer.header("date", date.as_str())
        })
    }

    /// Each region's chart makes far more data, in every format, than a pipe and a buffer hold.
    pub fn of_large_pages() -> Server {
        Server::start(|hit| {
            let video = |rank: u32| {
                let mut video = item(&format!("{}-{rank}", hit.region()));
                // Longer titles are truncated.
                video["snippet"]["title"] = json!("\u{1f600}".repeat(1000));
                video
            };
            Answer::json(
                &json!({ "kind": "youtube#videoListResponse", "items": (0..50).map(video).collect::<Vec<_>>() }),
            )
        })
    }

    pub fn log(&self) -> Vec<Hit> {
        self.log.lock().unwrap().clone()
    }

    /// The regions that were requested, in the order of the requests.
    pub fn asked(&self) -> Vec<String> {
        self.log().iter().map(|hit| hit.region().to_owned()).collect()
    }
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&Hit) -> Answer, log: &Mutex<Vec<Hit>>) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(mut hit) = read_request(&mut reader) {
        {
            let mut log = log.lock().unwrap();
            hit.nth =
                log.iter().filter(|earlier| earlier.query.get("regionCode") == hit.query.get("regionCode")).count();
            log.push(hit.clone());
        }
        let answer = answer(&hit);
        thread::sleep(answer.after);
        let mut head = format!("HTTP/1.1 {} X\r\ncontent-length: {}\r\n", answer.status, answer.body.len());
        answer.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        head.push_str("\r\n");
        if stream.write_all(&[head.as_bytes(), &answer.body].concat()).is_err() {
            return;
        }
    }
}

/// The lines of the head of a request, or `None` if the connection ends within it.
pub fn read_head(reader: &mut impl BufRead) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => return Some(lines),
            line => lines.push(line.to_owned()),
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Hit> {
    let lines = read_head(reader)?;
    let target = lines.first()?.split(' ').nth(1)?;
    let url = url::Url::parse("http://host").unwrap().join(target).unwrap();
    Some(Hit {
        at: Instant::now(),
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: lines[1..]
            .iter()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
        nth: 0,
    })
}

/// One run of the program in an empty folder, with nothing in the environment but the key.
pub struct Run {
    pub command: Command,
    pub folder: tempfile::TempDir,
}

/// The result of a run.
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    /// Without the times of the lines.
    pub stderr: String,
    /// Kept alive so that tests can look at its files.
    pub folder: tempfile::TempDir,
}

impl Run {
    pub fn new<S: AsRef<str>>(arguments: &[S]) -> Run {
        let folder = tempfile::tempdir().unwrap();
        let program = [env!("CARGO_BIN_EXE_trendfetch")];
        let mut command = command(program.into_iter().chain(arguments.iter().map(AsRef::as_ref)).map(OsString::from));
        command.current_dir(&folder).env_clear().env("YOUTUBE_API_KEY", KEY).stdin(Stdio::null());
        Run { command, folder }
    }

    /// A run against a server: `arguments` and its `--base-url`.
    pub fn on(server: &Server, arguments: &str) -> Run {
        let mut run = Run::new(&arguments.split_whitespace().collect::<Vec<_>>());
        run.command.args(["--base-url", &server.base_url]);
        run
    }

    pub fn env(mut self, name: &str, value: &str) -> Run {
        self.command.env(name, value);
        self
    }

    pub fn without_key(mut self) -> Run {
        self.command.env_remove("YOUTUBE_API_KEY");
        self
    }

    pub fn file(self, name: &str, content: &str) -> Run {
        std::fs::write(self.path(name), content).unwrap();
        self
    }

    /// The same run, started by another program, such as `prlimit`.
    pub fn under(mut self, launcher: &[&str]) -> Run {
        let own = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        let own = own.skip(SIGNAL_RESET.len()).map(OsString::from);
        let mut command = command(launcher.iter().map(OsString::from).chain(own));
        let variables = self.command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.env_clear().envs(variables).current_dir(&self.folder).stdin(Stdio::null());
        self.command = command;
        self
    }

    /// The same run without root's privileges: instead of root it is `nobody`, who may write to its folder.
    pub fn without_rights(self) -> Run {
        if !rustix::process::geteuid().is_root() {
            return self;
        }
        std::fs::set_permissions(self.folder.path(), Permissions::from_mode(0o777)).unwrap();
        self.under(&["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"])
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn finish(mut self) -> Outcome {
        let outcome = Outcome::new(self.command.output().unwrap(), self.folder);
        assert!(!outcome.stdout.contains(KEY) && !outcome.stderr.contains(KEY), "the key shows");
        outcome
    }
}

impl Outcome {
    pub fn new(output: Output, folder: tempfile::TempDir) -> Outcome {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let stderr = undated(&text(output.stderr));
        Outcome { code: output.status.code(), stdout: text(output.stdout), stderr, folder }
    }

    /// The document on standard output.
    pub fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }

    /// Asserts the exit status.
    #[track_caller]
    pub fn exits(self, code: i32) -> Outcome {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        self
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Names of the files left in the folder, sorted.
    pub fn files(&self) -> Vec<String> {
        files_in(self.folder.path())
    }
}

/// The text of a standard error that is a pipe, without the time at the start of each line that is logged.
fn undated(stderr: &str) -> String {
    let undate = |line: &str| {
        let dated = line.split_once(' ').filter(|(time, _)| is_time(time));
        let is_logged = [" WARN ", " INFO ", "DEBUG ", "ERROR ", "error: "].iter().any(|start| line.starts_with(start));
        assert!(!is_logged, "not dated: {line}");
        dated.map_or(line, |(_, rest)| rest).to_owned()
    };
    stderr.split_inclusive('\n').map(undate).collect()
}

/// Whether this is `2026-11-22T21:00:04.123Z`.
pub fn is_time(text: &str) -> bool {
    text.len() == 24 && text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok()
}

/// A command with the default action for SIGINT and SIGHUP. Under `nohup`, or in the background job of a script, this
/// process ignores them; a program inherits that, and trendfetch then keeps ignoring them.
fn command(words: impl Iterator<Item = OsString>) -> Command {
    let mut words = SIGNAL_RESET.iter().map(OsString::from).chain(words);
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    command
}

/// The words before a command that reset ignored signals, if this process ignores any.
static SIGNAL_RESET: LazyLock<&[&str]> = LazyLock::new(|| {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    let is_ignored = |signal: Signal| mask.unwrap_or(0) >> (signal.as_raw() - 1) & 1 == 1;
    match [Signal::INT, Signal::HUP].into_iter().any(is_ignored) {
        true => &["env", "--default-signal=INT,HUP"],
        false => &[],
    }
});

pub fn files_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The peak memory of a process so far, in KiB; 0 once it has ended.
#[cfg(target_os = "linux")]
pub fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).map_or(0, |kib| kib.parse().unwrap())
}

/// A region's row in the stats of a document.
pub fn region_row<'a>(document: &'a Value, region: &str) -> &'a Value {
    document["stats"]["regions"].as_array().unwrap().iter().find(|row| row["region"] == region).unwrap()
}

/// The ids of the document's videos, in order.
pub fn ids(document: &Value) -> Vec<&str> {
    document["videos"].as_array().unwrap().iter().map(|video| video["video_id"].as_str().unwrap()).collect()
}
