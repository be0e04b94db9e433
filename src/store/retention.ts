/**
 * What is thrown away, and when: working state that nothing needs any more. The record (the schema
 * `audit`) is kept whole, and so is what a later decision stands on: releases, postings, verdicts.
 * No age makes one of these safe to lose, as only git knows which pull requests a coming release, or
 * one that goes back, will hold; and without a verdict what went past the gate is not told of.
 */
import { type Sql, storeFault } from './connect.ts';

const DAY_MS = 86_400_000;

/**
 * How long each is kept, in days; docs/operating.md shows this table.
 *
 * - `delivery`: GitHub Enterprise Server can send a delivery again for 7 days, github.com for 3; after
 *   that its id need not be known again.
 * - `outbox`: writes that came to their end; a run waits for 30 days at most, and the record has what
 *   became of each.
 * - `blob`: content of files by git id; GitHub has it too, and it is read again when it is needed.
 * - `delivery_log`: GitHub's own log of deliveries, for the report of a whole period.
 */
export const KEPT_DAYS = { delivery: 8, outbox: 35, blob: 30, delivery_log: 400 } as const;

export type KeptTable = keyof typeof KEPT_DAYS;

/** Rows that were removed, by table. */
export type Removed = Readonly<Record<KeptTable, number>>;

/** Which rows of a table are over their time; `$1` is the moment before which they are. */
const OLD: Readonly<Record<KeptTable, string>> = {
  delivery: 'received_at_ms < $1',
  // By the day it was made; what is not at its end yet is never removed.
  outbox: "created_at_ms < $1 and status not in ('pending', 'sending')",
  blob: 'kept_at_ms < $1',
  delivery_log: 'at_ms < $1',
};

/** Small enough that nobody waits for its locks, and that a stop in between loses little. */
const BATCH = 5_000;

async function removeOld(sql: Sql, table: KeptTable, nowMs: number): Promise<number> {
  const beforeMs = nowMs - KEPT_DAYS[table] * DAY_MS;
  const statement = `delete from tagout.${table} where ctid = any(array(
    select ctid from tagout.${table} where ${OLD[table]} limit ${BATCH}))`;
  let removed = 0;
  for (;;) {
    const { count } = await sql.unsafe(statement, [beforeMs]);
    removed += count;
    if (count < BATCH) return removed;
  }
}

/** Content that an older version kept has no time yet: its time begins now. */
async function dateBlobs(sql: Sql, nowMs: number): Promise<void> {
  await sql`update tagout.blob set kept_at_ms = ${nowMs}::bigint where kept_at_ms is null`;
}

/** Removes everything that is over its time. Throws TagoutError('store-unavailable'). */
export async function removeExpired(sql: Sql, nowMs: number): Promise<Removed> {
  try {
    await dateBlobs(sql, nowMs);
    return {
      delivery: await removeOld(sql, 'delivery', nowMs),
      outbox: await removeOld(sql, 'outbox', nowMs),
      blob: await removeOld(sql, 'blob', nowMs),
      delivery_log: await removeOld(sql, 'delivery_log', nowMs),
    };
  } catch (error) {
    throw storeFault(error, 'removing what is over its time');
  }
}
