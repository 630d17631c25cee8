//! Rights, and tables of others.

use super::*;

#[test]
fn a_role_that_may_only_read_sees_changes_and_no_run_of_it_begins() {
    let Some(store) = Store::postgres() else { return };
    let server = Server::start(|hit| {
        let ids = if hit.nth == 0 { ["a", "b"] } else { ["b", "c"] };
        Answer::page(&ids, None)
    });
    for _ in 0..2 {
        finish(keep(&store.url, &server, "-r PL -q")).exits(0);
    }
    let reader = own_name(&store, "reader");
    store.execute(&format!("CREATE ROLE {reader} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"));
    let changes = command(&as_role(&store, &reader), &["changes", "-f", "json"]).exits(0).document();
    let ids = |what: &str| -> Vec<Value> {
        changes["regions"][0][what].as_array().unwrap().iter().map(|video| video["video_id"].clone()).collect()
    };
    assert_eq!((ids("entered"), ids("left"), ids("rose")), (vec![json!("c")], vec![json!("a")], vec![json!("b")]));
    let outcome = command(&as_role(&store, &reader), &["prune", "--keep", "1d"]).exits(1);
    assert!(outcome.stderr.contains("permission denied"), "{}", outcome.stderr);
    let load = Run::new(&["load", "x.json"]).file("x.json", &some_document());
    let outcome = finish(load.env("TRENDFETCH_STORE", &as_role(&store, &reader))).exits(1);
    let says = "its user may not write into its tables; GRANT INSERT, UPDATE and DELETE";
    assert!(outcome.stderr.contains(says), "{}", outcome.stderr);
    let unasked = Server::start(chart);
    assert_refused(finish(keep(&as_role(&store, &reader), &unasked, "-r US")), &unasked, &[says]);
}

#[test]
fn a_role_that_may_not_make_tables_is_told_so_before_a_unit_is_spent() {
    let Some(store) = Store::postgres() else { return };
    let nobody = own_name(&store, "newcomer");
    // Before version 15, everybody might make tables in this schema.
    store.execute(&format!("CREATE ROLE {nobody} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC"));
    let server = Server::start(chart);
    let outcome = finish(keep(&as_role(&store, &nobody), &server, "-r PL"));
    assert_refused(outcome, &server, &["permission denied", "needs the right to create tables there"]);
    // A database that is not there, and a user that is not.
    let elsewhere = format!("{}_elsewhere", store.url);
    assert_refused(finish(keep(&elsewhere, &server, "-r PL")), &server, &["does not exist", "createdb"]);
    let stranger = as_role(&store, &own_name(&store, "stranger"));
    assert_refused(finish(keep(&stranger, &server, "-r PL")), &server, &["does not exist", "check the user"]);
}

#[test]
fn tables_of_another_program_are_left_alone_and_named_as_the_reason() {
    for (theirs, remains) in [
        ("CREATE TABLE videos (id int); INSERT INTO videos VALUES (42)", "videos"),
        ("CREATE TABLE runs (id int); INSERT INTO runs VALUES (42)", "runs"),
        ("CREATE VIEW observations AS SELECT 42 AS id", "observations"),
        ("CREATE TABLE other AS SELECT 42 AS id; CREATE INDEX videos_search ON other (id)", "other"),
    ] {
        let Some(store) = Store::postgres() else { return };
        store.execute(theirs);
        let relations = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1";
        let before = store.query(relations);
        let server = Server::start(chart);
        let says = ["already exists", "tables of another program"];
        assert_refused(finish(keep(&store.url, &server, "-r PL")), &server, &says);
        assert_eq!(
            (store.query(relations), store.query(&format!("SELECT * FROM {remains}"))),
            (before, vec!["42".into()])
        );
        // The advice holds.
        let own = own_name(&store, "own");
        store.execute(&format!("CREATE SCHEMA {own}"));
        let url = format!("{}?options=-c%20search_path%3D{own}", store.url);
        finish(keep(&url, &server, "-r PL -q")).exits(0);
        assert_eq!(store.query(&format!("SELECT count(*) FROM {own}.videos")), [PLACES.to_string()]);
    }
}
