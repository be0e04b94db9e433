/** The register's columns as CSV, named as in the audit bundle. Times are ISO 8601 in UTC. */
import type { DeploymentRow } from '../store/report.ts';

type Cell = string | null;

const several = (values: readonly (string | number | null)[]): Cell =>
  values.length === 0 ? null : values.map((value) => String(value ?? '(erased)')).join('; ');

const iso = (atMs: number | null): Cell => (atMs === null ? null : new Date(atMs).toISOString());

const id = (value: number | null | undefined): Cell =>
  value === null || value === undefined ? null : String(value);

const COLUMNS: readonly (readonly [string, (row: DeploymentRow) => Cell])[] = [
  ['leaf_index', (row) => id(row.leafIndex)],
  ['event_id', (row) => row.eventId],
  ['installation_id', (row) => id(row.installationId)],
  ['deployment_id', (row) => id(row.deploymentId)],
  ['run_id', (row) => id(row.runId)],
  ['run_attempt', (row) => id(row.runAttempt)],
  ['repo_id', (row) => id(row.repoId)],
  ['repo', (row) => row.repo],
  ['environment', (row) => row.environment],
  ['rule', (row) => row.rule],
  ['head_sha', (row) => row.sha],
  ['pr', (row) => several(row.pulls)],
  ['pr_title', (row) => several(row.titles)],
  ['initiator_kind', (row) => row.origin],
  ['initiator_id', (row) => id(row.requester?.id)],
  ['initiator_login', (row) => row.requester?.login ?? null],
  ['agent', (row) => several(row.agents)],
  ['blast_radius', (row) => row.blastRadius],
  ['dry_run_result', (row) => row.dryRun],
  ['dry_run_sha256', (row) => several(row.dryRuns.map((run) => run.sha256))],
  ['requested_at', (row) => iso(row.requestedAtMs)],
  ['approver_id', (row) => several(row.approvers.map((one) => one.id))],
  ['approver_login', (row) => several(row.approvers.map((one) => one.login))],
  ['independent', (row) => several(row.approvers.map((one) => (one.independent ? 'yes' : 'no')))],
  ['approved_sha', (row) => several(row.approvers.map((one) => one.reviewedSha))],
  ['approved_at', (row) => several(row.approvers.map((one) => iso(one.submittedAtMs)))],
  ['refused', (row) => several(row.refused.map(refusedText))],
  ['decided_at', (row) => iso(row.decidedAtMs)],
  ['released_at', (row) => iso(row.releasedAtMs)],
  ['verdict', (row) => row.verdict],
  ['disposition', (row) => row.disposition],
  ['hold_codes', (row) => several([...new Set(row.codes)])],
  ['policy_sha256', (row) => row.policySha256],
  ['evidence_sha256', (row) => row.evidenceSha256],
];

function refusedText({ person, codes }: DeploymentRow['refused'][number]): string {
  return `${person?.login ?? id(person?.id) ?? 'unknown'} ${codes.join(' ')}`;
}

/** The heading of the register. */
export const REGISTER_COLUMNS: readonly string[] = COLUMNS.map(([name]) => name);

/** One deployment in the order of the columns. */
export function registerRow(row: DeploymentRow): readonly Cell[] {
  return COLUMNS.map(([, cell]) => cell(row));
}
