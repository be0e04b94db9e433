/** `tagout check` as a whole process on a Drizzle history of 50 files with one new one. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ms, quantile, type Row } from './row.ts';

const RUNS = 7;
const HISTORY = 50;
const launcher = join(import.meta.dirname, '../../src/tagout.js');

function write(folder: string, path: string, text: string): void {
  const full = join(folder, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
}

function writeHistory(folder: string, count: number): void {
  const tags = Array.from({ length: count }, (_, n) => `${String(n).padStart(4, '0')}_table`);
  for (const [n, tag] of tags.entries()) {
    const sql = `CREATE TABLE t${n} (id serial PRIMARY KEY, name text NOT NULL, made timestamptz);\n`;
    write(folder, `drizzle/${tag}.sql`, sql);
  }
  const entries = tags.map((tag, idx) => ({
    idx,
    version: '7',
    when: 1_700_000_000_000 + idx * 1000,
    tag,
    breakpoints: true,
  }));
  const journal = JSON.stringify({ version: '7', dialect: 'postgresql', entries });
  write(folder, 'drizzle/meta/_journal.json', journal);
}

function commitAll(folder: string, message: string): void {
  const git = (...args: string[]): void => {
    execFileSync('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args]);
  };
  git('add', '-A');
  git('commit', '-qm', message);
}

function runOnce(folder: string, cache: string): number {
  const startedMs = performance.now();
  const args = [launcher, 'check', '--repo', folder, '--base', 'base', '--head', 'HEAD', '--json'];
  const ended = spawnSync(process.execPath, args, {
    env: { ...process.env, TAGOUT_DATA: cache },
    encoding: 'utf8',
  });
  const took = performance.now() - startedMs;
  const printed = JSON.parse(ended.stdout) as { dryRun: { status: string } };
  if (printed.dryRun.status !== 'ok') throw new Error(`dry run: ${ended.stdout}${ended.stderr}`);
  return took;
}

export function benchCheck(): readonly Row[] {
  const folder = mkdtempSync(join(tmpdir(), 'bench-check-'));
  const cache = mkdtempSync(join(tmpdir(), 'bench-cache-'));
  try {
    execFileSync('git', ['init', '-q', '-b', 'main', folder]);
    write(
      folder,
      'drizzle.config.ts',
      "export default { dialect: 'postgresql', out: './drizzle' };\n",
    );
    writeHistory(folder, HISTORY);
    commitAll(folder, 'history');
    execFileSync('git', ['-C', folder, 'branch', 'base']);
    writeHistory(folder, HISTORY + 1);
    commitAll(folder, 'one more');
    const cold = runOnce(folder, cache);
    const warm = Array.from({ length: RUNS }, () => runOnce(folder, cache));
    const p50 = quantile(warm, 0.5);
    return [
      {
        what: `tagout check, ${HISTORY}-file Drizzle history and one new file, warm baseline, whole process`,
        reach: '≤ 1.5 s',
        measured: `median ${ms(p50)} of ${RUNS} (cold ${ms(cold)})`,
        ok: p50 <= 1500,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(cache, { recursive: true, force: true });
  }
}
