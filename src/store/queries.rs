//! The questions that both engines understand, but for the sign of a placeholder: `$1` is PostgreSQL's.

/// The regions that were ever asked for.
pub(super) const REGIONS: &str = "SELECT DISTINCT region FROM run_regions ORDER BY region";

/// Past regions: source, category, depth, since.
pub(super) const PAST: &str = "
    SELECT runs.id, runs.fetched_at, run_regions.region,
           run_regions.status = 'ok' OR coalesce(run_regions.error_kind = 'region_unsupported', false)
    FROM runs JOIN run_regions ON run_regions.run_id = runs.id
    WHERE runs.source = $1 AND runs.category_id IS NOT DISTINCT FROM $2
      AND runs.max_results >= $3 AND runs.fetched_at >= $4";

/// Sources and categories with the number of their runs, that of the newest run first: until.
pub(super) const SCOPES: &str = "
    SELECT source, category_id, count(*), max(fetched_at) FROM runs WHERE fetched_at <= $1
    GROUP BY source, category_id ORDER BY max(fetched_at) DESC, max(number) DESC";

/// The regions of runs, oldest run first: source, category, since, until.
pub(super) const ATTEMPTS: &str = "
    SELECT runs.id, runs.number, runs.fetched_at, runs.max_results, run_regions.region, run_regions.status,
           run_regions.videos, run_regions.error_kind, run_regions.error_message, runs.pruned
    FROM runs JOIN run_regions ON run_regions.run_id = runs.id
    WHERE runs.source = $1 AND runs.category_id IS NOT DISTINCT FROM $2
      AND runs.fetched_at >= $3 AND runs.fetched_at <= $4
    ORDER BY runs.fetched_at, runs.id, run_regions.region";

/// The places of a region's whole charts, oldest run first: region, source, category, depth, since, until.
pub(super) const STANDINGS: &str = "
    SELECT runs.number, places.rank, places.video_id
    FROM run_regions
    JOIN runs ON runs.id = run_regions.run_id
    JOIN places ON places.run = runs.number AND places.region = run_regions.region AND places.rank <= $4
    WHERE run_regions.region = $1 AND run_regions.status = 'ok' AND NOT runs.pruned
      AND runs.source = $2 AND runs.category_id IS NOT DISTINCT FROM $3
      AND run_regions.fetched_at >= $5 AND run_regions.fetched_at <= $6
    ORDER BY runs.fetched_at, runs.id, places.rank";

/// Whole charts of a region, newest first: region, until.
pub(super) const FETCHES: &str = "
    SELECT runs.id, runs.number, runs.fetched_at, runs.source, runs.category_id, runs.max_results
    FROM run_regions JOIN runs ON runs.id = run_regions.run_id
    WHERE run_regions.region = $1 AND run_regions.status = 'ok' AND NOT runs.pruned
      AND runs.fetched_at <= $2
    ORDER BY runs.fetched_at DESC, runs.id DESC";

/// A chart with what is known of its videos: run, region, depth, source, category or -1.
pub(super) const CHART: &str = "
    SELECT places.rank, places.video_id, videos.title, videos.channel, presence.first_seen_at,
           videos.category_id, counts.views, videos.thumbnail, videos.declared_language
    FROM places
    LEFT JOIN counts ON counts.run = places.run AND counts.video_id = places.video_id
    JOIN videos ON videos.video_id = places.video_id
    JOIN presence ON presence.region = places.region AND presence.video_id = places.video_id
         AND presence.source = $4 AND coalesce(presence.category_id, -1) = $5
    WHERE places.run = $1 AND places.region = $2 AND places.rank <= $3
    ORDER BY places.rank";
