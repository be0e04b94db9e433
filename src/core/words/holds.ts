/**
 * What each rule says. A sentence names what is held and why (`reason`), then who can release it
 * and how (`cure`). Names from outside are code spans; nothing else in here comes from outside.
 */
import type { Gap, RangeCommit } from '../evidence.ts';
import type { BlastRadius } from '../findings.ts';
import type { PolicyProblem } from '../policy.ts';
import { countReason, whoWords } from './needs.ts';
import { capital, commit, counted, duration, list, name, prose, some } from './text.ts';

/** A rule's words with its stable code. */
export interface Said {
  readonly code: string;
  readonly reason: string;
  readonly cure: string;
}

/** `pull request 7`, or `this change` in a checkout. */
export function pullWords(pull: number | null): string {
  return pull === null ? 'this change' : `pull request ${pull}`;
}

/** Where GitHub has the button. */
const HOW = 'Files tab → Review changes → Approve';

/** How a contributor without an account stops raising the count. */
const NAMED =
  ` One fewer is needed once the policy says under ${name('people')} whose e-mail it is ` +
  '(by a reviewed pull request).';

const WRITER = 'Somebody with write access';

export const SAY = {
  policyReadable: (): Said => ({
    code: 'policy-readable',
    reason: 'The policy could be read.',
    cure: '',
  }),
  policyUnreadable: (problem: PolicyProblem): Said => ({
    code: 'policy-unreadable',
    // The message itself begins with the file and the line.
    reason: `The policy cannot be used: ${prose(problem.message)}`,
    cure: `${WRITER} corrects that file on the default branch by a reviewed pull request.`,
  }),
  evidenceComplete: (): Said => ({
    code: 'evidence-complete',
    reason: 'Everything that the decision needs was read to its end.',
    cure: '',
  }),
  evidenceIncomplete: (gap: Gap): Said => ({
    code: 'evidence-incomplete',
    reason: `Not everything could be read (R14): ${name(gap.what)} is ${GAP[gap.why]}. ${prose(gap.detail)}`,
    cure: gap.cure === undefined ? GAP_CURE[gap.why] : prose(gap.cure),
  }),
  unknownReviewState: (pull: number | null): Said => ({
    code: 'evidence-incomplete',
    reason: `Not everything could be read (R14): ${pullWords(pull)} has a review in an unknown state.`,
    cure: 'The reviewer reviews again, or the operator of Tagout updates it.',
  }),
  ruleFailed: (rule: string): Said => ({
    code: 'rule-failed',
    reason: `The rule ${name(rule)} could not be evaluated, which is a fault of Tagout.`,
    cure: 'The operator of Tagout looks at its log; nothing is released before it is repaired.',
  }),
  noOpinion: (): Said => ({
    code: 'no-opinion',
    reason: 'No rule found that independent people approved this.',
    cure: 'The operator of Tagout looks at its log; nothing is released without an approval.',
  }),
  draft: (pull: number | null): Said => ({
    code: 'draft',
    reason: `A draft is held: ${pullWords(pull)} is not ready for review.`,
    cure: 'Its author marks it as ready for review.',
  }),
  closed: (pull: number | null): Said => ({
    code: 'closed',
    reason: `A closed change is held: ${pullWords(pull)} was closed without being merged.`,
    cure: 'Its author opens it again, or nothing needs to be done.',
  }),
  noChange: (): Said => ({
    code: 'no-change-read',
    reason: 'There is no pull request behind this.',
    cure: `${WRITER} opens a pull request with this content.`,
  }),
  forkGone: (pull: number | null): Said => ({
    code: 'fork-gone',
    reason: `The repository that ${pullWords(pull)} came from was deleted, so its head cannot be read again.`,
    cure: `${WRITER} pushes its commits to a branch of this repository and opens a new pull request.`,
  }),
  changeMatters: (reason: string): Said => ({
    code: 'human-must-decide',
    reason,
    cure: 'A human must decide: open the pull request and have it reviewed.',
  }),
  changeHarmless: (): Said => ({
    code: 'change-clear',
    reason: 'The change itself gives no reason to hold.',
    cure: '',
  }),
  approved: (pull: number | null, who: readonly string[]): Said => ({
    code: 'approved',
    reason: `${capital(pullWords(pull))} has the approvals it needs: ${some(
      who.map((w) => name(w)),
      5,
    )}.`,
    cure: '',
  }),
  approvalsMissing: (facts: MissingFacts): Said => ({
    code: 'approvals-missing',
    reason:
      `${capital(pullWords(facts.pull))} needs ${countReason(facts)}; ` +
      `${countWords(facts.counted)}.`,
    cure:
      `${whoWords(facts.count - facts.counted, facts.missingTeams)} the ${HOW}, on commit ` +
      `${commit(facts.headSha)}, after reading this.${facts.unknown.length > 0 ? NAMED : ''}`,
  }),
  rangeWorse: (facts: MissingFacts): Said => ({
    code: 'range-level',
    reason:
      `All commits of this deployment together have blast radius ${facts.radius}, more than any ` +
      `pull request alone. For ${pullWords(facts.pull)} as the newest that needs ` +
      `${countReason(facts)}; ${countWords(facts.counted)}.`,
    cure:
      `${whoWords(facts.count - facts.counted, facts.missingTeams)} the ${HOW}, on ` +
      `${pullWords(facts.pull)}, after its check has shown the whole range.`,
  }),
  nothingNew: (): Said => ({
    code: 'nothing-new',
    reason: 'The environment runs this very commit already.',
    cure: '',
  }),
  adoptedAgain: (sha: string): Said => ({
    code: 'adopted-again',
    reason:
      `The environment was found with ${commit(sha)} and Tagout has not released that commit: ` +
      'running it again has no review to stand on.',
    cure:
      'Deploy a later commit of the default branch, whose pull requests are reviewed; or ' +
      `somebody with write access adds ${name('accepted: [{ through: SHA, reason: … }]')} with ` +
      'this commit to the policy by a reviewed pull request.',
  }),
  diverged: (from: string, to: string): Said => ({
    code: 'range-diverged',
    reason:
      `Commit ${commit(to)} does not contain ${commit(from)}, which runs there now: releasing it ` +
      'would take reviewed work back that nobody was shown.',
    cure:
      `${WRITER} merges the branch of ${commit(from)} into it by a reviewed pull request, or ` +
      'deploys from the default branch.',
  }),
  noEnvironments: (): Said => ({
    code: 'no-environment-rule',
    reason: 'The policy names no environment, so nothing says which approvals are needed.',
    cure: `${WRITER} adds ${name('environments')} to the policy by a reviewed pull request.`,
  }),
  changesRequested: (pull: number | null, logins: readonly string[]): Said => ({
    code: 'changes-requested',
    reason: `${list(logins.map((l) => name(l)))} asked for changes on ${pullWords(pull)} (R15).`,
    cure:
      'That person approves or dismisses the review, or an administrator who had no hand in the ' +
      'change dismisses it.',
  }),
  suspended: (agents: readonly string[]): Said => ({
    code: 'agent-suspended',
    reason: `All work of ${list(agents.map((a) => name(a)))} is suspended.`,
    cure: 'The administrator who suspended the agent lifts it in the policy or on the server.',
  }),
  environmentUnknown: (environment: string, alike: string | null): Said => ({
    code: 'environment-unknown',
    reason:
      `No rule of the policy speaks for the environment ${name(environment)}` +
      `${alike === null ? '.' : `, which looks like ${name(alike)}.`}`,
    cure: `${WRITER} corrects the name in the workflow, or adds it under ${name('match')} in the policy.`,
  }),
  deploymentUnread: (what: string): Said => ({
    code: 'deployment-unread',
    reason: `The deployment is held because ${what}.`,
    cure: 'It is read again by itself; if this stays, run the workflow again.',
  }),
  shaMismatch: (deployed: string, ran: string): Said => ({
    code: 'sha-mismatch',
    reason: `The run is on ${commit(ran)} and the deployment says ${commit(deployed)}.`,
    cure: 'No review can release this: run the workflow again on the commit that is to be deployed.',
  }),
  forkRun: (): Said => ({
    code: 'fork-run',
    reason: 'The run comes from a fork and must not deploy.',
    cure: 'No review can release this: merge the change and deploy from a branch of this repository.',
  }),
  pullRequestTarget: (): Said => ({
    code: 'pull-request-target',
    reason: `A run started by ${name('pull_request_target')} mixes the rights of this repository with foreign code.`,
    cure: `No review can release this: deploy from a workflow that a push or a person starts.`,
  }),
  expired: (days: number): Said => ({
    code: 'request-expired',
    reason: `The request to deploy is older than ${counted(days, 'day')}.`,
    cure: 'Run the workflow again: it is then judged anew.',
  }),
  noBaseline: (): Said => ({
    code: 'no-baseline',
    reason: 'Nothing is known about what this environment runs, so the range cannot be reviewed.',
    cure:
      `${WRITER} adds ${name('accepted: [{ through: SHA, reason: … }]')} to the policy by a ` +
      'reviewed pull request, where SHA is the commit that runs there now.',
  }),
  acceptedUnproven: (through: string, addedBy: number | null): Said => ({
    code: 'accepted-unproven',
    reason: `The commits up to ${commit(through)} are accepted in the policy, but nobody independent reviewed that.`,
    cure:
      addedBy === null
        ? 'The row was not added by a merged pull request as it was reviewed: somebody with write ' +
          'access takes it ' +
          'out and adds it again by one.'
        : `${capital(pullWords(addedBy))}, which added the row, gets the approvals for the level ` +
          'of these commits (at least high) from people who did not contribute to them, after its ' +
          'check has shown them; a late review counts.',
  }),
  accepted: (commits: number): Said => ({
    code: 'accepted',
    reason: `${counted(commits, 'commit')} accepted in the policy, which independent people reviewed.`,
    cure: '',
  }),
  noReviewedPull: (item: RangeCommit): Said => ({
    code: 'no-reviewed-pull-request',
    reason: `Commit ${commit(item.sha)} by ${name(item.author?.login ?? null)} has no reviewed pull request.`,
    cure:
      `${WRITER} opens a pull request that reverts it or does it again, or adds it to ` +
      `${name('accepted')} in the policy by a reviewed pull request.`,
  }),
  pullNotRead: (pull: number): Said => ({
    code: 'pull-request-not-read',
    reason: `${capital(pullWords(pull))} belongs to this deployment and was not read or is not merged.`,
    cure: 'It is read again by itself.',
  }),
  contentDiffers: (item: RangeCommit): Said => ({
    code: 'content-differs',
    reason:
      `Commit ${commit(item.sha)} does not hold what was reviewed in ${pullWords(item.pull)}` +
      `${item.difference === null ? '.' : `: ${name(item.difference)} differs.`}`,
    cure:
      `${WRITER} opens a pull request that brings in the difference, or adds the commit to ` +
      `${name('accepted')} in the policy by a reviewed pull request.`,
  }),
  contentUnproven: (item: RangeCommit): Said => ({
    code: 'content-unproven',
    reason:
      `It could not be shown that commit ${commit(item.sha)} holds what was reviewed in ` +
      `${pullWords(item.pull)}${item.difference === null ? '.' : `: ${prose(item.difference)}.`}`,
    cure: 'It is read again by itself; if this stays, accept the commit in the policy by a reviewed pull request.',
  }),
  rangeIncomplete: (sha: string): Said => ({
    code: 'range-incomplete',
    reason: `The commits between what runs and ${commit(sha)} could not all be found.`,
    cure: 'It is read again by itself; if this stays, deploy an earlier commit first.',
  }),
  rangeReviewed: (commits: number): Said => ({
    code: 'range-reviewed',
    reason:
      `${counted(commits, 'commit')} since what runs: each belongs to a merged pull request and ` +
      'holds what was reviewed there.',
    cure: '',
  }),
  rangeNotRun: (): Said => ({
    code: 'range-not-run',
    reason: 'Several pull requests bring migrations and these were not run together.',
    cure: 'It is tried again by itself; if this stays, deploy the pull requests one after the other.',
  }),
  frozen: (window: string, until: string): Said => ({
    code: 'frozen',
    reason: `The freeze ${name(window)} holds all deployments of this environment.`,
    cure: `It ends by itself at ${until}; before that only break glass releases, where the policy has it.`,
  }),
  notFrozen: (): Said => ({ code: 'not-frozen', reason: 'No freeze holds now.', cure: '' }),
  afterPending: (environments: readonly string[]): Said => ({
    code: 'after-pending',
    reason: `This commit has not been deployed successfully to ${list(environments.map((e) => name(e)))} yet.`,
    cure: 'Deploy it there first; this run is then looked at again by itself.',
  }),
  rollbackAllowed: (): Said => ({
    code: 'rollback-allowed',
    reason: 'The policy lets this environment go back to a commit that was released there before.',
    cure: '',
  }),
  rollbackApproved: (who: readonly string[]): Said => ({
    code: 'rollback-approved',
    reason: `The way back was approved by ${some(
      who.map((w) => name(w)),
      5,
    )}.`,
    cure: '',
  }),
  rollbackNeedsReview: (pulls: readonly string[]): Said => ({
    code: 'rollback-needs-review',
    reason: 'Going back to an earlier commit needs one new approval.',
    cure:
      pulls.length === 0
        ? `Nothing that is rolled back has a pull request: set ${name('rollback: allow')} in the policy, or deploy forward.`
        : `An independent person with write access approves ${some(pulls, 5)} again now.`,
  }),
  broken: (reason: string, who: readonly string[]): Said => ({
    code: 'break-glass-over',
    reason: `Broken glass by ${list(who.map((w) => name(w)))}: ${reason}`,
    cure: '',
  }),
  breakGlass: (facts: GlassFacts): Said => ({
    code: 'break-glass',
    reason:
      `${list(facts.who.map((w) => name(w)))} broke the glass: ${prose(facts.why)}. ` +
      `Within ${duration(facts.reviewWithinMs)} somebody who did not has to approve what was ` +
      'merged, by a review of its pull requests; until then the report shows it as open.',
    cure: '',
  }),
} as const;

const GAP: Readonly<Record<Gap['why'], string>> = {
  truncated: 'cut off',
  unreadable: 'unreadable',
  missing: 'missing',
  'unknown-value': 'of an unknown kind',
  'too-large': 'too large',
  differs: 'not the same everywhere',
};

const SPLIT = 'The author splits it into smaller pull requests.';
const AGAIN = 'It is read again by itself; if this stays, the operator of Tagout looks at its log.';

const GAP_CURE: Readonly<Record<Gap['why'], string>> = {
  truncated: SPLIT,
  unreadable: AGAIN,
  missing: AGAIN,
  'unknown-value': AGAIN,
  'too-large': SPLIT,
  differs: AGAIN,
};

export interface MissingFacts {
  readonly pull: number | null;
  readonly radius: BlastRadius;
  readonly count: number;
  readonly counted: number;
  readonly missingTeams: readonly string[];
  readonly unknown: readonly string[];
  readonly headSha: string;
}

export interface GlassFacts {
  readonly who: readonly string[];
  readonly why: string;
  readonly reviewWithinMs: number;
}

function countWords(n: number): string {
  return n === 0 ? 'none counts yet' : `${counted(n, 'counts', 'count')} so far`;
}
