/** What one person reviewed: only what is still open is looked at again. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Approvals } from '../../src/core/ports.ts';
import type { Locator } from '../../src/core/subject.ts';
import type { Repo } from '../github/index.ts';
import { openRoom, type Room, TestMemory } from './room.ts';

/** A store that says which subjects stand on anybody's approval. */
class ReviewedMemory extends TestMemory {
  rows: readonly Locator[] = [];
  async reviewed(): Promise<readonly Locator[]> {
    return this.rows;
  }
}

const memory = new ReviewedMemory();
let room: Room;

before(async () => {
  room = await openRoom(undefined, memory);
  room.gh.org('acme', { admins: ['boss'] });
  room.gh.user('maria');
});
after(() => room.gh.close());

async function pulls(repo: Repo): Promise<readonly Locator[]> {
  const found: Locator[] = [];
  for (const branch of ['one', 'two']) {
    await repo.commit({ branch, files: { [`${branch}.md`]: 'x\n' }, author: 'maria' });
    const { number } = await repo.openPull({ author: 'maria', head: branch });
    found.push({ kind: 'pull-request', repo: room.ref(repo), number });
  }
  return found;
}

test('closed pull requests are left out by one query for each repository', async () => {
  const collaborators = { maria: 'write' } as const;
  const one = await room.gh.repo('acme/one', { collaborators });
  const two = await room.gh.repo('acme/two', { collaborators });
  const all = [...(await pulls(one)), ...(await pulls(two))];
  const [first, , third] = all;
  assert.ok(first !== undefined && third !== undefined);
  await one.pull(1).close('maria');
  const { installationId } = room.ref(one);
  const run = { runId: 7, environment: 'production', deploymentId: null };
  const gate: Locator = { kind: 'deployment', repo: room.ref(two), ...run };
  memory.rows = [...all, gate];
  const asked: Approvals = { kind: 'approvals', installationId, personId: 9 };
  const mark = room.gh.requests.length;
  const found = await room.gather.expand(asked);
  assert.deepEqual(found, [...all.slice(1), gate]);
  assert.equal(room.gh.requestsSince(mark)['graphql'], 2);
  // A repository that is gone is no reason to look at nothing else.
  one.record.private = true;
  room.gh.installation('acme').selected = new Set([two.id]);
  assert.deepEqual(await room.gather.expand(asked), [...all.slice(2), gate]);
});
