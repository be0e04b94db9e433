/** Every framework on a tree of its own: what is applied and pending, where, in what scope. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { frameworks, planMigrations, unclaimedSql } from '../../src/migrations/plan.ts';
import { fixture, fixtureNames } from './fixtures.ts';
import { treeOf } from './tree.ts';

const settings = { folders: null };

for (const name of fixtureNames()) {
  const { base, head, expected } = fixture(name);
  test(`${name}: the change is planned as its runner would run it`, async () => {
    const [before, after] = [treeOf(base), treeOf(head)];
    const plans = await planMigrations({ base: before, head: after, settings });
    assert.equal(plans.length, 1, JSON.stringify(plans, null, 1));
    const [plan] = plans;
    assert.ok(plan);
    const pending = plan.pending.map(({ path, version, firstLine, transaction, down }) => {
      return { path, version, firstLine, transaction, down };
    });
    assert.deepEqual(
      {
        framework: plan.framework,
        folder: plan.folder,
        scope: plan.scope,
        pending,
        problems: plan.problems.map(({ code, path }) => ({ code, path })),
        unclaimed: unclaimedSql(before, after, plans),
      },
      expected,
    );
    assert.equal(plan.dialect, 'postgresql');
  });

  test(`${name}: the SQL of a step stands at its line of the file`, async () => {
    const plans = await planMigrations({ base: treeOf(base), head: treeOf(head), settings });
    for (const step of plans.flatMap((plan) => plan.pending)) {
      const content = head[step.path];
      assert.ok(content instanceof Uint8Array);
      const lines = new TextDecoder().decode(content).split('\n');
      const first = step.sql.split('\n')[0]?.replace('users', '') ?? '';
      assert.equal(lines[step.firstLine - 1]?.replace(/users|\$\{relation\}/, ''), first);
    }
  });

  test(`${name}: nothing changed means nothing planned, and nothing is read but settings`, async () => {
    const [before, after] = [treeOf(base), treeOf(base)];
    assert.deepEqual(await planMigrations({ base: before, head: after, settings }), []);
    assert.deepEqual([before.reads, after.reads], [[], []]);
  });

  test(`${name}: a new framework is pending as a whole`, async () => {
    const plans = await planMigrations({ base: treeOf({}), head: treeOf(head), settings });
    const both = await planMigrations({ base: treeOf(base), head: treeOf(head), settings });
    const all = (list: typeof plans, part: 'applied' | 'pending') =>
      list.flatMap((plan) => plan[part].map((step) => step.path));
    assert.deepEqual(all(plans, 'applied'), []);
    const wanted = new Set([...all(both, 'applied'), ...all(both, 'pending')]);
    assert.deepEqual(new Set(all(plans, 'pending')), wanted);
  });

  test(`${name}: the order of the tree's entries changes nothing`, async () => {
    const [before, after] = [treeOf(base), treeOf(head)];
    const plans = await planMigrations({ base: before, head: after, settings });
    const shuffled = fc.shuffledSubarray([...after.entries], { minLength: after.entries.length });
    const shuffledBase = fc.shuffledSubarray([...before.entries], {
      minLength: before.entries.length,
    });
    await fc.assert(
      fc.asyncProperty(shuffledBase, shuffled, async (baseEntries, headEntries) => {
        const again = await planMigrations({
          base: { ...before, entries: baseEntries },
          head: { ...after, entries: headEntries },
          settings,
        });
        assert.deepEqual(again, plans);
      }),
      { numRuns: 10, seed: 20260101 },
    );
  });
}

test('every framework has a fixture of its name and every fixture a framework', () => {
  assert.deepEqual(frameworks.map((each) => each.name).sort(), fixtureNames());
});

test('every framework has a row in the documentation, with its true figures', () => {
  const page = readFileSync(
    join(import.meta.dirname, '../../src/migrations/README.md'),
    'utf8',
  ).replace(/ +/g, ' ');
  for (const { name, title, runner } of frameworks) {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` |`));
    assert.ok(row, `src/migrations/README.md has no row for ${name}`);
    assert.ok(row.includes(title), `the row of ${name} does not say ${title}`);
    assert.ok(row.includes(`| ${runner.scope} |`), `${name} has the scope ${runner.scope}`);
    assert.ok(row.includes(`| ${runner.late} |`), `${name} treats late files as ${runner.late}`);
  }
});

test('names of frameworks are different', () => {
  assert.equal(new Set(frameworks.map((each) => each.name)).size, frameworks.length);
});
