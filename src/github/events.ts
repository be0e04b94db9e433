/**
 * The event table: which webhook makes the line look again, and where (the rows about people and
 * about what holds production around the gate are in events-around.ts). A row turns a payload into
 * locators and into nothing else. Payloads come late, twice, out of order and forged, so that no
 * fact of theirs is kept: an address that is wrong is found out when it is read.
 */
import { z } from 'zod';
import { TagoutError } from '../core/errors.ts';
import type { Locator, RepoRef, Trigger } from '../core/subject.ts';
import { type Row, row, type Self } from './event-row.ts';
import { AROUND } from './events-around.ts';

export type { Self } from './event-row.ts';

const senderSchema = z.object({ login: z.string(), type: z.string().optional() });
const shaSchema = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/);

const pullSchema = z.object({ number: z.int().positive(), state: z.string().optional() });

const pullRequest: Row = row({ pull_request: pullSchema }, (repo, { pull_request }) => [
  { kind: 'pull-request', repo, number: pull_request.number },
]);

/** Another pull request with the same head may have been held by the one that is gone. */
const closedPull: Row = row(
  { pull_request: pullSchema.extend({ head: z.object({ sha: shaSchema }) }) },
  (repo, { pull_request: { number, head } }) => [
    { kind: 'pull-request', repo, number },
    { kind: 'commit', repo, sha: head.sha },
  ],
);

/** A review of a merged pull request can release what waits at a gate (late review). */
const review: Row = row({ pull_request: pullSchema }, (repo, { pull_request }) => {
  const pull: Locator = { kind: 'pull-request', repo, number: pull_request.number };
  return pull_request.state === 'closed' ? [pull, { kind: 'repository', repo }] : [pull];
});

/** Labels are output only: a change to one of ours is put right, our own change is no news. */
const label: Row = row(
  {
    pull_request: pullSchema,
    label: z.object({ name: z.string() }).optional(),
    sender: senderSchema.optional(),
  },
  (repo, payload, self) => {
    const ours =
      payload.label === undefined || payload.label.name.toLowerCase().startsWith('blast-radius:');
    if (!ours || isSelf(payload.sender, self)) return [];
    return [{ kind: 'pull-request', repo, number: payload.pull_request.number }];
  },
);

/** A comment can call an agent, which makes its author an operator. It never approves anything. */
const comment: Row = row(
  {
    issue: z.object({ number: z.int().positive(), pull_request: z.unknown().optional() }),
    sender: senderSchema.optional(),
  },
  (repo, { issue, sender }, self) => {
    if (issue.pull_request === undefined || issue.pull_request === null) return [];
    if (isSelf(sender, self)) return [];
    return [{ kind: 'pull-request', repo, number: issue.number }];
  },
);

const checkRun: Row = row({ check_run: z.object({ head_sha: shaSchema }) }, (repo, payload) => [
  { kind: 'commit', repo, sha: payload.check_run.head_sha },
]);

const checkSuite: Row = row({ check_suite: z.object({ head_sha: shaSchema }) }, (repo, payload) => [
  { kind: 'commit', repo, sha: payload.check_suite.head_sha },
]);

/**
 * The run id stands only in the callback URL. The URL itself is never called: its path must be the
 * one that GitHub documents for this very repository, and the id in it is read from GitHub before
 * anything is believed. A payload without a usable id makes the line look at every waiting run.
 */
const protectionRule: Row = row(
  {
    environment: z.string().min(1).max(255).optional(),
    deployment_callback_url: z.string().max(2048).optional(),
    deployment: z.object({ id: z.int().positive() }).nullish(),
  },
  (repo, payload) => {
    const runId = runIdOf(payload.deployment_callback_url, repo);
    if (runId === null || payload.environment === undefined) return [{ kind: 'repository', repo }];
    const deploymentId = payload.deployment?.id ?? null;
    return [{ kind: 'deployment', repo, runId, environment: payload.environment, deploymentId }];
  },
);

const deployedSchema = z.object({
  id: z.int().positive(),
  environment: z.string().min(1).max(255),
  sha: shaSchema,
});
const runSchema = z.object({ id: z.int().positive() }).nullish();

/** Where a deployment is looked at: its run, or without one the commit that is deployed. */
function deployed(
  repo: RepoRef,
  { id, environment, sha }: z.infer<typeof deployedSchema>,
  runId: number | null,
): Locator {
  if (runId === null) return { kind: 'external', repo, environment, sha, deploymentId: id };
  return { kind: 'deployment', repo, runId, environment, deploymentId: id };
}

/** A deployment that no workflow makes has no gate to wait at: its commit gets the answer. */
const deployment: Row = row(
  { deployment: deployedSchema, workflow_run: runSchema },
  (repo, { deployment: made, workflow_run: run }) =>
    run === null || run === undefined ? [deployed(repo, made, null)] : [],
);

/** What has started may have come past the gate. */
const deploymentStatus: Row = row(
  {
    deployment: deployedSchema,
    deployment_status: z.object({ state: z.string() }),
    workflow_run: runSchema,
  },
  (repo, { deployment: made, deployment_status: { state }, workflow_run: run }) =>
    ['in_progress', 'success'].includes(state) ? [deployed(repo, made, run?.id ?? null)] : [],
);

/** The job of a deployment that has started; other jobs are no news. */
const workflowJob: Row = row(
  {
    workflow_job: z.object({ run_id: z.int().positive() }),
    deployment: deployedSchema.nullish(),
  },
  (repo, { workflow_job: { run_id: runId }, deployment: made }) =>
    made === null || made === undefined ? [] : [deployed(repo, made, runId)],
);

/** The run id of a callback URL, or null when its path is not exactly ours. The host is not used. */
export function runIdOf(url: string | undefined, repo: RepoRef): number | null {
  if (url === undefined || !URL.canParse(url)) return null;
  const path =
    /^(?:\/api\/v3)?\/repos\/([^/]+)\/([^/]+)\/actions\/runs\/([1-9]\d{0,15})\/deployment_protection_rule$/;
  const [, owner, name, id] = path.exec(new URL(url).pathname) ?? [];
  if (owner?.toLowerCase() !== repo.owner.toLowerCase()) return null;
  if (name?.toLowerCase() !== repo.name.toLowerCase()) return null;
  const runId = Number(id);
  return Number.isSafeInteger(runId) ? runId : null;
}

/**
 * A push to the default branch can change the policy and the baseline of every pull request. A push
 * to a pull request's head comes as `pull_request.synchronize`.
 */
const push: Row = row(
  { ref: z.string(), repository: z.object({ default_branch: z.string() }) },
  (repo, { ref, repository }) =>
    ref === `refs/heads/${repository.default_branch}` ? [{ kind: 'repository', repo }] : [],
);

const mergeGroup: Row = row(
  {
    merge_group: z.object({ head_sha: shaSchema, head_ref: z.string(), base_ref: z.string() }),
  },
  (repo, { merge_group: group }) => [
    {
      kind: 'merge-group',
      repo,
      headSha: group.head_sha,
      headRef: group.head_ref.replace(/^refs\/heads\//, ''),
      baseRef: group.base_ref.replace(/^refs\/heads\//, ''),
    },
  ],
);

const wholeRepository: Row = row({}, (repo) => [{ kind: 'repository', repo }]);

function isSelf(sender: z.infer<typeof senderSchema> | undefined, self: Self): boolean {
  return self.slug !== null && sender?.login === `${self.slug}[bot]`;
}

/** A workflow of a pull request may have printed the SQL of its migrations (github/printed-plan.ts). */
const workflowRun: Row = row(
  { workflow_run: z.object({ head_sha: shaSchema, event: z.string() }) },
  (repo, { workflow_run: { head_sha: sha, event } }) =>
    event === 'pull_request' ? [{ kind: 'commit', repo, sha }] : [],
);

/** Event name with its action, as GitHub writes them, to what has to be looked at again. */
export const EVENT_TABLE: Readonly<Record<string, Row>> = {
  'pull_request.opened': pullRequest,
  'pull_request.reopened': pullRequest,
  'pull_request.synchronize': pullRequest,
  'pull_request.edited': pullRequest,
  'pull_request.assigned': pullRequest,
  'pull_request.ready_for_review': pullRequest,
  'pull_request.converted_to_draft': pullRequest,
  'pull_request.closed': closedPull,
  'pull_request.labeled': label,
  'pull_request.unlabeled': label,
  'pull_request_review.submitted': review,
  'pull_request_review.edited': review,
  'pull_request_review.dismissed': review,
  'check_run.rerequested': checkRun,
  'check_suite.rerequested': checkSuite,
  'deployment.created': deployment,
  'deployment_protection_rule.requested': protectionRule,
  'deployment_status.created': deploymentStatus,
  'workflow_job.in_progress': workflowJob,
  'workflow_run.completed': workflowRun,
  push,
  'issue_comment.created': comment,
  'merge_group.checks_requested': mergeGroup,
  'member.added': wholeRepository,
  'member.edited': wholeRepository,
  'member.removed': wholeRepository,
  ...AROUND,
};

/** Events that GitHub sends to every app and that a manifest must not name. */
export const AUTOMATIC_EVENTS: readonly string[] = ['installation', 'installation_repositories'];

/** A webhook as it was verified: the header's event name and id, and the parsed body. */
export interface Hook {
  readonly id: string;
  readonly name: string;
  readonly payload: unknown;
}

/** The table's key for a webhook: the event with its action, where it has one. */
export function eventKey(hook: Hook): string {
  const action = z.object({ action: z.string() }).safeParse(hook.payload);
  return action.success ? `${hook.name}.${action.data.action}` : hook.name;
}

/**
 * The triggers of a verified webhook; none for an event that the table does not name. Throws
 * TagoutError('bad-input') when a named event has not the shape that GitHub documents, so that the
 * delivery is answered as failed and can be seen and sent again.
 */
export function triggersOf(hook: Hook, self: Self): readonly Trigger[] {
  const because = eventKey(hook);
  const locate = Object.hasOwn(EVENT_TABLE, because) ? EVENT_TABLE[because] : undefined;
  if (locate === undefined) return [];
  try {
    return locate(hook.payload, self).map((locator) => ({ locator, because, delivery: hook.id }));
  } catch (cause) {
    if (!(cause instanceof z.ZodError)) throw cause;
    const field = cause.issues[0]?.path.join('.') ?? '';
    throw new TagoutError(
      'bad-input',
      `the webhook ${because} (delivery ${hook.id}) has no usable \`${field}\`; ask GitHub to deliver it again, or check the App's webhook settings`,
    );
  }
}
