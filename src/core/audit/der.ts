/** The part of DER (X.690) that time-stamps need: definite lengths, one-byte tags, nothing else. */

/** One element; `whole` is it with its tag and length. */
export interface Der {
  readonly tag: number;
  readonly body: Uint8Array;
  readonly whole: Uint8Array;
}

/** What was read is no DER, or not of the form that was asked for. */
export class DerFault extends Error {}

/** Universal tags by name, and the two that a context needs. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
} as const;

/** The first element of the bytes. Throws DerFault when it is cut or its length is not the shortest. */
function readOne(bytes: Uint8Array): Der {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) {
    throw new DerFault('an element is cut');
  }
  const more = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || more > 4 || bytes.length < 2 + more) throw new DerFault('a wrong length');
  let length = first;
  if (more > 0) {
    length = 0;
    for (const byte of bytes.subarray(2, 2 + more)) length = length * 256 + byte;
    if (length < 0x80 || bytes[2] === 0) throw new DerFault('a length that is not the shortest');
  }
  const end = 2 + more + length;
  if (end > bytes.length) throw new DerFault('an element is cut');
  return { tag, body: bytes.subarray(2 + more, end), whole: bytes.subarray(0, end) };
}

/** The elements that the bytes consist of, to their very end. Throws DerFault. */
export function readAll(bytes: Uint8Array): readonly Der[] {
  const found: Der[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const one = readOne(rest);
    found.push(one);
    rest = rest.subarray(one.whole.length);
  }
  return found;
}

/** Checks an element's tag and answers it. Throws DerFault when it is another or missing. */
export function expect(element: Der | undefined, tag: number): Der {
  if (element?.tag === tag) return element;
  throw new DerFault(`an element with tag ${tag} is missing`);
}

/** The elements inside one of the given tag. Throws DerFault. */
export function inside(element: Der | undefined, tag: number): readonly Der[] {
  return readAll(expect(element, tag).body);
}

/** An object identifier or an integer as hexadecimal, to be compared. Throws DerFault. */
export function hexOf(element: Der | undefined, tag: number): string {
  return Buffer.from(expect(element, tag).body).toString('hex');
}

/** `YYYYMMDDHHMMSS[.f]Z` as RFC 3161 has it, in milliseconds. Throws DerFault. */
export function timeOf(element: Der | undefined): number {
  const text = Buffer.from(expect(element, TAG.time).body).toString('latin1');
  const [, y, mo, d, h, mi, s, part = ''] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d*[1-9])?Z$/.exec(text) ?? [];
  const ms = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}${part.slice(0, 4)}Z`);
  if (Number.isNaN(ms)) throw new DerFault('a time is malformed');
  return ms;
}

/** An element of the given parts. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const digits: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  const length = body.length < 0x80 ? [body.length] : [0x80 | digits.length, ...digits];
  return Buffer.concat([Uint8Array.from([tag, ...length]), body]);
}

/** A number that is not negative, in the fewest bytes. */
export function unsigned(bytes: Uint8Array): Buffer {
  const from = bytes.findIndex((byte) => byte !== 0);
  const digits = from === -1 ? Uint8Array.of(0) : bytes.subarray(from);
  return der(TAG.integer, (digits[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : Uint8Array.of(), digits);
}
