/** Recorded evidence, found again by the decision that stands on it. */
import { openEvidence } from '../core/audit/evidence-texts.ts';
import type { Evidence } from '../core/evidence.ts';
import { type Sql, storeFault } from './connect.ts';

/** A decision by the id of its event, or the newest one about a pull request or a deployment. */
export type Asked =
  | { readonly eventId: string }
  | { readonly repo: string; readonly pull: number }
  | { readonly repo: string; readonly environment: string }
  /** GitHub gives the id of a run to one run only, over all repositories. */
  | { readonly runId: number };

export interface RecordedEvidence {
  readonly eventId: string;
  /** Null: texts of it were erased, so that it cannot be judged any more. */
  readonly evidence: Evidence | null;
}

/** The evidence of a recorded decision; null when there is no such decision. */
export async function readRecorded(sql: Sql, asked: Asked): Promise<RecordedEvidence | null> {
  try {
    const which = whichOf(sql, asked);
    const [row] = await sql<{ eventId: string; sha256: string }[]>`
      select event_id as "eventId", doc->'evidence'->>'sha256' as sha256 from audit.event
      where kind = 'decision.made' and ${which} order by id desc limit 1`;
    if (row === undefined) return null;
    return { eventId: row.eventId, evidence: await readEvidence(sql, row.sha256) };
  } catch (error) {
    throw storeFault(error, 'reading the evidence of a decision');
  }
}

function whichOf(sql: Sql, asked: Asked) {
  if ('eventId' in asked) return sql`event_id = ${asked.eventId}::uuid`;
  if ('runId' in asked) return sql`doc->'subject'->>'runId' = ${String(asked.runId)}`;
  const inRepo = sql`lower(doc->'repo'->>'name') = lower(${asked.repo})`;
  return 'pull' in asked
    ? sql`${inRepo} and doc->'subject'->>'kind' = 'pull-request'
          and doc->'subject'->>'pull' = ${String(asked.pull)}`
    : sql`${inRepo} and doc->'subject'->>'kind' = 'deployment'
          and lower(doc->'subject'->>'environment') = lower(${asked.environment})`;
}

/** The evidence of this hash; null when it is not there or texts of it were erased. */
export async function readEvidence(sql: Sql, sha256: string): Promise<Evidence | null> {
  const [row] = await sql<{ body: string }[]>`
    select body from audit.evidence where sha256 = ${sha256}`;
  if (row === undefined) return null;
  const texts = await sql<{ commitment: string; salt: Buffer; value: string }[]>`
    select commitment, salt, value from audit.evidence_text where sha256 = ${sha256}`;
  const { value, redacted } = openEvidence({ body: row.body, sha256, texts });
  return redacted === 0 ? (value as Evidence) : null;
}
