//! Runs the steps of a job as GitHub's runner does: commands by bash, actions by a stand-in for the few that are used.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::github::GitHub;

/// A finished job.
pub struct Finished {
    pub has_succeeded: bool,
    /// `success`, `failure` or `skipped`, by the name of the step.
    pub outcomes: HashMap<String, String>,
    /// What the steps printed.
    pub log: String,
    /// What the page of the run shows.
    pub summary: String,
    pub workspace: TempDir,
}

pub struct Job<'a> {
    pub workflow: &'a Value,
    pub github: &'a GitHub,
    /// The number of the run.
    pub run: usize,
    /// What `${{ NAME }}` stands for.
    pub expressions: HashMap<&'a str, &'a str>,
    /// Of the runner.
    pub environment: HashMap<String, String>,
}

/// What is known of the steps before.
#[derive(Default)]
struct Steps {
    /// Such as `steps.fetch.outcome` and `steps.fetch.outputs.began`.
    values: HashMap<String, String>,
    has_failed: bool,
}

impl Job<'_> {
    /// Runs the job, in a folder that already contains what is in the repository.
    pub fn run(&self, name: &str, workspace: TempDir) -> Finished {
        let (files, mut steps) = (TempDir::new().unwrap(), Steps::default());
        let (mut outcomes, mut log) = (HashMap::new(), String::new());
        for step in self.workflow["jobs"][name]["steps"].as_array().unwrap() {
            let outcome = match steps.is_due(step["if"].as_str()) {
                false => "skipped",
                true if self.has_done(step, workspace.path(), files.path(), &mut log) => "success",
                true => "failure",
            };
            steps.note(step, outcome, &files.path().join("output"));
            outcomes.insert(step["name"].as_str().unwrap_or_default().to_owned(), outcome.to_owned());
        }
        let summary = fs::read_to_string(files.path().join("summary")).unwrap_or_default();
        Finished { has_succeeded: !steps.has_failed, outcomes, log, summary, workspace }
    }

    fn has_done(&self, step: &Value, workspace: &Path, files: &Path, log: &mut String) -> bool {
        match step["run"].as_str() {
            Some(script) => self.has_run(script, step, workspace, files, log),
            None => self.has_used(step, workspace),
        }
    }

    fn has_run(&self, script: &str, step: &Value, workspace: &Path, files: &Path, log: &mut String) -> bool {
        // GitHub replaces an expression in a script by text that bash then reads as code.
        assert!(!script.contains("${{"), "{script}");
        fs::write(files.join("script"), script).unwrap();
        let _ = fs::remove_file(files.join("output"));
        assert_eq!(self.workflow["defaults"]["run"]["shell"], "bash");
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(files.join("script")).current_dir(workspace);
        bash.env_clear()
            .envs(&self.environment)
            .envs(self.variables(&self.workflow["env"]))
            .envs(self.variables(&step["env"]));
        bash.env("GITHUB_OUTPUT", files.join("output")).env("GITHUB_STEP_SUMMARY", files.join("summary"));
        let output = bash.output().unwrap();
        *log += &(String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr));
        output.status.success()
    }

    fn has_used(&self, step: &Value, workspace: &Path) -> bool {
        let action = step["uses"].as_str().unwrap();
        let (action, _) = action.split_once('@').unwrap();
        let with = |name: &str| step["with"][name].as_str().unwrap();
        match action {
            "actions/checkout" => true,
            "actions/upload-artifact" => {
                let path = workspace.join(with("path"));
                assert!(step["with"]["retention-days"].as_u64().is_some());
                path.exists() && {
                    self.github.upload(self.run, with("name"), &path);
                    true
                }
            }
            _ => panic!("{action}"),
        }
    }

    fn variables(&self, of: &Value) -> Vec<(String, String)> {
        let value = |text: &str| match text.strip_prefix("${{ ").and_then(|rest| rest.strip_suffix(" }}")) {
            Some(expression) => self.expressions[expression].to_owned(),
            None => text.to_owned(),
        };
        let variables = of.as_object().into_iter().flatten();
        variables.map(|(name, text)| (name.clone(), value(text.as_str().unwrap()))).collect()
    }
}

impl Steps {
    /// Whether a step with this condition runs. Without a function that asks how the job goes, only while nothing failed.
    fn is_due(&self, condition: Option<&str>) -> bool {
        let condition = condition.unwrap_or_default().trim_start_matches("${{").trim_end_matches("}}").trim();
        let mut terms: Vec<&str> = condition.split("&&").map(str::trim).filter(|term| !term.is_empty()).collect();
        let asks_how_it_goes = terms.contains(&"!cancelled()");
        terms.retain(|term| *term != "!cancelled()");
        (asks_how_it_goes || !self.has_failed) && terms.iter().all(|term| self.holds(term))
    }

    fn holds(&self, term: &str) -> bool {
        let words: Vec<&str> = term.split(' ').collect();
        let [name, operator, expected] = words[..] else { panic!("{term}") };
        let value = self.values.get(name).map_or("", String::as_str);
        match operator {
            "==" => value == expected.trim_matches('\''),
            "!=" => value != expected.trim_matches('\''),
            _ => panic!("{term}"),
        }
    }

    fn note(&mut self, step: &Value, outcome: &str, outputs: &PathBuf) {
        self.has_failed |= outcome == "failure";
        let Some(id) = step["id"].as_str() else { return };
        self.values.insert(format!("steps.{id}.outcome"), outcome.to_owned());
        let outputs =
            if outcome == "skipped" { String::new() } else { fs::read_to_string(outputs).unwrap_or_default() };
        for (name, value) in outputs.lines().filter_map(|line| line.split_once('=')) {
            self.values.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
        }
    }
}
