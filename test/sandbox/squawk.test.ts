/** Advice beside the proof: what squawk says, and that it decides nothing. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Advice, DryRun } from '../../src/core/dry-run.ts';
import { findingsOf } from '../../src/core/findings-of.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { shownDigest } from '../../src/core/shown.ts';
import { dryRunWords } from '../../src/core/words/dry-run.ts';
import { adviceOn, squawkProgram } from '../../src/sandbox/squawk.ts';
import { aChange as change } from '../core/change.ts';
import { type Bench, open, plan, step } from './helpers.ts';

const INDEX = 'create index at_email on users (email)';

function rulesOf(advice: Advice | null | undefined): readonly string[] {
  return (advice?.rows ?? []).map(({ rule }) => rule);
}

describe('advice', () => {
  let bench: Bench;
  let home: string;
  before(() => {
    bench = open();
    home = mkdtempSync(join(tmpdir(), 'squawk-'));
    chmodSync(home, 0o755);
  });
  after(async () => {
    await bench.close();
    rmSync(home, { recursive: true, force: true });
  });

  test('comes with the safer form and the line, beside a dry run', async () => {
    const sql = `-- a comment\n\n${INDEX};\n`;
    const run = await bench.run(plan(['create table users (email text)'], [sql]));
    assert.equal(run.status, 'ok');
    assert.match(run.advice?.by ?? '', /^squawk 2\.\d+\.\d+$/);
    const row = run.advice?.rows.find(({ rule }) => rule === 'require-concurrent-index-creation');
    assert.deepEqual([row?.path, row?.line], ['db/0002.sql', 3]);
    assert.match(row?.safer ?? '', /concurrently/);
    const told = dryRunWords(change({ dryRun: run })).join('\n');
    assert.match(
      told,
      /Advice of .?squawk.*which decides nothing.*line 3: .*Safer: .*concurrently/s,
    );
  });

  test('knows the runner: in its transaction CONCURRENTLY is another thing', async () => {
    const concurrent = 'select 1; create index concurrently at_email on users (email)';
    const within = await adviceOn([plan([], [concurrent], { scope: 'batch' })], '18.4');
    const alone = await adviceOn([plan([], [concurrent], { scope: 'statement' })], '18.4');
    assert.ok(rulesOf(within).includes('ban-concurrent-index-creation-in-transaction'));
    assert.ok(!rulesOf(alone).includes('ban-concurrent-index-creation-in-transaction'));
  });

  test('comments that switch rules off have no effect', async () => {
    for (const comment of [
      '-- squawk-ignore-file',
      '-- squawk-ignore require-concurrent-index-creation',
    ]) {
      const advice = await adviceOn([plan([], [`${comment}\n${INDEX};`])], '18.4');
      assert.ok(rulesOf(advice).includes('require-concurrent-index-creation'), comment);
    }
  });

  test('decides nothing: findings and what an approval binds to are the same without it', async () => {
    const told = await bench.run(plan(['create table users (email text)'], [INDEX]));
    assert.ok(rulesOf(told.advice).length > 0);
    const silent: DryRun = { ...told, advice: null };
    const [one, other] = [change({ dryRun: told }), change({ dryRun: silent })];
    const findings = findingsOf(one, defaultPolicy);
    assert.deepEqual(findingsOf(other, defaultPolicy), findings);
    assert.equal(shownDigest(one, findings, 'high'), shownDigest(other, findings, 'high'));
  });

  test('that there is none is named', async () => {
    assert.equal(await adviceOn([plan([], [INDEX])], '18.4', null), null);
    const run = await bench.run(plan(['create table users (email text)'], [INDEX]));
    const told = dryRunWords(change({ dryRun: { ...run, advice: null } })).join('\n');
    assert.match(told, /Advice is not available/);
  });

  const broken: readonly (readonly [string, string])[] = [
    ['that fails', '#!/bin/sh\nexit 3\n'],
    ['that prints something else', '#!/bin/sh\necho "squawk 2.0.0"\n'],
    ['that is killed', '#!/bin/sh\nkill -9 $$\n'],
    ['that prints too much', '#!/bin/sh\necho squawk 2.0.0; exec yes\n'],
  ];
  for (const [name, script] of broken) {
    test(`a program ${name} gives none, and the dry run goes on`, async () => {
      const program = join(home, name.replaceAll(' ', '-'));
      writeFileSync(program, script, { mode: 0o755 });
      assert.equal(await adviceOn([plan([], [INDEX])], '18.4', program), null);
    });
  }

  test('SQL that is no SQL, hostile or huge ends as advice or none', async () => {
    const sqls = ['\0', ')'.repeat(100_000), `select ${'('.repeat(20_000)}`, 'x'.repeat(2_000_000)];
    for (const sql of sqls) {
      const advice = await adviceOn([plan([], [step('a.sql', sql)])], '18.4');
      assert.ok(advice === null || advice.rows.length === 0, JSON.stringify(advice)?.slice(0, 200));
    }
  });

  test('the program comes with the package of this platform', () => {
    assert.match(squawkProgram() ?? '', /@squawk-cli/);
  });
});
