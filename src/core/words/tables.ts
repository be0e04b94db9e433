/** The tables of the check: what the change did, who wrote it, whose approvals count. */
import { atLeast } from '../blast-radius.ts';
import type { Decision } from '../decision.ts';
import type { Evidence } from '../evidence.ts';
import type { Finding } from '../findings.ts';
import { operatorsOf } from '../origin.ts';
import type { EffectivePolicy } from '../policy.ts';
import { contributorsOf } from '../rules/contributors.ts';
import { raisedWords } from './needs.ts';
import { capital, cell, commit, counted, list, name, number, prose, some, time } from './text.ts';

/** Rows beyond this are counted, not printed. */
const MAX_ROWS = 40;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const shown = rows.slice(0, MAX_ROWS).map((row) => `| ${row.map(cell).join(' | ')} |`);
  const lines = [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...shown];
  const left = rows.length - MAX_ROWS;
  const notice = `\n\n**cut here:** ${counted(left, 'more row')}; the audit table has all of them.`;
  return `${lines.join('\n')}${left > 0 ? notice : ''}`;
}

const LEVELS = ['danger', 'advice', 'note'] as const;

/** Danger first, then by radius; otherwise in the order they were found. */
export function sortedFindings(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted(
    (a, b) =>
      LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level) ||
      Number(atLeast(b.radius, a.radius)) - Number(atLeast(a.radius, b.radius)),
  );
}

/** A migration file that ran is told by what it did, so that its path alone is no news. */
const TOLD_ELSEWHERE = 'judged-migration-changed';

/** The findings that a reader has to see, danger first. */
export function toldFindings(findings: readonly Finding[]): readonly Finding[] {
  const told = findings.filter(({ id }) => id !== TOLD_ELSEWHERE);
  return sortedFindings(told.length === 0 ? findings : told);
}

/** Object, what happened, proof; before and after where the dry run measured them. */
export function findingsTable(evidence: Evidence, findings: readonly Finding[]): string {
  if (findings.length === 0) return 'Nothing that is told by a finding.';
  const told = toldFindings(findings).map((finding) => ({
    finding,
    figures: measured(evidence, finding),
  }));
  const isMeasured = told.some(({ figures }) => figures.before !== '–' || figures.after !== '–');
  const rows = told.map(({ finding, figures: { before, after } }) => [
    name(finding.object, 80),
    `${prose(finding.message)}${finding.level === 'advice' ? ' (advice)' : ''}`,
    ...(isMeasured ? [before, after] : []),
    `${prose(finding.evidence, 60)}: ${name(finding.id)}`,
  ]);
  const figures = isMeasured ? ['Before', 'After'] : [];
  return table(['Object', 'What it did', ...figures, 'Proof'], rows);
}

interface Measured {
  readonly before: string;
  readonly after: string;
}

/** What the dry run measured for the object of a finding. */
export function measured(evidence: Evidence, finding: Finding): Measured {
  const seen = evidence.changes
    .flatMap((change) => change.dryRun.folders)
    .flatMap((folder) => (folder.observation === null ? [] : [folder.observation]));
  const data = seen.flatMap((o) => o.data).find((d) => d.object === finding.object);
  if (data !== undefined) {
    const changed = data.changed > 0 ? `, ${number(data.changed)} changed` : '';
    return {
      before: `${number(data.before)} ${data.measure}`,
      after: `${number(data.after)} ${data.measure}${changed}`,
    };
  }
  const object = seen.flatMap((o) => o.objects).find((o) => o.object === finding.object);
  if (object === undefined) return { before: '–', after: '–' };
  const words = (text: string | null): string => (text === null ? 'not there' : name(text, 80));
  return { before: words(object.before), after: words(object.after) };
}

interface OriginTold {
  readonly evidence: Evidence;
  readonly policy: EffectivePolicy;
  readonly decision: Decision;
}

const KIND = {
  agent: 'An agent',
  automation: 'An automation',
  human: 'A human',
  undeclared: 'No sign says whether an agent wrote it, so it counts as if one did',
} as const;

/** Who wrote it and who set it to work, with the signs that say so. */
export function originWords({ evidence, policy, decision: { origin } }: OriginTold): string {
  const who = origin.agents.length > 0 ? `: ${list(origin.agents.map((a) => name(a)))}` : '';
  const operators = evidence.changes.flatMap((change) => operatorsOf(change, policy.policy));
  const logins = [...new Set(operators.map((operator) => operator.login))];
  const set =
    logins.length === 0
      ? ''
      : ` Set to work by ${some(
          logins.map((login) => name(login)),
          5,
        )}, who cannot approve it.`;
  return `${KIND[origin.kind]}${who}${surestWords(origin.signals)}.${set}`;
}

/** The sign that is hardest to forge; the others are in the details. */
function surestWords(signals: Decision['origin']['signals']): string {
  const [surest] = signals.toSorted((a, b) => Number(a.forgeable) - Number(b.forgeable));
  if (surest === undefined) return '';
  const others = signals.length - 1;
  const more = others === 0 ? '' : ` and ${counted(others, 'more sign')} in the details`;
  return `, by ${prose(surest.signal, 60)} ${name(surest.value, 80)} (${weightOf(surest)})${more}`;
}

function weightOf({ forgeable }: Decision['origin']['signals'][number]): string {
  return forgeable ? 'can be forged' : 'set by GitHub';
}

/** Every sign of who wrote it, for the fold; nothing when there is none. */
export function signsWords({ origin }: Decision): readonly string[] {
  if (origin.signals.length === 0) return [];
  const rows = origin.signals.map((signal) => [
    name(signal.agent, 60),
    prose(signal.signal, 60),
    name(signal.value, 80),
    name(signal.source, 80),
    weightOf(signal),
  ]);
  const head = ['Agent', 'Sign', 'Value', 'Read from', 'Weight'];
  return [`Signs of who wrote it:\n\n${table(head, rows)}`];
}

/** In a table whose first column is the person, the sentence starts with the reason. */
function withoutSubject(reason: string): string {
  return capital(reason.replace(/^The approval of `[^`]*` does not count: /, ''));
}

/** `, 1 of them because …` where commits without an account raise the count; else nothing. */
export function raisedFor(
  { evidence, policy: { policy } }: { evidence: Evidence; policy: EffectivePolicy },
  pull: number | null,
): string {
  const change = evidence.changes.find((one) => one.pull === pull);
  const unknown = change === undefined ? [] : contributorsOf(change, policy).unknown;
  return unknown.length === 0 || policy.solo ? '' : `, 1 of them ${raisedWords(unknown)}`;
}

/** How many approvals count, and each with its reason. */
export function approvalsWords(told: {
  readonly evidence: Evidence;
  readonly policy: EffectivePolicy;
  readonly decision: Decision;
}): string {
  const { decision } = told;
  const lines = decision.needed.map((need) => {
    const pull = need.pull === null ? 'This change' : `Pull request ${need.pull}`;
    const teams =
      need.missingTeams.length === 0 ? '' : `; still to be heard: ${list([...need.missingTeams])}`;
    return (
      `${pull} (${need.radius}): ${need.counted} of ${counted(need.count, 'approval')}` +
      `${raisedFor(told, need.pull)}${teams}.`
    );
  });
  const rows = [
    ...decision.counted.map((one) => [
      name(one.person.login),
      one.independent ? 'yes' : 'yes, not independent',
      `${prose(one.permission)} access${
        one.teams.length === 0
          ? ''
          : `, ${some(
              one.teams.map((t) => name(t)),
              3,
            )}`
      }; ` + `reviewed ${commit(one.reviewedSha)} on ${time(one.submittedAtMs)}`,
    ]),
    ...decision.refused.map((one) => [
      name(one.person?.login ?? null),
      `no: ${one.codes.join(', ')}`,
      withoutSubject(one.reason),
    ]),
  ];
  if (rows.length === 0) return [...lines, 'Nobody has approved yet.'].join(' ');
  return `${lines.join(' ')}\n\n${table(['Person', 'Counts', 'Why'], rows)}`;
}
