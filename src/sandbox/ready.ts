/**
 * Copies of the baselines that ran last, made and started ahead while nothing else runs, so that the
 * next change of the same database need not wait for its cluster. Such a copy is a run's own cluster
 * like any other: started the same way, used once and thrown away.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Engine } from '../postgres/engine.ts';
import type { Remains } from './remains.ts';
import { openSessionsAhead, type Sessions } from './sessions.ts';
import { type Places, type Resting, startCopy, type Throwaway } from './workspace.ts';

export interface ReadyWish {
  readonly places: Places;
  readonly remains: Remains;
  /** How many stand ready at once; 0: none ever does. */
  readonly most: number;
  /** After this long unused one is dropped. */
  readonly idleMs: number;
}

/** A started cluster with its sessions, which nobody has used. */
export interface Started {
  readonly run: Throwaway;
  readonly sessions: Sessions;
}

interface Standing {
  /** Null when it could not be made, which the run that makes its own will tell of. */
  readonly made: Promise<Started | null>;
  readonly timer: NodeJS.Timeout;
  readonly sizeBytes: number;
}

/** Larger databases are copied when they are needed: two of them would crowd out what is prepared. */
const MAX_BYTES = 512 * 2 ** 20;
/** The start of a server has a limit of its own; this one is for its sessions. */
const OPEN_MS = 10_000;

/**
 * Which baseline it is: `pg_control` is written when a server comes to rest, and never again. Null
 * when the baseline is no longer there.
 */
function identity({ dataDir }: Resting, engine: Engine): string | null {
  const stat = statSync(join(dataDir, 'global', 'pg_control'), { throwIfNoEntry: false });
  return stat === undefined ? null : [engine.binDir, dataDir, stat.ino, stat.mtimeMs].join(' ');
}

export class ReadyCopies {
  readonly #wish: ReadyWish;
  readonly #standing = new Map<string, Standing>();
  #closed = false;

  constructor(wish: ReadyWish) {
    this.#wish = wish;
  }

  /** What stands ready, in bytes. */
  get bytes(): number {
    return [...this.#standing.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** Begins to make one for the next run of a baseline; the least recently wanted one goes. */
  prepare(from: Resting, engine: Engine): void {
    const { most, idleMs } = this.#wish;
    if (this.#closed || most === 0 || from.sizeBytes > MAX_BYTES) return;
    const key = identity(from, engine);
    if (key === null || this.#standing.has(key)) return;
    for (const old of this.#standing.keys()) {
      if (this.#standing.size >= most) this.#drop(old);
    }
    const made = this.#make(from, engine).catch(() => null);
    const timer = setTimeout(() => this.#drop(key), idleMs);
    timer.unref();
    this.#standing.set(key, { made, timer, sizeBytes: from.sizeBytes });
  }

  /** The one of this baseline, which then belongs to the caller; null when none is fit for use. */
  async take(from: Resting, engine: Engine): Promise<Started | null> {
    if (this.#standing.size === 0) return null;
    const key = identity(from, engine);
    const found = key === null ? undefined : this.#standing.get(key);
    if (key === null || found === undefined) return null;
    this.#standing.delete(key);
    clearTimeout(found.timer);
    const started = await found.made;
    if (started === null || Object.values(started.sessions).every((wire) => wire?.isOpen)) {
      return started;
    }
    // A setting of the database can end sessions that wait (`idle_session_timeout`).
    this.#wish.remains.take(started.run.discard());
    return null;
  }

  /** Resolves when those under way stand ready, or could not be made. */
  async settled(): Promise<void> {
    await Promise.all([...this.#standing.values()].map(({ made }) => made));
  }

  /** Drops all of them and makes no more; the remains tell when they are gone. */
  close(): void {
    this.#closed = true;
    for (const key of this.#standing.keys()) this.#drop(key);
  }

  #drop(key: string): void {
    const found = this.#standing.get(key);
    if (found === undefined) return;
    this.#standing.delete(key);
    clearTimeout(found.timer);
    this.#wish.remains.take(found.made.then((started) => started?.run.discard()));
  }

  async #make(from: Resting, engine: Engine): Promise<Started> {
    // The answer of the run that ended is told first.
    await setImmediate();
    const run = await startCopy(this.#wish.places, from, engine);
    const late = setTimeout(() => run.kill(), OPEN_MS);
    try {
      return { run, sessions: await openSessionsAhead(run) };
    } catch (error) {
      this.#wish.remains.take(run.discard());
      throw error;
    } finally {
      clearTimeout(late);
    }
  }
}
