/** Workflow files as a way round the gate: secrets without an environment. */
import { environmentRule } from './environments.ts';
import type { Policy } from './policy.ts';
import type { PostureFinding, RepositoryPosture, WorkflowText } from './posture.ts';
import { jobsOf } from './posture-workflows.ts';
import type { JobFacts } from './posture-workflows.ts';
import { line, list } from './words/text.ts';

/** Environments that the repository's workflow files name, as far as they tell. */
export function namedEnvironments(repo: RepositoryPosture): readonly string[] {
  const files = repo.workflows.seen ? repo.workflows.value : [];
  const jobs = files.flatMap((file) => jobsOf(file) ?? []);
  const names = jobs.flatMap(({ environment }) => (environment === null ? [] : [environment]));
  return [...new Set(names)].filter((name) => name !== '');
}

function about(repo: RepositoryPosture, file: WorkflowText): string {
  return `${repo.fullName} ${line(file.path, 150)}`;
}

function page(repo: RepositoryPosture, file: WorkflowText): string {
  return `${repo.webUrl}/blob/HEAD/${file.path.split('/').map(encodeURIComponent).join('/')}`;
}

function secretsOf(jobs: readonly JobFacts[]): string {
  const names = [...new Set(jobs.flatMap(({ secrets }) => secrets))];
  if (names.includes('*')) return 'all secrets of the repository';
  return `secrets (${line(list(names), 200)})`;
}

function jobsNamed(jobs: readonly JobFacts[]): string {
  const names = line(list(jobs.map(({ job }) => job)), 150);
  return jobs.length === 1 ? `The job ${names} uses` : `The jobs ${names} use`;
}

/** Jobs that read secrets and name no environment. */
function outside(
  repo: RepositoryPosture,
  file: WorkflowText,
  jobs: readonly JobFacts[],
): readonly PostureFinding[] {
  const free = jobs.filter(
    ({ environment, secrets }) => environment === null && secrets.length > 0,
  );
  const mend = { place: page(repo, file), command: null };
  const of = (some: readonly JobFacts[], deploys: boolean): PostureFinding[] => {
    if (some.length === 0) return [];
    const says = deploys
      ? `${jobsNamed(some)} ${secretsOf(some)} without an environment and looks like a way to ` +
        'production: whoever can push a branch can use them without being judged. Move the ' +
        'secrets into a guarded environment and name it in the job.'
      : `${jobsNamed(some)} ${secretsOf(some)} without an environment: whoever can push a branch ` +
        'can use them. If one of them reaches production, move it into a guarded environment.';
    const id = deploys ? 'deploys-outside-environment' : 'secrets-outside-environment';
    const level = deploys ? 'open' : 'advice';
    const which = jobsNamed(some);
    return [{ id, level, about: about(repo, file), says, mend, which }];
  };
  return [
    ...of(
      free.filter(({ deploys }) => deploys),
      true,
    ),
    ...of(
      free.filter(({ deploys }) => !deploys),
      false,
    ),
  ];
}

/** Jobs of which the file does not tell whether GitHub asks for the rule. */
function untold(
  repo: RepositoryPosture,
  file: WorkflowText,
  job: JobFacts,
  policy: Policy,
): readonly PostureFinding[] {
  const mend = { place: page(repo, file), command: null };
  const name = line(job.job, 80);
  if (job.environment === '') {
    const says =
      `The job ${name} names its environment by an expression, so that the file does not tell ` +
      'whether it is a guarded one. Name it plainly where you can.';
    return [{ id: 'environment-computed', level: 'advice', about: about(repo, file), says, mend }];
  }
  const guarded = job.environment !== null && environmentRule(policy, job.environment) !== null;
  if (!guarded || !job.withoutDeployment) return [];
  const says =
    `The job ${name} takes the environment with \`deployment: false\`: it gets the secrets, and ` +
    'GitHub does not promise to ask the rule first. Take that line out.';
  const id = 'environment-without-deployment';
  return [{ id, level: 'unknown', about: about(repo, file), says, mend }];
}

/** Findings about the workflow files of the default branch. */
export function judgeWorkflows(repo: RepositoryPosture, policy: Policy): readonly PostureFinding[] {
  if (!repo.workflows.seen) {
    const says = `Its workflow files could not be read: ${repo.workflows.why}`;
    const mend = { place: `${repo.webUrl}/tree/HEAD/.github/workflows`, command: null };
    return [{ id: 'workflows-unseen', level: 'unknown', about: repo.fullName, says, mend }];
  }
  return repo.workflows.value.flatMap((file) => {
    const jobs = jobsOf(file);
    if (jobs !== null) {
      return [
        ...outside(repo, file, jobs),
        ...jobs.flatMap((job) => untold(repo, file, job, policy)),
      ];
    }
    const says = 'The workflow file could not be read as one: what its jobs use is not known.';
    const mend = { place: page(repo, file), command: null };
    return [{ id: 'workflow-unseen', level: 'unknown', about: about(repo, file), says, mend }];
  });
}
