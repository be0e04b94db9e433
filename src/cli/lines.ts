/** Reads files line by line without holding them: for logs of any length. */
import { closeSync, openSync, readSync } from 'node:fs';

const CHUNK_BYTES = 1 << 20;
const NEWLINE = 10;

export interface LineReader {
  /**
   * The next line with one byte of room before it, which may be overwritten, and without its
   * newline. It is valid until the next call. Null at the end.
   */
  next(): Buffer | null;
  /** Bytes that were handed out so far. */
  readonly bytes: number;
  /** Whether the last line had no newline. */
  readonly cut: boolean;
  close(): void;
}

/** Opens a file for reading by lines; throws when it cannot be read. */
export function openLines(path: string): LineReader {
  const file = openSync(path, 'r');
  let buffer: Buffer = Buffer.alloc(CHUNK_BYTES);
  // The line under way lies from `start`; byte `start - 1` is its room.
  let [start, end, bytes] = [1, 1, 0];
  let searched = 1;
  let cut = false;

  function more(): boolean {
    const kept = end - start;
    const target = kept + 1 > buffer.length / 2 ? Buffer.alloc(buffer.length * 2) : buffer;
    buffer.copy(target, 1, start, end);
    buffer = target;
    searched = 1 + (searched - start);
    start = 1;
    end = 1 + kept;
    const count = readSync(file, buffer, end, buffer.length - end, null);
    end += count;
    return count > 0;
  }

  function handOut(stop: number): Buffer {
    const line = buffer.subarray(start - 1, stop);
    bytes += stop + 1 - start;
    start = stop + 1;
    searched = start;
    return line;
  }

  return {
    get bytes() {
      return bytes;
    },
    get cut() {
      return cut;
    },
    next() {
      for (;;) {
        const at = buffer.indexOf(NEWLINE, searched);
        if (at !== -1 && at < end) return handOut(at);
        searched = end;
        if (more()) continue;
        if (start >= end) return null;
        cut = true;
        return handOut(end);
      }
    },
    close: () => closeSync(file),
  };
}

/** The text of a line, without its room. */
export function textOf(line: Buffer): string {
  return line.toString('utf8', 1);
}
