/** Every way on which the program writes: no secret of its settings comes out of any. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { failed } from '../../src/cli/io.ts';
import { createLog } from '../../src/cli/log.ts';
import { secretsOf } from '../../src/cli/secrets.ts';
import { readServeSettings } from '../../src/cli/settings.ts';
import { TagoutError } from '../../src/core/errors.ts';
import { createSessions } from '../../src/web/audit/session.ts';
import { keptIo } from '../cli/io.ts';

const PEM = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs1', format: 'pem' })
  .toString();
const ENV = {
  APP_ID: '7',
  PRIVATE_KEY: PEM,
  WEBHOOK_SECRET: 'webhook-hippopotamus',
  DATABASE_URL: 'postgres://app:p%40ss-hippopotamus@db/tagout',
  DATABASE_OWNER_URL: 'postgres://owner:owner-hippopotamus@db/tagout',
  METRICS_TOKEN: 'metrics-hippopotamus',
  CLIENT_ID: 'Iv23li',
  CLIENT_SECRET: 'client-hippopotamus',
  ANCHOR_GIT_URL: 'https://git.example.com/acme/anchors.git',
  ANCHOR_GIT_TOKEN: 'anchor-hippopotamus',
  ANCHOR_S3_URL: 'https://anchors.s3.eu-central-1.amazonaws.com',
  ANCHOR_S3_REGION: 'eu-central-1',
  ANCHOR_S3_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  ANCHOR_S3_SECRET: 'bucket-hippopotamus',
  NOTICE_WEBHOOK_URL: 'https://hooks.example.com/services/T1/chat-hippopotamus',
};
const SECRETS = [
  'webhook-hippopotamus',
  'p%40ss-hippopotamus',
  'p@ss-hippopotamus',
  'owner-hippopotamus',
  'metrics-hippopotamus',
  'client-hippopotamus',
  'anchor-hippopotamus',
  'bucket-hippopotamus',
  '/services/T1/chat-hippopotamus',
  ENV.NOTICE_WEBHOOK_URL,
  PEM,
  PEM.split('\n')[5] ?? PEM,
];

/** Credentials that come into being while the server runs, so that no setting knows them. */
const MADE = {
  'a session of our pages': createSessions('secret').issue({ id: 7, login: 'alice' }, 0),
  'an installation token': `ghs_${'A1b2'.repeat(9)}`,
  'a person’s OAuth token': `ghu_${'A1b2'.repeat(9)}`,
  'what renews it': `ghr_${'A1b2'.repeat(19)}`,
  'a deployer’s token': `tagout_${randomBytes(32).toString('base64url')}`,
  'an OIDC token': `eyJ${'A1b2'.repeat(5)}.eyJ${'A1b2'.repeat(9)}.${'x_-9'.repeat(20)}`,
};

for (const [what, secret] of Object.entries(MADE)) {
  test(`neither the log nor the terminal ever has ${what}`, () => {
    let text = '';
    const destination = { write: (line: string) => void (text += line) };
    const secrets = secretsOf(readServeSettings(ENV, '/work'));
    const log = createLog({ level: 'trace', secrets, destination });
    log.error({ headers: { cookie: `tagout=${secret}; a=b` } }, `Bearer ${secret}`);
    log.fatal(new Error(`thrown ${secret}`, { cause: secret }));
    const io = keptIo(ENV);
    failed(new Error(`a bug with ${secret}`), io);
    for (const part of secret.split('.')) {
      assert.equal(`${text}${io.printed.err}`.includes(part), false, text);
    }
    assert.match(io.printed.err, /\[removed\]/);
  });
}

for (const secret of SECRETS) {
  const shown = secret.slice(0, 12);
  test(`the log never has ${shown}…, under any key, message or nesting`, () => {
    let text = '';
    const destination = { write: (line: string) => void (text += line) };
    const secrets = secretsOf(readServeSettings(ENV, '/work'));
    const log = createLog({ level: 'trace', secrets, destination });
    log.error({ detail: `with ${secret} in it`, deep: { er: [{ x: secret }] } }, `said ${secret}`);
    log.fatal(new Error(`thrown ${secret}`));
    log.warn({ err: new Error('x', { cause: new Error(secret) }) });
    log.child({ bound: secret }).info('child');
    assert.equal(text.split('\n').length, 5);
    assert.equal(text.includes(secret.split('\n')[0] === secret ? secret : 'MII'), false, text);
  });

  test(`a fault on the terminal never has ${shown}…`, () => {
    for (const error of [
      new TagoutError('store-unavailable', `could not use ${secret}`),
      new Error(`a bug with ${secret}`),
      `thrown text ${secret}`,
    ]) {
      const io = keptIo(ENV);
      assert.notEqual(failed(error, io), 0);
      assert.equal(io.printed.err.includes(secret), false, io.printed.err);
      assert.match(io.printed.err, /\[removed\]/);
    }
  });
}

test('wrong settings are named without their values', () => {
  const wrong = Object.fromEntries(
    Object.keys(ENV).map((name) => [name, `wrong://x:hippo-${name}@y`] as const),
  );
  assert.throws(
    () => readServeSettings({ ...wrong, PORT: 'hippo', NOTICES: 'hippo' }, '/work'),
    (error) => error instanceof TagoutError && !error.message.includes('hippo'),
  );
});
