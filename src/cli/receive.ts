/** Binds the web room's door to the verifier of the GitHub room, and tells its errors apart. */
import { TagoutError } from '../core/errors.ts';
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

/** Verifies and stores through the app's own handlers; the payload is parsed once, by the verifier. */
export function receiveThrough(webhooks: Verifier): ReceiveWebhook {
  return async ({ id, event, signature, body }) => {
    try {
      await webhooks.verifyAndReceive({ id, name: event, payload: body, signature });
      return 'stored';
    } catch (error) {
      return outcomeOf(error);
    }
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
