//! Privileges, and tables of other programs.

use super::*;
use crate::history::create_first_version;

#[test]
fn a_read_only_role_can_read_but_not_run() {
    let Some(store) = Store::postgres() else { return };
    let server = Server::start(|hit| {
        let ids = if hit.nth == 0 { ["a", "b"] } else { ["b", "c"] };
        Answer::page(&ids, None)
    });
    for _ in 0..2 {
        finish(run_into(&store.url, &server, "-r PL -q")).exits(0);
    }
    let reader = own_name(&store, "reader");
    store.execute(&format!("CREATE ROLE {reader} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"));
    let changes = command(&as_role(&store, &reader), &["changes", "-f", "json"]).exits(0).document();
    let ids = |what: &str| -> Vec<Value> {
        changes["regions"][0][what].as_array().unwrap().iter().map(|video| video["video_id"].clone()).collect()
    };
    assert_eq!((ids("entered"), ids("left")), (vec![json!("c")], vec![json!("a")]));
    assert_eq!(changes["regions"][0]["pushed"], 1, "b is first because a left");
    let outcome = command(&as_role(&store, &reader), &["prune", "--keep", "1d"]).exits(1);
    assert!(
        outcome.stderr.contains("lacks these rights: UPDATE, DELETE; GRANT UPDATE, DELETE ON"),
        "{}",
        outcome.stderr
    );
    let load = Run::new(&["load", "x.json"]).file("x.json", &some_document());
    let outcome = finish(load.env("TRENDFETCH_STORE", &as_role(&store, &reader))).exits(1);
    let says = "lacks these rights: INSERT, UPDATE, DELETE; GRANT INSERT, UPDATE, DELETE ON";
    assert!(outcome.stderr.contains(says), "{}", outcome.stderr);
    let unasked = Server::start(chart);
    assert_refused(finish(run_into(&as_role(&store, &reader), &unasked, "-r US")), &unasked, &[says]);
}

#[test]
fn a_role_that_may_not_create_tables_is_rejected_before_the_fetch() {
    let Some(store) = Store::postgres() else { return };
    let nobody = own_name(&store, "newcomer");
    // Before PostgreSQL 15, every role could create tables in this schema.
    store.execute(&format!("CREATE ROLE {nobody} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC"));
    let server = Server::start(chart);
    let outcome = finish(run_into(&as_role(&store, &nobody), &server, "-r PL"));
    assert_refused(outcome, &server, &["may not make tables in its schema public", "GRANT CREATE ON SCHEMA"]);
    // A database and a user that do not exist.
    let elsewhere = format!("{}_elsewhere", store.url);
    assert_refused(finish(run_into(&elsewhere, &server, "-r PL")), &server, &["does not exist", "createdb"]);
    let stranger = as_role(&store, &own_name(&store, "stranger"));
    assert_refused(finish(run_into(&stranger, &server, "-r PL")), &server, &["does not exist", "check the user"]);
}

#[test]
fn every_privilege_is_checked_before_the_fetch() {
    let Some(store) = with_tables() else { return };
    let (all, database) = (["SELECT", "INSERT", "UPDATE", "DELETE"], store.url.rsplit('/').next().unwrap());
    store.execute(&format!("REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC"));
    let server = Server::start(chart);
    for lacks in ["SELECT", "INSERT", "UPDATE", "DELETE", "TEMPORARY", ""] {
        let role = own_name(&store, &format!("lacks{}", lacks.to_lowercase()));
        let has: Vec<&str> = all.into_iter().filter(|right| *right != lacks).collect();
        store.execute(&format!(
            "CREATE ROLE {role} LOGIN; GRANT {} ON ALL TABLES IN SCHEMA public TO {role}",
            has.join(", ")
        ));
        if lacks != "TEMPORARY" {
            store.execute(&format!("GRANT TEMPORARY ON DATABASE {database} TO {role}"));
        }
        let run = || finish(run_into(&as_role(&store, &role), &server, "-r PL --keep 1d -q"));
        if lacks.is_empty() {
            run().exits(0);
            continue;
        }
        let outcome = run();
        let remedy = outcome.stderr.split_once("; ").unwrap().1.trim_end().to_owned();
        assert_refused(outcome, &server, &[&format!("{role} lacks these rights: {lacks}; GRANT {lacks} ON")]);
        // The remedy in the message works.
        store.execute(&remedy);
        let server = Server::start(chart);
        finish(run_into(&as_role(&store, &role), &server, "-r DE --keep 1d -q")).exits(0);
    }
}

#[test]
fn only_the_owner_of_the_tables_migrates_them() {
    let Some(store) = Store::postgres() else { return };
    create_first_version(&store);
    let guest = own_name(&store, "guest");
    store.execute(&format!("CREATE ROLE {guest} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {guest}"));
    let server = Server::start(chart);
    let says = ["its tables are version 1", "as their owner, trend"];
    assert_refused(finish(run_into(&as_role(&store, &guest), &server, "-r PL")), &server, &says);
    assert!(command(&as_role(&store, &guest), &["changes"]).exits(1).stderr.contains(says[1]));
    command(&store.url, &["changes"]).exits(0);
    finish(run_into(&as_role(&store, &guest), &server, "-r PL -q")).exits(0);
}

#[test]
fn tables_of_another_program_are_left_unchanged() {
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
        assert_refused(finish(run_into(&store.url, &server, "-r PL")), &server, &says);
        assert_eq!(
            (store.query(relations), store.query(&format!("SELECT * FROM {remains}"))),
            (before, vec!["42".into()])
        );
        // The remedy in the message works.
        let own = own_name(&store, "own");
        store.execute(&format!("CREATE SCHEMA {own}"));
        let url = format!("{}?options=-c%20search_path%3D{own}", store.url);
        finish(run_into(&url, &server, "-r PL -q")).exits(0);
        assert_eq!(store.query(&format!("SELECT count(*) FROM {own}.videos")), [PLACES.to_string()]);
    }
}

#[test]
fn prune_by_another_role_reports_what_it_could_not_vacuum() {
    let Some(store) = with_tables() else { return };
    let guest = own_name(&store, "guest");
    store.execute(&format!("CREATE ROLE {guest} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {guest}"));
    store.execute("UPDATE runs SET fetched_at = fetched_at - interval '40 days'");
    let outcome = command(&as_role(&store, &guest), &["prune", "--keep", "30d"]).exits(0);
    assert!(outcome.stdout.starts_with("deleted the charts of 1 run(s), and 0 video(s); "), "{}", outcome.stdout);
    let why = "not all of its space was freed: of places_rows, counts_rows, presence, videos, region_results, runs, \
               which this role does not own: let their owner do it";
    assert!(outcome.stderr.contains(why), "{}", outcome.stderr);
    // The owner can do it.
    assert_eq!(command(&store.url, &["prune", "--keep", "30d"]).exits(0).stderr, "");
}
