/**
 * Verifies one installation's log from its bytes alone. Origin and keys come from whoever asks,
 * never from what is verified (CVE-2022-39199). Only stored bytes are hashed, so a fault in a JSON
 * library cannot become a false alarm about tampering.
 */
import { canonicalText } from '../canonical.ts';
import type { AuditEvent } from './event.ts';
import {
  EMPTY_FRONTIER,
  type Frontier,
  growFrontier,
  leafHash,
  rootOf,
  sameHash,
} from './merkle.ts';
import { type Checkpoint, openNote, parseCheckpoint, parseVkey, type Verifier } from './note.ts';
import { auditEventSchema, BODY_LIMIT_BYTES } from './schema.ts';
import { commitTo, type Detail } from './scribe.ts';
import { createHistory, type History } from './verify-history.ts';

/**
 * Tampered: bytes, order or history cannot be what was signed. Unverifiable: something is missing.
 */
export type ProblemKind = 'tampered' | 'unverifiable';

export interface Problem {
  readonly kind: ProblemKind;
  readonly code:
    | 'key-malformed'
    | 'no-checkpoint'
    | 'note-invalid'
    | 'origin-differs'
    | 'size-order'
    | 'root-differs'
    | 'leaves-missing'
    | 'leaves-unsealed'
    | 'event-invalid'
    | 'event-repeated'
    | 'event-misplaced'
    | 'time-outside'
    | 'detail-differs'
    | 'release-unfounded'
    | 'release-unsealed';
  /** First divergent leaf, or null when it is not about one. */
  readonly leafIndex: number | null;
  readonly message: string;
}

export interface SealedLeaf {
  /** The exact stored text. */
  readonly body: string;
  readonly details: readonly Detail[];
}

export interface StoredCheckpoint {
  readonly note: string;
  readonly sealedMs: number;
}

export interface LogToVerify {
  readonly origin: string;
  readonly installationId: number;
  /** Verifier keys that the reader trusts for this log. */
  readonly vkeys: readonly string[];
  /** In the order of their sizes. */
  readonly checkpoints: readonly StoredCheckpoint[];
  /** In leaf order. */
  readonly leaves: Iterable<SealedLeaf> | AsyncIterable<SealedLeaf>;
}

export interface LogVerdict {
  readonly verdict: 'intact' | ProblemKind;
  readonly problems: readonly Problem[];
  /** Leaves under the last checkpoint, and its root in hexadecimal. */
  readonly size: number;
  readonly root: string;
  /** Personal texts whose value was erased; their commitments stay. */
  readonly redacted: number;
}

/** At most so many problems are listed; the first one is what matters. */
const PROBLEM_LIMIT = 100;

interface SignedHead extends Checkpoint {
  readonly sealedMs: number;
}

function readHead(
  stored: StoredCheckpoint,
  log: LogToVerify,
  verifiers: readonly Verifier[],
): SignedHead | Problem {
  const bad = (code: Problem['code'], message: string): Problem => ({
    kind: 'tampered',
    code,
    leafIndex: null,
    message,
  });
  const opened = openNote(stored.note, verifiers);
  if (opened === null) {
    return bad('note-invalid', 'A checkpoint is malformed or none of the given keys signed it.');
  }
  const checkpoint = parseCheckpoint(opened.text);
  if (checkpoint === null) return bad('note-invalid', 'A signed text is not a checkpoint.');
  if (checkpoint.origin !== log.origin) {
    return bad('origin-differs', `A checkpoint is of ${checkpoint.origin}, not of ${log.origin}.`);
  }
  return { ...checkpoint, sealedMs: stored.sealedMs };
}

function valueAt(event: unknown, path: string): unknown {
  let at = event;
  for (const step of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = Reflect.get(at, step);
  }
  return at;
}

function commitments(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only?.[0] === 'c' && typeof only[1] === 'string') return 1;
  return entries.reduce((sum, [, inner]) => sum + commitments(inner), 0);
}

/** Reads a body; null when it is not an event of ours in its one canonical form. */
function readEvent(body: string): AuditEvent | null {
  if (Buffer.byteLength(body, 'utf8') > BODY_LIMIT_BYTES) return null;
  try {
    const value: unknown = JSON.parse(body);
    const parsed = auditEventSchema.safeParse(value);
    return parsed.success && canonicalText(value) === body ? parsed.data : null;
  } catch {
    return null;
  }
}

interface Walk {
  readonly log: LogToVerify;
  readonly heads: readonly SignedHead[];
  readonly history: History;
  report(problem: Problem): void;
}

/** Everything about one leaf beside its hash; answers how many of its texts are erased. */
function checkLeaf(walk: Walk, index: number, leaf: SealedLeaf): number {
  const tampered = (code: Problem['code'], message: string): void =>
    walk.report({ kind: 'tampered', code, leafIndex: index, message });
  const event = readEvent(leaf.body);
  if (event === null) {
    tampered('event-invalid', `Leaf ${index} is not a canonical event of a known kind.`);
    return 0;
  }
  if (event.installationId !== walk.log.installationId) {
    tampered('event-misplaced', `Leaf ${index} belongs to another installation's log.`);
  }
  for (const problem of walk.history.add(index, event)) tampered(problem.code, problem.message);
  for (const detail of leaf.details) {
    const found = valueAt(event, detail.path);
    const same = JSON.stringify(found) === JSON.stringify(commitTo(detail.salt, detail.value));
    if (!same) tampered('detail-differs', `The text ${detail.path} of leaf ${index} was changed.`);
  }
  const paths = new Set(leaf.details.map((detail) => detail.path));
  return Math.max(0, commitments(event) - paths.size);
}

function checkHead(walk: Walk, head: SignedHead, tree: Frontier): void {
  if (sameHash(rootOf(tree), head.root)) return;
  walk.report({
    kind: 'tampered',
    code: 'root-differs',
    leafIndex: null,
    message: `The first ${head.size} rows are not those that the checkpoint of that size signed.`,
  });
}

function readHeads(log: LogToVerify, report: Walk['report']): readonly SignedHead[] {
  const verifiers = log.vkeys.map(parseVkey).filter((verifier) => verifier !== null);
  if (verifiers.length < log.vkeys.length || verifiers.length === 0) {
    const message =
      'A verifier key is missing or malformed; it looks like name+8 hex digits+base64.';
    report({ kind: 'unverifiable', code: 'key-malformed', leafIndex: null, message });
    return [];
  }
  const heads: SignedHead[] = [];
  for (const stored of log.checkpoints) {
    const head = readHead(stored, log, verifiers);
    if ('kind' in head) {
      report(head);
      continue;
    }
    const before = heads.at(-1);
    if (before !== undefined && (head.size <= before.size || head.sealedMs < before.sealedMs)) {
      const message = `The checkpoint of size ${head.size} does not follow that of ${before.size}.`;
      report({ kind: 'tampered', code: 'size-order', leafIndex: null, message });
      continue;
    }
    heads.push(head);
  }
  if (heads.length === 0) {
    const message = 'There is no checkpoint that the given keys signed.';
    report({ kind: 'unverifiable', code: 'no-checkpoint', leafIndex: null, message });
  }
  return heads;
}

function reportEnd(walk: Walk, size: number): void {
  const last = walk.heads.at(-1);
  if (last === undefined || size === last.size) return;
  const missing = size < last.size;
  walk.report({
    kind: missing ? 'tampered' : 'unverifiable',
    code: missing ? 'leaves-missing' : 'leaves-unsealed',
    leafIndex: Math.min(size, last.size),
    message: missing
      ? `${last.size - size} rows are missing that the last checkpoint covers.`
      : `${size - last.size} rows are under no checkpoint yet.`,
  });
}

/** Verifies a log in one pass: hashes, tree, signatures, times, events, state machine. */
export async function verifyLog(log: LogToVerify): Promise<LogVerdict> {
  const problems: Problem[] = [];
  const report = (problem: Problem): void => {
    if (problems.length < PROBLEM_LIMIT) problems.push(problem);
  };
  const heads = readHeads(log, report);
  const walk: Walk = { log, heads, history: createHistory(heads), report };
  let tree = EMPTY_FRONTIER;
  let next = 0;
  let redacted = 0;
  for await (const leaf of log.leaves) {
    redacted += checkLeaf(walk, tree.size, leaf);
    tree = growFrontier(tree, [leafHash(leaf.body)]);
    const head = heads[next];
    if (head !== undefined && head.size === tree.size) {
      checkHead(walk, head, tree);
      next += 1;
    }
  }
  reportEnd(walk, tree.size);
  const tampered = problems.some((problem) => problem.kind === 'tampered');
  const last = heads.at(-1);
  return {
    verdict: tampered ? 'tampered' : problems.length > 0 ? 'unverifiable' : 'intact',
    problems,
    size: last?.size ?? 0,
    root: Buffer.from(last?.root ?? new Uint8Array()).toString('hex'),
    redacted,
  };
}
