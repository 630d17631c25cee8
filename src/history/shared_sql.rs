//! The questions that both engines understand, but for the sign of a placeholder, which is PostgreSQL's, and for
//! `RUNS_AND_REGIONS`: `runs` with their `run_regions`, where the runs are read first. Few of them are wanted; left to
//! themselves, both engines may begin with the regions, in a log that is as long as it likes.

/// The regions that were ever asked for, each with the start of the newest run that did so. Steps from one region to
/// the next in the index, whose length is that of the whole log.
pub(super) const REGIONS: &str = "
    WITH RECURSIVE codes (region) AS (
        SELECT min(region) FROM run_regions
        UNION ALL
        SELECT (SELECT min(region) FROM run_regions WHERE region > codes.region) FROM codes WHERE region IS NOT NULL
    )
    SELECT region, (SELECT max(fetched_at) FROM run_regions WHERE run_regions.region = codes.region)
    FROM codes WHERE region IS NOT NULL";

/// The runs whose charts are kept.
pub(super) const KEPT: &str = "
    SELECT number, id, fetched_at, EXISTS (SELECT 1 FROM left_old WHERE run = number) FROM runs WHERE NOT pruned";

/// Notes that a run left charts that were too old: its id.
pub(super) const NOTE_LEFT_OLD: &str =
    "INSERT INTO left_old (run) SELECT number FROM runs WHERE id = $1 ON CONFLICT (run) DO NOTHING";

/// Past regions: source, category, depth, since.
pub(super) const PAST: &str = "
    SELECT runs.id, runs.fetched_at, run_regions.region,
           run_regions.status = 'ok' OR coalesce(run_regions.error_kind = 'region_unsupported', false)
    FROM RUNS_AND_REGIONS
    WHERE runs.source = $1 AND runs.category_id IS NOT DISTINCT FROM $2
      AND runs.max_results >= $3 AND runs.fetched_at >= $4";

/// Sources and categories with the number of their kept runs, that of the newest run first: until.
pub(super) const SCOPES: &str = "
    SELECT source, category_id, count(*), max(fetched_at) FROM runs WHERE NOT pruned AND fetched_at <= $1
    GROUP BY source, category_id ORDER BY max(fetched_at) DESC, max(number) DESC";

/// The regions of runs, oldest run first: source, category, since, until.
pub(super) const ATTEMPTS: &str = "
    SELECT runs.id, runs.number, runs.fetched_at, runs.max_results, run_regions.region, run_regions.status,
           run_regions.videos, run_regions.error_kind, run_regions.error_message, runs.pruned
    FROM RUNS_AND_REGIONS
    WHERE runs.source = $1 AND runs.category_id IS NOT DISTINCT FROM $2
      AND runs.fetched_at >= $3 AND runs.fetched_at <= $4
    ORDER BY runs.fetched_at, runs.id, run_regions.region";

/// The newest whole charts of each region, source and category, newest first: until, source or null, any category,
/// category, most. `REGIONS` stands for a list of them, which each backend gives in its own way.
pub(super) const NEWEST: &str = "
    SELECT region, id, number, fetched_at, source, category_id, max_results
    FROM (
        SELECT run_regions.region, runs.id, runs.number, runs.fetched_at, runs.source, runs.category_id,
               runs.max_results,
               row_number() OVER (PARTITION BY run_regions.region, runs.source, runs.category_id
                                  ORDER BY runs.fetched_at DESC, runs.id DESC) AS nth
        FROM RUNS_AND_REGIONS
        WHERE NOT runs.pruned AND runs.fetched_at <= $1 AND ($2 IS NULL OR runs.source = $2)
          AND ($3 OR runs.category_id IS NOT DISTINCT FROM $4)
          AND run_regions.status = 'ok' AND run_regions.region IN (REGIONS)
    ) AS charts
    WHERE nth <= $5
    ORDER BY fetched_at DESC, id DESC";
