/** The server's settings: each fault is one line that names the setting and the remedy. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readServeSettings, readStoreSettings } from '../../src/cli/settings.ts';
import { TagoutError } from '../../src/core/errors.ts';

const pair = (type: 'pkcs1' | 'pkcs8'): string =>
  generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type, format: 'pem' })
    .toString();
const PEM = pair('pkcs1');

const SOUND = {
  APP_ID: '7',
  PRIVATE_KEY: PEM,
  WEBHOOK_SECRET: 'sixteen letters!',
};

function linesOf(env: Record<string, string | undefined>): readonly string[] {
  try {
    readServeSettings(env, '/srv');
  } catch (error) {
    assert.ok(error instanceof TagoutError);
    assert.equal(error.code, 'configuration');
    return error.message.split('\ntagout: ');
  }
  return [];
}

test('the defaults are GitHub, port 3000 and the embedded store in .tagout', () => {
  assert.deepEqual(readServeSettings(SOUND, '/srv'), {
    appId: 7,
    privateKey: PEM,
    webhookSecret: 'sixteen letters!',
    githubApiUrl: 'https://api.github.com',
    databaseUrl: null,
    databaseOwnerUrl: null,
    dataDir: '/srv/.tagout',
    port: 3000,
    host: '0.0.0.0',
    publicUrl: null,
    sweepMinutes: 5,
    metricsToken: null,
    oauth: null,
    notices: { comment: true, reviewers: false, webhook: null },
    anchors: { git: null, witness: null, stamp: null, bucket: null, paidEveryMs: 300_000 },
    traces: null,
    logLevel: 'info',
  });
});

test('nothing set: one line for each setting that is needed, and no default secret', () => {
  const lines = linesOf({});
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['APP_ID', 'WEBHOOK_SECRET', 'PRIVATE_KEY'],
  );
  for (const line of lines) assert.match(line, /is not set: /);
});

const faults: readonly [string, string, string][] = [
  ['APP_ID', 'seven', 'not a number'],
  ['APP_ID', '-1', 'not a number'],
  ['WEBHOOK_SECRET', 'development', 'less than 16'],
  ['WEBHOOK_SECRET', '                    ', 'not set'],
  ['PRIVATE_KEY', 'hunter2-hunter2', 'not an RSA private key'],
  ['PRIVATE_KEY_PATH', '/nowhere/key.pem', 'both set'],
  ['GITHUB_API_URL', 'http://github.example.com', 'not an https address'],
  ['GITHUB_API_URL', 'http://127.0.0.1.evil.com', 'not an https address'],
  ['GITHUB_API_URL', 'file:///etc', 'not an https address'],
  ['DATABASE_URL', 'mysql://x', 'not a PostgreSQL address'],
  ['DATABASE_OWNER_URL', 'localhost', 'not a PostgreSQL address'],
  ['PORT', '70000', 'not a number from 0 to 65535'],
  ['PORT', '1e3', 'not a number from 0 to 65535'],
  ['HOST', 'a b', 'not an address'],
  ['PUBLIC_URL', 'tagout', 'not an https address'],
  ['LOG_LEVEL', 'loud', 'not one of'],
];
for (const [name, value, says] of faults) {
  test(`${name}=${value.trim()} is one line that names it and does not quote it`, () => {
    const lines = linesOf({ ...SOUND, [name]: value });
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.ok(lines[0]?.includes(name) && lines[0].includes(says), lines[0]);
    if (name.includes('SECRET') || name === 'PRIVATE_KEY') {
      assert.equal(lines.join().includes(value), false);
    }
  });
}

test('the key may have written line breaks, be base64, PKCS #8, or come from a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tagout-key-'));
  writeFileSync(join(folder, 'key.pem'), PEM);
  const read = (change: Record<string, string | undefined>): string =>
    readServeSettings({ ...SOUND, ...change }, folder).privateKey;
  assert.equal(read({ PRIVATE_KEY: PEM.replaceAll('\n', '\\n') }), PEM);
  assert.equal(read({ PRIVATE_KEY: Buffer.from(PEM).toString('base64') }), PEM);
  assert.equal(read({ PRIVATE_KEY: undefined, PRIVATE_KEY_PATH: 'key.pem' }), PEM);
  const eight = pair('pkcs8');
  assert.equal(read({ PRIVATE_KEY: eight }), eight);
  rmSync(folder, { recursive: true });
  const lost = linesOf({ ...SOUND, PRIVATE_KEY: undefined, PRIVATE_KEY_PATH: 'nowhere.pem' });
  assert.match(
    lost[0] ?? '',
    /PRIVATE_KEY_PATH names nowhere\.pem, which cannot be read \(ENOENT\)/,
  );
});

test('an address of GitHub Enterprise Server loses its last slash', () => {
  const env = { ...SOUND, GITHUB_API_URL: 'https://ghe.example.com/api/v3/' };
  assert.equal(readServeSettings(env, '/').githubApiUrl, 'https://ghe.example.com/api/v3');
});

test('the store alone needs no credentials of GitHub', () => {
  assert.deepEqual(readStoreSettings({ TAGOUT_DATA: '/data' }, '/srv'), {
    databaseUrl: null,
    databaseOwnerUrl: null,
    dataDir: '/data',
  });
  assert.throws(() => readStoreSettings({ DATABASE_URL: 'x' }, '/'), /DATABASE_URL is not/);
});

test('anchors: each place with a credential of its own, or a line that says what is missing', () => {
  const VKEY = 'tagout/witness/0+c2fa8d4b+';
  const cases: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ ANCHOR_GIT_URL: 'https://github.com/acme/anchors.git' }, /^ANCHOR_GIT_TOKEN is not set/],
    [{ ANCHOR_GIT_URL: 'git@github.com:acme/anchors.git' }, /^ANCHOR_GIT_KEY_PATH is not set/],
    [{ ANCHOR_GIT_URL: 'https://me:pass@github.com/a/b', ANCHOR_GIT_TOKEN: 'x' }, /password/],
    [{ ANCHOR_GIT_URL: '--upload-pack=x', ANCHOR_GIT_TOKEN: 'x' }, /^ANCHOR_GIT_URL/],
    [{ ANCHOR_GIT_URL: '/srv/a', ANCHOR_GIT_BRANCH: 'a..b' }, /^ANCHOR_GIT_BRANCH/],
    [{ ANCHOR_GIT_TOKEN: 'x' }, /but not ANCHOR_GIT_URL/],
    [{ ANCHOR_WITNESS_URL: 'https://w.example' }, /go together/],
    [{ ANCHOR_WITNESS_URL: 'https://w.example', ANCHOR_WITNESS_KEY: VKEY }, /^ANCHOR_WITNESS_KEY/],
  ];
  for (const [env, wrong] of cases) {
    const lines = linesOf({ ...SOUND, ...env });
    assert.equal(lines.length, 1, JSON.stringify(env));
    assert.match(lines[0] ?? '', wrong);
  }
  const env = { ANCHOR_GIT_URL: 'git@github.com:acme/anchors.git', ANCHOR_GIT_KEY_PATH: 'key' };
  assert.deepEqual(readServeSettings({ ...SOUND, ...env }, '/srv').anchors?.git, {
    url: 'git@github.com:acme/anchors.git',
    branch: 'tagout-anchors',
    keyPath: '/srv/key',
    token: null,
  });
});

test('traces: the general address gets their path, their own is taken as it is', () => {
  const traces = (env: Record<string, string>) =>
    readServeSettings({ ...SOUND, ...env }, '/').traces;
  const [general, own] = ['http://collector:4318/', 'https://traces.example/x'];
  assert.deepEqual(traces({ OTEL_EXPORTER_OTLP_ENDPOINT: general }), {
    url: 'http://collector:4318/v1/traces',
    service: 'tagout',
  });
  const both = {
    OTEL_EXPORTER_OTLP_ENDPOINT: general,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own,
    OTEL_SERVICE_NAME: 'gate',
  };
  assert.deepEqual(traces(both), { url: own, service: 'gate' });
  assert.match(
    linesOf({ ...SOUND, OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' })[0] ?? '',
    /^OTEL_/,
  );
});

test('signing in needs both halves, or none: one line names the missing one', () => {
  const both = { CLIENT_ID: 'Iv23liabc', CLIENT_SECRET: 'secret' };
  const found = readServeSettings({ ...SOUND, ...both }, '/srv');
  assert.deepEqual(found.oauth, { clientId: 'Iv23liabc', clientSecret: 'secret' });
  for (const [there, missing] of [
    ['CLIENT_ID', 'CLIENT_SECRET'],
    ['CLIENT_SECRET', 'CLIENT_ID'],
  ] as const) {
    const lines = linesOf({ ...SOUND, [there]: both[there], [missing]: ' ' });
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', new RegExp(`^${there} is set without ${missing}: set both`));
  }
});
