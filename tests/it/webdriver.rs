//! A browser for the tests: Chromium, headless, told what to do through its WebDriver.
//!
//! The driver is started once for the process, by a shell that ends it with its browsers as soon as the process
//! ends, however that ends.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

use crate::databases::{free_port, is_root};
use crate::tools::not_there;

/// How the page is looked at.
#[derive(Debug, Clone, Copy)]
pub struct View {
    pub width: u32,
    pub is_dark: bool,
    pub has_scripts: bool,
}

impl View {
    pub const DESKTOP: View = View { width: 1200, is_dark: false, has_scripts: true };
    pub const PHONE: View = View { width: 360, is_dark: true, has_scripts: true };
}

/// A browser with nothing in it. It cannot reach any host, and keeps a log of what it was asked to fetch.
pub struct Browser {
    pub client: Client,
}

impl Browser {
    /// `None`, loudly, where Chromium's driver or axe is not installed.
    pub async fn start() -> Option<Browser> {
        let driver = Driver::shared()?;
        let mut arguments = vec![
            "--headless",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP * ~NOTFOUND",
        ];
        if is_root() {
            // Chromium refuses to run as root otherwise.
            arguments.push("--no-sandbox");
        }
        let wanted = json!({
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}
        });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(wanted.as_object().unwrap().clone()).connect(&driver.url).await.unwrap();
        Some(Browser { client })
    }

    /// Opens a file.
    pub async fn open(&self, page: &Path, view: View) {
        let View { width, is_dark, has_scripts } = view;
        let screen = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
        let scheme = json!({"name": "prefers-color-scheme", "value": if is_dark { "dark" } else { "light" }});
        self.devtools("Emulation.setEmulatedMedia", json!({"features": [scheme]})).await;
        self.devtools("Emulation.setScriptExecutionDisabled", json!({"value": !has_scripts})).await;
        self.client.goto(Url::from_file_path(page).unwrap().as_str()).await.unwrap();
    }

    /// What an expression of JavaScript is worth.
    pub async fn value(&self, expression: &str) -> Value {
        self.client.execute(&format!("return {expression}"), Vec::new()).await.unwrap()
    }

    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.client.issue_cmd(Extension { path: "goog/cdp/execute", body }).await.unwrap()
    }

    /// Errors and warnings since the last question.
    pub async fn complaints(&self) -> Vec<String> {
        let entries =
            self.client.issue_cmd(Extension { path: "se/log", body: json!({"type": "browser"}) }).await.unwrap();
        entries.as_array().unwrap().iter().map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    /// Addresses that were to be fetched since the last question.
    pub async fn requests(&self) -> Vec<String> {
        let log = Extension { path: "se/log", body: json!({"type": "performance"}) };
        let entries = self.client.issue_cmd(log).await.unwrap();
        let request = |entry: &Value| {
            let entry: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            let message = &entry["message"];
            let is_request = message["method"] == "Network.requestWillBeSent";
            is_request.then(|| message["params"]["request"]["url"].as_str().unwrap().to_owned())
        };
        entries.as_array().unwrap().iter().filter_map(request).collect()
    }

    /// What axe finds, from "serious" up: the rule, and where.
    pub async fn axe(&self) -> Vec<String> {
        static AXE: OnceLock<String> = OnceLock::new();
        let axe = AXE.get_or_init(|| std::fs::read_to_string(axe_file()).unwrap());
        let script = format!(
            "const done = arguments[arguments.length - 1];
             {axe};
             window.axe.run(document, {{resultTypes: ['violations']}}).then(
                 (found) => done(found.violations.map((rule) => [rule.impact, rule.id, rule.nodes.map((node) => node.html)])),
                 (error) => done([['critical', String(error), []]]));"
        );
        let found = self.client.execute_async(&script, Vec::new()).await.unwrap();
        let is_serious = |rule: &&Value| rule[0] == "serious" || rule[0] == "critical";
        found.as_array().unwrap().iter().filter(is_serious).map(Value::to_string).collect()
    }
}

/// Where the tests look for axe-core: `npm pack axe-core`, unpacked in this folder.
fn axe_file() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("package/axe.min.js")
}

/// A command beyond the standard: Chromium's own, and logs.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base_url: &Url, session_id: Option<&str>) -> Result<Url, ParseError> {
        base_url.join(&format!("session/{}/{}", session_id.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

struct Driver {
    url: String,
    /// It ends when this pipe closes, which the end of the process does too.
    _keeper: Child,
}

impl Driver {
    fn shared() -> Option<&'static Driver> {
        static SHARED: OnceLock<Option<Driver>> = OnceLock::new();
        SHARED.get_or_init(Driver::start).as_ref()
    }

    fn start() -> Option<Driver> {
        let missing = if Command::new("chromedriver").arg("--version").stdout(Stdio::null()).status().is_err() {
            "chromedriver is not installed (apt-get install chromium chromium-driver)"
        } else if !axe_file().exists() {
            "axe-core is not there (.ci/run fetches it)"
        } else {
            // Another test may take its port in the moment before it does.
            let started = std::iter::repeat_with(Driver::run).take(10).flatten().next();
            return Some(started.expect("chromedriver starts"));
        };
        not_there(missing, "the page in a browser");
        None
    }

    fn run() -> Option<Driver> {
        let port = free_port();
        // A group of its own, so that the browsers end with it; and the only writer, so that its end is seen.
        let script = format!("chromedriver --port={port} & exec >&-; read -r _; kill -TERM 0");
        let mut keeper = Command::new("sh")
            .args(["-c", &script])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(keeper.stdout.take().unwrap()).lines();
        let has_started = lines.any(|line| line.is_ok_and(|line| line.contains("started successfully")));
        // Nobody reads on, and it must not stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        has_started.then(|| Driver { url: format!("http://127.0.0.1:{port}"), _keeper: keeper })
    }
}
