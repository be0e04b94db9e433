/** Check runs and labels, written to the local GitHub. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Annotation, Effect } from '../../src/core/effect.ts';
import { triggersOf } from '../../src/github/events.ts';
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
});
after(() => room.gh.close());

async function opened(): Promise<{ repo: Repo; pull: Pull }> {
  count += 1;
  const repo = await room.gh.repo(`acme/enact-${count}`, { collaborators: { bob: 'write' } });
  await repo.commit({ branch: 'feature', files: { 'a.md': 'a\n' }, author: 'bob' });
  return { repo, pull: await repo.openPull({ author: 'bob', head: 'feature' }) };
}

type CheckRun = Extract<Effect, { kind: 'check-run' }>;

function checkRun(repo: Repo, pull: Pull, change: Partial<CheckRun> = {}): CheckRun {
  return {
    kind: 'check-run',
    key: 'k',
    repo: room.ref(repo),
    name: 'tagout',
    headSha: pull.headSha,
    externalId: 'evidence-1',
    conclusion: 'action_required',
    title: 'Held',
    summary: 'Held because …',
    text: 'Details',
    annotations: [],
    shown: null,
    ...change,
  };
}

function annotations(length: number): Annotation[] {
  const at = { path: 'a.md', startLine: 1, endLine: 1, level: 'failure', title: 't' } as const;
  return Array.from({ length }, (_, index) => ({ ...at, message: `message ${index}` }));
}

describe('check runs', () => {
  test('one is made, then edited; the time is GitHub’s own', async () => {
    const { repo, pull } = await opened();
    const made = await room.enact.enact(checkRun(repo, pull), known);
    assert.deepEqual([made.status, made.httpStatus], ['done', 201]);
    assert.ok(Math.abs((made.githubAtMs ?? 0) - Date.now()) < 60_000);
    const success = checkRun(repo, pull, { conclusion: 'success', externalId: 'evidence-2' });
    const edited = await room.enact.enact(success, { ...known, checkRunId: made.githubId });
    assert.deepEqual([edited.githubId, edited.httpStatus], [made.githubId, 200]);
    const runs = repo.checkRuns(pull.headSha);
    assert.deepEqual(
      runs.map((run) => [run.conclusion, run.externalId, run.status]),
      [['success', 'evidence-2', 'completed']],
    );
  });

  test('120 annotations come in batches of 50, and editing does not double them', async () => {
    const { repo, pull } = await opened();
    const effect = checkRun(repo, pull, { annotations: annotations(120) });
    const mark = room.gh.requests.length;
    const made = await room.enact.enact(effect, known);
    const { 'apps/create-installation-access-token': _hourly, ...sent } =
      room.gh.requestsSince(mark);
    assert.deepEqual(sent, { 'checks/create': 1, 'checks/update': 2 });
    const again = { ...known, checkRunId: made.githubId };
    await room.enact.enact(effect, again);
    const messages = repo.checkRuns(pull.headSha)[0]?.annotations.map((one) => one['message']);
    assert.deepEqual(
      messages,
      annotations(120).map(({ message }) => message),
    );
  });

  test('annotations that no longer hold go with a new run', async () => {
    const { repo, pull } = await opened();
    const made = await room.enact.enact(
      checkRun(repo, pull, { annotations: annotations(2) }),
      known,
    );
    const clean = checkRun(repo, pull, { conclusion: 'success' });
    const next = await room.enact.enact(clean, { ...known, checkRunId: made.githubId });
    assert.notEqual(next.githubId, made.githubId);
    const latest = repo.checkRuns(pull.headSha).at(-1);
    assert.deepEqual([latest?.conclusion, latest?.annotations.length], ['success', 0]);
  });

  test('a run whose making was not acknowledged is found, not made twice', async () => {
    const { repo, pull } = await opened();
    room.gh.faults.request({ match: 'checks/create', nth: 1, drop: true });
    const lost = await room.enact.enact(checkRun(repo, pull), known);
    room.gh.faults.clear();
    assert.deepEqual([lost.status, lost.githubId], ['uncertain', null]);
    const found = await room.enact.enact(checkRun(repo, pull), { ...known, uncertain: true });
    assert.equal(found.status, 'done');
    assert.equal(repo.checkRuns(pull.headSha).length, 1);
  });

  test('uncertain and nothing there: it is made', async () => {
    const { repo, pull } = await opened();
    await room.enact.enact(checkRun(repo, pull), { ...known, uncertain: true });
    assert.equal(repo.checkRuns(pull.headSha).length, 1);
  });

  test('the answer tells the app its own name', async () => {
    const { repo, pull } = await opened();
    room.self.slug = null;
    await room.enact.enact(checkRun(repo, pull), known);
    assert.equal(room.self.slug, 'tagout');
  });

  const faults = [
    ['500', { status: 500 }, 'retry'],
    ['503', { status: 503 }, 'retry'],
    ['504', { status: 504 }, 'uncertain'],
    ['403', { status: 403 }, 'refused'],
    ['422', { status: 422 }, 'refused'],
  ] as const;
  for (const [name, fault, status] of faults) {
    test(`${name} is ${status}`, async () => {
      const { repo, pull } = await opened();
      room.gh.faults.request({ match: 'checks/create', ...fault });
      const outcome = await room.enact.enact(checkRun(repo, pull), known);
      room.gh.faults.clear();
      assert.deepEqual([outcome.status, outcome.httpStatus], [status, fault.status]);
      assert.equal(repo.checkRuns(pull.headSha).length, 0);
    });
  }

  test('a limit is waited for as long as GitHub says', async () => {
    const { repo, pull } = await opened();
    room.gh.faults.request({ match: 'checks/create', rateLimit: 'secondary', retryAfter: 33 });
    const outcome = await room.enact.enact(checkRun(repo, pull), known);
    room.gh.faults.clear();
    assert.deepEqual([outcome.status, outcome.retryAfterMs], ['retry', 33_000]);
  });
});

/** A person changes the labels of a pull request. */
async function byBob(
  { repo, pull }: { repo: Repo; pull: Pull },
  method: string,
  path: string,
  body?: object,
): Promise<void> {
  const url = `${room.gh.url}/repos/${repo.fullName}/issues/${pull.number}/labels${path}`;
  const headers = { authorization: `Bearer ${room.gh.token('bob')}` };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(url, { method, headers, ...sent });
  assert.equal(answer.status, 200);
}

describe('labels', () => {
  const high = { name: 'blast-radius: high', color: 'd93f0b', description: 'values lost' };
  const labels = (repo: Repo, pull: Pull, remove: string[] = []): Effect => ({
    kind: 'labels',
    key: 'k',
    repo: room.ref(repo),
    pull: pull.number,
    add: [high],
    remove,
  });

  test('a missing label is made with colour and description; twice is once', async () => {
    const { repo, pull } = await opened();
    for (let time = 0; time < 2; time += 1) {
      const outcome = await room.enact.enact(labels(repo, pull), known);
      assert.equal(outcome.status, 'done');
    }
    assert.deepEqual(pull.labels, [high.name]);
    const label = repo.record.labels.get(high.name);
    assert.deepEqual([label?.color, label?.description], [high.color, high.description]);
  });

  test('a colour that people chose stays, and other labels stay', async () => {
    const { repo, pull } = await opened();
    await room.enact.enact(labels(repo, pull), known);
    Object.assign(repo.record.labels.get(high.name) ?? {}, { color: '123456' });
    await byBob({ repo, pull }, 'POST', '', { labels: ['bug'] });
    await room.enact.enact(labels(repo, pull, ['blast-radius: low', 'never there']), known);
    assert.equal(repo.record.labels.get(high.name)?.color, '123456');
    assert.deepEqual([...pull.labels].sort(), [high.name, 'bug']);
  });

  test('a label that somebody takes off comes back: their removal triggers, our labelling does not', async () => {
    const { repo, pull } = await opened();
    room.self.slug = 'tagout';
    await room.enact.enact(labels(repo, pull), known);
    await byBob({ repo, pull }, 'DELETE', `/${encodeURIComponent(high.name)}`);
    await room.gh.settled();
    const heard = room.gh.deliveries
      .filter((one) => one.repositoryId === repo.id && /labeled/.test(one.action ?? ''))
      .map((one) => {
        const payload: unknown = JSON.parse(one.body);
        const triggers = triggersOf({ id: one.guid, name: one.event, payload }, room.self);
        return [one.action, triggers.length];
      });
    assert.deepEqual(heard, [
      ['labeled', 0],
      ['unlabeled', 1],
    ]);
    await room.enact.enact(labels(repo, pull), known);
    assert.deepEqual(pull.labels, [high.name]);
  });
});
