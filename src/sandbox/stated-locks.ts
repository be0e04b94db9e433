/**
 * The locks that PostgreSQL's documentation states for statements which cannot run inside a
 * transaction: those locks are gone when the statement ends, so that looking now and then could miss
 * them. Sources: "Explicit Locking", and the pages of VACUUM, CLUSTER, REINDEX, CREATE INDEX, DROP
 * INDEX and ALTER TABLE in the PostgreSQL 14 to 18 manuals.
 */
import { parsePlPgSQLSync, parseSync } from 'libpg-query';
import type { LockTaken } from '../core/dry-run.ts';
import { isRecord, lastField, text } from './parse-tree.ts';
import { PRIVATE_SCHEMA } from './workspace.ts';

/** A mode, and what it is taken on; a name without a schema stands for every relation so called. */
export interface StatedLock {
  readonly mode: string;
  /**
   * `relation`: the one that is named, with its partitions and children. `table`: the table of the
   * index that is named. `indexes`: those of the table that is named. `schema`: every table in it.
   * `clustered`: tables that were clustered before. `all`: every table.
   */
  readonly on: 'relation' | 'table' | 'indexes' | 'schema' | 'clustered' | 'all';
  readonly schema: string | null;
  readonly name: string;
}

type Node = Record<string, unknown>;

function nodesIn(list: unknown, key: string): readonly Node[] {
  return (Array.isArray(list) ? list : []).flatMap((item: unknown) => {
    const node = isRecord(item) ? item[key] : null;
    return isRecord(node) ? [node] : [];
  });
}

function on(relation: unknown, mode: string, how: StatedLock['on'] = 'relation'): StatedLock[] {
  const name = isRecord(relation) ? text(relation['relname']) : '';
  const schema = isRecord(relation) ? text(relation['schemaname']) : '';
  return [{ mode, on: name === '' ? 'all' : how, schema: schema === '' ? null : schema, name }];
}

/** Whether an option in brackets is there and not switched off: `VACUUM (FULL false)`. */
function hasOption(list: unknown, name: string): boolean {
  return nodesIn(list, 'DefElem').some(
    (one) => one['defname'] === name && !/"(?:false|off)"|"ival":\{\}/.test(JSON.stringify(one)),
  );
}

function vacuum(node: Node): readonly StatedLock[] {
  const isFull = node['is_vacuumcmd'] === true && hasOption(node['options'], 'full');
  const mode = isFull ? 'AccessExclusive' : 'ShareUpdateExclusive';
  const named = nodesIn(node['rels'], 'VacuumRelation').map((one) => one['relation']);
  return (named.length === 0 ? [null] : named).flatMap((one) => on(one, mode));
}

function reindex(node: Node): readonly StatedLock[] {
  const isConcurrent = hasOption(node['params'], 'concurrently');
  const [mode, inner] = isConcurrent
    ? ['ShareUpdateExclusive', 'ShareUpdateExclusive']
    : ['Share', 'AccessExclusive'];
  const kind = String(node['kind']);
  const { relation } = node;
  if (kind === 'REINDEX_OBJECT_INDEX') {
    return [...on(relation, mode, 'table'), ...on(relation, inner)];
  }
  if (kind === 'REINDEX_OBJECT_TABLE') {
    return [...on(relation, mode), ...on(relation, inner, 'indexes')];
  }
  if (kind !== 'REINDEX_OBJECT_SCHEMA') return on(null, mode);
  return [{ mode, on: 'schema', schema: text(node['name']), name: '' }];
}

/** Objects of a DROP: lists of names. */
function dropped(node: Node): readonly Node[] {
  return nodesIn(node['objects'], 'List').map(({ items }) => ({
    relname: lastField(items),
    schemaname: Array.isArray(items) ? text(items.at(-2)) : '',
  }));
}

function drops(node: Node): readonly StatedLock[] {
  const kind = String(node['removeType']);
  if (!/_(?:TABLE|VIEW|MATVIEW|INDEX)$/.test(kind)) return [];
  const isConcurrent = node['concurrent'] === true;
  const mode = isConcurrent ? 'ShareUpdateExclusive' : 'AccessExclusive';
  const isIndex = kind === 'OBJECT_INDEX';
  return dropped(node).flatMap((one) => [
    ...on(one, mode),
    ...(isIndex ? on(one, mode, 'table') : []),
  ]);
}

/** The first of the two transactions of DETACH … CONCURRENTLY, and then the second. */
function detaches(node: Node): readonly StatedLock[] {
  const [command] = nodesIn(node['cmds'], 'AlterTableCmd');
  const def = isRecord(command?.['def']) ? command['def']['PartitionCmd'] : null;
  if (!isRecord(def) || def['concurrent'] !== true) {
    return on(node['relation'], 'AccessExclusive');
  }
  const { schemaname, relname } = isRecord(node['relation']) ? node['relation'] : {};
  const parent = { mode: 'ShareUpdateExclusive', name: text(relname), on: 'relation' } as const;
  const schema = text(schemaname) === '' ? null : text(schemaname);
  return [{ ...parent, schema }, ...on(def['name'], 'AccessExclusive')];
}

/** `mode` of a LOCK in the parse tree. */
const MODES: readonly string[] = [
  '',
  'AccessShare',
  'RowShare',
  'RowExclusive',
  'ShareUpdateExclusive',
  'Share',
  'ShareRowExclusive',
  'Exclusive',
  'AccessExclusive',
];

function each(list: unknown, mode: string): readonly StatedLock[] {
  return nodesIn(list, 'RangeVar').flatMap((one) => on(one, mode));
}

/** By the statement's kind. Those below the blank line run in a transaction when they stand alone. */
const STATED: Readonly<Record<string, (node: Node) => readonly StatedLock[]>> = {
  VacuumStmt: vacuum,
  ReindexStmt: reindex,
  ClusterStmt: (node) =>
    isRecord(node['relation'])
      ? on(node['relation'], 'AccessExclusive')
      : [{ mode: 'AccessExclusive', on: 'clustered', schema: null, name: '' }],
  IndexStmt: (node) =>
    on(node['relation'], node['concurrent'] === true ? 'ShareUpdateExclusive' : 'Share'),
  DropStmt: drops,
  AlterTableStmt: detaches,

  TruncateStmt: (node) => each(node['relations'], 'AccessExclusive'),
  LockStmt: (node) => each(node['relations'], MODES[Number(node['mode'])] ?? 'AccessExclusive'),
  CreateTrigStmt: (node) => on(node['relation'], 'ShareRowExclusive'),
  RuleStmt: (node) => on(node['relation'], 'AccessExclusive'),
  RenameStmt: (node) => (isRecord(node['relation']) ? on(node['relation'], 'AccessExclusive') : []),
  RefreshMatViewStmt: (node) =>
    on(node['relation'], node['concurrent'] === true ? 'Exclusive' : 'AccessExclusive'),
};

function ofText(sql: string): readonly StatedLock[] {
  try {
    return (parseSync(sql).stmts ?? []).flatMap(({ stmt }) => ofNode(stmt));
  } catch {
    // An expression of a procedure: it takes no lock that stops others.
    return [];
  }
}

function ofNode(stmt: unknown): readonly StatedLock[] {
  const [kind, node] = isRecord(stmt) ? (Object.entries(stmt)[0] ?? []) : [];
  return kind !== undefined && isRecord(node) ? (STATED[kind]?.(node) ?? []) : [];
}

/** Every statement that stands in a procedure's body, whether or not it is reached. */
function inBody(node: unknown): readonly StatedLock[] {
  if (Array.isArray(node)) return node.flatMap(inBody);
  if (!isRecord(node)) return [];
  const query = node['query'];
  if (typeof query === 'string') return ofText(query);
  return Object.values(node).flatMap(inBody);
}

function ofBody(sql: string): readonly StatedLock[] {
  try {
    return inBody(parsePlPgSQLSync(sql));
  } catch {
    // Another language: its locks are looked at while it runs.
    return [];
  }
}

/** The name of the procedure of a CALL, in small letters. */
function called(sql: string): string {
  const stmt: unknown = parseSync(sql).stmts?.[0]?.stmt;
  const node = isRecord(stmt) ? stmt['CallStmt'] : null;
  const made = isRecord(node) && isRecord(node['funccall']) ? node['funccall'] : {};
  return lastField(made['funcname']).toLowerCase();
}

/** Statements of the change and procedures of before, as far as their text says what they lock. */
export class StatedLocks {
  readonly #procedures = new Map<string, string[]>();

  /** A procedure as it stands from now on; `definition` makes it. */
  learn(name: string, definition: string): void {
    const key = name.toLowerCase();
    this.#procedures.set(key, [...(this.#procedures.get(key) ?? []), definition]);
  }

  /** Takes note of a statement that has run. */
  see({ kind, text: sql }: { readonly kind: string; readonly text: string }): void {
    if (kind !== 'CreateFunctionStmt') return;
    const name = /\bprocedure\s+(?:[\w"]+\.)?"?([\w$]+)/i.exec(sql)?.[1];
    if (name !== undefined) this.learn(name, sql);
  }

  /** Whether a CALL runs a procedure whose text is known. */
  knows(sql: string): boolean {
    return this.#procedures.has(called(sql));
  }

  /** What is stated of a statement that runs outside a transaction. The parser must be loaded. */
  of(sql: string, kind: string): readonly StatedLock[] {
    if (kind === 'DoStmt') return ofBody(sql);
    if (kind !== 'CallStmt') return ofText(sql);
    return (this.#procedures.get(called(sql)) ?? []).flatMap(ofBody);
  }
}

/** The query whose rows are the objects and the modes of stated locks: name, mode. */
export function statedQuery(locks: readonly StatedLock[]): string {
  // Hexadecimal, so that no name can end the text that it stands in.
  const hex = Buffer.from(JSON.stringify(locks)).toString('hex');
  return `
    WITH RECURSIVE stated AS (
      SELECT * FROM json_to_recordset(convert_from(decode('${hex}', 'hex'), 'UTF8')::json)
        AS x(mode text, "on" text, schema text, name text)),
    rel AS (
      SELECT c.oid, c.relkind, n.nspname, c.relname
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'm', 'v', 'i', 'I') AND n.nspname !~ '^pg_'
        AND n.nspname <> ALL (ARRAY['information_schema', '${PRIVATE_SCHEMA}'])),
    named AS (
      SELECT s.mode, s."on", r.oid FROM stated s JOIN rel r
        ON r.relname = s.name AND r.nspname = coalesce(s.schema, r.nspname)),
    found AS (
      SELECT oid, mode FROM named WHERE "on" = 'relation'
      UNION SELECT i.indrelid, n.mode FROM named n JOIN pg_index i ON i.indexrelid = n.oid
        WHERE n."on" = 'table'
      UNION SELECT i.indexrelid, n.mode FROM named n JOIN pg_index i ON i.indrelid = n.oid
        WHERE n."on" = 'indexes'
      UNION SELECT i.indrelid, s.mode FROM stated s, pg_index i
        WHERE s."on" = 'clustered' AND i.indisclustered
      UNION SELECT r.oid, s.mode FROM stated s JOIN rel r ON r.relkind IN ('r', 'p', 'm')
        AND (s."on" = 'all' OR (s."on" = 'schema' AND r.nspname = s.schema))),
    whole AS (
      SELECT oid, mode FROM found
      UNION SELECT i.inhrelid, w.mode FROM whole w JOIN pg_inherits i ON i.inhparent = w.oid)
    SELECT DISTINCT CASE WHEN r.nspname = 'public' THEN '' ELSE r.nspname || '.' END || r.relname,
      w.mode
    FROM whole w JOIN rel r ON r.oid = w.oid ORDER BY 1, 2 LIMIT 1000`;
}

/** What was seen, and what is stated and was not seen. */
export function withStated(
  seen: readonly LockTaken[],
  stated: readonly LockTaken[],
): readonly LockTaken[] {
  const known = new Set(seen.map(({ object, mode }) => `${mode} ${object}`));
  const more = stated.filter(({ object, mode }) => !known.has(`${mode} ${object}`));
  return [...seen, ...more.map((lock) => ({ ...lock, stated: true as const }))];
}
