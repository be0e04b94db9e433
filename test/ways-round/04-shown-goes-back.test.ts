/** What is shown goes from A to B and back to A: an approval binds to what was shown last before it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pull } from '../github/pull.ts';
import { dropColumn, type Scene, tagoutCheck, until, words } from '../story/scene.ts';
import { openScene } from '../story/tagout.ts';

let scene: Scene;
before(async () => {
  scene = await openScene({ validate: false });
});
after(() => scene.close());

const seed = (rows: number): string =>
  "INSERT INTO users (name, email)\nSELECT 'user ' || n, 'a' || n " +
  `FROM generate_series(1, ${rows}) AS n;\n`;

/** Waits until the check says this, and until nothing more is being written. */
async function shows(pull: Pull, what: RegExp): Promise<void> {
  await until(`the check says ${what}`, () => {
    const check = tagoutCheck(scene.repo, pull.headSha);
    return check !== null && what.test(words(check)) ? check : null;
  });
  await scene.gh.settled();
}

interface Flap {
  readonly pull: Pull;
  /** Gives the base branch a seed of so many rows: so many values are then shown as lost. */
  readonly bump: (rows: number) => Promise<void>;
  readonly approve: () => Promise<void>;
}

async function flap(base: string, rows: number): Promise<Flap> {
  const { repo, people } = scene;
  const author = people.maria;
  await repo.commit({ branch: base, from: 'main', files: { 'db/seed.sql': seed(rows) }, author });
  const head = `copilot/${base}`;
  await repo.commit({ branch: head, from: base, files: dropColumn, author: people.copilot });
  const pull = await repo.openPull({ author: people.copilot, head, base, title: 'Drop it' });
  const lost = (count: number): RegExp =>
    new RegExp(`\\b${count === 1000 ? '1,000' : count} values lost`);
  await shows(pull, lost(rows));
  let edits = 0;
  return {
    pull,
    async bump(count) {
      await repo.commit({ branch: base, files: { 'db/seed.sql': seed(count) }, author });
      // GitHub's times are whole seconds, and the same second counts as after.
      await sleep(1100);
      edits += 1;
      await pull.edit(people.copilot, { title: `Drop it ${edits}` });
      await shows(pull, lost(count));
    },
    async approve() {
      await sleep(1100);
      await pull.review({ by: people.octavia });
      await scene.gh.settled();
    },
  };
}

function concluded(pull: Pull, wanted: string): Promise<unknown> {
  return until(`the check concludes ${wanted}`, () => {
    const check = tagoutCheck(scene.repo, pull.headSha);
    return check?.conclusion === wanted ? check : null;
  });
}

function repoWords(pull: Pull): string {
  const check = tagoutCheck(scene.repo, pull.headSha);
  return check === null ? '' : words(check);
}

describe('what is shown goes A, B, A', () => {
  test('an approval given while A is shown again counts for A', async () => {
    const { pull, bump, approve } = await flap('to-and-fro', 1000);
    await bump(7);
    await bump(1000);
    await approve();
    await concluded(pull, 'success');
  });

  test('it does not count for B, and the same person can approve B anew', async () => {
    const { pull, bump, approve } = await flap('fro-and-to', 7);
    await bump(1000);
    await bump(7);
    await approve();
    await concluded(pull, 'success');
    await bump(1000);
    await concluded(pull, 'action_required');
    const said = repoWords(pull);
    assert.match(said, /What the check showed then is not what it shows now \(R02\)/);
    await approve();
    await concluded(pull, 'success');
  });
});
