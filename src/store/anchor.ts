/**
 * Leaves the newest checkpoints in other trust domains, so that whoever holds both the database and
 * the key still cannot show another past. One replica at a time; what is late becomes an incident.
 */
import type { Frontier, Hash } from '../core/audit/merkle.ts';
import { incidentEvent } from '../core/audit/state-event.ts';
import { appendEvent, stamp } from './append.ts';
import { type Sql, storeFault } from './connect.ts';

/** A log with checkpoints that a place has not seen. */
export interface WaitingLog {
  readonly logId: number;
  /** Its newest checkpoint. */
  readonly size: number;
  readonly note: string;
  /** The newest that is anchored at this place; 0: none. */
  readonly anchored: number;
  /** When the oldest checkpoint that waits was sealed. */
  readonly sinceMs: number;
}

/** The place shows something that our log does not hold, or no longer what we left there. */
export class AnchorConflict extends Error {
  readonly code: 'anchor-rewound' | 'anchor-forked';
  /** Null: it concerns every log of the place. */
  readonly logId: number | null;
  constructor(code: AnchorConflict['code'], logId: number | null, message: string) {
    super(message);
    this.code = code;
    this.logId = logId;
  }
}

/** What a place may ask of the log. */
export interface LogReader {
  /** The checkpoint of exactly this size; null when the log has none. */
  checkpoint(
    logId: number,
    size: number,
  ): Promise<{ readonly note: string; readonly frontier: Frontier } | null>;
  /** Hashes of the leaves from one index up to another. */
  leaves(logId: number, from: number, to: number): Promise<readonly Hash[]>;
}

export interface AnchorReceipt {
  readonly logId: number;
  readonly size: number;
  /** Stands after the place's name: a commit, a size. */
  readonly locator: string;
  readonly receipt: string | null;
}

export interface AnchorPlace {
  readonly kind: 'git' | 'witness' | 'timestamp' | 's3';
  /** Names it in the record; holds no credential. */
  readonly name: string;
  /** Between two visits, where each costs money; left out: as soon as some are gathered. */
  readonly everyMs?: number;
  /**
   * Leaves the logs' checkpoints there. `last` is the locator of what was left last, over all logs.
   * Throws AnchorConflict, or any fault when it cannot be reached; `faults` concern single logs.
   */
  leave(
    logs: readonly WaitingLog[],
    last: string | null,
    reader: LogReader,
  ): Promise<{
    readonly receipts: readonly AnchorReceipt[];
    readonly faults: readonly unknown[];
  }>;
}

export interface AnchorParts {
  /** Role tagout_sealer, one connection of its own: it holds the lock of a place. */
  readonly lock: Sql;
  /** Role tagout_app, for incidents. */
  readonly app: Sql;
  readonly places: readonly AnchorPlace[];
  readonly now: () => number;
  log?(level: 'error' | 'warning' | 'info', message: string): void;
}

/** So long checkpoints are gathered before they go out together: with the tick well below 60 s. */
export const ANCHOR_GATHER_MS = 15_000;
const LATE_MS = 10 * 60_000;

/** An anchor that is older is an incident: ten minutes, and what lies between two visits. */
export function lateAfterMs({ everyMs = 0 }: Pick<AnchorPlace, 'everyMs'>): number {
  return LATE_MS + everyMs;
}

const LOCK = 1_934_188_034;

/** Every log and where it stands at a place, without reading all checkpoints. */
async function waitingLogs(
  sql: Sql,
  place: Pick<AnchorPlace, 'kind' | 'name'>,
): Promise<readonly WaitingLog[]> {
  return sql<WaitingLog[]>`
    with recursive logs(log_id) as (
      (select log_id from audit.checkpoint order by log_id limit 1)
      union all
      select (select c.log_id from audit.checkpoint c where c.log_id > logs.log_id
              order by c.log_id limit 1)
      from logs where logs.log_id is not null
    ), stand as (
      select log_id, coalesce((select max(a.tree_size) from audit.anchor a
        where a.log_id = logs.log_id and a.kind = ${place.kind}
          and starts_with(a.locator, ${`${place.name}@`})), 0) as anchored
      from logs where log_id is not null
    )
    select s.log_id as "logId", s.anchored::bigint as anchored, newest.tree_size as size, newest.note,
      oldest.sealed_ms as "sinceMs"
    from stand s
      cross join lateral (select tree_size, note from audit.checkpoint c
        where c.log_id = s.log_id order by tree_size desc limit 1) newest
      cross join lateral (select sealed_ms from audit.checkpoint c
        where c.log_id = s.log_id and c.tree_size > s.anchored order by tree_size limit 1) oldest
    order by s.log_id`;
}

/** A place that is set up, or was. */
type Spot = Pick<AnchorPlace, 'kind' | 'name' | 'everyMs'> & {
  /** When it was set up: what is older could not reach it before. */
  readonly setUpMs: number;
};

/** When a place was set up; 0: it never was, or nobody knows. */
async function setUpMs(sql: Sql, { kind, name }: Pick<AnchorPlace, 'kind' | 'name'>) {
  const [row] = await sql<{ sinceMs: number }[]>`select since_ms as "sinceMs"
    from tagout.anchor_place where kind = ${kind} and name = ${name}`;
  return row?.sinceMs ?? 0;
}

/** Since when a log waits for a place that could have had it. */
function waitsSinceMs(log: WaitingLog, sinceMs: number): number {
  return log.anchored === 0 ? Math.max(log.sinceMs, sinceMs) : log.sinceMs;
}

/** How a place stands: logs with checkpoints that it has not seen, and since when the oldest waits. */
export async function anchorLag(
  sql: Sql,
  place: Pick<AnchorPlace, 'kind' | 'name'>,
): Promise<{ readonly logs: number; readonly sinceMs: number | null }> {
  const waiting = await waitingLogs(sql, place);
  const from = await setUpMs(sql, place);
  const since = waiting.map((log) => waitsSinceMs(log, from));
  return { logs: waiting.length, sinceMs: since.length === 0 ? null : Math.min(...since) };
}

async function lastLocator(sql: Sql, { kind, name }: AnchorPlace): Promise<string | null> {
  const [row] = await sql<{ locator: string }[]>`
    select locator from audit.anchor where kind = ${kind} and starts_with(locator, ${`${name}@`})
    order by at_ms desc, tree_size desc limit 1`;
  return row === undefined ? null : row.locator.slice(name.length + 1);
}

/** Reads what places ask for over the given connection. */
export function createLogReader(sql: Sql): LogReader {
  return {
    async checkpoint(logId, size) {
      const [row] = await sql<{ note: string; frontier: string[] }[]>`
        select note, array(select encode(h, 'hex') from unnest(frontier) with ordinality as f(h, n)
          order by n) as frontier
        from audit.checkpoint where log_id = ${logId}::bigint and tree_size = ${size}::bigint`;
      if (row === undefined) return null;
      const hashes = row.frontier.map((hash) => Buffer.from(hash, 'hex'));
      return { note: row.note, frontier: { size, hashes } };
    },
    async leaves(logId, from, to) {
      const rows = await sql<{ hash: string }[]>`
        select encode(leaf_hash, 'hex') as hash from audit.leaf where log_id = ${logId}::bigint
          and leaf_index >= ${from}::bigint and leaf_index < ${to}::bigint order by leaf_index`;
      return rows.map(({ hash }) => Buffer.from(hash, 'hex'));
    },
  };
}

async function keep(
  parts: AnchorParts,
  place: AnchorPlace,
  receipts: readonly AnchorReceipt[],
): Promise<void> {
  const nowMs = parts.now();
  for (const { logId, size, locator, receipt } of receipts) {
    await parts.lock`insert into audit.anchor (log_id, tree_size, kind, locator, receipt, at_ms)
      values (${logId}::bigint, ${size}::bigint, ${place.kind}, ${`${place.name}@${locator}`},
        ${receipt}, ${nowMs}::bigint)`;
  }
}

interface Trouble {
  readonly code: 'anchor-stale' | AnchorConflict['code'];
  readonly detail: string;
}

/** One incident per log, place and last good anchor; whatever is seen again is the same event. */
function keyOf(log: WaitingLog, { kind, name, setUpMs: since }: Spot, code: string): string {
  return `incident:${code}:${log.logId}:${kind}:${name}:${since}:${log.anchored}`;
}

async function report(
  parts: AnchorParts,
  place: Spot,
  log: WaitingLog,
  { code, detail, over }: Trouble & { readonly over: boolean },
): Promise<void> {
  const key = `${keyOf(log, place, code)}:${over ? 'closed' : 'opened'}`;
  const what = {
    code,
    environment: null,
    deploymentId: null,
    runId: null,
    sha: null,
    sinceMs: waitsSinceMs(log, place.setUpMs),
    detail,
    over,
  };
  const seen = { repo: null, because: 'anchors', delivery: null, githubAtMs: null };
  const about = { installationId: log.logId, ...seen };
  const added = await appendEvent(parts.app, incidentEvent(what, about, stamp(key, parts.now())));
  if (added) parts.log?.(over ? 'info' : 'error', `Audit log ${log.logId}: ${detail}`);
}

/** Ends the incidents that were open since the last good anchor. */
async function closeIncidents(
  parts: AnchorParts,
  place: Spot,
  {
    logs,
    why,
  }: {
    readonly logs: readonly WaitingLog[];
    readonly why: (log: WaitingLog) => string;
  },
): Promise<void> {
  for (const log of logs) {
    for (const code of ['anchor-stale', 'anchor-rewound', 'anchor-forked'] as const) {
      const opened = await parts.app`select 1 from audit.event
        where dedupe_key = ${`${keyOf(log, place, code)}:opened`}`;
      if (opened.length === 0) continue;
      await report(parts, place, log, { code, detail: why(log), over: true });
    }
  }
}

async function reportTrouble(
  parts: AnchorParts,
  place: Spot,
  logs: readonly WaitingLog[],
  error: unknown,
): Promise<void> {
  const why = error instanceof Error ? error.message : String(error);
  if (error instanceof AnchorConflict) {
    const hit = logs.filter(({ logId }) => error.logId === null || error.logId === logId);
    for (const log of hit) {
      await report(parts, place, log, { code: error.code, detail: why, over: false });
    }
    return;
  }
  parts.log?.('warning', `The checkpoints are not at ${place.name} yet: ${why}`);
}

async function reportLate(
  parts: AnchorParts,
  place: Spot,
  logs: readonly WaitingLog[],
): Promise<void> {
  const nowMs = parts.now();
  for (const log of logs) {
    const waitsMs = nowMs - waitsSinceMs(log, place.setUpMs);
    if (waitsMs <= lateAfterMs(place)) continue;
    const minutes = Math.floor(waitsMs / 60_000);
    const detail =
      `Its checkpoints have not reached ${place.name} for ${minutes} minutes: until they do, ` +
      `rows from ${log.anchored} on are only as safe as the database and the key.`;
    await report(parts, place, log, { code: 'anchor-stale', detail, over: false });
  }
}

/** Remembers since when each place is set up, and ends what is told of those that no longer are. */
async function keepPlaces(parts: AnchorParts): Promise<void> {
  const known = await parts.app<Spot[]>`
    select kind, name, since_ms as "setUpMs" from tagout.anchor_place`;
  const same = (a: Pick<Spot, 'kind' | 'name'>) => (b: Pick<Spot, 'kind' | 'name'>) =>
    a.kind === b.kind && a.name === b.name;
  for (const place of parts.places) {
    if (known.some(same(place))) continue;
    await parts.app`insert into tagout.anchor_place
      values (${place.kind}, ${place.name}, ${parts.now()}::bigint) on conflict do nothing`;
  }
  for (const gone of known) {
    if (parts.places.some(same(gone))) continue;
    const logs = await waitingLogs(parts.lock, gone);
    const why = (): string => `Checkpoints no longer go to ${gone.name}: the settings changed.`;
    await closeIncidents(parts, gone, { logs, why });
    await parts.app`delete from tagout.anchor_place
      where kind = ${gone.kind} and name = ${gone.name}`;
  }
}

async function anchorAt(parts: AnchorParts, place: AnchorPlace): Promise<void> {
  const logs = await waitingLogs(parts.lock, place);
  const nowMs = parts.now();
  const gatherMs = place.everyMs ?? ANCHOR_GATHER_MS;
  if (!logs.some(({ sinceMs }) => nowMs - sinceMs >= gatherMs)) return;
  const faults: unknown[] = [];
  const done = new Set<number>();
  try {
    const last = await lastLocator(parts.lock, place);
    const left = await place.leave(logs, last, createLogReader(parts.lock));
    await keep(parts, place, left.receipts);
    for (const { logId } of left.receipts) done.add(logId);
    faults.push(...left.faults);
  } catch (error) {
    faults.push(error);
  }
  const { kind, name, everyMs = 0 } = place;
  const spot = { kind, name, everyMs, setUpMs: await setUpMs(parts.app, place) };
  for (const fault of faults) await reportTrouble(parts, spot, logs, fault);
  const still = logs.filter(({ logId }) => !done.has(logId));
  await reportLate(parts, spot, still);
  const why = ({ size }: WaitingLog): string =>
    `The checkpoints are at ${name} again, up to row ${size}.`;
  const again = logs.filter(({ logId }) => done.has(logId));
  await closeIncidents(parts, spot, { logs: again, why });
}

/**
 * Brings every place up to date, one replica at a time. Throws TagoutError('store-unavailable') when
 * the store fails; a place that fails is told in the log and, when it is late, as an incident.
 */
export async function anchorAll(parts: AnchorParts): Promise<void> {
  try {
    await keepPlaces(parts);
  } catch (error) {
    throw storeFault(error, 'reading the places of the anchors');
  }
  for (const [at, place] of parts.places.entries()) {
    try {
      const [row] = await parts.lock<{ got: boolean }[]>`
        select pg_try_advisory_lock(${LOCK}, ${at}) as got`;
      if (row?.got !== true) continue;
      try {
        await anchorAt(parts, place);
      } finally {
        await parts.lock`select pg_advisory_unlock(${LOCK}, ${at})`;
      }
    } catch (error) {
      throw storeFault(error, 'anchoring the audit log');
    }
  }
}

/** How old the oldest checkpoint is that a place lacks, in seconds; 0: none is lacking. */
export async function anchorAges(
  sql: Sql,
  places: readonly AnchorPlace[],
  nowMs: number,
): Promise<Readonly<Record<string, number>>> {
  const ages: Record<string, number> = {};
  for (const place of places) {
    ages[place.kind] = 0;
    const { sinceMs } = await anchorLag(sql, place);
    if (sinceMs !== null) ages[place.kind] = Math.max(0, nowMs - sinceMs) / 1000;
  }
  return ages;
}
