/**
 * What a sealer remembers of rows without a leaf, so that a seal reads what is new and not the log
 * again. It only narrows where to look: whether a row has a leaf is asked under the seal's lock.
 *
 * Ids are drawn in order but become visible in any order. Each id up to `last` was either seen, or
 * is a hole that is looked at again until no transaction can fill it any more.
 */
import { type Sql, TRANSACTION_LIMIT_MS, type Tx } from './connect.ts';

export interface UnsealedRow {
  readonly id: number;
  readonly hash: string;
}

interface SeenRow extends UnsealedRow {
  readonly logId: number;
  readonly sealed: boolean;
}

export interface Seen {
  /** Rows of the log without a leaf, by id. */
  readonly rows: readonly UnsealedRow[];
  /** There may be more than one look reads. */
  readonly more: boolean;
}

export interface Unsealed {
  /** To be awaited before every look; reads the whole table the first time. */
  ready(): Promise<void>;
  /** What one log waits for, or none (null); null: what was known is void, begin with `ready`. */
  look(sql: Tx | Sql, logId: number | null): Promise<Seen | null>;
  /** They have leaves now, and that is committed. */
  sealed(logId: number, rows: readonly UnsealedRow[]): void;
  /** Logs with rows that had no leaf when they were last looked at. */
  logs(): readonly number[];
  /** Forgets everything: after a fault nothing is taken for granted. */
  forget(): void;
}

/** Bounds what one look reads; what is left comes with the next. */
const LOOK_LIMIT = 5_000;
/** So old an invisible id is dead: its transaction ended, and it was not committed. */
const HOLE_MS = 2 * TRANSACTION_LIMIT_MS;
/** Everything is looked at again so often, whatever a jumping clock hid. */
const RENEW_MS = 3_600_000;

interface Known {
  readonly atMs: number;
  last: UnsealedRow;
  readonly holes: Map<number, number>;
  readonly waiting: Map<number, Set<number>>;
}

const NOTHING: UnsealedRow = { id: 0, hash: '' };

/** Rows older than any living transaction are all visible: only those without a leaf matter. */
async function readAll(sql: Sql, nowMs: number): Promise<Known> {
  const [settled] = await sql<UnsealedRow[]>`
    select id, encode(leaf_hash, 'hex') as hash from audit.event
    where db_clock < clock_timestamp() - make_interval(secs => ${HOLE_MS / 1000}::float8)
    order by id desc limit 1`;
  const last = settled ?? NOTHING;
  const rows = await sql<{ id: number; logId: number }[]>`
    select e.id, e.log_id as "logId" from audit.event e where e.id <= ${last.id}::bigint
      and not exists (select from audit.leaf l where l.event_row = e.id)`;
  const waiting = new Map<number, Set<number>>();
  for (const { id, logId } of rows) waitingOf(waiting, logId).add(id);
  return { atMs: nowMs, last, holes: new Map(), waiting };
}

function waitingOf(waiting: Known['waiting'], logId: number): Set<number> {
  const found = waiting.get(logId) ?? new Set();
  waiting.set(logId, found);
  return found;
}

/** Also the newest row that was seen, to notice when it is another one. */
function lookedAt(known: Known, logId: number | null): readonly number[] {
  const waiting = logId === null ? [] : [...(known.waiting.get(logId) ?? [])].slice(0, LOOK_LIMIT);
  return [known.last.id, ...waiting, ...known.holes.keys()];
}

// Not `exists`: that the planner may answer by reading every leaf.
function readRows(
  sql: Tx | Sql,
  after: number,
  ids: readonly number[],
): Promise<readonly SeenRow[]> {
  return sql<SeenRow[]>`
    select e.id, e.log_id as "logId", encode(e.leaf_hash, 'hex') as hash,
      (select l.event_row from audit.leaf l where l.event_row = e.id) is not null as sealed
    from ((select id, log_id, leaf_hash from audit.event where id = any(${[...ids]}::bigint[]))
      union all
      (select id, log_id, leaf_hash from audit.event where id > ${after}::bigint
        order by id limit ${LOOK_LIMIT})) e
    order by e.id`;
}

function learn(known: Known, after: number, rows: readonly SeenRow[], nowMs: number): void {
  let next = after + 1;
  for (const row of rows) {
    known.holes.delete(row.id);
    if (row.sealed) known.waiting.get(row.logId)?.delete(row.id);
    else waitingOf(known.waiting, row.logId).add(row.id);
    if (row.id <= after) continue;
    for (; next < row.id; next += 1) known.holes.set(next, nowMs);
    next = row.id + 1;
  }
  const newest = rows.at(-1);
  if (newest !== undefined && newest.id > known.last.id) known.last = newest;
  for (const [id, sinceMs] of known.holes) {
    if (nowMs - sinceMs > HOLE_MS) known.holes.delete(id);
  }
}

/** The memory of one sealer; `sql` has role tagout_sealer. */
export function createUnsealed(sql: Sql, now: () => number): Unsealed {
  let known: Known | null = null;
  return {
    async ready() {
      if (known === null || now() - known.atMs > RENEW_MS) known = await readAll(sql, now());
    },
    async look(tx, logId) {
      if (known === null) return null;
      const mine = known;
      const { last } = mine;
      const found = await readRows(tx, last.id, lookedAt(mine, logId));
      const same = found.find(({ id }) => id === last.id) ?? NOTHING;
      if (same.hash !== last.hash) {
        // A replica took over that lacked rows: their ids are given again.
        known = null;
        return null;
      }
      learn(mine, last.id, found, now());
      const rows = found.filter((row) => row.logId === logId && !row.sealed);
      const fresh = found.filter(({ id }) => id > last.id).length;
      const more = fresh === LOOK_LIMIT || rows.length >= LOOK_LIMIT;
      return { rows: rows.slice(0, LOOK_LIMIT), more };
    },
    sealed(logId, rows) {
      const waiting = known?.waiting.get(logId);
      for (const { id } of rows) waiting?.delete(id);
    },
    logs: () =>
      [...(known?.waiting ?? [])].flatMap(([logId, ids]) => (ids.size > 0 ? [logId] : [])),
    forget() {
      known = null;
    },
  };
}
