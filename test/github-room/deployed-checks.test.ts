/** What is read of a deployment for the record alone: ref, words of reviews, required checks. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Evidence } from '../../src/core/evidence.ts';
import type { Repo } from '../github/index.ts';
import { openRoom, type Room } from './room.ts';

let room: Room;
let count = 0;

before(async () => {
  room = await openRoom();
  room.gh.org('acme', { admins: ['boss'] });
  for (const login of ['alice', 'bob']) room.gh.user(login);
});
after(() => room.gh.close());

async function shop(): Promise<Repo> {
  count += 1;
  const repo = await room.gh.repo(`acme/app-${count}`, {
    files: { 'list.txt': '1\n' },
    collaborators: { alice: 'write', bob: 'write' },
  });
  await repo.startRun({ actor: 'bob' });
  repo.environment('production', { protectedByApp: true });
  room.memory.given.releases = [];
  return repo;
}

async function waiting(repo: Repo): Promise<Evidence> {
  const run = await repo.startRun({ actor: 'alice' });
  return room.deployment(repo, run.id, run.deployment?.id);
}

describe('what only the record needs', () => {
  const required = (contexts: readonly string[]) => ({
    enabled: true,
    required_status_checks: { enforcement_level: 'everyone', contexts, checks: [] },
  });

  test('the branch, the words of a review, and how the required checks stand', async () => {
    const repo = await shop();
    await repo.commit({ branch: 'told', files: { 'told.txt': 'x\n' }, author: 'bob' });
    const pull = await repo.openPull({ author: 'bob', head: 'told' });
    await pull.review({ by: 'alice', body: 'Looked at the lock, fine.' });
    await pull.merge({ by: 'alice', method: 'merge' });
    const head = { headSha: repo.sha(), suiteId: 1, externalId: '', detailsUrl: null };
    const { app } = room.gh;
    const at = { app, startedAtMs: 1, completedAtMs: 2, annotations: [], actions: [] };
    const output = { title: null, summary: null, text: null };
    for (const [id, name, conclusion, headSha] of [
      [901, 'build', 'success', repo.sha()],
      [902, 'lint', 'skipped', repo.sha()],
      [903, 'e2e', 'failure', repo.sha()],
      [904, 'unit', 'success', pull.headSha],
    ] as const) {
      const status = 'completed';
      repo.record.checkRuns.push({ ...head, ...at, id, name, headSha, status, conclusion, output });
    }
    const contexts = ['build', 'e2e', 'lint', 'scan', 'tagout', 'unit'];
    repo.record.branchProtection.set('main', required(contexts));
    const evidence = await waiting(repo);
    assert.equal(evidence.deployment?.ref, 'main');
    assert.equal(evidence.changes[0]?.reviews[0]?.commented, true);
    assert.deepEqual(evidence.deployment?.checks, {
      result: 'failure',
      required: [
        { name: 'build', state: 'passed' },
        { name: 'e2e', state: 'failed' },
        { name: 'lint', state: 'skipped' },
        { name: 'scan', state: 'missing' },
        // It ran on the pull request's head, and what was merged is that content.
        { name: 'unit', state: 'passed' },
      ],
    });
    assert.deepEqual(evidence.gaps, []);
  });

  test('checks that cannot be read hold nothing and are told as unread', async () => {
    const repo = await shop();
    room.gh.faults.request({ match: 'repos/get-branch-rules', status: 403 });
    try {
      const evidence = await waiting(repo);
      assert.equal(evidence.deployment?.checks, null);
      assert.deepEqual(evidence.gaps, []);
    } finally {
      room.gh.faults.clear();
    }
  });
});
