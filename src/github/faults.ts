/** What GitHub's refusals, outages and limits mean to us, in one place. */
import { z } from 'zod';
import { type FaultCode, TagoutError } from '../core/errors.ts';

/** A fault of GitHub's with what a retry needs to know. Never carries a token or a body. */
export class GitHubFault extends TagoutError {
  readonly httpStatus: number | null;
  readonly retryAfterMs: number | null;
  /** True when the request may have taken effect although no answer came. */
  readonly answerLost: boolean;

  constructor(
    code: FaultCode,
    message: string,
    detail: { httpStatus: number | null; retryAfterMs?: number | null; answerLost?: boolean },
  ) {
    super(code, message);
    this.httpStatus = detail.httpStatus;
    this.retryAfterMs = detail.retryAfterMs ?? null;
    this.answerLost = detail.answerLost ?? false;
  }
}

const headersSchema = z.record(
  z.string(),
  z.union([z.string(), z.number()]).optional().catch(undefined),
);

const errorSchema = z.object({
  name: z.string().optional().catch(undefined),
  status: z.int().optional().catch(undefined),
  response: z
    .object({
      headers: headersSchema.catch({}),
      data: z.object({ message: z.string().optional().catch(undefined) }).catch({}),
    })
    .optional()
    .catch(undefined),
});

/** How long GitHub asks us to stay away, by its headers; the fallback is one minute, as documented. */
function retryAfterMs(headers: z.infer<typeof headersSchema>, nowMs: number): number {
  const seconds = Number(headers['retry-after']);
  if (headers['retry-after'] !== undefined && Number.isFinite(seconds)) return seconds * 1000;
  const resetMs = Number(headers['x-ratelimit-reset']) * 1000;
  if (headers['x-ratelimit-remaining']?.toString() === '0' && Number.isFinite(resetMs)) {
    return Math.max(1000, resetMs - nowMs);
  }
  return 60_000;
}

/**
 * The fault behind anything that a request threw. `what` is the request without its query, such as
 * `GET /repos/o/r/pulls/1`.
 */
export function githubFault(thrown: unknown, what: string, nowMs: number): GitHubFault {
  if (thrown instanceof GitHubFault) return thrown;
  const error = errorSchema.safeParse(thrown).data ?? {};
  const answer = error.response;
  if (error.status === undefined || answer === undefined) return lost(what, error.name);
  const headers = answer.headers;
  const said = answer.data.message?.slice(0, 300) ?? '';
  const status = error.status;
  const limited =
    (status === 403 || status === 429) &&
    (headers['retry-after'] !== undefined ||
      headers['x-ratelimit-remaining']?.toString() === '0' ||
      /rate limit/i.test(said));
  if (limited || status === 429) {
    const waitMs = retryAfterMs(headers, nowMs);
    const message = `GitHub limits our requests (${what}); it is tried again in ${Math.ceil(waitMs / 1000)} s`;
    return new GitHubFault('github-limited', message, { httpStatus: status, retryAfterMs: waitMs });
  }
  if (status >= 500) {
    const message = `GitHub answered ${status} to ${what}; it is tried again`;
    return new GitHubFault('github-unavailable', message, {
      httpStatus: status,
      retryAfterMs: headers['retry-after'] === undefined ? null : retryAfterMs(headers, nowMs),
      answerLost: status === 502 || status === 504,
    });
  }
  const message = `GitHub refused ${what} with ${status}${said === '' ? '' : `: ${said}`}`;
  return new GitHubFault('github-refused', message, { httpStatus: status });
}

function lost(what: string, name: string | undefined): GitHubFault {
  const why =
    name === 'TimeoutError' || name === 'AbortError'
      ? 'did not answer in time'
      : 'cannot be reached';
  return new GitHubFault('github-unavailable', `GitHub ${why} (${what}); it is tried again`, {
    httpStatus: null,
    answerLost: true,
  });
}

/** True for the refusals that mean "this is not there, or not for us". */
export function isRefusal(fault: unknown, ...statuses: number[]): fault is GitHubFault {
  return (
    fault instanceof GitHubFault &&
    fault.code === 'github-refused' &&
    fault.httpStatus !== null &&
    (statuses.length === 0 || statuses.includes(fault.httpStatus))
  );
}
