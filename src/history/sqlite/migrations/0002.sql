-- The runs whose charts are kept: reads begin there, so that they do not slow down as the log of runs grows.
CREATE INDEX runs_kept ON runs (fetched_at) WHERE NOT pruned;
