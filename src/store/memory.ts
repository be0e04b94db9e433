/** What the store remembers for the gatherer: facts that are ours, not GitHub's. */
import type { Posting } from '../core/evidence.ts';
import type { Memory, Release } from '../core/ports.ts';
import { environmentKey } from '../core/subject.ts';
import { type Sql, storeFault } from './connect.ts';

/** Larger content is read again from GitHub when it is needed. */
const BLOB_LIMIT_BYTES = 4 * 1024 * 1024;
/** Blobs in one statement. */
const BLOB_BATCH = 32;
/** An environment's history that a decision may look at. */
const RELEASES_LIMIT = 200;

async function remembering<T>(what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw storeFault(error, what);
  }
}

/** The port `Memory` over a pool of the application's role. */
export function createMemory(sql: Sql): Memory {
  return {
    postings: (repo, pull) =>
      remembering('reading when findings were shown', async () => [
        ...(await sql<Posting[]>`
          select head_sha as "headSha", base_ref as "baseRef", shown, at_ms as "atMs"
          from tagout.posting where installation_id = ${repo.installationId}
            and repo_id = ${repo.id} and pull = ${pull} order by at_ms, shown`),
      ]),
    releases: (repo, environment) =>
      remembering('reading what was released', async () => [
        ...(await sql<Release[]>`
          select run_id as "runId", deployment_id as "deploymentId", sha, origin, at_ms as "atMs"
          from tagout.release where installation_id = ${repo.installationId}
            and repo_id = ${repo.id} and environment = ${environmentKey(environment)}
          order by at_ms desc, run_id desc limit ${RELEASES_LIMIT}`),
      ]),
    suspended: (installationId) =>
      remembering('reading which agents are suspended', async () => {
        const rows = await sql<{ agent: string }[]>`
          select agent from tagout.suspension where installation_id = ${installationId}
          order by agent`;
        return rows.map((row) => row.agent);
      }),
    blobs: (shas) =>
      remembering('reading kept content', async () => {
        if (shas.length === 0) return new Map();
        const rows = await sql<{ sha: string; content: Buffer }[]>`
          select sha, content from tagout.blob where sha = any(${[...shas]}::text[])`;
        return new Map(rows.map((row) => [row.sha, row.content]));
      }),
    keepBlobs: (blobs) =>
      remembering('keeping content', async () => {
        const small = [...blobs].filter(([, content]) => content.byteLength <= BLOB_LIMIT_BYTES);
        for (let at = 0; at < small.length; at += BLOB_BATCH) {
          const batch = small.slice(at, at + BLOB_BATCH);
          // postgres.js has no array of bytes: they travel as hex.
          const hex = batch.map(([, content]) => Buffer.from(content).toString('hex'));
          await sql`insert into tagout.blob
            select sha, decode(hex, 'hex') from unnest(
              ${batch.map(([sha]) => sha)}::text[], ${hex}::text[]) as b(sha, hex)
            on conflict do nothing`;
        }
      }),
  };
}
