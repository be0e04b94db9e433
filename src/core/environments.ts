/** Which rule speaks for an environment of GitHub, and which name only looks like a guarded one. */
import { fillEnvironment } from './effective-policy.ts';
import { matchesName } from './glob.ts';
import { editDistance } from './near-names.ts';
import type { EnvironmentRule, Policy } from './policy.ts';
import { Notes, tightenEnvironment } from './policy-merge.ts';
import { environmentKey } from './subject.ts';

export interface NamedRule {
  /** The rule's name in the policy; several that match are joined with `+`. */
  readonly name: string;
  readonly rule: EnvironmentRule;
}

function matches(rule: EnvironmentRule, environment: string): boolean {
  const key = environmentKey(environment);
  return rule.match.some((pattern) => matchesName(environmentKey(pattern), key));
}

/**
 * Two rules that speak for the same environment: the stricter value of each key. A rule that has
 * no scope counts every path, so the joined rule has a scope only when both have the same one.
 */
function strictest(one: EnvironmentRule, other: EnvironmentRule): EnvironmentRule {
  const joined = tightenEnvironment(one, other, { notes: new Notes(''), key: '' });
  const sameScope = JSON.stringify(one.scope) === JSON.stringify(other.scope);
  const scopes = [...(one.scope ?? []), ...(other.scope ?? [])];
  const everyPath = one.scope === null || other.scope === null;
  const scope = sameScope ? one.scope : everyPath ? null : scopes;
  return { ...fillEnvironment(joined), scope };
}

/** The rule for an environment, or null when no rule of the policy names it. */
export function environmentRule(policy: Policy, environment: string): NamedRule | null {
  const found = Object.entries(policy.environments)
    .filter(([, rule]) => matches(rule, environment))
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  const [first, ...others] = found;
  if (first === undefined) return null;
  return {
    name: found.map(([name]) => name).join('+'),
    rule: others.reduce((joined, [, rule]) => strictest(joined, rule), first[1]),
  };
}

/** Letters of other alphabets and digits that are drawn like a Latin letter. */
const drawnAlike: Readonly<Record<string, string>> = {
  а: 'a',
  ɑ: 'a',
  α: 'a',
  в: 'b',
  с: 'c',
  ϲ: 'c',
  ԁ: 'd',
  е: 'e',
  ё: 'e',
  ε: 'e',
  ɡ: 'g',
  һ: 'h',
  і: 'i',
  ї: 'i',
  ι: 'i',
  ı: 'i',
  ј: 'j',
  κ: 'k',
  к: 'k',
  ӏ: 'i',
  м: 'm',
  ո: 'n',
  η: 'n',
  п: 'n',
  о: 'o',
  ο: 'o',
  օ: 'o',
  σ: 'o',
  р: 'p',
  ρ: 'p',
  г: 'r',
  ѕ: 's',
  т: 't',
  τ: 't',
  υ: 'u',
  ս: 'u',
  ν: 'v',
  ѵ: 'v',
  ԝ: 'w',
  х: 'x',
  χ: 'x',
  у: 'y',
  γ: 'y',
  '0': 'o',
  '1': 'i',
  l: 'i',
  '|': 'i',
  '!': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '@': 'a',
  $: 's',
};

/** A name as the eye takes it: no accents, invisible characters or separators, one look each. */
function skeleton(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\p{M}\p{Cf}\p{Cc}\p{Z}\s_./-]/gu, '');
  return Array.from(plain)
    .map((char) => drawnAlike[char] ?? char)
    .join('')
    .replaceAll('rn', 'm');
}

/** How many slips of the pen a name of this length may hold and still be meant. */
function slipsAllowed(length: number): number {
  if (length < 4) return 0;
  return length < 8 ? 1 : 2;
}

function looksLike(name: string, pattern: string): boolean {
  const seen = skeleton(name);
  const meant = skeleton(pattern);
  if (meant === '' || seen === '') return false;
  if (/[*?[\\]/.test(pattern)) return matchesName(meant, seen) && meant.replace(/[*?]/g, '') !== '';
  return seen === meant || editDistance(seen, meant) <= slipsAllowed(meant.length);
}

/**
 * The guarded name that an environment's name could be taken for: `productlon`, `Production ` with
 * a space. Null when it is that very name (upper and lower case are the same environment to
 * GitHub) or looks like none.
 */
export function lookAlike(policy: Policy, environment: string): string | null {
  return takenFor(policy, environment)[0] ?? null;
}

/** Whether an environment is this guarded one, or its name could be taken for it. */
export function passesFor(policy: Policy, name: string, guarded: string): boolean {
  const key = environmentKey(guarded);
  if (environmentKey(name) === key) return true;
  return takenFor(policy, name).some((pattern) => matchesName(environmentKey(pattern), key));
}

function takenFor(policy: Policy, environment: string): readonly string[] {
  const patterns = Object.values(policy.environments).flatMap((rule) => rule.match);
  const plain = environment.toLowerCase();
  if (patterns.some((pattern) => matchesName(pattern.toLowerCase(), plain))) return [];
  const key = environmentKey(environment);
  const same = patterns.filter((pattern) => matchesName(environmentKey(pattern), key));
  return [...same, ...patterns.filter((pattern) => looksLike(environment, pattern))];
}
