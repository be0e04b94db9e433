/** Where checkpoints were left, in a bundle: the register, and time-stamps as files of their own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One row of the register, as the store has it. */
export interface LeftAnchor {
  readonly treeSize: number;
  readonly kind: string;
  readonly locator: string;
  readonly receipt: string | null;
  readonly atMs: number;
}

const DAY_MS = 86_400_000;

/** The last time-stamp of each day; the register holds all of them. */
function daily(anchors: readonly LeftAnchor[]): readonly LeftAnchor[] {
  const stamps = anchors.filter(({ kind, receipt }) => kind === 'timestamp' && receipt !== null);
  const days = stamps.map((stamp) => [Math.floor(stamp.atMs / DAY_MS), stamp] as const);
  return [...new Map(days.toSorted(([, a], [, b]) => a.atMs - b.atMs)).values()];
}

/**
 * Writes `anchors.json`, and for each day `anchors/SIZE.tsr` with the note that it is over in
 * `anchors/SIZE.checkpoint`: as `verify --anchor tsr:` and `openssl ts -verify -data` take them.
 */
export function writeAnchors(
  folder: string,
  anchors: readonly LeftAnchor[],
  notes: readonly string[],
): void {
  writeFileSync(join(folder, 'anchors.json'), `${JSON.stringify(anchors, null, 2)}\n`);
  const bySize = new Map(notes.map((note) => [Number(note.split('\n')[1]), note]));
  for (const { treeSize, receipt } of daily(anchors)) {
    const note = bySize.get(treeSize);
    if (note === undefined || receipt === null) continue;
    mkdirSync(join(folder, 'anchors'), { recursive: true });
    writeFileSync(join(folder, 'anchors', `${treeSize}.tsr`), Buffer.from(receipt, 'base64'));
    writeFileSync(join(folder, 'anchors', `${treeSize}.checkpoint`), note);
  }
}
