/** Stops an agent on the server itself, in one transaction with its event and the looks again. */
import { type Doer, suspensionEvent } from '../core/audit/notice-event.ts';
import type { RepoRef } from '../core/subject.ts';
import { appendEvent, stamp } from './append.ts';
import { type Sql, storeFault, type Tx } from './connect.ts';
import { jobsText } from './inbox.ts';
import { judgeJob } from './jobs.ts';

export interface Suspension {
  readonly installationId: number;
  readonly agent: string;
  readonly reason: string;
  readonly resume: boolean;
  readonly doer: Doer;
}

/** Every installation that this store has heard of. */
export async function knownInstallations(sql: Sql): Promise<readonly number[]> {
  try {
    const rows = await sql<{ id: number }[]>`
      select installation_id as id from tagout.delivery where installation_id is not null
      union select installation_id from tagout.subject
      union select log_id from audit.event order by 1`;
    return rows.map((row) => row.id);
  } catch (error) {
    throw storeFault(error, 'reading which installations there are');
  }
}

/** Repositories of an installation under the names that were seen last. */
async function knownRepos(tx: Tx, installationId: number): Promise<readonly RepoRef[]> {
  const rows = await tx<{ id: number; name: string }[]>`
    select distinct on ((doc->'repo'->>'id')::bigint) (doc->'repo'->>'id')::bigint as id,
      doc->'repo'->>'name' as name
    from audit.event where log_id = ${installationId}::bigint and doc->'repo'->>'id' is not null
    order by (doc->'repo'->>'id')::bigint, id desc`;
  return rows.map((row) => {
    const [owner = '', name = ''] = row.name.split('/');
    return { installationId, id: row.id, owner, name };
  });
}

async function change(tx: Tx, what: Suspension, nowMs: number): Promise<boolean> {
  const { installationId, agent, reason, resume } = what;
  const rows = resume
    ? await tx`delete from tagout.suspension
        where installation_id = ${installationId}::bigint and lower(agent) = lower(${agent})
        returning 1`
    : await tx`insert into tagout.suspension
        select ${installationId}::bigint, ${agent}, ${reason}, ${nowMs}::bigint
        where not exists (select from tagout.suspension
          where installation_id = ${installationId}::bigint and lower(agent) = lower(${agent}))
        returning 1`;
  return rows.length > 0;
}

/**
 * Suspends or resumes an agent of one installation and looks at all of its repositories again.
 * False: it was so already, and nothing was done. Throws TagoutError('store-unavailable').
 */
export async function suspendAgent(sql: Sql, what: Suspension, nowMs: number): Promise<boolean> {
  const mark = stamp('', nowMs);
  const about = { ...what, resumed: what.resume };
  const event = suspensionEvent(about, { ...mark, dedupeKey: `suspension:${mark.eventId}` });
  const because = what.resume ? 'agent.resumed' : 'agent.suspended';
  try {
    return await sql.begin(async (tx) => {
      if (!(await change(tx, what, nowMs))) return false;
      await appendEvent(tx, event);
      const jobs = (await knownRepos(tx, what.installationId)).map((repo) =>
        judgeJob({ locator: { kind: 'repository', repo }, because, delivery: null }),
      );
      if (jobs.length > 0) await tx`select tagout.enqueue(${jobsText(jobs)}::text::json)`;
      return true;
    });
  } catch (error) {
    throw storeFault(error, 'suspending an agent');
  }
}
