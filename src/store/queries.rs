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

/// Whole charts of a region, newest first: region, until.
pub(super) const FETCHES: &str = "
    SELECT runs.id, runs.number, runs.fetched_at, runs.source, runs.category_id, runs.max_results
    FROM run_regions JOIN runs ON runs.id = run_regions.run_id
    WHERE run_regions.region = $1 AND run_regions.status = 'ok' AND NOT runs.pruned
      AND runs.fetched_at <= $2
    ORDER BY runs.fetched_at DESC, runs.id DESC";

/// A chart with what is known of its videos: run, region, depth, source, category or -1.
pub(super) const CHART: &str = "
    SELECT places.rank, places.video_id, videos.title, videos.channel, presence.first_seen_at
    FROM places
    JOIN videos ON videos.video_id = places.video_id
    JOIN presence ON presence.region = places.region AND presence.video_id = places.video_id
         AND presence.source = $4 AND coalesce(presence.category_id, -1) = $5
    WHERE places.run = $1 AND places.region = $2 AND places.rank <= $3
    ORDER BY places.rank";
