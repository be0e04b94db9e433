/** Posture as states that can be compared: what changed around the gate since it was last read. */
import type { PostureChanged } from './audit/event.ts';
import type { PostureFinding, PostureLevel, RepositoryPosture } from './posture.ts';
import { line } from './words/text.ts';

/** One thing around the gate, as it was just read. */
export interface PostureState {
  readonly about: PostureChanged['posture']['about'];
  /** `environment production`, `default branch`, `installation`, the policy's file, … */
  readonly item: string;
  readonly environment: string | null;
  /** `guarded: environment`, `open: check-bypass (…)`, `unknown: checks-unseen`; a policy's digest. */
  readonly state: string;
  /** What it means, in one sentence or a few. */
  readonly detail: string;
}

/** A state as it was kept, in force from `sinceMs`. */
export interface KnownState extends Pick<PostureState, 'about' | 'item' | 'environment' | 'state'> {
  readonly sinceMs: number;
}

export interface PostureReading {
  readonly states: readonly PostureState[];
  /** False: something could not be read, so that what is missing is unknown and not gone. */
  readonly whole: boolean;
}

const STATE_LIMIT = 250;
const DETAIL_LIMIT = 500;
const WORST: readonly PostureLevel[] = ['open', 'unknown', 'advice', 'guarded'];

/** Findings that stand for others which could therefore not be made. */
const BLIND: ReadonlySet<string> = new Set([
  'checks-unseen',
  'environments-unseen',
  'policy-unseen',
  'workflows-unseen',
]);

const POLICY_ITEM = '.github/tagout.yml';

function told({ id, which }: PostureFinding): string {
  return which === undefined ? id : `${id} (${which})`;
}

/** All findings about one thing are one state: the worst level, and what was found. */
function stateOf(item: string, findings: readonly PostureFinding[]): PostureState {
  const level = WORST.find((one) => findings.some((finding) => finding.level === one)) ?? 'unknown';
  const environment = item.startsWith('environment ') ? item.slice('environment '.length) : null;
  const ids = findings.map(told).toSorted();
  return {
    about: 'posture',
    item,
    environment,
    state: line(`${level}: ${ids.join(', ')}`, STATE_LIMIT),
    detail: line(findings.map(({ says }) => says).join(' '), DETAIL_LIMIT),
  };
}

/** The states of a repository, and of the policy that speaks for it. */
export function repositoryReading(
  repo: RepositoryPosture,
  findings: readonly PostureFinding[],
): PostureReading {
  const itemOf = ({ about }: PostureFinding): string =>
    about === repo.fullName ? 'repository' : about.slice(repo.fullName.length + 1);
  const states = [...Map.groupBy(findings, itemOf)].map(([item, some]) => stateOf(item, some));
  const whole = !findings.some(({ id }) => BLIND.has(id));
  return { states: [...states, policyState(repo)], whole };
}

function policyState({ policy }: RepositoryPosture): PostureState {
  const row = { about: 'policy', item: POLICY_ITEM, environment: null } as const;
  if (!policy.seen) {
    const detail = line(`The policy could not be read: ${policy.why}`, DETAIL_LIMIT);
    return { ...row, state: 'unknown: policy-unseen', detail };
  }
  const { digest, problems } = policy.value;
  const detail =
    problems.length === 0
      ? 'The effective policy of the default branch, with the floor of the organisation.'
      : 'The policy cannot speak: everything that it would speak for holds.';
  return { ...row, state: digest, detail };
}

/** The state of an installation: suspended, short of rights, or in order. */
export function installationReading(findings: readonly PostureFinding[]): PostureReading {
  return { states: [stateOf('installation', findings)], whole: true };
}

/** The same state for all that was known of a place which cannot be read any more. */
export function lostReading(
  known: readonly KnownState[],
  { state, detail }: Pick<PostureState, 'state' | 'detail'>,
): PostureReading {
  const states = known.map(({ about, item, environment }) => ({
    about,
    item,
    environment,
    state,
    detail,
  }));
  return { states, whole: true };
}

/** Every difference between what was known and what was just read, as the event tells it. */
export function postureChanges(
  known: readonly KnownState[],
  { states, whole }: PostureReading,
  readAtMs: number,
): readonly PostureChanged['posture'][] {
  const before = new Map(known.map((one) => [one.item, one]));
  const now = new Set(states.map(({ item }) => item));
  const missing = known.filter(({ item }) => !now.has(item));
  const unseen = whole
    ? []
    : missing.map(({ about, item, environment }) => ({
        about,
        item,
        environment,
        state: 'unknown: not-seen',
        detail: 'It could not be read this time: it does not count as guarded.',
      }));
  const changed = [...states, ...unseen].flatMap(({ state: to, ...one }) => {
    const old = before.get(one.item);
    if (old?.state === to) return [];
    const from = { from: old?.state ?? null, fromMs: old?.sinceMs ?? null };
    return [{ ...one, ...from, to, toMs: readAtMs }];
  });
  const gone = (whole ? missing : []).map(({ about, item, environment, state, sinceMs }) => ({
    about,
    item,
    environment,
    from: state,
    fromMs: sinceMs,
    to: null,
    toMs: readAtMs,
    detail: 'It is there no longer, or nothing is left to say of it.',
  }));
  return [...changed, ...gone];
}
