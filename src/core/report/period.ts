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
import { type Disposition, type Settled, timeOf } from './row.ts';
import { partOf, type Rows } from './rows.ts';
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
  /** The record's last time: what is due later than this is not overdue. */
  readonly asOfMs: number;
  /** Where people open GitHub's pages, without a slash at its end; null: not known, so no links. */
  readonly webUrl: string | null;
}

export interface Period extends Told {
  readonly deployments: Rows;
  /** Of each deployment, in the same order: what a register is filtered by. */
  readonly marks: readonly RowMark[];
  /** Exceptions that belong to no deployment. */
  readonly others: readonly Exception[];
}

export interface RowMark {
  readonly disposition: Disposition;
  readonly agents: readonly string[];
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
export function drawSample(rows: Iterable<Settled>, seed: string): readonly Settled[] {
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
const STEP_ROWS = 500;

interface PeriodAsked {
  readonly seed: string;
  readonly population: Population | null;
  readonly webUrl?: string | null;
}

/** One value for all rows that are marked alike. */
function createMarks() {
  const known = new Map<string, RowMark>();
  return ({ disposition, agents }: Settled): RowMark => {
    const key = [disposition, ...agents].join('\n');
    const mark = known.get(key) ?? { disposition, agents };
    known.set(key, mark);
    return mark;
  };
}

/** `periodOf` in steps, so that a server can do something else between them. */
export function* periodInSteps(
  collected: Collected,
  wish: Wish,
  about: PeriodAsked,
): Generator<void, Period, undefined> {
  const within = withinOf(wish);
  const { seed, population, webUrl = null } = about;
  const asOfMs = collected.lastMs ?? 0;
  const places = population === null ? [] : Array.from(collected.deployments, loggedPlace);
  const compared = compareWith(places, population, { within, gathered: collected });
  yield;
  const summarizer = createSummary(seed);
  const markOf = createMarks();
  const [inside, marks]: [number[], RowMark[]] = [[], []];
  let at = 0;
  for (const row of collected.deployments) {
    if (at % STEP_ROWS === STEP_ROWS - 1) yield;
    if (within(timeOf(row), row.repo)) {
      summarizer.add(row, exceptionsOf(row, asOfMs));
      inside.push(at);
      marks.push(markOf(row));
    }
    at += 1;
  }
  yield;
  const others = otherExceptions(collected, compared.differences, within);
  summarizer.addOther(others);
  const deployments = partOf(collected.deployments, Uint32Array.from(inside));
  const summary = summarizer.end();
  return { ...compared, deployments, marks, others, seed, summary, asOfMs, webUrl };
}

/** Every exception of a period: those of its deployments in their order, then the others. */
export function* exceptionsIn(period: Period): Generator<Exception, void, undefined> {
  for (const row of period.deployments) yield* exceptionsOf(row, period.asOfMs);
  yield* period.others;
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
