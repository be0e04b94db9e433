/** The words in which test/core/cases/decide-*.json tell their stories. */
import type {
  AgentActivity,
  Change,
  DeploymentEvidence,
  Gap,
  Involvement,
  Standing,
} from '../../src/core/evidence.ts';
import type { ChangeKind } from './story-content.ts';

export interface ReviewStory {
  readonly by: string;
  readonly says?: 'approve' | 'changes' | 'comment' | 'dismissed' | 'unknown' | 'pending';
  /** `head` (the default) or `old`, the head before the last push. */
  readonly of?: 'head' | 'old';
  /** Minutes after the check first showed the change; the default is 60. */
  readonly minute?: number;
  readonly body?: string;
  readonly editedMinutesLater?: number;
  readonly viaEmail?: boolean;
  readonly id?: number;
  /** Of a dismissed review: what it said before (`approve` if left out), and who dismissed it. */
  readonly was?: 'approve' | 'changes';
  readonly dismissedBy?: string;
}

export interface CommitStory {
  /** A login, or an e-mail that belongs to no account. */
  readonly by: string;
  readonly with?: readonly string[];
  readonly committer?: string;
  readonly message?: string;
  readonly verified?: boolean;
  /** A merge of the base branch made by "Update branch". */
  readonly update?: boolean;
}

export interface ChangeStory {
  readonly pull?: number | null;
  readonly does?: ChangeKind;
  readonly author?: string;
  readonly commits?: readonly CommitStory[];
  readonly pushedBy?: readonly (string | null)[];
  readonly involved?: readonly { readonly who: string; readonly signal: Involvement['signal'] }[];
  readonly viaApp?: string;
  readonly branch?: string;
  readonly title?: string;
  readonly body?: string;
  readonly base?: string;
  readonly state?: Change['state'];
  /** Minutes after the showing; the default for a merged change is 90. */
  readonly mergedMinute?: number;
  readonly draft?: boolean;
  readonly forkDeleted?: boolean;
  readonly labels?: readonly string[];
  readonly reviews?: readonly ReviewStory[];
  /** Minutes of the first showing; null: never shown; `otherwise`: something else was shown. */
  readonly shownMinute?: number | null | 'otherwise';
  readonly retargetedMinute?: number;
  readonly bypassedMinute?: number;
  readonly mergedPast?: 'rules' | 'check' | 'unjudged';
  readonly paths?: readonly string[];
  /** The backup that the dry run restored: how old at the showing, and how long it took. */
  readonly restore?: {
    readonly ageMinutes: number;
    readonly tookMinutes: number;
    readonly bytes?: number;
  };
}

export interface DeploymentStory
  extends Partial<
    Pick<DeploymentEvidence, 'environment' | 'runEvent' | 'fromOrigin' | 'succeededIn' | 'bypass'>
  > {
  readonly runSha?: string;
  /** A reusable workflow of elsewhere: where it stood before; null: not known. */
  readonly workflowWas?: string | null;
  readonly from?: string | null;
  readonly forkRun?: boolean;
  /** The repository that the run belongs to could not be read. */
  readonly runUnread?: boolean;
  readonly actor?: string;
  readonly requestedMinute?: number;
  readonly firstRequestedMinute?: number;
  readonly rollbackSinceMinute?: number;
  readonly ranBefore?: boolean;
  readonly rangeStatus?: string;
  readonly range?: readonly RangeStory[];
  readonly accepted?: AcceptedStory;
  readonly together?: ChangeKind;
}

/** A row `accepted` of the policy for the deployed commit, and how it came to be. */
export interface AcceptedStory {
  readonly from: string | null;
  readonly commits: ChangeStory | null;
  readonly addedBy: ChangeStory | null;
  /** Whether the check of the pull request that added the row showed the commits. */
  readonly shownThere?: boolean;
  /** `start`: the row stands for what runs and not for a commit of the range. */
  readonly stands?: 'start';
}

export interface RangeStory {
  readonly pull?: number | null;
  readonly by?: string;
  readonly equal?: boolean | null;
  readonly difference?: string;
}

export interface Story {
  readonly changes?: readonly ChangeStory[];
  readonly change?: ChangeStory;
  readonly checkout?: boolean;
  readonly mergeGroup?: boolean;
  readonly deployment?: DeploymentStory;
  /** The policy file: an object, or its text when it is broken; left out: no file. */
  readonly policy?: unknown;
  readonly floor?: unknown;
  /** Permissions that differ from `write`. */
  readonly permissions?: Readonly<Record<string, Standing['permission']>>;
  readonly teams?: Readonly<Record<string, readonly string[]>>;
  readonly suspended?: readonly string[];
  /** The plan gives no protection rules, as the posture last told. */
  readonly mergeGateOnly?: true;
  readonly gaps?: readonly Gap[];
  /** Logins of the people with write access, with the teams and permissions of the story. */
  readonly eligible?: readonly string[];
  readonly activity?: readonly AgentActivity[];
  /** Minutes after the showing at which the decision is made; the default is 120. */
  readonly nowMinute?: number;
}
