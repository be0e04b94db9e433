/** Our comment about a gate on a pull request: written once, then edited. */
import { z } from 'zod';
import type { Effect, EffectOutcome } from '../core/effect.ts';
import type { Answer } from './clients.ts';
import type { Writing } from './enact.ts';
import { isRefusal } from './faults.ts';
import { parseAnswer, place } from './reading.ts';

type Comment = Extract<Effect, { kind: 'pull-comment' }>;

const answerSchema = z.object({ id: z.int() });

/**
 * Writes or edits the comment. Only an id that we kept is ever edited, never a comment that looks
 * like ours; a write whose answer was lost is sent again, as told twice is better than not told.
 */
export async function writeComment(effect: Comment, writing: Writing): Promise<EffectOutcome> {
  const known = writing.known.comment ?? null;
  const edited = known === null ? null : await edit(effect, writing, known);
  if (edited !== null) return done(edited);
  // A comment that people removed is not written again only to say that all is over.
  if (effect.over) return nothingToDo('the comment that it would edit is gone');
  const path = '/repos/{owner}/{repo}/issues/{issue_number}/comments';
  const { repo, pull: issue_number, body } = effect;
  return done(await writing.write.send('POST', path, { ...place(repo), issue_number, body }));
}

/** Edits the comment; null when it is gone. */
async function edit(effect: Comment, writing: Writing, id: number): Promise<Answer | null> {
  const path = '/repos/{owner}/{repo}/issues/comments/{comment_id}';
  const { repo, body } = effect;
  try {
    return await writing.write.send('PATCH', path, { ...place(repo), comment_id: id, body });
  } catch (fault) {
    if (isRefusal(fault, 404, 410)) return null;
    throw fault;
  }
}

function done(answer: Answer): EffectOutcome {
  const { id: githubId } = parseAnswer(answerSchema, answer.data, 'the comment');
  const { atMs: githubAtMs, status: httpStatus } = answer;
  return { status: 'done', githubId, githubAtMs, httpStatus, detail: null, retryAfterMs: null };
}

function nothingToDo(detail: string): EffectOutcome {
  const nothing = { githubId: null, githubAtMs: null, httpStatus: null, retryAfterMs: null };
  return { status: 'done', ...nothing, detail };
}
