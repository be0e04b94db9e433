/** The Probot app: a verified webhook goes into the inbox before it is answered, and nowhere else. */
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { describe, mock, test } from 'node:test';
import { createTagoutApp, type Delivery, type Receive } from '../../src/app.ts';
import { TagoutError } from '../../src/core/errors.ts';
import type { Trigger } from '../../src/core/subject.ts';
import { createProbot } from '../../src/github/probot.ts';

const secret = 'only for this test';
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const privateKey = keys.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
// Nothing listens there: a request would fail the test.
const settings = { appId: 1, privateKey, secret, baseUrl: 'http://127.0.0.1:9' };

const payload = JSON.stringify({
  action: 'opened',
  pull_request: { number: 5 },
  repository: { id: 7, name: 'shop', owner: { login: 'acme' } },
  installation: { id: 42 },
  marker: 'must-not-be-logged',
});

function sign(text: string): string {
  return `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`;
}

async function appWith(receive: Receive) {
  const probot = await createProbot(settings);
  await probot.load(createTagoutApp(receive, { slug: 'tagout' }));
  return (text: string, signature: string, name = 'pull_request') =>
    probot.webhooks.verifyAndReceive({ id: 'd-1', name, payload: text, signature });
}

/** Everything that is written to stdout and stderr while `work` runs. */
async function output(work: () => Promise<unknown>): Promise<string> {
  const written: string[] = [];
  const write = (chunk: unknown): boolean => {
    written.push(String(chunk));
    return true;
  };
  const taken = [process.stdout, process.stderr].map((to) => mock.method(to, 'write', write));
  try {
    await work();
  } finally {
    for (const each of taken) each.mock.restore();
  }
  return written.join('');
}

describe('the app', () => {
  test('puts delivery and triggers into the inbox before the webhook is answered', async () => {
    const kept: [Delivery, readonly Trigger[]][] = [];
    let finished = false;
    const receive = await appWith(async (delivery, triggers) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      kept.push([delivery, triggers]);
      finished = true;
    });
    await receive(payload, sign(payload));
    assert.ok(finished);
    const repo = { installationId: 42, id: 7, owner: 'acme', name: 'shop' };
    assert.deepEqual(kept, [
      [
        { id: 'd-1', event: 'pull_request.opened', installationId: 42, repositoryId: 7 },
        [
          {
            locator: { kind: 'pull-request', repo, number: 5 },
            because: 'pull_request.opened',
            delivery: 'd-1',
          },
        ],
      ],
    ]);
  });

  test('an event without triggers is kept as a delivery', async () => {
    const events: [string, number][] = [];
    const receive = await appWith(async ({ event }, triggers) => {
      events.push([event, triggers.length]);
    });
    const text = JSON.stringify({ action: 'created' });
    await receive(text, sign(text), 'star');
    assert.deepEqual(events, [['star.created', 0]]);
  });

  test('a bad signature reaches nobody, and neither it nor a failing inbox logs a payload', async () => {
    let calls = 0;
    const receive = await appWith(async () => {
      calls += 1;
      throw new TagoutError('store-unavailable', 'the database is down');
    });
    const said = await output(async () => {
      const bad = `sha256=${'0'.repeat(64)}`;
      await assert.rejects(receive(payload, bad));
      assert.equal(calls, 0);
      await assert.rejects(receive(payload, sign(payload)), /the database is down/);
      assert.equal(calls, 1);
    });
    assert.ok(!said.includes('must-not-be-logged'), said.slice(0, 500));
  });

  test('without a secret there is no app', async () => {
    for (const empty of ['', '  ']) {
      await assert.rejects(
        createProbot({ ...settings, secret: empty }),
        (error) => error instanceof TagoutError && error.code === 'configuration',
      );
    }
  });
});
