//! The store step against the databases' own tools.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use trendfetch::history::{self, Access, Location};

use super::data::run;
use super::tools::{REPEATS, compare, keep, psql, sqlite3};

/// The store step against `.import` of the same rows into the same tables with the same pragmas.
pub(super) async fn against_import(folder: &Path) {
    // .import knows no null, so that no number may be one.
    let document = run(0, Some(20));
    let filled = folder.join("filled.db");
    keep(&filled.display().to_string(), &document).await;
    let tables = ["runs", "run_regions", "videos", "places", "counts", "presence"];
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
        ours.push(keep(&file.display().to_string(), &document).await);
        let file = folder.join(format!("theirs-{repeat}.db"));
        let location = Location::parse(&file.display().to_string(), "the benchmark").expect("a location");
        drop(history::open(&location, Access::Create).await.expect("a history"));
        let began = Instant::now();
        sqlite3(&file, &imports);
        theirs.push(began.elapsed());
    }
    compare("111 x 200 places: SQLite, against sqlite3 .import", ours, theirs);
}

/// The store step against COPY of the same rows into the same tables.
pub(super) async fn against_copy(folder: &Path, url: &str) {
    let document = run(0, None);
    let empty = "TRUNCATE run_regions, runs, videos, places, counts, presence";
    let tables = ["runs", "run_regions", "videos", "places", "counts", "presence"];
    keep(url, &document).await;
    for table in tables {
        psql(url, &format!("\\copy {table} TO '{}'", folder.join(table).display()));
    }
    let copies: String =
        tables.iter().map(|table| format!("\\copy {table} FROM '{}'\n", folder.join(table).display())).collect();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        psql(url, empty);
        ours.push(keep(url, &document).await);
        psql(url, empty);
        let began = Instant::now();
        psql(url, &format!("BEGIN;\n{copies}COMMIT;\n"));
        theirs.push(began.elapsed());
    }
    compare("111 x 200 places: PostgreSQL, against COPY", ours, theirs);
    psql(url, empty);
}
