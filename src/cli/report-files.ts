/** Files of a bundle, written piece by piece and read back at a place. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

const BUFFER_BYTES = 1 << 20;

export interface Lines {
  /** Bytes written so far, what is still held back included. */
  readonly bytes: number;
  add(line: string): void;
  /** Adds bytes as they are. */
  addBytes(bytes: Uint8Array): void;
  close(): void;
}

/** Writes a file piece by piece, through one buffer that is used again and again. */
export function writer(path: string): Lines {
  const file = openSync(path, 'w');
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  let held = 0;
  let written = 0;
  const put = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    written += bytes.length;
  };
  const flush = (): void => {
    if (held > 0) put(buffer.subarray(0, held));
    held = 0;
  };
  return {
    get bytes() {
      return written + held;
    },
    add(line) {
      // A character takes three bytes at most.
      if (line.length * 3 > BUFFER_BYTES - held) flush();
      if (line.length * 3 > BUFFER_BYTES) put(Buffer.from(line, 'utf8'));
      else held += buffer.write(line, held, 'utf8');
    },
    addBytes(bytes) {
      if (bytes.length > BUFFER_BYTES - held) flush();
      if (bytes.length > BUFFER_BYTES) {
        put(bytes);
        return;
      }
      buffer.set(bytes, held);
      held += bytes.length;
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
  let whole = Buffer.allocUnsafeSlow(1 << 16);
  return {
    read(from, to) {
      if (to - from > whole.length) whole = Buffer.allocUnsafeSlow((to - from) * 2);
      const buffer = whole.subarray(0, to - from);
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
