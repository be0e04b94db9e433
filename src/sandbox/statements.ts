/**
 * Cuts SQL into statements by the rules of psql's own scanner (quotes, dollar quotes, nested
 * comments, parentheses, BEGIN ATOMIC bodies), so that a large file costs no parse tree as a whole;
 * each statement is then parsed alone, to know its kind and to refuse what no server would accept.
 */
import { setFlagsFromString } from 'node:v8';
import { hasSqlDetails, loadModule, parseSync } from 'libpg-query';
import type { SqlError } from '../core/dry-run.ts';

export interface Statement {
  readonly text: string;
  /** 1-based, in the file. */
  readonly line: number;
  readonly column: number;
  /** Node name of PostgreSQL's parser, `IndexStmt`; `?` for a statement too long to parse. */
  readonly kind: string;
  /** Cannot run inside a transaction block, or would behave differently there. */
  readonly alone: boolean;
}

export interface Split {
  readonly statements: readonly Statement[];
  readonly error: SqlError | null;
}

let parser: Promise<void> | null = null;

/**
 * V8's optimising compiler takes 500 MB for a moment to compile the parser once it is used a lot; its
 * first compiler is enough for what we parse (measured on Node 24: peak 86 MB in place of 660 MB).
 * `--liftoff-only` means these two, and is without effect on a V8 that has started already.
 */
function loadParser(): Promise<void> {
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
  return loadModule();
}

/** Longer statements (bulk inserts) are run and not parsed. */
const MAX_PARSED = 1024 * 1024;

const SPECIAL = /['"$();]|--|\/\*|\b(?:create|begin|case|end|atomic)\b/gi;
const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;

interface Cut {
  readonly start: number;
  readonly end: number;
}

function blockComment(sql: string, from: number): number {
  let depth = 1;
  const mark = /\/\*|\*\//g;
  mark.lastIndex = from + 2;
  for (let hit = mark.exec(sql); hit !== null; hit = mark.exec(sql)) {
    depth += hit[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  return sql.length;
}

function quoted(sql: string, from: number): number {
  const before = sql[from - 1] ?? '';
  const escapes = /[eE]/.test(before) && !/[\w\u0080-\uffff$]/.test(sql[from - 2] ?? ' ');
  const end = escapes ? /\\[^]|'/g : /'/g;
  end.lastIndex = from + 1;
  for (let hit = end.exec(sql); hit !== null; hit = end.exec(sql)) {
    if (hit[0] === "'") return end.lastIndex;
  }
  return sql.length;
}

function until(sql: string, mark: string, from: number): number {
  const at = sql.indexOf(mark, from);
  return at < 0 ? sql.length : at + mark.length;
}

function dollar(sql: string, from: number): number {
  if (/[\w\u0080-\uffff]/.test(sql[from - 1] ?? ' ')) return from + 1;
  DOLLAR.lastIndex = from;
  const tag = DOLLAR.exec(sql)?.[0];
  return tag === undefined ? from + 1 : until(sql, tag, from + tag.length);
}

/** Where the thing that starts at `from` ends, for what may hold a semicolon; else null. */
function opaque(sql: string, from: number, mark: string): number | null {
  if (mark === "'") return quoted(sql, from);
  if (mark === '"') return until(sql, '"', from + 1);
  if (mark === '--') return until(sql, '\n', from);
  if (mark === '/*') return blockComment(sql, from);
  return mark === '$' ? dollar(sql, from) : null;
}

class Depth {
  #parens = 0;
  #blocks = 0;
  #create = false;
  #begun = false;

  get open(): boolean {
    return this.#parens > 0 || this.#blocks > 0;
  }

  see(mark: string): void {
    if (mark === '(') this.#parens += 1;
    else if (mark === ')') this.#parens = Math.max(0, this.#parens - 1);
    else this.#word(mark.toLowerCase());
  }

  #word(word: string): void {
    if (word === 'create') this.#create = true;
    else if (word === 'begin') this.#begun = true;
    else if (word === 'atomic' && this.#create && this.#begun) this.#blocks += 1;
    else if (word === 'case' && this.#blocks > 0) this.#blocks += 1;
    else if (word === 'end' && this.#blocks > 0) this.#blocks -= 1;
  }
}

function cuts(sql: string): readonly Cut[] {
  const found: Cut[] = [];
  let start = 0;
  let depth = new Depth();
  const scan = new RegExp(SPECIAL);
  for (let hit = scan.exec(sql); hit !== null; hit = scan.exec(sql)) {
    const mark = hit[0];
    const end = opaque(sql, hit.index, mark);
    if (end !== null) {
      scan.lastIndex = end;
    } else if (mark !== ';') {
      depth.see(mark);
    } else if (!depth.open) {
      found.push({ start, end: hit.index });
      start = hit.index + 1;
      depth = new Depth();
    }
  }
  if (start < sql.length) found.push({ start, end: sql.length });
  return found;
}

/** Whether a text that ends in a semicolon ends its last statement there, with no quote left open. */
export function isComplete(sql: string): boolean {
  const last = sql.trimEnd().length - 1;
  return sql[last] === ';' && cuts(sql).some(({ end }) => end === last);
}

/** Index of the first character that is neither white space nor comment; -1 when there is none. */
function firstWord(sql: string, cut: Cut): number {
  const skip = /\s+|--[^\n]*/y;
  let at = cut.start;
  while (at < cut.end) {
    skip.lastIndex = at;
    const hit = skip.exec(sql);
    if (hit !== null) at = skip.lastIndex;
    else if (sql.startsWith('/*', at)) at = blockComment(sql, at);
    else return at;
  }
  return -1;
}

/** Turns offsets into lines; offsets must come in rising order. */
class Places {
  readonly #sql: string;
  readonly #firstLine: number;
  #line = 0;
  #lineStart = 0;

  constructor(sql: string, firstLine: number) {
    this.#sql = sql;
    this.#firstLine = firstLine;
  }

  at(offset: number): { line: number; column: number } {
    for (;;) {
      const next = this.#sql.indexOf('\n', this.#lineStart);
      if (next < 0 || next >= offset) break;
      this.#line += 1;
      this.#lineStart = next + 1;
    }
    const before = this.#sql.slice(this.#lineStart, offset);
    return { line: this.#firstLine + this.#line, column: characters(before).length + 1 };
  }
}

/** PostgreSQL counts code points, so a pair of surrogates is one character. */
function characters(text: string): readonly string[] {
  return Array.from(text);
}

/** Line and column of a 1-based position, in characters, within a statement of the file. */
export function placeInStatement(
  statement: Pick<Statement, 'text' | 'line' | 'column'>,
  position: number | null,
): { line: number; column: number } {
  if (position === null) return { line: statement.line, column: statement.column };
  const before = characters(statement.text)
    .slice(0, position - 1)
    .join('');
  const newLines = before.split('\n').length - 1;
  if (newLines === 0) {
    return { line: statement.line, column: statement.column + characters(before).length };
  }
  const column = characters(before.slice(before.lastIndexOf('\n') + 1)).length + 1;
  return { line: statement.line + newLines, column };
}

interface Parsed {
  readonly kind: string;
  readonly alone: boolean;
}

const ALONE_KINDS: ReadonlySet<string> = new Set([
  'VacuumStmt',
  'CreatedbStmt',
  'DropdbStmt',
  'AlterSystemStmt',
  'CreateTableSpaceStmt',
  'DropTableSpaceStmt',
  'TransactionStmt',
  'DiscardStmt',
  // Both are refused outside a block, as the server must say itself.
  'LockStmt',
  'DeclareCursorStmt',
  'CreateSubscriptionStmt',
  'AlterSubscriptionStmt',
  'DropSubscriptionStmt',
  'AlterEnumStmt',
  'VariableSetStmt',
  'AlterDatabaseSetStmt',
]);

const CONCURRENTLY: ReadonlySet<string> = new Set(['IndexStmt', 'DropStmt', 'AlterTableStmt']);
const PLPGSQL = /"defname":"language","arg":\{"String":\{"sval":"plpgsql"\}\}/i;

function classify(text: string): Parsed {
  if (text.length > MAX_PARSED) return { kind: '?', alone: false };
  const first = parseSync(text).stmts?.[0]?.stmt;
  const entry = first === undefined ? undefined : Object.entries(first)[0];
  if (entry === undefined) return { kind: 'empty', alone: false };
  const [kind, node] = entry;
  return { kind, alone: isAlone(kind, node) };
}

/** REFRESH … CONCURRENTLY is the one that runs in a block. */
function isAlone(kind: string, node: unknown): boolean {
  if (ALONE_KINDS.has(kind)) return true;
  if (kind === 'RefreshMatViewStmt') return false;
  const text = JSON.stringify(node);
  if (kind === 'DoStmt') return /"defname":"language"/.test(text) && !PLPGSQL.test(text);
  if (kind === 'ReindexStmt') return text.includes('"defname":"concurrently"');
  return CONCURRENTLY.has(kind) && text.includes('"concurrent":true');
}

function parseFailure(error: unknown, statement: Omit<Statement, 'kind' | 'alone'>): SqlError {
  const cursor = hasSqlDetails(error) ? (error.sqlDetails?.cursorPosition ?? null) : null;
  const place = placeInStatement(statement, cursor === null ? null : cursor + 1);
  const message = statement.text.startsWith('\\')
    ? `${statement.text.split(/\s/)[0] ?? '\\'} is a command of psql, which no server understands`
    : error instanceof Error
      ? error.message
      : String(error);
  return { sqlstate: '42601', message, path: null, ...place };
}

/**
 * The statements of a file with their places. `error` names the first that cannot be parsed; the
 * statements before it are given too, but a server that gets the file as one message runs none.
 */
export async function split(sql: string, firstLine: number): Promise<Split> {
  parser ??= loadParser();
  await parser;
  const nul = sql.indexOf('\0');
  const places = new Places(sql, firstLine);
  if (nul >= 0) {
    const message = 'a NUL character is in the SQL, which PostgreSQL cannot take';
    return { statements: [], error: { sqlstate: '22021', message, path: null, ...places.at(nul) } };
  }
  const statements: Statement[] = [];
  for (const cut of cuts(sql)) {
    const start = firstWord(sql, cut);
    if (start < 0) continue;
    const text = sql.slice(start, cut.end).trimEnd();
    const placed = { text, ...places.at(start) };
    try {
      const parsed = classify(text);
      if (parsed.kind !== 'empty') statements.push({ ...placed, ...parsed });
    } catch (error) {
      return { statements, error: parseFailure(error, placed) };
    }
  }
  return { statements, error: null };
}
