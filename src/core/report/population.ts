/**
 * GitHub's own word for what was deployed, and what it and our events do not have in common. The
 * report starts from this list, so that what we never saw cannot be left out by not being recorded.
 */
import { environmentKey } from '../subject.ts';

/** A deployment as GitHub lists it. */
export interface PopulationRow {
  readonly repo: string;
  readonly environment: string;
  readonly deploymentId: number;
  readonly sha: string;
  readonly createdAtMs: number;
  /** `success` once it has succeeded, whatever came after. */
  readonly state: string;
  /** The workflow run that made it; null: none did, or it is not known. */
  readonly runId?: number | null;
  /** Its last status, once that is final. */
  readonly finishedAtMs?: number | null;
  /** SHA-256 digests of the run's artifacts as GitHub computed them. */
  readonly artifacts?: readonly string[];
}

/** A workflow run that GitHub lists for a deployment's commit. */
export interface RunRow {
  readonly repo: string;
  readonly runId: number;
  readonly sha: string;
  readonly createdAtMs: number;
  readonly conclusion: string | null;
}

/** A webhook about a deployment as GitHub's own log of deliveries has it. */
export interface DeliveryRow {
  readonly guid: string;
  readonly repoId: number | null;
  readonly event: string;
  readonly atMs: number;
  /** What our server answered the last time; 0: nothing. */
  readonly statusCode: number;
  /** Whether it lies in our inbox. */
  readonly stored: boolean;
}

/** Who can get around the gate now. */
export interface AccessRow {
  readonly repo: string;
  readonly who: string;
  readonly how: string;
}

/** What GitHub was asked for; `from` says where this copy of its answers comes from. */
export interface Population {
  readonly from: 'github' | 'archive';
  /** When the newest part was read from GitHub. */
  readonly readAtMs: number;
  readonly deployments: readonly PopulationRow[];
  readonly runs: readonly RunRow[];
  readonly deliveries: readonly DeliveryRow[];
  readonly access: readonly AccessRow[];
}

/** Why a difference is there; `unexplained` is an exception. */
export type Cause =
  | 'before-the-gate'
  | 'past-the-gate'
  | 'gate-unavailable'
  | 'delivery-failed'
  | 'on-its-way'
  | 'not-run'
  | 'unexplained';

export interface Difference {
  readonly side: 'github-only' | 'log-only';
  readonly repo: string;
  readonly environment: string;
  readonly deploymentId: number | null;
  readonly sha: string;
  readonly atMs: number;
  readonly cause: Cause;
  readonly evidence: string;
}

/** A deployment of the log, as far as the comparison needs it. */
export interface LoggedPlace {
  readonly repo: string;
  readonly environment: string;
  readonly sha: string;
  readonly atMs: number;
  readonly releasedAtMs: number | null;
  readonly deploymentId: number | null;
}

/** The same commit in the same environment of the same repository is the same deployment. */
export function placeOf(row: {
  readonly repo: string;
  readonly environment: string;
  readonly sha: string;
}): string {
  return `${row.repo.toLowerCase()}\n${environmentKey(row.environment)}\n${row.sha}`;
}

/** A deployment and its events are on their way for so long. */
const ON_ITS_WAY_MS = 10 * 60_000;
const AROUND_MS = 10 * 60_000;

/** What is known of the gate's own failures. */
export interface Outages {
  /** Times between which nothing was judged. */
  readonly spans: readonly { readonly fromMs: number; readonly toMs: number }[];
}

function causeOf(
  row: PopulationRow,
  about: {
    readonly guardedSince: ReadonlyMap<string, number>;
    readonly outages: Outages;
    readonly failed: readonly DeliveryRow[];
    readonly endMs: number;
  },
): readonly [Cause, string] {
  const { guardedSince, outages, failed, endMs } = about;
  const key = `${row.repo.toLowerCase()}\n${environmentKey(row.environment)}`;
  const sinceMs = guardedSince.get(key);
  if (sinceMs === undefined || row.createdAtMs < sinceMs) {
    const since = sinceMs === undefined ? 'never' : new Date(sinceMs).toISOString();
    return ['before-the-gate', `first event of ours about this environment: ${since}`];
  }
  if (row.createdAtMs > endMs - ON_ITS_WAY_MS) {
    return ['on-its-way', 'made within ten minutes of the last checkpoint'];
  }
  const outage = outages.spans.find(
    ({ fromMs, toMs }) => row.createdAtMs >= fromMs && row.createdAtMs <= toMs,
  );
  if (outage !== undefined) {
    const span = [outage.fromMs, outage.toMs].map((ms) => new Date(ms).toISOString());
    return ['gate-unavailable', `nothing was judged from ${span.join(' to ')}`];
  }
  const lost = failed.find(({ atMs }) => Math.abs(atMs - row.createdAtMs) < AROUND_MS);
  if (lost !== undefined) {
    return ['delivery-failed', `delivery ${lost.guid} was answered with ${lost.statusCode}`];
  }
  return ['unexplained', 'no event of ours and no reason for it'];
}

/** Deployments that only one side has, each with its cause. */
export function differencesOf(
  logged: readonly LoggedPlace[],
  population: Population,
  about: {
    /** When each environment was first seen by us, over the whole log; key as `placeOf` without commit. */
    readonly guardedSince: ReadonlyMap<string, number>;
    readonly outages: Outages;
    readonly endMs: number;
  },
): readonly Difference[] {
  const known = new Set(logged.map(placeOf));
  const released = logged.filter((row) => row.releasedAtMs !== null);
  const ours = new Set(released.map(placeOf));
  const theirs = new Set(population.deployments.map(placeOf));
  const failed = population.deliveries.filter(
    ({ statusCode, stored }) => !stored && (statusCode < 200 || statusCode > 299),
  );
  const missing = population.deployments
    .filter((row) => row.state === 'success' && !ours.has(placeOf(row)))
    .map((row): Difference => {
      const [cause, evidence] = known.has(placeOf(row))
        ? (['past-the-gate', 'judged by us and never released'] as const)
        : causeOf(row, { ...about, failed });
      const { repo, environment, deploymentId, sha, createdAtMs: atMs } = row;
      return { side: 'github-only', repo, environment, deploymentId, sha, atMs, cause, evidence };
    });
  const runs = new Set(population.runs.map(({ repo, sha }) => `${repo.toLowerCase()}\n${sha}`));
  const extra = released
    .filter((row) => !theirs.has(placeOf(row)))
    .map((row): Difference => {
      const { repo, environment, deploymentId, sha, atMs } = row;
      const ran = runs.has(`${repo.toLowerCase()}\n${sha}`);
      const cause = ran ? 'not-run' : atMs > about.endMs - ON_ITS_WAY_MS ? 'on-its-way' : 'not-run';
      const evidence = ran
        ? 'its workflow run is at GitHub, and no deployment of it'
        : 'released by us; GitHub lists no deployment of this commit: deleted, or never made';
      return { side: 'log-only', repo, environment, deploymentId, sha, atMs, cause, evidence };
    });
  return [...missing, ...extra];
}
