-- Foreign keys, the names of categories and regions, and the view `chart`, for programs that show a database.
--
-- The keys are declared and not enforced: that would take two more indexes over the long tables, or a scan of them for
-- each video that is deleted. All keys refer to primary keys, which some programs require for their links. The results
-- of regions therefore get the short number of their run, too, and `run_regions` becomes a view.

CREATE TABLE categories (
    id   INTEGER PRIMARY KEY,
    name TEXT    NOT NULL                    -- YouTube's English name; "Category 99" if it is not known
) STRICT;

CREATE TABLE regions (
    code          TEXT NOT NULL PRIMARY KEY, -- ISO 3166-1 alpha-2
    name          TEXT NOT NULL,             -- English name; the code if it is not known
    language      TEXT NOT NULL,             -- usual language of the chart, ISO 639-1; "und" if it is not known
    search_config TEXT NOT NULL              -- PostgreSQL's text search configuration for the language
) STRICT, WITHOUT ROWID;

CREATE TABLE region_results (
    run           INTEGER NOT NULL REFERENCES runs (number),
    region        TEXT    NOT NULL REFERENCES regions (code),
    status        TEXT    NOT NULL,          -- ok, partial, failed
    videos        INTEGER NOT NULL,
    error_kind    TEXT,
    error_message TEXT,
    requests      INTEGER NOT NULL,
    retries       INTEGER NOT NULL,
    elapsed_ms    INTEGER NOT NULL,
    fetched_at    TEXT    NOT NULL,          -- of the run
    PRIMARY KEY (run, region)
) STRICT, WITHOUT ROWID;

INSERT INTO region_results
    SELECT number, region, run_regions.status, videos, error_kind, error_message, run_regions.requests,
           run_regions.retries, run_regions.elapsed_ms, run_regions.fetched_at
    FROM run_regions JOIN runs ON runs.id = run_id
    ORDER BY number, region;
DROP TABLE run_regions;
CREATE INDEX region_results_by_region ON region_results (region, fetched_at);

CREATE VIEW run_regions AS
    SELECT runs.id AS run_id, result.region, result.status, result.videos, result.error_kind, result.error_message,
           result.requests, result.retries, result.elapsed_ms, result.fetched_at
    FROM region_results AS result JOIN runs ON runs.number = result.run;

ALTER TABLE videos ADD COLUMN language_tag TEXT;

-- SQLite cannot add a key to a table. The definition of the table can be replaced without copying its rows, since a key
-- does not change how they are stored ("ALTER TABLE", "Making Other Kinds Of Table Schema Changes").
PRAGMA writable_schema = ON;

UPDATE sqlite_schema SET sql = replace(
    sql,
    'category_id   INTEGER,                   -- null: all categories',
    'category_id   INTEGER REFERENCES categories (id), -- null: all categories'
) WHERE type = 'table' AND name IN ('runs', 'presence');

UPDATE sqlite_schema SET sql = replace(
    sql,
    'category_id            INTEGER,', 'category_id            INTEGER REFERENCES categories (id),'
) WHERE type = 'table' AND name = 'videos';

UPDATE sqlite_schema SET sql = replace(replace(replace(
    sql,
    'INTEGER NOT NULL,               -- runs.number', 'INTEGER NOT NULL REFERENCES runs (number),'),
    'region   TEXT    NOT NULL', 'region   TEXT    NOT NULL REFERENCES regions (code)'),
    'video_id TEXT    NOT NULL', 'video_id TEXT    NOT NULL REFERENCES videos (video_id)'
) WHERE type = 'table' AND name IN ('places', 'counts');

UPDATE sqlite_schema SET sql = replace(replace(
    sql,
    'region        TEXT NOT NULL', 'region        TEXT NOT NULL REFERENCES regions (code)'),
    'video_id      TEXT NOT NULL', 'video_id      TEXT NOT NULL REFERENCES videos (video_id)'
) WHERE type = 'table' AND name = 'presence';

UPDATE sqlite_schema SET sql = replace(
    sql,
    'INTEGER PRIMARY KEY                  -- runs.number', 'INTEGER PRIMARY KEY REFERENCES runs (number)'
) WHERE type = 'table' AND name = 'left_old';

PRAGMA writable_schema = RESET;

-- Unknown names: the program writes those that it knows, here and with each run.
INSERT INTO categories (id, name)
    SELECT id, 'Category ' || id
    FROM (SELECT category_id AS id FROM videos UNION SELECT category_id FROM runs UNION SELECT category_id FROM presence)
    WHERE id IS NOT NULL;
INSERT INTO regions (code, name, language, search_config)
    SELECT region, region, 'und', 'simple'
    FROM (SELECT region FROM region_results UNION SELECT region FROM presence);

-- Chart entries as a person wants to see them, the newest chart first.
CREATE VIEW chart AS
    SELECT runs.fetched_at, places.region, places.rank, videos.title, videos.channel, categories.name AS category,
           'https://www.youtube.com/watch?v=' || places.video_id AS url, places.run
    FROM runs CROSS JOIN places ON places.run = runs.number
    LEFT JOIN videos ON videos.video_id = places.video_id
    LEFT JOIN categories ON categories.id = videos.category_id
    WHERE NOT runs.pruned
    ORDER BY runs.fetched_at DESC, runs.number DESC, places.region, places.rank;
