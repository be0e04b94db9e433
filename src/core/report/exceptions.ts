/** What in the register needs an explanation, by type, worst first. */
import { registry } from '../agents.ts';
import type { Gathered } from './collect.ts';
import type { Difference } from './population.ts';
import { dryRunOf, hurryOf, reviewAfterOf, type Settled, timeOf } from './row.ts';

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
  /** Null: it is not one at that time; else what happened. */
  readonly find: (row: Settled, asOfMs: number) => string | null;
}

/** A gate that answers later than this was not there when it was asked. */
export const LATE_MS: number = 15 * 60_000;
const MAY_APPROVE: ReadonlySet<string> = new Set(['write', 'maintain', 'admin']);
const AGENTS: ReadonlySet<number> = new Set(registry.flatMap(({ ids }) => ids));

type Approver = Settled['approvers'][number];

function whoSaid(row: Settled, is: (approver: Approver) => boolean): string | null {
  const who = row.approvers.filter(is).map(({ id, login }) => login ?? `account ${id}`);
  return who.length === 0 ? null : who.join(', ');
}

const released = (row: Settled): boolean => row.releasedAtMs !== null;
const high = (row: Settled): boolean => row.radius === 'high' || row.radius === 'critical';

function isAuthor(row: Settled, { id }: Approver): boolean {
  return id !== null && row.authors.some((author) => author?.id === id);
}

function isCommitter(row: Settled, approver: Approver): boolean {
  const { id, pull } = approver;
  if (id === null || isAuthor(row, approver)) return false;
  return row.facts.some((one) => one.pull === pull && one.contributors.includes(id));
}

function isMachine({ id, login }: Approver): boolean {
  return (id !== null && AGENTS.has(id)) || login?.toLowerCase().endsWith('[bot]') === true;
}

/** Approvals that did not count any more, of people of whom no other one did. */
function lapsed(row: Settled): string | null {
  const counted = new Set(row.approvers.map(({ id, pull }) => `${id}\n${pull}`));
  const found = row.refused.filter(
    ({ person, pull, codes }) =>
      (codes.includes('R01') || codes.includes('R10')) && !counted.has(`${person?.id}\n${pull}`),
  );
  const words = found.map(({ person, codes }) => {
    const who = person?.login ?? `account ${person?.id ?? 'unknown'}`;
    return `${who}: ${codes.includes('R01') ? 'dismissed or superseded' : 'too old or too early'}`;
  });
  return words.length === 0 ? null : words.join(', ');
}

function checksNotOk({ more }: Settled): string | null {
  if (more === null || more === undefined) return null;
  if (more.checks === null) return 'the checks could not be read';
  const bad = more.checks.required.filter(({ state }) => state !== 'passed');
  return bad.length === 0 ? null : bad.map(({ name, state }) => `${name}: ${state}`).join(', ');
}

function bypassed(row: Settled): string | null {
  const startedMs = row.more?.bypassedAtMs ?? null;
  if (startedMs !== null) return 'it started without a release of ours';
  return row.refused.some(({ codes }) => codes.includes('R13')) ? 'a merge past the rules' : null;
}

function overdue(row: Settled, asOfMs: number): string | null {
  const after = reviewAfterOf(row, asOfMs);
  if (after === null || after.state === 'in time' || after.state === 'open') return null;
  const by = new Date(after.dueMs).toISOString();
  return after.state === 'overdue' ? `nobody reviewed by ${by}` : `given after ${by}`;
}

function hurried(row: Settled): string | null {
  const words = row.approvers.flatMap((one) => {
    const after = hurryOf(row, one);
    if (after === null) return [];
    const since = after === 'the request' ? row.requestedAtMs : (one.shownAtMs ?? one.atMs);
    const seconds = Math.round((one.atMs - since) / 1000);
    return [`${one.login ?? `account ${one.id}`}: ${seconds} s after ${after}`];
  });
  return words.length === 0 ? null : words.join(', ');
}

/** Every type that one deployment can show. */
export const EXCEPTION_KINDS: readonly Kind[] = [
  {
    type: 'no-approval',
    severity: 'high',
    find: (row) => (row.disposition === 'none' ? 'deployed, and no approval counted' : null),
  },
  {
    type: 'release-unfounded',
    severity: 'high',
    find: (row) =>
      row.releaseLeaf !== null && !row.founded ? 'no decision allowed this release' : null,
  },
  { type: 'admin-bypass', severity: 'high', find: bypassed },
  {
    type: 'self-approval',
    severity: 'high',
    find: (row) => whoSaid(row, (one) => isAuthor(row, one)),
  },
  {
    type: 'approver-is-committer',
    severity: 'high',
    find: (row) => whoSaid(row, (one) => isCommitter(row, one)),
  },
  { type: 'approver-is-bot', severity: 'high', find: (row) => whoSaid(row, isMachine) },
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
    type: 'checks-not-ok',
    severity: 'medium',
    find: (row) => (released(row) ? checksNotOk(row) : null),
  },
  {
    type: 'approval-lapsed',
    severity: 'medium',
    find: (row) => (released(row) ? lapsed(row) : null),
  },
  {
    type: 'break-glass',
    severity: 'medium',
    find: (row) => {
      if (row.disposition !== 'break_glass') return null;
      const who = row.glass?.by.map(({ id, login }) => login ?? `account ${id}`).join(' and ');
      return `released by break glass${who ? `: ${who}` : ''}`;
    },
  },
  { type: 'review-after-overdue', severity: 'high', find: overdue },
  {
    type: 'gate-unavailable',
    severity: 'medium',
    find: (row) => {
      const waitedMs = row.firstDecidedAtMs - row.requestedAtMs;
      if (waitedMs <= LATE_MS || (row.runId ?? 0) < 0) return null;
      return `first judged ${Math.round(waitedMs / 60_000)} minutes after it was asked for`;
    },
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
    type: 'approver-deployed',
    severity: 'low',
    find: (row) =>
      released(row) ? whoSaid(row, ({ id }) => id !== null && id === row.requester?.id) : null,
  },
  {
    type: 'quick-approval',
    severity: 'low',
    find: (row) => (released(row) && high(row) ? hurried(row) : null),
  },
];

/** Types that no single deployment shows, with what they stand for. */
export const OTHER_KINDS: readonly (readonly [string, Severity, string])[] = [
  ['not-in-log', 'high', 'GitHub lists a successful deployment that no event of ours releases'],
  ['policy-weakened', 'high', 'a policy that asks for less than the one before it'],
  ['gate-unavailable', 'medium', 'something that could not be judged; it stayed held'],
];

/** The exceptions of a deployment as they stand at a time: a review that is not due yet is none. */
export function exceptionsOf(row: Settled, asOfMs: number): readonly Exception[] {
  return EXCEPTION_KINDS.flatMap(({ type, severity, find }) => {
    const detail = find(row, asOfMs);
    if (detail === null) return [];
    const { leafIndex, repo, environment, runId } = row;
    return [{ type, severity, leafIndex, repo, environment, runId, atMs: timeOf(row), detail }];
  });
}

type Within = (atMs: number, repo: string) => boolean;

/** The exceptions that are about no single deployment of the log. */
export function otherExceptions(
  { policyChanges, incidents }: Pick<Gathered, 'policyChanges' | 'incidents'>,
  differences: readonly Difference[],
  within: Within,
): readonly Exception[] {
  const weaker = policyChanges
    .filter((row) => row.weaker.length > 0 && within(row.atMs, row.repo))
    .map(({ leafIndex, repo, environment, atMs, weaker: what }): Exception => {
      const about = { leafIndex, repo, environment, runId: null, atMs };
      return { type: 'policy-weakened', severity: 'high', ...about, detail: what.join(', ') };
    });
  const unjudged = incidents
    .filter((row) => row.kind === 'judge.failed' && within(row.atMs, row.repo ?? ''))
    .map(({ leafIndex, repo, atMs, what }): Exception => {
      const about = { leafIndex, repo: repo ?? '', environment: '', runId: null, atMs };
      return { type: 'gate-unavailable', severity: 'medium', ...about, detail: what };
    });
  const missing = differences
    .filter(({ side, cause }) => side === 'github-only' && !EXPLAINED.has(cause))
    .map(({ repo, environment, atMs, sha, cause, evidence }): Exception => {
      const about = { leafIndex: null, repo, environment, runId: null, atMs };
      const down = cause === 'gate-unavailable' || cause === 'delivery-failed';
      const detail = `GitHub says that ${sha.slice(0, 12)} was deployed: ${evidence}`;
      const type = down ? 'gate-unavailable' : 'not-in-log';
      return { type, severity: 'high', ...about, detail };
    });
  return [...weaker, ...unjudged, ...missing];
}

const EXPLAINED: ReadonlySet<Difference['cause']> = new Set(['before-the-gate', 'on-its-way']);
