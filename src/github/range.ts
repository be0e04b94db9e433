/** The commits between two deployments, and the merged pull request that each of them belongs to. */
import { z } from 'zod';
import type { Account } from '../core/evidence.ts';
import { getPages } from './clients.ts';
import { rangeQuery } from './queries.ts';
import {
  noteGap,
  parseAnswer,
  place,
  type Reading,
  refuseErrors,
  restAccountSchema,
  shaSchema,
} from './reading.ts';

/** Pages of 100 commits that are read of a range. */
const MAX_PAGES = 20;
/** Commits that one query asks about. */
const PER_QUERY = 50;

const compareSchema = z.object({
  status: z.string(),
  merge_base_commit: z.object({ sha: shaSchema }),
  commits: z.array(
    z.object({
      sha: shaSchema,
      parents: z.array(z.object({ sha: shaSchema })),
      author: restAccountSchema.nullish().catch(null),
      commit: z.object({ message: z.string() }),
    }),
  ),
});

export interface ListedCommit {
  readonly sha: string;
  readonly parents: readonly string[];
  readonly author: Account | null;
  readonly message: string;
}

export interface Range {
  /** GitHub's word: `ahead`, `behind`, `identical`, `diverged`. */
  readonly status: string;
  readonly commits: readonly ListedCommit[];
}

/** Every commit that `to` has and `from` has not. A range without an end is a gap. */
export async function readRange(reading: Reading, from: string, to: string): Promise<Range> {
  let status = '';
  const list = await getPages(reading.client, '/repos/{owner}/{repo}/compare/{basehead}', {
    parameters: { ...place(reading.repo), basehead: `${from}...${to}` },
    pages: MAX_PAGES,
    rows: (data) => {
      const page = parseAnswer(compareSchema, data, 'the range of the deployment');
      status = page.status;
      return page.commits;
    },
  });
  if (!list.complete) {
    noteGap(reading, {
      what: 'range',
      why: 'truncated',
      detail: `The deployment has more than ${list.rows.length} commits since ${from.slice(0, 12)}; deploy an earlier commit first.`,
    });
  }
  const commits = list.rows.map(({ sha, parents, author, commit }) => ({
    sha,
    parents: parents.map((parent) => parent.sha),
    author: author ?? null,
    message: commit.message,
  }));
  return { status, commits };
}

const linkedSchema = z.object({
  oid: shaSchema,
  associatedPullRequests: z
    .object({
      pageInfo: z.object({ hasNextPage: z.boolean() }),
      nodes: z.array(
        z.object({
          number: z.int(),
          merged: z.boolean(),
          mergeCommit: z.object({ oid: shaSchema }).nullish(),
          baseRepository: z.object({ databaseId: z.int().nullish() }).nullish(),
        }),
      ),
    })
    .nullish(),
});

/** A merged pull request that GitHub names for a commit. */
export interface LinkedPull {
  readonly number: number;
  readonly mergeCommitSha: string;
}

/** The merged pull requests of this repository that GitHub links to each commit. */
export async function readLinks(
  reading: Reading,
  shas: readonly string[],
): Promise<ReadonlyMap<string, readonly LinkedPull[]>> {
  const links = new Map<string, readonly LinkedPull[]>();
  for (let at = 0; at < shas.length; at += PER_QUERY) {
    const group = shas.slice(at, at + PER_QUERY);
    const { owner, name } = reading.repo;
    const answer = await reading.client.query(rangeQuery(group), { owner, name });
    refuseErrors(answer, 'the pull requests of the range');
    const schema = z.object({ repository: z.record(z.string(), linkedSchema.nullable()) });
    const { repository } = parseAnswer(schema, answer.data, 'the pull requests of the range');
    for (const [index, sha] of group.entries()) {
      const commit = repository[`c${index}`];
      const isCut = commit?.associatedPullRequests?.pageInfo.hasNextPage === true;
      // Whoever opens many pull requests with a commit must not hide the one that merged it.
      links.set(sha, isCut ? await allLinks(reading, sha) : mergedIn(reading, commit));
    }
  }
  return links;
}

function mergedIn(
  reading: Reading,
  commit: z.infer<typeof linkedSchema> | null | undefined,
): readonly LinkedPull[] {
  const nodes = commit?.associatedPullRequests?.nodes ?? [];
  return nodes.flatMap(({ number, merged, mergeCommit, baseRepository }) => {
    const ours = baseRepository?.databaseId === reading.repo.id;
    const sha = mergeCommit?.oid;
    return merged && ours && sha !== undefined ? [{ number, mergeCommitSha: sha }] : [];
  });
}

const listedPullsSchema = z.array(
  z.object({
    number: z.int(),
    merged_at: z.string().nullable(),
    merge_commit_sha: shaSchema.nullable(),
    base: z.object({ repo: z.object({ id: z.int() }).nullable() }),
  }),
);

/** The merged pull requests of a commit that is in more of them than one answer holds. */
async function allLinks(reading: Reading, sha: string): Promise<readonly LinkedPull[]> {
  const what = `the pull requests of commit ${sha.slice(0, 12)}`;
  const { rows, complete } = await getPages(
    reading.client,
    '/repos/{owner}/{repo}/commits/{commit_sha}/pulls',
    {
      parameters: { ...place(reading.repo), commit_sha: sha },
      pages: 10,
      rows: (data) => parseAnswer(listedPullsSchema, data, what),
    },
  );
  if (!complete) {
    noteGap(reading, {
      what: 'range',
      why: 'truncated',
      detail: `Commit ${sha.slice(0, 12)} is in more than ${rows.length} pull requests.`,
      cure: 'Somebody with write access closes those that are open for no reason.',
    });
  }
  return rows.flatMap(({ number, merged_at: atText, merge_commit_sha: merged, base }) => {
    const ours = base.repo?.id === reading.repo.id;
    return ours && atText !== null && merged !== null ? [{ number, mergeCommitSha: merged }] : [];
  });
}

/** Consecutive commits on the first-parent line that one merge of a pull request made. */
export interface MergeGroup {
  readonly pull: number | null;
  /** First parent of the oldest commit of the group. */
  readonly ontoSha: string | null;
  readonly lastSha: string;
  /** All commits that came with it, those of the merged branch included. */
  readonly shas: readonly string[];
}

/**
 * Splits a range into what each merge brought. A commit on the first-parent line belongs to a pull
 * request when it is its merge commit, or stands with nothing between before one (rebase merges).
 * Commits that came in behind a merge commit belong to that merge.
 */
export function groupsOf(
  headSha: string,
  commits: readonly ListedCommit[],
  links: ReadonlyMap<string, readonly LinkedPull[]>,
): readonly MergeGroup[] {
  const bySha = new Map(commits.map((commit) => [commit.sha, commit]));
  const line = firstParents(headSha, bySha);
  const taken = new Set(line.map((commit) => commit.sha));
  const groups: MergeGroup[] = [];
  for (let start = 0; start < line.length; ) {
    const { end, pull } = groupAt(line, start, links);
    const members = line.slice(start, end + 1);
    const last = members.at(-1);
    if (last === undefined) break;
    const behind = members.flatMap((commit) => sideCommits(commit, bySha, taken));
    groups.push({
      pull,
      ontoSha: members[0]?.parents[0] ?? null,
      lastSha: last.sha,
      shas: [...members.map((commit) => commit.sha), ...behind],
    });
    start = end + 1;
  }
  const left = commits.filter((commit) => !taken.has(commit.sha));
  return [...groups, ...left.map(alone)];
}

function alone({ sha, parents }: ListedCommit): MergeGroup {
  return { pull: null, ontoSha: parents[0] ?? null, lastSha: sha, shas: [sha] };
}

/** The first-parent line of the range, the oldest commit first. */
function firstParents(headSha: string, bySha: ReadonlyMap<string, ListedCommit>): ListedCommit[] {
  const line: ListedCommit[] = [];
  let next = bySha.get(headSha);
  while (next !== undefined && line.length <= bySha.size) {
    line.push(next);
    next = bySha.get(next.parents[0] ?? '');
  }
  return line.reverse();
}

function groupAt(
  line: readonly ListedCommit[],
  start: number,
  links: ReadonlyMap<string, readonly LinkedPull[]>,
): { end: number; pull: number | null } {
  for (const { number } of links.get(line[start]?.sha ?? '') ?? []) {
    for (let end = start; end < line.length; end += 1) {
      const sha = line[end]?.sha ?? '';
      const link = links.get(sha)?.find((one) => one.number === number);
      if (link === undefined) break;
      if (link.mergeCommitSha === sha) return { end, pull: number };
    }
  }
  return { end: start, pull: null };
}

/** Commits reachable through the other parents of a merge commit, as far as they are in the range. */
function sideCommits(
  merge: ListedCommit,
  bySha: ReadonlyMap<string, ListedCommit>,
  taken: Set<string>,
): string[] {
  const found: string[] = [];
  const open = merge.parents.slice(1);
  for (let sha = open.pop(); sha !== undefined; sha = open.pop()) {
    const commit = bySha.get(sha);
    if (commit === undefined || taken.has(sha)) continue;
    taken.add(sha);
    found.push(sha);
    open.push(...commit.parents);
  }
  return found;
}

/** Commits as REST lists them. */
export const historySchema: z.ZodType<
  readonly { readonly sha: string; readonly parents: readonly { readonly sha: string }[] }[]
> = z.array(z.object({ sha: shaSchema, parents: z.array(z.object({ sha: shaSchema })) }));

/** The commits that one merge brought, read from the merge commit back. */
export async function groupEndingAt(reading: Reading, sha: string): Promise<MergeGroup | null> {
  const path = '/repos/{owner}/{repo}/commits';
  const answer = await reading.client.get(path, {
    ...place(reading.repo),
    sha,
    per_page: PER_QUERY,
  });
  const listed = parseAnswer(historySchema, answer.data, 'the commits of a merge');
  const commits = listed.map((one): ListedCommit => {
    const parents = one.parents.map((parent) => parent.sha);
    return { sha: one.sha, parents, author: null, message: '' };
  });
  const links = await readLinks(
    reading,
    commits.map((commit) => commit.sha),
  );
  return groupsOf(sha, commits, links).find((group) => group.lastSha === sha) ?? null;
}
