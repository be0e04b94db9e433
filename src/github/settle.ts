/** Reads and keeps what cannot change any more about a pull request that was merged. */
import { readViaApp } from './change.ts';
import { readComparison } from './change-files.ts';
import type { PullFacts } from './pull-shapes.ts';
import { type Activity, readPushes } from './pushes.ts';
import { groupEndingAt, type MergeGroup } from './range.ts';
import type { Reading } from './reading.ts';
import { keepSettled, readSettled, type Settled, settledKey } from './settled.ts';

export interface MergedPull {
  readonly facts: PullFacts;
  readonly group: MergeGroup;
  readonly number: number;
  /** The commit that it was merged onto. */
  readonly ontoSha: string;
}

/** What lists of the whole repository told already. */
export interface AlreadyRead {
  /** The app through which each was opened, by number; one that is missing is not known. */
  readonly viaApps: ReadonlyMap<number, string | null>;
  /** All activity of the repository, of whatever age; null when it was not read to its end. */
  readonly activity: readonly Activity[] | null;
}

export const NOTHING_READ: AlreadyRead = { viaApps: new Map(), activity: null };

/** What cannot change any more: from memory, or read now and kept. */
export async function settledOf(
  reading: Reading,
  { facts, group, number, ontoSha }: MergedPull,
  read: AlreadyRead = NOTHING_READ,
): Promise<Settled> {
  const headSha = facts.pull.headRefOid;
  const key = settledKey(number, headSha, group);
  const known = (await readSettled(reading, [key])).get(key);
  if (known !== undefined) return known;
  const gaps = reading.gaps.length;
  const viaApp = read.viaApps.get(number);
  const settled = {
    comparison: await readComparison(reading, ontoSha, headSha),
    pushes: await readPushes(reading, number, facts, read.activity),
    viaApp: viaApp === undefined ? await readViaApp(reading, number) : viaApp,
  };
  if (reading.gaps.length === gaps) await keepSettled(reading, key, facts, settled);
  return settled;
}

/**
 * Keeps what cannot change any more about a pull request that was merged, so that the gate, where
 * many come together, has only to ask for what can. When GitHub does not tell yet which commits it
 * was merged by, nothing is kept, and the gate reads it all.
 */
export async function settleMerged(
  reading: Reading,
  number: number,
  facts: PullFacts,
): Promise<void> {
  const sha = facts.pull.mergeCommit?.oid;
  const group = sha === undefined ? null : await groupEndingAt(reading, sha);
  if (group === null || group.pull !== number || group.ontoSha === null) return;
  await settledOf(reading, { facts, group, number, ontoSha: group.ontoSha });
}
