//! Queries that both databases understand. Each backend adapts them with a function `adapted`:
//!
//! - SQLite writes `?1` for `$1`.
//! - `{RUNS_AND_REGIONS}` is `runs` joined with `run_regions`, written so that the database reads `runs` first. Only a
//!   few runs are wanted, but both databases may choose to start with the regions, of which the log has any number.
//! - `{REGIONS}` is the list of region codes that is given as a parameter.

/// The regions that were ever requested, each with the start of the newest run that did so. Steps from one region to
/// the next in the index, which is as long as the log.
pub(super) const REQUESTED_REGIONS: &str = "
    WITH RECURSIVE codes (region) AS (
        SELECT min(region) FROM run_regions
        UNION ALL
        SELECT (SELECT min(region) FROM run_regions WHERE region > codes.region) FROM codes WHERE region IS NOT NULL
    )
    SELECT region, (SELECT max(fetched_at) FROM run_regions WHERE run_regions.region = codes.region) AS requested_at
    FROM codes WHERE region IS NOT NULL";

/// The runs whose charts are kept.
pub(super) const KEPT_RUNS: &str = "
    SELECT number, id, fetched_at, EXISTS (SELECT 1 FROM left_old WHERE run = number) AS left_expired
    FROM runs WHERE NOT pruned";

/// Notes that a run did not delete expired charts. Parameter: run id.
pub(super) const NOTE_LEFT_EXPIRED: &str =
    "INSERT INTO left_old (run) SELECT number FROM runs WHERE id = $1 ON CONFLICT (run) DO NOTHING";

/// Each source and category with the number of its kept runs, that of the newest run first. Parameter: until.
pub(super) const SERIES: &str = "
    SELECT source, category_id, count(*) AS runs, max(fetched_at) AS newest
    FROM runs WHERE NOT pruned AND fetched_at <= $1
    GROUP BY source, category_id ORDER BY max(fetched_at) DESC, max(number) DESC";

/// The regions of runs, oldest run first. Parameters: source, category, since, until.
pub(super) const REGION_ATTEMPTS: &str = "
    SELECT runs.id AS run_id, runs.number AS number, runs.fetched_at AS fetched_at, runs.max_results AS max_results,
           run_regions.region AS region, run_regions.status AS status, run_regions.videos AS videos,
           run_regions.error_kind AS error_kind, run_regions.error_message AS error_message, runs.pruned AS pruned
    FROM {RUNS_AND_REGIONS}
    WHERE runs.source = $1 AND runs.category_id IS NOT DISTINCT FROM $2
      AND runs.fetched_at >= $3 AND runs.fetched_at <= $4
    ORDER BY runs.fetched_at, runs.id, run_regions.region";

/// The newest complete charts of each region, source and category, newest first. Parameters: until, source or null,
/// whether any category will do, category, limit, regions.
pub(super) const NEWEST_CHARTS: &str = "
    SELECT region, id AS run_id, number, fetched_at, source, category_id, max_results
    FROM (
        SELECT run_regions.region, runs.id, runs.number, runs.fetched_at, runs.source, runs.category_id,
               runs.max_results,
               row_number() OVER (PARTITION BY run_regions.region, runs.source, runs.category_id
                                  ORDER BY runs.fetched_at DESC, runs.id DESC) AS nth
        FROM {RUNS_AND_REGIONS}
        WHERE NOT runs.pruned AND runs.fetched_at <= $1 AND ($2 IS NULL OR runs.source = $2)
          AND ($3 OR runs.category_id IS NOT DISTINCT FROM $4)
          AND run_regions.status = 'ok' AND run_regions.region IN ({REGIONS})
    ) AS charts
    WHERE nth <= $5
    ORDER BY fetched_at DESC, id DESC";
