//! The workflow for GitHub Actions: each of its steps is run as GitHub would run it, on a simulation of GitHub's API.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Answer, KEY, Server};
use crate::tools::{are_installed, not_installed, python};

mod github;
mod job;

use github::GitHub;
use job::{Finished, Job};

const WORKFLOW: &str = "packaging/github-actions/trends.yml";
const WHAT: &str = "the workflow for GitHub Actions";

/// A repository with the workflow, and YouTube as it answers at the moment.
struct Repository {
    workflow: Value,
    github: GitHub,
    runs: usize,
}

impl Repository {
    /// None if a program is missing that the test needs.
    fn new() -> Option<Repository> {
        let python = python(&["ruamel.yaml"], WHAT)?;
        are_installed(&["gh", "python3"], WHAT).then(|| Repository {
            workflow: read_yaml(&python, &workflow()),
            github: GitHub::start(),
            runs: 0,
        })
    }

    /// One start of the workflow, with these regions.
    fn start(&mut self, regions: &str, youtube: &Server) -> Finished {
        self.start_with_key(regions, youtube, KEY)
    }

    fn start_with_key(&mut self, regions: &str, youtube: &Server, key: &str) -> Finished {
        self.runs += 1;
        self.workflow["env"]["TRENDFETCH_REGIONS"] = regions.into();
        let (runner, workspace) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        fs::write(workspace.path().join("trendfetch-0.1.0-py3-none-any.whl"), "").unwrap();
        let job = Job {
            workflow: &self.workflow,
            github: &self.github,
            run: self.runs,
            expressions: HashMap::from([
                ("github.repository", "you/charts"),
                ("github.token", "the-token-of-the-job"),
                ("secrets.YOUTUBE_API_KEY", key),
            ]),
            environment: environment(runner.path(), &self.github.api, youtube),
        };
        let finished = job.run("fetch", workspace);
        assert!(!finished.log.contains(KEY) && !finished.summary.contains(KEY), "the key shows");
        finished
    }

    fn artifacts(&self) -> Vec<String> {
        self.github.artifacts_of(self.runs)
    }
}

fn workflow() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(WORKFLOW)).unwrap()
}

fn read_yaml(python: &str, text: &str) -> Value {
    let program = "
import json, sys
from ruamel.yaml import YAML
json.dump(YAML(typ='safe').load(sys.stdin), sys.stdout)";
    let mut python =
        Command::new(python).args(["-c", program]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    serde_json::from_slice(&python.wait_with_output().unwrap().stdout).unwrap()
}

/// The environment of a runner, where pipx installs the program of this build.
fn environment(runner: &Path, github: &Server, youtube: &Server) -> HashMap<String, String> {
    let pipx = format!(
        "#!/bin/sh\n[ \"$1\" = install ] && [ -e \"$2\" ] && ln -s {} {}/trendfetch\n",
        env!("CARGO_BIN_EXE_trendfetch"),
        runner.display()
    );
    fs::write(runner.join("pipx"), pipx).unwrap();
    fs::set_permissions(runner.join("pipx"), fs::Permissions::from_mode(0o755)).unwrap();
    let proxy = github.base_url.trim_end_matches("/youtube/v3").to_owned();
    let variables = [
        ("CI", "true".to_owned()),
        ("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", runner.display())),
        ("HOME", runner.display().to_string()),
        ("GITHUB_ACTIONS", "true".to_owned()),
        ("GITHUB_REF_NAME", "main".to_owned()),
        // gh sends requests for this host to an address of its own without TLS.
        ("GH_HOST", "github.localhost".to_owned()),
        ("HTTP_PROXY", proxy),
        ("TRENDFETCH_BASE_URL", youtube.base_url.clone()),
    ];
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// YouTube, where Poland is out of order.
fn without_poland() -> Server {
    Server::start(|hit| match hit.region() {
        "PL" => Answer::refusal(403, "forbidden"),
        region => Answer::page(&[region], None),
    })
}

fn runs_in(finished: &Finished) -> u32 {
    let history = Connection::open(finished.workspace.path().join("history.db")).unwrap();
    history.query_row("SELECT count(*) FROM runs", [], |row| row.get(0)).unwrap()
}

#[test]
fn the_history_goes_from_run_to_run() {
    let Some(mut repository) = Repository::new() else { return };
    let youtube = Server::of_pages(&["a", "b"]);
    let first = repository.start("US,GB", &youtube);
    assert!(first.has_succeeded, "{}", first.log);
    assert_eq!(repository.artifacts(), ["trendfetch-history", "page"]);
    assert_eq!(crate::harness::files_in(&first.workspace.path().join("page")), ["index.html", "trends.json"]);
    assert!(first.summary.contains("\n    Distinct videos               4"), "{}", first.summary);
    assert_eq!(runs_in(&first), 1);

    // An hour later no run is due.
    let second = repository.start("US,GB", &youtube);
    assert!(second.has_succeeded && second.log.contains("not due"), "{}", second.log);
    assert_eq!((repository.artifacts().len(), youtube.log().len(), runs_in(&second)), (0, 2, 1));
    assert!(second.summary.contains("fresh") && !second.summary.contains("Distinct"), "{}", second.summary);

    repository.github.add_decoys("trendfetch-history");
    let third = repository.start("US,GB,DE", &youtube);
    assert!(third.has_succeeded, "{}", third.log);
    assert_eq!((repository.artifacts().len(), runs_in(&third)), (2, 2));
}

#[test]
fn a_partial_run_is_kept_and_warned_of() {
    let Some(mut repository) = Repository::new() else { return };
    assert!(repository.start("US,PL", &Server::of_pages(&["a"])).has_succeeded);
    let partial = repository.start("US,PL,GB", &without_poland());
    assert!(partial.has_succeeded, "Poland has a chart of the run before: {}", partial.log);
    assert!(partial.log.contains("::warning title=Partial run::"), "{}", partial.log);
    assert!(partial.summary.contains("failed"), "{}", partial.summary);
    assert_eq!(
        (repository.artifacts(), runs_in(&partial)),
        (vec!["trendfetch-history".to_owned(), "page".to_owned()], 2)
    );

    // The next start sends requests again.
    let youtube = Server::of_pages(&["a"]);
    assert!(repository.start("US,PL,GB", &youtube).has_succeeded);
    assert_eq!(youtube.log().len(), 3);
}

#[test]
fn a_region_without_a_fresh_chart_fails_the_job() {
    let Some(mut repository) = Repository::new() else { return };
    let partial = repository.start("US,PL", &without_poland());
    assert!(!partial.has_succeeded);
    assert_eq!(partial.outcomes["Check that every chart is fresh"], "failure");
    assert!(partial.summary.contains("missing"), "{}", partial.summary);
    assert_eq!(repository.artifacts(), ["trendfetch-history", "page"]);
}

#[test]
fn a_run_that_youtube_refuses_fails_the_job_and_keeps_the_history() {
    let Some(mut repository) = Repository::new() else { return };
    assert!(repository.start("US", &Server::of_pages(&["a"])).has_succeeded);
    let refusing = Server::start(|hit| match hit.region() {
        "US" => Answer::page(&["b"], None),
        _ => Answer::refusal(403, "quotaExceeded"),
    });
    let refused = repository.start("US,GB", &refusing);
    assert_eq!(
        (refused.has_succeeded, refused.outcomes["Fetch the charts, if a run is due"].as_str()),
        (false, "failure")
    );
    assert!(refused.log.contains("quota_exceeded") && refused.summary.contains("quota_exceeded"), "{}", refused.log);
    assert_eq!((repository.artifacts(), runs_in(&refused)), (vec!["trendfetch-history".to_owned()], 2));
}

#[test]
fn a_start_that_cannot_begin_loses_nothing() {
    let Some(mut repository) = Repository::new() else { return };
    let youtube = Server::of_pages(&["a"]);
    // The secret is not set.
    let without_key = repository.start_with_key("US", &youtube, "");
    assert!(!without_key.has_succeeded && without_key.log.contains("YOUTUBE_API_KEY"), "{}", without_key.log);

    *repository.github.is_down.lock().unwrap() = true;
    let without_history = repository.start("US", &youtube);
    let outcome = &without_history.outcomes;
    assert_eq!(outcome["Download the history of the previous run"], "failure", "{}", without_history.log);
    assert_eq!(outcome["Check that every chart is fresh"], "skipped");
    assert!(!without_history.has_succeeded && repository.artifacts().is_empty() && youtube.log().is_empty());
}

/// The workflow with the job of docs/github-actions.md that publishes the page.
fn workflow_that_publishes() -> String {
    let page = include_str!("../../../docs/github-actions.md");
    let (_, job) = page.split_once("\n```yaml job\n").unwrap();
    workflow() + job.split_once("```").unwrap().0
}

#[test]
fn github_finds_no_fault_in_the_workflows() {
    let packages = Path::new(env!("CARGO_TARGET_TMPDIR")).join("workflows");
    if !packages.join("node_modules/@actions/languageservice").exists() {
        return not_installed("GitHub's language service is not installed (see .ci/run)", "the workflows");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::copy(root.join("tests/it/github_actions/validate.mjs"), packages.join("validate.mjs")).unwrap();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("workflow.yml");
    fs::write(&file, workflow_that_publishes()).unwrap();
    let own = fs::read_dir(root.join(".github/workflows")).unwrap().map(|entry| entry.unwrap().path());
    let mut node = Command::new("node");
    node.arg(packages.join("validate.mjs")).args(own).arg(root.join(WORKFLOW)).arg(file);
    let output = node.output().unwrap();
    let faults = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{faults}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_actions_are_pinned() {
    let text = workflow_that_publishes();
    let actions: Vec<&str> =
        text.lines().filter_map(|line| line.split_once("uses: ")).map(|(_, action)| action).collect();
    assert_eq!(actions.len(), 6);
    for action in actions {
        let (commit, version) = action.split_once('@').and_then(|(_, version)| version.split_once(" # v")).unwrap();
        let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_commit && version.split('.').count() == 3, "{action}");
    }
}
