//! A run as one Parquet file: its values, its schema and its statistics.

use std::fs;

use serde_json::{Value, json};

use super::shared::{run_python, server};
use crate::harness::{Run, Server};
use crate::tools::python;

const SKIPPED: &str = "a Parquet file, read with other programs";

/// Reads `one.parquet` with each of the readers, and prints the rows of each as JSON.
const BY_FOUR_READERS: &str = "
import duckdb, json, pandas, polars, pyarrow.parquet
def plain(value):
    if hasattr(value, 'strftime'):
        return value.strftime('%Y-%m-%dT%H:%M:%SZ')
    return value.tolist() if hasattr(value, 'tolist') else value
def rows(dicts):
    return [{name: plain(value) for name, value in row.items()} for row in dicts]
duckdb.sql(\"set timezone = 'UTC'\")
by_duckdb = duckdb.sql(\"from 'one.parquet'\")
by_duckdb = [dict(zip(by_duckdb.columns, row)) for row in by_duckdb.fetchall()]
by_pandas = pandas.read_parquet('one.parquet', dtype_backend='pyarrow')
by_pandas = by_pandas.astype(object).where(by_pandas.notna(), None).to_dict('records')
print(json.dumps([rows(by_duckdb), rows(pyarrow.parquet.read_table('one.parquet').to_pylist()),
    rows(polars.read_parquet('one.parquet').to_dicts()), rows(by_pandas)]))";

#[test]
fn four_readers_find_the_values_of_ndjson() {
    let Some(python) = python(&["duckdb", "pyarrow", "polars", "pandas"], SKIPPED) else { return };
    let run = Run::on(&server(), "-q -r US,PL,MT,DE -o one.parquet -o entries.ndjson --rows entries");
    let outcome = run.finish().exits(3);
    let mut entries: Vec<Value> =
        outcome.read("entries.ndjson").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries.len(), 4);
    // By region, unlike NDJSON, which has the order of the request.
    entries.sort_by_key(|entry| entry["region"].to_string());
    for entry in &mut entries {
        // The column is there without --description too, and no type of all readers holds more than i64.
        entry["description"] = Value::Null;
        if entry["views"].as_u64() > Some(i64::MAX as u64) {
            entry["views"] = Value::Null;
        }
    }
    let found = run_python(&python, BY_FOUR_READERS, outcome.folder.path());
    for (reader, rows) in ["DuckDB", "pyarrow", "Polars", "pandas"].iter().zip(found.as_array().unwrap()) {
        assert_eq!(rows.as_array().unwrap(), &entries, "{reader}");
    }
}

#[test]
fn the_schema_names_the_run_and_what_is_never_null() {
    let Some(python) = python(&["pyarrow"], SKIPPED) else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &str| {
        let mut run = Run::on(&server(), &format!("-q {arguments}"));
        run.command.current_dir(&folder);
        run.finish().exits(0)
    };
    run("-r US,PL -o one.parquet -o run.json --category Music");
    run("-r MT,US -o other.parquet --description");
    let program = "
import json, pyarrow.parquet
one, other = (pyarrow.parquet.ParquetFile(name) for name in ('one.parquet', 'other.parquet'))
schema = one.schema_arrow
metadata = {key.decode(): value.decode() for key, value in one.metadata.metadata.items()}
print(json.dumps([{field.name: str(field.type) for field in schema}, [field.name for field in schema if not field.nullable],
    schema.equals(other.schema_arrow), metadata]))";
    let found = run_python(&python, program, folder.path());
    let [kinds, required, is_same, metadata] = found.as_array().unwrap().as_slice() else { panic!("{found}") };
    for (name, kind) in [
        ("fetched_at", "timestamp[us, tz=UTC]"),
        ("chart_category_id", "int64"),
        ("region_status", "string"),
        ("rank", "int64"),
        ("category_id", "int64"),
        ("embeddable", "bool"),
        ("published_at", "timestamp[us, tz=UTC]"),
        ("tags", "list<element: string>"),
        ("description", "string"),
    ] {
        assert_eq!(kinds[name], kind, "{name}");
    }
    assert_eq!(required, &json!(["run_id", "fetched_at", "source", "region", "rank", "video_id"]));
    assert_eq!(is_same, &json!(true), "the schema depends on the run");
    let document: Value = serde_json::from_slice(&fs::read(folder.path().join("run.json")).unwrap()).unwrap();
    assert_eq!((&metadata["run_id"], &metadata["schema_version"]), (&document["run_id"], &json!("1")));
}

/// A reader that wants one region or one video need not read the others.
#[test]
fn row_groups_end_with_a_chart_and_tell_their_regions() {
    let Some(python) = python(&["duckdb", "pyarrow"], SKIPPED) else { return };
    let regions = "ZA,DE,US,GB,FR,IN,BR,AU,CA,PL,SE,NO,AT,NL,CH,BE,DK,FI,IE,IT,ES,PT,CZ,HU,RO,BG,GR,TR,UA,JP";
    let run =
        Run::on(&Server::of_charts("2026-11-20T12:00:00Z"), &format!("-q -c 0 -r {regions} -n 200 -o one.parquet"));
    let outcome = run.finish().exits(0);
    let program = "
import duckdb, json, pyarrow.parquet
metadata = pyarrow.parquet.ParquetFile('one.parquet').metadata
def group(number):
    group = metadata.row_group(number)
    by_name = {group.column(index).path_in_schema: group.column(index) for index in range(group.num_columns)}
    region = by_name['region']
    return [group.num_rows, region.statistics.min, region.statistics.max, region.has_column_index,
        by_name['title'].has_offset_index, [column.column_index for column in group.sorting_columns]]
bloom = duckdb.sql(\"select count(bloom_filter_length) from parquet_metadata('one.parquet') where path_in_schema = 'video_id'\")
def scanned(condition):
    return duckdb.sql(f\"explain analyze select title from 'one.parquet' where {condition}\").fetchall()[0][1]
print(json.dumps([[group(number) for number in range(metadata.num_row_groups)], bloom.fetchall(),
    scanned(\"region = 'PL'\"), scanned(\"video_id = 'ZA-7'\")]))";
    let found = run_python(&python, program, outcome.folder.path());
    assert_eq!(
        found[0],
        json!([[5000, "AT", "RO", true, true, [3, 6]], [1000, "SE", "ZA", true, true, [3, 6]]]),
        "rows, regions, page index, order"
    );
    assert_eq!(found[1], json!([[2]]), "row groups with a bloom filter");
    for plan in [&found[2], &found[3]] {
        assert!(plan.as_str().unwrap().contains("Row Groups Scanned: 1 / 2"), "{plan}");
    }
}

#[test]
fn the_rows_of_parquet_are_entries() {
    let refused = |arguments: &str| {
        let outcome = Run::on(&server(), &format!("-r US {arguments}")).finish().exits(2);
        assert!(outcome.stderr.contains("the rows of Parquet are chart entries"), "{}", outcome.stderr);
        assert!(outcome.files().is_empty());
    };
    refused("-o trends.parquet --rows videos");
    refused("-f parquet -o lake/ --rows videos -o trends.json");
    Run::on(&server(), "-q -r US -o trends.parquet --rows entries").finish().exits(0);
    Run::on(&server(), "-q -r US -o trends.parquet -o trends.csv --rows videos").finish().exits(0);
}

#[test]
fn standard_output_and_a_file_extension_write_one_file() {
    let magic = b"PAR1";
    let output = Run::on(&server(), "-q -r US -f parquet").command.output().unwrap();
    assert!(output.status.success() && output.stdout.starts_with(magic) && output.stdout.ends_with(magic));
    let outcome = Run::on(&server(), "-q -r US -o trends.parquet").finish().exits(0);
    assert!(fs::read(outcome.folder.path().join("trends.parquet")).unwrap().starts_with(magic));
}
