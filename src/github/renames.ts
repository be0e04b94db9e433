/**
 * Where a file went that one side of a merge took away: git follows a rename when it merges, by equal
 * content first and then by likeness of at least half.
 */
import type { TreeEntry } from '../core/dry-run.ts';
import { readBlobs } from './blobs.ts';
import type { Reading } from './reading.ts';

/** Git's own threshold. */
const LIKE = 0.5;
/** Larger files, and more candidates, are not compared: the merge then stays unproven. */
const LIMIT_BYTES = 500_000;
const MAX_CANDIDATES = 50;
/** Git compares pieces that end at a line's end or after this many bytes. */
const PIECE_BYTES = 64;
const LINE_END = 10;

export interface Moved {
  readonly entry: TreeEntry;
  /** Whether the content is the very same and only one new file has it. */
  readonly exact: boolean;
}

/** The new file that one which is gone became; null when there is none, or no single best one. */
export async function movedTo(
  reading: Reading,
  gone: TreeEntry,
  added: readonly TreeEntry[],
): Promise<Moved | null> {
  const files = added.filter((entry) => entry.mode.startsWith('100'));
  const equal = files.filter((entry) => entry.blob === gone.blob);
  const [only] = equal;
  if (only !== undefined) return equal.length === 1 ? { entry: only, exact: true } : null;
  const candidates = files.filter((entry) => sizesFit(gone, entry));
  if (candidates.length === 0 || candidates.length > MAX_CANDIDATES) return null;
  const wanted = [gone, ...candidates].map(({ blob, sizeBytes }) => ({ sha: blob, sizeBytes }));
  const blobs = await readBlobs(reading, wanted);
  const before = blobs.get(gone.blob);
  if (before === undefined) return null;
  const scored = candidates
    .map((entry) => ({ entry, score: likeness(before, blobs.get(entry.blob)) }))
    .filter(({ score }) => score >= LIKE)
    .toSorted((one, two) => two.score - one.score);
  const [best, next] = scored;
  if (best === undefined || best.score === next?.score) return null;
  return { entry: best.entry, exact: false };
}

function sizesFit(one: TreeEntry, two: TreeEntry): boolean {
  const sizes = [one.sizeBytes ?? Infinity, two.sizeBytes ?? Infinity];
  const [small, large] = [Math.min(...sizes), Math.max(...sizes)];
  return large > 0 && large <= LIMIT_BYTES && small / large >= LIKE;
}

/** How much of the larger content stands in the other one as well, from 0 to 1. */
export function likeness(before: Uint8Array, after: Uint8Array | undefined): number {
  if (after === undefined) return 0;
  const pieces = piecesOf(before);
  let copied = 0;
  for (const [piece, count] of piecesOf(after)) {
    copied += Math.min(count, pieces.get(piece) ?? 0) * piece.length;
  }
  return copied / Math.max(before.length, after.length, 1);
}

function piecesOf(content: Uint8Array): Map<string, number> {
  const pieces = new Map<string, number>();
  const text = new TextDecoder('latin1');
  for (let at = 0; at < content.length; ) {
    const line = content.indexOf(LINE_END, at);
    const end = Math.min(line === -1 ? content.length : line + 1, at + PIECE_BYTES);
    const piece = text.decode(content.subarray(at, end));
    pieces.set(piece, (pieces.get(piece) ?? 0) + 1);
    at = end;
  }
  return pieces;
}
