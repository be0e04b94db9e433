/** What can be seen from outside: `/metrics` behind its token, and the dashboard that reads it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { tagoutCheck, until } from '../story/scene.ts';
import { openReliable, type ReliableScene } from './scene.ts';

const TOKEN = 'a token of this test';
const DASHBOARD = join(import.meta.dirname, '../../docs/metrics/grafana.json');

describe('the metrics', () => {
  let s: ReliableScene;
  before(async () => {
    s = await openReliable({ metricsToken: TOKEN });
  });
  after(() => s.close());

  const scrape = (token: string | null) =>
    fetch(`${s.served.url}/metrics`, {
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
    });

  test('are for who knows the token', async () => {
    assert.equal((await scrape(null)).status, 401);
    assert.equal((await scrape('another')).status, 401);
    assert.equal((await scrape(TOKEN)).status, 200);
  });

  test('count what happened, and name nobody', async () => {
    const files = { 'docs/a.md': 'a\n' };
    await s.repo.commit({ branch: 'seen', files, author: s.people.maria });
    const pull = await s.repo.openPull({ author: s.people.maria, head: 'seen' });
    await until('the check', () => tagoutCheck(s.repo, pull.headSha));
    await s.gh.settled();
    const text = await (await scrape(TOKEN)).text();
    const value = (line: RegExp): number => Number(line.exec(text)?.[1]);
    assert.ok(value(/^tagout_deliveries_total\{status="202"\} (\d+)/m) >= 1, text);
    assert.ok(value(/^tagout_decisions_total\{kind="pull-request",result="hold"\} (\d+)/m) >= 1);
    assert.equal(value(/^tagout_store_up (\d)/m), 1);
    assert.ok(value(/^tagout_github_remaining\{.*resource="core"\} (\d+)/m) > 4_000);
    assert.ok(value(/^tagout_seal_age_seconds (\S+)/m) < 60);
    for (const word of ['acme', 'shop', 'maria', 'seen']) {
      assert.equal(text.includes(word), false, word);
    }
  });

  test('are what the dashboard asks for', async () => {
    const text = await (await scrape(TOKEN)).text();
    const asked = new Set(readFileSync(DASHBOARD, 'utf8').match(/tagout_[a-z_]+/g));
    assert.ok(asked.size > 15, String(asked.size));
    for (const name of asked) {
      const family = name.replace(/_bucket$/, '');
      assert.ok(text.includes(`# TYPE ${family} `), `${name} is not among the metrics`);
    }
  });
});
