/** Tables about people, agents, the policy, access and the gate's health. */
import type { Gathered, Incident } from './collect.ts';
import { type Cell, iso } from './columns.ts';
import { outagesOf, type Told } from './period.ts';
import { reviewAfterOf, type Settled } from './row.ts';
import type { Table } from './tables.ts';

/** A number as text, as spreadsheets round long ones. */
export const id = (value: number | null): Cell => (value === null ? null : String(value));
/** Several values in one cell. */
export const several = (values: readonly (string | number)[]): Cell =>
  values.length === 0 ? null : values.join('; ');

/** Who approved how much, how fast, and whom. */
export function approvers({ summary }: Told): Table {
  const { approvers: people, released, pairs } = summary;
  const given = (one: string, other: string): number => pairs.get(one)?.get(other) ?? 0;
  const reciprocal = (login: string): Cell =>
    several([...pairs.keys()].filter((one) => given(one, login) > 0 && given(login, one) > 0));
  return {
    name: 'approvers',
    title: 'Who approves',
    columns: [
      'approver_id',
      'approver_login',
      'approvals',
      'share_percent',
      'over_40_percent',
      'high_or_critical',
      'high_under_60_s',
      'authors',
      'approve_each_other',
    ],
    rows: [...people]
      .toSorted(([a, x], [b, y]) => y.approvals - x.approvals || (a ?? 0) - (b ?? 0))
      .map(([one, { login, approvals, grave, quick, authors }]) => {
        const share = approvals / Math.max(1, released);
        return [
          id(one),
          login,
          approvals,
          Math.round(share * 100),
          share > 0.4 ? 'yes' : 'no',
          grave,
          quick,
          authors.size,
          reciprocal(login ?? `account ${one}`),
        ];
      }),
  };
}

/** What each agent did, for whom, and where it reached. */
export function agents({ agents: found }: Gathered): Table {
  return {
    name: 'agents',
    title: 'Agents',
    columns: [
      'agent',
      'sponsor_ids',
      'changes',
      'low',
      'medium',
      'high',
      'critical',
      'dangers',
      'refused_approvals',
      'held',
      'deployments',
      'reached',
    ],
    rows: found.map((row) => [
      row.name,
      several(row.sponsors),
      row.changes,
      ...['low', 'medium', 'high', 'critical'].map((radius) => row.radii[radius] ?? 0),
      row.dangers,
      row.refusedApprovals,
      row.held,
      row.deployments,
      several(row.reached),
    ]),
  };
}

/** Every change of the policy that deployments were judged by. */
export function policyChanges({ policyChanges: found }: Gathered): Table {
  return {
    name: 'policy_changes',
    title: 'Changes of the policy',
    columns: [
      'leaf_index',
      'at',
      'repo',
      'environment',
      'before',
      'after',
      'weaker',
      'files',
      'pr',
      'changed_by',
      'approved_by',
      'problems',
    ],
    rows: found.map((row) => [
      row.leafIndex,
      iso(row.atMs),
      row.repo,
      row.environment,
      row.before,
      row.after,
      several(row.weaker),
      row.spoke.map(({ file, commitSha }) => `${file}@${commitSha ?? 'none'}`).join('; '),
      row.pull === null ? null : `#${row.pull.pull}`,
      row.pull?.author ?? null,
      row.pull === null ? null : (several(row.pull.approvers) ?? 'nobody'),
      row.problems,
    ]),
  };
}

function reviewAfter(row: Settled, asOfMs: number): readonly Cell[] {
  const after = reviewAfterOf(row, asOfMs);
  if (after === null) return [null, null, null, null];
  const { dueMs, state, first } = after;
  const who = first === null ? null : (first.person.login ?? `account ${first.person.id}`);
  return [iso(dueMs), state, who, iso(first?.atMs ?? null)];
}

/** Every release by break glass, with its review afterwards. */
export function breakGlass({ summary, asOfMs }: Told): Table {
  return {
    name: 'break_glass',
    title: 'Break glass',
    columns: [
      'leaf_index',
      'repo',
      'environment',
      'run_id',
      'released_at',
      'pr',
      'radius',
      'who',
      'second_person',
      'reason',
      'review_due',
      'review_after',
      'reviewed_by',
      'reviewed_at',
    ],
    rows: summary.glass.map((row) => {
      const [who = null, second = null] = (row.glass?.by ?? []).map(
        ({ id: one, login }) => login ?? `account ${one}`,
      );
      return [
        row.leafIndex,
        row.repo,
        row.environment,
        id(row.runId),
        iso(row.releasedAtMs),
        several(row.pulls),
        row.radius,
        who,
        second,
        row.glass?.reason ?? null,
        ...reviewAfter(row, asOfMs),
      ];
    }),
  };
}

const incidentCells = (row: Incident): readonly Cell[] => [
  row.leafIndex,
  iso(row.atMs),
  row.kind,
  row.repo,
  row.who,
  row.what,
];

const HEALTH: ReadonlySet<string> = new Set(['judge.failed', 'incident.opened', 'incident.closed']);

/** Terms of a policy that open a way around the reviews. */
export const WAYS: readonly (readonly [string, string])[] = [
  ['mayBreakGlass', 'people of the break-glass teams'],
  ['maySolo', 'every author (solo)'],
  ['mayRollBack', 'whoever rolls back to a released commit'],
  ['mayAccept', 'accepted commits of the policy'],
  ['mayUndeclaredBeHuman', 'undeclared agents count as people'],
];

/** Ways around the gate, and who touched the record. */
export function access(gathered: Gathered, told: Told): Table {
  const ways = gathered.policyChanges.flatMap((row) =>
    WAYS.filter(([term]) => (row.terms[term] ?? 0) > 0).map(([term, who]): readonly Cell[] => [
      row.leafIndex,
      iso(row.atMs),
      'way-round',
      `${row.repo}@${row.environment}`,
      who,
      `from here on the policy allows it: ${term}`,
    ]),
  );
  const now = (told.population?.access ?? []).map((row): readonly Cell[] => [
    null,
    iso(told.population?.readAtMs ?? null),
    'bypass-now',
    row.repo,
    row.who,
    row.how,
  ]);
  return {
    name: 'access',
    title: 'Access: ways around the gate, reads of the record, keys, suspensions, erasures',
    columns: ['leaf_index', 'at', 'kind', 'repo', 'who', 'what'],
    rows: [
      ...ways,
      ...gathered.incidents.filter(({ kind }) => !HEALTH.has(kind)).map(incidentCells),
      ...now,
    ],
  };
}

const HOUR_MS = 3_600_000;

/** A silence that says something: nothing at all was recorded although something was to be expected. */
export interface Silence {
  readonly fromMs: number;
  readonly toMs: number;
  readonly why: string;
}

/** A silence is unusual when it is so many times longer than nearly all others. */
const UNUSUAL = 3;
const USUAL_SHARE = 0.95;
const LONG_MS = 24 * HOUR_MS;

/**
 * Silences that matter: far longer than is usual in this record, or with deployments at GitHub that
 * the record lacks. Where little is deployed most hours are quiet, and that says nothing.
 */
export function loudSilences(gathered: Gathered, told: Pick<Told, 'differences'>): Silence[] {
  const { spans } = outagesOf({ hours: gathered.hours, incidents: [] });
  const lengths = spans.map(({ fromMs, toMs }) => toMs - fromMs).toSorted((a, b) => a - b);
  const usualMs = lengths[Math.floor((lengths.length - 1) * USUAL_SHARE)] ?? 0;
  const limitMs = Math.max(LONG_MS, UNUSUAL * usualMs);
  const missing = told.differences.filter(({ side }) => side === 'github-only');
  return spans.flatMap(({ fromMs, toMs }) => {
    const count = missing.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs).length;
    if (count > 0) {
      const why = `GitHub deployed meanwhile, and this record lacks it: ${count}`;
      return [{ fromMs, toMs, why }];
    }
    if (toMs - fromMs <= limitMs) return [];
    const why = `nothing was recorded for ${Math.round((toMs - fromMs) / HOUR_MS)} hours, far longer than usual here (${Math.round(usualMs / HOUR_MS)} hours or less)`;
    return [{ fromMs, toMs, why }];
  });
}

/** Silences as they are common: a page leaves them out, the file has them. */
const QUIET = 'quiet';

/** When the gate was silent or could not judge; silences that say nothing stand last. */
export function gateHealth(gathered: Gathered, told: Pick<Told, 'differences'>): Table {
  const { incidents, hours } = gathered;
  const loud = new Map(loudSilences(gathered, told).map((one) => [one.fromMs, one.why]));
  const silences = outagesOf({ hours, incidents: [] }).spans.map(({ fromMs, toMs }) => {
    const why = loud.get(fromMs);
    const length = (toMs - fromMs) / HOUR_MS;
    const [kind, what] = why === undefined ? [QUIET, 'nothing was recorded'] : ['silence', why];
    return [kind, iso(fromMs), iso(toMs), length, null, null, what] satisfies readonly Cell[];
  });
  return {
    name: 'gate_health',
    title: 'The gate: silence and failures',
    columns: ['kind', 'from', 'to', 'hours', 'leaf_index', 'repo', 'what'],
    rows: [
      ...incidents
        .filter(({ kind }) => HEALTH.has(kind))
        .map((row): readonly Cell[] => [
          row.kind === 'judge.failed' ? 'not judged' : row.kind,
          iso(row.atMs),
          null,
          null,
          row.leafIndex,
          row.repo,
          row.what,
        ]),
      ...silences.filter(([kind]) => kind !== QUIET),
      ...silences.filter(([kind]) => kind === QUIET),
    ],
  };
}

/** A table as people read it on a page: without what is only there to be complete. */
export function forPage(table: Table): Table {
  const rows = table.rows.filter(([kind]) => table.name !== 'gate_health' || kind !== QUIET);
  return rows.length === table.rows.length ? table : { ...table, rows, total: table.rows.length };
}
