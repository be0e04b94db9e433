import type { BlastRadius, Finding } from './findings.ts';

export type Verdict = 'allow' | 'hold' | 'deny';

/** Refusal codes of a single approval (facts/enforcement.md). */
export type RefusalCode =
  | 'R01' // not approved, dismissed or superseded
  | 'R02' // stale: another head, base branch or shown digest
  | 'R03' // the author
  | 'R04' // a contributor
  | 'R05' // a pusher
  | 'R06' // a bot, an app or a known agent
  | 'R07' // an operator of the agent
  | 'R08' // no permission now, or not in the team that is asked for
  | 'R09' // edited afterwards or sent by e-mail
  | 'R10' // too old, or given before the findings were shown
  | 'R11' // for another base branch, environment or repository
  | 'R12' // presence missing
  | 'R13' // bypass
  | 'R14' // incomplete evidence
  | 'R15'; // changes requested by an eligible reviewer

export interface RefusedApproval {
  readonly reviewId: number;
  readonly person: { readonly id: number; readonly login: string } | null;
  readonly pull: number | null;
  readonly codes: readonly RefusalCode[];
  /** One sentence: why it does not count, and what would. */
  readonly reason: string;
}

export interface CountedApproval {
  readonly reviewId: number;
  readonly person: { readonly id: number; readonly login: string };
  readonly pull: number | null;
  readonly reviewedSha: string;
  readonly submittedAtMs: number;
  readonly permission: string;
  readonly teams: readonly string[];
  readonly assurance: 'account' | 'presence';
  /** False only under `solo: true`. */
  readonly independent: boolean;
}

/** What one rule thinks. The strictest opinion is the verdict; no rule's silence allows. */
export interface Opinion {
  readonly rule: string;
  readonly verdict: Verdict;
  /** Stable kebab-case code, documented: `approvals-missing`, `policy-unreadable`. */
  readonly code: string;
  /** What is held and why. */
  readonly reason: string;
  /** Who can release it and how; empty when the opinion is allow. */
  readonly cure: string;
}

export interface ApprovalsNeeded {
  readonly pull: number | null;
  readonly radius: BlastRadius;
  readonly count: number;
  readonly counted: number;
  /** Teams still to be heard, in words: `platform`, `dba or data`. */
  readonly missingTeams: readonly string[];
}

export type OriginKind = 'agent' | 'automation' | 'human' | 'undeclared';

/** One sign of who made the change. Signals only raise strictness. */
export interface OriginSignal {
  readonly agent: string;
  readonly signal: string;
  readonly value: string;
  readonly source: string;
  readonly forgeable: boolean;
}

export interface Origin {
  readonly kind: OriginKind;
  /** Names of the agents seen, the surest first. */
  readonly agents: readonly string[];
  readonly signals: readonly OriginSignal[];
}

export interface Decision {
  readonly verdict: Verdict;
  readonly radius: BlastRadius;
  readonly origin: Origin;
  readonly findings: readonly Finding[];
  readonly opinions: readonly Opinion[];
  readonly needed: readonly ApprovalsNeeded[];
  readonly counted: readonly CountedApproval[];
  readonly refused: readonly RefusedApproval[];
  /** SHA-256 of the Evidence, and of what a reviewer judges (one per change, by pull request). */
  readonly evidenceDigest: string;
  readonly shown: readonly { readonly pull: number | null; readonly digest: string }[];
  readonly policyDigest: string;
  /** When a hold can heal by itself: look again after this long. */
  readonly lookAgainMs: number | null;
}
