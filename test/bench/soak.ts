/**
 * Two replicas, many repositories, five installations: deliveries doubled and lost, one replica killed
 * in the middle and its work taken over by the other. `SOAK=10000 npm run bench soak`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pull } from '../github/pull.ts';
import type { Repo } from '../github/index.ts';
import { type Ground, openGround } from '../reliability/server.ts';
import { send, synchronize } from './sending.ts';
import { ms, type Row } from './row.ts';

const DELIVERIES = Number(process.env['SOAK'] ?? 2_000);
const REPOSITORIES = Math.min(200, Math.max(20, Math.round(DELIVERIES / 50)));
const INSTALLATIONS = 5;
const DRAIN_LIMIT_MS = 10 * 60_000;

interface Place {
  readonly repo: Repo;
  readonly pull: Pull;
}

async function build(ground: Ground): Promise<readonly Place[]> {
  const { gh, people } = ground;
  const places: Place[] = [];
  for (let org = 1; org < INSTALLATIONS; org += 1) gh.org(`org${org}`, { members: ['maria'] });
  for (let at = 0; at < REPOSITORIES; at += 1) {
    const owner = at % INSTALLATIONS === 0 ? 'acme' : `org${at % INSTALLATIONS}`;
    const files = { 'README.md': `# ${at}\n` };
    const collaborators = { maria: 'write', octavia: 'write' } as const;
    const repo = await gh.repo(`${owner}/soak${at}`, {
      files,
      collaborators,
      author: people.maria,
    });
    await repo.commit({ branch: 'work', files: { 'docs/a.md': `${at}\n` }, author: people.maria });
    places.push({ repo, pull: await repo.openPull({ author: people.maria, head: 'work' }) });
  }
  return places;
}

async function drained(ground: Ground): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    const [row] = await ground.sql`select
      (select count(*)::int from graphile_worker._private_jobs where run_at <= now() and attempts < max_attempts) +
      (select count(*)::int from tagout.outbox where status in ('pending', 'sending')) as n`;
    const tookMs = performance.now() - startedMs;
    if (row?.['n'] === 0 || tookMs > DRAIN_LIMIT_MS) return tookMs;
    await sleep(100);
  }
}

type Held = readonly { readonly id: string; readonly by: string }[];

function held(ground: Ground): Promise<Held> {
  return ground.sql<{ id: string; by: string }[]>`select id::text as id, locked_by as by
    from graphile_worker._private_jobs where locked_by is not null`;
}

/** How long until none of the jobs that were held at the kill is held by the same worker. */
async function takeover(ground: Ground, before: Held): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    const now = await held(ground);
    const left = before.some((one) => now.some(({ id, by }) => id === one.id && by === one.by));
    const tookMs = performance.now() - startedMs;
    if (!left || tookMs > 120_000) return tookMs;
    await sleep(250);
  }
}

async function doubled(ground: Ground): Promise<number> {
  const [row] = await ground.sql`select
    (select count(*)::int from (select from tagout.outbox where status = 'done'
      group by slot, effect_key, event_id having count(*) > 1) as d) +
    (select count(*)::int from (select from audit.event group by dedupe_key
      having count(*) > 1) as e) as n`;
  return Number(row?.['n']);
}

async function unsealedReleases(ground: Ground): Promise<number> {
  const [row] = await ground.sql`select count(*)::int as n from tagout.outbox o
    join audit.event e on e.event_id = o.event_id
    where o.kind = 'review-deployment' and o.status = 'done'
      and not exists (select from audit.leaf l where l.event_row = e.id)`;
  return Number(row?.['n']);
}

export async function benchSoak(): Promise<readonly Row[]> {
  const ground = await openGround();
  try {
    const places = await build(ground);
    ground.gh.app.webhookUrl = null;
    const first = await ground.start();
    const second = await ground.start();
    const list = Array.from({ length: DELIVERIES }, (_, n) => {
      const { repo, pull } = places[n % places.length] ?? places[0]!;
      return synchronize(ground.gh, repo, pull.number, n % 2 === 0 ? first.url : second.url);
    });
    const posted = await send(ground.gh, list, 16);
    const before = await held(ground);
    await second.kill();
    const takeoverMs = await takeover(ground, before);
    const drainMs = await drained(ground);
    const lost = places.filter(
      ({ repo, pull }) => repo.checkRuns(pull.headSha).length === 0,
    ).length;
    const more = places.filter(({ repo, pull }) => repo.checkRuns(pull.headSha).length > 1).length;
    const twice = more + (await doubled(ground));
    const unsealed = await unsealedReleases(ground);
    const size = `${DELIVERIES} deliveries, ${REPOSITORIES} repositories, ${INSTALLATIONS} installations, two replicas`;
    return [
      {
        what: `${size}: subjects lost, effects doubled, releases without a sealed decision`,
        reach: '0; 0; 0',
        measured: `${lost}; ${twice}; ${unsealed}`,
        ok: lost + twice + unsealed === 0,
      },
      {
        what: `burst of ${DELIVERIES} signed deliveries: answers and drain`,
        reach: 'all answered, p99 ≤ 250 ms, drained ≤ 10 min',
        measured: `${posted.refused} refused, p99 ${ms(posted.p99Ms)}, drained after ${(drainMs / 1000).toFixed(1)} s`,
        ok: posted.refused === 0 && posted.p99Ms <= 250 && drainMs < DRAIN_LIMIT_MS,
      },
      {
        what: `after SIGKILL of a replica: the ${before.length} jobs at hand free or done`,
        reach: '≤ 60 s',
        measured: `${(takeoverMs / 1000).toFixed(1)} s`,
        ok: takeoverMs <= 60_000,
      },
    ];
  } finally {
    await ground.close();
  }
}
