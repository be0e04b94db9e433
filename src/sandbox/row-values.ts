/**
 * Values for synthetic rows. Each column has a list of candidates, SQL expressions over the row's
 * number `i`; the first is tried first, the others when a check refuses it. The first depends on the
 * type alone, so that tables which refer to each other in a circle agree on their keys. Pure.
 */

export interface FillColumn {
  readonly number: number;
  readonly name: string;
  /** As in a column definition: `character varying(20)`. */
  readonly type: string;
  /** Name of the type below all domains: `varchar`, `int4`, `_text`. */
  readonly base: string;
  /** Length limit of a text type, or null. */
  readonly length: number | null;
  readonly precision: number | null;
  readonly scale: number;
  readonly notNull: boolean;
  /** Whether its values are a key, or name one. */
  readonly isKey: boolean;
  readonly labels: readonly string[];
  /** Checks of its domains. */
  readonly checks: readonly { readonly name: string; readonly definition: string }[];
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function textOf(column: FillColumn): string {
  const { length } = column;
  if (length !== null && length < 6) return `lpad((i % ${10 ** length})::text, ${length}, '0')`;
  return `'v' || i`;
}

function numericOf(column: FillColumn): string {
  if (column.precision === null) return 'i';
  const digits = Math.min(column.precision - column.scale, 15);
  return digits <= 0 ? '0' : `(i - 1) % ${10 ** digits - 1} + 1`;
}

const PLAIN: Readonly<Record<string, string>> = {
  int2: '(i - 1) % 32000 + 1',
  int4: 'i',
  int8: 'i',
  oid: 'i',
  float4: 'i',
  float8: 'i',
  money: 'i',
  bool: 'i % 2 = 0',
  uuid: `md5('u' || i)`,
  date: `date '2024-01-01' + (i % 1000)::int`,
  timestamp: `timestamp '2024-01-01' + i * interval '1 minute'`,
  timestamptz: `timestamptz '2024-01-01 00:00:00+00' + i * interval '1 minute'`,
  time: `time '00:00' + i * interval '1 minute'`,
  timetz: `timetz '00:00+00' + i * interval '1 minute'`,
  interval: `i * interval '1 minute'`,
  json: `json_build_object('n', i)::text`,
  jsonb: `json_build_object('n', i)::text`,
  bytea: `convert_to('b' || i, 'UTF8')`,
  inet: `inet '10.0.0.0' + i`,
  cidr: `inet '10.0.0.0' + i`,
  macaddr: `lpad(to_hex(i), 12, '0')`,
  macaddr8: `lpad(to_hex(i), 16, '0')`,
  point: 'point(i, i)',
  box: 'box(point(i, i), point(i + 0.4, i + 0.4))',
  circle: 'circle(point(i, i), 0.4)',
  lseg: 'lseg(point(i, i), point(i + 1, i))',
  line: '(format($x${1,-1,%s}$x$, i))',
  path: 'path(polygon(box(point(i, i), point(i + 1, i + 1))))',
  polygon: 'polygon(box(point(i, i), point(i + 1, i + 1)))',
  bit: 'i::int::bit(32)::text',
  varbit: 'i::int::bit(32)::text',
  xml: `'<n>' || i || '</n>'`,
  tsvector: `to_tsvector('simple', 'v' || i)`,
  tsquery: `to_tsquery('simple', 'v' || i)`,
  int4range: 'int4range((i * 10)::int, (i * 10 + 5)::int)',
  int8range: 'int8range(i * 10, i * 10 + 5)',
  numrange: 'numrange(i * 10, i * 10 + 5)',
  daterange: `daterange(date '2024-01-01' + (i * 10)::int, date '2024-01-05' + (i * 10)::int)`,
  tsrange: `tsrange(timestamp '2024-01-01' + i * interval '1 hour', timestamp '2024-01-01 00:30' + i * interval '1 hour')`,
  tstzrange: `tstzrange(timestamptz '2024-01-01 00:00+00' + i * interval '1 hour', timestamptz '2024-01-01 00:30+00' + i * interval '1 hour')`,
  hstore: `'n=>' || i`,
  ltree: `'n' || i`,
};

/**
 * Made-up keys, far from the small numbers that a migration names: every second one beyond 10,000 and
 * the others beyond 1,000,000,000, so that no border which a condition draws has all on one side.
 */
const KEYS_FROM: Readonly<Record<string, string>> = {
  int2: '(i - 1) % 12000 + 5001 + 15000 * (i % 2)',
  int4: 'i + 10000 + 999990000 * (i % 2)',
  int8: 'i + 10000 + 999990000 * (i % 2)',
};

/** Whether the column holds integers, so that a made-up key of it can stay out of the way. */
export function isWholeNumber({ base }: FillColumn): boolean {
  return KEYS_FROM[base] !== undefined;
}

const TEXTS: ReadonlySet<string> = new Set(['text', 'varchar', 'bpchar', 'citext', 'name']);
const NUMBERS: ReadonlySet<string> = new Set([
  'int2',
  'int4',
  'int8',
  'float4',
  'float8',
  'numeric',
]);

function plain(column: FillColumn): string | null {
  if (column.base.startsWith('_')) {
    const inner = plain({ ...column, base: column.base.slice(1) });
    return inner === null ? `'{}'` : `ARRAY[(${inner})::text]::text[]::text`;
  }
  if (column.labels.length > 0) {
    const list = column.labels.map(literal).join(', ');
    return `(ARRAY[${list}])[((i - 1) % ${column.labels.length} + 1)::int]`;
  }
  if (TEXTS.has(column.base)) return textOf(column);
  if (column.base === 'numeric') return numericOf(column);
  if (column.isKey && isWholeNumber(column)) return KEYS_FROM[column.base] ?? null;
  return PLAIN[column.base] ?? null;
}

/** Texts and numbers that a check names: `status IN ('a', 'b')`, `age >= 18`. */
function named(column: FillColumn, checks: readonly string[]): readonly string[] {
  const texts = checks.flatMap((check) =>
    [...check.matchAll(/'((?:[^']|'')*)'/g)].map((hit) => (hit[1] ?? '').replaceAll("''", "'")),
  );
  const found: string[] = [];
  const distinct = [...new Set(texts)];
  if (distinct.length > 0) {
    found.push(
      `(ARRAY[${distinct.map(literal).join(', ')}])[((i - 1) % ${distinct.length} + 1)::int]`,
    );
    found.push(...distinct.slice(0, 8).map(literal));
  }
  const bare = checks.join(' ').replaceAll(/'(?:[^']|'')*'/g, ' ');
  const numbers = new Set([...bare.matchAll(/-?\b\d+(?:\.\d+)?\b/g)].map((hit) => Number(hit[0])));
  for (const n of [...numbers].slice(0, 8)) {
    if (NUMBERS.has(column.base)) found.push(`${n} + i`, `${n}`, `${n} - 1`, `${n} + 1`);
    else if (TEXTS.has(column.base) && n > 0 && n < 1000) {
      found.push(
        `rpad('v' || i, ${n}, 'x')`,
        `lpad(i::text, ${n}, '0')`,
        `left(md5(i::text), ${n})`,
      );
    }
  }
  return found;
}

const WORDS: readonly string[] = [
  `'user' || i || '@example.com'`,
  `'https://example.com/' || i`,
  `md5(i::text)`,
  `lpad(i::text, 10, '0')`,
  `'+4930' || lpad(i::text, 7, '0')`,
  `'A' || i`,
  `chr(65 + (i % 26)::int) || chr(65 + (i / 26 % 26)::int)`,
  `chr(65 + (i % 26)::int) || chr(65 + (i / 26 % 26)::int) || 'X'`,
  `'a-' || i`,
  `translate(i::text, '0123456789', 'abcdefghij')`,
  `'#' || left(md5(i::text), 6)`,
  `md5(i::text)::uuid::text`,
  `'1.0.' || i`,
  `repeat('x', 40) || i`,
  `'{}'`,
];

function kinds(column: FillColumn): readonly string[] {
  if (TEXTS.has(column.base)) return WORDS;
  if (NUMBERS.has(column.base)) {
    return [`i + ${column.number * 1000}`, 'i % 5 + 1', 'i % 100', '1', '0', '0.5', '-i'];
  }
  if (column.base === 'bool') return ['true', 'false'];
  const shifted = PLAIN[column.base];
  const moves = ['date', 'timestamp', 'timestamptz'].includes(column.base) && shifted;
  return moves ? [`${shifted} + ${column.number} * interval '30 day'`] : [`'{}'`, `'[]'`];
}

/**
 * Candidates in the order of trying; null when nothing fits the type and the column must have a
 * value. `checks` are the definitions of the checks that name the column.
 */
export function candidates(
  column: FillColumn,
  checks: readonly string[],
): readonly string[] | null {
  const cast = (expression: string): string => `CAST((${expression})::text AS ${column.type})`;
  const first = plain(column);
  const list = first === null ? [] : [cast(first)];
  const all = [...checks, ...column.checks.map((check) => check.definition)];
  // A check or a partition may leave no room for large numbers.
  const small = column.isKey && isWholeNumber(column) ? PLAIN[column.base] : undefined;
  if (all.length > 0 && small !== undefined) list.push(cast(small));
  if (all.length > 0) list.push(...[...named(column, all), ...kinds(column)].map(cast));
  if (!column.notNull) list.push(`CAST(NULL AS ${column.type})`);
  return list.length === 0 ? null : list;
}
