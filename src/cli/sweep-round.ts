/** One sweep's book: which parts could be looked at, and from when on the next sweep looks. */
import type { SweepSince } from '../store/jobs.ts';
import { describeError } from './log.ts';

/** Everything that is looked at by itself, and how many of it could not be. */
const NONE = {
  deliveries: 0,
  redeliveries: 0,
  installations: 0,
  repositories: 0,
  subjects: 0,
  pulls: 0,
  waiting: 0,
  deployments: 0,
  looks: 0,
  checks: 0,
  merges: 0,
};

export type SweepPart = keyof typeof NONE;

/** What is looked at. */
export interface Place {
  readonly part: SweepPart;
  /** What the next sweep remembers: `deliveries`, `installations`, `ID` of one, `ID:REPOSITORY`. */
  readonly key: string;
  /** For the log. */
  readonly delivery?: string;
}

interface RoundSettings {
  readonly since: SweepSince;
  readonly nowMs: number;
  readonly log: { warn(about: object, message: string): void };
}

/** GitHub keeps its log of deliveries for three days. */
const LOG_MS = 3 * 86_400_000;
/** What was on its way at the last sweep, and clocks that differ. */
const OVERLAP_MS = 15 * 60_000;
/** Beyond this many the next sweep begins where this one did, for all of them. */
const MAX_BEHIND = 500;

/** Whether what one key stands for holds what the other stands for. */
function isWithin(inner: string, outer: string): boolean {
  if (inner === outer) return true;
  if (inner === 'deliveries' || outer === 'deliveries') return false;
  return outer === 'installations' || inner.startsWith(`${outer}:`);
}

export class SweepRound {
  readonly #settings: RoundSettings;
  readonly #late = new Set<string>();
  readonly #unread = { ...NONE };

  constructor(settings: RoundSettings) {
    this.#settings = settings;
  }

  /** How many of each part could not be looked at. */
  get unread(): Readonly<Record<SweepPart, number>> {
    return { ...this.#unread };
  }

  /** From when on a part is looked at. */
  fromMs(key: string): number {
    return Math.max(this.#sinceMs(key) - OVERLAP_MS, this.#logStartMs());
  }

  #logStartMs(): number {
    return this.#settings.nowMs - LOG_MS;
  }

  /** The last time that it was looked at, and all of what is above and below it. */
  #sinceMs(key: string): number {
    const { sinceMs, behind } = this.#settings.since;
    const late = Object.entries(behind).filter(([one]) => isWithin(one, key) || isWithin(key, one));
    return Math.min(sinceMs ?? this.#logStartMs(), ...late.map(([, ms]) => ms));
  }

  /** Looks at one part; null when that failed, and then it is told, counted and left to the next. */
  async look<T>(place: Place, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      this.#unread[place.part] += 1;
      this.leave(place.key);
      this.#settings.log.warn({ ...place, ...describeError(error) }, 'part of the sweep left out');
      return null;
    }
  }

  /** Leaves what the key stands for to the next sweep. */
  leave(key: string): void {
    this.#late.add(key);
  }

  /** From when on the next sweep looks. */
  get next(): SweepSince {
    const { since, nowMs } = this.#settings;
    if (this.#late.size > MAX_BEHIND) return since;
    const late = [...this.#late].map((key) => [key, this.#sinceMs(key)] as const);
    return { sinceMs: nowMs, behind: Object.fromEntries(late) };
  }
}
