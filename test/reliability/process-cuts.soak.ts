/**
 * A server is killed between any two steps: at the nth message that it sends to its PostgreSQL,
 * before it arrives or after it was answered. How many there are is counted in a run without a cut,
 * so that new steps are cut too. `CUTS=all` takes every point; else a few, by a seed that is told.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { redeliver } from '../github/webhooks.ts';
import { age, type Ground, openGround, type Replica, rest } from './server.ts';

const ALL = process.env['CUTS'] === 'all';
const SEED = Number(process.env['SEED'] ?? 1);
const SOME = 1;

interface End {
  readonly gate: string | undefined;
  readonly answers: number;
  readonly check: readonly string[];
  readonly events: readonly string[];
  readonly unsent: number;
}

describe('a server killed between two steps', () => {
  let ground: Ground;
  let server: Replica;
  let turn = 0;
  before(async () => {
    ground = await openGround();
    server = await ground.start();
  });
  after(() => ground.close());

  /** A pull request that is approved, merged and deployed; the kill comes while it is judged. */
  async function play(arm: () => void): Promise<{ end: End; steps: number }> {
    const { repo, people, gh, sql, wire } = ground;
    turn += 1;
    const head = `kill-${turn}`;
    const files = { [`docs/${head}.md`]: `${head}\n` };
    await repo.commit({ branch: head, files, author: people.maria });
    const pull = await repo.openPull({ author: people.maria, head });
    await rest(ground);
    arm();
    await pull.review({ by: people.octavia });
    await gh.settled();
    const sha = await pull.merge({ by: people.octavia, method: 'squash' });
    const run = await repo.startRun({ sha, actor: people.octavia });
    await gh.settled();
    await recover();
    await rest(ground);
    const { steps } = wire;
    wire.disarm();
    const key = `%:run:${run.id}:%`;
    const events = await sql<{ kind: string; n: number }[]>`
      select kind, count(*)::int as n from audit.event
      where doc->'subject'->>'key' like ${key} and kind in ('decision.made') group by kind`;
    const approved = await sql<{ n: number }[]>`select count(*)::int as n from tagout.outbox
      where subject_key like ${key} and kind = 'review-deployment' and status = 'done'`;
    const [unsent] = await sql`select count(*)::int as n from tagout.outbox
      where status in ('pending', 'sending', 'dead')`;
    const end = {
      gate: run.job.gates[0]?.state,
      answers: Number(approved[0]?.n),
      check: repo.checkRuns(pull.headSha).map((one) => `${one.name} ${one.conclusion}`),
      events: events.map((row) => row.kind),
      unsent: Number(unsent?.['n']),
    };
    return { end, steps };
  }

  /** After a kill: a new server, the dead one's work freed, and what never arrived sent again. */
  async function recover(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 150));
    if (server.child.exitCode === null && server.child.signalCode === null) {
      await rest(ground).catch(() => undefined);
    }
    if (server.child.exitCode === null && server.child.signalCode === null) return;
    ground.wire.disarm();
    server = await ground.start();
    await age(ground.sql);
    const { world } = ground.gh;
    const failed = world.deliveries.filter((one) => one.outcome !== 'answered');
    const arrived = new Set(
      world.deliveries.filter((one) => one.outcome === 'answered').map((one) => one.guid),
    );
    for (const one of failed) if (!arrived.has(one.guid)) redeliver(world, one);
  }

  test('leaves the same end as one that was not', async (t) => {
    await play(() => ground.wire.disarm());
    const plain = await play(() => ground.wire.disarm());
    assert.equal(plain.end.gate, 'approved');
    assert.equal(plain.end.answers, 1);
    const points = ALL
      ? Array.from({ length: plain.steps }, (_, at) => at + 1)
      : Array.from({ length: SOME }, (_, at) => 1 + ((SEED * 7919 + at * 104_729) % plain.steps));
    t.diagnostic(`seed ${SEED}, ${plain.steps} steps, cut at ${points.join(', ')}`);
    for (const [index, point] of points.entries()) {
      for (const when of ALL
        ? (['before', 'after'] as const)
        : ([index % 2 === 0 ? 'before' : 'after'] as const)) {
        const { end } = await play(() =>
          ground.wire.arm(point, when, () => server.child.kill('SIGKILL')),
        );
        assert.deepEqual(end, plain.end, `killed ${when} step ${point} (seed ${SEED})`);
      }
    }
  });
});
