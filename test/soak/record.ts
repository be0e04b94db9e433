/**
 * `node test/soak/record.ts [flips] [histories] [seed]`: what `npm test` samples of the record's
 * checks, whole: single changed bytes over every column of a log, clean histories that give no alarm,
 * and every mutant of every field of a bundle, for both verifiers. The exit code is that of the tests.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';

const [flips = '10000', histories = '1000', seed = String(randomInt(2 ** 31))] =
  process.argv.slice(2);
const audit = join(import.meta.dirname, '../audit');
const files = ['verify', 'mutants'].map((one) => `${audit}/${one}.test.ts`);

process.stdout.write(`${flips} changed bytes, ${histories} histories, seed ${seed}\n`);
const ended = spawnSync(process.execPath, ['--test', '--test-concurrency=1', ...files], {
  env: { ...process.env, FLIPS: flips, HISTORIES: histories, MUTANTS: 'all', SEED: seed },
  stdio: 'inherit',
});
process.exitCode = ended.status ?? 1;
