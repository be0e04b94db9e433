/** The generated parts of docs/decision.md, each made from the code or the cases it speaks of. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blastRadiusTable, radii } from '../../src/core/blast-radius.ts';
import type { Opinion, RefusalCode } from '../../src/core/decision.ts';
import { SAY } from '../../src/core/words/holds.ts';
import { refusalWords } from '../../src/core/words/refusals.ts';
import { limitRows } from '../../src/core/rules/limits.ts';
import { RULES } from '../../src/core/rules/index.ts';
import { play, type Story } from '../core/stories.ts';

const casesFolder = join(import.meta.dirname, '../core/cases');

interface DecideCase {
  readonly name: string;
  readonly given: string;
  readonly when: string;
  readonly story: Story;
  readonly then: { readonly verdict: string; readonly codes: readonly string[] };
}

interface CaseFile {
  readonly file: string;
  readonly cases: readonly DecideCase[];
}

function caseFiles(): readonly CaseFile[] {
  return readdirSync(casesFolder)
    .filter((file) => /^decide-.*\.json$/.test(file))
    .toSorted()
    .map((file) => ({
      file,
      cases: JSON.parse(readFileSync(join(casesFolder, file), 'utf8')) as readonly DecideCase[],
    }));
}

function cell(text: string): string {
  return text.replaceAll('\n', ' ').replaceAll('|', '\\|');
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

const code = (text: string): string => `\`${text}\``;

function blastRadius(): string {
  const rows = radii
    .toReversed()
    .flatMap((radius) => blastRadiusTable.filter((row) => row.radius === radius))
    .map(({ radius, by, what, findings }) => [radius, by, what, findings.map(code).join(' ')]);
  return table(['Radius', 'By', 'What', 'Findings'], rows);
}

const REFUSALS: Readonly<Record<RefusalCode, string>> = {
  R01: 'not approved, dismissed or superseded',
  R02: 'stale: another head commit, or the check shows something else now',
  R03: 'the author of the pull request',
  R04: 'author, committer or co-author of a commit',
  R05: 'pushed to the branch',
  R06: 'a bot, an app or a known agent',
  R07: 'set the agent to work or operates it',
  R08: 'no write access now, or not in the team that is asked for',
  R09: 'edited afterwards or sent by e-mail',
  R10: 'too old, or given before the check showed what it has to show',
  R11: 'given for another base branch',
  R12: 'presence not confirmed (asked for only where the policy says so)',
  R13: 'the pull request was merged past the rules after it',
  R14: 'the evidence is incomplete',
  R15: 'changes were requested and nobody has cleared that',
};

/** The last sentence of what a reviewer is told: what would count instead. */
function remedyOf(refused: RefusalCode): string {
  const told = refusalWords({
    login: 'octocat',
    codes: [refused],
    reviewedSha: null,
    headSha: '',
    permission: 'read',
    teams: [],
    maxAgeMs: 0,
    stalePart: 'shown',
    timePart: 'posting',
    state: 'dismissed',
  });
  return told.slice(told.indexOf(`(${refused}). `) + refused.length + 4);
}

function refusals(): string {
  const rows = Object.entries(REFUSALS).map(([id, why]) => [id, why, remedyOf(id as RefusalCode)]);
  return table(['Code', 'The approval does not count because', 'What would count'], rows);
}

/** One example of each rule's opinion, as the cases give it. */
function seenOpinions(files: readonly CaseFile[]): ReadonlyMap<string, Opinion> {
  const seen = new Map<string, Opinion>();
  for (const { story } of files.flatMap(({ cases }) => cases)) {
    for (const opinion of play(story).decision.opinions) {
      const key = `${opinion.rule} ${opinion.code} ${opinion.verdict}`;
      if (!seen.has(key)) seen.set(key, opinion);
    }
  }
  for (const said of [SAY.ruleFailed('…'), SAY.noOpinion(), SAY.noEnvironments()]) {
    const opinion = { ...said, rule: 'decide', verdict: 'hold' } as const;
    seen.set(`decide ${said.code} hold`, opinion);
  }
  return seen;
}

function opinions(files: readonly CaseFile[]): string {
  const order = ['decide', ...RULES.map(({ name }) => name), 'break-glass'];
  const rows = [...seenOpinions(files).values()]
    .toSorted((a, b) => order.indexOf(a.rule) - order.indexOf(b.rule) || (a.code < b.code ? -1 : 1))
    .map(({ rule, code: id, verdict, reason, cure }) => [
      code(rule),
      code(id),
      verdict,
      reason,
      cure === '' ? '–' : cure,
    ]);
  return table(['Rule', 'Code', 'Verdict', 'For example', 'What cures it'], rows);
}

function limits(): string {
  const rows = limitRows.map(({ key, counter, speaksFor }) => [
    code(`limits.${key}`),
    code(counter),
    speaksFor === 'grave deployment' ? 'deployments of high or critical radius' : `${speaksFor}s`,
  ]);
  return table(['Key', 'Counts', 'Holds'], rows);
}

function cases(files: readonly CaseFile[]): string {
  return files
    .map(({ file, cases: rows }) => {
      const lines = rows.map(({ name, given, when, then }) => [
        name,
        given,
        when,
        `**${then.verdict}**${then.codes.length === 0 ? '' : `: ${then.codes.map(code).join(' ')}`}`,
      ]);
      const head = ['Case', 'Given', 'When', 'Then'];
      return `### ${code(`test/core/cases/${file}`)}\n\n${table(head, lines)}`;
    })
    .join('\n\n');
}

/** Each generated part by the name of its marker in docs/decision.md. */
export function decisionTables(): Readonly<Record<string, string>> {
  const files = caseFiles();
  return {
    'blast-radius': blastRadius(),
    refusals: refusals(),
    opinions: opinions(files),
    limits: limits(),
    cases: cases(files),
  };
}

/** A page with its generated parts filled in. Throws when a marker is missing. */
export function filled(page: string, parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).reduce((text, [name, part]) => {
    const block = new RegExp(`(<!-- generated:${name} -->\n)[\\s\\S]*?(<!-- end:${name} -->)`);
    if (!block.test(text)) throw new Error(`the page has no marker generated:${name}`);
    return text.replace(block, (_, begin: string, end: string) => `${begin}\n${part}\n\n${end}`);
  }, page);
}
