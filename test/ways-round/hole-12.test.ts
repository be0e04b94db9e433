/** Hole 12 of a hostile review and the smaller ones: lists that end, and holds without a cure. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ReadClient } from '../../src/github/clients.ts';
import type { Reading } from '../../src/github/reading.ts';
import { readTree, TreeCache } from '../../src/github/trees.ts';
import { TestMemory } from '../github-room/room.ts';
import { against, type Line, openLine, shop, work } from './line.ts';

let line: Line;
before(async () => {
  line = await openLine();
});
after(() => line.close());

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
