/** Somebody walks round the dry run: nothing may get past it in silence. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { findRun } from '../../src/core/findings/run.ts';
import { HISTORY, SEED } from './observation-cases.ts';
import { type Bench, open, plan } from './helpers.ts';
import { DAILY, WALK } from './walk-cases.ts';

describe('a walk round the dry run', () => {
  let bench: Bench;
  before(() => {
    bench = open();
  });
  after(() => bench.close());

  async function findings(history: string | undefined, sql: string) {
    const applied = history === undefined ? HISTORY : [...HISTORY, history];
    const run = await bench.run(plan(applied, [sql]), { seed: SEED });
    assert.equal(run.status, 'ok', run.reason ?? '');
    return findRun(run);
  }

  for (const { name, before: history, sql, told } of WALK) {
    test(name, async () => {
      const found = (await findings(history, sql)).map((f) => `${f.radius} ${f.id} ${f.object}`);
      for (const one of told) assert.ok(found.includes(one), `${one} of\n${found.join('\n')}`);
    });
  }

  for (const [name, history, sql] of DAILY) {
    test(`twin: ${name}`, async () => {
      const found = await findings(history, sql);
      const grave = found.filter(({ radius }) => radius === 'high' || radius === 'critical');
      assert.deepEqual(
        grave.map(({ id, object }) => `${id} ${object}`),
        [],
      );
    });
  }
});
