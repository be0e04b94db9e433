/** Evidence of a merge group: every pull request that the queue has put into it. */
import { z } from 'zod';
import type { Evidence } from '../core/evidence.ts';
import type { Locator } from '../core/subject.ts';
import { type GatherParts, type OpenPull, readOpenPull } from './gather-pull.ts';
import { isRefusal } from './faults.ts';
import { MERGE_QUEUE_QUERY } from './queries.ts';
import { readRange } from './range.ts';
import { noteGap, parseAnswer, type Reading, refuseErrors, shaSchema } from './reading.ts';

type GroupLocator = Extract<Locator, { kind: 'merge-group' }>;

/** Reads a merge group; null when its commit or its pull requests are gone (dequeued, merged). */
export async function gatherGroup(
  reading: Reading,
  parts: GatherParts,
  locator: GroupLocator,
): Promise<Evidence | null> {
  const { repo, headSha, headRef, baseRef } = locator;
  const numbers = await pullsOf(reading, locator);
  if (numbers === null) return null;
  const pulls: OpenPull[] = [];
  for (const number of numbers) {
    const pull = await readOpenPull(reading, parts, number);
    if (pull === null) {
      noteGap(reading, {
        what: 'merge group',
        why: 'missing',
        detail: `Pull request #${number} of the merge group is not open any more; queue the others again.`,
      });
    } else pulls.push(pull);
  }
  const first = pulls[0];
  if (first === undefined) return null;
  const people = new Map(pulls.flatMap((pull) => pull.people).map((one) => [one.id, one]));
  return {
    v: 1,
    subject: { kind: 'merge-group', repo, headSha, headRef, baseRef },
    readAtMs: first.atMs,
    defaultBranch: first.defaultBranch,
    policy: first.sources,
    changes: pulls.map((pull) => pull.change),
    deployment: null,
    people: [...people.values()],
    suspended: await reading.memory.suspended(repo.installationId),
    gaps: reading.gaps,
  };
}

const queueSchema = z.object({
  repository: z.object({
    mergeQueue: z
      .object({
        entries: z.object({
          pageInfo: z.object({ hasNextPage: z.boolean() }),
          nodes: z.array(
            z.object({
              headCommit: z.object({ oid: shaSchema }).nullish(),
              pullRequest: z.object({ number: z.int() }).nullish(),
            }),
          ),
        }),
      })
      .nullish(),
  }),
});

/**
 * The pull requests whose queue commits are in the group. The name of the group's branch tells only
 * the last one, so that the queue itself is asked; one that the queue does not name is a gap.
 */
async function pullsOf(reading: Reading, group: GroupLocator): Promise<readonly number[] | null> {
  const { owner, name } = reading.repo;
  const variables = { owner, name, branch: group.baseRef };
  const answer = await reading.client.query(MERGE_QUEUE_QUERY, variables);
  refuseErrors(answer, 'the merge queue');
  const { mergeQueue } = parseAnswer(queueSchema, answer.data, 'the merge queue').repository;
  const inGroup = await commitsOf(reading, group);
  if (inGroup === null) return null;
  const entries = mergeQueue?.entries.nodes ?? [];
  const numbers = entries.flatMap(({ headCommit, pullRequest }) => {
    const isIn = headCommit !== null && headCommit !== undefined && inGroup.has(headCommit.oid);
    return isIn && pullRequest !== null && pullRequest !== undefined ? [pullRequest.number] : [];
  });
  const named = Number(/(?:^|\/)pr-(\d+)-[0-9a-f]+$/.exec(group.headRef)?.[1]);
  if (!numbers.includes(named) || mergeQueue?.entries.pageInfo.hasNextPage === true) {
    noteGap(reading, {
      what: 'merge group',
      why: 'missing',
      detail: `The merge queue of ${group.baseRef} does not name every pull request of ${group.headRef} (yet); it is looked at again.`,
    });
    if (Number.isSafeInteger(named)) numbers.push(named);
  }
  return [...new Set(numbers)];
}

async function commitsOf(
  reading: Reading,
  group: GroupLocator,
): Promise<ReadonlySet<string> | null> {
  try {
    const { commits } = await readRange(reading, group.baseRef, group.headSha);
    return new Set(commits.map((commit) => commit.sha));
  } catch (fault) {
    if (isRefusal(fault, 404)) return null;
    throw fault;
  }
}
