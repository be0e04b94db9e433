/**
 * Whether a set of people satisfies `teams`, `allOf` and `anyOf`: each entry needs a different
 * person, so this is a matching of slots to people and not a count per team.
 */
import type { TeamRule } from '../policy.ts';

/** One person that a rule asks for: of one of these teams, or (null) anyone with write access. */
export type Slot = readonly string[] | null;

export interface Approver {
  readonly id: number;
  readonly teams: readonly string[];
}

/** More alternatives than this are no rule that a person could check by reading it. */
const MAX_ALTERNATIVES = 64;

/** The slots that are left empty in the best alternative; empty: the rule is satisfied. */
export function missingSlots(rule: TeamRule, people: readonly Approver[]): readonly Slot[] {
  let best: readonly Slot[] | null = null;
  for (const slots of alternatives(rule)) {
    const missing = unmatched(slots, people);
    if (best === null || missing.length < best.length) best = missing;
  }
  return best ?? [null];
}

/** Every way to satisfy a rule, each as the list of people that it asks for. */
export function alternatives(rule: TeamRule): readonly (readonly Slot[])[] {
  let all: readonly (readonly Slot[])[] = [rule.teams === undefined ? [] : [rule.teams]];
  for (const entry of rule.allOf ?? []) {
    const options = alternatives(entry).map((slots) => (slots.length === 0 ? [null] : slots));
    all = all.flatMap((slots) => options.map((more) => [...slots, ...more]));
    assertReadable(all.length);
  }
  if (rule.anyOf !== undefined && rule.anyOf.length > 0) {
    const options = rule.anyOf.flatMap(alternatives);
    all = all.flatMap((slots) => options.map((more) => [...slots, ...more]));
    assertReadable(all.length);
  }
  return all;
}

function assertReadable(count: number): void {
  if (count > MAX_ALTERNATIVES) {
    throw new RangeError(`a review rule has more than ${MAX_ALTERNATIVES} alternatives`);
  }
}

/** Kuhn's augmenting paths; slots and people are few. */
function unmatched(slots: readonly Slot[], people: readonly Approver[]): readonly Slot[] {
  const slotOf = new Map<number, number>();
  return slots.filter((_, index) => !place(index, new Set()));

  function place(index: number, tried: Set<number>): boolean {
    const slot = slots[index];
    if (slot === undefined) return false;
    for (const person of people) {
      if (tried.has(person.id) || !fits(slot, person)) continue;
      tried.add(person.id);
      const held = slotOf.get(person.id);
      if (held === undefined || place(held, tried)) {
        slotOf.set(person.id, index);
        return true;
      }
    }
    return false;
  }
}

/** Whether a person can take a slot; team names compare without case, as GitHub's slugs do. */
export function fits(slot: Slot, person: Approver): boolean {
  return slot === null || inTeams(slot, person);
}

export function inTeams(teams: readonly string[], person: Approver): boolean {
  return teams.some((team) => person.teams.some((own) => own.toLowerCase() === team.toLowerCase()));
}
