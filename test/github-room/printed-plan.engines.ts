/** Plans that a pull request's own workflow printed, from the local GitHub into a real sandbox. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decide } from '../../src/core/decide.ts';
import { effectivePolicy } from '../../src/core/effective-policy.ts';
import { effects } from '../../src/core/effects.ts';
import type { Change, Evidence } from '../../src/core/evidence.ts';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import type { Run } from '../github/repo.ts';
import { preparedCache } from '../prepared.ts';
import { type Lies, zipOf } from '../github/zip.ts';
import { lyingBases } from './lying-bases.ts';
import { openRoom, type Room } from './room.ts';

let room: Room;
let sandbox: Sandbox;
let home: string;
let count = 0;

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'printed-plan-'));
  await preparedCache(home);
  sandbox = createSandbox({ cacheDir: home });
  room = await openRoom(undefined, undefined, { runDry: sandbox.dryRun });
  room.gh.org('acme', { teams: {}, admins: ['boss'] });
  for (const login of ['alice', 'bob', 'mallory']) room.gh.user(login);
});
after(async () => {
  await room.gh.close();
  await sandbox.close();
  rmSync(home, { recursive: true, force: true });
});

const WORKFLOW = '.github/workflows/plan.yml';
const BASE = {
  [WORKFLOW]: 'on: pull_request\njobs: { plan: { steps: [{ run: ./bin/print-sql }] } }\n',
  'bin/print-sql': '#!/bin/sh\nalembic upgrade main:head --sql\n',
  'alembic.ini': '[alembic]\nscript_location = db\n',
  'package.json': '{"scripts":{"plan":"x"},"dependencies":{"a":"1"}}',
  'db/env.py': 'run()\n',
  'db/script.py.mako': '\n',
  'db/versions/1_users.py': 'revision = "1"\ndown_revision = None\n',
};
const MIGRATION = 'db/versions/2_age.py';
const ADDED = { [MIGRATION]: 'revision = "2"\ndown_revision = "1"\n' };

const USERS = 'create table users (id int primary key, email text);\n';
const PLAN = {
  'base.sql': `\\restrict aB1\nbegin;\n${USERS}commit;\n\\unrestrict aB1\n`,
  '0001.sql': 'begin;\nalter table users drop column email;\ncommit;\n',
};

type Files = Record<string, string | null>;

interface Scene {
  readonly repo: Repo;
  readonly pull: Pull;
}

async function scene(files: Files = {}, base: Files = {}): Promise<Scene> {
  count += 1;
  const repo = await room.gh.repo(`acme/plan-${count}`, {
    files: { ...BASE, ...base } as Record<string, string>,
    collaborators: { alice: 'write', bob: 'write' },
  });
  await repo.commit({ branch: 'feature', files: { ...ADDED, ...files }, author: 'bob' });
  const pull = await repo.openPull({ author: 'bob', head: 'feature' });
  return { repo, pull };
}

interface Printing {
  readonly content?: Record<string, string | Buffer> | Buffer;
  readonly event?: string;
  readonly path?: string;
  readonly headRepo?: Repo;
  readonly autoComplete?: boolean;
}

/** What the repository's own workflow does on a pull request. */
async function print({ repo, pull }: Scene, printing: Printing = {}): Promise<Run> {
  const { content = PLAN, ...more } = printing;
  const run = await repo.startRun({
    actor: 'bob',
    sha: pull.headSha,
    branch: 'feature',
    environment: null,
    event: 'pull_request',
    path: WORKFLOW,
    ...more,
  });
  run.upload('tagout-plan', content);
  return run;
}

interface Seen {
  readonly evidence: Evidence;
  readonly change: Change;
  readonly told: string;
}

async function look({ repo, pull }: Scene): Promise<Seen> {
  const { evidence, change } = await room.pull(repo, pull.number);
  const policy = effectivePolicy(evidence.policy);
  const decision = decide(policy, evidence);
  assert.equal(decision.verdict, 'hold');
  const locator = { kind: 'pull-request', repo: room.ref(repo), number: pull.number } as const;
  const trigger = { locator, because: 'test', delivery: null };
  const all = effects({ trigger, locator, evidence, policy, decision });
  const check = all.find((effect) => effect.kind === 'check-run');
  return { evidence, change, told: JSON.stringify(check) };
}

/** A plan that is not taken: nothing ran, the reason is told, and it holds. */
async function refused(at: Scene, why: RegExp): Promise<void> {
  const { change, told } = await look(at);
  assert.equal(change.dryRun.stated, undefined);
  assert.equal(change.dryRun.status, 'not-comparable');
  assert.match(change.dryRun.reason ?? '', why);
  assert.ok(
    change.dryRun.problems.some(({ path, code }) => path === MIGRATION && code === 'not-judged'),
  );
  assert.match(told, /could not be compared/);
}

describe('a plan that is taken', () => {
  test('runs on the base it states, is shown as its own word, and is high at least', async () => {
    const at = await scene();
    const run = await print(at);
    const { change, told } = await look(at);
    const { stated, status, folders, problems } = change.dryRun;
    assert.deepEqual([status, problems], ['ok', []]);
    assert.deepEqual([stated?.runId, stated?.source, stated?.migrations], [run.id, WORKFLOW, 1]);
    assert.deepEqual(
      folders[0]?.observation?.objects.map(({ object, change: how }) => `${how} ${object}`),
      ['removed users.email'],
    );
    assert.match(told, /as stated by the change's own CI/);
    assert.match(told, /stated-by-ci/);
    assert.doesNotMatch(told, /"path":"tagout-plan/);
  });

  test('makes nothing small: a plan that only adds is high', async () => {
    const at = await scene();
    const add = { ...PLAN, '0001.sql': 'alter table users add column age int;\n' };
    await print(at, { content: add });
    const { evidence } = await look(at);
    assert.equal(decide(effectivePolicy(evidence.policy), evidence).radius, 'high');
  });

  for (const [name, { base, sql, files }, radius] of lyingBases) {
    test(`makes nothing small: a base that ${name}`, async () => {
      const at = await scene({}, files);
      await print(at, { content: { 'base.sql': base, '0001.sql': sql } });
      const { evidence, change } = await look(at);
      assert.equal(change.dryRun.stated?.migrations, 1);
      const { findings, radius: whole } = decide(effectivePolicy(evidence.policy), evidence);
      const found = findings.find(({ object }) => object === 'users');
      assert.equal(found?.radius, radius, JSON.stringify(findings));
      assert.equal(whole, radius);
    });
  }

  test('another text of the plan is another thing to approve; the same text is not', async () => {
    const at = await scene();
    const run = await print(at);
    const digest = async (): Promise<string | undefined> =>
      (await look(at)).change.dryRun.stated?.sha256;
    const first = await digest();
    run.upload('tagout-plan', PLAN);
    assert.equal(await digest(), first);
    run.upload('tagout-plan', { ...PLAN, '0001.sql': 'select 1;\n' });
    assert.notEqual(await digest(), first);
  });

  test('a dump that the policy names is the base, and base.sql is not needed', async () => {
    const base = {
      '.github/tagout.yml': 'version: 1\nmigrations: { baseline: { schema: db/schema.sql } }\n',
      'db/schema.sql': `${USERS}\n-- PostgreSQL database dump complete\n`,
    };
    const at = await scene({}, base);
    await print(at, { content: { 'a.sql': 'alter table users add column age int;\n' } });
    const { change } = await look(at);
    assert.equal(change.dryRun.status, 'ok');
  });

  test('dependencies may change with it', async () => {
    const manifest = '{"scripts":{"plan":"x"},"dependencies":{"a":"2","b":"1"}}';
    const at = await scene({ 'package.json': manifest });
    await print(at);
    assert.equal((await look(at)).change.dryRun.status, 'ok');
  });

  test('the end of the workflow makes the line look again', async () => {
    const at = await scene();
    await print(at);
    const told = room.gh.deliveries.filter(({ event }) => event === 'workflow_run');
    assert.ok(told.length > 0, 'the app subscribes to workflow_run');
  });
});

describe('at the gate', () => {
  async function merged(names: readonly string[]): Promise<Evidence> {
    const first = await scene();
    const { repo } = first;
    await repo.startRun({ actor: 'bob' });
    repo.environment('production', { protectedByApp: true });
    await print(first);
    await first.pull.merge({ by: 'alice', method: 'merge' });
    for (const [nth, name] of names.entries()) {
      const file = `db/versions/${name}.py`;
      const files = { [file]: `revision = "${name}"\ndown_revision = "${nth + 2}"\n` };
      await repo.commit({ branch: `branch-${name}`, files, author: 'bob' });
      const pull = await repo.openPull({ author: 'bob', head: `branch-${name}` });
      const content = {
        'base.sql': `${USERS}alter table users drop column email;\n`,
        'a.sql': `alter table users add column "${name}" int;\n`,
      };
      await print({ repo, pull }, { content });
      await pull.merge({ by: 'alice', method: 'squash' });
    }
    const run = await repo.startRun({ actor: 'alice' });
    return room.deployment(repo, run.id, run.deployment?.id);
  }

  test('the plan of the merged head is run again', async () => {
    const { changes, deployment } = await merged([]);
    assert.equal(deployment?.range.at(-1)?.equalsReviewed, true);
    assert.equal(changes[0]?.dryRun.status, 'ok');
    assert.equal(changes[0]?.dryRun.stated?.migrations, 1);
  });

  test('plans of several pull requests run one after the other on the base of the first', async () => {
    const { changes, deployment } = await merged(['3']);
    assert.deepEqual(
      changes.map(({ dryRun }) => dryRun.status),
      ['ok', 'ok'],
    );
    const { dryRun } = deployment?.together ?? {};
    assert.equal(dryRun?.status, 'ok');
    assert.equal(dryRun?.stated?.migrations, 2);
    assert.deepEqual(
      dryRun?.folders[0]?.observation?.objects.map(({ object, change }) => `${change} ${object}`),
      ['added users.3', 'removed users.email'],
    );
  });
});

describe('no plan', () => {
  test('is not comparable, holds, and tells the recipe', async () => {
    const at = await scene();
    await refused(at, /alembic upgrade head.*tagout-plan/s);
  });
  test('an artifact of another name is none', async () => {
    const at = await scene();
    const run = await print(at, { content: {} });
    run.run.artifacts.length = 0;
    run.upload('other', PLAN);
    await refused(at, /never run here/);
  });
});

describe('a plan that is not for this change', () => {
  test('of an earlier head', async () => {
    const at = await scene();
    await print(at);
    await at.repo.commit({ branch: 'feature', files: { 'a.py': 'a\n' }, author: 'bob' });
    await refused(at, /never run here/);
  });
  test('of a run that no pull request started', async () => {
    const at = await scene();
    await print(at, { event: 'workflow_dispatch' });
    await refused(at, /never run here/);
  });
  test('of a fork', async () => {
    const at = await scene();
    const headRepo = await room.gh.fork(at.repo, 'mallory');
    await print(at, { headRepo });
    await refused(at, /another repository.*such as a fork/s);
  });
  test('of a workflow that the base branch does not have', async () => {
    const at = await scene();
    await print(at, { path: '.github/workflows/mine.yml' });
    await refused(at, /which the base branch does not have/);
  });
  test('of two workflows', async () => {
    const at = await scene({}, { '.github/workflows/other.yml': 'on: pull_request\n' });
    await print(at);
    await print(at, { path: '.github/workflows/other.yml' });
    await refused(at, /both made an artifact/);
  });
  test('of a run that failed, and of one that goes on', async () => {
    const failed = await scene();
    const run = await print(failed, { autoComplete: false });
    await refused(failed, /has not finished/);
    await run.finish('failure');
    await refused(failed, /ended as failure/);
  });
  test('that has expired or is gone', async () => {
    const at = await scene();
    const run = await print(at);
    const [artifact] = run.run.artifacts.splice(0);
    assert.ok(artifact !== undefined);
    run.run.artifacts.push({ ...artifact, expiresAtMs: 0 });
    await refused(at, /has expired/);
  });
});

describe('a change that decides what its plan says', () => {
  const touched: readonly (readonly [string, Files])[] = [
    ['its workflow', { [WORKFLOW]: 'on: pull_request\n' }],
    ['another workflow', { '.github/workflows/new.yml': 'on: push\n' }],
    ['a local action', { '.github/actions/sql/action.yml': 'runs: {}\n' }],
    ['the configuration', { 'alembic.ini': '[alembic]\nscript_location = other\n' }],
    ['the environment of the framework', { 'db/env.py': 'print("select 1;")\n' }],
    ['a program that the workflow names', { 'bin/print-sql': 'echo select 1\n' }],
    ['a script of the package', { 'package.json': '{"scripts":{"plan":"echo"}}' }],
  ];
  for (const [name, files] of touched) {
    test(name, async () => {
      const at = await scene(files);
      await print(at);
      await refused(at, new RegExp(`also touches ${Object.keys(files)[0]}`));
    });
  }
});

describe('hostile plans', () => {
  const lies = (path: string, lie: Lies): Buffer =>
    zipOf({ ...PLAN, [path]: 'select 1;\n' }, { [path]: lie });
  const bad: readonly (readonly [string, Printing['content'], RegExp])[] = [
    ['nothing at all', {}, /no base.sql/],
    ['says nothing', { ...PLAN, '0001.sql': '-- nothing to do\n' }, /holds no statement/],
    ['no base', { '0001.sql': 'alter table users add column age int;\n' }, /no base.sql/],
    ['no archive', Buffer.from('select 1;'), /is no zip archive/],
    ['a bomb', zipOf({ 'a.sql': Buffer.alloc(21_000_000) }), /unpacks to 21000000 bytes/],
    ['a name that leads out', { ...PLAN, '../../x.sql': 'select 1;' }, /lead out of its folder/],
    ['an absolute name', { ...PLAN, '/etc/x.sql': 'select 1;' }, /lead out of its folder/],
    ['a name of Windows', { ...PLAN, '..\\x.sql': 'select 1;' }, /lead out of its folder/],
    ['a link', lies('link.sql', { mode: 0o120777 }), /link or a device/],
    ['a program', { ...PLAN, 'run.sh': 'rm -rf /' }, /which is no .sql file/],
    ['bytes that are no text', { ...PLAN, 'b.sql': Buffer.from([0xff, 0xfe]) }, /not valid UTF-8/],
    ['a NUL', { ...PLAN, 'b.sql': 'select 1;\0' }, /NUL byte/],
  ];
  for (const [name, content, why] of bad) {
    test(name, async () => {
      const at = await scene();
      await print(at, content === undefined ? {} : { content });
      await refused(at, why);
    });
  }

  test('50 MB are not even fetched', async () => {
    const at = await scene();
    await print(at, { content: Buffer.alloc(50_000_000) });
    const mark = room.gh.requests.length;
    await refused(at, /50000000 bytes large/);
    const asked = room.gh.requests.slice(mark).map(({ operationId }) => operationId);
    assert.ok(!asked.includes('actions/download-artifact'));
  });

  test('commands of psql are no SQL: the run fails and says so', async () => {
    const at = await scene();
    const content = { ...PLAN, '0001.sql': '\\! rm -rf /\nselect 1;\n' };
    await print(at, { content });
    const { change } = await look(at);
    assert.equal(change.dryRun.status, 'failed');
    assert.match(change.dryRun.reason ?? '', /command of psql/);
  });

  test('an outage of the storage is tried again, and judges nothing', async () => {
    const at = await scene();
    await print(at);
    room.gh.faults.request({ match: '/_storage/', status: 503 });
    await assert.rejects(room.pull(at.repo, at.pull.number), { code: 'github-unavailable' });
  });
});
