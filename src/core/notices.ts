/**
 * Notices: people are told where they are that a deployment waits for them. Notices are effects like
 * the others, but nothing depends on them: the gate stands whether or not anybody was told.
 */
import { mayApprove } from './approvals.ts';
import { digestOf } from './canonical.ts';
import type { Effect } from './effect.ts';
import type { JudgedSubject } from './effects.ts';
import type { Evidence } from './evidence.ts';
import { caseOf } from './rules/case.ts';
import { newestOf } from './rules/newest.ts';
import { environmentKey, isExternalRun } from './subject.ts';
import { gateComment, gateNotice } from './words/notices.ts';

/** How people are told; every way is off unless it is wished. */
export interface NoticeWishes {
  /** A comment on the newest pull request of the range. */
  readonly comment: boolean;
  /** A review request to as many people as are needed, and one more. */
  readonly reviewers: boolean;
  /** A message to the chat of the server's settings. */
  readonly chat: boolean;
}

/** A hold that can heal by itself (GitHub's lists lag after a merge) is given so long to do so. */
const HEALS_MS = 2 * 60_000;

type DeploymentSubject = Extract<Evidence['subject'], { kind: 'deployment' }>;

/**
 * The notices about one judgement: none but for a run at the gate, and none for a hold that may yet
 * heal by itself. A wait that is over is told only where it was told (`over`; the outbox knows).
 */
export function notices(judged: JudgedSubject, wishes: NoticeWishes): readonly Effect[] {
  try {
    return noticesOf(judged, wishes);
  } catch {
    // What could not be told must not keep the decision from being recorded.
    return [];
  }
}

function noticesOf(judged: JudgedSubject, wishes: NoticeWishes): readonly Effect[] {
  const { subject, deployment } = judged.evidence;
  if (subject.kind !== 'deployment' || deployment === null) return [];
  if ((deployment.bypass ?? null) !== null || isExternalRun(subject.runId)) return [];
  const { verdict, lookAgainMs } = judged.decision;
  const waitedMs = judged.evidence.readAtMs - deployment.requestedAtMs;
  if (verdict === 'hold' && lookAgainMs !== null && waitedMs < HEALS_MS) return [];
  return [
    ...(wishes.comment ? comment(judged, subject) : []),
    ...(wishes.reviewers && verdict === 'hold' ? reviewRequest(judged, subject) : []),
    ...(wishes.chat ? chat(judged, subject) : []),
  ];
}

function comment({ decision, evidence }: JudgedSubject, at: DeploymentSubject): readonly Effect[] {
  const pull = newestOf(evidence.changes)?.pull ?? null;
  if (pull === null || evidence.deployment === null) return [];
  const { repo, environment } = at;
  const body = gateComment(decision, evidence.deployment);
  const state = digestOf(body).slice(0, 32);
  const key = `pull-comment:${repo.id}:${pull}:${environmentKey(environment)}:${state}`;
  const over = decision.verdict !== 'hold';
  return [{ kind: 'pull-comment', key, repo, pull, environment, body, over }];
}

function chat({ decision, evidence }: JudgedSubject, at: DeploymentSubject): readonly Effect[] {
  if (evidence.deployment === null) return [];
  const { repo, runId, runAttempt, environment } = at;
  const over = decision.verdict !== 'hold';
  const run = `${repo.id}:${runId}:${runAttempt}:${environmentKey(environment)}`;
  // One message for the wait and one for its end, however often the reasons change between.
  const key = `notice:${run}:${decision.verdict}`;
  const told = gateNotice(decision, evidence.deployment);
  return [{ kind: 'notice', key, repo, runId, environment, over, ...told }];
}

function reviewRequest(judged: JudgedSubject, at: DeploymentSubject): readonly Effect[] {
  const open = judged.decision.needed.find(
    ({ pull, count, counted, missingTeams }) =>
      pull !== null && (counted < count || missingTeams.length > 0),
  );
  if (open === undefined || open.pull === null) return [];
  const missing = Math.max(open.count - open.counted, open.missingTeams.length);
  const logins = reviewersOf(judged, open.pull, missing + 1);
  if (logins.length === 0) return [];
  const { repo, environment } = at;
  const state = digestOf(logins).slice(0, 32);
  const key = `review-request:${repo.id}:${open.pull}:${environmentKey(environment)}:${state}`;
  return [{ kind: 'review-request', key, repo, pull: open.pull, environment, logins }];
}

/**
 * Logins of people whose approval would count and who have not given one: a different order for each
 * pull request, so that it is not always the same who are asked.
 */
function reviewersOf(judged: JudgedSubject, pull: number, most: number): readonly string[] {
  const { evidence, policy, decision } = judged;
  const one = caseOf(policy, evidence).changes.find(({ change }) => change.pull === pull);
  if (one === undefined) return [];
  const given = new Set(
    decision.counted.filter((row) => row.pull === pull).map(({ person }) => person.id),
  );
  const order = (id: number): string => digestOf([pull, id]);
  return (evidence.eligible ?? [])
    .filter((person) => !given.has(person.id) && mayApprove(person, one.context))
    .toSorted((a, b) => order(a.id).localeCompare(order(b.id), 'en'))
    .slice(0, most)
    .map(({ login }) => login);
}
