/**
 * Merged pull requests as they stood when they were merged, read with a person's token for
 * `init --replay`. What a server remembers (postings, suspended agents) is not known here.
 */
import { Octokit } from '@octokit/rest';
import { z } from 'zod';
import { effectivePolicy } from '../core/effective-policy.ts';
import type { Change, Evidence, PolicySources } from '../core/evidence.ts';
import type { Memory } from '../core/ports.ts';
import { type ReadClient, readClient } from './clients.ts';
import type { DryRunParts } from './dry-run.ts';
import { readMergedChange } from './merged-change.ts';
import { readPeople, reviewersOf, teamsOf } from './people.ts';
import { groupEndingAt } from './range.ts';
import { parseAnswer, type Reading, shaSchema, timeSchema } from './reading.ts';
import { TreeCache } from './trees.ts';

export interface PastPull {
  readonly number: number;
  readonly title: string;
  readonly mergedAtMs: number;
  readonly mergeCommitSha: string;
}

export interface PastPulls {
  /** The newest merge first. */
  readonly pulls: readonly PastPull[];
  /** How many closed pull requests were looked through, the last updated first. */
  readonly lookedAt: number;
  /** Whether GitHub has more closed ones than those. */
  readonly more: boolean;
  readonly defaultBranch: string;
  /** Evidence of one as at its merge, or why there is none. Throws GitHubFault. */
  read(pull: PastPull): Promise<PastEvidence | string>;
}

export interface PastEvidence {
  readonly evidence: Evidence;
  /** A path whose merged content is not what the pull request had; null when there is none. */
  readonly mergedOtherwise: string | null;
  /** Approvals that were given after the merge: they release a deployment, and no merge. */
  readonly lateApprovals: number;
}

export interface PastRequest {
  readonly owner: string;
  readonly name: string;
  readonly token: string;
  readonly githubApiUrl: string;
  /** How many of the newest merges. */
  readonly count: number;
  /** The policy they are judged by. */
  readonly sources: PolicySources;
  readonly parts: DryRunParts;
  readonly now: () => number;
}

/** Closed pull requests are listed by their last change, so that many are looked at for a few. */
const MAX_PAGES = 3;
const PER_PAGE = 100;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

const repositorySchema = z.object({ id: z.int(), default_branch: z.string() });

const listedSchema = z.array(
  z.object({
    number: z.int(),
    title: z.string(),
    merged_at: timeSchema.nullish(),
    merge_commit_sha: shaSchema.nullish(),
  }),
);

/** Lists the last merges into the default branch. Throws GitHubFault when GitHub refuses. */
export async function pastPulls(request: PastRequest): Promise<PastPulls> {
  const { owner, name, token, githubApiUrl: baseUrl, now } = request;
  const client = readClient(new Octokit({ auth: token, baseUrl, log: quiet }), now);
  const place = { owner, repo: name };
  const answer = await client.get('/repos/{owner}/{repo}', place);
  const what = `the repository ${owner}/${name}`;
  const { id, default_branch: defaultBranch } = parseAnswer(repositorySchema, answer.data, what);
  const repo = { installationId: 0, id, owner, name };
  const memory = forgetful();
  const trees = new TreeCache();
  return {
    ...(await listed(client, { ...place, base: defaultBranch }, request.count)),
    defaultBranch,
    read: (pull) =>
      readPast({ repo, client, memory, trees, gaps: [] }, { request, defaultBranch, pull }),
  };
}

async function listed(
  client: ReadClient,
  place: { readonly owner: string; readonly repo: string; readonly base: string },
  count: number,
): Promise<Pick<PastPulls, 'pulls' | 'lookedAt' | 'more'>> {
  const found: PastPull[] = [];
  let lookedAt = 0;
  let more = true;
  for (let page = 1; page <= MAX_PAGES && found.length < count; page += 1) {
    const asked = { state: 'closed', sort: 'updated', direction: 'desc', per_page: PER_PAGE, page };
    const answer = await client.get('/repos/{owner}/{repo}/pulls', { ...place, ...asked });
    const rows = parseAnswer(listedSchema, answer.data, 'the closed pull requests');
    lookedAt += rows.length;
    for (const one of rows) {
      const { number, title, merged_at: mergedAtMs, merge_commit_sha: mergeCommitSha } = one;
      if (mergedAtMs === null || mergedAtMs === undefined) continue;
      if (mergeCommitSha === null || mergeCommitSha === undefined) continue;
      found.push({ number, title, mergedAtMs, mergeCommitSha });
    }
    more = answer.next !== null;
    if (!more) break;
  }
  const pulls = found.sort((one, other) => other.mergedAtMs - one.mergedAtMs).slice(0, count);
  return { pulls, lookedAt, more };
}

/** Remembers content while it reads, and nothing of ours: there was no Tagout then. */
function forgetful(): Memory {
  const kept = new Map<string, Uint8Array>();
  return {
    postings: () => Promise.resolve([]),
    releases: () => Promise.resolve([]),
    suspended: () => Promise.resolve([]),
    blobs: (shas) =>
      Promise.resolve(
        new Map(
          shas.flatMap((sha) => {
            const blob = kept.get(sha);
            return blob === undefined ? [] : [[sha, blob] as const];
          }),
        ),
      ),
    keepBlobs(blobs) {
      for (const [sha, blob] of blobs) kept.set(sha, blob);
      return Promise.resolve();
    },
  };
}

async function readPast(
  reading: Reading,
  asked: {
    readonly request: PastRequest;
    readonly defaultBranch: string;
    readonly pull: PastPull;
  },
): Promise<PastEvidence | string> {
  const { request, defaultBranch, pull } = asked;
  const { policy } = effectivePolicy(request.sources);
  const group = await groupEndingAt(reading, pull.mergeCommitSha);
  if (group === null) return 'GitHub does not list the commit that merged it';
  const merged = await readMergedChange(
    reading,
    { ...request.parts, floorsSeen: new Set() },
    group,
    {
      policy,
    },
  );
  if (merged.change === null) return merged.difference ?? 'it could not be read';
  const { change, late } = atItsMerge(merged.change, pull.mergedAtMs);
  const people = await readPeople(reading, reviewersOf(change.reviews), teamsOf(policy));
  const evidence: Evidence = {
    v: 1,
    subject: {
      kind: 'pull-request',
      repo: reading.repo,
      number: pull.number,
      headSha: change.headSha,
    },
    readAtMs: pull.mergedAtMs,
    defaultBranch,
    policy: request.sources,
    changes: [change],
    deployment: null,
    people,
    suspended: [],
    gaps: reading.gaps,
  };
  const { equalsReviewed, difference } = merged;
  const mergedOtherwise = equalsReviewed === true ? null : difference;
  return { evidence, mergedOtherwise, lateApprovals: late };
}

/** The change a moment before it was merged: open, with the reviews that it had. */
function atItsMerge(
  change: Change,
  mergedAtMs: number,
): { readonly change: Change; readonly late: number } {
  const reviews = change.reviews.filter(({ submittedAtMs }) => submittedAtMs <= mergedAtMs);
  const after = change.reviews.filter(({ submittedAtMs }) => submittedAtMs > mergedAtMs);
  return {
    change: {
      ...change,
      state: 'open',
      mergedAtMs: null,
      mergeCommitSha: null,
      mergedBy: null,
      reviews,
    },
    late: after.filter(({ state }) => state === 'APPROVED').length,
  };
}
