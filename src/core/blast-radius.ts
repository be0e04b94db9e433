/** The blast radius: its order, its table, and how findings become one. DECISION.md holds the rows. */
import type { BlastRadius, Finding } from './findings.ts';

/** From the smallest to the largest. */
export const radii: readonly BlastRadius[] = ['low', 'medium', 'high', 'critical'];

/** Whether a radius is the floor or above it. */
export function atLeast(radius: BlastRadius, floor: BlastRadius): boolean {
  return radii.indexOf(radius) >= radii.indexOf(floor);
}

/** The larger of two. */
export function maxRadius(one: BlastRadius, other: BlastRadius): BlastRadius {
  return atLeast(one, other) ? one : other;
}

/** The largest radius of the findings; a change without any finding is low. */
export function radiusOf(findings: readonly Finding[]): BlastRadius {
  return findings.reduce<BlastRadius>((radius, { radius: next }) => maxRadius(radius, next), 'low');
}

/** A table is large from this many rows on: a rewrite or a blocking lock there is high. */
export const largeTableRows = 10_000;
