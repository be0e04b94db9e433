/** Files of a bundle, written piece by piece and read back at a place. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

const BUFFER_CHARS = 1 << 20;

export interface Lines {
  /** Bytes written so far, what is still held back included. */
  readonly bytes: number;
  add(line: string): void;
  close(): void;
}

/** Writes a file piece by piece. */
export function writer(path: string): Lines {
  const file = openSync(path, 'w');
  let pending: string[] = [];
  let chars = 0;
  let bytes = 0;
  const flush = (): void => {
    if (chars > 0) writeSync(file, pending.join(''));
    pending = [];
    chars = 0;
  };
  return {
    get bytes() {
      return bytes;
    },
    add(line) {
      pending.push(line);
      chars += line.length;
      bytes += Buffer.byteLength(line, 'utf8');
      if (chars > BUFFER_CHARS) flush();
    },
    close() {
      flush();
      closeSync(file);
    },
  };
}

export interface Places {
  /** The bytes between two places. */
  read(from: number, to: number): string;
  close(): void;
}

/** Reads parts of a file by their places. */
export function openPlaces(path: string): Places {
  const file = openSync(path, 'r');
  return {
    read(from, to) {
      const buffer = Buffer.alloc(to - from);
      let at = 0;
      while (at < buffer.length) {
        const count = readSync(file, buffer, at, buffer.length - at, from + at);
        if (count === 0) throw new RangeError(`${path} ends before byte ${to}.`);
        at += count;
      }
      return buffer.toString('utf8');
    },
    close: () => closeSync(file),
  };
}
