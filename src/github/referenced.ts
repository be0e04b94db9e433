/** Reusable workflows of elsewhere that a run takes, and where they stood when it was last released. */
import type { DeploymentEvidence } from '../core/evidence.ts';
import { readRun, type RunFacts } from './deployment-facts.ts';
import type { Reading } from './reading.ts';
import type { Start } from './release-start.ts';

/**
 * Those whose content nobody reviews here: not of this repository, whose own files are in the range,
 * and not named by the commit itself, which cannot move. Nothing when there is none.
 */
export async function readReferenced(
  reading: Reading,
  run: RunFacts,
  start: Start,
): Promise<Pick<DeploymentEvidence, 'referenced'>> {
  const own = `${reading.repo.owner}/${reading.repo.name}/`.toLowerCase();
  const moving = run.referenced.filter(
    ({ path, sha }) => !path.toLowerCase().startsWith(own) && !path.endsWith(`@${sha}`),
  );
  if (moving.length === 0) return {};
  const before = start.runId === null ? null : await readRun(reading, start.runId);
  const stood = new Map((before?.referenced ?? []).map(({ path, sha }) => [path, sha]));
  return {
    referenced: moving.map(({ path, sha }) => ({ path, sha, before: stood.get(path) ?? null })),
  };
}
