/** Every table of the bundle as columns and rows; CSV and HTML are made from the same value. */
import type { Gathered } from './collect.ts';
import { type Cell, cellsOf, COLUMNS, iso } from './columns.ts';
import type { Exception } from './exceptions.ts';
import { type Told, withinOf, type Wish } from './period.ts';
import type { Difference } from './population.ts';
import { inForceWithin, posture } from './posture-spans.ts';
import {
  access,
  agents,
  approvers,
  breakGlass,
  gateHealth,
  id,
  policyChanges,
  several,
} from './record-tables.ts';
import type { Settled } from './row.ts';

export interface Table {
  /** The file's name without its ending. */
  readonly name: string;
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** How many rows there are, when not all are here. */
  readonly total?: number;
}

/** The register's heading and one of its rows; the bundle writes them one by one. */
export const REGISTER: Omit<Table, 'rows'> = {
  name: 'deployments',
  title: 'Register of production deployments',
  columns: COLUMNS.map(([name]) => name),
};

export function registerCells(
  row: Settled,
  types: readonly string[],
  about: { readonly told: Pick<Told, 'github'>; readonly size: number },
): readonly Cell[] {
  const { told, size } = about;
  return cellsOf(row, { exceptions: types, checkpointSize: size, github: told.github(row) });
}

export const EXCEPTIONS: Omit<Table, 'rows'> = {
  name: 'exceptions',
  title: 'Exceptions',
  columns: [
    'type',
    'severity',
    'leaf_index',
    'repo',
    'environment',
    'run_id',
    'at',
    'detail',
    'owner',
    'ticket',
    'closed_at',
  ],
};

/** An exception as a row; owner, ticket and end are for whoever works on it. */
export function exceptionCells(row: Exception): readonly Cell[] {
  const { type, severity, leafIndex, repo, environment, runId, atMs, detail } = row;
  const at = iso(atMs);
  return [type, severity, leafIndex, repo, environment, id(runId), at, detail, null, null, null];
}

const MEANING: Readonly<Record<Difference['cause'], string>> = {
  'before-the-gate': 'explained: the gate was not there yet',
  'past-the-gate': 'exception: it was held or refused, and deployed all the same',
  'gate-unavailable': 'exception: the gate was down',
  'delivery-failed': 'exception: GitHub could not reach the gate',
  'on-its-way': 'explained: too young to be compared; the next report has it',
  'not-run': 'explained: released, and GitHub lists no deployment of it',
  unexplained: 'exception: deployed without an event of ours',
};

function population(told: Told): Table {
  const { population: theirs, differences, summary } = told;
  const columns = [
    'side',
    'repo',
    'environment',
    'deployment_id',
    'head_sha',
    'at',
    'cause',
    'evidence',
  ];
  const title = "Completeness: GitHub's deployments against this log";
  const total = (what: string, count: number, more: string): readonly Cell[] => [
    what,
    null,
    null,
    null,
    null,
    null,
    String(count),
    more,
  ];
  if (theirs === null) {
    const rows = [
      total('D this log', summary.deployments, `${summary.released} of them released`),
      total(
        'A, B, C GitHub',
        0,
        'not compared: `npx tagout report --org ORG --out DIR` with GITHUB_TOKEN set, or ' +
          'with --population FILE, asks GitHub and compares',
      ),
    ];
    return { name: 'population', title, columns, rows };
  }
  const { deployments, runs, deliveries, from, readAtMs } = theirs;
  const failed = deliveries.filter(({ statusCode }) => statusCode < 200 || statusCode > 299);
  const won = deployments.filter(({ state }) => state === 'success').length;
  return {
    name: 'population',
    title,
    columns,
    rows: [
      total('A GitHub deployments', deployments.length, `${won} successful; from ${from}`),
      total('B GitHub workflow runs', runs.length, `read until ${iso(readAtMs)}`),
      total('C GitHub deliveries', deliveries.length, `${failed.length} were not answered`),
      total('D this log', summary.deployments, `${summary.released} of them released`),
      total('differences', differences.length, 'each below, with its cause'),
      ...differences.map((row) => [
        row.side,
        row.repo,
        row.environment,
        id(row.deploymentId),
        row.sha,
        iso(row.atMs),
        MEANING[row.cause],
        row.evidence,
      ]),
    ],
  };
}

function scope({ summary }: Told): Table {
  return {
    name: 'scope',
    title: 'Scope: repositories and environments that the log speaks of',
    columns: [
      'repo',
      'environment',
      'production_by',
      'judged',
      'released',
      'exceptions',
      'first_leaf',
      'last_leaf',
    ],
    rows: summary.places.map((row) => [
      row.repo,
      row.environment,
      several([...row.rules].toSorted()),
      row.judged,
      row.released,
      row.exceptions,
      row.firstLeaf,
      row.lastLeaf,
    ]),
  };
}

function samples({ summary, seed, webUrl }: Told): Table {
  const { sample } = summary;
  return {
    name: 'samples',
    title: `Sample of ${sample.length}, drawn by the seed ${seed || '(none)'}`,
    columns: [
      'rank',
      'leaf_index',
      'event_id',
      'repo',
      'environment',
      'run_id',
      'head_sha',
      'approvers',
      'disposition',
      'link',
      'proof',
    ],
    rows: sample.map((row, at) => [
      at + 1,
      row.leafIndex,
      row.eventId,
      row.repo,
      row.environment,
      id(row.runId),
      row.sha,
      several(row.approvers.map(({ id: one, login }) => login ?? `account ${one}`)),
      row.disposition,
      webUrl !== null && (row.runId ?? -1) > 0
        ? `${webUrl}/${row.repo}/actions/runs/${row.runId}`
        : null,
      `proofs/${row.leafIndex}.tlog-proof`,
    ]),
  };
}

/** What was recorded in the period beside the deployments; the whole log when none is named. */
function gatheredWithin(gathered: Gathered, wish: Wish | null): Gathered {
  if (wish === null) return gathered;
  const within = withinOf(wish);
  return {
    ...gathered,
    policyChanges: gathered.policyChanges.filter((row) => within(row.atMs, row.repo)),
    incidents: gathered.incidents.filter((row) => within(row.atMs, row.repo ?? wish.repo ?? '')),
    posture: gathered.posture.filter((span) => inForceWithin(span, wish)),
  };
}

/** Every table but the two long ones, by its name, in the order of the report. */
const SMALL: Readonly<Record<string, (part: Gathered, told: Told) => Table>> = {
  scope: (_, told) => scope(told),
  population: (_, told) => population(told),
  samples: (_, told) => samples(told),
  approvers: (_, told) => approvers(told),
  agents: (part) => agents(part),
  policy_changes: (part) => policyChanges(part),
  break_glass: (_, told) => breakGlass(told),
  access: (part, told) => access(part, told),
  posture: (part) => posture(part.posture),
  gate_health: (part, told) => gateHealth(part, told),
};

export function smallTables(
  gathered: Gathered,
  told: Told,
  wish: Wish | null = null,
): readonly Table[] {
  const part = gatheredWithin(gathered, wish);
  return Object.values(SMALL).map((make) => make(part, told));
}

/** One of the small tables; null: there is none of this name. */
export function smallTable(name: string, gathered: Gathered, told: Told): Table | null {
  return SMALL[name]?.(gathered, told) ?? null;
}
