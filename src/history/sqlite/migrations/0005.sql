-- What a document says about its regions, so that `export` can give it back. Null in runs that an older version stored.
ALTER TABLE region_results ADD COLUMN position     INTEGER; -- place in the request, from 0
ALTER TABLE region_results ADD COLUMN error_status INTEGER; -- HTTP status, if there was a response
ALTER TABLE region_results ADD COLUMN error_reason TEXT;    -- YouTube's word for it, such as quotaExceeded
