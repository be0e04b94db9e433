/** Puts one pull request together: its own facts, its files, its pushes, its dry run. */
import { z } from 'zod';
import type { DryRun } from '../core/dry-run.ts';
import type { Change, Commit, CommitPerson, Mention, Push } from '../core/evidence.ts';
import type { ChangeFiles, CommitAccounts, Comparison } from './change-files.ts';
import { involvedIn, type KnownAgents } from './involved.ts';
import type { PullFacts } from './pull-shapes.ts';
import { noteGap, parseAnswer, place, type Reading } from './reading.ts';

/** The part of an issue or a pull request, as REST gives it, that tells its app. */
export const viaAppSchema: z.ZodObject<{
  performed_via_github_app: z.ZodOptional<
    z.ZodNullable<z.ZodObject<{ slug: z.ZodOptional<z.ZodNullable<z.ZodString>> }>>
  >;
}> = z.object({
  performed_via_github_app: z.object({ slug: z.string().nullish() }).nullish(),
});

/** The slug of the app through which it was opened; null when it was opened without one. */
export function viaAppOf(issue: z.infer<typeof viaAppSchema>): string | null {
  const app = issue.performed_via_github_app;
  return app === null || app === undefined ? null : (app.slug ?? 'an app without a name');
}

/** The app through which a pull request was opened on a person's behalf: only issues tell it. */
export async function readViaApp(reading: Reading, number: number): Promise<string | null> {
  const answer = await reading.client.get('/repos/{owner}/{repo}/issues/{issue_number}', {
    ...place(reading.repo),
    issue_number: number,
  });
  return viaAppOf(parseAnswer(viaAppSchema, answer.data, `issue #${number}`));
}

export interface ChangeParts {
  readonly number: number;
  readonly facts: PullFacts;
  readonly baseSha: string;
  readonly comparison: Comparison;
  readonly files: ChangeFiles;
  readonly pushes: readonly Push[];
  readonly viaApp: string | null;
  readonly agents: KnownAgents;
  readonly dryRun: DryRun;
  readonly mentions: readonly Mention[];
}

/** The Change of a pull request, with the postings that our own memory holds. */
export async function changeOf(reading: Reading, parts: ChangeParts): Promise<Change> {
  const { pull } = parts.facts;
  return {
    pull: parts.number,
    title: pull.title,
    body: pull.body,
    state: stateOf(reading, parts.number, pull.state),
    draft: pull.isDraft,
    author: pull.author,
    viaApp: parts.viaApp,
    baseRef: pull.baseRefName,
    baseSha: parts.baseSha,
    mergeBaseSha: parts.comparison.mergeBaseSha,
    headRef: pull.headRefName,
    headSha: pull.headRefOid,
    headRepoId: pull.headRepository?.databaseId ?? null,
    mergedAtMs: pull.mergedAt ?? null,
    mergeCommitSha: pull.mergeCommit?.oid ?? null,
    mergedBy: pull.mergedBy,
    labels: (pull.labels?.nodes ?? []).map((label) => label.name),
    commits: parts.facts.commits.map((commit) => withAccounts(commit, parts.comparison.accounts)),
    pushes: parts.pushes,
    files: parts.files.files,
    reviews: parts.facts.reviews,
    involved: involvedIn(parts.facts, parts.viaApp, parts.agents),
    postings: await reading.memory.postings(reading.repo, parts.number),
    dryRun: parts.dryRun,
    mentions: parts.mentions,
    baseChangedAtMs: baseChangedAt(parts.facts),
  };
}

function baseChangedAt(facts: PullFacts): number | null {
  const times = facts.timeline.flatMap((item) =>
    item.__typename === 'BaseRefChangedEvent' ? [item.createdAt ?? 0] : [],
  );
  return times.length === 0 ? null : Math.max(...times);
}

function stateOf(reading: Reading, number: number, state: string): Change['state'] {
  if (state === 'OPEN') return 'open';
  if (state === 'MERGED') return 'merged';
  if (state !== 'CLOSED') {
    noteGap(reading, {
      what: 'pull request',
      why: 'unknown-value',
      detail: `Pull request #${number} has the unknown state ${JSON.stringify(state.slice(0, 40))}; Tagout has to learn it.`,
    });
  }
  return 'closed';
}

/** GraphQL names no bots as authors of commits; REST does. The author is the first of the authors. */
function withAccounts(commit: Commit, known: ReadonlyMap<string, CommitAccounts>): Commit {
  const accounts = known.get(commit.sha);
  if (accounts === undefined) return commit;
  const [author, ...others] = commit.authors;
  return {
    ...commit,
    authors: author === undefined ? [] : [named(author, accounts.author), ...others],
    committer: named(commit.committer, accounts.committer),
  };
}

function named(person: CommitPerson, account: CommitPerson['account']): CommitPerson {
  return account === null ? person : { ...person, account };
}

/**
 * The number of commits must be the same in both of GitHub's lists: GraphQL's own ends, as REST's
 * does at 250, without saying so.
 */
export function checkCommits(
  reading: Reading,
  number: number,
  parts: { facts: PullFacts; comparison: Comparison },
): void {
  const listed = new Set(parts.facts.commits.map((commit) => commit.sha));
  const missing = [...parts.comparison.accounts.keys()].filter((sha) => !listed.has(sha));
  if (missing.length === 0 && parts.comparison.totalCommits <= listed.size) return;
  noteGap(reading, {
    what: 'commits',
    why: 'truncated',
    detail: `Pull request #${number} has ${parts.comparison.totalCommits} commits and ${listed.size} could be read; split it, or rebase it when GitHub's list is behind.`,
  });
}
