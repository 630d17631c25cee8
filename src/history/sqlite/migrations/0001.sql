-- The id of a run has 36 characters, and a run has up to 22,200 chart entries. The two long tables
-- therefore hold the run's short number, and views replace it by the id.

CREATE TABLE runs (
    number        INTEGER PRIMARY KEY,       -- short name of the run within this file
    id            TEXT    NOT NULL UNIQUE,   -- run_id of the document
    fetched_at    TEXT    NOT NULL,          -- start of the run, RFC 3339, UTC, whole seconds
    source        TEXT    NOT NULL,
    category_id   INTEGER,                   -- null: all categories
    max_results   INTEGER NOT NULL,
    status        TEXT    NOT NULL,          -- ok, partial, failed
    raw           INTEGER NOT NULL,
    unique_videos INTEGER NOT NULL,
    multi_region  INTEGER NOT NULL,
    skipped       INTEGER NOT NULL,
    requests      INTEGER NOT NULL,
    retries       INTEGER NOT NULL,
    rate_limited  INTEGER NOT NULL,
    quota_units   INTEGER NOT NULL,
    elapsed_ms    INTEGER NOT NULL,
    held_ms       INTEGER NOT NULL,
    pruned        INTEGER NOT NULL DEFAULT 0 -- 1: its charts are deleted, this row stays
) STRICT;
CREATE INDEX runs_by_time ON runs (fetched_at);

CREATE TABLE run_regions (
    run_id        TEXT    NOT NULL REFERENCES runs (id),
    region        TEXT    NOT NULL,
    status        TEXT    NOT NULL,          -- ok, partial, failed
    videos        INTEGER NOT NULL,
    error_kind    TEXT,
    error_message TEXT,
    requests      INTEGER NOT NULL,
    retries       INTEGER NOT NULL,
    elapsed_ms    INTEGER NOT NULL,
    fetched_at    TEXT    NOT NULL,          -- of the run
    PRIMARY KEY (run_id, region)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_regions_by_region ON run_regions (region, fetched_at);

CREATE TABLE videos (
    video_id               TEXT NOT NULL PRIMARY KEY,
    title                  TEXT NOT NULL,
    channel                TEXT NOT NULL,
    channel_id             TEXT,
    category_id            INTEGER,
    views                  INTEGER,
    likes                  INTEGER,
    comments               INTEGER,
    published_at           TEXT,
    duration_seconds       INTEGER,
    live                   TEXT NOT NULL,    -- none, live, upcoming
    embeddable             INTEGER,          -- 1, 0, null
    age_restricted         INTEGER,
    tags                   TEXT NOT NULL,    -- a JSON array
    thumbnail              TEXT,
    description            TEXT,             -- as last fetched
    description_fetched_at TEXT,
    declared_language      TEXT,
    primary_language       TEXT NOT NULL,
    search_config          TEXT NOT NULL,
    first_seen_at          TEXT NOT NULL,
    last_seen_at           TEXT NOT NULL
) STRICT;

CREATE TABLE places (
    run      INTEGER NOT NULL,               -- runs.number
    region   TEXT    NOT NULL,
    rank     INTEGER NOT NULL,
    video_id TEXT    NOT NULL,
    PRIMARY KEY (run, region, rank)
) STRICT, WITHOUT ROWID;

CREATE TABLE counts (
    run      INTEGER NOT NULL,               -- runs.number
    video_id TEXT    NOT NULL,
    views    INTEGER,
    likes    INTEGER,
    comments INTEGER,
    PRIMARY KEY (run, video_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE presence (
    source        TEXT NOT NULL,
    region        TEXT NOT NULL,
    category_id   INTEGER,                   -- null: all categories
    video_id      TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    last_seen_at  TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX presence_of_video ON presence (region, video_id, source, coalesce(category_id, -1));

CREATE VIEW chart_entries AS
    SELECT runs.id AS run_id, places.region, places.rank, places.video_id
    FROM places JOIN runs ON runs.number = places.run;

CREATE VIEW observations AS
    SELECT runs.id AS run_id, counts.video_id, counts.views, counts.likes, counts.comments
    FROM counts JOIN runs ON runs.number = counts.run;
