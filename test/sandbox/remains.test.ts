/** What is left of a run goes behind its answer; that it did not go is heard all the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Remains } from '../../src/sandbox/remains.ts';

test('all of them are waited for, those that came meanwhile too', async () => {
  const remains = new Remains();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const gone: string[] = [];
  remains.take(first.promise.then(() => remains.take(second.promise)));
  const all = remains.gone().then(() => gone.push('all'));
  first.resolve();
  await new Promise(setImmediate);
  assert.deepEqual(gone, []);
  second.resolve();
  await all;
  remains.check();
});

test('a folder that could not be removed is told of once, by the next run', async () => {
  const remains = new Remains();
  remains.take(Promise.reject(new Error('no space left')));
  await remains.gone();
  assert.throws(() => remains.check(), /no space left/);
  remains.check();
});
