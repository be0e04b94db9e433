/** One line of what a dry run is doing, for whoever waits for it. */
import type { DryRunProgress } from '../dry-run.ts';

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
