import type { BlastRadius } from './findings.ts';

/** The effective policy: every key present, durations in milliseconds. POLICY.md is the contract. */
export interface Policy {
  readonly agents: readonly AgentRow[];
  readonly people: readonly { readonly id: number; readonly emails: readonly string[] }[];
  readonly suspended: readonly string[];
  readonly undeclared: 'agent' | 'human';
  readonly solo: boolean;
  readonly accepted: readonly AcceptedRow[] | 'never';
  /** Keyed by the rule's name in the file; the default has one rule `production`. */
  readonly environments: Readonly<Record<string, EnvironmentRule>>;
  readonly migrations: MigrationSettings;
  /** Globs by the lowest radius of a change that touches them, beside the built-in classes. */
  readonly paths: Readonly<Partial<Record<BlastRadius, readonly string[]>>>;
  readonly limits: Limits;
  readonly audit: { readonly readers: TeamRule | null };
}

export interface AgentRow {
  readonly name: string;
  readonly ids: readonly number[];
  readonly apps: readonly string[];
  readonly branches: readonly string[];
  readonly emails: readonly string[];
  readonly operators: readonly string[];
}

export interface AcceptedRow {
  readonly from: string | null;
  readonly through: string;
  readonly reason: string;
}

/** Several `teams`: any of them; `allOf`: each entry by a different person; `anyOf`: one of the entries. */
export interface TeamRule {
  readonly teams?: readonly string[];
  readonly allOf?: readonly TeamRule[];
  readonly anyOf?: readonly TeamRule[];
}

export interface ReviewRule extends TeamRule {
  readonly count: number;
  readonly maxAgeMs: number;
}

export interface EnvironmentRule {
  readonly match: readonly string[];
  readonly after: readonly string[];
  /** Null: every path counts. */
  readonly scope: readonly string[] | null;
  readonly notDeployer: boolean;
  readonly reviews: Readonly<Record<BlastRadius, ReviewRule>>;
  readonly rollback: 'review' | 'allow';
  readonly backup: {
    readonly from: BlastRadius;
    readonly maxAgeMs: number;
    readonly restoreWithinMs: number;
  } | null;
  readonly freeze: readonly FreezeWindow[];
  readonly breakGlass: {
    readonly teams: readonly string[];
    readonly count: number;
    readonly lastsMs: number;
    readonly reviewWithinMs: number;
  } | null;
}

export type FreezeWindow = { readonly name: string; readonly timeZone: string } & (
  | { readonly from: string; readonly to: string }
  | { readonly weekly: { readonly from: string; readonly to: string } }
);

export interface MigrationSettings {
  readonly folders: readonly { readonly path: string; readonly framework: string }[] | null;
  readonly postgres: number | null;
  readonly baseline: 'replay' | 'snapshot' | { readonly schema: string };
  readonly seed: readonly string[];
  readonly rows: number;
  readonly statistics: string | null;
  readonly timeoutMs: number;
}

export interface Limits {
  readonly openPullRequests: number | null;
  readonly evaluationsPerHour: number | null;
  readonly productionDeploymentsPerHour: number | null;
  readonly productionDeploymentsPerDay: number | null;
  readonly highOrCriticalPerDay: number | null;
}

/** Why a policy file cannot speak: names file, line, key and the nearest right name. */
export interface PolicyProblem {
  readonly file: string;
  readonly line: number | null;
  readonly key: string | null;
  readonly message: string;
}

/**
 * What speaks for a subject. With problems everything that the broken file would speak for holds;
 * `policy` is then the built-in default, so that findings and words can still be made.
 */
export interface EffectivePolicy {
  readonly policy: Policy;
  readonly problems: readonly PolicyProblem[];
  /** SHA-256 of the canonical effective policy. */
  readonly digest: string;
  /** Which files and commits spoke. */
  readonly spoke: readonly { readonly file: string; readonly commitSha: string | null }[];
  /** What the reader should know: a loosening that the floor undid, no floor. */
  readonly notes: readonly string[];
}
