/** The counts of lost, added and changed values are exact, whatever the types of values and keys. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Bench, dataLines, open, plan } from './helpers.ts';

/** Two values of a type that differ, as SQL, of every way that values are hashed. */
const TYPES: readonly (readonly [type: string, first: string, second: string])[] = [
  ['int2', '1', '2'],
  ['int4', '-7', '7'],
  ['int8', '9007199254740993', '9007199254740992'],
  ['text', `'Straße'`, `'STRASSE'`],
  ['varchar(9)', `'a'`, `'a '`],
  ['char(3)', `'a'`, `'b'`],
  ['bool', 'true', 'false'],
  ['numeric', '1.0', '1.00'],
  ['float8', '0.1', '0.1::float4'],
  ['uuid', 'md5(k::text)::uuid', `md5('x')::uuid`],
  ['date', `date '2026-01-01'`, `date '2026-01-02'`],
  ['timestamptz', `timestamptz '2026-01-01 00:00:00.000001Z'`, `timestamptz '2026-01-01 00:00Z'`],
  ['json', `'{"a": 1}'`, `'{"a":1}'`],
  ['jsonb', `'{"a": 1}'`, `'{"a": null}'`],
  ['bytea', `'\\x00'`, `'\\x01'`],
  ['text[]', 'array[null::text]', `array['NULL']`],
  ['inet', `'10.0.0.1'`, `'10.0.0.1/8'`],
  ['mood', `'sad'`, `'glad'`],
  ['pair', 'row(null, null)', 'row(1, null)'],
];

/** A key's definition, and its value in the row with that number. */
const KEYS: readonly (readonly [columns: string, value: string, key: string])[] = [
  ['a int2', 'k', 'a'],
  ['a int8', '-k::int8 * 4294967296', 'a'],
  ['a text', `'row ' || k`, 'a'],
  ['a uuid', 'md5(k::text)::uuid', 'a'],
  ['a numeric', 'k / 10.0', 'a'],
  ['a int, b text', `k % 3, 'b' || k`, 'a, b'],
];

/** The same change to every table: three changed, one nulled, one no longer null, one row gone. */
function change(table: string, second: string, first: string): string {
  return `update ${table} set v = ${second} where k <= 3; update ${table} set v = null where k = 4;
    update ${table} set v = ${first} where k = 20; delete from ${table} where k = 10;`;
}

function expected(table: string, columns: readonly string[]): readonly string[] {
  const whole = (name: string): string =>
    `${table}.${name} values 20 > 19 lost 1 added 0 changed 0`;
  return [
    `${table} rows 20 > 19 lost 1 added 0 changed 0`,
    ...columns.map(whole),
    `${table}.v values 19 > 18 lost 2 added 1 changed 3`,
  ];
}

let bench: Bench;
before(() => {
  bench = open();
});
after(() => bench.close());

test('values of every type, told by an integer key', async () => {
  const tables = TYPES.map(([type, first, second], i) => {
    const of = (value: string): string => `cast(${value} as ${type})`;
    return { name: `t${i}`, type, first: of(first), second: of(second) };
  });
  const made = tables.map(
    ({ name, type }) => `create table ${name} (k int primary key, v ${type})`,
  );
  const kinds = `create type mood as enum ('sad', 'glad'); create type pair as (l int, r int)`;
  const fill = tables.map(
    ({ name, first }) =>
      `insert into ${name} select k, case when k < 20 then ${first} end from generate_series(1, 20) k`,
  );
  const run = await bench.run(
    plan([kinds, made.join(';')], [tables.map((t) => change(t.name, t.second, t.first)).join('')]),
    { seed: [{ path: 'seed.sql', sql: fill.join(';') }] },
  );
  assert.equal(run.status, 'ok', run.reason ?? '');
  const found = dataLines(run);
  for (const { name } of tables) {
    const lines = found.filter(
      (line) => line.startsWith(`${name} `) || line.startsWith(`${name}.`),
    );
    assert.deepEqual(lines.toSorted(), expected(name, ['k']).toSorted());
  }
});

test('rows told by keys of every kind, and by a key whose type changes', async () => {
  const made = KEYS.map(
    ([columns, , key], i) =>
      `create table k${i} (${columns}, k int not null, v text, primary key (${key}))`,
  );
  made.push('create table wider (k int primary key, v text)');
  made.push('create table worded (k int primary key, v text)');
  const fill = [...KEYS.map(([, value]) => `${value}, k`), 'k', 'k'].map((values, i) => {
    const name = KEYS[i] === undefined ? ['wider', 'worded'][i - KEYS.length] : `k${i}`;
    return `insert into ${name} select ${values}, case when k < 20 then 'v' || k end
      from generate_series(1, 20) k`;
  });
  const names = [...KEYS.map((_, i) => `k${i}`), 'wider', 'worded'];
  const changes = names.map((name) => change(name, `'other'`, `'new'`)).join('');
  const types = `alter table wider alter k type int8; alter table worded alter k type text;`;
  const run = await bench.run(plan([made.join(';')], [changes + types]), {
    seed: [{ path: 'seed.sql', sql: fill.join(';') }],
  });
  assert.equal(run.status, 'ok', run.reason ?? '');
  const found = dataLines(run);
  for (const [i, name] of names.entries()) {
    const lines = found.filter(
      (line) => line.startsWith(`${name} `) || line.startsWith(`${name}.`),
    );
    const keys = (KEYS[i]?.[2] ?? '').split(', ').filter((column) => column !== '');
    assert.deepEqual(lines.toSorted(), expected(name, [...keys, 'k']).toSorted());
  }
});

test('rows that only went, only came, or were written again the same', async () => {
  const sql = `delete from gone where k <= 5; insert into came select k + 20, null from came;
    update same set v = v; truncate emptied;`;
  const names = ['gone', 'came', 'same', 'emptied'];
  const made = names.map((name) => `create table ${name} (k int primary key, v text)`);
  const fill = names.map(
    (name) =>
      `insert into ${name} select k, case when k > 3 then 'v' end from generate_series(1, 20) k`,
  );
  const run = await bench.run(plan([made.join(';')], [sql]), {
    seed: [{ path: 'seed.sql', sql: fill.join(';') }],
  });
  assert.deepEqual(dataLines(run), [
    'came rows 20 > 40 lost 0 added 20 changed 0',
    'came.k values 20 > 40 lost 0 added 20 changed 0',
    'emptied rows 20 > 0 lost 20 added 0 changed 0',
    'emptied.k values 20 > 0 lost 20 added 0 changed 0',
    'emptied.v values 17 > 0 lost 17 added 0 changed 0',
    'gone rows 20 > 15 lost 5 added 0 changed 0',
    'gone.k values 20 > 15 lost 5 added 0 changed 0',
    'gone.v values 17 > 15 lost 2 added 0 changed 0',
  ]);
});

test('a slow UPDATE of many rows: what was read ahead is compared, or read again', async () => {
  const made = ['one', 'two'].map(
    (name) => `create table ${name} (k int primary key, v text, w int)`,
  );
  const fill = ['one', 'two'].map(
    (name) => `insert into ${name} select k, 'v' || k, k from generate_series(1, 20000) k`,
  );
  const slow = (name: string): string =>
    `update ${name} set v = upper(v) from (select pg_sleep(0.3)) s where k % 4 = 0`;
  const run = async (sql: string): Promise<readonly string[]> =>
    dataLines(
      await bench.run(plan([made.join(';')], [sql]), {
        seed: [{ path: 'seed.sql', sql: fill.join(';') }],
      }),
    );
  const changed = 'values 20000 > 20000 lost 0 added 0 changed 5000';
  assert.deepEqual(await run(`${slow('one')}; update two set w = 0 where k = 7`), [
    `one.v ${changed}`,
    'two.w values 20000 > 20000 lost 0 added 0 changed 1',
  ]);
  assert.deepEqual(await run(`${slow('two')}; alter table two drop column w`), [
    `two.v ${changed}`,
    'two.w values 20000 > 0 lost 20000 added 0 changed 0',
  ]);
});
