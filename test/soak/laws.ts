/**
 * `node test/soak/laws.ts [cases] [seed]`: the laws of `npm test` over thousands of cases each, with
 * a seed of its own that is printed. The exit code is that of the tests.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';

const [cases = '5000', seed = String(randomInt(2 ** 31))] = process.argv.slice(2);
const core = join(import.meta.dirname, '../core');
const files = ['laws', 'policy-laws', 'floor-law', 'words'].map((one) => `${core}/${one}.test.ts`);

process.stdout.write(`${cases} cases for each law, seed ${seed}\n`);
const ended = spawnSync(process.execPath, ['--test', ...files], {
  env: { ...process.env, TAGOUT_LAW_RUNS: cases, TAGOUT_SEED: seed },
  stdio: 'inherit',
});
process.exitCode = ended.status ?? 1;
