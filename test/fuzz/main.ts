/**
 * `npm run fuzz -- --seconds 60 --cases 100000 --seed 7`: spoilt input for everything that reads what
 * strangers wrote, until the time or the cases are over. A case is found again by its seed and number: `--seed 7 --only 'SQL' --case 1234`.
 */
import { parseArgs } from 'node:util';
import { SECRET, startSetting } from '../web/setting.ts';
import { chanceOf } from './random.ts';
import { doorTarget, type Target, TARGETS } from './targets.ts';

export interface Fuzzed {
  readonly cases: number;
  readonly failures: readonly string[];
  /** What the heap grew by, in MB. */
  readonly grewMb: number;
}

/** Runs the targets in turn until the time is over, or so many cases were run. */
export async function fuzz(
  targets: readonly Target[],
  {
    seed,
    seconds,
    most = Number.POSITIVE_INFINITY,
  }: { readonly seed: number; readonly seconds: number; readonly most?: number },
): Promise<Fuzzed> {
  const failures: string[] = [];
  const heapMb = (): number => process.memoryUsage().heapUsed / 1024 / 1024;
  const beforeMb = heapMb();
  const end = performance.now() + seconds * 1000;
  let cases = 0;
  const isOver = (): boolean => performance.now() >= end || cases * targets.length >= most;
  while (!isOver() && failures.length < 20) {
    for (const target of targets) {
      try {
        await target.run(chanceOf(seed * 1_000_003 + cases));
      } catch (error) {
        const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
        failures.push(`${target.name}, seed ${seed}, case ${cases}: ${why.slice(0, 1_500)}`);
      }
    }
    cases += 1;
  }
  return { cases: cases * targets.length, failures, grewMb: heapMb() - beforeMb };
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      cases: { type: 'string', default: 'Infinity' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      only: { type: 'string' },
      case: { type: 'string' },
    },
  });
  const seed = Number(values.seed);
  const setting = await startSetting();
  const all = [...TARGETS, doorTarget(setting, SECRET)];
  const targets = all.filter((one) => values.only === undefined || one.name === values.only);
  process.stdout.write(`seed ${seed}, ${targets.length} targets\n`);
  try {
    if (values.case !== undefined) {
      for (const target of targets)
        await target.run(chanceOf(seed * 1_000_003 + Number(values.case)));
      return 0;
    }
    const most = Number(values.cases);
    const done = await fuzz(targets, { seed, seconds: Number(values.seconds), most });
    for (const failure of done.failures) process.stdout.write(`${failure}\n`);
    process.stdout.write(
      `${done.cases} cases, ${done.failures.length} failures, heap ${done.grewMb.toFixed(0)} MB more\n`,
    );
    return done.failures.length === 0 ? 0 : 1;
  } finally {
    await setting.close();
  }
}

if (process.argv[1] === import.meta.filename) process.exitCode = await main();
