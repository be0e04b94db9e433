/**
 * The dumps of production that the operator has set up: where each repository's is, and the file on
 * this machine, fetched when it is at an address. No repository names or sees any of this.
 */
import { accessSync, constants, createWriteStream, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { sha256Hex } from '../core/canonical.ts';
import { newFolder } from './workspace.ts';

/** Paths and addresses by repository in small letters; `*` is for those that are not named. */
export type SnapshotPlaces = ReadonlyMap<string, string>;

/** A dump on this machine, and when it was finished. */
export interface SnapshotFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly takenAtMs: number;
}

const ENTRY = /^(\*|[\w.-]+\/[\w.-]+)=(.*)$/s;

/**
 * Reads `TAGOUT_SNAPSHOT`: one path or address for every repository, or `owner/name=place` entries
 * apart by blanks, with `*=place` for the others. Answers a sentence when it cannot be understood.
 */
export function readSnapshots(text: string, cwd: string): SnapshotPlaces | string {
  const whole = text.trim();
  if (whole === '') return new Map();
  const entries = ENTRY.test(whole) ? whole.split(/\s+/) : [`*=${whole}`];
  const places = new Map<string, string>();
  for (const entry of entries) {
    const [, repository, place] = ENTRY.exec(entry) ?? [];
    if (repository === undefined || place === undefined || place === '') {
      return 'TAGOUT_SNAPSHOT is not a place, nor a list of owner/name=place with blanks between.';
    }
    if (/^\w+:\/\//.test(place) && !isSafeAddress(place)) {
      return 'TAGOUT_SNAPSHOT has an address that is not https: rows of production travel on it.';
    }
    const key = repository.toLowerCase();
    if (places.has(key)) return `TAGOUT_SNAPSHOT names ${repository} twice.`;
    places.set(key, isAddress(place) ? place : resolve(cwd, place));
  }
  return places;
}

function isAddress(place: string): boolean {
  return /^https?:\/\//.test(place);
}

/** Plain http is for this machine only. */
function isSafeAddress(place: string): boolean {
  const url = URL.parse(place);
  if (url?.protocol === 'https:') return true;
  return url?.protocol === 'http:' && /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
}

/** Where the dump of a repository is; null when the operator has set up none for it. */
export function placeOf(places: SnapshotPlaces, repository: string | null): string | null {
  return places.get(repository?.toLowerCase() ?? '*') ?? places.get('*') ?? null;
}

export interface FetchLimits {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** The dump could not be had; the message holds neither its place nor a word of the server there. */
export class SnapshotUnavailable extends Error {}

/** Keeps what was fetched, by address, and asks each time whether there is a newer one. */
export class Snapshots {
  readonly #home: string;
  readonly #limits: FetchLimits;
  readonly #underWay = new Map<string, Promise<SnapshotFile>>();

  constructor(home: string, limits: FetchLimits) {
    this.#home = home;
    this.#limits = limits;
  }

  /** The file of a place; null when it is not there. Throws SnapshotUnavailable for an address. */
  at(place: string): Promise<SnapshotFile | null> {
    if (!isAddress(place)) return Promise.resolve(fileAt(place));
    const known = this.#underWay.get(place);
    if (known !== undefined) return known;
    const fetched = this.#fetch(place).finally(() => this.#underWay.delete(place));
    this.#underWay.set(place, fetched);
    return fetched;
  }

  async #fetch(address: string): Promise<SnapshotFile> {
    const folder = join(this.#home, 'snapshots');
    const path = join(folder, sha256Hex(address));
    const kept = keptAt(path);
    const headers = kept === null ? {} : { 'if-modified-since': kept.modified };
    const signal = AbortSignal.timeout(this.#limits.timeoutMs);
    let answer: Response;
    try {
      answer = await fetch(address, { headers, signal });
    } catch {
      throw new SnapshotUnavailable('the server that holds it does not answer');
    }
    if (answer.status === 304 && kept !== null) {
      // The disk cap takes the least recently used first (cache.ts).
      const now = new Date();
      utimesSync(`${path}.json`, now, now);
      return { path, sizeBytes: kept.sizeBytes, takenAtMs: kept.takenAtMs };
    }
    const modified = answer.headers.get('last-modified') ?? '';
    const takenAtMs = Date.parse(modified);
    if (!answer.ok || answer.body === null) {
      throw new SnapshotUnavailable(`the server that holds it answers ${answer.status}`);
    }
    if (Number.isNaN(takenAtMs)) {
      throw new SnapshotUnavailable('the server that holds it does not say when it was taken');
    }
    const partial = newFolder(this.#home, 'partial');
    try {
      const sizeBytes = await this.#store(answer.body, join(partial, 'dump'), signal);
      const note: Kept = { modified, takenAtMs, sizeBytes };
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      rmSync(`${path}.json`, { force: true });
      renameSync(join(partial, 'dump'), path);
      writeFileSync(`${path}.json`, JSON.stringify(note), { mode: 0o600 });
      return { path, sizeBytes, takenAtMs };
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }

  async #store(body: ReadableStream, path: string, signal: AbortSignal): Promise<number> {
    let sizeBytes = 0;
    const { maxBytes } = this.#limits;
    const counter = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        sizeBytes += chunk.length;
        const large = sizeBytes > maxBytes;
        done(large ? new SnapshotUnavailable('it is larger than the cache may be') : null, chunk);
      },
    });
    const file = createWriteStream(path, { mode: 0o600 });
    try {
      await pipeline(Readable.fromWeb(body), counter, file, { signal });
    } catch (error) {
      if (error instanceof SnapshotUnavailable) throw error;
      throw new SnapshotUnavailable('it ended before it was whole');
    }
    return sizeBytes;
  }
}

interface Kept {
  readonly modified: string;
  readonly takenAtMs: number;
  readonly sizeBytes: number;
}

/** What was fetched before; null when there is none, or not the whole of it. */
function keptAt(path: string): Kept | null {
  try {
    const kept: Kept = JSON.parse(readFileSync(`${path}.json`, 'utf8'));
    return statSync(path).size === kept.sizeBytes ? kept : null;
  } catch {
    return null;
  }
}

function fileAt(path: string): SnapshotFile | null {
  try {
    accessSync(path, constants.R_OK);
    const stat = statSync(path);
    if (!stat.isFile()) return null;
    return { path, sizeBytes: stat.size, takenAtMs: Math.round(stat.mtimeMs) };
  } catch {
    return null;
  }
}
