//! Parquet files, read with DuckDB, Arrow, Polars and Spark, and the error of a build without Parquet.

#[cfg(feature = "parquet")]
mod categories;
#[cfg(feature = "parquet")]
mod file;
#[cfg(feature = "parquet")]
mod lake;
#[cfg(feature = "parquet")]
mod spark;

#[cfg(not(feature = "parquet"))]
#[test]
fn a_build_without_parquet_says_so() {
    use crate::harness::Run;
    for arguments in [["-f", "parquet"], ["-o", "trends.parquet"]] {
        let outcome = Run::new(&[&["--demo=calm", "-r", "US"][..], &arguments].concat()).finish().exits(2);
        assert!(outcome.stderr.contains("build it with --features parquet"), "{}", outcome.stderr);
        assert!(outcome.files().is_empty());
    }
    assert!(!Run::new(&["--help"]).finish().stdout.to_lowercase().contains("parquet"));
}

/// What the modules share.
#[cfg(feature = "parquet")]
mod shared {
    use std::path::Path;

    use serde_json::{Value, json};

    use crate::harness::{Answer, Server, item};
    use crate::tools::run_with_modules;

    /// US and PL share a video, and PL has one with missing and very large values. MT is empty, and DE fails.
    pub fn server() -> Server {
        Server::start(|hit| match hit.region() {
            "US" => Answer::page(&["a", "b"], None),
            "PL" => {
                let unusual = json!({"id": "unusual", "snippet": {"title": "Zażółć \u{0} =1+1 🎬", "tags": ["", "a|b"]},
                    "statistics": {"viewCount": "18446744073709551615", "likeCount": "9223372036854775807"}});
                Answer::json(&json!({"items": [unusual, item("b")]}))
            }
            "MT" => Answer::json(&json!({"items": []})),
            _ => Answer::refusal(404, "notFound"),
        })
    }

    /// Runs a Python program in a folder and parses the JSON that it prints.
    pub fn run_python(python: &str, program: &str, folder: &Path) -> Value {
        let output = run_with_modules(python).args(["-c", program]).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}
