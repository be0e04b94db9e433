/** Every operation of the contract is served, and its answer keeps the contract. */
import assert from 'node:assert/strict';
import { createSign } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Contract } from '../contract/validate.ts';
import { routes } from './router.ts';
import { acme, refusal, type Acme } from './world.fixture.ts';

let world: Acme;

before(async () => {
  world = await acme({
    app: {
      name: 'wide',
      default_permissions: {
        actions: 'read',
        administration: 'read',
        checks: 'write',
        contents: 'write',
        deployments: 'write',
        issues: 'write',
        members: 'read',
        pull_requests: 'write',
        statuses: 'write',
      },
      default_events: ['pull_request', 'push', 'workflow_job', 'workflow_run', 'issue_comment'],
    },
  });
});

after(() => world.gh.close());

test('the router has every operation of the extract', () => {
  const served = new Set(routes.map((route) => route.operationId));
  const missing = new Contract().operationIds.filter((id) => !served.has(id));
  assert.deepEqual(missing, []);
});

function jwt(app: { id: number; privateKey: string }): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const text = `${part({ alg: 'RS256' })}.${part({ iat: now - 30, exp: now + 300, iss: app.id })}`;
  return `${text}.${createSign('sha256').update(text).sign(app.privateKey, 'base64url')}`;
}

interface Ask {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

async function ask({ method, path, body }: Ask): Promise<{ status: number; json: unknown }> {
  const { gh } = world;
  const appRoute = path.startsWith('/app') || path.endsWith('/installation');
  const token = appRoute ? jwt(gh.app) : await installationToken();
  const answer = await fetch(gh.url + path, {
    method,
    redirect: 'manual',
    headers: { authorization: `bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, json: text === '' ? null : JSON.parse(text) };
}

let token: string | null = null;

async function installationToken(): Promise<string> {
  if (token !== null) return token;
  const { gh } = world;
  const path = `/app/installations/${gh.installation('acme').id}/access_tokens`;
  const { json } = await ask({ method: 'POST', path, body: {} });
  token = (json as { token: string }).token;
  return token;
}

test('each operation answers as the contract says', async () => {
  const { gh, repo, pull } = world;
  const run = await repo.startRun({ actor: 'alice', sha: pull.headSha });
  const review = await pull.review({ by: 'alice' });
  await pull.dismiss(review, 'bob');
  pull.comment('bob', '@copilot again');
  await pull.assign('Copilot', 'bob');
  const r = '/repos/acme/shop';
  const head = pull.headSha;
  const blob = (await repo.record.git.entry(head, 'README.md'))?.sha;
  const tree = (await repo.record.git.mustCommit(head)).tree;
  const made = await ask({
    method: 'POST',
    path: `${r}/check-runs`,
    body: { name: 'tagout', head_sha: head },
  });
  const check = (made.json as { id: number }).id;
  const installation = gh.installation('acme').id;
  const [delivery] = gh.deliveries;
  const code = gh.manifestCode({ name: 'other', default_permissions: {}, default_events: [] });
  const person = { name: 'Al', email: 'alice@example.com', date: '2026-11-01T10:00:00Z' };
  const artifact = run.upload('plan', { 'a.sql': 'select 1;\n' });
  const asks: readonly (readonly [string, number, unknown?])[] = [
    ['GET /app', 200],
    ['GET /app/installations', 200],
    [`GET /app/installations/${installation}`, 200],
    ['GET /app/hook/deliveries?per_page=2', 200],
    [`GET /app/hook/deliveries/${delivery?.id}`, 200],
    [`POST /app/hook/deliveries/${delivery?.id}/attempts`, 202],
    ['GET /app/hook/config', 200],
    [`POST /app-manifests/${code}/conversions`, 201],
    ['GET /installation/repositories', 200],
    [`GET ${r}`, 200],
    [`GET ${r}/installation`, 200],
    [`GET ${r}/contents/README.md?ref=main`, 200],
    [`GET ${r}/contents/db`, 200],
    [`GET ${r}/contents/missing`, 404],
    [`GET ${r}/git/trees/main?recursive=1`, 200],
    [`GET ${r}/git/blobs/${blob}`, 200],
    [`GET ${r}/git/commits/${head}`, 200],
    [`GET ${r}/git/ref/heads/main`, 200],
    [`POST ${r}/git/blobs`, 201, { content: 'hello' }],
    [
      `POST ${r}/git/trees`,
      201,
      { base_tree: tree, tree: [{ path: 'x/y.txt', mode: '100644', type: 'blob', content: 'x' }] },
    ],
    [`POST ${r}/git/commits`, 201, { message: 'm', tree, parents: [head], author: person }],
    [`POST ${r}/git/refs`, 201, { ref: 'refs/heads/new', sha: head }],
    [`PATCH ${r}/git/refs/heads/new`, 200, { sha: repo.sha(), force: true }],
    [`GET ${r}/commits?path=README.md`, 200],
    [`GET ${r}/commits/${head}`, 200],
    [`GET ${r}/commits/${head}/pulls`, 200],
    [`GET ${r}/compare/main...${head}`, 200],
    [`GET ${r}/activity?ref=refs/heads/main`, 200],
    [`GET ${r}/pulls?state=all`, 200],
    [`GET ${r}/pulls/1`, 200],
    [`GET ${r}/pulls/1/files`, 200],
    [`GET ${r}/pulls/1/commits`, 200],
    [`GET ${r}/pulls/1/reviews`, 200],
    [`POST ${r}/pulls/1/requested_reviewers`, 201, { reviewers: ['alice'] }],
    [`GET ${r}/pulls/1/requested_reviewers`, 200],
    [`GET ${r}/issues/1`, 200],
    [`GET ${r}/issues/1/timeline`, 200],
    [`GET ${r}/issues/1/comments`, 200],
    [`POST ${r}/issues/1/comments`, 201, { body: 'hello' }],
    [`POST ${r}/labels`, 201, { name: 'blast-radius: high', color: 'd73a4a', description: 'x' }],
    [`GET ${r}/labels`, 200],
    [`GET ${r}/labels/blast-radius:%20high`, 200],
    [`PATCH ${r}/labels/blast-radius:%20high`, 200, { color: 'ffffff' }],
    [`POST ${r}/issues/1/labels`, 200, { labels: ['blast-radius: high', 'b'] }],
    [`GET ${r}/issues/1/labels`, 200],
    [`DELETE ${r}/issues/1/labels/b`, 200],
    [`PUT ${r}/issues/1/labels`, 200, { labels: ['c'] }],
    [`POST ${r}/issues`, 201, { title: 'Incident', body: 'what', labels: ['c'] }],
    [`PATCH ${r}/check-runs/${check}`, 200, { status: 'completed', conclusion: 'success' }],
    [`GET ${r}/commits/${head}/check-runs`, 200],
    [`POST ${r}/statuses/${head}`, 201, { state: 'success', context: 'ci' }],
    [`GET ${r}/commits/${head}/status`, 200],
    [`GET ${r}/deployments?environment=production`, 200],
    [`POST ${r}/deployments`, 201, { ref: 'main', environment: 'staging' }],
    [`GET ${r}/deployments/${run.deployment?.id}`, 200],
    [`GET ${r}/deployments/${run.deployment?.id}/statuses`, 200],
    [`POST ${r}/deployments/${run.deployment?.id}/statuses`, 201, { state: 'queued' }],
    [`GET ${r}/environments`, 200],
    [`GET ${r}/environments/Production`, 200],
    [`GET ${r}/environments/production/deployment_protection_rules`, 200],
    [`GET ${r}/environments/production/deployment_protection_rules/apps`, 200],
    [`GET ${r}/actions/runs?status=waiting`, 200],
    [`GET ${r}/actions/runs/${run.id}`, 200],
    [`GET ${r}/actions/runs/${run.id}/jobs`, 200],
    [`GET ${r}/actions/runs/${run.id}/pending_deployments`, 200],
    [`GET ${r}/actions/runs/${run.id}/artifacts?name=plan`, 200],
    [`GET ${r}/actions/artifacts/${artifact}/zip`, 302],
    [
      `POST ${r}/actions/runs/${run.id}/deployment_protection_rule`,
      204,
      { environment_name: 'production', state: 'approved', comment: 'ok' },
    ],
    [`GET ${r}/actions/runs/${run.id}/approvals`, 200],
    [`GET ${r}/collaborators/bob/permission`, 200],
    [`GET ${r}/rules/branches/main`, 200],
    [`GET ${r}/rulesets`, 200],
    [`GET ${r}/rulesets/rule-suites`, 200],
    [`GET ${r}/branches/main`, 200],
    [`GET ${r}/branches/main/protection`, 404],
    ['GET /orgs/acme/teams/platform/memberships/alice', 200],
    ['GET /orgs/acme/teams/platform/members', 200],
    ['GET /orgs/acme/members/alice', 204],
    ['GET /orgs/acme/members/nobody', 404],
    ['GET /orgs/acme/memberships/alice', 200],
    ['GET /orgs/acme/memberships/nobody', 404],
    ['GET /orgs/acme/repos', 200],
    ['GET /users/alice', 200],
    ['GET /rate_limit', 200],
  ];
  for (const [line, status, body] of asks) {
    const [method = '', path = ''] = line.split(/ (.*)/s);
    const answer = await ask({ method, path, body });
    assert.equal(answer.status, status, `${line}: ${JSON.stringify(answer.json).slice(0, 300)}`);
  }
  assert.equal(run.state, 'success');
  await gh.judged();
  assert.deepEqual(gh.violations, []);
});

test('a comment can be changed by its author alone', async () => {
  const { octokit, place, pull } = world;
  const body = 'changed';
  const mine = await octokit.issues.createComment({ ...place, issue_number: 1, body: 'first' });
  const changed = await octokit.issues.updateComment({ ...place, comment_id: mine.data.id, body });
  assert.equal(changed.data.body, body);
  const other = pull.comments.find((comment) => comment.user.login === 'bob');
  const refused = await refusal(
    octokit.issues.updateComment({ ...place, comment_id: other?.id ?? 0, body }),
  );
  assert.match(refused, /^403/);
});

test('a token that is given back opens nothing', async () => {
  const gone = await ask({ method: 'DELETE', path: '/installation/token' });
  assert.equal(gone.status, 204);
  const after = await ask({ method: 'GET', path: '/repos/acme/shop' });
  assert.equal(after.status, 401);
});
