//! Other programs read a lake in a bucket with their own S3 clients. The recipes are those of docs/object-storage.md.

use super::servers::{self, Bucket, Request};
use crate::harness::{Run, Server};
use crate::pages::Page;
use crate::tools::{are_installed, not_installed, python, run_with_modules};

const DAY: &str = "lake/entries/fetched_date=2026-11-20/";

/// The other days are smaller.
const REGIONS_OF_DAY: &str = "AE,AR,AT,AU,BE,BG,BR,CA,CH,CL,CO,CZ,DE,DK,EG,ES,FI,FR,GB,GR,HU,IE,IL,IN,IT,JP,KR,MX,\
     NG,NL,NO,NZ,PE,PH,PL,PT,RO,RS,SA,SE,SG,TH,TR,TW,UA,US,VN,ZA";

/// A lake of three days.
fn lake() -> Option<Bucket> {
    let bucket = servers::s3()?;
    for (day, regions) in [("20", REGIONS_OF_DAY), ("21", "PL,US"), ("22", "PL,US"), ("22", "PL,US")] {
        let server = Server::of_charts(&format!("2026-11-{day}T12:00:00Z"));
        let arguments = format!("-q -c 0 -n 200 -r {regions} -f parquet -o {}", bucket.address("lake/"));
        bucket.open_to(Run::on(&server, &arguments)).finish().exits(0);
    }
    Some(bucket)
}

/// What a Python program prints that has access to the bucket, and what it has asked the server.
fn run_python(bucket: &Bucket, python: &str, program: &str) -> (String, Vec<Request>) {
    let before = bucket.log().len();
    let printed = printed_by(bucket, python, &program.replace("//charts/", &format!("//{}/", bucket.name)));
    (printed, bucket.log().split_off(before))
}

fn printed_by(bucket: &Bucket, python: &str, program: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = run_with_modules(python);
    command.args(["-c", program]).current_dir(&folder);
    command.envs(bucket.environment().iter().map(|(name, value)| (name, value))).envs(endpoint(bucket));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// How the programs are told of a server that is not Amazon's, as docs/object-storage.md says.
fn endpoint(bucket: &Bucket) -> Vec<(&'static str, String)> {
    let url = bucket.environment().iter().find(|(name, _)| name == "AWS_ENDPOINT_URL").map(|(_, url)| url);
    let Some(url) = url else { return vec![("AZURE_ALLOW_HTTP", "true".to_owned())] };
    vec![
        ("DUCKDB_S3_ENDPOINT", url.trim_start_matches("http://").to_owned()),
        ("DUCKDB_S3_USE_SSL", "false".to_owned()),
        ("PYICEBERG_CATALOG__CHARTS__S3__ENDPOINT", url.clone()),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
    ]
}

/// The files of the lake of which something was read, and how many bytes.
fn files_read(log: &[Request]) -> (Vec<&str>, u64) {
    let of_files = log.iter().filter(|request| request.path.ends_with(".parquet") && request.received > 0);
    let mut files: Vec<&str> = of_files.clone().map(|request| request.path.split_once("/lake/").unwrap().1).collect();
    files.sort_unstable();
    files.dedup();
    (files, of_files.map(|request| request.received).sum())
}

fn of_day(log: &[Request]) -> Vec<Request> {
    log.iter().filter(|request| request.path.contains(DAY)).cloned().collect()
}

/// DuckDB with its extension for S3, as a package of Python. Elsewhere DuckDB installs it by itself.
const DUCKDB: &str = r#"
import glob, duckdb, duckdb_extension_httpfs as httpfs
[extension] = glob.glob(f"{httpfs.__path__[0]}/extensions/*/httpfs.duckdb_extension")
duckdb.sql(f"LOAD '{extension}'")
duckdb.sql("SET s3_url_style = 'path'")
for row in duckdb.sql("""QUERY""").fetchall():
    print(*row, sep="\t")"#;

#[test]
fn duckdb_reads_the_files_of_a_day_and_the_row_groups_of_a_region() {
    let what = "a lake in a bucket, read with DuckDB";
    let Some(python) = python(&["duckdb", "duckdb_extension_httpfs"], what) else { return };
    let Some(bucket) = lake() else { return };
    let ask = |query: &str| run_python(&bucket, &python, &DUCKDB.replace("QUERY", query));

    let (rows, log) = ask(Page::read("docs/object-storage.md").block("sql bucket"));
    let rows: Vec<&str> = rows.lines().collect();
    assert!(rows.len() == 200 && rows[0].contains("\t1\tTitle of PL-0\t1000"), "{rows:?}");
    let (files, bytes) = files_read(&log);
    assert!(files.len() == 1 && files[0].starts_with("entries/fetched_date=2026-11-20/"), "{files:?}");
    // Of two row groups and 30 columns, one and five.
    let size = bucket.keys().iter().find(|key| key.starts_with(DAY)).map(|key| bucket.read(key).len()).unwrap();
    assert!(bytes * 4 < size as u64, "{bytes} of {size} bytes: {log:?}");

    let (sum, log) = ask("SELECT sum(views) FROM 's3://charts/lake/entries/**/*.parquet'");
    assert_eq!(sum.trim(), ((REGIONS_OF_DAY.split(',').count() + 6) * 200 * 1000).to_string());
    assert_eq!(files_read(&log).0.len(), 4);
}

#[test]
fn polars_reads_a_lake_of_each_cloud() {
    let Some(python) = python(&["polars"], "a lake of each cloud, read with Polars") else { return };
    for bucket in servers::all() {
        let server = Server::of_charts("2026-11-20T12:00:00Z");
        let arguments = format!("-q -r US,PL -f parquet -o {}", bucket.address("lake/"));
        bucket.open_to(Run::on(&server, &arguments)).finish().exits(0);
        let files = bucket.address("lake/entries/**/*.parquet");
        let program = format!("import polars; print(polars.scan_parquet('{files}').collect().height)");
        assert_eq!(printed_by(&bucket, &python, &program).trim(), "100", "{files}");
    }
}

#[test]
fn polars_and_pyarrow_read_the_chart_of_a_day() {
    let Some(python) = python(&["polars", "pyarrow"], "a lake in a bucket, read with Polars and pyarrow") else {
        return;
    };
    let Some(bucket) = lake() else { return };
    let page = Page::read("docs/object-storage.md");
    let recipes = page.blocks("python bucket");
    assert_eq!(recipes.len(), 2);
    for recipe in recipes {
        let (printed, log) = run_python(&bucket, &python, recipe);
        for place in [0, 9] {
            assert!(printed.contains(&format!("Title of PL-{place}")), "{printed}");
        }
        assert!(!printed.contains("Title of PL-10"), "{printed}");
        let (of_all, of_day) = (files_read(&log).1, files_read(&of_day(&log)).1);
        // Polars also reads the ends of the other files, where their statistics are.
        let others = if recipe.contains("pyarrow") { 0 } else { 3 * (256 << 10) };
        assert!(of_day > 0 && of_all - of_day <= others, "{of_day} of {of_all} bytes: {log:?}");
    }
}

/// The recipe gets the session that is already there.
const SPARK: &str = "
import spark_session
spark_session.start(1, spark_session.s3('JARS'))
RECIPE";

#[test]
fn spark_reads_the_files_of_a_day_with_its_own_client() {
    let what = "a lake in a bucket, read with Spark";
    let jars: Vec<String> = ["hadoop-aws-3.3.1.jar", "aws-java-sdk-bundle-1.11.901.jar"]
        .iter()
        .map(|name| format!("{}/hadoop-aws/{name}", env!("CARGO_TARGET_TMPDIR")))
        .collect();
    let Some(python) = python(&["pyspark"], what) else { return };
    if !are_installed(&["java"], what) {
        return;
    }
    if !jars.iter().all(|jar| std::path::Path::new(jar).exists()) {
        return not_installed("hadoop-aws is not installed", what);
    }
    let Some(bucket) = lake() else { return };
    let page = Page::read("docs/object-storage.md");
    let program = SPARK.replace("JARS", &jars.join(",")).replace("RECIPE", page.block("python bucket spark"));
    let (printed, log) = run_python(&bucket, &python, &program);
    assert!(printed.contains("|   1|Title of PL-0| 1000|") && printed.contains("Title of PL-9|"), "{printed}");
    let (files, _) = files_read(&log);
    assert!(files.len() == 1 && files[0].starts_with("entries/fetched_date=2026-11-20/"), "{files:?}");
}

#[test]
fn a_lake_becomes_a_table_of_delta_or_iceberg() {
    let what = "a lake in a bucket as a table of Delta and of Iceberg";
    let Some(python) = python(&["deltalake", "pyiceberg", "sqlalchemy"], what) else { return };
    let Some(bucket) = lake() else { return };
    let page = Page::read("docs/object-storage.md");
    for recipe in [page.block("python iceberg"), page.block("python delta")] {
        let (printed, _) = run_python(&bucket, &python, recipe);
        assert_eq!(printed.trim(), "200", "{recipe}");
    }
}
