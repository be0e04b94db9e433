/** `tagout init` in real checkouts: what it finds, what it writes, and what it never does. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { run } from '../../src/cli.ts';
import { effectivePolicy } from '../../src/core/effective-policy.ts';
import { keptIo } from '../cli/io.ts';
import { newRepository, type Files, type Repository } from '../git/repository.ts';

const shop: Files = {
  'drizzle.config.ts': "export default { dialect: 'postgresql', out: './drizzle' };\n",
  'drizzle/0000_first.sql': 'create table a (id int);\n',
  'drizzle/meta/_journal.json': JSON.stringify({
    version: '7',
    dialect: 'postgresql',
    entries: [{ idx: 0, version: '7', when: 1, tag: '0000_first', breakpoints: true }],
  }),
  'compose.yaml': 'services:\n  db:\n    image: postgres:16-alpine\n',
  '.github/workflows/deploy.yml':
    'on: push\njobs:\n  a: { environment: staging }\n  b: { environment: production }\n' +
    '  c: { environment: { name: "customer-eu" } }\n  d: { environment: docs }\n' +
    '  e: { environment: "${{ inputs.to }}" }\n',
};

function checkout(t: TestContext, files: Files): Repository {
  const repository = newRepository('tagout-init-');
  t.after(() => repository.remove());
  repository.commit('First', files);
  return repository;
}

async function init(folder: string, ...args: string[]) {
  const io = keptIo({ PATH: process.env['PATH'] ?? '', HOME: folder }, folder);
  const code = await run(['init', ...args], io);
  return { code, ...io.printed };
}

function written(folder: string) {
  const text = readFileSync(join(folder, '.github/tagout.yml'), 'utf8');
  const file = { repo: '.', path: '.github/tagout.yml', commitSha: null, blob: null, text };
  return { text, effective: effectivePolicy({ repository: file, base: null, floor: null }) };
}

test('finds migrations, environments, the version and the agents, and says so', async (t) => {
  const one = checkout(t, shop);
  one.commit('Fix\n\nCo-Authored-By: Claude <noreply@anthropic.com>', { 'a.txt': 'a' });
  one.commit(
    'Bump',
    { 'b.txt': 'b' },
    'dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>',
  );
  const { code, out, err } = await init(one.folder);
  assert.equal(code, 0, err);
  assert.match(out, /Migrations\n {2}drizzle: drizzle, 1 migration\n/);
  assert.match(out, /production: guarded\n {2}customer-eu: reads like production, added\n/);
  assert.match(out, /staging: before production\n {2}docs: not guarded\n {2}\(some job computes/);
  assert.match(out, /PostgreSQL\n {2}16: compose\.yaml\n/);
  assert.match(out, /Agents in the last 3 commits\n {2}claude-code: 1 commit\n\n/);
  const { text, effective } = written(one.folder);
  assert.match(text, /^# yaml-language-server: \$schema=https:\S+\/docs\/tagout\.schema\.json\n/);
  assert.deepEqual(effective.problems, []);
  const rule = effective.policy.environments['production'];
  assert.deepEqual(rule?.match, ['production', 'prod', 'prod-*', 'live', 'customer-eu']);
  assert.equal(rule?.reviews.critical.count, 2);
  assert.equal(effective.policy.migrations.postgres, 16);
  assert.match(text, /# after: \[staging\]/);
  assert.match(text, /# {3}- name: claude-code\n# {5}operators: \[your-login\]/);
});

test('with every proposal uncommented it is a policy too', async (t) => {
  const one = checkout(t, shop);
  await init(one.folder);
  const { text } = written(one.folder);
  const uncommented = text.replace(
    /^( *)# ( *(?:agents:|operators:|folders:|after:|freeze:|breakGlass:|suspended:|- name|- \{).*)$/gm,
    '$1$2',
  );
  const file = { repo: '.', path: 'p', commitSha: null, blob: null, text: uncommented };
  const { problems, policy } = effectivePolicy({ repository: file, base: null, floor: null });
  assert.deepEqual(
    problems.map(({ message }) => message),
    [],
    uncommented,
  );
  assert.deepEqual(policy.migrations.folders, [{ path: 'drizzle', framework: 'drizzle' }]);
  assert.deepEqual(policy.environments['production']?.after, ['staging']);
});

test('an empty repository gets the built-in default, written out', async (t) => {
  const one = checkout(t, { 'README.md': 'Hello' });
  const { code, out } = await init(one.folder);
  assert.equal(code, 0);
  assert.match(out, /Migrations\n {2}none found\n/);
  const none = effectivePolicy({
    repository: { repo: '.', path: 'p', commitSha: null, blob: null, text: null },
    base: null,
    floor: null,
  });
  assert.equal(written(one.folder).effective.digest, none.digest);
});

test('a policy that is there stays, unless --force says otherwise', async (t) => {
  const one = checkout(t, { '.github/tagout.yml': 'version: 1\nsolo: true\n' });
  const { code, err } = await init(one.folder);
  assert.equal(code, 1);
  assert.match(err, /is there already\. Use --force/);
  assert.equal(written(one.folder).effective.policy.solo, true);
  assert.equal((await init(one.folder, '--force')).code, 0);
  assert.equal(written(one.folder).effective.policy.solo, false);
});

test('names from workflow files cannot become keys of the policy', async (t) => {
  const name = 'prod\\nsolo: true\\nx: [\\"';
  const workflow = `jobs: { a: { environment: "${name}" }, b: { environment: "stag\\u2028solo: true" } }`;
  const one = checkout(t, { '.github/workflows/a.yml': workflow });
  const { code, out, err } = await init(one.folder);
  assert.equal(code, 0, err);
  const { effective } = written(one.folder);
  assert.deepEqual(effective.problems, []);
  assert.equal(effective.policy.solo, false);
  assert.doesNotMatch(out.replaceAll('\n', ''), /\p{Cc}|\u2028/u);
});

test('outside a checkout, and without a commit, it says what is missing', async (t) => {
  const empty = newRepository('tagout-init-none-');
  t.after(() => empty.remove());
  const { code, err } = await init(empty.folder);
  assert.equal(code, 1);
  assert.match(err, /^tagout: /);
  assert.equal(existsSync(join(empty.folder, '.github')), false);
});
