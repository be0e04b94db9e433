-- Run before every migration, by the database's owner: who there is. All of them are roles without
-- login; the operator makes a login that is a member (README). Nobody can log in as the owner.
DO $$
DECLARE
  r text;
  -- Since PostgreSQL 16 whoever makes a role may grant it, but cannot yet take it on.
  taking_on text := CASE WHEN current_setting('server_version_num')::int >= 160000
                    THEN 'SET' ELSE 'MEMBER' END;
BEGIN
  FOREACH r IN ARRAY ARRAY['tagout_owner', 'tagout_app', 'tagout_sealer', 'tagout_report'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', r);
    END IF;
    IF NOT pg_has_role(current_user, r, taking_on) THEN
      BEGIN
        EXECUTE format('GRANT %I TO %I', r, current_user);
      EXCEPTION WHEN insufficient_privilege THEN
        -- Another owner made the roles. Only the first is needed to migrate.
        IF r = 'tagout_owner' THEN
          RAISE EXCEPTION 'a superuser must first run: grant tagout_owner to %', current_user
            USING errcode = 'insufficient_privilege';
        END IF;
      END;
    END IF;
  END LOOP;
  EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO tagout_owner', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO tagout_app, tagout_sealer, tagout_report',
                 current_database());
END $$;
