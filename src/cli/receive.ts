/** Binds the web room's door to the GitHub room's verifier and the store's inbox. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { sha256Hex } from '../core/canonical.ts';
import { TagoutError } from '../core/errors.ts';
import type { Trigger } from '../core/subject.ts';
import { NO_TRACE, type Trace } from '../core/trace.ts';
import type { ReceiveWebhook } from '../web/intake.ts';

/** The part of `probot.webhooks` that is used: it checks the HMAC on the text and runs handlers. */
export interface Verifier {
  verifyAndReceive(delivery: {
    id: string;
    name: string;
    payload: string;
    signature: string;
  }): Promise<unknown>;
}

interface Receipt {
  readonly payloadSha256: string;
  readonly receivedAtMs: number;
}

/** Handlers are given the parsed payload only; this carries what was seen of its bytes to them. */
const receipts = new AsyncLocalStorage<Receipt>();

/** Verifies and stores through the app's own handlers; the payload is parsed once, by the verifier. */
export function receiveThrough(
  webhooks: Verifier,
  now: () => number,
  trace: Trace = NO_TRACE,
): ReceiveWebhook {
  return ({ id, event, signature, body }) => {
    const receipt = { payloadSha256: sha256Hex(body), receivedAtMs: now() };
    const verified = async (): Promise<Awaited<ReturnType<ReceiveWebhook>>> => {
      try {
        await webhooks.verifyAndReceive({ id, name: event, payload: body, signature });
        return 'stored';
      } catch (error) {
        return outcomeOf(error);
      }
    };
    return trace.span('receive', {}, async (tell) => {
      const outcome = await receipts.run(receipt, verified);
      // Before the signature was checked the id is a stranger's text.
      tell(outcome === 'stored' ? { outcome, delivery: id } : { outcome });
      return outcome;
    });
  };
}

/** Errors of the verifier carry the whole delivery, so none of them is passed on as a cause. */
function outcomeOf(error: unknown): 'bad-signature' | 'bad-payload' {
  const causes: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  for (const cause of causes) {
    if (cause instanceof TagoutError) throw new TagoutError(cause.code, cause.message);
    if (!(cause instanceof Error) || !('status' in cause) || cause.status !== 400) continue;
    if (cause.message === 'Invalid JSON') return 'bad-payload';
    if (cause.message.includes('signature does not match')) return 'bad-signature';
  }
  const names = causes.map((cause) => (cause instanceof Error ? cause.name : typeof cause));
  throw new TagoutError('internal', `A delivery's handler failed: ${names.join(', ')}.`);
}

/** A delivery as the app function knows it: `event` holds the action, as `pull_request.opened`. */
export interface AppDelivery {
  readonly id: string;
  readonly event: string;
  readonly installationId: number | null;
}

/** The part of the store's inbox that is used. */
export interface DeliveryInbox {
  receive(
    delivery: Receipt & {
      readonly id: string;
      readonly event: string;
      readonly action: string | null;
      readonly installationId: number | null;
    },
    triggers: readonly Trigger[],
  ): Promise<'new' | 'duplicate'>;
}

/** The app function's way into the inbox. It must run inside `receiveThrough`. */
export function intoInbox(
  inbox: DeliveryInbox,
): (delivery: AppDelivery, triggers: readonly Trigger[]) => Promise<void> {
  return async ({ id, event, installationId }, triggers) => {
    const receipt = receipts.getStore();
    if (receipt === undefined) {
      throw new TagoutError('internal', 'A delivery came past the door that checks signatures.');
    }
    const [name = '', action = null] = event.split('.');
    await inbox.receive({ id, event: name, action, installationId, ...receipt }, triggers);
  };
}
