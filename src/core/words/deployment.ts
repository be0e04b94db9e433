/** What is written at a waiting run: at most 1,024 characters. */
import type { Decision } from '../decision.ts';
import type { DeploymentEvidence } from '../evidence.ts';
import { mainOpinion } from './check.ts';
import { cap, commit, list, name, some } from './text.ts';

/** GitHub's limit for a comment of a protection rule, in characters. */
export const MAX_COMMENT = 1024;

/** The comment of a release, a rejection, or a note that says why the run waits. */
export function deploymentComment(decision: Decision, deployment: DeploymentEvidence): string {
  const target = `${commit(deployment.deploymentSha)} to ${name(deployment.environment)}`;
  return cap(comment(decision, target), MAX_COMMENT);
}

function comment(decision: Decision, target: string): string {
  if (decision.verdict === 'allow') {
    return `Released: ${target}, blast radius ${decision.radius}. ${consentWords(decision)}`;
  }
  if (decision.verdict === 'deny') {
    const main = mainOpinion(decision);
    return `Denied: ${target}. ${main?.reason ?? ''} ${main?.cure ?? ''}`;
  }
  const held = decision.opinions.filter((opinion) => opinion.verdict === 'hold');
  const lines = held.slice(0, 3).map((one) => `- ${one.reason} ${one.cure} (${name(one.code)})`);
  const more = held.length > 3 ? [`- and ${held.length - 3} more reasons`] : [];
  return [`Held: ${target}, blast radius ${decision.radius}.`, ...lines, ...more].join('\n');
}

function consentWords(decision: Decision): string {
  const glass = decision.opinions.find((opinion) => opinion.code === 'break-glass');
  if (glass !== undefined) return glass.reason;
  const people = [...new Set(decision.counted.map((one) => one.person.login))];
  const pulls = [...new Set(decision.counted.map((one) => one.pull))].flatMap((pull) =>
    pull === null ? [] : [`#${pull}`],
  );
  if (people.length === 0) {
    return decision.opinions.find((one) => one.code === 'nothing-new')?.reason ?? '';
  }
  return `Approved by ${some(
    people.map((p) => name(p)),
    10,
  )} in ${list(pulls.slice(0, 20))}.`;
}
