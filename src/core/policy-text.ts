/** The policy file as its author writes it: every key optional, durations as text. POLICY.md. */
import type { BlastRadius } from './findings.ts';
import type { FreezeWindow } from './policy.ts';

export interface TeamRuleText {
  readonly teams?: readonly string[] | undefined;
  readonly allOf?: readonly TeamRuleText[] | undefined;
  readonly anyOf?: readonly TeamRuleText[] | undefined;
}

export interface ReviewText extends TeamRuleText {
  readonly count?: number | undefined;
  readonly maxAge?: string | undefined;
}

export interface EnvironmentText {
  readonly match?: readonly string[] | undefined;
  readonly after?: readonly string[] | undefined;
  readonly scope?: readonly string[] | undefined;
  readonly notDeployer?: boolean | undefined;
  readonly reviews?: Readonly<Partial<Record<BlastRadius, ReviewText | undefined>>> | undefined;
  readonly rollback?: 'review' | 'allow' | undefined;
  readonly backup?:
    | { readonly from: BlastRadius; readonly maxAge: string; readonly restoreWithin: string }
    | undefined;
  readonly freeze?: readonly FreezeWindow[] | undefined;
  readonly breakGlass?:
    | {
        readonly teams?: readonly string[] | undefined;
        readonly count: number;
        readonly lasts: string;
        readonly reviewWithin: string;
      }
    | undefined;
}

export interface AgentText {
  readonly name: string;
  readonly ids?: readonly number[] | undefined;
  readonly apps?: readonly string[] | undefined;
  readonly branches?: readonly string[] | undefined;
  readonly emails?: readonly string[] | undefined;
  readonly operators?: readonly string[] | undefined;
}

export interface AcceptedText {
  readonly from?: string | undefined;
  readonly through: string;
  readonly reason: string;
}

export interface MigrationsText {
  readonly folders?: readonly { readonly path: string; readonly framework: string }[] | undefined;
  readonly postgres?: number | undefined;
  readonly baseline?: 'replay' | 'snapshot' | { readonly schema: string } | undefined;
  readonly seed?: readonly string[] | undefined;
  readonly rows?: number | undefined;
  readonly statistics?: string | undefined;
  readonly timeout?: string | undefined;
}

export interface LimitsText {
  readonly openPullRequests?: number | undefined;
  readonly evaluationsPerHour?: number | undefined;
  readonly productionDeploymentsPerHour?: number | undefined;
  readonly productionDeploymentsPerDay?: number | undefined;
  readonly highOrCriticalPerDay?: number | undefined;
}

export interface PolicyText {
  readonly version?: 1 | undefined;
  readonly agents?: readonly AgentText[] | undefined;
  readonly people?:
    | readonly { readonly id: number; readonly emails: readonly string[] }[]
    | undefined;
  readonly suspended?: readonly string[] | undefined;
  readonly undeclared?: 'agent' | 'human' | undefined;
  readonly solo?: boolean | undefined;
  readonly accepted?: readonly AcceptedText[] | 'never' | undefined;
  readonly environments?: Readonly<Record<string, EnvironmentText>> | undefined;
  readonly migrations?: MigrationsText | undefined;
  readonly paths?:
    | Readonly<Partial<Record<BlastRadius, readonly string[] | undefined>>>
    | undefined;
  readonly limits?: LimitsText | undefined;
  readonly audit?: { readonly readers?: TeamRuleText | undefined } | undefined;
}
