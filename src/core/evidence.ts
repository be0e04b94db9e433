/**
 * Everything that one decision stands on, read once and fresh. Evidence is an immutable JSON value:
 * it is stored by its hash, and `decide` over it must give the recorded Decision again.
 */
import type { DryRun } from './dry-run.ts';
import type { Subject } from './subject.ts';

export interface Account {
  readonly id: number;
  readonly login: string;
  readonly type: 'User' | 'Bot' | 'Organization' | 'Mannequin' | 'Unknown';
}

/** An author, committer or co-author as the commit names it; `account` null when GitHub knows none. */
export interface CommitPerson {
  readonly account: Account | null;
  readonly name: string;
  readonly email: string;
}

export interface Commit {
  readonly sha: string;
  readonly parents: readonly string[];
  /** The author first, then the co-authors that GitHub itself parsed. */
  readonly authors: readonly CommitPerson[];
  readonly committer: CommitPerson;
  readonly message: string;
  /** GitHub's own verdict on the signature; null when not read. */
  readonly verified: boolean | null;
}

export interface Push {
  readonly actor: Account | null;
  readonly atMs: number;
  readonly kind: string;
  readonly after: string;
}

export type ReviewState =
  | 'APPROVED'
  | 'CHANGES_REQUESTED'
  | 'COMMENTED'
  | 'DISMISSED'
  | 'PENDING'
  | 'UNKNOWN';

export interface Review {
  readonly id: number;
  readonly author: Account | null;
  readonly state: ReviewState;
  readonly commitSha: string | null;
  readonly submittedAtMs: number;
  readonly editedAtMs: number | null;
  readonly viaEmail: boolean;
  /** Only for `release …` and `break glass: …`; cut at 2,000 characters. */
  readonly body: string;
  /** Who dismissed it and what it said before; left out for `DISMISSED`: that is not known. */
  readonly dismissed?: Dismissal;
  /** Whether it came with words, in its body or on lines; left out: not read. */
  readonly commented?: boolean;
}

/** GitHub lets everybody with write access dismiss a review, the agent itself too. */
export interface Dismissal {
  readonly by: Account | null;
  readonly was: ReviewState;
}

/** A reviewer as GitHub knows them at the time of the decision. */
export interface Standing {
  readonly id: number;
  readonly login: string;
  readonly permission: 'admin' | 'maintain' | 'write' | 'triage' | 'read' | 'none';
  /** Slugs of those teams that the policy names and that this person belongs to. */
  readonly teams: readonly string[];
}

/** A sign that somebody set an agent to work on this change. Logins when the text gave no id. */
export interface Involvement {
  readonly id: number | null;
  readonly login: string;
  readonly signal:
    | 'assigned-agent'
    | 'agent-comment' // the person's comment called the agent
    | 'requested-by' // `Requested by: @user` in the body
    | 'opened-through-app' // performed_via_github_app of the pull request read as an issue
    | 'workflow-actor';
  /** Where it was read: an API path or a field. */
  readonly source: string;
  readonly forgeable: boolean;
}

export interface ChangedFile {
  readonly path: string;
  readonly previousPath: string | null;
  readonly status: 'added' | 'modified' | 'removed' | 'renamed' | 'copied' | 'changed';
  /** Git object ids before and after; null where the file is not there. */
  readonly previousBlob: string | null;
  readonly blob: string | null;
  /** Octal git mode after the change (before it, when removed); null when not known. */
  readonly mode: string | null;
  readonly additions: number;
  readonly deletions: number;
  /** Unified diff hunks; null when GitHub gives none: binary or too large. */
  readonly patch: string | null;
  /**
   * Whole text before and after, for workflow files only, so that the environments which their
   * jobs name are known; absent when not read.
   */
  readonly content?: { readonly before: string | null; readonly after: string | null };
}

/**
 * Since when a check showed this digest for this head: GitHub's `Date` of the check write. There is
 * one whenever what is shown changed, in the order of the writes.
 */
export interface Posting {
  readonly headSha: string;
  readonly baseRef: string;
  readonly shown: string;
  readonly atMs: number;
  /** Name of the check that showed it; left out: `tagout`. */
  readonly check?: string;
}

/** One pull request, or the difference of a checkout: what a reviewer is asked about. */
export interface Change {
  readonly pull: number | null;
  readonly title: string;
  readonly body: string;
  readonly state: 'open' | 'closed' | 'merged';
  readonly draft: boolean;
  readonly author: Account | null;
  /** Slug of the app that opened it on the author's behalf, if GitHub says so. */
  readonly viaApp: string | null;
  readonly baseRef: string;
  readonly baseSha: string;
  readonly mergeBaseSha: string;
  readonly headRef: string;
  readonly headSha: string;
  /** Null when the fork is gone. */
  readonly headRepoId: number | null;
  readonly mergedAtMs: number | null;
  readonly mergeCommitSha: string | null;
  readonly mergedBy: Account | null;
  readonly labels: readonly string[];
  readonly commits: readonly Commit[];
  readonly pushes: readonly Push[];
  readonly files: readonly ChangedFile[];
  readonly reviews: readonly Review[];
  readonly involved: readonly Involvement[];
  readonly postings: readonly Posting[];
  readonly dryRun: DryRun;
  /** Where the base branch's code still names what the dry run dropped or renamed; left out: not read. */
  readonly mentions?: readonly Mention[];
  /** When the base branch was last changed; an approval given before it is for another base (R11). */
  readonly baseChangedAtMs?: number | null;
  /** A merge past the rules (administrator, ruleset bypass): only a later approval counts (R13). */
  readonly bypassedAtMs?: number | null;
  /** How it went past the gate: the branch's rules were bypassed, our check held it or was not there. */
  readonly mergedPast?: 'rules' | 'check' | 'unjudged';
}

/** A line of the base branch's code that names a database object. */
export interface Mention {
  /** As `namesToLookFor` gives it: `users`, `users.email`. */
  readonly object: string;
  readonly path: string;
  readonly line: number;
}

/**
 * How much one agent has done, this subject included; null where it could not be counted. An author
 * without any sign of an agent is counted as `undeclared:` and the account's id.
 */
export interface AgentActivity {
  readonly agent: string;
  readonly openPullRequests: number | null;
  readonly evaluationsLastHour: number | null;
  readonly productionDeploymentsLastHour: number | null;
  readonly productionDeploymentsLastDay: number | null;
  readonly highOrCriticalLastDay: number | null;
  /** When the oldest one that is counted falls out of the hour or the day, so that the count sinks. */
  readonly sinksAtMs?: Readonly<
    Partial<Record<Exclude<keyof AgentActivity, 'agent' | 'sinksAtMs'>, number>>
  >;
}

/** One commit between what the environment runs and what is asked for. */
export interface RangeCommit {
  readonly sha: string;
  readonly author: Account | null;
  readonly message: string;
  /** Number of the merged pull request that this commit belongs to; null when there is none. */
  readonly pull: number | null;
  /** Whether the content equals the three-way merge of the reviewed head; null when not computable. */
  readonly equalsReviewed: boolean | null;
  /** Why it does not, or could not be computed; a path when one differs. */
  readonly difference: string | null;
}

export interface DeploymentEvidence {
  readonly environment: string;
  readonly runId: number;
  readonly runAttempt: number;
  readonly runStatus: string;
  readonly runEvent: string;
  readonly runHeadSha: string;
  readonly runHeadRepoId: number | null;
  readonly actor: Account | null;
  readonly triggeringActor: Account | null;
  readonly deploymentId: number | null;
  readonly deploymentSha: string | null;
  /** The branch or tag that is deployed, as GitHub names it; left out: not read. */
  readonly ref?: string | null;
  /** For the record alone, no rule reads it. Null: GitHub did not let us; left out: not asked. */
  readonly checks?: DeployedChecks | null;
  readonly requestedAtMs: number;
  /** What runs there now by our record: the start of the range. Null: nothing to stand on. */
  readonly fromSha: string | null;
  readonly fromOrigin: 'released' | 'adopted' | 'accepted' | null;
  readonly range: readonly RangeCommit[];
  /** When anybody first asked to release this range; left out, this run is the first to ask. */
  readonly firstRequestedAtMs?: number | null;
  /** Where an adopted start was found; kept with the first decision that stands on it. */
  readonly adopted?: {
    readonly runId: number | null;
    readonly deploymentId: number;
    readonly atMs: number;
  } | null;
  /** This deployment has started although we never released it. */
  readonly bypass?: Bypass | null;
  /** Deployments of this environment that started without our decision, the oldest first. */
  readonly bypasses?: readonly Bypass[];
  /** Names of the environments where this very commit has been deployed successfully. */
  readonly succeededIn?: readonly string[];
  /**
   * Given when the target is an ancestor of what runs and was released here before: the range and
   * the changes are then what is rolled back. `currentSinceMs` is when the running commit came;
   * `ranBefore` whether a release of the target was seen to run to its end.
   */
  readonly rollback?: { readonly currentSinceMs: number; readonly ranBefore?: boolean } | null;
  /** GitHub's word for the target as seen from the start: `ahead`, `behind`, `diverged`. */
  readonly rangeStatus?: string | null;
  /** The whole range as one change, all its new migrations run together on the range's start. */
  readonly together?: Change | null;
  /** What stands behind the policy's rows `accepted`, as far as this range or its start needs them. */
  readonly accepted?: readonly AcceptedCommits[];
  /**
   * Reusable workflows of other repositories that the run took by a name that can move, with the
   * commit of each now and when what runs was released; `before` null: not known.
   */
  readonly referenced?: readonly ReferencedWorkflow[];
}

/** A workflow of another repository, at the commit where a run took it. */
export interface ReferencedWorkflow {
  readonly path: string;
  readonly sha: string;
  readonly before: string | null;
}

/** How GitHub's checks stood at the commit that is to be deployed. */
export interface DeployedChecks {
  /** Of every check run there but ours. */
  readonly result: 'success' | 'failure' | 'pending' | 'none';
  /** What the default branch requires; `stale`: it passed on the pull request's head only. */
  readonly required: readonly {
    readonly name: string;
    readonly state: 'passed' | 'failed' | 'skipped' | 'pending' | 'missing' | 'stale';
  }[];
}

/** A deployment that started without our decision. */
export interface Bypass {
  /** `started`: past our gate; `look-alike`: no rule names it; `outside`: not by a workflow. */
  readonly how: 'started' | 'look-alike' | 'outside';
  readonly environment: string;
  readonly deploymentId: number;
  readonly runId: number | null;
  readonly sha: string;
  /** When it started, by GitHub's clock. */
  readonly atMs: number;
}

/** Commits that a row `accepted` of the policy names, and the pull request that added the row. */
export interface AcceptedCommits {
  readonly from: string | null;
  readonly through: string;
  /** The commits that the row covers, as far as they are in the range. */
  readonly shas: readonly string[];
  /** Their difference and dry run; null when there is no start to compare with. */
  readonly change: Change | null;
  /** The merged pull request that added the row to the policy; null when nobody reviewed the row. */
  readonly addedBy: Change | null;
}

/** One policy file as found; `text` null means: looked for and not there. */
export interface PolicyFile {
  readonly repo: string;
  readonly path: string;
  readonly commitSha: string | null;
  readonly blob: string | null;
  readonly text: string | null;
}

export interface PolicySources {
  /** The repository's file on the default branch. */
  readonly repository: PolicyFile;
  /** The base branch's file, when that is another branch; it can only tighten. */
  readonly base: PolicyFile | null;
  /** The organisation's floor in its `.github` repository. */
  readonly floor: PolicyFile | null;
}

/** Something that could not be read to its end. Every gap holds (R14). */
export interface Gap {
  /** `commits`, `files`, `reviews`, `policy`, `dry-run`, … */
  readonly what: string;
  readonly why: 'truncated' | 'unreadable' | 'missing' | 'unknown-value' | 'too-large' | 'differs';
  /** One sentence for the reader: what happened and what cures it. */
  readonly detail: string;
  /** Who can cure it and how, when that is neither splitting nor waiting. */
  readonly cure?: string;
}

export interface Evidence {
  readonly v: 1;
  readonly subject: Subject;
  /** GitHub's clock (the `Date` header) when reading began. */
  readonly readAtMs: number;
  readonly defaultBranch: string;
  readonly policy: PolicySources;
  /** One for a pull request or checkout; one for each merged pull request of a deployment's range. */
  readonly changes: readonly Change[];
  readonly deployment: DeploymentEvidence | null;
  readonly people: readonly Standing[];
  /** Everybody with write access or more; left out: not read. */
  readonly eligible?: readonly Standing[];
  /** Nothing holds its deployments, as our last reading of the posture found; said and not judged. */
  readonly mergeGateOnly?: true;
  /** What the agents of this subject did lately; needed as soon as the policy sets `limits`. */
  readonly activity?: readonly AgentActivity[];
  /** Names of suspended agents by the server's own list (beside the policy's). */
  readonly suspended: readonly string[];
  readonly gaps: readonly Gap[];
}
