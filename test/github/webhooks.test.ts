/** Webhooks: signed, only what was subscribed, kept in a log, sent again on request. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createAppAuth } from '@octokit/auth-app';
import { Octokit } from '@octokit/rest';
import { Webhooks } from '@octokit/webhooks';
import { acme, listener, type Acme, type Heard } from './world.fixture.ts';

let world: Acme;
let heard: Heard[];
let close: () => void;

before(async () => {
  world = await acme({
    app: {
      name: 'tagout',
      default_permissions: {
        actions: 'read',
        checks: 'write',
        contents: 'read',
        deployments: 'write',
        issues: 'write',
        members: 'read',
        merge_queues: 'read',
        pull_requests: 'write',
      },
      default_events: [
        'deployment',
        'deployment_protection_rule',
        'deployment_status',
        'issue_comment',
        'membership',
        'merge_group',
        'pull_request',
        'pull_request_review',
        'push',
        'workflow_job',
        'workflow_run',
      ],
    },
  });
  ({ heard, close } = await listener(world.gh));
});
after(async () => {
  await world.gh.close();
  close();
});

async function names(work: () => Promise<unknown>): Promise<string[]> {
  await world.gh.settled();
  const from = heard.length;
  await work();
  await world.gh.settled();
  return heard.slice(from).map((one) => {
    const { action } = JSON.parse(one.body) as { action?: string };
    return action === undefined ? one.event : `${one.event}.${action}`;
  });
}

test('a delivery is signed over its bytes and names itself as GitHub does', async () => {
  const { gh, pull } = world;
  await names(() => pull.review({ by: 'alice', body: 'Gut gemacht – ✓' }));
  const last = heard.at(-1);
  assert.ok(last?.validSignature);
  const signature = String(last?.headers['x-hub-signature-256']);
  assert.ok(
    await new Webhooks({ secret: gh.app.webhookSecret }).verify(last?.body ?? '', signature),
  );
  assert.match(
    last?.delivery ?? '',
    /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  );
  assert.equal(last?.headers['x-github-hook-installation-target-type'], 'integration');
  assert.equal(last?.headers['x-github-hook-id'], String(gh.app.hookId));
  const payload = JSON.parse(last?.body ?? '{}') as {
    review: { state: string };
    installation: { id: number };
  };
  assert.equal(payload.review.state, 'approved', 'small letters in webhooks');
  assert.equal(payload.installation.id, gh.installation('acme').id);
});

test('a pull request’s life is told', async () => {
  const { repo } = world;
  const seen = await names(async () => {
    await repo.commit({ branch: 'told', files: { t: '1' }, author: 'alice' });
    const pull = await repo.openPull({ author: 'alice', head: 'told' });
    await pull.push({ files: { t: '2' }, author: 'alice' });
    await pull.edit('alice', { title: 'New' });
    await pull.draft(true, 'alice');
    await pull.draft(false, 'alice');
    await pull.assign('Copilot', 'bob');
    pull.comment('bob', '@copilot fix this');
    const review = await pull.review({ by: 'bob' });
    await pull.editReview(review, 'bob', 'words');
    await pull.dismiss(review, 'alice');
    await pull.close('alice');
    await pull.reopen('alice');
    await pull.merge({ by: 'bob' });
  });
  assert.deepEqual(seen, [
    'push',
    'pull_request.opened',
    'push',
    'pull_request.synchronize',
    'pull_request.edited',
    'pull_request.converted_to_draft',
    'pull_request.ready_for_review',
    'pull_request.assigned',
    'issue_comment.created',
    'pull_request_review.submitted',
    'pull_request_review.edited',
    'pull_request_review.dismissed',
    'pull_request.closed',
    'pull_request.reopened',
    'push',
    'pull_request.closed',
  ]);
});

test('a run that asks to deploy waits, is released, and is told step by step', async () => {
  const { repo, octokit, place } = world;
  const asked = await names(() => repo.startRun({ actor: 'alice' }));
  assert.deepEqual(asked, [
    'workflow_run.requested',
    'deployment.created',
    'deployment_status.created',
    'workflow_job.waiting',
    'deployment_protection_rule.requested',
  ]);
  const run = repo.run(repo.record.runs[0]?.id ?? 0);
  assert.equal(run.state, 'waiting');
  const released = await names(() =>
    octokit.actions.reviewCustomGatesForRun({
      ...place,
      run_id: run.id,
      environment_name: 'production',
      state: 'approved',
      comment: 'released',
    }),
  );
  assert.deepEqual(released, [
    'deployment_status.created',
    'workflow_job.in_progress',
    'workflow_run.in_progress',
    'deployment_status.created',
    'workflow_job.completed',
    'workflow_run.completed',
  ]);
  assert.equal(run.state, 'success');
  const again = await names(() => run.rerun('bob'));
  assert.ok(again.includes('deployment_protection_rule.requested'));
  assert.deepEqual(
    [run.run.attempt, run.run.actor.login, run.run.triggeringActor.login],
    [2, 'alice', 'bob'],
  );
});

test('rarer events keep the contract too', async () => {
  const { gh, repo, octokit, place, pull } = world;
  const made = await octokit.checks.create({ ...place, name: 'tagout', head_sha: pull.headSha });
  const seen = await names(async () => {
    const [check] = repo.checkRuns(pull.headSha);
    assert.equal(check?.id, made.data.id);
    if (check !== undefined) {
      repo.pressCheck(check, 'alice');
      repo.pressCheck(check, 'alice', 'explain');
    }
    const group = await repo.mergeGroup([pull]);
    repo.destroyGroup(group, 'invalidated');
    const org = gh.world.orgs.get('acme');
    if (org !== undefined) gh.membership(org, { team: 'platform', login: 'bob' }, 'added');
    gh.suspend('acme');
    gh.suspend('acme', false);
    await repo.push('gone', repo.sha(), 'alice');
    await repo.push('gone', null, 'alice');
  });
  assert.deepEqual(seen, [
    'check_run.rerequested',
    'check_run.requested_action',
    'merge_group.checks_requested',
    'merge_group.destroyed',
    'membership.added',
    'installation.suspend',
    'installation.unsuspend',
    'push',
    'push',
  ]);
});

test('deliveries can be lost, doubled and reordered, and are never tried again', async () => {
  const { gh, pull } = world;
  const approve = (): Promise<unknown> => pull.review({ by: 'alice' });
  gh.faults.delivery({ match: 'pull_request_review', nth: 1, lose: true });
  gh.faults.delivery({ match: 'pull_request_review', nth: 2, double: true });
  assert.deepEqual(await names(approve), []);
  assert.deepEqual(await names(approve), [
    'pull_request_review.submitted',
    'pull_request_review.submitted',
  ]);
  assert.equal(heard.at(-1)?.delivery, heard.at(-2)?.delivery, 'the same id twice');
  gh.faults.clear();
  gh.faults.delivery({ match: 'pull_request_review', nth: 1, swap: true });
  const swapped = await names(async () => {
    await approve();
    await pull.edit('alice', { title: 'after' });
  });
  assert.deepEqual(swapped, ['pull_request.edited', 'pull_request_review.submitted']);
  gh.faults.clear();
});

test('the app reads its log of deliveries and has one sent again', async () => {
  const { gh } = world;
  const octokit = new Octokit({
    baseUrl: gh.url,
    authStrategy: createAppAuth,
    auth: { appId: gh.app.id, privateKey: gh.app.privateKey },
  });
  const { data } = await octokit.apps.listWebhookDeliveries({ per_page: 100 });
  const lost = data.find((one) => one.status_code === 0 && one.event === 'pull_request_review');
  assert.ok(lost !== undefined, 'the lost delivery is in the log');
  const before = heard.length;
  await octokit.apps.redeliverWebhookDelivery({ delivery_id: lost.id });
  await gh.settled();
  assert.equal(heard.length, before + 1);
  assert.equal(heard.at(-1)?.delivery, lost.guid, 'with its old id');
  const again = await octokit.apps.listWebhookDeliveries({ per_page: 1 });
  assert.equal(again.data[0]?.redelivery, true);
});

test('what the app did not subscribe to is not sent', async () => {
  const { gh } = world;
  gh.app.events = gh.app.events.filter((event) => event !== 'push');
  const seen = await names(() => world.repo.commit({ files: { q: '1' }, author: 'bob' }));
  assert.deepEqual(seen, []);
});
