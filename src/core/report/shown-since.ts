/**
 * Since when a check has shown on a pull request what was approved there: a decision names what it
 * shows, and the outcome of its check run is the moment at which GitHub had it.
 */
import type { DecisionMade, EffectOutcomeEvent } from '../audit/event.ts';

/** Decisions whose check runs are still looked for; an outcome comes seconds after its decision. */
const MOST_WAITING = 5_000;
/** Last hexadecimal digits of a commit and of a digest that tell two of them apart here. */
const DIGITS = 12;

export interface ShownSince {
  decided(event: DecisionMade): void;
  ended(event: EffectOutcomeEvent): void;
  /** The first time, in milliseconds; null: no event says so. */
  of(headSha: string, shown: string | null): number | null;
}

function keyOf(headSha: string, shown: string): string {
  return headSha.slice(-DIGITS) + shown.slice(-DIGITS);
}

export function createShownSince(): ShownSince {
  const waiting = new Map<string, readonly (readonly [headSha: string, shown: string])[]>();
  const since = new Map<string, number>();
  return {
    decided({ eventId, changes }) {
      const showing = changes.flatMap(({ headSha, shown }) =>
        shown === null ? [] : [[headSha, shown] as const],
      );
      if (showing.length === 0) return;
      waiting.set(eventId, showing);
      const [oldest] = waiting.keys();
      if (waiting.size > MOST_WAITING && oldest !== undefined) waiting.delete(oldest);
    },
    ended({ outcome, effect, links, source, recordedAtMs }) {
      if (outcome !== 'done' || effect.kind !== 'check-run') return;
      const showing = waiting.get(links.decision) ?? [];
      const atMs = source.githubAtMs ?? recordedAtMs;
      for (const [headSha, shown] of showing) {
        if (!effect.key.includes(`:${headSha}:`)) continue;
        const key = keyOf(headSha, shown);
        since.set(key, Math.min(atMs, since.get(key) ?? atMs));
      }
    },
    of: (headSha, shown) => (shown === null ? null : (since.get(keyOf(headSha, shown)) ?? null)),
  };
}
