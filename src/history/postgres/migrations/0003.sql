-- Runs that found expired charts and did not delete them, for example because the clock may have been wrong.
CREATE TABLE left_old (
    run integer PRIMARY KEY                           -- runs.number
);

-- Grants the privileges on `runs` for this table too.
DO $$
DECLARE
    granted record;
BEGIN
    FOR granted IN
        SELECT privilege_type AS privilege,
               CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS role
        FROM pg_class, aclexplode(relacl)
        WHERE oid = 'runs'::regclass AND grantee <> relowner
    LOOP
        EXECUTE format('GRANT %s ON left_old TO %s', granted.privilege, granted.role);
    END LOOP;
END $$;
