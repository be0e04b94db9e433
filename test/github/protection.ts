/** Classic branch protection as GitHub answers it. */
import { repoUrl } from './shapes.ts';
import type { Json, RepoRecord } from './state.ts';
import type { World } from './world.ts';

export function protectionOf(world: World, repo: RepoRecord, branch: string): Json {
  const url = `${repoUrl(world, repo)}/branches/${branch}/protection`;
  const set = repo.branchProtection.get(branch);
  if (set === undefined) {
    const checks = { enforcement_level: 'off', contexts: [], checks: [] };
    return { enabled: false, required_status_checks: checks };
  }
  return {
    url,
    enforce_admins: { url: `${url}/enforce_admins`, enabled: false },
    required_linear_history: { enabled: false },
    allow_force_pushes: { enabled: false },
    allow_deletions: { enabled: false },
    ...set,
  };
}
