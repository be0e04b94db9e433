/** Resident memory of an idle server process, its embedded PostgreSQL apart, and its start. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalGitHub } from '../github/index.ts';
import { manifest } from '../story/tagout.ts';
import { ms, type Row } from './row.ts';
import { startServer } from './server.ts';

const LIMIT_MB = 250;

/** Starts it, lets it idle, ends it. */
async function once(gh: LocalGitHub, data: string): Promise<{ readyMs: number; rssMb: number }> {
  const server = await startServer(gh, data);
  await sleep(3000);
  const rssMb = server.rssMb();
  await server.stop();
  return { readyMs: server.readyMs, rssMb };
}

export async function benchMemory(): Promise<readonly Row[]> {
  const gh = await LocalGitHub.start({ app: await manifest(), validate: false });
  const data = mkdtempSync(join(tmpdir(), 'bench-memory-'));
  try {
    const first = await once(gh, data);
    const second = await once(gh, data);
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
