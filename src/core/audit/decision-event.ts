/** The audit event of one decision, made from what was judged. */
import { digestOf } from '../canonical.ts';
import type { CountedApproval, Decision, RefusedApproval } from '../decision.ts';
import type { Change, DeploymentEvidence, Evidence } from '../evidence.ts';
import type { Finding } from '../findings.ts';
import { environmentRule } from '../environments.ts';
import type { Policy } from '../policy.ts';
import type { Judged } from '../ports.ts';
import type { RepoRef, Subject } from '../subject.ts';
import { termsOf } from './change-facts.ts';
import type {
  AuditApproval,
  AuditChange,
  AuditDecision,
  AuditFinding,
  AuditRefusal,
  AuditSubject,
  DecisionMade,
} from './event.ts';
import { changeFacts, deploymentFacts, personRef } from './register-facts.ts';
import { composeEvent, type SealableEvent } from './schema.ts';
import { cleanText, type Scribe } from './scribe.ts';

/** What the caller gives, as core has neither clock nor randomness. */
export interface EventStamp {
  /** UUIDv7. */
  readonly eventId: string;
  readonly dedupeKey: string;
  readonly recordedAtMs: number;
  /** 16 fresh random bytes each time. */
  readonly salt: () => Uint8Array;
}

/** The subject as every event of it names it. */
export function auditSubject(subject: Subject, key: string): AuditSubject {
  const environment = subject.kind === 'deployment' ? subject.environment : null;
  return {
    kind: subject.kind,
    key: cleanText(key, 600),
    pull: subject.kind === 'pull-request' ? subject.number : null,
    sha: cleanText(subject.kind === 'deployment' ? subject.sha : subject.headSha, 64),
    runId: subject.kind === 'deployment' ? subject.runId : null,
    runAttempt: subject.kind === 'deployment' ? subject.runAttempt : null,
    environment: environment === null ? null : cleanText(environment, 300),
    deploymentId: subject.kind === 'deployment' ? subject.deploymentId : null,
  };
}

/** `owner/name` with GitHub's id; null for a local checkout. */
export function auditRepo(repo: RepoRef | null): { id: number; name: string } | null {
  return repo === null ? null : { id: repo.id, name: cleanText(`${repo.owner}/${repo.name}`, 300) };
}

function approval(
  scribe: Scribe,
  path: string,
  row: CountedApproval & { readonly commented: boolean | undefined },
): AuditApproval {
  return {
    reviewId: row.reviewId,
    person: {
      id: row.person.id,
      login: scribe.secret(`${path}.person.login`, row.person.login),
    },
    pull: row.pull,
    reviewedSha: scribe.text(`${path}.reviewedSha`, row.reviewedSha, 64),
    submittedAtMs: scribe.int(`${path}.submittedAtMs`, row.submittedAtMs),
    permission: scribe.text(`${path}.permission`, row.permission, 40),
    teams: scribe
      .list(`${path}.teams`, row.teams)
      .map((team, at) => scribe.text(`${path}.teams.${at}`, team, 100)),
    assurance: row.assurance,
    independent: row.independent,
    ...(row.commented === undefined ? {} : { commented: row.commented }),
  };
}

function refusal(scribe: Scribe, path: string, row: RefusedApproval): AuditRefusal {
  const login = row.person?.login;
  return {
    reviewId: row.reviewId,
    person:
      row.person === null || login === undefined
        ? null
        : { id: row.person.id, login: scribe.secret(`${path}.person.login`, login) },
    pull: row.pull,
    codes: row.codes,
  };
}

function finding(scribe: Scribe, path: string, row: Finding): AuditFinding {
  const figures = Object.entries(row.figures).slice(0, 20);
  return {
    id: scribe.text(`${path}.id`, row.id, 100),
    level: row.level,
    radius: row.radius,
    object: scribe.text(`${path}.object`, row.object),
    figures: Object.fromEntries(
      figures.map(([name, value]) => [
        cleanText(name, 100),
        scribe.int(`${path}.figures.${cleanText(name, 100)}`, value),
      ]),
    ),
  };
}

function decisionPart(scribe: Scribe, decision: Decision, evidence: Evidence): AuditDecision {
  const at = (list: string, index: number): string => `decision.${list}.${index}`;
  return {
    verdict: decision.verdict,
    radius: decision.radius,
    opinions: scribe.list('decision.opinions', decision.opinions).map((row, i) => ({
      rule: scribe.text(`${at('opinions', i)}.rule`, row.rule, 100),
      verdict: row.verdict,
      code: scribe.text(`${at('opinions', i)}.code`, row.code, 100),
    })),
    needed: scribe.list('decision.needed', decision.needed).map((row) => ({
      pull: row.pull,
      radius: row.radius,
      count: row.count,
      counted: row.counted,
    })),
    counted: scribe.list('decision.counted', decision.counted).map((row, i) => {
      const { commented } = reviewOf(evidence, row) ?? {};
      return approval(scribe, at('counted', i), { ...row, commented });
    }),
    refused: scribe
      .list('decision.refused', decision.refused)
      .map((row, i) => refusal(scribe, at('refused', i), row)),
    findings: scribe
      .list('decision.findings', decision.findings)
      .map((row, i) => finding(scribe, at('findings', i), row)),
    lookAgainMs: decision.lookAgainMs === null ? null : Math.ceil(decision.lookAgainMs),
  };
}

function reviewOf(
  { changes }: Evidence,
  { reviewId, pull }: CountedApproval,
): Change['reviews'][number] | undefined {
  const change = changes.find((one) => one.pull === pull);
  return change?.reviews.find((review) => review.id === reviewId);
}

function changePart(
  scribe: Scribe,
  path: string,
  row: { readonly change: Change; readonly shown: string | null; readonly policy: Policy },
): AuditChange {
  const { change, policy } = row;
  return {
    pull: change.pull,
    title: scribe.secret(`${path}.title`, change.title),
    author: personRef(scribe, `${path}.author`, change.author),
    headSha: scribe.text(`${path}.headSha`, change.headSha, 64),
    baseSha: scribe.text(`${path}.baseSha`, change.baseSha, 64),
    mergedAtMs: change.mergedAtMs,
    shown: row.shown,
    dryRun: {
      status: change.dryRun.status,
      engine: change.dryRun.engine === null ? null : cleanText(change.dryRun.engine.version, 60),
      sha256: digestOf(change.dryRun),
    },
    facts: changeFacts(scribe, `${path}.facts`, change, policy),
  };
}

function deploymentPart(
  scribe: Scribe,
  judged: Judged,
  deployment: DeploymentEvidence,
): NonNullable<DecisionMade['deployment']> {
  const rule = environmentRule(judged.policy.policy, deployment.environment);
  return {
    requester: personRef(
      scribe,
      'deployment.requester',
      deployment.triggeringActor ?? deployment.actor,
    ),
    requestedAtMs: scribe.int('deployment.requestedAtMs', deployment.requestedAtMs),
    fromSha:
      deployment.fromSha === null
        ? null
        : scribe.text('deployment.fromSha', deployment.fromSha, 64),
    rule: rule === null ? null : scribe.text('deployment.rule', rule.name, 200),
    commits: deployment.range.length,
    unreviewed: deployment.range.filter((commit) => commit.pull === null).length,
    facts: deploymentFacts(scribe, judged, deployment),
  };
}

/** The terms that speak for the environment; for a pull request those that concern it all. */
function termsPart(
  policy: Policy,
  { deployment }: Evidence,
): NonNullable<DecisionMade['policy']['terms']> {
  const rule = deployment === null ? null : environmentRule(policy, deployment.environment);
  return termsOf(policy, rule?.rule ?? null);
}

/** Whoever asked: the run's actor for a deployment, the author of the newest change otherwise. */
function actorPart(scribe: Scribe, judged: Judged): DecisionMade['actor'] {
  const { evidence, decision } = judged;
  const { deployment } = evidence;
  const account =
    deployment === null
      ? (evidence.changes.at(-1)?.author ?? null)
      : (deployment.triggeringActor ?? deployment.actor);
  if (account === null) return { kind: 'system', id: null, login: null };
  const login = scribe.secret('actor.login', account.login);
  if (account.type === 'Bot') return { kind: 'app', id: account.id, login };
  const origin = deployment === null ? decision.origin.kind : 'human';
  return { kind: origin === 'undeclared' ? 'human' : origin, id: account.id, login };
}

function originPart(scribe: Scribe, decision: Decision): DecisionMade['origin'] {
  return {
    kind: decision.origin.kind,
    agents: scribe
      .list('origin.agents', decision.origin.agents)
      .map((name, i) => scribe.text(`origin.agents.${i}`, name, 100)),
    signals: scribe.list('origin.signals', decision.origin.signals).map((row, i) => ({
      agent: scribe.text(`origin.signals.${i}.agent`, row.agent, 100),
      signal: scribe.text(`origin.signals.${i}.signal`, row.signal, 100),
      forgeable: row.forgeable,
    })),
  };
}

function shownOf(decision: Decision, change: Change): string | null {
  return decision.shown.find((row) => row.pull === change.pull)?.digest ?? null;
}

function evidencePart(
  scribe: Scribe,
  evidence: Evidence,
  digests: { readonly stored: string; readonly judged: string },
): DecisionMade['evidence'] {
  return {
    sha256: digests.stored,
    judged: digests.judged,
    readAtMs: scribe.int('evidence.readAtMs', evidence.readAtMs),
    gaps: scribe
      .list('evidence.gaps', evidence.gaps)
      .map((gap, i) => scribe.text(`evidence.gaps.${i}`, `${gap.what}: ${gap.why}`, 100)),
  };
}

/** Where a decision stands in the record. */
export interface DecisionPlace {
  /** The locator's key. */
  readonly key: string;
  /** The subject's event before. */
  readonly previous: string | null;
  readonly repo: RepoRef;
  /** SHA-256 of the evidence as it is stored; left out, it is stored as it was judged. */
  readonly evidence?: string;
}

/** The event `decision.made`. */
export function decisionEvent(
  judged: Judged,
  about: DecisionPlace,
  stamp: EventStamp,
): SealableEvent {
  const { decision, evidence, policy, trigger } = judged;
  return composeEvent(
    stamp.salt,
    (scribe): DecisionMade => ({
      v: 1,
      kind: 'decision.made',
      eventId: stamp.eventId,
      dedupeKey: stamp.dedupeKey,
      installationId: about.repo.installationId,
      recordedAtMs: stamp.recordedAtMs,
      source: {
        because: scribe.text('source.because', trigger.because, 100),
        delivery:
          trigger.delivery === null ? null : scribe.text('source.delivery', trigger.delivery, 100),
        githubAtMs: scribe.int('source.githubAtMs', evidence.readAtMs),
      },
      actor: actorPart(scribe, judged),
      repo: auditRepo(about.repo),
      subject: auditSubject(evidence.subject, about.key),
      outcome: decision.verdict,
      cuts: [],
      decision: decisionPart(scribe, decision, evidence),
      origin: originPart(scribe, decision),
      policy: {
        sha256: policy.digest,
        problems: policy.problems.length,
        spoke: scribe.list('policy.spoke', policy.spoke).map((row, i) => ({
          file: scribe.text(`policy.spoke.${i}.file`, row.file),
          commitSha: row.commitSha === null ? null : cleanText(row.commitSha, 64),
        })),
        terms: termsPart(policy.policy, evidence),
      },
      evidence: evidencePart(scribe, evidence, {
        stored: about.evidence ?? decision.evidenceDigest,
        judged: decision.evidenceDigest,
      }),
      changes: scribe.list('changes', evidence.changes).map((change, i) =>
        changePart(scribe, `changes.${i}`, {
          change,
          shown: shownOf(decision, change),
          policy: policy.policy,
        }),
      ),
      deployment:
        evidence.deployment === null ? null : deploymentPart(scribe, judged, evidence.deployment),
      links: { previous: about.previous },
    }),
  );
}

/**
 * What makes two decisions about one subject the same fact: all that a reader of the record would
 * see, without the times at which GitHub was read.
 */
export function factOf(judged: Judged): string {
  const { decision, evidence } = judged;
  return digestOf({
    subject: evidence.subject,
    verdict: decision.verdict,
    radius: decision.radius,
    policy: decision.policyDigest,
    shown: decision.shown,
    opinions: decision.opinions.map(({ rule, verdict, code }) => ({ rule, verdict, code })),
    needed: decision.needed,
    counted: decision.counted.map(({ reviewId, person: { id } }) => ({ reviewId, id })),
    refused: decision.refused.map(({ reviewId, codes }) => ({ reviewId, codes })),
    findings: decision.findings.map(({ id, level, figures }) => ({ id, level, figures })),
    heads: evidence.changes.map(({ pull, headSha, state }) => ({ pull, headSha, state })),
  });
}
