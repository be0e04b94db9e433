/**
 * What a statement would take away, from PostgreSQL's own parse tree: the sandbox shows only what
 * its own rows and conditions let happen. What can be proven to touch nothing that was there before
 * the change (its own tables and columns, values that were missing) is left out.
 */
import { parsePlPgSQLSync, parseSync } from 'libpg-query';
import type { Destruction } from '../core/dry-run.ts';
import { callOf, runsText, writesLargeObjects } from './calls.ts';
import { Fresh } from './fresh.ts';
import {
  columnsOf,
  isRecord,
  keptValues,
  lastField,
  listedName,
  relationName,
  text,
} from './parse-tree.ts';
import type { Routines } from './reach.ts';
import { Swallowing } from './swallowing.ts';

type Place = Destruction['place'];

interface Walk {
  readonly found: Map<string, Destruction>;
  readonly fresh: Fresh;
  /** `later`: in a function or a rule, which run whenever somebody calls them. */
  readonly where: 'now' | 'do' | 'later';
  /** The node of the statement itself; what is found elsewhere is a part of it. */
  readonly top: unknown;
  /** Functions of the database before the change, by their names in small letters. */
  readonly known: ReadonlyMap<string, readonly string[]>;
  /** Of those, the ones in whose bodies the walk is. */
  readonly inside: ReadonlySet<string>;
}

/** Kinds whose rows go with them; types take columns along when they cascade. */
const DROPPED: ReadonlySet<string> = new Set(['OBJECT_TABLE', 'OBJECT_MATVIEW']);
const DROPPED_BY_CASCADE: ReadonlySet<string> = new Set([
  'OBJECT_SCHEMA',
  'OBJECT_TYPE',
  'OBJECT_DOMAIN',
  'OBJECT_EXTENSION',
]);
/** A body that no parser of ours reads counts when it has one of these words. */
const VERBS = /\b(?:delete|truncate|drop|update|merge)\b/i;

function add(walk: Walk, node: unknown, act: Omit<Destruction, 'place'>): void {
  const place: Place = walk.where !== 'now' ? 'body' : node === walk.top ? 'statement' : 'part';
  const found = { ...act, object: act.object.replace(/^public\./, ''), place };
  walk.found.set(JSON.stringify(found), found);
}

function isFresh(name: string, { fresh, where }: Walk): boolean {
  return fresh.hasTable(name, where === 'later');
}

function deletes(node: Record<string, unknown>, walk: Walk): void {
  const object = relationName(node['relation']);
  if (isFresh(object, walk) || walk.fresh.isOwnRow(node['relation'], node['whereClause'])) return;
  const whole = node['whereClause'] === undefined;
  add(walk, node, { verb: 'delete', object, ...(whole ? { whole } : {}) });
}

function truncates(node: Record<string, unknown>, walk: Walk): void {
  const list = Array.isArray(node['relations']) ? node['relations'] : [];
  for (const item of list) {
    const object = relationName(isRecord(item) ? item['RangeVar'] : null);
    if (!isFresh(object, walk)) add(walk, node, { verb: 'truncate', object, whole: true });
  }
}

/** Whether a condition ties the row to the one that a trigger or a caller speaks of. */
function isKeyed(where: unknown): boolean {
  if (!isRecord(where)) return false;
  const all = isRecord(where['BoolExpr']) ? where['BoolExpr'] : null;
  if (all !== null) {
    const args = Array.isArray(all['args']) ? all['args'] : [];
    return all['boolop'] === 'AND_EXPR' && args.some(isKeyed);
  }
  const compared = isRecord(where['A_Expr']) ? where['A_Expr'] : {};
  const operator = lastField(compared['name']);
  if (operator !== '=') return false;
  return [compared['lexpr'], compared['rexpr']].some((side) => {
    if (!isRecord(side)) return false;
    if (side['ParamRef'] !== undefined) return true;
    const first = isRecord(side['ColumnRef']) ? side['ColumnRef']['fields'] : null;
    return Array.isArray(first) && first.length > 1 && /^(?:new|old)$/.test(text(first[0]));
  });
}

function updates(node: Record<string, unknown>, walk: Walk): void {
  const object = relationName(node['relation']);
  const where = node['whereClause'];
  if (isFresh(object, walk) || walk.fresh.isOwnRow(node['relation'], where)) return;
  if (walk.where === 'later' && isKeyed(where)) return;
  const kept = keptValues(node, node['relation']);
  const columns = columnsOf(node).filter(
    (column) => !kept.has(column) && !walk.fresh.hasColumn(object, column),
  );
  if (columns.length === 0) return;
  const whole = where === undefined;
  add(walk, node, { verb: 'update', object, columns, ...(whole ? { whole } : {}) });
}

/** Rows that are there already are changed; in a body it is the one row that a caller speaks of. */
function upserts(node: Record<string, unknown>, walk: Walk): void {
  const clause = node['onConflictClause'];
  const object = relationName(node['relation']);
  if (!isRecord(clause) || clause['action'] !== 'ONCONFLICT_UPDATE') return;
  if (walk.where === 'later' || isFresh(object, walk)) return;
  const infer = isRecord(clause['infer']) ? clause['infer']['indexElems'] : [];
  const keys = (Array.isArray(infer) ? infer : []).map((one: unknown) =>
    isRecord(one) && isRecord(one['IndexElem']) ? text(one['IndexElem']['name']) : '',
  );
  const kept = new Set([...keys, ...keptValues(clause, node['relation'])]);
  const columns = columnsOf(clause).filter(
    (column) => !kept.has(column) && !walk.fresh.hasColumn(object, column),
  );
  if (columns.length > 0) add(walk, null, { verb: 'update', object, columns });
}

/** What a function of before does when it is called, and what it is told to run. */
function calls(node: Record<string, unknown>, walk: Walk): void {
  const { name, texts } = callOf(node);
  const verb = writesLargeObjects(name);
  if (verb !== null) add(walk, node, { verb, object: 'pg_largeobject' });
  const sources = walk.known.get(name) ?? [];
  if (runsText(name) || sources.some((source) => /\bexecute\b/i.test(source))) {
    for (const one of texts) told(one, { ...walk, where: 'do' });
  }
  if (walk.inside.has(name) || sources.length === 0) return;
  const inside = { ...walk, where: 'later', inside: new Set([...walk.inside, name]) } as const;
  for (const source of sources) ofBefore(source, inside);
}

/** A text that a function is given to run; most texts are none. */
function told(source: string, walk: Walk): void {
  try {
    visit(parseSync(source).stmts, walk);
  } catch {
    // Not a whole statement: what the function made of it was run and observed.
  }
}

function ofBefore(source: string, walk: Walk): void {
  if (/\b(?:alter|drop|create)\b/i.test(source.slice(source.indexOf('$')))) walk.fresh.forget();
  try {
    const node: unknown = parseSync(source).stmts?.[0]?.stmt;
    const made = isRecord(node) ? node['CreateFunctionStmt'] : null;
    if (isRecord(made)) definition(made, source, walk);
  } catch {
    add(walk, null, { verb: 'unread', object: '' });
  }
}

function merges(node: Record<string, unknown>, walk: Walk): void {
  const object = relationName(node['relation']);
  if (isFresh(object, walk)) return;
  const clauses = JSON.stringify(node['mergeWhenClauses'] ?? []);
  if (!/CMD_(?:DELETE|UPDATE)/.test(clauses)) return;
  add(walk, node, { verb: 'merge', object });
}

function drops(node: Record<string, unknown>, walk: Walk): void {
  const kind = String(node['removeType']);
  const cascades = node['behavior'] === 'DROP_CASCADE' && DROPPED_BY_CASCADE.has(kind);
  if (!DROPPED.has(kind) && !cascades) return;
  const list = Array.isArray(node['objects']) ? node['objects'] : [];
  for (const item of list) {
    const object = listedName(item);
    if (!isFresh(object, walk)) add(walk, node, { verb: 'drop', object });
  }
}

function alters(node: Record<string, unknown>, walk: Walk): void {
  const table = relationName(node['relation']);
  const commands = Array.isArray(node['cmds']) ? node['cmds'] : [];
  for (const item of commands) {
    const command = isRecord(item) && isRecord(item['AlterTableCmd']) ? item['AlterTableCmd'] : {};
    if (command['subtype'] !== 'AT_DropColumn') continue;
    const name = String(command['name']);
    if (isFresh(table, walk) || walk.fresh.hasColumn(table, name)) continue;
    add(walk, node, { verb: 'drop', object: `${table}.${name}` });
  }
}

function rules(node: Record<string, unknown>, walk: Walk): void {
  const object = relationName(node['relation']);
  const does = Array.isArray(node['actions']) && node['actions'].length > 0;
  if (node['instead'] === true && !does && !isFresh(object, walk)) {
    add({ ...walk, where: 'later' }, node, { verb: 'rule', object });
  }
}

const HANDLERS: Readonly<Record<string, (node: Record<string, unknown>, walk: Walk) => void>> = {
  DeleteStmt: deletes,
  TruncateStmt: truncates,
  UpdateStmt: updates,
  MergeStmt: merges,
  InsertStmt: upserts,
  FuncCall: calls,
  // A CALL holds the call itself under a name of its own.
  funccall: calls,
  DropStmt: drops,
  AlterTableStmt: alters,
  RuleStmt: rules,
  DropOwnedStmt: (node, walk) => add(walk, node, { verb: 'drop', object: '' }),
  DropdbStmt: (node, walk) => add(walk, node, { verb: 'drop', object: text(node['dbname']) }),
};

/** Expressions of PL/pgSQL whose text is run as SQL. */
const RUN_AS_SQL: ReadonlySet<string> = new Set([
  'PLpgSQL_stmt_dynexecute',
  'PLpgSQL_stmt_dynfors',
]);

function visit(node: unknown, walk: Walk): void {
  if (Array.isArray(node)) for (const item of node) visit(item, walk);
  if (!isRecord(node)) return;
  for (const [key, value] of Object.entries(node)) {
    if (isRecord(value)) {
      HANDLERS[key]?.(value, walk);
      if (RUN_AS_SQL.has(key)) dynamic(value['query'], walk);
      if (key === 'dynquery') dynamic(value, walk);
      if (key === 'PLpgSQL_expr') embedded(String(value['query']), walk);
    }
    visit(value, key === 'RuleStmt' ? { ...walk, where: 'later' } : walk);
  }
}

/** SQL inside a procedure: a statement, an expression, or an assignment. */
function embedded(query: string, walk: Walk): void {
  const forms = [query, `SELECT ${query}`, `SELECT ${query.replace(/^[^=]*?:?=/, '')}`];
  for (const form of forms) {
    try {
      return visit(parseSync(form).stmts, walk);
    } catch {
      // It is of another form.
      continue;
    }
  }
  if (VERBS.test(query)) add(walk, null, { verb: 'unread', object: '' });
}

/** EXECUTE of one constant text is that text; put together, it can be anything. */
function dynamic(query: unknown, walk: Walk): void {
  const expression =
    isRecord(query) && isRecord(query['PLpgSQL_expr']) ? query['PLpgSQL_expr'] : {};
  const source = String(expression['query']);
  const quoted = /^\s*'((?:[^']|'')*)'\s*$/.exec(source)?.[1]?.replaceAll("''", "'");
  const constant = quoted ?? /^\s*\$(\w*)\$([^]*)\$\1\$\s*$/.exec(source)?.[2];
  if (constant !== undefined) embedded(constant, walk);
  // What a function of before puts together is told by what it is given (environment.ts).
  else if (walk.inside.size === 0) add(walk, null, { verb: 'dynamic', object: '' });
}

function procedure(source: string, walk: Walk): void {
  try {
    visit(parsePlPgSQLSync(source), walk);
  } catch {
    // Another language than PL/pgSQL, or one that the parser cannot read.
    add(walk, null, { verb: 'unread', object: '' });
  }
}

function definition(node: Record<string, unknown>, source: string, walk: Walk): void {
  const options = Array.isArray(node['options']) ? node['options'] : [];
  const option = (name: string): unknown => {
    const found = options.find(
      (one) => isRecord(one) && isRecord(one['DefElem']) && one['DefElem']['defname'] === name,
    );
    return isRecord(found) && isRecord(found['DefElem']) ? found['DefElem']['arg'] : undefined;
  };
  const language = text(option('language')).toLowerCase();
  const body = option('as');
  if (node['sql_body'] !== undefined) return visit(node['sql_body'], walk);
  if (language === 'plpgsql') return procedure(source, walk);
  const parts = isRecord(body) && isRecord(body['List']) ? body['List']['items'] : [];
  const sql = Array.isArray(parts) ? text(parts[0]) : '';
  if (language === 'sql') return embedded(sql, walk);
  add(walk, null, { verb: 'unread', object: '' });
}

/** Reads the statements of one run in order; the parser must be loaded. */
export class DestructionReader {
  readonly #fresh = new Fresh();
  readonly #known = new Map<string, readonly string[]>();
  readonly #swallowing = new Swallowing();

  /** Tells of what the database before the change has; it is parsed only when it is called. */
  learn({ functions, triggers }: Pick<Routines, 'functions' | 'triggers'>): void {
    for (const { name, definition: source } of functions) {
      const key = name.toLowerCase();
      this.#known.set(key, [...(this.#known.get(key) ?? []), source]);
      this.#swallowing.define(name, source);
    }
    for (const one of triggers) this.#swallowing.learn(one);
  }

  /** A new file: the next session may not have the temporary tables of the last one. */
  nextFile(): void {
    this.#fresh.forgetTemporary();
  }

  /** What a statement would take away; empty when that is nothing, or nothing that was there. */
  read(source: string, kind: string): readonly Destruction[] {
    const found = new Map<string, Destruction>();
    if (kind === '?') {
      // Too long to be parsed: a bulk insert is expected, and nothing else.
      const isInsert = /^insert\b/i.test(source);
      return isInsert ? [] : [{ verb: 'unread', object: '', place: 'part' }];
    }
    const [parsed] = parseSync(source).stmts ?? [];
    const statement: unknown = parsed?.stmt;
    const top = isRecord(statement) ? Object.values(statement)[0] : null;
    if (!isRecord(top)) return [];
    const around = { known: this.#known, inside: new Set<string>() };
    const walk: Walk = { found, fresh: this.#fresh, where: 'now', top, ...around };
    for (const object of this.#swallowing.see(kind, top, source)) {
      if (!isFresh(object, walk)) add({ ...walk, where: 'later' }, top, { verb: 'rule', object });
    }
    if (kind === 'DoStmt') procedure(source, { ...walk, where: 'do' });
    else if (kind === 'CreateFunctionStmt') definition(top, source, { ...walk, where: 'later' });
    else visit(statement, walk);
    this.#fresh.see(kind, top, source);
    return [...found.values()];
  }
}
