/**
 * A server that has judged for long: is it as quick and as small as at its beginning? Every event is a
 * review that turns a pull request's check round, so each is a webhook, a decision of its own in the
 * record, and writes at GitHub. Older reviews are taken away, so that only what Tagout itself keeps
 * grows. The local GitHub is this process, the server and its PostgreSQL are their own. Memory is
 * what the server holds after a forced collection: growth is what cannot be collected, and resident
 * memory at a moment says mostly when V8 last found it worth its while.
 *
 * `GROWTH=100000 npm run bench growth` is the whole; `GROWTH_MINUTES` ends it earlier, and the row
 * says how far it came. How it goes stands on standard error.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pull } from '../github/pull.ts';
import { tagoutCheck, until } from '../story/scene.ts';
import { ms, quantile, type Row } from './row.ts';
import { type BenchScene, openBenchScene } from './server.ts';

const EVENTS = Number(process.env['GROWTH'] ?? 3_000);
const LIMIT_MS = Number(process.env['GROWTH_MINUTES'] ?? 240) * 60_000;
/** Pull requests that are judged at a time; the server has four places. */
const LANES = 4;
/** A delivery that a busy machine did not take in time is asked for again, as a sweep would. */
const LOST_MS = 20_000;
/** Before these the server compiles and fills its caches; they are judged and not counted. */
const WARM_UP = 500;
const STEP = Math.min(1_000, Math.floor(EVENTS / 3));

interface Sample {
  readonly p50Ms: number;
  /** Processor time of the server and its PostgreSQL for one event. */
  readonly cpuMs: number;
  /** Before anything is collected. */
  readonly rssMb: number;
  /** After a full collection: the heap in use, and the resident memory. */
  readonly heapMb: number;
  readonly leftMb: number;
}

const MB = 2 ** 20;

async function openPulls({ repo, people }: BenchScene): Promise<readonly Pull[]> {
  const pulls: Pull[] = [];
  for (let lane = 0; lane < LANES; lane += 1) {
    const head = `maria/lane-${lane}`;
    await repo.commit({ branch: head, files: { 'docs/l.md': `${lane}\n` }, author: people.maria });
    const pull = await repo.openPull({ author: people.maria, head });
    await until('the first check is there', () => tagoutCheck(repo, pull.headSha));
    pulls.push(pull);
  }
  return pulls;
}

/** One review; answers how long it took until the check says what it calls for, in ms. */
async function turn(scene: BenchScene, pull: Pull, approve: boolean): Promise<number> {
  const startedMs = performance.now();
  pull.record.reviews.splice(0);
  const state = approve ? 'APPROVED' : 'CHANGES_REQUESTED';
  await pull.review({ by: scene.people.octavia, state, body: 'reviewed' });
  const conclusion = approve ? 'success' : 'action_required';
  const sent = scene.gh.deliveries.findLast((one) => one.event === 'pull_request_review');
  let askAgainMs = startedMs + LOST_MS;
  while (tagoutCheck(scene.repo, pull.headSha)?.conclusion !== conclusion) {
    if (performance.now() > askAgainMs && sent !== undefined) {
      scene.gh.redeliver(sent);
      askAgainMs += LOST_MS;
    }
    await sleep(1);
  }
  return performance.now() - startedMs;
}

/** Judges so many; the local GitHub's own logs are emptied, for they are not what is measured. */
async function judgeMany(
  scene: BenchScene,
  pulls: readonly Pull[],
  count: number,
): Promise<readonly number[]> {
  const times: number[] = [];
  let left = count;
  const lane = async (pull: Pull): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const green = tagoutCheck(scene.repo, pull.headSha)?.conclusion === 'success';
      times.push(await turn(scene, pull, !green));
    }
  };
  await Promise.all(pulls.map(lane));
  scene.gh.world.requests.splice(0);
  scene.gh.world.deliveries.splice(0);
  return times;
}

function report(judged: number, { p50Ms, cpuMs, rssMb, heapMb, leftMb }: Sample): void {
  const memory = `${rssMb.toFixed(0)} MB, collected ${leftMb.toFixed(0)} MB`;
  const heap = `heap ${heapMb.toFixed(1)} MB`;
  const figures = [`p50 ${ms(p50Ms)}`, `${ms(cpuMs)} of processors`, memory, heap];
  process.stderr.write(`${judged} judged: ${figures.join(', ')}\n`);
}

async function grow(scene: BenchScene): Promise<readonly Sample[]> {
  const pulls = await openPulls(scene);
  await judgeMany(scene, pulls, WARM_UP);
  const endMs = performance.now() + LIMIT_MS;
  const samples: Sample[] = [];
  while (samples.length * STEP < EVENTS && performance.now() < endMs) {
    const beforeMs = scene.server.cpuMs();
    const times = await judgeMany(scene, pulls, STEP);
    const cpuMs = (scene.server.cpuMs() - beforeMs) / times.length;
    const rssMb = scene.server.rssMb();
    const { heapUsed, rss } = await scene.server.held();
    const [heapMb, leftMb] = [heapUsed / MB, rss / MB];
    const sample = { p50Ms: quantile(times, 0.5), cpuMs, rssMb, heapMb, leftMb };
    samples.push(sample);
    report(samples.length * STEP, sample);
  }
  return samples;
}

/** The middle of the first and of the last tenth. */
function tenths(samples: readonly Sample[], of: 'heapMb' | 'leftMb'): readonly [number, number] {
  const count = Math.max(1, Math.floor(samples.length / 10));
  const middle = (some: readonly Sample[]): number =>
    quantile(
      some.map((one) => one[of]),
      0.5,
    );
  return [middle(samples.slice(0, count)), middle(samples.slice(-count))];
}

function memoryRow(samples: readonly Sample[], of: 'heapMb' | 'leftMb', what: string): Row {
  const [early, late] = tenths(samples, of);
  return {
    what: `${samples.length * STEP} judged events, ${LANES} at a time: ${what} after a forced collection, last tenth against first`,
    reach: '± 10 %',
    measured: `${(((late - early) / early) * 100).toFixed(1)} % (${early.toFixed(0)} to ${late.toFixed(0)} MB)`,
    ok: Math.abs(late - early) <= 0.1 * early,
  };
}

export async function benchGrowth(): Promise<readonly Row[]> {
  const scene = await openBenchScene({ collects: true });
  try {
    scene.gh.world.allowancePerHour = Number.MAX_SAFE_INTEGER;
    const samples = await grow(scene);
    const none = { p50Ms: Number.NaN, cpuMs: Number.NaN };
    const [first, last] = [samples[0] ?? none, samples.at(-1) ?? none];
    return [
      memoryRow(samples, 'heapMb', "the heap that the server's process uses"),
      memoryRow(samples, 'leftMb', "the server's resident memory"),
      {
        what: `p50 from review to written check, the last ${STEP} against the first ${STEP}`,
        reach: '≤ 1.2 ×',
        measured: `${(last.p50Ms / first.p50Ms).toFixed(2)} × (${ms(first.p50Ms)} to ${ms(last.p50Ms)})`,
        ok: last.p50Ms <= 1.2 * first.p50Ms,
      },
      {
        what: 'the same as processor time of the server and its PostgreSQL for one event, which a busy machine does not change',
        reach: '≤ 1.2 ×',
        measured: `${(last.cpuMs / first.cpuMs).toFixed(2)} × (${ms(first.cpuMs)} to ${ms(last.cpuMs)})`,
        ok: last.cpuMs <= 1.2 * first.cpuMs,
      },
    ];
  } finally {
    await scene.close();
  }
}
