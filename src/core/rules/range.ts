/** A deployment stands on every commit since what runs: each reviewed, each with equal content. */
import type { DeploymentEvidence, RangeCommit } from '../evidence.ts';
import { SAY } from '../words/holds.ts';
import { type AcceptedVerdict, acceptedRows } from './accepted.ts';
import { isRollback } from './approvals.ts';
import type { Case, Rule, Thought } from './case.ts';
import { AGAIN_MS } from './look-again.ts';

export const deploymentRange: Rule = {
  name: 'deployment-range',
  judge: (it) => {
    const { deployment } = it.evidence;
    if (deployment === null || isRollback(it)) return [];
    if (deployment.fromSha === null || deployment.fromOrigin === null) {
      return [{ ...SAY.noBaseline(), verdict: 'hold' }];
    }
    if (deployment.fromSha === deployment.deploymentSha && deployment.range.length === 0) {
      return sameAgain(it);
    }
    return judgeRange(it, deployment);
  },
};

/**
 * The very commit that we released last: there is nothing to review, unless something was read
 * beside it. An adopted commit was there before anybody asked for reviews, so that running it again
 * needs somebody's word like any other.
 */
function sameAgain(it: Case): readonly Thought[] {
  const { deployment } = it.evidence;
  const rows = acceptedRows(it);
  const isAccepted =
    deployment?.fromOrigin === 'accepted' &&
    rows.some((row) => row.ok && row.through === deployment.fromSha);
  if (deployment?.fromOrigin === 'accepted' && !isAccepted) {
    const row = rows.find((one) => one.through === deployment.fromSha);
    const said = SAY.acceptedUnproven(deployment.fromSha ?? '', row?.addedBy ?? null);
    return [{ ...said, verdict: 'hold', breakable: true }];
  }
  if (deployment?.fromOrigin !== 'released' && !isAccepted) {
    return [{ ...SAY.adoptedAgain(deployment?.fromSha ?? ''), verdict: 'hold', breakable: true }];
  }
  return it.changes.length === 0 ? [{ ...SAY.nothingNew(), verdict: 'allow' }] : [];
}

function judgeRange(it: Case, deployment: DeploymentEvidence): readonly Thought[] {
  const { range, deploymentSha } = deployment;
  const rows = acceptedRows(it);
  const covered = new Set(rows.flatMap((row) => (row.ok ? row.shas : [])));
  const pulls = new Map(it.changes.map(({ change }) => [change.pull, change.state]));
  const thoughts: Thought[] = rows
    .filter((row) => !row.ok)
    .map((row) => ({
      ...SAY.acceptedUnproven(row.through, row.addedBy),
      verdict: 'hold',
      breakable: true,
    }));
  if (!startStands(deployment, rows)) {
    const said = SAY.acceptedUnproven(deployment.fromSha ?? '', null);
    thoughts.push({ ...said, verdict: 'hold', breakable: true });
  }
  if (
    deployment.rangeStatus === 'diverged' &&
    !rows.some((row) => row.ok && isWhole(row, deployment))
  ) {
    const said = SAY.diverged(deployment.fromSha ?? '', deploymentSha ?? '');
    thoughts.push({ ...said, verdict: 'hold', breakable: true });
  }
  if (deploymentSha === null || !range.some((item) => item.sha === deploymentSha)) {
    const said = SAY.rangeIncomplete(deploymentSha ?? '');
    thoughts.push({ ...said, verdict: 'hold', lookAgainMs: AGAIN_MS });
  }
  for (const item of range) {
    if (!covered.has(item.sha)) thoughts.push(...judgeCommit(item, pulls));
  }
  if (thoughts.length > 0) return thoughts;
  const accepted = range.filter((item) => covered.has(item.sha)).length;
  const reviewed: Thought = { ...SAY.rangeReviewed(range.length - accepted), verdict: 'allow' };
  if (accepted === 0) return [reviewed];
  return [reviewed, { ...SAY.accepted(accepted), verdict: 'allow' }];
}

/** A row from what runs to a commit of this branch shows what the branch takes away as well. */
function isWhole(row: AcceptedVerdict, deployment: DeploymentEvidence): boolean {
  return row.from !== null && row.from === deployment.fromSha;
}

/** A range that starts at an accepted commit stands only if that row of the policy counts. */
function startStands(deployment: DeploymentEvidence, rows: readonly AcceptedVerdict[]): boolean {
  if (deployment.fromOrigin !== 'accepted') return true;
  return rows.some((row) => row.through === deployment.fromSha);
}

function judgeCommit(
  item: RangeCommit,
  pulls: ReadonlyMap<number | null, string>,
): readonly Thought[] {
  if (item.pull === null) {
    return [
      {
        ...SAY.noReviewedPull(item),
        verdict: 'hold',
        lookAgainMs: AGAIN_MS,
        breakable: true,
      },
    ];
  }
  if (pulls.get(item.pull) !== 'merged') {
    return [{ ...SAY.pullNotRead(item.pull), verdict: 'hold', lookAgainMs: AGAIN_MS }];
  }
  if (item.equalsReviewed === true) return [];
  const said = item.equalsReviewed === false ? SAY.contentDiffers(item) : SAY.contentUnproven(item);
  return [{ ...said, verdict: 'hold', lookAgainMs: AGAIN_MS, breakable: true }];
}
