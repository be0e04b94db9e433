/**
 * Shapes that are checked millions of times. A shape says yes only to what the zod schema of the
 * same name accepts and whose keys stand in RFC 8785 order; a no is not a verdict, the schema then
 * decides. test/audit/shape.test.ts holds both against each other.
 */
export type Shape = (value: unknown) => boolean;

/** NUL and lone surrogates are looked for in the whole body at once, see `isPlainBody`. */
export const text: Shape = (value) => typeof value === 'string';
export const int: Shape = (value) => Number.isSafeInteger(value);
export const flag: Shape = (value) => typeof value === 'boolean';

export function nullable(inner: Shape): Shape {
  return (value) => value === null || inner(value);
}

export function oneOf(...allowed: readonly (string | number)[]): Shape {
  const set = new Set<unknown>(allowed);
  return (value) => set.has(value);
}

export function matching(pattern: RegExp): Shape {
  return (value) => typeof value === 'string' && pattern.test(value);
}

export function list(inner: Shape): Shape {
  return (value) => {
    if (!Array.isArray(value)) return false;
    for (const entry of value) if (!inner(entry)) return false;
    return true;
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field that may be left out of an object. */
export function optional(inner: Shape): Shape {
  const shape: Shape = (value) => inner(value);
  OPTIONAL.add(shape);
  return shape;
}

const OPTIONAL = new WeakSet<Shape>();

/** Exactly these keys, in order, without the optional ones that are not there. */
export function object(fields: Readonly<Record<string, Shape>>): Shape {
  const rows = Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const keys = rows.map(([key]) => key);
  const shapes = rows.map(([, shape]) => shape);
  const free = shapes.map((shape) => OPTIONAL.has(shape));
  return (value) => {
    if (!isRecord(value)) return false;
    let at = 0;
    for (const key in value) {
      while (key !== keys[at] && free[at] === true) at += 1;
      if (key !== keys[at]) return false;
      if (shapes[at]?.(value[key]) !== true) return false;
      at += 1;
    }
    while (free[at] === true) at += 1;
    return at === keys.length;
  };
}

/** Any keys in order, all values alike. */
export function dictionary(inner: Shape): Shape {
  return (value) => {
    if (!isRecord(value)) return false;
    let before: string | null = null;
    for (const key in value) {
      if (key === '__proto__' || (before !== null && key <= before) || !inner(value[key])) {
        return false;
      }
      before = key;
    }
    return true;
  };
}

/** Which of several objects it is stands in one of its fields. */
export function union(field: string, shapes: Readonly<Record<string, Shape>>): Shape {
  const known = new Map(Object.entries(shapes));
  return (value) => {
    if (!isRecord(value)) return false;
    const name = value[field];
    return typeof name === 'string' && known.get(name)?.(value) === true;
  };
}

/** Whether a body is the text that JSON itself would write, without NUL or lone surrogates. */
export function isPlainBody(value: unknown, body: string): boolean {
  if (body.includes('\\u') && /\\u(?:0000|d[89a-f])/.test(body)) return false;
  return JSON.stringify(value) === body;
}
