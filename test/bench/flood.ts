/**
 * A production gate's latency while one agent floods another repository with pull requests. The local
 * GitHub is this process, the server and PostgreSQL are their own. `FLOOD=250` opens fewer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Repo } from '../github/index.ts';
import { type Ground, openGround } from '../reliability/server.ts';
import { send, synchronize } from './sending.ts';
import { ms, quantile, type Row } from './row.ts';

const PULLS = Number(process.env['FLOOD'] ?? 1_000);
const DELIVERIES = PULLS;
const GATES = 15;
/** What GitHub takes for an answer, so that most of a look is waiting, as it is there. */
const GITHUB_MS = 40;
/** What GitHub gives an installation at most. */
const ALLOWANCE = 15_000;

async function gate(ground: Ground, repo: Repo): Promise<number> {
  const startedMs = performance.now();
  const run = await repo.startRun({ actor: ground.people.maria });
  while (run.notes.length === 0 && run.job.gates[0]?.state === 'waiting') {
    if (performance.now() - startedMs > 60_000) throw new Error('the gate got no answer');
    await sleep(2);
  }
  return performance.now() - startedMs;
}

async function gates(ground: Ground, repo: Repo): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < GATES; count += 1) times.push(await gate(ground, repo));
  return quantile(times, 0.5);
}

async function openPulls(ground: Ground, repo: Repo): Promise<void> {
  for (let number = 1; number <= PULLS; number += 1) {
    const branch = `agent/${number}`;
    const files = { [`docs/${number}.md`]: `${number}\n` };
    await repo.commit({ branch, files, author: ground.people.copilot });
    await repo.openPull({ author: ground.people.copilot, head: branch });
  }
}

async function waitingJobs(ground: Ground): Promise<number> {
  const [row] = await ground.sql`select count(*)::int as n from graphile_worker._private_jobs`;
  return Number(row?.['n']);
}

export async function benchFlood(): Promise<readonly Row[]> {
  const ground = await openGround({ straight: true });
  try {
    ground.gh.world.allowancePerHour = ALLOWANCE;
    const files = { 'README.md': '# other\n' };
    const collaborators = { Copilot: 'write', maria: 'write' } as const;
    const flooded = await ground.gh.repo('acme/flooded', {
      files,
      collaborators,
      author: ground.people.maria,
    });
    await openPulls(ground, flooded);
    ground.gh.app.webhookUrl = null;
    ground.gh.faults.latencyMs = GITHUB_MS;
    const server = await ground.start();
    await gates(ground, ground.repo);
    const idle = await gates(ground, ground.repo);
    const list = Array.from({ length: DELIVERIES }, (_, n) =>
      synchronize(ground.gh, flooded, 1 + (n % PULLS), server.url),
    );
    const posted = send(ground.gh, list, 8);
    await sleep(300);
    const busy = await gates(ground, ground.repo);
    const left = await waitingJobs(ground);
    const { accepted } = await posted;
    return [
      {
        what: `production gate, p50 of ${GATES}, while ${DELIVERIES} deliveries about ${PULLS} pull requests of one agent are judged, GitHub answering after ${GITHUB_MS} ms (idle ${ms(idle)})`,
        reach: '≤ 2 × its idle p50',
        measured: `${ms(busy)}, ${(busy / idle).toFixed(1)} × (${left} jobs were left, ${accepted} accepted)`,
        ok: busy <= 2 * idle && left > 0,
      },
    ];
  } finally {
    await ground.close();
  }
}
