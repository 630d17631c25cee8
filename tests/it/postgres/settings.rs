//! Settings of the server, the database and the role.

use super::*;

/// The URL of a role with all privileges on the tables and with these settings.
fn role_with(store: &Store, settings: &[&str]) -> String {
    let role = own_name(store, "worker");
    store.execute(&format!("CREATE ROLE {role} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"));
    for setting in settings {
        store.execute(&format!("ALTER ROLE {role} SET {setting}"));
    }
    as_role(store, &role)
}

/// Delays the commit of each run.
fn slow_commits(store: &Store, seconds: f32) {
    store.execute(&format!(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN PERFORM pg_sleep({seconds}); RETURN NEW; END $$;
         CREATE TRIGGER wait BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION wait()"
    ));
}

#[test]
fn short_timeouts_of_a_role_do_not_end_its_run_or_lock() {
    let Some(store) = with_tables() else { return };
    let limits = ["statement_timeout = '150ms'", "idle_session_timeout = '200ms'", "lock_timeout = '1ms'"];
    let more = ["idle_in_transaction_session_timeout = '100ms'", "default_transaction_read_only = on"];
    let url = role_with(&store, &[&limits[..], &more].concat());
    slow_commits(&store, 0.4);
    let (asked, is_asked) = mpsc::channel();
    let asked = Mutex::new(asked);
    let server = Server::start(move |hit| {
        asked.lock().unwrap().send(()).unwrap();
        chart(hit).after(Duration::from_millis(900))
    });
    thread::scope(|scope| {
        let first = scope.spawn(|| finish(run_into(&url, &server, "-r PL --json")));
        is_asked.recv_timeout(HANG_TIMEOUT).unwrap();
        // Longer than the role's idle_session_timeout.
        thread::sleep(Duration::from_millis(300));
        let unasked = Server::start(chart);
        finish(run_into(&url, &unasked, "-r PL")).exits(75);
        assert!(unasked.log().is_empty());
        let outcome = first.join().unwrap().exits(0);
        assert_eq!(by_region(&store)["PL"], whole(outcome.document()["run_id"].as_str().unwrap()));
    });
}

#[test]
fn an_encoding_other_than_utf8_is_rejected_before_the_fetch() {
    let Some(store) = Store::postgres() else { return };
    let server = Server::start(chart);
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let name = own_name(&store, &encoding.to_lowercase());
        store.execute(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'"));
        let url = store.url.replacen(store.url.rsplit('/').next().unwrap(), &name, 1);
        let says = [&format!("its encoding is {encoding}"), "ENCODING 'UTF8'"];
        assert_refused(finish(run_into(&url, &server, "-r PL")), &server, &says);
        let load = Run::new(&["load", "x.json"]).file("x.json", &some_document());
        let outcome = finish(load.env("TRENDFETCH_STORE", &url)).exits(1);
        assert!(outcome.stderr.contains(says[0]), "{}", outcome.stderr);
    }
}

#[test]
fn a_search_path_without_a_schema_is_rejected_and_foreign_tables_are_ignored() {
    let Some(store) = with_tables() else { return };
    let server = Server::start(chart);
    let nowhere = format!("{}?options=-c%20search_path%3Dnowhere", store.url);
    assert_refused(finish(run_into(&nowhere, &server, "-r PL")), &server, &["names no schema", "CREATE SCHEMA"]);
    assert!(command(&nowhere, &["changes"]).exits(1).stderr.contains("there is no history in it"));
    // Another program's table comes first in the search path, but all tables of a history are in one schema.
    let own = own_name(&store, "own");
    store.execute(&format!("CREATE SCHEMA {own}; CREATE TABLE {own}.videos (id int)"));
    let url = format!("{}?options=-c%20search_path%3D{own},public", store.url);
    let outcome = finish(run_into(&url, &server, "-r PL --json")).exits(0);
    assert_eq!(by_region(&store)["PL"], whole(outcome.document()["run_id"].as_str().unwrap()));
}

#[test]
fn locks_belong_to_the_tables_not_to_the_search_path() {
    let Some(store) = with_tables() else { return };
    let guest = own_name(&store, "guest");
    let url = role_with(&store, &[]).replacen(&own_name(&store, "worker"), &guest, 1);
    store.execute(&format!(
        "CREATE ROLE {guest} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {guest};
         CREATE SCHEMA AUTHORIZATION {guest}"
    ));
    let holder = CommitLock::of(&store);
    thread::scope(|scope| {
        let owner = scope.spawn(|| finish(run_into(&store.url, &Server::start(chart), "-r PL -q")));
        holder.wait_for(&store, 1);
        let unasked = Server::start(chart);
        finish(run_into(&url, &unasked, "-r PL")).exits(75);
        assert!(unasked.log().is_empty());
        // Another request of the guest waits for the same commit lock.
        let other = scope.spawn(|| finish(run_into(&url, &Server::start(chart), "-r DE -q")));
        holder.wait_for(&store, 2);
        drop(holder);
        owner.join().unwrap().exits(0);
        other.join().unwrap().exits(0);
    });
    // Other schemas have locks of their own.
    let own = own_name(&store, "own");
    store.execute(&format!("CREATE SCHEMA {own}"));
    let other = format!("{}?options=-c%20search_path%3D{own}", store.url);
    let _holder = CommitLock::of(&store);
    finish(run_into(&other, &Server::start(chart), "-r PL -q")).exits(0);
}

#[test]
fn sessions_are_closed_properly() {
    let Some(cluster) = Cluster::start("-c log_disconnections=on") else { return };
    let store = Store { url: cluster.url("postgres"), folder: tempfile::tempdir().unwrap() };
    let server = Server::start(chart);
    finish(run_into(&store.url, &server, "-r PL -q")).exits(0);
    finish(run_into(&store.url, &server, "-r PL -q --min-interval 7h")).exits(0);
    finish(run_into(&store.url, &server, "-r PL -q")).exits(0);
    finish(run_into(&store.url, &server, "-r PL -o /nowhere/x.json")).exits(1);
    command(&store.url, &["changes"]).exits(0);
    command(&store.url, &["report", "-o", "page.html"]).exits(0);
    command(&store.url, &["prune", "--keep", "9d"]).exits(0);
    let load = Run::new(&["load", "x.json"]).file("x.json", &some_document());
    finish(load.env("TRENDFETCH_STORE", &store.url)).exits(0);
    store.execute("CREATE ROLE stranger LOGIN");
    finish(run_into(&as_role(&store, "stranger"), &server, "-r PL -q")).exits(1);
    {
        let holder = CommitLock::of(&store);
        thread::scope(|scope| {
            let first = scope.spawn(|| finish(run_into(&store.url, &server, "-r PL -q")));
            holder.wait_for(&store, 1);
            finish(run_into(&store.url, &server, "-r PL -q")).exits(75);
            drop(holder);
            first.join().unwrap().exits(0);
        });
    }
    let log = fs::read_to_string(cluster.folder.join("server.log")).unwrap();
    assert!(log.contains("disconnection"), "{log}");
    let lost: Vec<&str> = log.lines().filter(|line| line.contains("EOF") || line.contains("onnection reset")).collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn the_order_of_regions_ignores_the_collation() {
    let Some(store) = Store::postgres() else { return };
    let name = own_name(&store, "danish");
    store.execute(&format!(
        "CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'da' LOCALE 'C.UTF-8'"
    ));
    let danish = Store {
        url: store.url.replacen(store.url.rsplit('/').next().unwrap(), &name, 1),
        folder: tempfile::tempdir().unwrap(),
    };
    for _ in 0..2 {
        finish(run_into(&danish.url, &Server::start(chart), "-r ZZ,AB,AA -q")).exits(0);
    }
    // In Danish, AA sorts after Z.
    assert_eq!(danish.query("SELECT region FROM run_regions GROUP BY region ORDER BY region"), ["AB", "ZZ", "AA"]);
    let document = command(&danish.url, &["changes", "-f", "json"]).exits(0).document();
    let codes: Vec<&Value> = document["regions"].as_array().unwrap().iter().map(|row| &row["region"]).collect();
    assert_eq!(codes, ["AA", "AB", "ZZ"]);
    let page = command(&danish.url, &["report", "-o", "page.html"]).exits(0).read("page.html");
    let places = ["AA", "AB", "ZZ"].map(|code| page.find(&format!("id=\"{code}\"")));
    assert!(places.is_sorted() && places[0].is_some(), "{places:?}");
}

#[test]
fn a_commit_waits_for_the_disk_and_for_a_standby_if_the_role_says_so() {
    let Some(store) = with_tables() else { return };
    store.execute(
        "CREATE TABLE noted (setting text); GRANT INSERT ON noted TO PUBLIC;
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN INSERT INTO noted VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$;
         CREATE TRIGGER note BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION note()",
    );
    let url = role_with(&store, &[]);
    for setting in ["off", "local", "remote_apply"] {
        store.execute(&format!("ALTER ROLE {} SET synchronous_commit = {setting}", own_name(&store, "worker")));
        finish(run_into(&url, &Server::start(chart), "-r PL -q")).exits(0);
    }
    assert_eq!(store.query("SELECT setting FROM noted ORDER BY ctid"), ["on", "on", "remote_apply"]);
}
