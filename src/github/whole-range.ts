/** What a deployment's range says as a whole: its migrations run together, and where it ran before. */
import type { Change } from '../core/evidence.ts';
import type { Policy } from '../core/policy.ts';
import { environmentKey } from '../core/subject.ts';
import { readChangeFiles, readComparison } from './change-files.ts';
import { listDeployments } from './deployment-facts.ts';
import { dryRunOf, type DryRunParts } from './dry-run.ts';
import type { Reading } from './reading.ts';
import { sourceTree } from './trees.ts';
import { deployingJobs } from './workflow-jobs.ts';

export interface RangeEnds {
  readonly fromSha: string;
  readonly sha: string;
  readonly baseRef: string;
  /** Heads of its pull requests that bring migrations in code, the oldest first. */
  readonly heads?: readonly string[];
}

/**
 * The range as one change: all its new migrations run together on the schema of the range's start.
 * Null when fewer than two of its pull requests bring any, as each was then judged alone.
 */
export async function readTogether(
  reading: Reading,
  parts: DryRunParts,
  ends: RangeEnds,
  judged: { readonly changes: readonly Change[]; readonly policy: Policy },
): Promise<Change | null> {
  const migrating = judged.changes.filter((change) => change.dryRun.status !== 'none');
  if (migrating.length < 2) return null;
  const heads = migrating.filter(hasCode).map(({ headSha }) => headSha);
  return readBetween(reading, parts, { ...ends, heads }, judged.policy);
}

function hasCode({ dryRun }: Change): boolean {
  return dryRun.stated !== undefined || dryRun.problems.some(({ inCode }) => inCode === true);
}

/** The difference of two commits as one change that nobody wrote, with its dry run. */
export async function readBetween(
  reading: Reading,
  parts: DryRunParts,
  ends: RangeEnds,
  policy: Policy,
): Promise<Change> {
  const compared = await readComparison(reading, ends.fromSha, ends.sha);
  // What production moves over is the difference of the two ends, also when they have diverged.
  const comparison = { ...compared, mergeBaseTree: compared.baseTree };
  const at = { comparison, headSha: ends.sha };
  const { mergeBase: before, head, files } = await readChangeFiles(reading, null, at);
  const trees = {
    base: sourceTree(reading, before),
    head: sourceTree(reading, head),
    heads: ends.heads ?? [],
  };
  const dryRun = await dryRunOf(reading, parts, trees, policy.migrations);
  return { ...nobodys, ...endsOf(reading, ends), files, dryRun };
}

/** The range has no author, no reviews and no pushes of its own: those are its pull requests'. */
const nobodys: Pick<
  Change,
  | 'pull'
  | 'body'
  | 'state'
  | 'draft'
  | 'author'
  | 'viaApp'
  | 'mergedAtMs'
  | 'mergeCommitSha'
  | 'mergedBy'
  | 'labels'
  | 'commits'
  | 'pushes'
  | 'reviews'
  | 'involved'
  | 'postings'
> = {
  pull: null,
  body: '',
  state: 'merged',
  draft: false,
  author: null,
  viaApp: null,
  mergedAtMs: null,
  mergeCommitSha: null,
  mergedBy: null,
  labels: [],
  commits: [],
  pushes: [],
  reviews: [],
  involved: [],
  postings: [],
};

function endsOf(
  reading: Reading,
  { fromSha, sha, baseRef }: RangeEnds,
): Pick<
  Change,
  'title' | 'baseRef' | 'baseSha' | 'mergeBaseSha' | 'headRef' | 'headSha' | 'headRepoId'
> {
  return {
    title: `${fromSha.slice(0, 12)}..${sha.slice(0, 12)}`,
    baseRef,
    baseSha: fromSha,
    mergeBaseSha: fromSha,
    headRef: '',
    headSha: sha,
    headRepoId: reading.repo.id,
  };
}

/**
 * Names of the other environments where a job of a workflow has deployed this very commit and
 * succeeded. Only asked when the policy orders environments; a deployment made by API proves nothing.
 */
export async function readSucceededIn(
  reading: Reading,
  asked: { readonly sha: string; readonly environment: string },
  policy: Policy,
): Promise<readonly string[]> {
  if (Object.values(policy.environments).every((rule) => rule.after.length === 0)) return [];
  const own = environmentKey(asked.environment);
  const jobs = await deployingJobs(reading, asked.sha);
  const all = await listDeployments(reading, { sha: asked.sha });
  const found = new Map<string, string>();
  for (const deployment of all) {
    const key = environmentKey(deployment.environment);
    if (key === own || deployment.sha !== asked.sha) continue;
    if (jobs.get(deployment.id)?.succeeded === true) found.set(key, deployment.environment);
  }
  return [...found.values()];
}
