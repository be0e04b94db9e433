/** Real-sized histories, and laws that hold for any change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { frameworks, planMigrations, unclaimedSql } from '../../src/migrations/plan.ts';
import { compareBytes, linesOf } from '../../src/migrations/text.ts';
import { statementsOf } from '../../src/migrations/lexer.ts';
import { atlasSum } from './atlas-sum.ts';
import { fixture, fixtureNames } from './fixtures.ts';
import { type Content, type Files, laidOver, treeOf } from './tree.ts';

const COUNT = 400;
const settings = { folders: null };
const stamp = (at: number): string => String(20200101000000 + at);
const table = (at: number): string =>
  `CREATE TABLE t${at} (\n  id bigint PRIMARY KEY\n);\n`.repeat(5);

/** How a history of each framework is laid out: the files of migration number `at`. */
const layouts: Readonly<Record<string, (at: number) => Files>> = {
  'drizzle-1': (at) => ({
    [`drizzle/${stamp(at)}_x/migration.sql`]: table(at),
    [`drizzle/${stamp(at)}_x/snapshot.json`]: '{}',
  }),
  prisma: (at) => ({ [`prisma/migrations/${stamp(at)}_x/migration.sql`]: table(at) }),
  plain: (at) => ({ [`db/migrations/${at}_x.sql`]: table(at) }),
  'golang-migrate': (at) => ({
    [`migrations/${at}_x.up.sql`]: table(at),
    [`migrations/${at}_x.down.sql`]: `DROP TABLE t${at};`,
  }),
  goose: (at) => ({ [`sql/${at}_x.sql`]: `-- +goose Up\n${table(at)}-- +goose Down\n` }),
  dbmate: (at) => ({
    [`db/migrations/${stamp(at)}_x.sql`]: `-- migrate:up\n${table(at)}-- migrate:down\n`,
  }),
  sqlx: (at) => ({ [`migrations/${stamp(at)}_x.sql`]: table(at) }),
  diesel: (at) => ({
    [`migrations/${stamp(at)}_x/up.sql`]: table(at),
    [`migrations/${stamp(at)}_x/down.sql`]: '',
  }),
  flyway: (at) => ({ [`sql/V${at}__x.sql`]: table(at) }),
  liquibase: (at) => ({
    [`db/changelog/changes/${stamp(at)}.sql`]: `--liquibase formatted sql\n--changeset ann:${at}\n${table(at)}`,
  }),
  supabase: (at) => ({ [`supabase/migrations/${stamp(at)}_x.sql`]: table(at) }),
  'node-pg-migrate': (at) => ({
    [`migrations/${stamp(at)}_x.sql`]: `-- Up Migration\n${table(at)}`,
  }),
  postgrator: (at) => ({ [`migrations/${at}.do.x.sql`]: table(at) }),
  'postgres-migrations': (at) => ({ [`migrations/${at}_x.sql`]: table(at) }),
  sqitch: (at) => ({
    [`deploy/c${at}.sql`]: table(at),
    [`revert/c${at}.sql`]: `DROP TABLE t${at};`,
  }),
  drizzle: (at) => ({ [`drizzle/x${at}.sql`]: table(at) }),
  atlas: (at) => ({ [`migrations/${stamp(at)}_x.sql`]: table(at) }),
};

/** Files that the framework keeps beside, for a history of `count` migrations. */
function beside(name: string, count: number): Files {
  const numbers = Array.from({ length: count }, (_, at) => at + 1);
  switch (name) {
    case 'prisma':
      return { 'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n' };
    case 'sqlx':
      return { 'Cargo.toml': '[dependencies]\nsqlx = "0.8"\n' };
    case 'flyway':
      return { 'flyway.conf': 'flyway.locations=filesystem:sql\n' };
    case 'liquibase':
      return {
        'db/changelog/db.changelog-master.yaml':
          'databaseChangeLog:\n  - includeAll:\n      path: changes\n',
      };
    case 'postgres-migrations':
      return { 'package.json': '{ "dependencies": { "postgres-migrations": "5.3.0" } }' };
    case 'sqitch':
      return {
        'sqitch.plan': numbers.map((at) => `c${at} 2026-01-01T00:00:00Z A <a@b>\n`).join(''),
      };
    case 'drizzle':
      return {
        'drizzle/meta/_journal.json': JSON.stringify({
          dialect: 'postgresql',
          entries: numbers.map((at) => ({ idx: at, tag: `x${at}`, when: at })),
        }),
      };
    case 'atlas':
      return {
        'migrations/atlas.sum': atlasSum(
          Object.fromEntries(numbers.map((at) => [`${stamp(at)}_x.sql`, table(at)])),
        ),
      };
    default:
      return {};
  }
}

function historyOf(name: string, count: number): Files {
  const files: Record<string, Content> = { ...beside(name, count) };
  const layout = layouts[name];
  assert.ok(layout);
  for (let at = 1; at <= count; at += 1) Object.assign(files, layout(at));
  return files;
}

test('every framework of SQL files has a generated history', () => {
  const sql = frameworks
    .map((each) => each.name)
    .filter((name) => {
      return fixture(name).expected.pending.length > 0;
    });
  assert.deepEqual(Object.keys(layouts).sort(), sql.sort());
});

for (const name of Object.keys(layouts)) {
  test(`${name}: ${COUNT} applied files in the runner's order and one new one`, async () => {
    const [base, head] = [treeOf(historyOf(name, COUNT)), treeOf(historyOf(name, COUNT + 1))];
    const plans = await planMigrations({ base, head, settings });
    assert.deepEqual(
      plans.map((plan) => [plan.framework, plan.problems]),
      [[name, []]],
    );
    const applied = plans[0]?.applied.map((step) => step.sql.match(/t(\d+)/)?.[1]) ?? [];
    assert.deepEqual(
      applied,
      Array.from({ length: COUNT }, (_, at) => String(at + 1)),
    );
    assert.deepEqual(plans[0]?.pending.length, 1);
    assert.match(plans[0]?.pending[0]?.sql ?? '', new RegExp(`t${COUNT + 1}\\b`));
    assert.deepEqual(unclaimedSql(base, head, plans), []);
    // What both trees share is read once: the base is asked for what the change replaced only.
    assert.ok(base.reads.flat().length <= 1, `${base.reads.flat().length} files were read twice`);
  });
}

test('no added or changed SQL file goes without a step, a problem or a place in the rest', async () => {
  const names = fixtureNames();
  const name = fc.constantFrom(
    '1_a',
    '0003_b',
    'V9__c',
    '20270101000000_d',
    'x',
    '7.do.e',
    'migration',
  );
  const folder = fc.constantFrom(
    '',
    'drizzle/',
    'migrations/',
    'db/migrations/',
    'sql/deep/',
    'src/',
    'deploy/',
  );
  const ending = fc.constantFrom(
    '.sql',
    '.SQL',
    '.up.sql',
    '.down.sql',
    '/up.sql',
    '/migration.sql',
  );
  const path = fc.tuple(folder, name, ending).map((parts) => parts.join(''));
  const content = fc.constantFrom<Content>(
    'DROP TABLE users;',
    '-- +goose Up\nDROP TABLE users;',
    { mode: '120000', content: 'x' },
    new Uint8Array([0xff]),
  );
  const change = fc.dictionary(path, content, { minKeys: 1, maxKeys: 4, noNullPrototype: true });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), change, async (framework, files) => {
      const { base } = fixture(framework);
      const [before, after] = [treeOf(base), treeOf(laidOver(base, files))];
      const plans = await planMigrations({ base: before, head: after, settings });
      const seen = new Set(unclaimedSql(before, after, plans));
      for (const plan of plans) {
        for (const each of [...plan.pending, ...plan.problems]) seen.add(each.path);
        for (const each of plan.companions) seen.add(each);
      }
      for (const each of Object.keys(files)) assert.ok(seen.has(each), `${framework}: ${each}`);
    }),
    { numRuns: 300, seed: 20260102 },
  );
});

test('names compare as their UTF-8 bytes do, a total order', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      const wanted = Buffer.compare(Buffer.from(a), Buffer.from(b));
      assert.equal(Math.sign(compareBytes(a, b)), wanted);
    }),
    { seed: 20260103 },
  );
});

test('lines and statements cover the text that they were cut from', () => {
  const pieces = fc.constantFrom(
    "'",
    '"',
    '$$',
    '$a$',
    '--',
    '/*',
    '*/',
    ';',
    '\n',
    '\r\n',
    'x',
    ' ',
    "E'",
    '\\',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
      const text = parts.join('');
      assert.equal(
        linesOf(text)
          .map((line) => text.slice(line.start, line.end))
          .join(''),
        text,
      );
      let last = 0;
      for (const { start, end } of statementsOf(text)) {
        assert.ok(start >= last && end > start && end <= text.length);
        last = end;
      }
    }),
    { numRuns: 500, seed: 20260104 },
  );
});
