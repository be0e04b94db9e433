/** The register's 48 columns (facts: report, 5.1). What no event records stays empty. */
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

const nothing = (): Cell => null;

type Column = readonly [string, (row: Settled, more: RowMore) => Cell];

/** What a row needs beside itself. */
export interface RowMore {
  readonly exceptions: readonly string[];
  readonly checkpointSize: number;
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
  ['ref', nothing],
  ['head_sha', (row) => row.sha],
  ['artifact_digest', nothing],
  ['pr', (row) => several(row.pulls)],
  ['pr_title', (row) => several(row.titles)],
  ['change_reason', nothing],
  ['ticket', nothing],
  ['change_type', (row) => (row.disposition === 'break_glass' ? 'emergency' : 'normal')],
  ['initiator_kind', (row) => row.origin],
  ['initiator_id', (row) => id(row.requester?.id)],
  ['initiator_login', (row) => row.requester?.login ?? null],
  ['agent_id', (row) => several(row.agents)],
  ['agent_sponsor_id', nothing],
  ['commit_authors', (row) => several(row.authors.map((one) => one?.login ?? one?.id ?? null))],
  ['commits_signed', nothing],
  ['blast_radius', (row) => row.radius],
  ['blast_reasons', (row) => several(row.dangers)],
  ['security_impact', nothing],
  ['data_impact', (row) => several(row.dangers.filter((name) => /lost|changed|drop/.test(name)))],
  ['dry_run_result', (row) => dryRunOf(row)],
  ['dry_run_sha256', (row) => several(row.dryRuns.map((run) => run.sha256))],
  ['ci_result', nothing],
  ['checks_required', nothing],
  ['checks_passed', nothing],
  ['rollback_plan', nothing],
  ['requested_at', (row) => iso(row.requestedAtMs)],
  ['approver_id', approvers((one) => id(one.id))],
  ['approver_login', approvers((one) => one.login)],
  ['approver_role_at_time', approvers((one) => one.permission)],
  ['approved_sha', approvers((one) => one.reviewedSha)],
  ['approved_at', approvers((one) => iso(one.atMs))],
  ['time_to_approve_s', secondsToApprove],
  ['review_comment_present', nothing],
  ['released_at', (row) => iso(row.releasedAtMs)],
  ['finished_at', nothing],
  ['outcome', (row) => row.verdict],
  ['disposition', (row, more) => [row.disposition, ...more.exceptions].join(' ')],
  ['policy_sha256', (row) => row.policySha256],
  ['checkpoint_size', (_, more) => more.checkpointSize],
];

/** The values of a row, in order. */
export function cellsOf(row: Settled, more: RowMore): readonly Cell[] {
  return COLUMNS.map(([, value]) => value(row, more));
}
