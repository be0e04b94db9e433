/**
 * The closed set of faults. Expected outcomes are values; a fault is one of these, is caught in one
 * place (line.ts) and ends as hold, never as allow.
 */
export type FaultCode =
  | 'configuration' // a setting of the server is missing or malformed
  | 'usage' // the command line was called wrongly
  | 'github-unavailable' // 5xx, time-out, connection refused
  | 'github-refused' // 401, 403, 404, 422
  | 'github-limited' // primary or secondary rate limit
  | 'store-unavailable' // PostgreSQL of the store cannot be reached or refused
  | 'sandbox-unavailable' // no engine, no disk, too many runs
  | 'git' // the git program failed or the checkout is not one
  | 'bad-input' // content that cannot be read: encoding, size, syntax
  | 'internal'; // a bug of ours

/** A fault with its code; the message names the thing and the remedy and holds no secret. */
export class TagoutError extends Error {
  readonly code: FaultCode;
  constructor(code: FaultCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'TagoutError';
    this.code = code;
  }
}
