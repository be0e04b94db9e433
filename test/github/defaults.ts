/** What a new repository and the built-in app start with. */
import type { FileContent, GitStore } from './git.ts';
import type { Account, Manifest, Permission, RepoRecord } from './state.ts';
import type { World } from './world.ts';

export interface RepoOptions {
  readonly files?: Readonly<Record<string, FileContent>>;
  readonly collaborators?: Readonly<Record<string, Permission>>;
  readonly private?: boolean;
  readonly defaultBranch?: string;
  /** Who makes the first commit; the owner, or the first administrator of the organisation. */
  readonly author?: Account | string;
}

/** What the built-in app may do when no manifest is given: all that this project asks for. */
export const defaultManifest: Manifest = {
  name: 'tagout',
  default_permissions: {
    actions: 'read',
    administration: 'read',
    checks: 'write',
    contents: 'read',
    deployments: 'write',
    issues: 'write',
    members: 'read',
    merge_queues: 'read',
    metadata: 'read',
    pull_requests: 'write',
  },
  default_events: [
    'deployment',
    'deployment_protection_rule',
    'deployment_status',
    'pull_request',
    'pull_request_review',
    'push',
  ],
};

export interface NewRepo {
  readonly id: number;
  readonly account: Account;
  readonly name: string;
  readonly git: GitStore;
  readonly parent: RepoRecord | null;
  readonly options: RepoOptions;
}

export function newRepo(world: World, made: NewRepo): RepoRecord {
  const { id, account, name, git, parent, options } = made;
  const collaborators = new Map(
    Object.entries(options.collaborators ?? {}).map(([login, role]) => [login.toLowerCase(), role]),
  );
  return {
    id,
    owner: account,
    name,
    private: options.private ?? parent?.private ?? true,
    archived: false,
    defaultBranch: options.defaultBranch ?? 'main',
    git,
    refPrefix: parent === null ? 'refs' : `refs/forks/${id}`,
    parent,
    deleted: false,
    createdAtMs: world.now(),
    pushedAtMs: world.now(),
    branches: new Map(),
    collaborators,
    labels: new Map(),
    issues: new Map(),
    pulls: new Map(),
    checkRuns: [],
    statuses: [],
    deployments: [],
    environments: new Map(),
    runs: [],
    activity: [],
    rulesets: [],
    ruleSuites: [],
    branchProtection: new Map(),
    verified: new Map(),
    mergedWith: new Map(),
  };
}
