/**
 * What a statement asks about its surroundings, from PostgreSQL's own parse tree: such a statement
 * can do another thing in production than it did in the sandbox. Definitions that only run later
 * (policies, views, defaults, functions) do not count; a function counts where it is called.
 */
import { parsePlPgSQLSync, parseSync } from 'libpg-query';
import type { EnvironmentSign } from '../core/dry-run.ts';

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
  /** What a function asks that was defined before, by its name in small letters. */
  readonly known: (name: string) => ReadonlySet<EnvironmentSign>;
  /** What the triggers of a table ask, by its name in small letters. */
  readonly fired: (table: string) => ReadonlySet<EnvironmentSign>;
}

/** A function of the database before the change; its definition as pg_get_functiondef writes it. */
export interface KnownFunction {
  readonly name: string;
  readonly definition: string;
}

/** Which function a table's rows or statements run. */
export interface KnownTrigger {
  readonly table: string;
  readonly function: string;
}

/** Statements that run the triggers of their table. */
const FIRES: ReadonlySet<string> = new Set([
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'CopyStmt',
]);

/** Statements of PL/pgSQL that decide whether what they hold is done. */
const BRANCHES: ReadonlySet<string> = new Set(['PLpgSQL_stmt_if', 'PLpgSQL_stmt_case']);

/** What a branch must hold to be worth a word: writing, or text that is put together. */
const WRITES =
  /"(?:PLpgSQL_stmt_dynexecute|PLpgSQL_stmt_dynfors|PLpgSQL_stmt_perform|PLpgSQL_stmt_call)"|"query":"\s*(?:insert|update|delete|merge|truncate|create|alter|drop|grant|revoke|comment|security|reassign|refresh|lock)\b/i;

function isRecord(node: unknown): node is Record<string, unknown> {
  return typeof node === 'object' && node !== null && !Array.isArray(node);
}

/** The last part of a qualified name. */
function lastName(list: unknown): string {
  const last: unknown = Array.isArray(list) ? list.at(-1) : null;
  const text = isRecord(last) && isRecord(last['String']) ? last['String']['sval'] : null;
  return typeof text === 'string' ? text : '';
}

function call(name: string, deciding: boolean, { signs, known }: Walk): void {
  if (SERVER.has(name)) signs.add('server');
  if (name.startsWith('pg_sleep')) signs.add('sleep');
  if (deciding && CHANCE.has(name)) signs.add('chance');
  if (deciding && ROLE.has(name)) signs.add('role');
  for (const sign of known(name)) signs.add(sign);
}

function special(op: unknown, deciding: boolean, { signs }: Walk): void {
  const name = typeof op === 'string' ? op : '';
  if (name === 'SVFOP_CURRENT_CATALOG') signs.add('server');
  else if (/USER|ROLE/.test(name)) {
    if (deciding) signs.add('role');
  } else if (deciding && /DATE|TIME/.test(name)) signs.add('chance');
}

function visit(node: unknown, deciding: boolean, walk: Walk): void {
  if (Array.isArray(node)) for (const item of node) visit(item, deciding, walk);
  if (!isRecord(node)) return;
  for (const [key, value] of Object.entries(node)) {
    if (LATER.has(key)) continue;
    if (isRecord(value)) {
      // A CALL holds the call itself under a name of its own.
      if (key === 'FuncCall' || key === 'funccall') {
        call(lastName(value['funcname']), deciding, walk);
      }
      if (FIRES.has(key)) fires(value['relation'], walk);
      if (BRANCHES.has(key) && WRITES.test(JSON.stringify(value))) walk.signs.add('condition');
      if (key === 'SQLValueFunction') special(value['op'], deciding, walk);
      if (key === 'RangeVar' && SERVER_TABLES.test(String(value['relname']))) {
        walk.signs.add('server');
      }
      if (key === 'PLpgSQL_stmt_dynexecute' && computed(value['query'])) walk.signs.add('dynamic');
      if (key === 'PLpgSQL_expr') embedded(String(value['query']), deciding, walk);
    }
    visit(value, deciding || CONDITIONS.has(key), walk);
  }
}

/** What the triggers of a written table ask is asked by whoever writes to it. */
function fires(relation: unknown, { signs, fired }: Walk): void {
  const table = isRecord(relation) ? relation['relname'] : null;
  if (typeof table !== 'string') return;
  for (const sign of fired(table.toLowerCase())) signs.add(sign);
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

/** The text between the first dollar quotes, or all of it for a body without quotes. */
function bodyOf(text: string): string {
  return /(\$\w*\$)([^]*)\1/.exec(text)?.[2] ?? text.replace(/^[^]*?\breturn\b/i, 'SELECT');
}

interface Source {
  readonly text: string;
  /** It was there before the change, whose effect on this run was observed like any other. */
  readonly isOld: boolean;
}

/** Reads the statements of one run in order; the parser must be loaded. */
export class EnvironmentReader {
  readonly #sources = new Map<string, Source[]>();
  readonly #known = new Map<string, ReadonlySet<EnvironmentSign>>();
  readonly #triggers = new Map<string, Set<string>>();

  /** Tells of what the database before the change has; it is parsed only when it is called. */
  learn(functions: readonly KnownFunction[], triggers: readonly KnownTrigger[]): void {
    for (const { name, definition } of functions) {
      this.#define(name, { text: definition, isOld: true });
    }
    for (const one of triggers) this.#fire(one);
  }

  /** What a statement asks about its surroundings, in alphabetical order. */
  read(text: string, kind: string): readonly EnvironmentSign[] {
    const walk = this.#walk();
    if (kind === '?') return [];
    if (kind === 'CreateFunctionStmt') {
      const name = /\b(?:function|procedure)\s+(?:[\w"]+\.)?"?([\w$]+)/i.exec(text)?.[1];
      if (name !== undefined) this.#define(name, { text, isOld: false });
      return [];
    }
    if (kind === 'CreateTrigStmt') this.#remember(text);
    if (kind === 'DoStmt') procedure(text, walk);
    else embedded(text, false, walk);
    // What it asks says more than that it asks something.
    if (walk.signs.size > 1) walk.signs.delete('condition');
    return [...walk.signs].toSorted();
  }

  #walk(): Walk {
    return {
      signs: new Set(),
      known: (name) => this.#signsOf(name.toLowerCase()),
      fired: (table) => this.#firedBy(table),
    };
  }

  #define(name: string, source: Source): void {
    const key = name.toLowerCase();
    this.#sources.set(key, [...(this.#sources.get(key) ?? []), source]);
    this.#known.clear();
  }

  #fire({ table, function: name }: KnownTrigger): void {
    const key = table.toLowerCase();
    this.#triggers.set(key, (this.#triggers.get(key) ?? new Set()).add(name.toLowerCase()));
  }

  /** A trigger of the change itself; its text has been parsed by the server by now. */
  #remember(text: string): void {
    const table = /\bon\s+(?:only\s+)?(?:[\w"]+\.)?"?([\w$]+)/i.exec(text)?.[1];
    const name = /\bexecute\s+(?:function|procedure)\s+(?:[\w"]+\.)?"?([\w$]+)/i.exec(text)?.[1];
    if (table !== undefined && name !== undefined) this.#fire({ table, function: name });
  }

  /** A trigger's own branches and texts are how it works: what they did here was observed. */
  #firedBy(table: string): ReadonlySet<EnvironmentSign> {
    const signs = [...(this.#triggers.get(table) ?? [])].flatMap((name) => [
      ...this.#signsOf(name),
    ]);
    return new Set(signs.filter((sign) => sign !== 'condition' && sign !== 'dynamic'));
  }

  /** What the functions of a name ask, and those that they call. */
  #signsOf(name: string): ReadonlySet<EnvironmentSign> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const sources = this.#sources.get(name);
    if (sources === undefined) return NO_SIGNS;
    // One that calls itself asks nothing more by it.
    this.#known.set(name, NO_SIGNS);
    const signs: Signs = new Set();
    for (const { text, isOld } of sources) {
      const walk = this.#walk();
      if (/\blanguage\s+'?plpgsql/i.test(text)) procedure(text, walk);
      else if (!isOld || /\blanguage\s+'?sql/i.test(text)) embedded(bodyOf(text), false, walk);
      for (const sign of walk.signs) if (!isOld || sign !== 'dynamic') signs.add(sign);
    }
    this.#known.set(name, signs);
    return signs;
  }
}

const NO_SIGNS: ReadonlySet<EnvironmentSign> = new Set();
