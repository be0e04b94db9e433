/** Every table of the bundle as columns and rows; CSV and HTML are made from the same value. */
import type { Collected } from './collect.ts';
import { type Cell, cellsOf, COLUMNS, iso } from './columns.ts';
import type { Period } from './period.ts';
import type { Settled } from './row.ts';

export interface Table {
  /** The file's name without its ending. */
  readonly name: string;
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

function register(period: Period, checkpointSize: number): Table {
  return {
    name: 'deployments',
    title: 'Register of production deployments',
    columns: COLUMNS.map(([name]) => name),
    rows: period.deployments.map((row) =>
      cellsOf(row, { exceptions: period.byLeaf.get(row.leafIndex) ?? [], checkpointSize }),
    ),
  };
}

function exceptions({ exceptions: found }: Period): Table {
  const order = { high: 0, medium: 1, low: 2 } as const;
  return {
    name: 'exceptions',
    title: 'Exceptions',
    columns: ['type', 'severity', 'leaf_index', 'repo', 'environment', 'run_id', 'at', 'detail'],
    rows: found
      .toSorted((a, b) => order[a.severity] - order[b.severity] || a.atMs - b.atMs)
      .map((row) => [
        row.type,
        row.severity,
        row.leafIndex,
        row.repo,
        row.environment,
        row.runId === null ? null : String(row.runId),
        iso(row.atMs),
        row.detail,
      ]),
  };
}

function population(period: Period): Table {
  const columns = ['side', 'repo', 'environment', 'deployment_id', 'head_sha', 'at', 'meaning'];
  const title = "Completeness: GitHub's deployments against this log";
  if (period.population === null) {
    const meaning =
      'GitHub was not asked: give GITHUB_TOKEN to compare the log with its deployments.';
    return {
      name: 'population',
      title,
      columns,
      rows: [['not compared', null, null, null, null, null, meaning]],
    };
  }
  const both = period.population.length;
  const total = [`${both} deployments at GitHub in the period`, null, null, null, null, null];
  return {
    name: 'population',
    title,
    columns,
    rows: [
      [...total, `${period.deployments.length} in this log`],
      ...period.differences.map((row) => [
        row.side,
        row.repo,
        row.environment,
        row.deploymentId === null ? null : String(row.deploymentId),
        row.sha,
        iso(row.atMs),
        row.side === 'github-only'
          ? 'deployed without an event of ours: the gate was not there, or was gone round'
          : 'released by us; GitHub lists no deployment of this commit',
      ]),
    ],
  };
}

function samples(period: Period): Table {
  return {
    name: 'samples',
    title: `Sample of ${period.sample.length}, drawn by the seed ${period.seed || '(none)'}`,
    columns: [
      'rank',
      'leaf_index',
      'event_id',
      'repo',
      'environment',
      'run_id',
      'head_sha',
      'proof',
    ],
    rows: period.sample.map((row, at) => [
      at + 1,
      row.leafIndex,
      row.eventId,
      row.repo,
      row.environment,
      row.runId === null ? null : String(row.runId),
      row.sha,
      `proofs/${row.leafIndex}.tlog-proof`,
    ]),
  };
}

const QUICK_S = 60;

function secondsOf(row: Settled, atMs: number): number {
  return Math.round((atMs - row.requestedAtMs) / 1000);
}

function approvers({ deployments }: Period): Table {
  const people = new Map<number | null, { login: string | null; rows: Settled[]; quick: number }>();
  const released = deployments.filter((row) => row.releasedAtMs !== null);
  for (const row of released) {
    for (const one of row.approvers) {
      const entry = people.get(one.id) ?? { login: one.login, rows: [], quick: 0 };
      entry.rows.push(row);
      const seconds = secondsOf(row, one.atMs);
      if (seconds >= 0 && seconds < QUICK_S) entry.quick += 1;
      people.set(one.id, entry);
    }
  }
  return {
    name: 'approvers',
    title: 'Who approves',
    columns: [
      'approver_id',
      'approver_login',
      'approvals',
      'share_percent',
      'high_or_critical',
      'under_60_s',
      'authors',
    ],
    rows: [...people]
      .toSorted(([a, x], [b, y]) => y.rows.length - x.rows.length || (a ?? 0) - (b ?? 0))
      .map(([id, { login, rows, quick }]) => [
        id === null ? null : String(id),
        login,
        rows.length,
        Math.round((rows.length / Math.max(1, released.length)) * 100),
        rows.filter(({ radius }) => radius === 'high' || radius === 'critical').length,
        quick,
        new Set(rows.flatMap((row) => row.authors.map((author) => author?.id))).size,
      ]),
  };
}

function agents({ agents: found }: Collected): Table {
  return {
    name: 'agents',
    title: 'Agents',
    columns: ['agent', 'changes', 'dangers', 'refused_approvals', 'held', 'deployments'],
    rows: found.map((row) => [
      row.name,
      row.changes,
      row.dangers,
      row.refusedApprovals,
      row.held,
      row.deployments,
    ]),
  };
}

function policyChanges({ policyChanges: found }: Collected): Table {
  return {
    name: 'policy_changes',
    title: 'Policies that spoke',
    columns: ['leaf_index', 'at', 'repo', 'before', 'after', 'files', 'problems', 'seen_because'],
    rows: found.map((row) => [
      row.leafIndex,
      iso(row.atMs),
      row.repo,
      row.before,
      row.after,
      row.spoke.map(({ file, commitSha }) => `${file}@${commitSha ?? 'none'}`).join('; '),
      row.problems,
      row.because,
    ]),
  };
}

function breakGlass({ deployments }: Period): Table {
  const rows = deployments.filter((row) => row.disposition === 'break_glass');
  return {
    name: 'break_glass',
    title: 'Break glass',
    columns: ['leaf_index', 'repo', 'environment', 'run_id', 'released_at', 'pr', 'radius'],
    rows: rows.map((row) => [
      row.leafIndex,
      row.repo,
      row.environment,
      row.runId === null ? null : String(row.runId),
      iso(row.releasedAtMs),
      row.pulls.join('; '),
      row.radius,
    ]),
  };
}

function access({ incidents }: Collected): Table {
  return {
    name: 'access',
    title: 'Access to the record, keys, suspensions and erasures',
    columns: ['leaf_index', 'at', 'kind', 'repo', 'who', 'what'],
    rows: incidents
      .filter(({ kind }) => kind !== 'judge.failed')
      .map((row) => [row.leafIndex, iso(row.atMs), row.kind, row.repo, row.who, row.what]),
  };
}

const HOUR_MS = 3_600_000;

/** Hours without any event between the first and the last, and what could not be judged. */
function gateHealth({ hours, incidents }: Collected): Table {
  const known = [...hours.keys()].toSorted((a, b) => a - b);
  const silences = known.flatMap((hour, at) => {
    const next = known[at + 1];
    return next === undefined || next - hour < 2 ? [] : [{ from: hour + 1, to: next }];
  });
  return {
    name: 'gate_health',
    title: 'The gate: silence and failures',
    columns: ['kind', 'from', 'to', 'hours', 'leaf_index', 'repo', 'what'],
    rows: [
      ...silences.map(({ from, to }): readonly Cell[] => [
        'silence',
        iso(from * HOUR_MS),
        iso(to * HOUR_MS),
        to - from,
        null,
        null,
        'nothing was recorded; compare with the completeness table',
      ]),
      ...incidents
        .filter(({ kind }) => kind === 'judge.failed')
        .map((row): readonly Cell[] => [
          'not judged',
          iso(row.atMs),
          null,
          null,
          row.leafIndex,
          row.repo,
          row.what,
        ]),
    ],
  };
}

/** Every table, in the order of the report. */
export function tablesOf(
  collected: Collected,
  period: Period,
  checkpointSize: number,
): readonly Table[] {
  return [
    register(period, checkpointSize),
    exceptions(period),
    population(period),
    samples(period),
    approvers(period),
    agents(collected),
    policyChanges(collected),
    breakGlass(period),
    access(collected),
    gateHealth(collected),
  ];
}
