/** A repository as GitHub names it; ids are GitHub's numeric ids. */
export interface RepoRef {
  readonly installationId: number;
  readonly id: number;
  readonly owner: string;
  readonly name: string;
}

/**
 * Where to look again. A locator is an address and carries no facts: everything that a decision
 * needs is read from GitHub afterwards.
 */
export type Locator =
  | { readonly kind: 'pull-request'; readonly repo: RepoRef; readonly number: number }
  | {
      readonly kind: 'deployment';
      readonly repo: RepoRef;
      readonly runId: number;
      readonly environment: string;
      readonly deploymentId: number | null;
    }
  /** A commit that something outside of GitHub's workflows deploys, or asks to. */
  | {
      readonly kind: 'external';
      readonly repo: RepoRef;
      readonly environment: string;
      readonly sha: string;
      readonly deploymentId: number | null;
    }
  | {
      readonly kind: 'merge-group';
      readonly repo: RepoRef;
      readonly headSha: string;
      readonly headRef: string;
      readonly baseRef: string;
    }
  /** Every open pull request whose head is this commit. */
  | { readonly kind: 'commit'; readonly repo: RepoRef; readonly sha: string }
  /** Every open pull request and every waiting run of the repository. */
  | { readonly kind: 'repository'; readonly repo: RepoRef };

/**
 * What concerns more than one repository, or none of its subjects: it is expanded, never judged. An
 * address as well: whose approvals, and where, is read anew from our record and from GitHub.
 */
export type WideLocator =
  /** Open subjects that this person has reviewed; null: that anybody has. */
  | {
      readonly kind: 'approvals';
      readonly installationId: number;
      readonly personId: number | null;
    }
  /** What holds production around the gate: of a repository, or of the whole installation (null). */
  | {
      readonly kind: 'posture';
      readonly installationId: number;
      readonly repo: RepoRef | null;
    };

/** "Look again at this, because …": what webhooks, timers, the sweeper and a click all put into the inbox. */
export interface Trigger {
  readonly locator: Locator | WideLocator;
  /** Why, for the log and the audit event: `pull_request.synchronize`, `timer`, `sweep`. */
  readonly because: string;
  /** X-GitHub-Delivery of the webhook that asked, if one did. */
  readonly delivery: string | null;
}

/** What is judged, exactly: a locator with the content that was found there. */
export type Subject =
  | {
      readonly kind: 'pull-request';
      readonly repo: RepoRef;
      readonly number: number;
      readonly headSha: string;
    }
  | {
      readonly kind: 'deployment';
      readonly repo: RepoRef;
      readonly runId: number;
      readonly runAttempt: number;
      readonly environment: string;
      readonly deploymentId: number | null;
      readonly sha: string;
    }
  | {
      readonly kind: 'merge-group';
      readonly repo: RepoRef;
      readonly headSha: string;
      readonly headRef: string;
      readonly baseRef: string;
    }
  /** A local checkout judged by `tagout check`; no GitHub, no approvals. */
  | {
      readonly kind: 'checkout';
      readonly path: string;
      readonly baseSha: string;
      readonly headSha: string;
    };

/** One job per Subject, coalesced and serial: the text that is both job key and queue name. */
export function locatorKey(locator: Locator | WideLocator): string {
  if (isWide(locator)) return wideKey(locator);
  const repo = `${locator.repo.installationId}:${locator.repo.id}`;
  switch (locator.kind) {
    case 'pull-request':
      return `${repo}:pull:${locator.number}`;
    case 'deployment':
      return `${repo}:run:${locator.runId}:${environmentKey(locator.environment)}`;
    case 'external':
      return `${repo}:sha:${locator.sha}:${environmentKey(locator.environment)}`;
    case 'merge-group':
      return `${repo}:group:${locator.headSha}`;
    case 'commit':
      return `${repo}:commit:${locator.sha}`;
    case 'repository':
      return `${repo}:repository`;
  }
}

/** Whether it concerns an installation and has to be expanded. */
export function isWide(locator: Locator | WideLocator): locator is WideLocator {
  return locator.kind === 'approvals' || locator.kind === 'posture';
}

function wideKey(locator: WideLocator): string {
  const about = locator.kind === 'approvals' ? locator.personId : locator.repo?.id;
  return `${locator.installationId}:${locator.kind}:${about ?? 'all'}`;
}

/**
 * The run id of a deployment that no workflow makes: negative, as GitHub's own never are, and the
 * same for the same commit.
 */
export function externalRunId(sha: string): number {
  return -1 - Number.parseInt(sha.slice(0, 12), 16);
}

/** Whether a deployment is made from outside of GitHub's workflows. */
export function isExternalRun(runId: number): boolean {
  return runId < 0;
}

/** Names of environments compare trimmed, NFKC-normalised and case-folded (POLICY.md). */
export function environmentKey(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase();
}
