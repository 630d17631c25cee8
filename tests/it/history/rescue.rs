//! A run that could not be recorded is saved, and the log says how to load it.

use super::*;

on_both_engines! {
    a_failed_commit_saves_the_document
}

/// The command in the last error of a log.
#[track_caller]
fn printed_command(outcome: &Outcome) -> String {
    let line = outcome.stderr.lines().rfind(|line| line.starts_with("ERROR ")).unwrap_or_default();
    let (_, command) = line.split_once("load it with: ").unwrap_or_else(|| panic!("{}", outcome.stderr));
    command.to_owned()
}

/// Types a command into a shell, in the folder where the run was.
#[track_caller]
fn typed(line: &str, outcome: &Outcome) -> String {
    typed_with(line, outcome, &[])
}

#[track_caller]
fn typed_with(line: &str, outcome: &Outcome, environment: &[(&str, &str)]) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_trendfetch"));
    let output = Command::new("/bin/sh")
        .args(["-c", line])
        .current_dir(&outcome.folder)
        .env_clear()
        .env("PATH", program.parent().unwrap())
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{line}\n{complaint}");
    String::from_utf8(output.stdout).unwrap()
}

fn a_failed_commit_saves_the_document(store: Store) {
    record(&store, &document(at(NOON), vec![chart("US", &["old"])]));
    // Arguments, STATE_DIRECTORY, and the folder in which the document must be.
    let cases = [
        ("-o out/trends.json -o other/trends.csv", None, "out"),
        ("-o - -o other/trends.csv", Some("state"), "other"),
        ("-o trends.json", Some("state"), ""),
        ("", Some("state"), "state"),
        ("", Some("state:other"), "state"),
        ("-f ndjson", Some("."), "."),
        ("-f table", None, ""),
    ];
    for (index, (arguments, state, folder)) in cases.into_iter().enumerate() {
        let (server, gate) = holding(&["US"]);
        let mut run = run_into(&store, &server, &format!("-r US --timeout 60s {arguments}"));
        ["out", "other", "state"].iter().for_each(|name| fs::create_dir(run.path(name)).unwrap());
        if let Some(state) = state {
            run = run.env("STATE_DIRECTORY", state);
        }
        let run = RunningProcess::start(run);
        // The history was fine when the run began.
        wait_until("the run's request", || server.log().len() == 1);
        refuse(&store, if is_postgres(&store) { "INSERT ON counts_rows" } else { "INSERT ON counts" });
        let before = dump(&store);
        gate.open();
        let outcome = run.end().exits(1);
        assert!(outcome.stderr.contains("not today"), "{}", outcome.stderr);
        assert_eq!(dump(&store), before, "a part of the run was kept");
        allow(&store);
        // What was asked for is written all the same.
        for name in arguments.split(' ').filter(|name| name.starts_with("trends") || name.contains('/')) {
            assert!(outcome.read(name).contains("Title of a"), "{name}");
        }
        let command = printed_command(&outcome);
        let is_rescued = |name: &String| name.starts_with("trendfetch-") && name.ends_with(".json");
        let saved: Vec<String> = files_in(&outcome.folder.path().join(folder)).into_iter().filter(is_rescued).collect();
        let [name] = &saved[..] else { panic!("in {folder:?}: {saved:?}, {command}") };
        let run_id = name.trim_start_matches("trendfetch-").trim_end_matches(".json");
        let printed = typed(&command, &outcome);
        assert!(
            printed.starts_with(&format!("run {run_id} of ")) && printed.ends_with("is in the history now\n"),
            "{printed}"
        );
        assert_eq!(count(&store, "runs"), index as u64 + 2);
        assert_eq!(columns(&store, "chart_entries", &["run_id"]).iter().filter(|row| row[0] == run_id).count(), 2);
    }
}

/// Fails the commit of a run in a folder of its own, and types the command that it prints. `store` is what the
/// option says, and `path` the file that it means.
#[track_caller]
fn rescue(store: &str, path: &str, folder: &str) {
    let (server, gate) = holding(&["US"]);
    let mut run = Run::on(&server, "-r US --timeout 60s");
    fs::create_dir(run.path(folder)).unwrap();
    run.command.args(["--store", store, "-o", &format!("{folder}/trends.json")]);
    let history = Store { url: run.path(path).to_str().unwrap().to_owned(), folder: tempfile::tempdir().unwrap() };
    let run = RunningProcess::start(run);
    wait_until("the run's request", || server.log().len() == 1);
    refuse(&history, "INSERT ON runs");
    gate.open();
    let outcome = run.end().exits(1);
    allow(&history);
    typed(&printed_command(&outcome), &outcome);
    assert_eq!(count(&history, "runs"), 1);
}

#[test]
fn the_printed_command_works_for_relative_paths_and_spaces() {
    rescue("history.db", "history.db", "out");
    rescue("sqlite:my history.db?journal_mode=delete", "my history.db", "two words");
    rescue("./a:b.db", "a:b.db", "$HOME `x`");
}

#[test]
fn the_printed_command_works_for_a_quote_in_a_name() {
    rescue("history.db", "history.db", "it's");
}

#[test]
fn the_printed_command_works_for_a_path_with_a_colon() {
    rescue("sqlite:charts:of:2026.db", "charts:of:2026.db", "out");
}

#[test]
fn the_printed_command_names_the_same_schema() {
    let Some(database) = Store::postgres() else { return };
    let store = another(&database);
    let (server, gate) = holding(&["US"]);
    let run = RunningProcess::start(run_into(&store, &server, "-r US --timeout 60s"));
    wait_until("the run's request", || server.log().len() == 1);
    refuse(&store, "INSERT ON runs");
    gate.open();
    let outcome = run.end().exits(1);
    allow(&store);
    typed(&printed_command(&outcome), &outcome);
    assert_eq!(count(&store, "runs"), 1);
}

#[test]
fn the_printed_command_works_with_a_password_from_the_environment() {
    let Some(store) = Store::postgres() else { return };
    let percent: String = url::form_urlencoded::byte_serialize(PASSWORD.as_bytes()).collect();
    let secret = guarded(&store).replace("guarded@", &format!("guarded:{percent}@"));
    let (server, gate) = holding(&["US"]);
    let run = RunningProcess::start(Run::on(&server, "-r US --timeout 60s").env("TRENDFETCH_STORE", &secret));
    wait_until("the run's request", || server.log().len() == 1);
    refuse(&store, "INSERT ON runs");
    gate.open();
    let outcome = run.end().exits(1);
    allow(&store);
    let command = printed_command(&outcome);
    assert_no_password("the command", &command);
    typed_with(&command, &outcome, &[("TRENDFETCH_STORE", &secret)]);
    assert_eq!(count(&store, "runs"), 1);
}
