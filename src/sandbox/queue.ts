/** Lets a few runs work at once; the others wait their turn. */
import { TagoutError } from '../core/errors.ts';

export class Queue {
  readonly #limit: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  readonly #idle: (() => void)[] = [];
  #running = 0;
  #closed = false;

  constructor(limit: number, maxWaiting: number) {
    this.#limit = limit;
    this.#maxWaiting = maxWaiting;
  }

  /** Whether nothing runs. */
  get isIdle(): boolean {
    return this.#running === 0;
  }

  /** Runs the work when its turn comes. Throws TagoutError('sandbox-unavailable') when too many wait. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) {
      throw new TagoutError('sandbox-unavailable', 'The sandbox is closing; try again later.');
    }
    if (this.#running >= this.#limit) await this.#turn();
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
      if (this.#running === 0) for (const done of this.#idle.splice(0)) done();
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new TagoutError(
        'sandbox-unavailable',
        `${this.#waiting.length} dry runs wait already. It is tried again later; add workers if it lasts.`,
      );
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Takes no more work and waits for what runs. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }
}
