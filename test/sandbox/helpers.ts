/** Plans, requests and one sandbox for the tests of this folder. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  DryRun,
  DryRunSettings,
  FolderRun,
  MigrationPlan,
  MigrationStep,
  Observation,
} from '../../src/core/dry-run.ts';
import { cacheMaker } from '../prepared.ts';
import { createSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.ts';

export function step(path: string, sql: string, more: Partial<MigrationStep> = {}): MigrationStep {
  const blob = createHash('sha1').update(sql).digest('hex');
  return {
    path,
    blob,
    version: path,
    sql,
    firstLine: 1,
    down: null,
    transaction: 'inherit',
    ...more,
  };
}

export function plan(
  applied: readonly string[],
  pending: readonly (string | MigrationStep)[],
  more: Partial<MigrationPlan> = {},
): MigrationPlan {
  const name = (n: number): string => `db/${String(n + 1).padStart(4, '0')}.sql`;
  return {
    framework: 'plain',
    folder: 'db',
    dialect: 'postgresql',
    scope: 'file',
    applied: applied.map((sql, i) => step(name(i), sql)),
    pending: pending.map((sql, i) =>
      typeof sql === 'string' ? step(name(applied.length + i), sql) : sql,
    ),
    problems: [],
    ...more,
  };
}

/** TAGOUT_ENGINE=15 runs the same tests on a system PostgreSQL of that major. */
const postgres = Number(process.env['TAGOUT_ENGINE'] ?? 0) || null;

/** TAGOUT_READY=1 runs the same tests in copies that were started ahead. */
const ready = Number(process.env['TAGOUT_READY'] ?? 0);

export const SETTINGS: DryRunSettings = { postgres, seed: [], rows: 0, timeoutMs: 20_000 };

export interface Bench {
  readonly sandbox: Sandbox;
  readonly home: string;
  run(
    plans: MigrationPlan | readonly MigrationPlan[],
    settings?: Partial<DryRunSettings>,
  ): Promise<DryRun>;
  close(): Promise<void>;
}

const prepareCache = await cacheMaker();

export function open(options: Partial<SandboxOptions> = {}): Bench {
  const home = mkdtempSync(join(tmpdir(), 'tagout-sandbox-test-'));
  prepareCache(options.cacheDir ?? join(home, 'cache'));
  const sandbox = createSandbox({ cacheDir: join(home, 'cache'), ready, ...options });
  return {
    sandbox,
    home,
    run: async (plans, settings = {}) => {
      const request = {
        owner: 'test',
        plans: 'pending' in plans ? [plans] : plans,
        settings: { ...SETTINGS, ...settings },
      };
      const run = await sandbox.dryRun(request);
      await sandbox.idle();
      if (ready === 0 || run.baselineCached) return run;
      // Only now does a copy stand ready that this run could take.
      const again = await sandbox.dryRun(request);
      await sandbox.idle();
      return { ...again, baselineCached: run.baselineCached };
    },
    close: async () => {
      await sandbox.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export function folderOf(run: DryRun): FolderRun {
  const [folder] = run.folders;
  if (folder === undefined) throw new Error(`no folder ran: ${run.reason}`);
  return folder;
}

export function observed(run: DryRun): Observation {
  const { observation } = folderOf(run);
  if (observation === null) throw new Error(`nothing was observed: ${run.reason}`);
  return observation;
}

/** `users.email values 1000 > 0 lost 1000 added 0 changed 0`. */
export function dataLines(run: DryRun): readonly string[] {
  return observed(run).data.map(
    (d) =>
      `${d.object} ${d.measure} ${d.before} > ${d.after} lost ${d.lost} added ${d.added} changed ${d.changed}`,
  );
}

/** `removed column users.email`. */
export function objectLines(run: DryRun): readonly string[] {
  return observed(run).objects.map((o) => `${o.change} ${o.kind} ${o.object}`);
}
