/** What the comparison of GitHub's state with ours takes for missed. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KnownSubject } from '../../src/store/sweep.ts';
import { compare } from '../../src/store/sweep-compare.ts';

const repo = { installationId: 1, id: 10, owner: 'acme', name: 'shop' };
const NOW_MS = Date.UTC(2026, 10, 2, 12);
const READ_MS = NOW_MS - 600_000;
const sha = 'a'.repeat(40);

function looked(updatedAtMs: number, known: Partial<KnownSubject> = {}) {
  const key = '1:10:pull:7';
  const subject = { key, sha, readAtMs: READ_MS, verdict: 'hold', checkRunId: 5, ...known };
  const pulls = [{ number: 7, headSha: sha, updatedAtMs }];
  const seen = { repo, pulls, waiting: [], merged: [], deployments: [] };
  const { triggers, checks } = compare(seen, new Map([[key, subject]]), NOW_MS);
  return { because: triggers.map((one) => one.because), checks: checks.length };
}

describe('an open pull request', () => {
  test('that changed after it was read is looked at', () => {
    assert.deepEqual(looked(READ_MS + 60_000).because, ['missed.change']);
  });

  test('that changed in the second in which it was read is looked at: times are whole seconds', () => {
    assert.deepEqual(looked(READ_MS).because, ['missed.change']);
    assert.deepEqual(looked(READ_MS - 1_000).because, ['missed.change']);
  });

  test('that was read well after its last change is not', () => {
    assert.deepEqual(looked(READ_MS - 60_000).because, []);
  });

  test('has its check looked for, also when it changed', () => {
    assert.equal(looked(READ_MS - 60_000).checks, 1);
    assert.equal(looked(READ_MS + 60_000).checks, 1);
    assert.equal(looked(READ_MS + 60_000, { sha: 'b'.repeat(40) }).checks, 0);
    assert.equal(looked(READ_MS, { checkRunId: null }).checks, 0);
  });
});
