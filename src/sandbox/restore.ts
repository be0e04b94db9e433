/**
 * Baselines that are not replayed: a schema dump of the repository, or a snapshot that the server's
 * operator has put on its disk. Loading a snapshot is a restore drill, and its time is kept.
 */
import { execFile, spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  createReadStream,
  openSync,
  readSync,
  closeSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { DryRunSettings, SqlError } from '../core/dry-run.ts';
import { type Engine, SUPPORTED_MAJORS } from '../postgres/engine.ts';
import { loadDump } from './dump.ts';
import { OWNER, type Throwaway } from './workspace.ts';

/** A dump on this machine, and when it was finished. */
export interface SnapshotFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly takenAtMs: number;
}

export type Source =
  | { readonly kind: 'schema'; readonly path: string; readonly sql: string }
  | { readonly kind: 'snapshot'; readonly file: SnapshotFile };

/** The file that the operator named; null when there is none to be read. */
export function snapshotAt(path: string | null): SnapshotFile | null {
  if (path === null) return null;
  try {
    accessSync(path, constants.R_OK);
    const { size, mtimeMs } = statSync(path);
    return { path, sizeBytes: size, takenAtMs: Math.round(mtimeMs) };
  } catch {
    return null;
  }
}

/** Where the baseline comes from; null: the history is replayed. */
export function sourceOf(
  settings: DryRunSettings,
  snapshot: SnapshotFile | null,
): Source | null | 'no snapshot' {
  const { baseline } = settings;
  if (baseline === undefined) return null;
  if (baseline !== 'snapshot') return { kind: 'schema', ...baseline };
  return snapshot === null ? 'no snapshot' : { kind: 'snapshot', file: snapshot };
}

function failure(path: string, message: string): SqlError {
  return { sqlstate: '58000', message, path, line: null, column: null };
}

/** pg_dump's custom format starts with these bytes. */
function isCustom(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(5);
    readSync(file, head, 0, 5, 0);
    return head.toString('latin1') === 'PGDMP';
  } finally {
    closeSync(file);
  }
}

/** A pg_restore of this engine's major or a newer one, as older ones cannot read newer dumps. */
async function findRestore(engine: Engine): Promise<string | null> {
  const majors = SUPPORTED_MAJORS.filter((major) => major >= engine.major).toReversed();
  const folders = majors.flatMap((m) => [`/usr/lib/postgresql/${m}/bin`, `/usr/pgsql-${m}/bin`]);
  for (const folder of [engine.binDir, ...folders, '/usr/bin', '/usr/local/bin']) {
    const program = join(folder, 'pg_restore');
    const ran = await promisify(execFile)(program, ['--version']).catch(() => null);
    if (ran !== null) return program;
  }
  return null;
}

interface Content {
  readonly stream: Readable;
  /** Null once it was read to its end without a fault. */
  readonly ended: Promise<string | null>;
  readonly stop: () => void;
}

function plain(stream: Readable): Content {
  return { stream, ended: Promise.resolve(null), stop: () => void stream.destroy() };
}

/** Turns a custom dump into plain SQL. It reads a file and writes text; no server is asked. */
function converted(program: string, path: string): Content {
  const child = spawn(program, ['--no-owner', '-f', '-', path], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-300);
  });
  const ended = new Promise<string | null>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code) => resolve(code === 0 ? null : `pg_restore: ${said.trim()}`));
  });
  const stop = (): void => {
    child.kill();
    child.stdout.destroy();
  };
  // Node empties the pipe of a program that has ended; what is not yet read must be kept.
  return { stream: child.stdout.pipe(new PassThrough()), ended, stop };
}

async function contentOf(source: Source, engine: Engine): Promise<Content | SqlError> {
  if (source.kind === 'schema') return plain(Readable.from([source.sql]));
  const { path } = source.file;
  if (!isCustom(path)) return plain(createReadStream(path));
  const program = await findRestore(engine);
  if (program !== null) return converted(program, path);
  return failure(
    'the snapshot',
    'it is in pg_dump’s custom format, and no pg_restore is on the server; dump it with -Fp',
  );
}

/** Loads the source into the empty database of a throwaway. Answers the first error. */
export async function restore(
  throwaway: Throwaway,
  source: Source,
  engine: Engine,
): Promise<SqlError | null> {
  const content = await contentOf(source, engine);
  if (!('stream' in content)) return content;
  const owner = await throwaway.connect(OWNER);
  const superuser = await throwaway.connect('superuser');
  const path = source.kind === 'schema' ? source.path : 'the snapshot';
  const makeRole = async (name: string): Promise<void> => {
    // A reserved name is refused, and then the statement that names it fails again.
    await superuser.execute(`CREATE ROLE "${name.replaceAll('"', '""')}" NOLOGIN`);
  };
  const error = await loadDump({ path, content: content.stream, owner, makeRole });
  content.stop();
  const broken = await content.ended;
  await owner.close();
  await superuser.close();
  if (error === null && broken !== null) return failure(path, broken);
  return error;
}
