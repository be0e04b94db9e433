/** How old is old: days by the clock, months by the calendar; never a day too early. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageBeforeMs } from '../../src/cli/redact.ts';
import { run } from '../../src/cli.ts';
import { keptIo } from './io.ts';

const before = (age: string, now: string): string | null => {
  const ms = ageBeforeMs(age, Date.parse(now));
  return ms === null ? null : new Date(ms).toISOString().slice(0, 16);
};

test('an age is counted by days or by the calendar', () => {
  assert.equal(before('400d', '2026-11-23T09:00Z'), '2025-10-19T09:00');
  assert.equal(before('12mo', '2026-11-23T09:00Z'), '2025-11-23T09:00');
  assert.equal(before('7y', '2026-11-23T09:00Z'), '2019-11-23T09:00');
  assert.equal(before('12mo', '2028-02-29T09:00Z'), '2027-02-28T09:00', 'kept longer, not shorter');
  assert.equal(before('7y', '2028-02-29T09:00Z'), '2021-02-28T09:00');
  for (const wrong of ['1d', '', 'toString', '7Y']) assert.equal(before(wrong, '2026-11-23'), null);
});

for (const [what, args] of Object.entries({
  'neither text nor age': [],
  'both text and age': ['marta', '--older-than', '7y'],
  'another age': ['--older-than', '30d'],
  'a text of two letters': ['ma'],
})) {
  test(`redact refuses ${what} before it opens anything`, async () => {
    assert.equal(await run(['redact', ...args, '--basis', 'x'], keptIo({})), 64);
  });
}
