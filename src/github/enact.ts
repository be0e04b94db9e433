/** The writer: sends one effect to GitHub. It reads only to find out what an earlier write has done. */
import type { Effect, EffectOutcome } from '../core/effect.ts';
import type { Enact, KnownWrites } from '../core/ports.ts';
import { TagoutError } from '../core/errors.ts';
import {
  type Clock,
  type OctokitFor,
  readClient,
  type ReadClient,
  writeClient,
  type WriteClient,
} from './clients.ts';
import { writeCheckRun } from './enact-check-run.ts';
import { reviewDeployment, writeNote } from './enact-deployment.ts';
import { writeComment } from './enact-comment.ts';
import { requestReviews } from './enact-reviewers.ts';
import { writeIssue } from './enact-issue.ts';
import { writeLabels } from './enact-labels.ts';
import type { Self } from './events.ts';
import { GitHubFault } from './faults.ts';

export interface EnactSettings {
  readonly octokitFor: OctokitFor;
  /** Where the app's slug is kept, once an answer of GitHub's has told it. */
  readonly self: Self;
  readonly now?: Clock;
}

/** What an effect is written with. `look` finds out what became of an earlier write. */
export interface Writing {
  readonly write: WriteClient;
  readonly look: ReadClient;
  readonly self: Self;
  readonly known: KnownWrites;
}

/** How long to wait before an effect is sent again when GitHub does not say. */
const RETRY_MS = 2_000;

/**
 * Makes the writer. It answers an outcome for everything that GitHub can say and for silence; it
 * throws only for a bug of ours or when there is no client for the installation.
 */
export function createEnact(settings: EnactSettings): Enact {
  const now = settings.now ?? Date.now;
  return {
    async enact(effect, known) {
      try {
        const octokit = await settings.octokitFor(
          effect.repo.installationId,
          effect.kind === 'review-deployment' ? 'gate' : 'pull',
          { writesTo: effect.repo.id, effect: effect.kind },
        );
        const write = writeClient(octokit, now);
        const look = readClient(octokit, now);
        return await send(effect, { write, look, self: settings.self, known });
      } catch (fault) {
        return outcomeOf(fault);
      }
    },
  };
}

function send(effect: Effect, writing: Writing): Promise<EffectOutcome> {
  switch (effect.kind) {
    case 'check-run':
      return writeCheckRun(effect, writing);
    case 'labels':
      return writeLabels(effect, writing);
    case 'review-deployment':
      return reviewDeployment(effect, writing);
    case 'deployment-note':
      return writeNote(effect, writing);
    case 'issue':
      return writeIssue(effect, writing);
    case 'pull-comment':
      return writeComment(effect, writing);
    case 'review-request':
      return requestReviews(effect, writing);
    case 'notice':
      throw new TagoutError('internal', 'A notice is not sent to GitHub.');
  }
}

/** What a fault means for the effect: again later, look first, or never. */
function outcomeOf(fault: unknown): EffectOutcome {
  if (!(fault instanceof TagoutError)) throw fault;
  const about = fault instanceof GitHubFault ? fault : null;
  const outcome = {
    githubId: null,
    githubAtMs: null,
    httpStatus: about?.httpStatus ?? null,
    detail: fault.message,
    retryAfterMs: null,
  };
  if (fault.code === 'github-refused') return { ...outcome, status: 'refused' };
  const retryAfterMs = about?.retryAfterMs ?? RETRY_MS;
  return { ...outcome, status: about?.answerLost === true ? 'uncertain' : 'retry', retryAfterMs };
}
