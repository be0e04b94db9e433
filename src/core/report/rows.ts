/** Rows of the register in an order of their own, made one at a time from wherever they are kept. */
import { byTime, type Outcome, settled } from './ledger.ts';
import type { Deployment, Settled } from './row.ts';

export interface Rows extends Iterable<Settled> {
  readonly length: number;
  /** Throws RangeError where there is no such row. */
  at(index: number): Settled;
  /** The row whose decision is this leaf; null: there is none. */
  ofLeaf(leafIndex: number): Settled | null;
}

/** Deployments by the time of release or, unreleased, of first decision; `read` gets what was kept. */
export function rowsOf<T>(outcomes: readonly Outcome<T>[], read: (value: T) => Deployment): Rows {
  const inOrder = outcomes.toSorted(byTime);
  const make = (outcome: Outcome<T>): Settled => settled(read(outcome.value), outcome);
  return {
    length: inOrder.length,
    at(index) {
      const outcome = inOrder[index];
      if (outcome === undefined) throw new RangeError(`There is no row ${index}.`);
      return make(outcome);
    },
    ofLeaf(leafIndex) {
      const outcome = inOrder.find((one) => one.leafIndex === leafIndex);
      return outcome === undefined ? null : make(outcome);
    },
    *[Symbol.iterator]() {
      for (const outcome of inOrder) yield make(outcome);
    },
  };
}

/** Some of the rows, by their places in all of them. */
export function partOf(rows: Rows, places: Uint32Array): Rows {
  const placeOf = (index: number): number => {
    const place = places[index];
    if (place === undefined) throw new RangeError(`There is no row ${index}.`);
    return place;
  };
  return {
    length: places.length,
    at: (index) => rows.at(placeOf(index)),
    ofLeaf: (leafIndex) => rows.ofLeaf(leafIndex),
    *[Symbol.iterator]() {
      for (const place of places) yield rows.at(place);
    },
  };
}
