/** Break glass and its review afterwards: the real server, and the report that tells of it. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { exceptionsIn } from '../../src/core/report/period.ts';
import { reviewAfterOf } from '../../src/core/report/row.ts';
import type { Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import type { Run } from '../github/repo.ts';
import { until } from '../story/scene.ts';
import { work } from './line.ts';
import { periodOfRecord } from './record.ts';
import { openServer, type Server } from './server.ts';

let server: Server;
before(async () => {
  server = await openServer();
});
after(() => server.close());

const POLICY =
  'version: 1\nenvironments:\n  production:\n    match: [production]\n' +
  '    breakGlass: { teams: [sre], count: 1, lasts: 60m, reviewWithin: 24h }\n';

/** A pull request of the agent's that olaf let through by breaking the glass. */
async function broken(): Promise<{ repo: Repo; pull: Pull; run: Run }> {
  const repo = await server.shop({ '.github/tagout.yml': POLICY });
  const pull = await work(repo);
  const run = await repo.startRun({ actor: 'maria', sha: await pull.merge({ by: 'maria' }) });
  await until('it waits', () => (run.notes.length > 0 ? true : null));
  await pull.review({ by: 'olaf', state: 'COMMENTED', body: 'break glass: payments are down' });
  await until('the glass releases it', () => (run.state === 'success' ? true : null));
  // GitHub's times are whole seconds: what comes now is of a later one.
  await sleep(1_100);
  return { repo, pull, run };
}

/** The row of the report about a run, with the exceptions that it counts as. */
async function reported(repo: Repo, run: Run) {
  const period = await periodOfRecord(server, repo);
  const row = [...period.deployments].find(({ runId }) => runId === run.id);
  const late = [...exceptionsIn(period)].filter(
    (one) => one.type === 'review-after-overdue' && one.runId === run.id,
  );
  assert.ok(row);
  const after = reviewAfterOf(row, period.asOfMs)?.state;
  return { row, after, exceptions: late.map(({ detail }) => detail) };
}

/** Looks until the line has worked on everything that it was sent so far. */
async function idle(): Promise<void> {
  await server.gh.settled();
  const { sql } = server.tagout.served.store;
  const jobs = async (): Promise<number> => {
    const [row] = await sql<{ n: number }[]>`select count(*)::int as n
      from graphile_worker.jobs where task_identifier <> 'seal'`;
    return row?.n ?? 0;
  };
  let open = await jobs();
  while (open > 0) {
    await sleep(50);
    open = await jobs();
  }
}

async function recorded(repo: Repo): Promise<void> {
  await idle();
  assert.equal(await server.events(repo, 'break-glass.reviewed'), 1);
}

test('broken glass is an exception until an independent person reviews what it released', async () => {
  const { repo, pull, run } = await broken();
  const before = await reported(repo, run);
  assert.equal(before.row.disposition, 'break_glass');
  assert.equal(before.after, 'open');
  assert.deepEqual(before.exceptions, [], 'it is not due yet');
  await pull.review({ by: 'octavia' });
  await recorded(repo);
  const now = await reported(repo, run);
  assert.equal(now.after, 'in time');
  assert.deepEqual(now.exceptions, []);
  assert.equal(now.row.disposition, 'break_glass', 'it stays what it was');
  const [review] = now.row.reviewedAfter;
  assert.equal(review?.person.login, 'octavia');
  assert.equal(review?.outcome, 'approved');
  assert.equal(review?.pull, pull.number);
  await pull.review({ by: 'ben' });
  await idle();
  assert.equal(await server.events(repo, 'break-glass.reviewed'), 1, 'closed once');
});

test('who broke the glass or has no right cannot review it; the next one can', async () => {
  const { repo, pull, run } = await broken();
  await pull.review({ by: 'olaf' });
  server.gh.user('stranger');
  await pull.review({ by: 'stranger' });
  await idle();
  assert.equal(await server.events(repo, 'break-glass.reviewed'), 0);
  assert.equal((await reported(repo, run)).after, 'open');
  await pull.review({ by: 'ben' });
  await recorded(repo);
});

test('an objection afterwards is recorded, and the release stays open', async () => {
  const { repo, pull, run } = await broken();
  await pull.review({ by: 'octavia', state: 'CHANGES_REQUESTED', body: 'this drops orders' });
  await recorded(repo);
  const { row, after } = await reported(repo, run);
  assert.equal(row.reviewedAfter[0]?.outcome, 'changes-requested');
  assert.equal(after, 'open');
});
