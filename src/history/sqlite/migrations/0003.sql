-- Runs that found expired charts and did not delete them, for example because the clock may have been wrong.
CREATE TABLE left_old (
    run INTEGER PRIMARY KEY                  -- runs.number
) STRICT;
