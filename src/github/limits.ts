/**
 * GitHub's limits, per installation and from GitHub's own words: what is left of the hour by the
 * answers' headers, and how long to stay away by `retry-after`. What is urgent may use the last of
 * it: a production gate before a pull request, a pull request before the sweeper's comparison.
 */
import { z } from 'zod';
import type { Expandable } from '../core/ports.ts';
import { parsedBody, UNREAD, withBody } from './bodies.ts';
import type { OctokitLike } from './clients.ts';
import { EtagCache } from './etag.ts';
import { GitHubFault } from './faults.ts';

export type Urgency = 'gate' | 'pull' | 'background';

/** What an installation may still ask in the hour at hand. */
export interface Budget {
  readonly installationId: number;
  /** `core`, `graphql`, … as GitHub names it. */
  readonly resource: string;
  readonly limit: number;
  readonly remaining: number;
  readonly resetMs: number;
}

/** The share of the hour's allowance that each kind of work leaves to what is more urgent. */
const LEAVES: Readonly<Record<Urgency, number>> = { gate: 0, pull: 0.1, background: 0.3 };

/** Between two requests of one look at a gate there is our own work. */
const BETWEEN_REQUESTS_MS = 40;
const LONGEST_STEP_ASIDE_MS = 1_000;

/** How urgent it is to look at a locator. */
export function urgencyOf(kind: Expandable['kind']): Urgency {
  switch (kind) {
    case 'deployment':
    case 'external':
    case 'merge-group':
      return 'gate';
    case 'pull-request':
    case 'commit':
    case 'repository':
      return 'pull';
    case 'approvals':
      return 'background';
  }
}

const number = z.coerce.number().optional().catch(undefined);
const headersSchema = z.object({
  'x-ratelimit-limit': number,
  'x-ratelimit-remaining': number,
  'x-ratelimit-reset': number,
  'x-ratelimit-resource': z.string().optional().catch(undefined),
  'retry-after': number,
});
const thrownSchema = z.object({
  status: z.int(),
  response: z.object({ headers: z.looseObject({}), data: z.unknown().optional() }),
});

interface Asked {
  readonly installationId: number;
  readonly urgency: Urgency;
}

/** What every client of this process knows of the limits. */
export class Limits {
  readonly #budgets = new Map<string, Budget>();
  /** Until when an installation is shut out altogether, by GitHub's secondary limits. */
  readonly #shutUntilMs = new Map<number, number>();
  readonly #etags: EtagCache;
  /** Requests for production gates that are under way, and when the last one ended. */
  #gates = 0;
  #gateSeenMs = Number.NEGATIVE_INFINITY;
  readonly #now: () => number;

  constructor(now: () => number, etags: EtagCache = new EtagCache()) {
    this.#now = now;
    this.#etags = etags;
  }

  /** What GitHub last said, for the metrics. */
  budgets(): readonly Budget[] {
    return [...this.#budgets.values()];
  }

  /** Installations that GitHub has shut out for the moment. */
  shutOut(): number {
    const nowMs = this.#now();
    return [...this.#shutUntilMs.values()].filter((untilMs) => untilMs > nowMs).length;
  }

  /** The client with a look at the limits before each request and at the headers after it. */
  watch(octokit: OctokitLike, asked: Asked): OctokitLike {
    const request = async (route: string, parameters: Record<string, unknown> = {}) => {
      if (asked.urgency !== 'gate') await this.#letGatesPass();
      this.#admit(route, asked);
      const ask = async (headers: Readonly<Record<string, string>>) => {
        try {
          const given = headers['if-none-match'] === undefined ? {} : { headers };
          const how = { request: { ...requestOf(parameters), ...UNREAD } };
          const answer = await octokit.request(route, { ...parameters, ...given, ...how });
          this.#saw(asked.installationId, answer.headers);
          return await withBody(answer);
        } catch (thrown) {
          this.#sawFault(asked.installationId, thrown);
          throw thrown;
        }
      };
      const place = `${asked.installationId} ${route}`;
      const whole = async () => parsedBody(await this.#etags.through(place, parameters, ask));
      if (asked.urgency !== 'gate') return whole();
      this.#gates += 1;
      try {
        return await whole();
      } finally {
        this.#gates -= 1;
        this.#gateSeenMs = performance.now();
      }
    };
    const { endpoint } = octokit.request;
    return { request: Object.assign(request, endpoint === undefined ? {} : { endpoint }) };
  }

  /** Other work steps aside while a production gate is being read; never for longer than a second. */
  async #letGatesPass(): Promise<void> {
    const startedMs = performance.now();
    const passing = (): boolean => {
      const nowMs = performance.now();
      const busy = this.#gates > 0 || nowMs - this.#gateSeenMs < BETWEEN_REQUESTS_MS;
      return busy && nowMs - startedMs < LONGEST_STEP_ASIDE_MS;
    };
    while (passing()) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  #admit(route: string, { installationId, urgency }: Asked): void {
    const nowMs = this.#now();
    const shutMs = (this.#shutUntilMs.get(installationId) ?? 0) - nowMs;
    if (shutMs > 0) throw waiting(route, shutMs, 'as it asked to stay away');
    const resource = route.endsWith('/graphql') ? 'graphql' : 'core';
    const budget = this.#budgets.get(`${installationId} ${resource}`);
    if (budget === undefined || budget.resetMs <= nowMs) return;
    if (budget.remaining > budget.limit * LEAVES[urgency]) return;
    const why =
      urgency === 'gate'
        ? "as the hour's allowance is used up"
        : "as the rest of the hour's allowance is kept for what is more urgent";
    throw waiting(route, budget.resetMs - nowMs + 1_000, why);
  }

  #saw(installationId: number, headers: object): void {
    const said = headersSchema.parse(headers);
    const limit = said['x-ratelimit-limit'];
    const remaining = said['x-ratelimit-remaining'];
    const reset = said['x-ratelimit-reset'];
    if (limit === undefined || remaining === undefined || reset === undefined) return;
    const resource = said['x-ratelimit-resource'] ?? 'core';
    const resetMs = reset * 1000;
    const key = `${installationId} ${resource}`;
    const known = this.#budgets.get(key);
    // Answers overtake each other; within one hour the allowance only goes down.
    const same = known !== undefined && known.resetMs === resetMs;
    const left = same ? Math.min(known.remaining, remaining) : remaining;
    this.#budgets.set(key, { installationId, resource, limit, remaining: left, resetMs });
  }

  #sawFault(installationId: number, thrown: unknown): void {
    const fault = thrownSchema.safeParse(thrown).data;
    if (fault === undefined) return;
    const { status, response } = fault;
    this.#saw(installationId, response.headers);
    const said = headersSchema.parse(response.headers);
    const seconds = said['retry-after'];
    const text = JSON.stringify(response.data ?? '');
    const secondary = seconds !== undefined || /secondary rate limit/i.test(text);
    if ((status !== 403 && status !== 429) || !secondary) return;
    const untilMs = this.#now() + (seconds ?? 60) * 1000;
    const before = this.#shutUntilMs.get(installationId) ?? 0;
    this.#shutUntilMs.set(installationId, Math.max(before, untilMs));
  }
}

/** What the caller set for the request itself: its time limit. */
function requestOf({ request }: Readonly<Record<string, unknown>>): object {
  return typeof request === 'object' && request !== null ? request : {};
}

function waiting(route: string, waitMs: number, why: string): GitHubFault {
  const seconds = Math.ceil(waitMs / 1000);
  const message = `GitHub is not asked now (${route}), ${why}; it is tried again in ${seconds} s`;
  return new GitHubFault('github-limited', message, { httpStatus: null, retryAfterMs: waitMs });
}
