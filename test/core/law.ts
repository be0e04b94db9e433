/** How a law is tested: some cases in `npm test`, thousands with `node test/soak/laws.ts`. */
import { test } from 'node:test';
import fc from 'fast-check';

/** Printed with every law and set with TAGOUT_SEED, so that a failure can be played again. */
export const SEED: number = Number(process.env['TAGOUT_SEED'] ?? 20_261_123);

/** How many cases each law draws: `quick`, or as many as the soak asks for. */
export function runsOf(quick: number): number {
  return Number(process.env['TAGOUT_LAW_RUNS'] ?? quick);
}

/** A test that a law holds for every value drawn. */
export function law<T>(name: string, values: fc.Arbitrary<T>, holds: (value: T) => void): void {
  test(`${name} (seed ${SEED})`, () => {
    fc.assert(fc.property(values, holds), { seed: SEED, numRuns: runsOf(500) });
  });
}
