/** The event `baseline.adopted`: what an environment ran when it was first seen guarded. */
import type { DeploymentEvidence } from '../evidence.ts';
import type { RepoRef } from '../subject.ts';
import { auditRepo, type EventStamp } from './decision-event.ts';
import { composeEvent, type SealableEvent } from './schema.ts';
import { cleanText } from './scribe.ts';

/** Null when the deployment does not stand on an adopted start. */
export function adoptedEvent(
  repo: RepoRef,
  deployment: DeploymentEvidence,
  stamp: EventStamp,
): SealableEvent | null {
  const { adopted = null, environment, fromSha } = deployment;
  if (adopted === null || fromSha === null) return null;
  return composeEvent(stamp.salt, () => ({
    v: 1,
    kind: 'baseline.adopted',
    eventId: stamp.eventId,
    dedupeKey: stamp.dedupeKey,
    installationId: repo.installationId,
    recordedAtMs: stamp.recordedAtMs,
    source: { because: 'first release', delivery: null, githubAtMs: adopted.atMs },
    actor: { kind: 'system', id: null, login: null },
    repo: auditRepo(repo),
    subject: null,
    outcome: 'adopted',
    cuts: [],
    baseline: {
      environment: cleanText(environment, 300),
      sha: cleanText(fromSha, 64),
      runId: adopted.runId,
      deploymentId: adopted.deploymentId,
    },
  }));
}
