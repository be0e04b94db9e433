import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { locatorKey } from '../../src/core/subject.ts';
import { sendDue } from '../../src/store/outbox.ts';
import {
  type DeploymentRow,
  productionDeployments,
  type ReportWish,
} from '../../src/store/report.ts';
import { Desk, openTestStore, type TestStore } from './help.ts';
import { approval, HEAD, judged, locatorOf, note, repoOf, type Wish } from './judged.ts';

describe('the register of production deployments', () => {
  let t: TestStore;
  const all: ReportWish = { fromMs: null, toMs: null, repo: null };
  const read = async (wish: Partial<ReportWish> = {}): Promise<DeploymentRow[]> => {
    const rows: DeploymentRow[] = [];
    for await (const row of productionDeployments(t.store.reports, { ...all, ...wish })) {
      rows.push(row);
    }
    return rows;
  };
  const play = async (wish: Wish): Promise<void> => {
    t.clock.nowMs += 60_000;
    await t.store.record.record(judged(wish));
    const enact = new Desk();
    const sealNow = async (id: number): Promise<void> => {
      await t.store.sealer.sealNow(id);
    };
    const parts = { sql: t.store.sql, enact, sealNow, now: () => t.clock.nowMs, random: () => 1 };
    await sendDue(parts, locatorKey(locatorOf(wish)));
  };

  before(async () => {
    t = await openTestStore();
    const repo = repoOf(1);
    // Run 1: held, then approved and released. Run 2: held. Run 3: released with no approval.
    await play({ repo, runId: 1, verdict: 'hold', effects: [note(repo, 1, 1)] });
    await play({ repo, runId: 1, verdict: 'allow', effects: [approval(repo, 1)] });
    await play({ repo, runId: 2, verdict: 'hold', effects: [note(repo, 2, 1)] });
    const bare = { verdict: 'allow', approved: false } as const;
    await play({ repo, runId: 3, ...bare, effects: [approval(repo, 3)] });
    await play({ repo, runId: 4, verdict: 'deny' });
    // Not production: no rule guards it, and its name is none of the default's.
    await play({ repo, runId: 5, verdict: 'hold', environment: 'preview' });
    // Nobody's rule, but the name says what it is.
    await play({ repo, runId: 6, verdict: 'hold', environment: 'Live' });
    // A pull request is no deployment.
    await play({ repo, verdict: 'hold' });
  });
  after(() => t.close());

  test('has one row per run, with its approver or with none', async () => {
    const rows = await read();
    assert.deepEqual(
      rows.map((row) => [row.runId, row.disposition, row.approvers.map((one) => one.login)]),
      [
        [1, 'approved', ['noor']],
        [2, 'waiting', []],
        [3, 'none', []],
        [4, 'refused', []],
        [6, 'waiting', []],
      ].toSorted((a, b) => rank(rows, a) - rank(rows, b)),
    );
    const [one] = rows.filter((row) => row.runId === 1);
    assert.equal(one?.requester?.login, 'marta');
    assert.deepEqual(one?.agents, ['copilot']);
    assert.equal(one?.blastRadius, 'high');
    assert.equal(one?.dryRun, 'none');
    assert.equal(one?.sha, HEAD);
    assert.equal(one?.verdict, 'allow');
    assert.equal(one?.rule, 'production');
    assert.equal(one?.releasedAtMs, 1_760_000_001_000);
    assert.ok(one.leafIndex !== null, 'sealed, then released');
    assert.deepEqual(one?.refused, [
      { person: { id: 198982749, login: 'Copilot' }, codes: ['R03', 'R06'] },
    ]);
  });

  const rank = (rows: readonly DeploymentRow[], entry: readonly unknown[]): number =>
    rows.findIndex((row) => row.runId === entry[0]);

  test('takes a period and a repository', async () => {
    const [waiting] = (await read()).filter((row) => row.runId === 2);
    assert.ok(waiting !== undefined);
    const at = waiting.firstDecidedAtMs;
    assert.deepEqual(
      (await read({ fromMs: at, toMs: at + 1 })).map((row) => row.runId),
      [2],
    );
    assert.deepEqual(await read({ toMs: 1 }), []);
    assert.equal((await read({ repo: 'ACME/shop' })).length, 5);
    assert.deepEqual(await read({ repo: 'acme/other' }), []);
  });

  test('after an erasure the numbers are left', async () => {
    await t.root`delete from audit.detail where path like 'decision.counted.%'`;
    const [one] = (await read()).filter((row) => row.runId === 1);
    assert.deepEqual(
      one?.approvers.map(({ id, login }) => [id, login]),
      [[3, null]],
    );
  });
});
