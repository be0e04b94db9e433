/** Posture of the machine that the doctor runs on: store, anchors, way in, engines, disk, log's key. */
import { existsSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TagoutError } from '../../core/errors.ts';
import type { PostureFinding } from '../../core/posture.ts';
import { findEngine } from '../../postgres/engine.ts';
import { isServing, readPostmaster } from '../../postgres/postmaster.ts';
import { connect, storeFault } from '../../store/connect.ts';
import { openLogKey } from '../../store/key.ts';
import { isMigrated } from '../../store/migrate.ts';
import type { Io } from '../io.ts';
import type { ServeSettings } from '../settings.ts';
import { anchors } from './anchors.ts';
import { finding } from './finding.ts';
import { reach } from './reach.ts';

const MB = 1024 * 1024;
const DISK_NEEDED = 512 * MB;
const DISK_ADVISED = 4096 * MB;

/** Findings about this machine; `majors` are PostgreSQL versions that policies ask for. */
export async function judgeMachine(
  settings: ServeSettings,
  io: Io,
  majors: readonly number[],
): Promise<readonly PostureFinding[]> {
  return [
    await database(settings),
    ...(await anchors(settings, io)),
    ...(await reach(settings)),
    ...(await engines(io, majors)),
    disk(settings.dataDir),
    logKey(settings.dataDir),
  ];
}

async function database(settings: ServeSettings): Promise<PostureFinding> {
  const url = settings.databaseUrl;
  if (url === null) return embedded(join(settings.dataDir, 'store'));
  const sql = connect({ url, role: null }, { name: 'doctor', max: 1, statementTimeoutMs: 5_000 });
  try {
    const [row] = await sql`select current_setting('server_version') as version`;
    const version = String(row?.['version']);
    if (await isMigrated(sql)) {
      const says = `PostgreSQL ${version} answers, with the tables of this version.`;
      return finding('database', 'guarded', 'database', { says });
    }
    const says = `PostgreSQL ${version} answers, but its tables are not those of this version.`;
    const place = 'DATABASE_URL';
    const command = 'npx tagout migrate';
    return finding('database-old', 'open', 'database', { says, place, command });
  } catch (error) {
    const says = `${storeFault(error, 'connecting to DATABASE_URL').message} Nothing is released.`;
    return finding('database-away', 'open', 'database', { says, place: 'DATABASE_URL' });
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** The embedded cluster is looked at from outside: the doctor starts and changes nothing. */
function embedded(folder: string): PostureFinding {
  const postmaster = readPostmaster(folder);
  if (postmaster !== null && isServing(folder, postmaster)) {
    const says = `The embedded PostgreSQL in ${folder} runs.`;
    return finding('database', 'guarded', 'database', { says });
  }
  const says = existsSync(join(folder, 'PG_VERSION'))
    ? `The embedded PostgreSQL in ${folder} is at rest: the server does not run on this machine.`
    : `There is no embedded PostgreSQL in ${folder} yet; the server's first start makes it.`;
  const command = 'npm start';
  return finding('database-at-rest', 'advice', 'database', { says, place: folder, command });
}

async function engines(io: Io, majors: readonly number[]): Promise<readonly PostureFinding[]> {
  const binDir = io.env['TAGOUT_POSTGRES_BIN'] ?? null;
  const wanted = majors.length === 0 ? [null] : [...new Set(majors)].sort((a, b) => a - b);
  const one = async (major: number | null): Promise<PostureFinding> => {
    const about = major === null ? 'dry runs' : `dry runs on PostgreSQL ${major}`;
    try {
      const { version, origin } = await findEngine({ major, binDir });
      const says = `PostgreSQL ${version} (${origin}) is here to run migrations.`;
      return finding('engine', 'guarded', about, { says });
    } catch (error) {
      if (!(error instanceof TagoutError)) throw error;
      const says = `${error.message} Until then changes with migrations hold.`;
      return finding('engine-missing', 'advice', about, { says, place: 'this machine' });
    }
  };
  return Promise.all(wanted.map(one));
}

function nearestThere(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestThere(dirname(folder));
}

function disk(folder: string): PostureFinding {
  const there = nearestThere(folder);
  const { bavail, bsize } = statfsSync(there);
  const free = bavail * bsize;
  const about = `disk of ${folder}`;
  const says = `${Math.round(free / MB).toLocaleString('en')} MB are free.`;
  if (free >= DISK_ADVISED) return finding('disk', 'guarded', about, { says });
  const more = `${says} Dry runs copy whole clusters, and the log grows: give it more.`;
  const level = free < DISK_NEEDED ? 'open' : 'advice';
  return finding('disk-low', level, about, { says: more, place: folder });
}

function logKey(folder: string): PostureFinding {
  const path = join(folder, 'audit.key');
  const about = "audit log's key";
  if (!existsSync(path)) {
    const says = `It is not on this machine; the server's first start makes ${path}.`;
    return finding('log-key-missing', 'advice', about, { says, place: path });
  }
  try {
    openLogKey(path, 'tagout/audit');
    const says = `${path} is there and only its owner reads it. Keep a copy elsewhere.`;
    return finding('log-key', 'guarded', about, { says });
  } catch (error) {
    if (!(error instanceof TagoutError)) throw error;
    return finding('log-key-broken', 'open', about, { says: error.message, place: path });
  }
}
