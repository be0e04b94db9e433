/**
 * Shapes that are checked millions of times, over the text itself: no value is made of it. A shape
 * says yes only to the RFC 8785 text of a value that the zod schema of the same name accepts; a no
 * is not a verdict, the schema then decides. test/audit/shape.test.ts holds both against each other.
 */

/** Reads one value from a place on and answers the place after it; -1: it is not of this shape. */
export type Shape = (text: string, at: number) => number;

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** Escapes that JSON writes itself; NUL and halves of surrogate pairs are not storable. */
const ESCAPE = /["\\bfnrt]|u00(?:0[1-7bef]|1[0-9a-f])/y;

/** The end of a string whose first escape stands at `at`. */
function endOfEscaped(value: string, at: number): number {
  for (let place = at; place < value.length; ) {
    const code = value.charCodeAt(place);
    if (code === QUOTE) return place + 1;
    if (code < SPACE) return -1;
    if (code !== BACKSLASH) {
      place += 1;
      continue;
    }
    ESCAPE.lastIndex = place + 1;
    if (!ESCAPE.test(value)) return -1;
    place = ESCAPE.lastIndex;
  }
  return -1;
}

/** Lone surrogates are looked for in the whole body, see `isOfShape`. */
export const text: Shape = (value, at) => {
  if (value.charCodeAt(at) !== QUOTE) return -1;
  for (let place = at + 1; place < value.length; place += 1) {
    const code = value.charCodeAt(place);
    if (code === QUOTE) return place + 1;
    if (code < SPACE) return -1;
    if (code === BACKSLASH) return endOfEscaped(value, place);
  }
  return -1;
};

/** Safe integers as RFC 8785 writes them. */
export const int: Shape = (value, at) => {
  const from = value.charCodeAt(at) === 0x2d ? at + 1 : at;
  let place = from;
  for (let code = value.charCodeAt(place); code >= 0x30 && code <= 0x39; ) {
    place += 1;
    code = value.charCodeAt(place);
  }
  const digits = place - from;
  if (digits === 0 || digits > 16) return -1;
  if (digits === 16 && !Number.isSafeInteger(Number(value.slice(from, place)))) return -1;
  // No leading zero, and no negative one.
  return value.charCodeAt(from) === 0x30 && (digits > 1 || from > at) ? -1 : place;
};

function literal(value: string, wanted: string, at: number): number {
  return value.startsWith(wanted, at) ? at + wanted.length : -1;
}

export const flag: Shape = (value, at) =>
  literal(value, value.charCodeAt(at) === 0x74 ? 'true' : 'false', at);

export function nullable(inner: Shape): Shape {
  return (value, at) =>
    value.charCodeAt(at) === 0x6e ? literal(value, 'null', at) : inner(value, at);
}

export function oneOf(...allowed: readonly (string | number)[]): Shape {
  const texts = allowed.map((each) => JSON.stringify(each));
  return (value, at) => {
    for (const each of texts) if (value.startsWith(each, at)) return at + each.length;
    return -1;
  };
}

/** A string of a fixed form; the pattern is anchored and knows no backslash. */
export function matching(pattern: RegExp): Shape {
  return (value, at) => {
    const end = text(value, at);
    return end !== -1 && pattern.test(value.slice(at + 1, end - 1)) ? end : -1;
  };
}

export function list(inner: Shape): Shape {
  return (value, at) => {
    if (value.startsWith('[]', at)) return at + 2;
    if (value.charCodeAt(at) !== 0x5b) return -1;
    let place = at;
    do {
      place = inner(value, place + 1);
      if (place === -1) return -1;
    } while (value.charCodeAt(place) === COMMA);
    return value.charCodeAt(place) === 0x5d ? place + 1 : -1;
  };
}

const OPTIONAL = new WeakSet<Shape>();

/** A field that may be left out of an object. */
export function optional(inner: Shape): Shape {
  const shape: Shape = (value, at) => inner(value, at);
  OPTIONAL.add(shape);
  return shape;
}

/** Exactly these keys, in order, without the optional ones that are not there. */
export function object(fields: Readonly<Record<string, Shape>>): Shape {
  const rows = Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const heads = rows.map(([key]) => `${JSON.stringify(key)}:`);
  const shapes = rows.map(([, shape]) => shape);
  const free = shapes.map((shape) => OPTIONAL.has(shape));
  return (value, at) => {
    if (value.charCodeAt(at) !== 0x7b) return -1;
    let place = at;
    for (let index = 0; index < heads.length; index += 1) {
      const head = heads[index] ?? '';
      // The brace, or the comma after the field before.
      if (place !== at && value.charCodeAt(place) !== COMMA) {
        if (free[index] === true) continue;
        return -1;
      }
      if (!value.startsWith(head, place + 1)) {
        if (free[index] === true) continue;
        return -1;
      }
      place = shapes[index]?.(value, place + 1 + head.length) ?? -1;
      if (place === -1) return -1;
    }
    return value.charCodeAt(place) === 0x7d ? place + 1 : -1;
  };
}

/** Any keys in order, all values alike. */
export function dictionary(inner: Shape): Shape {
  return (value, at) => {
    if (value.startsWith('{}', at)) return at + 2;
    if (value.charCodeAt(at) !== 0x7b) return -1;
    let before: string | null = null;
    let place = at;
    do {
      const end = text(value, place + 1);
      if (end === -1 || value.charCodeAt(end) !== 0x3a) return -1;
      const key = value.slice(place + 2, end - 1);
      if (key === '__proto__' || key.includes('\\') || (before !== null && key <= before))
        return -1;
      before = key;
      place = inner(value, end + 1);
      if (place === -1) return -1;
    } while (value.charCodeAt(place) === COMMA);
    return value.charCodeAt(place) === 0x7d ? place + 1 : -1;
  };
}

/** Keeps where a value stood, for who asks right after. */
export interface Kept {
  from: number;
  to: number;
}

export function kept(into: Kept, inner: Shape): Shape {
  return (value, at) => {
    const to = inner(value, at);
    into.from = at;
    into.to = to;
    return to;
  };
}

/** Which of several objects it is stands after a mark; each of them names itself again. */
export function union(mark: string, shapes: Readonly<Record<string, Shape>>): Shape {
  const known = new Map(Object.entries(shapes));
  return (value, at) => {
    const found = value.indexOf(mark, at);
    const from = value.indexOf(',"kind":"', found) + ',"kind":"'.length;
    const name = value.slice(from, value.indexOf('"', from));
    return found === -1 ? -1 : (known.get(name)?.(value, at) ?? -1);
  };
}

/** Whether a whole body is the one text of a value of this shape. */
export function isOfShape(shape: Shape, body: string): boolean {
  return shape(body, 0) === body.length && body.isWellFormed();
}
