/** A time-stamp authority as a place (RFC 3161): somebody else says when a checkpoint was there. */
import { randomBytes, type X509Certificate } from 'node:crypto';
import { judgeStamp, stampedHash, timeStampRequest } from '../core/audit/time-stamp.ts';
import type { AnchorPlace, AnchorReceipt, WaitingLog } from '../store/anchor.ts';
import { leaveEach } from './anchor-each.ts';

export interface StampPlaceOptions {
  readonly url: string;
  /** The authority's own: what it signs is checked before it is kept. */
  readonly certificates: readonly X509Certificate[];
}

const LIMIT_MS = 10_000;
const NONCE_BYTES = 16;

async function leaveOne(
  { url, certificates }: StampPlaceOptions,
  { logId, size, note }: WaitingLog,
): Promise<AnchorReceipt> {
  const nonce = randomBytes(NONCE_BYTES);
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/timestamp-query' },
    body: new Uint8Array(timeStampRequest(stampedHash(note), nonce)),
    redirect: 'error',
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
  const response = Buffer.from(await answer.arrayBuffer());
  const judged = judgeStamp({ response, note, certificates, nonce });
  if ('fault' in judged) throw new Error(`${url} gave no time-stamp to keep: ${judged.fault}`);
  return { logId, size, locator: String(judged.atMs), receipt: response.toString('base64') };
}

/** An authority; each log goes by itself. */
export function stampPlace(options: StampPlaceOptions, everyMs: number): AnchorPlace {
  return {
    kind: 'timestamp',
    name: options.url,
    everyMs,
    leave: (logs) => leaveEach(logs, (log) => leaveOne(options, log)),
  };
}
