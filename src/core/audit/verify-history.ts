/**
 * What a log's events must be to each other: unique, in their time, and no release without reason.
 */
import type { AuditEvent, DecisionMade, EffectOutcomeEvent } from './event.ts';

export interface HistoryProblem {
  readonly code: 'event-repeated' | 'time-outside' | 'release-unfounded' | 'release-unsealed';
  readonly message: string;
}

export interface History {
  /** Takes the next event in leaf order. */
  add(index: number, event: AuditEvent): readonly HistoryProblem[];
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

/** What is kept of a decision until its release comes. */
interface Founded {
  readonly index: number;
  readonly allows: boolean;
  readonly subject: string;
}

function subjectOf(event: DecisionMade | EffectOutcomeEvent): string {
  return JSON.stringify(event.subject);
}

function allows(event: DecisionMade): boolean {
  const unmet = event.decision.needed.some((row) => row.counted < row.count);
  const objections = event.decision.opinions.some((row) => row.verdict !== 'allow');
  return event.decision.verdict === 'allow' && !unmet && !objections;
}

function isRelease(event: AuditEvent): event is EffectOutcomeEvent {
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

function checkTime(heads: readonly Head[], index: number, event: AuditEvent): boolean {
  const at = covering(heads, index);
  const [before, cover] = [heads[at - 1], heads[at]];
  if (cover === undefined) return true;
  const after = (before?.sealedMs ?? 0) - TIME_TOLERANCE_MS;
  return event.recordedAtMs >= after && event.recordedAtMs <= cover.sealedMs + TIME_TOLERANCE_MS;
}

/** A history that is fed in leaf order; it keeps one small entry per deployment decision. */
export function createHistory(heads: readonly Head[]): History {
  const seen = new Set<string>();
  const decisions = new Map<string, Founded>();

  function checkRelease(index: number, event: EffectOutcomeEvent): readonly HistoryProblem[] {
    const decision = decisions.get(event.links.decision);
    if (decision === undefined || !decision.allows || decision.subject !== subjectOf(event)) {
      const message = `Leaf ${index} releases a deployment that no earlier decision allowed.`;
      return [{ code: 'release-unfounded', message }];
    }
    const cover = heads[covering(heads, decision.index)];
    // With no checkpoint at all nothing can be said, and that is reported by itself.
    if (heads.length === 0 || (cover !== undefined && cover.size <= index)) return [];
    const message = `Leaf ${index} says that a release left before its decision was sealed.`;
    return [{ code: 'release-unsealed', message }];
  }

  return {
    add(index, event) {
      const problems: HistoryProblem[] = [];
      for (const key of [event.eventId, `key ${event.dedupeKey}`]) {
        if (seen.has(key)) {
          problems.push({ code: 'event-repeated', message: `Leaf ${index} was recorded before.` });
        }
        seen.add(key);
      }
      if (!checkTime(heads, index, event)) {
        const message = `The time of leaf ${index} is outside its checkpoint's window.`;
        problems.push({ code: 'time-outside', message });
      }
      if (event.kind === 'decision.made' && event.subject?.kind === 'deployment') {
        const entry = { index, allows: allows(event), subject: subjectOf(event) };
        decisions.set(event.eventId, entry);
      }
      if (isRelease(event)) problems.push(...checkRelease(index, event));
      return problems;
    },
  };
}
