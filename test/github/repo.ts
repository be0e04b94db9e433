/** The driver's handles: a repository, a pull request and a workflow run, in GitHub's words. */
import { moveRef, openPull } from './acts-code.ts';
import { addStatus, emitDeployment, newDeployment } from './acts-deploy.ts';
import { bypassGates, finish, rerun, startRun } from './acts-run.ts';
import { commitTo, type CommitOptions, type Who } from './commits.ts';
import {
  changeRuleset,
  destroyGroup,
  mergeGroup,
  pressCheck,
  type MergeGroup,
} from './acts-more.ts';
import { environmentOf, protect } from './environments.ts';
import { Pull } from './pull.ts';
import type {
  Account,
  AppRecord,
  CheckRun,
  Deployment,
  Environment,
  JobRecord,
  Json,
  Permission,
  RepoRecord,
  RunRecord,
} from './state.ts';
import { fullName } from './state.ts';
import type { World } from './world.ts';
import { zipOf } from './zip.ts';

export interface OpenPullOptions {
  readonly author: Who;
  readonly head: string;
  readonly headRepo?: Repo;
  readonly base?: string;
  readonly title?: string;
  readonly body?: string | null;
  readonly draft?: boolean;
  /** Slug of the app through which the author opened it (`performed_via_github_app`). */
  readonly viaApp?: AppRecord | string;
}

export interface StartRunOptions {
  readonly sha?: string;
  readonly branch?: string;
  /** Null: a run that deploys nowhere. */
  readonly environment?: string | null;
  readonly event?: string;
  /** Reusable workflows of elsewhere, as they are now. */
  readonly referenced?: RunRecord['referenced'];
  readonly actor: Who;
  readonly path?: string;
  readonly name?: string;
  /** Ends by itself once released; yes when absent. */
  readonly autoComplete?: boolean;
  /** The fork that a pull request's run comes from. */
  readonly headRepo?: Repo;
  /** Another commit in the deployment than in the run. */
  readonly deploymentSha?: string;
  /** `environment: {name, deployment: false}`: no deployment object. */
  readonly deployment?: boolean;
}

/** What both handles share. */
export class Named {
  readonly world: World;
  readonly record: RepoRecord;

  constructor(world: World, record: RepoRecord) {
    this.world = world;
    this.record = record;
  }

  who(who: Who): Account {
    return typeof who === 'string' ? this.world.account(who) : who;
  }
}

export class Repo extends Named {
  get fullName(): string {
    return fullName(this.record);
  }

  get id(): number {
    return this.record.id;
  }

  /** The commit that a branch is at. */
  sha(branch: string = this.record.defaultBranch): string {
    const sha = this.record.branches.get(branch);
    if (sha === undefined) throw new Error(`${this.fullName} has no branch ${branch}`);
    return sha;
  }

  /** Commits and pushes; answers the new commit. */
  commit(options: CommitOptions): Promise<string> {
    return commitTo(this.world, this.record, options);
  }

  /** Points a branch at a commit, as a push with force does; null deletes it. */
  async push(branch: string, sha: string | null, by: Who): Promise<void> {
    await moveRef(this.world, { repo: this.record, branch, sha, by: this.who(by) });
  }

  async openPull(options: OpenPullOptions): Promise<Pull> {
    const { world, record } = this;
    const pull = await openPull(world, {
      repo: record,
      author: this.who(options.author),
      title: options.title ?? options.head,
      body: options.body ?? null,
      base: options.base ?? record.defaultBranch,
      head: options.head,
      headRepo: options.headRepo?.record ?? record,
      draft: options.draft ?? false,
      viaApp: options.viaApp ?? null,
    });
    return new Pull(world, record, pull);
  }

  pull(number: number): Pull {
    const pull = this.record.pulls.get(number);
    if (pull === undefined) throw new Error(`${this.fullName} has no pull request ${number}`);
    return new Pull(this.world, this.record, pull);
  }

  /** An administrator changes a ruleset, with the webhook `repository_ruleset`. */
  ruleset(by: Who, action: 'created' | 'edited' | 'deleted', ruleset: Json): void {
    changeRuleset(this.world, { repo: this.record, by: this.who(by), ruleset }, action);
  }

  /** Makes an environment, with the app's custom protection rule enabled if asked. */
  environment(
    name: string,
    options: { readonly protectedByApp?: boolean; readonly app?: AppRecord } = {},
  ): Environment {
    const environment = environmentOf(this.world, this.record, name);
    const app = options.app ?? this.world.apps[0];
    if (options.protectedByApp === true && app !== undefined) {
      protect(this.world, environment, app);
    }
    return environment;
  }

  /** Removes an environment; jobs that wait for it fail. */
  async deleteEnvironment(name: string): Promise<void> {
    this.record.environments.delete(name.toLowerCase());
    for (const run of this.record.runs) {
      for (const job of run.jobs) {
        const waits =
          job.status === 'waiting' && job.environment?.toLowerCase() === name.toLowerCase();
        if (waits)
          await finish(this.world, { repo: this.record, run }, { job, conclusion: 'failure' });
      }
    }
  }

  async startRun(options: StartRunOptions): Promise<Run> {
    const branch = options.branch ?? this.record.defaultBranch;
    const run = await startRun(this.world, {
      repo: this.record,
      sha: options.sha ?? this.sha(branch),
      branch,
      environment: options.environment === undefined ? 'production' : options.environment,
      event: options.event ?? 'push',
      actor: this.who(options.actor),
      path: options.path ?? '.github/workflows/deploy.yml',
      name: options.name ?? 'Deploy',
      autoComplete: options.autoComplete ?? true,
      deploymentSha: options.deploymentSha ?? null,
      deployment: options.deployment ?? true,
      ...(options.referenced === undefined ? {} : { referenced: options.referenced }),
      ...(options.headRepo === undefined ? {} : { headRepo: options.headRepo.record }),
    });
    return new Run(this.world, this.record, run);
  }

  run(id: number): Run {
    const run = this.record.runs.find((one) => one.id === id);
    if (run === undefined) throw new Error(`${this.fullName} has no run ${id}`);
    return new Run(this.world, this.record, run);
  }

  /** A deployment made by the API, with no workflow run. */
  async deploy(options: {
    readonly sha?: string;
    readonly environment?: string;
    readonly by: Who;
    readonly state?: string;
  }): Promise<Deployment> {
    const sha = options.sha ?? this.sha();
    const environment = environmentOf(this.world, this.record, options.environment ?? 'production');
    const creator = this.who(options.by);
    const made = { sha, ref: sha, environment: environment.name, creator, run: null };
    const deployment = newDeployment(this.world, this.record, made);
    const at = { repo: this.record, run: null };
    await emitDeployment(this.world, at, deployment);
    await addStatus(this.world, at, deployment, options.state ?? 'success');
    return deployment;
  }

  /** Our and others' check runs on a commit, oldest first. */
  checkRuns(sha: string): readonly CheckRun[] {
    return this.record.checkRuns.filter((run) => run.headSha === sha);
  }

  get deployments(): readonly Deployment[] {
    return this.record.deployments;
  }

  /** A merge group of these pull requests, with its checks asked for. */
  mergeGroup(pulls: readonly Pull[]): Promise<MergeGroup> {
    const records = pulls.map((pull) => pull.record);
    return mergeGroup(this.world, this.record, records);
  }

  destroyGroup(group: MergeGroup, reason: 'merged' | 'invalidated' | 'dequeued'): void {
    destroyGroup(this.world, this.record, group, reason);
  }

  /** A person presses a button of a check run, or "Re-run" when no button is named. */
  pressCheck(run: CheckRun, by: Who, identifier: string | null = null): void {
    pressCheck(this.world, { repo: this.record, run, by: this.who(by) }, identifier);
  }

  /** Gives a person a role; null takes it away. */
  collaborator(who: Who, permission: Permission | null): void {
    const login = this.who(who).login.toLowerCase();
    if (permission === null) {
      this.record.collaborators.delete(login);
      return;
    }
    this.record.collaborators.set(login, permission);
  }

  /** Deletes the repository; pull requests from it lose their head repository. */
  delete(): void {
    this.record.deleted = true;
    for (const other of this.world.repos.values()) {
      for (const pull of other.pulls.values()) {
        if (pull.headRepo === this.record) pull.headRepo = null;
      }
    }
  }
}

export class Run extends Named {
  readonly run: RunRecord;

  constructor(world: World, record: RepoRecord, run: RunRecord) {
    super(world, record);
    this.run = run;
  }

  get id(): number {
    return this.run.id;
  }

  /** `waiting`, `in_progress`, … or, once it ended, how: `success`, `failure`, `cancelled`. */
  get state(): string {
    return this.run.conclusion ?? this.run.status;
  }

  get job(): JobRecord {
    const job = this.run.jobs.at(-1);
    if (job === undefined) throw new Error('this run has no job');
    return job;
  }

  get deployment(): Deployment | null {
    return this.job.deployment;
  }

  /** What our app wrote to the gate: notes and the comment of its decision. */
  get notes(): readonly string[] {
    return this.job.gates.flatMap((gate) => gate.notes);
  }

  /** "Re-run all jobs": attempt + 1. */
  rerun(by: Who): Promise<void> {
    return rerun(this.world, { repo: this.record, run: this.run }, this.who(by));
  }

  /** An administrator's "Start all waiting jobs". */
  bypass(by: Who): Promise<void> {
    return bypassGates(this.world, { repo: this.record, run: this.run }, this.who(by));
  }

  /** `actions/upload-artifact`: files by name, or a ready archive. Kept for 90 days. */
  upload(name: string, content: Readonly<Record<string, string | Buffer>> | Buffer): number {
    const atMs = this.world.now();
    const id = this.world.nextId('artifact');
    const zip = Buffer.isBuffer(content) ? content : zipOf(content);
    const expiresAtMs = atMs + 90 * 86_400_000;
    this.run.artifacts.push({ id, name, zip, createdAtMs: atMs, expiresAtMs });
    return id;
  }

  /** Ends the current job, for runs that do not end by themselves. */
  finish(conclusion: 'success' | 'failure' | 'cancelled' = 'success'): Promise<void> {
    return finish(this.world, { repo: this.record, run: this.run }, { job: this.job, conclusion });
  }
}
