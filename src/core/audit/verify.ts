/**
 * Verifies one installation's log from its bytes alone. Origin and keys come from whoever asks,
 * never from what is verified (CVE-2022-39199). Only stored bytes are hashed, so a fault in a JSON
 * library cannot become a false alarm about tampering.
 */
import { canonicalText } from '../canonical.ts';
import type { AuditEvent } from './event.ts';
import { type EventHead, isEventText, readHead } from './event-shape.ts';
import { type BinaryHash, createTree, type GrowingTree, markedLeafHash } from './tree.ts';
import { auditEventSchema, BODY_LIMIT_BYTES } from './schema.ts';
import { commitTo, type Detail } from './scribe.ts';
import { type Heads, readHeads } from './verify-heads.ts';
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
    | 'row-differs'
    | 'anchor-invalid'
    | 'anchor-differs'
    | 'leaves-missing'
    | 'leaves-unsealed'
    | 'event-invalid'
    | 'event-repeated'
    | 'event-misplaced'
    | 'time-outside'
    | 'detail-differs'
    | 'evidence-differs'
    | 'release-unfounded'
    | 'release-unsealed'
    | 'file-differs'
    | 'file-missing';
  /** First divergent leaf, or null when it is not about one. */
  readonly leafIndex: number | null;
  readonly message: string;
}

export interface SealedLeaf {
  /** The exact stored text. */
  readonly body: string;
  readonly details: readonly Detail[];
  /** The leaf's hash as it was stored beside it, to name the row that differs. */
  readonly storedHash?: BinaryHash;
}

export interface StoredCheckpoint {
  readonly note: string;
  /** As a column says it; null where only the note does. */
  readonly sealedMs: number | null;
}

export interface StampedNote {
  readonly note: string;
  readonly judged: { readonly atMs: number } | { readonly fault: string };
}

export interface LogToVerify {
  readonly origin: string;
  readonly installationId: number;
  /** Verifier keys that the reader trusts for this log. */
  readonly vkeys: readonly string[];
  /** In the order of their sizes. */
  readonly checkpoints: readonly StoredCheckpoint[];
  /** Signed checkpoints that the reader got elsewhere. */
  readonly anchors?: readonly string[];
  /** Checkpoints with the time at which somebody else saw them, or why that is not known. */
  readonly stamps?: readonly StampedNote[];
  /** Leaves below were judged before: they are only hashed. */
  readonly since?: number;
  /** `tree`: hashes, tree and signatures only. */
  readonly depth?: 'tree' | 'all';
}

export interface LeavesToVerify extends LogToVerify {
  /** In leaf order. */
  readonly leaves: Iterable<SealedLeaf> | AsyncIterable<SealedLeaf>;
}

export interface LogVerdict {
  readonly verdict: 'intact' | ProblemKind;
  readonly problems: readonly Problem[];
  /** Leaves under the last checkpoint, and its root in hexadecimal. */
  readonly size: number;
  readonly root: string;
  /** Leaves that were read. */
  readonly leaves: number;
  /** Personal texts whose value was erased; their commitments stay. */
  readonly redacted: number;
}

/** At most so many problems are listed; the first one is what matters. */
const PROBLEM_LIMIT = 100;

/** Where the tree first left what was signed, so that the row can be found. */
export interface Divergence {
  /** Rows before `from` are as they were signed. */
  readonly from: number;
  readonly to: number;
  readonly root: BinaryHash;
  readonly before: GrowingTree;
  readonly actual: readonly BinaryHash[];
}

export interface LogVerifier {
  /** The next leaf by its bytes alone, with 0x00 before them. */
  addBytes(marked: Uint8Array): void;
  /** The next leaf with its texts; `marked` are its bytes with 0x00 before them. */
  add(leaf: SealedLeaf, marked?: Uint8Array): void;
  readonly divergence: Divergence | null;
  /** The roots of the perfect subtrees over what was added, the largest first. */
  frontier(): readonly BinaryHash[];
  report(problem: Problem): void;
  /** `read` false: the leaves could not be had at all, so that none of them is missing. */
  finish(read?: boolean): LogVerdict;
}

function valueAt(event: unknown, path: string): unknown {
  let at = event;
  for (const step of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = Reflect.get(at, step);
  }
  return at;
}

/** Every commitment in a body looks like this, as keys and values of texts are quoted there. */
const COMMITMENT = /\{"c":"[A-Za-z0-9+/]{43}="\}/g;

/** How many personal texts a body commits to. */
export function commitmentsIn(body: string): number {
  if (!body.includes('{"c":"')) return 0;
  return body.match(COMMITMENT)?.length ?? 0;
}

/** Reads a body; null when it is not an event of ours in its one canonical form. */
export function readEvent(body: string): AuditEvent | null {
  if (!fits(body)) return null;
  try {
    const value: unknown = JSON.parse(body);
    if (isEvent(value, body)) return value;
    const parsed = auditEventSchema.safeParse(value);
    return parsed.success && canonicalText(value) === body ? parsed.data : null;
  } catch {
    return null;
  }
}

/** The quick way: true only for what the slow one accepts as well (test/audit/shape.test.ts). */
function isEvent(value: unknown, body: string): value is AuditEvent {
  return value !== undefined && isEventText(body);
}

function fits(body: string): boolean {
  return (
    body.length <= BODY_LIMIT_BYTES &&
    (body.length * 3 <= BODY_LIMIT_BYTES || Buffer.byteLength(body, 'utf8') <= BODY_LIMIT_BYTES)
  );
}

/** A row's head, and the whole event where it is needed; null: it is no event of ours. */
function readRow(leaf: SealedLeaf): { head: EventHead; event: AuditEvent | null } | null {
  const { body, details } = leaf;
  const head = details.length === 0 && fits(body) ? readHead(body) : null;
  if (head?.standsAlone === true) return { head, event: null };
  const event = readEvent(body);
  return event === null ? null : { head: event, event };
}

/** Whether a text is the one that an event commits to at a path. */
export function isCommitted(event: AuditEvent, detail: Detail): boolean {
  const found = valueAt(event, detail.path);
  if (typeof found !== 'object' || found === null || Object.keys(found).length !== 1) return false;
  return Reflect.get(found, 'c') === commitTo(detail.salt, detail.value).c;
}

interface Walk {
  readonly log: LogToVerify;
  readonly heads: Heads;
  readonly history: History;
  report(problem: Problem): void;
}

/** Everything about one leaf beside its hash; answers its commitments. */
function checkLeaf(walk: Walk, index: number, leaf: SealedLeaf): number {
  const { log, history } = walk;
  if (index < (log.since ?? 0)) {
    const earlier = leaf.body.includes('"verdict":"allow"') ? readEvent(leaf.body) : null;
    if (earlier !== null) history.recall(index, earlier);
    return 0;
  }
  const tampered = (code: Problem['code'], message: string): void =>
    walk.report({ kind: 'tampered', code, leafIndex: index, message });
  const row = readRow(leaf);
  if (row === null) {
    tampered('event-invalid', `Leaf ${index} is not a canonical event of a known kind.`);
    return 0;
  }
  const { head, event } = row;
  if (head.installationId !== log.installationId) {
    tampered('event-misplaced', `Leaf ${index} belongs to another installation's log.`);
  }
  for (const problem of history.add(index, head, event)) tampered(problem.code, problem.message);
  for (const detail of leaf.details) {
    if (event !== null && isCommitted(event, detail)) continue;
    tampered('detail-differs', `The text ${detail.path} of leaf ${index} was changed.`);
  }
  const commitments = commitmentsIn(leaf.body);
  if (commitments === 0) return 0;
  const paths = new Set(leaf.details.map((detail) => detail.path));
  return Math.max(0, commitments - paths.size);
}

function reportEnd(walk: Walk, size: number): void {
  const last = walk.heads.own.at(-1);
  if (last !== undefined && size > last.size) {
    const message = `${size - last.size} rows are under no checkpoint yet.`;
    const code = 'leaves-unsealed';
    walk.report({ kind: 'unverifiable', code, leafIndex: last.size, message });
  }
  const furthest = walk.heads.marks.at(-1);
  if (furthest === undefined || size >= furthest.size) return;
  const whose = furthest.from === 'log' ? 'the last checkpoint' : 'an anchor';
  walk.report({
    kind: 'tampered',
    code: 'leaves-missing',
    leafIndex: size,
    message: `${furthest.size - size} rows are missing that ${whose} covers.`,
  });
}

/** Compares the tree with every signed root that it comes by. */
function createMarks(walk: Walk, tree: GrowingTree) {
  const { marks } = walk.heads;
  let next = 0;
  let since: BinaryHash[] = [];
  let good = tree.copy();
  let divergence: Divergence | null = null;

  function compare(mark: Heads['marks'][number]): void {
    const root = Buffer.from(mark.root).toString('latin1');
    if (tree.root() === root) return;
    if (divergence !== null) return;
    divergence = { from: good.size, to: mark.size, root, before: good, actual: since };
    const whose = mark.from === 'log' ? 'the checkpoint of that size' : 'an anchor of that size';
    walk.report({
      kind: 'tampered',
      code: mark.from === 'log' ? 'root-differs' : 'anchor-differs',
      leafIndex: good.size,
      message:
        `The first ${mark.size} rows are not those that ${whose} signed; ` +
        `the first ${good.size} are, so the first divergent row is ${good.size} or after it.`,
    });
  }

  return {
    divergence: (): Divergence | null => divergence,
    passed(leaf: BinaryHash): void {
      if (divergence === null) since.push(leaf);
      let reached = false;
      for (let mark = marks[next]; mark?.size === tree.size; mark = marks[next]) {
        compare(mark);
        next += 1;
        reached = true;
      }
      if (!reached || divergence !== null) return;
      since = [];
      good = tree.copy();
    },
  };
}

/** Names the row: the stored hashes must be those that were signed, then the first that differs. */
export function firstDivergent(
  { from, root, before, actual }: Divergence,
  stored: readonly BinaryHash[],
): number | null {
  const tree = before.copy();
  for (const leaf of stored) tree.add(leaf);
  if (tree.root() !== root) return null;
  const at = stored.findIndex((leaf, index) => leaf !== actual[index]);
  return at === -1 ? null : from + at;
}

function verdictOf(problems: readonly Problem[]): LogVerdict['verdict'] {
  if (problems.some((problem) => problem.kind === 'tampered')) return 'tampered';
  return problems.length > 0 ? 'unverifiable' : 'intact';
}

/** A verifier that is fed in leaf order; it keeps what lies between two checkpoints. */
export function createLogVerifier(log: LogToVerify): LogVerifier {
  const problems: Problem[] = [];
  const report = (problem: Problem): void => {
    if (problems.length < PROBLEM_LIMIT) problems.push(problem);
  };
  const heads = readHeads(log, report);
  const walk: Walk = { log, heads, history: createHistory(heads.own), report };
  const tree = createTree();
  const marks = createMarks(walk, tree);
  let redacted = 0;

  function grow(marked: Uint8Array): BinaryHash {
    const leaf = markedLeafHash(marked);
    tree.add(leaf);
    marks.passed(leaf);
    return leaf;
  }

  return {
    report,
    frontier: () => tree.frontier(),
    get divergence() {
      return marks.divergence();
    },
    addBytes(marked) {
      grow(marked);
    },
    add(leaf, marked = Buffer.from(`\u0000${leaf.body}`, 'utf8')) {
      const index = tree.size;
      const hash = grow(marked);
      if (leaf.storedHash !== undefined && leaf.storedHash !== hash) {
        const message = `The text of row ${index} is not the one whose hash was sealed with it.`;
        report({ kind: 'tampered', code: 'row-differs', leafIndex: index, message });
      }
      if (log.depth !== 'tree') redacted += checkLeaf(walk, index, leaf);
    },
    finish(read = true) {
      if (read) reportEnd(walk, tree.size);
      const last = heads.own.at(-1);
      return {
        verdict: verdictOf(problems),
        problems,
        size: last?.size ?? 0,
        root: Buffer.from(last?.root ?? new Uint8Array()).toString('hex'),
        leaves: tree.size,
        redacted,
      };
    },
  };
}

/** Verifies a log in one pass: hashes, tree, signatures, times, events, state machine. */
export async function verifyLog(log: LeavesToVerify): Promise<LogVerdict> {
  const verifier = createLogVerifier(log);
  for await (const leaf of log.leaves) verifier.add(leaf);
  return verifier.finish();
}
