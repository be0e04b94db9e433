/** Releases by break glass that wait for their review afterwards, and the events of those reviews. */
import { glassReviewedEvent } from '../core/audit/notice-event.ts';
import type { Evidence } from '../core/evidence.ts';
import type { GlassVerdict } from '../core/glass-review.ts';
import type { RepoRef } from '../core/subject.ts';
import { appendEvent, stamp } from './append.ts';
import { type Sql, storeFault } from './connect.ts';
import { readEvidence } from './recorded.ts';

/** A release by break glass that nobody has reviewed yet. */
export interface OpenGlass {
  /** The event of the decision that the broken glass made. */
  readonly decision: string;
  readonly releasedAtMs: number;
  /** Null: texts of it were erased, so that it cannot be judged any more. */
  readonly evidence: Evidence | null;
}

/** So far back a review afterwards is still looked for; the report shows what came late as late. */
const LOOK_BACK_MS = 400 * 86_400_000;

function closedKey(decision: string): string {
  return `break-glass.reviewed:${decision}:approved`;
}

/** The releases of this repository that brought this pull request by break glass, unreviewed. */
export async function readOpenGlass(
  sql: Sql,
  asked: { readonly repo: RepoRef; readonly pull: number; readonly nowMs: number },
): Promise<readonly OpenGlass[]> {
  const { repo, pull, nowMs } = asked;
  const place = `${repo.installationId}:${repo.id}`;
  try {
    const rows = await sql<{ decision: string; atMs: number; sha256: string }[]>`
      select e.event_id as decision, r.at_ms as "atMs", e.doc->'evidence'->>'sha256' as sha256
      from tagout.release r join lateral (
        select id, event_id, doc from audit.event
        where doc->'subject'->>'kind' = 'deployment' and doc->'subject'->>'key' = ${place} ||
          case when r.run_id < 0 then ':sha:' || r.sha else ':run:' || r.run_id end ||
          ':' || r.environment
          and kind = 'decision.made' and doc->'decision'->>'verdict' = 'allow'
          and (doc->'subject'->>'runAttempt')::bigint = r.run_attempt
          and jsonb_typeof(doc->'deployment'->'facts'->'glass') = 'object'
        order by id desc limit 1) e on true
      where r.installation_id = ${repo.installationId} and r.repo_id = ${repo.id}
        and r.origin = 'released' and r.at_ms > ${nowMs - LOOK_BACK_MS}::bigint
        and e.doc->'changes' @> ${JSON.stringify([{ pull }])}::text::jsonb
        and not exists (select from audit.event c
          where c.dedupe_key = 'break-glass.reviewed:' || e.event_id || ':approved')
      order by r.at_ms`;
    const found: OpenGlass[] = [];
    for (const { decision, atMs, sha256 } of rows) {
      found.push({ decision, releasedAtMs: atMs, evidence: await readEvidence(sql, sha256) });
    }
    return found;
  } catch (error) {
    throw storeFault(error, 'reading which releases by break glass are open');
  }
}

/** Writes what reviews said; one that is recorded already stays as it is. */
export async function keepGlassReviews(
  sql: Sql,
  about: {
    readonly repo: RepoRef;
    readonly delivery: string | null;
    readonly decision: string;
    readonly nowMs: number;
  },
  verdicts: readonly GlassVerdict[],
): Promise<void> {
  const { repo, delivery, decision, nowMs } = about;
  for (const { outcome, person, ...review } of verdicts) {
    const objection = `break-glass.reviewed:${decision}:${review.reviewId}:${outcome}`;
    const key = outcome === 'approved' ? closedKey(decision) : objection;
    const doer = { kind: 'human', id: person.id, login: person.login } as const;
    const event = { repo, delivery, decision, review, outcome, doer };
    await appendEvent(sql, glassReviewedEvent(event, stamp(key, nowMs)));
  }
}
