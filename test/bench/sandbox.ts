/** Measures the dry run: long histories, large schemas, several at once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DryRun, MigrationPlan, MigrationStep } from '../../src/core/dry-run.ts';
import { sha256Hex } from '../../src/core/canonical.ts';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { timeAlone } from './sandbox-peer.ts';
import { timeSquawk } from './squawk-alone.ts';

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

interface Wish {
  readonly rows: number;
  readonly seed?: string;
}

async function timed(sandbox: Sandbox, it: MigrationPlan, wish: number | Wish): Promise<number> {
  const began = performance.now();
  const { rows, seed: sql } = typeof wish === 'number' ? { rows: wish, seed: undefined } : wish;
  const seed = sql === undefined ? [] : [{ path: 'seed.sql', sql }];
  const settings = { postgres: null, seed, rows, timeoutMs: 60_000 };
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

const large = 'create table big (id int primary key, v text, n int)';
const fill = `insert into big select i, 'name ' || i, i % 100 from generate_series(1, 400000) i`;

/** SQL that takes long by itself, and what it takes with the whole proof around it. */
const HEAVY: readonly { readonly what: string; readonly sql: string }[] = [
  {
    what: 'five index builds on 400,000 rows',
    sql: [1, 2, 3, 4, 5].map((n) => `create index b${n} on big (v, n)`).join('; '),
  },
  {
    what: 'join that reads 400,000 rows',
    sql: 'select count(*) from big a join big b using (n) where a.id < 4000',
  },
  { what: 'every row of 400,000 updated', sql: 'update big set v = upper(v)' },
  {
    what: '800,000 rows inserted',
    sql: 'insert into big select id + 400000 * i, v, n from big, generate_series(1, 2) i',
  },
  {
    what: '800,000 rows inserted, then all rows deleted',
    sql: `insert into big select id + 400000 * i, v, n from big, generate_series(1, 2) i;
      delete from big`,
  },
  {
    what: 'a type changed that rewrites 400,000 rows, with three indexes',
    sql: 'create index on big (v); create index on big (n); alter table big alter n type int8',
  },
];

/** Medians of both, taken in turn, so that whatever else the machine does meets both alike. */
async function paired(
  times: number,
  left: () => Promise<number>,
  right: () => Promise<number>,
): Promise<readonly [number, number]> {
  const all: { left: number; right: number }[] = [];
  for (let i = 0; i < times; i += 1) all.push({ left: await left(), right: await right() });
  return [median(all.map((one) => one.left)), median(all.map((one) => one.right))];
}

function ratio(what: string, [whole, peer]: readonly [number, number]): Measured {
  const times = whole / peer;
  const measured = `${times.toFixed(2)} × (${Math.round(whole)} ms of ${Math.round(peer)} ms)`;
  return { what, measured, reach: '≤ 1.3 ×', ok: times <= 1.3 };
}

/** The dry run beside the same SQL alone, both on a copy of the same baseline. */
export async function benchSandboxPeer(): Promise<Measured[]> {
  const home = mkdtempSync(join(tmpdir(), 'tagout-bench-'));
  const sandbox = createSandbox({ cacheDir: home, maxConcurrent: 2 });
  const served = createSandbox({ cacheDir: home, maxConcurrent: 2, ready: 1 });
  try {
    const found: Measured[] = [];
    const small = 'alter table h1 drop column name';
    const short = plan(longHistory.slice(0, 50), small);
    await timed(sandbox, short, 200);
    const [dry, alone] = await paired(
      5,
      () => timed(sandbox, short, 200),
      () => timeAlone(home, small),
    );
    found.push(line('dry run of a short change, SQL alone × 1.5 + 250 ms', dry, alone * 1.5 + 250));
    for (const { what, sql } of HEAVY) {
      const it = plan([large], sql);
      const wish = { rows: 0, seed: fill };
      await timed(served, it, wish);
      const both = await paired(
        5,
        async () => {
          await served.idle();
          return timed(served, it, wish);
        },
        async () => {
          // The next copy is being made ready: not while the other side is measured.
          await served.idle();
          return timeAlone(home, sql);
        },
      );
      found.push(ratio(`dry run of ${what} in a running server, beside its SQL alone`, both));
    }
    return found;
  } finally {
    await sandbox.close();
    await served.close();
    rmSync(home, { recursive: true, force: true });
  }
}

/** The whole proof as a running server gives it, beside a linter's process on the same file. */
async function besideSquawk(): Promise<Measured[]> {
  const home = mkdtempSync(join(tmpdir(), 'tagout-bench-'));
  const sandbox = createSandbox({ cacheDir: home, maxConcurrent: 2, ready: 1 });
  try {
    const sql = 'alter table h1 drop column name';
    const small = plan(longHistory.slice(0, 50), sql);
    const found: Measured[] = [];
    const squawkMs = timeSquawk(sql);
    const beside = (what: string, ms: number): void => {
      const of = `${(ms / squawkMs).toFixed(1)} × (${ms.toFixed(0)} ms of ${squawkMs.toFixed(1)} ms)`;
      found.push({ what, measured: of, reach: '≤ 10 ×', ok: ms <= 10 * squawkMs });
    };
    await timed(sandbox, small, 200);
    const proof = await repeated(9, async () => {
      await sandbox.idle();
      return timed(sandbox, small, 200);
    });
    beside(
      'whole proof in a running server whose copy stands ready, beside the process of squawk',
      proof,
    );
    const unready = createSandbox({ cacheDir: home, maxConcurrent: 2 });
    const own = await repeated(9, () => timed(unready, small, 200));
    await unready.close();
    beside('the same when the copy must be made first', own);
    return found;
  } finally {
    await sandbox.close();
    rmSync(home, { recursive: true, force: true });
  }
}

/** Every figure of the sandbox, in a folder of its own that is removed afterwards. */
export async function benchSandbox(): Promise<Measured[]> {
  const home = mkdtempSync(join(tmpdir(), 'tagout-bench-'));
  const sandbox = createSandbox({ cacheDir: home, maxConcurrent: 2 });
  try {
    await timed(sandbox, plan([], 'select 1'), 0);
    const small = plan(longHistory.slice(0, 50), 'alter table h1 drop column name');
    await timed(sandbox, small, 200);
    const proof = await repeated(9, () => timed(sandbox, small, 200));
    const found = [line('dry run, 50-file history, warm, p50', proof, 400)];
    const long = plan(longHistory, 'alter table h7 add column z int');
    found.push(line('400-file history, cold', await timed(sandbox, long, 0), 12_000));
    found.push(
      line('400-file history, warm, p50', await repeated(7, () => timed(sandbox, long, 0)), 600),
    );
    found.push(
      line('400-file history with 200 rows a table, cold', await timed(sandbox, long, 200), 12_000),
    );
    const wide = plan(largeSchema, 'alter table t7_7 drop column a');
    found.push(line('5,000 tables, cold', await timed(sandbox, wide, 0), 90_000));
    found.push(
      line('5,000 tables, warm, p50', await repeated(3, () => timed(sandbox, wide, 0)), 6000),
    );
    const one = await repeated(4, () => timed(sandbox, small, 200));
    const began = performance.now();
    await Promise.all(Array.from({ length: 8 }, () => timed(sandbox, small, 200)));
    const eight = performance.now() - began;
    found.push(line('8 dry runs at once, one after another × 1.2', eight, 8 * one * 1.2));
    return [...found, ...(await besideSquawk())];
  } finally {
    await sandbox.close();
    rmSync(home, { recursive: true, force: true });
  }
}
