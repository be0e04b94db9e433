/**
 * Loads a database dump in pg_dump's plain form: SQL, rows between `COPY … FROM stdin;` and `\.`,
 * and the two harmless commands of psql that pg_dump itself writes. It is read as a stream, so that
 * its size does not matter to this process.
 */
import { Buffer } from 'node:buffer';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { SqlError } from '../core/dry-run.ts';
import type { Wire, WireError } from '../postgres/wire.ts';
import { isComplete } from './statements.ts';

const COPY = /^COPY [^;]* FROM stdin;\s*$/i;

/** What psql 14.19 and newer bracket a dump with; it means nothing to a server. */
const HARMLESS_COMMANDS = /^\\(?:un)?restrict \S+\s*$/;

/** Everything belongs to the one owner here; the other owners of production do not exist. */
const OWNERS =
  /^(?:ALTER [^;']* OWNER TO [^;']*|SET (?:LOCAL )?SESSION AUTHORIZATION [^;]*);?\s*$/i;

/** Refusals that lose nothing: of the sandbox's rights, or of a newer pg_dump's settings. */
const FORGIVEN: readonly (readonly [RegExp, RegExp])[] = [
  [/^SET \w+ = /i, /^42704$/],
  [/^COMMENT ON (?:EXTENSION|SCHEMA)\b/i, /^42501$/],
  [/^CREATE SCHEMA "?public"?/i, /^42P06$/],
  [/^(?:CREATE|ALTER|DROP) (?:PUBLICATION|SUBSCRIPTION|EVENT TRIGGER)\b/i, /^42501$/],
  [/^ALTER DEFAULT PRIVILEGES\b/i, /^42501$/],
];

export interface DumpLoad {
  readonly path: string;
  readonly content: Readable;
  readonly owner: Wire;
  /** Makes a role that the dump names, without any right to log in. */
  readonly makeRole: (name: string) => Promise<void>;
}

/** Statement by statement. Answers the first error that matters, with its line; null: all is there. */
export async function loadDump(load: DumpLoad): Promise<SqlError | null> {
  const lines = createInterface({ input: load.content, crlfDelay: Infinity })[
    Symbol.asyncIterator
  ]();
  const state: State = { text: '', first: 1, line: 0, comments: 'plain SQL' };
  const fail = (sqlstate: string, message: string): SqlError => ({
    sqlstate,
    message,
    path: load.path,
    line: state.first,
    column: null,
  });
  for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
    state.line += 1;
    const line = next.value;
    if (state.text === '') {
      state.first = state.line;
      if (line.startsWith('--')) state.comments = noted(state.comments, line);
      if (line.trim() === '' || line.startsWith('--')) continue;
      if (line.startsWith('\\')) {
        if (HARMLESS_COMMANDS.test(line)) continue;
        return fail('58000', `${line.split(/\s/)[0] ?? ''} is a command of psql: leave it out`);
      }
    }
    state.text += `${line}\n`;
    if (!line.trimEnd().endsWith(';') || !isComplete(state.text)) continue;
    const sql = state.text.trim();
    state.text = '';
    const error = COPY.test(sql) ? await copyRows(load, sql, lines, state) : await run(load, sql);
    if (error !== null) return fail(error.sqlstate, error.message);
  }
  if (state.text.trim() !== '') return fail('58030', 'the dump ends within a statement');
  return state.comments === 'begun' ? fail('58030', 'the dump has no end: it is cut off') : null;
}

interface State {
  text: string;
  first: number;
  line: number;
  comments: 'plain SQL' | 'begun' | 'complete';
}

/** pg_dump's first and last comment, by which a file that was cut off is known. */
function noted(before: State['comments'], line: string): State['comments'] {
  if (/^-- PostgreSQL database (?:cluster )?dump complete/.test(line)) return 'complete';
  return /^-- PostgreSQL database dump\s*$/.test(line) ? 'begun' : before;
}

async function run(load: DumpLoad, sql: string): Promise<WireError | null> {
  if (OWNERS.test(sql)) return null;
  for (let tries = 0; tries < 20; tries += 1) {
    const { error } = await load.owner.execute(sql);
    if (error === null) return null;
    const role =
      error.sqlstate === '42704' ? /^role "(.+)" does not exist/.exec(error.message) : null;
    if (role?.[1] === undefined) return isForgiven(sql, error) ? null : error;
    await load.makeRole(role[1]);
  }
  return {
    sqlstate: '42704',
    message: 'more than 20 unknown roles',
    position: null,
    constraint: null,
  };
}

function isForgiven(sql: string, error: WireError): boolean {
  return FORGIVEN.some(([text, state]) => text.test(sql) && state.test(error.sqlstate));
}

type Lines = AsyncIterator<string, unknown>;

async function copyRows(
  load: DumpLoad,
  sql: string,
  lines: Lines,
  state: { line: number },
): Promise<WireError | null> {
  const { error } = await load.owner.copyIn(sql, rowsOf(lines, state));
  return error;
}

/** The rows up to `\.`, in pieces of some 64 KB. */
async function* rowsOf(lines: Lines, state: { line: number }): AsyncGenerator<Buffer> {
  let piece: string[] = [];
  let bytes = 0;
  for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
    state.line += 1;
    if (next.value === '\\.') {
      if (piece.length > 0) yield Buffer.from(piece.join(''), 'utf8');
      return;
    }
    piece.push(`${next.value}\n`);
    bytes += next.value.length + 1;
    if (bytes < 65_536) continue;
    yield Buffer.from(piece.join(''), 'utf8');
    piece = [];
    bytes = 0;
  }
  throw new Error('the dump ends within the rows of a table');
}
