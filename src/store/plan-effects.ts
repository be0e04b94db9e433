/** Which effects of a new decision enter the outbox, and which older ones it makes void. */
import type { Effect } from '../core/effect.ts';
import type { Subject } from '../core/subject.ts';
import { NOTES_PER_RUN, slotOf, stateOf } from './slots.ts';

/** An effect that is not at an end yet. */
export interface UnsentRow {
  readonly id: number;
  readonly slot: string;
  /** `stateOf` its effect. */
  readonly effectKey: string;
  /** `sending`: an attempt is under way, or was when the process died. */
  readonly status: 'pending' | 'sending';
}

/** What stands at GitHub in a slot, by our own writes. */
export interface WrittenRow {
  readonly slot: string;
  readonly effectKey: string;
  readonly times: number;
}

export interface PlannedEffect {
  readonly slot: string;
  readonly effectKey: string;
  readonly effect: Effect;
}

export interface WantedEffects {
  readonly effects: readonly Effect[];
  readonly subject: Subject;
  /** Somebody asked for the write itself: what stands is written again. */
  readonly anew: boolean;
}

export interface EffectPlan {
  readonly add: readonly PlannedEffect[];
  /** Rows that go on as they are, for they ask for exactly the same. */
  readonly keep: readonly number[];
  /** Unsent rows of older decisions: they must never leave. */
  readonly replace: readonly UnsentRow[];
}

/** Each slot once; of two effects for one slot the later counts. */
function bySlot(wanted: WantedEffects): ReadonlyMap<string, PlannedEffect> {
  const planned = wanted.effects.map((effect): PlannedEffect => {
    const slot = slotOf(effect, wanted.subject);
    return { slot, effectKey: stateOf(effect), effect };
  });
  return new Map(planned.map((row) => [row.slot, row]));
}

/**
 * An effect enters when its slot does not already show it. What shows is uncertain while another
 * effect of that slot is being sent, so it then enters as well. A run gets at most four notes.
 */
export function planEffects(
  wanted: WantedEffects,
  unsent: readonly UnsentRow[],
  written: readonly WrittenRow[],
): EffectPlan {
  const slots = bySlot(wanted);
  const same = (row: UnsentRow): boolean => slots.get(row.slot)?.effectKey === row.effectKey;
  const keep = unsent.filter(same);
  const replace = unsent.filter((row) => !same(row));
  const kept = new Set(keep.map((row) => row.slot));
  const unclear = new Set(replace.filter((row) => row.status === 'sending').map((row) => row.slot));
  const stands = new Map(written.map((row) => [row.slot, row]));
  const add = [...slots.values()].filter(({ slot, effectKey, effect }) => {
    if (kept.has(slot)) return false;
    const standing = stands.get(slot);
    if (effect.kind === 'deployment-note' && (standing?.times ?? 0) >= NOTES_PER_RUN) return false;
    // Nobody was told that it waits, so nobody is told that it is over.
    if ('over' in effect && effect.over && standing === undefined && !unclear.has(slot)) {
      return false;
    }
    const again = wanted.anew && effect.kind === 'check-run';
    return again || unclear.has(slot) || standing?.effectKey !== effectKey;
  });
  return { add, keep: keep.map((row) => row.id), replace };
}
