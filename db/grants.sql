-- Run after every migration, as tagout_owner: who may do what. Only what is listed is allowed.
REVOKE ALL ON ALL TABLES IN SCHEMA audit, tagout FROM PUBLIC, tagout_app, tagout_sealer, tagout_report;
REVOKE ALL ON SCHEMA audit, tagout FROM PUBLIC;
GRANT USAGE ON SCHEMA audit TO tagout_app, tagout_sealer, tagout_report;
GRANT USAGE ON SCHEMA tagout, graphile_worker, drizzle TO tagout_app;

-- The application appends to the record and reads it. It cannot change, remove or seal a row.
GRANT SELECT ON ALL TABLES IN SCHEMA audit TO tagout_app, tagout_report;
GRANT INSERT (body, sig) ON audit.event TO tagout_app;
GRANT INSERT (body) ON audit.evidence TO tagout_app;
GRANT INSERT (sha256, commitment, salt, value) ON audit.evidence_text TO tagout_app;
GRANT INSERT (event_row, path, salt, value) ON audit.detail TO tagout_app;

-- The sealer reads hashes and assigns places. It cannot write an event or read a personal text.
GRANT SELECT ON audit.event, audit.leaf, audit.checkpoint, audit.anchor TO tagout_sealer;
GRANT INSERT ON audit.leaf, audit.checkpoint, audit.anchor TO tagout_sealer;

-- Working state.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tagout TO tagout_app;
GRANT SELECT ON ALL TABLES IN SCHEMA drizzle TO tagout_app;

-- The queue: its tables have row security without a policy, which shuts out everybody but the owner.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA graphile_worker TO tagout_app;
DO $$ DECLARE t name; BEGIN
  FOR t IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity
           AND relnamespace = 'graphile_worker'::regnamespace LOOP
    IF NOT EXISTS (SELECT FROM pg_policies WHERE schemaname = 'graphile_worker'
                   AND tablename = t AND policyname = 'tagout_app') THEN
      EXECUTE format('CREATE POLICY tagout_app ON graphile_worker.%I TO tagout_app
                      USING (true) WITH CHECK (true)', t);
    END IF;
  END LOOP;
END $$;
