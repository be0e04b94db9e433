/** Turns the stories of test/core/cases/*.json into Evidence. Everybody in them has one fixed id. */
import { decide } from '../../src/core/decide.ts';
import type { Decision } from '../../src/core/decision.ts';
import { effectivePolicy as parsedPolicy } from '../../src/core/effective-policy.ts';
import type {
  AcceptedCommits,
  Account,
  Change,
  Commit,
  CommitPerson,
  DeploymentEvidence,
  Dismissal,
  Evidence,
  Involvement,
  Review,
  ReviewState,
  Standing,
} from '../../src/core/evidence.ts';
import { judgeChange } from '../../src/core/rules/case.ts';
import type { EffectivePolicy } from '../../src/core/policy.ts';
import type { RepoRef } from '../../src/core/subject.ts';
import { dryRunOf, filesOf } from './story-content.ts';
import type {
  AcceptedStory,
  ChangeStory,
  CommitStory,
  DeploymentStory,
  RangeStory,
  ReviewStory,
  Story,
} from './story.ts';

export type { ChangeStory, DeploymentStory, ReviewStory, Story } from './story.ts';

export const REPO: RepoRef = { installationId: 1, id: 500, owner: 'acme', name: 'shop' };

/** Monday, 2 November 2026, 10:00 UTC: the check first showed what the change does. */
export const SHOWN_AT: number = Date.UTC(2026, 10, 2, 10);
export const HEAD: string = 'b'.repeat(40);
export const OLD: string = 'a'.repeat(40);
export const DEPLOYED: string = 'd'.repeat(40);
export const RUNS: string = 'e'.repeat(40);

const CAST: Readonly<Record<string, readonly [number, Account['type']]>> = {
  alice: [1001, 'User'],
  bob: [1002, 'User'],
  carol: [1003, 'User'],
  dave: [1004, 'User'],
  erin: [1005, 'User'],
  frank: [1006, 'User'],
  grace: [1007, 'User'],
  mallory: [1008, 'User'],
  Copilot: [198_982_749, 'Bot'],
  'copilot-pull-request-reviewer[bot]': [175_728_472, 'Bot'],
  'claude[bot]': [209_825_114, 'Bot'],
  claude: [81_847, 'User'],
  cursoragent: [199_161_495, 'User'],
  'github-actions[bot]': [41_898_282, 'Bot'],
  'stamphog[bot]': [900_001, 'Bot'],
  'dependabot[bot]': [49_699_333, 'Bot'],
  'web-flow': [19_864_447, 'User'],
  'mannequin-1': [900_002, 'Mannequin'],
};

/** An account of the cast; `null` and `ghost` are deleted accounts. */
export function who(login: string | null | undefined): Account | null {
  if (login === null || login === undefined || login === 'ghost') return null;
  const [id, type] = CAST[login] ?? [0, 'User'];
  if (id === 0) throw new Error(`nobody in the cast is called ${login}`);
  return { id, login, type };
}

function at(minute: number): number {
  return SHOWN_AT + minute * 60_000;
}

/** The Evidence of a story, with the postings that its check made. */
export function evidenceOf(story: Story): Evidence {
  const stories = story.changes ?? (story.change === undefined ? [] : [story.change]);
  const bare = stories.map((one, index) => changeOf(one, index, story));
  const evidence = withChanges(story, bare);
  // The digest of what was shown is the one that the decision itself computes.
  const { shown } = decide(effectivePolicy(evidence.policy), evidence);
  const posted = bare.map((change, index) =>
    posting(change, stories[index] ?? {}, shown[index]?.digest ?? ''),
  );
  return withChanges(story, posted);
}

function posting(change: Change, story: ChangeStory, digest: string): Change {
  const { shownMinute = 0 } = story;
  if (shownMinute === null) return change;
  const minute = shownMinute === 'otherwise' ? 0 : shownMinute;
  const shown = shownMinute === 'otherwise' ? 'f'.repeat(64) : digest;
  const heads = story.commits?.some((commit) => commit.update === true) ? [OLD, HEAD] : [HEAD];
  return {
    ...change,
    postings: heads.map((headSha) => ({
      headSha,
      baseRef: change.baseRef,
      shown,
      atMs: at(minute),
    })),
  };
}

function withChanges(story: Story, changes: readonly Change[]): Evidence {
  const [first] = changes;
  const deployment =
    story.deployment === undefined ? null : deploymentOf(story.deployment, changes);
  return {
    v: 1,
    subject: subjectOf(story, first, deployment),
    readAtMs: at(story.nowMinute ?? 120),
    defaultBranch: 'main',
    policy: {
      repository: policyFile('acme/shop', story.policy),
      base: null,
      floor: story.floor === undefined ? null : policyFile('acme/.github', story.floor),
    },
    changes,
    deployment,
    people: peopleOf(story),
    ...(story.eligible === undefined
      ? {}
      : { eligible: peopleOf(story).filter(({ login }) => story.eligible?.includes(login)) }),
    ...(story.activity === undefined ? {} : { activity: story.activity }),
    ...(story.mergeGateOnly === true ? { mergeGateOnly: true } : {}),
    suspended: story.suspended ?? [],
    gaps: story.gaps ?? [],
  };
}

function policyFile(repo: string, policy: unknown): Evidence['policy']['repository'] {
  const text =
    policy === undefined ? null : typeof policy === 'string' ? policy : JSON.stringify(policy);
  return {
    repo,
    path: '.github/tagout.yml',
    commitSha: '1'.repeat(40),
    blob: text === null ? null : '2'.repeat(40),
    text,
  };
}

function subjectOf(
  story: Story,
  first: Change | undefined,
  deployment: DeploymentEvidence | null,
): Evidence['subject'] {
  if (story.checkout === true) {
    return { kind: 'checkout', path: '/srv/shop', baseSha: RUNS, headSha: HEAD };
  }
  if (story.mergeGroup === true) {
    const headRef = 'gh-readonly-queue/main/pr-7';
    return { kind: 'merge-group', repo: REPO, headSha: DEPLOYED, headRef, baseRef: 'main' };
  }
  if (deployment !== null) {
    const { runId, runAttempt, environment, deploymentId } = deployment;
    const sha = DEPLOYED;
    return { kind: 'deployment', repo: REPO, runId, runAttempt, environment, deploymentId, sha };
  }
  return { kind: 'pull-request', repo: REPO, number: first?.pull ?? 7, headSha: HEAD };
}

function peopleOf(story: Story): readonly Standing[] {
  return Object.entries(CAST).map(([login, [id]]) => ({
    id,
    login,
    permission: story.permissions?.[login] ?? 'write',
    teams: story.teams?.[login] ?? [],
  }));
}

function deploymentOf(story: DeploymentStory, changes: readonly Change[]): DeploymentEvidence {
  const range: readonly RangeStory[] =
    story.range ?? changes.map((change) => ({ pull: change.pull }));
  return {
    environment: story.environment ?? 'production',
    runId: 77,
    runAttempt: 1,
    runStatus: 'waiting',
    runEvent: story.runEvent ?? 'push',
    runHeadSha: story.runSha ?? DEPLOYED,
    runHeadRepoId: story.runUnread === true ? null : story.forkRun === true ? 666 : REPO.id,
    actor: who(story.actor ?? 'alice'),
    triggeringActor: who(story.actor ?? 'alice'),
    deploymentId: 9,
    deploymentSha: DEPLOYED,
    requestedAtMs: at(story.requestedMinute ?? 110),
    fromSha: story.from === undefined ? RUNS : story.from,
    ...(story.rangeStatus === undefined ? {} : { rangeStatus: story.rangeStatus }),
    fromOrigin: story.fromOrigin ?? (story.from === null ? null : 'released'),
    range: range.map((item, index) => ({
      sha: index === range.length - 1 ? DEPLOYED : String(index).repeat(40).slice(0, 40),
      author: who(item.by ?? 'alice'),
      message: 'Change something',
      pull: item.pull ?? null,
      equalsReviewed: item.equal === undefined ? true : item.equal,
      difference: item.difference ?? null,
    })),
    ...(story.firstRequestedMinute === undefined
      ? {}
      : { firstRequestedAtMs: at(story.firstRequestedMinute) }),
    ...(story.bypass === undefined ? {} : { bypass: story.bypass }),
    ...referencedOf(story),
    ...(story.succeededIn === undefined ? {} : { succeededIn: story.succeededIn }),
    ...(story.rollbackSinceMinute === undefined
      ? {}
      : {
          rollback: {
            currentSinceMs: at(story.rollbackSinceMinute),
            ...(story.ranBefore === undefined ? {} : { ranBefore: story.ranBefore }),
          },
        }),
    ...(story.accepted === undefined ? {} : { accepted: [acceptedOf(story.accepted)] }),
    ...(story.together === undefined
      ? {}
      : { together: changeOf({ pull: null, does: story.together }, 0, {}) }),
  };
}

function referencedOf(story: DeploymentStory): Pick<DeploymentEvidence, 'referenced'> {
  const { workflowWas: before } = story;
  if (before === undefined) return {};
  const path = 'acme/ci/.github/workflows/deploy.yml@v1';
  return { referenced: [{ path, sha: 'b'.repeat(40), before }] };
}

function acceptedOf(story: AcceptedStory): AcceptedCommits {
  const policy = effectivePolicy({
    repository: policyFile('', undefined),
    base: null,
    floor: null,
  });
  const whole: Story = { deployment: {} };
  const change = story.commits === null ? null : changeOf(story.commits, 0, whole);
  const bare = story.addedBy === null ? null : changeOf({ pull: 90, ...story.addedBy }, 0, whole);
  const shown = [bare, story.shownThere === false ? null : change].flatMap((one) =>
    one === null ? [] : [judgeChange(one, policy.policy).shown],
  );
  const postings = shown.map((digest) => ({
    headSha: HEAD,
    baseRef: 'main',
    shown: digest,
    atMs: at(0),
  }));
  return {
    from: story.from,
    through: story.stands === 'start' ? RUNS : DEPLOYED,
    shas: story.stands === 'start' ? [] : [DEPLOYED],
    change,
    addedBy: bare === null ? null : { ...bare, postings },
  };
}

function changeOf(story: ChangeStory, index: number, whole: Story): Change {
  const merged = whole.deployment !== undefined || story.state === 'merged';
  const author = who(story.author ?? 'alice');
  const commits = story.commits ?? [{ by: story.author ?? 'alice' }];
  return {
    pull: story.pull === undefined ? (whole.checkout === true ? null : 7 + index) : story.pull,
    title: story.title ?? 'Change something',
    body: story.body ?? '',
    state: story.state ?? (merged ? 'merged' : 'open'),
    draft: story.draft ?? false,
    author,
    viaApp: story.viaApp ?? null,
    baseRef: story.base ?? 'main',
    baseSha: RUNS,
    mergeBaseSha: RUNS,
    headRef: story.branch ?? 'feature/x',
    headSha: HEAD,
    headRepoId: story.forkDeleted === true ? null : REPO.id,
    mergedAtMs: merged ? at(story.mergedMinute ?? 90) : null,
    mergeCommitSha: merged ? DEPLOYED : null,
    mergedBy: merged ? who('alice') : null,
    labels: story.labels ?? [],
    commits: commits.map((commit, i) => commitOf(commit, i === commits.length - 1)),
    pushes: (story.pushedBy ?? [story.author ?? 'alice']).map((login, i) => ({
      actor: who(login),
      atMs: at(-60 - i),
      kind: 'push',
      after: HEAD,
    })),
    files: filesOf(story.does ?? 'code', story.paths),
    reviews: (story.reviews ?? []).map(reviewOf),
    involved: (story.involved ?? []).map((one) => involvementOf(one.who, one.signal)),
    postings: [],
    dryRun: { ...dryRunOf(story.does ?? 'code'), ...restoreOf(story) },
    ...(story.retargetedMinute === undefined
      ? {}
      : { baseChangedAtMs: at(story.retargetedMinute) }),
    ...(story.bypassedMinute === undefined ? {} : { bypassedAtMs: at(story.bypassedMinute) }),
    ...(story.mergedPast === undefined ? {} : { mergedPast: story.mergedPast }),
  };
}

function involvementOf(login: string, signal: Involvement['signal']): Involvement {
  const account = who(login);
  return { id: account?.id ?? null, login, signal, source: 'timeline', forgeable: false };
}

function personOf(text: string): CommitPerson {
  if (text.includes('@')) return { account: null, name: 'Somebody', email: text };
  const account = who(text);
  const email = `${account?.id ?? 0}+${text}@users.noreply.github.com`;
  return { account, name: text, email };
}

function commitOf(story: CommitStory, isHead: boolean): Commit {
  return {
    sha: isHead ? HEAD : OLD,
    parents: story.update === true ? [OLD, RUNS] : [isHead ? OLD : RUNS],
    authors: [personOf(story.by), ...(story.with ?? []).map(personOf)],
    committer: personOf(story.committer ?? (story.update === true ? 'web-flow' : story.by)),
    message: story.message ?? 'Change something',
    verified: story.verified ?? story.update === true,
  };
}

const STATES: Readonly<Record<NonNullable<ReviewStory['says']>, ReviewState>> = {
  approve: 'APPROVED',
  changes: 'CHANGES_REQUESTED',
  comment: 'COMMENTED',
  dismissed: 'DISMISSED',
  unknown: 'UNKNOWN',
  pending: 'PENDING',
};

function reviewOf(story: ReviewStory, index: number): Review {
  const submittedAtMs = at(story.minute ?? 60);
  return {
    id: story.id ?? 100 + index,
    author: who(story.by),
    state: STATES[story.says ?? 'approve'],
    commitSha: story.of === 'old' ? OLD : HEAD,
    submittedAtMs,
    editedAtMs:
      story.editedMinutesLater === undefined
        ? null
        : submittedAtMs + story.editedMinutesLater * 60_000,
    viaEmail: story.viaEmail ?? false,
    body: story.body ?? '',
    ...(story.says === 'dismissed' ? { dismissed: dismissalOf(story) } : {}),
  };
}

function dismissalOf({ was = 'approve', dismissedBy }: ReviewStory): Dismissal {
  return { was: STATES[was], by: dismissedBy === undefined ? null : who(dismissedBy) };
}

export interface Outcome {
  readonly evidence: Evidence;
  readonly policy: EffectivePolicy;
  readonly decision: Decision;
}

const policies = new Map<string, EffectivePolicy>();

/** Reading a policy costs more than a decision; the stories use few of them. */
function effectivePolicy(sources: Evidence['policy']): EffectivePolicy {
  const key = JSON.stringify(sources);
  const policy = policies.get(key) ?? parsedPolicy(sources);
  policies.set(key, policy);
  return policy;
}

/** Plays a story to its decision. */
export function play(story: Story): Outcome {
  const evidence = evidenceOf(story);
  const policy = effectivePolicy(evidence.policy);
  return { evidence, policy, decision: decide(policy, evidence) };
}

function restoreOf({ restore }: ChangeStory): Pick<Change['dryRun'], 'restore'> {
  if (restore === undefined) return {};
  const { ageMinutes, tookMinutes, bytes = 40_000_000 } = restore;
  const takenAtMs = SHOWN_AT - ageMinutes * 60_000;
  return { restore: { takenAtMs, sizeBytes: bytes, restoreMs: tookMinutes * 60_000 } };
}
