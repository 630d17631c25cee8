//! Compares storing a run with the databases' own import tools.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use trendfetch::history::{self, Access, Location};

use super::data::run;
use super::tools::{REPEATS, compare, psql, sqlite3, store};

/// Compares with `.import` of the same rows into the same tables with the same pragmas.
pub(super) async fn against_import(folder: &Path) {
    // .import cannot read NULL, so the run has a category.
    let document = run(0, Some(20));
    let filled = folder.join("filled.db");
    store(&filled.display().to_string(), &document).await;
    let tables = ["runs", "region_results", "videos", "places", "counts", "presence"];
    for table in tables {
        sqlite3(&filled, &format!(".mode csv\n.output {}\nSELECT * FROM {table};\n", folder.join(table).display()));
    }
    let mut imports = String::from(".mode csv\nPRAGMA synchronous = FULL;\nPRAGMA cache_size = -8192;\nBEGIN;\n");
    for table in tables {
        let _ = writeln!(imports, ".import {} {table}", folder.join(table).display());
    }
    imports.push_str("COMMIT;\n");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for repeat in 0..REPEATS {
        let file = folder.join(format!("ours-{repeat}.db"));
        ours.push(store(&file.display().to_string(), &document).await);
        let file = folder.join(format!("theirs-{repeat}.db"));
        let location = Location::parse(&file.display().to_string(), "the benchmark").expect("a location");
        drop(history::open(&location, Access::Create).await.expect("a history"));
        let started = Instant::now();
        sqlite3(&file, &imports);
        theirs.push(started.elapsed());
    }
    compare("111 x 200 entries: SQLite, compared with sqlite3 .import", ours, theirs);
}

/// Compares with COPY of the same rows into the same tables.
pub(super) async fn against_copy(folder: &Path, url: &str) {
    let document = run(0, None);
    let empty = "TRUNCATE runs, videos, region_results, places, counts, presence, left_old";
    let tables = ["runs", "region_results", "videos", "places_rows", "counts_rows", "presence"];
    store(url, &document).await;
    for table in tables {
        psql(url, &format!("\\copy {table} TO '{}'", folder.join(table).display()));
    }
    let copies: String =
        tables.iter().map(|table| format!("\\copy {table} FROM '{}'\n", folder.join(table).display())).collect();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        psql(url, empty);
        ours.push(store(url, &document).await);
        psql(url, empty);
        let started = Instant::now();
        psql(url, &format!("BEGIN;\n{copies}COMMIT;\n"));
        theirs.push(started.elapsed());
    }
    compare("111 x 200 entries: PostgreSQL, compared with COPY", ours, theirs);
    psql(url, empty);
}
