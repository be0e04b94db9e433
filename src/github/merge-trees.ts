/**
 * The three-way merge of two trees by path, and of two texts by line where both sides changed one.
 * A file that one side renamed is followed; what git might merge otherwise is named as a conflict or
 * as a guess, and whoever needs the answer holds.
 */
import { Buffer } from 'node:buffer';
import { diff3Merge } from 'node-diff3';
import type { TreeEntry } from '../core/dry-run.ts';
import { gitBlobId, readBlobs } from './blobs.ts';
import type { Reading } from './reading.ts';
import { movedTo } from './renames.ts';
import { differences, type TreeDifference } from './trees.ts';

/** Larger texts are not merged line by line. */
const MERGE_LIMIT_BYTES = 2_000_000;

export interface MergedTree {
  readonly entries: readonly TreeEntry[];
  /** Contents that stand in no repository, as both sides changed a file; by their git id. */
  readonly made: ReadonlyMap<string, Uint8Array>;
  /** Paths that could not be merged; `entries` holds theirs there. */
  readonly conflicts: readonly string[];
  /** Paths that a rename by likeness touched: git may have paired other files. */
  readonly guessed: readonly string[];
}

export interface ThreeTrees {
  readonly base: readonly TreeEntry[];
  readonly ours: readonly TreeEntry[];
  readonly theirs: readonly TreeEntry[];
}

/** Merges `theirs` onto `ours`, both made from `base`. Throws GitHubFault when a blob is not given. */
export async function mergeTrees(reading: Reading, trees: ThreeTrees): Promise<MergedTree> {
  const ourList = differences(trees.base, trees.ours);
  const theirList = differences(trees.base, trees.theirs);
  const ourChange = new Map(ourList.map((one) => [one.path, one]));
  const entries = new Map(trees.ours.map((entry) => [entry.path, entry]));
  const made = new Map<string, Uint8Array>();
  const conflicts: string[] = [];
  const guessed: string[] = [];
  const both: { ours: TreeDifference; theirs: TreeDifference }[] = [];
  for (const theirs of theirList) {
    const ours = ourChange.get(theirs.path);
    if (ours === undefined) lay(entries, theirs);
    else if (!same(ours.after, theirs.after)) both.push({ ours, theirs });
  }
  await preload(reading, both);
  for (const pair of both) {
    const { path } = pair.theirs;
    const merged =
      (await mergeOne(reading, pair.ours, pair.theirs)) ??
      (await mergeMoved(reading, pair, { ours: ourList, theirs: theirList }));
    if (merged === null) {
      conflicts.push(path);
      lay(entries, pair.theirs);
      continue;
    }
    made.set(merged.entry.blob, merged.content);
    if (merged.entry.path !== path) entries.delete(path);
    entries.set(merged.entry.path, merged.entry);
    if (merged.guessed === true) guessed.push(path, merged.entry.path);
  }
  return { entries: [...entries.values()], made, conflicts, guessed };
}

interface Merged {
  readonly entry: TreeEntry;
  readonly content: Uint8Array;
  readonly guessed?: boolean;
}

/** A file that one side renamed and the other changed is merged where it went. */
async function mergeMoved(
  reading: Reading,
  { ours, theirs }: { readonly ours: TreeDifference; readonly theirs: TreeDifference },
  lists: { readonly ours: readonly TreeDifference[]; readonly theirs: readonly TreeDifference[] },
): Promise<Merged | null> {
  const { before } = ours;
  if (before === null || (ours.after === null) === (theirs.after === null)) return null;
  const [side, other] =
    ours.after === null ? [lists.ours, lists.theirs] : [lists.theirs, lists.ours];
  const taken = new Set(other.flatMap(({ path, after }) => (after === null ? [] : [path])));
  const added = side.flatMap((one) =>
    one.before === null && one.after !== null && !taken.has(one.path) ? [one.after] : [],
  );
  const moved = await movedTo(reading, before, added);
  if (moved === null) return null;
  const { path } = moved.entry;
  const one = { path, before, after: ours.after ?? moved.entry };
  const two = { path, before, after: theirs.after ?? moved.entry };
  const merged = await mergeOne(reading, one, two);
  return merged === null ? null : { ...merged, guessed: !moved.exact };
}

function lay(entries: Map<string, TreeEntry>, { path, after }: TreeDifference): void {
  if (after === null) entries.delete(path);
  else entries.set(path, after);
}

function same(one: TreeEntry | null, two: TreeEntry | null): boolean {
  return one?.blob === two?.blob && one?.mode === two?.mode;
}

/** All contents in one go, so that the merging itself finds them in memory. */
async function preload(
  reading: Reading,
  both: readonly { ours: TreeDifference; theirs: TreeDifference }[],
): Promise<void> {
  const wanted = both.flatMap(({ ours, theirs }) => mergeable(ours, theirs) ?? []);
  await readBlobs(
    reading,
    wanted.map((entry) => ({ sha: entry.blob, sizeBytes: entry.sizeBytes })),
  );
}

/** Base, ours and theirs of an ordinary file that all three have; null when lines cannot help. */
function mergeable(
  ours: TreeDifference,
  theirs: TreeDifference,
): readonly [TreeEntry, TreeEntry, TreeEntry] | null {
  const three = [ours.before, ours.after, theirs.after] as const;
  const [base, our, their] = three;
  if (base === null || our === null || their === null) return null;
  const ordinary = [base, our, their].every(
    (entry) => entry.mode.startsWith('100') && (entry.sizeBytes ?? 0) <= MERGE_LIMIT_BYTES,
  );
  return ordinary ? [base, our, their] : null;
}

async function mergeOne(
  reading: Reading,
  ours: TreeDifference,
  theirs: TreeDifference,
): Promise<Merged | null> {
  const three = mergeable(ours, theirs);
  if (three === null) return null;
  const [base, our, their] = three;
  const mode = mergedMode(base.mode, our.mode, their.mode);
  if (mode === null) return null;
  const blobs = await readBlobs(
    reading,
    three.map((entry) => ({ sha: entry.blob, sizeBytes: entry.sizeBytes })),
  );
  const [baseText, ourText, theirText] = three.map((entry) => exactText(blobs.get(entry.blob)));
  const text = mergeTexts(baseText ?? null, ourText ?? null, theirText ?? null);
  if (text === null) return null;
  const content = Buffer.from(text, 'utf8');
  const blob = gitBlobId(content, base.blob);
  return { entry: { path: ours.path, blob, mode, sizeBytes: content.length }, content };
}

function mergedMode(base: string, ours: string, theirs: string): string | null {
  if (ours === theirs) return ours;
  if (ours === base) return theirs;
  return theirs === base ? ours : null;
}

/** The text of a content, or null when it is binary or not exact UTF-8. */
function exactText(content: Uint8Array | undefined): string | null {
  if (content === undefined || content.includes(0)) return null;
  const text = Buffer.from(content).toString('utf8');
  return Buffer.from(text, 'utf8').equals(content) ? text : null;
}

/** Merges by line; null on a conflict. A line keeps its ending, so that endings merge as content. */
export function mergeTexts(
  base: string | null,
  ours: string | null,
  theirs: string | null,
): string | null {
  if (base === null || ours === null || theirs === null) return null;
  if (ours === base || ours === theirs) return theirs;
  if (theirs === base) return ours;
  const regions = diff3Merge(linesOf(ours), linesOf(base), linesOf(theirs), {
    excludeFalseConflicts: true,
  });
  const lines: string[] = [];
  for (const region of regions) {
    if (region.ok === undefined) return null;
    lines.push(...region.ok);
  }
  return lines.join('');
}

function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
