/** Erases a personal text wherever the record keeps one, as the tables' owner, and records it. */
import { type Doer, redactionEvent } from '../core/audit/notice-event.ts';
import { TagoutError } from '../core/errors.ts';
import { appendEvent, stamp } from './append.ts';
import { type Address, connect, type Sql, sqlStateOf, storeFault, type Tx } from './connect.ts';

export interface Redaction {
  readonly text: string;
  readonly basis: string;
  readonly doer: Doer;
}

export interface Redacted {
  /** Texts of events, of evidence, and rows of working state. */
  readonly events: number;
  readonly evidence: number;
  readonly working: number;
}

interface ErasedRow {
  readonly logId: number;
  readonly event: string;
  readonly path: string;
}

/** How often a text occurs. */
export async function countText(sql: Sql, text: string): Promise<Redacted> {
  try {
    const [row] = await sql<Redacted[]>`select
      (select count(*)::int from audit.detail where position(${text} in value) > 0) as events,
      (select count(*)::int from audit.evidence_text where position(${text} in value) > 0)
        as evidence,
      (select count(*)::int from tagout.outbox where position(${text} in effect) > 0
        and status not in ('pending', 'sending'))
        + (select count(*)::int from tagout.settled where position(${text} in facts) > 0)
        as working`;
    return row ?? { events: 0, evidence: 0, working: 0 };
  } catch (error) {
    throw storeFault(error, 'looking for a text');
  }
}

/** Evidence belongs to the log of the events that name it; one that no event names has no log. */
async function eraseEvidence(tx: Tx, text: string): Promise<ReadonlyMap<number, number>> {
  const rows = await tx<{ logId: number; count: number }[]>`
    with gone as (
      delete from audit.evidence_text where position(${text} in value) > 0 returning sha256
    ), counted as (select sha256, count(*)::int as count from gone group by sha256)
    select e.log_id as "logId", sum(c.count)::int as count from counted c
      join audit.event e on e.doc->'evidence'->>'sha256' = c.sha256
    group by e.log_id`;
  return new Map(rows.map(({ logId, count }) => [logId, count]));
}

async function erase(tx: Tx, what: Redaction, nowMs: number): Promise<Redacted> {
  const rows = await tx<ErasedRow[]>`
    with gone as (
      delete from audit.detail where position(${what.text} in value) > 0
      returning event_row, path)
    select e.log_id as "logId", e.event_id as event, g.path from gone g
    join audit.event e on e.id = g.event_row order by e.id, g.path`;
  const evidence = await eraseEvidence(tx, what.text);
  const working = await tx`delete from tagout.outbox
    where position(${what.text} in effect) > 0 and status not in ('pending', 'sending')`;
  // Kept only to ask GitHub for less: it is read again when it is needed.
  const settled = await tx`delete from tagout.settled where position(${what.text} in facts) > 0`;
  for (const logId of new Set([...rows.map((row) => row.logId), ...evidence.keys()])) {
    const mark = stamp('', nowMs);
    const about = {
      installationId: logId,
      basis: what.basis,
      erased: rows.filter((row) => row.logId === logId),
      evidence: evidence.get(logId) ?? 0,
      doer: what.doer,
    };
    const dedupeKey = `redaction:${mark.eventId}`;
    await appendEvent(tx, redactionEvent(about, { ...mark, dedupeKey }));
  }
  return {
    events: rows.length,
    evidence: [...evidence.values()].reduce((sum, count) => sum + count, 0),
    working: working.count + settled.count,
  };
}

/**
 * Erases in one transaction, or nothing. `owner` may take on tagout_owner: the application itself
 * cannot erase. Throws TagoutError('configuration') when it may not.
 */
export async function redactText(
  owner: Address,
  what: Redaction,
  nowMs: number,
): Promise<Redacted> {
  const sql = connect(owner, { name: 'redact', max: 1, statementTimeoutMs: 0 });
  try {
    return await sql.begin((tx) => erase(tx, what, nowMs));
  } catch (error) {
    const state = sqlStateOf(error) ?? '';
    if (state !== '42501' && state !== '22023') throw storeFault(error, 'erasing a text');
    throw new TagoutError(
      'configuration',
      'This login may not erase: give DATABASE_OWNER_URL, as for `npx tagout migrate`.',
      { cause: error },
    );
  } finally {
    await sql.end({ timeout: 5 });
  }
}
