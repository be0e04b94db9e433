/** Who pushed to the head of a pull request. Commits can name anybody; GitHub's activity list cannot. */
import { z } from 'zod';
import type { Push } from '../core/evidence.ts';
import { getPages } from './clients.ts';
import { isRefusal } from './faults.ts';
import type { PullFacts, TimelineItem } from './pull-shapes.ts';
import { noteGap, parseAnswer, type Reading, restAccountSchema, timeSchema } from './reading.ts';

/** Pages of 100 pushes that are read of one branch. */
const MAX_PAGES = 10;

const activitySchema = z.array(
  z.object({
    after: z.string(),
    timestamp: timeSchema,
    activity_type: z.string(),
    actor: restAccountSchema.nullish(),
  }),
);

/**
 * Every push to the head branch, and the force pushes that the pull request itself shows. A head that
 * no push explains, and a fork whose activity the app may not read, stand as a push by nobody known:
 * the decision then asks for one more approval, as it could have been any reviewer.
 */
export async function readPushes(
  reading: Reading,
  number: number,
  facts: PullFacts,
): Promise<readonly Push[]> {
  const { headRepository: home, headRefName, headRefOid } = facts.pull;
  const forced = facts.timeline.flatMap(forcePush);
  const listed =
    home === null || home === undefined
      ? []
      : await listPushes(reading, {
          number,
          ref: headRefName,
          owner: home.owner.login,
          repo: home.name,
        });
  const pushes = [...listed, ...forced.filter((push) => !includes(listed, push))];
  if (pushes.some((push) => push.after === headRefOid)) return pushes;
  return [...pushes, { actor: null, atMs: 0, kind: 'unknown', after: headRefOid }];
}

function includes(listed: readonly Push[], push: Push): boolean {
  return listed.some((one) => one.after === push.after && one.actor?.id === push.actor?.id);
}

function forcePush(item: TimelineItem): Push[] {
  if (item.__typename !== 'HeadRefForcePushedEvent') return [];
  const after = item.afterCommit?.oid ?? '';
  return [{ actor: item.actor, atMs: item.createdAt ?? 0, kind: 'force_push', after }];
}

async function listPushes(
  reading: Reading,
  branch: { number: number; ref: string; owner: string; repo: string },
): Promise<readonly Push[]> {
  const { number, ref, owner, repo } = branch;
  try {
    const list = await getPages(reading.client, '/repos/{owner}/{repo}/activity', {
      parameters: { owner, repo, ref: `refs/heads/${ref}` },
      pages: MAX_PAGES,
      rows: (data) => parseAnswer(activitySchema, data, `the pushes to ${ref}`),
    });
    if (!list.complete) {
      noteGap(reading, {
        what: 'pushes',
        why: 'truncated',
        detail: `The head of pull request #${number} has more than ${list.rows.length} pushes; open it again from a new branch.`,
      });
    }
    return list.rows.flatMap((row) =>
      row.activity_type === 'branch_deletion'
        ? []
        : [
            {
              actor: row.actor ?? null,
              atMs: row.timestamp,
              kind: row.activity_type,
              after: row.after,
            },
          ],
    );
  } catch (fault) {
    const own = reading.repo;
    const isFork = owner !== own.owner || repo !== own.name;
    if (isFork && isRefusal(fault, 403, 404)) return [];
    throw fault;
  }
}
