/** The fence is watched: each change of what holds production is an event, with its times. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Limits } from '../../src/github/limits.ts';
import { appClient, createProbot, octokitFor } from '../../src/github/probot.ts';
import { createPostureWatch, pollsOf, type PostureWatch } from '../../src/posture-watch.ts';
import { createPostureMemory } from '../../src/store/posture.ts';
import type { Environment } from '../github/state.ts';
import { openReliable, type ReliableScene } from './scene.ts';

interface Told {
  readonly item: string;
  readonly about: string;
  readonly environment: string | null;
  readonly from: string | null;
  readonly fromMs: number | null;
  readonly to: string | null;
  readonly toMs: number;
  readonly outcome: string;
  readonly repo: string | null;
}

const required = (appId: number | null, bypassActors: readonly object[] = []) => ({
  id: 77,
  name: 'main',
  target: 'branch',
  enforcement: 'active',
  conditions: { ref_name: { include: ['~DEFAULT_BRANCH'], exclude: [] } },
  rules: [
    {
      type: 'required_status_checks',
      ruleset_id: 77,
      parameters: {
        strict_required_status_checks_policy: false,
        required_status_checks: [
          { context: 'tagout', ...(appId === null ? {} : { integration_id: appId }) },
        ],
      },
    },
  ],
  bypassActors,
});

describe('the posture writer on the running server', () => {
  let s: ReliableScene;
  let watch: PostureWatch;
  let production: Environment;
  let ahead = 0;
  /** Later than anything the server itself has read. */
  const now = () => Date.now() + ahead;

  before(async () => {
    s = await openReliable({}, false);
    const { appId, privateKey, webhookSecret: secret, githubApiUrl } = s.settings;
    const probot = await createProbot({ appId, privateKey, secret, baseUrl: githubApiUrl });
    const limits = new Limits(Date.now);
    const app = appClient(probot, limits);
    const memory = createPostureMemory(s.served.store.sql);
    const client = octokitFor(probot, limits);
    watch = createPostureWatch({ app, client, memory, githubApiUrl, now });
    production = s.repo.environment('production');
    production.canAdminsBypass = false;
    s.repo.record.rulesets.push(required(s.gh.app.id));
    await watch.poll();
  });
  after(() => s.close());

  async function events(): Promise<readonly Told[]> {
    return s.served.store.sql<Told[]>`
      select doc->'posture'->>'item' as item, doc->'posture'->>'about' as about,
        doc->'posture'->>'environment' as environment, doc->'posture'->>'from' as from,
        (doc->'posture'->>'fromMs')::bigint as "fromMs", doc->'posture'->>'to' as to,
        (doc->'posture'->>'toMs')::bigint as "toMs", doc->>'outcome' as outcome,
        doc->'repo'->>'name' as repo
      from audit.event where kind = 'posture.changed' order by id`;
  }

  /** What one more reading, a minute later, writes. */
  async function next(): Promise<readonly Told[]> {
    const before = (await events()).length;
    ahead += 60_000;
    const made = await watch.poll();
    const all = await events();
    assert.equal(all.length - before, made);
    return all.slice(before);
  }

  const onlyOne = (told: readonly Told[]): Told => {
    assert.equal(told.length, 1, JSON.stringify(told));
    const [one] = told;
    assert.ok(one);
    return one;
  };

  test('what is seen first is written once, and the same again is no event', async () => {
    const first = await events();
    const states = Object.fromEntries(first.map(({ item, to }) => [item, to]));
    assert.equal(states['environment production'], 'guarded: environment (branches: all)');
    assert.equal(states['default branch'], 'guarded: check');
    assert.equal(states['installation'], 'guarded: installation');
    assert.match(states['.github/tagout.yml'] ?? '', /^[0-9a-f]{64}$/);
    assert.deepEqual(new Set(first.map(({ outcome }) => outcome)), new Set(['first-seen']));
    assert.deepEqual(await next(), []);
  });

  test('the rule taken away and given back: from when to when', async () => {
    const rules = production.rules.splice(0);
    const off = onlyOne(await next());
    assert.equal(off.to, 'open: environment-without-rule');
    assert.deepEqual(
      [off.item, off.environment, off.repo, off.outcome],
      ['environment production', 'production', 'acme/shop', 'changed'],
    );
    production.rules.push(...rules);
    const on = onlyOne(await next());
    assert.equal(on.from, off.to);
    assert.equal(on.fromMs, off.toMs, 'it was away from here');
    assert.ok(on.toMs > off.toMs, 'to here');
    const [row] = await s.served.store.sql<{ state: string; since: number }[]>`
      select state, since_ms as since from tagout.posture where item = 'environment production'`;
    assert.deepEqual([row?.state, row?.since], [on.to, on.toMs]);
  });

  test('administrators may pass, and which branches may deploy', async () => {
    production.canAdminsBypass = true;
    const open = onlyOne(await next());
    assert.match(open.to ?? '', /^open: environment \(branches: all\), environment-bypass$/);
    production.canAdminsBypass = false;
    production.branchPolicy = { protected_branches: true, custom_branch_policies: false };
    assert.equal(onlyOne(await next()).to, 'guarded: environment (branches: protected)');
    production.branchPolicy = { protected_branches: false, custom_branch_policies: true };
    assert.equal(onlyOne(await next()).to, 'guarded: environment (branches: selected)');
  });

  test('the pin of the check, and who may go past it', async () => {
    const { rulesets } = s.repo.record;
    rulesets.splice(0, 1, required(null));
    assert.equal(onlyOne(await next()).to, 'open: check-not-pinned');
    rulesets.splice(0, 1);
    assert.equal(onlyOne(await next()).to, 'open: check-not-required');
    rulesets.push(required(s.gh.app.id, [{ organizationAdmin: true, bypassMode: 'ALWAYS' }]));
    const owners = onlyOne(await next()).to ?? '';
    assert.match(owners, /^advice: check, check-bypass \(owners of the organisation \(always\)\)$/);
    rulesets.splice(0, 1, required(s.gh.app.id, [{ deployKey: true, bypassMode: 'ALWAYS' }]));
    const keys = onlyOne(await next());
    assert.match(keys.to ?? '', /every deploy key/);
    assert.equal(keys.from, owners, 'another actor is another state');
    const robot = [{ organizationAdmin: true, bypassMode: 'EXEMPT' }];
    rulesets.splice(0, 1, required(s.gh.app.id, robot));
    assert.equal(
      onlyOne(await next()).to,
      'open: check, check-bypass (owners of the organisation (exempt))',
      'whom the rules do not run for leaves no trace of a merge past them',
    );
    rulesets.splice(0, 1, required(s.gh.app.id));
    assert.equal(onlyOne(await next()).to, 'guarded: check');
  });

  test('an environment that looks like a guarded one comes and goes', async () => {
    s.repo.environment('productlon');
    const came = onlyOne(await next());
    assert.deepEqual([came.outcome, came.environment], ['first-seen', 'productlon']);
    assert.equal(came.to, 'open: environment-look-alike');
    await s.repo.deleteEnvironment('productlon');
    const gone = onlyOne(await next());
    assert.deepEqual([gone.outcome, gone.to, gone.from], ['gone', null, came.to]);
  });

  test('a workflow with secrets and no environment is seen by the push that brings it', async () => {
    const text =
      'on: push\njobs:\n  deploy:\n    runs-on: ubuntu-latest\n    steps:\n' +
      '      - run: ./deploy.sh\n        env: { KEY: "${{ secrets.AWS_SECRET_KEY }}" }\n';
    await s.repo.commit({
      branch: 'main',
      files: { '.github/workflows/leak.yml': text },
      author: s.people.maria,
    });
    const found = (await next()).filter(({ item }) => item.includes('leak.yml'));
    assert.match(onlyOne(found).to ?? '', /^open: deploys-outside-environment/);
  });

  test('what cannot be read is a state of its own, never gone and never fine', async () => {
    s.gh.faults.request({ match: 'GET /repos/acme/shop/environments', status: 502 });
    const told = await next();
    s.gh.faults.clear();
    const states = Object.fromEntries(told.map(({ item, to }) => [item, to]));
    assert.equal(states['environment production'], 'unknown: not-seen');
    assert.match(states['repository'] ?? '', /^unknown: environments-unseen/);
    assert.ok(told.every(({ to }) => to?.startsWith('unknown: ') === true, JSON.stringify(told)));
    const back = await next();
    assert.ok(back.some(({ to }) => to?.startsWith('guarded: environment ') === true));
  });

  test('rights taken from the installation, a suspension, and the return', async () => {
    const { permissions } = s.gh.app;
    const had = permissions['checks'] ?? '';
    permissions['checks'] = 'read';
    const lacks = (await next()).find(({ item }) => item === 'installation');
    assert.equal(lacks?.to, 'open: installation-lacks-rights (checks: write)');
    permissions['checks'] = had;
    await next();
    s.gh.suspend('acme');
    const told = await next();
    assert.equal(
      told.find(({ item }) => item === 'installation')?.to,
      'open: installation-suspended',
    );
    const rest = told.filter(({ item }) => item !== 'installation');
    assert.ok(rest.length >= 3);
    assert.ok(rest.every(({ to }) => to === 'unknown: installation-suspended'));
    s.gh.suspend('acme', false);
    const back = await next();
    assert.equal(back.find(({ item }) => item === 'installation')?.to, 'guarded: installation');
    assert.ok(back.some(({ to }) => to?.startsWith('guarded: environment ') === true));
  });

  test('two readings at once write a change once', async () => {
    const rules = production.rules.splice(0);
    const before = (await events()).length;
    ahead += 60_000;
    await Promise.all([watch.poll(), watch.poll()]);
    const told = (await events()).slice(before);
    assert.equal(onlyOne(told).to, 'open: environment-without-rule');
    production.rules.push(...rules);
    await next();
  });

  test('GitHub away: nothing is written, the fault is logged, and the next poll is not put off', async () => {
    const before = (await events()).length;
    s.gh.faults.request({ match: '/app', status: 502 });
    const lines: string[] = [];
    const log = { info: () => {}, warn: (_: object, text: string) => lines.push(text) };
    const polls = pollsOf(watch, { log, now });
    await polls.poll();
    s.gh.faults.clear();
    assert.deepEqual(lines, ['posture not read']);
    assert.equal((await events()).length, before);
    production.canAdminsBypass = true;
    ahead += 60_000;
    await polls.poll();
    assert.equal((await events()).length, before + 1);
  });

  test('an app that was taken from the repository leaves it open, by name', async () => {
    const installation = s.gh.installation('acme');
    installation.selected = new Set();
    const moved = await next();

    const told = moved.filter(({ repo }) => repo === 'acme/shop');
    assert.ok(told.length >= 3);
    const app = moved.find(({ item }) => item === 'installation');
    assert.equal(app?.to, 'advice: installation-selected');
    assert.ok(
      told.every(({ to }) => to === 'open: not-covered'),
      JSON.stringify(told),
    );
  });
});
