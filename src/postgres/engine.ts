/** Finds PostgreSQL's programs: the embedded ones from npm, or the system's of a given major. */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TagoutError } from '../core/errors.ts';
import { embeddedBinDir } from './embedded.ts';

const run = promisify(execFile);

export interface Engine {
  /** Folder that holds `initdb` and `postgres`. */
  readonly binDir: string;
  /** As the server prints it: `18.4`, `15.18`. */
  readonly version: string;
  readonly major: number;
  readonly origin: 'embedded' | 'system';
}

export interface EngineWish {
  /** Major version of the production server; null takes the embedded one. */
  readonly major?: number | null;
  /** A folder named by the operator; it wins over every search. */
  readonly binDir?: string | null;
}

export const SUPPORTED_MAJORS: readonly number[] = [14, 15, 16, 17, 18];

function runnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function probe(binDir: string, origin: Engine['origin']): Promise<Engine | null> {
  if (!runnable(join(binDir, 'postgres')) || !runnable(join(binDir, 'initdb'))) return null;
  const { stdout } = await run(join(binDir, 'postgres'), ['--version'], { timeout: 10_000 });
  const version = /\(PostgreSQL\) (\d+(?:\.\d+|devel|beta\d+|rc\d+)?)/.exec(stdout)?.[1];
  if (version === undefined) return null;
  return { binDir, version, major: Number.parseInt(version, 10), origin };
}

function systemFolders(major: number): readonly string[] {
  return [
    `/usr/lib/postgresql/${major}/bin`,
    `/usr/pgsql-${major}/bin`,
    `/opt/postgresql/${major}/bin`,
    `/usr/local/pgsql-${major}/bin`,
  ];
}

async function named(binDir: string, major: number | null): Promise<Engine> {
  const engine = await probe(binDir, 'system').catch(() => null);
  if (engine === null) {
    throw new TagoutError(
      'sandbox-unavailable',
      `No PostgreSQL could be started from ${binDir}: it must hold the programs initdb and ` +
        'postgres. Set TAGOUT_POSTGRES_BIN to the bin folder of a PostgreSQL server.',
    );
  }
  if (major !== null && engine.major !== major) {
    throw new TagoutError(
      'sandbox-unavailable',
      `PostgreSQL ${major} is asked for, but ${binDir} holds ${engine.version}. Set ` +
        `TAGOUT_POSTGRES_BIN to the bin folder of a PostgreSQL ${major} server.`,
    );
  }
  return engine;
}

const found = new Map<string, Promise<Engine>>();

/**
 * The engine for a wish. Answers are remembered for the life of the process, as programs do not
 * change under it. Throws TagoutError('sandbox-unavailable') with the remedy when there is none.
 */
export function findEngine(wish: EngineWish = {}): Promise<Engine> {
  const key = `${wish.major ?? ''}|${wish.binDir ?? ''}`;
  const known = found.get(key);
  if (known !== undefined) return known;
  const answer = search(wish.major ?? null, wish.binDir ?? null);
  found.set(key, answer);
  answer.catch(() => found.delete(key));
  return answer;
}

async function search(major: number | null, binDir: string | null): Promise<Engine> {
  if (binDir !== null && binDir !== '') return named(binDir, major);
  const packaged = embeddedBinDir();
  const embedded = packaged === null ? null : await probe(packaged, 'embedded');
  if (embedded !== null && (major === null || embedded.major === major)) return embedded;
  const majors = major === null ? [...SUPPORTED_MAJORS].toReversed() : [major];
  for (const folder of majors.flatMap(systemFolders)) {
    const engine = await probe(folder, 'system').catch(() => null);
    if (engine !== null && engine.major === (major ?? engine.major)) return engine;
  }
  const wanted = major === null ? 'PostgreSQL' : `PostgreSQL ${major}`;
  throw new TagoutError(
    'sandbox-unavailable',
    `${wanted} is not on this machine. Install the package postgresql${major === null ? '' : `-${major}`} ` +
      'of your distribution, or set TAGOUT_POSTGRES_BIN to the folder with initdb and postgres' +
      (major === null ? ', or run npm ci without --omit=optional.' : '.'),
  );
}
