-- Foreign keys, the names of categories and regions, and the view `chart`, for programs that show a database.
--
-- All keys refer to primary keys, as in SQLite. The results of regions therefore get the short number of their run, too,
-- and `run_regions` becomes a view.

CREATE TABLE categories (
    id   bigint PRIMARY KEY,
    name text   NOT NULL                              -- YouTube's English name; "Category 99" if it is not known
);

CREATE TABLE regions (
    code          text PRIMARY KEY,                   -- ISO 3166-1 alpha-2
    name          text NOT NULL,                      -- English name; the code if it is not known
    language      text NOT NULL,                      -- usual language of the chart, ISO 639-1; "und" if it is not known
    search_config text NOT NULL                       -- text search configuration for the language
);

-- Unknown names: the program writes those that it knows, here and with each run.
INSERT INTO categories (id, name)
    SELECT id, 'Category ' || id
    FROM (SELECT category_id AS id FROM videos UNION SELECT category_id FROM runs UNION SELECT category_id FROM presence)
         AS used
    WHERE id IS NOT NULL;
INSERT INTO regions (code, name, language, search_config)
    SELECT region, region, 'und', 'simple'
    FROM (SELECT region FROM run_regions UNION SELECT region FROM presence) AS used;

CREATE TABLE region_results (
    run           integer     NOT NULL REFERENCES runs (number),
    region        text        NOT NULL REFERENCES regions (code),
    status        text        NOT NULL,               -- ok, partial, failed
    videos        bigint      NOT NULL,
    error_kind    text,
    error_message text,
    requests      bigint      NOT NULL,
    retries       bigint      NOT NULL,
    elapsed_ms    bigint      NOT NULL,
    fetched_at    timestamptz NOT NULL,               -- of the run
    PRIMARY KEY (run, region)
);
INSERT INTO region_results
    SELECT number, region, run_regions.status, videos, error_kind, error_message, run_regions.requests,
           run_regions.retries, run_regions.elapsed_ms, run_regions.fetched_at
    FROM run_regions JOIN runs ON runs.id = run_id
    ORDER BY number, region;
CREATE INDEX region_results_by_region ON region_results (region, fetched_at);
ALTER TABLE run_regions RENAME TO run_regions_before;

CREATE VIEW run_regions AS
    SELECT runs.id AS run_id, result.region, result.status, result.videos, result.error_kind, result.error_message,
           result.requests, result.retries, result.elapsed_ms, result.fetched_at
    FROM region_results AS result JOIN runs ON runs.number = result.run;

-- Rows that an interrupted deletion left.
DELETE FROM left_old WHERE NOT EXISTS (SELECT 1 FROM runs WHERE number = run);
DELETE FROM presence WHERE NOT EXISTS (SELECT 1 FROM videos WHERE videos.video_id = presence.video_id);

ALTER TABLE videos ADD COLUMN language_tag text;
ALTER TABLE videos ADD FOREIGN KEY (category_id) REFERENCES categories (id);
ALTER TABLE runs ADD FOREIGN KEY (category_id) REFERENCES categories (id);
ALTER TABLE left_old ADD FOREIGN KEY (run) REFERENCES runs (number);
ALTER TABLE presence
    ADD FOREIGN KEY (region) REFERENCES regions (code),
    ADD FOREIGN KEY (category_id) REFERENCES categories (id),
    ADD FOREIGN KEY (video_id) REFERENCES videos (video_id) ON DELETE CASCADE;

-- Begins with the id, by which the rows of a deleted video are found.
DROP INDEX presence_of_video;
CREATE UNIQUE INDEX presence_of_video ON presence (video_id, region, source, coalesce(category_id, -1));

-- The two long tables. If the server checked the keys of each of their rows, storing a run would take half as long again,
-- and deleting a video would need an index on each of them. The keys of a table do not apply to the rows of its children
-- ("Inheritance", "Caveats"). Therefore the rows are in children, and the parents declare the keys.
ALTER TABLE places RENAME TO places_rows;
ALTER INDEX places_pkey RENAME TO places_rows_pkey;
CREATE TABLE places (
    run      integer NOT NULL REFERENCES runs (number),
    region   text    NOT NULL REFERENCES regions (code),
    rank     integer NOT NULL,
    video_id text    NOT NULL REFERENCES videos (video_id),
    PRIMARY KEY (run, region, rank)
);
ALTER TABLE places_rows INHERIT places;

ALTER TABLE counts RENAME TO counts_rows;
ALTER INDEX counts_pkey RENAME TO counts_rows_pkey;
CREATE TABLE counts (
    run      integer NOT NULL REFERENCES runs (number),
    video_id text    NOT NULL REFERENCES videos (video_id),
    views    bigint,
    likes    bigint,
    comments bigint,
    PRIMARY KEY (run, video_id)
);
ALTER TABLE counts_rows INHERIT counts;

-- Chart entries as a person wants to see them.
CREATE VIEW chart AS
    SELECT runs.fetched_at, places.region, places.rank, videos.title, videos.channel, categories.name AS category,
           'https://www.youtube.com/watch?v=' || places.video_id AS url, places.run
    FROM runs JOIN places_rows AS places ON places.run = runs.number
    LEFT JOIN videos ON videos.video_id = places.video_id
    LEFT JOIN categories ON categories.id = videos.category_id
    WHERE NOT runs.pruned;

-- Grants the privileges on the old tables for the new ones too.
DO $$
DECLARE
    granted record;
BEGIN
    FOR granted IN
        SELECT privilege_type AS privilege, relation,
               CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS role
        FROM (VALUES ('runs', 'categories'), ('runs', 'regions'), ('runs', 'chart'),
                     ('run_regions_before', 'region_results'), ('run_regions_before', 'run_regions'),
                     ('places_rows', 'places'), ('counts_rows', 'counts')) AS pairs (model, relation)
        JOIN pg_class ON pg_class.oid = model::regclass, aclexplode(relacl)
        WHERE grantee <> relowner
    LOOP
        EXECUTE format('GRANT %s ON %I TO %s', granted.privilege, granted.relation, granted.role);
    END LOOP;
END $$;
DROP TABLE run_regions_before;

COMMENT ON VIEW chart IS 'Chart entries with titles and names; begin here';
COMMENT ON TABLE runs IS 'A row for each run; stays when its charts are deleted';
COMMENT ON COLUMN runs.number IS 'Short name of the run within this database';
COMMENT ON COLUMN runs.id IS 'run_id of the document';
COMMENT ON COLUMN runs.fetched_at IS 'Start of the run';
COMMENT ON COLUMN runs.category_id IS 'Category of the charts; null: all categories';
COMMENT ON COLUMN runs.status IS 'ok, partial or failed';
COMMENT ON COLUMN runs.pruned IS 'Whether its charts are deleted';
COMMENT ON TABLE region_results IS 'A row for each region that a run requested; stays when charts are deleted';
COMMENT ON COLUMN region_results.status IS 'ok, partial or failed';
COMMENT ON COLUMN region_results.fetched_at IS 'Start of the run';
COMMENT ON VIEW run_regions IS 'region_results with the id of the run';
COMMENT ON TABLE videos IS 'A row for each video, with its latest data';
COMMENT ON COLUMN videos.live IS 'none, live or upcoming';
COMMENT ON COLUMN videos.declared_language IS 'Of the audio, or otherwise of the title';
COMMENT ON COLUMN videos.language_tag IS 'Tag of declared_language as YouTube gives it';
COMMENT ON COLUMN videos.primary_language IS 'Usual language of the first region that had the video';
COMMENT ON COLUMN videos.search IS 'Title, channel and tags by search_config';
COMMENT ON VIEW chart_entries IS 'places with the id of the run';
COMMENT ON VIEW observations IS 'counts with the id of the run';
COMMENT ON TABLE places IS 'A row for each chart entry of each run; stored in places_rows';
COMMENT ON TABLE places_rows IS 'Rows of places, whose keys are not checked here';
COMMENT ON COLUMN places.run IS 'runs.number';
COMMENT ON TABLE counts IS 'A row for each video of each run, with its counts at that time; stored in counts_rows';
COMMENT ON TABLE counts_rows IS 'Rows of counts, whose keys are not checked here';
COMMENT ON COLUMN counts.run IS 'runs.number';
COMMENT ON TABLE presence IS 'A row for each video in each chart, with the first and last time that it was seen';
COMMENT ON COLUMN presence.category_id IS 'Category of the chart; null: all categories';
COMMENT ON TABLE left_old IS 'Runs that found expired charts and did not delete them';
COMMENT ON TABLE categories IS 'YouTube''s video categories';
COMMENT ON TABLE regions IS 'Regions for which YouTube has a chart, and others that were requested';
COMMENT ON TABLE trendfetch_schema IS 'Versions of these tables';
