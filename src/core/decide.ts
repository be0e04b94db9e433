/**
 * The decision: every rule's opinion over one policy and one Evidence. Pure: no clock, no network,
 * no randomness. The strictest opinion is the verdict, and silence never allows.
 */
import { maxRadius } from './blast-radius.ts';
import { digestOf, sha256Hex } from './canonical.ts';
import type { Decision, Opinion, Origin, OriginKind, Verdict } from './decision.ts';
import type { Evidence } from './evidence.ts';
import type { BlastRadius } from './findings.ts';
import type { EffectivePolicy } from './policy.ts';
import { neededOf } from './rules/approvals.ts';
import { brokenGlass } from './rules/break-glass.ts';
import { type Case, caseOf, type Rule, type Thought } from './rules/case.ts';
import { RULES } from './rules/index.ts';
import { SAY } from './words/holds.ts';

/** Opinions that stand for people's consent: without one of them nothing is allowed. */
const CONSENT: ReadonlySet<string> = new Set([
  'approved',
  'rollback-allowed',
  'rollback-approved',
  'nothing-new',
  'accepted',
  'change-clear',
  'break-glass-over',
]);

const STRICTNESS: readonly Verdict[] = ['allow', 'hold', 'deny'];

/**
 * Judges evidence under a policy. Never throws: a fault inside ends as hold. `digest` names the
 * evidence in the decision; who has it already hands it in, as it costs more than the judgement.
 */
export function decide(
  policy: EffectivePolicy,
  evidence: Evidence,
  digest: string = evidenceDigest(evidence),
): Decision {
  return decideBy(RULES, policy, evidence, digest);
}

/** `decide` with other rules than the registered ones, so that a test can break one. */
export function decideBy(
  rules: readonly Rule[],
  policy: EffectivePolicy,
  evidence: Evidence,
  digest: string = evidenceDigest(evidence),
): Decision {
  try {
    const it = caseOf(policy, evidence);
    return decisionOf(it, rules, digest);
  } catch {
    return unjudged(policy, digest);
  }
}

function decisionOf(it: Case, rules: readonly Rule[], digest: string): Decision {
  const said = opinionsOf(it, rules);
  const opinions = said.map(([opinion]) => opinion);
  const looks = said.flatMap(([, again]) => (again === null ? [] : [again]));
  const verdict = strictest(opinions);
  const seen = it.together === null ? it.changes : [...it.changes, it.together];
  return {
    verdict,
    radius: seen.reduce<BlastRadius>((most, one) => maxRadius(most, one.radius), floorOf(it)),
    origin: originOfAll(it),
    findings: it.changes.flatMap((one) => one.findings),
    opinions,
    needed: it.changes.map(neededOf),
    counted: it.changes.flatMap((one) => one.reviews.counted),
    refused: it.changes.flatMap((one) => one.reviews.refused),
    evidenceDigest: digest,
    shown: seen.map((one) => ({ pull: one.change.pull, digest: one.shown })),
    policyDigest: it.effective.digest,
    lookAgainMs: verdict === 'hold' && looks.length > 0 ? Math.min(...looks) : null,
  };
}

/** Commits of a deployment whose content nobody could judge count as high. */
function floorOf({ evidence, changes, together }: Case): BlastRadius {
  const pulls = new Set(changes.map(({ change }) => change.pull));
  const isUnread = evidence.deployment?.range.some(({ pull }) => pull === null || !pulls.has(pull));
  return isUnread === true && together === null ? 'high' : 'low';
}

type SaidAgain = readonly [Opinion, number | null];

function opinionsOf(it: Case, rules: readonly Rule[]): readonly SaidAgain[] {
  const glass = brokenGlassOf(it);
  const said: SaidAgain[] = [];
  for (const rule of rules) {
    for (const thought of thoughtsOf(rule, it)) {
      said.push(opinionOf(rule.name, overridden(thought, glass)));
    }
  }
  if (glass !== null) said.push(opinionOf('break-glass', glass.thought));
  const consents = said.some(([{ verdict, code }]) => verdict === 'allow' && CONSENT.has(code));
  if (!consents && said.every(([{ verdict }]) => verdict === 'allow')) {
    said.push(opinionOf('decide', { ...SAY.noOpinion(), verdict: 'hold' }));
  }
  return said;
}

function brokenGlassOf(it: Case): ReturnType<typeof brokenGlass> {
  try {
    return brokenGlass(it);
  } catch {
    // A fault here must not open anything: the glass then counts as whole.
    return null;
  }
}

function thoughtsOf(rule: Rule, it: Case): readonly Thought[] {
  try {
    return rule.judge(it);
  } catch {
    return [{ ...SAY.ruleFailed(rule.name), verdict: 'hold' }];
  }
}

function overridden(thought: Thought, glass: ReturnType<typeof brokenGlass>): Thought {
  if (glass === null || thought.verdict !== 'hold' || thought.breakable !== true) return thought;
  return { ...SAY.broken(thought.reason, glass.who), verdict: 'allow' };
}

function opinionOf(rule: string, thought: Thought): SaidAgain {
  const { verdict, code, reason, cure, lookAgainMs } = thought;
  return [{ rule, verdict, code, reason, cure }, lookAgainMs ?? null];
}

function strictest(opinions: readonly Opinion[]): Verdict {
  return opinions.reduce<Verdict>(
    (most, { verdict }) =>
      STRICTNESS.indexOf(verdict) > STRICTNESS.indexOf(most) ? verdict : most,
    'allow',
  );
}

/** The surest kind first: one agent's change makes the whole an agent's. */
const KINDS: readonly OriginKind[] = ['agent', 'undeclared', 'automation', 'human'];

function originOfAll(it: Case): Origin {
  const origins = it.changes.map((one) => one.origin);
  const kinds = new Set(origins.map((origin) => origin.kind));
  return {
    kind: KINDS.find((kind) => kinds.has(kind)) ?? 'undeclared',
    agents: [...new Set(origins.flatMap((origin) => origin.agents))],
    signals: origins.flatMap((origin) => origin.signals),
  };
}

/** Evidence that could not even be laid out: nothing is known, so the worst is assumed. */
function unjudged(policy: EffectivePolicy, digest: string): Decision {
  const [opinion] = opinionOf('decide', { ...SAY.ruleFailed('decide'), verdict: 'hold' });
  return {
    verdict: 'hold',
    radius: 'critical',
    origin: { kind: 'undeclared', agents: [], signals: [] },
    findings: [],
    opinions: [opinion],
    needed: [],
    counted: [],
    refused: [],
    evidenceDigest: digest,
    shown: [],
    policyDigest: policy.digest,
    lookAgainMs: null,
  };
}

const digests = new WeakMap<Evidence, string>();

/**
 * SHA-256 of the canonical Evidence. Remembered per object, because evidence is immutable and the
 * digest of a large one costs more than the decision. Evidence that has no canonical form (a lone
 * surrogate) gets the digest of its JSON text, marked, so that it can still be held and recorded.
 */
export function evidenceDigest(evidence: Evidence): string {
  const known = digests.get(evidence);
  if (known !== undefined) return known;
  const digest = digestAnyway(evidence);
  digests.set(evidence, digest);
  return digest;
}

function digestAnyway(evidence: Evidence): string {
  try {
    return digestOf(evidence);
  } catch {
    return sha256Hex(`not canonical\n${JSON.stringify(evidence)}`);
  }
}
