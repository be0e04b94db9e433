/**
 * Posture: whether the gate stands at all. Facts that were read from GitHub become findings: what
 * is guarded, what is open, what could not be seen, each with the place where it is mended.
 */
import type { EffectivePolicy } from './policy.ts';

/**
 * `open`: something is not guarded. `unknown`: it could not be read, which counts as open.
 * `advice`: the gate stands, and this would make it better. `guarded`: looked at and in order.
 */
export type PostureLevel = 'open' | 'unknown' | 'advice' | 'guarded';

export interface Mend {
  /** The page or file to change. */
  readonly place: string;
  /** A command that does it, safe to paste into a shell; null where no call of the API does. */
  readonly command: string | null;
}

export interface PostureFinding {
  /** Stable name of the kind, for machines: `environment-without-rule`. */
  readonly id: string;
  readonly level: PostureLevel;
  /** What it is about: `acme/shop production`. */
  readonly about: string;
  /** What was seen and why it matters. */
  readonly says: string;
  readonly mend: Mend | null;
  /** What else its state is made of, such as who may bypass: another value is another state. */
  readonly which?: string;
}

/** Something that was read, or why it could not be. */
export type Seen<T> =
  | { readonly seen: true; readonly value: T }
  | { readonly seen: false; readonly why: string };

/** What the app asks for: app.yml. */
export interface Wanted {
  readonly permissions: Readonly<Record<string, string>>;
  readonly events: readonly string[];
  /** Where webhooks should go; null when the server's public address is not set. */
  readonly webhookUrl: string | null;
}

export interface DeliveryFact {
  readonly event: string;
  readonly deliveredAtMs: number;
  /** 0: no answer at all. */
  readonly statusCode: number;
  readonly status: string;
}

export interface AppFacts {
  readonly appId: number;
  readonly slug: string;
  /** The app's settings page. */
  readonly settingsUrl: string;
  readonly permissions: Readonly<Record<string, string>>;
  readonly events: readonly string[];
  readonly webhook: Seen<{ readonly url: string; readonly checksTls: boolean }>;
  /** The newest ones, newest first. */
  readonly deliveries: Seen<readonly DeliveryFact[]>;
  /** Our clock minus GitHub's. */
  readonly clockSkewMs: number;
}

export interface InstallationFacts {
  readonly account: string;
  /** The installation's settings page. */
  readonly settingsUrl: string;
  readonly suspended: boolean;
  readonly everyRepository: boolean;
  readonly permissions: Readonly<Record<string, string>>;
  readonly events: readonly string[];
}

export interface EnvironmentFacts {
  readonly id: number;
  readonly name: string;
  /** Null: GitHub did not say. */
  readonly adminsMayBypass: boolean | null;
  /** Which branches may deploy there; left out: GitHub did not say. */
  readonly branches?: 'all' | 'protected' | 'selected';
  /** Whether our rule is enabled there; only asked for environments that the policy guards. */
  readonly ourRule: Seen<boolean> | null;
}

/** A status check that the default branch requires. */
export interface RequiredCheck {
  readonly context: string;
  /** Null: any app or person may report it. */
  readonly appId: number | null;
  /** What requires it. Rulesets and classic protection are bypassed in ways of their own. */
  readonly by: 'ruleset' | 'protection';
  /** Null: classic protection has none, and of a ruleset GitHub did not say it. */
  readonly rulesetId: number | null;
  /** Classic branch protection that does not hold for administrators. */
  readonly adminsExempt: boolean;
}

export interface RulesetFacts {
  readonly id: number;
  readonly name: string;
  /** Null: GitHub did not say. */
  readonly bypass: readonly { readonly who: string; readonly mode: string }[] | null;
}

export interface WorkflowText {
  readonly path: string;
  /** Null: too large, binary or a link. */
  readonly text: string | null;
}

export interface RepositoryPosture {
  /** `acme/shop`. */
  readonly fullName: string;
  /** The repository's page. */
  readonly webUrl: string;
  readonly private: boolean;
  readonly archived: boolean;
  /** Null: the repository is empty. */
  readonly defaultBranch: string | null;
  readonly policy: Seen<EffectivePolicy>;
  readonly environments: Seen<readonly EnvironmentFacts[]>;
  readonly checks: Seen<readonly RequiredCheck[]>;
  readonly rulesets: Seen<readonly RulesetFacts[]>;
  readonly workflows: Seen<readonly WorkflowText[]>;
}

/** Our app, as far as a repository's rules name it. */
export interface OwnApp {
  readonly appId: number;
  readonly slug: string;
}

/** Whether nothing is open and nothing was left unseen. */
export function isGuarded(findings: readonly PostureFinding[]): boolean {
  return findings.every(({ level }) => level === 'guarded' || level === 'advice');
}

/** How many findings there are of each level. */
export function countLevels(
  findings: readonly PostureFinding[],
): Readonly<Record<PostureLevel, number>> {
  const counts = { open: 0, unknown: 0, advice: 0, guarded: 0 };
  for (const { level } of findings) counts[level] += 1;
  return counts;
}

/** A value in single quotes for a POSIX shell, whatever is in it. */
export function quoted(text: string): string {
  return /^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A part of a path of the API: percent-encoded, so that no character of it means anything else. */
export function inPath(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hostOf(repo: Pick<RepositoryPosture, 'webUrl'>): string {
  return URL.parse(repo.webUrl)?.host ?? 'github.com';
}

/** `gh api`, told which GitHub it is when it is not github.com. */
export function ghApi(repo: Pick<RepositoryPosture, 'webUrl'>): string {
  const host = hostOf(repo);
  return host === 'github.com' ? 'gh api' : `gh api --hostname ${quoted(host)}`;
}

/** Whether its plan may lack protection rules: a private repository on github.com itself. */
export function mayLackRules(repo: Pick<RepositoryPosture, 'webUrl' | 'private'>): boolean {
  return repo.private && hostOf(repo) === 'github.com';
}
