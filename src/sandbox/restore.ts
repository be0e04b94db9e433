/**
 * Baselines that are not replayed: a schema dump of the repository, or a snapshot that the server's
 * operator has put on its disk. Loading a snapshot is a restore drill, and its time is kept.
 */
import { execFile, spawn } from 'node:child_process';
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import type { DryRunSettings, SqlError } from '../core/dry-run.ts';
import { type Engine, SUPPORTED_MAJORS } from '../postgres/engine.ts';
import { type Loaded, loadDump } from './dump.ts';
import type { SnapshotFile } from './snapshots.ts';
import { OWNER, type Throwaway } from './workspace.ts';

export type Source =
  | { readonly kind: 'schema'; readonly path: string; readonly sql: string }
  | { readonly kind: 'snapshot'; readonly file: SnapshotFile };

/** A schema dump of the repository, or null: the history is replayed. */
export function sourceOf(schema: Exclude<DryRunSettings['baseline'], 'snapshot'>): Source | null {
  return schema === undefined ? null : { kind: 'schema', ...schema };
}

function failure(path: string, message: string): SqlError {
  return { sqlstate: '58000', message, path, line: null, column: null };
}

type Format = 'plain' | 'gzip' | 'archive';

/** By its first bytes: gzip, pg_dump's custom format, or a tar file as `pg_dump -Ft` writes it. */
function formatOf(path: string): Format {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(262);
    readSync(file, head, 0, head.length, 0);
    if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
    const isTar = head.toString('latin1', 257, 262) === 'ustar';
    return isTar || head.toString('latin1', 0, 5) === 'PGDMP' ? 'archive' : 'plain';
  } finally {
    closeSync(file);
  }
}

/** The newest pg_restore of this machine, as each reads the dumps of all before it. */
async function findRestore(engine: Engine): Promise<string | null> {
  const majors = SUPPORTED_MAJORS.toReversed();
  const folders = majors.flatMap((m) => [`/usr/lib/postgresql/${m}/bin`, `/usr/pgsql-${m}/bin`]);
  for (const folder of [engine.binDir, ...folders, '/usr/local/bin', '/usr/bin']) {
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
    // Ended by us, it has nothing to say.
    child.once('close', (code) =>
      resolve(code === 0 || code === null ? null : `pg_restore: ${said.trim()}`),
    );
  });
  const stop = (): void => {
    child.kill();
    child.stdout.destroy();
  };
  // Node empties the pipe of a program that has ended; what is not yet read must be kept.
  return { stream: child.stdout.pipe(new PassThrough()), ended, stop };
}

/** A file that ends within its compression is a fault of the stream, which the loader hears. */
function unpacked(path: string): Content {
  const file = createReadStream(path);
  const text = createGunzip();
  file.once('error', (error) => text.destroy(error));
  // Whoever reads it hears of a fault; after the last row nobody does.
  text.on('error', () => undefined);
  file.pipe(text);
  const stop = (): void => {
    file.destroy();
    text.destroy();
  };
  return { stream: text, ended: Promise.resolve(null), stop };
}

async function contentOf(source: Source, engine: Engine): Promise<Content | SqlError> {
  if (source.kind === 'schema') return plain(Readable.from([source.sql]));
  const { path } = source.file;
  const format = formatOf(path);
  if (format === 'plain') return plain(createReadStream(path));
  if (format === 'gzip') return unpacked(path);
  const program = await findRestore(engine);
  if (program !== null) return converted(program, path);
  return failure(
    'the snapshot',
    'it is in pg_dump’s custom format, and no pg_restore is on the server; dump it with -Fp',
  );
}

/** Loads the source into the empty database of a throwaway. */
export async function restore(
  throwaway: Throwaway,
  source: Source,
  engine: Engine,
): Promise<Loaded> {
  const content = await contentOf(source, engine);
  if (!('stream' in content)) return { error: content, leftOut: [] };
  const owner = await throwaway.connect(OWNER);
  const superuser = await throwaway.connect('superuser');
  const path = source.kind === 'schema' ? source.path : 'the snapshot';
  const makeRole = async (name: string): Promise<void> => {
    // A reserved name is refused, and then the statement that names it fails again.
    await superuser.execute(`CREATE ROLE "${name.replaceAll('"', '""')}" NOLOGIN`);
  };
  const load = { path, content: content.stream, owner, makeRole, major: engine.major };
  let broken: string | null = null;
  let loaded: Loaded;
  try {
    loaded = await loadDump(load);
    // What was read to its end ends by itself; anything else is ended.
    if (loaded.error === null) broken = await content.ended;
  } finally {
    content.stop();
  }
  broken ??= loaded.error?.sqlstate === '58030' ? await content.ended : null;
  await owner.close();
  await superuser.close();
  // A converter that gave up says why; what it left is only a dump that is cut off.
  const error = broken === null ? loaded.error : failure(path, broken);
  return { ...loaded, error: error === null ? null : hidePlace(error, source) };
}

/** Where the operator keeps the dump is for nobody to read. */
function hidePlace(error: SqlError, source: Source): SqlError {
  if (source.kind === 'schema') return error;
  return { ...error, message: error.message.replaceAll(source.file.path, 'the snapshot') };
}
