/** Real-sized histories, and laws that hold for any change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { frameworks, planMigrations, unclaimedSql } from '../../src/migrations/plan.ts';
import { compareBytes, linesOf } from '../../src/migrations/text.ts';
import { statementsOf } from '../../src/migrations/lexer.ts';
import type { MigrationStep } from '../../src/core/dry-run.ts';
import { fixture, fixtureNames } from './fixtures.ts';
import { historyOf, layouts } from './histories.ts';
import { type Move, movesOf } from './moves.ts';
import { type Content, laidOver, treeOf } from './tree.ts';

const COUNT = 400;
const settings = { folders: null };

test('every framework of SQL files has a generated history', () => {
  const sql = frameworks
    .map((each) => each.name)
    .filter((name) => {
      return fixture(name).expected.pending.length > 0;
    });
  assert.deepEqual(Object.keys(layouts).sort(), sql.sort());
});

/** Every statement of the migrations, in their order, in the texts of the steps. */
function hasInOrder(steps: readonly MigrationStep[], moves: readonly Move[]): void {
  const all = steps.map((step) => step.sql).join('\n');
  let at = 0;
  for (const sql of moves.flatMap((move) => move.up)) {
    const found = all.indexOf(sql, at);
    assert.ok(found >= at, `not in its place: ${sql}`);
    at = found + sql.length;
  }
}

for (const name of Object.keys(layouts)) {
  test(`${name}: ${COUNT} applied files in the runner's order and one new one`, async () => {
    const [base, head] = [treeOf(historyOf(name, COUNT)), treeOf(historyOf(name, COUNT + 1))];
    const plans = await planMigrations({ base, head, settings });
    assert.deepEqual(
      plans.map((plan) => [plan.framework, plan.problems]),
      [[name, []]],
    );
    const [plan] = plans;
    assert.ok(plan);
    const moves = movesOf(COUNT + 1, layouts[name]?.concurrently ?? true);
    hasInOrder(plan.applied, moves.slice(0, -1));
    hasInOrder(plan.pending, moves.slice(-1));
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
