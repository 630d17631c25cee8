//! Several categories in one Parquet file, and in a lake.

use serde_json::json;

use super::shared::run_python;
use crate::harness::{Answer, Run, Server};
use crate::tools::python;

#[test]
fn a_file_and_a_lake_hold_all_categories() {
    let Some(python) = python(&["duckdb"], "several categories in Parquet") else { return };
    let server = Server::start(|hit| {
        let category = hit.query.get("videoCategoryId").map_or("0", String::as_str);
        match (hit.region(), category) {
            ("PL", "27") => Answer::refusal(404, "notFound"),
            (region, _) => Answer::page(&["shared".into(), format!("{region}-{category}")], None),
        }
    });
    let arguments = "-q -r US,PL --category Music,all,27 -f parquet -o lake/ -o whole.parquet -o {category}.parquet";
    let outcome = Run::on(&server, arguments).finish().exits(0);
    let program = "
import duckdb, json
def rows(files, columns='chart_category_id, region, rank, video_id', table='read_parquet'):
    return [list(row) for row in duckdb.sql(f\"select {columns} from {table}('{files}') order by all\").fetchall()]
print(json.dumps([rows('whole.parquet'), rows('lake/entries/*/*.parquet'), rows('music.parquet'),
    rows('lake/regions/*/*.parquet', 'category_id, region, status'),
    len(rows('whole.parquet', 'distinct run_id'))]))";
    let found = run_python(&python, program, outcome.folder.path());
    let entry = |category: Option<u32>, region: &str| {
        let id = format!("{region}-{}", category.unwrap_or(0));
        [json!([category, region, 1, "shared"]), json!([category, region, 2, id])]
    };
    let music = [entry(Some(10), "PL"), entry(Some(10), "US")].concat();
    // DuckDB sorts null last.
    let all =
        [music.clone(), entry(Some(27), "US").into(), entry(None, "PL").into(), entry(None, "US").into()].concat();
    assert_eq!((&found[0], &found[1]), (&json!(all), &json!(all)));
    assert_eq!(found[2], json!(music));
    assert_eq!(found[3].as_array().unwrap().len(), 6);
    assert!(found[3].as_array().unwrap().contains(&json!([27, "PL", "failed"])), "absent, and told");
    assert_eq!(found[4], 3);
}
