/** Gates of deployments, check runs and deployments by the API. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { acme, refusal, type Acme } from './world.fixture.ts';
import type { Run } from './repo.ts';

let world: Acme;

before(async () => {
  world = await acme();
});
after(() => world.gh.close());

interface Callback {
  readonly environment?: string;
  readonly state?: 'approved' | 'rejected';
  readonly comment?: string;
}

function call(
  run: Run,
  { environment = 'production', state, comment }: Callback,
): Promise<unknown> {
  const { octokit, place } = world;
  const path = 'POST /repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule';
  return octokit.request(path, {
    ...place,
    run_id: run.id,
    environment_name: environment,
    comment: comment ?? '',
    ...(state === undefined ? {} : { state }),
  } as never);
}

test('a gate is decided once; afterwards, and where nothing waits, it answers 422', async () => {
  const { repo } = world;
  const run = await repo.startRun({ actor: 'alice' });
  assert.match(await refusal(call(run, { environment: 'staging', state: 'approved' })), /^422/);
  await call(run, { environment: 'PRODUCTION', state: 'rejected', comment: 'no' });
  assert.equal(run.state, 'failure');
  assert.deepEqual(run.notes, ['no']);
  assert.match(await refusal(call(run, { state: 'approved' })), /^422/);
});

test('a note leaves the run waiting; ten are taken, none too long', async () => {
  const { repo } = world;
  const run = await repo.startRun({ actor: 'alice' });
  for (let note = 1; note <= 10; note += 1) await call(run, { comment: `held ${note}` });
  assert.equal(run.state, 'waiting');
  assert.match(await refusal(call(run, { comment: 'one more' })), /^422/);
  const long = 'x'.repeat(1025);
  assert.match(await refusal(call(run, { state: 'approved', comment: long })), /^422.*too long/);
  assert.equal(run.state, 'waiting');
});

test('an environment without our rule, and one that did not exist, hold nothing', async () => {
  const { repo } = world;
  const run = await repo.startRun({ actor: 'alice', environment: 'preview' });
  assert.equal(run.state, 'success');
  assert.ok(repo.record.environments.has('preview'));
});

test('an administrator can start a waiting run past the gate', async () => {
  const { repo, octokit, place } = world;
  const run = await repo.startRun({ actor: 'alice', autoComplete: false });
  await run.bypass('root');
  assert.equal(run.state, 'in_progress');
  assert.equal(run.deployment?.statuses[0]?.state, 'in_progress');
  const { data } = await octokit.actions.getReviewsForRun({ ...place, run_id: run.id });
  assert.deepEqual(
    data.map((one) => [one.state, one.user.login]),
    [['approved', 'root']],
  );
  await run.finish('failure');
  assert.equal(run.state, 'failure');
});

test('a newer success makes older ones of the environment inactive', async () => {
  const { repo } = world;
  const first = await repo.deploy({ by: 'alice', environment: 'eu' });
  const other = await repo.deploy({ by: 'alice', environment: 'us' });
  await repo.deploy({ by: 'alice', environment: 'EU' });
  assert.equal(first.statuses[0]?.state, 'inactive');
  assert.equal(other.statuses[0]?.state, 'success');
});

test('a deleted environment fails what waits for it', async () => {
  const { repo } = world;
  repo.environment('doomed', { protectedByApp: true });
  const run = await repo.startRun({ actor: 'alice', environment: 'doomed' });
  await repo.deleteEnvironment('Doomed');
  assert.equal(run.state, 'failure');
});

test('check runs keep GitHub’s limits and belong to their app', async () => {
  const { octokit, place, pull, repo } = world;
  const base = { ...place, name: 'tagout', head_sha: pull.headSha };
  const annotation = {
    path: 'db/2.sql',
    start_line: 1,
    end_line: 1,
    annotation_level: 'warning' as const,
    message: 'loses 1,000 values',
  };
  const many = (count: number): (typeof annotation)[] =>
    Array.from({ length: count }, () => annotation);
  const output = { title: 't', summary: 's' };
  const refused = [
    octokit.checks.create({ ...base, output: { ...output, annotations: many(51) } }),
    octokit.checks.create({ ...base, output: { ...output, summary: 'x'.repeat(65_536) } }),
    octokit.checks.create({ ...base, status: 'completed' }),
    octokit.checks.create({ ...base, head_sha: '0'.repeat(40) }),
  ];
  for (const one of refused) assert.match(await refusal(one), /^422/);
  const made = await octokit.checks.create({
    ...base,
    conclusion: 'action_required',
    output: { ...output, annotations: many(50) },
  });
  await octokit.checks.update({
    ...place,
    check_run_id: made.data.id,
    output: { ...output, annotations: many(3) },
  });
  const [run] = repo.checkRuns(pull.headSha);
  assert.deepEqual(
    [run?.status, run?.conclusion, run?.annotations.length],
    ['completed', 'action_required', 53],
  );
  const listed = await octokit.checks.listForRef({ ...place, ref: pull.headSha });
  assert.deepEqual(
    listed.data.check_runs.map((one) => [one.id, one.app?.slug, one.pull_requests.length]),
    [[made.data.id, 'tagout', 1]],
  );
});

test('a label that exists is refused, a missing one on an issue is made', async () => {
  const { octokit, place, pull } = world;
  const label = { ...place, name: 'Blast-Radius: high', color: 'd73a4a' };
  await octokit.issues.createLabel(label);
  assert.match(
    await refusal(octokit.issues.createLabel({ ...label, name: 'blast-radius: HIGH' })),
    /^422/,
  );
  assert.match(
    await refusal(octokit.issues.createLabel({ ...label, name: 'x', color: 'red' })),
    /^422/,
  );
  await octokit.issues.addLabels({
    ...place,
    issue_number: 1,
    labels: ['blast-radius: high', 'new'],
  });
  assert.deepEqual(pull.labels, ['Blast-Radius: high', 'new']);
  const gone = octokit.issues.removeLabel({ ...place, issue_number: 1, name: 'absent' });
  assert.match(await refusal(gone), /^404/);
});
