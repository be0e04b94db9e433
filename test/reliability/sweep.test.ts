/** What never arrived is found: by GitHub's own log of deliveries, and by comparing state. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createDeliveryLog } from '../../src/store/delivery-log.ts';
import { tagoutCheck, until } from '../story/scene.ts';
import { rest } from './server.ts';
import { openReliable, type ReliableScene } from './scene.ts';

const TEN_MINUTES_MS = 10 * 60_000;

describe('the sweep', () => {
  let s: ReliableScene;
  before(async () => {
    s = await openReliable();
  });
  after(() => s.close());

  const openPull = async (branch: string) => {
    const files = { [`docs/${branch}.md`]: `${branch}\n` };
    await s.repo.commit({ branch, files, author: s.people.maria });
    return s.repo.openPull({ author: s.people.maria, head: branch });
  };
  const checked = (sha: string, conclusion: string) =>
    until(`the check on ${sha} says ${conclusion}`, () => {
      const check = tagoutCheck(s.repo, sha);
      return check?.conclusion === conclusion ? check : null;
    });

  test('a delivery that failed is asked for again, and judged', async () => {
    s.gh.faults.delivery({ match: 'pull_request.opened', lose: true });
    const pull = await openPull('lost');
    await s.gh.settled();
    s.gh.faults.clear();
    assert.equal(tagoutCheck(s.repo, pull.headSha), null);
    const swept = await s.sweepAfter(45_000);
    assert.ok(swept.missed >= 1 && swept.redelivered >= 1, JSON.stringify(swept));
    await checked(pull.headSha, 'action_required');
    await s.gh.settled();
    assert.equal((await s.sweepAfter(45_000)).redelivered, 0, 'once is enough');
    const log = createDeliveryLog(s.served.store.sql);
    const kept = await log.read({ fromMs: null, toMs: null, repoId: s.repo.record.id });
    const lost = kept.filter((one) => one.event === 'pull_request.opened' && one.attempts === 2);
    assert.deepEqual(
      lost.map(({ event, statusCode, stored }) => [event, statusCode, stored]),
      [['pull_request.opened', 202, true]],
      "GitHub's log outlives GitHub's copy",
    );
  });

  test('a review that GitHub never sent is found by the time of the pull request', async () => {
    const pull = await openPull('review');
    await checked(pull.headSha, 'action_required');
    await s.gh.settled();
    s.gh.faults.delivery({ match: 'pull_request_review.submitted', lose: true });
    await pull.review({ by: s.people.octavia });
    await s.gh.settled();
    s.gh.faults.clear();
    s.gh.world.deliveries.splice(0);
    const swept = await s.sweepAfter(TEN_MINUTES_MS);
    assert.equal(swept.redelivered, 0);
    assert.ok(swept.looks >= 1, JSON.stringify(swept));
    await checked(pull.headSha, 'success');
  });

  test('a merge before the lost review was judged is told', async () => {
    const pull = await openPull('early');
    await checked(pull.headSha, 'action_required');
    await s.gh.settled();
    s.gh.faults.delivery({ match: /review|closed/, lose: true });
    await pull.review({ by: s.people.octavia });
    await pull.merge({ by: s.people.octavia, method: 'squash' });
    await s.gh.settled();
    s.gh.faults.clear();
    s.gh.world.deliveries.splice(0);
    const swept = await s.sweepAfter(TEN_MINUTES_MS);
    assert.equal(swept.uncheckedMerges, 1, JSON.stringify(swept));
    assert.equal(tagoutCheck(s.repo, pull.headSha)?.conclusion, 'action_required', 'as it was');
  });

  test('a merge that GitHub never told us of is an incident by the sweep', async () => {
    const pull = await openPull('silent');
    await checked(pull.headSha, 'action_required');
    await rest({ gh: s.gh, sql: s.served.store.sql });
    s.gh.faults.delivery({ match: /closed|push/, lose: true });
    await pull.merge({ by: s.people.ben, method: 'squash' });
    await s.gh.settled();
    s.gh.faults.clear();
    s.gh.world.deliveries.splice(0);
    const about = new RegExp(`Pull request ${pull.number} was merged while the check`);
    const told = async (): Promise<number> => {
      await rest({ gh: s.gh, sql: s.served.store.sql });
      const rows = await s.served.store.sql<{ detail: string }[]>`
        select doc->'incident'->>'detail' as detail from audit.event
        where kind = 'incident.opened'`;
      return rows.filter(({ detail }) => about.test(detail)).length;
    };
    assert.equal(await told(), 0, 'nothing has told us');
    await s.sweepAfter(TEN_MINUTES_MS);
    assert.equal(await told(), 1);
    await s.sweepAfter(TEN_MINUTES_MS);
    assert.equal(await told(), 1, 'once');
  });

  test('a check run that was taken away is written again', async () => {
    const pull = await openPull('check');
    await checked(pull.headSha, 'action_required');
    await s.gh.settled();
    await s.sweepAfter(TEN_MINUTES_MS);
    await s.gh.settled();
    s.repo.record.checkRuns.splice(0);
    await s.sweepAfter(TEN_MINUTES_MS);
    await checked(pull.headSha, 'action_required');
  });

  test('a check run that stands is not written again', async () => {
    const pull = await openPull('stands');
    await checked(pull.headSha, 'action_required');
    await s.gh.settled();
    const mark = s.gh.requests.length;
    for (let count = 0; count < 2; count += 1) {
      await s.sweepAfter(TEN_MINUTES_MS);
      await rest({ gh: s.gh, sql: s.served.store.sql });
    }
    const asked = s.gh.requestsSince(mark);
    assert.ok((asked['checks/list-for-ref'] ?? 0) >= 1, JSON.stringify(asked));
    assert.deepEqual([asked['checks/create'], asked['checks/update']], [undefined, undefined]);
  });

  test('a run that waits and was never told of is judged', async () => {
    s.gh.faults.delivery({ match: /deployment|workflow/, lose: true });
    const run = await s.repo.startRun({ actor: s.people.maria });
    await s.gh.settled();
    s.gh.faults.clear();
    s.gh.world.deliveries.splice(0);
    const swept = await s.sweepAfter(TEN_MINUTES_MS);
    assert.ok(swept.looks >= 1, JSON.stringify(swept));
    await until('the run is answered', () => {
      const [gate] = run.job.gates;
      return run.notes.length > 0 || gate?.state !== 'waiting' ? true : null;
    });
  });

  /** A pull request that nobody told us of. */
  const silent = async (branch: string) => {
    s.gh.faults.delivery({ match: /./, lose: true });
    const pull = await openPull(branch);
    await s.gh.settled();
    s.gh.faults.clear();
    return pull;
  };

  test('what GitHub fails at for a moment is asked again in the same sweep', async () => {
    for (const match of ['/app/hook/deliveries', '/graphql', '/app/installations']) {
      s.gh.faults.request({ match, nth: 1, status: 502 });
    }
    const { unread, next, repositories } = await s.sweepAfter(TEN_MINUTES_MS);
    s.gh.faults.clear();
    assert.equal(repositories, 1);
    assert.deepEqual([Math.max(...Object.values(unread)), next.behind], [0, {}]);
  });

  test('a log of deliveries that cannot be read does not keep state from being compared', async () => {
    const pull = await silent('no-log');
    s.gh.faults.request({ match: '/app/hook/deliveries', status: 502 });
    const swept = await s.sweepAfter(TEN_MINUTES_MS);
    s.gh.faults.clear();
    assert.equal(swept.unread.deliveries, 1);
    assert.ok(swept.looks >= 1, JSON.stringify(swept));
    await checked(pull.headSha, 'action_required');
    await rest({ gh: s.gh, sql: s.served.store.sql });
    // The next one reads as far back as this one would have, and not only since this one.
    const next = await s.sweepAfter(TEN_MINUTES_MS + 3_600_000, swept.next);
    assert.ok(next.redelivered >= 1, JSON.stringify(next));
    assert.deepEqual(next.next.behind, {});
    await s.gh.settled();
  });

  test('a part of a repository that cannot be read does not hide its other parts', async () => {
    const repoKey = `${s.gh.world.installed(s.gh.app, s.repo.record)?.id}:${s.repo.record.id}`;
    const parts = {
      pulls: '/graphql',
      waiting: '/actions/runs',
      deployments: /\/deployments$/,
      repositories: '/installation/repositories',
      installations: '/app/installations',
    } as const;
    const seen: Record<string, unknown> = {};
    for (const [part, match] of Object.entries(parts)) {
      s.gh.faults.request({ match, status: 502 });
      const { unread, next } = await s.sweepAfter(TEN_MINUTES_MS);
      s.gh.faults.clear();
      const left = Object.entries(unread).filter(([, count]) => count > 0);
      seen[part] = [left, Object.keys(next.behind)];
    }
    const installation = repoKey.slice(0, repoKey.indexOf(':'));
    assert.deepEqual(seen, {
      pulls: [[['pulls', 1]], [repoKey]],
      waiting: [[['waiting', 1]], [repoKey]],
      deployments: [[['deployments', 1]], [repoKey]],
      repositories: [[['repositories', 1]], [installation]],
      installations: [[['installations', 1]], ['installations']],
    });
  });

  test('a run that waits is found while the pull requests cannot be read', async () => {
    s.gh.faults.delivery({ match: /./, lose: true });
    const run = await s.repo.startRun({ actor: s.people.maria });
    await s.gh.settled();
    s.gh.faults.clear();
    s.gh.world.deliveries.splice(0);
    s.gh.faults.request({ match: '/graphql', status: 502 });
    const { unread } = await s.sweepAfter(TEN_MINUTES_MS);
    s.gh.faults.clear();
    assert.equal(unread.pulls, 1);
    await until('the run is answered', () => {
      const [gate] = run.job.gates;
      return run.notes.length > 0 || gate?.state !== 'waiting' ? true : null;
    });
  });

  test('unchanged lists cost nothing of the allowance', async () => {
    const mark = s.gh.requests.length;
    await s.sweepAfter(TEN_MINUTES_MS);
    const again = s.gh.requests.length;
    await s.sweepAfter(TEN_MINUTES_MS);
    const free = s.gh.requests.slice(again).filter((one) => one.status === 304);
    assert.ok(
      again > mark && free.length >= 3,
      s.gh.requests
        .slice(again)
        .map((r) => `${r.path} ${r.status}`)
        .join(),
    );
  });
});
