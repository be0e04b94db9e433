/** A made-up organisation: months of deployments by several people and agents, with exceptions. */
import { canonicalText } from '../../src/core/canonical.ts';
import { commitTo, type Detail } from '../../src/core/audit/scribe.ts';
import type { SealableEvent } from '../../src/core/audit/schema.ts';
import { randomFrom } from './flips.ts';
import { createLog, decision, release, salts, START_MS, type TestLog } from './log.ts';

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
  readonly runId: number;
}

export interface Org {
  readonly log: TestLog;
  readonly planted: readonly Planted[];
  readonly released: number;
}

/** What is planted, and how the event of the decision is changed for it. */
const PLANTS: readonly (readonly [string, (event: Mutable, atMs: number) => void])[] = [
  ['self-approval', (event) => setApprover(event, { id: 198982749 })],
  ['not-independent', (event) => setApprover(event, { independent: false })],
  [
    'approved-after-release',
    (event, atMs) => setApprover(event, { submittedAtMs: atMs + 900_000 }),
  ],
  ['approved-other-commit', (event) => setApprover(event, { reviewedSha: 'e'.repeat(40) })],
  ['approver-without-role', (event) => setApprover(event, { permission: 'read' })],
  ['approver-deployed', (event) => setApprover(event, { id: 2 })],
  [
    'break-glass',
    (event) =>
      void event.decision.opinions.push({
        rule: 'break-glass',
        verdict: 'allow',
        code: 'break-glass',
      }),
  ],
  ['unreviewed-commits', (event) => void (event.deployment.unreviewed = 1)],
  [
    'dry-run-not-ok',
    (event) => void ((event.changes[0] ?? { dryRun: { status: '' } }).dryRun.status = 'failed'),
  ],
  ['bypass-refused', (event) => void event.decision.refused[0]?.codes.push('R13')],
  ['no-approval', (event) => void (event.decision.counted.length = 0)],
  [
    'quick-approval',
    (event) => setApprover(event, { submittedAtMs: event.deployment.requestedAtMs + 9_000 }),
  ],
];

interface Mutable {
  decision: {
    counted: { [key: string]: unknown; person: { id: number } }[];
    opinions: unknown[];
    refused: { codes: string[] }[];
    radius: string;
  };
  deployment: { unreviewed: number; requestedAtMs: number };
  changes: { dryRun: { status: string } }[];
  origin: { agents: string[]; kind: string };
  repo: { name: string };
  [key: string]: unknown;
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

/** Deployments hours apart; every `every`th has one exception planted, of each type in turn. */
export function createOrg(count: number, every = 7, seed = 1): Org {
  const random = randomFrom(seed);
  const log = createLog();
  const planted: Planted[] = [];
  let [atMs, number, released] = [START_MS, 0, 0];
  const pick = <T>(rows: readonly T[]): T => {
    const row = rows[Math.floor(random() * rows.length)];
    if (row === undefined) throw new RangeError('nothing to pick from');
    return row;
  };
  for (let runId = 1; runId <= count; runId += 1) {
    atMs += Math.floor((1 + random() * 10) * 3_600_000);
    const [id, login] = pick(PEOPLE);
    const title = pick(TITLES);
    const [agent, repo, radius] = [pick(AGENTS), pick(REPOS), pick(RADII)];
    const plant = runId % every === 0 ? PLANTS[(runId / every) % PLANTS.length] : undefined;
    const waitMs = Math.floor(90_000 + random() * random() * 86_400_000);
    const texts = { 'changes.0.title': title, 'decision.counted.0.person.login': login };
    const put = (made: SealableEvent): void => {
      const leaf = reworked(made, texts, (event) => {
        event.deployment.requestedAtMs = atMs - waitMs - 60_000;
        event.decision.radius = plant?.[0] === 'quick-approval' ? 'high' : radius;
        event.origin.agents = [agent];
        event.repo.name = repo;
        const status = event.changes[0]?.dryRun;
        if (status !== undefined) status.status = 'ok';
        setApprover(event, { id, submittedAtMs: atMs - 30_000 });
        plant?.[1](event, atMs);
      });
      log.leaves.push(leaf);
    };
    number += 2;
    const verdict = random() < 0.08 && plant === undefined ? 'hold' : 'allow';
    const made = decision({ atMs, number, runId, verdict });
    put(made);
    log.seal(atMs + 1_000);
    if (verdict === 'hold') continue;
    log.add(
      release({ atMs: atMs + 5_000, number: number + 1, runId, decision: made.event.eventId }),
    );
    log.seal(atMs + 6_000);
    released += 1;
    if (plant !== undefined) planted.push({ type: plant[0], runId });
  }
  return { log, planted, released };
}
