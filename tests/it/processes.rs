//! What the program inherits from whoever starts it: limits and signals.

use serde_json::Value;

use crate::harness::{Run, Server, ids};
use crate::tools::{are_there, may_run_without_rights};

/// The limit counts all processes of a user, so that with one allowed, and this one running, no thread can be started.
const WITHOUT_THREADS: [&str; 2] = ["prlimit", "--nproc=1:1"];

#[test]
fn nothing_is_lost_where_no_thread_can_be_started() {
    let what = "runs that can start no thread";
    if !are_there(&["prlimit"], what) || !may_run_without_rights(what) {
        return;
    }
    let server = Server::of_pages(&["a"]);
    let run =
        |arguments: &str| Run::new(&arguments.split(' ').collect::<Vec<_>>()).under(&WITHOUT_THREADS).without_rights();
    // A name, so that it is looked up.
    let address = server.base_url.replace("127.0.0.1", "localhost");
    let fetched = run(&format!("-r US,PL -o trends.json --store history.db --base-url {address}")).finish().exits(0);
    assert_eq!(fetched.stderr, "");
    let document: Value = serde_json::from_str(&fetched.read("trends.json")).unwrap();
    assert_eq!(ids(&document), ["US-a", "PL-a"]);
    assert_eq!(fetched.files(), ["history.db", "trends.json"]);

    let history = fetched.folder.path().join("history.db");
    let changes = run(&format!("changes -f json --store {}", history.display())).finish().exits(0);
    assert_eq!(changes.document()["schema_version"], 1);
}
