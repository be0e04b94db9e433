/**
 * A small scanner over PostgreSQL's lexical structure: enough to know where a statement ends and
 * whether a place lies in a string or comment. It decides nothing about safety; where it could be
 * fooled, its callers take the runner's own textual behaviour instead.
 */

/** The offset behind the string, quoted name, dollar-quoted text or comment that starts at `at`. */
export function skipToken(sql: string, at: number): number {
  switch (sql.charAt(at)) {
    case '-':
      if (sql[at + 1] !== '-') return at;
      return endOfLine(sql, at);
    case '/':
      return sql[at + 1] === '*' ? skipBlockComment(sql, at) : at;
    case "'":
      return skipQuoted(sql, at, isEscapeString(sql, at));
    case '"':
      return skipQuoted(sql, at, false);
    case '$':
      return skipDollar(sql, at);
    default:
      return at;
  }
}

function endOfLine(sql: string, at: number): number {
  const feed = sql.indexOf('\n', at);
  return feed < 0 ? sql.length : feed;
}

function isEscapeString(sql: string, quoteAt: number): boolean {
  const prefix = sql[quoteAt - 1];
  if (prefix !== 'e' && prefix !== 'E') return false;
  return !/[\w$\u0080-\uFFFF]/.test(sql[quoteAt - 2] ?? ' ');
}

function skipQuoted(sql: string, at: number, escapes: boolean): number {
  const quote = sql[at];
  for (let next = at + 1; next < sql.length; next += 1) {
    if (escapes && sql[next] === '\\') next += 1;
    else if (sql[next] === quote) {
      if (sql[next + 1] !== quote) return next + 1;
      next += 1;
    }
  }
  return sql.length;
}

function skipBlockComment(sql: string, at: number): number {
  const edge = /\/\*|\*\//g;
  edge.lastIndex = at;
  let depth = 0;
  for (let match = edge.exec(sql); match !== null; match = edge.exec(sql)) {
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
  return sql.length;
}

const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uFFFF][\w\u0080-\uFFFF]*)?\$/y;

function skipDollar(sql: string, at: number): number {
  if (/[\w$\u0080-\uFFFF]/.test(sql[at - 1] ?? ' ')) return at;
  DOLLAR_TAG.lastIndex = at;
  const tag = DOLLAR_TAG.exec(sql)?.[0];
  if (tag === undefined) return at;
  const close = sql.indexOf(tag, at + tag.length);
  return close < 0 ? sql.length : close + tag.length;
}

export interface Statement {
  /** Offset of the first character that is no white space or comment. */
  readonly start: number;
  /** Offset behind the closing semicolon, or the end of the text. */
  readonly end: number;
  readonly closed: boolean;
}

/** Offsets of the statements of a text; bodies of `BEGIN ATOMIC` functions may split too finely. */
export function statementsOf(sql: string): readonly Statement[] {
  const found: Statement[] = [];
  let start = -1;
  let at = sql.startsWith('\uFEFF') ? 1 : 0;
  while (at < sql.length) {
    const next = skipToken(sql, at);
    const comment = next > at && (sql[at] === '-' || sql[at] === '/');
    if (next > at) {
      if (start < 0 && !comment) start = at;
      at = next;
      continue;
    }
    const character = sql[at];
    if (character === ';') {
      if (start >= 0) found.push({ start, end: at + 1, closed: true });
      start = -1;
    } else if (start < 0 && character !== undefined && !/\s/.test(character)) start = at;
    at += 1;
  }
  if (start >= 0) found.push({ start, end: sql.length, closed: false });
  return found;
}

/** Whether every statement of the text has its semicolon. */
export function allClosed(sql: string): boolean {
  return statementsOf(sql).every((statement) => statement.closed);
}

/** Whether what follows the text would stand outside its strings, quoted names and comments. */
export function atTopLevel(sql: string): boolean {
  const followed = `${sql};`;
  let at = 0;
  while (at < sql.length) at = Math.max(skipToken(followed, at), at + 1);
  return at === sql.length;
}

/** Comments of a text with their offsets; `text` includes the comment signs. */
export function commentsOf(
  sql: string,
): readonly { readonly start: number; readonly text: string }[] {
  const found: { start: number; text: string }[] = [];
  let at = 0;
  while (at < sql.length) {
    const next = skipToken(sql, at);
    if (next > at && (sql[at] === '-' || sql[at] === '/')) {
      found.push({ start: at, text: sql.slice(at, next) });
    }
    at = next > at ? next : at + 1;
  }
  return found;
}
