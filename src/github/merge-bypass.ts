/** Merges past the rules of a branch (R13): an administrator, or an actor that a ruleset lets by. */
import { z } from 'zod';
import type { Change } from '../core/evidence.ts';
import type { PullVerdicts } from '../core/ports.ts';
import { getPages } from './clients.ts';
import { isRefusal } from './faults.ts';
import { parseAnswer, place, type Reading, shaSchema, timeSchema } from './reading.ts';

/** Pages of 100 bypasses of one branch within a month. */
const MAX_PAGES = 3;

const suitesSchema = z.array(
  z.object({
    after_sha: shaSchema.optional(),
    pushed_at: timeSchema.optional(),
    result: z.string().optional(),
  }),
);

/** A merge, as far as it matters here; more of it is kept as it is. */
export type Merge = Pick<
  Change,
  'pull' | 'headSha' | 'mergedAtMs' | 'mergeCommitSha' | 'bypassedAtMs' | 'mergedPast'
>;

/**
 * The changes, with when each was merged past the rules: approvals given before that do not count;
 * and those that were merged while our own check held them or had not judged them, by our own record.
 * Where GitHub does not give the list (no rulesets, a plan without them) the gate judges all the
 * same, as every change needs its approvals anyhow. `installed`: GitHub told us of the merge, so
 * that the App was there even if nothing else is known of the repository.
 */
export async function withMergeBypasses<One extends Merge>(
  reading: Reading,
  changes: readonly One[],
  { branch, installed = false }: { readonly branch: string; readonly installed?: boolean },
): Promise<readonly One[]> {
  if (changes.length === 0) return changes;
  const merged = await readBypassed(reading, branch);
  const pulls = changes.flatMap(({ pull }) => pull ?? []);
  const verdicts = await reading.memory.verdicts?.(reading.repo, pulls);
  const known = {
    installed,
    last: verdicts?.last ?? new Map(),
    sinceMs: verdicts?.sinceMs ?? null,
  };
  return changes.map((change) => {
    const atMs = merged.get(change.mergeCommitSha ?? '');
    if (atMs !== undefined) {
      const bypassedAtMs = Math.max(change.bypassedAtMs ?? 0, atMs);
      return { ...change, bypassedAtMs, mergedPast: 'rules' };
    }
    const mergedPast = pastCheck(change, known);
    return mergedPast === null ? change : { ...change, mergedPast };
  });
}

function pastCheck(
  { pull, headSha, mergedAtMs }: Merge,
  { last, sinceMs, installed }: PullVerdicts & { readonly installed: boolean },
): 'check' | 'unjudged' | null {
  if (pull === null || mergedAtMs === null) return null;
  const said = last.get(pull);
  // What was decided about another head was not decided about what was merged.
  if (said?.headSha === headSha) return said.verdict === 'allow' ? null : 'check';
  // Before the App was there a merge went past nothing of ours.
  const watched = installed || (sinceMs !== null && sinceMs < mergedAtMs);
  return watched ? 'unjudged' : null;
}

async function readBypassed(
  reading: Reading,
  branch: string,
): Promise<ReadonlyMap<string, number>> {
  try {
    const path = '/repos/{owner}/{repo}/rulesets/rule-suites';
    const { rows } = await getPages(reading.client, path, {
      parameters: {
        ...place(reading.repo),
        ref: `refs/heads/${branch}`,
        time_period: 'month',
        rule_suite_result: 'bypass',
      },
      pages: MAX_PAGES,
      rows: (data) => parseAnswer(suitesSchema, data, 'the merges past the rules'),
    });
    return new Map(
      rows.flatMap(({ after_sha: sha, pushed_at: atMs, result }) =>
        sha === undefined || atMs === undefined || result !== 'bypass' ? [] : [[sha, atMs]],
      ),
    );
  } catch (fault) {
    if (isRefusal(fault, 403, 404)) return new Map();
    throw fault;
  }
}
