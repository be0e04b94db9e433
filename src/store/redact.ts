/** Erases a personal text wherever the record keeps one, as the tables' owner, and records it. */
import { type Doer, redactionEvent } from '../core/audit/notice-event.ts';
import { TagoutError } from '../core/errors.ts';
import { appendEvent, stamp } from './append.ts';
import { type Address, connect, type Sql, sqlStateOf, storeFault, type Tx } from './connect.ts';

/** One text wherever it is, or every personal text of what was recorded before a moment. */
export type Which = { readonly text: string } | { readonly beforeMs: number };

export type Redaction = Which & {
  readonly basis: string;
  readonly doer: Doer;
};

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

/** The texts of events that are meant. */
function detailsOf(sql: Sql | Tx, which: Which) {
  if ('text' in which) return sql`position(${which.text} in value) > 0`;
  return sql`event_row in (select id from audit.event where at_ms < ${which.beforeMs}::bigint)`;
}

/** The texts of evidence that are meant: by age, where no younger event names the same evidence. */
function evidenceOf(sql: Sql | Tx, which: Which) {
  if ('text' in which) return sql`position(${which.text} in value) > 0`;
  return sql`sha256 in (select doc->'evidence'->>'sha256' from audit.event
    group by 1 having max(at_ms) < ${which.beforeMs}::bigint)`;
}

/** How much is meant. By age no working state is: its own retention takes it (retention.ts). */
export async function countTexts(sql: Sql, which: Which): Promise<Redacted> {
  try {
    const [row] = await sql<{ events: number; evidence: number }[]>`select
      (select count(*)::int from audit.detail where ${detailsOf(sql, which)}) as events,
      (select count(*)::int from audit.evidence_text where ${evidenceOf(sql, which)}) as evidence`;
    const { events = 0, evidence = 0 } = row ?? {};
    if (!('text' in which)) return { events, evidence, working: 0 };
    const [rest] = await sql<{ working: number }[]>`select
      (select count(*)::int from tagout.outbox where position(${which.text} in effect) > 0
        and status not in ('pending', 'sending'))
        + (select count(*)::int from tagout.settled where position(${which.text} in facts) > 0)
        as working`;
    return { events, evidence, working: rest?.working ?? 0 };
  } catch (error) {
    throw storeFault(error, 'looking for a text');
  }
}

/** Evidence belongs to the log of the events that name it; one that no event names has no log. */
async function eraseEvidence(tx: Tx, which: Which): Promise<ReadonlyMap<number, number>> {
  const rows = await tx<{ logId: number; count: number }[]>`
    with gone as (
      delete from audit.evidence_text where ${evidenceOf(tx, which)} returning sha256
    ), counted as (select sha256, count(*)::int as count from gone group by sha256)
    select e.log_id as "logId", sum(c.count)::int as count from counted c
      join audit.event e on e.doc->'evidence'->>'sha256' = c.sha256
    group by e.log_id`;
  return new Map(rows.map(({ logId, count }) => [logId, count]));
}

async function eraseWorking(tx: Tx, text: string): Promise<number> {
  const outbox = await tx`delete from tagout.outbox
    where position(${text} in effect) > 0 and status not in ('pending', 'sending')`;
  // Kept only to ask GitHub for less: it is read again when it is needed.
  const settled = await tx`delete from tagout.settled where position(${text} in facts) > 0`;
  return outbox.count + settled.count;
}

async function erase(tx: Tx, what: Redaction, nowMs: number): Promise<Redacted> {
  const rows = await tx<ErasedRow[]>`
    with gone as (
      delete from audit.detail where ${detailsOf(tx, what)}
      returning event_row, path)
    select e.log_id as "logId", e.event_id as event, g.path from gone g
    join audit.event e on e.id = g.event_row order by e.id, g.path`;
  const evidence = await eraseEvidence(tx, what);
  const working = 'text' in what ? await eraseWorking(tx, what.text) : 0;
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
    working,
  };
}

/**
 * Erases in one transaction, or nothing. `owner` may take on tagout_owner: the application itself
 * cannot erase. Throws TagoutError('configuration') when it may not.
 */
export async function redactTexts(
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
