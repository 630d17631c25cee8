-- The same tables as in SQLite, with PostgreSQL's types, and full text search.

CREATE TABLE runs (
    number        integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- short name of the run within this database
    id            uuid        NOT NULL UNIQUE,        -- run_id of the document
    fetched_at    timestamptz NOT NULL,               -- start of the run, whole seconds
    source        text        NOT NULL,
    category_id   bigint,                             -- null: all categories
    max_results   bigint      NOT NULL,
    status        text        NOT NULL,               -- ok, partial, failed
    raw           bigint      NOT NULL,
    unique_videos bigint      NOT NULL,
    multi_region  bigint      NOT NULL,
    skipped       bigint      NOT NULL,
    requests      bigint      NOT NULL,
    retries       bigint      NOT NULL,
    rate_limited  bigint      NOT NULL,
    quota_units   bigint      NOT NULL,
    elapsed_ms    bigint      NOT NULL,
    held_ms       bigint      NOT NULL,
    pruned        boolean     NOT NULL DEFAULT false  -- its charts are deleted, this row stays
);
CREATE INDEX runs_by_time ON runs (fetched_at);

CREATE TABLE run_regions (
    run_id        uuid        NOT NULL REFERENCES runs (id),
    region        text        NOT NULL,
    status        text        NOT NULL,               -- ok, partial, failed
    videos        bigint      NOT NULL,
    error_kind    text,
    error_message text,
    requests      bigint      NOT NULL,
    retries       bigint      NOT NULL,
    elapsed_ms    bigint      NOT NULL,
    fetched_at    timestamptz NOT NULL,               -- of the run
    PRIMARY KEY (run_id, region)
);
CREATE INDEX run_regions_by_region ON run_regions (region, fetched_at);

CREATE TABLE videos (
    video_id               text        PRIMARY KEY,
    title                  text        NOT NULL,
    channel                text        NOT NULL,
    channel_id             text,
    category_id            bigint,
    views                  bigint,
    likes                  bigint,
    comments               bigint,
    published_at           timestamptz,
    duration_seconds       bigint,
    live                   text        NOT NULL,      -- none, live, upcoming
    embeddable             boolean,
    age_restricted         boolean,
    tags                   jsonb       NOT NULL,      -- an array
    thumbnail              text,
    description            text,                      -- as last fetched
    description_fetched_at timestamptz,
    declared_language      text,
    primary_language       text        NOT NULL,
    search_config          text        NOT NULL,      -- text, since a regconfig column would block pg_upgrade
    first_seen_at          timestamptz NOT NULL,
    last_seen_at           timestamptz NOT NULL,
    search                 tsvector    NOT NULL       -- title, channel and tags by search_config
) WITH (fillfactor = 80);                             -- room to update rows in place at each run
CREATE INDEX videos_search ON videos USING gin (search);

CREATE TABLE places (
    run      integer NOT NULL,                        -- runs.number
    region   text    NOT NULL,
    rank     integer NOT NULL,
    video_id text    NOT NULL,
    PRIMARY KEY (run, region, rank)
);

CREATE TABLE counts (
    run      integer NOT NULL,                        -- runs.number
    video_id text    NOT NULL,
    views    bigint,
    likes    bigint,
    comments bigint,
    PRIMARY KEY (run, video_id)
);

CREATE TABLE presence (
    source        text        NOT NULL,
    region        text        NOT NULL,
    category_id   bigint,                             -- null: all categories
    video_id      text        NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX presence_of_video ON presence (region, video_id, source, coalesce(category_id, -1));

CREATE VIEW chart_entries AS
    SELECT runs.id AS run_id, places.region, places.rank, places.video_id
    FROM places JOIN runs ON runs.number = places.run;

CREATE VIEW observations AS
    SELECT runs.id AS run_id, counts.video_id, counts.views, counts.likes, counts.comments
    FROM counts JOIN runs ON runs.number = counts.run;
