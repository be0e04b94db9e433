/** What in the register needs an explanation, by type, worst first. */
import { dryRunOf, type Settled, timeOf } from './row.ts';

export type Severity = 'high' | 'medium' | 'low';

export interface Exception {
  readonly type: string;
  readonly severity: Severity;
  readonly leafIndex: number | null;
  readonly repo: string;
  readonly environment: string;
  readonly runId: number | null;
  readonly atMs: number;
  readonly detail: string;
}

interface Kind {
  readonly type: string;
  readonly severity: Severity;
  /** Null: it is not one; else what happened. */
  readonly find: (row: Settled) => string | null;
}

const QUICK_MS = 60_000;
const MAY_APPROVE: ReadonlySet<string> = new Set(['write', 'maintain', 'admin']);

function whoSaid(row: Settled, is: (approver: Settled['approvers'][number]) => boolean) {
  const who = row.approvers.filter(is).map(({ id, login }) => login ?? `account ${id}`);
  return who.length === 0 ? null : who.join(', ');
}

const released = (row: Settled): boolean => row.releasedAtMs !== null;
const high = (row: Settled): boolean => row.radius === 'high' || row.radius === 'critical';

/** Every type that the events themselves can show. */
export const EXCEPTION_KINDS: readonly Kind[] = [
  {
    type: 'no-approval',
    severity: 'high',
    find: (row) => (row.disposition === 'none' ? 'released, and nobody had approved it' : null),
  },
  {
    type: 'release-unfounded',
    severity: 'high',
    find: (row) => (released(row) && !row.founded ? 'no decision allowed this release' : null),
  },
  {
    type: 'self-approval',
    severity: 'high',
    find: (row) => {
      const authors = new Set(row.authors.map((author) => author?.id ?? null));
      return whoSaid(row, ({ id }) => id !== null && authors.has(id));
    },
  },
  {
    type: 'not-independent',
    severity: 'high',
    find: (row) => whoSaid(row, ({ independent }) => !independent),
  },
  {
    type: 'approved-after-release',
    severity: 'high',
    find: (row) => whoSaid(row, ({ atMs }) => atMs > (row.releasedAtMs ?? Number.MAX_VALUE)),
  },
  {
    type: 'approved-other-commit',
    severity: 'high',
    find: (row) => whoSaid(row, ({ reviewedSha }) => !row.heads.includes(reviewedSha)),
  },
  {
    type: 'approver-without-role',
    severity: 'high',
    find: (row) => whoSaid(row, ({ permission }) => !MAY_APPROVE.has(permission)),
  },
  {
    type: 'break-glass',
    severity: 'medium',
    find: (row) => (row.disposition === 'break_glass' ? 'released by break glass' : null),
  },
  {
    type: 'unreviewed-commits',
    severity: 'medium',
    find: (row) =>
      released(row) && row.unreviewed > 0
        ? `${row.unreviewed} of ${row.commits} commits belong to no pull request`
        : null,
  },
  {
    type: 'dry-run-not-ok',
    severity: 'medium',
    find: (row) => {
      const status = dryRunOf(row);
      return released(row) && (status === 'failed' || status === 'not-comparable') ? status : null;
    },
  },
  {
    type: 'bypass-refused',
    severity: 'medium',
    find: (row) =>
      row.refused.some(({ codes }) => codes.includes('R13')) ? 'a merge past the rules' : null,
  },
  {
    type: 'approver-deployed',
    severity: 'low',
    find: (row) =>
      released(row) ? whoSaid(row, ({ id }) => id !== null && id === row.requester?.id) : null,
  },
  {
    type: 'quick-approval',
    severity: 'low',
    find: (row) =>
      released(row) && high(row)
        ? whoSaid(
            row,
            ({ atMs }) => atMs >= row.requestedAtMs && atMs - row.requestedAtMs < QUICK_MS,
          )
        : null,
  },
];

/** The exceptions of a deployment. */
export function exceptionsOf(row: Settled): readonly Exception[] {
  return EXCEPTION_KINDS.flatMap(({ type, severity, find }) => {
    const detail = find(row);
    if (detail === null) return [];
    const { leafIndex, repo, environment, runId } = row;
    return [{ type, severity, leafIndex, repo, environment, runId, atMs: timeOf(row), detail }];
  });
}
