/** Everything that the local GitHub knows, as plain mutable records; GitHub's words for names. */
import type { KeyObject } from 'node:crypto';
import type { GitStore } from './git.ts';

export type Json = Record<string, unknown>;
export type AccountType = 'User' | 'Bot' | 'Organization';
export type Permission = 'admin' | 'maintain' | 'write' | 'triage' | 'read' | 'none';
export type Level = 'read' | 'write' | 'admin';

export interface Account {
  readonly id: number;
  readonly login: string;
  readonly type: AccountType;
  readonly name: string;
  /** Registered addresses; the noreply addresses are known beside them. */
  readonly emails: readonly string[];
}

export interface Team {
  readonly id: number;
  readonly slug: string;
  readonly name: string;
  readonly members: Set<string>;
}

export interface Org {
  readonly account: Account;
  readonly teams: Map<string, Team>;
  readonly members: Map<string, 'admin' | 'member'>;
}

/** An app manifest, as GitHub takes it (`app.yml` parsed). */
export interface Manifest {
  readonly name?: string;
  readonly default_permissions: Readonly<Record<string, string>>;
  readonly default_events: readonly string[];
  readonly callback_urls?: readonly string[];
}

export interface Installation {
  readonly id: number;
  readonly account: Account;
  readonly createdAtMs: number;
  suspendedAtMs: number | null;
  /** Ids of the repositories; null means all. */
  selected: Set<number> | null;
}

export interface AppRecord {
  readonly id: number;
  readonly slug: string;
  readonly name: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Where a person may come back to from signing in; the first one is the default. */
  callbackUrls: string[];
  readonly owner: Account;
  readonly bot: Account;
  readonly privateKey: string;
  readonly publicKey: KeyObject;
  readonly createdAtMs: number;
  readonly hookId: number;
  readonly installations: Installation[];
  permissions: Record<string, string>;
  events: string[];
  webhookSecret: string;
  webhookUrl: string | null;
}

/** What waits for its exchange after a person has signed in. */
export interface SignInCode {
  readonly app: AppRecord;
  readonly user: Account;
  /** As it was asked for; the exchange must name the same. */
  readonly redirectUri: string | null;
  /** PKCE with S256. */
  readonly challenge: string | null;
  readonly expiresAtMs: number;
}

export interface Token {
  readonly token: string;
  readonly kind: 'installation' | 'user';
  readonly app: AppRecord | null;
  readonly installation: Installation | null;
  readonly user: Account | null;
  readonly permissions: Readonly<Record<string, string>>;
  readonly repositories: ReadonlySet<number> | null;
  readonly expiresAtMs: number;
}

export interface Label {
  readonly id: number;
  name: string;
  color: string;
  description: string | null;
}

export interface Review {
  readonly id: number;
  readonly user: Account;
  state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED' | 'PENDING';
  body: string;
  readonly commitId: string | null;
  readonly submittedAtMs: number;
  editedAtMs: number | null;
  readonly viaEmail: boolean;
}

export interface Comment {
  readonly id: number;
  readonly user: Account;
  readonly viaApp: AppRecord | string | null;
  body: string;
  readonly createdAtMs: number;
  updatedAtMs: number;
}

/** One entry of an issue's timeline; `event` is GitHub's REST name. */
export interface TimelineEvent {
  readonly id: number;
  readonly event: string;
  readonly actor: Account;
  readonly atMs: number;
  readonly commitId: string | null;
  readonly viaApp: AppRecord | string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface IssueRecord {
  readonly id: number;
  readonly number: number;
  readonly user: Account;
  title: string;
  body: string | null;
  state: 'open' | 'closed';
  readonly labels: string[];
  readonly assignees: Account[];
  readonly comments: Comment[];
  readonly timeline: TimelineEvent[];
  readonly viaApp: AppRecord | string | null;
  readonly createdAtMs: number;
  updatedAtMs: number;
  closedAtMs: number | null;
  closedBy: Account | null;
}

export interface PullRecord {
  readonly issue: IssueRecord;
  readonly id: number;
  readonly number: number;
  baseRef: string;
  baseSha: string;
  readonly headRef: string;
  headSha: string;
  /** The repository that holds the head; null when the fork was deleted. */
  headRepo: RepoRecord | null;
  readonly headLabelOwner: string;
  draft: boolean;
  mergedAtMs: number | null;
  mergedBy: Account | null;
  mergeCommitSha: string | null;
  readonly reviews: Review[];
  readonly requestedReviewers: Account[];
  readonly requestedTeams: Team[];
}

export interface CheckRun {
  readonly id: number;
  readonly suiteId: number;
  readonly app: AppRecord;
  readonly headSha: string;
  name: string;
  externalId: string;
  detailsUrl: string | null;
  status: string;
  conclusion: string | null;
  startedAtMs: number;
  completedAtMs: number | null;
  output: { title: string | null; summary: string | null; text: string | null };
  readonly annotations: Json[];
  actions: Json[];
}

export interface CommitStatus {
  readonly id: number;
  readonly sha: string;
  readonly state: string;
  readonly context: string;
  readonly description: string | null;
  readonly targetUrl: string | null;
  readonly creator: Account;
  readonly createdAtMs: number;
}

export interface DeploymentStatus {
  readonly id: number;
  state: string;
  readonly description: string;
  readonly creator: Account;
  readonly environment: string;
  readonly logUrl: string;
  readonly createdAtMs: number;
}

export interface Deployment {
  readonly id: number;
  readonly sha: string;
  readonly ref: string;
  readonly task: string;
  readonly payload: unknown;
  readonly environment: string;
  readonly description: string | null;
  readonly creator: Account;
  readonly viaApp: AppRecord | null;
  readonly run: RunRecord | null;
  readonly productionEnvironment: boolean;
  readonly transientEnvironment: boolean;
  readonly createdAtMs: number;
  updatedAtMs: number;
  readonly statuses: DeploymentStatus[];
}

export interface Environment {
  readonly id: number;
  readonly name: string;
  readonly createdAtMs: number;
  /** Custom deployment protection rules: one per app that is enabled. */
  readonly rules: { readonly id: number; readonly app: AppRecord }[];
  canAdminsBypass: boolean;
  /** GitHub's `deployment_branch_policy`; left out: every branch. */
  branchPolicy?: { protected_branches: boolean; custom_branch_policies: boolean };
}

export interface Gate {
  readonly app: AppRecord;
  state: 'waiting' | 'approved' | 'rejected';
  readonly notes: string[];
}

export interface JobRecord {
  readonly id: number;
  readonly name: string;
  readonly attempt: number;
  readonly environment: string | null;
  readonly deployment: Deployment | null;
  readonly gates: Gate[];
  status: 'queued' | 'waiting' | 'in_progress' | 'completed';
  conclusion: string | null;
  readonly createdAtMs: number;
  startedAtMs: number;
  completedAtMs: number | null;
}

export interface Approval {
  readonly environment: Environment;
  readonly state: 'approved' | 'rejected' | 'pending';
  readonly user: Account;
  readonly comment: string;
}

/** What a run uploaded: the zip as `actions/upload-artifact` makes it. */
export interface ArtifactRecord {
  readonly id: number;
  readonly name: string;
  readonly zip: Buffer;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

interface Referenced {
  /** `acme/ci/.github/workflows/deploy.yml@v1`. */
  readonly path: string;
  readonly sha: string;
  readonly ref?: string;
}

export interface RunRecord {
  readonly id: number;
  readonly number: number;
  readonly workflowId: number;
  readonly workflowName: string;
  readonly path: string;
  readonly event: string;
  readonly headSha: string;
  readonly headBranch: string | null;
  readonly headRepo: RepoRecord;
  readonly actor: Account;
  triggeringActor: Account;
  attempt: number;
  status: 'queued' | 'waiting' | 'in_progress' | 'completed';
  conclusion: string | null;
  readonly createdAtMs: number;
  updatedAtMs: number;
  readonly jobs: JobRecord[];
  readonly approvals: Approval[];
  readonly artifacts: ArtifactRecord[];
  /** Reusable workflows that this run took, as they were when it started. */
  readonly referenced: readonly Referenced[];
  /** Release alone does not finish a run when this is false. */
  readonly autoComplete: boolean;
}

export interface Activity {
  readonly id: number;
  readonly before: string;
  readonly after: string;
  readonly ref: string;
  readonly atMs: number;
  readonly type: string;
  readonly actor: Account | null;
}

export interface RepoRecord {
  readonly id: number;
  readonly owner: Account;
  name: string;
  private: boolean;
  archived: boolean;
  defaultBranch: string;
  readonly git: GitStore;
  /** Where the refs stand inside the store: `refs` or, for a fork, a folder of its own. */
  readonly refPrefix: string;
  readonly parent: RepoRecord | null;
  deleted: boolean;
  readonly createdAtMs: number;
  pushedAtMs: number;
  /** Branch name to commit. */
  readonly branches: Map<string, string>;
  readonly collaborators: Map<string, Permission>;
  readonly labels: Map<string, Label>;
  readonly issues: Map<number, IssueRecord>;
  readonly pulls: Map<number, PullRecord>;
  readonly checkRuns: CheckRun[];
  readonly statuses: CommitStatus[];
  readonly deployments: Deployment[];
  readonly environments: Map<string, Environment>;
  readonly runs: RunRecord[];
  readonly activity: Activity[];
  readonly rulesets: Json[];
  readonly ruleSuites: Json[];
  readonly branchProtection: Map<string, Json>;
  /** Merged commits that GitHub signed itself, with any other commit told to be verified. */
  readonly verified: Map<string, 'web-flow' | 'user'>;
  /** Commit to the numbers of the merged pull requests that brought it to a branch. */
  readonly mergedWith: Map<string, Set<number>>;
}

export function fullName(repo: RepoRecord): string {
  return `${repo.owner.login}/${repo.name}`;
}
