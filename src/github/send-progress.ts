/** Writes into our check run that a dry run goes on. */
import { z } from 'zod';
import type { ProgressWrite, SendProgress } from '../core/ports.ts';
import { writeClient } from './clients.ts';
import { PROGRESS_ID } from './enact-check-run.ts';
import type { EnactSettings } from './enact.ts';
import { parseAnswer, place } from './reading.ts';

/** Its transaction may not be idle longer than 10 s, and no conclusion should wait long for it. */
const LIMIT_MS = 5_000;

const answerSchema = z.object({ id: z.int() });

/** Makes the sender. It throws GitHubFault for whatever GitHub says but yes, and asks for nothing. */
export function createSendProgress({
  octokitFor,
  now = Date.now,
}: Omit<EnactSettings, 'self'>): SendProgress {
  return async (wish) => {
    const { installationId, id } = wish.repo;
    // What is left of GitHub's allowance is kept for conclusions.
    const use = { writesTo: id, effect: 'check-run' } as const;
    const octokit = await octokitFor(installationId, 'background', use);
    const write = writeClient(octokit, now, LIMIT_MS);
    const { checkRunId } = wish;
    const answer =
      checkRunId === null
        ? await write.send('POST', '/repos/{owner}/{repo}/check-runs', {
            ...bodyOf(wish),
            head_sha: wish.headSha,
          })
        : await write.send('PATCH', '/repos/{owner}/{repo}/check-runs/{check_run_id}', {
            ...bodyOf(wish),
            check_run_id: checkRunId,
          });
    return parseAnswer(answerSchema, answer.data, 'the check run').id;
  };
}

function bodyOf({ repo, name, title, summary, concluded }: ProgressWrite): Record<string, unknown> {
  // Without an earlier text: what it showed of the last run may be wrong by now.
  const output = { title, summary, text: '' };
  const state = concluded
    ? { status: 'completed', conclusion: 'action_required' }
    : { status: 'in_progress' };
  return { ...place(repo), name, external_id: PROGRESS_ID, ...state, output };
}
