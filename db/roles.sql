-- Run before every migration, by the database's owner: who there is. All of them are roles without
-- login; the operator gives a login or a member to each (README). Nobody can log in as the owner.
DO $$ DECLARE r text; BEGIN
  FOREACH r IN ARRAY ARRAY['tagout_owner', 'tagout_app', 'tagout_sealer', 'tagout_report'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', r);
    END IF;
  END LOOP;
  -- Not pg_has_role(…, 'USAGE'): a superuser passes that without being a member.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper) AND
     NOT pg_has_role(current_user, 'tagout_owner', 'MEMBER') THEN
    EXECUTE format('GRANT tagout_owner TO %I', current_user);
  END IF;
  EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO tagout_owner', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO tagout_app, tagout_sealer, tagout_report',
                 current_database());
END $$;
