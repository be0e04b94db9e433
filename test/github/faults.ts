/** Faults on request, off by default and the same for the same seed. */

export interface RequestFault {
  /** Which requests: a part of `METHOD /path`, a pattern, or GitHub's operation id. */
  readonly match: string | RegExp;
  /** Which of the matching requests: 1 is the first; absent means every one. */
  readonly nth?: number | readonly number[];
  /** Answers this status instead of doing anything. */
  readonly status?: number;
  /** Seconds in `retry-after` of the answer. */
  readonly retryAfter?: number;
  /** `primary`: remaining 0; `secondary`: GitHub's abuse message, both without any effect. */
  readonly rateLimit?: 'primary' | 'secondary';
  /** Does the work, then closes the socket without an answer. */
  readonly drop?: boolean;
  readonly latencyMs?: number;
  /** Called when the request was met, after the work (if it was done) and before the answer. */
  readonly act?: () => void;
  /** Repeats the answer that this request got the last time it was asked. */
  readonly stale?: boolean;
}

export interface DeliveryFault {
  /** A part of `event.action`. */
  readonly match: string | RegExp;
  readonly nth?: number | readonly number[];
  readonly lose?: boolean;
  readonly double?: boolean;
  /** Holds this delivery back until the next one was sent, or until `settled`. */
  readonly swap?: boolean;
  readonly delayMs?: number;
}

/** What GitHub does to single fields of a GraphQL answer, which otherwise stands. */
export interface FieldFault {
  /** A part of the query. */
  readonly match: string;
  /** Where in the answer; `*` stands for every member of that level. */
  readonly path: readonly (string | number)[];
  /** `null` with an error, as when a part took too long; `cut`: the last of a list is left out. */
  readonly how: 'null' | 'cut';
}

interface Armed<T> {
  readonly fault: T;
  seen: number;
}

function matches(pattern: string | RegExp, texts: readonly string[]): boolean {
  return texts.some((text) =>
    typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text),
  );
}

function due(nth: number | readonly number[] | undefined, seen: number): boolean {
  if (nth === undefined) return true;
  return typeof nth === 'number' ? nth === seen : nth.includes(seen);
}

export class Faults {
  /** Delay of every answer, in milliseconds. */
  latencyMs = 0;
  /** Random extra delay up to this many milliseconds, from the seed. */
  jitterMs = 0;
  private readonly onRequests: Armed<RequestFault>[] = [];
  private readonly onDeliveries: Armed<DeliveryFault>[] = [];
  /** Faults of single fields of GraphQL answers; `clear` takes them back. */
  readonly fields: FieldFault[] = [];
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0 || 1;
  }

  request(fault: RequestFault): void {
    this.onRequests.push({ fault, seen: 0 });
  }

  delivery(fault: DeliveryFault): void {
    this.onDeliveries.push({ fault, seen: 0 });
  }

  /** Takes back every fault. */
  clear(): void {
    this.onRequests.length = 0;
    this.onDeliveries.length = 0;
    this.fields.length = 0;
    this.latencyMs = 0;
    this.jitterMs = 0;
  }

  forRequest(line: string, operationId: string | null): RequestFault | null {
    return this.pick(this.onRequests, [line, operationId ?? '']);
  }

  forDelivery(name: string): DeliveryFault | null {
    return this.pick(this.onDeliveries, [name]);
  }

  delayMs(): number {
    return this.latencyMs + (this.jitterMs > 0 ? this.random() * this.jitterMs : 0);
  }

  private pick<T extends RequestFault | DeliveryFault>(
    armed: readonly Armed<T>[],
    texts: readonly string[],
  ): T | null {
    let found: T | null = null;
    for (const one of armed) {
      if (!matches(one.fault.match, texts)) continue;
      one.seen += 1;
      if (found === null && due(one.fault.nth, one.seen)) found = one.fault;
    }
    return found;
  }

  /** A number from 0 to 1 (mulberry32), the same sequence for the same seed. */
  private random(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
}
