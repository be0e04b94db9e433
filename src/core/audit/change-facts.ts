/**
 * What the register tells of a change beside the decision: why it was made, its ticket, who had a
 * hand in its commits, how it is taken back. Nothing here decides anything.
 */
import type { Change } from '../evidence.ts';
import type { EnvironmentRule, Policy } from '../policy.ts';
import { radii } from '../blast-radius.ts';

const HOUR_MS = 3_600_000;
const REASON_LIMIT = 400;
const TICKETS = 10;
const HEADING = /^\s*#{1,6}\s/;
const COMMENT = /<!--[\s\S]*?(?:-->|$)/g;

/**
 * The reason of a change: the first paragraph of its description that is no heading, as one line.
 * Null when the description is empty.
 */
export function reasonOf(body: string): string | null {
  const paragraphs = body
    .replace(COMMENT, '')
    .replaceAll('\r', '')
    .split(/\n\s*\n/);
  for (const paragraph of paragraphs) {
    const lines = paragraph.split('\n').filter((line) => line.trim() !== '' && !HEADING.test(line));
    const text = lines.join(' ').replaceAll(/\s+/g, ' ').trim();
    if (text !== '') return text.slice(0, REASON_LIMIT);
  }
  return null;
}

const KEY = /\b[A-Z][A-Z0-9]{1,9}-\d{1,7}\b/g;
const CLOSES =
  /\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?|refs?|see)\s*:?\s+((?:[\w.-]+\/[\w.-]+)?#\d{1,9})\b/gi;
/** Words of this form that no ticket system gives out. */
const NO_TICKET = /^(?:UTF|SHA|ISO|RFC|CVE|CWE|GPL|AES|RSA|MD|HTTP|TLS|X)-/;

/** Keys of tickets that title, branch and description name (`SHOP-123`, `#45` after `fixes`). */
export function ticketsOf({
  title,
  headRef,
  body,
}: Pick<Change, 'title' | 'headRef' | 'body'>): readonly string[] {
  const texts = [title, headRef.toUpperCase(), body.replace(COMMENT, '').slice(0, 20_000)];
  const keys = texts.flatMap((text) => text.match(KEY) ?? []).filter((key) => !NO_TICKET.test(key));
  const issues = texts.flatMap((text) => [...text.matchAll(CLOSES)].map(([, ref]) => ref ?? ''));
  return [...new Set([...keys, ...issues])].slice(0, TICKETS);
}

const BACK = String.raw`(?:roll-?\s?back|fall-?back|back-?out|revert(?:ing)?)\b`;
/** A heading of its own, or a line that goes on after the word. */
const ROLLBACK = new RegExp(
  String.raw`^\s*(?:#{1,6}\s*${BACK}|(?:[-*]\s*|\*\*)?${BACK}[^\n]*\w)`,
  'im',
);

/**
 * How the change is taken back: `down-migration` when its down parts were run and brought the
 * schema back, `described` when the description has a line for it, else null.
 */
export function rollbackOf({ dryRun, body }: Change): 'down-migration' | 'described' | null {
  const restored = dryRun.folders.map(({ observation }) => observation?.downRestores ?? null);
  if (restored.length > 0 && restored.every((one) => one === true)) return 'down-migration';
  return ROLLBACK.test(body.replace(COMMENT, '')) ? 'described' : null;
}

/** Accounts of authors, co-authors and committers, and how many commits GitHub calls verified. */
export function commitsOf({ commits }: Change): {
  readonly contributors: readonly number[];
  readonly signed: number;
} {
  const ids = new Set<number>();
  let signed = 0;
  for (const { authors, committer, verified } of commits) {
    if (verified === true) signed += 1;
    for (const { account } of [...authors, committer]) if (account !== null) ids.add(account.id);
  }
  return { contributors: [...ids].toSorted((a, b) => a - b), signed };
}

const bit = (is: boolean): number => (is ? 1 : 0);
const hours = (ms: number): number => Math.round(ms / HOUR_MS);

/**
 * What a policy asks for, as numbers that two moments can be compared by. `max…` and `may…` are
 * weaker when they grow; all others are weaker when they shrink.
 */
export function termsOf(
  policy: Policy,
  rule: EnvironmentRule | null,
): Readonly<Record<string, number>> {
  const own = {
    agentsKnown: policy.agents.length,
    agentsSuspended: policy.suspended.length,
    limits: Object.values(policy.limits).filter((limit) => limit !== null).length,
    maySolo: bit(policy.solo),
    mayUndeclaredBeHuman: bit(policy.undeclared === 'human'),
    mayAccept: policy.accepted === 'never' ? 0 : policy.accepted.length,
    protectedPaths: Object.values(policy.paths).reduce((sum, globs) => sum + globs.length, 0),
    guarded: bit(rule !== null),
  };
  if (rule === null) return own;
  const reviews = radii.flatMap((radius) => {
    const { count, maxAgeMs, teams, allOf, anyOf } = rule.reviews[radius];
    const slots = (teams === undefined ? 0 : 1) + (allOf?.length ?? 0) + bit(anyOf !== undefined);
    return [
      [`reviews.${radius}`, count],
      [`teams.${radius}`, slots],
      [`maxHours.${radius}`, hours(maxAgeMs)],
    ] as const;
  });
  return {
    ...own,
    ...Object.fromEntries(reviews),
    after: rule.after.length,
    freezes: rule.freeze.length,
    backup: bit(rule.backup !== null),
    mayDeployerApprove: bit(!rule.notDeployer),
    mayRollBack: bit(rule.rollback === 'allow'),
    mayBreakGlass: bit(rule.breakGlass !== null),
    mayLeavePaths: bit(rule.scope !== null),
  };
}

/** What is weaker after a change of policy than before it, in words; empty: nothing is. */
export function weakened(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): readonly string[] {
  return Object.keys(before).flatMap((name) => {
    const [was, is] = [before[name], after[name]];
    // Where no rule speaks there is none of its terms; `guarded` says so.
    if (was === undefined || is === undefined) return [];
    const weaker = /^ma[xy]/.test(name) ? is > was : is < was;
    return weaker ? [`${name} ${was} → ${is}`] : [];
  });
}
