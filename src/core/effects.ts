/** What GitHub is to be told, as data. Nothing here decides; enacting an effect twice is once. */
import { digestOf } from './canonical.ts';
import type { Decision, Verdict } from './decision.ts';
import { PRINTED_PLAN } from './dry-run.ts';
import type { Annotation, Effect } from './effect.ts';
import type { Change, Evidence } from './evidence.ts';
import type { BlastRadius, Finding } from './findings.ts';
import type { EffectivePolicy } from './policy.ts';
import type { Locator, RepoRef, Trigger } from './subject.ts';
import { shownSinceMs } from './rules/binding.ts';
import { caseOf, judgeChange, mustBeShownFirst } from './rules/case.ts';
import { isOpen, pastMerges } from './rules/merged-past.ts';
import { newestOf } from './rules/newest.ts';
import { environmentKey, isExternalRun } from './subject.ts';
import { bypassIssue, pastGate } from './words/bypass.ts';
import { summaryOf, textOf, titleOf } from './words/check.ts';
import { deploymentComment } from './words/deployment.ts';
import { sortedFindings } from './words/tables.ts';
import { line } from './words/text.ts';

/** The name of the check run; rulesets pin it together with the app's id. */
export const CHECK_NAME = 'tagout';

/** GitHub takes this many annotations in one request. */
const MAX_ANNOTATIONS = 50;

export interface JudgedSubject {
  readonly trigger: Trigger;
  readonly locator: Locator;
  readonly evidence: Evidence;
  readonly policy: EffectivePolicy;
  readonly decision: Decision;
}

/** The effects of one judgement. Equal evidence and decision give equal keys. */
export function effects(judged: JudgedSubject): readonly Effect[] {
  const { subject, deployment } = judged.evidence;
  switch (subject.kind) {
    case 'pull-request':
      return pullRequestEffects(judged, subject.repo, subject.headSha);
    case 'merge-group':
      return [checkRun(judged, subject.repo, subject.headSha, null)];
    case 'deployment':
      if (deployment === null) return [];
      if ((deployment.bypass ?? null) !== null) return issueEffects(judged, subject.repo);
      return [
        isExternalRun(subject.runId)
          ? externalCheck(judged, subject)
          : deploymentEffect(judged, subject),
        ...rangeCheck(judged, subject),
        ...lateChecks(judged, subject),
        ...issueEffects(judged, subject.repo),
      ];
    case 'checkout':
      return [];
  }
}

function pullRequestEffects(
  judged: JudgedSubject,
  repo: RepoRef,
  headSha: string,
): readonly Effect[] {
  const { evidence, decision } = judged;
  const { subject } = evidence;
  const change = evidence.changes.find(
    ({ pull }) => subject.kind === 'pull-request' && pull === subject.number,
  );
  const labels = change === undefined ? null : labelsOf(change, repo, decision);
  return [checkRun(judged, repo, headSha, change ?? null), ...(labels === null ? [] : [labels])];
}

type CheckRun = Extract<Effect, { kind: 'check-run' }>;

/** Never `neutral` or `skipped`: GitHub takes both for success. */
const CONCLUSION: Readonly<Record<Verdict, CheckRun['conclusion']>> = {
  allow: 'success',
  hold: 'action_required',
  deny: 'failure',
};

function checkRun(
  judged: JudgedSubject,
  repo: RepoRef,
  headSha: string,
  change: Change | null,
): Effect {
  const shown = shownOf(change, judged.decision);
  return checkRunOf(judged, { repo, headSha, name: CHECK_NAME, shown });
}

function checkRunOf(
  judged: JudgedSubject,
  target: Pick<CheckRun, 'repo' | 'headSha' | 'name' | 'shown'>,
): Effect {
  const { decision } = judged;
  const { repo, headSha, name } = target;
  const output = {
    conclusion: CONCLUSION[decision.verdict],
    title: titleOf(decision),
    summary: summaryOf(judged),
    text: textOf(judged),
    annotations: annotationsOf(decision.findings),
    shown: target.shown,
  };
  // Evidence is part of the key: going back to an earlier text must be written again.
  const state = digestOf([decision.evidenceDigest, output]).slice(0, 32);
  return {
    kind: 'check-run',
    key: `check-run:${repo.id}:${headSha}:${name}:${state}`,
    repo,
    name,
    headSha,
    externalId: decision.evidenceDigest.slice(0, 32),
    ...output,
  };
}

function shownOf(change: Change | null, decision: Decision): CheckRun['shown'] {
  if (change === null || change.pull === null) return null;
  const { pull, baseRef } = change;
  const digest = decision.shown.find((shown) => shown.pull === pull)?.digest;
  return digest === undefined ? null : { pull, baseRef, digest };
}

const ANNOTATION_LEVEL: Readonly<Record<Finding['level'], Annotation['level']>> = {
  danger: 'failure',
  advice: 'warning',
  note: 'notice',
};

function annotationsOf(findings: readonly Finding[]): readonly Annotation[] {
  return sortedFindings(findings)
    .flatMap((finding): readonly Annotation[] => {
      const { path } = finding;
      // A danger whose line is not known is told at the top of its file.
      const at = finding.line ?? (finding.level === 'danger' ? 1 : null);
      if (path === null || at === null) return [];
      // A printed plan's files are in an artifact: the repository has no line to write at.
      if (path.startsWith(`${PRINTED_PLAN}/`)) return [];
      const startLine = Math.max(1, at);
      return [
        {
          path,
          startLine,
          endLine: startLine,
          level: ANNOTATION_LEVEL[finding.level],
          title: line(`${finding.id} (blast radius ${finding.radius})`, 200),
          message: line(`${finding.message}. Proof: ${finding.evidence}`, 1000),
        },
      ];
    })
    .slice(0, MAX_ANNOTATIONS);
}

const LABEL: Readonly<
  Record<BlastRadius, { readonly color: string; readonly description: string }>
> = {
  low: { color: '0e8a16', description: 'Tagout: documentation, tests, seed or comments only' },
  medium: { color: 'fbca04', description: 'Tagout: code or schema grows, nothing is lost' },
  high: { color: 'd93f0b', description: 'Tagout: values lost, rights widened or tables blocked' },
  critical: { color: 'b60205', description: 'Tagout: rows or tables lost, or the gate itself' },
};

const LABEL_PREFIX = 'blast-radius: ';

/** Null when the pull request carries exactly the right label. */
function labelsOf(change: Change, repo: RepoRef, decision: Decision): Effect | null {
  if (change.pull === null) return null;
  const wanted = `${LABEL_PREFIX}${decision.radius}`;
  const ours = change.labels.filter((label) => label.toLowerCase().startsWith(LABEL_PREFIX));
  const remove = ours.filter((label) => label.toLowerCase() !== wanted).sort();
  const isThere = ours.some((label) => label.toLowerCase() === wanted);
  const add = isThere ? [] : [{ name: wanted, ...LABEL[decision.radius] }];
  if (add.length === 0 && remove.length === 0) return null;
  const state = digestOf([decision.evidenceDigest, wanted, remove]).slice(0, 32);
  return {
    kind: 'labels',
    key: `labels:${repo.id}:${change.pull}:${state}`,
    repo,
    pull: change.pull,
    add,
    remove,
  };
}

/**
 * When the range is graver than its parts, the newest pull request gets a check that shows the
 * range: only approvals given after that count for it.
 */
function rangeCheck(judged: JudgedSubject, subject: DeploymentSubject): readonly Effect[] {
  const { decision, evidence } = judged;
  const newest = newestOf(evidence.changes);
  const digest = decision.shown.find((shown) => shown.pull === null)?.digest;
  const isRange = decision.opinions.some((one) => one.code === 'range-level');
  if (!isRange || newest === null || newest.pull === null || digest === undefined) return [];
  const name = `${CHECK_NAME}/${environmentKey(subject.environment)}`;
  const { pull, baseRef, headSha } = newest;
  const shown = { pull, baseRef, digest };
  return [checkRunOf(judged, { repo: subject.repo, headSha, name, shown })];
}

/**
 * What a merged pull request does is shown on its head when no check shows it: it was merged before
 * it was judged, or its figures have changed since. Only then can a late review bind to it. The
 * check has a name of its own: an open pull request with the same head keeps its `tagout`.
 */
function lateChecks(judged: JudgedSubject, subject: DeploymentSubject): readonly Effect[] {
  const { decision, evidence } = judged;
  if (decision.verdict !== 'hold') return [];
  const isBack = (evidence.deployment?.rollback ?? null) !== null;
  const open = decision.needed.filter((one) => one.counted < one.count || one.missingTeams[0]);
  const needed = new Set(open.map((one) => one.pull));
  const late = evidence.changes.filter(({ pull }) => isBack || needed.has(pull));
  const name = `${CHECK_NAME}/${environmentKey(subject.environment)}`;
  const checks = late.flatMap((change) =>
    shownOn(judged, change, { name: `${name}/${change.pull}`, what: change }),
  );
  return [...checks, ...acceptedChecks(judged, name)];
}

/**
 * The same as soon as a merge past the gate is seen: a change of which an approval must have been
 * shown what it does could otherwise be reviewed only once a deployment had asked for it.
 */
export function mergedCheck(judged: JudgedSubject): readonly Effect[] {
  return judged.evidence.changes.flatMap((what) =>
    mustBeShownFirst(judgeChange(what, judged.policy.policy))
      ? shownOn(judged, what, { name: `${CHECK_NAME}/merged/${what.pull}`, what })
      : [],
  );
}

/** Accepted commits are shown at the pull request that added their row, and that one itself. */
function acceptedChecks(judged: JudgedSubject, name: string): readonly Effect[] {
  const { decision, evidence } = judged;
  if (!decision.opinions.some(({ code }) => code === 'accepted-unproven')) return [];
  return (evidence.deployment?.accepted ?? []).flatMap(({ addedBy, change, through }) => {
    if (addedBy === null) return [];
    const own = shownOn(judged, addedBy, { name: `${name}/${addedBy.pull}`, what: addedBy });
    if (change === null) return own;
    const what = { name: `${name}/accepted ${through.slice(0, 12)}`, what: change };
    return [...own, ...shownOn(judged, addedBy, what)];
  });
}

/** Shows on the head of a merged pull request what a change does, unless a check there does so. */
function shownOn(
  judged: JudgedSubject,
  { pull, baseRef, headSha, state, postings }: Change,
  { name, what }: { readonly name: string; readonly what: Change },
): readonly Effect[] {
  if (pull === null || state !== 'merged') return [];
  const { decision, evidence, policy } = judged;
  const { findings, radius, shown: digest } = judgeChange(what, policy.policy);
  // What stands on another head or base shows a reviewer nothing here.
  const here = postings.filter((one) => one.headSha === headSha && one.baseRef === baseRef);
  if (shownSinceMs(here, digest) !== null) return [];
  const isOwn = (one: { readonly pull: number | null }): boolean => one.pull === what.pull;
  const needed = decision.needed.filter(isOwn);
  const [counted, refused] = [decision.counted.filter(isOwn), decision.refused.filter(isOwn)];
  const own = {
    ...judged,
    evidence: { ...evidence, changes: [what] },
    decision: { ...decision, findings, radius, needed, counted, refused },
  };
  const target = { repo: judged.locator.repo, headSha, name, shown: { pull, baseRef, digest } };
  return [checkRunOf(own, target)];
}

/** A deployer outside of GitHub's workflows finds its answer on the commit itself. */
function externalCheck(judged: JudgedSubject, subject: DeploymentSubject): Effect {
  const name = `${CHECK_NAME}/${environmentKey(subject.environment)}`;
  return checkRunOf(judged, { repo: subject.repo, headSha: subject.sha, name, shown: null });
}

/** What has passed the gate cannot be called back: people are told, once per repository. */
function issueEffects(judged: JudgedSubject, repo: RepoRef): readonly Effect[] {
  const { bypass = null, bypasses = [] } = judged.evidence.deployment ?? {};
  const isMergedPast = judged.decision.opinions.some(({ code }) => code === 'merged-past');
  if (bypass === null && !isMergedPast) return [];
  const merges = isMergedPast ? pastMerges(caseOf(judged.policy, judged.evidence)) : [];
  const others = bypasses.filter((one) => one.deploymentId !== bypass?.deploymentId);
  const open = merges.filter(isOpen);
  const issue = bypassIssue(
    [...others, ...(bypass === null ? [] : [bypass]), ...open].map(pastGate),
  );
  return [issueEffect(repo, issue)];
}

/** The repository's one issue. */
export function issueEffect(repo: RepoRef, issue: ReturnType<typeof bypassIssue>): Effect {
  const state = digestOf(issue).slice(0, 32);
  return { kind: 'issue', key: `issue:${repo.id}:${state}`, repo, ...issue };
}

type DeploymentSubject = Extract<Evidence['subject'], { kind: 'deployment' }>;

function deploymentEffect(judged: JudgedSubject, subject: DeploymentSubject): Effect {
  const { decision, evidence } = judged;
  const { repo, runId, environment } = subject;
  const comment =
    evidence.deployment === null ? '' : deploymentComment(decision, evidence.deployment);
  // One decision is for one attempt of one run, one deployment and one commit.
  const once =
    `${repo.id}:${runId}:${subject.runAttempt}:${environmentKey(environment)}:` +
    `${subject.deploymentId ?? 'none'}:${subject.sha}`;
  const base = { repo, runId, environment, comment };
  if (decision.verdict === 'hold') {
    // By what it says and not by when: the same reasons are noted once.
    const state = digestOf(comment).slice(0, 32);
    return { kind: 'deployment-note', key: `deployment-note:${once}:${state}`, ...base };
  }
  const state = decision.verdict === 'allow' ? 'approved' : 'rejected';
  return { kind: 'review-deployment', key: `review-deployment:${once}:${state}`, ...base, state };
}
