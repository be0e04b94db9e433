/**
 * What a log's events must be to each other: unique, in their time, and no release without reason.
 */
import type { AuditEvent, DecisionMade, EffectOutcomeEvent } from './event.ts';
import type { EventHead } from './event-shape.ts';
import { createSeen } from './seen.ts';

export interface HistoryProblem {
  readonly code: 'event-repeated' | 'time-outside' | 'release-unfounded' | 'release-unsealed';
  readonly message: string;
}

export interface History {
  /** Takes the next event in leaf order; null: one that decides and releases nothing. */
  add(index: number, head: EventHead, event: AuditEvent | null): readonly HistoryProblem[];
  /** Takes an event that the reader has judged before, only for what comes after it. */
  recall(index: number, event: AuditEvent): void;
}

interface Head {
  readonly size: number;
  readonly sealedMs: number;
}

/**
 * An event may be written down up to the longest transaction before it is seen, and clocks of two
 * machines differ a little.
 */
const TIME_TOLERANCE_MS = 30_000;

/** Opinions that release without the counted reviews of every pull request in the range. */
const EXCUSES: ReadonlySet<string> = new Set([
  'accepted',
  'break-glass',
  'break-glass-over',
  'nothing-new',
  'rollback-allowed',
  'rollback-approved',
]);

/** What is kept of a decision until its release comes. */
interface Founded {
  readonly index: number;
  readonly subject: string;
}

function subjectOf({ subject }: DecisionMade | EffectOutcomeEvent): string {
  if (subject === null) return '';
  const { kind, key, sha, runId, runAttempt, environment, deploymentId } = subject;
  return `${kind}\n${key}\n${sha}\n${runId}\n${runAttempt}\n${environment}\n${deploymentId}`;
}

/** Whether a decision says by itself why its deployment may be released. */
export function allows(event: DecisionMade): boolean {
  const { verdict, opinions, needed, counted } = event.decision;
  if (verdict !== 'allow' || opinions.some((row) => row.verdict !== 'allow')) return false;
  if (opinions.some((row) => EXCUSES.has(row.code))) return true;
  const cut = event.cuts.some((row) => row.path === 'decision.counted' || row.path === '…');
  const met = needed.length > 0 && needed.every((row) => row.counted >= row.count);
  return met && (counted.length > 0 || cut);
}

/** Whether an event says that GitHub took our release of a deployment. */
export function isRelease(event: AuditEvent): event is EffectOutcomeEvent {
  return (
    event.kind === 'effect.outcome' &&
    event.outcome === 'done' &&
    event.effect.kind === 'review-deployment' &&
    event.effect.state === 'approved'
  );
}

/** The first checkpoint that covers a leaf. */
function covering(heads: readonly Head[], index: number): number {
  let [low, high] = [0, heads.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((heads[middle]?.size ?? 0) > index) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Leaves come in order, so the checkpoint that covers the last one is nearly always right. */
function createCover(heads: readonly Head[]): (index: number) => number {
  let at = 0;
  return (index) => {
    while (at < heads.length && (heads[at]?.size ?? 0) <= index) at += 1;
    return at;
  };
}

/** A history that is fed in leaf order; it keeps one small entry per allowed deployment. */
export function createHistory(heads: readonly Head[]): History {
  const seen = createSeen();
  const decisions = new Map<string, Founded>();
  const coverOf = createCover(heads);

  function inTime(index: number, event: EventHead): boolean {
    const at = coverOf(index);
    const [before, cover] = [heads[at - 1], heads[at]];
    if (cover === undefined) return true;
    const after = (before?.sealedMs ?? 0) - TIME_TOLERANCE_MS;
    return event.recordedAtMs >= after && event.recordedAtMs <= cover.sealedMs + TIME_TOLERANCE_MS;
  }

  function checkRelease(index: number, event: EffectOutcomeEvent): HistoryProblem | null {
    const decision = decisions.get(event.links.decision);
    if (decision === undefined || decision.subject !== subjectOf(event)) {
      const message = `Leaf ${index} releases a deployment that no earlier decision allowed.`;
      return { code: 'release-unfounded', message };
    }
    const cover = heads[covering(heads, decision.index)];
    // With no checkpoint at all nothing can be said, and that is reported by itself.
    if (heads.length === 0 || (cover !== undefined && cover.size <= index)) return null;
    const message = `Leaf ${index} says that a release left before its decision was sealed.`;
    return { code: 'release-unsealed', message };
  }

  function recall(index: number, event: AuditEvent): void {
    if (event.kind !== 'decision.made' || event.subject?.kind !== 'deployment') return;
    if (allows(event)) decisions.set(event.eventId, { index, subject: subjectOf(event) });
  }

  return {
    recall,
    add(index, head, event) {
      const problems: HistoryProblem[] = [];
      const [fresh, first] = [seen.add(head.eventId), seen.add(`key ${head.dedupeKey}`)];
      if (!fresh || !first) {
        problems.push({ code: 'event-repeated', message: `Leaf ${index} was recorded before.` });
      }
      if (!inTime(index, head)) {
        const message = `The time of leaf ${index} is outside its checkpoint's window.`;
        problems.push({ code: 'time-outside', message });
      }
      if (event !== null) recall(index, event);
      const unfounded = event !== null && isRelease(event) ? checkRelease(index, event) : null;
      return unfounded === null ? problems : [...problems, unfounded];
    },
  };
}
