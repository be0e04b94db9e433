/** What people are told, where they are, about a deployment that waits at the gate. */
import type { Decision, Opinion } from '../decision.ts';
import type { DeploymentEvidence } from '../evidence.ts';
import { commit, fit, line, name } from './text.ts';

/** Reasons that are written out; the check and the run's note have all of them. */
const MAX_REASONS = 10;
/** GitHub takes 65,536 characters; nobody reads so many. */
const MAX_COMMENT_BYTES = 8_000;
const MAX_LINE = 500;

const TITLE: Readonly<Record<Decision['verdict'], string>> = {
  hold: 'Waiting for a person',
  allow: 'Released',
  deny: 'Denied',
};

function target({ deploymentSha, environment }: DeploymentEvidence): string {
  return `${commit(deploymentSha)} to ${name(environment)}`;
}

function heldBy(decision: Decision): readonly Opinion[] {
  const { verdict, opinions } = decision;
  return verdict === 'allow' ? [] : opinions.filter((opinion) => opinion.verdict === verdict);
}

function moreWords(left: number): readonly string[] {
  return left > 0 ? [`- and ${left} more, which the note at the waiting run lists`] : [];
}

/** The comment on the pull request: Markdown in which nothing from outside is live. */
export function gateComment(decision: Decision, deployment: DeploymentEvidence): string {
  const held = heldBy(decision);
  const reasons = held.slice(0, MAX_REASONS).map((one) => {
    return `- ${one.reason} ${one.cure} (${name(one.code)})`;
  });
  const head = `**${TITLE[decision.verdict]}**: ${target(deployment)}, blast radius ${decision.radius}.`;
  const sections = [head, ...reasons, ...moreWords(held.length - reasons.length)];
  // Whole lines only: half a code span would bring what stands in it to life.
  const body = fit(
    sections.map((text) => ({ title: 'a reason', text })),
    MAX_COMMENT_BYTES,
  );
  return `${body}\n\nThis comment follows the gate; it releases nothing, and neither does an answer to it.\n`;
}

/** Markdown of ours as plain text: code spans lose their marks. */
function plain(markdown: string): string {
  return line(markdown.replaceAll('`', ''), MAX_LINE);
}

/** The same for a chat: plain text, in which the receiver must read no markup. */
export function gateNotice(
  decision: Decision,
  deployment: DeploymentEvidence,
): { readonly title: string; readonly lines: readonly string[] } {
  const held = heldBy(decision);
  const reasons = held.slice(0, MAX_REASONS).map((one) => plain(`${one.reason} ${one.cure}`));
  const left = moreWords(held.length - reasons.length).map((text) => text.replace('- ', ''));
  const title = `${TITLE[decision.verdict]}: ${target(deployment)}, blast radius ${decision.radius}`;
  return { title: plain(title), lines: [...reasons, ...left] };
}
