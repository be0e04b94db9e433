/** What an effect writes to at GitHub. A later effect for the same slot replaces an unsent one. */
import { digestOf } from '../core/canonical.ts';
import type { Effect } from '../core/effect.ts';
import { environmentKey, type RepoRef, type Subject } from '../core/subject.ts';

const NAMES = {
  'deployment-note': 'note',
  'review-deployment': 'review',
  notice: 'notice',
} as const;

/** The slot of a commit's check of this name. */
export function checkSlot(repo: RepoRef, headSha: string, name: string): string {
  return `${repo.installationId}:${repo.id}:check:${headSha}:${name}`;
}

/** The slot's name, with the installation in it: installations never share a row. */
export function slotOf(effect: Effect, subject: Subject): string {
  const repo = `${effect.repo.installationId}:${effect.repo.id}`;
  switch (effect.kind) {
    case 'check-run':
      return checkSlot(effect.repo, effect.headSha, effect.name);
    case 'issue':
      return `${repo}:issue`;
    case 'pull-comment':
    case 'review-request':
      return `${repo}:${effect.kind}:${effect.pull}:${environmentKey(effect.environment)}`;
    case 'labels':
      return `${repo}:labels:${effect.pull}`;
    case 'notice':
    case 'review-deployment':
    case 'deployment-note': {
      // A re-run asks again for the same run and environment, and gets an answer of its own.
      const attempt = subject.kind === 'deployment' ? subject.runAttempt : 0;
      const name = NAMES[effect.kind];
      return `${repo}:${name}:${effect.runId}:${attempt}:${environmentKey(effect.environment)}`;
    }
  }
}

/** GitHub takes few comments per waiting run; what changes after that stands in the check run. */
export const NOTES_PER_RUN = 4;

/**
 * What an effect would make GitHub show, so that what shows already is not written again. A check
 * run's own key changes with every reading; its text does not.
 */
export function stateOf(effect: Effect): string {
  if (effect.kind !== 'check-run') return effect.key;
  const { conclusion, title, summary, text, annotations, shown } = effect;
  return `check-run:${digestOf([conclusion, title, summary, text, annotations, shown])}`;
}
