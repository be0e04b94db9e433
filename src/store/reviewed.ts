/** Which subjects stand on a person's approval, by our own record. */
import type { Approvals } from '../core/ports.ts';
import { isExternalRun, type Locator, type RepoRef } from '../core/subject.ts';
import type { Sql } from './connect.ts';

/** So many are looked at again after one event; what is older waits for the sweep. */
const LIMIT = 500;
/** A run waits no longer than GitHub's 30 days; a day for clocks and queues. */
const RUN_MS = 31 * 86_400_000;

interface Row {
  readonly repoId: number;
  readonly repoName: string;
  readonly pull: number | null;
  readonly sha: string;
  readonly runId: number | null;
  readonly environment: string | null;
  readonly deploymentId: number | null;
}

/**
 * Subjects whose last decision counted or refused an approval of the person, those that were read
 * last first. A gate that was released is over; a merge group is judged by its own event.
 */
export async function readReviewed(
  sql: Sql,
  { installationId, personId }: Approvals,
): Promise<readonly Locator[]> {
  const who = personId === null ? '[{}]' : JSON.stringify([{ person: { id: personId } }]);
  const rows = await sql<Row[]>`
    select (e.doc->'repo'->>'id')::bigint as "repoId", e.doc->'repo'->>'name' as "repoName",
      (e.doc->'subject'->>'pull')::bigint as pull,
      e.doc->'subject'->>'sha' as sha, (e.doc->'subject'->>'runId')::bigint as "runId",
      e.doc->'subject'->>'environment' as environment,
      (e.doc->'subject'->>'deploymentId')::bigint as "deploymentId"
    from tagout.subject s join audit.event e on e.event_id = s.event_id
    where s.installation_id = ${installationId}::bigint
      and (e.doc->'decision'->'counted' @> ${who}::text::jsonb
        or e.doc->'decision'->'refused' @> ${who}::text::jsonb)
      and (e.doc->'subject'->>'kind' = 'pull-request'
        or e.doc->'subject'->>'kind' = 'deployment'
          and s.read_at_ms > ${Date.now() - RUN_MS}::bigint
          and (s.verdict <> 'allow' or (e.doc->'subject'->>'runId')::bigint < 0))
    order by s.read_at_ms desc limit ${LIMIT}`;
  return rows.flatMap((row) => locatorOf(row, installationId) ?? []);
}

function locatorOf(row: Row, installationId: number): Locator | null {
  const at = row.repoName.indexOf('/');
  const repo: RepoRef = {
    installationId,
    id: row.repoId,
    owner: row.repoName.slice(0, at),
    name: row.repoName.slice(at + 1),
  };
  const { pull, sha, runId, environment, deploymentId } = row;
  if (pull !== null) return { kind: 'pull-request', repo, number: pull };
  if (runId === null || environment === null) return null;
  if (isExternalRun(runId)) return { kind: 'external', repo, environment, sha, deploymentId };
  return { kind: 'deployment', repo, runId, environment, deploymentId };
}
