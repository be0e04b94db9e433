import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** The exact RFC 8785 text of a JSON value. Throws a TypeError on NaN, lone surrogates, BigInt or undefined. */
export function canonicalText(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('only a JSON value has a canonical form');
  return text;
}

/** SHA-256 over the UTF-8 bytes of a text, as 64 lower-case hex digits. */
export function sha256Hex(text: string | Uint8Array): string {
  return hash('sha256', text, 'hex');
}

/** SHA-256 over the RFC 8785 bytes of a JSON value, as 64 lower-case hex digits. */
export function digestOf(value: unknown): string {
  return sha256Hex(canonicalText(value));
}
