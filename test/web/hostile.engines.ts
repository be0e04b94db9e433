/**
 * The whole server as `npm start` runs it, with its store, beside clients that mean it ill: whatever
 * they send or hold back, webhooks are answered and judged, and memory stays bounded.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ServerProcess, startServer } from '../bench/server.ts';
import { preparedStore } from '../prepared.ts';
import { deployOnce, raise, tagoutCheck, until } from '../story/scene.ts';
import { manifest } from '../story/tagout.ts';
import { chunked, head, megabytes, raw, type RawAnswer, sign } from './setting.ts';

const TOKEN = 'a token of this test';
const MB = 1024 * 1024;
const BODY = '{"zen":"x"}';

/** Longer than the server gives anybody for headers (10 s) or a body (10 s), and its look round (2 s). */
const PATIENCE_MS = 60_000;

describe('the server among hostile clients', () => {
  let s: Awaited<ReturnType<typeof raise>>;
  let server: ServerProcess;
  let dataDir = '';
  /** What is held open while everything else here happens. */
  const held: Record<string, Promise<RawAnswer>[]> = {};

  before(async () => {
    s = await raise(await manifest(), false);
    await deployOnce(s);
    dataDir = mkdtempSync(join(tmpdir(), 'tagout-hostile-'));
    await preparedStore(dataDir);
    const env = { METRICS_TOKEN: TOKEN, SWEEP_MINUTES: '0' };
    server = await startServer(s.gh, dataDir, { env });
    s.gh.app.webhookUrl = `${server.url}/api/github/webhooks`;
    const many = (count: number, open: () => Promise<RawAnswer>): Promise<RawAnswer>[] =>
      Array.from({ length: count }, open);
    held['idle'] = many(1_000, () => raw(server, '', [], PATIENCE_MS));
    const slow = 'POST /api/github/webhooks HTTP/1.1\r\nHost: localhost\r\nX-A: ';
    held['headers'] = many(20, () => raw(server, slow, [], PATIENCE_MS));
    held['body'] = many(20, () =>
      raw(server, head(['Content-Length: 100']), [Buffer.from('{"a":')], PATIENCE_MS),
    );
  });
  after(async () => {
    await s.gh.settled();
    await server.stop();
    await s.gh.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  /** How many webhooks were answered with each status. */
  async function answered(): Promise<Readonly<Record<string, number>>> {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const text = await (await fetch(`${server.url}/metrics`, { headers })).text();
    const rows = text.matchAll(/^tagout_deliveries_total\{status="(\d+)"\} (\d+)/gm);
    return Object.fromEntries([...rows].map(([, status, count]) => [status, Number(count)]));
  }
  const signed = (lines: readonly string[], body = BODY): string =>
    head(lines, sign(body, s.gh.app.webhookSecret)).replace('Event: push', 'Event: ping');

  test('a body of 60 MB is refused before it is read, announced or not', async () => {
    const before = server.rssMb();
    const announced = Array.from({ length: 8 }, () =>
      raw(server, head([`Content-Length: ${60 * MB}`]), megabytes(60)),
    );
    for (const { status, sentBytes } of await Promise.all(announced)) {
      // A client that writes on may find the connection reset before it reads its answer.
      assert.ok([413, 0].includes(status), String(status));
      assert.ok(sentBytes < 60 * MB, `${sentBytes} bytes went out`);
    }
    const quiet = await raw(server, head([`Content-Length: ${60 * MB}`]));
    assert.equal(quiet.status, 413);
    assert.match(quiet.text, /larger than 25 MB/);
    const unannounced = Array.from({ length: 8 }, () =>
      raw(server, head(['Transfer-Encoding: chunked']), chunked(60)),
    );
    for (const { status } of await Promise.all(unannounced)) {
      assert.ok([413, 503, 0].includes(status), String(status));
    }
    // All bodies together may take 128 MB, and the store's own work goes on beside them.
    const grownMb = Math.round(server.peakRssMb() - before);
    assert.ok(grownMb < 300, `its memory grew by ${grownMb} MB`);
  });

  const lies: readonly [string, readonly string[], string][] = [
    ['shorter than announced', [`Content-Length: ${BODY.length + 10}`], BODY],
    ['longer than announced', [`Content-Length: ${BODY.length - 4}`], BODY],
    ['of a negative length', ['Content-Length: -5'], BODY],
    ['of a length that is no number', ['Content-Length: 1e1'], BODY],
    ['of two lengths', [`Content-Length: ${BODY.length}`, 'Content-Length: 1'], BODY],
    ['of a length beside chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked'], BODY],
    ['in a chunk that is shorter', ['Transfer-Encoding: chunked'], `ff\r\n${BODY}\r\n0\r\n\r\n`],
    ['in a chunk that is longer', ['Transfer-Encoding: chunked'], `2\r\n${BODY}\r\n0\r\n\r\n`],
    ['in a chunk of no number', ['Transfer-Encoding: chunked'], `-b\r\n${BODY}\r\n0\r\n\r\n`],
    ['in a chunk of any size', ['Transfer-Encoding: chunked'], `${'f'.repeat(17)}\r\n${BODY}`],
    ['in chunks without an end', ['Transfer-Encoding: chunked'], `b\r\n${BODY}\r\n`],
  ];
  test('no signed body with a lie about its length is taken in', async () => {
    const before = await answered();
    const sent = lies.map(([name, lines, bytes]) =>
      raw(server, signed(lines), [Buffer.from(bytes)], 2_000).then(({ status }) => {
        assert.ok([400, 401, 408, 413, 0].includes(status), `a body ${name}: ${status}`);
      }),
    );
    await Promise.all(sent);
    assert.equal((await answered())['202'], before['202']);
    const honest = await raw(
      server,
      signed([`Content-Length: ${BODY.length}`, 'Connection: close']),
      [Buffer.from(BODY)],
    );
    assert.equal(honest.status, 202, 'the same without a lie is');
  });

  test('webhooks are answered and judged meanwhile', async () => {
    const files = { 'docs/among.md': 'among\n' };
    await s.repo.commit({ branch: 'among', files, author: s.people.maria });
    const pull = await s.repo.openPull({ author: s.people.maria, head: 'among' });
    await s.gh.settled();
    const [newest] = s.gh.deliveries.filter(({ event }) => event === 'pull_request').slice(-1);
    assert.equal(newest?.statusCode, 202);
    await until('the check', () => tagoutCheck(s.repo, pull.headSha));
  });

  test('what never comes to its end is given up', async () => {
    const ends = async (name: string): Promise<ReadonlySet<number>> => {
      const all = await Promise.all(held[name] ?? []);
      assert.ok(
        all.every(({ ms }) => ms < PATIENCE_MS),
        `${name}: the server hangs up`,
      );
      return new Set(all.map(({ status }) => status));
    };
    assert.deepEqual(await ends('idle'), new Set([408]));
    assert.deepEqual(await ends('headers'), new Set([408]));
    assert.deepEqual(await ends('body'), new Set([408]));
  });
});
