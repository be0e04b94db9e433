/** Answers a custom deployment protection rule. The address is made from owner, repository and run. */
import { z } from 'zod';
import type { Effect, EffectOutcome } from '../core/effect.ts';
import { environmentKey, type RepoRef } from '../core/subject.ts';
import type { Answer } from './clients.ts';
import type { Writing } from './enact.ts';
import { type GitHubFault, isRefusal } from './faults.ts';
import { parseAnswer, place } from './reading.ts';

type Review = Extract<Effect, { kind: 'review-deployment' }>;
type Note = Extract<Effect, { kind: 'deployment-note' }>;

/** GitHub's limit for the comment, in characters. */
const COMMENT_LENGTH = 1024;
/** How long to wait when the run waits and GitHub does not take the answer yet. */
const RETRY_MS = 2_000;

/** Approves or rejects. A refusal (422) is not believed: what became of the run is read. */
export async function reviewDeployment(effect: Review, writing: Writing): Promise<EffectOutcome> {
  try {
    return done(await post(effect, writing, { state: effect.state }), null);
  } catch (fault) {
    if (!isRefusal(fault, 404, 409, 422)) throw fault;
    return readTruth(effect, writing, fault);
  }
}

/** Leaves a note on the waiting run. A note whose answer was lost is not sent again. */
export async function writeNote(effect: Note, writing: Writing): Promise<EffectOutcome> {
  if (writing.known.uncertain) {
    const detail = 'an earlier note was sent and its answer was lost; a note is not repeated';
    return { ...nothing, status: 'done', detail };
  }
  return done(await post(effect, writing, {}), null);
}

function post(
  effect: Review | Note,
  writing: Writing,
  state: { readonly state?: string },
): Promise<Answer> {
  const path = '/repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule';
  return writing.write.send('POST', path, {
    ...runPlace(effect),
    environment_name: effect.environment,
    ...state,
    comment: cut(effect.comment),
  });
}

function runPlace(effect: { repo: RepoRef; runId: number }): Record<string, unknown> {
  return { ...place(effect.repo), run_id: effect.runId };
}

/** Cuts a comment to GitHub's limit without splitting a character. */
function cut(comment: string): string {
  if (comment.length <= COMMENT_LENGTH) return comment;
  const short = comment.slice(0, COMMENT_LENGTH - 1).replace(/[\uD800-\uDBFF]$/, '');
  return `${short}…`;
}

const nothing: Omit<EffectOutcome, 'status' | 'detail'> = {
  githubId: null,
  githubAtMs: null,
  httpStatus: null,
  retryAfterMs: null,
};

function done(answer: Answer, detail: string | null): EffectOutcome {
  const { atMs: githubAtMs, status: httpStatus } = answer;
  return { ...nothing, status: 'done', detail, githubAtMs, httpStatus };
}

const environmentSchema = z.object({ name: z.string() });
const pendingSchema = z.array(z.object({ environment: environmentSchema }));
const approvalsSchema = z.array(
  z.object({
    state: z.string(),
    environments: z.array(environmentSchema),
    user: z.object({ login: z.string() }).nullish(),
  }),
);

/** Whether the run still waits, was answered in our sense, or is out of reach. */
async function readTruth(
  effect: Review,
  writing: Writing,
  refusal: GitHubFault,
): Promise<EffectOutcome> {
  const wanted = environmentKey(effect.environment);
  const isOurs = ({ name }: { name: string }): boolean => environmentKey(name) === wanted;
  const run = '/repos/{owner}/{repo}/actions/runs/{run_id}';
  const { httpStatus } = refusal;
  try {
    const pending = await writing.look.get(`${run}/pending_deployments`, runPlace(effect));
    const waits = parseAnswer(pendingSchema, pending.data, 'what the run waits for');
    if (waits.some(({ environment }) => isOurs(environment))) {
      const detail = `${refusal.message}; the run still waits, so that it is tried again`;
      return { ...nothing, status: 'retry', detail, httpStatus, retryAfterMs: RETRY_MS };
    }
    const history = await writing.look.get(`${run}/approvals`, runPlace(effect));
    const answers = parseAnswer(approvalsSchema, history.data, 'the approvals of the run');
    const last = answers.filter(({ environments }) => environments.some(isOurs));
    const slug = writing.self.slug;
    const own = last.filter(({ user }) =>
      slug === null ? user?.login.endsWith('[bot]') : user?.login === `${slug}[bot]`,
    );
    if (own.some(({ state }) => state === effect.state)) {
      return { ...done(history, `our answer ${effect.state} had arrived before`), httpStatus };
    }
    const others = last.map(({ state, user }) => `${state} by ${user?.login ?? 'nobody known'}`);
    const why = others.length === 0 ? '' : ` (${others.join(', ')})`;
    const detail = `${refusal.message}; the run does not wait for ${effect.environment} any more${why}`;
    return { ...nothing, status: 'refused', detail, httpStatus };
  } catch (fault) {
    if (!isRefusal(fault, 404)) throw fault;
    const detail = `${refusal.message}; the run is gone`;
    return { ...nothing, status: 'refused', detail, httpStatus };
  }
}
