/** What has to be known of the tables that get synthetic rows: columns, keys, checks, partitions. */
import type { Row, Wire } from '../postgres/wire.ts';
import type { TableInfo } from './catalog.ts';
import { type FillColumn, isWholeNumber } from './row-values.ts';

export interface ForeignKey {
  readonly columns: readonly number[];
  readonly parent: number;
  /** Quoted name of the parent and of its key columns. */
  readonly quoted: string;
  readonly keys: readonly string[];
}

export interface Check {
  readonly name: string;
  readonly columns: readonly number[];
  readonly definition: string;
}

export interface FillTable {
  readonly info: TableInfo;
  /** Where rows are inserted: the table, or the parent of a hash partition. */
  readonly target: string;
  readonly columns: readonly FillColumn[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly checks: readonly Check[];
}

/** Name of the check that a partition's bounds are. */
export const PARTITION = 'partition';

/** Columns of keys: those of primary keys and unique indexes, and both ends of foreign keys. */
const KEYS = `
    SELECT indrelid, array_to_json(indkey::int2[]), 'unique' FROM pg_index WHERE indisunique
    UNION ALL SELECT conrelid, array_to_json(conkey), 'link' FROM pg_constraint WHERE contype = 'f'
    UNION ALL SELECT confrelid, array_to_json(confkey), 'link' FROM pg_constraint WHERE contype = 'f'`;

const COLUMNS = `
  WITH RECURSIVE base AS (
    SELECT oid, oid AS top, typbasetype, typtypmod, typnotnull, typtype FROM pg_type
    UNION ALL
    SELECT t.oid, b.top, t.typbasetype, t.typtypmod, t.typnotnull, t.typtype
    FROM base b JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd'),
  leaf AS (
    SELECT b.top, b.oid, (SELECT max(d.typtypmod) FROM base d WHERE d.top = b.top AND d.typtype = 'd') AS mod,
      EXISTS (SELECT 1 FROM base d WHERE d.top = b.top AND d.typtype = 'd' AND d.typnotnull) AS filled,
      (SELECT coalesce(json_agg(json_build_array(o.conname, pg_get_constraintdef(o.oid))), '[]') FROM base d
       JOIN pg_constraint o ON o.contypid = d.oid AND o.contype = 'c' WHERE d.top = b.top) AS checks
    FROM base b WHERE b.typtype <> 'd')
  SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), t.typname,
    greatest(a.atttypmod, l.mod), a.attnotnull OR l.filled,
    (SELECT coalesce(json_agg(enumlabel ORDER BY enumsortorder), '[]') FROM pg_enum
     WHERE enumtypid IN (t.oid, nullif(t.typelem, 0))), l.checks,
    a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid), '') ~ '^nextval\\('
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
  JOIN leaf l ON l.top = a.atttypid JOIN pg_type t ON t.oid = l.oid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    AND (t.typname IN ('int2', 'int4', 'int8')
      OR coalesce(pg_get_expr(d.adbin, d.adrelid), '') !~ '^nextval\\(')
    AND c.oid >= 16384
  ORDER BY a.attrelid, a.attnum`;

const FOREIGN_KEYS = `
  SELECT o.conrelid, array_to_json(o.conkey), o.confrelid,
    (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n
     ON n.oid = c.relnamespace WHERE c.oid = o.confrelid),
    (SELECT json_agg(quote_ident(a.attname) ORDER BY k.place) FROM unnest(o.confkey)
     WITH ORDINALITY k(number, place) JOIN pg_attribute a ON a.attrelid = o.confrelid AND a.attnum = k.number)
  FROM pg_constraint o WHERE o.contype = 'f' ORDER BY o.oid`;

const CHECKS = `
  SELECT conrelid, conname, array_to_json(conkey), pg_get_constraintdef(oid)
  FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0 AND conkey IS NOT NULL
  UNION ALL
  SELECT c.oid, '${PARTITION}', array_to_json(ARRAY(SELECT DISTINCT a.attnum
      FROM pg_partition_ancestors(c.oid) s(relid) JOIN pg_partitioned_table p ON p.partrelid = s.relid
      JOIN pg_attribute pa ON pa.attrelid = p.partrelid AND pa.attnum = ANY (p.partattrs::int2[])
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = pa.attname ORDER BY 1)),
    coalesce(pg_get_partition_constraintdef(c.oid), '')
  FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'`;

const HASH_PARTITIONS = `
  SELECT c.oid, format('%I.%I', n.nspname, q.relname) FROM pg_class c
  JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_class q ON q.oid = i.inhparent
  JOIN pg_namespace n ON n.oid = q.relnamespace JOIN pg_partitioned_table p ON p.partrelid = q.oid
  WHERE p.partstrat = 'h' AND c.relkind = 'r'`;

/** An identifier for SQL. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function list(text: string | null | undefined): readonly unknown[] {
  const found: unknown = JSON.parse(text ?? '[]');
  return Array.isArray(found) ? found : [];
}

function grouped<T>(rows: readonly Row[], make: (row: Row) => T): Map<number, T[]> {
  const found = new Map<number, T[]>();
  for (const row of rows) {
    const key = Number(row[0]);
    const group = found.get(key);
    if (group === undefined) found.set(key, [make(row)]);
    else group.push(make(row));
  }
  return found;
}

function columnOf(row: Row): FillColumn {
  const base = row[4] ?? '';
  const modifier = Number(row[5] ?? -1);
  const sized = modifier >= 4 ? modifier - 4 : null;
  const numeric = base === 'numeric' && sized !== null;
  return {
    number: Number(row[1]),
    name: row[2] ?? '',
    type: row[3] ?? '',
    base,
    length: numeric ? null : sized,
    precision: numeric ? sized >> 16 : null,
    scale: numeric ? sized & 0x7ff : 0,
    notNull: row[6] === 't',
    isKey: row[9] === 't',
    labels: list(row[7]).map(String),
    checks: list(row[8]).flatMap((pair) =>
      Array.isArray(pair) ? [{ name: String(pair[0]), definition: String(pair[1]) }] : [],
    ),
  };
}

/**
 * Marks the columns whose values are keys. One column of a unique index is enough to keep its rows
 * apart from those of a migration; the others keep small values, with which a migration can reckon.
 */
function withKeys(
  columns: readonly FillColumn[],
  keys: readonly { readonly columns: readonly number[]; readonly isUnique: boolean }[],
): readonly FillColumn[] {
  const marked = new Set(columns.filter(({ isKey }) => isKey).map(({ number }) => number));
  for (const key of keys) if (!key.isUnique) for (const number of key.columns) marked.add(number);
  const whole = new Set(columns.filter(isWholeNumber).map(({ number }) => number));
  for (const key of keys) {
    if (!key.isUnique || key.columns.some((number) => whole.has(number) && marked.has(number)))
      continue;
    const first = key.columns.find((number) => whole.has(number));
    if (first !== undefined) marked.add(first);
  }
  return columns.map((column) => ({ ...column, isKey: marked.has(column.number) }));
}

/** Reads all that is needed of these tables. */
export async function describe(observer: Wire, tables: readonly TableInfo[]): Promise<FillTable[]> {
  const columns = grouped(await observer.rows(COLUMNS), columnOf);
  const keys = grouped(
    await observer.rows(FOREIGN_KEYS),
    (row): ForeignKey => ({
      columns: list(row[1]).map(Number),
      parent: Number(row[2]),
      quoted: row[3] ?? '',
      keys: list(row[4]).map(String),
    }),
  );
  const checks = grouped(
    await observer.rows(CHECKS),
    (row): Check => ({
      name: row[1] ?? '',
      columns: list(row[2]).map(Number),
      definition: row[3] ?? '',
    }),
  );
  const targets = grouped(await observer.rows(HASH_PARTITIONS), (row) => row[1] ?? '');
  const keyed = grouped(await observer.rows(KEYS), (row) => ({
    columns: list(row[1]).map(Number),
    isUnique: row[2] === 'unique',
  }));
  return tables.map((info) => ({
    info,
    target: targets.get(info.oid)?.[0] ?? info.quoted,
    columns: withKeys(columns.get(info.oid) ?? [], keyed.get(info.oid) ?? []),
    foreignKeys: keys.get(info.oid) ?? [],
    checks: targets.has(info.oid) ? [] : (checks.get(info.oid) ?? []),
  }));
}
