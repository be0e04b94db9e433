/** One line of what a dry run is doing, for whoever waits for it. */
import type { DryRunProgress } from '../dry-run.ts';
import { capital, fence } from './text.ts';

const DOES: Readonly<Record<DryRunProgress['phase'], string>> = {
  waiting: 'waiting for a free sandbox',
  baseline: 'preparing the database before the change',
  running: 'running the migration',
  comparing: 'comparing what is different',
  down: 'running the down parts and the way up again',
};

/** `running the migration: statement 3 of 12, db/0004.sql`; no character moves a cursor. */
export function progressText({ phase, unit, done, of, path }: DryRunProgress): string {
  const count = of === 0 ? '' : `: ${unit} ${done} of ${of}`;
  const where = path === null ? '' : `, ${path.replace(/\p{C}/gu, '?')}`;
  return `${DOES[phase]}${count}${where}`;
}

/** The check while a dry run goes on: it may be released by nobody yet. */
export function progressCheck(
  progress: DryRunProgress,
  elapsedMs: number,
): { readonly title: string; readonly summary: string } {
  const since = `${Math.round(elapsedMs / 1000)} s`;
  return {
    title: `Held: the dry run has been going on for ${since}`,
    summary: [
      `**Held**: the migration is still being tried in a throwaway database, for ${since} now, and ` +
        'nothing is decided yet.',
      fence(capital(progressText(progress)), 'text'),
      'Nobody can release it before the dry run has ended. This check then says what the migration ' +
        'did, why it is held or not, who can release it and how.',
    ].join('\n\n'),
  };
}

/** The check after a judgement that showed progress and came to no end. */
export function brokenOffCheck(): { readonly title: string; readonly summary: string } {
  return {
    title: 'Held: the dry run came to no end',
    summary:
      '**Held**: the migration was being tried in a throwaway database, and the judgement ended ' +
      'before anything was decided: a service did not answer, or the pull request was closed. An ' +
      'open pull request is judged again by itself, and this check then says what the migration ' +
      'did. Nobody can release it before. Where this text stays, push a new commit, or ask whoever ' +
      'runs Tagout to look into its log.',
  };
}
