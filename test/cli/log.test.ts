/** The log: whatever is logged, no secret is in the line. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { createLog, describeError } from '../../src/cli/log.ts';
import { TagoutError } from '../../src/core/errors.ts';

const key = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs1', format: 'pem' })
  .toString();
const SECRET = 'webhook secret "quoted"';

function logged(about: object, message = 'said'): string {
  let text = '';
  const destination = { write: (line: string) => void (text += line) };
  createLog({ level: 'info', secrets: [SECRET, key], destination }).info(about, message);
  return text;
}

test('a line is JSON with time, level, ids and message', () => {
  const line = JSON.parse(logged({ delivery: 'd-1', event: 'push', ms: 7 }));
  assert.match(line.time, /^\d{4}-\d\d-\d\dT/);
  assert.deepEqual(
    { ...line, time: '' },
    { level: 'info', time: '', delivery: 'd-1', event: 'push', ms: 7, msg: 'said' },
  );
});

const token = `ghs_${'a1B2'.repeat(9)}`;
const hidden: readonly [string, object, string][] = [
  ['a payload', { payload: { title: 'hippo' } }, 'hippo'],
  ['a nested body', { request: { inner: { body: 'hippo' } } }, 'hippo'],
  ['a token by its key', { auth: { token: 'hippo' } }, 'hippo'],
  ['the webhook secret', { detail: `the secret is ${SECRET}` }, 'webhook secret'],
  ['the private key', { detail: key }, key.split('\n')[3] ?? ''],
  ['one line of the private key', { detail: key.split('\n')[5] }, key.split('\n')[5] ?? ''],
  ['another private key', { detail: '-----BEGIN PRIVATE KEY-----\nhippo' }, 'hippo'],
  ['an installation token', { detail: `Bearer ${token}` }, token],
  ['a personal token', { detail: `github_pat_${'x1'.repeat(20)}` }, 'x1x1x1'],
  ['a JSON web token', { detail: 'eyJhbGciOiJS.eyJpc3MiOiI3.c2lnbmF0dXJl' }, 'eyJpc3MiOiI3'],
  ['a database password', { detail: 'postgres://app:hippo@db/tagout' }, 'hippo'],
];
for (const [name, about, word] of hidden) {
  test(`${name} is not written`, () => {
    const line = logged(about);
    assert.notEqual(word, '');
    assert.equal(line.includes(word), false, line);
    assert.doesNotThrow(() => JSON.parse(line));
  });
}

test('an error of ours is described in full, any other without its message', () => {
  assert.deepEqual(describeError(new TagoutError('git', 'No such ref.')), {
    fault: 'git',
    detail: 'No such ref.',
  });
  const other = describeError(Object.assign(new Error('params: hippo'), { code: '23505' }));
  assert.equal(other['errorCode'], '23505');
  assert.equal(JSON.stringify(other).includes('hippo'), false);
  assert.deepEqual(describeError('hippo'), { fault: 'internal', detail: 'string' });
});
