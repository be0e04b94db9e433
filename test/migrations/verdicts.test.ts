/** What each runner would do with changes that are not plain additions: a table of verdicts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planMigrations } from '../../src/migrations/plan.ts';
import { fixture } from './fixtures.ts';
import { laidOver, treeOf } from './tree.ts';
import { firstVerdicts } from './verdicts-first.ts';
import { moreVerdicts } from './verdicts-more.ts';

for (const verdict of [...firstVerdicts, ...moreVerdicts]) {
  test(`${verdict.fixture}: ${verdict.when}`, async () => {
    const { base } = fixture(verdict.fixture);
    const head = laidOver(base, verdict.change);
    const settings = { folders: null };
    const plans = await planMigrations({ base: treeOf(base), head: treeOf(head), settings });
    const problems = plans.flatMap((plan) => plan.problems);
    assert.deepEqual(
      {
        problems: problems.map(({ code, path }) => `${code} ${path}`),
        pending: plans.flatMap((plan) => plan.pending.map((step) => step.path)),
      },
      { problems: verdict.problems, pending: verdict.pending },
      JSON.stringify(problems, null, 1),
    );
    if (verdict.says !== undefined) assert.match(problems[0]?.message ?? '', verdict.says);
    for (const { message } of problems) assert.match(message, /^[A-Z\w].*\.$/s);
  });
}
