/** What is said when the policy asks for a proven backup and there is none. */
import type { BlastRadius } from '../findings.ts';
import type { Said } from './holds.ts';
import { duration, name } from './text.ts';

const PUT =
  'The operator of the server puts one in the place that `TAGOUT_SNAPSHOT` names; it is looked at ' +
  'again by itself.';

export const SAY_BACKUP = {
  unproven: (environment: string, from: BlastRadius): Said => ({
    code: 'backup-unproven',
    reason:
      `The policy asks ${name(environment)} for a proven backup from blast radius ${from} on, and ` +
      'no backup was restored in the dry run.',
    cure: `${PUT} The policy needs ${name('migrations.baseline: snapshot')} for it.`,
  }),
  old: (environment: string, ageMs: number, limitMs: number): Said => ({
    code: 'backup-too-old',
    reason:
      `The newest backup is ${duration(ageMs)} old, and the policy asks ${name(environment)} for ` +
      `one of at most ${duration(limitMs)}.`,
    cure: `A newer backup is needed. ${PUT}`,
  }),
  slow: (environment: string, tookMs: number, limitMs: number): Said => ({
    code: 'backup-too-slow',
    reason:
      `Restoring the newest backup took ${duration(tookMs)}, and the policy asks ` +
      `${name(environment)} for at most ${duration(limitMs)}.`,
    cure:
      'A backup that restores faster is needed, or a reviewed change of the policy raises ' +
      `${name('backup.restoreWithin')}. ${PUT}`,
  }),
} as const;
