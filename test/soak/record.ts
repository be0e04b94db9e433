/**
 * `node test/soak/record.ts [flips] [histories] [seed] [race]`: what `npm test` samples of the record's
 * checks, whole: single changed bytes over every column of a log and of a database, clean histories
 * that give no alarm, every mutant of every field of a bundle, for both verifiers, and so many events
 * of writers and sealers that race. The exit code is that of the tests.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';

const [flips = '10000', histories = '1000', seed = String(randomInt(2 ** 31)), race = '100000'] =
  process.argv.slice(2);
const names = ['audit/verify', 'audit/mutants', 'audit/database', 'store/race'];
const files = names.map((one) => join(import.meta.dirname, '..', `${one}.test.ts`));

process.stdout.write(
  `${flips} changed bytes, ${histories} histories, ${race} events, seed ${seed}\n`,
);
const ended = spawnSync(process.execPath, ['--test', '--test-concurrency=1', ...files], {
  env: {
    ...process.env,
    FLIPS: flips,
    HISTORIES: histories,
    MUTANTS: 'all',
    SEED: seed,
    RACE: race,
  },
  stdio: 'inherit',
});
process.exitCode = ended.status ?? 1;
