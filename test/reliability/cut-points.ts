/** Every point at which the line can be cut, made from plays without a cut. */
import { type Cut, REQUEST_CUTS, WIRE_CUTS } from './cut-play.ts';

/** What one play and one start without a cut did. */
export interface Counted {
  readonly work: readonly string[];
  readonly start: readonly string[];
  readonly requests: readonly string[];
}

/**
 * What the clock alone starts comes now and then: beats, the search for the dead, sealing, looks at the
 * queue, tokens that have run out. Each of these is cut at its first time, when there is one; a play
 * may end without it.
 */
const TOKEN = 'apps/create-installation-access-token';
const BY_CLOCK =
  /^sealer: |_private_|tagout\.replica|tagout\.anchor_place|^select distinct subject_key/;
/** A transaction's begin does nothing, and the driver reads types once per connection. */
const NO_STEP = /^(sealer: )?begin$|pg_catalog\.pg_type/;

/** Whether the clock brings this statement or request, so that not every play has it. */
function isByClock(step: string): boolean {
  return BY_CLOCK.test(step) || step === TOKEN;
}

/** Whether every play comes by the cut's point, so that a play that does not is an error. */
export function comesAlways(cut: Cut): boolean {
  return !isByClock('statement' in cut ? cut.statement : cut.operation);
}

function times(list: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const one of list) {
    if (NO_STEP.test(one)) continue;
    counts.set(one, isByClock(one) ? 1 : (counts.get(one) ?? 0) + 1);
  }
  return counts;
}

function each(list: readonly string[]): readonly (readonly [string, number])[] {
  return [...times(list)].flatMap(([name, count]) =>
    Array.from({ length: count }, (_, at) => [name, at + 1] as const),
  );
}

/**
 * What is tried at each point: at the first time of a statement or request every kind of cut, at its
 * later times (the same step about another event) the kinds in turn by the seed.
 */
export function chosen(points: readonly (readonly Cut[])[], seed: number): readonly Cut[] {
  return points.flatMap((kinds, at) =>
    kinds[0]?.nth === 1 ? kinds : (kinds[(seed + at) % kinds.length] ?? []),
  );
}

/** All kinds of cuts at every point, those of one point together. */
export function cutsOf({ work, start, requests }: Counted): readonly (readonly Cut[])[] {
  const wire = (during: 'work' | 'start', list: readonly string[]): readonly (readonly Cut[])[] =>
    each(list).map(([statement, nth]) =>
      (['before', 'after'] as const).flatMap((when) =>
        WIRE_CUTS.map((how) => ({ statement, nth, when, how, during })),
      ),
    );
  const known = new Set(work);
  return [
    ...wire(
      'work',
      work.filter((one) => !one.includes('tagout.replica') && !one.startsWith('with dead')),
    ),
    ...wire(
      'start',
      start.filter((one) => !known.has(one)),
    ),
    ...each(requests).map(([operation, nth]) =>
      REQUEST_CUTS.map((how): Cut => ({ operation, nth, how })),
    ),
  ];
}
