//! Addresses, credentials, and the environment.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;

use super::store::{ACCESS_KEY, BUCKET, ObjectStore, SECRET_KEY};
use super::{command, run};
use crate::harness::{Run, Server};
use crate::secrets::{assert_clean, canary, variants};
use crate::tls::{self, Authority};

#[test]
fn a_malformed_address_sends_nothing() {
    let (server, store) = (Server::of_pages(&["a"]), ObjectStore::start());
    for (arguments, says) in [
        ("-o s3:charts/x.json", "--output: write s3://BUCKET/KEY"),
        ("-o s3://charts", "--output: that names the bucket alone; write s3://BUCKET/KEY"),
        (
            "-o s3://charts/",
            "ends in '/', to which only Parquet can be written (-f parquet); add a name, such as s3://charts/trends.json",
        ),
        ("-o s3://charts//x.json", "a key has no empty part"),
        ("-o s3://user:canary@charts/x.json", "the address holds neither a login nor a port"),
        ("-o s3a://charts/x.json", "write s3://BUCKET/KEY"),
        ("-o abfss://charts@canary.dfs.core.windows.net/x.json", "write az://CONTAINER/KEY"),
        ("-o az://charts/x.json", "AZURE_STORAGE_ACCOUNT_NAME"),
        ("-o s3://charts/x.json -o S3://charts/x.json", "is given twice; once is enough"),
        ("-o s3://charts/x.tsv", "tab-separated values cannot be written"),
        ("-o s3://charts/x.parquet.gz", "Parquet is compressed already"),
        ("-o s3://charts/x.json --category all,music", "would need a JSON document for each category"),
    ] {
        let outcome = run(&server, &store, &format!("-r US {arguments}")).finish().exits(2);
        assert!(outcome.stderr.contains(says), "{arguments}: {}", outcome.stderr);
        assert!(!outcome.stderr.contains("canary"), "{}", outcome.stderr);
    }
    assert_eq!((server.log().len(), store.log().len()), (0, 0));
}

#[test]
fn a_foreign_dotenv_gives_no_credentials_and_no_endpoint() {
    let (server, store) = (Server::of_pages(&["a"]), ObjectStore::start());
    let dotenv = format!(
        "AWS_ENDPOINT_URL={}\nAWS_ACCESS_KEY_ID={ACCESS_KEY}\nAWS_SECRET_ACCESS_KEY={SECRET_KEY}\n",
        store.endpoint
    );
    let elsewhere = ObjectStore::start();
    run(&server, &elsewhere, "-r US -o s3://charts/x.json").file(".env", &dotenv).finish().exits(0);
    assert_eq!((store.log().len(), elsewhere.keys().len()), (0, 1));
}

#[test]
fn data_leaves_the_machine_in_the_clear_only_on_demand() {
    let server = Server::of_pages(&["a"]);
    let outcome = Run::on(&server, "-r US -o s3://charts/x.json")
        .env("AWS_ENDPOINT_URL", "http://192.0.2.1:9000")
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .finish()
        .exits(1);
    assert!(
        outcome.stderr.contains("the data would travel in the clear to 192.0.2.1; use https:"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("set AWS_ALLOW_HTTP=true") && server.log().is_empty());
}

#[test]
fn half_of_the_credentials_are_not_enough() {
    let server = Server::of_pages(&["a"]);
    let outcome =
        Run::on(&server, "-r US -o s3://charts/x.json").env("AWS_ACCESS_KEY_ID", ACCESS_KEY).finish().exits(2);
    assert!(outcome.stderr.contains("the settings of the environment cannot be used"), "{}", outcome.stderr);
}

#[test]
fn a_machine_that_gives_no_credentials_is_told_from_a_fault() {
    let (server, store) = (Server::of_pages(&["a"]), ObjectStore::start());
    for (gives, number) in [("http://127.0.0.1:1", 0), (store.endpoint.as_str(), 1)] {
        let run = Run::on(&server, "-r US -o s3://charts/x.json").env("AWS_ENDPOINT_URL", &store.endpoint);
        let outcome = run.env("AWS_METADATA_ENDPOINT", gives).finish().exits(1);
        let says = "there are no credentials for it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
        assert!(outcome.stderr.contains(says), "{}", outcome.stderr);
        assert_eq!((server.log().len(), store.log().len()), (0, number));
    }
}

#[test]
fn credentials_show_nowhere() {
    let (server, mut gone) = (Server::of_pages(&["a"]), ObjectStore::start());
    gone.endpoint = "http://127.0.0.1:1".into();
    let echo = ObjectStore::with_faults(|request| {
        // A store that repeats what it was sent.
        let token = request.headers.get("x-amz-security-token").cloned().unwrap_or_default();
        let text: &'static str = Box::leak(format!("Unheard</Code><Message>{token}</Message><Code>").into_boxed_str());
        Some(super::store::Fault::Error(400, None, text))
    });
    for (number, store) in [ObjectStore::start(), gone, echo].into_iter().enumerate() {
        let [secret, token] = [canary(number), canary(number + 10)];
        for arguments in [
            "-r US -vv --retries 1 --backoff 1ms -o s3://charts/x.json -o x.json",
            "-r US -vv -f parquet -o s3://charts/x/",
        ] {
            let outcome = run(&server, &store, arguments)
                .env("AWS_SECRET_ACCESS_KEY", &secret)
                .env("AWS_SESSION_TOKEN", &token)
                .env("RUST_LOG", "trace")
                .env("RUST_BACKTRACE", "full")
                .finish();
            let variants = [variants(&secret), variants(&token)].concat();
            assert_clean("standard output", outcome.stdout.as_bytes(), &variants);
            assert_clean("standard error", outcome.stderr.as_bytes(), &variants);
            for name in outcome.files() {
                assert_clean(&name, outcome.read(&name).as_bytes(), &variants);
            }
        }
        assert!(store.log().iter().all(|request| request.headers["x-amz-security-token"] == token));
    }
}

#[test]
fn the_secrets_of_azure_show_nowhere() {
    // Not a server for Azure: it answers everything with an error.
    let (server, store) = (
        Server::of_pages(&["a"]),
        ObjectStore::with_faults(|_| Some(super::store::Fault::Error(403, None, "AuthorizationFailure"))),
    );
    let signature = canary(1);
    let sas = format!("sv=2024-11-04&sp=rw&sig={}%3D", signature.replace('_', "%5F"));
    use base64::Engine;
    let key = base64::engine::general_purpose::STANDARD.encode(canary(2));
    for (name, value, secret) in
        [("AZURE_STORAGE_SAS_TOKEN", &sas, &signature), ("AZURE_STORAGE_ACCOUNT_KEY", &key, &key)]
    {
        let run = Run::on(&server, "-r US -vv -o az://charts/x.json").env("AZURE_STORAGE_ACCOUNT_NAME", "account");
        let run = run.env("AZURE_STORAGE_ENDPOINT", &format!("{}/account", store.endpoint)).env(name, value);
        let outcome = run.env("RUST_LOG", "trace").finish().exits(1);
        assert!(outcome.stderr.contains("cannot write az://charts/x.json: "), "{}", outcome.stderr);
        let variants = [variants(secret), variants(value)].concat();
        assert_clean("standard output", outcome.stdout.as_bytes(), &variants);
        assert_clean("standard error", outcome.stderr.as_bytes(), &variants);
    }
    assert!(store.log().iter().any(|request| request.target.contains("sig=")), "{:?}", store.log());
}

#[test]
fn a_proxy_of_the_environment_is_used_except_for_loopback() {
    let (server, store) = (Server::of_pages(&["a"]), ObjectStore::start());
    let arguments = format!("-r US -o s3://{BUCKET}/x.json --retries 0");
    run(&server, &store, &arguments).env("HTTPS_PROXY", "http://127.0.0.1:1").finish().exits(0);
    let run = command(&store, &arguments).env("HTTPS_PROXY", "http://127.0.0.1:1");
    let mut run = run.env("AWS_ENDPOINT_URL", "https://store.example");
    run.command.args(["--demo=calm"]);
    let outcome = run.finish().exits(1);
    assert!(outcome.stderr.contains("no connection to the proxy of HTTPS_PROXY"), "{}", outcome.stderr);
}

#[test]
fn certificates_are_checked_as_for_the_api() {
    let authority = Authority::new();
    // It claims to speak HTTP/1.1, and then speaks HTTP/2: enough to see whether it is trusted.
    let mut config = (**authority.server("localhost", 2400).config()).clone();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let store = tls::Server::start(TlsAcceptor::from(Arc::new(config)), |_, _| None);
    let endpoint = store.base_url.trim_end_matches("/youtube/v3").to_owned();
    let run = || {
        let run = Run::new(&["--demo=calm", "-r", "US", "-o", "s3://charts/x.json", "--retries", "0"]);
        let run = run.env("AWS_ENDPOINT_URL", &endpoint).env("AWS_ACCESS_KEY_ID", ACCESS_KEY);
        run.env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    };
    let untrusted =
        run().env("SSL_CERT_FILE", "other.pem").file("other.pem", &Authority::new().pem()).finish().exits(1);
    assert!(untrusted.stderr.contains("from an authority that is not trusted here"), "{}", untrusted.stderr);
    let trusted = run().env("SSL_CERT_FILE", "authority.pem").file("authority.pem", &authority.pem()).finish().exits(1);
    assert!(trusted.stderr.contains("cannot write s3://charts/x.json: the "), "{}", trusted.stderr);
    assert!(!trusted.stderr.contains("certificate"), "{}", trusted.stderr);
}
