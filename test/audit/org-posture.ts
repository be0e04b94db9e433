/** GitHub's settings around the gate of the made-up organisation, and when they were read otherwise. */
import type { SealableEvent } from '../../src/core/audit/schema.ts';
import { postureEvent } from '../../src/core/audit/state-event.ts';
import { repoOf } from '../store/judged.ts';
import { salts, START_MS, uuid } from './log.ts';

interface Read {
  readonly item: string;
  readonly from: string | null;
  readonly to: string;
  readonly detail: string;
}

/** A setting of acme/shop around the gate, read at a moment, as `core/posture-state.ts` names it. */
export function postureRead(
  number: number,
  atMs: number,
  { item, from, to, detail }: Read,
): SealableEvent {
  const stamp = {
    eventId: uuid(number, atMs),
    dedupeKey: `posture:${number}`,
    recordedAtMs: atMs,
    salt: salts(`posture ${number}`),
  };
  const environment = item === RULE ? 'production' : null;
  const change = {
    about: 'posture',
    item,
    environment,
    from,
    to,
    detail,
    fromMs: from === null ? null : START_MS,
    toMs: atMs,
  } as const;
  const seen = {
    installationId: 1,
    repo: repoOf(1),
    because: 'sweep',
    delivery: null,
    githubAtMs: atMs,
  };
  return postureEvent(change, seen, stamp);
}

const [RULE, BRANCH] = ['environment production', 'default branch'];
export const RULE_ON = 'guarded: environment (branches: protected)';
export const RULE_OFF = 'open: environment-without-rule';
const CHECKED = 'guarded: check';
const PASSED = 'advice: check, check-bypass (release-bot (always))';
const off = 'The rule of tagout is not enabled.';

/** What was read otherwise than before, by the run before which it was. */
export const READS: Readonly<Record<number, Read>> = {
  2: { item: RULE, from: null, to: RULE_ON, detail: 'The rule of tagout is enabled.' },
  3: { item: BRANCH, from: null, to: CHECKED, detail: 'The check is required.' },
  30: { item: RULE, from: RULE_ON, to: RULE_OFF, detail: off },
  33: { item: RULE, from: RULE_OFF, to: RULE_ON, detail: 'The rule of tagout is enabled.' },
  40: { item: BRANCH, from: CHECKED, to: PASSED, detail: 'A ruleset lets release-bot merge.' },
  44: { item: BRANCH, from: PASSED, to: CHECKED, detail: 'The check is required.' },
};
