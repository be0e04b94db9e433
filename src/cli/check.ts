/** `tagout check`: the same line over a local checkout; nothing is sent and nothing recorded. */
import { homedir } from 'node:os';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { decide } from '../core/decide.ts';
import type { Verdict } from '../core/decision.ts';
import { effectivePolicy } from '../core/effective-policy.ts';
import { reportJson, reportText } from '../core/words/report.ts';
import { reportSarif } from '../core/words/sarif.ts';
import { readCheckout } from '../git/checkout.ts';
import { TagoutError } from '../core/errors.ts';
import { planMigrations } from '../migrations/plan.ts';
import type { Printed } from '../migrations/printed-plan.ts';
import { createSandbox } from '../sandbox/sandbox.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { readSnapshots, type SnapshotPlaces } from '../sandbox/snapshots.ts';
import { EXIT } from './io.ts';
import { progressLine } from './progress.ts';
import type { Io } from './io.ts';

export interface CheckOptions {
  /** Relative to the working folder of the caller. */
  readonly repo: string;
  readonly base: string;
  readonly head: string;
  /** A `.sql` file, or a folder laid out like the artifact `tagout-plan`. */
  readonly plan?: string;
  /** The same as the format `json`, which it was before there were others. */
  readonly json?: boolean;
  readonly format?: 'text' | 'json' | 'sarif';
}

const EXIT_OF: Readonly<Record<Verdict, number>> = {
  allow: EXIT.allow,
  hold: EXIT.hold,
  deny: EXIT.deny,
};

/** Judges and prints; answers the exit code. Throws TagoutError when it could not be judged. */
export async function check(options: CheckOptions, io: Io): Promise<number> {
  const sandbox = lazySandbox(io);
  const line = progressLine(io);
  try {
    const evidence = await readCheckout({
      repo: resolve(io.cwd, options.repo),
      base: options.base,
      head: options.head,
      runDry: (request) => sandbox.open().dryRun({ ...request, onProgress: line.show }),
      planMigrations,
      ...(options.plan === undefined ? {} : { printed: await printedAt(options.plan, io) }),
      now: io.now,
      env: io.env,
    });
    line.end();
    const policy = effectivePolicy(evidence.policy);
    const told = { evidence, policy, decision: decide(policy, evidence) };
    io.out(printed(told, options.format ?? (options.json === true ? 'json' : 'text')));
    return EXIT_OF[told.decision.verdict];
  } catch (error) {
    line.end();
    throw error;
  } finally {
    await sandbox.close();
  }
}

/** Reads what a workflow would upload. Throws TagoutError('bad-input') when it is not there. */
async function printedAt(path: string, io: Io): Promise<Printed> {
  const place = resolve(io.cwd, path);
  try {
    const names = (await stat(place)).isDirectory()
      ? (await readdir(place, { recursive: true, withFileTypes: true }))
          .filter((entry) => !entry.isDirectory())
          .map((entry) => relative(place, join(entry.parentPath, entry.name)))
      : [''];
    const files = await Promise.all(
      names.map(async (name) => {
        const content = await readFile(join(place, name));
        return { path: name === '' ? basename(place) : name.split(sep).join('/'), content };
      }),
    );
    return { kind: 'plan', files, source: path, runId: null };
  } catch (cause) {
    const message = `the plan ${path} cannot be read; name a .sql file or a folder of them`;
    throw new TagoutError('bad-input', message, { cause });
  }
}

function printed(
  told: Parameters<typeof reportText>[0],
  format: 'text' | 'json' | 'sarif',
): string {
  if (format === 'text') return reportText(told);
  const value = format === 'json' ? reportJson(told) : reportSarif(told.decision);
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** A change without migrations needs no sandbox, nor a folder for one. */
function lazySandbox(io: Io): { open(): Sandbox; close(): Promise<void> } {
  let sandbox: Sandbox | null = null;
  return {
    open: () => {
      sandbox ??= createSandbox({
        cacheDir: cacheFolder(io.env, io.cwd),
        binDir: io.env['TAGOUT_POSTGRES_BIN'] ?? null,
        snapshots: snapshotsOf(io.env, io.cwd),
      });
      return sandbox;
    },
    close: async () => sandbox?.close(),
  };
}

/** The snapshots that the operator has set up; they are never named by a repository. */
export function snapshotsOf(env: Io['env'], cwd: string): SnapshotPlaces {
  const places = readSnapshots(env['TAGOUT_SNAPSHOT'] ?? '', cwd);
  if (typeof places === 'string') throw new TagoutError('configuration', places);
  return places;
}

/**
 * Where prepared baselines lie: with the server's data where TAGOUT_DATA names it, else in the
 * user's cache. It must be a folder that nobody else can write: what lies there is believed.
 */
export function cacheFolder(env: Io['env'], cwd: string): string {
  const data = env['TAGOUT_DATA']?.trim() ?? '';
  if (data !== '') return join(resolve(cwd, data), 'sandbox');
  const cache = env['XDG_CACHE_HOME']?.trim() ?? '';
  // The specification of XDG_CACHE_HOME says that a relative path is not valid.
  const folder = cache.startsWith('/') ? cache : join(env['HOME'] ?? homedir(), '.cache');
  return join(folder, 'tagout');
}
