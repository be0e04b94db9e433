/** The file with the app's credentials: who can read it, and when it speaks. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  credentialsPath,
  readCredentials,
  withStoredCredentials,
  writeCredentials,
} from '../../src/cli/credentials.ts';
import type { StoredCredentials } from '../../src/cli/credentials.ts';
import { needsSetup } from '../../src/cli/setup.ts';
import { TagoutError } from '../../src/core/errors.ts';
import { newAppPage, placeOfApi, placeOfWeb } from '../../src/github/places.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagout-credentials-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const stored: StoredCredentials = {
  version: 1,
  appId: 7,
  slug: 'tagout-acme',
  htmlUrl: 'https://github.com/apps/tagout-acme',
  privateKey: '-----BEGIN RSA PRIVATE KEY-----\nhippopotamus\n-----END RSA PRIVATE KEY-----\n',
  webhookSecret: 'a secret of the webhook',
  clientId: 'Iv23li',
  clientSecret: 'a secret of the client',
  githubApiUrl: 'https://api.github.com',
  publicUrl: 'https://tagout.acme.dev',
  createdAt: '2026-01-01T00:00:00.000Z',
};

test('written whole, mode 0600, in a folder of mode 0700, and read back', () => {
  const path = join(folder, 'new', 'credentials.json');
  writeCredentials(path, stored);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, 'new')).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(join(folder, 'new')), ['credentials.json']);
  assert.deepEqual(readCredentials(path), stored);
  writeCredentials(path, { ...stored, appId: 8 });
  assert.equal(readCredentials(path)?.appId, 8);
});

test('a file that others can read is refused, with the remedy and none of its content', () => {
  const path = join(folder, 'open.json');
  writeCredentials(path, stored);
  chmodSync(path, 0o640);
  assert.throws(
    () => readCredentials(path),
    (error) =>
      error instanceof TagoutError &&
      error.code === 'configuration' &&
      /chmod 600/.test(error.message) &&
      !/hippopotamus|secret of/.test(error.message),
  );
});

test('a file of another form is refused without quoting it; none at all is null', () => {
  const path = join(folder, 'broken.json');
  writeFileSync(path, '{"privateKey":"hippopotamus"', { mode: 0o600 });
  assert.throws(
    () => readCredentials(path),
    (error) => error instanceof TagoutError && !error.message.includes('hippopotamus'),
  );
  assert.equal(readCredentials(join(folder, 'none.json')), null);
});

test('the environment wins whole: the file is never mixed with a part of it', () => {
  const env = { TAGOUT_DATA: join(folder, 'data'), PORT: '4000' };
  const path = credentialsPath(env, '/');
  assert.equal(withStoredCredentials(env, '/'), env);
  writeCredentials(path, stored);
  assert.deepEqual(withStoredCredentials(env, '/'), {
    ...env,
    APP_ID: '7',
    PRIVATE_KEY: stored.privateKey,
    WEBHOOK_SECRET: stored.webhookSecret,
    CLIENT_ID: stored.clientId,
    CLIENT_SECRET: stored.clientSecret,
    GITHUB_API_URL: 'https://api.github.com',
    PUBLIC_URL: 'https://tagout.acme.dev',
  });
  const own = { ...env, APP_ID: '9' };
  assert.equal(withStoredCredentials(own, '/'), own);
  const moved = withStoredCredentials({ ...env, PUBLIC_URL: 'https://new.acme.dev' }, '/');
  assert.equal(moved['PUBLIC_URL'], 'https://new.acme.dev');
});

test('the set-up page is for a start with nothing at all, and never in production', () => {
  const data = join(folder, 'empty');
  assert.equal(needsSetup({ TAGOUT_DATA: data }, '/'), true);
  assert.equal(needsSetup({ TAGOUT_DATA: data, NODE_ENV: 'production' }, '/'), false);
  assert.equal(needsSetup({ TAGOUT_DATA: data, WEBHOOK_SECRET: 'x' }, '/'), false);
  writeCredentials(join(data, 'credentials.json'), stored);
  assert.equal(needsSetup({ TAGOUT_DATA: data }, '/'), false);
});

test('pages and API of each kind of GitHub', () => {
  assert.equal(
    newAppPage(placeOfWeb('https://github.com'), 'acme'),
    'https://github.com/organizations/acme/settings/apps/new',
  );
  assert.equal(
    newAppPage(placeOfWeb('https://github.com'), null),
    'https://github.com/settings/apps/new',
  );
  assert.equal(placeOfWeb('https://ghe.acme.dev').apiUrl, 'https://ghe.acme.dev/api/v3');
  assert.equal(placeOfWeb('https://acme.ghe.com').apiUrl, 'https://api.acme.ghe.com');
  assert.equal(placeOfApi('https://api.acme.ghe.com').webUrl, 'https://acme.ghe.com');
  assert.equal(placeOfApi('https://ghe.acme.dev/api/v3').webUrl, 'https://ghe.acme.dev');
  assert.equal(placeOfApi('https://api.github.com').webUrl, 'https://github.com');
});
