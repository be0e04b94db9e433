/**
 * `npm run engines`: the sandbox's tests on every PostgreSQL of the system that is found, one major
 * after another, and those that are too slow for `npm test` (`*.engines.ts`) on the embedded one too.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, findEngine, SUPPORTED_MAJORS } from '../src/postgres/engine.ts';

const files = (pattern: RegExp, folders = ['sandbox', 'conformance']): readonly string[] =>
  folders.flatMap((folder) =>
    readdirSync(join(import.meta.dirname, folder))
      .filter((name) => pattern.test(name))
      .map((name) => join(import.meta.dirname, folder, name)),
  );

function passes(engine: Engine, tests: readonly string[], env: Record<string, string>): boolean {
  process.stdout.write(`PostgreSQL ${engine.version} in ${engine.binDir}\n`);
  const ended = spawnSync(process.execPath, ['--test', '--test-timeout=180000', ...tests], {
    env: { ...process.env, ...env },
    stdio: 'inherit',
  });
  return ended.status === 0;
}

const slow = files(/\.engines\.ts$/);
// What runs on the embedded one only: the store, and slow suites of the whole server.
const whole = files(/\.engines\.ts$/, ['postgres', 'web', 'reliability', 'github-room']);
const embedded = await findEngine({});
let passed = passes(embedded, [...slow, ...whole], {});
// Once more in copies that were started ahead, as a server runs them.
passed = passes(embedded, slow, { TAGOUT_READY: '1' }) && passed;
const found: number[] = [];
for (const major of SUPPORTED_MAJORS) {
  const engine = await findEngine({ major }).catch(() => null);
  if (engine === null || engine.origin !== 'system') continue;
  found.push(major);
  const all = [...files(/\.test\.ts$/), ...slow];
  passed = passes(engine, all, { TAGOUT_ENGINE: String(major) }) && passed;
}

if (found.length === 0) {
  process.stdout.write('No PostgreSQL of the system was found: install the package postgresql.\n');
}
process.exitCode = found.length > 0 && passed ? 0 : 1;
