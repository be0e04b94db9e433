/** Time-stamps of a real authority (OpenSSL), and every way in which one can be wrong. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run } from '../../src/cli.ts';
import { stampPlace } from '../../src/cli/anchor-stamp.ts';
import { writeBundle } from '../../src/cli/report-bundle.ts';
import {
  judgeStamp,
  readCertificates,
  stampedHash,
  timeStampRequest,
} from '../../src/core/audit/time-stamp.ts';
import { createLogReader, type WaitingLog } from '../../src/store/anchor.ts';
import type { Sql } from '../../src/store/connect.ts';
import { type Authority, openAuthority } from './authority.ts';
import { createLog, deployments, START_MS } from './log.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tagout-stamps-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const certificatesOf = (authority: Authority) => readCertificates(authority.certificate) ?? [];

let authority: Authority;
before(async () => {
  authority = await openAuthority(join(scratch, 'rsa'));
});
after(() => authority.close());

function stamped(note: string, by = authority) {
  const nonce = randomBytes(16);
  const response = by.stamp(timeStampRequest(stampedHash(note), nonce));
  return { response, note, nonce, certificates: certificatesOf(by) };
}

describe('a time-stamp', () => {
  test('says when the authority saw the note', () => {
    const before = Math.floor(Date.now() / 1000) * 1000;
    const judged = judgeStamp(stamped('a note\n'));
    assert.ok('atMs' in judged && judged.atMs >= before && judged.atMs <= Date.now() + 1000);
  });

  test('is one that OpenSSL accepts too, over the bytes of the note', () => {
    const { response } = stamped('a note\n');
    writeFileSync(join(scratch, 'own.tsr'), response);
    writeFileSync(join(scratch, 'own.checkpoint'), 'a note\n');
    writeFileSync(join(scratch, 'own.pem'), authority.certificate);
    const args = ['-data', 'own.checkpoint', '-in', 'own.tsr', '-CAfile', 'own.pem'];
    execFileSync('openssl', ['ts', '-verify', ...args], { cwd: scratch, stdio: 'pipe' });
  });

  for (const [what, key] of [
    ['P-256', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
    ['P-384', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
  ] as const) {
    test(`may be signed with ${what}`, async () => {
      const other = await openAuthority(join(scratch, what), key);
      try {
        assert.ok('atMs' in judgeStamp(stamped('a note\n', other)));
      } finally {
        await other.close();
      }
    });
  }

  const faultOf = (stamp: Parameters<typeof judgeStamp>[0]): string => {
    const judged = judgeStamp(stamp);
    return 'fault' in judged ? judged.fault : 'accepted';
  };

  test('is refused over another note, for another request, and from another authority', async () => {
    const good = stamped('a note\n');
    assert.match(faultOf({ ...good, note: 'a note\n\n' }), /not over this checkpoint/);
    assert.match(faultOf({ ...good, nonce: randomBytes(16) }), /another request/);
    assert.match(faultOf({ ...good, certificates: [] }), /did not sign/);
    const other = await openAuthority(join(scratch, 'other'));
    const certificates = certificatesOf(other);
    assert.match(faultOf({ ...good, certificates }), /did not sign/);
    await other.close();
  });

  test('is refused from a certificate for another purpose, and when it was not granted', () => {
    const good = stamped('a note\n');
    const sha256 = (raw = Buffer.alloc(0)): Buffer => createHash('sha256').update(raw).digest();
    for (const [purpose, says] of [
      ['stamping', /accepted/],
      ['serving', /not for time-stamps/],
    ] as const) {
      // OpenSSL itself does not stamp so: the same key signs anew, with the other certificate named.
      const certificates = readCertificates(authority.certified(purpose)) ?? [];
      const response = Buffer.from(good.response);
      const named = response.indexOf(sha256(good.certificates[0]?.raw));
      sha256(certificates[0]?.raw).copy(response, named);
      const attributes = response.lastIndexOf(Buffer.from('a081', 'hex'), named);
      const end = attributes + 3 + response.readUInt8(attributes + 2);
      const text = Buffer.from(response.subarray(attributes, end));
      text[0] = 0x31;
      authority.signed(text).copy(response, response.length - 256);
      assert.match(faultOf({ ...good, response, certificates }), says, purpose);
    }
    const response = Buffer.from('30053003020102', 'hex');
    assert.match(faultOf({ ...good, response }), /not granted/);
  });

  test('is refused with any byte of what counts changed, cut or added', () => {
    const good = stamped('a note\n');
    const { response } = good;
    const accepted: number[] = [];
    for (let at = 0; at < response.length; at += 1) {
      const changed = Buffer.from(response);
      changed[at] = (changed[at] ?? 0) ^ 1;
      if (faultOf({ ...good, response: changed }) === 'accepted') accepted.push(at);
      assert.notEqual(faultOf({ ...good, response: response.subarray(0, at) }), 'accepted');
    }
    assert.notEqual(
      faultOf({ ...good, response: Buffer.concat([response, response]) }),
      'accepted',
    );
    // Outside the signature lie the copy of the certificate, which is never used, and a few fields
    // that repeat what is signed: the status, versions, the signer's name.
    const raw = certificatesOf(authority)[0]?.raw ?? Buffer.alloc(0);
    const copy = response.indexOf(raw);
    const outside = accepted.filter((at) => at < copy || at >= copy + raw.length);
    assert.ok(outside.length < 120, `${outside.join()} of ${response.length}`);
    const text = response.indexOf(stampedHash('a note\n'));
    for (let at = text; at < text + 32 + 40; at += 1) assert.ok(!accepted.includes(at), `${at}`);
  });
});

describe('the authority as an anchor', () => {
  const log: WaitingLog = { logId: 1, size: 3, note: 'a note\n', anchored: 0, sinceMs: 0 };
  // It asks the log for nothing.
  const reader = createLogReader({} as Sql);

  test('is asked with the hash of the note, a nonce, and for its certificate', async () => {
    const place = stampPlace({ url: authority.url, certificates: certificatesOf(authority) }, 1);
    const { receipts, faults } = await place.leave([log], null, reader);
    assert.deepEqual(faults, []);
    writeFileSync(join(scratch, 'sent.tsq'), authority.last());
    const text = execFileSync('openssl', ['ts', '-query', '-in', 'sent.tsq', '-text'], {
      cwd: scratch,
      encoding: 'utf8',
    });
    assert.match(text, /Certificate required: yes/);
    assert.match(text, /Nonce: 0x/);
    const response = Buffer.from(receipts[0]?.receipt ?? '', 'base64');
    const certificates = certificatesOf(authority);
    assert.ok('atMs' in judgeStamp({ response, note: log.note, certificates }));
  });

  test('keeps nothing of an older answer, and of one that is none', async () => {
    const place = stampPlace({ url: authority.url, certificates: certificatesOf(authority) }, 1);
    for (const [response, says] of [
      [stamped(log.note).response, /another request/],
      [Buffer.from('<html>'), /no time-stamp to keep/],
    ] as const) {
      authority.answerWith(response);
      const { receipts, faults } = await place.leave([log], null, reader);
      assert.deepEqual(receipts, []);
      assert.match(String(faults[0]), says);
    }
    authority.answerWith(null);
  });
});

describe('verify with a time-stamp', () => {
  const now = Date.now();
  const io = (said: string[]) => ({
    cwd: scratch,
    env: {},
    now: () => START_MS,
    out: (text: string) => void said.push(text),
    err: (text: string) => void said.push(text),
  });

  /** A log whose rows are of an hour ago, and its last checkpoint stamped now. */
  async function bundle(name: string, sealedMs: number) {
    const log = deployments(1, createLog(), sealedMs - 600_000);
    const note = log.notes.at(-1) ?? '';
    const receipt = stamped(note).response.toString('base64');
    const place = { kind: 'timestamp', locator: 'x', receipt, atMs: now };
    const anchors = [
      { ...place, treeSize: 2, atMs: now - 1 },
      { ...place, treeSize: 4 },
    ];
    const wish = { fromMs: null, toMs: null, repo: null };
    await writeBundle(join(scratch, name), { ...log.source(), anchors }, wish);
    writeFileSync(join(scratch, 'tsa.pem'), authority.certificate);
    return log;
  }
  async function verify(name: string, vkey: string, ...more: string[]) {
    const said: string[] = [];
    const anchor = ['--anchor', `tsr:${name}/anchors/4.tsr`, ...more];
    const code = await run(['verify', name, '--key', vkey, ...anchor], io(said));
    return { code, said: said.join('') };
  }
  const CERT = ['--tsa-cert', 'tsa.pem'];

  test('takes it, and needs the certificate from the command line', async () => {
    const log = await bundle('good', now - 3_600_000);
    const good = await verify('good', log.vkey, ...CERT);
    assert.equal(good.code, 0, good.said);
    assert.match(good.said, /1 given anchor/);
    assert.equal((await verify('good', log.vkey)).code, 64);
    assert.deepEqual(readdirSync(join(scratch, 'good/anchors')), ['4.checkpoint', '4.tsr']);
    assert.equal((await verify('good', log.vkey, '--tsa-cert', 'good/anchors/4.tsr')).code, 64);
    const elsewhere = join(scratch, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, '4.tsr'), stamped('something else').response);
    writeFileSync(join(elsewhere, '4.checkpoint'), log.notes.at(-1) ?? '');
    const said: string[] = [];
    const args = ['verify', 'good', '--key', log.vkey, '--anchor', 'tsr:elsewhere/4.tsr', ...CERT];
    const other = { code: await run(args, io(said)), said: said.join('') };
    assert.equal(other.code, 2, other.said);
    assert.match(other.said, /not over this checkpoint/);
  });

  test('a log that dates itself later than it was seen, or long before, is told', async () => {
    const late = await bundle('later', now + 3_600_000);
    const found = await verify('later', late.vkey, ...CERT);
    assert.equal(found.code, 1, found.said);
    assert.match(found.said, /before it says that it was made/);
    const early = await bundle('backdated', now - 90 * 86_400_000);
    const told = await verify('backdated', early.vkey, ...CERT);
    assert.equal(told.code, 2, told.said);
    assert.match(told.said, /nothing shows that it was there before/);
  });
});
