/** Resident memory of an idle server process, its embedded PostgreSQL apart. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalGitHub } from '../github/index.ts';
import { manifest } from '../story/tagout.ts';
import { ms, type Row } from './row.ts';

const LIMIT_MB = 250;

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout?.on('data', (part: Buffer) => {
      said += part.toString();
      if (said.includes('listens on')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
}

/** Starts the server as `npm start` does; answers how long it took and what it holds when idle. */
async function start(
  env: Readonly<Record<string, string>>,
): Promise<{ readyMs: number; rssMb: number }> {
  const startedMs = performance.now();
  const main = join(import.meta.dirname, '../../src/main.ts');
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, ...env },
  });
  await ready(child);
  const readyMs = performance.now() - startedMs;
  await sleep(3000);
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const rssMb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
  return { readyMs, rssMb };
}

export async function benchMemory(): Promise<readonly Row[]> {
  const gh = await LocalGitHub.start({ app: await manifest(), validate: false });
  const data = mkdtempSync(join(tmpdir(), 'bench-memory-'));
  const env = {
    APP_ID: String(gh.app.id),
    PRIVATE_KEY: gh.app.privateKey,
    WEBHOOK_SECRET: gh.app.webhookSecret,
    GITHUB_API_URL: gh.url,
    TAGOUT_DATA: data,
    PORT: '0',
    LOG_LEVEL: 'error',
  };
  try {
    const first = await start(env);
    const second = await start(env);
    return [
      {
        what: 'resident memory of the idle server, the embedded PostgreSQL apart',
        reach: `≤ ${LIMIT_MB} MB`,
        measured: `${second.rssMb.toFixed(0)} MB`,
        ok: second.rssMb <= LIMIT_MB,
      },
      {
        what: 'start to ready, the first time and with the embedded store initialised',
        reach: '≤ 4 s, ≤ 1.5 s',
        measured: `${ms(first.readyMs)}, ${ms(second.readyMs)}`,
        ok: first.readyMs <= 4000 && second.readyMs <= 1500,
      },
    ];
  } finally {
    await gh.close();
    rmSync(data, { recursive: true, force: true });
  }
}
