/** Evidence of a deployment, read from the local GitHub, and the answer to its gate. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Effect } from '../../src/core/effect.ts';
import type { Evidence, RangeCommit } from '../../src/core/evidence.ts';
import { triggersOf } from '../../src/github/events.ts';
import type { FileContent } from '../github/git.ts';
import type { Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import type { Run } from '../github/repo.ts';
import { openRoom, type Room } from './room.ts';

let room: Room;
let count = 0;

before(async () => {
  room = await openRoom();
  room.gh.org('acme', { admins: ['boss'] });
  for (const login of ['alice', 'bob', 'carol']) room.gh.user(login);
});
after(() => room.gh.close());

const nine = '1\n2\n3\n4\n5\n6\n7\n8\n9\n';

/** A repository whose first commit was deployed before anybody guarded the environment. */
async function shop(): Promise<{ repo: Repo; first: string }> {
  count += 1;
  const repo = await room.gh.repo(`acme/app-${count}`, {
    files: { 'list.txt': nine },
    collaborators: { alice: 'write', bob: 'write' },
  });
  await repo.startRun({ actor: 'bob' });
  repo.environment('production', { protectedByApp: true });
  room.memory.given.releases = [];
  return { repo, first: repo.sha() };
}

type Files = Record<string, FileContent>;

async function feature(repo: Repo, name: string, files: Files): Promise<Pull> {
  await repo.commit({ branch: name, files, author: 'bob', message: `${name} 1` });
  await repo.commit({ branch: name, files: { [`${name}.txt`]: 'x\n' }, author: 'bob' });
  return repo.openPull({ author: 'bob', head: name });
}

async function waiting(repo: Repo, sha?: string): Promise<{ run: Run; evidence: Evidence }> {
  const run = await repo.startRun({ actor: 'alice', ...(sha === undefined ? {} : { sha }) });
  assert.equal(run.state, 'waiting');
  return { run, evidence: await room.deployment(repo, run.id, run.deployment?.id) };
}

function told(range: readonly RangeCommit[] | undefined) {
  return (range ?? []).map(({ pull, equalsReviewed }) => [pull, equalsReviewed]);
}

describe('the range', () => {
  for (const method of ['squash', 'merge', 'rebase'] as const) {
    test(`a ${method} merge maps to its pull request, with equal content after a line merge`, async () => {
      const { repo, first } = await shop();
      const pull = await feature(repo, 'one', { 'list.txt': `${nine}ten\n` });
      const other = await feature(repo, 'two', { 'list.txt': `zero\n${nine}` });
      await other.merge({ by: 'alice', method });
      await pull.review({ by: 'alice' });
      await pull.merge({ by: 'alice', method });
      const { evidence } = await waiting(repo);
      const { deployment } = evidence;
      assert.deepEqual([deployment?.fromSha, deployment?.fromOrigin], [first, 'adopted']);
      assert.ok(deployment?.range.every(({ equalsReviewed }) => equalsReviewed === true));
      const pulls = new Set(deployment?.range.map((commit) => commit.pull));
      assert.deepEqual(pulls, new Set([other.number, pull.number]));
      assert.equal(deployment?.range.length, { squash: 2, merge: 6, rebase: 4 }[method]);
      const change = evidence.changes.find((one) => one.pull === pull.number);
      assert.equal(change?.state, 'merged');
      assert.equal(change?.headSha, pull.headSha);
      assert.equal(change?.reviews[0]?.commitSha, pull.headSha);
      assert.deepEqual(
        change?.files.map(({ path }) => path),
        ['list.txt', 'one.txt'],
      );
      assert.deepEqual(
        evidence.people.map(({ login }) => login),
        ['alice'],
      );
      assert.deepEqual(evidence.gaps, []);
    });
  }

  test('a direct push belongs to no pull request', async () => {
    const { repo } = await shop();
    await repo.commit({ files: { 'hack.txt': 'x\n' }, author: 'Copilot', message: 'quick fix' });
    const { evidence } = await waiting(repo);
    const [commit] = evidence.deployment?.range ?? [];
    assert.deepEqual(told(evidence.deployment?.range), [[null, null]]);
    assert.equal(commit?.author?.login, 'Copilot');
    assert.match(commit?.difference ?? '', /not linked/);
    assert.deepEqual(evidence.changes, []);
  });

  test('a merge that brings more than was reviewed differs, with the path', async () => {
    const { repo } = await shop();
    const pull = await feature(repo, 'one', { 'a.txt': 'a\n' });
    const onto = repo.sha();
    const merged = await pull.merge({ by: 'alice' });
    const files = { 'a.txt': 'a\n', 'one.txt': 'x\n', 'smuggled.txt': 'x\n' };
    const evil = await repo.commit({ parents: [onto], files, author: 'bob', detached: true });
    repo.record.mergedWith.set(evil, new Set([pull.number]));
    pull.record.mergeCommitSha = evil;
    await repo.push('main', evil, 'bob');
    assert.notEqual(evil, merged);
    const { evidence } = await waiting(repo);
    assert.deepEqual(told(evidence.deployment?.range), [[pull.number, false]]);
    assert.equal(evidence.deployment?.range[0]?.difference, 'smuggled.txt');
  });

  test('a change that was pushed to a branch of its own name after the merge is not reviewed content', async () => {
    const { repo } = await shop();
    const pull = await feature(repo, 'one', { 'a.txt': 'a\n' });
    await pull.merge({ by: 'alice' });
    await repo.commit({
      files: { 'a.txt': 'b\n' },
      author: 'bob',
      message: `one (#${pull.number})`,
    });
    const { evidence } = await waiting(repo);
    assert.deepEqual(told(evidence.deployment?.range), [
      [pull.number, true],
      [null, null],
    ]);
  });

  test("GitHub's list lags after a merge: not linked yet, and linked at the next look", async () => {
    const { repo } = await shop();
    const pull = await feature(repo, 'one', { 'a.txt': 'a\n' });
    const sha = await pull.merge({ by: 'alice' });
    room.gh.world.lagging.add(sha);
    const { run, evidence } = await waiting(repo);
    assert.deepEqual(told(evidence.deployment?.range), [[null, null]]);
    assert.match(evidence.deployment?.range[0]?.difference ?? '', /\(yet\)/);
    room.gh.world.lagging.delete(sha);
    const again = await room.deployment(repo, run.id, run.deployment?.id);
    assert.deepEqual(told(again.deployment?.range), [[pull.number, true]]);
  });

  test('the migrations of a merged pull request run on the first parent of its merge', async () => {
    const { repo } = await shop();
    await repo.commit({ files: { 'migrations/0001_a.sql': 'select 1;\n' }, author: 'boss' });
    const pull = await feature(repo, 'one', { 'migrations/0002_b.sql': 'select 2;\n' });
    await pull.merge({ by: 'alice' });
    const runs = room.runs.length;
    const { evidence } = await waiting(repo);
    const plan = room.runs.at(-1)?.plans[0];
    assert.equal(room.runs.length, runs + 1);
    assert.deepEqual(
      plan?.applied.map(({ path }) => path),
      ['migrations/0001_a.sql'],
    );
    assert.deepEqual(
      plan?.pending.map(({ path }) => path),
      ['migrations/0002_b.sql'],
    );
    assert.equal(evidence.changes[0]?.dryRun.status, 'ok');
  });
});

describe('where the range starts', () => {
  test('at our newest release that then succeeded, however many came later', async () => {
    const { repo } = await shop();
    await (await feature(repo, 'one', { 'a.txt': 'a\n' })).merge({ by: 'alice' });
    const { run } = await waiting(repo);
    await run.bypass('boss');
    const succeeded = repo.sha();
    const last = await feature(repo, 'two', { 'b.txt': 'b\n' });
    await last.merge({ by: 'alice' });
    const failed = await repo.startRun({ actor: 'alice', autoComplete: false });
    await failed.bypass('boss');
    await failed.finish('failure');
    room.memory.given.releases = [run, failed].map((one, at) => ({
      runId: one.id,
      deploymentId: one.deployment?.id ?? null,
      sha: one.run.headSha,
      origin: 'released',
      atMs: at + 1,
    }));
    const { evidence } = await waiting(repo);
    assert.equal(evidence.deployment?.fromSha, succeeded);
    assert.equal(evidence.deployment?.fromOrigin, 'released');
    assert.deepEqual(told(evidence.deployment?.range), [[last.number, true]]);
  });

  test('a deployment by API never moves the start', async () => {
    const { repo, first } = await shop();
    await repo.commit({ files: { 'a.txt': 'a\n' }, author: 'bob' });
    await repo.deploy({ by: 'bob' });
    const { evidence } = await waiting(repo);
    assert.equal(evidence.deployment?.fromSha, first);
  });

  test('with nothing to adopt there is no start', async () => {
    count += 1;
    const repo = await room.gh.repo(`acme/app-${count}`, {});
    repo.environment('production', { protectedByApp: true });
    const { evidence } = await waiting(repo);
    const { fromSha, fromOrigin, range } = evidence.deployment ?? {};
    assert.deepEqual([fromSha, fromOrigin, range], [null, null, []]);
  });

  test('back to a commit that was released here: a rollback over what is taken back', async () => {
    const { repo, first } = await shop();
    const pull = await feature(repo, 'one', { 'a.txt': 'a\n' });
    await pull.merge({ by: 'alice' });
    const { run } = await waiting(repo);
    await run.bypass('boss');
    const release = { origin: 'adopted' as const, deploymentId: null };
    room.memory.given.releases = [
      { ...release, runId: 1, sha: first, atMs: 1 },
      {
        runId: run.id,
        deploymentId: run.deployment?.id ?? null,
        sha: repo.sha(),
        origin: 'released',
        atMs: 2,
      },
    ];
    const { evidence } = await waiting(repo, first);
    assert.deepEqual(evidence.deployment?.rollback, { currentSinceMs: 2, ranBefore: true });
    assert.deepEqual(told(evidence.deployment?.range), [[pull.number, true]]);
    room.memory.given.releases = room.memory.given.releases.slice(1);
    const unknown = await waiting(repo, first);
    assert.equal(unknown.evidence.deployment?.rollback, null);
    assert.deepEqual(unknown.evidence.deployment?.range, []);
  });
});

describe('the run and its deployment', () => {
  test('another commit in the deployment than in the run is told as it is', async () => {
    const { repo, first } = await shop();
    await repo.commit({ files: { 'a.txt': 'a\n' }, author: 'bob' });
    const run = await repo.startRun({ actor: 'alice', deploymentSha: first });
    const { deployment } = await room.deployment(repo, run.id, run.deployment?.id);
    assert.equal(deployment?.deploymentSha, first);
    assert.equal(deployment?.runHeadSha, repo.sha());
  });

  test("another run's deployment is not believed", async () => {
    const { repo } = await shop();
    const one = await repo.startRun({ actor: 'alice' });
    const two = await repo.startRun({ actor: 'alice' });
    const { deployment, subject } = await room.deployment(repo, two.id, one.deployment?.id);
    assert.equal(deployment?.deploymentId, null);
    assert.equal(deployment?.deploymentSha, null);
    assert.ok(subject.kind === 'deployment' && subject.deploymentId === one.deployment?.id);
  });

  test('without an id the deployment of the run is found', async () => {
    const { repo } = await shop();
    const run = await repo.startRun({ actor: 'alice' });
    const { deployment } = await room.deployment(repo, run.id);
    assert.equal(deployment?.deploymentId, run.deployment?.id);
  });

  test('a run that is over or was never there is gone', async () => {
    const { repo } = await shop();
    const run = await repo.startRun({ actor: 'alice' });
    await run.bypass('boss');
    const at = { kind: 'deployment', repo: room.ref(repo), environment: 'production' } as const;
    for (const runId of [run.id, 1]) {
      assert.equal(await room.gather.read({ ...at, runId, deploymentId: null }), null);
    }
  });

  test('the webhook leads to the run, and a waiting run is found without one', async () => {
    const { repo } = await shop();
    const run = await repo.startRun({ actor: 'alice' });
    await room.gh.settled();
    const delivery = room.gh.deliveries.findLast(
      ({ event }) => event === 'deployment_protection_rule',
    );
    const payload: unknown = JSON.parse(delivery?.body ?? '');
    const hook = { id: 'd', name: 'deployment_protection_rule', payload };
    const [trigger] = triggersOf(hook, room.self);
    const deploymentId = run.deployment?.id;
    const locator = {
      kind: 'deployment',
      repo: room.ref(repo),
      runId: run.id,
      environment: 'production',
    };
    assert.deepEqual(trigger?.locator, { ...locator, deploymentId });
    const all = await room.gather.expand({ kind: 'repository', repo: room.ref(repo) });
    assert.deepEqual(all, [{ ...locator, deploymentId: null }]);
  });
});

describe('the answer', () => {
  const known = { checkRunId: null, uncertain: false };
  const answer = (repo: Repo, run: Run, state: 'approved' | 'rejected' = 'approved'): Effect => ({
    kind: 'review-deployment',
    key: 'k',
    repo: room.ref(repo),
    runId: run.id,
    environment: 'production',
    state,
    comment: 'ü'.repeat(2000),
  });

  test('releases the run with one callback; once more is once', async () => {
    const { repo } = await shop();
    const run = await repo.startRun({ actor: 'alice' });
    const mark = room.gh.requests.length;
    const first = await room.enact.enact(answer(repo, run), known);
    assert.deepEqual([first.status, first.httpStatus, run.state], ['done', 204, 'success']);
    assert.deepEqual(room.gh.requestsSince(mark), {
      'apps/create-installation-access-token': 1, // the first write to this repository
      'actions/review-custom-gates-for-run': 1,
    });
    const path = `/repos/acme/app-${count}/actions/runs/${run.id}/deployment_protection_rule`;
    assert.equal(room.gh.requests.at(-1)?.path, path);
    const second = await room.enact.enact(answer(repo, run), known);
    assert.deepEqual([second.status, second.httpStatus], ['done', 422]);
    const opposite = await room.enact.enact(answer(repo, run, 'rejected'), known);
    assert.equal(opposite.status, 'refused');
    assert.match(opposite.detail ?? '', /approved by tagout\[bot\]/);
  });

  test("somebody else's release is not taken for ours", async () => {
    const { repo } = await shop();
    const run = await repo.startRun({ actor: 'alice' });
    await run.bypass('boss');
    const outcome = await room.enact.enact(answer(repo, run), known);
    assert.equal(outcome.status, 'refused');
    assert.match(outcome.detail ?? '', /approved by boss/);
  });

  test('an answer that was lost is uncertain, and the truth is found', async () => {
    const { repo } = await shop();
    const run = await repo.startRun({ actor: 'alice' });
    room.gh.faults.request({ match: 'deployment_protection_rule', nth: 1, drop: true });
    const lost = await room.enact.enact(answer(repo, run), known);
    assert.equal(lost.status, 'uncertain');
    room.gh.faults.clear();
    const again = await room.enact.enact(answer(repo, run), { ...known, uncertain: true });
    assert.equal(again.status, 'done');
    assert.equal(run.run.approvals.length, 1);
  });

  test('a 422 while the run still waits is tried again', async () => {
    const { repo } = await shop();
    const run = await repo.startRun({ actor: 'alice' });
    room.gh.faults.request({ match: 'deployment_protection_rule', nth: 1, status: 422 });
    const outcome = await room.enact.enact(answer(repo, run), known);
    assert.deepEqual([outcome.status, outcome.httpStatus], ['retry', 422]);
    assert.equal(run.state, 'waiting');
    room.gh.faults.clear();
  });

  test('a note leaves the run waiting', async () => {
    const { repo } = await shop();
    const run = await repo.startRun({ actor: 'alice' });
    const { kind: _kind, state: _state, ...rest } = { ...answer(repo, run), state: '' };
    const note = { ...rest, kind: 'deployment-note', comment: 'waits for alice' } as Effect;
    assert.equal((await room.enact.enact(note, known)).status, 'done');
    assert.deepEqual(run.notes, ['waits for alice']);
    assert.equal(run.state, 'waiting');
    const repeat = await room.enact.enact(note, { ...known, uncertain: true });
    assert.equal(repeat.status, 'done');
    assert.equal(run.notes.length, 1);
  });
});

describe('the range as a whole', () => {
  test('the migrations of several pull requests run together on the start of the range', async () => {
    const { repo, first } = await shop();
    for (const [name, file] of [
      ['one', 'migrations/0001_a.sql'],
      ['two', 'migrations/0002_b.sql'],
    ] as const) {
      await (await feature(repo, name, { [file]: 'select 1;\n' })).merge({ by: 'alice' });
    }
    const { evidence } = await waiting(repo);
    const { together } = evidence.deployment ?? {};
    assert.equal(evidence.changes.length, 2);
    assert.deepEqual([together?.baseSha, together?.headSha], [first, repo.sha()]);
    const pending = room.runs.at(-1)?.plans[0]?.pending.map(({ path }) => path);
    assert.deepEqual(pending, ['migrations/0001_a.sql', 'migrations/0002_b.sql']);
    assert.equal(together?.files.length, 4);
  });

  test('where this commit ran before is told when the policy orders environments', async () => {
    const policy =
      'version: 1\nenvironments:\n  production:\n    match: [production]\n    after: [staging]\n';
    const { repo } = await shop();
    await repo.commit({ files: { '.github/tagout.yml': policy }, author: 'boss' });
    await repo.deploy({ by: 'bob', environment: 'staging' });
    const api = await waiting(repo);
    assert.deepEqual(api.evidence.deployment?.succeededIn, []);
    await repo.startRun({ actor: 'bob', environment: 'staging' });
    const again = await room.deployment(repo, api.run.id, api.run.deployment?.id);
    assert.deepEqual(again.deployment?.succeededIn, ['staging']);
  });
});
