import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blastRadiusTable, radiusOf } from '../../src/core/blast-radius.ts';
import type { DataChange, FolderRun, ObjectChange, TableSize } from '../../src/core/dry-run.ts';
import type { Finding } from '../../src/core/findings.ts';
import { findingsOf } from '../../src/core/findings-of.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { aChange, aFolder, aRun } from './change.ts';

type Rows = { table: string; rows: number }[];
type Case = {
  objects?: ObjectChange[];
  data?: Partial<DataChange>[];
  tables?: TableSize[];
  sql?: { text: string; locks?: [string, string][]; rewrites?: string[] };
  statistics?: Rows;
};

function folderOf({ objects = [], data = [], tables = [], sql }: Case): FolderRun {
  const zero = {
    object: '',
    measure: 'rows',
    before: 0,
    after: 0,
    lost: 0,
    added: 0,
    changed: 0,
  } as const;
  const observation = {
    objects,
    data: data.map((one) => ({ ...zero, ...one })),
    tables,
    unfilled: [],
    downRestores: null,
    downDifference: [],
  };
  const statement = {
    path: 'drizzle/0007_x.sql',
    line: 3,
    column: 1,
    text: sql?.text ?? 'SELECT 1',
    durationMs: 1,
    rows: null,
    locks: (sql?.locks ?? []).map(([object, mode]) => ({ object, mode })),
    rewrites: sql?.rewrites ?? [],
    error: null,
  };
  return aFolder({ observation, statements: [statement] });
}

function proof(it: Case): readonly Finding[] {
  const run = aRun(folderOf(it), it.statistics === undefined ? {} : { statistics: it.statistics });
  return findingsOf(aChange({ dryRun: run }), defaultPolicy);
}

const told = (it: Case) => proof(it).map(({ id, radius }) => `${radius} ${id}`);
const gone = (kind: ObjectChange['kind'], object: string): ObjectChange => {
  return { kind, object, change: 'removed', before: 'x', after: null };
};
const users = (rows: number, origin: TableSize['origin']): TableSize => ({
  table: 'users',
  rows,
  origin,
});

test('a dropped column with values: the sentence, the figure, the line', () => {
  const [finding, ...others] = proof({
    objects: [gone('column', 'users.email')],
    data: [{ object: 'users.email', measure: 'values', before: 1000, lost: 1000 }],
    tables: [users(1000, 'seed')],
    sql: { text: 'ALTER TABLE "users" DROP COLUMN "email"', locks: [['users', 'AccessExclusive']] },
  });
  assert.deepEqual(others, []);
  assert.deepEqual(finding, {
    id: 'values-lost',
    level: 'danger',
    radius: 'high',
    object: 'users.email',
    message: '1,000 values lost in users.email',
    evidence: 'dry run',
    figures: { lost: 1000, before: 1000 },
    path: 'drizzle/0007_x.sql',
    line: 3,
  });
});

test('a dropped table: lost, unproven, or proven empty in the baseline and in production', () => {
  const drop = { objects: [gone('table', 'users')] };
  const rows = [{ object: 'users', measure: 'rows', before: 3, lost: 3 } as const];
  assert.deepEqual(told({ ...drop, data: rows, tables: [users(3, 'seed')] }), [
    'critical table-dropped',
  ]);
  assert.deepEqual(told({ ...drop, data: rows, tables: [users(3, 'synthetic')] }), [
    'critical table-dropped',
  ]);
  assert.deepEqual(told({ ...drop, tables: [users(0, 'empty')] }), ['high table-dropped-unproven']);
  const empty = { statistics: [{ table: 'users', rows: 0 }] };
  assert.deepEqual(told({ ...drop, ...empty, tables: [users(0, 'empty')] }), [
    'medium empty-table-dropped',
  ]);
  assert.deepEqual(told({ ...drop, ...empty, data: rows, tables: [users(3, 'synthetic')] }), [
    'medium empty-table-dropped',
  ]);
  assert.deepEqual(told({ ...drop, ...empty, data: rows, tables: [users(3, 'seed')] }), [
    'critical table-dropped',
  ]);
  const full = { statistics: [{ table: 'users', rows: 9 }] };
  assert.deepEqual(told({ ...drop, ...full, tables: [users(0, 'empty')] }), [
    'critical table-dropped',
  ]);
  assert.deepEqual(told({ ...drop, tables: [users(0, 'snapshot')] }), [
    'medium empty-table-dropped',
  ]);
});

test('a dropped column without values is high while production is not known', () => {
  const drop = { objects: [gone('column', 'users.email')] };
  assert.deepEqual(told({ ...drop, tables: [users(5, 'seed')] }), ['high column-dropped-unproven']);
  assert.deepEqual(told({ ...drop, tables: [users(0, 'snapshot')] }), [
    'medium empty-column-dropped',
  ]);
});

test('rows that are deleted take their values along; values beyond that are told', () => {
  const rows = { object: 'users', measure: 'rows', before: 9, lost: 4 } as const;
  const values = { object: 'users.email', measure: 'values', before: 9, lost: 4 } as const;
  assert.deepEqual(told({ data: [rows, values] }), ['critical rows-lost']);
  assert.deepEqual(told({ data: [rows, { ...values, lost: 5 }] }), [
    'critical rows-lost',
    'high values-lost',
  ]);
  assert.equal(proof({ data: [{ ...rows, lost: 1 }] })[0]?.message, '1 row lost in users');
});

test('values changed are high, filled are medium, seed rows are low', () => {
  const email = { object: 'users.email', measure: 'values' } as const;
  assert.deepEqual(told({ data: [{ ...email, changed: 2 }] }), ['high values-changed']);
  assert.deepEqual(told({ data: [{ ...email, added: 2 }] }), ['medium values-filled']);
  assert.deepEqual(
    told({
      data: [
        { object: 'users', added: 2 },
        { ...email, added: 2 },
      ],
    }),
    ['low rows-added'],
  );
});

const column = (before: string, after: string): Case => {
  return { objects: [{ kind: 'column', object: 'users.n', change: 'changed', before, after }] };
};

for (const [before, after, expected] of [
  ['integer', 'bigint', 'medium column-widened'],
  ['bigint not null', 'integer not null', 'high column-narrowed'],
  ['character varying(50)', 'character varying(255)', 'medium column-widened'],
  ['character varying(255)', 'character varying(50)', 'high column-narrowed'],
  ['character varying(50)', 'text', 'medium column-widened'],
  ['text', 'character varying(50)', 'high column-narrowed'],
  ['numeric(10,2)', 'numeric(12,2)', 'medium column-widened'],
  ['numeric(10,2)', 'numeric(10,4)', 'high column-narrowed'],
  ['numeric(10,2)', 'numeric(10,0)', 'high column-narrowed'],
  ['timestamp with time zone', 'date', 'high column-narrowed'],
  ['text', 'integer', 'high column-narrowed'],
  ['text', 'text not null', 'medium column-changed'],
  ['text', 'renamed to users.m', 'high column-renamed'],
] as const) {
  test(`a column from ${before} to ${after}`, () => {
    assert.deepEqual(told(column(before, after)), [expected]);
  });
}

const object = (
  kind: ObjectChange['kind'],
  name: string,
  change: ObjectChange['change'],
  texts: [string | null, string | null],
): ObjectChange => ({
  kind,
  object: name,
  change,
  before: texts[0],
  after: texts[1],
});

for (const [name, change, expected] of [
  [
    'row security off',
    object('row-security', 'users', 'changed', ['enabled', 'disabled']),
    'high row-security-weakened',
  ],
  [
    'row security no longer forced',
    object('row-security', 'users', 'changed', ['forced', 'enabled']),
    'high row-security-weakened',
  ],
  [
    'row security on',
    object('row-security', 'users', 'changed', ['disabled', 'enabled']),
    'medium row-security-strengthened',
  ],
  [
    'a permissive policy more',
    object('policy', 'users.p', 'added', [null, 'for all to public using (true)']),
    'high policy-weakened',
  ],
  [
    'a restrictive policy more',
    object('policy', 'users.p', 'added', [null, 'restrictive for all to public']),
    'medium policy-tightened',
  ],
  [
    'a restrictive policy less',
    object('policy', 'users.p', 'removed', ['restrictive for all to public', null]),
    'high policy-weakened',
  ],
  [
    'a grant',
    object('grant', 'users to app', 'added', [null, 'SELECT']),
    'high privileges-widened',
  ],
  [
    'a grant more',
    object('grant', 'users to app', 'changed', ['SELECT', 'INSERT, SELECT']),
    'high privileges-widened',
  ],
  [
    'a grant with grant option',
    object('grant', 'users to app', 'changed', ['SELECT', 'SELECT*']),
    'high privileges-widened',
  ],
  [
    'a grant less',
    object('grant', 'users to app', 'removed', ['SELECT', null]),
    'medium privileges-narrowed',
  ],
  ['another owner', object('owner', 'users', 'changed', ['app', 'root']), 'high owner-changed'],
  [
    'a function that gets its owner rights',
    object('function', 'f()', 'changed', [
      'CREATE FUNCTION f()',
      'CREATE FUNCTION f() SECURITY DEFINER',
    ]),
    'high function-with-owner-rights',
  ],
  [
    'a function with its owner rights',
    object('function', 'f()', 'added', [null, 'CREATE FUNCTION f() SECURITY DEFINER']),
    'high function-with-owner-rights',
  ],
  [
    'a plain function',
    object('function', 'f()', 'added', [null, 'CREATE FUNCTION f()']),
    'medium function-added',
  ],
  [
    'an enum label less',
    object('type', 'mood', 'changed', ["enum ('a', 'b')", "enum ('a')"]),
    'high type-narrowed',
  ],
  [
    'an enum label more',
    object('type', 'mood', 'changed', ["enum ('a')", "enum ('a', 'b')"]),
    'medium type-changed',
  ],
  ['a schema less', object('schema', 'shop', 'removed', ['', null]), 'critical schema-dropped'],
  [
    'settings of the database',
    object('schema', 'settings of the database', 'added', [null, 'search_path=x']),
    'high settings-changed',
  ],
  [
    'an index',
    object('index', 'users_email', 'added', [null, 'CREATE INDEX']),
    'medium index-added',
  ],
] as const) {
  test(`catalog: ${name}`, () => assert.deepEqual(told({ objects: [change] }), [expected]));
}

test('parts of a new table are told with it, and a grant on it to a role is medium', () => {
  const objects = [
    object('table', 'orders', 'added', [null, 'table']),
    object('column', 'orders.id', 'added', [null, 'integer']),
    object('row-security', 'orders', 'added', [null, 'enabled']),
    object('policy', 'orders.own', 'added', [null, 'for select to app']),
    object('grant', 'orders to app', 'added', [null, 'SELECT']),
  ];
  assert.deepEqual(told({ objects }), [
    'medium policy-added',
    'medium privileges-given',
    'medium table-added',
  ]);
  const open = object('grant', 'orders to public', 'added', [null, 'SELECT']);
  assert.ok(told({ objects: [...objects, open] }).includes('high privileges-widened'));
});

const locks: [string, string][] = [['users', 'AccessExclusive']];
const sized = (rows: number): Case => ({
  tables: [users(5, 'seed')],
  statistics: [{ table: 'users', rows }],
});

test('a rewrite and a blocking lock are weighed by the size in production', () => {
  const rewrite = { text: 'ALTER TABLE users ALTER n TYPE bigint', locks, rewrites: ['users'] };
  assert.deepEqual(told({ tables: [users(5, 'seed')], sql: rewrite }), ['high table-rewritten']);
  assert.deepEqual(told({ ...sized(10_000), sql: rewrite }), ['high table-rewritten']);
  assert.deepEqual(told({ ...sized(9_999), sql: rewrite }), ['medium table-rewritten']);
  const scan = { text: 'ALTER TABLE users ALTER n SET NOT NULL', locks };
  assert.deepEqual(told({ tables: [users(5, 'seed')], sql: scan }), ['high blocking-lock']);
  assert.deepEqual(told({ tables: [], sql: scan }), []);
});

for (const [text, blocking] of [
  ['ALTER TABLE "users" ADD COLUMN "age" integer', false],
  ['ALTER TABLE public.users ADD age integer DEFAULT 0 NOT NULL', false],
  ['ALTER TABLE users DROP COLUMN a, RENAME COLUMN b TO c', false],
  ['ALTER TABLE users DROP COLUMN a, ALTER b SET NOT NULL', true],
  ["ALTER TABLE users ADD COLUMN a text DEFAULT 'x, y' , ADD b int", false],
  ['ALTER TABLE users ADD CONSTRAINT c CHECK (a > 0)', true],
  ['ALTER TABLE users ADD CONSTRAINT c CHECK (a > 0) NOT VALID', false],
  ['ALTER TABLE users ADD COLUMN a int REFERENCES other', true],
  ['CREATE INDEX i ON users (a)', true],
  ['CREATE POLICY p ON users', false],
  ['LOCK TABLE users', true],
  ["DO $$ BEGIN EXECUTE 'ALTER TABLE users ADD a int'; END $$", true],
  [`ALTER TABLE users ADD COLUMN a int ${' '.repeat(170)}`, true],
] as const) {
  test(`lock of \`${text.trim().slice(0, 60)}\` is ${blocking ? 'blocking' : 'short'}`, () => {
    const found = told({ tables: [users(5, 'seed')], sql: { text, locks } });
    assert.deepEqual(found, blocking ? ['high blocking-lock'] : []);
  });
}

test('fails, not comparable, skipped, edited history, escape', () => {
  const error = {
    sqlstate: '42601',
    message: 'syntax error',
    path: 'drizzle/0007_x.sql',
    line: 2,
    column: 1,
  };
  const failed = aRun(aFolder({ error, observation: null }), { status: 'failed', reason: 'x' });
  const ids = (dryRun: typeof failed) =>
    findingsOf(aChange({ dryRun }), defaultPolicy).map(
      ({ id, radius, line }) => `${radius} ${id} ${line}`,
    );
  assert.deepEqual(ids(failed), ['high migration-fails 2']);
  const silent = { ...failed, folders: [], reason: 'The engine stopped.' } as const;
  assert.deepEqual(ids(silent), ['high dry-run-failed null']);
  const none = { ...failed, folders: [], status: 'not-comparable', reason: 'No engine.' } as const;
  assert.deepEqual(ids(none), ['high not-comparable null']);
  const problems = (
    ['skipped-by-runner', 'history-edited', 'history-deleted', 'suppression-added'] as const
  ).map((code) => ({
    code,
    path: 'drizzle/0001.sql',
    line: 1,
    message: 'm',
  }));
  assert.deepEqual(ids({ ...aRun(aFolder()), problems }), [
    'critical history-deleted 1',
    'critical history-edited 1',
    'high skipped-by-runner 1',
    'medium suppression-added 1',
  ]);
  const statement = {
    path: 'a.sql',
    line: 1,
    column: 1,
    durationMs: 1,
    rows: null,
    locks: [],
    rewrites: [],
  };
  const denied = { ...error, sqlstate: '42501' };
  const statements = [{ ...statement, text: "COPY t TO PROGRAM 'id'", error: denied }];
  const escape = aRun(aFolder({ error: denied, statements }), { status: 'failed' });
  assert.equal(ids(escape)[0], 'critical escape-attempt 1');
});

test('an empty change has no finding and is low', () => {
  assert.deepEqual(findingsOf(aChange(), defaultPolicy), []);
  assert.equal(radiusOf([]), 'low');
});

test('no finding is twice in the blast radius table', () => {
  const ids = blastRadiusTable.flatMap(({ findings }) => findings);
  assert.equal(new Set(ids).size, ids.length);
});
