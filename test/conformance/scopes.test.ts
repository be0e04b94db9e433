/** The same SQL through each kind of runner: what its transaction lets pass and what it stops. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { DryRun } from '../../src/core/dry-run.ts';
import { planMigrations } from '../../src/migrations/plan.ts';
import { type Bench, open } from '../sandbox/helpers.ts';
import { type Files, treeOf } from '../migrations/tree.ts';

let bench: Bench;
before(() => {
  bench = open();
});
after(() => bench.close());

const USERS = 'CREATE TABLE users (id bigint PRIMARY KEY, email text);\n';
const ALONE = 'CREATE INDEX CONCURRENTLY at_email ON users (email);\n';
const TWO = `SET lock_timeout = '1s';\n${ALONE}`;
/** A new value of an enum cannot be used in the transaction that adds it. */
const GROW = "ALTER TYPE mood ADD VALUE 'new';\n";
const USE = "INSERT INTO feelings VALUES ('new');\n";
const MOOD = "CREATE TYPE mood AS ENUM ('old');\nCREATE TABLE feelings (m mood);\n";

interface Runner {
  readonly name: string;
  readonly scope: string;
  /** A tree whose history has these files, each a migration. */
  readonly tree: (...sqls: readonly string[]) => Files;
  readonly outcome: Readonly<Record<'alone' | 'two' | 'file' | 'files', DryRun['status']>>;
}

const numbered =
  (path: (nth: number) => string, more: Files = {}, wrap = (sql: string): string => sql) =>
  (...sqls: readonly string[]): Files => ({
    ...more,
    ...Object.fromEntries(sqls.map((sql, at) => [path(at + 1), wrap(sql)])),
  });

function drizzle(...sqls: readonly string[]): Files {
  const entries = sqls.map((_, idx) => ({
    idx,
    when: idx + 1,
    tag: `000${idx}`,
    breakpoints: true,
  }));
  const journal = JSON.stringify({ version: '7', dialect: 'postgresql', entries });
  return numbered((nth) => `drizzle/000${nth - 1}.sql`, { 'drizzle/meta/_journal.json': journal })(
    ...sqls,
  );
}

const lock = { 'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n' };
const runners: readonly Runner[] = [
  {
    name: 'drizzle',
    scope: 'batch',
    tree: drizzle,
    outcome: { alone: 'failed', two: 'failed', file: 'failed', files: 'failed' },
  },
  {
    name: 'prisma',
    scope: 'file',
    tree: numbered((nth) => `prisma/migrations/2026010${nth}000000_x/migration.sql`, lock),
    outcome: { alone: 'ok', two: 'failed', file: 'failed', files: 'ok' },
  },
  {
    name: 'golang-migrate',
    scope: 'file',
    tree: numbered((nth) => `migrations/${nth}_x.up.sql`),
    outcome: { alone: 'ok', two: 'failed', file: 'failed', files: 'ok' },
  },
  {
    name: 'goose',
    scope: 'file',
    tree: numbered(
      (nth) => `sql/${nth}_x.sql`,
      {},
      (sql) => `-- +goose NO TRANSACTION\n-- +goose Up\n${sql}`,
    ),
    outcome: { alone: 'ok', two: 'ok', file: 'ok', files: 'ok' },
  },
];

for (const { name, scope, tree, outcome } of runners) {
  test(`${name}: ${scope}`, async () => {
    const judge = async (history: readonly string[], added: readonly string[]): Promise<string> => {
      const base = treeOf(tree(...history));
      const head = treeOf(tree(...history, ...added));
      const plans = await planMigrations({ base, head, settings: { folders: null } });
      assert.deepEqual(
        plans.map((plan) => [plan.framework, plan.scope, plan.problems]),
        [[name, scope, []]],
      );
      return (await bench.run(plans)).status;
    };
    assert.deepEqual(
      {
        alone: await judge([USERS], [ALONE]),
        two: await judge([USERS], [TWO]),
        file: await judge([MOOD], [GROW + USE]),
        files: await judge([MOOD], [GROW, USE]),
      },
      outcome,
    );
  });
}
