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

  constructor(home: string, capBytes: number) {
    this.#home = home;
    this.#capBytes = capBytes;
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

  #evict(keep: string): void {
    const root = join(this.#home, 'baselines');
    const all = readdirSync(root).flatMap((key) => {
      const file = join(root, key, 'size');
      const stat = statSync(file, { throwIfNoEntry: false });
      if (stat === undefined) return [];
      return [{ key, usedMs: stat.mtimeMs, bytes: Number(readFileSync(file, 'utf8')) }];
    });
    let total = all.reduce((sum, entry) => sum + entry.bytes, 0);
    for (const entry of all.toSorted((a, b) => a.usedMs - b.usedMs)) {
      if (total <= this.#capBytes) return;
      if (entry.key === keep) continue;
      // It is moved away first, so that nobody finds a folder that is half removed.
      const trash = newFolder(this.#home, 'partial');
      renameSync(join(root, entry.key), join(trash, 'old'));
      rmSync(trash, { recursive: true, force: true });
      total -= entry.bytes;
    }
  }
}
