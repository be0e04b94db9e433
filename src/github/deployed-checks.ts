/**
 * How GitHub's checks stand at a commit that is to be deployed. It is read for the record: no rule
 * judges it, so that what GitHub does not let us read is told as such and holds nothing.
 */
import { z } from 'zod';
import { CHECK_NAME } from '../core/effects.ts';
import { environmentRule } from '../core/environments.ts';
import type { Change, DeployedChecks, DeploymentEvidence, RangeCommit } from '../core/evidence.ts';
import type { EffectivePolicy } from '../core/policy.ts';
import { newestOf } from '../core/rules/newest.ts';
import { getPages } from './clients.ts';
import { GitHubFault } from './faults.ts';
import { requiredChecks } from './posture-repository.ts';
import { parseAnswer, place, type Reading } from './reading.ts';

const PAGES = 5;

const runsSchema = z.object({
  check_runs: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      conclusion: z.string().nullable(),
      app: z.object({ id: z.int() }).nullish(),
    }),
  ),
});

type CheckRun = z.infer<typeof runsSchema>['check_runs'][number];

/** What is to be deployed, as far as it has been read. */
export interface CheckedTarget {
  readonly environment: string;
  readonly sha: string;
  readonly baseRef: string;
  readonly policy: EffectivePolicy;
  readonly judged: {
    readonly changes: readonly Change[];
    readonly range: readonly RangeCommit[];
  };
}

/** The checks of a deployment to an environment that the policy guards; others are not asked. */
export async function checksOf(
  reading: Reading,
  { environment, sha, baseRef: branch, judged, policy }: CheckedTarget,
): Promise<Pick<DeploymentEvidence, 'checks'>> {
  if (environmentRule(policy.policy, environment) === null) return {};
  const reviewed = newestOf(judged.changes);
  const same = judged.range.every(({ equalsReviewed }) => equalsReviewed === true);
  const head = reviewed === null ? null : { sha: reviewed.headSha, same };
  return { checks: await readDeployedChecks(reading, { sha, branch, head }) };
}

interface CheckedCommit {
  readonly sha: string;
  /** The default branch, whose rules name the required checks. */
  readonly branch: string;
  /** The newest pull request's head, and whether what was reviewed there is what is deployed. */
  readonly head: { readonly sha: string; readonly same: boolean } | null;
}

const BAD: ReadonlySet<string> = new Set([
  'failure',
  'timed_out',
  'cancelled',
  'action_required',
  'startup_failure',
  'stale',
]);

async function runsOf(reading: Reading, sha: string): Promise<readonly CheckRun[]> {
  const { rows } = await getPages(
    reading.client,
    '/repos/{owner}/{repo}/commits/{ref}/check-runs',
    {
      parameters: { ...place(reading.repo), ref: sha, filter: 'latest' },
      pages: PAGES,
      rows: (data) => parseAnswer(runsSchema, data, 'the checks of the commit').check_runs,
    },
  );
  return rows.filter(({ name }) => name !== CHECK_NAME && !name.startsWith(`${CHECK_NAME}/`));
}

type State = DeployedChecks['required'][number]['state'];

function stateOf(runs: readonly CheckRun[]): State {
  if (runs.length === 0) return 'missing';
  if (runs.some(({ conclusion }) => conclusion !== null && BAD.has(conclusion))) return 'failed';
  if (runs.some(({ status }) => status !== 'completed')) return 'pending';
  return runs.every(({ conclusion }) => conclusion === 'success') ? 'passed' : 'skipped';
}

function resultOf(runs: readonly CheckRun[]): DeployedChecks['result'] {
  if (runs.some(({ conclusion }) => conclusion !== null && BAD.has(conclusion))) return 'failure';
  // The run that waits at the gate is itself not at its end.
  return runs.some(({ conclusion }) => conclusion === 'success') ? 'success' : 'none';
}

/** Null when GitHub does not answer or does not let us. */
async function readDeployedChecks(
  reading: Reading,
  { sha, branch, head }: CheckedCommit,
): Promise<DeployedChecks | null> {
  try {
    const runs = await runsOf(reading, sha);
    const asked = await requiredChecks(reading.client, reading.repo, branch);
    const others = asked.filter(({ context }) => context !== CHECK_NAME);
    const here = (context: string, appId: number | null, list: readonly CheckRun[]): State =>
      stateOf(list.filter((run) => run.name === context && (appId ?? run.app?.id) === run.app?.id));
    const states = others.map(({ context, appId }) => ({
      name: context,
      appId,
      state: here(context, appId, runs),
    }));
    const isMissing = states.some(({ state }) => state === 'missing');
    const before = isMissing && head !== null ? await runsOf(reading, head.sha) : [];
    const required = states.map(({ name, appId, state }) => {
      if (state !== 'missing') return { name, state };
      const there = here(name, appId, before);
      return {
        name,
        state: there === 'passed' && head?.same !== true ? ('stale' as const) : there,
      };
    });
    const sorted = required.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return { result: resultOf(runs), required: sorted };
  } catch (fault) {
    if (fault instanceof GitHubFault && fault.code !== 'github-limited') return null;
    throw fault;
  }
}
