/** Deployments past the gate: what the decision says, and the one issue that tells people. */
import type { Bypass } from '../evidence.ts';
import type { PastMerge } from '../rules/merged-past.ts';
import type { Said } from './holds.ts';
import { commit, counted, name, time } from './text.ts';

const HOW: Readonly<Record<Bypass['how'], string>> = {
  started: 'it started without our release (an administrator can do that, or our rule was off)',
  'look-alike': 'its name looks like a guarded environment and no rule speaks for it',
  outside: 'it was not made by a workflow, and its commit was not released for it',
};

function sentence(bypass: Bypass): string {
  const { environment, sha, how, deploymentId } = bypass;
  return `Deployment ${deploymentId} of ${commit(sha)} to ${name(environment)} was not released by Tagout: ${HOW[how]}.`;
}

const CURE =
  'An independent person with write access approves the pull requests that it brought, now and ' +
  'after it; until then further releases of them are held.';

const MERGED: Readonly<Record<PastMerge['how'], string>> = {
  rules: 'past the rules of the branch',
  check: 'while the check `tagout` held it',
  unjudged: 'before Tagout had judged it',
};

function mergeSentence({ pull, how, sha, by, atMs }: PastMerge): string {
  const who = by === null ? 'somebody whom GitHub does not name' : name(by);
  return `Pull request ${pull} was merged ${MERGED[how]}, by ${who} at ${time(atMs)} (commit ${commit(sha)}).`;
}

/** The opinions about what went past the gate. */
export const SAY_BYPASS = {
  /** A deployment that started without our decision. */
  deployment: (bypass: Bypass): Said => ({
    code: 'bypass-detected',
    reason: sentence(bypass),
    cure: CURE,
  }),
  merge: (merge: PastMerge): Said => ({
    code: 'merged-past',
    reason: mergeSentence(merge),
    cure:
      `An independent person with write access reviews the merged pull request ${merge.pull} now ` +
      'and approves it; until then no release brings it.',
  }),
};

/** One deployment or merge past the gate, as people are told of it. */
export interface PastGate {
  readonly what: 'deployment' | 'merge';
  readonly atMs: number;
  /** One sentence. */
  readonly detail: string;
}

/** What an incident event and the issue say of a deployment or a merge. */
export function pastGate(one: Bypass | PastMerge): PastGate {
  const { atMs } = one;
  return 'pull' in one
    ? { what: 'merge', atMs, detail: mergeSentence(one) }
    : { what: 'deployment', atMs, detail: sentence(one) };
}

/** Lines of the issue; older ones are counted only. */
const SHOWN = 50;

/** The issue of a repository: everything that went past the gate, the newest first. */
export function bypassIssue(all: readonly PastGate[]): {
  readonly title: string;
  readonly body: string;
} {
  const rows = all.toSorted((one, other) => other.atMs - one.atMs);
  const lines = rows.slice(0, SHOWN).map((row) => `- ${time(row.atMs)}: ${row.detail}`);
  const left = rows.length - lines.length;
  const rest = left > 0 ? [`- and ${left} older`] : [];
  const merges = rows.filter(({ what }) => what === 'merge').length;
  const deployments = rows.length - merges;
  const counts = [
    ...(deployments === 0 ? [] : [counted(deployments, 'deployment')]),
    ...(merges === 0 ? [] : [counted(merges, 'merge')]),
  ];
  const what = 'These went past the gate without a decision of Tagout that let them:';
  const body = [what, '', ...lines, ...rest, '', CURE, '', 'This issue is written by Tagout.'];
  return {
    title: `Tagout: ${counts.join(' and ')} past the gate`,
    body: `${body.join('\n')}\n`,
  };
}
