/**
 * The record as the pages need it: read once, then only what is new. What is made from it (the
 * register's rows, the exceptions, the charts) is remembered and says as of which row it is.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createCollector, type Collected, type Collector } from '../../core/report/collect.ts';
import { type Period, periodInSteps, type Wish } from '../../core/report/period.ts';
import type { Markup } from '../../core/report/html.ts';
import { parseCheckpoint } from '../../core/audit/note.ts';
import { readEvent } from '../../core/audit/verify.ts';
import type { LogVerdict } from '../../core/audit/verify.ts';
import type { Sql } from '../../store/connect.ts';
import { readLastCheckpoint, readLeafBatches } from '../../store/read-log.ts';
import { verifyStored } from '../../store/verify-stored.ts';
import { createRowPack } from './row-pack.ts';

export interface LogView {
  readonly origin: string;
  readonly vkey: string;
  readonly size: number;
  readonly root: string;
  readonly sealedMs: number | null;
  readonly collected: Collected;
  period(wish: Wish): Promise<Period>;
  /** Makes a part of a page once for as long as this view is shown. */
  readonly once: (key: string, make: () => Markup) => Markup;
}

export interface LogSource {
  /** Resolves when the record has been read to its end once. */
  prepare(installationId: number): Promise<void>;
  /** Rows read so far, for who waits for the first reading. */
  rowsRead(installationId: number): number;
  /** The record; `fresh`: with everything up to the last seal. */
  view(installationId: number, fresh?: boolean): Promise<LogView>;
  verify(installationId: number): Promise<LogVerdict>;
}

/** A view with what it remembers. */
interface Made extends LogView {
  readonly periods: (key: string, make: () => Promise<Period>) => Promise<Period>;
}

interface Kept {
  readonly collector: Collector;
  read: number;
  /** Events since the view was made, beside readings of the record itself. */
  news: number;
  view: Made | null;
  viewedMs: number;
  /** When its periods were last made anew. */
  madeMs: number;
  making: Promise<Made> | null;
}

export interface LogKeys {
  origin(installationId: number): string;
  vkey(installationId: number): string;
}

export interface LogSourceParts {
  /** A pool that may only read. */
  readonly sql: Sql;
  readonly keys: LogKeys;
  /** Where people open GitHub's pages, without a slash at its end. */
  readonly webUrl: string | null;
  readonly now: () => number;
}

/** A view is shown this long without making it anew, as that takes seconds over a long record. */
const VIEW_MS = 60_000;
/** A view this old is still shown at once, while the next one is made. */
const STALE_MS = 600_000;
/** Parts that one view remembers. */
const MOST_PARTS = 24;
/** Periods that one view remembers: each has a mark for every deployment in it. */
const MOST_PERIODS = 6;
/** Time alone makes reviews overdue, so that a view is made anew after this although nothing came. */
const DUE_MS = 3_600_000;

function remembering<T>(most: number) {
  const kept = new Map<string, T>();
  return (key: string, make: () => T): T => {
    const known = kept.get(key);
    if (known !== undefined) return known;
    const made = make();
    if (kept.size >= most) kept.clear();
    kept.set(key, made);
    return made;
  };
}

const WHOLE: Wish = { fromMs: null, toMs: null, repo: null };

/** A period of a long record takes a second: other requests have their turn meanwhile. */
async function inTurns(
  collected: Collected,
  wish: Wish,
  about: { readonly seed: string; readonly webUrl: string | null },
): Promise<Period> {
  const steps = periodInSteps(collected, wish, { ...about, population: null });
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await nextTurn();
  }
}

/**
 * One piece of work at a time; who comes meanwhile waits for it. Each reading of a log holds two
 * connections: two that each held one would wait for each other for ever.
 */
function createQueue() {
  let busy: Promise<unknown> = Promise.resolve();
  return async <T>(work: () => Promise<T>): Promise<T> => {
    const mine = busy.then(work, work);
    busy = mine.catch(() => {});
    return mine;
  };
}

/** One check of a log at a time, beside its pages; who comes meanwhile gets the same answer. */
function createChecks(sql: Sql, keys: LogKeys): LogSource['verify'] {
  const running = new Map<number, Promise<LogVerdict>>();
  const serial = createQueue();
  return (id) => {
    const known = running.get(id);
    if (known !== undefined) return known;
    const trusted = { origin: keys.origin(id), installationId: id, vkeys: [keys.vkey(id)] };
    const check = serial(() => verifyStored(sql, trusted)).finally(() => running.delete(id));
    running.set(id, check);
    return check;
  };
}

/** Makes views of what was read; answers the one that is being made to who asks meanwhile. */
function createViews({ sql, keys, webUrl, now }: LogSourceParts) {
  async function makeView(id: number, kept: Kept): Promise<Made> {
    const last = await readLastCheckpoint(sql, id);
    const note = last?.note ?? '';
    const head = parseCheckpoint(note.slice(0, note.lastIndexOf('\n\n') + 1));
    const root = Buffer.from(head?.root ?? []).toString('hex');
    // Readings of the record change nothing that a period or a remembered part is made of.
    const same = kept.news === 0 && now() - kept.madeMs < DUE_MS ? kept.view : null;
    kept.news = 0;
    const collected =
      same === null
        ? kept.collector.end()
        : { ...kept.collector.gathered(), deployments: same.collected.deployments };
    const periods = same?.periods ?? remembering<Promise<Period>>(MOST_PERIODS);
    const view: Made = {
      periods,
      origin: keys.origin(id),
      vkey: keys.vkey(id),
      size: head?.size ?? 0,
      root,
      sealedMs: last?.sealedMs ?? null,
      collected,
      period: (wish) =>
        periods(JSON.stringify(wish), () => inTurns(collected, wish, { seed: root, webUrl })),
      once: same?.once ?? remembering<Markup>(MOST_PARTS),
    };
    // What the first page shows is made before the view is shown: nobody waits for it then.
    if (same === null) await view.period(WHOLE);
    kept.viewedMs = now();
    if (same === null) kept.madeMs = kept.viewedMs;
    kept.view = view;
    return view;
  }

  /** Makes a view beside the pages; who asks meanwhile gets the one before. */
  function renew(id: number, kept: Kept): Promise<Made> {
    kept.making ??= makeView(id, kept).finally(() => {
      kept.making = null;
    });
    return kept.making;
  }

  return renew;
}

export function createLogSource(parts: LogSourceParts): LogSource {
  const { sql, keys, now } = parts;
  const logs = new Map<number, Kept>();
  const reading = new Map<number, number>();
  const serial = createQueue();
  const renew = createViews(parts);

  async function catchUp(id: number): Promise<Kept> {
    const known = logs.get(id);
    const fresh = { read: 0, news: 0, view: null, viewedMs: 0, madeMs: 0, making: null };
    const kept: Kept = known ?? { collector: createCollector(createRowPack()), ...fresh };
    for await (const batch of readLeafBatches(sql, id, kept.read)) {
      for (const leaf of batch) {
        const event = readEvent(leaf.body);
        // Erased texts must not live on in memory: after an erasure everything is read again.
        if (known !== undefined && event?.kind === 'redaction.performed') {
          logs.delete(id);
          return catchUp(id);
        }
        kept.read += 1;
        if (event === null) continue;
        if (event.kind !== 'report.read') kept.news += 1;
        kept.collector.add(event, leaf.details);
      }
      reading.set(id, kept.read);
    }
    logs.set(id, kept);
    return kept;
  }

  async function viewOf(id: number, fresh: boolean): Promise<LogView> {
    const kept = await catchUp(id);
    const ageMs = now() - kept.viewedMs;
    const { view } = kept;
    if (view === null || ageMs < 0) return renew(id, kept);
    const old = now() - kept.madeMs >= DUE_MS;
    if (kept.news === 0 && !old) return fresh ? renew(id, kept) : view;
    if (ageMs < VIEW_MS && !fresh) return view;
    const next = renew(id, kept);
    // A fault is met by who waits for the next one.
    next.catch(() => {});
    return fresh || ageMs > STALE_MS ? next : view;
  }

  return {
    prepare: async (id) => {
      if (!logs.has(id)) await serial(() => catchUp(id));
    },
    rowsRead: (id) => reading.get(id) ?? 0,
    view: (id, fresh = false) => serial(() => viewOf(id, fresh)),
    verify: createChecks(sql, keys),
  };
}
