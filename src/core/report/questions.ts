/** The questions that auditors ask (report, 5.2): each is one table over a period of the record. */
import type { Gathered } from './collect.ts';
import { type Cell, iso } from './columns.ts';
import { type Exception, exceptionsOf } from './exceptions.ts';
import { bypassable, gateDown, openNow } from './gate-questions.ts';
import { exceptionsIn, type Period } from './period.ts';
import { id, several } from './record-tables.ts';
import { dryRunOf, type Person, type Settled, timeOf } from './row.ts';
import { EXCEPTIONS, exceptionCells, REGISTER, registerCells, smallTables } from './tables.ts';
import type { Table } from './tables.ts';

/** What a question is asked of. */
export interface Asked {
  readonly gathered: Gathered;
  readonly period: Period;
  /** Rows under the last checkpoint. */
  readonly size: number;
  /** A moment, for questions about one; null: the end of the record. */
  readonly atMs: number | null;
  /** A workflow run, for questions about one deployment; null: every one. */
  readonly runId: number | null;
  /** The verifier's lines, for the question whether the record was altered. */
  readonly verified: readonly string[];
}

export interface Question {
  readonly number: number;
  readonly asks: string;
  answer(asked: Asked): Table;
}

const nameOf = (one: Person): string => one.login ?? `account ${one.id ?? 'unknown'}`;
const people = (rows: readonly Person[]): Cell => several(rows.map(nameOf));

/** Rows are made one at a time: only those that are asked for are kept. */
function kept<T>(rows: Iterable<T>, is: (row: T) => boolean): T[] {
  const found: T[] = [];
  for (const row of rows) if (is(row)) found.push(row);
  return found;
}

function smallTable(asked: Asked, name: string): Table {
  const table = smallTables(asked.gathered, asked.period).find((one) => one.name === name);
  if (table === undefined) throw new RangeError(`There is no table ${name}.`);
  return table;
}

function found(asked: Asked, is: (one: Exception) => boolean): Table {
  return { ...EXCEPTIONS, rows: kept(exceptionsIn(asked.period), is).map(exceptionCells) };
}

const ofTypes = (...types: readonly string[]) => {
  const wanted = new Set(types);
  return (asked: Asked): Table => found(asked, ({ type }) => wanted.has(type));
};

/** Deployments with the few columns that a question is about. */
function deployments(
  asked: Asked,
  title: string,
  about: {
    readonly columns: readonly string[];
    readonly is?: (row: Settled) => boolean;
    readonly cells: (row: Settled) => readonly Cell[];
  },
): Table {
  const rows = kept(
    asked.period.deployments,
    (row) => (asked.runId === null || row.runId === asked.runId) && about.is?.(row) !== false,
  );
  const head = ['leaf_index', 'at', 'repo', 'environment', 'run_id', 'head_sha'];
  return {
    name: 'answer',
    title,
    columns: [...head, ...about.columns],
    rows: rows.map((row) => [
      row.leafIndex,
      iso(timeOf(row)),
      row.repo,
      row.environment,
      id(row.runId),
      row.sha,
      ...about.cells(row),
    ]),
  };
}

const released = (row: Settled): boolean => row.releasedAtMs !== null;

function approved(asked: Asked): Table {
  return deployments(asked, 'Every production deployment and who approved it', {
    columns: ['disposition', 'approvers', 'approved_at'],
    is: released,
    cells: (row) => [
      row.disposition,
      people(row.approvers) ?? 'NOBODY',
      several(row.approvers.map(({ atMs }) => iso(atMs) ?? '')),
    ],
  });
}

function agentOf(asked: Asked): Table {
  return deployments(asked, 'Which agent made it, for whom, and how far it could reach', {
    columns: ['agents', 'sponsor_ids', 'origin', 'reached_by_the_agent'],
    is: (row) => row.agents.length > 0,
    cells: (row) => [
      several(row.agents),
      several([...new Set(row.facts.flatMap(({ sponsors }) => sponsors))]),
      row.origin,
      several([
        ...new Set(
          asked.gathered.agents
            .filter(({ name }) => row.agents.includes(name))
            .flatMap(({ reached }) => reached),
        ),
      ]),
    ],
  });
}

function dryRun(asked: Asked): Table {
  return deployments(asked, 'What the dry run said, and whether that version was approved', {
    columns: ['dry_run', 'dry_run_sha256', 'findings', 'approved_sha', 'same_version'],
    is: released,
    cells: (row) => [
      dryRunOf(row),
      several(row.dryRuns.map(({ sha256 }) => sha256)),
      several(row.findings),
      several(row.approvers.map(({ reviewedSha }) => reviewedSha)),
      row.approvers.length > 0 &&
      row.approvers.every(({ reviewedSha }) => row.heads.includes(reviewedSha))
        ? 'yes'
        : 'no',
    ],
  });
}

/** Deployments that were judged late, or not at all, beside the times in which the gate was down. */
function downTimes(asked: Asked): Table {
  const late = kept(exceptionsIn(asked.period), ({ type }) => type === 'gate-unavailable');
  const rows = late.map(({ atMs, leafIndex, repo, detail }): readonly Cell[] => {
    return ['deployment', iso(atMs), null, leafIndex, repo, detail];
  });
  return gateDown(asked, rows);
}

/** One deployment with every recorded field, as names and values. */
function endToEnd(asked: Asked): Table {
  const { period, size } = asked;
  const rows = kept(period.deployments, (row) => row.runId === asked.runId);
  return {
    name: 'answer',
    title: `Deployment ${asked.runId ?? ''} end to end`,
    columns: ['leaf_index', 'field', 'value'],
    rows: rows.flatMap((row) => {
      const types = exceptionsOf(row, period.asOfMs).map(({ type }) => type);
      const cells = registerCells(row, types, { told: period, size });
      const refused = row.refused.map(({ person, codes }) => {
        return `${person === null ? 'unknown' : nameOf(person)} ${codes.join(' ')}`;
      });
      return [
        ...REGISTER.columns.map((name, at) => [row.leafIndex, name, cells[at] ?? null]),
        [row.leafIndex, 'refused', several(refused)],
        [row.leafIndex, 'evidence_sha256', row.evidenceSha256],
        [row.leafIndex, 'release_leaf', row.releaseLeaf],
      ];
    }),
  };
}

function verified({ verified: lines }: Asked): Table {
  const rows = lines.map((line) => [line]);
  return { name: 'answer', title: 'Whether the record was altered', columns: ['verdict'], rows };
}

function laterDeployed(asked: Asked): Table {
  const since = new Map<string, number>();
  for (const row of asked.period.deployments) {
    if (row.releasedAtMs === null) continue;
    since.set(`${row.repo}\n${row.environment}\n${row.sha}`, row.releasedAtMs);
  }
  return deployments(asked, 'What was refused or never released, and whether it went out later', {
    columns: ['disposition', 'held_by', 'released_later'],
    is: (row) => !released(row),
    cells: (row) => {
      const own = since.get(`${row.repo}\n${row.environment}\n${row.sha}`) ?? null;
      const { state = null, createdAtMs = null } = asked.period.github(row) ?? {};
      const theirs = state === 'success' ? createdAtMs : null;
      return [row.disposition, several(row.holds), iso(own ?? theirs) ?? 'no'];
    },
  });
}

function uncovered(asked: Asked): Table {
  const { period } = asked;
  const rows: (readonly Cell[])[] = period.summary.places
    .filter(({ rules }) => [...rules].some((rule) => rule.startsWith('none')))
    .map(({ repo, environment }) => [repo, environment, 'no rule of the policy names it']);
  const outside = new Map(
    period.differences
      .filter(({ cause }) => cause === 'before-the-gate')
      .map(({ repo, environment, evidence }) => [`${repo}\n${environment}`, evidence] as const),
  );
  for (const [key, evidence] of outside) {
    const [repo = '', environment = ''] = key.split('\n');
    rows.push([repo, environment, `deployed at GitHub; ${evidence}`]);
  }
  rows.push(...openNow(asked.gathered));
  const columns = ['repo', 'environment', 'why'];
  return { name: 'answer', title: 'What is not covered', columns, rows };
}

const ofKind = (...kinds: readonly string[]) => {
  return (asked: Asked): Table => {
    const table = smallTable(asked, 'access');
    const at = table.columns.indexOf('kind');
    return { ...table, rows: table.rows.filter((row) => kinds.includes(String(row[at]))) };
  };
};

function policyOf(asked: Asked): Table {
  const changes = asked.gathered.policyChanges;
  return deployments(asked, 'The policy that a deployment was judged by', {
    columns: ['policy_sha256', 'rule', 'files', 'terms'],
    cells: (row) => {
      const one = changes.findLast(
        ({ after, repo, environment, leafIndex }) =>
          after === row.policySha256 &&
          repo === row.repo &&
          environment === row.environment &&
          leafIndex <= row.leafIndex,
      );
      const files = one?.spoke.map(({ file, commitSha }) => `${file}@${commitSha ?? 'none'}`) ?? [];
      const terms = Object.entries(one?.terms ?? {}).map(([name, value]) => `${name}=${value}`);
      return [row.policySha256, row.rule, several(files), several(terms)];
    },
  });
}

const small = (name: string) => (asked: Asked) => smallTable(asked, name);

/** All of them, by number. */
export const QUESTIONS: readonly Question[] = (
  [
    ['Every production deployment, who approved it, and those that nobody did', approved],
    ['Is that list complete, and how do you know?', small('population')],
    [
      'Which approvals came from the author, a committer or the deployer?',
      ofTypes('self-approval', 'approver-is-committer', 'approver-deployed', 'approver-is-bot'),
    ],
    ['Which deployed commit differs from the approved one?', ofTypes('approved-other-commit')],
    ['Which approvals were given after the release?', ofTypes('approved-after-release')],
    ['Every break glass: reason, second person, review afterwards', small('break_glass')],
    ['Which agent made it, who sponsors it, what could it reach?', agentOf],
    ['What did the dry run say, and was that version approved?', dryRun],
    ['Who could have bypassed the gate (--at DAY)?', bypassable],
    [
      'When was the policy changed or weakened, by whom, approved by whom?',
      small('policy_changes'),
    ],
    ['When was the gate down, and what was deployed then?', downTimes],
    ['One deployment end to end (--run ID)', endToEnd],
    ['Has any record been altered, removed or backdated?', verified],
    ['25 at random, reproducibly', small('samples')],
    ['How long did reviewers take, who approves most, how many in a hurry?', small('approvers')],
    ['What was refused or never released, and was it deployed later?', laterDeployed],
    ['Which repositories and environments are not covered?', uncovered],
    ['Which personal texts were erased, on what basis?', ofKind('redaction.performed')],
    ['Who read or exported this log?', ofKind('report.read')],
    ['Which policy was a deployment judged by (--run ID)?', policyOf],
  ] as const
).map(([asks, answer], at) => ({ number: at + 1, asks, answer }));
