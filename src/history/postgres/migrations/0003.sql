-- Runs that should have deleted charts for their age and did not: so many at once that their clock may have been wrong.
CREATE TABLE left_old (
    run integer PRIMARY KEY                           -- runs.number
);

-- Who may do something with the runs may do it with these.
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
