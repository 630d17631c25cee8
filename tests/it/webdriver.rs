//! Headless Chromium, controlled through WebDriver.
//!
//! The driver is started once per process, by a shell that terminates it and its browsers as soon as the process
//! ends, even if it crashes.

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
use crate::tools::not_installed;

/// The screen and settings with which a page is opened.
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

/// A fresh browser. It cannot reach any host, and logs every request.
pub struct Browser {
    pub client: Client,
}

impl Browser {
    /// `None`, with a message, if chromedriver or axe-core is not installed.
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
        let capabilities = json!({
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}
        });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client =
            builder.capabilities(capabilities.as_object().unwrap().clone()).connect(&driver.url).await.unwrap();
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

    /// Evaluates a JavaScript expression.
    pub async fn value(&self, expression: &str) -> Value {
        self.client.execute(&format!("return {expression}"), Vec::new()).await.unwrap()
    }

    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.client.issue_cmd(Extension { path: "goog/cdp/execute", body }).await.unwrap()
    }

    /// The errors and warnings logged since the last call.
    pub async fn log(&self) -> Vec<String> {
        let entries =
            self.client.issue_cmd(Extension { path: "se/log", body: json!({"type": "browser"}) }).await.unwrap();
        entries.as_array().unwrap().iter().map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    /// The URLs requested since the last call.
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

    /// The violations that axe-core rates as serious or critical: the impact, the rule and the elements.
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
        let violations = self.client.execute_async(&script, Vec::new()).await.unwrap();
        let is_serious = |rule: &&Value| rule[0] == "serious" || rule[0] == "critical";
        violations.as_array().unwrap().iter().filter(is_serious).map(Value::to_string).collect()
    }
}

/// axe-core, unpacked from `npm pack axe-core` into this folder.
fn axe_file() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("package/axe.min.js")
}

/// A command outside the WebDriver standard: Chromium's own, or a log.
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
    /// The driver terminates when this shell's standard input closes, at the latest when the process ends.
    _shell: Child,
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
            "axe-core is not installed (.ci/run fetches it)"
        } else {
            // Something else may take the port before chromedriver does, so try again.
            let started = std::iter::repeat_with(Driver::spawn).take(10).flatten().next();
            return Some(started.expect("chromedriver starts"));
        };
        not_installed(missing, "the tests of the page in a browser");
        None
    }

    fn spawn() -> Option<Driver> {
        let port = free_port();
        // The driver has its own process group, so that the browsers are terminated with it. The shell closes its
        // standard output, so that the driver's end closes the pipe.
        let script = format!("chromedriver --port={port} & exec >&-; read -r _; kill -TERM 0");
        let mut shell = Command::new("sh")
            .args(["-c", &script])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
        let has_started = lines.any(|line| line.is_ok_and(|line| line.contains("started successfully")));
        // Keep reading, or the driver blocks once the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        has_started.then(|| Driver { url: format!("http://127.0.0.1:{port}"), _shell: shell })
    }
}
