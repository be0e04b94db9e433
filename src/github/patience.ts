/** Asks GitHub again when it failed for a moment, with one limit for all the waiting together. */
import type { ReadClient, WriteClient } from './clients.ts';
import { GitHubFault } from './faults.ts';

export interface PatienceSettings {
  /** Waits so many milliseconds. */
  readonly wait: (ms: number) => Promise<unknown>;
  /** From 0 to 1, so that those who failed together do not come back together. */
  readonly random: () => number;
}

/** Before the second and the third time. */
const WAITS_MS: readonly number[] = [500, 1_500];
/**
 * When GitHub is away as a whole, trying each request again would only take long; and a server that
 * is told to stop waits for the sweep at hand.
 */
const ALL_WAITS_MS = 4_000;
/** GitHub asks to stay away for longer: somebody else's turn, and ours at the next sweep. */
const LONGEST_RETRY_AFTER_MS = 3_000;

/** How long to wait before the next try; null: the fault does not pass by itself, or not soon. */
function waitMs(fault: unknown, tries: number, random: number): number | null {
  const step = WAITS_MS[tries];
  if (!(fault instanceof GitHubFault) || step === undefined) return null;
  if (fault.code !== 'github-unavailable' && fault.code !== 'github-limited') return null;
  const asked = fault.retryAfterMs;
  if (fault.code === 'github-limited' || asked !== null) {
    return asked === null || asked > LONGEST_RETRY_AFTER_MS ? null : asked;
  }
  return Math.round(step * (0.5 + random / 2));
}

const sleep = (ms: number): Promise<unknown> => new Promise((done) => setTimeout(done, ms));

/** For requests that may be repeated without harm; one for each piece of work that may wait. */
export class Patience {
  readonly #settings: PatienceSettings;
  #leftMs = ALL_WAITS_MS;

  constructor(settings: PatienceSettings = { wait: sleep, random: Math.random }) {
    this.#settings = settings;
  }

  async #ask<T>(request: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await request();
      } catch (fault) {
        const ms = waitMs(fault, tries, this.#settings.random());
        if (ms === null || ms > this.#leftMs) throw fault;
        this.#leftMs -= ms;
        await this.#settings.wait(ms);
      }
    }
  }

  /** The client with another try after each request that failed for a moment. */
  reading(client: ReadClient): ReadClient {
    return {
      get: (path, parameters) => this.#ask(() => client.get(path, parameters)),
      query: (document, variables) => this.#ask(() => client.query(document, variables)),
      download: (path, maxBytes) => this.#ask(() => client.download(path, maxBytes)),
    };
  }

  /** The same for writes that can be made twice without harm. */
  writing(client: WriteClient): WriteClient {
    return { send: (...asked) => this.#ask(() => client.send(...asked)) };
  }
}
