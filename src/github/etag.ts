/**
 * Conditional reads: GitHub is asked every time, and an answer that has not changed (304) costs
 * nothing of the allowance. Nothing is ever answered without asking.
 */
import { z } from 'zod';

interface Answer {
  readonly status: number;
  readonly headers: object;
  /** Text before it is parsed, so that nobody can change what is kept. */
  readonly data: unknown;
}

interface Kept {
  readonly etag: string;
  readonly answer: Answer;
  readonly sizeBytes: number;
}

type Ask = (headers: Readonly<Record<string, string>>) => Promise<Answer>;

const etagSchema = z.object({ etag: z.string().optional().catch(undefined) });
const unchangedSchema = z.object({
  status: z.literal(304),
  response: z.object({ headers: z.looseObject({}) }).optional(),
});

/** Larger answers are read anew; what was used longest ago goes first. */
const LARGEST_BYTES = 256 * 1024;

export class EtagCache {
  readonly #kept = new Map<string, Kept>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number = 24 * 1024 * 1024) {
    this.#maxBytes = maxBytes;
  }

  /** Asks with the tag of what is kept for this GET; everything else is asked as it is. */
  async through(
    place: string,
    parameters: Readonly<Record<string, unknown>>,
    ask: Ask,
  ): Promise<Answer> {
    if (!/^\d+ GET /.test(place)) return ask({});
    const { request: _, ...named } = parameters;
    const key = `${place} ${JSON.stringify(named)}`;
    const kept = this.#kept.get(key);
    if (kept === undefined) return this.#keep(key, await ask({}));
    try {
      return this.#keep(key, await ask({ 'if-none-match': kept.etag }));
    } catch (thrown) {
      const unchanged = unchangedSchema.safeParse(thrown).data;
      if (unchanged === undefined) throw thrown;
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      // The time and the next page are the new answer's; the body is the old one's.
      const headers = { ...kept.answer.headers, ...unchanged.response?.headers };
      return { ...kept.answer, headers };
    }
  }

  #keep(key: string, answer: Answer): Answer {
    this.#drop(key);
    const { etag } = etagSchema.parse(answer.headers);
    const { data } = answer;
    if (etag === undefined || answer.status !== 200 || typeof data !== 'string') return answer;
    const sizeBytes = Buffer.byteLength(data);
    if (sizeBytes > LARGEST_BYTES) return answer;
    this.#kept.set(key, { etag, answer, sizeBytes });
    this.#bytes += sizeBytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#drop(oldest);
    }
    return answer;
  }

  #drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.sizeBytes ?? 0;
    this.#kept.delete(key);
  }
}
