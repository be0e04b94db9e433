/**
 * Appends audit events, in the transaction of their caller or together: no lock and no order, which
 * the sealer gives.
 */
import { randomBytes } from 'node:crypto';
import type { EventStamp } from '../core/audit/decision-event.ts';
import type { SealableEvent } from '../core/audit/schema.ts';
import { type Sql, type Tx, wasRefused } from './connect.ts';
import { together } from './together.ts';
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

/** Beyond this many in one statement nothing is won any more. */
const GROUP = 64;
/** A second group is made ready while the first one is written to disk. */
const LANES = 2;

/** Those of one fact stay in their order: the first one is added. */
function byFact({ event: one }: SealableEvent, { event: other }: SealableEvent): number {
  if (one.dedupeKey === other.dedupeKey) return 0;
  return one.dedupeKey < other.dedupeKey ? -1 : 1;
}

/**
 * Appends events with their details in one statement; answers for each whether it was added. An event
 * of a fact that is there already stays as it is.
 */
async function appendAll(
  sql: Sql | Tx,
  group: readonly SealableEvent[],
): Promise<readonly boolean[]> {
  // In one order everywhere, or two groups with the same facts could wait for each other.
  const ordered = group.toSorted(byFact);
  const bodies = ordered.map(({ body }) => body);
  const texts = group.flatMap(({ event, details }) =>
    details.map((one) => ({ eventId: event.eventId, ...one })),
  );
  const rows =
    texts.length === 0
      ? await sql<{ id: string }[]>`insert into audit.event (body)
          select * from unnest(${bodies}::text[]) on conflict do nothing returning event_id as id`
      : await sql<{ id: string }[]>`
          with added as (
            insert into audit.event (body) select * from unnest(${bodies}::text[])
            on conflict do nothing returning id, event_id
          ), detailed as (
            insert into audit.detail (event_row, path, salt, value)
            select added.id, d.path, decode(d.salt, 'hex'), d.value from added join unnest(
              ${texts.map(({ eventId }) => eventId)}::uuid[],
              ${texts.map(({ path }) => path)}::text[],
              ${texts.map(({ salt }) => Buffer.from(salt).toString('hex'))}::text[],
              ${texts.map(({ value }) => value)}::text[]
            ) as d(event_id, path, salt, value) using (event_id)
          )
          select event_id as id from added`;
  const added = new Set(rows.map(({ id }) => id));
  return group.map(({ event }) => added.has(event.eventId));
}

const groups = new WeakMap<Sql, (event: SealableEvent) => Promise<boolean>>();

function grouped(sql: Sql): (event: SealableEvent) => Promise<boolean> {
  const found = groups.get(sql);
  if (found !== undefined) return found;
  const made = together<SealableEvent, boolean>({
    write: (group) => appendAll(sql, group),
    max: GROUP,
    lanes: LANES,
    isSingleFault: wasRefused,
  });
  groups.set(sql, made);
  return made;
}

/**
 * Appends one event with its details: in the caller's transaction, or over a pool in one with the
 * events that come at the same time. An event of the same fact that is there already stays as it is;
 * the answer says whether this one was added.
 */
export async function appendEvent(sql: Sql | Tx, event: SealableEvent): Promise<boolean> {
  if ('begin' in sql) return grouped(sql)(event);
  const [added = false] = await appendAll(sql, [event]);
  return added;
}
