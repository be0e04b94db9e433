/**
 * Appends audit events inside the caller's transaction: no lock, no order, the sealer gives that.
 */
import { randomBytes } from 'node:crypto';
import type { EventStamp } from '../core/audit/decision-event.ts';
import type { SealableEvent } from '../core/audit/schema.ts';
import type { Sql, Tx } from './connect.ts';
import { uuid7 } from './uuid7.ts';

/** Drawing random bytes costs the same for few and for many. */
const DRAWN_SALTS = 256;
const SALT_BYTES = 16;
let drawn: Buffer = Buffer.alloc(0);

/** 16 fresh random bytes for a commitment; none is ever given twice. */
export function freshSalt(): Uint8Array {
  if (drawn.length === 0) drawn = randomBytes(DRAWN_SALTS * SALT_BYTES);
  const salt = drawn.subarray(0, SALT_BYTES);
  drawn = drawn.subarray(SALT_BYTES);
  return salt;
}

/** A stamp for one event. */
export function stamp(dedupeKey: string, nowMs: number): EventStamp {
  return {
    eventId: uuid7(nowMs),
    dedupeKey,
    recordedAtMs: nowMs,
    salt: freshSalt,
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
