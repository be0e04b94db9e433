/** What would have happened, with reviews and authors: the last merged pull requests from GitHub. */
import { decide } from '../../core/decide.ts';
import type { Decision } from '../../core/decision.ts';
import { effectivePolicy } from '../../core/effective-policy.ts';
import { TagoutError } from '../../core/errors.ts';
import type { Evidence, PolicySources } from '../../core/evidence.ts';
import { titleOf } from '../../core/words/check.ts';
import { counted, line } from '../../core/words/text.ts';
import { pastPulls } from '../../github/past.ts';
import type { PastEvidence, PastPulls } from '../../github/past.ts';
import { GITHUB_COM } from '../../github/places.ts';
import type { Git } from '../../git/program.ts';
import { planMigrations } from '../../migrations/plan.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { Io } from '../io.ts';
import { readSetupSettings } from '../settings.ts';

export interface Remote {
  readonly host: string;
  readonly owner: string;
  readonly name: string;
}

/** Host, owner and name of a remote's address, in any of git's forms; null for another one. */
export function remoteOf(address: string): Remote | null {
  const text = address.trim();
  const scp = /^(?:[\w.-]+@)?([\w.-]+):(?!\/\/)(.+)$/.exec(text);
  const url = scp === null ? URL.parse(text) : null;
  const host = scp?.[1] ?? url?.host ?? '';
  const path = (scp?.[2] ?? url?.pathname ?? '').replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  const [, owner, name] = /^([\w.-]+)\/([\w.-]+)$/.exec(path) ?? [];
  return host === '' || owner === undefined || name === undefined ? null : { host, owner, name };
}

/** What a token may be used for, or why it is not. */
export type Asked =
  | { readonly kind: 'ask'; readonly remote: Remote; readonly token: string; readonly api: string }
  | { readonly kind: 'git-alone'; readonly why: string };

/**
 * A token is sent to github.com, or to the GITHUB_API_URL that the caller named: never to a host
 * that only the checkout names.
 */
export async function whomToAsk(git: Git, { env }: Pick<Io, 'env'>): Promise<Asked> {
  const token = (env['GH_TOKEN'] ?? '').trim() || (env['GITHUB_TOKEN'] ?? '').trim();
  if (token === '') {
    const why =
      'Reviews and authors are known to GitHub alone: set GH_TOKEN to a token that may read the ' +
      'repository, and they are judged as well';
    return { kind: 'git-alone', why };
  }
  const { code, stdout } = await git.run(['remote', 'get-url', 'origin']);
  const remote = code === 0 ? remoteOf(stdout.toString('utf8')) : null;
  if (remote === null) {
    return { kind: 'git-alone', why: 'The remote `origin` is no address of a GitHub repository' };
  }
  const api = readSetupSettings(env).githubApiUrl;
  if (api !== null) return { kind: 'ask', remote, token, api };
  if (/^(?:www\.|ssh\.)?github\.com(?::\d+)?$/.test(remote.host)) {
    return { kind: 'ask', remote, token, api: GITHUB_COM.apiUrl };
  }
  const why =
    `The token was not sent to ${line(remote.host, 100)}, which the checkout alone names: set ` +
    'GITHUB_API_URL if that is your GitHub';
  return { kind: 'git-alone', why };
}

/** Prints a line for each. Throws GitHubFault when GitHub does not even list them. */
export async function replayFromGitHub(
  asked: Extract<Asked, { kind: 'ask' }>,
  about: {
    readonly sources: PolicySources;
    readonly count: number;
    readonly sandbox: Sandbox;
    readonly io: Io;
  },
): Promise<void> {
  const { sources, count, sandbox, io } = about;
  const { owner, name } = asked.remote;
  const past = await pastPulls({
    owner,
    name,
    token: asked.token,
    githubApiUrl: asked.api,
    count,
    sources,
    parts: { runDry: (wish) => sandbox.dryRun(wish), planMigrations },
    now: io.now,
  });
  const many = counted(past.pulls.length, 'merged pull request');
  const none = past.more ? ': none was found' : ': there are none yet';
  const end = past.pulls.length === 0 ? none : ', as they stood at their merge';
  io.out(`\nThe last ${many} of ${owner}/${name}${end}\n`);
  if (past.more && past.pulls.length < count) {
    io.out(
      `  Fewer than ${count}: of the closed ones only the ${past.lookedAt} that changed last were ` +
        'looked through.\n',
    );
  }
  if (past.pulls.length === 0) return;
  let passed = 0;
  for (const pull of past.pulls) {
    const { words, allowed } = await judged(past, pull, sources);
    if (allowed) passed += 1;
    io.out(`  #${pull.number} ${line(pull.title, 60)}: ${words}\n`);
  }
  io.out(`\n${passed} would have passed, ${past.pulls.length - passed} would have been held.\n`);
  io.out(UNKNOWN);
}

/** The limits of looking back, so that nobody takes it for a record. */
const UNKNOWN =
  'What looking back cannot know: who had write access then (today’s is taken), reviews that were\n' +
  'dismissed or edited since, agents that you would have suspended or named, and what people would\n' +
  'have done on seeing the check: an approval counts as if the check had been there before it.\n';

interface Told {
  readonly words: string;
  readonly allowed: boolean;
}

async function judged(
  past: PastPulls,
  pull: PastPulls['pulls'][number],
  sources: PolicySources,
): Promise<Told> {
  try {
    const read = await past.read(pull);
    if (typeof read !== 'string') return told(read, decisionOf(read.evidence, sources));
    return { words: `held, as it could not be judged: ${line(read, 200)}`, allowed: false };
  } catch (error) {
    if (!(error instanceof TagoutError)) throw error;
    const words = `held, as it could not be judged: ${line(error.message, 200)}`;
    return { words, allowed: false };
  }
}

/** The decision as if the check had shown this very content before anybody reviewed it. */
function decisionOf(evidence: Evidence, sources: PolicySources): Decision {
  const policy = effectivePolicy(sources);
  const digests = new Map(
    decide(policy, evidence).shown.map(({ pull, digest }) => [pull, digest] as const),
  );
  const changes = evidence.changes.map((change) => {
    const { headSha, baseRef, pull } = change;
    const shown = digests.get(pull);
    if (shown === undefined) return change;
    return { ...change, postings: [{ headSha, baseRef, shown, atMs: 0 }] };
  });
  return decide(policy, { ...evidence, changes });
}

function told({ mergedOtherwise, lateApprovals }: PastEvidence, decision: Decision): Told {
  const by = decision.origin.agents[0] ?? decision.origin.kind;
  const refused = decision.refused.map(
    ({ person, codes }) => `${person?.login ?? 'a deleted account'} (${codes.join(', ')})`,
  );
  const notes = [
    ...(decision.counted.length === 0
      ? []
      : [`approved by ${decision.counted.map(({ person }) => person.login).join(', ')}`]),
    ...(refused.length === 0 ? [] : [`not counted: ${refused.join(', ')}`]),
    ...(lateApprovals === 0 ? [] : [`${counted(lateApprovals, 'approval')} after the merge`]),
    ...(mergedOtherwise === null
      ? []
      : [`what was merged is not proven to be what was reviewed: ${mergedOtherwise}`]),
  ];
  const more = notes.map((note) => `; ${line(note, 160)}`).join('');
  const words = `${titleOf(decision)} (by ${by}, blast radius ${decision.radius})${more}`;
  return { words, allowed: decision.verdict === 'allow' };
}
