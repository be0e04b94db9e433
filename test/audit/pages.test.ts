import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createAuditPages } from '../../src/web/audit/pages.ts';
import { createSessions } from '../../src/web/audit/session.ts';
import { memorySource } from './pages-source.ts';
import { createOrg } from './org.ts';

const NOW = 1_790_000_000_000;

describe('the audit pages', () => {
  const org = createOrg(80);
  const sessions = createSessions('a secret of the server');
  const reads: string[] = [];
  const refusals: string[] = [];
  let failing = false;
  const app = createAuditPages({
    source: memorySource(org.log),
    sessions,
    rightsOf: ({ id }) =>
      Promise.resolve({ logs: id === 1 ? [{ id: 1, name: 'acme' }] : [], unread: id === 3 }),
    recordRefusal: ({ login }, asked) => {
      refusals.push(`${login} ${asked}`);
      return Promise.resolve();
    },
    recordRead: ({ what, reader }) => {
      if (failing) return Promise.reject(new Error('the store is down'));
      reads.push(`${reader.login} ${what}`);
      return Promise.resolve();
    },
    signIn: { words: 'Open the address that was printed.' },
    secure: false,
    now: () => NOW,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  const cookie = (id = 1, atMs = NOW): string =>
    `tagout_audit=${sessions.issue({ id, login: 'ada' }, atMs)}`;
  const get = async (
    path: string,
    value: string | null = cookie(),
  ): Promise<[number, string, Response]> => {
    const answer = await app.request(path, { headers: value === null ? {} : { cookie: value } });
    return [answer.status, await answer.clone().text(), answer];
  };

  test('nobody without a session, with a forged or an old one, or of another log reads anything', async () => {
    const forged = cookie().replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    for (const value of [
      null,
      'tagout_audit=x',
      forged,
      cookie(1, NOW - 9 * 3_600_000),
      cookie(2),
    ]) {
      const [status, text] = await get('/audit?log=1', value);
      assert.equal(status, 403);
      assert.doesNotMatch(text, /<svg|acme\/shop/);
    }
    assert.deepEqual(reads, []);
    assert.deepEqual(refusals, ['ada 1'], 'who is signed in and refused is recorded');
  });

  test('rights that cannot be asked are none, and another record is refused', async () => {
    const [status, text] = await get('/audit', cookie(3));
    assert.equal(status, 503);
    assert.match(text, /GitHub cannot be asked now/);
    assert.equal((await get('/audit?log=2'))[0], 403);
    assert.deepEqual(reads, []);
  });

  test('every page is shown with a strict policy and is recorded first', async () => {
    const first = org.log.leaves.findIndex(({ body }) => body.includes('"decision.made"'));
    const paths = [
      '/audit',
      '/audit/register',
      `/audit/deployment/${first}`,
      '/audit/exceptions',
      '/audit/agents',
      '/audit/posture',
      '/audit/verification',
    ];
    for (const path of paths) {
      const [status, text, answer] = await get(path);
      assert.equal(status, 200, path);
      assert.match(answer.headers.get('content-security-policy') ?? '', /default-src 'none'/);
      assert.doesNotMatch(text, /<script|style="|<b>now/, path);
    }
    assert.equal(reads.length, paths.length);
    assert.ok(reads.includes('ada register'));
  });

  test('what cannot be recorded is not shown', async () => {
    failing = true;
    const [status, text] = await get('/audit/register');
    failing = false;
    assert.equal(status, 503);
    assert.doesNotMatch(text, /acme/);
  });

  test('filters narrow the register, and a deployment that is not there is said so', async () => {
    const rows = async (query: string): Promise<number> =>
      (await get(`/audit/register?${query}`))[1].match(/<tr><td class="id">/g)?.length ?? 0;
    assert.equal(await rows(''), 50);
    assert.ok((await rows('page=2')) <= 30);
    assert.ok((await rows('disposition=none')) < 5);
    assert.equal(await rows('agent=nobody'), 0);
    assert.equal((await get('/audit/deployment/999999'))[0], 404);
  });

  test('the verification is run when it is asked for', async () => {
    const own = cookie();
    const post = async (form: string): Promise<string> => {
      const headers = { cookie: own };
      const body = new URLSearchParams({ form });
      return (await app.request('/audit/verification', { method: 'POST', headers, body })).text();
    };
    const field = /name="form" value="([^"]+)"/.exec((await get('/audit', own))[1])?.[1] ?? '';
    // The planted release without an approval is what it finds.
    assert.match(await post(field), /release-unfounded/);
    assert.doesNotMatch(await post('forged'), /release-unfounded/);
  });
});
