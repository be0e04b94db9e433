/** Findings that weaken the proof itself, each with its harmless twin. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingsOf } from '../../src/core/findings-of.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { aChange, aFolder, aRun } from './change.ts';

test('what a dump has and the dry run may not make is told for each, and is medium', () => {
  const observation = {
    ...(aFolder().observation ?? assert.fail()),
    leftOut: ['event trigger a'],
  };
  const run = aRun(aFolder({ observation }));
  const found = findingsOf(aChange({ dryRun: run, files: [] }), defaultPolicy);
  const told = found.filter(({ id }) => id === 'baseline-incomplete');
  assert.deepEqual(
    told.map(({ object, radius }) => [object, radius]),
    [['event trigger a', 'medium']],
  );
  const twin = findingsOf(aChange({ dryRun: aRun(aFolder()), files: [] }), defaultPolicy);
  assert.ok(twin.every(({ id }) => id !== 'baseline-incomplete'));
});
