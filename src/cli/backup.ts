/**
 * `tagout backup` and `tagout restore` for the embedded store: a base backup of the running or
 * stopped cluster with the log's key beside it. An own PostgreSQL has its own ways of being backed up.
 */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { TagoutError } from '../core/errors.ts';
import { type Cluster, SUPERUSER } from '../postgres/cluster.ts';
import { findEngine } from '../postgres/engine.ts';
import { giveTo, storeUser } from '../postgres/service-user.ts';
import { openStoreCluster } from '../postgres/store-cluster.ts';
import { connect } from '../store/connect.ts';
import { openStore } from '../store/open.ts';
import { EXIT, type Io } from './io.ts';
import { readStoreSettings } from './settings.ts';
import { makeFolder } from '../postgres/folders.ts';

/** Made anew by every start; PostgreSQL's own documentation leaves them out of a base backup. */
const CONTENT_LEFT_OUT = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]);
const LEFT_OUT = new Set(['postmaster.pid', 'postmaster.opts']);
const KEY = 'audit.key';
const STORE = 'store';

function refuse(message: string): never {
  throw new TagoutError('configuration', message);
}

/** The data folder, when the store in it is our own. */
function ownDataDir(io: Io): string {
  const { databaseUrl, dataDir } = readStoreSettings(io.env, io.cwd);
  if (databaseUrl === null) return dataDir;
  return refuse(
    "DATABASE_URL is set, so that the store is not Tagout's own: back it up and restore it with " +
      "that PostgreSQL's own tools (pg_dump, snapshots), and keep audit.key from TAGOUT_DATA beside it.",
  );
}

/** Copies with owner and modes; a file that goes away meanwhile is in the log of changes. */
function copyTree(
  from: string,
  to: string,
  skip: (name: string) => 'all' | 'content' | null,
): void {
  const stat = lstatSync(from, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (stat.isSymbolicLink()) return symlinkSync(readlinkSync(from), to);
  if (stat.isDirectory()) {
    makeFolder(to, 0o700);
    for (const name of readdirSync(from)) {
      const how = skip(name);
      if (how === 'all') continue;
      if (how === 'content') mkdirSync(join(to, name), { mode: 0o700 });
      else copyTree(join(from, name), join(to, name), () => null);
      if (how === 'content') keepOwner(lstatSync(join(from, name)), join(to, name));
    }
  } else if (stat.isFile()) {
    copyFileSync(from, to);
  } else return;
  keepOwner(stat, to);
}

function keepOwner(stat: { uid: number; gid: number; mode: number }, path: string): void {
  chmodSync(path, stat.mode & 0o777);
  if (process.getuid?.() === 0) chownSync(path, stat.uid, stat.gid);
}

async function copyCluster(cluster: Cluster, dataDir: string, to: string): Promise<void> {
  const address = { url: cluster.url(SUPERUSER, 'tagout'), role: null };
  const sql = connect(address, { name: 'backup', max: 1, statementTimeoutMs: 0 });
  try {
    // The slot keeps every change since the start until this session ends.
    await sql`select pg_create_physical_replication_slot('tagout_backup', true, true)`;
    await sql`select pg_backup_start('tagout backup', true)`;
    copyTree(dataDir, to, (name) =>
      LEFT_OUT.has(name) ? 'all' : CONTENT_LEFT_OUT.has(name) ? 'content' : null,
    );
    const [stop] = await sql<{ labelfile: string; spcmapfile: string }[]>`
      select labelfile, spcmapfile from pg_backup_stop(false)`;
    if (stop === undefined) throw new TagoutError('store-unavailable', 'The backup did not end.');
    rmSync(join(to, 'pg_wal'), { recursive: true, force: true });
    copyTree(join(dataDir, 'pg_wal'), join(to, 'pg_wal'), () => null);
    writeFileSync(join(to, 'backup_label'), stop.labelfile, { mode: 0o600 });
    giveTo(join(to, 'backup_label'), storeUser());
    if (stop.spcmapfile !== '') writeFileSync(join(to, 'tablespace_map'), stop.spcmapfile);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Writes a base backup into a new folder; the server may go on meanwhile. */
export async function backup(folder: string, io: Io): Promise<number> {
  const dataDir = ownDataDir(io);
  const to = resolve(io.cwd, folder);
  if (existsSync(to)) return refuse(`${to} is there already: name a folder that is not.`);
  if (!existsSync(join(dataDir, STORE, 'PG_VERSION'))) {
    return refuse(`There is no store in ${dataDir}: set TAGOUT_DATA to the server's data folder.`);
  }
  const place = { dataDir: join(dataDir, STORE), database: 'tagout' };
  const cluster = await openStoreCluster({ engine: await findEngine({}), ...place });
  try {
    makeFolder(to, 0o700);
    await copyCluster(cluster, place.dataDir, join(to, STORE));
    copyTree(join(dataDir, KEY), join(to, KEY), () => null);
  } catch (error) {
    rmSync(to, { recursive: true, force: true });
    throw error;
  } finally {
    await cluster.stop('fast');
  }
  io.out(
    `The store is in ${to}, with ${KEY}, which signs the audit log: keep it as safe as the server.\n`,
  );
  return EXIT.allow;
}

/** Puts a backup where no store is, starts it once and says what is in it. */
export async function restore(folder: string, io: Io): Promise<number> {
  const dataDir = ownDataDir(io);
  const from = resolve(io.cwd, folder);
  if (!existsSync(join(from, STORE, 'backup_label'))) {
    return refuse(`${from} holds no backup: name a folder that \`tagout backup\` has written.`);
  }
  for (const name of [STORE, KEY]) {
    const path = join(dataDir, name);
    if (existsSync(path))
      return refuse(`${path} is there: stop the server and move it away first.`);
  }
  makeFolder(dataDir, 0o755);
  copyTree(join(from, STORE), join(dataDir, STORE), () => null);
  copyTree(join(from, KEY), join(dataDir, KEY), () => null);
  const store = await openStore({ databaseUrl: null, ownerUrl: null, dataDir });
  try {
    const [row] = await store.sql<{ events: number; last: number | null }[]>`
      select count(*)::int as events, max(at_ms) as last from audit.event`;
    const last = row?.last ?? null;
    const until = last === null ? '' : `, the last one of ${new Date(last).toISOString()}`;
    io.out(
      `The store in ${dataDir} is restored: ${row?.events ?? 0} audit events${until}. Run ` +
        '`npx tagout verify`, then start the server: its sweep finds what has happened since.\n',
    );
    return EXIT.allow;
  } finally {
    await store.close();
  }
}
