/** The record as the pages need it: read once, then only what is new. */
import { createCollector, type Collected, type Collector } from '../../core/report/collect.ts';
import { type Period, periodOf, type Wish } from '../../core/report/period.ts';
import { parseCheckpoint } from '../../core/audit/note.ts';
import { readEvent } from '../../core/audit/verify.ts';
import type { LogVerdict } from '../../core/audit/verify.ts';
import type { Sql } from '../../store/connect.ts';
import { readCheckpoints, readLeafBatches } from '../../store/read-log.ts';
import { verifyStored } from '../../store/verify-stored.ts';

export interface LogView {
  readonly origin: string;
  readonly vkey: string;
  readonly size: number;
  readonly root: string;
  readonly sealedMs: number | null;
  readonly collected: Collected;
  period(wish: Wish): Period;
}

export interface LogSource {
  view(installationId: number): Promise<LogView>;
  verify(installationId: number): Promise<LogVerdict>;
}

interface Kept {
  collector: Collector;
  read: number;
  /** Erased texts must not live on in memory: after an erasure everything is read again. */
  erased: boolean;
}

export interface LogKeys {
  origin(installationId: number): string;
  vkey(installationId: number): string;
}

/** Reads through a pool that may only read. */
export function createLogSource(sql: Sql, keys: LogKeys): LogSource {
  const logs = new Map<number, Kept>();
  const busy = new Map<number, Promise<unknown>>();

  async function catchUp(id: number): Promise<Kept> {
    const known = logs.get(id);
    const kept = known ?? { collector: createCollector(), read: 0, erased: false };
    for await (const batch of readLeafBatches(sql, id, kept.read)) {
      for (const leaf of batch) {
        const event = readEvent(leaf.body);
        kept.read += 1;
        if (event === null) continue;
        if (event.kind === 'redaction.performed' && known !== undefined) kept.erased = true;
        kept.collector.add(event, leaf.details);
      }
    }
    if (kept.erased) {
      logs.delete(id);
      return catchUp(id);
    }
    logs.set(id, kept);
    return kept;
  }

  /** One reading at a time for each log; who comes meanwhile waits for it. */
  async function serial<T>(id: number, work: () => Promise<T>): Promise<T> {
    const before = busy.get(id) ?? Promise.resolve();
    const mine = before.then(work, work);
    busy.set(
      id,
      mine.catch(() => {}),
    );
    return mine;
  }

  return {
    view: (id) =>
      serial(id, async () => {
        const { collector } = await catchUp(id);
        const last = (await readCheckpoints(sql, id)).at(-1);
        const note = last?.note ?? '';
        const head = parseCheckpoint(note.slice(0, note.lastIndexOf('\n\n') + 1));
        const root = Buffer.from(head?.root ?? []).toString('hex');
        const collected = collector.end();
        return {
          origin: keys.origin(id),
          vkey: keys.vkey(id),
          size: head?.size ?? 0,
          root,
          sealedMs: last?.sealedMs ?? null,
          collected,
          period: (wish) => periodOf(collected, wish, { seed: root, population: null }),
        };
      }),
    verify: (id) => {
      const trusted = { origin: keys.origin(id), installationId: id, vkeys: [keys.vkey(id)] };
      return serial(id, () => verifyStored(sql, trusted));
    },
  };
}
