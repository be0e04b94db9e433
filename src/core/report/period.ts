/** The part of a record that a report is about, with its exceptions, counts and sample. */
import { environmentKey } from '../subject.ts';
import type { Collected, Gathered } from './collect.ts';
import { type Exception, exceptionsOf, otherExceptions } from './exceptions.ts';
import {
  type Difference,
  differencesOf,
  type LoggedPlace,
  type Outages,
  placeOf,
  type Population,
  type PopulationRow,
} from './population.ts';
import { type Settled, timeOf } from './row.ts';
import { createSample, createSummary, type Summary } from './summary.ts';

export interface Wish {
  readonly fromMs: number | null;
  /** The first moment that is out. */
  readonly toMs: number | null;
  readonly repo: string | null;
}

/** The comparison with GitHub, over a period. */
export interface Compared {
  /** Null: GitHub was not asked and nothing of it is archived. */
  readonly population: Population | null;
  readonly differences: readonly Difference[];
  /** GitHub's row of a deployment of the log, or null. */
  github(row: { repo: string; environment: string; sha: string }): PopulationRow | null;
}

/** What pages and papers need of a period. */
export interface Told extends Compared {
  readonly summary: Summary;
  readonly seed: string;
}

export interface Period extends Told {
  readonly deployments: readonly Settled[];
  readonly exceptions: readonly Exception[];
  readonly byLeaf: ReadonlyMap<number, readonly string[]>;
  readonly counts: Summary['counts'];
  readonly sample: readonly Settled[];
}

export type Within = (atMs: number, repo: string) => boolean;

/** Whether something lies in the period and repository that is asked for. */
export function withinOf({ fromMs, toMs, repo }: Wish): Within {
  return (atMs, where) =>
    (fromMs === null || atMs >= fromMs) &&
    (toMs === null || atMs < toMs) &&
    (repo === null || where.toLowerCase() === repo.toLowerCase());
}

/** The rows that the seed draws: by SHA-256 of the seed and the event. */
export function drawSample(rows: readonly Settled[], seed: string): readonly Settled[] {
  const sample = createSample(seed);
  for (const row of rows) sample.add(row);
  return sample.rows();
}

const HOUR_MS = 3_600_000;
/** A log that is silent for so long while GitHub goes on deploying was not being written. */
const SILENCE_HOURS = 2;

/** Hours without any event between the first and the last, and what could not be judged. */
export function outagesOf({ hours, incidents }: Pick<Gathered, 'hours' | 'incidents'>): Outages {
  const known = [...hours.keys()].toSorted((a, b) => a - b);
  const silences = known.flatMap((hour, at) => {
    const next = known[at + 1];
    if (next === undefined || next - hour < SILENCE_HOURS) return [];
    return [{ fromMs: (hour + 1) * HOUR_MS, toMs: next * HOUR_MS }];
  });
  const failures = incidents
    .filter(({ kind }) => kind === 'judge.failed')
    .map(({ atMs }) => ({ fromMs: atMs - HOUR_MS, toMs: atMs }));
  return { spans: [...silences, ...failures] };
}

/** Compares what lies in the period with GitHub's list; `places` are of the whole log. */
export function compareWith(
  places: readonly LoggedPlace[],
  population: Population | null,
  about: { readonly within: Within; readonly gathered: Gathered },
): Compared {
  if (population === null) return { population: null, differences: [], github: () => null };
  const { within, gathered } = about;
  const guardedSince = new Map<string, number>();
  for (const { repo, environment, atMs } of places) {
    const key = `${repo.toLowerCase()}\n${environmentKey(environment)}`;
    guardedSince.set(key, Math.min(atMs, guardedSince.get(key) ?? atMs));
  }
  const all = new Map(population.deployments.map((row) => [placeOf(row), row]));
  const outages = outagesOf(gathered);
  const endMs = gathered.lastMs ?? 0;
  const differences = differencesOf(places, population, { guardedSince, outages, endMs }).filter(
    (row) => within(row.atMs, row.repo),
  );
  const deployments = population.deployments.filter((row) => within(row.createdAtMs, row.repo));
  const part = { ...population, deployments };
  return { population: part, differences, github: (row) => all.get(placeOf(row)) ?? null };
}

/** What the comparison needs of a row. */
export function loggedPlace(row: Settled): LoggedPlace {
  const { repo, environment, sha, firstDecidedAtMs, releasedAtMs, deploymentId } = row;
  return { repo, environment, sha, atMs: firstDecidedAtMs, releasedAtMs, deploymentId };
}

/** Rows between two steps: a few milliseconds of work. */
const STEP_ROWS = 2_000;

interface PeriodAsked {
  readonly seed: string;
  readonly population: Population | null;
}

/** `periodOf` in steps, so that a server can do something else between them. */
export function* periodInSteps(
  collected: Collected,
  wish: Wish,
  about: PeriodAsked,
): Generator<void, Period, undefined> {
  const within = withinOf(wish);
  const deployments = collected.deployments
    .filter((row) => within(timeOf(row), row.repo))
    .toSorted((a, b) => timeOf(a) - timeOf(b) || a.leafIndex - b.leafIndex);
  yield;
  const places = about.population === null ? [] : collected.deployments.map(loggedPlace);
  const compared = compareWith(places, about.population, { within, gathered: collected });
  yield;
  const summarizer = createSummary(about.seed);
  const exceptions: Exception[] = [];
  const byLeaf = new Map<number, readonly string[]>();
  for (const [at, row] of deployments.entries()) {
    if (at % STEP_ROWS === STEP_ROWS - 1) yield;
    const found = exceptionsOf(row);
    summarizer.add(row, found);
    exceptions.push(...found);
    if (found.length > 0) byLeaf.set(row.leafIndex, typesOf(found));
  }
  yield;
  const others = otherExceptions(collected, compared.differences, within);
  summarizer.addOther(others);
  exceptions.push(...others);
  const summary = summarizer.end();
  const { counts, sample } = summary;
  return {
    ...compared,
    deployments,
    exceptions,
    byLeaf,
    counts,
    sample,
    seed: about.seed,
    summary,
  };
}

function typesOf(exceptions: readonly Exception[]): readonly string[] {
  return exceptions.map(({ type }) => type);
}

/** The record's part for a wish, by the time of release or, unreleased, of the first decision. */
export function periodOf(collected: Collected, wish: Wish, about: PeriodAsked): Period {
  const steps = periodInSteps(collected, wish, about);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Differences that nothing explains. */
export function unexplained(differences: readonly Difference[]): number {
  return differences.filter(({ cause }) => cause === 'unexplained').length;
}

/** The five numbers that stand first in every report. */
export function headline(told: Told): readonly (readonly [string, string])[] {
  const { summary, population, differences } = told;
  const { counts, released } = summary;
  return [
    ['Deployments to production', String(released)],
    ['With counted human approval', String(counts.approved)],
    ['By break glass', String(counts.break_glass)],
    ['Without any approval', String(counts.none + counts.by_policy)],
    [
      'Unexplained differences to GitHub',
      population === null ? 'not compared' : String(unexplained(differences)),
    ],
  ];
}
