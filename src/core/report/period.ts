/** The part of a record that a report is about, with its exceptions, counts and sample. */
import { createHash } from 'node:crypto';
import type { Collected } from './collect.ts';
import { type Exception, exceptionsOf } from './exceptions.ts';
import { type Disposition, type Settled, timeOf } from './row.ts';

/** What GitHub itself says was deployed; null: it was not asked. */
export interface PopulationRow {
  readonly repo: string;
  readonly environment: string;
  readonly deploymentId: number;
  readonly sha: string;
  readonly createdAtMs: number;
  readonly state: string;
}

export interface Wish {
  readonly fromMs: number | null;
  /** The first moment that is out. */
  readonly toMs: number | null;
  readonly repo: string | null;
}

export interface Difference {
  readonly side: 'github-only' | 'log-only';
  readonly repo: string;
  readonly environment: string;
  readonly deploymentId: number | null;
  readonly sha: string;
  readonly atMs: number;
}

export interface Period {
  readonly deployments: readonly Settled[];
  readonly exceptions: readonly Exception[];
  readonly byLeaf: ReadonlyMap<number, readonly string[]>;
  readonly counts: Readonly<Record<Disposition, number>>;
  readonly population: readonly PopulationRow[] | null;
  readonly differences: readonly Difference[];
  readonly sample: readonly Settled[];
  readonly seed: string;
}

const SAMPLE_SIZE = 25;

function inPeriod(wish: Wish): (atMs: number, repo: string) => boolean {
  const { fromMs, toMs, repo } = wish;
  return (atMs, where) =>
    (fromMs === null || atMs >= fromMs) &&
    (toMs === null || atMs < toMs) &&
    (repo === null || where.toLowerCase() === repo.toLowerCase());
}

/**
 * Rows in an order that nobody can choose: by SHA-256 of the seed and the event. The seed is the
 * root of the last checkpoint, which neither the auditor nor the audited can pick.
 */
export function drawSample(rows: readonly Settled[], seed: string): readonly Settled[] {
  return rows
    .map((row) => {
      const rank = createHash('sha256').update(`${seed}\n${row.eventId}`).digest('hex');
      return { row, rank };
    })
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, SAMPLE_SIZE)
    .map(({ row }) => row);
}

/** The same commit in the same environment of the same repository is the same deployment. */
function placeOf(row: { readonly repo: string; readonly environment: string; sha: string }) {
  const environment = row.environment.normalize('NFKC').trim().toLowerCase();
  return `${row.repo.toLowerCase()}\n${environment}\n${row.sha}`;
}

function differencesOf(
  rows: readonly Settled[],
  population: readonly PopulationRow[] | null,
): readonly Difference[] {
  if (population === null) return [];
  const released = rows.filter((row) => row.releasedAtMs !== null);
  const ours = new Set(released.map(placeOf));
  const theirs = new Set(population.map(placeOf));
  const missing = population
    .filter((row) => row.state === 'success' && !ours.has(placeOf(row)))
    .map((row) => ({ ...row, side: 'github-only' as const, atMs: row.createdAtMs }));
  const extra = released
    .filter((row) => !theirs.has(placeOf(row)))
    .map((row) => ({ ...row, side: 'log-only' as const, atMs: timeOf(row) }));
  return [...missing, ...extra].map(({ side, repo, environment, deploymentId, sha, atMs }) => ({
    side,
    repo,
    environment,
    deploymentId,
    sha,
    atMs,
  }));
}

function missingExceptions(differences: readonly Difference[]): readonly Exception[] {
  return differences
    .filter(({ side }) => side === 'github-only')
    .map(({ repo, environment, atMs, sha }) => ({
      type: 'not-in-log',
      severity: 'high',
      leafIndex: null,
      repo,
      environment,
      runId: null,
      atMs,
      detail: `GitHub says that ${sha.slice(0, 12)} was deployed, and no event of ours does`,
    }));
}

/** The record's part for a wish, by the time of release or, unreleased, of the first decision. */
export function periodOf(
  collected: Collected,
  wish: Wish,
  about: { readonly seed: string; readonly population: readonly PopulationRow[] | null },
): Period {
  const within = inPeriod(wish);
  const deployments = collected.deployments
    .filter((row) => within(timeOf(row), row.repo))
    .toSorted((a, b) => timeOf(a) - timeOf(b) || a.leafIndex - b.leafIndex);
  const population = about.population?.filter((row) => within(row.createdAtMs, row.repo)) ?? null;
  const differences = differencesOf(deployments, population);
  const found = deployments.map((row) => [row, exceptionsOf(row)] as const);
  const counts = { approved: 0, by_policy: 0, break_glass: 0, none: 0, refused: 0, waiting: 0 };
  for (const row of deployments) counts[row.disposition] += 1;
  return {
    deployments,
    exceptions: [...found.flatMap(([, rows]) => rows), ...missingExceptions(differences)],
    byLeaf: new Map(found.map(([row, rows]) => [row.leafIndex, rows.map(({ type }) => type)])),
    counts,
    population,
    differences,
    sample: drawSample(
      deployments.filter((row) => row.releasedAtMs !== null),
      about.seed,
    ),
    seed: about.seed,
  };
}

/** The five numbers that stand first in every report. */
export function headline(period: Period): readonly (readonly [string, string])[] {
  const { counts, population, differences } = period;
  const released = counts.approved + counts.by_policy + counts.break_glass + counts.none;
  return [
    ['Deployments to production', String(released)],
    ['With counted human approval', String(counts.approved)],
    ['By break glass', String(counts.break_glass)],
    ['Without any approval', String(counts.none + counts.by_policy)],
    [
      'Unexplained differences to GitHub',
      population === null ? 'not compared' : String(differences.length),
    ],
  ];
}
