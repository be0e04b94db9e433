/** What a decision about a deployment leaves for later ones, in the decision's own transaction. */
import { adoptedEvent } from '../core/audit/adopted-event.ts';
import type { DeploymentEvidence } from '../core/evidence.ts';
import type { Judged } from '../core/ports.ts';
import { environmentKey, type RepoRef } from '../core/subject.ts';
import { appendEvent, stamp } from './append.ts';
import type { Tx } from './connect.ts';
import { keepIncidents } from './incidents.ts';

/** Keeps the adopted start, the first request of a range, and a deployment past the gate. */
export async function keepWatch(tx: Tx, judged: Judged, nowMs: number): Promise<void> {
  const { deployment } = judged.evidence;
  if (deployment === null) return;
  const { repo } = judged.locator;
  await keepAdopted(tx, { repo, deployment }, nowMs);
  await keepRequested(tx, { repo, deployment });
  await keepBypass(tx, { repo, deployment });
  await keepIncidents(tx, judged, nowMs);
}

interface Asked {
  readonly repo: RepoRef;
  readonly deployment: DeploymentEvidence;
}

/** An environment adopts a start once: whatever is found later, the first one stays. */
async function keepAdopted(tx: Tx, { repo, deployment }: Asked, nowMs: number): Promise<void> {
  const { adopted = null, fromSha } = deployment;
  if (deployment.fromOrigin !== 'adopted' || adopted === null || fromSha === null) return;
  const environment = environmentKey(deployment.environment);
  const added = await tx`
    insert into tagout.release
    select ${repo.installationId}::bigint, ${repo.id}::bigint, ${environment},
      ${adopted.runId ?? 0}::bigint, 0, ${adopted.deploymentId}::bigint, ${fromSha}, 'adopted',
      ${adopted.atMs}::bigint
    where not exists (select from tagout.release where installation_id = ${repo.installationId}
      and repo_id = ${repo.id} and environment = ${environment} and origin = 'adopted')
    on conflict do nothing returning 1`;
  if (added.length === 0) return;
  const place = `${repo.installationId}:${repo.id}:${environment}`;
  const event = adoptedEvent(repo, deployment, stamp(`baseline.adopted:${place}`, nowMs));
  if (event !== null) await appendEvent(tx, event);
}

async function keepRequested(tx: Tx, { repo, deployment }: Asked): Promise<void> {
  const { fromSha, deploymentSha, environment, requestedAtMs } = deployment;
  if (fromSha === null || deploymentSha === null) return;
  await tx`insert into tagout.requested values (${repo.installationId}::bigint,
      ${repo.id}::bigint, ${environmentKey(environment)}, ${fromSha}, ${deploymentSha},
      ${requestedAtMs}::bigint) on conflict do nothing`;
}

async function keepBypass(tx: Tx, { repo, deployment }: Asked): Promise<void> {
  const { bypass = null } = deployment;
  if (bypass === null) return;
  await tx`insert into tagout.bypass values (${repo.installationId}::bigint, ${repo.id}::bigint,
      ${environmentKey(bypass.environment)}, ${bypass.deploymentId}::bigint,
      ${bypass.runId}::bigint, ${bypass.sha}, ${bypass.how}, ${bypass.atMs}::bigint)
    on conflict do nothing`;
}
