/**
 * The canonical form of a JSON value (RFC 8785), and digests over it.
 *
 * Ours, because every decision, event and verification waits for it and it has to be quick; the
 * tests hold it byte-equal to the `canonicalize` package and to the RFC's own vectors.
 */
import { createHash, hash } from 'node:crypto';

/** Texts that stand in JSON as they are, but for the quotes: nothing to escape, no surrogates. */
const PLAIN = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;

function stringText(value: string): string {
  if (PLAIN.test(value)) return `"${value}"`;
  if (!value.isWellFormed()) throw new TypeError('a lone surrogate has no canonical form');
  return JSON.stringify(value);
}

/** What stands in the place of a text field; the text itself when nothing does. */
export type Replace = (key: string, text: string, owner: object) => unknown;

function arrayText(values: readonly unknown[], replace: Replace | null): string {
  let text = '[';
  for (const value of values) {
    text += `${text.length > 1 ? ',' : ''}${value === undefined ? 'null' : textOf(value, replace)}`;
  }
  return `${text}]`;
}

function isRecord(value: object): value is Readonly<Record<string, unknown>> {
  return !Array.isArray(value);
}

function objectText(value: Readonly<Record<string, unknown>>, replace: Replace | null): string {
  // Sorted by UTF-16 code units, as the RFC asks and as JavaScript sorts by itself.
  const keys = Object.keys(value).sort();
  let text = '{';
  for (const key of keys) {
    const own = value[key];
    const inner = replace !== null && typeof own === 'string' ? replace(key, own, value) : own;
    if (inner === undefined) continue;
    text += `${text.length > 1 ? ',' : ''}${stringText(key)}:${textOf(inner, replace)}`;
  }
  return `${text}}`;
}

function textOf(value: unknown, replace: Replace | null): string {
  switch (typeof value) {
    case 'string':
      return stringText(value);
    case 'number':
      // ECMAScript's own text of a number is the RFC's, and its zero has no sign.
      if (Number.isFinite(value)) return String(value);
      break;
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (isRecord(value)) return objectText(value, replace);
      if (Array.isArray(value)) return arrayText(value, replace);
      break;
    case 'bigint':
    case 'function':
    case 'symbol':
    case 'undefined':
  }
  const what = typeof value === 'number' ? String(value) : `a ${typeof value}`;
  throw new TypeError(`${what} has no canonical form: only a JSON value has one`);
}

/**
 * The exact RFC 8785 text of a JSON value; fields that are undefined are left out, as in JSON.
 * `replace` may put another value in the place of a field that holds text; it is asked again for
 * the texts of what it gives.
 * Throws a TypeError on NaN, infinities, lone surrogates, BigInt, undefined, functions and symbols.
 */
export function canonicalText(value: unknown, replace: Replace | null = null): string {
  return textOf(value, replace);
}

/** SHA-256 over the UTF-8 bytes of a text, as 64 lower-case hex digits. */
export function sha256Hex(text: string | Uint8Array): string {
  return hash('sha256', text, 'hex');
}

/** SHA-256 over the RFC 8785 bytes of a JSON value, as 64 lower-case hex digits. */
export function digestOf(value: unknown): string {
  return sha256Hex(canonicalText(value));
}

/** SHA-256 over all texts up to each, as base64: one hash that runs on from text to text. */
export function runningSha256(texts: readonly string[]): readonly string[] {
  const running = createHash('sha256');
  return texts.map((text) => running.update(text).copy().digest('base64'));
}
