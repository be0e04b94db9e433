/**
 * Loads a database dump in pg_dump's plain form: SQL, rows between `COPY … FROM stdin;` and `\.`,
 * and the two harmless commands of psql that pg_dump itself writes. It is read as a stream, so that
 * its size does not matter to this process.
 */
import type { Readable } from 'node:stream';
import type { SqlError } from '../core/dry-run.ts';
import { ConnectionLost, type Wire, type WireError } from '../postgres/wire.ts';
import { DumpReader } from './dump-reader.ts';
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
];

/**
 * Refusals of what production has and the sandbox may not make: the rest is loaded, and each of
 * these is named, as the SQL under test may meet it there.
 */
const LEFT_OUT: readonly (readonly [RegExp, RegExp])[] = [
  [/^(?:CREATE|ALTER|DROP) (?:PUBLICATION|SUBSCRIPTION|EVENT TRIGGER)\b/i, /^(?:42501|42704)$/],
  [/^COMMENT ON (?:PUBLICATION|SUBSCRIPTION|EVENT TRIGGER)\b/i, /^(?:42501|42704)$/],
];

/** Default rights of another role become the owner's, to whom everything belongs here. */
const DEFAULTS_OF_ROLE = /^(ALTER DEFAULT PRIVILEGES) FOR ROLE (?:"(?:[^"]|"")+"|[\w$]+)/i;

/** Other encodings would be read as if they were this one. */
const ENCODING = /^SET client_encoding = '([^']*)'/i;
const READ_AS_UTF8 = /^(?:utf-?8|unicode|sql_ascii)$/i;

/** Names of what was left out; the others are counted. */
const KEPT_NAMES = 20;

export interface DumpLoad {
  readonly path: string;
  readonly content: Readable;
  readonly owner: Wire;
  /** Major version of the server that it is loaded into. */
  readonly major: number;
  /** Makes a role that the dump names, without any right to log in. */
  readonly makeRole: (name: string) => Promise<void>;
}

export interface Loaded {
  /** The first error that matters, with its line; null: all is there but `leftOut`. */
  readonly error: SqlError | null;
  /** What production has and the sandbox may not make: `EVENT TRIGGER audit`. */
  readonly leftOut: readonly string[];
}

/** Loads a dump, statement by statement. */
export async function loadDump(load: DumpLoad): Promise<Loaded> {
  const reader = new DumpReader(load.content);
  const state: State = { text: '', first: 1, comments: 'plain SQL', leftOut: new Set() };
  let fault: Fault | null;
  try {
    fault = await loadStatements(load, reader, state);
  } catch (error) {
    // The stream itself: a file that is cut off within its compression, a line too long to hold.
    if (error instanceof ConnectionLost || !(error instanceof Error)) throw error;
    fault = unreadable(error);
  }
  const leftOut = [...state.leftOut].slice(0, KEPT_NAMES);
  if (fault === null) return { error: null, leftOut };
  return { error: { ...fault, path: load.path, line: state.first, column: null }, leftOut };
}

type Fault = Pick<SqlError, 'sqlstate' | 'message'>;

async function loadStatements(
  load: DumpLoad,
  reader: DumpReader,
  state: State,
): Promise<Fault | null> {
  for (let line = await reader.next(); line !== null; line = await reader.next()) {
    if (state.text === '') {
      state.first = reader.line;
      if (line.startsWith('--')) {
        const newer = note(state, line, load.major);
        if (newer !== null) return newer;
      }
      if (line.trim() === '' || line.startsWith('--')) continue;
      if (line.startsWith('\\')) {
        if (HARMLESS_COMMANDS.test(line)) continue;
        const command = line.split(/\s/)[0] ?? '';
        return { sqlstate: '58000', message: `${command} is a command of psql: leave it out` };
      }
    }
    state.text += `${line}\n`;
    if (!line.trimEnd().endsWith(';') || !isComplete(state.text)) continue;
    const sql = state.text.trim();
    state.text = '';
    const encoding = ENCODING.exec(sql)?.[1];
    if (encoding !== undefined && !READ_AS_UTF8.test(encoding)) {
      return { sqlstate: '58000', message: `it is in ${encoding}: dump it with -E UTF8` };
    }
    const fault = COPY.test(sql) ? await copyRows(load, reader, sql) : await run(load, state, sql);
    if (fault !== null) return fault;
  }
  if (state.text.trim() !== '') {
    return { sqlstate: '58030', message: 'the dump ends within a statement' };
  }
  if (state.comments !== 'begun') return null;
  return { sqlstate: '58030', message: 'the dump has no end: it is cut off' };
}

/** Our own word of a file that cannot be read; its code tells it from the server's. */
function unreadable(error: Error): Fault {
  return { sqlstate: '58030', message: `the dump cannot be read to its end: ${error.message}` };
}

/** Gives the server the rows that follow. What breaks the file is told rather than its answer. */
async function copyRows(load: DumpLoad, reader: DumpReader, sql: string): Promise<Fault | null> {
  const broken: { by: Error | null } = { by: null };
  const rows = async function* (): AsyncGenerator<Buffer> {
    try {
      yield* reader.rows();
    } catch (error) {
      broken.by = error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  };
  const { error } = await load.owner.copyIn(sql, rows());
  return broken.by === null ? faultOf(error) : unreadable(broken.by);
}

function faultOf(error: WireError | null): Fault | null {
  return error === null ? null : { sqlstate: error.sqlstate, message: error.message };
}

interface State {
  text: string;
  first: number;
  comments: 'plain SQL' | 'begun' | 'complete';
  readonly leftOut: Set<string>;
}

/**
 * Takes note of pg_dump's own comments: its first and last, by which a file that was cut off is
 * known, and the version of the server, as a newer one's objects may not exist in ours.
 */
function note(state: State, line: string, major: number): Fault | null {
  if (/^-- PostgreSQL database (?:cluster )?dump complete/.test(line)) state.comments = 'complete';
  else if (/^-- PostgreSQL database dump\s*$/.test(line)) state.comments = 'begun';
  const from = Number(/^-- Dumped from database version (\d+)/.exec(line)?.[1] ?? 0);
  if (state.comments !== 'begun' || from <= major) return null;
  const message =
    `it was taken from PostgreSQL ${from} and the sandbox runs ${major}; name ${from} as ` +
    '`migrations.postgres` and install it on the server';
  return { sqlstate: '58000', message };
}

async function run(load: DumpLoad, state: State, sql: string): Promise<Fault | null> {
  if (OWNERS.test(sql)) return null;
  const text = sql.replace(DEFAULTS_OF_ROLE, '$1');
  for (let tries = 0; tries < 20; tries += 1) {
    const { error } = await load.owner.execute(text);
    if (error === null) return null;
    if (matches(FORGIVEN, sql, error)) return null;
    if (matches(LEFT_OUT, sql, error)) {
      state.leftOut.add(nameOf(sql));
      return null;
    }
    const role =
      error.sqlstate === '42704' ? /^role "(.+)" does not exist/.exec(error.message) : null;
    if (role?.[1] === undefined) return faultOf(error);
    await load.makeRole(role[1]);
  }
  return { sqlstate: '42704', message: 'more than 20 unknown roles' };
}

/** `EVENT TRIGGER audit` of a statement that makes, changes or drops it. */
function nameOf(sql: string): string {
  const [, kind, name] =
    /(PUBLICATION|SUBSCRIPTION|EVENT TRIGGER) ("(?:[^"]|"")+"|[\w$]+)/i.exec(sql) ?? [];
  return `${kind?.toLowerCase() ?? 'statement'} ${name ?? ''}`.trim().slice(0, 100);
}

function matches(list: typeof FORGIVEN, sql: string, error: WireError): boolean {
  return list.some(([text, state]) => text.test(sql) && state.test(error.sqlstate));
}
