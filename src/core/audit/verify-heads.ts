/** The signed heads that a log is measured against: its own checkpoints and what lay elsewhere. */
import type { LogToVerify, Problem, StampedNote } from './verify.ts';
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

/** Between the clock of the log and that of somebody else. */
const CLOCKS_MS = 30_000;
/** A time-stamp that came later says little about the time that a checkpoint gives itself. */
const STAMP_LATE_MS = 24 * 3_600_000;

/** What a time-stamp says against the time that the checkpoint itself signed; null: nothing. */
function stampProblem(name: string, atMs: number, sealedMs: number | null): Problem | null {
  if (sealedMs === null) return null;
  const stamped = new Date(atMs).toISOString();
  const sealed = new Date(sealedMs).toISOString();
  if (atMs < sealedMs - CLOCKS_MS) {
    const message = `${name} was time-stamped at ${stamped}, before it says that it was made (${sealed}).`;
    return bad('tampered', 'time-outside', message);
  }
  if (atMs <= sealedMs + STAMP_LATE_MS) return null;
  const message =
    `${name} says ${sealed} but was time-stamped at ${stamped}: it was there by then, and nothing ` +
    'shows that it was there before.';
  return bad('unverifiable', 'time-outside', message);
}

function stamps(log: LogToVerify, verifiers: readonly Verifier[], report: Report) {
  const unusable = (why: string): void =>
    report(bad('unverifiable', 'anchor-invalid', `A time-stamp cannot be used: ${why}.`));
  return (log.stamps ?? []).flatMap(({ note, judged }: StampedNote) => {
    const head = readHead(note, log, verifiers);
    if ('fault' in judged) {
      unusable(judged.fault);
      return [];
    }
    if ('kind' in head) {
      unusable(head.message);
      return [];
    }
    const name = `The checkpoint of size ${head.size}`;
    const found = stampProblem(name, judged.atMs, head.timeMs);
    if (found !== null) report(found);
    return [head];
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
  const anchored = [...anchors(log, verifiers, report), ...stamps(log, verifiers, report)];
  const marks = [
    ...own.map((head) => ({ ...head, from: 'log' as const })),
    ...anchored.map((head) => ({ ...head, from: 'anchor' as const })),
  ].toSorted((a, b) => a.size - b.size);
  return { own, marks };
}
