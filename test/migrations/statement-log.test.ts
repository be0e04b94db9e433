/** SQL from the log of a real server, in the form that a workflow writes it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import postgres from 'postgres';
import { run } from '../../src/cli.ts';
import { sqlOfLog } from '../../src/migrations/statement-log.ts';
import { initCluster, startCluster } from '../../src/postgres/cluster.ts';
import { findEngine } from '../../src/postgres/engine.ts';
import { storeUser } from '../../src/postgres/service-user.ts';
import { keptIo } from '../cli/io.ts';

let home: string;
before(() => {
  home = mkdtempSync(join(tmpdir(), 'statement-log-'));
});
after(() => rmSync(home, { recursive: true, force: true }));

const line = (message: string, detail?: string): string => JSON.stringify({ message, detail });

test('what only asks the server is left out, and nothing that could do more', () => {
  const asked = ['SELECT version()', 'show server_version_num', 'SELECT * FROM current_schema();'];
  const kept = ['SELECT version(), wipe()', 'SHOW x; DROP TABLE users', 'SELECT * FROM users'];
  const log = [...asked, ...kept].map((sql) => line(`statement: ${sql}`)).join('\n');
  assert.equal(sqlOfLog(log), kept.map((sql) => `${sql}\n;\n`).join(''));
});

test('what a framework sends is printed as it would be sent again', async () => {
  const engine = await findEngine({});
  const settings = {
    logging_collector: 'on',
    log_destination: 'jsonlog',
    log_statement: 'all',
    log_filename: 'all.log',
  };
  const start = { engine, dataDir: join(home, 'db'), durable: false, runAs: storeUser(), settings };
  await initCluster(start);
  const cluster = await startCluster(start);
  const sql = postgres({ ...cluster.connection, max: 1, fetch_types: false });
  try {
    await sql.begin(async (inside) => {
      await inside.unsafe('create table "$1" (id int, note text)');
      const note = "it's \\ $2 and 'more'";
      await inside`insert into "$1" values (${1}, ${note}), (${2}, ${null}) -- $9`;
    });
    await sql.unsafe('alter table "$1" add column at timestamptz; select 1;');
  } finally {
    await sql.end();
    await cluster.stop('fast');
  }
  const log = join(home, 'db', 'log', 'all.json');
  const io = keptIo({}, home);
  assert.equal(await run(['plan', '--log', log], io), 0, io.printed.err);
  assert.deepEqual(
    io.printed.out.split('\n').filter((one) => /begin|"\$1"|commit/i.test(one)),
    [
      'begin ',
      'create table "$1" (id int, note text)',
      `insert into "$1" values ('1', 'it''s \\ $2 and ''more'''), ('2', NULL) -- $9`,
      'commit',
      'alter table "$1" add column at timestamptz; select 1;',
    ],
  );
  assert.match(readFileSync(log, 'utf8'), /arameters: \$1 = '1'/);
});

describe('logs', () => {
  const cases: readonly (readonly [string, string, string | RegExp])[] = [
    ['lines that are no statements', `${line('checkpoint starting')}\n\n`, ''],
    ['a statement of several lines', line('statement: a\nb'), 'a\nb\n;\n'],
    ['a named statement', line('execute s1: q $1', "Parameters: $1 = 'x'"), "q 'x'\n;\n"],
    ['ten parameters', line('execute <unnamed>: q $1, $10', ten()), "q '1', '10'\n;\n"],
    [
      'a function body',
      line('statement: do $$ begin perform $1; end $$'),
      'do $$ begin perform $1; end $$\n;\n',
    ],
    ['no value', line('execute <unnamed>: q $1'), /\$1 in line 1 of the log has no value/],
    ['a value cut off', line('execute <unnamed>: q $1', "parameters: $1 = 'x"), /cut off/],
    ['no JSON', '2026-01-01 LOG:  statement: drop table a', /line 1 of the log is no JSON/],
  ];
  for (const [name, log, told] of cases) {
    test(name, () => {
      if (typeof told === 'string') assert.equal(sqlOfLog(log), told);
      else assert.throws(() => sqlOfLog(log), told);
    });
  }

  test('an empty log and a missing one fail, so that a step cannot print nothing', async () => {
    writeFileSync(join(home, 'empty'), '');
    for (const log of ['empty', 'missing']) {
      const io = keptIo({}, home);
      assert.equal(await run(['plan', '--log', log], io), 1);
      assert.equal(io.printed.out, '');
      assert.match(io.printed.err, /holds no statement|cannot be read/);
    }
  });
});

function ten(): string {
  const all = Array.from({ length: 10 }, (_, at) => `$${at + 1} = '${at + 1}'`);
  return `Parameters: ${all.join(', ')}`;
}
