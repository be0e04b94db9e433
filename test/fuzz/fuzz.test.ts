/** A short run of every target; `npm run fuzz` goes on for as long as one likes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SECRET, type Setting, startSetting } from '../web/setting.ts';
import { fuzz } from './main.ts';
import { doorTarget, PASSES, TARGETS } from './targets.ts';

let setting: Setting;
before(async () => {
  setting = await startSetting();
});
after(() => setting.close());

test('spoilt input crashes nothing, allows nothing and fills no memory', async (t) => {
  const seed = Number(process.env['SEED'] ?? 1);
  const done = await fuzz([...TARGETS, doorTarget(setting, SECRET)], { seed, seconds: 5 });
  t.diagnostic(`seed ${seed}: ${done.cases} cases, ${done.grewMb.toFixed(0)} MB more`);
  assert.deepEqual(done.failures, []);
  assert.ok(done.cases > 100, String(done.cases));
  assert.ok(done.grewMb < 400, `${done.grewMb} MB`);
});

test('the fuzzer itself finds a crash', async () => {
  const broken = { name: 'broken', run: () => assert.fail('found') };
  const done = await fuzz([broken], { seed: 1, seconds: 0.2 });
  assert.match(done.failures[0] ?? '', /broken, seed 1, case 0: .*found/s);
});

test('without spoilt input the change of the policy target is allowed', () => {
  assert.equal(PASSES, 'allow');
});
