/**
 * Puts text that others control into an event so that it can never stop the insert: what PostgreSQL
 * or RFC 8785 would refuse is replaced, what is too long is cut, and each such cut is recorded.
 */
import { hash } from 'node:crypto';

/** A salted commitment to personal text; its value lies in `audit.detail` and can be erased. */
export interface Commitment {
  /** Base64 of SHA-256(salt ‖ UTF-8 of the value). */
  readonly c: string;
}

/** A value that a body only commits to. */
export interface Detail {
  /** Where the commitment stands in the body: `decision.counted.0.login`. */
  readonly path: string;
  readonly salt: Uint8Array;
  readonly value: string;
}

/** Something that did not fit or could not be kept as it was. */
export interface Cut {
  readonly path: string;
  /** Length of the text in UTF-16 units, or of the list in entries, as it came. */
  readonly was: number;
}

/** Longest personal text that is kept, in UTF-16 units. */
const DETAIL_LIMIT = 1_000;

/** At most so many cuts are listed; the last row then says how many there were. */
const CUT_LIMIT = 40;

/** The text without NUL and lone surrogates, at most `limit` UTF-16 units long. */
export function cleanText(value: string, limit: number): string {
  const short =
    value.length <= limit ? value : value.slice(0, limit).replace(/[\ud800-\udbff]$/, '');
  return short.replaceAll('\u0000', '\ufffd').toWellFormed();
}

/** SHA-256(salt ‖ value) as a commitment. */
export function commitTo(salt: Uint8Array, value: string): Commitment {
  return { c: hash('sha256', Buffer.concat([salt, Buffer.from(value, 'utf8')]), 'base64') };
}

/** Collects the personal texts and the cuts of one event while its body is put together. */
export interface Scribe {
  /** Text that is not personal: cleaned and cut. */
  text(path: string, value: string, limit?: number): string;
  /** Personal text: a commitment in the body, the value beside it. */
  secret(path: string, value: string): Commitment;
  /** The first entries of a list; the limit shrinks when the whole event would be too large. */
  list<T>(path: string, entries: readonly T[]): readonly T[];
  /** A number that RFC 8785 and PostgreSQL hold alike; others become 0 and are listed. */
  int(path: string, value: number): number;
  readonly details: readonly Detail[];
  cuts(): readonly Cut[];
}

/** Makes a scribe; `salt` gives 16 fresh random bytes each time, as core has no randomness. */
export function createScribe(salt: () => Uint8Array, listLimit: number): Scribe {
  const details: Detail[] = [];
  const cuts: Cut[] = [];
  return {
    text(path, value, limit = 300) {
      const clean = cleanText(value, limit);
      if (clean !== value) cuts.push({ path, was: value.length });
      return clean;
    },
    secret(path, value) {
      const clean = cleanText(value, DETAIL_LIMIT);
      if (clean !== value) cuts.push({ path, was: value.length });
      const fresh = salt();
      details.push({ path, salt: fresh, value: clean });
      return commitTo(fresh, clean);
    },
    list(path, entries) {
      if (entries.length > listLimit) cuts.push({ path, was: entries.length });
      return entries.slice(0, listLimit);
    },
    int(path, value) {
      if (Number.isSafeInteger(value)) return value;
      cuts.push({ path, was: 0 });
      return 0;
    },
    details,
    cuts: () =>
      cuts.length <= CUT_LIMIT
        ? cuts
        : [...cuts.slice(0, CUT_LIMIT - 1), { path: '…', was: cuts.length }],
  };
}
