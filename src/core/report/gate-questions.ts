/** Who could get around the gate, and when it did not stand: from the policy and from GitHub's settings. */
import { environmentKey } from '../subject.ts';
import { type Cell, iso } from './columns.ts';
import type { Gathered, PolicyChange } from './collect.ts';
import type { Period } from './period.ts';
import { type PostureSpan } from './posture-spans.ts';
import { loudSilences, WAYS } from './record-tables.ts';
import { type Settled, timeOf } from './row.ts';
import type { Table } from './tables.ts';

interface Asked {
  readonly gathered: Gathered;
  readonly period: Period;
  readonly atMs: number | null;
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

const DAY_MS = 86_400_000;
const NOT_KNOWN = 'not known: it could not be read';

/** Who gets past, by the finding's id. A state names several of them. */
const PAST: readonly (readonly [RegExp, string])[] = [
  [/\benvironment-bypass\b(?!-)/, 'administrators: the environment let them start waiting jobs'],
  [/\bcheck-admins\b/, 'administrators: the branch protection did not hold for them'],
  [/\bcheck-not-required\b/, 'whoever may merge: the check was not required'],
  [/\bcheck-not-pinned\b/, 'every app and person who may report a check of that name'],
  [/\benvironment-without-rule\b/, 'whoever may start a deployment: the rule was off'],
  [/\benvironment-look-alike\b/, 'whoever may start a deployment to the look-alike'],
  [/\binstallation-suspended\b/, 'whoever may start a deployment: the app was suspended'],
  [/-unseen\b|\bnot-seen\b/, NOT_KNOWN],
];

const ACTORS = /\bcheck-bypass \((.*)\)/;

function whoPast(state: string): readonly string[] {
  const actors = ACTORS.exec(state)?.[1];
  const named = actors === undefined ? [] : [`bypass actors of the ruleset: ${actors}`];
  // What actors are called is theirs: only the ids are looked at.
  const ids = state.replace(ACTORS, '');
  return [...named, ...PAST.flatMap(([pattern, who]) => (pattern.test(ids) ? [who] : []))];
}

function within(one: PostureSpan, { fromMs, toMs }: Span): boolean {
  return (one.fromMs ?? -Infinity) <= toMs && (one.toMs ?? Infinity) > fromMs;
}

/** The policies that were in force at some time of a span, for every place. */
function inForce(changes: readonly PolicyChange[], span: Span): readonly PolicyChange[] {
  const places = Map.groupBy(changes, (one) => `${one.repo}@${one.environment}`);
  return [...places.values()].flatMap((some) => {
    const before = some.findLast(({ atMs }) => atMs <= span.fromMs);
    const during = some.filter(({ atMs }) => atMs > span.fromMs && atMs <= span.toMs);
    return before === undefined ? during : [before, ...during];
  });
}

/**
 * Who could get around the gate at a moment, on a whole day (a moment at midnight), or now: by the
 * policies in force and by GitHub's settings as they were read.
 */
export function bypassable(asked: Asked): Table {
  const { gathered, period, atMs } = asked;
  const fromMs = atMs ?? gathered.lastMs ?? 0;
  const span = { fromMs, toMs: atMs !== null && atMs % DAY_MS === 0 ? atMs + DAY_MS - 1 : fromMs };
  const policies = inForce(gathered.policyChanges, span).flatMap((row) =>
    WAYS.filter(([term]) => (row.terms[term] ?? 0) > 0).map(([term, who]): readonly Cell[] => {
      const what = `the policy allows it: ${term}`;
      return [row.leafIndex, iso(row.atMs), null, `${row.repo}@${row.environment}`, who, what];
    }),
  );
  const settings = gathered.posture
    .filter((one) => one.about === 'posture' && within(one, span))
    .flatMap((one) =>
      whoPast(one.state).map((who): readonly Cell[] => {
        const place = `${one.repo ?? 'every repository'} ${one.item}`;
        return [one.leafIndex, iso(one.fromMs), iso(one.toMs), place, who, one.what || one.state];
      }),
    );
  const read = atMs === null ? period.population : null;
  const now = (read?.access ?? []).map((row): readonly Cell[] => {
    return [null, iso(read?.readAtMs ?? null), null, row.repo, row.who, row.how];
  });
  const rows = [...policies, ...settings, ...now];
  const unread = gathered.posture.some((one) => one.about === 'posture' && within(one, span))
    ? 'nobody by the policies and settings of the record'
    : 'nobody by the policies of the record; GitHub’s settings were not read then';
  const none: readonly Cell[] = [null, iso(fromMs), null, null, unread, null];
  return {
    name: 'answer',
    title: `Who could get around the gate${atMs === null ? '' : ` on ${iso(atMs)?.slice(0, 10)}`}`,
    columns: ['leaf_index', 'from', 'to', 'repo', 'who', 'what'],
    rows: rows.length === 0 ? [none] : rows,
  };
}

/** States in which nothing of ours stood between a deployment and its environment. */
const OFF = /\benvironment-without-rule\b|\binstallation-suspended\b|\benvironment-not-made\b/;
const UNSEEN = /\benvironments?-unseen\b|\bnot-seen\b|\bpolicy-unseen\b/;

function isOff(one: PostureSpan): boolean {
  return one.about === 'posture' && (OFF.test(one.state) || UNSEEN.test(one.state));
}

/** Places that are off, or not known to stand, at the record's end. */
export function openNow({ posture }: Gathered): (readonly Cell[])[] {
  return posture
    .filter((one) => one.toMs === null && isOff(one))
    .map((one) => [one.repo ?? 'every repository', one.environment, one.what || one.state]);
}

/** Whether a deployment happened where and while a state was in force. */
function happened(row: { repo: string; environment: string }, atMs: number, one: PostureSpan) {
  const here = one.repo === null || one.repo.toLowerCase() === row.repo.toLowerCase();
  const same =
    one.environment === null || environmentKey(one.environment) === environmentKey(row.environment);
  return here && same && atMs >= (one.fromMs ?? -Infinity) && atMs < (one.toMs ?? Infinity);
}

function deployedMeanwhile(period: Period, spans: readonly PostureSpan[]): (readonly Cell[])[] {
  if (spans.length === 0) return [];
  const rows: (readonly Cell[])[] = [];
  const tell = (row: Settled | null, atMs: number, more: readonly Cell[]): void => {
    rows.push(['deployment', iso(atMs), null, row?.leafIndex ?? null, ...more]);
  };
  for (const row of period.deployments) {
    const atMs = timeOf(row);
    if (row.releasedAtMs === null || !spans.some((one) => happened(row, atMs, one))) continue;
    const what = `run ${row.runId ?? 'unknown'} went out while the rule was off: ${row.disposition}`;
    tell(row, atMs, [row.repo, what]);
  }
  for (const one of period.differences) {
    if (one.side !== 'github-only' || !spans.some((span) => happened(one, one.atMs, span)))
      continue;
    const what = `GitHub lists ${one.sha.slice(0, 12)}, deployed while the rule was off`;
    tell(null, one.atMs, [one.repo, `${what}; this log has no release of it`]);
  }
  return rows;
}

const HEALTH_WORDS: Readonly<Record<string, string>> = { 'judge.failed': 'not judged' };

/** When the gate could not judge, was silent, or was not there; and what was deployed meanwhile. */
export function gateDown(asked: Asked, late: readonly (readonly Cell[])[]): Table {
  const { gathered, period } = asked;
  const off = gathered.posture.filter(isOff);
  const faults = gathered.incidents.filter(
    ({ kind }) => kind === 'judge.failed' || kind.startsWith('incident.'),
  );
  return {
    name: 'answer',
    title: 'When the gate was down, and what was deployed then',
    columns: ['kind', 'from', 'to', 'leaf_index', 'repo', 'what'],
    rows: [
      ...off.map((one): readonly Cell[] => [
        OFF.test(one.state) ? 'rule off' : 'not known whether it stood',
        one.fromMs === null ? 'before this log' : iso(one.fromMs),
        one.toMs === null ? 'still so' : iso(one.toMs),
        one.leafIndex,
        `${one.repo ?? 'every repository'} ${one.item}`,
        one.what || one.state,
      ]),
      ...faults.map((row): readonly Cell[] => {
        const kind = HEALTH_WORDS[row.kind] ?? row.kind;
        return [kind, iso(row.atMs), null, row.leafIndex, row.repo, row.what];
      }),
      ...loudSilences(gathered, period).map(({ fromMs, toMs, why }): readonly Cell[] => {
        return ['silence', iso(fromMs), iso(toMs), null, null, why];
      }),
      ...deployedMeanwhile(period, off),
      ...late,
    ],
  };
}
