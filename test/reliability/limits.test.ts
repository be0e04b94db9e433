/** GitHub's limits: who may use the last of the hour, and what an unchanged answer costs. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OctokitLike } from '../../src/github/clients.ts';
import { GitHubFault } from '../../src/github/faults.ts';
import { Limits, type Urgency } from '../../src/github/limits.ts';

const NOW_MS = 1_760_000_000_000;
const headers = (remaining: number, resource = 'core') => ({
  'x-ratelimit-limit': '5000',
  'x-ratelimit-remaining': String(remaining),
  'x-ratelimit-reset': String(NOW_MS / 1000 + 600),
  'x-ratelimit-resource': resource,
});

describe("GitHub's limits", () => {
  let nowMs = NOW_MS;
  const limits = new Limits(() => nowMs);
  let answer: () => Promise<{ status: number; headers: object; data: unknown }>;
  let asked: Record<string, unknown>[] = [];
  const octokit: OctokitLike = {
    request: (_, parameters = {}) => {
      asked.push(parameters);
      return answer();
    },
  };
  const ask = (urgency: Urgency, route = 'GET /repos/a/b', installationId = 1) =>
    limits.watch(octokit, { installationId, urgency }).request(route);
  const ok = (remaining: number) => () =>
    Promise.resolve({ status: 200, headers: headers(remaining), data: {} });
  const limited = (error: unknown) =>
    error instanceof GitHubFault && error.code === 'github-limited';

  test('the last of the hour is kept for production gates', async () => {
    for (const [left, open] of [
      [4_000, ['gate', 'pull', 'background']],
      [1_500, ['gate', 'pull']],
      [500, ['gate']],
      [0, []],
    ] as const) {
      nowMs += 3_600_000;
      answer = () =>
        Promise.resolve({
          status: 200,
          headers: { ...headers(left), 'x-ratelimit-reset': String(nowMs / 1000 + 600) },
          data: {},
        });
      await ask('gate');
      for (const urgency of ['gate', 'pull', 'background'] as const) {
        const passed = await ask(urgency).then(
          () => true,
          (error: unknown) => !limited(error),
        );
        assert.equal(passed, (open as readonly string[]).includes(urgency), `${left} ${urgency}`);
      }
    }
    assert.ok(await ask('pull', 'GET /repos/a/b', 2), 'another installation has its own allowance');
    nowMs += 601_000;
    answer = ok(5_000);
    assert.ok(await ask('background'), 'and the next hour is free again');
  });

  test('a secondary limit shuts the installation out for as long as GitHub says', async () => {
    const refused = { status: 403, headers: { 'retry-after': '30' }, data: {} };
    answer = () =>
      Promise.reject(Object.assign(new Error('limit'), { status: 403, response: refused }));
    await assert.rejects(ask('gate', 'POST /repos/a/b/check-runs', 3));
    answer = ok(5_000);
    asked = [];
    await assert.rejects(ask('gate', 'GET /x', 3), (error) => {
      return limited(error) && (error as GitHubFault).retryAfterMs === 30_000;
    });
    assert.equal(asked.length, 0, 'it was not asked');
    assert.equal(limits.shutOut(), 1);
    nowMs += 30_001;
    assert.ok(await ask('gate', 'GET /x', 3));
  });

  test('an unchanged answer is asked for by its tag and given again', async () => {
    const type = { 'content-type': 'application/json; charset=utf-8' };
    const tagged = { ...headers(100), ...type, etag: 'W/"1"' };
    const body = () => new Response('{"list":[1]}').body;
    answer = () => Promise.resolve({ status: 200, headers: tagged, data: body() });
    const first = await ask('gate', 'GET /list', 4);
    asked = [];
    const response = { headers: { date: 'Mon, 02 Nov 2026 10:00:00 GMT' }, data: '' };
    answer = () =>
      Promise.reject(Object.assign(new Error('Not modified'), { status: 304, response }));
    const again = await ask('gate', 'GET /list', 4);
    assert.deepEqual(first.data, { list: [1] });
    assert.deepEqual(again.data, first.data);
    assert.notEqual(again.data, first.data, 'nobody can change what is kept');
    assert.deepEqual(asked[0]?.['headers'], { 'if-none-match': 'W/"1"' });
    assert.equal('date' in again.headers && again.headers.date, response.headers.date);
    answer = ok(5_000);
    await ask('gate', 'POST /list', 4);
    assert.equal(asked[1]?.['headers'], undefined, 'a write is never conditional');
  });
});
