/**
 * Trees by their folders. Commits of one range share most of their folders, so that many trees are
 * read by a few queries: level by level, only the folders that are not known yet. A folder is
 * believed only when its entries hash to its own id, so that a list that was cut is no folder.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { TreeEntry } from '../core/dry-run.ts';
import { GitHubFault } from './faults.ts';
import { foldersQuery } from './queries.ts';
import { type Reading, shaSchema } from './reading.ts';

/** One level of a tree. */
export interface FolderEntry {
  readonly name: string;
  /** As git writes it in full: `100644`, `040000` for a folder. */
  readonly mode: string;
  readonly sha: string;
  readonly sizeBytes: number | null;
}

export type Folder = readonly FolderEntry[];

const FOLDER_MODE = '040000';
/** How many entries of folders are kept over all repositories. */
const KEPT_ENTRIES = 400_000;
/** Folders in one query, and levels and folders that are worth asking for before a whole tree is. */
const PER_QUERY = 100;
const MAX_LEVELS = 30;
const MAX_FOLDERS = 1000;

/** Folders by `place:folder id`, and the topmost folder of commits; the longest unused leave first. */
export class FolderCache {
  readonly #folders = new Map<string, Folder>();
  #entries = 0;

  get(key: string): Folder | undefined {
    const folder = this.#folders.get(key);
    if (folder === undefined) return undefined;
    this.#folders.delete(key);
    this.#folders.set(key, folder);
    return folder;
  }

  set(key: string, folder: Folder): void {
    if (this.#folders.has(key)) return;
    this.#folders.set(key, folder);
    this.#entries += folder.length + 1;
    for (const [oldest, entries] of this.#folders) {
      if (this.#entries <= KEPT_ENTRIES) return;
      this.#folders.delete(oldest);
      this.#entries -= entries.length + 1;
    }
  }
}

/** Every file of a tree whose folders are all known; null when one is not. */
export function filesIn(
  folders: FolderCache,
  keyOf: (sha: string) => string,
  sha: string,
): readonly TreeEntry[] | null {
  const files: TreeEntry[] = [];
  const isWhole = addFiles(files, '', { folders, keyOf, sha });
  return isWhole ? files : null;
}

interface Walked {
  readonly folders: FolderCache;
  readonly keyOf: (sha: string) => string;
  readonly sha: string;
}

function addFiles(files: TreeEntry[], prefix: string, { folders, keyOf, sha }: Walked): boolean {
  const folder = folders.get(keyOf(sha));
  if (folder === undefined) return false;
  return folder.every(({ name, mode, sha: blob, sizeBytes }) => {
    const path = prefix + name;
    if (mode === FOLDER_MODE) return addFiles(files, `${path}/`, { folders, keyOf, sha: blob });
    files.push({ path, blob, mode, sizeBytes });
    return true;
  });
}

/** Keeps the folders below the top of a whole tree as REST lists it: every path with its own id. */
export function keepFolders(
  folders: FolderCache,
  keyOf: (sha: string) => string,
  tree: readonly {
    readonly path: string;
    readonly mode: string;
    readonly type: string;
    readonly sha: string;
    readonly size?: number | undefined;
  }[],
): void {
  const inside = new Map<string, FolderEntry[]>();
  for (const { path, type } of tree) if (type === 'tree') inside.set(path, []);
  for (const { path, mode, sha, size } of tree) {
    const cut = path.lastIndexOf('/');
    if (cut < 0) continue;
    const entry = { name: path.slice(cut + 1), mode, sha, sizeBytes: size ?? null };
    inside.get(path.slice(0, cut))?.push(entry);
  }
  for (const { path, type, sha } of tree) {
    if (type === 'tree') folders.set(keyOf(sha), inside.get(path) ?? []);
  }
}

const folderSchema = z.object({
  oid: shaSchema,
  entries: z
    .array(
      z.object({
        name: z.string(),
        mode: z.int(),
        type: z.string(),
        oid: shaSchema.nullish(),
        size: z.int(),
      }),
    )
    .nullish(),
});

const objectSchema = z
  .union([z.object({ tree: folderSchema }).transform(({ tree }) => tree), folderSchema])
  .nullish()
  .catch(null);

const answerSchema = z.object({ repository: z.record(z.string(), z.unknown()).nullish() });

interface Read {
  readonly sha: string;
  readonly folder: Folder;
}

/**
 * Reads the trees of commits level by level into the cache, as far as that goes: what could not be
 * read so is read one by one later, and a fault shows itself there.
 */
export async function preloadFolders(
  reading: Reading,
  at: { readonly folders: FolderCache; readonly keyOf: (sha: string) => string },
  shas: readonly string[],
): Promise<void> {
  const { folders, keyOf } = at;
  let wanted = [...new Set(shas)].filter((sha) => folders.get(keyOf(sha)) === undefined);
  let left = MAX_FOLDERS;
  for (let level = 0; level < MAX_LEVELS && wanted.length > 0; level += 1) {
    left -= wanted.length;
    if (left < 0) return;
    const next = new Set<string>();
    for (let from = 0; from < wanted.length; from += PER_QUERY) {
      for (const { sha, folder } of await readFolders(
        reading,
        wanted.slice(from, from + PER_QUERY),
      )) {
        folders.set(keyOf(sha), folder);
        for (const entry of folder) if (entry.mode === FOLDER_MODE) next.add(entry.sha);
      }
    }
    wanted = [...next].filter((sha) => folders.get(keyOf(sha)) === undefined);
  }
}

/** The folders of one query that are proven; nothing when the query as a whole was not answered. */
async function readFolders(reading: Reading, shas: readonly string[]): Promise<readonly Read[]> {
  const { owner, name } = reading.repo;
  const answer = await reading.client
    .query(foldersQuery(shas), { owner, name })
    .catch((fault: unknown) => {
      if (fault instanceof GitHubFault && fault.code === 'github-unavailable') return null;
      throw fault;
    });
  const fields = answerSchema.safeParse(answer?.data).data?.repository ?? {};
  return shas.flatMap((sha, index) => {
    const read = objectSchema.parse(fields[`t${index}`]);
    const folder = read === null || read === undefined ? null : proven(read);
    return folder === null ? [] : [{ sha, folder }];
  });
}

/** The entries of a folder, when they are exactly those that its id stands for. */
function proven({ oid, entries }: z.infer<typeof folderSchema>): Folder | null {
  const folder = (entries ?? []).map((entry) => ({
    name: entry.name,
    mode: entry.mode.toString(8).padStart(6, '0'),
    sha: entry.oid ?? '',
    sizeBytes: entry.type === 'blob' ? entry.size : null,
  }));
  return folderId(folder, oid.length) === oid ? folder : null;
}

/** The id that git gives a folder; `length` tells which hash (40 hex digits: SHA-1). */
export function folderId(folder: Folder, length: number): string {
  const sorted = folder
    .map((entry) => ({
      ...entry,
      // Git sorts a folder as if its name ended with a slash, and by bytes.
      key: Buffer.from(entry.mode === FOLDER_MODE ? `${entry.name}/` : entry.name),
    }))
    .toSorted((one, other) => Buffer.compare(one.key, other.key));
  const parts = sorted.flatMap(({ mode, name, sha }) => [
    Buffer.from(`${mode.replace(/^0/, '')} ${name}\0`),
    Buffer.from(sha, 'hex'),
  ]);
  const body = Buffer.concat(parts);
  const hash = createHash(length === 64 ? 'sha256' : 'sha1');
  return hash.update(`tree ${body.length}\0`).update(body).digest('hex');
}
