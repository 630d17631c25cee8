//! The password of a history is never shown.

use super::*;

/// Runs a command with `url` in the environment and all logging on, and searches its output and files for the password.
#[track_caller]
fn assert_no_password_leaks(url: &str, arguments: &[&str]) -> Outcome {
    let mut run =
        Run::new(arguments).env("TRENDFETCH_STORE", url).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    run.command.env("COLUMNS", "1000");
    let outcome = run.finish();
    let what = format!("{arguments:?}");
    assert_no_password(&what, &outcome.stdout);
    assert_no_password(&what, &outcome.stderr);
    for name in outcome.files() {
        assert_no_password(&name, &outcome.read(&name));
    }
    outcome
}

#[test]
fn the_password_of_a_history_is_never_shown() {
    let Some(store) = Store::postgres() else { return };
    let bare = guarded(&store);
    let server = Server::of_pages(&["a"]);
    let percent: String = url::form_urlencoded::byte_serialize(PASSWORD.as_bytes()).collect();
    let with = |url: &str| url.replace("guarded@", &format!("guarded:{percent}@"));
    let run = ["-r", "US", "-vv", "--base-url", &server.base_url, "--json"];
    for good in [with(&bare), format!("{bare}?sslmode=prefer&password={percent}")] {
        let outcome = assert_no_password_leaks(&good, &run).exits(0);
        assert!(!outcome.stderr.contains("every user of this machine"), "{}", outcome.stderr);
        assert_no_password_leaks(&good, &["changes"]).exits(0);
        assert_no_password_leaks(&good, &["prune", "--keep", "1d"]).exits(0);
        assert_no_password_leaks(&good, &["load", "missing.json"]).exits(1);
        // An argument list is public, and the warning says so, once, without the password.
        let mut typed = Run::on(&server, "-r US");
        typed.command.args(["--store", &good]);
        let outcome = typed.finish().exits(0);
        assert_no_password("the warning", &outcome.stderr);
        assert_eq!(outcome.stderr.matches("every user of this machine can read the password in --store").count(), 1);
    }
    for about in [&["--help"][..], &["-h"], &["help"], &["changes", "--help"], &["man"], &["completions", "bash"]] {
        assert_no_password_leaks(&with(&bare), about).exits(0);
    }
    let good = with(&bare);
    let wrong = [
        (good.replace("guarded:", "guarded:x"), 1),
        (good.replace("test_", "no_such_database_"), 1),
        (good.replace("127.0.0.1", "localhost.invalid"), 1),
        (good.replace(&format!(":{}/", Cluster::shared().unwrap().port), ":1/"), 1),
        (format!("{good}?sslmode=require"), 1),
        (format!("{good}?sslmode=require&sslrootcert=missing.pem"), 1),
        (format!("{good}?sslmode={percent}"), 2),
        (format!("{good}?{percent}=1"), 2),
        (format!("{good}?connect_timeout={percent}"), 2),
        (format!("{}?sslmode=disable&password={percent}", bare.replace("test_", "no_such_database_")), 1),
        (format!("{bare}?password=x{percent}"), 1),
        (format!("{bare}?password={percent}&port=x"), 2),
        (good.replace("postgres://", "postgres:"), 2),
        (good.replace("postgres://", "postgress://"), 2),
        (good.replace("127.0.0.1", "[127.0.0.1"), 2),
    ];
    for (url, exit) in wrong {
        for arguments in [&run[..], &["changes"]] {
            let outcome = assert_no_password_leaks(&url, arguments).exits(exit);
            assert!(!outcome.stderr.contains("PANIC") && outcome.stderr.contains("error: "), "{}", outcome.stderr);
        }
    }
    // A commit that fails prints the address.
    refuse(&store, "INSERT ON runs");
    let outcome = assert_no_password_leaks(&good, &run).exits(1);
    assert!(outcome.stderr.contains("trendfetch load"), "{}", outcome.stderr);
}

#[test]
fn a_password_in_a_malformed_address_is_never_shown() {
    let leaks = [
        "postgres://me:CaNaRy?word@127.0.0.1:1/trends",
        " postgres://me:CaNaRy@127.0.0.1:1/trends",
        "postgresql+psycopg2://me:CaNaRy@127.0.0.1:1/trends",
        "sqlite:postgres://me:CaNaRy@127.0.0.1:1/trends",
    ]
    .into_iter()
    .filter(|url| {
        let outcome = Run::new(&["-r", "US", "--base-url", "http://127.0.0.1:1"]).env("TRENDFETCH_STORE", url).finish();
        assert!(matches!(outcome.code, Some(1 | 2)), "{}", outcome.stderr);
        outcome.stderr.contains("CaNaRy")
    });
    assert_eq!(leaks.collect::<Vec<_>>(), Vec::<&str>::new());
}
