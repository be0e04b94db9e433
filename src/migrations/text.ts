/** Bytes to text, byte order of names, and lines: what every framework needs to read files. */

/** A file over this size is not read: PostgreSQL and a reviewer could not judge it anyway. */
export const MAX_FILE_BYTES: number = 20 * 1024 * 1024;

export type Decoded =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: string };

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decodes a file strictly; a byte order mark stays, for most runners send it to the server. */
export function decode(bytes: Uint8Array): Decoded {
  if (bytes.length > MAX_FILE_BYTES) return { ok: false, why: tooLarge(bytes.length) };
  const nul = bytes.indexOf(0);
  if (nul >= 0) {
    return { ok: false, why: `holds a NUL byte at offset ${nul}; save it again as UTF-8 text` };
  }
  try {
    return { ok: true, text: UTF8.decode(bytes) };
  } catch {
    return { ok: false, why: 'is not valid UTF-8; save it again as UTF-8 text' };
  }
}

/** The sentence part for a file over the limit. */
export function tooLarge(sizeBytes: number): string {
  const megabytes = Math.ceil(sizeBytes / (1024 * 1024));
  return `is ${megabytes} MB large and at most 20 MB are read; split it into several migrations`;
}

/** The text without its byte order mark, for looking at markers only. */
export function withoutBom(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** Compares as UTF-8 bytes would, which is how most runners and `ls` in the C locale sort. */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left === right) continue;
    // Surrogates stand for code points above U+FFFF although their own numbers are lower.
    const leftHigh = left >= 0xd800 && left <= 0xdfff;
    const rightHigh = right >= 0xd800 && right <= 0xdfff;
    if (leftHigh !== rightHigh) return leftHigh ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}

/** 1-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1))
    line += 1;
  return line;
}

/** A line of a text with where it starts; `text` has neither its line feed nor carriage return. */
export interface Line {
  readonly number: number;
  readonly start: number;
  /** Offset after the line feed. */
  readonly end: number;
  readonly text: string;
}

/** All lines of a text; a last line without line feed counts, an empty rest does not. */
export function linesOf(text: string): readonly Line[] {
  const lines: Line[] = [];
  let start = 0;
  while (start < text.length) {
    const feed = text.indexOf('\n', start);
    const end = feed < 0 ? text.length : feed + 1;
    const raw = text.slice(start, feed < 0 ? text.length : feed);
    const clean = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    lines.push({ number: lines.length + 1, start, end, text: clean });
    start = end;
  }
  return lines;
}
