/** Measures the dry run: long histories, large schemas, several at once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DryRun, MigrationPlan, MigrationStep } from '../../src/core/dry-run.ts';
import { sha256Hex } from '../../src/core/canonical.ts';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';

export interface Measured {
  readonly what: string;
  readonly measured: string;
  readonly reach: string;
  readonly ok: boolean;
}

function step(path: string, sql: string): MigrationStep {
  const common = { version: path, firstLine: 1, down: null, transaction: 'inherit' } as const;
  return { path, sql, blob: sha256Hex(sql), ...common };
}

function plan(applied: readonly string[], pending: string): MigrationPlan {
  return {
    framework: 'plain',
    folder: 'db',
    dialect: 'postgresql',
    scope: 'file',
    applied: applied.map((sql, i) => step(`db/${i}.sql`, sql)),
    pending: [step('db/new.sql', pending)],
    problems: [],
  };
}

const longHistory = Array.from(
  { length: 400 },
  (_, i) =>
    `create table h${i} (id serial primary key, name text not null, made timestamptz default now());
     create index on h${i} (name); alter table h${i} add column extra jsonb;`,
);

const largeSchema = Array.from({ length: 50 }, (_, i) =>
  Array.from(
    { length: 100 },
    (_unused, j) => `create table t${i}_${j} (id int primary key, a text, b int, c timestamptz);`,
  ).join('\n'),
);

async function timed(sandbox: Sandbox, it: MigrationPlan, rows: number): Promise<number> {
  const began = performance.now();
  const settings = { postgres: null, seed: [], rows, timeoutMs: 60_000 };
  const run: DryRun = await sandbox.dryRun({ owner: 'bench', plans: [it], settings });
  if (run.status !== 'ok') throw new Error(run.reason ?? run.status);
  return performance.now() - began;
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
}

async function repeated(times: number, work: (i: number) => Promise<number>): Promise<number> {
  const all: number[] = [];
  for (let i = 0; i < times; i += 1) all.push(await work(i));
  return median(all);
}

function line(what: string, ms: number, reachMs: number): Measured {
  const show = (value: number): string =>
    value < 2000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
  return { what, measured: show(ms), reach: `≤ ${show(reachMs)}`, ok: ms <= reachMs };
}

/** Every figure of the sandbox, in a folder of its own that is removed afterwards. */
export async function benchSandbox(): Promise<Measured[]> {
  const home = mkdtempSync(join(tmpdir(), 'tagout-bench-'));
  const sandbox = createSandbox({ cacheDir: home, maxConcurrent: 2 });
  try {
    await timed(sandbox, plan([], 'select 1'), 0);
    const small = plan(longHistory.slice(0, 50), 'alter table h1 drop column name');
    await timed(sandbox, small, 200);
    const found = [
      line(
        'dry run, 50-file history, warm, p50',
        await repeated(9, () => timed(sandbox, small, 200)),
        400,
      ),
    ];
    const long = plan(longHistory, 'alter table h7 add column z int');
    found.push(line('400-file history, cold', await timed(sandbox, long, 0), 12_000));
    found.push(
      line('400-file history, warm, p50', await repeated(7, () => timed(sandbox, long, 0)), 600),
    );
    found.push(
      line('400-file history with 200 rows a table, cold', await timed(sandbox, long, 200), 12_000),
    );
    const large = plan(largeSchema, 'alter table t7_7 drop column a');
    found.push(line('5,000 tables, cold', await timed(sandbox, large, 0), 90_000));
    found.push(
      line('5,000 tables, warm, p50', await repeated(3, () => timed(sandbox, large, 0)), 6000),
    );
    const one = await repeated(4, () => timed(sandbox, small, 200));
    const began = performance.now();
    await Promise.all(Array.from({ length: 8 }, () => timed(sandbox, small, 200)));
    found.push(line('8 dry runs at once', performance.now() - began, 8 * one * 1.2));
    return found;
  } finally {
    await sandbox.close();
    rmSync(home, { recursive: true, force: true });
  }
}
