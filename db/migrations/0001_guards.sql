-- What keeps the audit tables append-only, and the two functions through which jobs are added.
CREATE FUNCTION audit.forbid() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'audit tables are append-only (% on %.%)', tg_op, tg_table_schema, tg_table_name
    USING errcode = 'insufficient_privilege';
END $$;
--> statement-breakpoint
-- ENABLE ALWAYS makes the triggers fire under session_replication_role = replica too.
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['event', 'leaf', 'checkpoint', 'anchor', 'evidence'] LOOP
    EXECUTE format('CREATE TRIGGER no_row_change BEFORE UPDATE OR DELETE ON audit.%I
                    FOR EACH ROW EXECUTE FUNCTION audit.forbid()', t);
    EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit.%I
                    FOR EACH STATEMENT EXECUTE FUNCTION audit.forbid()', t);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER no_row_change,
                    ENABLE ALWAYS TRIGGER no_truncate', t);
  END LOOP;
END $$;
--> statement-breakpoint
-- Adds jobs in the caller's own transaction. Sorted by key, so that two callers never wait for each
-- other in a circle. Each job: task, payload, queue, key, priority, runAtMs, maxAttempts.
CREATE FUNCTION tagout.enqueue(jobs json) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  PERFORM graphile_worker.add_jobs(array_agg((
      job->>'task',
      job->'payload',
      job->>'queue',
      to_timestamp((job->>'runAtMs')::double precision / 1000),
      (job->>'maxAttempts')::smallint,
      job->>'key',
      (job->>'priority')::smallint,
      null
    )::graphile_worker.job_spec ORDER BY job->>'key'))
    FROM json_array_elements(jobs) AS job
    HAVING count(*) > 0;
END $$;
--> statement-breakpoint
-- One delivery and the jobs that it asks for, in one statement and so in one transaction and one
-- round trip. False: this delivery is known already, and nothing was done.
CREATE FUNCTION tagout.receive(
  delivery_id text, event text, action text, installation_id bigint,
  payload_sha256 text, received_at_ms bigint, jobs json
) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO tagout.delivery VALUES
    (delivery_id, event, action, installation_id, payload_sha256, received_at_ms)
    ON CONFLICT DO NOTHING;
  IF NOT found THEN RETURN false; END IF;
  PERFORM tagout.enqueue(jobs);
  RETURN true;
END $$;
