/**
 * What an audit event says. The body's RFC 8785 bytes are the leaf of the log and the only
 * evidence; everything else in the database is generated from them. `schema.ts` holds the same, to
 * check bytes.
 *
 * Each kind names NIST AU-3's six: what (`kind`), when (`recordedAtMs`), where (`repo`, `subject`),
 * source (`source`), outcome (`outcome`) and identity (`actor`).
 */
import type { RefusalCode, Verdict } from '../decision.ts';
import type { DryRunStatus } from '../dry-run.ts';
import type { Effect } from '../effect.ts';
import type { BlastRadius, FindingLevel } from '../findings.ts';
import type { Commitment, Cut } from './scribe.ts';

/** A person by GitHub's numeric id; the login is personal text. */
export interface PersonRef {
  readonly id: number | null;
  readonly login: Commitment | null;
}

export interface AuditSubject {
  readonly kind: 'pull-request' | 'deployment' | 'merge-group' | 'checkout';
  /** The locator's key: the same in inbox, outbox and log. */
  readonly key: string;
  readonly pull: number | null;
  /** Head commit, or the commit that is to be deployed. */
  readonly sha: string;
  readonly runId: number | null;
  readonly runAttempt: number | null;
  readonly environment: string | null;
  readonly deploymentId: number | null;
}

interface Common {
  readonly v: 1;
  /** UUIDv7. */
  readonly eventId: string;
  /** One event per fact: the same fact recorded twice has the same key. */
  readonly dedupeKey: string;
  /** The log that the event belongs to. */
  readonly installationId: number;
  readonly recordedAtMs: number;
  readonly source: {
    readonly because: string;
    readonly delivery: string | null;
    readonly githubAtMs: number | null;
  };
  /** `operator`: somebody at the server's own command line; GitHub's number is not known. */
  readonly actor: PersonRef & {
    readonly kind: 'human' | 'agent' | 'automation' | 'app' | 'operator' | 'system';
  };
  readonly repo: { readonly id: number; readonly name: string } | null;
  readonly subject: AuditSubject | null;
  readonly outcome: string;
  readonly cuts: readonly Cut[];
}

export interface AuditApproval {
  readonly reviewId: number;
  readonly person: PersonRef;
  readonly pull: number | null;
  readonly reviewedSha: string;
  readonly submittedAtMs: number;
  readonly permission: string;
  readonly teams: readonly string[];
  readonly assurance: 'account' | 'presence';
  readonly independent: boolean;
  /** Whether the review came with words; left out before version 0.2. */
  readonly commented?: boolean;
}

export interface AuditRefusal {
  readonly reviewId: number;
  readonly person: PersonRef | null;
  readonly pull: number | null;
  readonly codes: readonly RefusalCode[];
}

export interface AuditFinding {
  readonly id: string;
  readonly level: FindingLevel;
  readonly radius: BlastRadius;
  readonly object: string;
  readonly figures: Readonly<Record<string, number>>;
}

export interface AuditDecision {
  readonly verdict: Verdict;
  readonly radius: BlastRadius;
  readonly opinions: readonly {
    readonly rule: string;
    readonly verdict: Verdict;
    readonly code: string;
  }[];
  readonly needed: readonly {
    readonly pull: number | null;
    readonly radius: BlastRadius;
    readonly count: number;
    readonly counted: number;
  }[];
  readonly counted: readonly AuditApproval[];
  readonly refused: readonly AuditRefusal[];
  readonly findings: readonly AuditFinding[];
  readonly lookAgainMs: number | null;
}

export interface AuditChange {
  readonly pull: number | null;
  readonly title: Commitment;
  readonly author: PersonRef | null;
  readonly headSha: string;
  readonly baseSha: string;
  readonly mergedAtMs: number | null;
  /** What a reviewer was shown, by its digest. */
  readonly shown: string | null;
  readonly dryRun: {
    readonly status: DryRunStatus;
    readonly engine: string | null;
    /** Of the whole DryRun value inside the evidence. */
    readonly sha256: string;
  };
  /** For the register; left out before version 0.2. */
  readonly facts?: {
    /** First paragraph of the description. */
    readonly reason: Commitment | null;
    readonly tickets: readonly string[];
    readonly commits: number;
    /** Commits that GitHub calls verified. */
    readonly signed: number;
    /** Accounts of authors, co-authors and committers. */
    readonly contributors: readonly number[];
    /** Accounts of the people who set the agent to work. */
    readonly sponsors: readonly number[];
    readonly rollback: 'down-migration' | 'described' | null;
  };
}

/** How a check that the default branch requires stood at the commit that is deployed. */
export interface AuditCheck {
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped' | 'pending' | 'missing' | 'stale';
}

export interface DecisionMade extends Common {
  readonly kind: 'decision.made';
  readonly decision: AuditDecision;
  readonly origin: {
    readonly kind: 'agent' | 'automation' | 'human' | 'undeclared';
    readonly agents: readonly string[];
    readonly signals: readonly {
      readonly agent: string;
      readonly signal: string;
      readonly forgeable: boolean;
    }[];
  };
  readonly policy: {
    readonly sha256: string;
    readonly problems: number;
    readonly spoke: readonly { readonly file: string; readonly commitSha: string | null }[];
    /** What it asks for, as numbers (`change-facts.ts`); left out before version 0.2. */
    readonly terms?: Readonly<Record<string, number>>;
  };
  readonly evidence: {
    /** Of the stored text, in which personal texts are commitments. */
    readonly sha256: string;
    /** Of the evidence as it was judged; holds again while nothing is erased. */
    readonly judged: string;
    readonly readAtMs: number;
    readonly gaps: readonly string[];
  };
  readonly changes: readonly AuditChange[];
  readonly deployment: {
    readonly requester: PersonRef | null;
    readonly requestedAtMs: number;
    readonly fromSha: string | null;
    /** Name of the policy's rule that speaks for the environment; null: no rule guards it. */
    readonly rule: string | null;
    readonly commits: number;
    readonly unreviewed: number;
    /** For the register; left out before version 0.2. */
    readonly facts?: {
      readonly ref: string | null;
      /** Null: GitHub did not let us read the checks. */
      readonly checks: {
        readonly result: 'success' | 'failure' | 'pending' | 'none';
        readonly required: readonly AuditCheck[];
      } | null;
      /** When it started without our release; null: it did not. */
      readonly bypassedAtMs: number | null;
      readonly glass: {
        readonly by: readonly PersonRef[];
        readonly reason: Commitment;
        readonly reviewWithinMs: number;
      } | null;
    };
  } | null;
  /** The decision about the same subject before this one. */
  readonly links: { readonly previous: string | null };
}

/**
 * What became of an effect. `dead`: given up after a limit; `superseded`: a newer decision replaced
 * it unsent; `expired`: the decision was too old to act on, so the subject is judged again.
 */
export type EffectEnd =
  | 'done'
  | 'refused'
  | 'retry'
  | 'uncertain'
  | 'dead'
  | 'superseded'
  | 'expired';

export interface EffectOutcomeEvent extends Common {
  readonly kind: 'effect.outcome';
  readonly outcome: EffectEnd;
  readonly effect: {
    readonly kind: Effect['kind'];
    readonly key: string;
    readonly outboxId: number;
    /** `success`, `approved`, …; null where the kind has none. */
    readonly state: string | null;
    readonly attempts: number;
    readonly githubId: number | null;
    readonly httpStatus: number | null;
    readonly detail: string | null;
  };
  readonly links: { readonly decision: string };
}

/** A subject could not be judged although it was tried to the limit; it stays locked. */
export interface JudgeFailed extends Common {
  readonly kind: 'judge.failed';
  readonly failure: { readonly code: string; readonly message: string; readonly attempts: number };
}

/** From here on checkpoints of this log may carry this key's signature. */
export interface KeyAnnounced extends Common {
  readonly kind: 'key.announced';
  /** C2SP verifier key: `name+keyid+base64`. */
  readonly key: { readonly vkey: string; readonly origin: string };
}

/** What an environment ran when it was first seen guarded: the start of its first range. */
export interface BaselineAdopted extends Common {
  readonly kind: 'baseline.adopted';
  readonly outcome: 'adopted';
  readonly baseline: {
    readonly environment: string;
    readonly sha: string;
    readonly runId: number | null;
    readonly deploymentId: number | null;
  };
}

/** All work of an agent holds from here on, or no longer does. */
export interface AgentSuspension extends Common {
  readonly kind: 'agent.suspended' | 'agent.resumed';
  readonly outcome: 'suspended' | 'resumed';
  readonly suspension: { readonly agent: string; readonly reason: Commitment };
}

/** Personal texts whose values were erased; their commitments stay. */
export interface RedactionPerformed extends Common {
  readonly kind: 'redaction.performed';
  readonly outcome: 'erased';
  readonly redaction: {
    readonly basis: string;
    readonly fields: number;
    /** The events and places that lost a value, as many as fit. */
    readonly erased: readonly { readonly event: string; readonly path: string }[];
    readonly evidence: number;
  };
}

/** Somebody reviewed afterwards what was released by break glass. */
export interface GlassReviewed extends Common {
  readonly kind: 'break-glass.reviewed';
  readonly outcome: 'approved' | 'changes-requested';
  readonly review: {
    readonly reviewId: number;
    readonly pull: number;
    readonly reviewedSha: string;
    readonly submittedAtMs: number;
  };
  /** The decision that broken glass made. */
  readonly links: { readonly decision: string };
}

/** Somebody read or exported the record. */
export interface ReportRead extends Common {
  readonly kind: 'report.read';
  readonly outcome: 'shown' | 'refused';
  readonly report: {
    /** `register`, `bundle`, `deployment`, … */
    readonly what: string;
    readonly how: 'command' | 'web';
    readonly fromMs: number | null;
    readonly toMs: number | null;
  };
}

/**
 * What held an environment or a repository is another than before: its policy, or GitHub's own
 * settings around the gate (posture). Written by whoever sees the difference first; `dedupeKey` names
 * the thing and its new state, so that the same change seen twice is one event.
 */
export interface PostureChanged extends Common {
  readonly kind: 'posture.changed';
  readonly outcome: 'first-seen' | 'changed' | 'gone';
  readonly posture: {
    readonly about: 'policy' | 'posture';
    /** Which one: a policy's file, or the posture check's code. */
    readonly item: string;
    readonly environment: string | null;
    /** State before (a digest, `ok`, …), in force from `fromMs`; null: none is known. */
    readonly from: string | null;
    readonly fromMs: number | null;
    /** State in force from `toMs`, the time at which it was read; null: it is gone. */
    readonly to: string | null;
    readonly toMs: number;
    /** What the difference means to a reader, in one sentence. */
    readonly detail: string;
  };
}

/**
 * Something that must not happen, or has ended. `dedupeKey` names the incident and its state:
 * `incident:<code>:<place>:<since>:opened`.
 */
export interface IncidentEvent extends Common {
  readonly kind: 'incident.opened' | 'incident.closed';
  readonly outcome: 'opened' | 'closed';
  readonly incident: {
    /** A fixed word: `bypass`, `anchor-stale`, `anchor-forked`, `gate-removed`, … */
    readonly code: string;
    readonly environment: string | null;
    readonly deploymentId: number | null;
    readonly runId: number | null;
    /** Commit at stake, or null. */
    readonly sha: string | null;
    /** When it began, as far as is known. */
    readonly sinceMs: number;
    readonly detail: string;
  };
}

export type AuditEvent =
  | DecisionMade
  | EffectOutcomeEvent
  | JudgeFailed
  | KeyAnnounced
  | BaselineAdopted
  | AgentSuspension
  | RedactionPerformed
  | GlassReviewed
  | ReportRead
  | PostureChanged
  | IncidentEvent;
