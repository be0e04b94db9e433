/**
 * Advice on pending SQL from squawk, a linter with a program of its own (npm package `squawk-cli`,
 * optional). It decides nothing, so that nothing here throws: without an answer there is no advice.
 */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Advice, AdviceRow, MigrationPlan, MigrationStep } from '../core/dry-run.ts';
import { canReach, sandboxUser } from '../postgres/service-user.ts';

const LIMITS = { steps: 50, sqlBytes: 1024 * 1024, timeMs: 5000, outBytes: 4 * 1024 * 1024 };
const KEPT_ROWS = 100;

/** A comment that switches rules off is the change's own wish: the same length, without its effect. */
const SUPPRESSION = /squawk-ignore/gi;

/** The program of this platform's package; null when it is not installed. */
export function squawkProgram(): string | null {
  try {
    // The platform's package hangs from `squawk-cli` and need not be visible from here.
    const own = createRequire(createRequire(import.meta.url).resolve('squawk-cli/package.json'));
    return own.resolve(`@squawk-cli/${process.platform}-${process.arch}/bin/squawk`);
  } catch {
    return null;
  }
}

/** What squawk says of the steps that would run on a server of this version; null: no answer. */
export async function adviceOn(
  plans: readonly MigrationPlan[],
  serverVersion: string,
  program: string | null = squawkProgram(),
): Promise<Advice | null> {
  if (program === null) return null;
  const version = await versionOf(program);
  const steps = plans.flatMap((plan) => plan.pending.map((step) => ({ plan, step })));
  const read = steps.slice(0, LIMITS.steps);
  if (version === null) return null;
  const all: AdviceRow[] = [];
  for (const { plan, step } of read) {
    // One process after the other: advice must not take the machine from the proof.
    const rows = await adviceOf(program, { plan, step, serverVersion });
    if (rows === null) return null;
    all.push(...rows);
  }
  const complete = all.length <= KEPT_ROWS && steps.length === read.length;
  return { by: `squawk ${version}`, rows: all.slice(0, KEPT_ROWS), complete };
}

const versions = new Map<string, Promise<string | null>>();

/** Asked once per process: a program does not change under it. */
function versionOf(program: string): Promise<string | null> {
  const known = versions.get(program);
  if (known !== undefined) return known;
  const asked = output(program, ['--version'], '').then(
    (out) => /^squawk (\S+)/.exec(out ?? '')?.[1] ?? null,
  );
  versions.set(program, asked);
  return asked;
}

interface Asked {
  readonly plan: MigrationPlan;
  readonly step: MigrationStep;
  readonly serverVersion: string;
}

async function adviceOf(
  program: string,
  { plan, step, serverVersion }: Asked,
): Promise<readonly AdviceRow[] | null> {
  if (Buffer.byteLength(step.sql) > LIMITS.sqlBytes) return null;
  const inside = plan.scope !== 'statement' && step.transaction === 'inherit';
  const args = ['--reporter', 'json', '--config', '/dev/null', '--stdin-filepath', 'step.sql'];
  const more = inside ? ['--assume-in-transaction'] : [];
  const sql = step.sql.replace(SUPPRESSION, 'squawk_ignore');
  const out = await output(program, [...args, '--pg-version', serverVersion, ...more], sql);
  return out === null ? null : rowsIn(out, step);
}

/** What the program prints for this input; null when it does not end by itself in time. */
function output(program: string, args: readonly string[], input: string): Promise<string | null> {
  const user = sandboxUser();
  const runAs = user !== null && canReach(program, user) ? { uid: user.uid, gid: user.gid } : {};
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      {
        ...runAs,
        cwd: '/',
        env: {},
        timeout: LIMITS.timeMs,
        killSignal: 'SIGKILL',
        maxBuffer: LIMITS.outBytes,
      },
      // It ends with 1 when it has something to say, and with another code when it could not read.
      (error, stdout) => resolve(error === null || error.code === 1 ? stdout : null),
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

function rowsIn(out: string, step: MigrationStep): readonly AdviceRow[] | null {
  try {
    const list: unknown = JSON.parse(out);
    if (!Array.isArray(list)) return null;
    return list.flatMap((entry: unknown) => rowOf(entry, step));
  } catch {
    return null;
  }
}

/** Rules that speak of the file's own form, which the dry run answers by running it. */
const OWN_FORM: ReadonlySet<string> = new Set(['unused-ignore', 'syntax-error']);

function rowOf(entry: unknown, step: MigrationStep): readonly AdviceRow[] {
  if (typeof entry !== 'object' || entry === null) return [];
  const rule: unknown = Reflect.get(entry, 'rule_name');
  const message: unknown = Reflect.get(entry, 'message');
  const line: unknown = Reflect.get(entry, 'line');
  const help: unknown = Reflect.get(entry, 'help');
  if (typeof rule !== 'string' || typeof message !== 'string' || typeof line !== 'number')
    return [];
  if (OWN_FORM.has(rule)) return [];
  const row = {
    path: step.path,
    line: step.firstLine + line,
    rule: rule.slice(0, 80),
    message: message.slice(0, 300),
    safer: typeof help === 'string' ? help.slice(0, 300) : null,
  };
  return [row];
}
