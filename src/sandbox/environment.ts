/**
 * What a statement asks about its surroundings, from PostgreSQL's own parse tree: such a statement
 * can do another thing in production than it did in the sandbox. Definitions that only run later
 * (policies, views, defaults, functions) do not count; they count where something runs them.
 */
import { parsePlPgSQLSync, parseSync } from 'libpg-query';
import type { EnvironmentSign } from '../core/dry-run.ts';
import { callOf, runsText } from './calls.ts';
import { isRecord, lastField, text as textOf } from './parse-tree.ts';
import { Aliases } from './aliases.ts';
import { type KnownCode, type Reached, Relations, type Routines } from './reach.ts';
import type { WriteEvent } from './reach.ts';

const SERVER: ReadonlySet<string> = new Set([
  'current_database',
  'current_catalog',
  'version',
  'current_setting',
  'inet_server_addr',
  'inet_server_port',
  'inet_client_addr',
  'pg_is_in_recovery',
  'pg_postmaster_start_time',
  'pg_backend_pid',
  'pg_database_size',
]);
const CHANCE: ReadonlySet<string> = new Set([
  'now',
  'clock_timestamp',
  'statement_timestamp',
  'transaction_timestamp',
  'timeofday',
  'age',
  'random',
  'random_normal',
  'gen_random_uuid',
]);
const ROLE: ReadonlySet<string> = new Set(['pg_has_role', 'has_table_privilege', 'getpgusername']);
const SERVER_TABLES = /^pg_(?:settings|stat_\w+|database|roles|authid|user|available_extensions)$/;

/** Statements and parts that are stored and not run. */
const LATER: ReadonlySet<string> = new Set([
  'CreatePolicyStmt',
  'AlterPolicyStmt',
  'CreateFunctionStmt',
  'ViewStmt',
  'RuleStmt',
  'CreateTrigStmt',
  'Constraint',
]);
/** Parts that decide what is done. */
const CONDITIONS: ReadonlySet<string> = new Set([
  'whereClause',
  'havingClause',
  'quals',
  'CaseWhen',
  'cond',
]);

type Signs = Set<EnvironmentSign>;

interface Walk {
  readonly signs: Signs;
  /** What it runs that is not written here. */
  readonly reached: Reached[];
}

/** Statements that write to one table, and how. */
const WRITES_TO: Readonly<
  Record<string, (node: Record<string, unknown>) => readonly WriteEvent[]>
> = {
  InsertStmt: (node) =>
    node['onConflictClause'] === undefined ? ['insert'] : ['insert', 'update'],
  UpdateStmt: () => ['update'],
  DeleteStmt: () => ['delete'],
  MergeStmt: () => ['insert', 'update', 'delete'],
  CopyStmt: (node) => (node['is_from'] === true ? ['insert'] : []),
  // Its checks, generated columns and indexes are looked at with every row.
  AlterTableStmt: (node) => (REREADS.test(JSON.stringify(node['cmds'])) ? ['update'] : []),
};
const REREADS = /"AT_(?:ValidateConstraint|AlterColumnType|SetExpression)"/;

/** A value of one type stands there where another is wanted. */
const CASTS_BY_ITSELF: ReadonlySet<string> = new Set([
  'InsertStmt',
  'UpdateStmt',
  'MergeStmt',
  'CopyStmt',
  'A_Expr',
  'FuncCall',
  'AlterTableStmt',
]);

/** Statements of PL/pgSQL that decide whether what they hold is done. */
const BRANCHES: ReadonlySet<string> = new Set(['PLpgSQL_stmt_if', 'PLpgSQL_stmt_case']);

/** What a branch must hold to be worth a word: writing, or text that is put together. */
const WRITES =
  /"(?:PLpgSQL_stmt_dynexecute|PLpgSQL_stmt_dynfors|PLpgSQL_stmt_perform|PLpgSQL_stmt_call)"|"query":"\s*(?:insert|update|delete|merge|truncate|create|alter|drop|grant|revoke|comment|security|reassign|refresh|lock)\b/i;

function call(node: Record<string, unknown>, deciding: boolean, { signs, reached }: Walk): void {
  const { name, isConstant } = callOf(node);
  if (SERVER.has(name)) signs.add('server');
  if (name.startsWith('pg_sleep')) signs.add('sleep');
  if (deciding && CHANCE.has(name)) signs.add('chance');
  if (deciding && ROLE.has(name)) signs.add('role');
  if (runsText(name) && !isConstant) signs.add('dynamic');
  reached.push({ by: 'call', of: name, isConstant });
}

function special(op: unknown, deciding: boolean, { signs }: Walk): void {
  const name = typeof op === 'string' ? op : '';
  if (name === 'SVFOP_CURRENT_CATALOG') signs.add('server');
  else if (/USER|ROLE/.test(name)) {
    if (deciding) signs.add('role');
  } else if (deciding && /DATE|TIME/.test(name)) signs.add('chance');
}

/** Whether a part is stored and not run: a constraint of a table that is only being made, too. */
function isLater(key: string, value: unknown, inTable: boolean): boolean {
  if (key !== 'Constraint') return LATER.has(key);
  return !inTable || (isRecord(value) && value['skip_validation'] === true);
}

function visit(node: unknown, deciding: boolean, walk: Walk, inTable = false): void {
  if (Array.isArray(node)) for (const item of node) visit(item, deciding, walk, inTable);
  if (!isRecord(node)) return;
  // A new default is for rows to come.
  if (node['subtype'] === 'AT_ColumnDefault') return;
  for (const [key, value] of Object.entries(node)) {
    if (isLater(key, value, inTable)) continue;
    if (isRecord(value)) look(key, value, deciding, walk);
    const decides = CONDITIONS.has(key) || (isRecord(value) && value['contype'] === 'CONSTR_CHECK');
    visit(value, deciding || decides, walk, inTable || key === 'AlterTableStmt');
  }
}

function look(key: string, value: Record<string, unknown>, deciding: boolean, walk: Walk): void {
  const { signs } = walk;
  // A CALL holds the call itself under a name of its own.
  if (key === 'FuncCall' || key === 'funccall') call(value, deciding, walk);
  const events = WRITES_TO[key]?.(value) ?? [];
  for (const event of events) reach(value['relation'], event, walk);
  if (key === 'TruncateStmt') truncates(value['relations'], walk);
  if (key === 'RefreshMatViewStmt') reach(value['relation'], 'read', walk);
  silent(key, value, walk);
  if (BRANCHES.has(key) && WRITES.test(JSON.stringify(value))) signs.add('condition');
  if (key === 'SQLValueFunction') special(value['op'], deciding, walk);
  if (key === 'RangeVar') {
    if (SERVER_TABLES.test(String(value['relname']))) signs.add('server');
    reach(value, 'read', walk);
  }
  if (key === 'PLpgSQL_stmt_dynexecute' && computed(value['query'])) signs.add('dynamic');
  if (key === 'PLpgSQL_expr') embedded(String(value['query']), deciding, walk);
}

/** Operators and casts that are written, and the statements in which casts happen by themselves. */
function silent(key: string, value: Record<string, unknown>, { reached }: Walk): void {
  const add = (of: string): unknown => reached.push({ by: 'call', of: of.toLowerCase() });
  if (key === 'A_Expr') add(`operator ${lastField(value['name'])}`);
  if (key === 'TypeCast' && isRecord(value['typeName'])) {
    add(`cast ${lastField(value['typeName']['names'])}`);
    add('cast');
  }
  if (CASTS_BY_ITSELF.has(key)) add('cast');
}

function reach(relation: unknown, by: Reached['by'], { reached }: Walk): void {
  const of = isRecord(relation) ? textOf(relation['relname']).toLowerCase() : '';
  if (of !== '') reached.push({ by, of });
}

function truncates(relations: unknown, walk: Walk): void {
  for (const one of Array.isArray(relations) ? relations : []) {
    reach(isRecord(one) ? one['RangeVar'] : null, 'truncate', walk);
  }
}

/** An EXECUTE whose text is more than one constant. */
function computed(query: unknown): boolean {
  const text = isRecord(query) && isRecord(query['PLpgSQL_expr']) ? query['PLpgSQL_expr'] : {};
  return !/^\s*E?'(?:[^']|'')*'\s*$/.test(String(text['query']));
}

/** SQL inside a procedure: a statement, an expression, or an assignment. */
function embedded(query: string, deciding: boolean, walk: Walk): void {
  const forms = [query, `SELECT ${query}`, `SELECT ${query.replace(/^[^=]*?:?=/, '')}`];
  for (const form of forms) {
    try {
      visit(parseSync(form).stmts, deciding, walk);
      return;
    } catch {
      // It is of another form; what is of none was run and observed all the same.
      continue;
    }
  }
}

function procedure(text: string, walk: Walk): void {
  try {
    visit(parsePlPgSQLSync(text), false, walk);
  } catch {
    // Another language than PL/pgSQL: what it does was observed, what it asks is not known.
    walk.signs.add('dynamic');
  }
}

/** The text between the first quotes after AS, or all of it for a body without quotes. */
function bodyOf(text: string): string {
  const quoted = /\bas\s+e?'((?:[^']|'')*)'/i.exec(text)?.[1];
  if (quoted !== undefined && !/\bas\s+\$/i.test(text)) return quoted.replaceAll("''", "'");
  return /(\$\w*\$)([^]*)\1/.exec(text)?.[2] ?? text.replace(/^[^]*?\breturn\b/i, 'SELECT');
}

/** Statements of the change that give code to a table or a view. */
const OWNED: Readonly<Record<string, KnownCode['kind']>> = {
  ViewStmt: 'view',
  RuleStmt: 'rule',
  CreateStmt: 'table',
  AlterTableStmt: 'table',
};

interface Source {
  readonly text: string;
  /** It was there before the change, whose effect on this run was observed like any other. */
  readonly isOld: boolean;
}

interface Found {
  readonly signs: ReadonlySet<EnvironmentSign>;
  readonly reached: readonly Reached[];
}

/** Signs that what is reached keeps to itself. */
type Quiet = 'none' | 'dynamic' | 'dynamic and condition';

function isQuiet(sign: EnvironmentSign, quiet: Quiet): boolean {
  return quiet !== 'none' && (sign === 'dynamic' || (sign === 'condition' && quiet !== 'dynamic'));
}

/** Reads the statements of one run in order; the parser must be loaded. */
export class EnvironmentReader {
  readonly #sources = new Map<string, Source[]>();
  readonly #found = new Map<string, Found>();
  readonly #relations = new Relations();
  readonly #aliases = new Aliases();

  /** Tells of what the database before the change has; it is parsed only when it is run. */
  learn(routines: Routines): void {
    for (const { name, definition } of routines.functions) {
      this.#define(name, { text: definition, isOld: true });
    }
    this.#relations.learn(routines);
    for (const one of routines.aliases) this.#aliases.learn(one);
  }

  /** What a statement asks about its surroundings, in alphabetical order. */
  read(text: string, kind: string): readonly EnvironmentSign[] {
    if (kind === '?') return [];
    if (kind === 'CreateFunctionStmt') {
      const name = /\b(?:function|procedure)\s+(?:[\w"]+\.)?"?([\w$]+)/i.exec(text)?.[1];
      if (name !== undefined) this.#define(name, { text, isOld: false });
      return [];
    }
    if (kind === 'CreateTrigStmt') this.#remember(text);
    if (this.#aliases.see(text, kind)) this.#found.clear();
    const owned = OWNED[kind];
    if (owned !== undefined) this.#own(text, owned);
    const walk: Walk = { signs: new Set(), reached: [] };
    if (kind === 'DoStmt') procedure(text, walk);
    else embedded(text, false, walk);
    const signs = this.#all(walk);
    // What it asks says more than that it asks something.
    if (signs.size > 1) signs.delete('condition');
    return [...signs].toSorted();
  }

  #define(name: string, source: Source): void {
    const key = name.toLowerCase();
    this.#sources.set(key, [...(this.#sources.get(key) ?? []), source]);
    this.#found.clear();
  }

  /** A trigger of the change itself; its text has been parsed by the server by now. */
  #remember(text: string): void {
    const table = /\bon\s+(?:only\s+)?(?:[\w"]+\.)?"?([\w$]+)/i.exec(text)?.[1];
    const name = /\bexecute\s+(?:function|procedure)\s+(?:[\w"]+\.)?"?([\w$]+)/i.exec(text)?.[1];
    if (table !== undefined && name !== undefined) this.#relations.add({ table, function: name });
  }

  /** Code that the change itself gives to a table or a view. */
  #own(sql: string, kind: KnownCode['kind']): void {
    const statement: unknown = parseSync(sql).stmts?.[0]?.stmt;
    const node = isRecord(statement) ? Object.values(statement)[0] : null;
    const relation = isRecord(node) ? (node['relation'] ?? node['view']) : null;
    const name = isRecord(relation) ? textOf(relation['relname']) : '';
    this.#relations.own({ relation: name, kind, sql });
    this.#found.clear();
  }

  /** The signs of a walk and of everything that is reached from it, each looked at once. */
  #all(walk: Found): Signs {
    const signs: Signs = new Set(walk.signs);
    const seen = new Set<string>();
    const open = walk.reached.map((one) => ({ one, quiet: this.#quiet(one, 'none') }));
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { one, quiet } = next;
      const key = `${quiet} ${one.by} ${one.of}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const found = this.#at(one);
      for (const sign of found.signs) if (!isQuiet(sign, quiet)) signs.add(sign);
      open.push(...found.reached.map((on) => ({ one: on, quiet: this.#quiet(on, quiet) })));
    }
    return signs;
  }

  /**
   * A trigger's own branches and texts are how it works: what they did here was observed. So was what
   * a function of before made of constants.
   */
  #quiet({ by, of, isConstant }: Reached, before: Quiet): Quiet {
    if (by !== 'call') return 'dynamic and condition';
    const isOld = this.#sources.get(of)?.every((source) => source.isOld) ?? false;
    return before === 'none' && isOld && isConstant === true ? 'dynamic' : before;
  }

  #at(one: Reached): Found {
    const key = `${one.by} ${one.of}`;
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const walk: Walk = { signs: new Set(), reached: [] };
    if (one.by === 'call') this.#called(one.of, walk);
    else if (one.by === 'read') for (const code of this.#relations.read(one.of)) run(code, walk);
    else this.#written(one.of, one.by, walk);
    // What the change adds to a table is not known for ever; its functions are defined anew.
    if (one.by === 'call' || one.by === 'read') this.#found.set(key, walk);
    return walk;
  }

  #written(table: string, event: WriteEvent, walk: Walk): void {
    const { code, functions } = this.#relations.written(table, event);
    for (const of of functions) walk.reached.push({ by: 'call', of });
    for (const one of code) run(one, walk);
  }

  #called(name: string, walk: Walk): void {
    for (const of of this.#aliases.of(name)) walk.reached.push({ by: 'call', of });
    for (const { text, isOld } of this.#sources.get(name) ?? []) {
      if (/\blanguage\s+'?plpgsql/i.test(text)) procedure(text, walk);
      else if (!isOld || /\blanguage\s+'?sql/i.test(text)) embedded(bodyOf(text), false, walk);
    }
  }
}

/** SQL that belongs to a table or a view, as what runs it asks it. */
function run({ kind, sql }: KnownCode, walk: Walk): void {
  if (kind === 'value' || kind === 'check') {
    return embedded(`SELECT ${sql}`, kind === 'check', walk);
  }
  const statement: unknown = parseSync(sql).stmts?.[0]?.stmt;
  const [top, node] = isRecord(statement) ? (Object.entries(statement)[0] ?? []) : [];
  if (!isRecord(node)) return;
  if (top === 'RuleStmt') {
    visit(node['actions'], false, walk);
    visit(node['whereClause'], true, walk);
  } else if (top === 'ViewStmt') visit(node['query'], false, walk);
  else if (kind === 'table') stored(node, walk);
  else visit(statement, false, walk);
}

/** The values and checks of a table's own statement. */
function stored(node: unknown, walk: Walk): void {
  if (Array.isArray(node)) for (const item of node) stored(item, walk);
  if (!isRecord(node)) return;
  if (node['subtype'] === 'AT_ColumnDefault') visit(node['def'], false, walk);
  if (node['raw_expr'] !== undefined) {
    visit(node['raw_expr'], node['contype'] === 'CONSTR_CHECK', walk);
  }
  for (const value of Object.values(node)) stored(value, walk);
}
