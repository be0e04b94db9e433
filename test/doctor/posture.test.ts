/** Judging posture from facts: workflow files, bypasses, clock, deliveries, shell-safe commands. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { countLevels, inPath, isGuarded, quoted } from '../../src/core/posture.ts';
import type {
  AppFacts,
  InstallationFacts,
  PostureFinding,
  RepositoryPosture,
  RequiredCheck,
} from '../../src/core/posture.ts';
import { judgeApp, judgeInstallation } from '../../src/core/posture-app.ts';
import { judgeRepository } from '../../src/core/posture-repository.ts';
import { jobsOf } from '../../src/core/posture-workflows.ts';

const own = { appId: 7, slug: 'tagout' };

const pinned: RequiredCheck = {
  context: 'tagout',
  appId: 7,
  by: 'ruleset',
  rulesetId: 77,
  adminsExempt: false,
};

function repository(change: Partial<RepositoryPosture> = {}): RepositoryPosture {
  const policy = {
    policy: defaultPolicy,
    problems: [],
    digest: '',
    spoke: [],
    notes: [],
  };
  return {
    fullName: 'acme/shop',
    webUrl: 'https://github.com/acme/shop',
    private: false,
    archived: false,
    defaultBranch: 'main',
    policy: { seen: true, value: policy },
    environments: {
      seen: true,
      value: [
        { id: 1, name: 'production', adminsMayBypass: false, ourRule: { seen: true, value: true } },
      ],
    },
    checks: {
      seen: true,
      value: [pinned],
    },
    rulesets: { seen: true, value: [{ id: 77, name: 'main', bypass: [] }] },
    workflows: { seen: true, value: [] },
    ...change,
  };
}

function judge(change: Partial<RepositoryPosture> = {}): readonly PostureFinding[] {
  return judgeRepository(repository(change), own, defaultPolicy);
}

function ids(findings: readonly PostureFinding[], level?: PostureFinding['level']): string[] {
  return findings.filter((one) => level === undefined || one.level === level).map(({ id }) => id);
}

function workflow(text: string): readonly PostureFinding[] {
  const file = { path: '.github/workflows/ci.yml', text };
  return judge({ workflows: { seen: true, value: [file] } });
}

test('everything in its place is guarded, and only then', () => {
  assert.deepEqual(ids(judge()), ['environment', 'check']);
  assert.equal(isGuarded(judge()), true);
  const unseen = { seen: false, why: 'GitHub answered 502.' } as const;
  for (const [part, id] of [
    ['environments', 'environments-unseen'],
    ['checks', 'checks-unseen'],
    ['workflows', 'workflows-unseen'],
    ['policy', 'policy-unseen'],
  ] as const) {
    const findings = judge({ [part]: unseen });
    assert.equal(isGuarded(findings), false, part);
    assert.equal(countLevels(findings).unknown, 1, part);
    const [finding] = findings.filter(({ level }) => level === 'unknown');
    assert.equal(finding?.id, id);
    assert.match(finding?.says ?? '', /GitHub answered 502\./);
    assert.match(finding?.mend?.place ?? '', /^https:\/\/github\.com\/acme\/shop\//);
  }
});

test('an archived or empty repository has nothing to guard', () => {
  assert.deepEqual(ids(judge({ archived: true })), ['repository-archived']);
  assert.deepEqual(ids(judge({ defaultBranch: null })), ['repository-empty']);
});

test('an actor that is exempt from the ruleset leaves the check open; others are told', () => {
  const by = (mode: string) => [{ id: 77, name: 'main', bypass: [{ who: 'the app bot', mode }] }];
  assert.deepEqual(ids(judge({ rulesets: { seen: true, value: by('exempt') } }), 'open'), [
    'check-bypass',
  ]);
  assert.deepEqual(ids(judge({ rulesets: { seen: true, value: by('always') } }), 'advice'), [
    'check-bypass',
  ]);
  const hidden = [{ id: 77, name: 'main', bypass: null }];
  for (const value of [hidden, []]) {
    const findings = judge({ rulesets: { seen: true, value } });
    assert.deepEqual(ids(findings, 'unknown'), ['check-bypass-unseen']);
    assert.equal(isGuarded(findings), false, 'who is withheld may be exempt');
    const { says, mend } = findings.find(({ level }) => level === 'unknown') ?? {};
    assert.match(says ?? '', /only to who may edit the ruleset.*GH_TOKEN/);
    assert.equal(mend?.command, 'gh api repos/acme/shop/rulesets/77 --jq .bypass_actors');
  }
});

test('a check is guarded when only we may report it, and who goes past it is known', () => {
  const told = (...value: readonly RequiredCheck[]) => {
    const findings = judge({ checks: { seen: true, value } });
    return { ids: ids(findings).filter((id) => id.startsWith('check')), ok: isGuarded(findings) };
  };
  assert.deepEqual(told(pinned), { ids: ['check'], ok: true });
  // Not pinned, or pinned to somebody else, whatever requires it.
  for (const by of ['ruleset', 'protection'] as const) {
    for (const appId of [null, 8]) {
      const row = { ...pinned, by, appId };
      assert.deepEqual(told(row), { ids: ['check-not-pinned'], ok: false }, `${by} ${appId}`);
    }
  }
  // A ruleset that GitHub does not name: nobody can say who may bypass it.
  const nameless = { ...pinned, rulesetId: null };
  assert.deepEqual(told(nameless), { ids: ['check', 'check-bypass-unseen'], ok: false });
  // Another one that pins it too, and that is known, is enough: both have to be passed.
  assert.deepEqual(told(nameless, pinned), { ids: ['check'], ok: true });
});

test('a private repository on github.com is told of the plan, and others are not', () => {
  const value = [
    { id: 1, name: 'production', adminsMayBypass: false, ourRule: { seen: true, value: false } },
  ] as const;
  const says = (change: Partial<RepositoryPosture>): string =>
    judge({ environments: { seen: true, value }, ...change }).find(
      ({ id }) => id === 'environment-without-rule',
    )?.says ?? '';
  assert.match(says({ private: true }), /GitHub Enterprise/);
  assert.doesNotMatch(says({ private: false }), /GitHub Enterprise/);
  const own = 'https://ghe.acme.dev/acme/shop';
  assert.doesNotMatch(says({ private: true, webUrl: own }), /GitHub Enterprise/);
  const [finding] = judge({ webUrl: own, environments: { seen: true, value } });
  assert.match(finding?.mend?.command ?? '', /^gh api --hostname ghe\.acme\.dev -X POST repos/);
});

test('merge gate only: a private repository where no rule of ours stands says so by name', () => {
  const environments = (rule: boolean, name = 'production') => ({
    seen: true as const,
    value: [{ id: 1, name, adminsMayBypass: false, ourRule: { seen: true as const, value: rule } }],
  });
  const told = (change: Partial<RepositoryPosture>) =>
    judge(change).find(({ id }) => id === 'merge-gate-only');
  const found = told({ private: true, environments: environments(false) });
  assert.equal(found?.level, 'open');
  assert.match(found?.says ?? '', /^Merge gate only\. Nothing holds a deployment .*administrator/);
  assert.equal(told({ private: true, environments: environments(true) }), undefined);
  assert.equal(told({ private: false, environments: environments(false) }), undefined);
  // Another advice speaks for a repository without any environment that the policy guards.
  assert.equal(told({ private: true, environments: environments(false, 'docs') }), undefined);
  const webUrl = 'https://ghe.acme.dev/acme/shop';
  assert.equal(told({ private: true, webUrl, environments: environments(false) }), undefined);
});

test('a bypass that GitHub does not tell is unknown', () => {
  const value = [
    { id: 1, name: 'production', adminsMayBypass: null, ourRule: { seen: true, value: true } },
  ] as const;
  assert.deepEqual(ids(judge({ environments: { seen: true, value } }), 'unknown'), [
    'environment-bypass-unseen',
  ]);
});

const secretCases: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'a deploy job with a secret and no environment',
    'deploy: { steps: [{ env: { A: "${{ secrets.A }}" } }] }',
    ['deploys-outside-environment'],
  ],
  [
    'a secret of production in any job',
    'x: { steps: [{ run: "${{ secrets.AWS_SECRET_KEY }}" }] }',
    ['deploys-outside-environment'],
  ],
  [
    'a secret that may be harmless',
    'test: { steps: [{ env: { T: "${{ secrets.CODECOV_TOKEN }}" } }] }',
    ['secrets-outside-environment'],
  ],
  [
    'by index',
    'test: { steps: [{ env: { T: "${{ secrets[\'COV\'] }}" } }] }',
    ['secrets-outside-environment'],
  ],
  [
    'all of them at once',
    'test: { steps: [{ env: { T: "${{ toJSON(secrets) }}" } }] }',
    ['secrets-outside-environment'],
  ],
  [
    'inherited by a called workflow',
    'deploy: { uses: ./.github/workflows/x.yml, secrets: inherit }',
    ['deploys-outside-environment'],
  ],
  ["GitHub's own token", 'deploy: { steps: [{ env: { T: "${{ secrets.GITHUB_TOKEN }}" } }] }', []],
  ['a file name that says secrets', 'deploy: { steps: [{ run: "cat secrets.AWS" }] }', []],
  [
    'within the environment',
    'deploy: { environment: production, steps: [{ env: { A: "${{ secrets.A }}" } }] }',
    [],
  ],
  [
    'an environment that is computed',
    'deploy: { environment: "${{ inputs.to }}", steps: [{ env: { A: "${{ secrets.A }}" } }] }',
    ['environment-computed'],
  ],
  [
    'without a deployment',
    'deploy: { environment: { name: production, deployment: false } }',
    ['environment-without-deployment'],
  ],
  [
    'an environment that is not there yet',
    'deploy: { environment: { name: prod-eu } }',
    ['environment-not-made'],
  ],
];

for (const [name, job, expected] of secretCases) {
  test(`workflow: ${name}`, () => {
    const found = ids(workflow(`on: push\njobs:\n  ${job}\n`));
    assert.deepEqual(
      found.filter((id) => id !== 'environment' && id !== 'check'),
      expected,
    );
  });
}

test('workflow: secrets for all jobs reach those without an environment', () => {
  const text = 'env: { K: "${{ secrets.KEY }}" }\njobs: { a: {}, b: { environment: production } }';
  const [one] = workflow(text).filter(({ id }) => id === 'secrets-outside-environment');
  assert.match(one?.says ?? '', /^The job a uses secrets \(KEY\)/);
});

test('workflow: what cannot be read as one is unknown, never skipped', () => {
  for (const text of ['jobs: [', 'hello', '', 'a: &a [*a, *a]\njobs: 7', null]) {
    assert.equal(jobsOf({ path: 'x.yml', text }), null, String(text));
  }
  assert.deepEqual(ids(workflow('jobs: ['), 'unknown'), ['workflow-unseen']);
});

const app: AppFacts = {
  appId: 7,
  slug: 'tagout',
  settingsUrl: 'https://github.com/organizations/acme/settings/apps/tagout',
  permissions: { checks: 'write' },
  events: ['push'],
  webhook: { seen: true, value: { url: 'https://t.acme.dev/hooks', checksTls: true } },
  deliveries: { seen: true, value: [] },
  clockSkewMs: 0,
};
const wanted = { permissions: { checks: 'write' }, events: ['push'], webhookUrl: null };

function ofApp(change: Partial<AppFacts>): Record<string, string> {
  return Object.fromEntries(
    judgeApp({ ...app, ...change }, wanted).map((one) => [one.id, one.level]),
  );
}

test('clock: seconds are in order, half a minute is advice, two minutes are open', () => {
  assert.equal(ofApp({ clockSkewMs: -3_000 })['clock'], 'guarded');
  assert.equal(ofApp({ clockSkewMs: 30_000 })['clock-off'], 'advice');
  assert.equal(ofApp({ clockSkewMs: -120_000 })['clock-off'], 'open');
});

test('deliveries: the newest decides; older failures are advice; none at all is told', () => {
  const one = (statusCode: number) => ({
    event: 'push',
    deliveredAtMs: Date.UTC(2026, 0, 1),
    statusCode,
    status: 'timed out',
  });
  const of = (...codes: number[]) => ofApp({ deliveries: { seen: true, value: codes.map(one) } });
  assert.equal(of(202, 202)['deliveries'], 'guarded');
  assert.equal(of(202, 0)['deliveries-failed'], 'advice');
  assert.equal(of(0, 202)['deliveries-fail'], 'open');
  assert.equal(of(502)['deliveries-fail'], 'open');
  assert.equal(of()['deliveries-none'], 'advice');
});

test('webhook and deliveries that GitHub does not tell are unknown, never in order', () => {
  const unseen = { seen: false, why: 'GitHub answered 404.' } as const;
  assert.equal(ofApp({ webhook: unseen })['webhook-unseen'], 'unknown');
  assert.equal(ofApp({ deliveries: unseen })['deliveries-unseen'], 'unknown');
});

test('an installation without all rights is open, one on selected repositories is told', () => {
  const whole: InstallationFacts = {
    account: 'acme',
    settingsUrl: 'https://github.com/organizations/acme/settings/installations/1',
    suspended: false,
    everyRepository: true,
    permissions: { checks: 'write' },
    events: ['push'],
  };
  const of = (change: Partial<InstallationFacts>): readonly (readonly [string, string])[] =>
    judgeInstallation({ ...whole, ...change }, wanted).map(({ id, level }) => [id, level]);
  assert.deepEqual(of({}), [['installation', 'guarded']]);
  assert.deepEqual(of({ permissions: { checks: 'read' } }), [
    ['installation-lacks-rights', 'open'],
  ]);
  assert.deepEqual(of({ events: [] }), [['installation-lacks-rights', 'open']]);
  assert.deepEqual(of({ everyRepository: false }), [['installation-selected', 'advice']]);
  assert.deepEqual(of({ suspended: true }), [['installation-suspended', 'open']]);
});

test('no environment that the policy guards: the merge alone is held, and that is said', () => {
  const findings = judge({ environments: { seen: true, value: [] } });
  const found = findings.find(({ id }) => id === 'no-environment');
  assert.equal(found?.level, 'advice');
  assert.match(found?.says ?? '', /only the merge is held/);
  assert.match(found?.mend?.place ?? '', /settings\/environments$/);
});

test('webhook: without a checked certificate it is open', () => {
  const value = { url: 'https://t.acme.dev/hooks', checksTls: false };
  assert.equal(ofApp({ webhook: { seen: true, value } })['webhook-not-safe'], 'open');
  const plain = { url: 'http://t.acme.dev/hooks', checksTls: true };
  assert.equal(ofApp({ webhook: { seen: true, value: plain } })['webhook-not-safe'], 'open');
});

test('a command is one argument to a shell, whatever a name holds', () => {
  for (const name of ["a'b", 'a b; rm -rf /', '$(id)`id`', '"\\', 'ü/..', '!!', '~root', '-x']) {
    const printed = execFileSync('sh', ['-c', `printf %s ${quoted(name)}`], { encoding: 'utf8' });
    assert.equal(printed, name);
    assert.match(inPath(name), /^[\w.%-]*$/);
    assert.equal(decodeURIComponent(inPath(name)), name);
  }
});

test('a name from outside cannot write into a terminal or break a line', () => {
  const value = [
    {
      id: 1,
      name: 'prod-\u001b[2J\nall guarded',
      adminsMayBypass: true,
      ourRule: { seen: true, value: false },
    },
  ] as const;
  for (const { about, says, mend } of judge({ environments: { seen: true, value } })) {
    for (const text of [about, says, mend?.place ?? '', mend?.command ?? '']) {
      assert.doesNotMatch(text, /\p{Cc}/u);
    }
  }
});
