/**
 * `npm run engines`: the sandbox's tests on every PostgreSQL of the system that is found, one major
 * after another. The embedded one is what `npm test` runs on.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findEngine, SUPPORTED_MAJORS } from '../src/postgres/engine.ts';

const folder = join(import.meta.dirname, 'sandbox');
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => join(folder, name));

const found: number[] = [];
const failed: number[] = [];
for (const major of SUPPORTED_MAJORS) {
  const engine = await findEngine({ major }).catch(() => null);
  if (engine === null || engine.origin !== 'system') continue;
  found.push(major);
  process.stdout.write(`PostgreSQL ${engine.version} in ${engine.binDir}\n`);
  const ended = spawnSync(process.execPath, ['--test', '--test-timeout=180000', ...files], {
    env: { ...process.env, TAGOUT_ENGINE: String(major) },
    stdio: 'inherit',
  });
  if (ended.status !== 0) failed.push(major);
}

if (found.length === 0) {
  process.stdout.write('No PostgreSQL of the system was found: install the package postgresql.\n');
}
process.exitCode = found.length === 0 || failed.length > 0 ? 1 : 0;
