/** Ways round a gate through its approvals (facts: "Ways round a gate"), each on the local GitHub. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { against, type Line, openLine, refusals, type Seen, shop, work } from './line.ts';

let line: Line;
before(async () => {
  line = await openLine();
});
after(() => line.close());

function heldFor(seen: Seen, login: string, ...codes: string[]): void {
  assert.equal(seen.decision.verdict, 'hold');
  assert.deepEqual(refusals(seen, login), codes);
}

test('B01 an approval with the token of the person who set the agent to work does not count', async () => {
  const repo = await shop(line);
  const pull = await work(repo);
  await pull.assign('Copilot', 'ben');
  await line.pull(pull);
  await pull.review({ by: 'ben' });
  heldFor(await line.pull(pull), 'ben', 'R07');
  await pull.review({ by: 'octavia' });
  assert.equal((await line.pull(pull)).decision.verdict, 'allow');
});

test('B03 approve, then push more: the approval is void', async () => {
  const repo = await shop(line);
  const pull = await work(repo);
  await line.pull(pull);
  await pull.review({ by: 'octavia' });
  assert.equal((await line.pull(pull)).decision.verdict, 'allow');
  await pull.push({ files: { 'src/server.ts': 'exfiltrate();\n' }, author: 'Copilot' });
  heldFor(await line.pull(pull), 'octavia', 'R02');
});

test('B04 bots, apps and agents of any kind approve nothing', async () => {
  const repo = await shop(line);
  const pull = await work(repo, { author: 'maria' });
  line.gh.user('renovate-approve[bot]', { type: 'Bot' });
  line.gh.user('acme-org', { type: 'Organization' });
  line.gh.user('devin-user', { id: 158_243_242 });
  for (const bot of ['renovate-approve[bot]', 'github-actions[bot]', 'Copilot', 'acme-org']) {
    repo.collaborator(bot, 'admin');
    await pull.review({ by: bot });
  }
  const seen = await line.pull(pull);
  assert.equal(seen.decision.verdict, 'hold');
  assert.deepEqual(seen.decision.counted, []);
  assert.ok(seen.decision.refused.every(({ codes }) => codes[0] === 'R06'));
  assert.ok(seen.decision.refused.length >= 3);
});

test('B05 a commit by an e-mail that belongs to nobody asks for one more person', async () => {
  const repo = await shop(line);
  const pull = await work(repo, { author: 'maria' });
  const ghost = { name: 'Nobody', email: 'nobody@nowhere.example', atMs: Date.now() };
  await pull.push({ files: { 'src/g.ts': '1;\n' }, author: ghost, pusher: 'maria' });
  await line.pull(pull);
  await pull.review({ by: 'octavia' });
  const one = await line.pull(pull);
  assert.equal(one.decision.verdict, 'hold');
  assert.deepEqual([one.decision.needed[0]?.count, one.decision.needed[0]?.counted], [2, 1]);
  await pull.review({ by: 'olaf' });
  assert.equal((await line.pull(pull)).decision.verdict, 'allow');
});

test('B16 one person who approves twice is one person, and page 2 of the reviews is read', async () => {
  const policy =
    'version: 1\nenvironments:\n  production:\n    match: [production]\n    reviews:\n' +
    '      low: { count: 2 }\n';
  const repo = await shop(line, { files: { '.github/tagout.yml': policy } });
  const pull = await work(repo, { author: 'maria' });
  await line.pull(pull);
  for (let at = 0; at < 105; at += 1) {
    await pull.review({ by: 'ben', state: 'COMMENTED', body: 'hm' });
  }
  await pull.review({ by: 'octavia' });
  await pull.review({ by: 'octavia' });
  const twice = await line.pull(pull);
  assert.equal(twice.decision.verdict, 'hold');
  assert.equal(twice.decision.needed[0]?.counted, 1);
  await pull.review({ by: 'olaf', state: 'CHANGES_REQUESTED' });
  assert.ok(against(await line.pull(pull)).includes('changes-requested'), 'read on page 2');
  await pull.review({ by: 'olaf' });
  assert.equal((await line.pull(pull)).decision.verdict, 'allow');
});

test("B17 an author's own approval does not count, even where the page did not forbid it", async () => {
  const repo = await shop(line);
  const pull = await work(repo, { author: 'maria' });
  await assert.rejects(pull.review({ by: 'maria' }));
  const review = await pull.review({ by: 'maria', state: 'COMMENTED' });
  review.state = 'APPROVED';
  heldFor(await line.pull(pull), 'maria', 'R03', 'R04', 'R05');
});

test('B18 an approval by somebody without write access to this repository does not count', async () => {
  const repo = await shop(line);
  const pull = await work(repo);
  for (const [login, permission] of [
    ['stranger', null],
    ['reader', 'read'],
    ['triager', 'triage'],
  ] as const) {
    line.gh.user(login);
    repo.collaborator(login, permission);
    await pull.review({ by: login });
    heldFor(await line.pull(pull), login, 'R08');
  }
});

test('B19 a comment approves nothing, and an edited review is void', async () => {
  const repo = await shop(line);
  const pull = await work(repo);
  await line.pull(pull);
  pull.comment('octavia', 'approved');
  pull.comment('octavia', '/approve LGTM :shipit:');
  await pull.review({ by: 'octavia', state: 'COMMENTED', body: 'approved' });
  const seen = await line.pull(pull);
  assert.equal(seen.decision.verdict, 'hold');
  assert.deepEqual(seen.decision.counted, []);
  const review = await pull.review({ by: 'olaf', body: 'fine' });
  review.editedAtMs = review.submittedAtMs + 1000;
  heldFor(await line.pull(pull), 'olaf', 'R09');
});

test("B27 an agent's work under a person's name, or in a person's pull request, needs the same", async () => {
  const repo = await shop(line);
  const pull = await work(repo, { author: 'ben' });
  const alone = await line.pull(pull);
  assert.equal(alone.decision.verdict, 'hold');
  assert.equal(alone.decision.origin.kind, 'undeclared');
  await pull.push({ files: { 'src/mixed.ts': '1;\n' }, author: 'Copilot' });
  const mixed = await line.pull(pull);
  assert.equal(mixed.decision.origin.kind, 'agent');
  await pull.review({ by: 'octavia' });
  const seen = await line.pull(pull);
  assert.equal(seen.decision.verdict, 'allow');
});

test('B33 who lost write access after approving no longer counts, at the gate as well', async () => {
  const repo = await shop(line);
  const pull = await work(repo);
  await line.pull(pull);
  await pull.review({ by: 'octavia' });
  assert.equal((await line.pull(pull)).decision.verdict, 'allow');
  await pull.merge({ by: 'maria' });
  repo.collaborator('octavia', 'read');
  const run = await repo.startRun({ actor: 'maria' });
  heldFor(await line.deployment(run), 'octavia', 'R08');
  repo.collaborator('octavia', 'write');
  assert.equal((await line.deployment(run)).decision.verdict, 'allow');
});

test('a second pull request with the same head cannot borrow the green check of the first', async () => {
  const repo = await shop(line);
  await repo.push('release', repo.sha(), 'boss');
  const first = await work(repo, { author: 'maria', branch: 'shared' });
  await line.pull(first);
  await first.review({ by: 'octavia' });
  assert.equal((await line.pull(first)).decision.verdict, 'allow');
  const second = await repo.openPull({ author: 'ben', head: 'shared', base: 'release' });
  const bySecond = await line.pull(second);
  const byFirst = await line.pull(first);
  assert.deepEqual([bySecond.decision.verdict, byFirst.decision.verdict], ['hold', 'hold']);
  assert.deepEqual(against(byFirst), ['approvals-missing']);
  const [check] = repo.checkRuns(first.headSha).slice(-1);
  assert.equal(check?.conclusion, 'action_required');
  assert.deepEqual(
    byFirst.evidence.changes.map(({ pull }) => pull),
    [first.number, second.number],
  );
  await second.review({ by: 'octavia' });
  const verdicts = [await line.pull(first), await line.pull(second)];
  assert.deepEqual(
    verdicts.map(({ decision }) => decision.verdict),
    ['allow', 'allow'],
  );
});

test('when the second is closed, the first is looked at alone again', async () => {
  const repo = await shop(line);
  const first = await work(repo, { author: 'maria', branch: 'shared' });
  await line.pull(first);
  await first.review({ by: 'octavia' });
  await repo.push('release', repo.sha(), 'boss');
  const second = await repo.openPull({ author: 'ben', head: 'shared', base: 'release' });
  assert.equal((await line.pull(first)).decision.verdict, 'hold');
  await second.close('ben');
  assert.equal((await line.pull(first)).decision.verdict, 'allow');
});

test('bases whose policy files differ hold until one is left', async () => {
  const repo = await shop(line);
  await repo.push('strict', repo.sha(), 'boss');
  const policy = 'version: 1\nundeclared: agent\n';
  await repo.commit({ branch: 'strict', files: { '.github/tagout.yml': policy }, author: 'boss' });
  const first = await work(repo, { author: 'maria', branch: 'shared' });
  await repo.openPull({ author: 'maria', head: 'shared', base: 'strict' });
  const seen = await line.pull(first);
  assert.ok(against(seen).includes('evidence-incomplete'), against(seen).join());
  assert.match(seen.evidence.gaps[0]?.detail ?? '', /policy files differ/);
});
