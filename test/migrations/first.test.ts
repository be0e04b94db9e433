import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planMigrations, unclaimedSql } from '../../src/migrations/plan.ts';
import { type Content, type Files, laidOver, treeOf } from './tree.ts';

const settings = { folders: null };

function journal(...entries: readonly (readonly [string, number])[]): string {
  const rows = entries.map(([tag, when], idx) => ({
    idx,
    version: '7',
    when,
    tag,
    breakpoints: true,
  }));
  return JSON.stringify({ version: '7', dialect: 'postgresql', entries: rows }, null, 2);
}

const base: Files = {
  'README.md': 'x',
  'drizzle.config.ts': "export default { out: './drizzle', dialect: 'postgresql' };",
  'drizzle/meta/_journal.json': journal(['0000_a', 100], ['0001_b', 200]),
  'drizzle/0000_a.sql':
    'CREATE TABLE a (id int);--> statement-breakpoint\nCREATE TABLE b (id int);',
  'drizzle/0001_b.sql': 'ALTER TABLE a ADD x int;',
  'prisma/schema.prisma': '',
  'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n',
  'prisma/migrations/20240101000000_a/migration.sql': 'CREATE TABLE p (id int);',
  'db/migrations/001_a.sql': 'CREATE TABLE q (id int);',
};

async function plans(change: Readonly<Record<string, Content | null>>, from: Files = base) {
  const [before, after] = [treeOf(from), treeOf(laidOver(from, change))];
  const found = await planMigrations({ base: before, head: after, settings });
  return { found, unclaimed: unclaimedSql(before, after, found) };
}

test('three frameworks in one repository', async () => {
  const { found } = await plans({
    'drizzle/meta/_journal.json': journal(['0000_a', 100], ['0001_b', 200], ['0002_c', 300]),
    'drizzle/0002_c.sql': 'DROP TABLE a;',
    'prisma/migrations/20240102000000_b/migration.sql': 'DROP TABLE p;',
    'db/migrations/002_b.sql': 'DROP TABLE q;',
  });
  assert.deepEqual(
    found.map((plan) => [
      plan.framework,
      plan.scope,
      plan.pending.map((step) => step.path),
      plan.problems,
    ]),
    [
      ['plain', 'file', ['db/migrations/002_b.sql'], []],
      ['drizzle', 'batch', ['drizzle/0002_c.sql'], []],
      ['prisma', 'file', ['prisma/migrations/20240102000000_b/migration.sql'], []],
    ],
  );
});

test('drizzle skips what is not above', async () => {
  const { found } = await plans({
    'drizzle/meta/_journal.json': journal(['0000_a', 100], ['0001_b', 200], ['0002_c', 150]),
    'drizzle/0002_c.sql': 'DROP TABLE a;',
  });
  assert.deepEqual(found[0]?.pending, []);
  assert.equal(found[0]?.problems[0]?.code, 'skipped-by-runner');
  console.log(found[0]?.problems);
});
