/** Whether the run and the deployment are what they say they are. No review cures a lie here. */
import { environmentKey } from '../subject.ts';
import { lookAlike } from '../environments.ts';
import type { DeploymentEvidence, Evidence } from '../evidence.ts';
import { SAY } from '../words/holds.ts';
import type { Case, Rule, Thought } from './case.ts';
import { AGAIN_MS } from './look-again.ts';

/** GitHub itself lets a waiting job fail after this long. */
const REQUEST_DAYS = 30;

/** The environment must be one that a rule speaks for. */
export const environmentKnown: Rule = {
  name: 'environment-known',
  judge: ({ evidence, environment, policy }) => {
    if (evidence.deployment === null || environment !== null) return [];
    const name = evidence.deployment.environment;
    return [{ ...SAY.environmentUnknown(name, lookAlike(policy, name)), verdict: 'hold' }];
  },
};

/** The run, the deployment and what was asked for are the same commit of this repository. */
export const deploymentSha: Rule = {
  name: 'deployment-sha',
  judge: ({ evidence }: Case) => {
    const { deployment, subject } = evidence;
    if (subject.kind !== 'deployment') return [];
    if (deployment === null) return [unread('nothing about it was read')];
    return [...identity(evidence, deployment), ...source(evidence, deployment)];
  },
};

function identity(evidence: Evidence, deployment: DeploymentEvidence): readonly Thought[] {
  const { subject } = evidence;
  if (subject.kind !== 'deployment') return [];
  const { deploymentSha: deployed, runHeadSha: ran } = deployment;
  if (deployed === null) return [unread('its commit could not be read')];
  const thoughts: Thought[] = [];
  if (deployed !== ran) thoughts.push({ ...SAY.shaMismatch(deployed, ran), verdict: 'deny' });
  else if (subject.sha !== deployed) {
    thoughts.push({ ...SAY.shaMismatch(subject.sha, ran), verdict: 'deny' });
  }
  if (subject.runId !== deployment.runId || subject.runAttempt !== deployment.runAttempt) {
    thoughts.push(unread('another attempt of the run has taken its place'));
  }
  if (subject.deploymentId !== deployment.deploymentId) {
    thoughts.push(unread('another deployment has taken its place'));
  }
  if (environmentKey(subject.environment) !== environmentKey(deployment.environment)) {
    thoughts.push(unread('it is for another environment'));
  }
  return thoughts;
}

function source(evidence: Evidence, deployment: DeploymentEvidence): readonly Thought[] {
  const { subject } = evidence;
  const thoughts: Thought[] = [];
  if (deployment.runEvent === 'pull_request_target') {
    thoughts.push({ ...SAY.pullRequestTarget(), verdict: 'deny' });
  }
  if (deployment.runHeadRepoId === null) {
    thoughts.push(unread('the repository of the run could not be read'));
  } else if (subject.kind === 'deployment' && deployment.runHeadRepoId !== subject.repo.id) {
    thoughts.push({ ...SAY.forkRun(), verdict: 'deny' });
  }
  const ageMs = evidence.readAtMs - deployment.requestedAtMs;
  if (ageMs > REQUEST_DAYS * 86_400_000) {
    thoughts.push({ ...SAY.expired(REQUEST_DAYS), verdict: 'deny' });
  }
  return thoughts;
}

function unread(what: string): Thought {
  return { ...SAY.deploymentUnread(what), verdict: 'hold', lookAgainMs: AGAIN_MS };
}
