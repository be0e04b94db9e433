/**
 * Which deployments a job of a workflow made. GitHub itself writes a job's deployment on the job's
 * check run; everything else that names a run (a status's `log_url`, the creator, the app it was
 * made through) is text or an account that whoever may write to the repository can have.
 */
import { z } from 'zod';
import { getPages } from './clients.ts';
import { noteGap, parseAnswer, place, type Reading } from './reading.ts';

/** Pages of 100 check runs of one commit, all attempts of all jobs. */
const MAX_PAGES = 20;

const checksSchema = z.object({
  check_runs: z.array(
    z.object({
      app: z.object({ slug: z.string().nullish() }).nullish(),
      conclusion: z.string().nullable(),
      details_url: z.string().nullish(),
      deployment: z.object({ id: z.int() }).nullish(),
    }),
  ),
});

/** The job that made a deployment. */
export interface DeployingJob {
  readonly deploymentId: number;
  readonly succeeded: boolean;
  readonly runId: number | null;
}

/** The deployments that jobs on this commit made, by the deployment's id. */
export async function deployingJobs(
  reading: Reading,
  sha: string,
): Promise<ReadonlyMap<number, DeployingJob>> {
  const list = await getPages(reading.client, '/repos/{owner}/{repo}/commits/{ref}/check-runs', {
    parameters: { ...place(reading.repo), ref: sha, filter: 'all' },
    pages: MAX_PAGES,
    rows: (data) => parseAnswer(checksSchema, data, 'the jobs of a commit').check_runs,
  });
  if (!list.complete) {
    noteGap(reading, {
      what: 'jobs',
      why: 'truncated',
      detail: `The commit ${sha.slice(0, 12)} has more than ${list.rows.length} check runs; deploy a later commit.`,
    });
  }
  const jobs = list.rows.flatMap((row): DeployingJob[] => {
    const id = row.deployment?.id;
    if (row.app?.slug !== 'github-actions' || id === undefined) return [];
    const [, run] = /\/actions\/runs\/([1-9]\d{0,14})(?:\/|$)/.exec(row.details_url ?? '') ?? [];
    const runId = run === undefined ? null : Number(run);
    return [{ deploymentId: id, succeeded: row.conclusion === 'success', runId }];
  });
  return new Map(jobs.map((job) => [job.deploymentId, job]));
}
