/** Finds and reads the plan that a pull request's own workflow printed: the artifact `tagout-plan`. */
import { z } from 'zod';
import { sha256Hex } from '../core/canonical.ts';
import { PRINTED_PLAN } from '../core/dry-run.ts';
import { PRINTED_LIMITS, type Printed, touchedPrinting } from '../migrations/printed-plan.ts';
import { getPages } from './clients.ts';
import type { TwoTrees } from './dry-run.ts';
import { isRefusal } from './faults.ts';
import { parseAnswer, place, type Reading, shaSchema } from './reading.ts';
import { readZip } from './zip.ts';

const runSchema = z.object({
  id: z.int().positive(),
  head_sha: shaSchema,
  event: z.string(),
  path: z.string(),
  status: z.string().nullable(),
  conclusion: z.string().nullable(),
  repository: z.object({ id: z.int() }),
  head_repository: z.object({ id: z.int() }).nullish(),
});
type Run = z.infer<typeof runSchema>;

const artifactSchema = z.object({
  id: z.int().positive(),
  name: z.string(),
  size_in_bytes: z.int().nonnegative(),
  expired: z.boolean(),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .nullish(),
  workflow_run: z
    .object({
      id: z.int(),
      repository_id: z.int(),
      head_repository_id: z.int(),
      head_sha: shaSchema,
    })
    .nullish(),
});
type Artifact = z.infer<typeof artifactSchema>;

const runsSchema = z.object({ workflow_runs: z.array(runSchema) });
const artifactsSchema = z.object({ artifacts: z.array(artifactSchema) });

/** More runs for one commit than this are not looked through: a plan among them is refused. */
const MAX_RUNS = 50;

/**
 * The plan for a head commit. Only a run of this very commit counts, that a pull request of this
 * repository itself started and that ended well. `trees` are the base and the change laid over it,
 * for what decides about the printing. Throws GitHubFault when GitHub could not be asked.
 */
export async function readPrinted(
  reading: Reading,
  headSha: string,
  trees: TwoTrees,
): Promise<Printed> {
  const { rows, complete } = await getPages(reading.client, '/repos/{owner}/{repo}/actions/runs', {
    parameters: { ...place(reading.repo), head_sha: headSha, event: 'pull_request' },
    rows: (data) => parseAnswer(runsSchema, data, 'workflow runs').workflow_runs,
    pages: 1,
  });
  if (!complete || rows.length > MAX_RUNS) {
    return refuse('This commit has more workflow runs than are looked through. Push a new commit.');
  }
  const own = rows.filter((run) => run.head_sha === headSha && run.event === 'pull_request');
  const found: { readonly run: Run; readonly artifact: Artifact }[] = [];
  for (const run of newestOfEach(own)) {
    const artifact = await artifactOf(reading, run);
    if (artifact !== null) found.push({ run, artifact });
  }
  const [only, other] = found;
  if (only === undefined) return { kind: 'none' };
  if (other !== undefined) {
    return refuse(
      `${workflowOf(only.run)} and ${workflowOf(other.run)} both made an artifact named ` +
        `${PRINTED_PLAN}. Let one workflow make it.`,
    );
  }
  const why = unfit(reading, only.run, headSha) ?? bound(only, reading.repo.id, headSha);
  if (why !== null) return refuse(why);
  const touched = await decided(trees, workflowOf(only.run));
  return touched === null ? download(reading, only) : refuse(touched);
}

function refuse(why: string): Printed {
  return { kind: 'refused', why };
}

/** The file of the workflow; GitHub puts a ref behind it for some. */
function workflowOf(run: Run): string {
  return run.path.replace(/@.*$/s, '');
}

/** A workflow can have run several times for one commit: the last run has the last word. */
function newestOfEach(runs: readonly Run[]): readonly Run[] {
  const newest = new Map<string, Run>();
  for (const run of runs) {
    const known = newest.get(workflowOf(run));
    if (known === undefined || known.id < run.id) newest.set(workflowOf(run), run);
  }
  return [...newest.values()];
}

/** The newest artifact of the plan's name; a repeated attempt adds another to the same run. */
async function artifactOf(reading: Reading, run: Run): Promise<Artifact | null> {
  const { rows } = await getPages(
    reading.client,
    '/repos/{owner}/{repo}/actions/runs/{run_id}/artifacts',
    {
      parameters: { ...place(reading.repo), run_id: run.id, name: PRINTED_PLAN },
      rows: (data) => parseAnswer(artifactsSchema, data, 'artifacts of a run').artifacts,
      pages: 1,
    },
  );
  const named = rows.filter(({ name }) => name === PRINTED_PLAN);
  return named.toSorted((a, b) => b.id - a.id)[0] ?? null;
}

/** Why a run's word does not count for this commit; null when it does. */
function unfit(reading: Reading, run: Run, headSha: string): string | null {
  const path = workflowOf(run);
  if (run.repository.id !== reading.repo.id || run.head_repository?.id !== reading.repo.id) {
    return (
      `The printed plan comes from a run of another repository (${path}), such as a fork, and is ` +
      'not taken. Push the branch to this repository, so that its own workflow prints the plan.'
    );
  }
  if (run.status !== 'completed') {
    return `The workflow ${path} has not finished for ${headSha}; this is judged again when it has.`;
  }
  if (run.conclusion === 'success') return null;
  return (
    `The workflow ${path} ended as ${run.conclusion ?? 'unknown'} for ${headSha}, so its plan is ` +
    'not taken. Correct what failed and run it again.'
  );
}

/** Why an artifact is not the one of this run and commit; null when it is. */
function bound(
  { run, artifact }: { readonly run: Run; readonly artifact: Artifact },
  repoId: number,
  headSha: string,
): string | null {
  const made = artifact.workflow_run;
  const own =
    made?.id === run.id &&
    made.repository_id === repoId &&
    made.head_repository_id === repoId &&
    made.head_sha === headSha;
  if (!own) return `The printed plan is not the one of run ${run.id} for ${headSha}. Run it again.`;
  if (artifact.expired) {
    return `The printed plan of run ${run.id} has expired. Run its workflow again.`;
  }
  if (artifact.size_in_bytes <= PRINTED_LIMITS.packedBytes) return null;
  return tooLarge(artifact.size_in_bytes);
}

function tooLarge(bytes: number): string {
  return (
    `The printed plan is ${bytes} bytes large, and at most ${PRINTED_LIMITS.packedBytes} are read. ` +
    'Print the new migrations only, and split the change.'
  );
}

/** Why a workflow's word does not count for a change that decides what it says. */
async function decided(trees: TwoTrees, workflow: string): Promise<string | null> {
  if (trees.base.entries.some(({ path }) => path === workflow)) {
    return touchedPrinting(trees, workflow);
  }
  return (
    `The printed plan comes from ${workflow}, which the base branch does not have. Bring the ` +
    'workflow to the base branch in a pull request of its own first.'
  );
}

async function download(
  reading: Reading,
  { run, artifact }: { readonly run: Run; readonly artifact: Artifact },
): Promise<Printed> {
  const { owner, name } = reading.repo;
  let packed: Uint8Array | null;
  try {
    packed = await reading.client.download(
      `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}/actions/artifacts/${artifact.id}/zip`,
      PRINTED_LIMITS.packedBytes,
    );
  } catch (fault) {
    if (!isRefusal(fault, 404, 410)) throw fault;
    return refuse(`The printed plan of run ${run.id} is gone. Run its workflow again.`);
  }
  if (packed === null) return refuse(tooLarge(artifact.size_in_bytes));
  const { digest } = artifact;
  if (typeof digest === 'string' && digest !== `sha256:${sha256Hex(packed)}`) {
    return refuse(`The printed plan of run ${run.id} is not what GitHub recorded. Run it again.`);
  }
  const read = readZip(packed, PRINTED_LIMITS);
  if (!read.ok) return refuse(`The printed plan ${read.why}. Upload plain .sql files.`);
  return { kind: 'plan', files: read.files, source: workflowOf(run), runId: run.id };
}
