/** One GET of a signed address, bounded in bytes and time, with nothing of ours in the request. */
import { Buffer } from 'node:buffer';
import { GitHubFault, githubFault } from './faults.ts';

/** A plan is small; storage that needs longer than this is down. */
const TIMEOUT_MS = 30_000;

export interface Download {
  readonly maxBytes: number;
  /** What is asked for, without the address: its query is a secret while it is valid. */
  readonly what: string;
  readonly nowMs: number;
}

/**
 * The bytes at an address; null when there are more than `maxBytes`. No redirect is followed.
 * Throws GitHubFault('github-unavailable') when the storage does not answer with them.
 */
export async function fetchBytes(address: URL, download: Download): Promise<Uint8Array | null> {
  const { what, maxBytes, nowMs } = download;
  try {
    const answer = await fetch(address, {
      redirect: 'error',
      credentials: 'omit',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      throw new GitHubFault(
        'github-unavailable',
        `GitHub's storage answered ${answer.status} to ${what}; it is tried again`,
        { httpStatus: answer.status },
      );
    }
    return await readAtMost(answer.body, maxBytes);
  } catch (thrown) {
    // The cause names the address, so that only what kind of fault it was is kept.
    throw githubFault(thrown, what, nowMs);
  }
}

async function readAtMost(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array | null> {
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early cancels the stream.
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
