/** What would have happened: the last changes of this branch, judged now as their pull requests. */
import { decide } from '../../core/decide.ts';
import { effectivePolicy } from '../../core/effective-policy.ts';
import { TagoutError } from '../../core/errors.ts';
import type { PolicySources } from '../../core/evidence.ts';
import { mainOpinion, titleOf } from '../../core/words/check.ts';
import { line } from '../../core/words/text.ts';
import { readCheckout } from '../../git/checkout.ts';
import type { Git } from '../../git/program.ts';
import { planMigrations } from '../../migrations/plan.ts';
import { createSandbox } from '../../sandbox/sandbox.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { cacheFolder } from '../check.ts';
import type { Io } from '../io.ts';
import { replayFromGitHub, whomToAsk } from './replay-github.ts';

/** As many as one reads. */
const CHANGES = 20;

interface Past {
  readonly sha: string;
  readonly base: string;
  readonly head: string;
  readonly subject: string;
}

/**
 * The newest commits on the branch's first-parent line, each a pull request: a merge stands for its
 * second parent, any other commit (squashed, pushed) for itself. The root has nothing before it.
 */
async function pastChanges(git: Git): Promise<readonly Past[]> {
  const format = '--format=%H%x1f%P%x1f%s%x1e';
  const listed = await git.must(['log', '--first-parent', `-n${CHANGES}`, format, 'HEAD']);
  return listed
    .toString('utf8')
    .split('\u001e')
    .flatMap((row) => {
      const [sha = '', parents = '', subject = ''] = row.trim().split('\u001f');
      const [base = '', second] = parents.split(' ');
      return base === '' ? [] : [{ sha, base, head: second ?? sha, subject }];
    });
}

/**
 * Judges them by the proposed policy and prints a line for each: from GitHub when there is a token
 * for it, else from git, which knows no reviews, so that each line says what would have been asked
 * for. One that cannot be judged says why, and the others go on.
 */
export async function replayPast(
  git: Git,
  about: { readonly folder: string; readonly sources: PolicySources; readonly io: Io },
): Promise<void> {
  const { env, cwd } = about.io;
  const binDir = env['TAGOUT_POSTGRES_BIN'] ?? null;
  const sandbox = createSandbox({ cacheDir: cacheFolder(env, cwd), binDir });
  try {
    const why = await fromGitHub(git, { ...about, sandbox });
    if (why !== null) await fromGit(git, { ...about, sandbox }, why);
  } finally {
    await sandbox.close();
  }
}

/** Null when GitHub was asked, else why it was not. */
async function fromGitHub(git: Git, where: Where): Promise<string | null> {
  const asked = await whomToAsk(git, where.io);
  if (asked.kind === 'git-alone') return asked.why;
  try {
    await replayFromGitHub(asked, { ...where, count: CHANGES });
    return null;
  } catch (error) {
    if (!(error instanceof TagoutError)) throw error;
    return `GitHub could not be asked (${line(error.message, 200)})`;
  }
}

async function fromGit(git: Git, where: Where, why: string): Promise<void> {
  const past = await pastChanges(git);
  const told = past.length === 0 ? ': there are none yet' : ', had Tagout judged them';
  where.io.out(`\nThe last ${past.length} changes of this branch${told}\n`);
  for (const one of past) where.io.out(`  ${await wordsOf(one, where)}\n`);
  where.io.out(`\nFrom git alone: each line says what would have been asked for. ${why}.\n`);
}

interface Where {
  readonly folder: string;
  readonly sources: PolicySources;
  readonly sandbox: Sandbox;
  readonly io: Io;
}

async function wordsOf(past: Past, where: Where): Promise<string> {
  const start = `${past.sha.slice(0, 9)} ${line(past.subject, 60)}`;
  return `${start}: ${await judged(past, where)}`;
}

async function judged(
  { base, head }: Past,
  { folder, sources, sandbox, io }: Where,
): Promise<string> {
  const runDry: Sandbox['dryRun'] = (wish) => sandbox.dryRun(wish);
  const { now, env } = io;
  try {
    const request = { repo: folder, base, head, runDry, planMigrations, now, env };
    const evidence = await readCheckout(request);
    const decision = decide(effectivePolicy(sources), evidence);
    const by = decision.origin.agents[0] ?? decision.origin.kind;
    const main = mainOpinion(decision) === null ? 'no reason to hold' : titleOf(decision);
    return `${main} (by ${by}, blast radius ${decision.radius})`;
  } catch (error) {
    if (!(error instanceof TagoutError)) throw error;
    return `held, as it could not be judged: ${line(error.message, 200)}`;
  }
}
