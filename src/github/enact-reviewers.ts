/** Asks people for a review. GitHub takes the same request twice without harm. */
import type { Effect, EffectOutcome } from '../core/effect.ts';
import type { Writing } from './enact.ts';
import { place } from './reading.ts';

type Request = Extract<Effect, { kind: 'review-request' }>;

/** Sends the request; what GitHub refuses (a person who left) is recorded and not sent again. */
export async function requestReviews(effect: Request, writing: Writing): Promise<EffectOutcome> {
  const path = '/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers';
  const { repo, pull: pull_number, logins } = effect;
  const body = { ...place(repo), pull_number, reviewers: [...logins] };
  const { atMs: githubAtMs, status: httpStatus } = await writing.write.send('POST', path, body);
  const nothing = { githubId: null, detail: null, retryAfterMs: null };
  return { status: 'done', ...nothing, githubAtMs, httpStatus };
}
