/** The webhook's door: what is taken in, what is refused, and that nothing of a body leaks. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TagoutError } from '../../src/core/errors.ts';
import { chunked, head, megabytes, post, raw, sign, startSetting } from './setting.ts';
import type { Setting } from './setting.ts';

const BODY = JSON.stringify({ action: 'opened', secretWord: 'hippopotamus é', number: 7 });

describe('a webhook', () => {
  let setting: Setting;
  before(async () => {
    setting = await startSetting();
  });
  after(() => setting.close());

  test('with the right signature is stored before it is acknowledged', async () => {
    const answer = await post(setting, BODY, { 'x-github-delivery': 'right' });
    assert.equal(answer.status, 202);
    assert.equal(answer.text, '{"status":"accepted"}');
    const found = setting.stored.filter((row) => row.id === 'right');
    assert.deepEqual(found, [{ id: 'right', name: 'pull_request', payload: JSON.parse(BODY) }]);
  });

  test('of an event that nobody knows is accepted all the same', async () => {
    const answer = await post(setting, BODY, { 'x-github-event': 'event_of_tomorrow' });
    assert.equal(answer.status, 202);
  });

  const refused: readonly [string, number, string, Record<string, string | undefined>][] = [
    ['no signature', 401, BODY, { 'x-hub-signature-256': undefined }],
    ['another secret', 401, BODY, { 'x-hub-signature-256': sign(BODY, 'wrong') }],
    ['a signature of other bytes', 401, BODY, { 'x-hub-signature-256': sign(`${BODY} `) }],
    [
      'a signature that is too short',
      401,
      BODY,
      { 'x-hub-signature-256': sign(BODY).slice(0, -1) },
    ],
    ['a SHA-1 signature', 401, BODY, { 'x-hub-signature-256': `sha1=${'a'.repeat(40)}` }],
    ['no delivery id', 400, BODY, { 'x-github-delivery': undefined }],
    ['an odd delivery id', 400, BODY, { 'x-github-delivery': "1'; drop table" }],
    ['no event', 400, BODY, { 'x-github-event': undefined }],
    ['an odd event', 400, BODY, { 'x-github-event': '__proto__.x' }],
    ['a form', 415, BODY, { 'content-type': 'application/x-www-form-urlencoded' }],
    ['no content type', 415, BODY, { 'content-type': 'text/plain' }],
    ['a compressed body', 415, BODY, { 'content-encoding': 'gzip' }],
    ['an empty body', 400, '', {}],
    ['null', 400, 'null', {}],
    ['a number', 400, '7', {}],
    ['a string', 400, '"{}"', {}],
    ['an array', 400, '[{}]', {}],
    ['broken JSON', 400, '{"a":', {}],
  ];
  for (const [name, status, body, change] of refused) {
    test(`with ${name} is refused with ${status} and not stored`, async () => {
      const count = setting.stored.length;
      const answer = await post(setting, body, change);
      assert.equal(answer.status, status, answer.text);
      assert.equal(typeof JSON.parse(answer.text).error, 'string');
      assert.equal(setting.stored.length, count);
    });
  }

  test('never shows its body, signature or secret in a log line or an answer', async () => {
    await post(setting, BODY);
    await post(setting, BODY, { 'x-hub-signature-256': sign(BODY, 'wrong') });
    await post(setting, `${BODY},`, { 'x-hub-signature-256': sign(`${BODY},`) });
    const log = setting.lines.join('\n');
    assert.match(log, /delivery taken in/);
    assert.match(log, /delivery refused/);
    for (const word of ['hippopotamus', 'sha256=', 'a secret of this test', 'opened']) {
      assert.equal(log.includes(word), false, word);
    }
  });

  test('comes with POST and with nothing else', async () => {
    const answer = await fetch(`${setting.url}/api/github/webhooks`);
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.get('allow'), 'POST');
  });
});

describe('when the delivery cannot be stored', () => {
  const quoting = 'Failed query: insert … params: hippopotamus';
  const cases: readonly [string, Error, number][] = [
    ['the database is down', new TagoutError('store-unavailable', 'PostgreSQL is away.'), 503],
    ['a handler fails with the payload in its message', new Error(quoting), 500],
    ['a handler throws a status', Object.assign(new Error('no'), { status: 400 }), 500],
  ];
  for (const [name, error, status] of cases) {
    test(`because ${name}: ${status}, and nothing leaks`, async () => {
      const setting = await startSetting({ handle: () => Promise.reject(error) });
      const answer = await post(setting, BODY);
      await setting.close();
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get('retry-after'), status === 503 ? '5' : null);
      assert.equal(setting.stored.length, 0);
      assert.equal(`${answer.text}${setting.lines.join()}`.includes('hippopotamus'), false);
    });
  }

  test('because the database hangs: 503 before GitHub hangs up', async () => {
    const hang = (): Promise<void> => new Promise(() => undefined);
    const setting = await startSetting({ handle: hang, limits: { receiveTimeoutMs: 50 } });
    const answer = await post(setting, BODY);
    await setting.close();
    assert.equal(answer.status, 503);
  });
});

describe('hostile and slow clients', () => {
  const MB = 1024 * 1024;
  test('an announced body of 26 MB is refused before it is read', async () => {
    const setting = await startSetting();
    const answer = await raw(setting, head([`Content-Length: ${26 * MB}`]));
    await setting.close();
    assert.equal(answer.status, 413);
    assert.ok(answer.ms < 2000, `${answer.ms} ms`);
  });

  test('a chunked body without end is cut at 25 MB', async () => {
    const setting = await startSetting();
    const answer = await raw(setting, head(['Transfer-Encoding: chunked']), chunked(400));
    await setting.close();
    assert.equal(answer.status, 413);
    assert.ok(answer.sentBytes < 200 * MB, `${answer.sentBytes} bytes went out`);
    assert.equal(setting.stored.length, 0);
  });

  test('twenty unsigned bodies of 26 MB do not grow the memory', async () => {
    const setting = await startSetting();
    const beforeBytes = process.memoryUsage().rss;
    let peakBytes = 0;
    const watch = setInterval(() => {
      peakBytes = Math.max(peakBytes, process.memoryUsage().rss);
    }, 10);
    const lines = [`Content-Length: ${26 * MB}`];
    const unsigned = head(lines).replace(/X-Hub-Signature-256: .*\r\n/, '');
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => raw(setting, unsigned, megabytes(26))),
    );
    clearInterval(watch);
    await setting.close();
    for (const answer of answers) assert.ok([401, 0].includes(answer.status), answer.text);
    const grownMb = Math.round((peakBytes - beforeBytes) / MB);
    assert.ok(grownMb < 120, `memory grew by ${grownMb} MB`);
  });

  test('all bodies together stay under their limit; the rest is told to come again', async () => {
    const setting = await startSetting({ limits: { maxBytesInFlight: 8 * MB } });
    const lines = [`Content-Length: ${20 * MB}`];
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => raw(setting, head(lines), megabytes(20))),
    );
    const after = await post(setting, BODY);
    await setting.close();
    assert.ok(answers.some((answer) => answer.status === 503));
    assert.ok(answers.every((answer) => [503, 0].includes(answer.status)));
    assert.equal(after.status, 202, 'the limit is given back');
  });

  test('a body that does not come to its end is given up', async () => {
    const setting = await startSetting({ limits: { bodyTimeoutMs: 150 } });
    const answer = await raw(setting, head(['Content-Length: 100']), [Buffer.from('{"a":')]);
    await setting.close();
    assert.equal(answer.status, 408);
    assert.ok(answer.ms < 3000, `${answer.ms} ms`);
  });

  test('a body shorter than announced, then hung up, is not stored', async () => {
    const setting = await startSetting();
    const body = '{"a":1}';
    const lines = [`Content-Length: ${body.length + 10}`];
    await raw(setting, head(lines, sign(body)), [Buffer.from(body)], 100);
    const next = await post(setting, BODY);
    await setting.close();
    assert.equal(next.status, 202);
    assert.equal(setting.stored.length, 1);
  });

  test('a body longer than announced: the rest is no second delivery', async () => {
    const setting = await startSetting();
    const body = '{"a":1}';
    const answer = await raw(
      setting,
      head([`Content-Length: ${body.length}`], sign(body)),
      [Buffer.from(`${body}{"b":2}`)],
      1000,
    );
    await setting.close();
    assert.match(answer.text, /400 Bad Request/, 'the rest is not a request');
    assert.ok(setting.stored.every((row) => JSON.stringify(row.payload) === body));
    assert.ok(setting.stored.length <= 1);
  });

  test('two lengths, or a length beside chunks, are refused', async () => {
    const setting = await startSetting();
    const two = await raw(setting, head(['Content-Length: 7', 'Content-Length: 8']));
    const both = await raw(setting, head(['Content-Length: 7', 'Transfer-Encoding: chunked']));
    await setting.close();
    assert.equal(two.status, 400);
    assert.equal(both.status, 400);
  });

  test('headers without end are cut, and too large ones refused', async () => {
    const times = { headersTimeoutMs: 100, requestTimeoutMs: 200, checkEveryMs: 50 };
    const setting = await startSetting({ times });
    const slow = await raw(setting, 'POST /api/github/webhooks HTTP/1.1\r\nHost: l\r\nX-A: ');
    const large = await raw(setting, head([`X-Large: ${'a'.repeat(20_000)}`]));
    await setting.close();
    assert.equal(slow.status, 408);
    assert.equal(large.status, 431);
  });

  test('a thousand idle connections do not keep a delivery out', async () => {
    const setting = await startSetting({ times: { headersTimeoutMs: 800, checkEveryMs: 100 } });
    const idle = Array.from({ length: 1000 }, () => raw(setting, '', [], 1500));
    const answer = await post(setting, BODY);
    const ended = await Promise.all(idle);
    await setting.close();
    assert.equal(answer.status, 202);
    assert.ok(ended.every((one) => one.ms < 3000));
  });
});

describe('health', () => {
  test('alive, ready and not ready are three answers', async () => {
    let ready: () => Promise<void> = async () => undefined;
    const setting = await startSetting({
      ready: () => ready(),
      limits: { readyTimeoutMs: 50 },
    });
    const get = async (path: string): Promise<number> => (await fetch(setting.url + path)).status;
    assert.equal(await get('/healthz'), 200);
    assert.equal(await get('/readyz'), 200);
    ready = () => Promise.reject(new Error('no'));
    assert.equal(await get('/readyz'), 503);
    ready = () => new Promise(() => undefined);
    assert.equal(await get('/readyz'), 503);
    assert.equal(await get('/healthz'), 200);
    assert.equal(await get('/nothing'), 404);
    await setting.close();
  });

  test('every answer carries the strict headers', async () => {
    const setting = await startSetting();
    for (const path of ['/healthz', '/nothing', '/api/github/webhooks']) {
      const { headers } = await fetch(setting.url + path);
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/, path);
      assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
      assert.equal(headers.get('x-frame-options'), 'DENY', path);
    }
    await setting.close();
  });

  test('stopping lets the delivery at hand end and takes no other', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const setting = await startSetting({ handle: () => held });
    const running = post(setting, BODY);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const closed = setting.listening.close(5000);
    await assert.rejects(post(setting, BODY));
    release();
    assert.equal((await running).status, 202);
    await closed;
  });
});
