/**
 * Runs in memory: copying and removing thousands of small files costs a tenth there of what it does
 * on disk. A run goes there only when there is plenty of room, and is repeated on disk when it
 * writes more than its share.
 */
import { chmodSync, mkdtempSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A file system in memory, and what one run there may write beside its baseline. */
export interface Memory {
  readonly dir: string;
  readonly writesBytes: number;
}

/** Where Linux keeps a file system in memory; in a container it may be as small as 64 MB. */
export const MEMORY: Memory = { dir: '/dev/shm', writesBytes: 256 * 2 ** 20 };

/** A run takes at most this part of what is free, as others start at the same time. */
const SHARE = 0.25;

/** `TMPFS_MAGIC` of statfs(2). */
const TMPFS = 0x01021994;

const NAME = /^tagout-run-(\d+)-/;

/**
 * A new folder in memory that belongs to this process, for a baseline of that size; null when there
 * is no such file system or not enough room in it or in the machine (a container's limit counts).
 */
export function memoryFolder(memory: Memory | null, baselineBytes: number): string | null {
  if (memory === null) return null;
  try {
    const { type, bavail, bsize } = statfsSync(memory.dir);
    const free = Math.min(bavail * bsize, process.availableMemory());
    if (type !== TMPFS || baselineBytes + memory.writesBytes > free * SHARE) return null;
    const folder = mkdtempSync(join(memory.dir, `tagout-run-${process.pid}-`));
    chmodSync(folder, 0o711);
    return folder;
  } catch {
    // Not there, or not ours to write: the disk does as well.
    return null;
  }
}

/** Our user's folders in memory and the process that each belongs to. */
export function memoryFolders(memory: Memory): readonly { path: string; pid: number }[] {
  let names: readonly string[];
  try {
    names = readdirSync(memory.dir);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const pid = Number(NAME.exec(name)?.[1] ?? 0);
    const path = join(memory.dir, name);
    const stat = pid === 0 ? undefined : statSync(path, { throwIfNoEntry: false });
    return stat?.uid === process.getuid?.() && stat !== undefined ? [{ path, pid }] : [];
  });
}
