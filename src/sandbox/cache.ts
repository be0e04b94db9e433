/** Prepared data folders on disk by key: kept whole or not at all, the least recently used go first. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newFolder } from './workspace.ts';

export interface Cached {
  readonly key: string;
  /** Folder of the resting cluster, never started itself. */
  readonly dataDir: string;
  readonly folder: string;
  readonly sizeBytes: number;
}

/** Bytes of a folder on disk. */
export function sizeOf(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

export class BaselineCache {
  readonly #home: string;
  readonly #capBytes: number;
  readonly #usedBeside: () => number;

  /** What `usedBeside` counts, in bytes, is taken from the same cap. */
  constructor(home: string, capBytes: number, usedBeside: () => number = () => 0) {
    this.#home = home;
    this.#capBytes = capBytes;
    this.#usedBeside = usedBeside;
  }

  /** The folder of a key; null when there is none. Finding it makes it the most recently used. */
  find(key: string): Cached | null {
    const folder = join(this.#home, 'baselines', key);
    if (!existsSync(join(folder, 'size'))) return null;
    const now = new Date();
    try {
      utimesSync(join(folder, 'size'), now, now);
      const sizeBytes = Number(readFileSync(join(folder, 'size'), 'utf8'));
      return { key, folder, dataDir: join(folder, 'data'), sizeBytes };
    } catch {
      return null;
    }
  }

  /** Takes a finished folder (with its `data` at rest) under a key, in one step. */
  keep(key: string, partial: string): Cached {
    const bytes = sizeOf(partial);
    writeFileSync(join(partial, 'size'), String(bytes));
    const folder = join(this.#home, 'baselines', key);
    try {
      renameSync(partial, folder);
    } catch (error) {
      // Another process was quicker; its folder is as good as ours.
      rmSync(partial, { recursive: true, force: true });
      if (!existsSync(join(folder, 'size'))) throw error;
    }
    this.#evict(key);
    return { key, folder, dataDir: join(folder, 'data'), sizeBytes: bytes };
  }

  /** Dumps that were fetched count as what was prepared from them does. */
  #evict(keep: string): void {
    const all = [...this.#prepared(), ...this.#fetched()];
    let total = all.reduce((sum, entry) => sum + entry.bytes, this.#usedBeside());
    for (const entry of all.toSorted((a, b) => a.usedMs - b.usedMs)) {
      if (total <= this.#capBytes) return;
      if (entry.path === join(this.#home, 'baselines', keep)) continue;
      // It is moved away first, so that nobody finds a folder that is half removed.
      const trash = newFolder(this.#home, 'partial');
      rmSync(`${entry.path}.json`, { force: true });
      renameSync(entry.path, join(trash, 'old'));
      rmSync(trash, { recursive: true, force: true });
      total -= entry.bytes;
    }
  }

  #prepared(): readonly Entry[] {
    const root = join(this.#home, 'baselines');
    return readdirSync(root).flatMap((key) => {
      const file = join(root, key, 'size');
      const stat = statSync(file, { throwIfNoEntry: false });
      if (stat === undefined) return [];
      const bytes = Number(readFileSync(file, 'utf8'));
      return [{ path: join(root, key), usedMs: stat.mtimeMs, bytes }];
    });
  }

  /** Dumps kept by snapshots.ts: the note beside each is as old as its last use. */
  #fetched(): readonly Entry[] {
    const root = join(this.#home, 'snapshots');
    if (!existsSync(root)) return [];
    return readdirSync(root).flatMap((name) => {
      const note = statSync(join(root, `${name}.json`), { throwIfNoEntry: false });
      const dump = statSync(join(root, name), { throwIfNoEntry: false });
      if (note === undefined || dump === undefined) return [];
      return [{ path: join(root, name), usedMs: note.mtimeMs, bytes: dump.size }];
    });
  }
}

interface Entry {
  readonly path: string;
  readonly usedMs: number;
  readonly bytes: number;
}
