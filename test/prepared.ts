/**
 * Clusters that every test file would otherwise make anew: a migrated store, and the sandbox's first
 * data folder. Made once on a machine for these sources and this engine, then copied. Tests of the
 * making itself do not come here.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { readFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { sha256Hex } from '../src/core/canonical.ts';
import { cloneDataDir } from '../src/postgres/clone.ts';
import { findEngine } from '../src/postgres/engine.ts';
import { BaselineCache } from '../src/sandbox/cache.ts';
import { Baselines } from '../src/sandbox/baseline.ts';
import { createSandbox } from '../src/sandbox/sandbox.ts';
import { openStore } from '../src/store/open.ts';

const root = join(import.meta.dirname, '..');

/** Everything that the prepared folders are made by. */
const SOURCES = ['db', 'src/postgres', 'src/sandbox', 'src/store'];

function digestOfSources(): string {
  const files = SOURCES.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  ).toSorted();
  return sha256Hex(files.map((file) => sha256Hex(readFileSync(file))).join());
}

/** Removes what nobody used for a day: another checkout may be testing other sources right now. */
function removeUnused(home: string): void {
  const dayAgoMs = Date.now() - 86_400_000;
  for (const name of readdirSync(home)) {
    const folder = join(home, name);
    const { mtimeMs } = statSync(folder, { throwIfNoEntry: false }) ?? {};
    if (mtimeMs !== undefined && mtimeMs < dayAgoMs)
      rmSync(folder, { recursive: true, force: true });
  }
}

/** A folder that `make` fills, for these sources and this engine; the first that asks makes it. */
async function prepared(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const engine = await findEngine({});
  const key = sha256Hex(`${engine.version} ${engine.origin} ${digestOfSources()}`).slice(0, 16);
  const home = join(tmpdir(), `tagout-prepared-${userInfo().uid}`);
  const place = join(home, `${name}-${key}`);
  if (existsSync(place)) {
    const now = new Date();
    utimesSync(place, now, now);
    return place;
  }
  // The sandbox's own user passes through on its way to what is its own.
  mkdirSync(home, { recursive: true, mode: 0o711 });
  const partial = mkdtempSync(join(home, 'partial-'));
  chmodSync(partial, 0o711);
  try {
    await make(partial);
    removeUnused(home);
    renameSync(partial, place);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    // Another test file was quicker.
    if (!existsSync(place)) throw error;
  }
  return place;
}

/** Puts a migrated store at rest into `dataDir`, where nothing is yet. */
export async function preparedStore(dataDir: string): Promise<void> {
  const place = await prepared('store', async (folder) => {
    const store = await openStore({ databaseUrl: null, ownerUrl: null, dataDir: folder });
    await store.close();
  });
  mkdirSync(dataDir, { recursive: true });
  await cloneDataDir(join(place, 'store'), join(dataDir, 'store'));
}

const firstFolder = (): Promise<string> =>
  prepared('sandbox', async (folder) => {
    const sandbox = createSandbox({ cacheDir: folder });
    const cache = new BaselineCache(folder, Number.MAX_SAFE_INTEGER);
    await new Baselines(folder, cache).engineBase(await findEngine({}));
    await sandbox.close();
  });

/** Puts the sandbox's first data folder into a cache that is new. */
export async function preparedCache(cacheDir: string): Promise<void> {
  (await cacheMaker())(cacheDir);
}

/** The same for callers that cannot wait each time. */
export async function cacheMaker(): Promise<(cacheDir: string) => void> {
  const place = await firstFolder();
  return (cacheDir) => {
    mkdirSync(cacheDir, { recursive: true, mode: 0o711 });
    execFileSync('cp', ['-a', '--', join(place, 'baselines'), cacheDir]);
  };
}
