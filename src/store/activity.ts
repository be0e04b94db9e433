/** How much agents have done lately, from the record of decisions. */
import type { AskedActivity, RecordedActivity } from '../core/ports.ts';
import type { RepoRef } from '../core/subject.ts';
import type { Sql } from './connect.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/**
 * Counts of one repository, as a policy speaks for one. A deployment counts once however often it was looked at, and only if
 * it was released; `undeclared:ID` counts the undeclared work of that account.
 */
export async function readActivity(
  sql: Sql,
  repo: RepoRef,
  { agents, nowMs, exceptKey }: AskedActivity,
): Promise<readonly RecordedActivity[]> {
  if (agents.length === 0) return [];
  const hour = nowMs - HOUR_MS;
  return sql<RecordedActivity[]>`
    with lately as materialized (
      select at_ms, doc->'origin' as origin, doc->'changes' as changes,
        doc->'subject'->>'kind' as subject, doc->'subject'->>'key' as key,
        doc->'decision'->>'verdict' as verdict, doc->'decision'->>'radius' as radius
      from audit.event
      where kind = 'decision.made' and log_id = ${repo.installationId}
        and at_ms > ${nowMs - DAY_MS}::bigint and (doc->'repo'->>'id')::bigint = ${repo.id}
    ), own as (
      select a.agent, l.* from unnest(${[...agents]}::text[]) as a(agent)
      left join lately l on l.key <> ${exceptKey} and case when a.agent like 'undeclared:%'
        then l.origin->>'kind' = 'undeclared' and l.changes @> jsonb_build_array(jsonb_build_object(
          'author', jsonb_build_object('id', substr(a.agent, 12)::bigint)))
        else l.origin->'agents' ? a.agent end
    ), released as (
      select agent, key, min(at_ms) as at_ms,
        bool_or(radius in ('high', 'critical')) as grave
      from own where subject = 'deployment' and verdict = 'allow' group by agent, key
    )
    select a.agent,
      (select count(*)::int from own o where o.agent = a.agent and o.subject = 'pull-request'
        and o.at_ms > ${hour}::bigint) as "evaluationsLastHour",
      (select min(at_ms) from own o where o.agent = a.agent and o.subject = 'pull-request'
        and o.at_ms > ${hour}::bigint) as "oldestEvaluationAtMs",
      count(r.key) filter (where r.at_ms > ${hour}::bigint)::int
        as "productionDeploymentsLastHour",
      min(r.at_ms) filter (where r.at_ms > ${hour}::bigint) as "oldestDeploymentLastHourAtMs",
      count(r.key)::int as "productionDeploymentsLastDay",
      min(r.at_ms) as "oldestDeploymentLastDayAtMs",
      count(r.key) filter (where r.grave)::int as "highOrCriticalLastDay",
      min(r.at_ms) filter (where r.grave) as "oldestGraveAtMs"
    from unnest(${[...agents]}::text[]) as a(agent)
    left join released r on r.agent = a.agent group by a.agent`;
}
