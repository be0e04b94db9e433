/**
 * Deliveries come doubled, out of order, or not at all: after the sweep everything is as if they had
 * come in order. Which ones suffer is drawn from a seed that is told.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Pull } from '../github/pull.ts';
import { chanceOf } from '../fuzz/random.ts';
import { openReliable, type ReliableScene } from './scene.ts';
import { rest } from './server.ts';

const SEED = Number(process.env['SEED'] ?? Date.now() % 100_000);
const PULLS = 4;

describe('deliveries doubled, swapped and lost', () => {
  let s: ReliableScene;
  before(async () => {
    s = await openReliable({}, false);
  });
  after(() => s.close());

  const settle = () => rest({ gh: s.gh, sql: s.served.store.sql });

  function arm(): void {
    const chance = chanceOf(SEED);
    const draw = (share: number): number[] =>
      Array.from({ length: 400 }, (_, at) => at + 1).filter(() => chance.int(100) < share);
    s.gh.faults.delivery({ match: /./, nth: draw(10), lose: true });
    s.gh.faults.delivery({ match: /./, nth: draw(15), double: true });
    s.gh.faults.delivery({ match: /./, nth: draw(15), swap: true });
    s.gh.faults.delivery({ match: /./, nth: draw(10), delayMs: 120 });
  }

  async function play(name: string): Promise<readonly string[]> {
    const pulls: Pull[] = [];
    for (let count = 0; count < PULLS; count += 1) {
      const head = `${name}-${count}`;
      const files = { [`docs/${head}.md`]: 'text\n' };
      await s.repo.commit({ branch: head, files, author: s.people.maria });
      pulls.push(await s.repo.openPull({ author: s.people.maria, head }));
    }
    for (const [at, pull] of pulls.entries()) {
      if (at !== 0) await pull.review({ by: s.people.octavia });
      if (at === 2) await pull.push({ files: { 'docs/more.md': 'm\n' }, author: s.people.maria });
      if (at === 3) {
        await pull.review({ by: s.people.octavia, state: 'CHANGES_REQUESTED', body: 'no' });
      }
    }
    await s.gh.settled();
    s.gh.faults.clear();
    await settle();
    await s.sweepAfter(10 * 60_000);
    await settle();
    return pulls.map((pull) => {
      const runs = s.repo.checkRuns(pull.headSha);
      return `${runs.map((run) => run.conclusion).join()} ${pull.labels.join()}`;
    });
  }

  test('end as if all had come in order', async (t) => {
    t.diagnostic(`seed ${SEED}`);
    const plain = await play('plain');
    assert.deepEqual(
      plain.map((line) => line.split(' ')[0]),
      ['action_required', 'success', 'action_required', 'action_required'],
    );
    arm();
    assert.deepEqual(await play('harmed'), plain, `seed ${SEED}`);
    const [twice] = await s.served.store.sql`select count(*)::int as n from (
      select from audit.event group by dedupe_key having count(*) > 1) as d`;
    assert.equal(twice?.['n'], 0);
  });
});
