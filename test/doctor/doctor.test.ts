/** The doctor against the local GitHub: what it sees, what it says, and how little it asks. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run } from '../../src/cli.ts';
import { readAppManifest } from '../../src/cli/app-manifest.ts';
import { keptIo } from '../cli/io.ts';
import { LocalGitHub, type Repo } from '../github/index.ts';

interface Finding {
  readonly id: string;
  readonly level: string;
  readonly about: string;
  readonly says: string;
  readonly mend: { readonly place: string; readonly command: string | null } | null;
}

interface Report {
  readonly guarded: boolean;
  readonly requests: number;
  readonly repositories: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
}

const deploy = `on: push
jobs:
  deploy:
    runs-on: ubuntu-latest
    environment: production
    steps:
      - run: ./deploy.sh
        env: { KEY: "\${{ secrets.KEY }}" }
`;

const dataDir = mkdtempSync(join(tmpdir(), 'tagout-doctor-'));
let gh: LocalGitHub;

function env(change: Record<string, string> = {}): Record<string, string> {
  return {
    APP_ID: String(gh.app.id),
    PRIVATE_KEY: gh.app.privateKey,
    WEBHOOK_SECRET: 'the secret of this server',
    GITHUB_API_URL: gh.url,
    TAGOUT_DATA: dataDir,
    ...change,
  };
}

async function ask(args: readonly string[] = [], change: Record<string, string> = {}) {
  const io = { ...keptIo(env(change)), now: gh.world.now };
  const code = await run(['doctor', '--json', ...args], io);
  assert.notEqual(io.printed.out, '', io.printed.err);
  return { code, report: JSON.parse(io.printed.out) as Report, io };
}

/** What is said of one repository, by kind. */
function kinds(report: Report, repo: Repo): Readonly<Record<string, Finding>> {
  const own = report.findings.filter(({ about }) => about.startsWith(repo.fullName));
  return Object.fromEntries(own.map((one) => [one.id, one]));
}

/** Everything in its place: rule enabled, no bypass, check required and pinned. */
function guard(repo: Repo): void {
  const environment = repo.environment('production', { protectedByApp: true });
  environment.canAdminsBypass = false;
  repo.record.rulesets.push(ruleset(gh.app.id));
}

function ruleset(integrationId: number | null, bypassActors: readonly object[] = []) {
  const pin = integrationId === null ? {} : { integration_id: integrationId };
  return {
    id: 77,
    name: 'main',
    target: 'branch',
    source_type: 'Repository',
    source: 'acme/any',
    enforcement: 'active',
    bypassActors,
    rules: [
      {
        type: 'required_status_checks',
        ruleset_id: 77,
        ruleset_source: 'acme/any',
        ruleset_source_type: 'Repository',
        parameters: {
          strict_required_status_checks_policy: false,
          required_status_checks: [{ context: 'tagout', ...pin }],
        },
      },
    ],
  };
}

before(async () => {
  gh = await LocalGitHub.start({ app: readAppManifest() });
  gh.app.webhookUrl = 'https://tagout.acme.dev/api/github/webhooks';
  gh.faults.delivery({ match: /./, lose: true });
  gh.org('acme', { members: ['alice'], admins: ['root'] });
});

after(async () => {
  rmSync(dataDir, { recursive: true, force: true });
  await gh.close();
});

describe('one repository', () => {
  test('everything in its place is guarded', async () => {
    const repo = await gh.repo('acme/good', { files: { '.github/workflows/d.yml': deploy } });
    guard(repo);
    const { report } = await ask(['--repo', 'acme/good']);
    const found = kinds(report, repo);
    assert.deepEqual(Object.keys(found).sort(), ['check', 'environment']);
    for (const one of Object.values(found)) assert.equal(one.level, 'guarded');
  });

  test('a fresh repository: what is open, where, and the commands', async () => {
    const repo = await gh.repo('acme/fresh', { files: { '.github/workflows/d.yml': deploy } });
    const named = repo.environment("prod-e'u $(id)");
    named.canAdminsBypass = false;
    const { code, report } = await ask(['--repo', 'acme/fresh']);
    assert.equal(code, 10);
    assert.equal(report.guarded, false);
    const found = kinds(report, repo);
    assert.deepEqual(Object.keys(found).sort(), [
      'check-not-required',
      'environment-not-made',
      'environment-without-rule',
    ]);
    const { host } = new URL(gh.url);
    const rule = found['environment-without-rule']?.mend;
    assert.equal(
      rule?.command,
      `gh api --hostname ${host} -X POST 'repos/acme/fresh/environments/prod-e%27u%20%24%28id%29/deployment_protection_rules' ` +
        `-F integration_id=${gh.app.id}`,
    );
    assert.match(rule?.place ?? '', /\/acme\/fresh\/settings\/environments\/\d+\/edit$/);
    const made = found['environment-not-made'];
    assert.equal(
      made?.mend?.command,
      `gh api --hostname ${host} -X PUT repos/acme/fresh/environments/production`,
    );
    const check = found['check-not-required']?.mend?.command ?? '';
    const json =
      /printf %s '(.*)' \| gh api --hostname \S+ -X POST repos\/acme\/fresh\/rulesets --input -$/.exec(
        check,
      );
    const posted = JSON.parse(json?.[1] ?? '{}');
    assert.deepEqual(posted.rules[0].parameters.required_status_checks, [
      { context: 'tagout', integration_id: gh.app.id },
    ]);
  });

  test('administrators who may bypass, and a name that looks like a guarded one', async () => {
    const repo = await gh.repo('acme/bypass');
    guard(repo);
    repo.environment('production').canAdminsBypass = true;
    repo.environment('productlon');
    const { code, report } = await ask(['--repo', 'acme/bypass']);
    assert.equal(code, 10);
    const found = kinds(report, repo);
    assert.equal(found['environment-bypass']?.level, 'open');
    assert.equal(found['environment-look-alike']?.level, 'open');
    assert.match(found['environment-look-alike']?.about ?? '', /productlon/);
  });

  test('a check that anyone may report, or another app, is not pinned', async () => {
    const loose = await gh.repo('acme/loose');
    guard(loose);
    loose.record.rulesets.splice(0, 1, ruleset(null));
    const other = await gh.repo('acme/other');
    guard(other);
    other.record.rulesets.splice(0, 1, ruleset(15368));
    for (const [repo, who] of [
      [loose, /whoever can write/],
      [other, /app with id 15368/],
    ] as const) {
      const { report } = await ask(['--repo', repo.fullName]);
      const found = kinds(report, repo)['check-not-pinned'];
      assert.equal(found?.level, 'open');
      assert.match(found?.says ?? '', who);
      assert.match(found?.mend?.place ?? '', /\/rules\/77$/);
    }
  });

  test('classic branch protection counts, with and without administrators', async () => {
    const repo = await gh.repo('acme/classic');
    guard(repo);
    repo.record.rulesets.splice(0, 1);
    const url = `${gh.url}/repos/acme/classic/branches/main/protection/required_status_checks`;
    const required = {
      url,
      strict: false,
      contexts: ['tagout'],
      contexts_url: `${url}/contexts`,
      checks: [{ context: 'tagout', app_id: gh.app.id }],
    };
    repo.record.branchProtection.set('main', { required_status_checks: required });
    const { report } = await ask(['--repo', 'acme/classic']);
    const found = kinds(report, repo);
    assert.equal(found['check']?.level, 'guarded');
    assert.equal(found['check-admins']?.level, 'advice');
  });

  test('"merge gate only" is said of a private repository of a plan without rules', async () => {
    const repo = await gh.repo('acme/small', { private: true });
    repo.environment('production');
    gh.world.webUrl = 'https://github.com';
    const io = { ...keptIo(env()), now: gh.world.now };
    assert.equal(await run(['doctor', '--repo', 'acme/small'], io), 10);
    const text = io.printed.out.replace(/\s+/g, ' ');
    assert.match(text, /NOT GUARDED acme\/small Merge gate only\. Nothing holds a deployment/);
    gh.world.webUrl = null; // a GitHub of one's own has the rules in every plan
    const { report } = await ask(['--repo', 'acme/small']);
    assert.equal(kinds(report, repo)['merge-gate-only'], undefined);
  });

  test('who may bypass the ruleset is told', async () => {
    const repo = await gh.repo('acme/exempt');
    guard(repo);
    const owners = { organizationAdmin: true, bypassMode: 'ALWAYS' };
    repo.record.rulesets.splice(0, 1, ruleset(gh.app.id, [owners]));
    const { report } = await ask(['--repo', 'acme/exempt']);
    const found = kinds(report, repo)['check-bypass'];
    assert.equal(found?.level, 'advice');
    assert.match(found?.says ?? '', /owners of the organisation \(always\)/);
  });

  test('who may bypass it is unknown while GitHub withholds it; an administrator tells it', async () => {
    const repo = await gh.repo('acme/withheld');
    guard(repo);
    const hidden = (actors: readonly object[]) => ({
      ...ruleset(gh.app.id, actors),
      withheld: true,
    });
    repo.record.rulesets.splice(0, 1, hidden([]));
    const alone = await ask(['--repo', 'acme/withheld']);
    assert.equal(kinds(alone.report, repo)['check-bypass-unseen']?.level, 'unknown');
    assert.equal(alone.code, 10);
    const GH_TOKEN = gh.token('root');
    const told = await ask(['--repo', 'acme/withheld'], { GH_TOKEN });
    assert.equal(kinds(told.report, repo)['check-bypass-unseen'], undefined);
    assert.equal(told.report.requests, alone.report.requests + 1);
    const owners = { organizationAdmin: true, bypassMode: 'ALWAYS' };
    repo.record.rulesets.splice(0, 1, hidden([owners]));
    const found = kinds((await ask(['--repo', 'acme/withheld'], { GH_TOKEN })).report, repo);
    assert.match(found['check-bypass']?.says ?? '', /owners of the organisation \(always\)/);
    // A way that GitHub does not tell may be the one that runs no rule.
    repo.record.rulesets.splice(0, 1, hidden([owners, { ...owners, bypassMode: null }]));
    const partly = kinds((await ask(['--repo', 'acme/withheld'], { GH_TOKEN })).report, repo);
    assert.equal(partly['check-bypass-unseen']?.level, 'unknown');
    // A token that GitHub does not take leaves it unknown.
    const bad = await ask(['--repo', 'acme/withheld'], { GH_TOKEN: 'gho_unknown' });
    assert.equal(kinds(bad.report, repo)['check-bypass-unseen']?.level, 'unknown');
  });

  test('the policy says which environments count, and a broken one is told', async () => {
    const policy = 'version: 1\nenvironments:\n  live:\n    match: [hosting]\n';
    const repo = await gh.repo('acme/policy', { files: { '.github/tagout.yml': policy } });
    repo.environment('hosting');
    const { report } = await ask(['--repo', 'acme/policy']);
    assert.match(kinds(report, repo)['environment-without-rule']?.about ?? '', /hosting/);
    const broken = await gh.repo('acme/broken', { files: { '.github/tagout.yml': 'version: 7' } });
    const told = kinds((await ask(['--repo', 'acme/broken'])).report, broken);
    assert.equal(told['policy-broken']?.level, 'advice');
  });

  test('what cannot be read is unknown, and unknown is not guarded', async () => {
    const repo = await gh.repo('acme/hidden');
    guard(repo);
    gh.faults.request({ match: 'GET /repos/acme/hidden/environments', status: 502, nth: 1 });
    const { code, report } = await ask(['--repo', 'acme/hidden']);
    assert.equal(kinds(report, repo)['environments-unseen']?.level, 'unknown');
    assert.equal(code, 10);
  });

  test('a list of repositories that breaks off is unknown, never all of them', async () => {
    gh.faults.request({ match: 'GET /installation/repositories', status: 502, nth: 1 });
    const { code, report } = await ask(['--org', 'acme']);
    assert.equal(code, 10);
    const unseen = report.findings.find(({ id }) => id === 'repositories-unseen');
    assert.equal(unseen?.level, 'unknown');
    assert.equal(unseen?.about, 'installation on acme');
  });

  test('a repository without the app', async () => {
    const { code, report } = await ask(['--repo', 'nobody/nothing']);
    assert.equal(code, 10);
    assert.ok(report.findings.some(({ id }) => id === 'not-installed'));
  });
});

describe('the app and its installations', () => {
  test('rights, events, webhook and installation are compared with what is wanted', async () => {
    const { report } = await ask(['--org', 'acme']);
    const ids = report.findings.map(({ id }) => id);
    assert.ok(ids.includes('app-rights'), ids.join(' '));
    assert.ok(ids.includes('webhook'), ids.join(' '));
    assert.ok(ids.includes('installation'), ids.join(' '));
    gh.app.permissions['checks'] = 'read';
    gh.app.permissions['secrets'] = 'write';
    gh.app.events.splice(gh.app.events.indexOf('push'), 1);
    const { report: changed } = await ask(['--org', 'acme'], {
      PUBLIC_URL: 'https://new.acme.invalid',
    });
    const by = Object.fromEntries(changed.findings.map((one) => [one.id, one]));
    assert.match(by['app-lacks-rights']?.says ?? '', /checks: write and event push/);
    assert.match(by['app-holds-too-much']?.says ?? '', /secrets: write/);
    assert.match(by['webhook-elsewhere']?.says ?? '', /https:\/\/new\.acme\.invalid\/api\/github/);
    gh.app.permissions['checks'] = 'write';
    delete gh.app.permissions['secrets'];
    gh.app.events.push('push');
  });

  test('a suspended installation is open, and nothing else is asked of it', async () => {
    gh.suspend('acme');
    const { code, report } = await ask(['--org', 'acme']);
    assert.equal(code, 10);
    assert.equal(report.repositories, 0);
    assert.ok(report.findings.some(({ id }) => id === 'installation-suspended'));
    gh.suspend('acme', false);
  });

  test('credentials that GitHub refuses, or that are missing: 1, and nothing is claimed', async () => {
    const io = keptIo(env({ APP_ID: '4040404' }));
    assert.equal(await run(['doctor'], io), 1);
    assert.match(io.printed.err, /could not look, so nothing is known to be guarded.*credentials/);
    const none = keptIo({ TAGOUT_DATA: dataDir });
    assert.equal(await run(['doctor'], none), 1);
    assert.match(none.printed.err, /no credentials of a GitHub App here.*npm start/);
    const away = keptIo(env({ GITHUB_API_URL: 'http://127.0.0.1:9' }));
    assert.equal(await run(['doctor'], away), 1);
    assert.equal(none.printed.out + io.printed.out + away.printed.out, '');
  });

  test('wrong usage is 64', async () => {
    for (const args of [
      ['--repo', 'shop'],
      ['--repo', 'a/b/c'],
      ['--org', 'a b'],
      ['--org', 'other', '--repo', 'acme/shop'],
    ]) {
      assert.equal(await run(['doctor', ...args], keptIo(env())), 64, args.join(' '));
    }
  });
});

test('for people: the worst first, with page and command, and one line that sums it up', async () => {
  const io = { ...keptIo(env()), now: gh.world.now };
  const code = await run(['doctor', '--repo', 'acme/fresh'], io);
  assert.equal(code, 10);
  const { out } = io.printed;
  assert.ok(out.indexOf('NOT GUARDED') < out.indexOf('in order'), out);
  assert.match(out, /mend: https?:\S+\n +run: {2}gh api --hostname \S+ -X POST/);
  assert.match(out, /\d+ not guarded, \d+ unknown, \d+ to consider, \d+ in order; 1 repository/);
});

test('fifty repositories: at most six requests for each, and quickly', async (t) => {
  const big = await LocalGitHub.start({ app: readAppManifest(), validate: false });
  t.after(() => big.close());
  const files = { '.github/workflows/d.yml': deploy };
  for (let at = 0; at < 50; at += 1) {
    const repo = await big.repo(`acme/r${at}`, { files });
    for (const name of ['production', 'prod-eu', 'prod-us', 'prod-ap', 'live']) {
      repo.environment(name, { protectedByApp: true });
    }
  }
  const mark = big.requests.length;
  const startedMs = performance.now();
  const io = {
    ...keptIo({
      APP_ID: String(big.app.id),
      PRIVATE_KEY: big.app.privateKey,
      WEBHOOK_SECRET: 'the secret of this server',
      GITHUB_API_URL: big.url,
      TAGOUT_DATA: dataDir,
    }),
    now: big.world.now,
  };
  await run(['doctor', '--json'], io);
  const tookMs = performance.now() - startedMs;
  const report = JSON.parse(io.printed.out) as Report;
  assert.equal(report.repositories, 50);
  assert.equal(report.requests, big.requests.length - mark);
  t.diagnostic(`50 repositories: ${report.requests} requests, ${Math.round(tookMs)} ms`);
  const ofApp = 6;
  assert.ok(report.requests <= 50 * 6 + ofApp, `${report.requests} requests`);
  assert.ok(tookMs < 20_000, `${tookMs} ms`);
  const unseen = report.findings.filter(({ id }) => id === 'environment-unseen');
  assert.ok(unseen.length > 0, 'what the budget left out is told');
  assert.match(unseen[0]?.says ?? '', /--repo acme\/r\d+/);
  const writes = big.requests
    .slice(mark)
    .filter(({ method, path }) => method !== 'GET' && !/graphql|access_tokens/.test(path));
  assert.deepEqual(writes, []);
});
