//! Queries that both databases understand. Each backend adapts them with a function `adapted`:
//!
//! - SQLite writes `?1` for `$1`.
//! - `{ROWS}` is a row or a list of rows that are given as parameters.
//! - `{RUNS_AND_REGIONS}` is `runs` joined with `region_results`, written so that the database reads `runs` first. Only a
//!   few runs are wanted, but both databases may choose to start with the regions, of which the log has any number.
//! - `{REGIONS}`, `{CATEGORIES}`, `{RUNS}` and `{RUN_IDS}` are lists that are given as a parameter.

/// The regions that were ever requested, each with the start of the newest run that did so. Steps from one region to
/// the next in the index, which is as long as the log.
pub(super) const REQUESTED_REGIONS: &str = "
    WITH RECURSIVE codes (region) AS (
        SELECT min(region) FROM region_results
        UNION ALL
        SELECT (SELECT min(region) FROM region_results WHERE region > codes.region) FROM codes WHERE region IS NOT NULL
    )
    SELECT region, (SELECT max(fetched_at) FROM region_results WHERE region_results.region = codes.region) AS requested_at
    FROM codes WHERE region IS NOT NULL";

/// Adds names of categories, and corrects those that an older version did not know. Parameters: id, name.
pub(super) const UPSERT_CATEGORIES: &str = "
    INSERT INTO categories (id, name) {ROWS}
    ON CONFLICT (id) DO UPDATE SET name = excluded.name
    WHERE categories.name <> excluded.name AND excluded.name <> 'Category ' || excluded.id";

/// Adds regions, and corrects those that an older version did not know. A region that this version does not know has its
/// code as its name. Parameters: code, name, language, search configuration.
pub(super) const UPSERT_REGIONS: &str = "
    INSERT INTO regions (code, name, language, search_config) {ROWS}
    ON CONFLICT (code) DO UPDATE
    SET name = excluded.name, language = excluded.language, search_config = excluded.search_config
    WHERE (regions.name, regions.language, regions.search_config)
          <> (excluded.name, excluded.language, excluded.search_config)
      AND excluded.name <> excluded.code";

/// The kept runs that are dated later than one that was stored after them: a clock was wrong, or an old run was loaded
/// late. Only their entries can outlive the video, since the last sighting of a video is that of the later run.
pub(super) const DATED_AHEAD: &str = "
    SELECT number
    FROM (
        SELECT number, fetched_at,
               min(fetched_at) OVER (ORDER BY number DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS next
        FROM runs WHERE NOT pruned
    ) AS dated
    WHERE next < fetched_at";

/// The runs whose charts are kept.
pub(super) const KEPT_RUNS: &str = "
    SELECT number, id, fetched_at, EXISTS (SELECT 1 FROM left_old WHERE run = number) AS left_expired
    FROM runs WHERE NOT pruned";

/// Notes that runs did not delete expired charts. Parameter: run ids.
pub(super) const NOTE_LEFT_EXPIRED: &str =
    "INSERT INTO left_old (run) SELECT number FROM runs WHERE id IN ({RUN_IDS}) ON CONFLICT (run) DO NOTHING";

/// Each source and category with the number of its kept runs, that of the newest run first; of runs that began together,
/// that of the chart of all categories, then by category. Parameter: until.
pub(super) const SERIES: &str = "
    SELECT source, category_id, count(*) AS runs, max(fetched_at) AS newest
    FROM runs WHERE NOT pruned AND fetched_at <= $1
    GROUP BY source, category_id ORDER BY max(fetched_at) DESC, coalesce(category_id, -1), max(number) DESC";

/// The regions of runs, oldest run first. Parameters: source, since, until, categories (-1 is all).
pub(super) const REGION_ATTEMPTS: &str = "
    SELECT runs.id AS run_id, runs.number AS number, runs.fetched_at AS fetched_at, runs.max_results AS max_results,
           region_results.region AS region, region_results.status AS status, region_results.videos AS videos,
           region_results.error_kind AS error_kind, region_results.error_message AS error_message,
           runs.pruned AS pruned, runs.category_id AS category_id
    FROM {RUNS_AND_REGIONS}
    WHERE runs.source = $1 AND runs.fetched_at >= $2 AND runs.fetched_at <= $3
      AND coalesce(runs.category_id, -1) IN ({CATEGORIES})
    ORDER BY runs.fetched_at, runs.id, region_results.region";

/// The charts of categories that YouTube did not have when they were last requested. Where nothing arrived from the
/// source, that may have had another reason, such as a wrong address. Parameters: source, since, until.
pub(super) const ABSENT_CHARTS: &str = "
    SELECT category_id, region, fetched_at AS requested_at
    FROM (
        SELECT runs.category_id, region_results.region, runs.fetched_at, region_results.error_kind,
               row_number() OVER (PARTITION BY runs.category_id, region_results.region
                                  ORDER BY runs.fetched_at DESC, runs.id DESC) AS nth
        FROM {RUNS_AND_REGIONS}
        WHERE runs.source = $1 AND runs.fetched_at >= $2 AND runs.fetched_at <= $3
          AND runs.category_id IS NOT NULL AND region_results.requests > 0
          AND EXISTS (SELECT 1 FROM runs AS together JOIN region_results AS result ON result.run = together.number
                      WHERE together.source = runs.source AND together.fetched_at = runs.fetched_at
                        AND result.status = 'ok')
    ) AS requested
    WHERE nth = 1 AND error_kind = 'region_unsupported'";

/// The newest complete charts of each region, source and category, newest first; of runs that began together, that of all
/// categories first. Parameters: until, source or null,
/// whether any category will do, category, limit, regions.
pub(super) const NEWEST_CHARTS: &str = "
    SELECT region, id AS run_id, number, fetched_at, source, category_id, max_results
    FROM (
        SELECT region_results.region, runs.id, runs.number, runs.fetched_at, runs.source, runs.category_id,
               runs.max_results,
               row_number() OVER (PARTITION BY region_results.region, runs.source, runs.category_id
                                  ORDER BY runs.fetched_at DESC, runs.id DESC) AS nth
        FROM {RUNS_AND_REGIONS}
        WHERE NOT runs.pruned AND runs.fetched_at <= $1 AND ($2 IS NULL OR runs.source = $2)
          AND ($3 OR runs.category_id IS NOT DISTINCT FROM $4)
          AND region_results.status = 'ok' AND region_results.region IN ({REGIONS})
    ) AS charts
    WHERE nth <= $5
    ORDER BY fetched_at DESC, coalesce(category_id, -1), id DESC";

/// The runs of a period, oldest first, with the number of entries in the charts of some regions; null if the run requested
/// none of them, or its charts are deleted. A loaded document may claim any number of videos. Parameters: since, until, whether any category will do, categories (-1 is all),
/// whether any region will do, regions, run id or null.
pub(super) const STORED_RUNS: &str = "
    SELECT number, id, fetched_at, source, category_id, max_results, pruned, raw, unique_videos, multi_region, skipped,
           requests, retries, rate_limited, quota_units, elapsed_ms, held_ms,
           CASE WHEN NOT pruned THEN (
               SELECT CAST(sum(CASE WHEN videos < 1000000 THEN videos ELSE 1000000 END) AS bigint) FROM region_results
               WHERE region_results.run = runs.number AND ($5 OR region_results.region IN ({REGIONS}))
           ) END AS entries
    FROM runs
    WHERE fetched_at >= $1 AND fetched_at < $2 AND ($3 OR coalesce(category_id, -1) IN ({CATEGORIES}))
      AND ($7 IS NULL OR id = $7)
    ORDER BY fetched_at, coalesce(category_id, -1), id";

/// The results of the regions of runs. Parameter: numbers of the runs.
pub(super) const REGION_RESULTS: &str = "
    SELECT run, region, status, videos, requests, retries, elapsed_ms, error_kind, error_message, error_status,
           error_reason, position
    FROM region_results WHERE run IN ({RUNS})";
