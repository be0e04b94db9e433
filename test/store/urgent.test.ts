/** What is urgent goes before what can wait, and never stops it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createUrgent } from '../../src/store/urgent.ts';

describe('what is urgent', () => {
  test('keeps others waiting until nothing of it is under way, then lets them go in order', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
    const urgent = createUrgent();
    const gate = Promise.withResolvers<void>();
    const told: string[] = [];
    const running = urgent.run(() => gate.promise);
    const first = urgent.pass(1_000).then(() => told.push('first'));
    const second = urgent.pass(1_000).then(() => told.push('second'));
    t.mock.timers.tick(999);
    await Promise.resolve();
    assert.deepEqual(told, [], 'a gate is under way');
    gate.resolve();
    await running;
    // Its limit has not come, so that only the quiet after the gate can let it go.
    t.mock.timers.tick(0);
    assert.deepEqual(told, [], 'the next urgent piece may follow at once');
    const next = Promise.withResolvers<void>();
    const more = urgent.run(() => next.promise);
    t.mock.timers.reset();
    next.resolve();
    await more;
    await Promise.all([first, second]);
    assert.deepEqual(told, ['first', 'second']);
  });

  test('puts others off no longer than their limit', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const urgent = createUrgent();
    const never = Promise.withResolvers<void>();
    void urgent.run(() => never.promise);
    const passed = urgent.pass(1_000);
    t.mock.timers.tick(1_000);
    await passed;
  });

  test('that fails is over too', async () => {
    const urgent = createUrgent();
    await assert.rejects(
      urgent.run(() => Promise.reject(new Error('no'))),
      /no/,
    );
    await urgent.pass(1_000_000);
  });
});
