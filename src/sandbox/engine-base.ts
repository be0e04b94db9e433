/**
 * The first data folder of an engine: one database, its owner, the observer, and nothing else. Every
 * baseline starts as a copy of it.
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initCluster } from '../postgres/cluster.ts';
import type { Engine } from '../postgres/engine.ts';
import { giveTo, sandboxUser } from '../postgres/service-user.ts';
import type { Wire } from '../postgres/wire.ts';
import { DATABASE, OBSERVER, OWNER, PRIVATE_SCHEMA, startThrowaway } from './workspace.ts';

/** Raised when the layout of prepared folders changes, so that older ones are not taken. */
export const LAYOUT = 11;

/**
 * Tells of each rewrite and of each object that a statement made, changed or dropped, by messages
 * that no session setting holds back. They belong to the superuser, so the SQL under test can
 * neither drop nor change them. An object that has no address is passed over.
 */
const TRIGGERS = `
  CREATE SCHEMA ${PRIVATE_SCHEMA};
  GRANT USAGE ON SCHEMA ${PRIVATE_SCHEMA} TO PUBLIC;
  CREATE FUNCTION ${PRIVATE_SCHEMA}.tell_rewrite() RETURNS event_trigger
  LANGUAGE plpgsql SET search_path = pg_catalog AS $$
  BEGIN
    RAISE INFO 'tagout-rewrite %', pg_event_trigger_table_rewrite_oid()::pg_catalog.int8;
  END $$;
  CREATE EVENT TRIGGER tagout_rewrite ON table_rewrite
    EXECUTE FUNCTION ${PRIVATE_SCHEMA}.tell_rewrite();
  CREATE FUNCTION ${PRIVATE_SCHEMA}.tell_objects() RETURNS event_trigger
  LANGUAGE plpgsql SET search_path = pg_catalog AS $$
  DECLARE names text[];
  BEGIN
    FOR names IN
      SELECT a.object_names FROM pg_event_trigger_ddl_commands() c,
        LATERAL pg_identify_object_as_address(c.classid, c.objid, c.objsubid) a LIMIT 100
    LOOP RAISE INFO 'tagout-object %', to_json(names); END LOOP;
  EXCEPTION WHEN OTHERS THEN NULL;
  END $$;
  CREATE FUNCTION ${PRIVATE_SCHEMA}.tell_dropped() RETURNS event_trigger
  LANGUAGE plpgsql SET search_path = pg_catalog AS $$
  DECLARE names text[];
  BEGIN
    FOR names IN
      SELECT address_names FROM pg_event_trigger_dropped_objects()
      WHERE NOT is_temporary AND object_type = ANY (ARRAY['schema', 'table', 'table column', 'view',
        'materialized view', 'index', 'sequence', 'function', 'procedure', 'trigger', 'policy', 'type',
        'table constraint', 'domain constraint', 'default value', 'rule', 'extension']) LIMIT 500
    LOOP RAISE INFO 'tagout-object %', to_json(names); END LOOP;
  EXCEPTION WHEN OTHERS THEN NULL;
  END $$;
  CREATE EVENT TRIGGER tagout_objects ON ddl_command_end
    EXECUTE FUNCTION ${PRIVATE_SCHEMA}.tell_objects();
  CREATE EVENT TRIGGER tagout_dropped ON sql_drop
    EXECUTE FUNCTION ${PRIVATE_SCHEMA}.tell_dropped();`;

/** Size of temporary files of a session, so that a sort cannot fill the disk. */
const TEMP_LIMIT = '1GB';

async function all(wire: Wire, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await wire.rows(statement);
  await wire.close();
}

/** Makes the folder `folder/data` for an engine. Throws TagoutError('sandbox-unavailable'). */
export async function makeEngineBase(folder: string, engine: Engine): Promise<void> {
  const dataDir = join(folder, 'data');
  const runAs = sandboxUser();
  await initCluster({ engine, dataDir, durable: false, runAs, initArgs: ['--wal-segsize=1'] });
  const access = join(dataDir, 'pg_hba.conf');
  writeFileSync(access, `local all ${OWNER} trust\nlocal all all password\n`);
  chmodSync(access, 0o600);
  giveTo(access, runAs);
  const throwaway = await startThrowaway(folder, engine);
  const password = throwaway.cluster.connection.password;
  await all(await throwaway.connect('superuser', 'postgres'), [
    `CREATE ROLE ${OWNER} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 8`,
    `ALTER ROLE ${OWNER} SET temp_file_limit = '${TEMP_LIMIT}'`,
    `CREATE ROLE ${OBSERVER} LOGIN NOSUPERUSER BYPASSRLS PASSWORD '${password}'`,
    `GRANT pg_read_all_data, pg_read_all_stats TO ${OBSERVER}`,
    `CREATE DATABASE ${DATABASE} OWNER ${OWNER} TEMPLATE template0`,
  ]);
  await all(await throwaway.connect('superuser'), [
    'UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname LIKE $$template%$$',
    'DROP DATABASE template0',
    'DROP DATABASE template1',
    'DROP DATABASE postgres',
    ...(engine.major < 15 ? [`ALTER SCHEMA public OWNER TO ${OWNER}`] : []),
    TRIGGERS,
    'VACUUM (FREEZE, ANALYZE)',
    'CHECKPOINT',
  ]);
  await throwaway.rest();
}
