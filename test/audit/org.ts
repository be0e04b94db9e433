/** A made-up organisation: months of deployments by several people and agents, with exceptions. */
import { canonicalText } from '../../src/core/canonical.ts';
import { commitTo, type Detail } from '../../src/core/audit/scribe.ts';
import type { SealableEvent } from '../../src/core/audit/schema.ts';
import { randomFrom } from './flips.ts';
import { glassReviewedEvent } from '../../src/core/audit/notice-event.ts';
import { registry } from '../../src/core/agents.ts';
import type { Population, PopulationRow, RunRow } from '../../src/core/report/population.ts';
import { repoOf } from '../store/judged.ts';
import { postureRead, READS } from './org-posture.ts';
import {
  createLog,
  decision,
  failure,
  release,
  salts,
  START_MS,
  type TestLog,
  uuid,
} from './log.ts';

const AGENTS = ['copilot', 'devin', 'claude-code'];
const PEOPLE: readonly (readonly [number, string])[] = [
  [3, 'noor'],
  [4, 'octavia'],
  [5, 'yusuf'],
  [6, 'linnea'],
];
const REPOS = ['acme/shop', 'acme/billing', 'acme/search'];
const RADII = ['low', 'medium', 'high', 'critical'] as const;
const TITLES = [
  'Drop the e-mail column',
  'Index orders by customer',
  '=HYPERLINK("http://x.example","open")',
  'Rename "users" to "people" <b>now</b>',
  'Add a table for refunds',
];

export interface Planted {
  readonly type: string;
  /** The leaf of its event; null: it is in no event. */
  readonly leaf: number | null;
  readonly atMs: number | null;
}

export interface Org {
  readonly log: TestLog;
  readonly planted: readonly Planted[];
  readonly released: number;
  readonly population: Population;
}

const BOT = registry.flatMap(({ ids }) => ids).find((id) => id !== 198982749) ?? 0;
const C = `${'A'.repeat(43)}=`;
const NOBODY = { id: 50, login: null };
const SHOWN = 'ab'.repeat(32);

/** What is planted: every exception that it makes, and how the decision's event is changed. */
const PLANTS: readonly (readonly [readonly string[], (event: Mutable, atMs: number) => void])[] = [
  [['no-approval', 'release-unfounded'], (event) => void (event.decision.counted.length = 0)],
  [
    ['self-approval'],
    (event) => {
      setApprover(event, { id: 77 });
      changeOf(event).author = { id: 77, login: null };
    },
  ],
  [
    ['approver-is-committer'],
    (event) => {
      const id = event.decision.counted[0]?.person.id ?? 0;
      changeOf(event).facts.contributors.push(id);
    },
  ],
  [['approver-deployed'], (event) => setApprover(event, { id: 2 })],
  [
    ['approved-after-release'],
    (event, atMs) => setApprover(event, { submittedAtMs: atMs + 900_000 }),
  ],
  [['approved-other-commit'], (event) => setApprover(event, { reviewedSha: 'e'.repeat(40) })],
  [['approver-is-bot'], (event) => setApprover(event, { id: BOT })],
  [['approver-without-role'], (event) => setApprover(event, { permission: 'read' })],
  [
    ['approval-lapsed'],
    (event) =>
      void event.decision.refused.push({ reviewId: 9, person: NOBODY, pull: 7, codes: ['R10'] }),
  ],
  [
    ['checks-not-ok'],
    (event) => void (event.deployment.facts.checks.required[0] = { name: 'ci', state: 'skipped' }),
  ],
  [['admin-bypass'], (event) => void event.decision.refused[0]?.codes.push('R13')],
  [['break-glass', 'review-after-overdue'], breakGlass],
  [['break-glass'], breakGlass],
  [['gate-unavailable'], (event) => void (event.deployment.requestedAtMs -= 3_600_000)],
  [
    ['policy-weakened'],
    (event) => {
      event.policy.sha256 = 'e'.repeat(64);
      event.policy.terms = { ...event.policy.terms, 'reviews.critical': 1 };
    },
  ],
  [['not-in-log'], () => {}],
  [['not-independent'], (event) => setApprover(event, { independent: false })],
  [['unreviewed-commits'], (event) => void (event.deployment.unreviewed = 1)],
  [['dry-run-not-ok'], (event) => void (changeOf(event).dryRun.status = 'failed')],
  [
    ['quick-approval'],
    (event) => {
      event.decision.radius = 'high';
      setApprover(event, { submittedAtMs: event.deployment.requestedAtMs + 9_000 });
    },
  ],
  [['quick-approval'], shownLate],
];

/** The approval comes four seconds after the check first showed it, long after the request. */
function shownLate(event: Mutable, atMs: number): void {
  event.decision.radius = 'critical';
  setApprover(event, { submittedAtMs: atMs - 30_000 });
  changeOf(event).shown = SHOWN;
}

/** The 15 types that auditors ask for (report, 5.1); the others are ours beside them. */
export const ASKED_TYPES: readonly string[] = [
  'no-approval',
  'self-approval',
  'approver-is-committer',
  'approver-deployed',
  'approved-after-release',
  'approved-other-commit',
  'approver-is-bot',
  'approver-without-role',
  'approval-lapsed',
  'checks-not-ok',
  'admin-bypass',
  'break-glass',
  'gate-unavailable',
  'policy-weakened',
  'not-in-log',
];

function breakGlass(event: Mutable): void {
  event.decision.opinions.push({ rule: 'break-glass', verdict: 'allow', code: 'break-glass' });
  const by = [{ id: 3, login: null }];
  event.deployment.facts.glass = { by, reason: { c: C }, reviewWithinMs: 86_400_000 };
}

interface Mutable {
  decision: {
    counted: { [key: string]: unknown; person: { id: number } }[];
    opinions: unknown[];
    refused: { reviewId: number; person: unknown; pull: number; codes: string[] }[];
    radius: string;
  };
  deployment: {
    unreviewed: number;
    requestedAtMs: number;
    facts: { glass: unknown; checks: { result: string; required: unknown[] } };
  };
  changes: {
    dryRun: { status: string };
    author: unknown;
    headSha: string;
    shown: string | null;
    facts: { contributors: number[] };
  }[];
  subject: { sha: string };
  policy: { sha256: string; terms: Record<string, number> };
  origin: { agents: string[]; kind: string };
  repo: { name: string };
  [key: string]: unknown;
}

function changeOf(event: Mutable): Mutable['changes'][number] {
  const [change] = event.changes;
  if (change === undefined) throw new RangeError('a deployment without a change');
  return change;
}

function setApprover(event: Mutable, change: { id?: number; [key: string]: unknown }): void {
  const { id, ...rest } = change;
  const row = event.decision.counted[0];
  if (row === undefined) return;
  Object.assign(row, rest);
  if (id !== undefined) row.person.id = id;
}

/** The same event with other content; personal texts get new commitments. */
function reworked(
  { body, details }: SealableEvent,
  texts: Readonly<Record<string, string>>,
  change: (event: Mutable) => void,
): { body: string; details: readonly Detail[] } {
  const event: Mutable = JSON.parse(body);
  const salt = salts(body);
  change(event);
  const fresh = details.map((detail) => ({
    ...detail,
    salt: salt(),
    value: texts[detail.path] ?? detail.value,
  }));
  for (const detail of fresh) {
    const steps = detail.path.split('.');
    const last = steps.pop() ?? '';
    const owner = steps.reduce<unknown>((at, step) => Reflect.get(Object(at), step), event);
    if (owner !== undefined) Reflect.set(Object(owner), last, commitTo(detail.salt, detail.value));
  }
  const kept = fresh.filter(({ path }) => {
    const owner = path.split('.').slice(0, -1);
    return owner.reduce<unknown>((at, step) => Reflect.get(Object(at), step), event) !== undefined;
  });
  return { body: canonicalText(event), details: kept };
}

const shaOf = (number: number): string => number.toString(16).padStart(40, '0');

/** Somebody reviews afterwards, within the day. */
function afterwards(decision: string, at: { readonly atMs: number; readonly number: number }) {
  const { atMs, number } = at;
  const stamp = {
    eventId: uuid(number, atMs),
    dedupeKey: `after:${number}`,
    recordedAtMs: atMs,
    salt: salts(`after ${number}`),
  };
  const review = { reviewId: number, pull: 7, reviewedSha: shaOf(number), submittedAtMs: atMs };
  const doer = { kind: 'human', id: 6, login: 'linnea' } as const;
  const about = { repo: repoOf(1), delivery: null, decision, review, doer };
  return glassReviewedEvent({ ...about, outcome: 'approved' }, stamp);
}

/** The judgement of a pull request, and GitHub's word that it had its check run. */
function shownEvents(about: {
  readonly sha: string;
  readonly number: number;
  readonly atMs: number;
}) {
  const { sha, number, atMs } = about;
  const asked = { atMs, number };
  const made = decision({ ...asked, verdict: 'hold' });
  const told = release({ ...asked, number: number + 1, runId: 1, decision: made.event.eventId });
  return [
    reworked(made, {}, (event) => {
      event.subject.sha = sha;
      Object.assign(changeOf(event), { headSha: sha, shown: SHOWN });
    }),
    reworked(told, {}, (event) => {
      const key = `check-run:1:${sha}:tagout:0`;
      Object.assign(event, { subject: JSON.parse(made.body).subject });
      event.subject.sha = sha;
      Object.assign(event['effect'] ?? {}, { kind: 'check-run', key, state: 'action_required' });
      Object.assign(event['source'] ?? {}, { githubAtMs: atMs });
    }),
  ];
}

/** Deployments hours apart; every `every`th has one exception planted, of each type in turn. */
export function createOrg(count: number, every = 7, seed = 1): Org {
  const random = randomFrom(seed);
  const log = createLog();
  const planted: Planted[] = [];
  const deployments: PopulationRow[] = [];
  const runs: RunRow[] = [];
  let [atMs, number, released] = [START_MS, 0, 0];
  const pick = <T>(rows: readonly T[]): T => {
    const row = rows[Math.floor(random() * rows.length)];
    if (row === undefined) throw new RangeError('nothing to pick from');
    return row;
  };
  const listed = (row: { repo: string; runId: number; sha: string; createdAtMs: number }): void => {
    const { repo, runId, sha, createdAtMs } = row;
    const rest = { state: 'success', finishedAtMs: createdAtMs + 60_000, artifacts: [] };
    const environment = 'production';
    const deploymentId = 5_000_000 + deployments.length;
    deployments.push({ repo, environment, deploymentId, sha, createdAtMs, runId, ...rest });
    runs.push({ repo, runId, sha, createdAtMs, conclusion: 'success' });
  };
  // Every environment is known before anything is planted, or the first differences are explained.
  for (let runId = 1; runId <= count; runId += 1) {
    atMs += Math.floor((1 + random() * 2) * 3_600_000);
    const [id, login] = pick(PEOPLE);
    const title = pick(TITLES);
    const [agent, radius] = [pick(AGENTS), pick(RADII)];
    const repo = REPOS[runId % REPOS.length] ?? '';
    const turn = runId % every === 0 && runId >= every ? runId / every - 1 : null;
    const plant = turn === null ? undefined : PLANTS[turn % PLANTS.length];
    const waitMs = Math.floor(90_000 + random() * 600_000);
    const texts = { 'changes.0.title': title, 'decision.counted.0.person.login': login };
    const sha = shaOf(runId);
    number += 3;
    const read = READS[runId];
    if (read !== undefined) log.add(postureRead(9_000_000 + runId, atMs, read));
    if (plant?.[1] === shownLate) {
      const at = { sha, number: 8_000_000 + runId * 2, atMs: atMs - 34_000 };
      log.leaves.push(...shownEvents(at));
    }
    const verdict = random() < 0.08 && plant === undefined ? 'hold' : 'allow';
    const made = decision({ atMs, number, runId, verdict });
    const leaf = log.leaves.length;
    log.leaves.push(
      reworked(made, texts, (event) => {
        event.subject.sha = sha;
        event.deployment.requestedAtMs = atMs - waitMs - 60_000;
        event.deployment.facts.checks = {
          result: 'success',
          required: [{ name: 'ci', state: 'passed' }],
        };
        event.decision.radius = radius;
        event.origin.agents = [agent];
        event.repo.name = repo;
        const change = changeOf(event);
        change.headSha = sha;
        change.dryRun.status = 'ok';
        setApprover(event, { id, submittedAtMs: atMs - 30_000, reviewedSha: sha });
        plant?.[1](event, atMs);
      }),
    );
    log.seal(atMs + 1_000);
    if (verdict === 'hold') continue;
    const told = release({
      atMs: atMs + 5_000,
      number: number + 1,
      runId,
      decision: made.event.eventId,
    });
    log.leaves.push(
      reworked(told, {}, (event) => {
        event.subject.sha = sha;
        event.repo.name = repo;
      }),
    );
    listed({ repo, runId, sha, createdAtMs: atMs - waitMs - 60_000 });
    released += 1;
    for (const type of plant?.[0] ?? []) {
      if (type !== 'not-in-log') planted.push({ type, leaf, atMs: null });
      else {
        listed({
          repo,
          runId: runId + 1_000_000,
          sha: shaOf(runId + 0xabc_0000),
          createdAtMs: atMs,
        });
        planted.push({ type, leaf: null, atMs });
      }
    }
    if (plant?.[0].length === 1 && plant[0][0] === 'break-glass') {
      log.add(afterwards(made.event.eventId, { atMs: atMs + 600_000, number: number + 2 }));
    }
    log.seal(atMs + 700_000);
  }
  const readAtMs = atMs + 3_600_000;
  // The newest are not on their way any more when the log goes on after them.
  number += 1;
  planted.push({ type: 'gate-unavailable', leaf: log.leaves.length, atMs: null });
  log.add(failure(number, readAtMs));
  log.seal(readAtMs);
  const rest = { runs, deliveries: [], access: [] };
  return { log, planted, released, population: { from: 'github', readAtMs, deployments, ...rest } };
}
