/**
 * `tagout stats`: writes how large production's tables are, so that a dry run can tell how long a
 * lock would last there. It reads the catalog alone, in one read-only transaction: no row, and no
 * value of one, is ever asked for.
 */
import { writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import postgres from 'postgres';
import { TagoutError } from '../core/errors.ts';
import type { StatisticsFile, TableStatistics } from '../core/weigh-file.ts';
import { EXIT } from './io.ts';
import type { Io } from './io.ts';
import { makeFolder } from '../postgres/folders.ts';

export interface StatsOptions {
  readonly databaseUrl: string;
  /** Relative to the working folder of the caller. */
  readonly out: string;
}

interface SizeRow {
  readonly name: string;
  readonly rows: string | null;
  readonly heap: string;
  readonly bytes: string;
  readonly indexes: string;
  readonly nulls: Readonly<Record<string, number>> | null;
}

/** Connects, reads and writes the file; answers the exit code. */
export async function stats(options: StatsOptions, io: Io): Promise<number> {
  const { version, tables } = await readSizes(options.databaseUrl);
  const file: StatisticsFile = {
    tagout: 1,
    takenAt: new Date(io.now()).toISOString(),
    postgres: version,
    tables: tables.flatMap(sizeOf),
  };
  const path = resolve(io.cwd, options.out);
  makeFolder(dirname(path), 0o755);
  writeFileSync(path, `${JSON.stringify(file, null, 2)}\n`);
  io.out(
    `Wrote the sizes of ${file.tables.length} tables to ${options.out}. Commit it, and name it as ` +
      '`migrations.statistics` in .github/tagout.yml.\n',
  );
  const unknown = tables.length - file.tables.length;
  if (unknown > 0) {
    io.err(`tagout: ${unknown} tables were never analysed and are left out: run ANALYZE.\n`);
  }
  return EXIT.allow;
}

/**
 * A table whose file is empty has no rows; any other has at least one, whatever the estimate says,
 * as a table that is stated to be empty may be dropped more lightly.
 */
function sizeOf(row: SizeRow): readonly TableStatistics[] {
  const empty = row.heap === '0';
  if (!empty && row.rows === null) return [];
  const rows = empty ? 0 : Math.max(1, Math.round(Number(row.rows)));
  const size = { rows, bytes: Number(row.bytes), indexBytes: Number(row.indexes) };
  return [{ table: row.name, ...size, ...(row.nulls === null ? {} : { nulls: row.nulls }) }];
}

interface Sizes {
  readonly version: string;
  readonly tables: readonly SizeRow[];
}

async function readSizes(url: string): Promise<Sizes> {
  const sql = postgres(url, {
    max: 1,
    connect_timeout: 15,
    connection: {
      default_transaction_read_only: true,
      statement_timeout: 60_000,
      lock_timeout: 1000,
      application_name: 'tagout stats',
    },
    onnotice: () => undefined,
  });
  try {
    return await sql.begin('isolation level repeatable read read only', async (tx) => {
      const [server] = await tx<{ version: string }[]>`
        SELECT current_setting('server_version') AS version`;
      const tables = await tx<SizeRow[]>`
        SELECT CASE WHEN n.nspname = 'public' THEN '' ELSE n.nspname || '.' END || c.relname AS name,
          coalesce(nullif(c.reltuples, -1)::bigint, nullif(s.n_live_tup, 0))::text AS rows,
          pg_relation_size(c.oid)::text AS heap, pg_table_size(c.oid)::text AS bytes,
          pg_indexes_size(c.oid)::text AS indexes,
          (SELECT json_object_agg(p.attname, round(p.null_frac::numeric, 3) ORDER BY p.attname)
           FROM pg_stats p WHERE p.schemaname = n.nspname AND p.tablename = c.relname
             AND NOT p.inherited AND p.null_frac > 0) AS nulls
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
        WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
          AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        ORDER BY 1`;
      return { version: server?.version ?? '', tables };
    });
  } catch (cause) {
    throw new TagoutError('usage', `The statistics could not be read: ${causeOf(cause)}.`, {
      cause,
    });
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** The server's own sentence or the system's code, never the address, which holds a password. */
function causeOf(error: unknown): string {
  if (error instanceof postgres.PostgresError) return `${error.message} (SQLSTATE ${error.code})`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return `no server answers at that address (${code}); write postgres://user@host:5432/database`;
}
