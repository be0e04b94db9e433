/** Reads a request's body with a limit on its size, its time and on all bodies together. */
import type { IncomingMessage } from 'node:http';

export interface BodyLimits {
  /** GitHub sends at most 25 MB. */
  readonly maxBodyBytes: number;
  /** From the first look at the body to its last byte. */
  readonly bodyTimeoutMs: number;
  /** All bodies that are being read at one time, so that a flood cannot fill the memory. */
  readonly maxBytesInFlight: number;
}

export type Body =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'too-slow' }
  | { readonly kind: 'aborted' }
  /** The server is reading too much already; the sender may come again. */
  | { readonly kind: 'busy' };

export interface BodyReader {
  read(incoming: IncomingMessage): Promise<Body>;
  bytesInFlight(): number;
}

/** One reader for all requests of a server, for they share the limit on memory. */
export function bodyReader(limits: BodyLimits): BodyReader {
  let inFlight = 0;
  const read = (incoming: IncomingMessage): Promise<Body> => {
    const announced = Number(incoming.headers['content-length'] ?? 0);
    if (announced > limits.maxBodyBytes) return Promise.resolve({ kind: 'too-large' });
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      const finish = (body: Body): void => {
        clearTimeout(timer);
        incoming.off('data', onData).off('end', onEnd).off('error', onAbort).off('close', onAbort);
        // An error after this point belongs to nobody and must not end the process.
        incoming.on('error', () => undefined);
        inFlight -= sizeBytes;
        resolve(body);
      };
      const onData = (chunk: Buffer): void => {
        sizeBytes += chunk.length;
        inFlight += chunk.length;
        if (sizeBytes > limits.maxBodyBytes) finish({ kind: 'too-large' });
        else if (inFlight > limits.maxBytesInFlight) finish({ kind: 'busy' });
        else chunks.push(chunk);
      };
      const onEnd = (): void => finish({ kind: 'whole', bytes: Buffer.concat(chunks, sizeBytes) });
      const onAbort = (): void => finish({ kind: 'aborted' });
      const timer = setTimeout(() => finish({ kind: 'too-slow' }), limits.bodyTimeoutMs);
      incoming.on('data', onData).on('end', onEnd).on('error', onAbort).on('close', onAbort);
    });
  };
  return { read, bytesInFlight: () => inFlight };
}
