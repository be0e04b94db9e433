/** A log of a large organisation in a real store: ten events for each production deployment. */
import type { SealableEvent } from '../../src/core/audit/schema.ts';
import { decision, release, START_MS, uuid } from '../audit/log.ts';
import type { TestStore } from '../store/help.ts';

export const PER_DEPLOYMENT = 10;
/** Sixteen months of 100,000 deployments. */
const APART_MS = 420_000;
/** Deployments that go to the store together. */
const STEP = 500;

const RADII = ['low', 'medium', 'high', 'critical'] as const;
const REPOS = 60;

/** A body with the parts that differ from deployment to deployment taken out, to be filled in. */
interface Template {
  readonly pieces: readonly string[];
  readonly details: SealableEvent['details'];
}

const MARKS = {
  run: 770_077,
  number: 880_088,
  atMs: START_MS + 7,
  decision: uuid(990_099),
} as const;

function templateOf(made: SealableEvent): Template {
  const id = uuid(MARKS.number, MARKS.atMs);
  const body = made.body
    .replaceAll(id, '\u0001id\u0001')
    .replaceAll(MARKS.decision, '\u0001decision\u0001')
    .replaceAll(String(MARKS.atMs), '\u0001at\u0001')
    .replaceAll(String(MARKS.run), '\u0001run\u0001')
    .replaceAll(String(MARKS.number), '\u0001number\u0001')
    .replaceAll('1700000000000', '\u0001asked\u0001')
    .replaceAll('"radius":"high"', '"radius":"\u0001radius\u0001"')
    .replaceAll('acme/shop', 'acme/\u0001repo\u0001');
  return { pieces: body.split('\u0001'), details: made.details };
}

function filled({ pieces }: Template, values: Readonly<Record<string, string>>): string {
  return pieces.map((piece, at) => (at % 2 === 1 ? (values[piece] ?? '') : piece)).join('');
}

const base = { atMs: MARKS.atMs, number: MARKS.number } as const;
const outcome = release({ ...base, runId: MARKS.run, decision: MARKS.decision });
const reminded = {
  ...outcome,
  body: outcome.body.replace('"state":"approved"', '"state":"rejected"'),
};
/** The events of one deployment in their order; the seventh decision is the one that releases. */
const TEMPLATES: readonly Template[] = [
  decision({ ...base, verdict: 'hold' }),
  reminded,
  reminded,
  decision({ ...base, verdict: 'allow' }),
  reminded,
  decision({ ...base, runId: MARKS.run, verdict: 'hold' }),
  decision({ ...base, runId: MARKS.run, verdict: 'allow' }),
  outcome,
  reminded,
  reminded,
].map(templateOf);
const ALLOWS = 6;

interface Made {
  readonly body: string;
  readonly details: SealableEvent['details'];
}

/** What happened around one deployment; one in a hundred was never released. */
function eventsOf(deployment: number): readonly Made[] {
  const first = deployment * PER_DEPLOYMENT;
  const atMs = (step: number): number => START_MS + deployment * APART_MS + step * 4_000;
  const held = deployment % 100 === 99;
  return TEMPLATES.flatMap((template, step) => {
    if (held && (step === ALLOWS || step === ALLOWS + 1)) return [];
    const values = {
      id: uuid(first + step, atMs(step)),
      decision: uuid(first + ALLOWS, atMs(ALLOWS)),
      at: String(atMs(step)),
      asked: String(atMs(0) - (deployment % 900) * 60_000 - 90_000),
      run: String(deployment + 1),
      number: String(first + step),
      radius: RADII[(deployment * 7) % RADII.length] ?? 'low',
      repo: `service-${deployment % REPOS}`,
    };
    return [{ body: filled(template, values), details: template.details }];
  });
}

/** Writes so many deployments, with personal texts, and seals them at their times. */
export async function fillReportLog(t: TestStore, deployments: number): Promise<void> {
  const logId = 1;
  for (let from = 0; from < deployments; from += STEP) {
    const made = Array.from({ length: Math.min(STEP, deployments - from) }, (_, at) =>
      eventsOf(from + at),
    ).flat();
    const bodies = made.map(({ body }) => body);
    const rows = await t.root<{ id: string }[]>`insert into audit.event (body)
      select b from unnest(${bodies}::text[]) with ordinality as e(b, n) order by n
      returning id`;
    const ids = rows.map((row) => Number(row.id)).toSorted((a, b) => a - b);
    const details = made.flatMap((event, at) =>
      event.details.map((detail) => ({ ...detail, row: ids[at] ?? 0 })),
    );
    await t.root`insert into audit.detail (event_row, path, salt, value)
      select r, p, decode(s, 'hex'), v from unnest(
        ${details.map(({ row }) => row)}::bigint[], ${details.map(({ path }) => path)}::text[],
        ${details.map(({ salt }) => Buffer.from(salt).toString('hex'))}::text[],
        ${details.map(({ value }) => value)}::text[]) as d(r, p, s, v)`;
    t.clock.nowMs = START_MS + (from + STEP) * APART_MS;
    await t.store.sealer.sealNow(logId);
  }
  await t.root`analyze`;
}
