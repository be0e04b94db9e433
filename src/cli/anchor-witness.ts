/** A witness as a place (c2sp.org/tlog-witness): somebody else's machine that remembers the log. */
import { signedTime, type Verifier } from '../core/audit/note.ts';
import { consistencyFrom } from '../core/audit/proof.ts';
import { leaveEach } from './anchor-each.ts';
import { AnchorConflict } from '../store/anchor.ts';
import type { AnchorPlace, AnchorReceipt, LogReader, WaitingLog } from '../store/anchor.ts';

export interface WitnessPlaceOptions {
  /** Without a slash at its end. */
  readonly url: string;
  /** The witness's own key: what it signs is checked before it is kept. */
  readonly key: Verifier;
}

const LIMIT_MS = 10_000;
const EMPTY = { size: 0, hashes: [] } as const;

/** The request: the size that the witness knows, the proof from there, and the checkpoint. */
async function requestOf(log: WaitingLog, old: number, reader: LogReader): Promise<string | null> {
  const from = old === 0 ? EMPTY : (await reader.checkpoint(log.logId, old))?.frontier;
  if (from === undefined) return null;
  const leaves = old === 0 ? [] : await reader.leaves(log.logId, old, log.size);
  const proof = consistencyFrom({ from, leaves });
  const lines = proof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`).join('');
  return `old ${old}\n${lines}\n${log.note}`;
}

async function post(url: string, body: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${url}/add-checkpoint`, {
    method: 'POST',
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  return { status: answer.status, text: (await answer.text()).slice(0, 10_000) };
}

function conflict(code: AnchorConflict['code'], log: WaitingLog, says: string): AnchorConflict {
  const what = `The witness ${says} log ${log.logId} (${log.size} rows here)`;
  const message =
    `${what}: the database was rolled back or the log was forked. It signs nothing more of this ` +
    'log until somebody has found out why.';
  return new AnchorConflict(code, log.logId, message);
}

async function leaveOne(
  { url, key }: WitnessPlaceOptions,
  log: WaitingLog,
  reader: LogReader,
): Promise<AnchorReceipt> {
  let old = log.anchored;
  // Once with what we know, once with what the witness says that it knows.
  for (let round = 0; round < 2; round += 1) {
    const body = await requestOf(log, old, reader);
    if (body === null) throw conflict('anchor-forked', log, `has seen ${old} rows of`);
    const { status, text } = await post(url, body);
    if (status === 200) {
      if (signedTime(log.note + text, key) === null) {
        throw new Error(`${url} answered with a signature that is not its own`);
      }
      return { logId: log.logId, size: log.size, locator: String(log.size), receipt: text };
    }
    if (status === 422) throw conflict('anchor-forked', log, 'knows another past of');
    const known = /^(\d{1,15})\n?$/.exec(text)?.[1];
    if (status !== 409 || known === undefined) throw new Error(`${url} answered ${status}`);
    if (Number(known) > log.size) throw conflict('anchor-rewound', log, `knows ${known} rows of`);
    if (Number(known) === old) throw conflict('anchor-forked', log, 'knows another past of');
    old = Number(known);
  }
  throw new Error(`${url} answers with another size each time`);
}

/** A witness. */
export function witnessPlace(options: WitnessPlaceOptions): AnchorPlace {
  return {
    kind: 'witness',
    name: options.url,
    leave: (logs, _last, reader) => leaveEach(logs, (log) => leaveOne(options, log, reader)),
  };
}
