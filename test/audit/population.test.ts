/** GitHub's own lists over HTTP from the local GitHub, page by page, and again from the archive. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readPopulation } from '../../src/cli/report-population.ts';
import { openRoom, type Room } from '../github-room/room.ts';

/** More than a page of GitHub's. */
const COUNT = 103;
let room: Room;
let folder: string;

before(async () => {
  room = await openRoom();
  folder = mkdtempSync(join(tmpdir(), 'tagout-population-'));
  room.gh.org('acme', { admins: ['boss'] });
  room.gh.user('bob');
});
after(async () => {
  await room.gh.close();
  rmSync(folder, { recursive: true, force: true });
});

test('every deployment and run is read to the end, and kept for a comparison without GitHub', async () => {
  const repo = await room.gh.repo('acme/app', {
    files: { 'a.txt': '1\n' },
    collaborators: { bob: 'write' },
  });
  for (let at = 0; at < COUNT; at += 1) await repo.startRun({ actor: 'bob' });
  const env = { GITHUB_TOKEN: room.gh.token('boss'), GITHUB_API_URL: room.gh.url };
  const wish = { fromMs: null, toMs: null, repo: null };
  const file = join(folder, 'github.jsonl');
  const about = { repos: ['acme/app'], wish, file, now: () => 1_760_000_000_000 };
  const asked = await readPopulation({ ...about, env });
  assert.equal(asked?.deployments.length, COUNT);
  assert.equal(asked?.runs.length, COUNT);
  assert.ok(
    asked.deployments.every(({ state, finishedAtMs }) => state === 'success' && finishedAtMs),
  );
  const kept = await readPopulation({ ...about, env: {} });
  assert.equal(kept?.from, 'archive');
  assert.deepEqual(kept.deployments, asked.deployments);
  assert.equal(await readPopulation({ ...about, env: {}, file: null }), null);
  await assert.rejects(readPopulation({ ...about, env: {}, file: `${file}.not` }), /no archive/);
});
