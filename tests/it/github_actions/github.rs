//! A simulation of the parts of GitHub that a workflow uses: its API, which the real `gh` asks, and its artifacts.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Answer, Hit, Server};

/// What `gh` takes for GitHub's API, through a proxy.
const API: &str = "http://api.github.localhost";

pub struct GitHub {
    /// Answers as a proxy for [`API`].
    pub api: Server,
    artifacts: Arc<Mutex<Vec<Artifact>>>,
    pub is_down: Arc<Mutex<bool>>,
}

#[derive(Clone)]
struct Artifact {
    run: usize,
    name: String,
    branch: String,
    head_repository: u64,
    is_expired: bool,
    archive: Vec<u8>,
}

impl GitHub {
    pub fn start() -> GitHub {
        let (artifacts, is_down) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(false)));
        let (kept, down) = (Arc::clone(&artifacts), Arc::clone(&is_down));
        let api = Server::start(move |hit| match *down.lock().unwrap() {
            true => Answer::new(502, ""),
            false => answer(hit, &kept.lock().unwrap()),
        });
        GitHub { api, artifacts, is_down }
    }

    /// Stores a file or the files of a folder as `actions/upload-artifact` does.
    pub fn upload(&self, run: usize, name: &str, path: &Path) {
        let artifact = Artifact {
            run,
            name: name.to_owned(),
            branch: "main".to_owned(),
            head_repository: REPOSITORY,
            is_expired: false,
            archive: archive(path),
        };
        self.artifacts.lock().unwrap().push(artifact);
    }

    /// Adds newer artifacts of the same name that are not this workflow's, or no longer there.
    pub fn add_decoys(&self, name: &str) {
        let mut artifacts = self.artifacts.lock().unwrap();
        let (run, archive) = (artifacts.len(), b"not a history".to_vec());
        let decoy = Artifact {
            run,
            name: name.to_owned(),
            branch: "main".to_owned(),
            head_repository: REPOSITORY,
            is_expired: false,
            archive,
        };
        artifacts.push(Artifact { branch: "an-experiment".to_owned(), ..decoy.clone() });
        artifacts.push(Artifact { head_repository: 2, ..decoy.clone() });
        artifacts.push(Artifact { is_expired: true, ..decoy });
    }

    /// Names of the artifacts of a run.
    pub fn artifacts_of(&self, run: usize) -> Vec<String> {
        let artifacts = self.artifacts.lock().unwrap();
        artifacts.iter().filter(|artifact| artifact.run == run).map(|artifact| artifact.name.clone()).collect()
    }
}

const REPOSITORY: u64 = 1;

fn answer(hit: &Hit, artifacts: &[Artifact]) -> Answer {
    let of_path = |index: usize| hit.path.split('/').nth(index).and_then(|part| part.parse::<usize>().ok());
    let listed = |is_asked: &dyn Fn(&Artifact) -> bool| {
        let found: Vec<Value> = artifacts
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, artifact)| is_asked(artifact))
            .map(|(id, artifact)| described(id, artifact))
            .collect();
        Answer::json(&json!({"total_count": found.len(), "artifacts": found}))
            .header("content-type", "application/json")
    };
    assert!(hit.headers["authorization"].ends_with(" the-token-of-the-job"));
    match hit.path.as_str() {
        "/repos/you/charts/actions/artifacts" => listed(&|artifact| artifact.name == hit.query["name"]),
        path if path.starts_with("/repos/you/charts/actions/runs/") => {
            listed(&|artifact| Some(artifact.run) == of_path(6))
        }
        path if path.starts_with("/zip/") => Answer::new(200, artifacts[of_path(2).unwrap()].archive.clone()),
        _ => Answer::new(404, "{}"),
    }
}

fn described(id: usize, artifact: &Artifact) -> Value {
    json!({
        "id": id,
        "name": artifact.name,
        "size_in_bytes": artifact.archive.len(),
        "expired": artifact.is_expired,
        "created_at": format!("2026-11-01T00:00:{id:02}Z"),
        "archive_download_url": format!("{API}/zip/{id}"),
        "workflow_run": {
            "id": artifact.run,
            "head_branch": artifact.branch,
            "repository_id": REPOSITORY,
            "head_repository_id": artifact.head_repository,
        },
    })
}

/// A zip file of a file or of what a folder contains.
fn archive(path: &Path) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("archive.zip");
    let mut zip = Command::new("python3");
    zip.args(["-m", "zipfile", "-c"]).arg(&file);
    match path.is_dir() {
        true => zip.args(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path())),
        false => zip.arg(path),
    };
    assert!(zip.status().unwrap().success());
    fs::read(file).unwrap()
}
