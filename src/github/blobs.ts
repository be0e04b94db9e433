/**
 * File contents by git object id: from memory first, then many per GraphQL query, and one by one
 * through REST where GraphQL gives no exact text. Every content is checked against its id, so that
 * neither a truncated text nor a lossy one can pass for the file.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { TagoutError } from '../core/errors.ts';
import { blobQuery } from './queries.ts';
import { parseAnswer, place, type Reading, refuseErrors } from './reading.ts';

/** What one GraphQL query may ask for in all, in bytes and in number. */
const QUERY_BYTES = 100_000;
const QUERY_BLOBS = 60;
/** Larger files go through REST; larger than this they are not read at all. */
const REST_LIMIT_BYTES = 20_000_000;
/** How many single files are fetched at the same time. */
const PARALLEL = 6;

export interface WantedBlob {
  readonly sha: string;
  /** Null when the tree did not say. */
  readonly sizeBytes: number | null;
}

/** The git object id of a content, in SHA-1 or SHA-256 as the expected id is long. */
export function gitBlobId(content: Uint8Array, like: string): string {
  const hash = createHash(like.length === 64 ? 'sha256' : 'sha1');
  return hash.update(`blob ${content.length}\0`).update(content).digest('hex');
}

const graphqlBlobSchema = z.object({ text: z.string().nullish() }).nullish().catch(null);

const restBlobSchema = z.object({ content: z.string(), encoding: z.string() });

/**
 * Reads blobs. Throws TagoutError: 'bad-input' for one that is too large, GitHubFault when GitHub
 * does not give it. The answer has every id that was asked for.
 */
export async function readBlobs(
  reading: Reading,
  wanted: readonly WantedBlob[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const distinct = [...new Map(wanted.map((blob) => [blob.sha, blob])).values()];
  if (distinct.length === 0) return new Map();
  const found = new Map(await reading.memory.blobs(distinct.map((blob) => blob.sha)));
  const missing = distinct.filter((blob) => !found.has(blob.sha));
  const fetched = new Map<string, Uint8Array>();
  const small = missing.filter((blob) => (blob.sizeBytes ?? QUERY_BYTES) < QUERY_BYTES);
  for (const batch of batchesOf(small)) {
    for (const [sha, content] of await queryBlobs(reading, batch)) fetched.set(sha, content);
  }
  const rest = missing.filter((blob) => !fetched.has(blob.sha));
  for (let at = 0; at < rest.length; at += PARALLEL) {
    const group = rest.slice(at, at + PARALLEL);
    const contents = await Promise.all(group.map((blob) => fetchBlob(reading, blob)));
    group.forEach((blob, index) => {
      const content = contents[index];
      if (content !== undefined) fetched.set(blob.sha, content);
    });
  }
  if (fetched.size > 0) await reading.memory.keepBlobs(fetched);
  for (const [sha, content] of fetched) found.set(sha, content);
  return found;
}

function batchesOf(blobs: readonly WantedBlob[]): WantedBlob[][] {
  const batches: WantedBlob[][] = [];
  let bytes = 0;
  for (const blob of blobs) {
    const last = batches.at(-1);
    const size = blob.sizeBytes ?? 0;
    if (last === undefined || last.length >= QUERY_BLOBS || bytes + size > QUERY_BYTES) {
      batches.push([blob]);
      bytes = size;
    } else {
      last.push(blob);
      bytes += size;
    }
  }
  return batches;
}

async function queryBlobs(
  reading: Reading,
  batch: readonly WantedBlob[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const shas = batch.map((blob) => blob.sha);
  const answer = await reading.client.query(blobQuery(shas), {
    owner: reading.repo.owner,
    name: reading.repo.name,
  });
  refuseErrors(answer, 'the contents of files');
  return blobsIn(answer.data, shas);
}

/** The blobs of an answer with `blobFields`, as far as their text is exact. */
export function blobsIn(data: unknown, shas: readonly string[]): ReadonlyMap<string, Uint8Array> {
  const schema = z.object({ repository: z.record(z.string(), z.unknown()) });
  const { repository } = parseAnswer(schema, data, 'the contents of files');
  const found = new Map<string, Uint8Array>();
  shas.forEach((sha, index) => {
    const text = graphqlBlobSchema.parse(repository[`b${index}`])?.text;
    if (text === null || text === undefined) return;
    const content = Buffer.from(text, 'utf8');
    if (gitBlobId(content, sha) === sha) found.set(sha, content);
  });
  return found;
}

/** Those of the wanted blobs that memory has not and that fit into one query, in order. */
export async function fitForOneQuery(
  reading: Reading,
  wanted: readonly WantedBlob[],
): Promise<readonly string[]> {
  const distinct = [...new Map(wanted.map((blob) => [blob.sha, blob])).values()];
  if (distinct.length === 0) return [];
  const known = await reading.memory.blobs(distinct.map((blob) => blob.sha));
  const missing = distinct.filter((blob) => !known.has(blob.sha) && blob.sizeBytes !== null);
  return (batchesOf(missing)[0] ?? []).map((blob) => blob.sha);
}

async function fetchBlob(reading: Reading, blob: WantedBlob): Promise<Uint8Array> {
  if ((blob.sizeBytes ?? 0) > REST_LIMIT_BYTES) {
    throw new TagoutError(
      'bad-input',
      `a file of ${blob.sizeBytes} bytes (blob ${blob.sha}) is larger than the ${REST_LIMIT_BYTES} bytes that are read; split it`,
    );
  }
  const answer = await reading.client.get('/repos/{owner}/{repo}/git/blobs/{file_sha}', {
    ...place(reading.repo),
    file_sha: blob.sha,
  });
  const { content, encoding } = parseAnswer(restBlobSchema, answer.data, `blob ${blob.sha}`);
  const bytes = Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8');
  if (gitBlobId(bytes, blob.sha) !== blob.sha) {
    throw new TagoutError(
      'github-unavailable',
      `GitHub gave another content than blob ${blob.sha}; it is tried again`,
    );
  }
  return bytes;
}
