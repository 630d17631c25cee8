-- The runs whose charts are kept. Reads start here, so that they do not slow down as the log of runs grows.
CREATE INDEX runs_kept ON runs (fetched_at) WHERE NOT pruned;
