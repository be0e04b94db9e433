/** The one issue of a repository about deployments past the gate: opened once, then added to. */
import { z } from 'zod';
import type { Effect, EffectOutcome } from '../core/effect.ts';
import type { Answer } from './clients.ts';
import type { Writing } from './enact.ts';
import { isRefusal } from './faults.ts';
import { parseAnswer, place } from './reading.ts';

type Issue = Extract<Effect, { kind: 'issue' }>;

/** A write whose answer was lost is sent again: told twice is better than not told. */
export async function writeIssue(effect: Issue, writing: Writing): Promise<EffectOutcome> {
  const known = writing.known.issue ?? null;
  const added = known === null ? null : await comment(effect, writing, known);
  if (added !== null && known !== null) return done(added, known);
  const { title, body, repo } = effect;
  const path = '/repos/{owner}/{repo}/issues';
  const answer = await writing.write.send('POST', path, { ...place(repo), title, body });
  const { number } = parseAnswer(z.object({ number: z.int() }), answer.data, 'the issue');
  return done(answer, number);
}

/** Opens the issue again, with what it has come to, and adds to it; null when it is gone. */
async function comment(effect: Issue, writing: Writing, issue: number): Promise<Answer | null> {
  const path = '/repos/{owner}/{repo}/issues/{issue_number}' as const;
  const at = { ...place(effect.repo), issue_number: issue };
  const text = `**${effect.title}**\n\n${effect.body}`;
  try {
    // Somebody may have closed it: what happens again is open again.
    await writing.write.send('PATCH', path, { ...at, title: effect.title, state: 'open' });
    return await writing.write.send('POST', `${path}/comments`, { ...at, body: text });
  } catch (fault) {
    if (isRefusal(fault, 404, 410)) return null;
    throw fault;
  }
}

function done({ atMs: githubAtMs, status: httpStatus }: Answer, githubId: number): EffectOutcome {
  return { status: 'done', githubId, githubAtMs, httpStatus, detail: null, retryAfterMs: null };
}
