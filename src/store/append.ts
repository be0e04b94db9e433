/**
 * Appends audit events inside the caller's transaction: no lock, no order, the sealer gives that.
 */
import { randomBytes } from 'node:crypto';
import type { EventStamp } from '../core/audit/decision-event.ts';
import type { SealableEvent } from '../core/audit/schema.ts';
import type { Sql, Tx } from './connect.ts';
import { uuid7 } from './uuid7.ts';

/** A stamp for one event. */
export function stamp(dedupeKey: string, nowMs: number): EventStamp {
  return {
    eventId: uuid7(nowMs),
    dedupeKey,
    recordedAtMs: nowMs,
    salt: () => randomBytes(16),
  };
}

/**
 * Appends one event with its details in one statement. An event of the same fact that is there
 * already stays as it is; the answer says whether this one was added.
 */
export async function appendEvent(sql: Sql | Tx, sealable: SealableEvent): Promise<boolean> {
  const { body, details } = sealable;
  if (details.length === 0) {
    const added = await sql`insert into audit.event (body) values (${body})
      on conflict do nothing returning id`;
    return added.length === 1;
  }
  const [row] = await sql`
    with added as (
      insert into audit.event (body) values (${body}) on conflict do nothing returning id
    ), detailed as (
      insert into audit.detail (event_row, path, salt, value)
      select added.id, d.path, decode(d.salt, 'hex'), d.value
      from added, unnest(
        ${details.map((detail) => detail.path)}::text[],
        ${details.map((detail) => Buffer.from(detail.salt).toString('hex'))}::text[],
        ${details.map((detail) => detail.value)}::text[]) as d(path, salt, value)
    )
    select count(*)::int as added from added`;
  return row?.['added'] === 1;
}
