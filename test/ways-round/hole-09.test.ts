/** Hole 9 of a hostile review: git follows a rename when it merges, and so must we. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { likeness } from '../../src/github/renames.ts';
import type { Repo } from '../github/index.ts';
import { against, type Line, openLine, type Seen, shop, work } from './line.ts';

let line: Line;
before(async () => {
  line = await openLine();
});
after(() => line.close());

const long = Array.from({ length: 40 }, (_, at) => `line ${at}\n`).join('');
const edited = long.replace('line 20', 'LINE 20');
const reworked = long.replace('line 5', 'other 5');

type Files = Readonly<Record<string, string | null>>;

/** Two reviewed pull requests from one commit, merged one after the other, and the second one's run. */
async function merged(repo: Repo, one: Files, two: Files): Promise<Seen> {
  const pulls = [];
  for (const files of [one, two]) {
    const pull = await work(repo, { author: 'maria', files });
    await line.pull(pull);
    await pull.review({ by: 'octavia' });
    pulls.push(pull);
  }
  let sha = '';
  for (const pull of pulls) sha = await pull.merge({ by: 'octavia' });
  const run = await repo.startRun({ sha, actor: 'maria', autoComplete: false });
  return line.deployment(run);
}

const cases: readonly (readonly [string, Files, Files])[] = [
  ['renamed on main, edited here', { 'a.ts': null, 'b.ts': long }, { 'a.ts': edited }],
  ['edited on main, renamed here', { 'a.ts': edited }, { 'a.ts': null, 'b.ts': long }],
  ['renamed and changed on main', { 'a.ts': null, 'b.ts': reworked }, { 'a.ts': edited }],
];

for (const [name, one, two] of cases) {
  test(`hole 9: ${name}: what git merged is what was reviewed`, async () => {
    const repo = await shop(line, { files: { 'a.ts': long } });
    const seen = await merged(repo, one, two);
    const told = seen.evidence.deployment?.range.map((commit) => commit.difference);
    assert.deepEqual(against(seen), [], JSON.stringify(told));
  });
}

test('hole 9: a merge that holds more than the rename and the edit still differs', async () => {
  const repo = await shop(line, { files: { 'a.ts': long } });
  await merged(repo, { 'a.ts': null, 'b.ts': long }, { 'other.ts': 'x\n' });
  const pull = await work(repo, { author: 'maria', files: { 'b.ts': edited } });
  await line.pull(pull);
  await pull.review({ by: 'octavia' });
  const onto = repo.sha();
  await pull.merge({ by: 'octavia' });
  const files = { 'b.ts': `${edited}evil\n` };
  const evil = await repo.commit({ parents: [onto], files, author: 'ben', detached: true });
  repo.record.mergedWith.set(evil, new Set([pull.number]));
  pull.record.mergeCommitSha = evil;
  await repo.push('main', evil, 'ben');
  const run = await repo.startRun({ sha: evil, actor: 'maria', autoComplete: false });
  assert.ok(against(await line.deployment(run)).includes('content-differs'));
});

test('likeness is counted as git counts it', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  assert.equal(likeness(bytes(long), bytes(long)), 1);
  assert.ok(likeness(bytes(long), bytes(edited)) > 0.9);
  assert.equal(likeness(bytes(long), bytes('something else\n')), 0);
  assert.equal(likeness(bytes(long), undefined), 0);
});
