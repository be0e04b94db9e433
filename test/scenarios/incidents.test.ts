/**
 * Scenarios made from real incidents (the README names some), each played on the local GitHub through
 * gather, dry run, decide, record and enact. The same stories as pure cases: decide-incidents.json.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlastRadius } from '../../src/core/findings.ts';
import type { Verdict } from '../../src/core/decision.ts';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Pull } from '../github/pull.ts';
import { Repo } from '../github/repo.ts';
import { preparedCache } from '../prepared.ts';
import {
  against,
  type Line,
  openLine,
  refusals,
  type Seen,
  shop,
  work,
  type WorkOptions,
} from '../ways-round/line.ts';

const cacheDir = mkdtempSync(join(tmpdir(), 'tagout-incidents-'));
let sandbox: Sandbox;
let line: Line;
before(async () => {
  await preparedCache(cacheDir);
  sandbox = createSandbox({ cacheDir });
  line = await openLine(undefined, (wish) => sandbox.dryRun(wish));
});
after(async () => {
  await line.close();
  await sandbox.close();
  rmSync(cacheDir, { recursive: true, force: true });
});

interface Wanted {
  readonly verdict: Verdict;
  readonly codes?: readonly string[];
  readonly radius?: BlastRadius;
  readonly agents?: readonly string[];
  readonly counted?: readonly string[];
  readonly refused?: Readonly<Record<string, readonly string[]>>;
}

function expect(seen: Seen, wanted: Wanted): void {
  const { decision } = seen;
  const { verdict, codes = [], counted = [], refused = {}, radius, agents } = wanted;
  assert.deepEqual([decision.verdict, against(seen)], [verdict, codes]);
  assert.deepEqual(decision.counted.map(({ person }) => person.login).toSorted(), counted);
  const said = decision.refused.map(({ person }) => person?.login ?? '');
  assert.deepEqual(
    Object.fromEntries(said.map((login) => [login, refusals(seen, login)])),
    refused,
  );
  if (radius !== undefined) assert.equal(decision.radius, radius);
  if (agents !== undefined) assert.deepEqual(decision.origin.agents, agents);
}

const MISSING = ['approvals-missing'];
const CLAUDE = 'Co-Authored-By: Claude <noreply@anthropic.com>';
const docs = { 'docs/guide.md': '# Guide\n' };
const users = {
  'db/migration/V1__users.sql':
    'CREATE TABLE users (id serial PRIMARY KEY, email text);\n' +
    "INSERT INTO users (email) SELECT 'a' || n FROM generate_series(1, 1000) n;\n",
};
const dropsColumn = { 'db/migration/V2__drop.sql': 'ALTER TABLE users DROP COLUMN email;\n' };
const dropsTable = { 'db/migration/V2__drop.sql': 'DROP TABLE users;\n' };

const repoOf = ({ world, repo }: Pull): Repo => new Repo(world, repo);

/** Work of the agent that ben set to it, in a repository with rows; looked at once. */
async function agents(files: WorkOptions['files'] = docs): Promise<Pull> {
  const pull = await work(await shop(line, { files: users }), { files: files ?? docs });
  await pull.assign('Copilot', 'ben');
  await line.pull(pull);
  return pull;
}

/** A person's own work, looked at once. */
async function persons(options: WorkOptions = {}): Promise<Pull> {
  const pull = await work(await shop(line), { author: 'maria', ...options });
  await line.pull(pull);
  return pull;
}

test('S01 `drizzle-kit push --force` in the build is critical by its command alone', async () => {
  const script = '{ "scripts": { "build": "drizzle-kit push --force && next build" } }\n';
  const pull = await persons({
    files: { 'package.json': script },
    title: `Build\n\n${CLAUDE}`,
  });
  expect(await line.pull(pull), {
    verdict: 'hold',
    codes: MISSING,
    radius: 'critical',
    agents: ['claude-code'],
  });
});

test('S02 a dropped column: who set the agent to work cannot approve, somebody else can', async () => {
  const pull = await agents(dropsColumn);
  await pull.review({ by: 'ben' });
  const refused = { ben: ['R07'] };
  expect(await line.pull(pull), { verdict: 'hold', codes: MISSING, radius: 'high', refused });
  await pull.review({ by: 'octavia' });
  expect(await line.pull(pull), { verdict: 'allow', counted: ['octavia'], refused });
});

test('S03 pushed after the approval, merged and deployed', async () => {
  const pull = await agents();
  await pull.review({ by: 'octavia' });
  expect(await line.pull(pull), { verdict: 'allow', counted: ['octavia'] });
  await pull.push({ files: { 'src/late.ts': 'late();\n' }, author: 'Copilot' });
  await line.pull(pull);
  const sha = await pull.merge({ by: 'maria' });
  const run = await repoOf(pull).startRun({ actor: 'maria', sha });
  const seen = await line.deployment(run);
  const codes = ['merged-past', ...MISSING];
  expect(seen, { verdict: 'hold', codes, refused: { octavia: ['R02'] } });
  assert.equal(run.state, 'waiting');
});

test('S04 four bots and agents approve, one of them an account of type User', async () => {
  const pull = await agents();
  line.gh.user('stamphog[bot]', { type: 'Bot' });
  line.gh.user('claude', { id: 81_847 });
  // GitHub knows no permission of an app's account, whatever it may write.
  const refused = {
    'github-actions[bot]': ['R06', 'R08'],
    'stamphog[bot]': ['R06', 'R08'],
    'renovate[bot]': ['R06', 'R08'],
    claude: ['R06'],
  };
  line.gh.user('renovate[bot]', { type: 'Bot' });
  for (const by of Object.keys(refused)) {
    repoOf(pull).collaborator(by, 'write');
    await pull.review({ by });
  }
  expect(await line.pull(pull), { verdict: 'hold', codes: MISSING, refused });
});

test("S05 an agent with a person's token: critical needs another person, low cannot be told apart", async () => {
  const grave = await agents(dropsTable);
  await grave.review({ by: 'octavia' });
  const held = { verdict: 'hold', codes: MISSING, counted: ['octavia'] } as const;
  expect(await line.pull(grave), { ...held, radius: 'critical' });
  const low = await agents();
  await low.review({ by: 'octavia' });
  const seen = await line.pull(low);
  expect(seen, { verdict: 'allow', counted: ['octavia'], radius: 'low' });
  assert.equal(seen.decision.counted[0]?.assurance, 'account');
});

test('S06 whoever opened it through the app of an agent is its operator', async () => {
  const repo = await shop(line);
  await repo.commit({ branch: 'feature/x', files: docs, author: 'ben' });
  const pull = await repo.openPull({ author: 'ben', head: 'feature/x', viaApp: 'cursor' });
  await line.pull(pull);
  const own = await pull.review({ by: 'ben', state: 'COMMENTED' });
  own.state = 'APPROVED';
  await pull.review({ by: 'octavia' });
  const refused = { ben: ['R03', 'R04', 'R05', 'R07'] };
  const wanted = { verdict: 'allow', counted: ['octavia'], refused, agents: ['cursor'] } as const;
  expect(await line.pull(pull), wanted);
});

test("S07 the co-author of an agent's commit cannot approve it", async () => {
  const { id } = line.gh.user('olaf');
  const title = `Work\n\nCo-authored-by: olaf <${id}+olaf@users.noreply.github.com>`;
  const pull = await work(await shop(line), { title });
  await line.pull(pull);
  await pull.review({ by: 'olaf' });
  const refused = { olaf: ['R04', 'R07'] };
  expect(await line.pull(pull), { verdict: 'hold', codes: MISSING, refused });
});

test('S08 who pressed "Update branch" has pushed', async () => {
  const pull = await persons({ files: docs });
  await repoOf(pull).commit({ files: { 'src/other.ts': '1;\n' }, author: 'boss' });
  await pull.updateBranch('olaf');
  await line.pull(pull);
  await pull.review({ by: 'olaf' });
  const refused = { olaf: ['R04', 'R05'] };
  expect(await line.pull(pull), { verdict: 'hold', codes: MISSING, refused });
});

test('S09 who has left the organisation since no longer counts', async () => {
  const pull = await agents();
  await pull.review({ by: 'octavia' });
  await line.pull(pull);
  const sha = await pull.merge({ by: 'maria' });
  const repo = repoOf(pull);
  repo.collaborator('octavia', null);
  const run = await repo.startRun({ actor: 'maria', sha });
  const refused = { octavia: ['R08'] };
  expect(await line.deployment(run), { verdict: 'hold', codes: MISSING, refused });
});

test('S10 dismissed and edited approvals are void, a comment afterwards takes nothing back', async () => {
  const pull = await persons();
  const first = await pull.review({ by: 'octavia' });
  await pull.dismiss(first, 'maria', 'not needed');
  expect(await line.pull(pull), {
    verdict: 'hold',
    codes: MISSING,
    refused: { octavia: ['R01'] },
  });
  const second = await pull.review({ by: 'olaf' });
  second.editedAtMs = second.submittedAtMs + 1000;
  const refused = { octavia: ['R01'], olaf: ['R09'] };
  expect(await line.pull(pull), { verdict: 'hold', codes: MISSING, refused });
  await pull.review({ by: 'boss' });
  await pull.review({ by: 'boss', state: 'COMMENTED', body: 'one more thing' });
  expect(await line.pull(pull), { verdict: 'allow', counted: ['boss'], refused });
});

test('S11 infrastructure as code is high by its path', async () => {
  const pull = await persons({ files: { 'terraform/main.tf': 'resource "x" "y" {}\n' } });
  expect(await line.pull(pull), { verdict: 'hold', codes: MISSING, radius: 'high' });
});

test('S14 an administrator merged past the rules: only a review afterwards counts', async () => {
  const pull = await persons();
  await pull.review({ by: 'octavia' });
  await line.pull(pull);
  const sha = await pull.merge({ by: 'boss' });
  const at = new Date(line.gh.world.now()).toISOString();
  const suite = { id: 14, after_sha: sha, ref: 'refs/heads/main', pushed_at: at };
  const repo = repoOf(pull);
  const bypass = { result: 'bypass', evaluation_result: 'bypass', actor_name: 'boss' };
  repo.record.ruleSuites.push({ ...suite, ...bypass });
  const run = await repo.startRun({ actor: 'boss', sha });
  const refused = { octavia: ['R13'] };
  const codes = ['merged-past', ...MISSING];
  expect(await line.deployment(run), { verdict: 'hold', codes, refused });
  // GitHub's times are whole seconds.
  await sleep(1_100);
  await pull.review({ by: 'olaf' });
  expect(await line.deployment(run), { verdict: 'allow', counted: ['olaf'], refused });
  assert.equal(run.state, 'success');
});

test('S16 told twice, it is one decision in the record', async () => {
  const pull = await persons();
  const objection = await pull.review({ by: 'octavia', state: 'CHANGES_REQUESTED' });
  await pull.review({ by: 'octavia' });
  assert.equal(objection.state, 'CHANGES_REQUESTED');
  for (let times = 0; times < 3; times += 1) {
    expect(await line.pull(pull), { verdict: 'allow', counted: ['octavia'] });
  }
  const rows = await line.store.sql`select 1 from audit.event where kind = 'decision.made'
    and (doc->'repo'->>'id')::bigint = ${pull.repo.id}
    and doc->'decision'->>'verdict' = 'allow'`;
  assert.equal(rows.length, 1);
});

test('S18 a forged sign of an agent makes it stricter, not looser', async () => {
  const pull = await persons({ files: docs, title: `Docs\n\n${CLAUDE}` });
  const own = await pull.review({ by: 'maria', state: 'COMMENTED' });
  own.state = 'APPROVED';
  await pull.review({ by: 'octavia' });
  const refused = { maria: ['R03', 'R04', 'R05', 'R07'] };
  const wanted = { counted: ['octavia'], refused, agents: ['claude-code'] };
  expect(await line.pull(pull), { verdict: 'allow', ...wanted });
});

test("S20 the ordinary way: an agent's documentation and a person's small change need one review", async () => {
  for (const [pull, radius] of [
    [await agents(), 'low'],
    [await persons(), 'medium'],
  ] as const) {
    expect(await line.pull(pull), { verdict: 'hold', codes: MISSING, radius });
    await pull.review({ by: 'octavia' });
    expect(await line.pull(pull), { verdict: 'allow', counted: ['octavia'], radius });
    const sha = await pull.merge({ by: 'octavia' });
    const run = await repoOf(pull).startRun({ actor: 'octavia', sha });
    expect(await line.deployment(run), { verdict: 'allow', counted: ['octavia'], radius });
    assert.equal(run.state, 'success');
  }
});
