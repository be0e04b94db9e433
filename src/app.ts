/** The Probot app: every verified webhook goes through the event table into the inbox, and no further. */
import type { Probot } from 'probot';
import { z } from 'zod';
import type { Trigger } from './core/subject.ts';
import { eventKey, type Self, triggersOf } from './github/events.ts';

/** One webhook as received, without its payload: what the inbox keeps to know it again. */
export interface Delivery {
  /** X-GitHub-Delivery. */
  readonly id: string;
  /** Event with action: `pull_request.opened`. */
  readonly event: string;
  readonly installationId: number | null;
  readonly repositoryId: number | null;
}

/** Writes delivery and jobs in one transaction; a delivery id that is known already does nothing. */
export type Receive = (delivery: Delivery, triggers: readonly Trigger[]) => Promise<void>;

const idSchema = z.object({ id: z.int() });
const addressSchema = z.object({
  installation: idSchema.optional().catch(undefined),
  repository: idSchema.optional().catch(undefined),
});

/**
 * The app function for `probot.load`. It only writes to the inbox, so that the answer to GitHub
 * means "kept", and everything after it survives a crash. What `receive` throws reaches the caller
 * of `verifyAndReceive`, who must answer with an error.
 */
export function createTagoutApp(receive: Receive, self: Self): (probot: Probot) => void {
  return (probot) => {
    probot.onAny(async ({ id, name, payload }) => {
      const hook = { id, name, payload };
      const address = addressSchema.safeParse(payload).data;
      const delivery: Delivery = {
        id,
        event: eventKey(hook),
        installationId: address?.installation?.id ?? null,
        repositoryId: address?.repository?.id ?? null,
      };
      await receive(delivery, triggersOf(hook, self));
    });
  };
}
