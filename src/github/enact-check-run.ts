/** Writes our check run: made once for a commit, then edited. */
import { z } from 'zod';
import type { Annotation, Effect, EffectOutcome } from '../core/effect.ts';
import { withReceipt } from '../core/words/receipt.ts';
import type { Answer } from './clients.ts';
import type { Writing } from './enact.ts';
import { isRefusal } from './faults.ts';
import { parseAnswer, place } from './reading.ts';

type CheckRun = Extract<Effect, { kind: 'check-run' }>;

/** `external_id` while a dry run goes on; a conclusion puts its own there. */
export const PROGRESS_ID = 'dry-run-in-progress';

/** GitHub takes this many annotations in one request. */
const BATCH = 50;

const answerSchema = z.object({
  id: z.int(),
  app: z.object({ slug: z.string().optional() }).nullish(),
  output: z.object({ annotations_count: z.int().optional() }).nullish(),
});

interface Written {
  readonly id: number;
  readonly annotations: number;
  readonly atMs: number;
  readonly httpStatus: number;
}

/** Makes or edits the check run. Annotations only ever add up, so that what is there is counted. */
export async function writeCheckRun(effect: CheckRun, writing: Writing): Promise<EffectOutcome> {
  const id = writing.known.checkRunId ?? (await findEarlier(effect, writing));
  const edited = id === null ? null : await edit(effect, writing, id);
  let written = edited ?? (await create(effect, writing));
  const first = written;
  while (written.annotations < effect.annotations.length) {
    // Each batch is added to the last, so that they follow one another.
    const next = await addAnnotations(effect, writing, written);
    if (next.annotations <= written.annotations) break;
    written = next;
  }
  return {
    status: 'done',
    githubId: first.id,
    githubAtMs: first.atMs,
    httpStatus: first.httpStatus,
    detail: null,
    retryAfterMs: null,
  };
}

function bodyOf(
  effect: CheckRun,
  { known }: Writing,
  annotations: readonly Annotation[],
): Record<string, unknown> {
  return {
    ...place(effect.repo),
    name: effect.name,
    external_id: effect.externalId,
    status: 'completed',
    conclusion: effect.conclusion,
    output: {
      title: effect.title,
      summary: withReceipt(effect.summary, known.receipt ?? null),
      text: effect.text,
      annotations: annotations.map((one) => ({
        path: one.path,
        start_line: one.startLine,
        end_line: one.endLine,
        annotation_level: one.level,
        title: one.title,
        message: one.message,
      })),
    },
  };
}

async function create(effect: CheckRun, writing: Writing): Promise<Written> {
  const body = {
    ...bodyOf(effect, writing, effect.annotations.slice(0, BATCH)),
    head_sha: effect.headSha,
  };
  const answer = await writing.write.send('POST', '/repos/{owner}/{repo}/check-runs', body);
  return writtenOf(answer, writing, Math.min(BATCH, effect.annotations.length));
}

/** Edits the run; null when it is gone, or shows annotations that no longer hold. */
async function edit(effect: CheckRun, writing: Writing, id: number): Promise<Written | null> {
  try {
    const path = '/repos/{owner}/{repo}/check-runs/{check_run_id}';
    const body = { ...bodyOf(effect, writing, []), check_run_id: id };
    const written = writtenOf(await writing.write.send('PATCH', path, body), writing, 0);
    return written.annotations > effect.annotations.length ? null : written;
  } catch (fault) {
    if (isRefusal(fault, 404)) return null;
    throw fault;
  }
}

async function addAnnotations(effect: CheckRun, writing: Writing, at: Written): Promise<Written> {
  const batch = effect.annotations.slice(at.annotations, at.annotations + BATCH);
  const path = '/repos/{owner}/{repo}/check-runs/{check_run_id}';
  const body = { ...bodyOf(effect, writing, batch), check_run_id: at.id };
  const answer = await writing.write.send('PATCH', path, body);
  return writtenOf(answer, writing, at.annotations + batch.length);
}

function writtenOf(answer: Answer, writing: Writing, sent: number): Written {
  const read = parseAnswer(answerSchema, answer.data, 'the check run');
  const slug = read.app?.slug;
  if (slug !== undefined) writing.self.slug = slug;
  return {
    id: read.id,
    annotations: read.output?.annotations_count ?? sent,
    atMs: answer.atMs,
    httpStatus: answer.status,
  };
}

const listSchema = z.object({
  check_runs: z.array(
    z.object({
      id: z.int(),
      name: z.string(),
      external_id: z.string().nullish(),
      app: z.object({ slug: z.string().optional() }).nullish(),
    }),
  ),
});

/** After a write without an answer: the run that it may have made. */
async function findEarlier(effect: CheckRun, writing: Writing): Promise<number | null> {
  if (!writing.known.uncertain) return null;
  const answer = await writing.look.get('/repos/{owner}/{repo}/commits/{ref}/check-runs', {
    ...place(effect.repo),
    ref: effect.headSha,
    check_name: effect.name,
    filter: 'all',
    per_page: 100,
  });
  const { check_runs: runs } = parseAnswer(listSchema, answer.data, 'the check runs');
  // Anybody who may write checks can copy an id of ours; another app's run is not ours to edit.
  const ours = ({ app }: (typeof runs)[number]): boolean =>
    writing.self.slug === null || app?.slug === writing.self.slug;
  const known = [effect.externalId, PROGRESS_ID];
  return runs.find((run) => ours(run) && known.includes(run.external_id ?? ''))?.id ?? null;
}
