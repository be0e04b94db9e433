/** Counts over a period, taken row by row, so that any number of deployments fits in memory. */
import { createHash } from 'node:crypto';
import type { Exception, Severity } from './exceptions.ts';
import { type Disposition, hurryOf, type Person, type Settled, timeOf } from './row.ts';

const WEEK_MS = 7 * 86_400_000;
const DAY_MS = 86_400_000;
const SAMPLE_SIZE = 25;
/** Rows of each severity that a page shows. */
const SHOWN = 300;

/** The Monday week of a time. */
export function weekOf(atMs: number): number {
  // Day 0 was a Thursday.
  return Math.floor((atMs + 3 * DAY_MS) / WEEK_MS);
}

export interface ApproverFigures {
  login: string | null;
  approvals: number;
  grave: number;
  quick: number;
  readonly authors: Set<number | null>;
}

export interface PlaceFigures {
  readonly repo: string;
  readonly environment: string;
  readonly rules: Set<string>;
  judged: number;
  released: number;
  exceptions: number;
  firstLeaf: number;
  lastLeaf: number;
}

export interface Sampled {
  readonly rank: string;
  readonly row: Settled;
}

export interface Summary {
  readonly deployments: number;
  readonly released: number;
  readonly counts: Readonly<Record<Disposition, number>>;
  readonly weeks: ReadonlyMap<number, Readonly<Record<Disposition, number>>>;
  readonly exceptionWeeks: ReadonlyMap<number, Readonly<Record<Severity, number>>>;
  readonly exceptionTypes: ReadonlyMap<string, number>;
  readonly exceptions: number;
  /** At most 300 of each severity, in order of time. */
  readonly worst: readonly Exception[];
  /** Minutes from request to last approval, by blast radius. */
  readonly minutes: ReadonlyMap<string, readonly number[]>;
  readonly pairs: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly approvers: ReadonlyMap<number | null, Readonly<ApproverFigures>>;
  readonly places: readonly PlaceFigures[];
  readonly glass: readonly Settled[];
  /** Those that were refused or never released. */
  readonly unreleased: readonly Settled[];
  /** The first rows of the register, for pages. */
  readonly first: readonly Settled[];
  readonly sample: readonly Settled[];
}

export interface Summarizer {
  add(row: Settled, exceptions: readonly Exception[]): void;
  /** Exceptions that belong to no row of the register. */
  addOther(exceptions: readonly Exception[]): void;
  end(): Summary;
}

const NO_COUNTS = { approved: 0, by_policy: 0, break_glass: 0, none: 0, refused: 0, waiting: 0 };

const nameOf = (one: Person | null): string =>
  one === null ? 'unknown' : (one.login ?? `account ${one.id}`);

/** Keeps the rows with the smallest rank: an order that nobody can choose. */
export function createSample(seed: string, size: number = SAMPLE_SIZE) {
  let kept: Sampled[] = [];
  const trim = (): void => {
    kept = kept.toSorted((a, b) => (a.rank < b.rank ? -1 : 1)).slice(0, size);
  };
  return {
    add(row: Settled): void {
      const rank = createHash('sha256').update(`${seed}\n${row.eventId}`).digest('hex');
      kept.push({ rank, row });
      if (kept.length >= size * 4) trim();
    },
    rows(): readonly Settled[] {
      trim();
      return kept.map(({ row }) => row);
    },
  };
}

function createExceptionTally() {
  const weeks = new Map<number, Record<Severity, number>>();
  const types = new Map<string, number>();
  const worst: Record<Severity, Exception[]> = { high: [], medium: [], low: [] };
  let count = 0;
  return {
    add(one: Exception): void {
      const week = weeks.get(weekOf(one.atMs)) ?? { high: 0, medium: 0, low: 0 };
      week[one.severity] += 1;
      weeks.set(weekOf(one.atMs), week);
      types.set(one.type, (types.get(one.type) ?? 0) + 1);
      if (worst[one.severity].length < SHOWN) worst[one.severity].push(one);
      count += 1;
    },
    end: () => ({
      exceptionWeeks: weeks,
      exceptionTypes: types,
      exceptions: count,
      worst: [worst.high, worst.medium, worst.low].flatMap((rows) =>
        rows.toSorted((a, b) => a.atMs - b.atMs),
      ),
    }),
  };
}

function createPeople() {
  const pairs = new Map<string, Map<string, number>>();
  const approvers = new Map<number | null, ApproverFigures>();
  const minutes = new Map<string, number[]>();
  return {
    add(row: Settled): void {
      if (row.approvers.length > 0) {
        const last = row.approvers.reduce((most, { atMs }) => Math.max(most, atMs), 0);
        const waited = Math.max(0, (last - row.requestedAtMs) / 60_000);
        minutes.set(row.radius, minutes.get(row.radius) ?? []);
        minutes.get(row.radius)?.push(waited);
      }
      if (row.releasedAtMs === null) return;
      const grave = row.radius === 'high' || row.radius === 'critical';
      for (const one of row.approvers) {
        const fresh = { login: one.login, approvals: 0, grave: 0, quick: 0, authors: new Set() };
        const entry = approvers.get(one.id) ?? (fresh as ApproverFigures);
        approvers.set(one.id, entry);
        entry.login ??= one.login;
        entry.approvals += 1;
        if (grave) entry.grave += 1;
        if (grave && hurryOf(row, one) !== null) entry.quick += 1;
        for (const author of row.authors) {
          entry.authors.add(author?.id ?? null);
          const mine = pairs.get(nameOf(author)) ?? new Map<string, number>();
          pairs.set(nameOf(author), mine);
          mine.set(nameOf(one), (mine.get(nameOf(one)) ?? 0) + 1);
        }
      }
    },
    end: () => ({
      pairs,
      approvers,
      minutes: new Map(
        Array.from(minutes, ([radius, list]) => [radius, list.sort((a, b) => a - b)] as const),
      ),
    }),
  };
}

function createPlaces() {
  const places = new Map<string, PlaceFigures>();
  return {
    add(row: Settled, exceptions: number): void {
      const key = `${row.repo}\n${row.environment}`;
      const { repo, environment, leafIndex } = row;
      const entry = places.get(key) ?? {
        repo,
        environment,
        rules: new Set<string>(),
        judged: 0,
        released: 0,
        exceptions: 0,
        firstLeaf: leafIndex,
        lastLeaf: leafIndex,
      };
      places.set(key, entry);
      entry.judged += 1;
      if (row.releasedAtMs !== null) entry.released += 1;
      entry.exceptions += exceptions;
      entry.rules.add(row.rule ?? 'none: production by its name');
      entry.firstLeaf = Math.min(entry.firstLeaf, leafIndex);
      entry.lastLeaf = Math.max(entry.lastLeaf, leafIndex);
    },
    end: () =>
      [...places.values()].toSorted((a, b) =>
        `${a.repo}\n${a.environment}` < `${b.repo}\n${b.environment}` ? -1 : 1,
      ),
  };
}

/** Takes the rows of a period in their order; `seed` draws the sample. */
export function createSummary(seed: string): Summarizer {
  const counts = { ...NO_COUNTS };
  const weeks = new Map<number, Record<Disposition, number>>();
  const found = createExceptionTally();
  const people = createPeople();
  const places = createPlaces();
  const sample = createSample(seed);
  const lists = { glass: new Array<Settled>(), unreleased: new Array<Settled>() };
  const first: Settled[] = [];
  let [deployments, released] = [0, 0];
  return {
    add(row, exceptions) {
      deployments += 1;
      counts[row.disposition] += 1;
      const week = weeks.get(weekOf(timeOf(row))) ?? { ...NO_COUNTS };
      week[row.disposition] += 1;
      weeks.set(weekOf(timeOf(row)), week);
      for (const one of exceptions) found.add(one);
      people.add(row);
      places.add(row, exceptions.length);
      if (row.disposition === 'break_glass') lists.glass.push(row);
      if (row.releasedAtMs === null && lists.unreleased.length < SHOWN) lists.unreleased.push(row);
      if (first.length < SHOWN) first.push(row);
      if (row.releasedAtMs === null) return;
      released += 1;
      sample.add(row);
    },
    addOther(exceptions) {
      for (const one of exceptions) found.add(one);
    },
    end: () => ({
      deployments,
      released,
      counts,
      weeks,
      ...found.end(),
      ...people.end(),
      places: places.end(),
      ...lists,
      first,
      sample: sample.rows(),
    }),
  };
}
