/**
 * A bucket with S3 Object Lock as a place: each checkpoint is an object of its own that nobody, not
 * even the account's owner, can change or delete before its time (mode COMPLIANCE).
 */
import { createHash } from 'node:crypto';
import { AnchorConflict } from '../store/anchor.ts';
import type { AnchorPlace, AnchorReceipt, WaitingLog } from '../store/anchor.ts';
import { treeOf } from './anchor-git.ts';
import { leaveEach } from './anchor-each.ts';
import { signed } from './sigv4.ts';

export interface BucketSettings {
  /** Of the bucket, with a folder in it if wished; without a slash at its end. */
  readonly url: string;
  readonly region: string;
  readonly keyId: string;
  readonly secret: string;
  /** How long an object is locked. */
  readonly days: number;
}

const LIMIT_MS = 10_000;
const LIMIT_TEXT = 10_000;
const DAY_MS = 86_400_000;
const hashOf = (kind: 'md5' | 'sha256', text: string): Buffer =>
  createHash(kind).update(text, 'utf8').digest();

/** One object; digits so that the newest of a log stands last. */
function addressOf({ url }: BucketSettings, { logId, size }: WaitingLog): URL {
  return new URL(`${url}/${logId}/${String(size).padStart(16, '0')}.checkpoint`);
}

async function ask(
  settings: BucketSettings,
  request: {
    readonly method: 'PUT' | 'GET';
    readonly url: URL;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  },
  atMs: number,
): Promise<{ readonly status: number; readonly text: string }> {
  const { method, url, body } = request;
  const hash = hashOf('sha256', body).toString('hex');
  const plain = { ...request.headers, 'x-amz-content-sha256': hash };
  const key = { ...settings, service: 's3' };
  const headers = signed({ method, url, headers: plain, body }, key, atMs);
  const answer = await fetch(url, {
    method,
    headers,
    redirect: 'error',
    signal: AbortSignal.timeout(LIMIT_MS),
    ...(method === 'PUT' ? { body } : {}),
  });
  return { status: answer.status, text: (await answer.text()).slice(0, LIMIT_TEXT) };
}

/** What the bucket says about itself in an error; it quotes no secret, but only the code is told. */
function fault(settings: BucketSettings, { status, text }: { status: number; text: string }) {
  const code = /<Code>(\w{1,60})<\/Code>/.exec(text)?.[1];
  return new Error(`${settings.url} answered ${status}${code === undefined ? '' : ` (${code})`}`);
}

/** An object of that name is there: ours from before a stop, or one that this log never made. */
async function compare(
  settings: BucketSettings,
  log: WaitingLog,
  atMs: number,
): Promise<AnchorReceipt> {
  const url = addressOf(settings, log);
  const there = await ask(settings, { method: 'GET', url, headers: {}, body: '' }, atMs);
  if (there.status !== 200) throw fault(settings, there);
  if (treeOf(there.text) === treeOf(log.note)) return receiptOf(log, url);
  const message =
    `${settings.url} holds another checkpoint of log ${log.logId} of ${log.size} rows: the database ` +
    'was rolled back or the log was forked. Nothing is written over it; find out why, then use ' +
    'another folder (ANCHOR_S3_URL).';
  throw new AnchorConflict('anchor-forked', log.logId, message);
}

function receiptOf({ logId, size }: WaitingLog, url: URL): AnchorReceipt {
  return { logId, size, locator: String(size), receipt: url.href };
}

async function leaveOne(
  settings: BucketSettings,
  log: WaitingLog,
  atMs: number,
): Promise<AnchorReceipt> {
  const url = addressOf(settings, log);
  const headers = {
    'content-md5': hashOf('md5', log.note).toString('base64'),
    'content-type': 'text/plain; charset=utf-8',
    'if-none-match': '*',
    'x-amz-object-lock-mode': 'COMPLIANCE',
    'x-amz-object-lock-retain-until-date': new Date(atMs + settings.days * DAY_MS).toISOString(),
  };
  const answer = await ask(settings, { method: 'PUT', url, headers, body: log.note }, atMs);
  if (answer.status === 200) return receiptOf(log, url);
  if (answer.status === 412) return compare(settings, log, atMs);
  throw fault(settings, answer);
}

/** A bucket; the credential needs `s3:PutObject`, `s3:PutObjectRetention` and `s3:GetObject` there. */
export function bucketPlace(
  settings: BucketSettings,
  everyMs: number,
  now: () => number,
): AnchorPlace {
  return {
    kind: 's3',
    name: settings.url,
    everyMs,
    leave: (logs) => leaveEach(logs, (log) => leaveOne(settings, log, now())),
  };
}
