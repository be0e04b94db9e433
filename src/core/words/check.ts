/** The check's output: a title, a summary for people, and a text with details and JSON. */
import { atLeast } from '../blast-radius.ts';
import type { Decision, Opinion, Verdict } from '../decision.ts';
import type { Evidence } from '../evidence.ts';
import type { EffectivePolicy } from '../policy.ts';
import { dryRunWords } from './dry-run.ts';
import { agentsJson } from './for-agents.ts';
import { pullWords } from './holds.ts';
import { MERGE_GATE_ONLY } from './merge-gate.ts';
import { needWords } from './needs.ts';
import {
  approvalsWords,
  findingsTable,
  originWords,
  signsWords,
  sortedFindings,
} from './tables.ts';
import {
  bytes,
  capital,
  counted,
  fence,
  fit,
  line,
  list,
  name,
  prose,
  type Section,
  some,
} from './text.ts';

export interface Told {
  readonly evidence: Evidence;
  readonly policy: EffectivePolicy;
  readonly decision: Decision;
}

/** GitHub's limit for summary and text, in bytes. */
export const MAX_OUTPUT_BYTES = 65_535;

const VERB: Readonly<Record<Verdict, string>> = {
  allow: 'Passed',
  hold: 'Held',
  deny: 'Denied',
};

/** One line: the verdict, the main reason, what is needed. At most 200 characters. */
export function titleOf(decision: Decision): string {
  const verb = VERB[decision.verdict];
  if (decision.verdict === 'allow') return line(`${verb}: ${passedWords(decision)}`, 200);
  const main = mainOpinion(decision);
  if (main === null) return `${verb}: no rule allows it`;
  if (main.code !== 'approvals-missing') {
    return line(`${verb}: ${plain(firstSentence(main.reason))}`, 200);
  }
  const need = decision.needed.find((one) => isOpen(one)) ?? decision.needed[0];
  const missing =
    need === undefined ? 'a review' : needWords(need.count - need.counted, need.missingTeams);
  // The end says what is needed, so the headline is what gets cut.
  const end = line(`${plain(missing)} needed`, 120);
  return `${verb}: ${line(headline(decision), 185 - end.length)} – ${end}`;
}

function isOpen(need: Decision['needed'][number]): boolean {
  return need.counted < need.count || need.missingTeams.length > 0;
}

/** The first opinion that made the verdict. */
export function mainOpinion(decision: Decision): Opinion | null {
  return decision.opinions.find((opinion) => opinion.verdict === decision.verdict) ?? null;
}

function passedWords(decision: Decision): string {
  const people = new Set(decision.counted.map((one) => one.person.id)).size;
  const main = decision.opinions.find((opinion) => opinion.code === 'break-glass');
  if (main !== undefined) return plain(main.reason);
  if (people === 0) return 'nothing to hold';
  const independent = decision.counted.every((one) => one.independent);
  const kind = independent ? 'independent approval' : 'approval (not independent)';
  const many = independent ? 'independent approvals' : 'approvals (not independent)';
  return `${counted(people, kind, many)}, blast radius ${decision.radius}`;
}

/** What matters most: the worst finding, else refused approvals, else the missing review. */
function headline(decision: Decision): string {
  const [worst] = sortedFindings(decision.findings);
  if (worst !== undefined && (worst.level === 'danger' || atLeast(worst.radius, 'high'))) {
    return worst.message;
  }
  if (decision.refused.length > 0) {
    const codes = [...new Set(decision.refused.flatMap((one) => one.codes))].join(', ');
    const n = decision.refused.length;
    return `${counted(n, 'approval')} ${n === 1 ? 'does' : 'do'} not count (${codes})`;
  }
  const open = decision.needed.find((one) => isOpen(one) && one.counted > 0);
  const reviewed =
    open === undefined
      ? 'not reviewed yet'
      : `${open.counted} of ${counted(open.count, 'approval')}`;
  return `${reviewed}, blast radius ${decision.radius}`;
}

function firstSentence(text: string): string {
  return /^.*?[.!?](?=\s|$)/s.exec(text)?.[0].replace(/\.$/, '') ?? text;
}

function plain(markdown: string): string {
  return markdown.replaceAll('`', '');
}

/** What a person reads first: why, what it did, who wrote it, whose approvals count, what next. */
export function summaryOf(told: Told): string {
  const { evidence, decision } = told;
  const sections: Section[] = [
    { title: 'the verdict', text: verdictWords(told) },
    ...gateSection(evidence),
    {
      title: 'what it did',
      text: `### What it did\n\n${findingsTable(evidence, decision.findings)}`,
    },
    { title: 'what to do next', text: `### What to do next\n\n${nextWords(decision)}` },
    { title: 'who wrote it', text: `### Who wrote it\n\n${originWords(told)}` },
    { title: 'approvals', text: `### Approvals\n\n${approvalsWords(told)}` },
  ];
  return fit(sections, MAX_OUTPUT_BYTES);
}

/** Whoever reads "passed" must not believe that the deployment is held as well. */
function gateSection({ mergeGateOnly }: Evidence): readonly Section[] {
  if (mergeGateOnly !== true) return [];
  return [{ title: 'what is held', text: `**Merge gate only.** ${MERGE_GATE_ONLY}` }];
}

function verdictWords({ evidence, decision }: Told): string {
  const what = evidence.changes.map((change) => pullWords(change.pull));
  const subject = what.length === 0 ? 'This' : some(what, 5);
  const does = `${what.length > 1 ? 'are' : 'is'} ${decision.verdict === 'deny' ? 'denied' : 'held'}`;
  const state = decision.verdict === 'allow' ? 'may go' : does;
  const dangers = dangerWords(decision);
  const first =
    `**${VERB[decision.verdict]}, blast radius ${decision.radius}.** ` +
    `${capital(subject)} ${state}${dangers === '' ? '.' : `: ${dangers}`}`;
  const reasons = decision.opinions
    .filter((opinion) => opinion.verdict === decision.verdict && !FORMAL.has(opinion.code))
    .slice(0, 20)
    .map((opinion) => `- ${opinion.reason} (${name(opinion.code)})`);
  return `${first}\n\n${reasons.join('\n')}`;
}

/** Opinions that only say that all was in order; the fold has them. */
const FORMAL: ReadonlySet<string> = new Set(['policy-readable', 'evidence-complete', 'not-frozen']);

function dangerWords(decision: Decision): string {
  const dangers = sortedFindings(decision.findings).filter((finding) => finding.level === 'danger');
  if (dangers.length === 0) return '';
  const left = dangers.length - 3;
  const more = left > 0 ? ` ${counted(left, 'more danger')} below.` : '';
  return `${dangers
    .slice(0, 3)
    .map((finding) => sentence(prose(finding.message, 300)))
    .join(' ')}${more}`;
}

function sentence(text: string): string {
  return /[.!?…]`?$/.test(text) ? text : `${text}.`;
}

function nextWords(decision: Decision): string {
  const cures = decision.opinions
    .filter((opinion) => opinion.verdict !== 'allow' && opinion.cure !== '')
    .map((opinion) => `- ${opinion.cure}`);
  if (cures.length > 0) return [...new Set(cures)].slice(0, 20).join('\n');
  return decision.verdict === 'allow' ? 'Nothing: this check does not hold it.' : '- See above.';
}

/** Details in a fold, and the same as JSON for agents. */
export function textOf(told: Told): string {
  const { evidence, policy, decision } = told;
  const details = [
    ...signsWords(decision),
    ...evidence.changes.flatMap((change) => dryRunWords(change)),
    `Policy: ${policyWords(policy)}`,
    `Every opinion:\n\n${opinionsWords(decision)}`,
  ];
  const json =
    '<details><summary>For agents, as JSON</summary>\n\n' +
    `${fence(agentsJson(decision), 'json')}\n\n</details>`;
  const fold = `<details><summary>Details</summary>\n\n${details.join('\n\n')}\n\n</details>`;
  // The JSON has its place first, so that agents never miss it.
  const room = MAX_OUTPUT_BYTES - bytes(json) - 2;
  return `${fit([{ title: 'the details', text: fold }], room)}\n\n${json}`;
}

function policyWords(policy: EffectivePolicy): string {
  const spoke = policy.spoke.map((source) => {
    const at = source.commitSha === null ? '' : ` at ${name(source.commitSha.slice(0, 7))}`;
    return `${name(source.file)}${at}`;
  });
  const which = spoke.length === 0 ? 'the built-in default' : list(spoke);
  const notes = policy.notes.slice(0, 10).map((note) => ` ${prose(note)}`);
  return `${which}, effective as ${name(policy.digest.slice(0, 12))}.${notes.join('')}`;
}

function opinionsWords(decision: Decision): string {
  return decision.opinions
    .slice(0, 60)
    .map((one) => `- ${one.verdict} by ${name(one.rule)} (${name(one.code)}): ${one.reason}`)
    .join('\n');
}
