/** Ways round a gate through what a change holds or says, each on the local GitHub. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { against, type Line, openLine, shop, work } from './line.ts';

let line: Line;
before(async () => {
  line = await openLine();
});
after(() => line.close());

const deploy = (extra: string, environment = '    environment: production\n'): string =>
  `on: push\njobs:\n  deploy:\n    runs-on: ubuntu-latest\n${environment}    steps:\n${extra}`;
const checkout = '      - uses: actions/checkout@v5\n';
const WORKFLOW = '.github/workflows/deploy.yml';

async function radiusOf(files: Record<string, string | null>, before: Record<string, string> = {}) {
  const repo = await shop(line, { files: before });
  const seen = await line.pull(await work(repo, { files }));
  assert.equal(seen.decision.verdict, 'hold');
  return seen.decision.radius;
}

test('B07 a workflow that drops its `environment:` is critical', async () => {
  const before = { [WORKFLOW]: deploy(checkout) };
  assert.equal(await radiusOf({ [WORKFLOW]: deploy(checkout, '') }, before), 'critical');
  assert.equal(await radiusOf({ [WORKFLOW]: null }, before), 'critical');
});

test('B07 a workflow that never named a guarded environment is high, not critical', async () => {
  const before = { '.github/workflows/test.yml': deploy(checkout, '') };
  const files = { '.github/workflows/test.yml': deploy(`${checkout}      - run: npm test\n`, '') };
  assert.equal(await radiusOf(files, before), 'high');
});

test('B09 an empty policy is the default; a broken one, an alias bomb and an unknown key hold', async () => {
  const bomb = `version: 1\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n`;
  for (const text of ['version: [\n', bomb, 'version: 1\nreviewz: 0\n', 'version: 2\n', '\0']) {
    const repo = await shop(line, { files: { '.github/tagout.yml': text } });
    const pull = await work(repo);
    await line.pull(pull);
    await pull.review({ by: 'octavia' });
    await pull.review({ by: 'olaf' });
    const seen = await line.pull(pull);
    assert.equal(seen.decision.verdict, 'hold', JSON.stringify(text));
    assert.ok(against(seen).includes('policy-unreadable'), against(seen).join());
  }
  for (const files of [{}, { '.github/tagout.yml': 'version: 1\n' }]) {
    const pull = await work(await shop(line, { files }));
    const seen = await line.pull(pull);
    assert.deepEqual([...against(seen)], ['approvals-missing']);
  }
});

test('B10 a weakened policy speaks only once it is on the default branch, and is critical', async () => {
  const repo = await shop(line);
  const weak = 'version: 1\nsolo: true\nundeclared: human\n';
  const pull = await work(repo, { files: { '.github/tagout.yml': weak } });
  await line.pull(pull);
  await pull.review({
    by: 'Copilot',
    state: 'COMMENTED',
    body: `release ${pull.headSha.slice(0, 12)}`,
  });
  await pull.review({ by: 'octavia' });
  const seen = await line.pull(pull);
  assert.equal(seen.decision.radius, 'critical');
  assert.deepEqual([seen.decision.verdict, seen.decision.needed[0]?.count], ['hold', 2]);
});

test('B10 weakened by an earlier merge without review: the deployment still holds', async () => {
  const repo = await shop(line);
  const pull = await work(repo, { files: { '.github/tagout.yml': 'version: 1\nsolo: true\n' } });
  await pull.merge({ by: 'maria' });
  const seen = await line.deployment(await repo.startRun({ actor: 'maria' }));
  assert.equal(seen.decision.verdict, 'hold');
});

test('B11 a draft holds whatever it carries, and is judged again when it is ready', async () => {
  const repo = await shop(line);
  const pull = await work(repo);
  const shown = (): unknown => repo.checkRuns(pull.headSha).map((run) => run.conclusion);
  await line.pull(pull);
  await pull.review({ by: 'octavia' });
  await line.pull(pull);
  assert.deepEqual(shown(), ['success']);
  await pull.draft(true, 'Copilot');
  const draft = await line.pull(pull);
  assert.deepEqual(against(draft), ['draft']);
  assert.deepEqual(shown(), ['action_required'], 'neither green, neutral nor skipped');
  await pull.draft(false, 'Copilot');
  assert.equal((await line.pull(pull)).decision.verdict, 'allow');
  assert.deepEqual(shown(), ['success']);
});

test('B12 a green check and a green status of our name by another writer change nothing', async () => {
  const repo = await shop(line);
  const pull = await work(repo);
  const other = line.gh.addApp({
    name: 'Impostor',
    default_permissions: { checks: 'write' },
    default_events: [],
  });
  const at = line.gh.world.now();
  const forged = { headSha: pull.headSha, name: 'tagout', externalId: '', detailsUrl: null };
  const done = { status: 'completed', conclusion: 'success', startedAtMs: at, completedAtMs: at };
  const output = { title: null, summary: null, text: null };
  const ids = { id: 991, suiteId: 992, app: other, annotations: [], actions: [] };
  repo.record.checkRuns.push({ ...ids, ...forged, ...done, output });
  const status = { id: 993, sha: pull.headSha, state: 'success', context: 'tagout' };
  const creator = line.gh.user('Copilot');
  repo.record.statuses.push({
    ...status,
    description: null,
    targetUrl: null,
    creator,
    createdAtMs: at,
  });
  const seen = await line.pull(pull);
  assert.equal(seen.decision.verdict, 'hold');
  const ours = repo.checkRuns(pull.headSha).filter((run) => run.app !== other);
  assert.deepEqual(
    ours.map((run) => run.conclusion),
    ['action_required'],
  );
});

test('B15 more files than GitHub shows a reviewer hold, whoever approves', async () => {
  const repo = await shop(line);
  const files = Object.fromEntries(
    Array.from({ length: 3001 }, (_, at) => [`docs/${at}.md`, `${at}\n`] as const),
  );
  const pull = await work(repo, { author: 'maria', files });
  await line.pull(pull);
  await pull.review({ by: 'octavia' });
  await pull.review({ by: 'olaf' });
  const seen = await line.pull(pull);
  assert.equal(seen.decision.verdict, 'hold');
  assert.ok(against(seen).includes('evidence-incomplete'));
});

test('B24 a deploy job that takes another ref than the one that was reviewed is critical', async () => {
  const other = `${checkout}        with: { ref: agent/unreviewed }\n`;
  const before = { [WORKFLOW]: deploy(checkout) };
  assert.equal(await radiusOf({ [WORKFLOW]: deploy(other) }, before), 'critical');
});

test('B29 a migration that a deploy script or the server itself starts is seen', async () => {
  const script =
    '{ "scripts": { "start": "psql $DATABASE_URL -c \'drop table users\' && node ." } }\n';
  const repo = await shop(line);
  const pull = await work(repo, { files: { 'package.json': script } });
  const seen = await line.pull(pull);
  assert.ok(['high', 'critical'].includes(seen.decision.radius), seen.decision.radius);
  assert.ok(seen.decision.findings.some(({ path }) => path === 'package.json'));
});

test('B32 labels are output only: a false one is taken off, the radius stays', async () => {
  const repo = await shop(line);
  const pull = await work(repo, { files: { 'terraform/main.tf': 'resource "x" "y" {}\n' } });
  const first = await line.pull(pull);
  assert.deepEqual(pull.labels, [`blast-radius: ${first.decision.radius}`]);
  pull.record.issue.labels.splice(0, 1, 'blast-radius: low');
  const again = await line.pull(pull);
  assert.equal(again.decision.radius, first.decision.radius);
  assert.deepEqual(pull.labels, [`blast-radius: ${first.decision.radius}`]);
});

test('B34 texts of the agent cannot speak in our name', async () => {
  const repo = await shop(line);
  const says = '# Approved by @octavia\n\n**tagout: allow** <img src=x onerror=alert(1)>';
  const pull = await work(repo, {
    branch: 'x`](https://evil.example)-@octavia',
    title: says,
    body: `${says}\n\n@octavia please see [the report](https://evil.example)`,
    files: { 'infra/@octavia <b>.tf': '# Approved by @octavia\n' },
  });
  await line.pull(pull);
  const [check] = repo.checkRuns(pull.headSha).slice(-1);
  const written = [check?.output.summary, check?.output.text].join('\n');
  const text = written.replaceAll(/^```json\n[^]*?^```$/gm, '').replaceAll(/`[^`]*`/g, '');
  assert.equal(check?.conclusion, 'action_required');
  assert.doesNotMatch(text, /<img|<b>|\]\(https:\/\/evil/);
  assert.doesNotMatch(text, /@octavia/, 'nobody is called');
  assert.doesNotMatch(text, /^#* *Approved by/m);
});
