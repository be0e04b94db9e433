/** The signed heads that a log is measured against: its own checkpoints and what lay elsewhere. */
import type { LogToVerify, Problem } from './verify.ts';
import {
  type Checkpoint,
  openNote,
  parseCheckpoint,
  parseVkey,
  signedTime,
  type Verifier,
} from './note.ts';

export interface SignedHead extends Checkpoint {
  readonly sealedMs: number;
}

export interface Heads {
  /** The log's own, in the order of their sizes. */
  readonly own: readonly SignedHead[];
  /** Own and anchored, by size: where roots are compared. */
  readonly marks: readonly (Checkpoint & { readonly from: 'log' | 'anchor' })[];
}

type Report = (problem: Problem) => void;

function bad(kind: Problem['kind'], code: Problem['code'], message: string): Problem {
  return { kind, code, leafIndex: null, message };
}

/** A checkpoint with its time, or why it cannot be trusted. */
function readHead(
  note: string,
  log: LogToVerify,
  verifiers: readonly Verifier[],
): (Checkpoint & { readonly timeMs: number | null }) | Problem {
  const opened = openNote(note, verifiers);
  if (opened === null) {
    const message = 'A checkpoint is malformed or none of the given keys signed it.';
    return bad('tampered', 'note-invalid', message);
  }
  const checkpoint = parseCheckpoint(opened.text);
  if (checkpoint === null) {
    return bad('tampered', 'note-invalid', 'A signed text is not a checkpoint.');
  }
  if (checkpoint.origin !== log.origin) {
    const message = `A checkpoint is of ${checkpoint.origin}, not of ${log.origin}.`;
    return bad('tampered', 'origin-differs', message);
  }
  const times = opened.signers.map((signer) => signedTime(note, signer));
  return { ...checkpoint, timeMs: times.find((time) => time !== null) ?? null };
}

function ownHeads(log: LogToVerify, verifiers: readonly Verifier[], report: Report) {
  const heads: SignedHead[] = [];
  for (const stored of log.checkpoints) {
    const head = readHead(stored.note, log, verifiers);
    if ('kind' in head) {
      report(head);
      continue;
    }
    const { timeMs, ...checkpoint } = head;
    if (timeMs === null || (stored.sealedMs !== null && stored.sealedMs !== timeMs)) {
      const message = `The time of the checkpoint of size ${head.size} is not the one it signed.`;
      report(bad('tampered', 'note-invalid', message));
      continue;
    }
    const before = heads.at(-1);
    if (before !== undefined && (head.size <= before.size || timeMs < before.sealedMs)) {
      const message = `The checkpoint of size ${head.size} does not follow that of ${before.size}.`;
      report(bad('tampered', 'size-order', message));
      continue;
    }
    heads.push({ ...checkpoint, sealedMs: timeMs });
  }
  return heads;
}

/** An anchor that nobody can read proves nothing: it is then missing, not forged. */
function anchors(log: LogToVerify, verifiers: readonly Verifier[], report: Report) {
  return (log.anchors ?? []).flatMap((note) => {
    const head = readHead(note, log, verifiers);
    if (!('kind' in head)) return [head];
    report(bad('unverifiable', 'anchor-invalid', `An anchor cannot be used: ${head.message}`));
    return [];
  });
}

/** Reads every signed head; what is wrong with one is reported and the rest goes on. */
export function readHeads(log: LogToVerify, report: Report): Heads {
  const verifiers = log.vkeys.map(parseVkey).filter((verifier) => verifier !== null);
  if (verifiers.length < log.vkeys.length || verifiers.length === 0) {
    const message =
      'A verifier key is missing or malformed; it looks like name+8 hex digits+base64.';
    report(bad('unverifiable', 'key-malformed', message));
    return { own: [], marks: [] };
  }
  const own = ownHeads(log, verifiers, report);
  if (own.length === 0) {
    const message = 'There is no checkpoint that the given keys signed.';
    report(bad('unverifiable', 'no-checkpoint', message));
  }
  const anchored = anchors(log, verifiers, report);
  const marks = [
    ...own.map((head) => ({ ...head, from: 'log' as const })),
    ...anchored.map((head) => ({ ...head, from: 'anchor' as const })),
  ].toSorted((a, b) => a.size - b.size);
  return { own, marks };
}
