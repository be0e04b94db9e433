/** Brings the store's schema up to date, as its owner. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Logger, runMigrations } from 'graphile-worker';
import { z } from 'zod';
import { TagoutError } from '../core/errors.ts';
import { connect, type Sql, sqlStateOf, urlWithRole } from './connect.ts';

const FOLDER = new URL('../../db/', import.meta.url);
const OWNER = 'tagout_owner';
/** Any fixed number: two processes that migrate one database wait for each other on it. */
const MIGRATION_LOCK = 7_465_023_117;

const journalSchema = z.object({ entries: z.array(z.object({ when: z.number() })) });

/** When the newest migration of this version was made; the key that drizzle records. */
function newestMigration(): number {
  const path = new URL('migrations/meta/_journal.json', FOLDER);
  const journal = journalSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  return Math.max(0, ...journal.entries.map((entry) => entry.when));
}

/** Whether there is a schema of ours at all; needs no right on it. */
export async function hasSchema(sql: Sql): Promise<boolean> {
  const [row] = await sql`select exists (select from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'drizzle' and c.relname = '__drizzle_migrations') as there`;
  return row?.['there'] === true;
}

/** Whether the schema has (at least) every migration that this version brings. */
export async function isMigrated(sql: Sql): Promise<boolean> {
  if (!(await hasSchema(sql))) return false;
  const [row] = await sql`
    select coalesce(max(created_at), 0)::bigint as newest from drizzle.__drizzle_migrations`;
  return Number(row?.['newest']) >= newestMigration();
}

/** Roles belong to the whole cluster: two databases migrated at once can meet here. */
async function makeRoles(sql: Sql): Promise<void> {
  const text = readFileSync(new URL('roles.sql', FOLDER), 'utf8');
  const clash = new Set(['XX000', '23505', '42710', '40001']);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await sql.unsafe(text);
      return;
    } catch (error) {
      if (attempt === 8 || !clash.has(sqlStateOf(error) ?? '')) throw error;
      await sleep(20 * attempt);
    }
  }
}

async function migrateQueue(url: string): Promise<void> {
  const silent = new Logger(() => () => {});
  await runMigrations({
    connectionString: urlWithRole({ url, role: OWNER }),
    maxPoolSize: 2,
    logger: silent,
  });
}

/** Loaded only when there is something to apply: the module alone takes 100 MB of memory. */
async function migrateTables(sql: Sql): Promise<void> {
  if (await isMigrated(sql)) return;
  const { drizzle } = await import('drizzle-orm/postgres-js');
  const { migrate: apply } = await import('drizzle-orm/postgres-js/migrator');
  await apply(drizzle(sql), { migrationsFolder: fileURLToPath(new URL('migrations', FOLDER)) });
}

async function migrateLocked(sql: Sql, url: string): Promise<void> {
  await makeRoles(sql);
  await sql.unsafe(`set role ${OWNER}`);
  await migrateTables(sql);
  await migrateQueue(url);
  await sql.unsafe(readFileSync(new URL('grants.sql', FOLDER), 'utf8'));
  await sql.unsafe('reset role');
}

function explain(error: unknown): TagoutError {
  const why = error instanceof Error ? error.message : String(error);
  if (sqlStateOf(error) === '42501') {
    return new TagoutError(
      'configuration',
      `The store cannot be migrated: ${why}. Run \`npx tagout migrate\` with DATABASE_OWNER_URL ` +
        'of a role that owns the database and may create roles.',
      { cause: error },
    );
  }
  return new TagoutError('store-unavailable', `The store could not be migrated: ${why}.`, {
    cause: error,
  });
}

/**
 * Applies what is missing: roles, tables, guards, the queue's own tables, grants. Idempotent; two
 * at a time wait for each other. Throws TagoutError('configuration') when the role may not do it.
 */
export async function migrate(url: string): Promise<void> {
  // One connection, so that the lock and the role hold for every statement.
  const sql = connect({ url, role: null }, { name: 'migrate', max: 1, statementTimeoutMs: 0 });
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await migrateLocked(sql, url);
    await sql`select pg_advisory_unlock(${MIGRATION_LOCK})`;
  } catch (error) {
    throw explain(error);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
