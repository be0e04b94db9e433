/**
 * Which permission of the manifest each effect and each reading needs, so that app.yml asks for
 * these and no others. Sources: the `x-github` notes and permission headings of GitHub's REST
 * reference.
 */
import type { Effect } from '../core/effect.ts';

export type Permission =
  | 'actions'
  | 'administration'
  | 'checks'
  | 'contents'
  | 'deployments'
  | 'issues'
  | 'members'
  | 'merge_queues'
  | 'metadata'
  | 'pull_requests';

/** What a write needs. A new kind of effect does not compile until its permission stands here. */
export const EFFECT_PERMISSIONS: Readonly<Record<Effect['kind'], readonly Permission[]>> = {
  'check-run': ['checks'],
  labels: ['issues', 'pull_requests'],
  'review-deployment': ['deployments'],
  'deployment-note': ['deployments'],
  issue: ['issues'],
  'pull-comment': ['issues', 'pull_requests'],
  'review-request': ['pull_requests'],
  notice: [],
};

/** What a write reads beside it, to find out what became of an earlier one. */
const EFFECT_READS: Partial<Readonly<Record<Effect['kind'], readonly Permission[]>>> = {
  'review-deployment': ['actions'],
};

/** All that a token for effects of this kind may do, in GitHub's words. */
export function permissionsFor(
  kind: Effect['kind'],
): Readonly<Partial<Record<Permission, 'read' | 'write'>>> {
  const rows = (names: readonly Permission[], level: 'read' | 'write') =>
    names.map((name) => [name, level] as const);
  return Object.fromEntries([
    ...rows(['metadata', ...(EFFECT_READS[kind] ?? [])], 'read'),
    ...rows(EFFECT_PERMISSIONS[kind], 'write'),
  ]);
}

/** What each permission is read for. */
export const READ_PERMISSIONS: Readonly<Record<Permission, string>> = {
  actions: 'workflow runs, their approvals, pending deployments and the plan that one printed',
  administration: 'rules of branches and environments (posture), never their change',
  checks: 'our own check runs, to find one before it is written again',
  contents: 'trees, blobs, commits, comparisons, activity and the policy file',
  deployments: 'deployments and their statuses',
  issues: 'the pull request read as an issue: the app through which it was opened',
  members: 'membership of the teams that the policy names',
  merge_queues: 'merge groups that ask for the check',
  metadata: 'repositories and the permission of a reviewer',
  pull_requests: 'pull requests, their files, commits, reviews and timeline',
};
