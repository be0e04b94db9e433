/** Will the production runner apply this file at all: every framework with every kind of change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DryRun } from '../../src/core/dry-run.ts';
import { findRun } from '../../src/core/findings/run.ts';
import { frameworks, planMigrations } from '../../src/migrations/plan.ts';
import { type CaseName, cases, treesOf } from './runner-cases.ts';
import { type Outcome, type Row, runnerTable } from './runner-table.ts';
import { treeOf } from './tree.ts';

const names = Object.keys(cases).filter((name): name is CaseName => name in cases);

async function planned(framework: string, name: CaseName) {
  const { base, head, asked } = treesOf(framework, name);
  const plans = await planMigrations({
    base: treeOf(base),
    head: treeOf(head),
    settings: { folders: null },
  });
  const problems = plans.flatMap((plan) => plan.problems);
  const pending = new Set(plans.flatMap((plan) => plan.pending.map((step) => step.path)));
  return {
    owners: plans.map((plan) => plan.framework),
    codes: [...new Set(problems.map(({ code }) => code))].sort(),
    problems,
    ran: asked.filter((path) => pending.has(path)),
  };
}

/** What must be true of the plan, whatever the codes: nothing wrong may pass unsaid. */
function laws(outcome: Outcome, codes: readonly string[], ran: readonly string[]): void {
  const history = codes.some((code) => code.startsWith('history-'));
  const law: Readonly<Record<Outcome, boolean>> = {
    applies: codes.length === 0 && ran.length > 0,
    late: codes.includes('out-of-order') && ran.length > 0,
    again: history && ran.length > 0,
    skips: codes.length > 0 && ran.length === 0,
    ignores: history && ran.length === 0,
    refuses: codes.length > 0,
    unknown: codes.length > 0,
  };
  assert.ok(law[outcome], `${outcome}: ${codes.join(' ')}; run: ${ran.join(' ')}`);
}

for (const { framework, cells } of runnerTable) {
  for (const name of names) {
    const cell = cells[name];
    if (cell === undefined) continue;
    const [outcome, ...codes] = cell;
    test(`${framework}: ${cases[name].says}: the runner ${outcome}`, async () => {
      const seen = await planned(framework, name);
      assert.deepEqual(seen.owners, [framework]);
      assert.deepEqual(seen.codes, codes.toSorted(), JSON.stringify(seen.problems, null, 1));
      laws(outcome, seen.codes, seen.ran);
      for (const { message } of seen.problems) assert.match(message, /^[A-Z\w].*\.$/s);
    });
  }
}

test('every framework whose files are SQL is in the table, with every case that can be', () => {
  const sql = frameworks.filter(({ recipe }) => recipe === undefined).map(({ name }) => name);
  assert.deepEqual(runnerTable.map((row) => row.framework).toSorted(), sql.toSorted());
  /** No checksums or journal; no numbers below the applied ones; changes without numbers. */
  const cannotBe: Readonly<Record<string, readonly CaseName[]>> = {
    checksum: ['checksum'],
    'postgres-migrations': ['late'],
    sqitch: ['duplicate', 'twins'],
  };
  const hasState = ['drizzle', 'liquibase', 'atlas', 'sqitch'];
  for (const { framework, cells } of runnerTable) {
    const left = names.filter((name) => cells[name] === undefined);
    const none = hasState.includes(framework) ? [] : (cannotBe['checksum'] ?? []);
    assert.deepEqual(
      left,
      names.filter((name) => [...none, ...(cannotBe[framework] ?? [])].includes(name)),
    );
  }
});

test('golang-migrate: an up file that comes after its down file never runs', async () => {
  const base = { 'migrations/1_a.up.sql': 'SELECT 1;\n', 'migrations/2_b.down.sql': 'SELECT 2;\n' };
  const head = { ...base, 'migrations/2_b.up.sql': 'DROP TABLE users;\n' };
  const settings = { folders: null };
  const [plan] = await planMigrations({ base: treeOf(base), head: treeOf(head), settings });
  const found = plan?.problems.map(({ code, path }) => `${code} ${path}`);
  assert.deepEqual(found, ['skipped-by-runner migrations/2_b.up.sql']);
  assert.deepEqual(plan?.pending, []);
});

test('every problem that the table knows becomes a finding of radius high at least', async () => {
  for (const { framework, cells } of runnerTable) await heldIn(framework, cells);
});

const emptyRun: DryRun = {
  status: 'ok',
  reason: null,
  engine: null,
  durationsMs: { baseline: 0, run: 0, total: 0 },
  baselineCached: false,
  folders: [],
  problems: [],
};

async function heldIn(framework: string, cells: Row['cells']): Promise<void> {
  for (const name of names) {
    if (cells[name] === undefined || cells[name].length === 1) continue;
    const { problems } = await planned(framework, name);
    const findings = findRun({ ...emptyRun, problems });
    assert.equal(findings.length, problems.length);
    for (const { radius, id } of findings) assert.ok(radius !== 'low' && radius !== 'medium', id);
  }
}
