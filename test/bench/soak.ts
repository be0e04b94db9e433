/**
 * Two replicas on one PostgreSQL, 200 repositories of five installations, while production gates are
 * asked for: deliveries permuted, one in ten doubled, one in ten lost for an hour, one in twenty late
 * by as much; GitHub failing now and then, before its work and after it; one replica killed in the
 * middle, its work taken over by the other, and a new one in its place. The local GitHub is this
 * process, the poster, the replicas and PostgreSQL are their own. `SOAK=2000 npm run bench soak` takes
 * fewer deliveries.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pull } from '../github/pull.ts';
import type { Repo } from '../github/index.ts';
import { type Ground, openGround } from '../reliability/server.ts';
import { tagoutCheck, until } from '../story/scene.ts';
import type { Posting } from './post.ts';
import { arrive, lose, send, sweepByHand, synchronize } from './sending.ts';
import { chanceOf } from '../fuzz/random.ts';
import { ms, type Row } from './row.ts';

const DELIVERIES = Number(process.env['SOAK'] ?? 10_000);
/** Of each repository, so that not all deliveries are about the same few subjects. */
const PULLS = 5;
const REPOSITORIES = Math.min(200, Math.max(20, Math.round(DELIVERIES / 50)));
const INSTALLATIONS = 5;
const DRAIN_LIMIT_MS = 10 * 60_000;

const SEED = Number(process.env['SEED'] ?? 1);
const GATES = 40;
/** What GitHub gives an installation at most. */
const ALLOWANCE = 15_000;

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
    for (let nth = 0; nth < PULLS; nth += 1) {
      const head = `work-${nth}`;
      const page = { [`docs/${nth}.md`]: `${at}\n` };
      await repo.commit({ branch: head, files: page, author: people.maria });
      const pull = await repo.openPull({ author: people.maria, head });
      if (places.length % 2 === 0) await pull.review({ by: people.octavia });
      places.push({ repo, pull });
    }
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

interface Late {
  readonly repo: Repo;
  readonly posting: Posting;
}

interface Mixed {
  readonly posted: readonly Posting[];
  /** On their way until everything else is over. */
  readonly late: readonly Late[];
  readonly ids: readonly string[];
  readonly lost: number;
}

/** What is posted, in its order, and what is lost; doubled ones come twice with one id. */
function mixed(ground: Ground, places: readonly Place[], urls: readonly string[]): Mixed {
  const chance = chanceOf(SEED);
  const posted: Posting[] = [];
  const late: Late[] = [];
  const ids: string[] = [];
  let lost = 0;
  for (let n = 0; n < DELIVERIES; n += 1) {
    const { repo, pull } = chance.pick(places);
    const url = urls[n % urls.length] ?? '';
    const one = { ...synchronize(ground.gh, repo, pull.number, url), id: randomUUID() };
    ids.push(one.id);
    const draw = chance.int(10);
    if (draw === 0) {
      lose(ground.gh, repo, one);
      lost += 1;
    } else if (chance.int(20) === 0) {
      late.push({ repo, posting: one });
    } else {
      posted.push(one, ...(draw === 1 ? [one] : []));
    }
  }
  for (let at = posted.length - 1; at > 0; at -= 1) {
    const other = chance.int(at + 1);
    [posted[at], posted[other]] = [posted[other]!, posted[at]!];
  }
  return { posted, late, ids, lost };
}

/** A commit that was reviewed, merged and released once: what the gates are asked for. */
async function released(ground: Ground): Promise<string> {
  const { repo, people } = ground;
  await repo.commit({ branch: 'ship', files: { 'docs/s.md': 's\n' }, author: people.maria });
  const pull = await repo.openPull({ author: people.maria, head: 'ship' });
  await pull.review({ by: people.octavia });
  await until('its check is green', () => {
    const check = tagoutCheck(repo, pull.headSha);
    return check?.conclusion === 'success' ? check : null;
  });
  return pull.merge({ by: people.octavia, method: 'squash' });
}

/** Asks for production in turn while the burst runs; answers how many got no answer. */
async function askGates(ground: Ground, sha: string): Promise<number> {
  const runs = [];
  for (let count = 0; count < GATES; count += 1) {
    const run = await ground.repo.startRun({ sha, actor: ground.people.maria });
    runs.push(run);
    const endMs = performance.now() + 90_000;
    while (run.job.gates[0]?.state === 'waiting' && performance.now() < endMs) await sleep(5);
  }
  return GATES - runs.filter((run) => run.job.gates[0]?.state === 'approved').length;
}

async function unknown(ground: Ground, ids: readonly string[]): Promise<number> {
  const [row] = await ground.sql`select count(*)::int as n from unnest(${[...ids]}::text[]) as a(id)
    where not exists (select from tagout.delivery d where d.id = a.id)`;
  return Number(row?.['n']);
}

/** Pull requests whose check does not say what their reviews call for. */
function wrong(places: readonly Place[]): number {
  return places.filter(({ repo, pull }, at) => {
    const [check, ...more] = repo.checkRuns(pull.headSha);
    const due = at % 2 === 0 ? 'success' : 'action_required';
    return check?.conclusion !== due || more.length > 0;
  }).length;
}

/** One answer of GitHub in a hundred is a 502, before the work or after it with nothing said. */
function failNowAndThen({ gh }: Ground): void {
  const chance = chanceOf(SEED + 1);
  const some = (): readonly number[] => Array.from({ length: 400 }, () => 1 + chance.int(80_000));
  gh.faults.request({ match: /./, nth: some(), status: 502 });
  gh.faults.request({ match: /./, nth: some(), drop: true });
}

/** To a server that still lives. */
function addressed(list: readonly Posting[], url: string): readonly Posting[] {
  return list.map((one) => ({ ...one, url: `${url}${new URL(one.url).pathname}` }));
}

/** Those that were late come, stand in GitHub's log, and a sweep finds nothing more to ask for. */
async function arriveLate(ground: Ground, late: readonly Late[], url: string): Promise<void> {
  const list = addressed(
    late.map(({ posting }) => posting),
    url,
  );
  await send(ground.gh, list, 16);
  for (const { repo, posting } of late) arrive(ground.gh, repo, posting);
  await sweepByHand(ground);
  await ground.gh.settled();
}

async function storm(ground: Ground, places: readonly Place[]) {
  const servers = [await ground.start(), await ground.start()];
  const [first, second] = servers;
  const {
    posted: list,
    late,
    ids,
    lost,
  } = mixed(
    ground,
    places,
    servers.map((one) => one.url),
  );
  const sha = await released(ground);
  failNowAndThen(ground);
  const gates = askGates(ground, sha);
  const posted = await send(ground.gh, list, 16);
  const answeredMs = performance.now();
  const before = await held(ground);
  ground.gh.app.webhookUrl = `${first?.url}/api/github/webhooks`;
  await second?.kill();
  const takeoverMs = await takeover(ground, before);
  await ground.start();
  await drained(ground);
  const drainMs = performance.now() - answeredMs;
  const unanswered = await gates;
  ground.gh.app.webhookUrl = `${first?.url}/api/github/webhooks`;
  const sweptMs = performance.now();
  let said = '';
  // GitHub may fail at the sweep too; the server's own would come again after five minutes.
  for (let tries = 0; tries < 5 && (await unknown(ground, ids)) > late.length; tries += 1) {
    said = await sweepByHand(ground);
    await ground.gh.settled();
  }
  await drained(ground);
  await arriveLate(ground, late, first?.url ?? '');
  await drained(ground);
  const returnMs = performance.now() - sweptMs;
  const missing = await unknown(ground, ids);
  return { posted, before, takeoverMs, drainMs, unanswered, returnMs, missing, lost, said };
}

export async function benchSoak(): Promise<readonly Row[]> {
  const ground = await openGround({ straight: true });
  try {
    ground.gh.world.allowancePerHour = ALLOWANCE;
    ground.gh.app.webhookUrl = null;
    const places = await build(ground);
    ground.gh.world.deliveries.splice(0);
    const done = await storm(ground, places);
    const { posted, missing, drainMs, takeoverMs, returnMs, before, lost } = done;
    const bad = wrong(places) + done.unanswered;
    if (bad + missing > 0) process.stderr.write(`${done.unanswered} gates: ${done.said}\n`);
    const twice = await doubled(ground);
    const unsealed = await unsealedReleases(ground);
    const size = `${DELIVERIES} deliveries, ${REPOSITORIES} repositories, ${INSTALLATIONS} installations, ${REPOSITORIES * PULLS} pull requests, two replicas, GitHub failing once in a hundred, seed ${SEED}`;
    return [
      {
        what: `${size}: deliveries lost, subjects that end wrong, effects doubled, releases without a sealed decision`,
        reach: '0; 0; 0; 0',
        measured: `${missing}; ${bad}; ${twice}; ${unsealed}`,
        ok: missing + bad + twice + unsealed === 0,
      },
      {
        what: `burst of ${posted.accepted + posted.refused} signed deliveries: answers and drain`,
        reach: 'all answered, p99 ≤ 250 ms, drained ≤ 10 min',
        measured: `${posted.refused} refused, p50 ${ms(posted.p50Ms)}, p99 ${ms(posted.p99Ms)} over ${posted.seconds.toFixed(1)} s, drained ${(drainMs / 1000).toFixed(1)} s after the last answer, the killed replica's work with it`,
        ok: posted.refused === 0 && posted.p99Ms <= 250 && drainMs < DRAIN_LIMIT_MS,
      },
      {
        what: `after SIGKILL of a replica: the ${before.length} jobs at hand free or done`,
        reach: '≤ 60 s',
        measured: `${(takeoverMs / 1000).toFixed(1)} s`,
        ok: takeoverMs <= 60_000,
      },
      {
        what: `after an hour without them: ${lost} lost deliveries found by the sweep and judged`,
        reach: '≤ 5 min',
        measured: `${(returnMs / 1000).toFixed(1)} s`,
        ok: returnMs <= 300_000,
      },
    ];
  } finally {
    await ground.close();
  }
}
