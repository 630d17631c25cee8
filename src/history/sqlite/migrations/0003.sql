-- Runs that should have deleted charts for their age and did not: so many at once that their clock may have been wrong.
CREATE TABLE left_old (
    run INTEGER PRIMARY KEY                  -- runs.number
) STRICT;
