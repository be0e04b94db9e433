/**
 * What the line needs from outside, as plain interfaces, so that a room can be tested against
 * another's promise without importing it (test/conformance holds one suite per port).
 */
import type { Decision, Verdict } from './decision.ts';
import type { DryRunProgress } from './dry-run.ts';
import type { Effect, EffectOutcome } from './effect.ts';
import type { Bypass, Evidence, Posting } from './evidence.ts';
import type { EffectivePolicy } from './policy.ts';
import type { Locator, RepoRef, Trigger, WideLocator } from './subject.ts';

/** Whatever has subjects behind it. */
export type Expandable = Locator | Approvals;
export type Approvals = Extract<WideLocator, { kind: 'approvals' }>;

/** Reads one locator into Evidence. Never writes to GitHub. */
export interface Gather {
  /**
   * What to judge for a locator: itself, or for `commit`, `repository` and `approvals` the concrete
   * subjects behind it. An empty list: there is nothing (any more).
   */
  expand(locator: Expandable): Promise<readonly Locator[]>;
  /**
   * Evidence of a concrete locator; null when the subject is gone (closed, run over). `onDryRun` is
   * told as a dry run for an open pull request goes on; it must not throw.
   */
  read(locator: Locator, onDryRun?: (at: DryRunAt) => void): Promise<Evidence | null>;
}

/** How far a dry run is, and the head commit that it is for. */
export interface DryRunAt {
  readonly headSha: string;
  readonly progress: DryRunProgress;
}

/** Shows at a commit's check that a long dry run goes on. Best effort: nothing waits for it. */
export interface Progress {
  /** For one judgement. Costs nothing until something is shown. */
  begin(locator: Locator): ProgressView;
}

export interface ProgressView {
  show(at: DryRunAt): void;
  /** Nothing is sent from here on but what is already on its way. Always called, and before `record`. */
  end(): void;
  /** Ended with nothing decided: a check that showed progress says so until the next attempt. */
  breakOff(): void;
}

/** One word of progress as a write to GitHub. */
export interface ProgressWrite {
  readonly repo: RepoRef;
  readonly name: string;
  readonly headSha: string;
  readonly title: string;
  readonly summary: string;
  /** The check run to edit; null makes one. */
  readonly checkRunId: number | null;
  /** It had a conclusion before, which GitHub does not reliably take back: it must not stay green. */
  readonly concluded: boolean;
}

/** Sends it and answers the check run's id. Throws TagoutError when it could not. */
export type SendProgress = (write: ProgressWrite) => Promise<number>;

/** What the store remembers for the gatherer: facts that are ours, not GitHub's. */
export interface Memory {
  postings(repo: RepoRef, pull: number): Promise<readonly Posting[]>;
  /** The commit that this environment runs by our record, newest first, with what was released. */
  releases(repo: RepoRef, environment: string): Promise<readonly Release[]>;
  suspended(installationId: number): Promise<readonly string[]>;
  /** Content by git object id, kept because it can never change. */
  blobs(shas: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
  keepBlobs(blobs: ReadonlyMap<string, Uint8Array>): Promise<void>;
  /**
   * Whether the organisation of this installation has ever shown a floor (`.github` repository): one
   * that was seen and can no longer be read holds. Left out, only this process remembers it.
   */
  floorSeen?(installationId: number): Promise<boolean>;
  keepFloorSeen?(installationId: number): Promise<void>;
  /** Keeps that a release of ours ran to its end, so that nobody can make it unseen. */
  keepSucceeded?(repo: RepoRef, environment: string, release: Release): Promise<void>;
  /** When this range was first asked to be released to this environment; null when never. */
  firstRequested?(repo: RepoRef, range: AskedRange): Promise<number | null>;
  /**
   * Deployments that started without our decision, the oldest first: of this environment, and of
   * whatever only looked like a guarded one.
   */
  bypasses?(repo: RepoRef, environment: string): Promise<readonly Bypass[]>;
  /** What was decided lately about these agents' work, other subjects than this one. */
  activity?(repo: RepoRef, asked: AskedActivity): Promise<readonly RecordedActivity[]>;
  /** What was last decided about pull requests while they were open; one never judged is left out. */
  verdicts?(repo: RepoRef, pulls: readonly number[]): Promise<PullVerdicts>;
  /** What can never change about merged pull requests, as text by key. Left out: read every time. */
  settled?(repo: RepoRef, keys: readonly string[]): Promise<ReadonlyMap<string, string>>;
  keepSettled?(repo: RepoRef, key: string, text: string): Promise<void>;
  /**
   * Subjects whose last decision counted or refused an approval of this person (null: of anybody),
   * those that were looked at last first, and no gate that was released. Some may be over.
   */
  reviewed?(asked: Approvals): Promise<readonly Locator[]>;
  /** Whether the posture, as it was last read, has nothing that holds a deployment here. */
  mergeGateOnly?(repo: RepoRef): Promise<boolean>;
  /** Whether we have released this attempt of a run, or are about to say so. */
  hasReleased?(repo: RepoRef, run: AskedRun): Promise<boolean>;
}

export interface PullVerdicts {
  readonly last: ReadonlyMap<
    number,
    { readonly verdict: Verdict; readonly headSha: string | null }
  >;
  /** Time of the oldest that is known of the repository; null: nothing is. */
  readonly sinceMs: number | null;
}

export interface AskedRange {
  readonly environment: string;
  readonly fromSha: string;
  readonly sha: string;
}

export interface AskedActivity {
  /** Names of agents, or `undeclared:` and an account's id. */
  readonly agents: readonly string[];
  readonly nowMs: number;
  /** Key of the locator that is being judged: it is counted by whoever asks. */
  readonly exceptKey: string;
}

export interface RecordedActivity {
  readonly agent: string;
  readonly evaluationsLastHour: number;
  readonly productionDeploymentsLastHour: number;
  readonly productionDeploymentsLastDay: number;
  readonly highOrCriticalLastDay: number;
  /** Times of the oldest that are counted; null when none is. */
  readonly oldestEvaluationAtMs: number | null;
  readonly oldestDeploymentLastHourAtMs: number | null;
  readonly oldestDeploymentLastDayAtMs: number | null;
  readonly oldestGraveAtMs: number | null;
}

export interface AskedRun {
  readonly runId: number;
  readonly runAttempt: number;
  readonly environment: string;
  readonly sha: string;
}

export interface Release {
  readonly runId: number;
  readonly deploymentId: number | null;
  readonly sha: string;
  readonly origin: 'released' | 'adopted';
  readonly atMs: number;
  /** Whether it was once seen to have run to its end; left out: ask. */
  readonly succeeded?: boolean;
}

export interface Judged {
  readonly trigger: Trigger;
  readonly locator: Locator;
  readonly evidence: Evidence;
  readonly policy: EffectivePolicy;
  readonly decision: Decision;
  readonly effects: readonly Effect[];
}

/** Records a judgement: audit events and the outbox of effects in one transaction. */
export interface Record {
  /** Answers the ids of the outbox rows that are now due. Throws when nothing was committed. */
  record(judged: Judged): Promise<{ readonly eventId: string; readonly outbox: readonly string[] }>;
}

/** Sends one effect to GitHub. Never reads in order to decide again. */
export interface Enact {
  enact(effect: Effect, known: KnownWrites): Promise<EffectOutcome>;
}

/** What earlier writes left at GitHub, so that an effect edits instead of repeating. */
export interface KnownWrites {
  /** Id of our check run of this name on this SHA. */
  readonly checkRunId: number | null;
  /** Number of our issue in this repository. */
  readonly issue?: number | null;
  /** Id of our comment about this gate on this pull request. */
  readonly comment?: number | null;
  /** C2SP `tlog-proof` of the decision behind a check; null or left out: it is not sealed yet. */
  readonly receipt?: string | null;
  /** True when an earlier write may stand whose answer was lost: look before writing. */
  readonly uncertain: boolean;
}
