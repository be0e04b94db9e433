/**
 * Holes 7, 9, 12 and smaller ones of a hostile review: a change request that somebody else takes
 * away, renames that git follows when it merges, lists that end, and holds without a cure.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ReadClient } from '../../src/github/clients.ts';
import type { Reading } from '../../src/github/reading.ts';
import { likeness } from '../../src/github/renames.ts';
import { readTree, TreeCache } from '../../src/github/trees.ts';
import type { Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import type { Review } from '../github/state.ts';
import { TestMemory } from '../github-room/room.ts';
import { against, type Line, openLine, type Seen, shop, work } from './line.ts';

let line: Line;
before(async () => {
  line = await openLine();
});
after(() => line.close());

/** Approved by one person, with changes asked for by another. */
async function objected(): Promise<{ readonly pull: Pull; readonly objection: Review }> {
  const pull = await work(await shop(line), { author: 'maria' });
  await line.pull(pull);
  await pull.review({ by: 'octavia' });
  const objection = await pull.review({ by: 'olaf', state: 'CHANGES_REQUESTED' });
  assert.deepEqual(against(await line.pull(pull)), ['changes-requested']);
  return { pull, objection };
}

describe('a dismissed change request', () => {
  for (const [who, by] of [
    ['the author', 'maria'],
    ['an agent', 'Copilot'],
    ['somebody with write access only', 'ben'],
    ['the person who approved', 'octavia'],
  ] as const) {
    test(`stays open when ${who} dismissed it`, async () => {
      const { pull, objection } = await objected();
      await pull.dismiss(objection, by, 'not needed');
      const seen = await line.pull(pull);
      assert.deepEqual(against(seen), ['changes-requested']);
      assert.equal(seen.decision.verdict, 'hold');
      await pull.review({ by: 'olaf' });
      assert.equal((await line.pull(pull)).decision.verdict, 'allow');
    });
  }

  for (const by of ['olaf', 'boss']) {
    test(`is cleared by ${by === 'olaf' ? 'the person who made it' : 'an administrator'}`, async () => {
      const { pull, objection } = await objected();
      await pull.dismiss(objection, by, 'settled');
      assert.equal((await line.pull(pull)).decision.verdict, 'allow');
    });
  }

  test('stays open when the administrator who dismissed it has pushed to the branch', async () => {
    const { pull, objection } = await objected();
    await pull.push({ files: { 'src/more.ts': '2;\n' }, author: 'boss' });
    await line.pull(pull);
    await pull.review({ by: 'octavia' });
    await pull.dismiss(objection, 'boss', 'settled');
    assert.deepEqual(against(await line.pull(pull)), ['changes-requested']);
  });
});

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

const id = (at: number): string => at.toString(16).padStart(40, '0');

/** A tree of 400 folders with one file each, which is never given in one answer. */
const wide: ReadClient = {
  get: async (_path, parameters) => {
    const root = parameters?.['tree_sha'] === id(0);
    const folders = Array.from({ length: 400 }, (_, at) => ({
      path: `d${at}`,
      mode: '040000',
      type: 'tree',
      sha: id(at + 1),
    }));
    const file = { path: 'a', mode: '100644', type: 'blob', sha: id(9999), size: 1 };
    const data = root
      ? { truncated: parameters?.['recursive'] === '1', tree: folders }
      : { truncated: false, tree: [file] };
    return { data, status: 200, atMs: 1, next: null };
  },
  query: async () => assert.fail('nothing is queried'),
  download: async () => assert.fail('nothing is downloaded'),
};

test('hole 12: a tree that is too large is a gap for each reading, and throws nothing', async () => {
  const repo = { installationId: 1, id: 1, owner: 'acme', name: 'shop' };
  const trees = new TreeCache();
  const readings = [1, 2].map(
    (): Reading => ({ repo, client: wide, memory: new TestMemory(), trees, gaps: [] }),
  );
  await Promise.all(readings.map((reading) => readTree(reading, id(0))));
  for (const { gaps } of readings) {
    assert.deepEqual(
      gaps.map(({ what, why }) => [what, why]),
      [['files', 'too-large']],
    );
  }
});

test('smaller: many pull requests with a commit do not hide the one that merged it', async () => {
  const repo = await shop(line);
  const pull = await work(repo);
  await line.pull(pull);
  await pull.review({ by: 'octavia' });
  for (let at = 0; at < 12; at += 1) {
    await repo.push(`base-${at}`, repo.sha(), 'Copilot');
    await repo.openPull({ author: 'Copilot', head: pull.record.headRef, base: `base-${at}` });
  }
  const sha = await pull.merge({ by: 'octavia' });
  const numbers = repo.record.mergedWith.get(sha) ?? new Set();
  for (const number of repo.record.pulls.keys()) numbers.add(number);
  repo.record.mergedWith.set(sha, new Set([...numbers].toSorted((one, two) => two - one)));
  const run = await repo.startRun({ actor: 'maria', sha, autoComplete: false });
  const seen = await line.deployment(run);
  assert.ok(seen.evidence.deployment?.range.some((one) => one.pull === pull.number));
});

test('smaller: one head on two branches says who can cure it; equal policy files are no difference', async () => {
  const policy = 'version: 1\nundeclared: agent\n';
  const repo = await shop(line, { files: { '.github/tagout.yml': policy } });
  await repo.push('equal', repo.sha(), 'boss');
  const pull = await work(repo, { author: 'maria', branch: 'shared' });
  await repo.openPull({ author: 'maria', head: 'shared', base: 'equal' });
  assert.ok(!against(await line.pull(pull)).includes('evidence-incomplete'));
  const other = `${policy}solo: false\n`;
  await repo.commit({ branch: 'equal', files: { '.github/tagout.yml': other }, author: 'boss' });
  const { decision } = await line.pull(pull);
  const held = decision.opinions.find(({ code }) => code === 'evidence-incomplete');
  assert.match(held?.reason ?? '', /is not the same everywhere/);
  assert.match(held?.cure ?? '', /closes all but one/);
});
