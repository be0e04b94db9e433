/**
 * The SQL of a session from PostgreSQL's own log (`log_destination = jsonlog` with
 * `log_statement = all`, PostgreSQL 15 and newer): how a workflow prints what migrations in code send.
 */
import { TagoutError } from '../core/errors.ts';
import { skipToken, statementsOf } from './lexer.ts';

const STATEMENT = /^(?:statement|execute [^:]*): ([^]*)$/;
/** What Knex, TypeORM and db-migrate ask a server at the start; by these texts it changes nothing. */
const ASKS =
  /^\s*(?:show\s+\w+|select\s+version\(\)|select\s+\*\s+from\s+current_schema\(\))\s*;?\s*$/i;
const PARAMETERS = /^parameters: ([^]*)$/i;
const PARAMETER = /\$(\d+) = (?:'((?:[^']|'')*)'|(NULL))(?:, |$)/gy;

/**
 * The statements in the order of the log, each with its semicolon, parameters written into them.
 * Throws TagoutError('bad-input') for a line that is not one of the JSON log, or a statement whose
 * parameters are not all there.
 */
export function sqlOfLog(log: string): string {
  const statements = log.split('\n').flatMap((line, at) => {
    const sql = line.trim() === '' ? null : sqlOfLine(line, at + 1);
    return sql === null || ASKS.test(sql) ? [] : [sql];
  });
  return statements.map((sql) => `${sql}${isClosed(sql) ? '' : '\n;'}\n`).join('');
}

/** Whether the text ends its last statement itself; a comment at its end would hide a semicolon. */
function isClosed(sql: string): boolean {
  return statementsOf(sql).every(({ closed }) => closed);
}

function sqlOfLine(line: string, number: number): string | null {
  const { message, detail } = fieldsOf(line, number);
  const sql = STATEMENT.exec(message ?? '')?.[1];
  if (sql === undefined) return null;
  const listed = PARAMETERS.exec(detail ?? '')?.[1];
  return listed === undefined
    ? withParameters(sql, new Map(), number)
    : filled(sql, listed, number);
}

function fieldsOf(line: string, number: number): { message?: string; detail?: string } {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) throw new SyntaxError('no object');
    const text = (name: string): Record<string, string> => {
      const field: unknown = Reflect.get(value, name);
      return typeof field === 'string' ? { [name]: field } : {};
    };
    return { ...text('message'), ...text('detail') };
  } catch {
    throw unusable(`line ${number} of the log is no JSON; start PostgreSQL with jsonlog`);
  }
}

function filled(sql: string, listed: string, number: number): string {
  const values = new Map<string, string>();
  const each = new RegExp(PARAMETER);
  let end = 0;
  for (let hit = each.exec(listed); hit !== null; hit = each.exec(listed)) {
    // Backslashes stay as they are: the log writes strings by the standard, without escapes.
    values.set(hit[1] ?? '', hit[3] === undefined ? `'${hit[2] ?? ''}'` : 'NULL');
    end = each.lastIndex;
  }
  if (end < listed.length)
    throw unusable(`the parameters in line ${number} of the log are cut off`);
  return withParameters(sql, values, number);
}

/** Puts values in place of `$1` where that is a parameter, not within a string or a comment. */
function withParameters(sql: string, values: ReadonlyMap<string, string>, number: number): string {
  let out = '';
  let at = 0;
  while (at < sql.length) {
    const next = skipToken(sql, at);
    const parameter = next > at ? null : parameterAt(sql, at);
    if (parameter === null) {
      const end = Math.max(next, at + 1);
      out += sql.slice(at, end);
      at = end;
      continue;
    }
    const value = values.get(parameter);
    if (value === undefined) {
      throw unusable(`the parameter $${parameter} in line ${number} of the log has no value`);
    }
    out += value;
    at += parameter.length + 1;
  }
  return out;
}

function parameterAt(sql: string, at: number): string | null {
  if (sql[at] !== '$' || /[\w$\u0080-\uFFFF]/.test(sql[at - 1] ?? ' ')) return null;
  return /^\d+/.exec(sql.slice(at + 1, at + 12))?.[0] ?? null;
}

function unusable(what: string): TagoutError {
  return new TagoutError(
    'bad-input',
    `${what} (logging_collector = on, log_destination = jsonlog, log_statement = all)`,
  );
}
