-- What a document says about its regions, so that `export` can give it back. Null in runs that an older version stored.
ALTER TABLE region_results
    ADD COLUMN position     bigint,                   -- place in the request, from 0
    ADD COLUMN error_status bigint,                   -- HTTP status, if there was a response
    ADD COLUMN error_reason text;                     -- YouTube's word for it, such as quotaExceeded

COMMENT ON COLUMN region_results.position IS 'Place in the request, from 0; null in runs of older versions';
COMMENT ON COLUMN region_results.error_status IS 'HTTP status, if there was a response';
COMMENT ON COLUMN region_results.error_reason IS 'YouTube''s word for the error';
