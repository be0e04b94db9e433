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
  /** What functions of earlier statements ask, by name. */
  readonly known: ReadonlyMap<string, ReadonlySet<EnvironmentSign>>;
}

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
  for (const sign of known.get(name) ?? []) signs.add(sign);
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
      if (key === 'FuncCall') call(lastName(value['funcname']), deciding, walk);
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

/** Reads the statements of one run in order; the parser must be loaded. */
export class EnvironmentReader {
  readonly #known = new Map<string, ReadonlySet<EnvironmentSign>>();

  /** What a statement asks about its surroundings, in alphabetical order. */
  read(text: string, kind: string): readonly EnvironmentSign[] {
    const walk: Walk = { signs: new Set(), known: this.#known };
    if (kind === '?') return [];
    if (kind === 'CreateFunctionStmt') {
      this.#remember(text, walk);
      return [];
    }
    if (kind === 'DoStmt') procedure(text, walk);
    else embedded(text, false, walk);
    return [...walk.signs].toSorted();
  }

  #remember(text: string, walk: Walk): void {
    const name = /\bfunction\s+(?:[\w"]+\.)?"?([\w$]+)/i.exec(text)?.[1]?.toLowerCase();
    if (name === undefined) return;
    if (/\blanguage\s+'?plpgsql/i.test(text)) procedure(text, walk);
    else embedded(bodyOf(text), false, walk);
    if (walk.signs.size > 0) this.#known.set(name, walk.signs);
  }
}
