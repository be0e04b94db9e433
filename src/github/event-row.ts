/** How a webhook's payload becomes locators: what the rows of the event table share. */
import { z } from 'zod';
import type { RepoRef, Trigger } from '../core/subject.ts';

/** What the app knows of itself: its slug, learnt from GitHub's answers; null until then. */
export interface Self {
  slug: string | null;
}

export type Row = (payload: unknown, self: Self) => readonly Trigger['locator'][];

const repositorySchema = z.object({
  id: z.int().positive(),
  name: z.string().min(1),
  owner: z.object({ login: z.string().min(1) }),
});
const installationSchema = z.object({ id: z.int().positive() });
const baseSchema = z.object({ repository: repositorySchema, installation: installationSchema });

function repoOf(payload: z.infer<typeof baseSchema>): RepoRef {
  const { id, name, owner } = payload.repository;
  return { installationId: payload.installation.id, id, owner: owner.login, name };
}

/** A row that reads the payload by a schema of its own, beside repository and installation. */
export function row<Shape extends z.ZodRawShape>(
  shape: Shape,
  locate: (
    repo: RepoRef,
    payload: z.infer<z.ZodObject<Shape>>,
    self: Self,
  ) => readonly Trigger['locator'][],
): Row {
  const schema = z.object(shape);
  return (payload, self) => locate(repoOf(baseSchema.parse(payload)), schema.parse(payload), self);
}

/** A row that reads the payload by a schema of its own, beside the installation. */
export function installationRow<Shape extends z.ZodRawShape>(
  shape: Shape,
  locate: (
    installationId: number,
    payload: z.infer<z.ZodObject<Shape>>,
  ) => readonly Trigger['locator'][],
): Row {
  const schema = z.object(shape);
  const about = z.object({ installation: installationSchema });
  return (payload) => locate(about.parse(payload).installation.id, schema.parse(payload));
}

/** The repository of a payload; null where the event may come without one. */
export function repositoryOf(payload: unknown): RepoRef | null {
  const base = baseSchema.safeParse(payload);
  return base.success ? repoOf(base.data) : null;
}
