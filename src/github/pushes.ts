/** Who pushed to the head of a pull request. Commits can name anybody; GitHub's activity list cannot. */
import { z } from 'zod';
import type { Account, Push } from '../core/evidence.ts';
import { getPages } from './clients.ts';
import { isRefusal } from './faults.ts';
import type { PullFacts, TimelineItem } from './pull-shapes.ts';
import { noteGap, parseAnswer, type Reading, restAccountSchema, timeSchema } from './reading.ts';

/** Pages of 100 pushes that are read of one branch. */
const MAX_PAGES = 10;

/** One movement of a branch. */
export interface Activity {
  /** In full: `refs/heads/main`. */
  readonly ref: string;
  readonly after: string;
  /** When, in milliseconds since 1970. */
  readonly timestamp: number;
  readonly activity_type: string;
  readonly actor?: Account | null | undefined;
}

/** A page of activity as REST lists it, of one branch or of all. */
export const activitySchema: z.ZodType<readonly Activity[]> = z.array(
  z.object({
    ref: z.string(),
    after: z.string(),
    timestamp: timeSchema,
    activity_type: z.string(),
    actor: restAccountSchema.nullish(),
  }),
);

/**
 * Every push to the head branch, and the force pushes that the pull request itself shows. A head that
 * no push explains, and a fork whose activity the app may not read, stand as a push by nobody known:
 * the decision then asks for one more approval, as it could have been any reviewer. `all` is the whole
 * activity of the repository, when that was read to its end.
 */
export async function readPushes(
  reading: Reading,
  number: number,
  facts: PullFacts,
  all: readonly Activity[] | null = null,
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
          all,
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

interface Branch {
  readonly number: number;
  readonly ref: string;
  readonly owner: string;
  readonly repo: string;
  readonly all: readonly Activity[] | null;
}

function pushesIn(rows: readonly Activity[]): readonly Push[] {
  return rows.flatMap((row) =>
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
}

async function listPushes(reading: Reading, branch: Branch): Promise<readonly Push[]> {
  const { number, ref, owner, repo } = branch;
  const isFork = owner !== reading.repo.owner || repo !== reading.repo.name;
  const known = branch.all?.filter((row) => row.ref === `refs/heads/${ref}`) ?? [];
  // A branch whose beginning is not among them may have pushes that are not either.
  if (!isFork && known.some((row) => row.activity_type === 'branch_creation')) {
    return pushesIn(known);
  }
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
    return pushesIn(list.rows);
  } catch (fault) {
    if (isFork && isRefusal(fault, 403, 404)) return [];
    throw fault;
  }
}
