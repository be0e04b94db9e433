/** Printed plans for each framework in code: taken, missing, and refused when the change decides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PRINTED_PLAN } from '../../src/core/dry-run.ts';
import { frameworks, planMigrations } from '../../src/migrations/plan.ts';
import {
  type Printed,
  touchedPrinting,
  withPrinted,
  writtenInCode,
} from '../../src/migrations/printed-plan.ts';
import { fixture } from './fixtures.ts';
import { type Files, treeOf } from './tree.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const PLAN: Printed = {
  kind: 'plan',
  files: [
    { path: 'base.sql', content: bytes('create table users (id int);') },
    { path: 'change.sql', content: bytes('alter table users drop column id;') },
  ],
  source: '.github/workflows/plan.yml',
  runId: 7,
};

/** What decides the printing of each: a change of it in the same pull request refuses the plan. */
const CONFIGURATION: Readonly<Record<string, readonly string[]>> = {
  rails: [
    'config/database.yml',
    'config/application.rb',
    'config/environments/test.rb',
    'Rakefile',
  ],
  alembic: ['alembic.ini', 'alembic/env.py', 'alembic/script.py.mako', 'pyproject.toml'],
  django: ['manage.py', 'shop/settings.py', 'shop/settings/production.py'],
  knex: ['knexfile.js', 'server/knexfile.ts'],
  typeorm: ['src/data-source.ts', 'ormconfig.json', 'src/dataSource.ts', 'src/app-data-source.ts'],
  sequelize: ['.sequelizerc', 'config/config.json', 'config/database.js'],
  'db-migrate': ['database.json', '.db-migraterc'],
  'node-pg-migrate-js': ['.npmrc', '.env'],
};

async function planned(name: string) {
  const { base, head } = fixture(name);
  const settings = { folders: null };
  return planMigrations({ base: treeOf(base), head: treeOf(head), settings });
}

for (const name of Object.keys(CONFIGURATION)) {
  test(`${name}: a plan stands for its migrations, and without one the recipe is told`, async () => {
    const plans = await planned(name);
    const framework = frameworks.find((each) => each.name === name);
    const inCode = writtenInCode(plans);
    assert.ok(inCode.length > 0);
    for (const { code, message } of inCode) {
      assert.equal(code, 'not-judged');
      assert.ok(message.includes(framework?.recipe ?? '?') && message.includes(PRINTED_PLAN));
    }
    const none = withPrinted(plans, { kind: 'none' }, undefined);
    assert.deepEqual(none, { plans, stated: null });

    const taken = withPrinted(plans, PLAN, undefined);
    assert.deepEqual(writtenInCode(taken.plans), []);
    assert.equal(taken.stated?.migrations, inCode.length);
    const steps = taken.plans.flatMap((plan) => plan.pending.map(({ path }) => path));
    assert.deepEqual(steps, [`${PRINTED_PLAN}/change.sql`]);

    const refused = withPrinted(plans, { kind: 'refused', why: 'It is another.' }, undefined);
    assert.equal(refused.stated, null);
    assert.equal(writtenInCode(refused.plans).length, inCode.length);
    assert.ok(refused.plans.some(({ problems }) => problems[0]?.message === 'It is another.'));
  });

  const workflow = '.github/workflows/plan.yml';
  for (const path of [workflow, ...(CONFIGURATION[name] ?? [])]) {
    test(`${name}: a change of ${path} refuses the plan`, async () => {
      const { base, head } = fixture(name);
      const before: Files = { ...base, [workflow]: 'on: pull_request\n', [path]: 'a\n' };
      const trees = { base: treeOf(before), head: treeOf({ ...before, ...head, [path]: 'b\n' }) };
      assert.match((await touchedPrinting(trees, workflow)) ?? '', /not taken/);
      const same = { base: treeOf(before), head: treeOf({ ...head, ...before }) };
      assert.equal(await touchedPrinting(same, workflow), null);
    });
  }
}

test('every framework in code that has a recipe of its own is asked', () => {
  const known = Object.keys(CONFIGURATION);
  const own = frameworks.filter(({ recipe, name }) => recipe !== undefined && known.includes(name));
  assert.equal(own.length, known.length);
});
