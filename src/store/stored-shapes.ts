/** Shapes of what the store wrote as JSON text and reads back: the contract's types, checked. */
import { z } from 'zod';
import type { Effect } from '../core/effect.ts';
import type { Subject } from '../core/subject.ts';

const repo = z.object({
  installationId: z.int(),
  id: z.int(),
  owner: z.string(),
  name: z.string(),
});

const annotation = z.looseObject({
  path: z.string(),
  startLine: z.int(),
  endLine: z.int(),
  level: z.enum(['notice', 'warning', 'failure']),
  title: z.string(),
  message: z.string(),
});

const label = z.looseObject({ name: z.string(), color: z.string(), description: z.string() });
const base = { key: z.string(), repo };
const pull = { pull: z.int(), environment: z.string() };
const over = z.boolean();
const run = { runId: z.int(), environment: z.string(), comment: z.string() };

export const effectSchema: z.ZodType<Effect> = z.discriminatedUnion('kind', [
  z.looseObject({
    ...base,
    kind: z.literal('check-run'),
    name: z.string(),
    headSha: z.string(),
    externalId: z.string(),
    conclusion: z.enum(['success', 'failure', 'action_required']),
    title: z.string(),
    summary: z.string(),
    text: z.string(),
    annotations: z.array(annotation),
    shown: z.looseObject({ pull: z.int(), baseRef: z.string(), digest: z.string() }).nullable(),
  }),
  z.looseObject({
    ...base,
    kind: z.literal('labels'),
    pull: z.int(),
    add: z.array(label),
    remove: z.array(z.string()),
  }),
  z.looseObject({
    ...base,
    ...run,
    kind: z.literal('review-deployment'),
    state: z.enum(['approved', 'rejected']),
  }),
  z.looseObject({ ...base, ...run, kind: z.literal('deployment-note') }),
  z.looseObject({ ...base, kind: z.literal('issue'), title: z.string(), body: z.string() }),
  z.looseObject({ ...base, ...pull, kind: z.literal('pull-comment'), body: z.string(), over }),
  z.looseObject({
    ...base,
    ...pull,
    kind: z.literal('review-request'),
    logins: z.array(z.string()),
  }),
  z.looseObject({
    ...base,
    kind: z.literal('notice'),
    runId: z.int(),
    environment: z.string(),
    title: z.string(),
    lines: z.array(z.string()),
    over,
  }),
]);

export const subjectSchema: z.ZodType<Subject> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('pull-request'), repo, number: z.int(), headSha: z.string() }),
  z.object({
    kind: z.literal('deployment'),
    repo,
    runId: z.int(),
    runAttempt: z.int(),
    environment: z.string(),
    deploymentId: z.int().nullable(),
    sha: z.string(),
  }),
  z.object({
    kind: z.literal('merge-group'),
    repo,
    headSha: z.string(),
    headRef: z.string(),
    baseRef: z.string(),
  }),
  z.object({
    kind: z.literal('checkout'),
    path: z.string(),
    baseSha: z.string(),
    headSha: z.string(),
  }),
]);
