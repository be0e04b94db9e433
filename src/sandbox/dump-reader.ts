/**
 * Reads a dump as bytes: lines of SQL, and the rows between `COPY … FROM stdin;` and `\.`, which are
 * passed on as they come. A row may be larger than what this process may hold.
 */
import { Buffer } from 'node:buffer';

/** A line of SQL that is longer is not held; pg_dump writes rows as COPY unless told otherwise. */
const MAX_LINE_BYTES = 32 * 2 ** 20;

const NEWLINE = 0x0a;
const END_OF_ROWS = /^\\\.\r?$/;
/** `\.`, with a carriage return and the end of its line. */
const END_BYTES = 4;

export class DumpReader {
  readonly #source: AsyncIterator<Buffer | string>;
  #rest: Buffer = Buffer.alloc(0);
  #over = false;
  /** Lines read so far. */
  line = 0;

  constructor(source: AsyncIterable<Buffer | string>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** False at the end of the dump. Throws what the stream throws. */
  async #more(): Promise<boolean> {
    if (this.#over) return false;
    const next = await this.#source.next();
    if (next.done === true) {
      this.#over = true;
      return false;
    }
    const piece = typeof next.value === 'string' ? Buffer.from(next.value) : next.value;
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    return true;
  }

  /** The next line of SQL without its end; null when there is none. */
  async next(): Promise<string | null> {
    let from = 0;
    for (;;) {
      const end = this.#rest.indexOf(NEWLINE, from);
      if (end >= 0) {
        const text = this.#rest.toString('utf8', 0, end).replace(/\r$/, '');
        this.#rest = this.#rest.subarray(end + 1);
        this.line += 1;
        return text;
      }
      from = this.#rest.length;
      if (from > MAX_LINE_BYTES) {
        throw new Error(`a line of SQL is longer than ${MAX_LINE_BYTES / 2 ** 20} MB`);
      }
      if (await this.#more()) continue;
      if (from === 0) return null;
      const last = this.#rest.toString('utf8');
      this.#rest = Buffer.alloc(0);
      this.line += 1;
      return last;
    }
  }

  /** The rows up to `\.`, in pieces. Throws when the dump ends before that. */
  async *rows(): AsyncGenerator<Buffer> {
    let atStart = true;
    for (;;) {
      const { length, ended, startsLine } = this.#scan(atStart);
      if (length > 0) yield this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      atStart = startsLine;
      if (ended) {
        await this.next();
        return;
      }
      if (await this.#more()) continue;
      if (atStart && END_OF_ROWS.test(this.#rest.toString('latin1'))) {
        this.#rest = Buffer.alloc(0);
        return;
      }
      throw new Error('the dump ends within the rows of a table');
    }
  }

  /** How many of the bytes at hand are rows, and whether the end of the rows follows them. */
  #scan(atStart: boolean): { length: number; ended: boolean; startsLine: boolean } {
    const bytes = this.#rest;
    let at = 0;
    if (!atStart) {
      const end = bytes.indexOf(NEWLINE);
      if (end < 0) return { length: bytes.length, ended: false, startsLine: false };
      this.line += 1;
      at = end + 1;
    }
    for (;;) {
      const end = bytes.indexOf(NEWLINE, at);
      const isShort = end < 0 ? bytes.length - at < END_BYTES : end - at < END_BYTES;
      if (end < 0) {
        // What may be the beginning of the end waits for its next piece.
        return isShort
          ? { length: at, ended: false, startsLine: true }
          : { length: bytes.length, ended: false, startsLine: false };
      }
      if (isShort && END_OF_ROWS.test(bytes.toString('latin1', at, end))) {
        return { length: at, ended: true, startsLine: true };
      }
      this.line += 1;
      at = end + 1;
    }
  }
}
