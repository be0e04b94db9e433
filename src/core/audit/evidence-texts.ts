/**
 * Evidence as it is stored: personal texts are salted commitments, and their values lie beside it,
 * so that one can be erased and the rest still proves what was judged.
 */
import { canonicalText, sha256Hex } from '../canonical.ts';
import { commitTo } from './scribe.ts';

export interface EvidenceText {
  /** Base64, as it stands in the stored text. */
  readonly commitment: string;
  readonly salt: Uint8Array;
  readonly value: string;
}

export interface StoredEvidence {
  /** The exact RFC 8785 text. */
  readonly body: string;
  readonly sha256: string;
  readonly texts: readonly EvidenceText[];
}

/**
 * Fields that hold what a person or an agent wrote: names, addresses, titles, comments, and content
 * with literals in it. A name counts as a person's only beside an e-mail address.
 */
const PERSONAL: ReadonlySet<string> = new Set([
  'login',
  'email',
  'title',
  'body',
  'message',
  'headRef',
  'patch',
  'before',
  'after',
  'sql',
  'down',
  'text',
]);

function isPersonal(key: string, owner: object): boolean {
  return PERSONAL.has(key) || (key === 'name' && 'email' in owner);
}

/** Puts commitments in the place of personal texts; equal texts share one. */
export function sealEvidence(evidence: unknown, salt: () => Uint8Array): StoredEvidence {
  const texts = new Map<string, EvidenceText>();

  function commit(value: string): { readonly c: string } {
    // NUL cannot be stored, and a lone surrogate has no bytes: such a text is kept as JSON.
    const kept = value.isWellFormed() && !value.includes('\u0000') ? value : JSON.stringify(value);
    const known = texts.get(kept);
    if (known !== undefined) return { c: known.commitment };
    const fresh = salt();
    const { c: commitment } = commitTo(fresh, kept);
    texts.set(kept, { commitment, salt: fresh, value: kept });
    return { c: commitment };
  }

  const body = canonicalText(evidence, (key, text, owner) =>
    text !== '' && isPersonal(key, owner) ? commit(text) : text,
  );
  return { body, sha256: sha256Hex(body), texts: [...texts.values()] };
}

export interface OpenedEvidence {
  readonly value: unknown;
  /** Places whose text is erased: then nothing can be judged again. */
  readonly redacted: number;
}

function commitmentOf(value: object): string | null {
  if (!('c' in value) || typeof value.c !== 'string') return null;
  return Object.keys(value).length === 1 && /^[A-Za-z0-9+/]{43}=$/.test(value.c) ? value.c : null;
}

/** The evidence as it was judged, as far as its texts are still there. */
export function openEvidence(stored: StoredEvidence): OpenedEvidence {
  const texts = new Map(stored.texts.map((text) => [text.commitment, text]));
  let redacted = 0;

  function opened(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(opened);
    if (typeof value !== 'object' || value === null) return value;
    const commitment = commitmentOf(value);
    if (commitment === null) {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, opened(inner)]));
    }
    const text = texts.get(commitment);
    if (text !== undefined && commitTo(text.salt, text.value).c === commitment) return text.value;
    redacted += 1;
    return value;
  }

  return { value: opened(JSON.parse(stored.body)), redacted };
}

/** What a replay can say of a recorded decision. */
export type ReplayVerdict =
  | { readonly verdict: 'same' | 'different' }
  | { readonly verdict: 'not replayable'; readonly redacted: number };

/** The sentence for a reader. */
export function replayWords(replay: ReplayVerdict): string {
  if (replay.verdict !== 'not replayable') return replay.verdict;
  const fields = replay.redacted === 1 ? '1 field' : `${replay.redacted} fields`;
  return `not replayable, ${fields} redacted`;
}

/**
 * Judges stored evidence again. `judge` gives the decision of an evidence value, and only whole
 * evidence reaches it; an erased text never looks like another outcome.
 */
export function replayStored<T>(
  stored: StoredEvidence,
  recorded: { readonly judged: string; readonly same: (decision: T) => boolean },
  judge: (evidence: unknown) => T,
): ReplayVerdict {
  const { value, redacted } = openEvidence(stored);
  if (redacted > 0) return { verdict: 'not replayable', redacted };
  if (sha256Hex(canonicalText(value)) !== recorded.judged) return { verdict: 'different' };
  return { verdict: recorded.same(judge(value)) ? 'same' : 'different' };
}
