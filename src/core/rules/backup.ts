/**
 * The policy can ask for a proven way back: from a blast radius on, the newest backup must be young
 * enough and must have been restored fast enough. The proof is the restore that the dry run itself
 * made of the operator's snapshot; where there was none, nothing is proven.
 */
import { atLeast } from '../blast-radius.ts';
import type { Restore } from '../dry-run.ts';
import { SAY_BACKUP } from '../words/backup.ts';
import type { Said } from '../words/holds.ts';
import { isRollback } from './approvals.ts';
import {
  type Case,
  isOutOfScope,
  type Judged,
  type NamedRule,
  type Rule,
  type Thought,
} from './case.ts';
import { AGAIN_MS } from './look-again.ts';

/** A dump can be put in place while the evidence is read, by a clock that is not GitHub's. */
const CLOCKS_MS = 60_000;

export const backup: Rule = {
  name: 'backup',
  judge: (it) => (isRollback(it) ? [] : it.rules.flatMap((named) => judge(it, named))),
};

function judge(it: Case, named: NamedRule): readonly Thought[] {
  const { backup: wish } = named.rule;
  if (wish === null) return [];
  const scoped = it.environment !== null;
  const all: readonly Judged[] = it.together === null ? it.changes : [...it.changes, it.together];
  const grave = all.filter(
    (one) =>
      atLeast(one.radius, wish.from) &&
      touchesData(one) &&
      !(scoped && isOutOfScope(named.rule, one.change)),
  );
  if (grave.length === 0) return [];
  const said = doubt(wish, newestRestore(all), { name: named.name, nowMs: it.evidence.readAtMs });
  return said.map((one) => ({
    ...one,
    verdict: 'hold',
    breakable: true,
    lookAgainMs: AGAIN_MS,
  }));
}

/** A backup is the way back for migrations and for commands that destroy beside them. */
function touchesData({ change, findings }: Judged): boolean {
  return change.dryRun.status !== 'none' || findings.some(({ id }) => id === 'destructive-command');
}

/** Every run of a repository restores the same snapshot; the newest one is what there is now. */
function newestRestore(all: readonly Judged[]): Restore | null {
  const restores = all.flatMap(({ change }) => change.dryRun.restore ?? []);
  return restores.toSorted((a, b) => b.takenAtMs - a.takenAtMs)[0] ?? null;
}

function doubt(
  { from, maxAgeMs, restoreWithinMs }: NonNullable<NamedRule['rule']['backup']>,
  restore: Restore | null,
  { name, nowMs }: { readonly name: string; readonly nowMs: number },
): readonly Said[] {
  if (restore === null || restore.sizeBytes <= 0 || restore.takenAtMs > nowMs + CLOCKS_MS) {
    return [SAY_BACKUP.unproven(name, from)];
  }
  const ageMs = Math.max(0, nowMs - restore.takenAtMs);
  return [
    ...(ageMs > maxAgeMs ? [SAY_BACKUP.old(name, ageMs, maxAgeMs)] : []),
    ...(restore.restoreMs > restoreWithinMs
      ? [SAY_BACKUP.slow(name, restore.restoreMs, restoreWithinMs)]
      : []),
  ];
}
