/** What is kept of merged pull requests, so that the gate asks GitHub for less. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openTestStore, type TestStore } from './help.ts';
import { repoOf } from './judged.ts';

let t: TestStore;
before(async () => {
  t = await openTestStore();
});
after(() => t.close());

test('kept once, by repository and key, and never replaced', async () => {
  const { memory } = t.store;
  const [repo, other] = [repoOf(71), repoOf(72)];
  await memory.keepSettled?.(repo, 'a', 'first');
  await memory.keepSettled?.(repo, 'a', 'second');
  await memory.keepSettled?.(repo, 'b', 'more');
  const kept = await memory.settled?.(repo, ['a', 'b', 'c']);
  assert.deepEqual(
    kept,
    new Map([
      ['a', 'first'],
      ['b', 'more'],
    ]),
  );
  assert.deepEqual(await memory.settled?.(other, ['a', 'b']), new Map());
});
