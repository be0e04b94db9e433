/** What would have happened: the last changes of this branch, judged now as their pull requests. */
import { decide } from '../../core/decide.ts';
import { effectivePolicy } from '../../core/effective-policy.ts';
import { TagoutError } from '../../core/errors.ts';
import { mainOpinion, titleOf } from '../../core/words/check.ts';
import { line } from '../../core/words/text.ts';
import { readCheckout } from '../../git/checkout.ts';
import type { Git } from '../../git/program.ts';
import { planMigrations } from '../../migrations/plan.ts';
import { createSandbox } from '../../sandbox/sandbox.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { cacheFolder } from '../check.ts';
import type { Io } from '../io.ts';

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
 * Judges them and prints a line for each. No reviews are known to git, so each line says what would
 * have been asked for. One that cannot be judged says why, and the others go on.
 */
export async function replayPast(folder: string, git: Git, io: Io): Promise<void> {
  const past = await pastChanges(git);
  const told = past.length === 0 ? ': there are none yet' : ', had Tagout judged them';
  io.out(`\nThe last ${past.length} changes of this branch${told}\n`);
  if (past.length === 0) return;
  const { env, cwd } = io;
  const binDir = env['TAGOUT_POSTGRES_BIN'] ?? null;
  const sandbox = createSandbox({ cacheDir: cacheFolder(env, cwd), binDir });
  try {
    for (const one of past) io.out(`  ${await wordsOf(one, { folder, sandbox, io })}\n`);
  } finally {
    await sandbox.close();
  }
}

interface Where {
  readonly folder: string;
  readonly sandbox: Sandbox;
  readonly io: Io;
}

async function wordsOf(past: Past, where: Where): Promise<string> {
  const start = `${past.sha.slice(0, 9)} ${line(past.subject, 60)}`;
  return `${start}: ${await judged(past, where)}`;
}

async function judged({ base, head }: Past, { folder, sandbox, io }: Where): Promise<string> {
  const runDry: Sandbox['dryRun'] = (wish) => sandbox.dryRun(wish);
  const { now, env } = io;
  try {
    const request = { repo: folder, base, head, runDry, planMigrations, now, env };
    const evidence = await readCheckout(request);
    const decision = decide(effectivePolicy(evidence.policy), evidence);
    const by = decision.origin.agents[0] ?? decision.origin.kind;
    const main = mainOpinion(decision) === null ? 'no reason to hold' : titleOf(decision);
    return `${main} (by ${by}, blast radius ${decision.radius})`;
  } catch (error) {
    if (!(error instanceof TagoutError)) throw error;
    return `held, as it could not be judged: ${line(error.message, 200)}`;
  }
}
