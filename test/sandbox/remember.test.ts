import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DryRun, type DryRunRequest, NO_DRY_RUN } from '../../src/core/dry-run.ts';
import { rememberDryRuns } from '../../src/sandbox/remember.ts';

const step = {
  path: 'migrations/1_a.sql',
  blob: 'b1',
  version: '1',
  sql: 'select 1',
  firstLine: 1,
  down: null,
  transaction: 'inherit' as const,
};

function request(sql: string, owner: string = '1:2'): DryRunRequest {
  const plan = {
    framework: 'plain',
    folder: 'migrations',
    dialect: 'postgresql' as const,
    scope: 'file' as const,
    applied: [],
    pending: [{ ...step, sql }],
    problems: [],
  };
  return { owner, plans: [plan], settings: { postgres: null, seed: [], rows: 0, timeoutMs: 1 } };
}

function counting(status: DryRun['status'], entries: number = 2) {
  const clock = { nowMs: 0, runs: 0 };
  const runDry = rememberDryRuns({
    entries,
    maxAgeMs: 1000,
    now: () => clock.nowMs,
    runDry: async () => {
      clock.runs += 1;
      return { ...NO_DRY_RUN, status };
    },
  });
  return { clock, runDry };
}

test('the same request is looked up, another content or owner is run', async () => {
  const { clock, runDry } = counting('ok', 9);
  await runDry(request('select 1'));
  await runDry(request('select 1'));
  assert.equal(clock.runs, 1);
  await runDry(request('select 2'));
  await runDry(request('select 1', 'other'));
  assert.equal(clock.runs, 3);
});

test('requests at the same time share one run', async () => {
  const { clock, runDry } = counting('ok');
  await Promise.all([runDry(request('select 1')), runDry(request('select 1'))]);
  assert.equal(clock.runs, 1);
});

test('what could not be compared is run again', async () => {
  const { clock, runDry } = counting('not-comparable');
  await runDry(request('select 1'));
  await new Promise(setImmediate);
  await runDry(request('select 1'));
  assert.equal(clock.runs, 2);
});

test('a run that threw is not kept', async () => {
  let runs = 0;
  const runDry = rememberDryRuns({
    entries: 2,
    maxAgeMs: 1000,
    now: () => 0,
    runDry: () => {
      runs += 1;
      return Promise.reject(new Error('no disk'));
    },
  });
  await assert.rejects(runDry(request('select 1')));
  await new Promise(setImmediate);
  await assert.rejects(runDry(request('select 1')));
  assert.equal(runs, 2);
});

test('old results and the least recently used go', async () => {
  const { clock, runDry } = counting('ok');
  await runDry(request('a'));
  await runDry(request('b'));
  await runDry(request('a'));
  await runDry(request('c'));
  assert.equal(clock.runs, 3);
  await runDry(request('a'));
  assert.equal(clock.runs, 3, 'a was used since');
  await runDry(request('b'));
  assert.equal(clock.runs, 4, 'b had to go');
  clock.nowMs = 1000;
  await runDry(request('b'));
  assert.equal(clock.runs, 5, 'too old');
});
