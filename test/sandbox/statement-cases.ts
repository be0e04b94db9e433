/** What is observed of each statement, as cases with twins, and every word of the list of observations. */
import type { FolderRun, StatementRun } from '../../src/core/dry-run.ts';

export interface StatementCase {
  readonly name: string;
  readonly of: 'place' | 'time' | 'locks' | 'rewrites' | 'rows' | 'error';
  readonly sql: string;
  /** Of the last statement that ran. */
  readonly shown: string;
  readonly twin: string;
  readonly twinShown: string;
}

/** How long the statement sleeps, in milliseconds: it cannot have taken less. */
const SLEPT_MS = 200;

/** What one observation says of the last statement that ran. */
export function shownOf(kind: StatementCase['of'], { statements, error }: FolderRun): string {
  const last = statements.at(-1);
  return last === undefined ? 'no statement' : OF[kind](last, error);
}

const OF: Readonly<
  Record<StatementCase['of'], (run: StatementRun, error: FolderRun['error']) => string>
> = {
  place: ({ line, column }, error) =>
    `${line}:${column}${error === null ? '' : `, error at ${error.line}:${error.column}`}`,
  time: ({ durationMs }) => (durationMs >= SLEPT_MS ? 'the time that it slept' : 'less'),
  locks: ({ locks }) => locks.map(({ object, mode }) => `${mode} ${object}`).join(', '),
  rewrites: ({ rewrites }) => rewrites.join(', '),
  rows: ({ rows }) => String(rows),
  error: (run) => run.error?.sqlstate ?? '',
};

export const STATEMENT_CASES: readonly StatementCase[] = [
  {
    name: 'line and column of a statement and of its error, after letters of two and four bytes',
    of: 'place',
    sql: `select 'é😀'; select 'ü';\n/* 😀 */ select '😀', nothing`,
    shown: '2:9, error at 2:21',
    twin: `select 'e:-)'; select 'u';\n/* :) */ select ':)', 1`,
    twinShown: '2:10',
  },
  {
    name: 'time of a statement',
    of: 'time',
    sql: `select pg_sleep(${SLEPT_MS / 1000})`,
    shown: 'the time that it slept',
    twin: `select 1/0; select pg_sleep(${SLEPT_MS / 1000})`,
    twinShown: 'less',
  },
  {
    name: 'locks with mode and object',
    of: 'locks',
    sql: 'alter table users add column x int',
    shown: 'AccessExclusive users',
    twin: 'select count(*) from users',
    twinShown: '',
  },
  {
    name: 'rewrites',
    of: 'rewrites',
    sql: 'alter table users alter age type bigint',
    shown: 'users',
    twin: 'alter table users alter email type varchar',
    twinShown: '',
  },
  {
    name: 'rows touched',
    of: 'rows',
    sql: 'update users set age = age + 1 where id <= 7',
    shown: '7',
    twin: 'update users set age = age + 1 where id < 0',
    twinShown: '0',
  },
  {
    name: 'errors with their SQLSTATE',
    of: 'error',
    sql: 'select 1/0',
    shown: '22012',
    twin: 'select 1/1',
    twinShown: '',
  },
];

/** Words of the list of what is observed: the case that shows each, and the twin that must not. */
export const WORDS: readonly (readonly [word: string, shows: string, twin: string])[] = [
  ['schemas', 'a schema added', 'twin: a schema added'],
  [
    'a schema dropped',
    'a dropped schema takes everything in it',
    'twin: a schema that is not there',
  ],
  ['a schema renamed', 'a schema renamed', 'twin: a schema renamed there and back'],
  ['tables', 'a table added', 'twin: a table added'],
  ['a table renamed', 'a renamed table keeps its rows', 'twin: a table renamed there and back'],
  [
    'a table that a crash empties',
    'a table that a crash empties',
    'twin: a table logged as it was',
  ],
  ['columns', 'a column added', 'twin: a column added'],
  [
    'a column renamed',
    'a renamed column keeps its values',
    'twin: a column renamed there and back',
  ],
  ['types of columns', 'a column narrowed', 'twin: a column narrowed'],
  ['storage of columns', 'how a column is stored', 'twin: how a column is stored'],
  ['defaults', 'a default dropped', 'twin: the same default again'],
  ['constraints', 'a check added', 'twin: a check added'],
  ['foreign keys', 'a key changed to cascade', 'twin: a key changed to cascade'],
  ['indexes', 'an index dropped', 'twin: an index built anew'],
  ['views', 'a view replaced', 'twin: a view added'],
  ['a view dropped', 'a view dropped', 'twin: a view that is not there'],
  ['materialized views', 'a materialized view', 'twin: a materialized view emptied'],
  ['functions', 'a function replaced', 'twin: a function replaced by itself'],
  ['triggers', 'a trigger switched off', 'twin: a trigger switched on that was on'],
  ['policies', 'a policy opened', 'twin: a policy as it was'],
  ['grants', 'a grant to everyone', 'twin: a right that is there already'],
  ['default privileges', 'default privileges opened', 'twin: default privileges of the owner'],
  ['sequences', 'a sequence dropped', 'twin: a sequence that is not there'],
  ['owners of sequences', 'the column of a sequence', 'twin: the column of a sequence'],
  ['enums', 'an enum grows', 'twin: a value of an enum that is there already'],
  ['extensions', 'an extension', 'twin: an extension that is there already'],
  ['comments', 'a comment', 'twin: a comment'],
  ['settings', 'settings of the database', 'twin: settings of the owner'],
  ['rows lost', 'dynamic SQL in DO is seen by what it did', 'twin: a DELETE that finds no row'],
  ['rows added', 'rows added', 'twin: rows added and taken away again'],
  [
    'values nulled',
    'an UPDATE to NULL loses values and no rows',
    'twin: an UPDATE that changes nothing',
  ],
  ['values changed', 'an UPDATE of values changes them', 'twin: an UPDATE that changes nothing'],
  [
    'values changed by a type',
    'a type change that rounds changes values',
    'twin: a type that keeps values',
  ],
  [
    'rows lost by cascades',
    'a DELETE reaches other tables by its cascade',
    'twin: a DELETE that finds no row',
  ],
  [
    'values nulled by cascades',
    'a DELETE empties values of another table',
    'twin: a DELETE that finds no row',
  ],
  [
    'bytes of large objects',
    'large objects deleted',
    'twin: large objects read, and one made and deleted again',
  ],
  ['row level security weakened', 'row level security switched off', 'twin: row security forced'],
  ['privileges widened', 'a column granted', 'twin: a column granted'],
  [
    'sequences reset',
    'a sequence set back gives out values again',
    'twin: a sequence that goes on',
  ],
  ['owner changed', 'an object given to another role', 'twin: an object given to its owner'],
];
