/** The comment about a waiting gate and review requests, written to the local GitHub. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Effect } from '../../src/core/effect.ts';
import type { Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import { openRoom, type Room } from './room.ts';

let room: Room;
let count = 0;
const known = { checkRunId: null, uncertain: false };

before(async () => {
  room = await openRoom();
  room.gh.org('acme', { admins: ['boss'] });
  room.gh.user('bob');
  room.gh.user('alice');
});
after(() => room.gh.close());

async function opened(): Promise<{ repo: Repo; pull: Pull }> {
  count += 1;
  const collaborators = { bob: 'write', alice: 'write' } as const;
  const repo = await room.gh.repo(`acme/notices-${count}`, { collaborators });
  await repo.commit({ branch: 'feature', files: { 'a.md': 'a\n' }, author: 'bob' });
  return { repo, pull: await repo.openPull({ author: 'bob', head: 'feature' }) };
}

function comment(repo: Repo, pull: Pull, body: string, over = false): Effect {
  const at = { repo: room.ref(repo), pull: pull.number, environment: 'production' };
  return { kind: 'pull-comment', key: body, ...at, body, over };
}

const bodies = (pull: Pull): readonly string[] => pull.comments.map(({ body }) => body);

describe('the comment', () => {
  test('is written once, then edited', async () => {
    const { repo, pull } = await opened();
    const made = await room.enact.enact(comment(repo, pull, 'waits'), known);
    assert.deepEqual([made.status, made.httpStatus], ['done', 201]);
    const again = { ...known, comment: made.githubId };
    const edited = await room.enact.enact(comment(repo, pull, 'released', true), again);
    assert.deepEqual([edited.githubId, edited.httpStatus], [made.githubId, 200]);
    assert.deepEqual(bodies(pull), ['released']);
  });

  test('one that is gone is written anew while it waits, and not at the end', async () => {
    const { repo, pull } = await opened();
    const gone = { ...known, comment: 999_999 };
    const over = await room.enact.enact(comment(repo, pull, 'released', true), gone);
    assert.deepEqual([over.status, over.githubId], ['done', null]);
    assert.deepEqual(bodies(pull), []);
    const made = await room.enact.enact(comment(repo, pull, 'waits'), gone);
    assert.equal(made.httpStatus, 201);
    assert.deepEqual(bodies(pull), ['waits']);
  });
});

describe('review requests', () => {
  const request = (repo: Repo, pull: Pull, logins: readonly string[]): Effect => {
    const at = { repo: room.ref(repo), pull: pull.number, environment: 'production' };
    return { kind: 'review-request', key: 'k', ...at, logins };
  };

  test('ask people, and twice is once', async () => {
    const { repo, pull } = await opened();
    for (const _ of [1, 2]) {
      const sent = await room.enact.enact(request(repo, pull, ['alice']), known);
      assert.equal(sent.status, 'done', sent.detail ?? '');
    }
    assert.equal(pull.record.requestedReviewers.length, 1);
  });

  test('what GitHub refuses is recorded and not repeated', async () => {
    const { repo, pull } = await opened();
    const sent = await room.enact.enact(request(repo, pull, ['bob']), known);
    assert.deepEqual([sent.status, sent.httpStatus], ['refused', 422]);
  });
});
