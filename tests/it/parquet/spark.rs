//! Spark, on a lake. It takes ten seconds to start, so all is asked at once.

use serde_json::json;
use tempfile::TempDir;

use super::shared::run_python;
use crate::harness::{Run, Server};
use crate::pages::Page;
use crate::tools::{are_installed, python};

const PROGRAM: &str = "
import contextlib, io, json, spark_session
spark = spark_session.start(1, {'spark.sql.shuffle.partitions': '1', 'spark.sql.session.timeZone': 'UTC'})
entries, regions = spark.read.parquet('lake/entries'), spark.read.parquet('lake/regions')
polish = entries.filter(\"fetched_date = '2026-11-20' and region = 'PL'\")
titles = polish.select('rank', 'fetched_at').collect()
scan = polish.select('rank')
scan.collect()
metrics = scan._jdf.queryExecution().executedPlan().collectLeaves().head().metrics()
by_region = regions.join(entries, ['run_id', 'region', 'fetched_date'], 'left') \\
    .filter(\"region in ('PL', 'XX')\").groupBy('fetched_date', 'region', 'status').agg({'video_id': 'count'})
with contextlib.redirect_stdout(io.StringIO()) as shown:
    exec(RECIPE, {})
print(json.dumps([entries.count(), entries.distinct().count(), len(titles), titles[0]['fetched_at'].isoformat(),
    [metrics.get(name).get().value() for name in ('numFiles', 'numOutputRows')], dict(entries.dtypes),
    sorted(map(list, by_region.collect()), key=str), regions.count(), shown.getvalue()], default=str))";

#[test]
fn spark_reads_a_lake_and_skips_what_it_does_not_need() {
    let what = "Parquet, read with Spark";
    let Some(python) = python(&["pyspark"], what) else { return };
    if !are_installed(&["java"], what) {
        return;
    }
    let folder = TempDir::new().unwrap();
    for (day, regions) in [("2026-11-20", "AE,DE,FR,GB,IN,NL,PL,SE,US,ZA,XX"), ("2026-11-21", "US,PL")] {
        let server = Server::of_charts(&format!("{day}T12:00:00Z"));
        let mut run = Run::on(&server, &format!("-q -c 0 -n 200 -r {regions} -f parquet -o lake/"));
        run.command.current_dir(&folder);
        run.finish().exits(if regions.contains("XX") { 3 } else { 0 });
    }
    // The recipe of docs/data.md, in the same Spark.
    let data = Page::read("docs/data.md");
    let program = PROGRAM.replace("RECIPE", &json!(data.block("python spark")).to_string());
    let found = run_python(&python, &program, folder.path());
    let rows = 12 * 200;
    assert_eq!((&found[0], &found[1]), (&json!(rows), &json!(rows)), "all, and distinct in all columns");
    assert_eq!(found[2], json!(200));
    // The server's clock, as far as a run can tell.
    assert!(found[3].as_str().unwrap().starts_with("2026-11-20T1"), "{}", found[3]);
    // A page ends with the chart that brings it to 1,024 rows or more.
    assert_eq!(found[4], json!([1, 2_000 - 1_200]), "one file of two, and in it one page of two");
    let types = &found[5];
    assert!(types.as_object().unwrap().values().all(|kind| !kind.as_str().unwrap().starts_with("map")), "{types}");
    for (name, kind) in [("fetched_at", "timestamp"), ("rank", "bigint"), ("chart_category_id", "bigint")] {
        assert_eq!(types[name], kind);
    }
    assert_eq!(
        found[6],
        json!([["2026-11-20", "PL", "ok", 200], ["2026-11-20", "XX", "failed", 0], ["2026-11-21", "PL", "ok", 200]])
    );
    assert_eq!(found[7], json!(13));
    let shown = found[8].as_str().unwrap();
    let is_shown = |row: &str| shown.lines().any(|line| line.replace(' ', "") == row);
    assert!(is_shown("|AE|1|200|") && is_shown("|PL|2|200|") && !shown.contains("XX"), "{shown}");
}
