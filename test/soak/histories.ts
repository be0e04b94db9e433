/**
 * `node test/soak/histories.ts [files]`: every framework's history as long as those of old services,
 * run in the sandbox and compared with the same SQL sent plainly. The exit code is that of the tests.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const [files = '400'] = process.argv.slice(2);
const test = join(import.meta.dirname, '../conformance/histories.engines.ts');
process.stdout.write(`${files} files in the history of each framework\n`);
const ended = spawnSync(process.execPath, ['--test', test], {
  env: { ...process.env, TAGOUT_HISTORY: files },
  stdio: 'inherit',
});
process.exitCode = ended.status ?? 1;
