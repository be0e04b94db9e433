/** Judgements as the line would make them, small and complete, for the store's tests. */
import { digestOf } from '../../src/core/canonical.ts';
import type { Decision, Verdict } from '../../src/core/decision.ts';
import { NO_DRY_RUN } from '../../src/core/dry-run.ts';
import type { Effect } from '../../src/core/effect.ts';
import type { Account, Change, Evidence } from '../../src/core/evidence.ts';
import type { Policy } from '../../src/core/policy.ts';
import type { Judged } from '../../src/core/ports.ts';
import type { Locator, RepoRef, Subject } from '../../src/core/subject.ts';

export const HEAD: string = 'a'.repeat(40);
export const BASE: string = 'b'.repeat(40);

export const agent: Account = { id: 198982749, login: 'Copilot', type: 'Bot' };
export const human: Account = { id: 2, login: 'marta', type: 'User' };

export function repoOf(installationId: number, id = 10): RepoRef {
  return { installationId, id, owner: 'acme', name: 'shop' };
}

const policy: Policy = {
  agents: [],
  people: [],
  suspended: [],
  undeclared: 'agent',
  solo: false,
  accepted: [],
  environments: {
    production: {
      match: ['production', 'prod-*'],
      after: [],
      scope: null,
      notDeployer: false,
      reviews: {
        low: { count: 1, maxAgeMs: 1 },
        medium: { count: 1, maxAgeMs: 1 },
        high: { count: 1, maxAgeMs: 1 },
        critical: { count: 2, maxAgeMs: 1 },
      },
      rollback: 'review',
      backup: null,
      freeze: [],
      breakGlass: null,
    },
  },
  migrations: {
    folders: null,
    postgres: null,
    baseline: 'replay',
    seed: [],
    rows: 0,
    statistics: null,
    timeoutMs: 1,
  },
  paths: {},
  limits: {
    openPullRequests: null,
    evaluationsPerHour: null,
    productionDeploymentsPerHour: null,
    productionDeploymentsPerDay: null,
    highOrCriticalPerDay: null,
  },
  audit: { readers: null },
};

export interface Wish {
  readonly repo: RepoRef;
  readonly pull?: number;
  /** Other open pull requests with the same head. */
  readonly besides?: readonly number[];
  readonly verdict?: Verdict;
  readonly title?: string;
  readonly readAtMs?: number;
  /** Makes it a deployment of this run. */
  readonly runId?: number;
  readonly runAttempt?: number;
  readonly environment?: string;
  readonly approved?: boolean;
  readonly effects?: readonly Effect[];
  readonly delivery?: string;
  readonly lookAgainMs?: number;
}

function changeOf(wish: Wish): Change {
  return {
    pull: wish.pull ?? 7,
    title: wish.title ?? 'Drop the e-mail column',
    body: '',
    state: 'open',
    draft: false,
    author: agent,
    viaApp: null,
    baseRef: 'main',
    baseSha: BASE,
    mergeBaseSha: BASE,
    headRef: 'copilot/drop',
    headSha: HEAD,
    headRepoId: wish.repo.id,
    mergedAtMs: null,
    mergeCommitSha: null,
    mergedBy: null,
    labels: [],
    commits: [],
    pushes: [],
    files: [],
    reviews: [],
    involved: [],
    postings: [],
    dryRun: NO_DRY_RUN,
  };
}

export function locatorOf(wish: Wish): Locator {
  const { repo } = wish;
  return wish.runId === undefined
    ? { kind: 'pull-request', repo, number: wish.pull ?? 7 }
    : {
        kind: 'deployment',
        repo,
        runId: wish.runId,
        environment: wish.environment ?? 'production',
        deploymentId: null,
      };
}

function subjectOf(wish: Wish): Subject {
  const { repo } = wish;
  if (wish.runId === undefined) {
    return { kind: 'pull-request', repo, number: wish.pull ?? 7, headSha: HEAD };
  }
  return {
    kind: 'deployment',
    repo,
    runId: wish.runId,
    runAttempt: wish.runAttempt ?? 1,
    environment: wish.environment ?? 'production',
    deploymentId: null,
    sha: HEAD,
  };
}

function deploymentOf(wish: Wish): Evidence['deployment'] {
  if (wish.runId === undefined) return null;
  return {
    environment: wish.environment ?? 'production',
    runId: wish.runId,
    runAttempt: wish.runAttempt ?? 1,
    runStatus: 'waiting',
    runEvent: 'push',
    runHeadSha: HEAD,
    runHeadRepoId: wish.repo.id,
    actor: human,
    triggeringActor: null,
    deploymentId: null,
    deploymentSha: HEAD,
    requestedAtMs: 1_700_000_000_000,
    fromSha: BASE,
    fromOrigin: 'released',
    range: [
      { sha: HEAD, author: agent, message: 'x', pull: 7, equalsReviewed: true, difference: null },
    ],
  };
}

function decisionOf(wish: Wish, evidence: Evidence): Decision {
  const verdict = wish.verdict ?? 'hold';
  const approved = wish.approved ?? verdict === 'allow';
  return {
    verdict,
    radius: 'high',
    origin: { kind: 'agent', agents: ['copilot'], signals: [] },
    findings: [
      {
        id: 'values-lost',
        level: 'danger',
        radius: 'high',
        object: 'users.email',
        message: '1,000 values lost in users.email',
        evidence: 'dry run',
        figures: { lost: 1000 },
        path: null,
        line: null,
      },
    ],
    opinions: [
      { rule: 'approvals', verdict, code: 'approvals-missing', reason: 'why', cure: 'how' },
    ],
    needed: [{ pull: 7, radius: 'high', count: 1, counted: approved ? 1 : 0, missingTeams: [] }],
    counted: approved
      ? [
          {
            reviewId: 31,
            person: { id: 3, login: 'noor' },
            pull: 7,
            reviewedSha: HEAD,
            submittedAtMs: 1_700_000_000_000,
            permission: 'write',
            teams: [],
            assurance: 'account',
            independent: true,
          },
        ]
      : [],
    refused: [
      {
        reviewId: 30,
        person: { id: agent.id, login: agent.login },
        pull: 7,
        codes: ['R03', 'R06'],
        reason: 'the author',
      },
    ],
    evidenceDigest: digestOf(evidence),
    shown: [{ pull: 7, digest: 'c'.repeat(64) }],
    policyDigest: 'd'.repeat(64),
    lookAgainMs: wish.lookAgainMs ?? null,
  };
}

/** A judgement that `record` takes. */
export function judged(wish: Wish): Judged {
  const evidence: Evidence = {
    v: 1,
    subject: subjectOf(wish),
    readAtMs: wish.readAtMs ?? 1_700_000_000_000,
    defaultBranch: 'main',
    policy: {
      repository: { repo: 'acme/shop', path: 'p', commitSha: BASE, blob: null, text: null },
      base: null,
      floor: null,
    },
    changes: [wish, ...(wish.besides ?? []).map((pull) => ({ ...wish, pull }))].map(changeOf),
    deployment: deploymentOf(wish),
    people: [],
    suspended: [],
    gaps: [],
  };
  const locator = locatorOf(wish);
  return {
    trigger: { locator, because: 'pull_request.opened', delivery: wish.delivery ?? null },
    locator,
    evidence,
    policy: { policy, problems: [], digest: 'd'.repeat(64), spoke: [], notes: [] },
    decision: decisionOf(wish, evidence),
    effects: wish.effects ?? [],
  };
}

export function checkRun(repo: RepoRef, conclusion: 'success' | 'action_required'): Effect {
  return {
    kind: 'check-run',
    key: `check:${HEAD}:${conclusion}`,
    repo,
    name: 'tagout',
    headSha: HEAD,
    externalId: 'x',
    conclusion,
    title: 'Held',
    summary: 'why',
    text: 'how',
    annotations: [],
    shown: { pull: 7, baseRef: 'main', digest: 'c'.repeat(64) },
  };
}

export function approval(repo: RepoRef, runId: number): Effect {
  return {
    kind: 'review-deployment',
    key: `review:${runId}:approved`,
    repo,
    runId,
    environment: 'production',
    state: 'approved',
    comment: 'Released.',
  };
}

export function note(repo: RepoRef, runId: number, number: number): Effect {
  return {
    kind: 'deployment-note',
    key: `note:${runId}:${number}`,
    repo,
    runId,
    environment: 'production',
    comment: `Held ${number}`,
  };
}
