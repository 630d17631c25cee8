//! TLS and passwords.

use super::*;
use crate::tools::skip;

/// A cluster with TLS. Every user except that of the tests needs a password.
struct Secured {
    cluster: Cluster,
    authority: PathBuf,
    /// An authority that did not sign the server's certificate.
    stranger: PathBuf,
    /// The certificate of the server itself.
    itself: PathBuf,
    /// The name of this machine.
    name: String,
}

const PASSWORD: &str = "Canary+Right/9f8e7d6c@5b:4a";
const WRONG: &str = "Canary+Wrong/1a2b3c4d@5e:6f";

impl Secured {
    fn shared() -> Option<&'static Secured> {
        static SHARED: OnceLock<Option<Secured>> = OnceLock::new();
        SHARED.get_or_init(Secured::start).as_ref()
    }

    fn start() -> Option<Secured> {
        let cluster = Cluster::start("")?;
        let output = Command::new("uname").arg("-n").output().unwrap();
        let name = String::from_utf8(output.stdout).unwrap().trim().to_lowercase();
        let (authority, stranger) = (issuer("Tests"), issuer("Others"));
        let key = KeyPair::generate().unwrap();
        let names = ["localhost".to_owned(), "db.example.org".into(), name.clone()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let write = |name: &str, text: String| {
            let path = cluster.folder.join(name);
            fs::write(&path, text).unwrap();
            give_to_server(&path, &cluster);
            path
        };
        write("data/server.crt", certificate.pem());
        let itself = write("itself.pem", certificate.pem());
        write("data/server.key", key.serialize_pem());
        write("data/pg_hba.conf", "host all trend all trust\nhost all all all scram-sha-256\n".into());
        let (authority, stranger) = (write("authority.pem", authority.pem()), write("stranger.pem", stranger.pem()));
        cluster.psql("postgres", "ALTER SYSTEM SET ssl = on");
        cluster.psql("postgres", &format!("CREATE ROLE locked LOGIN SUPERUSER PASSWORD '{PASSWORD}'"));
        cluster.psql("postgres", "SELECT pg_reload_conf()");
        let began = Instant::now();
        while cluster.psql("postgres", "SHOW ssl") != ["on"] {
            assert!(
                began.elapsed() < HANG_TIMEOUT,
                "{}",
                fs::read_to_string(cluster.folder.join("server.log")).unwrap()
            );
        }
        Some(Secured { cluster, authority, stranger, itself, name })
    }

    fn database(&self, name: &str) -> Store {
        self.cluster.psql("postgres", &format!("CREATE DATABASE {name}"));
        Store { url: self.cluster.url(name), folder: tempfile::tempdir().unwrap() }
    }

    fn url(&self, login: &str, host: &str, database: &str, parameters: &str) -> String {
        let parameters = parameters
            .replace("AUTHORITY", self.authority.to_str().unwrap())
            .replace("STRANGER", self.stranger.to_str().unwrap())
            .replace("ITSELF", self.itself.to_str().unwrap());
        format!("postgres://{login}@{host}:{}/{database}?{parameters}", self.cluster.port)
    }
}

fn issuer(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn is_loopback(name: &str) -> bool {
    use std::net::ToSocketAddrs;
    (name, 1).to_socket_addrs().is_ok_and(|all| all.map(|address| address.ip()).all(|ip| ip.is_loopback()))
}

/// A chart server that records, before it answers, whether the program's connection to PostgreSQL is encrypted.
fn watching(store: &Store) -> (Server, Arc<Mutex<Vec<String>>>) {
    let (watched, seen) = (store.url.clone(), Arc::new(Mutex::new(Vec::new())));
    let notes = Arc::clone(&seen);
    let server = Server::start(move |hit| {
        let sql = "SELECT ssl, usename FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                   WHERE application_name = 'trendfetch' AND datname = current_database()";
        let store = Store { url: watched.clone(), folder: tempfile::tempdir().unwrap() };
        notes.lock().unwrap().extend(store.query(sql));
        chart(hit)
    });
    (server, seen)
}

#[test]
fn encryption_follows_sslmode_and_is_the_default_for_remote_servers() {
    let Some(secured) = Secured::shared() else { return };
    let store = secured.database("encrypted");
    let (server, seen) = watching(&store);
    let mut cases = vec![
        ("localhost", "sslmode=require&sslrootcert=AUTHORITY", "t"),
        ("localhost", "sslmode=verify-ca&sslrootcert=AUTHORITY", "t"),
        ("localhost", "sslmode=verify-full&sslrootcert=AUTHORITY", "t"),
        ("localhost", "sslmode=prefer&sslrootcert=AUTHORITY", "t"),
        ("localhost", "sslmode=require&sslrootcert=ITSELF", "t"),
        ("db.example.org", "hostaddr=127.0.0.1&sslmode=require&sslrootcert=AUTHORITY", "t"),
        ("localhost", "sslmode=disable&sslrootcert=AUTHORITY", "f"),
        ("127.0.0.1", "sslmode=disable", "f"),
        ("localhost", "sslrootcert=AUTHORITY", "f"),
        ("127.0.0.1", "", "f"),
    ];
    if is_loopback(&secured.name) && secured.name != "localhost" {
        cases.push((&secured.name, "sslrootcert=AUTHORITY", "t"));
    } else {
        skip("this machine's name is no other name for loopback", "sslmode with a name of this machine");
    }
    for ((host, parameters, encrypted), region) in cases.into_iter().zip(regions()) {
        let url = secured.url("trend", host, "encrypted", parameters);
        finish(run_into(&url, &server, &format!("-r {region} -q"))).exits(0);
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        assert_eq!(seen, [format!("{encrypted}|trend")], "{url}");
    }
}

#[test]
fn an_invalid_certificate_is_rejected_before_the_fetch() {
    let Some(secured) = Secured::shared() else { return };
    let store = secured.database("refused");
    let server = Server::start(chart);
    let unknown = "comes from an authority that is not trusted here";
    let elsewhere = "is for localhost, db.example.org";
    for (host, parameters, says) in [
        ("localhost", "sslmode=require", [unknown, "name its authority, or the certificate itself, with sslrootcert"]),
        ("localhost", "sslmode=require&sslrootcert=system", [unknown, "with sslrootcert=FILE"]),
        ("localhost", "sslmode=prefer", [unknown, "with sslrootcert=FILE"]),
        (
            "localhost",
            "sslmode=verify-ca&sslrootcert=STRANGER",
            [unknown, "let sslrootcert name this server's authority"],
        ),
        (
            "127.0.0.1",
            "sslmode=require&sslrootcert=AUTHORITY",
            [elsewhere, "not for 127.0.0.1; use the name in the certificate"],
        ),
        ("127.0.0.1", "sslmode=require&sslrootcert=ITSELF", [elsewhere, "subjectAltName=IP:127.0.0.1"]),
        ("127.0.0.1", "sslmode=prefer&sslrootcert=AUTHORITY", [elsewhere, "subjectAltName=IP:127.0.0.1"]),
        (
            "db.example.com",
            "hostaddr=127.0.0.1&sslmode=require&sslrootcert=AUTHORITY",
            [elsewhere, "subjectAltName=DNS:db.example.com"],
        ),
        (
            "localhost",
            "sslmode=require&sslrootcert=/nowhere/root.pem",
            ["cannot read sslrootcert /nowhere/root.pem", "name a readable sslrootcert"],
        ),
    ] {
        let outcome = finish(run_into(&secured.url("trend", host, "refused", parameters), &server, "-r PL"));
        assert_refused(outcome, &server, &says);
    }
    assert_eq!(store.query("SELECT count(*) FROM pg_class WHERE relname = 'runs'"), ["0"]);
}

/// A certificate with only a common name, `localhost`, as `openssl req -x509 -subj /CN=localhost` makes it.
fn without_alternative_names(until: i32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    params
}

#[test]
fn a_self_signed_certificate_with_a_common_name_is_accepted_by_sslrootcert() {
    let Some(cluster) = Cluster::start("") else { return };
    let write = |name: &str, text: String| {
        let path = cluster.folder.join(name);
        fs::write(&path, text).unwrap();
        give_to_server(&path, &cluster);
        path.display().to_string()
    };
    // Replaces the certificate of the server for new connections.
    let show = |certificate: String, key: &KeyPair| {
        write("data/server.crt", certificate);
        write("data/server.key", key.serialize_pem());
        let loaded = cluster.psql("postgres", "SELECT pg_conf_load_time()");
        cluster.psql("postgres", "ALTER SYSTEM SET ssl = on");
        cluster.psql("postgres", "SELECT pg_reload_conf()");
        while cluster.psql("postgres", "SELECT pg_conf_load_time()") == loaded {}
    };
    let server = Server::start(chart);
    let url = |host: &str, root: &str| {
        format!("postgres://trend@{host}:{}/postgres?sslmode=verify-full&sslrootcert={root}", cluster.port)
    };
    let refused = |host: &str, root: &str, says: &[&str]| {
        let unasked = Server::start(chart);
        assert_refused(finish(run_into(&url(host, root), &unasked, "-r PL")), &unasked, says);
    };

    let key = KeyPair::generate().unwrap();
    let itself = without_alternative_names(2090).self_signed(&key).unwrap().pem();
    show(itself.clone(), &key);
    let root = write("itself.pem", itself);
    let stranger = write("stranger.pem", issuer("Others").pem());
    finish(run_into(&url("localhost", &root), &server, "-r PL -q")).exits(0);
    let why = "has no subject alternative name, and its common name is not";
    refused("127.0.0.1", &root, &[why, "subjectAltName=IP:127.0.0.1"]);
    refused("db.example.org", &format!("{root}&hostaddr=127.0.0.1"), &[why, "subjectAltName=DNS:db.example.org"]);
    refused("localhost", &stranger, &["comes from an authority", "let sslrootcert name this server's authority"]);
    refused("localhost", "system", &["comes from an authority", "with sslrootcert=FILE"]);

    let authority = issuer("Tests");
    let mut params = without_alternative_names(2090);
    params.is_ca = IsCa::NoCa;
    show(params.signed_by(&key, &authority).unwrap().pem(), &key);
    let root = write("authority.pem", authority.pem());
    finish(run_into(&url("localhost", &root), &server, "-r DE -q")).exits(0);
    refused("127.0.0.1", &root, &[why]);

    let expired = without_alternative_names(2020).self_signed(&key).unwrap().pem();
    show(expired.clone(), &key);
    let root = write("expired.pem", expired);
    refused("localhost", &root, &["expired at 2020-01-01T00:00:00Z", "the server needs a new certificate"]);
}

#[test]
fn a_server_without_tls_is_rejected_unless_tls_is_optional() {
    let Some(store) = Store::postgres() else { return };
    let server = Server::start(chart);
    // A loopback address by inet_aton(3) that does not look like one.
    let far = store.url.replacen("127.0.0.1", "127.1", 1);
    assert!(is_loopback("127.1"));
    for url in [format!("{}?sslmode=require", store.url), format!("{}?sslmode=verify-full", store.url), far] {
        let outcome = finish(run_into(&url, &server, "-r PL"));
        assert_refused(outcome, &server, &["server does not support TLS", "sslmode=disable"]);
    }
    for (parameter, region) in ["sslmode=prefer", "sslmode=disable", ""].into_iter().zip(regions()) {
        finish(run_into(&format!("{}?{parameter}", store.url), &server, &format!("-r {region} -q"))).exits(0);
    }
    assert_eq!(by_region(&store).len(), 3);
}

/// Escaped for a URL.
fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn a_password_is_sent_by_scram_with_channel_binding() {
    let Some(secured) = Secured::shared() else { return };
    let store = secured.database("scram");
    let (server, seen) = watching(&store);
    let right = format!("locked:{}", percent(PASSWORD));
    let tls = "sslmode=require&sslrootcert=AUTHORITY&channel_binding=require";
    for ((parameters, encrypted), region) in [(tls, "t"), ("sslmode=disable", "f")].into_iter().zip(regions()) {
        let url = secured.url(&right, "localhost", "scram", parameters);
        finish(run_into(&url, &server, &format!("-r {region} -q"))).exits(0);
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        assert_eq!(seen, [format!("{encrypted}|locked")]);
    }
    let server = Server::start(chart);
    // Without TLS there is no channel to bind to.
    let url = secured.url(&right, "localhost", "scram", "sslmode=disable&channel_binding=require");
    assert_refused(finish(run_into(&url, &server, "-r PL")), &server, &["channel binding"]);
    let wrong = secured.url(&format!("locked:{}", percent(WRONG)), "localhost", "scram", tls);
    let says = ["password authentication failed", "check the user in its address, and the password there"];
    assert_refused(finish(run_into(&wrong, &server, "-r PL")), &server, &says);
    let none = secured.url("locked", "localhost", "scram", tls);
    let says = ["password missing", "check the user in its address, and the password there"];
    assert_refused(finish(run_into(&none, &server, "-r PL")), &server, &says);
}

#[test]
fn a_missing_password_is_searched_where_psql_searches() {
    use std::os::unix::fs::PermissionsExt;
    let Some(secured) = Secured::shared() else { return };
    let store = secured.database("elsewhere");
    let url = secured.url("locked", "127.0.0.1", "elsewhere", "sslmode=disable");
    let server = Server::start(chart);
    let escaped = PASSWORD.replace(':', "\\:");
    let line = format!("127.0.0.1:{}:elsewhere:locked:{escaped}\n", secured.cluster.port);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    };
    file(".pgpass", &line, 0o600);
    let (good, open) =
        (file("good", &format!("# me\nx:*:*:*:y\n*:*:*:locked:{escaped}\n"), 0o400), file("open", &line, 0o640));
    let (other, home) =
        (file("other", &line.replace(":locked:", ":you:"), 0o600), folder.path().to_str().unwrap().to_owned());
    let wrong = url.replacen("locked@", &format!("locked:{}@", percent(WRONG)), 1);
    let says = "check the user in its address, and the password there, in PGPASSWORD or in ~/.pgpass";
    // Address, environment, and expected error.
    type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, Option<&'a str>);
    let cases: Vec<Case<'_>> = vec![
        (&url, vec![("HOME", &home)], None),
        (&url, vec![("PGPASSFILE", &good)], None),
        (&url, vec![("PGPASSWORD", PASSWORD)], None),
        // The more specific source wins.
        (&url, vec![("PGPASSWORD", PASSWORD), ("PGPASSFILE", &other)], None),
        (&url, vec![("PGPASSWORD", WRONG), ("PGPASSFILE", &good)], Some("password authentication failed")),
        (&wrong, vec![("PGPASSWORD", PASSWORD)], Some("password authentication failed")),
        (&url, vec![("PGPASSFILE", &other), ("HOME", &home)], Some("password missing")),
        (&url, vec![("PGPASSFILE", &open)], Some("use chmod 600")),
        (&url, vec![("PGPASSFILE", "/nowhere")], Some("password missing")),
    ];
    for ((url, variables, fails), region) in cases.into_iter().zip(regions()) {
        let mut run = run_into(url, &server, &format!("-r {region} -vv")).env("RUST_LOG", "trace");
        for (name, value) in &variables {
            run = run.env(name, value);
        }
        let outcome = finish(run);
        for text in [PASSWORD, WRONG, &percent(PASSWORD), "Canary"] {
            assert!(!outcome.stderr.contains(text) && !outcome.stdout.contains(text), "{variables:?}: {text}");
        }
        let is_right = match fails {
            None => outcome.code == Some(0),
            Some(why) => {
                outcome.code == Some(1)
                    && outcome.stderr.contains(why)
                    && outcome.stderr.contains(says)
                    && !server.asked().contains(&region)
            }
        };
        assert!(is_right, "{variables:?}: {:?}: {}", outcome.code, outcome.stderr);
    }
    // An address from .env, which may be another user's, gets no password from elsewhere.
    let run = Run::on(&server, "-r ZZ").file(".env", &format!("TRENDFETCH_STORE={url}\n"));
    let outcome = finish(run.env("PGPASSWORD", PASSWORD).env("HOME", &home)).exits(1);
    assert!(
        outcome
            .stderr
            .contains("password missing; check the user and the password in its address; for an address from .env"),
        "{}",
        outcome.stderr
    );
    assert_eq!(store.query("SELECT count(*) FROM runs"), ["4"]);
}

/// A port that refuses connections, and that no other test gets meanwhile.
fn port_of_nobody() -> (Socket, u16) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    (socket, port)
}

/// One way to give a password to one command.
struct Way {
    place: &'static str,
    url: String,
    arguments: &'static [&'static str],
    is_right: bool,
}

#[test]
fn the_password_is_in_no_output_or_file() {
    const RUN: &[&str] = &["-o", "out.json", "-o", "out.csv"];
    const CHANGES: &[&str] = &["changes"];
    const LOAD: &[&str] = &["load", "x.json"];
    const PRUNE: &[&str] = &["prune", "--keep", "9d"];
    let Some(secured) = Secured::shared() else { return };
    let store = secured.database("canary");
    let (_nobody, gone) = port_of_nobody();
    let mut ways = Vec::new();
    for password in [PASSWORD, WRONG] {
        let all = percent(password);
        let some = password.replace('+', "%2B").replace('/', "%2F").replace('@', "%40").replace(':', "%3A");
        let tls = secured.url("locked", "localhost", "canary", "sslmode=require&sslrootcert=AUTHORITY");
        let plain = secured.url("locked", "localhost", "canary", "sslmode=disable");
        let with = |text: &str, url: &str| url.replacen("locked@", &format!("locked:{text}@"), 1);
        let port = format!(":{}/", secured.cluster.port);
        let mut add = |commands: &[&'static [&'static str]], place, url: String| {
            let is_right = password == PASSWORD;
            ways.extend(commands.iter().map(|&arguments| Way { place, url: url.clone(), arguments, is_right }));
        };
        add(&[RUN, CHANGES, LOAD, PRUNE], "TRENDFETCH_STORE", with(&some, &plain));
        add(&[RUN, LOAD], "TRENDFETCH_STORE", with(&all, &tls));
        add(&[RUN, PRUNE], "TRENDFETCH_STORE", format!("{plain}&password={some}"));
        add(&[RUN, LOAD], "--store", with(&some, &plain));
        add(&[RUN, CHANGES], "--store", format!("{plain}&password={all}"));
        add(&[RUN, LOAD], ".env", with(&some, &plain));
        // No server; or the password is not escaped, or in the wrong place.
        add(&[RUN, LOAD], "TRENDFETCH_STORE", with(&some, &plain).replacen(&port, &format!(":{gone}/"), 1));
        let (first, last) = password.split_once('/').unwrap();
        let raw = ['#', '@'].map(|sign| format!("{first}{sign}{}", last.split('@').next().unwrap()));
        for raw in [password, &raw[0], &raw[1], &format!("12?{password}")] {
            add(&[RUN], "TRENDFETCH_STORE", with(raw, &plain));
        }
        for parameter in [format!("{password}=1"), format!("sslmode={password}"), format!("sslrootcert=x&port={all}")] {
            add(&[RUN, CHANGES], "TRENDFETCH_STORE", format!("{plain}&{parameter}"));
        }
        add(&[RUN], "--store", with(&some, &plain).replacen("postgres:", "postgre:", 1));
        add(&[RUN], "TRENDFETCH_STORE", format!("postgres:{password}"));
    }
    let server = Server::start(chart);
    let document = some_document();
    let check = |(way, region): (Way, String)| {
        let mut run = Run::new(way.arguments).file("x.json", &document);
        run = run.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        if way.arguments == RUN {
            run.command.args(["-vv", "-r", &region, "--base-url", &server.base_url]);
        }
        run = match way.place {
            "--store" => {
                run.command.args(["--store", &way.url]);
                run
            }
            ".env" => run.file(".env", &format!("TRENDFETCH_STORE='{}'\n", way.url)),
            _ => run.env(way.place, &way.url),
        };
        let outcome = finish(run);
        let mut texts = vec![outcome.stdout.clone(), outcome.stderr.clone()];
        texts.extend(outcome.files().iter().filter(|name| *name != ".env").map(|name| outcome.read(name)));
        for (text, password) in texts.iter().flat_map(|text| [(text, PASSWORD), (text, WRONG)]) {
            for disguise in [&percent(password), &percent(password)[..30], "Canary", "9f8e", "5b:4a", "1a2b", "5e:6f"] {
                assert!(!text.contains(disguise), "{}, {:?}: {disguise} is in {text}", way.url, way.arguments);
            }
        }
        (way.is_right, outcome.code.unwrap())
    };
    let ends: BTreeSet<_> = side_by_side(6, ways.into_iter().zip(regions()).collect(), check).into_iter().collect();
    // Right password: recorded, unreachable, malformed. Wrong password: rejected, malformed.
    assert_eq!(Vec::from_iter(ends), [(false, 1), (false, 2), (true, 0), (true, 1), (true, 2)]);

    // The suggested command names the history if --store did.
    failing(&store, "23514", "true", false);
    let url = secured.url(&format!("locked:{}", percent(PASSWORD)), "localhost", "canary", "sslmode=disable");
    for (typed, hint) in [
        (true, format!(" --store '{}'", secured.url("locked", "localhost", "canary", "sslmode=disable"))),
        (false, "with the same TRENDFETCH_STORE, load it with: ".to_owned()),
    ] {
        let mut run = Run::on(&server, "-r ZZ -vv").env("RUST_LOG", "trace");
        run = if typed {
            run.command.args(["--store", &url]);
            run
        } else {
            run.env("TRENDFETCH_STORE", &url)
        };
        let outcome = finish(run).exits(1);
        let document = fs::read_to_string(saved(&outcome).unwrap().0).unwrap();
        for text in [&outcome.stderr, &outcome.stdout, &document] {
            assert!(!text.contains("Canary") && !text.contains(&percent(PASSWORD)), "{text}");
        }
        assert!(outcome.stderr.contains(&hint), "{hint} is not in: {}", outcome.stderr);
    }
}

#[test]
fn a_password_with_an_unescaped_question_mark_is_never_shown() {
    // tokio-postgres accepts the address: everything before the first '@' is the login.
    let (_nobody, gone) = port_of_nobody();
    let server = Server::start(chart);
    let url = format!("postgres://locked:Canary?9f8e7d6c@127.0.0.1:{gone}/trends?sslmode=disable");
    let outcome = finish(run_into(&url, &server, "-r PL"));
    assert!(server.log().is_empty() && matches!(outcome.code, Some(1 | 2)), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("Canary") && !outcome.stderr.contains("9f8e"), "{}", outcome.stderr);
}
