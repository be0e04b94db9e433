/** Every way in which one field of a JSON text can be wrong. */

export interface Mutant {
  readonly what: string;
  readonly text: string;
}

function replaced(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(`${value}x`);
  if (typeof value === 'number') return String(value + 1);
  if (typeof value === 'boolean') return String(!value);
  if (value === null) return '0';
  return 'null';
}

/** An object or a list as the texts of its parts. */
function parts(value: object): readonly string[] {
  return Array.isArray(value)
    ? value.map((one) => JSON.stringify(one))
    : Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}:${JSON.stringify(one)}`);
}

function whole(value: object, rows: readonly string[]): string {
  return Array.isArray(value) ? `[${rows.join()}]` : `{${rows.join()}}`;
}

/** Each field below a value is dropped, doubled, replaced, and put after its neighbour. */
export function* mutantsOf(value: unknown, path = ''): Generator<Mutant> {
  if (typeof value !== 'object' || value === null) return;
  const rows = parts(value);
  for (const [at, [key, child]] of Object.entries(value).entries()) {
    const row = rows[at] ?? '';
    const name = `${path}/${key}`;
    const put = (...made: readonly string[]): string =>
      whole(value, [...rows.slice(0, at), ...made, ...rows.slice(at + 1)]);
    const own = row.slice(0, row.length - JSON.stringify(child).length);
    yield { what: `${name} dropped`, text: put() };
    yield { what: `${name} doubled`, text: put(row, row) };
    yield { what: `${name} replaced`, text: put(own + replaced(child)) };
    const next = rows[at + 1];
    if (next !== undefined && next !== row) {
      const swapped = [...rows.slice(0, at), next, row, ...rows.slice(at + 2)];
      yield { what: `${name} reordered`, text: whole(value, swapped) };
    }
    for (const inner of mutantsOf(child, name)) {
      yield { what: inner.what, text: put(own + inner.text) };
    }
  }
}
