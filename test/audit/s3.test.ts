/** The bucket as an anchor: AWS's own example signatures, and a bucket on this machine that checks. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { bucketPlace } from '../../src/cli/anchor-s3.ts';
import { signed } from '../../src/cli/sigv4.ts';
import { AnchorConflict, createLogReader, type WaitingLog } from '../../src/store/anchor.ts';
import type { Sql } from '../../src/store/connect.ts';

/** docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
const KEY = {
  keyId: 'AKIAIOSFODNN7EXAMPLE',
  secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
  service: 's3',
};
const AT_MS = Date.UTC(2013, 4, 24);
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const HOST = 'https://examplebucket.s3.amazonaws.com';

const EXAMPLES = [
  {
    what: 'GET of an object',
    request: {
      method: 'GET',
      url: new URL(`${HOST}/test.txt`),
      headers: { range: 'bytes=0-9', 'x-amz-content-sha256': EMPTY },
      body: '',
    },
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    what: 'PUT of an object',
    request: {
      method: 'PUT',
      url: new URL(`${HOST}/test%24file.text`),
      headers: {
        date: 'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      },
      body: 'Welcome to Amazon S3.',
    },
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    what: 'GET of the lifecycle',
    request: {
      method: 'GET',
      url: new URL(`${HOST}/?lifecycle`),
      headers: { 'x-amz-content-sha256': EMPTY },
      body: '',
    },
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    what: 'a list with two parameters',
    request: {
      method: 'GET',
      url: new URL(`${HOST}/?max-keys=2&prefix=J`),
      headers: { 'x-amz-content-sha256': EMPTY },
      body: '',
    },
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
] as const;

for (const { what, request, signature } of EXAMPLES) {
  test(`the signature is the one that AWS shows: ${what}`, () => {
    const { authorization = '' } = signed(request, KEY, AT_MS);
    assert.equal(/Signature=(\w+)$/.exec(authorization)?.[1], signature);
  });
}

const SECRET = 'a-secret-of-the-test';

/** Recomputes the signature from what came, by the rules and not by our code. */
function isSigned(request: IncomingMessage, body: Buffer): boolean {
  const text = request.headers.authorization ?? '';
  const [, scope = '', names = '', given = ''] =
    /^AWS4-HMAC-SHA256 Credential=KEYID\/(\S+), SignedHeaders=(\S+), Signature=(\w+)$/.exec(text) ??
    [];
  const hex = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
  if (request.headers['x-amz-content-sha256'] !== hex(body)) return false;
  const lines = names.split(';').map((name) => `${name}:${String(request.headers[name])}\n`);
  const canonical = [request.method, request.url, '', lines.join(''), names, hex(body)].join('\n');
  const time = String(request.headers['x-amz-date']);
  let key: string | Buffer = `AWS4${SECRET}`;
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  const toSign = ['AWS4-HMAC-SHA256', time, scope, hex(canonical)].join('\n');
  return createHmac('sha256', key).update(toSign).digest('hex') === given;
}

describe('a bucket with Object Lock', () => {
  const objects = new Map<string, { body: string; headers: IncomingMessage['headers'] }>();
  let server: Server;
  let url: string;
  before(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => void chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const end = (status: number, code: string): void =>
          void response.writeHead(status).end(`<Error><Code>${code}</Code></Error>`);
        const path = request.url ?? '';
        const there = objects.get(path);
        if (!isSigned(request, body)) return end(403, 'SignatureDoesNotMatch');
        if (request.method === 'GET') {
          return there === undefined ? end(404, 'NoSuchKey') : void response.end(there.body);
        }
        const md5 = createHash('md5').update(body).digest('base64');
        if (request.headers['content-md5'] !== md5) return end(400, 'BadDigest');
        if (there !== undefined && request.headers['if-none-match'] === '*') {
          return end(412, 'PreconditionFailed');
        }
        objects.set(path, { body: body.toString('utf8'), headers: request.headers });
        response.end();
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/anchors/acme`;
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  beforeEach(() => objects.clear());

  const NOW_MS = Date.UTC(2026, 10, 23);
  const place = (secret = SECRET) =>
    bucketPlace(
      { url, region: 'eu-central-1', keyId: 'KEYID', secret, days: 400 },
      1,
      () => NOW_MS,
    );
  const root = Buffer.alloc(32).toString('base64');
  const log = (size: number, tree = root): WaitingLog => {
    const note = `tagout/audit/7\n${size}\n${tree}\n\n— tagout/audit/7 c2ln\n`;
    return { logId: 7, size, note, anchored: 0, sinceMs: 0 };
  };
  // It asks the log for nothing.
  const leave = (one: WaitingLog, at = place()) =>
    at.leave([one], null, createLogReader({} as Sql));

  test('holds each checkpoint as an object that is locked for its time', async () => {
    const { receipts, faults } = await leave(log(12));
    assert.deepEqual(faults, []);
    const name = '/anchors/acme/7/0000000000000012.checkpoint';
    assert.equal(receipts[0]?.receipt, new URL(name, url).href);
    const object = objects.get(name);
    assert.equal(object?.body, log(12).note);
    assert.equal(object?.headers['x-amz-object-lock-mode'], 'COMPLIANCE');
    const until = Date.parse(String(object?.headers['x-amz-object-lock-retain-until-date']));
    assert.equal(until, NOW_MS + 400 * 86_400_000);
  });

  test('an object that is there is never written over; the same one is as good as a new one', async () => {
    await leave(log(12));
    const again = await leave(log(12));
    assert.deepEqual([again.receipts.length, again.faults], [1, []]);
    const other = await leave(log(12, Buffer.alloc(32, 1).toString('base64')));
    assert.deepEqual(other.receipts, []);
    const [fault] = other.faults;
    assert.ok(fault instanceof AnchorConflict && fault.code === 'anchor-forked');
    assert.equal(objects.get('/anchors/acme/7/0000000000000012.checkpoint')?.body, log(12).note);
  });

  test('a refusal is told with its code and without the secret', async () => {
    const { receipts, faults } = await leave(log(12), place('another-secret-of-the-test'));
    assert.deepEqual(receipts, []);
    assert.match(String(faults[0]), /answered 403 \(SignatureDoesNotMatch\)/);
    assert.doesNotMatch(String(faults[0]), /secret/);
  });
});
