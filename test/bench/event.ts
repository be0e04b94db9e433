/** From a signed webhook to the recorded decision with every GitHub write sent; its requests by name. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pull } from '../github/pull.ts';
import { tagoutCheck, until } from '../story/scene.ts';
import { ms, quantile, type Row } from './row.ts';
import { type BenchScene, openBenchScene } from './server.ts';

const EVENTS = 60;
const WRITES = ['checks/create', 'checks/update'];

/** How much there is to read of a pull request. */
interface Size {
  readonly name: string;
  readonly files: number;
  readonly commits: number;
  /** Reviews when the first event comes; each event adds one. */
  readonly reviews: number;
}

const ORDINARY: Size = { name: 'ordinary', files: 10, commits: 5, reviews: 2 };
/** The events fill the rest of one page of a hundred. */
const LARGE: Size = { name: 'large', files: 100, commits: 100, reviews: 98 - EVENTS };

function sizeWords({ files, commits, reviews }: Size): string {
  return `${files} files, ${commits} commits, ${reviews} to ${reviews + EVENTS + 2} reviews`;
}

async function openPull(scene: BenchScene, size: Size): Promise<Pull> {
  const { repo, people } = scene;
  const branch = `maria/${size.name}`;
  const path = (n: number): string => `docs/${size.name}-${n % size.files}.md`;
  const files: Record<string, string> = {};
  for (let n = 0; n < size.files; n += 1) files[path(n)] = `# Page ${n}\n`;
  await repo.commit({ branch, files, author: people.maria });
  for (let n = 1; n < size.commits; n += 1) {
    const page = { [path(n)]: `# Page ${n}, again\n` };
    await repo.commit({ branch, files: page, author: people.maria });
  }
  const pull = await repo.openPull({ author: people.maria, head: branch });
  for (let n = 0; n < size.reviews; n += 1) {
    await pull.review({ by: people.octavia, state: 'COMMENTED', body: `note ${n}` });
  }
  return pull;
}

/** Waits until the reviews that built the scene are judged: two seconds without a request. */
async function quiet(scene: BenchScene): Promise<void> {
  for (let seen = -1; seen !== scene.gh.requests.length; await sleep(2000)) {
    seen = scene.gh.requests.length;
  }
}

/** Approve and ask for changes in turn, so that each event changes the check. */
async function oneEvent(scene: BenchScene, pull: Pull, turn: number): Promise<number> {
  const approve = turn % 2 === 0;
  const conclusion = approve ? 'success' : 'action_required';
  const startedMs = performance.now();
  const mark = scene.gh.requests.length;
  await pull.review({
    by: scene.people.octavia,
    state: approve ? 'APPROVED' : 'CHANGES_REQUESTED',
    body: 'reviewed',
  });
  await until('the check was written', () => {
    const done = scene.gh.requests
      .slice(mark)
      .some((one) => WRITES.includes(one.operationId ?? ''));
    const check = tagoutCheck(scene.repo, pull.headSha);
    return done && check?.conclusion === conclusion ? check : null;
  });
  return performance.now() - startedMs;
}

/** Requests of a new pull request's first judgement: token, reads, check run and label. */
async function firstRequests(scene: BenchScene): Promise<Readonly<Record<string, number>>> {
  const { repo, people } = scene;
  const mark = scene.gh.requests.length;
  await repo.commit({
    branch: 'maria/more',
    files: { 'docs/more.md': 'more\n' },
    author: people.maria,
  });
  const pull = await repo.openPull({ author: people.maria, head: 'maria/more' });
  await until('it is labelled', () => (pull.labels.length > 0 ? pull : null));
  await sleep(300);
  return scene.gh.requestsSince(mark);
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function named(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => (count === 1 ? name : `${count} × ${name}`))
    .join(', ');
}

/** Events on one pull request; the requests of one of them, by name. */
async function measure(
  scene: BenchScene,
  size: Size,
): Promise<{ readonly row: Row; readonly requests: Readonly<Record<string, number>> }> {
  const pull = await openPull(scene, size);
  await until('the first check is there', () => tagoutCheck(scene.repo, pull.headSha));
  await quiet(scene);
  await oneEvent(scene, pull, 0);
  await sleep(300);
  const mark = scene.gh.requests.length;
  await oneEvent(scene, pull, 1);
  await sleep(300);
  const requests = scene.gh.requestsSince(mark);
  const times: number[] = [];
  for (let turn = 0; turn < EVENTS; turn += 1) {
    times.push(await oneEvent(scene, pull, turn));
    await sleep(20);
  }
  const p50 = quantile(times, 0.5);
  const row = {
    what: `signed webhook in → decision recorded and all writes sent, no dry run (${size.name} pull request: ${sizeWords(size)})`,
    reach: 'p50 ≤ 60 ms',
    measured: `p50 ${ms(p50)}, p99 ${ms(quantile(times, 0.99))} over ${EVENTS}`,
    ok: p50 <= 60,
  };
  return { row, requests };
}

export async function benchEvent(): Promise<readonly Row[]> {
  const scene = await openBenchScene();
  try {
    const ordinary = await measure(scene, ORDINARY);
    const large = await measure(scene, LARGE);
    const full = large.requests;
    const first = await firstRequests(scene);
    return [
      ordinary.row,
      large.row,
      {
        what: `GitHub requests of one review on the large pull request: ${named(full)}`,
        reach: '≤ 12',
        measured: String(sum(full)),
        ok: sum(full) <= 12,
      },
      {
        what: `GitHub requests of a new pull request: ${named(first)}`,
        reach: '≤ 12',
        measured: String(sum(first)),
        ok: sum(first) <= 12,
      },
    ];
  } finally {
    await scene.close();
  }
}
