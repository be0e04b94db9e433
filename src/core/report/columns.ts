/** The register's 48 columns. Three come from GitHub's own list: the rest from events. */
import type { PopulationRow } from './population.ts';
import { dryRunOf, type Settled } from './row.ts';

export type Cell = string | number | null;

const several = (values: readonly (string | number | null)[]): Cell =>
  values.length === 0 ? null : values.map((value) => String(value ?? '(erased)')).join('; ');

/** A time as ISO 8601 in UTC. */
export const iso = (atMs: number | null): string | null =>
  atMs === null ? null : new Date(atMs).toISOString();

const id = (value: number | null | undefined): Cell =>
  value === null || value === undefined ? null : String(value);

/** The last review that was counted, as the release could not come before it. */
function approvedAtMs(row: Settled): number | null {
  return row.approvers.length === 0 ? null : Math.max(...row.approvers.map(({ atMs }) => atMs));
}

function secondsToApprove(row: Settled): Cell {
  const at = approvedAtMs(row);
  return at === null ? null : Math.round((at - row.requestedAtMs) / 1000);
}

function approvers<T extends string | number | null>(
  pick: (approver: Settled['approvers'][number]) => T,
): (row: Settled) => Cell {
  return (row) => several(row.approvers.map(pick));
}

/** Nothing recorded: a deployment of before version 0.2, or without a pull request. */
function facts(pick: (one: Settled['facts'][number]) => readonly Cell[]): (row: Settled) => Cell {
  return (row) => (row.facts.length === 0 ? null : several([...new Set(row.facts.flatMap(pick))]));
}

const SECURITY =
  /privilege|polic|row-security|owner|guarded-workflow|protected-path|gate|trigger-disabled|hidden|escape|settings|codeowners|secret|permission/;
const DATA = /lost|removed|dropped|changed|truncat|narrow|destruct|rewritten/;

/** What the findings say of a kind; `none found` when they say nothing. */
function impact(row: Settled, pattern: RegExp, not: RegExp | null = null): Cell {
  const found = row.findings.filter((id) => pattern.test(id) && not?.test(id) !== true);
  return several(found) ?? 'none found';
}

/** Who wrote the commits: names where one of the event's people has that number. */
function commitAuthors(row: Settled): Cell {
  const known = new Map(
    [...row.authors, ...row.approvers, row.requester].flatMap((one) =>
      one === null || one.id === null ? [] : [[one.id, one.login] as const],
    ),
  );
  const ids = [...new Set(row.facts.flatMap(({ contributors }) => contributors))];
  if (ids.length === 0) return several(row.authors.map((one) => one?.login ?? one?.id ?? null));
  return several(ids.map((one) => known.get(one) ?? `account ${one}`));
}

function commitsSigned(row: Settled): Cell {
  if (row.facts.length === 0) return null;
  const sum = (pick: (one: Settled['facts'][number]) => number): number =>
    row.facts.reduce((total, one) => total + pick(one), 0);
  return `${sum(({ signed }) => signed)} of ${sum(({ commits }) => commits)}`;
}

function checks(pick: (one: NonNullable<Checks>) => Cell): (row: Settled) => Cell {
  return ({ more }) => {
    if (more === null || more === undefined) return null;
    return more.checks === null ? 'not readable' : pick(more.checks);
  };
}

type Checks = NonNullable<Settled['more']>['checks'];

/** How it is taken back, and the commit that ran before. */
function rollbackPlan(row: Settled): Cell {
  const stated = row.facts.flatMap(({ pull, rollback }) =>
    rollback === null ? [] : [`${rollback}${pull === null ? '' : ` (#${pull})`}`],
  );
  const before = row.fromSha === null ? [] : [`ran before: ${row.fromSha.slice(0, 12)}`];
  return several([...(stated.length === 0 ? ['none stated'] : stated), ...before]);
}

const CHANGE_TYPES: Readonly<Partial<Record<Settled['disposition'], string>>> = {
  break_glass: 'emergency',
  by_policy: 'standard',
};

function outcomeOf(row: Settled, more: RowMore): Cell {
  const { github = null } = more;
  if (github !== null) return github.state;
  if (row.releasedAtMs !== null) return 'released';
  return row.verdict === 'deny' ? 'refused' : 'held';
}

type Column = readonly [string, (row: Settled, more: RowMore) => Cell];

/** What a row needs beside itself. */
export interface RowMore {
  readonly exceptions: readonly string[];
  readonly checkpointSize: number;
  /** GitHub's own row of this deployment; null: not compared, or not listed. */
  readonly github?: PopulationRow | null;
}

/** Name and value of every column, in order. */
export const COLUMNS: readonly Column[] = [
  ['leaf_index', (row) => id(row.leafIndex)],
  ['event_id', (row) => row.eventId],
  ['deployment_id', (row) => id(row.deploymentId)],
  ['run_id', (row) => id(row.runId)],
  ['run_attempt', (row) => id(row.runAttempt)],
  ['repo_id', (row) => id(row.repoId)],
  ['repo', (row) => row.repo],
  ['environment', (row) => row.environment],
  ['env_tier', (row) => (row.rule === null ? 'production (by name)' : `rule ${row.rule}`)],
  ['ref', (row) => row.more?.ref ?? null],
  ['head_sha', (row) => row.sha],
  ['artifact_digest', (_, { github }) => several(github?.artifacts ?? [])],
  ['pr', (row) => several(row.pulls)],
  ['pr_title', (row) => several(row.titles)],
  ['change_reason', facts(({ reason }) => [reason])],
  ['ticket', facts(({ tickets }) => tickets)],
  ['change_type', (row) => CHANGE_TYPES[row.disposition] ?? 'normal'],
  ['initiator_kind', (row) => row.origin],
  ['initiator_id', (row) => id(row.requester?.id)],
  ['initiator_login', (row) => row.requester?.login ?? null],
  ['agent_id', (row) => several(row.agents)],
  ['agent_sponsor_id', facts(({ sponsors }) => sponsors)],
  ['commit_authors', commitAuthors],
  ['commits_signed', commitsSigned],
  ['blast_radius', (row) => row.radius],
  ['blast_reasons', (row) => several(row.dangers)],
  ['security_impact', (row) => impact(row, SECURITY)],
  ['data_impact', (row) => impact(row, DATA, SECURITY)],
  ['dry_run_result', (row) => dryRunOf(row)],
  ['dry_run_sha256', (row) => several(row.dryRuns.map((run) => run.sha256))],
  ['ci_result', checks(({ result }) => result)],
  [
    'checks_required',
    checks(({ required }) => several(required.map(({ name }) => name)) ?? 'none required'),
  ],
  [
    'checks_passed',
    checks(
      ({ required }) =>
        `${required.filter(({ state }) => state === 'passed').length} of ${required.length}`,
    ),
  ],
  ['rollback_plan', rollbackPlan],
  ['requested_at', (row) => iso(row.requestedAtMs)],
  ['approver_id', approvers((one) => id(one.id))],
  ['approver_login', approvers((one) => one.login)],
  ['approver_role_at_time', approvers((one) => one.permission)],
  ['approved_sha', approvers((one) => one.reviewedSha)],
  ['approved_at', approvers((one) => iso(one.atMs))],
  ['time_to_approve_s', secondsToApprove],
  [
    'review_comment_present',
    approvers((one) => (one.commented === null ? 'not recorded' : one.commented ? 'yes' : 'no')),
  ],
  ['released_at', (row) => iso(row.releasedAtMs)],
  ['finished_at', (_, { github }) => iso(github?.finishedAtMs ?? null)],
  ['outcome', outcomeOf],
  ['disposition', (row, more) => [row.disposition, ...more.exceptions].join(' ')],
  ['policy_sha256', (row) => row.policySha256],
  ['checkpoint_size', (_, more) => more.checkpointSize],
];

/** The values of a row, in order. */
export function cellsOf(row: Settled, more: RowMore): readonly Cell[] {
  return COLUMNS.map(([, value]) => value(row, more));
}
