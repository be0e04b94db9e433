/** Compares what is open at GitHub with what we decided, and says where the line must look again. */
import { environmentKey, type Locator, locatorKey, type RepoRef } from '../core/subject.ts';
import type { Trigger } from '../core/subject.ts';
import type { KnownSubject } from './sweep.ts';

/** What GitHub shows of one repository now. */
export interface SeenRepository {
  readonly repo: RepoRef;
  readonly pulls: readonly {
    readonly number: number;
    readonly headSha: string;
    readonly updatedAtMs: number;
  }[];
  /** Runs that wait, by environment. */
  readonly waiting: readonly Locator[];
  readonly merged: readonly {
    readonly number: number;
    readonly headSha: string;
    readonly mergedAtMs: number;
  }[];
  readonly deployments: readonly {
    readonly id: number;
    readonly sha: string;
    readonly environment: string;
    readonly createdAtMs: number;
  }[];
}

export interface Compared {
  /** What becomes an ordinary trigger. */
  readonly triggers: readonly Trigger[];
  /** Our check runs that ought to stand on the head of an open pull request. */
  readonly checks: readonly {
    readonly locator: Locator;
    readonly sha: string;
    readonly checkRunId: number;
  }[];
  /** Deployments to an environment that we guard, without a decision of ours. */
  readonly undecided: readonly SeenRepository['deployments'][number][];
  /** Merged pull requests whose head never had an `allow` of ours, and the look that tells of it. */
  readonly unchecked: readonly {
    readonly number: number;
    readonly mergedAtMs: number;
    readonly trigger: Trigger;
  }[];
}

/** An event is on its way for so long before it counts as missed. */
const ON_ITS_WAY_MS = 60_000;
/**
 * GitHub's times are whole seconds and its front ends' clocks differ: what changed about when it was
 * read may have changed after. It is looked at once more, and then its reading is newer.
 */
const SAME_MOMENT_MS = 2_000;
/** A hold is looked at anew at least so often while its run waits. */
const HOLD_MS = 4 * 60_000;
/** GitHub's own memory of deliveries; what is older was for a sweep before. */
const WINDOW_MS = 3 * 86_400_000;

function look(locator: Locator, because: string): Trigger {
  return { locator, because, delivery: null };
}

function missedPulls(
  seen: SeenRepository,
  known: ReadonlyMap<string, KnownSubject>,
  nowMs: number,
): Pick<Compared, 'triggers' | 'checks'> {
  const triggers: Trigger[] = [];
  const checks: Compared['checks'][number][] = [];
  for (const { number, headSha, updatedAtMs } of seen.pulls) {
    if (nowMs - updatedAtMs < ON_ITS_WAY_MS) continue;
    const locator: Locator = { kind: 'pull-request', repo: seen.repo, number };
    const subject = known.get(locatorKey(locator));
    if (subject === undefined) triggers.push(look(locator, 'missed.no-verdict'));
    else if (subject.sha !== headSha) triggers.push(look(locator, 'missed.new-head'));
    else {
      const changed = subject.readAtMs < updatedAtMs + SAME_MOMENT_MS;
      if (changed) triggers.push(look(locator, 'missed.change'));
      const { checkRunId } = subject;
      if (checkRunId !== null) checks.push({ locator, sha: headSha, checkRunId });
    }
  }
  return { triggers, checks };
}

function missedRuns(
  seen: SeenRepository,
  known: ReadonlyMap<string, KnownSubject>,
  nowMs: number,
): readonly Trigger[] {
  return seen.waiting.flatMap((locator) => {
    const subject = known.get(locatorKey(locator));
    if (subject === undefined) return [look(locator, 'missed.no-decision')];
    const old = nowMs - subject.readAtMs > HOLD_MS;
    return old ? [look(locator, 'missed.still-waiting')] : [];
  });
}

/** The environments of a repository that we have decided about. */
function guarded(known: ReadonlyMap<string, KnownSubject>): ReadonlyMap<string, number> {
  const since = new Map<string, number>();
  for (const { key, readAtMs } of known.values()) {
    const [, environment] = /^\d+:\d+:(?:run|sha):-?[0-9a-f]+:(.*)$/s.exec(key) ?? [];
    if (environment === undefined) continue;
    since.set(environment, Math.min(readAtMs, since.get(environment) ?? readAtMs));
  }
  return since;
}

function undecided(
  seen: SeenRepository,
  known: ReadonlyMap<string, KnownSubject>,
  nowMs: number,
): Compared['undecided'] {
  const since = guarded(known);
  const decided = new Set([...known.values()].map(({ sha }) => sha));
  return seen.deployments.filter(({ environment, createdAtMs, sha }) => {
    const firstMs = since.get(environmentKey(environment));
    if (firstMs === undefined || createdAtMs < firstMs) return false;
    if (nowMs - createdAtMs < ON_ITS_WAY_MS || nowMs - createdAtMs > WINDOW_MS) return false;
    return !decided.has(sha);
  });
}

function uncheckedMerges(
  seen: SeenRepository,
  known: ReadonlyMap<string, KnownSubject>,
  nowMs: number,
): Compared['unchecked'] {
  return seen.merged.flatMap(({ number, headSha, mergedAtMs }) => {
    if (nowMs - mergedAtMs > WINDOW_MS) return [];
    const locator: Locator = { kind: 'pull-request', repo: seen.repo, number };
    const subject = known.get(locatorKey(locator));
    if (subject?.sha === headSha && subject.verdict === 'allow') return [];
    return [{ number, mergedAtMs, trigger: look(locator, 'missed.merge') }];
  });
}

/**
 * One repository compared. Nothing here is a fact for a decision: a trigger only makes the line
 * read again.
 */
export function compare(
  seen: SeenRepository,
  known: ReadonlyMap<string, KnownSubject>,
  nowMs: number,
): Compared {
  const { triggers, checks } = missedPulls(seen, known, nowMs);
  return {
    triggers: [...missedRuns(seen, known, nowMs), ...triggers],
    checks,
    undecided: undecided(seen, known, nowMs),
    unchecked: uncheckedMerges(seen, known, nowMs),
  };
}
