/** Deployments past the gate: what the decision says, and the one issue that tells people. */
import type { Bypass } from '../evidence.ts';
import type { Said } from './holds.ts';
import { commit, name, time } from './text.ts';

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

/** The opinion about a deployment that started without our decision. */
export function bypassSaid(bypass: Bypass): Said {
  return { code: 'bypass-detected', reason: sentence(bypass), cure: CURE };
}

/** Lines of the issue; older ones are counted only. */
const SHOWN = 50;

/** The issue of a repository: every deployment past the gate, the newest first. */
export function bypassIssue(all: readonly Bypass[]): {
  readonly title: string;
  readonly body: string;
} {
  const rows = all.toSorted((one, other) => other.atMs - one.atMs);
  const lines = rows.slice(0, SHOWN).map((row) => `- ${time(row.atMs)}: ${sentence(row)}`);
  const left = rows.length - lines.length;
  const rest = left > 0 ? [`- and ${left} older`] : [];
  const what = 'These deployments reached a guarded environment without a decision of Tagout:';
  const body = [what, '', ...lines, ...rest, '', CURE, '', 'This issue is written by Tagout.'];
  return {
    title: `Tagout: ${rows.length} deployment${rows.length === 1 ? '' : 's'} past the gate`,
    body: `${body.join('\n')}\n`,
  };
}
