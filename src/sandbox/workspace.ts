/** Folders of the sandbox on disk, and one throwaway cluster in one of them. */
import { execFile } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Cluster, startCluster } from '../postgres/cluster.ts';
import { cloneDataDir } from '../postgres/clone.ts';
import type { Engine } from '../postgres/engine.ts';
import { isServing, readPostmaster } from '../postgres/postmaster.ts';
import { sandboxUser } from '../postgres/service-user.ts';
import { lives, sweepSocketDirs } from '../postgres/socket-dir.ts';
import { Wire } from '../postgres/wire.ts';
import { type Memory, memoryFolder, memoryFolders } from './memory.ts';
import { makeFolder } from '../postgres/folders.ts';

/** Roles of every throwaway cluster. The SQL under test is always run by the owner. */
export const OWNER = 'app_owner';
export const OBSERVER = 'tagout_observer';
export const DATABASE = 'app';
/** Schema of the observer's own functions, left out of what is observed; no repository has one. */
export const PRIVATE_SCHEMA = 'tagout_sandbox_private';

/** Address space of one server process; a single value above it is an ordinary SQL error. */
const MEMORY_BYTES = 1536 * 1024 * 1024;
const FILE_BYTES = 4 * 1024 * 1024 * 1024;

/** Settings of every throwaway server: small, quiet, no background work that differs by chance. */
const SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: '32MB',
  max_connections: '20',
  superuser_reserved_connections: '8',
  max_wal_senders: '0',
  wal_level: 'minimal',
  min_wal_size: '4MB',
  max_wal_size: '128MB',
  autovacuum: 'off',
  max_parallel_workers_per_gather: '0',
  max_parallel_maintenance_workers: '0',
  max_prepared_transactions: '0',
  max_locks_per_transaction: '1024',
  dynamic_shared_memory_type: 'mmap',
  log_min_messages: 'fatal',
  log_min_error_statement: 'panic',
  jit: 'off',
  checkpoint_timeout: '1h',
  max_logical_replication_workers: '0',
  // A folder at rest then holds one log file, so that copying it costs little.
  wal_recycle: 'off',
  wal_init_zero: 'off',
};

/** PostgreSQL 18 starts reader processes that a short life never needs. */
function settingsOf(engine: Engine): Readonly<Record<string, string>> {
  return engine.major >= 18 ? { ...SETTINGS, io_method: 'sync' } : SETTINGS;
}

/** Every session of ours says these itself, so that no setting of the database speaks for it. */
const OUR_SESSION: Readonly<Record<string, string>> = {
  // Temporary tables are searched first unless they are named last.
  search_path: 'pg_catalog, pg_temp',
  client_min_messages: 'error',
  statement_timeout: '0',
  lock_timeout: '0',
  row_security: 'on',
  default_transaction_read_only: 'off',
  extra_float_digits: '1',
  application_name: 'tagout',
};

export type RoleName = typeof OWNER | typeof OBSERVER | 'superuser';

/** One running throwaway cluster and the folder that it dies with. */
export interface Throwaway {
  readonly dataDir: string;
  /** What it may write as it is in memory; null on disk, where the sandbox's own limit holds. */
  readonly memoryBytes: number | null;
  readonly cluster: Cluster;
  connect(role: RoleName, database?: string): Promise<Wire>;
  /** Stops it cleanly, so that its folder may be copied. */
  rest(): Promise<void>;
  /** Ends it at once; open queries fail with ConnectionLost. */
  kill(): void;
  /** Ends it and removes its folder. */
  discard(): Promise<void>;
}

/** Where runs may be: on disk below `home`, and in memory while there is room. */
export interface Places {
  readonly home: string;
  /** Null: runs are on disk alone. */
  readonly memory: Memory | null;
}

let serial = 0;

/** Makes the folders and removes what dead processes left in them. */
export function openHome({ home, memory }: Places): void {
  sweepSocketDirs();
  for (const name of ['baselines', 'runs', 'partial']) {
    makeFolder(join(home, name), 0o711);
  }
  for (const folder of ['runs', 'partial']) {
    for (const name of readdirSync(join(home, folder))) {
      if (!lives(Number(name.split('-')[0]))) removeRun(join(home, folder, name));
    }
  }
  for (const { path, pid } of memory === null ? [] : memoryFolders(memory)) {
    if (!lives(pid)) removeRun(path);
  }
}

function removeRun(folder: string): void {
  const dataDir = join(folder, 'data');
  const postmaster = readPostmaster(dataDir);
  if (postmaster !== null && isServing(dataDir, postmaster)) {
    try {
      process.kill(postmaster.pid, 'SIGQUIT');
    } catch {
      return;
    }
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** A new folder that belongs to this process: `<pid>-<number>`. */
export function newFolder(home: string, kind: 'runs' | 'partial'): string {
  serial += 1;
  const folder = join(home, kind, `${process.pid}-${serial}-${Date.now().toString(36)}`);
  makeFolder(folder, 0o711);
  return folder;
}

/** Objects told of one statement, and rewrites; anybody can send messages that look like these. */
const KEPT_OBJECTS = 1000;
const KEPT_REWRITES = 20_000;

/** Whatever else is sent, no rewrite goes by in silence. */
function keepInfo(message: string, kept: number): 'keep' | 'drop' | 'lost' {
  if (message.startsWith('tagout-object ')) return kept < KEPT_OBJECTS ? 'keep' : 'drop';
  if (!message.startsWith('tagout-rewrite ')) return 'drop';
  return kept < KEPT_REWRITES ? 'keep' : 'lost';
}

function connector(cluster: Cluster): Throwaway['connect'] {
  return async (role, database = DATABASE) =>
    Wire.connect({
      socketDir: cluster.connection.host,
      port: cluster.connection.port,
      user: role === 'superuser' ? cluster.connection.user : role,
      password: cluster.connection.password,
      database,
      // A function in an index predicate runs in whoever plans a query on that table, and could
      // change the settings of our session: each query starts from our own again.
      ...(role === OWNER
        ? { onInfo: keepInfo }
        : { settings: OUR_SESSION, prefix: role === OBSERVER ? 'RESET ALL; ' : '' }),
    });
}

/** Removes a folder of thousands of files; the program takes a third of the time of Node's own. */
async function remove(folder: string): Promise<void> {
  await promisify(execFile)('rm', ['-rf', '--', folder]).catch(() =>
    rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 }),
  );
}

/** Starts the server of `folder/data`. */
export async function startThrowaway(
  folder: string,
  engine: Engine,
  memoryBytes: number | null = null,
): Promise<Throwaway> {
  const dataDir = join(folder, 'data');
  const cluster = await startCluster({
    engine,
    dataDir,
    durable: false,
    runAs: sandboxUser(),
    settings: settingsOf(engine),
    noNetwork: true,
    limits: { memoryBytes: MEMORY_BYTES, fileBytes: FILE_BYTES },
  });
  return {
    dataDir,
    memoryBytes,
    cluster,
    connect: connector(cluster),
    rest: () => cluster.stop('fast'),
    kill: () => void cluster.stop('immediate').catch(() => undefined),
    discard: async () => {
      await cluster.stop('immediate');
      await remove(folder);
    },
  };
}

/** A resting data folder and its size. */
export interface Resting {
  readonly dataDir: string;
  readonly sizeBytes: number;
}

/** Copies a resting data folder into a new run and starts it. */
export async function startCopy(
  { home, memory }: Places,
  from: Resting,
  engine: Engine,
): Promise<Throwaway> {
  const inMemory = memoryFolder(memory, from.sizeBytes);
  const memoryBytes = inMemory === null ? null : (memory?.writesBytes ?? null);
  const folder = inMemory ?? newFolder(home, 'runs');
  try {
    await cloneDataDir(from.dataDir, join(folder, 'data'));
    return await startThrowaway(folder, engine, memoryBytes);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** What a run may write, in bytes: less in memory, from where it can go on to the disk. */
export function writable(run: Throwaway, diskBytes: number): number {
  return Math.min(run.memoryBytes ?? diskBytes, diskBytes);
}
