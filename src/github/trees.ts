/** Whole trees of commits. A tree never changes, so that each is kept by its id. */
import { z } from 'zod';
import type { SourceTree, TreeEntry } from '../core/dry-run.ts';
import { readBlobs } from './blobs.ts';
import { filesIn, FolderCache, keepFolders, preloadFolders } from './folders.ts';
import { noteGap, parseAnswer, place, type Reading } from './reading.ts';

/** How many entries the cache of trees holds over all repositories. */
const CACHE_ENTRIES = 400_000;
/** How many trees are asked for, when one is too large for a single answer. */
const WALK_LIMIT = 300;

const treeSchema = z.object({
  truncated: z.boolean(),
  tree: z.array(
    z.object({
      path: z.string(),
      mode: z.string(),
      type: z.string(),
      sha: z.string(),
      size: z.int().optional(),
    }),
  ),
});

type RawTree = z.infer<typeof treeSchema>;

/** A tree as far as it was read. */
interface WalkedTree {
  readonly entries: readonly TreeEntry[];
  readonly complete: boolean;
}

/** Trees by `repository id:tree id`, the longest unused leave first. */
export class TreeCache {
  readonly #trees = new Map<string, readonly TreeEntry[]>();
  /** Trees that are being read now, so that two parts of one reading do not ask twice. */
  readonly underway: Map<string, Promise<WalkedTree>> = new Map();
  /** Folders that trees share. */
  readonly folders: FolderCache = new FolderCache();
  #entries = 0;

  get(key: string): readonly TreeEntry[] | undefined {
    const tree = this.#trees.get(key);
    if (tree === undefined) return undefined;
    this.#trees.delete(key);
    this.#trees.set(key, tree);
    return tree;
  }

  set(key: string, tree: readonly TreeEntry[]): void {
    if (this.#trees.has(key) || tree.length > CACHE_ENTRIES / 4) return;
    this.#trees.set(key, tree);
    this.#entries += tree.length;
    for (const [oldest, entries] of this.#trees) {
      if (this.#entries <= CACHE_ENTRIES) return;
      this.#trees.delete(oldest);
      this.#entries -= entries.length;
    }
  }
}

/**
 * Every file of a tree, with submodules and links as entries of their own mode. `sha` is a commit or
 * a tree. A tree that GitHub truncates is walked folder by folder; beyond the limit it is a gap.
 */
export async function readTree(reading: Reading, sha: string): Promise<readonly TreeEntry[]> {
  const { entries, complete } = await walked(reading, sha);
  if (!complete) {
    // Noted by each reading that uses the tree, also by one that only waited for another's walk.
    noteGap(reading, {
      what: 'files',
      why: 'too-large',
      detail: `The tree of ${sha.slice(0, 12)} is too large for one answer of GitHub and has more than ${WALK_LIMIT} folders; split the repository.`,
    });
  }
  return entries;
}

function walked(reading: Reading, sha: string): Promise<WalkedTree> {
  const key = treeKey(reading, sha);
  const underway = reading.trees.underway.get(key);
  if (underway !== undefined) return underway;
  const read = walkWhole(reading, sha).finally(() => reading.trees.underway.delete(key));
  reading.trees.underway.set(key, read);
  return read;
}

function treeKey({ repo }: Reading, sha: string): string {
  return `${repo.installationId}:${repo.id}:${sha}`;
}

/** From so many on, trees are read together: fewer cost no more one by one. */
const TOGETHER = 3;

/**
 * Reads many trees of one history ahead, by few requests: the first one whole, of the others the
 * folders that differ. What could not be read ahead is read when it is needed.
 */
export async function preloadTrees(reading: Reading, shas: readonly string[]): Promise<void> {
  const { trees } = reading;
  const keyOf = (sha: string): string => treeKey(reading, sha);
  const missing = [...new Set(shas)].filter((sha) => known(reading, sha) === undefined);
  const [first, ...others] = missing;
  if (first === undefined || missing.length < TOGETHER) return;
  await walked(reading, first);
  await preloadFolders(reading, { folders: trees.folders, keyOf }, others);
}

/** A tree that needs no request any more. */
function known(reading: Reading, sha: string): readonly TreeEntry[] | undefined {
  const { trees } = reading;
  const kept = trees.get(treeKey(reading, sha));
  if (kept !== undefined) return kept;
  const files = filesIn(trees.folders, (one) => treeKey(reading, one), sha);
  if (files === null) return undefined;
  trees.set(treeKey(reading, sha), files);
  return files;
}

async function walkWhole(reading: Reading, sha: string): Promise<WalkedTree> {
  const budget = { left: WALK_LIMIT };
  const entries = await walk(reading, sha, budget);
  return { entries, complete: budget.left >= 0 };
}

async function walk(
  reading: Reading,
  sha: string,
  budget: { left: number },
): Promise<readonly TreeEntry[]> {
  const key = treeKey(reading, sha);
  const there = known(reading, sha);
  if (there !== undefined) return there;
  budget.left -= 1;
  if (budget.left < 0) return [];
  const whole = await fetchTree(reading, sha, true);
  const entries = whole.truncated
    ? await walkFolders(reading, await fetchTree(reading, sha, false), budget)
    : filesOf(whole, '');
  if (!whole.truncated)
    keepFolders(reading.trees.folders, (one) => treeKey(reading, one), whole.tree);
  if (budget.left >= 0) reading.trees.set(key, entries);
  return entries;
}

async function walkFolders(
  reading: Reading,
  level: RawTree,
  budget: { left: number },
): Promise<readonly TreeEntry[]> {
  if (level.truncated) budget.left = -1;
  const entries = [...filesOf(level, '')];
  for (const folder of level.tree) {
    if (folder.type !== 'tree') continue;
    // Folders are walked one after the other, so that the budget is kept exactly.
    for (const entry of await walk(reading, folder.sha, budget)) {
      entries.push({ ...entry, path: `${folder.path}/${entry.path}` });
    }
  }
  return entries;
}

function filesOf(raw: RawTree, prefix: string): readonly TreeEntry[] {
  return raw.tree.flatMap((entry): TreeEntry[] =>
    entry.type === 'tree'
      ? []
      : [
          {
            path: prefix + entry.path,
            blob: entry.sha,
            mode: entry.mode,
            sizeBytes: entry.size ?? null,
          },
        ],
  );
}

async function fetchTree(reading: Reading, sha: string, recursive: boolean): Promise<RawTree> {
  const answer = await reading.client.get('/repos/{owner}/{repo}/git/trees/{tree_sha}', {
    ...place(reading.repo),
    tree_sha: sha,
    ...(recursive ? { recursive: '1' } : {}),
  });
  return parseAnswer(treeSchema, answer.data, `the tree of ${sha}`);
}

/** Files as the migrations room reads them. Links and submodules have no content of their own. */
export function sourceTree(reading: Reading, entries: readonly TreeEntry[]): SourceTree {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  return {
    entries,
    async read(paths) {
      const wanted = [...new Set(paths)].flatMap((path) => {
        const entry = byPath.get(path);
        return entry === undefined || entry.mode === '160000' ? [] : [entry];
      });
      const blobs = await readBlobs(
        reading,
        wanted.map((entry) => ({ sha: entry.blob, sizeBytes: entry.sizeBytes })),
      );
      const contents = new Map<string, Uint8Array>();
      for (const entry of wanted) {
        const content = blobs.get(entry.blob);
        if (content !== undefined) contents.set(entry.path, content);
      }
      return contents;
    },
  };
}

/** A path with its entries in two trees; null where the path is not there. */
export interface TreeDifference {
  readonly path: string;
  readonly before: TreeEntry | null;
  readonly after: TreeEntry | null;
}

/** Every path whose content or mode differs, ordered by path. */
export function differences(
  before: readonly TreeEntry[],
  after: readonly TreeEntry[],
): readonly TreeDifference[] {
  const old = new Map(before.map((entry) => [entry.path, entry]));
  const found: TreeDifference[] = [];
  for (const entry of after) {
    const previous = old.get(entry.path) ?? null;
    old.delete(entry.path);
    if (previous?.blob !== entry.blob || previous.mode !== entry.mode) {
      found.push({ path: entry.path, before: previous, after: entry });
    }
  }
  for (const entry of old.values()) found.push({ path: entry.path, before: entry, after: null });
  return found.sort((one, two) => (one.path < two.path ? -1 : one.path > two.path ? 1 : 0));
}
