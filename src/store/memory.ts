/** What the store remembers for the gatherer: facts that are ours, not GitHub's. */
import type { Verdict } from '../core/decision.ts';
import type { Bypass, Posting } from '../core/evidence.ts';
import type { AskedRun, Memory, PullVerdicts, Release } from '../core/ports.ts';
import { MERGE_GATE_ONLY_ID } from '../core/words/merge-gate.ts';
import { environmentKey, isExternalRun, locatorKey, type RepoRef } from '../core/subject.ts';
import { readActivity } from './activity.ts';
import { readReviewed } from './reviewed.ts';
import { type Sql, storeFault } from './connect.ts';

/** Larger content is read again from GitHub when it is needed. */
const BLOB_LIMIT_BYTES = 4 * 1024 * 1024;
/** Blobs in one statement. */
const BLOB_BATCH = 32;
/** A merged pull request that no release has brought for so long is read again. */
const SETTLED_FOR_MS = 90 * 86_400_000;
/** An environment's history that a decision may look at. */
const RELEASES_LIMIT = 200;

async function remembering<T>(what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw storeFault(error, what);
  }
}

/**
 * A release is kept when GitHub has taken our answer, and the job may start before that: an answer
 * that is on its way counts, or our own release would look like a bypass.
 */
async function hasReleased(sql: Sql, repo: RepoRef, run: AskedRun): Promise<boolean> {
  const { runId, runAttempt } = run;
  const environment = environmentKey(run.environment);
  const place = `${repo.installationId}:${repo.id}`;
  const slot = `${place}:review:${runId}:${runAttempt}:${environment}`;
  if (isExternalRun(runId)) {
    // A deployer outside was told so by the endpoint, maybe before the check stood at GitHub.
    const key = `${place}:sha:${run.sha}:${environment}`;
    const rows = await sql`
      select 1 from tagout.subject where key = ${key} and verdict = 'allow'`;
    return rows.length > 0;
  }
  const [row] = await sql<{ there: boolean }[]>`
    select exists (select from tagout.release where installation_id = ${repo.installationId}
        and repo_id = ${repo.id} and environment = ${environment} and run_id = ${runId}::bigint
        and run_attempt = ${runAttempt})
      or exists (select from tagout.outbox where slot = ${slot}
        and effect::json->>'state' = 'approved' and attempts > 0) as there`;
  return row?.there === true;
}

type Part<K extends keyof Memory> = Required<Pick<Memory, K>>;

/** What was shown, released, asked for and done past the gate. */
function deploymentMemory(
  sql: Sql,
): Part<'postings' | 'releases' | 'keepSucceeded' | 'firstRequested' | 'bypasses'> {
  return {
    postings: (repo, pull) =>
      remembering('reading when findings were shown', async () => [
        ...(await sql<Posting[]>`
          select head_sha as "headSha", base_ref as "baseRef", shown, at_ms as "atMs",
            check_name as "check"
          from tagout.posting where installation_id = ${repo.installationId}
            and repo_id = ${repo.id} and pull = ${pull} order by id`),
      ]),
    releases: (repo, environment) =>
      remembering('reading what was released', async () => [
        ...(await sql<Release[]>`
          select run_id as "runId", deployment_id as "deploymentId", sha, origin, at_ms as "atMs",
            succeeded_at_ms is not null as succeeded
          from tagout.release where installation_id = ${repo.installationId}
            and repo_id = ${repo.id} and environment = ${environmentKey(environment)}
          order by at_ms desc, run_id desc limit ${RELEASES_LIMIT}`),
      ]),
    keepSucceeded: (repo, environment, { runId, deploymentId, sha }) =>
      remembering('keeping that a release succeeded', async () => {
        await sql`update tagout.release set succeeded_at_ms = ${Date.now()}::bigint
          where installation_id = ${repo.installationId} and repo_id = ${repo.id}
            and environment = ${environmentKey(environment)} and run_id = ${runId}::bigint
            and deployment_id is not distinct from ${deploymentId}::bigint and sha = ${sha}
            and succeeded_at_ms is null`;
      }),
    firstRequested: (repo, { environment, fromSha, sha }) =>
      remembering('reading when a release was first asked for', async () => {
        const [row] = await sql<{ atMs: number }[]>`
          select at_ms as "atMs" from tagout.requested
          where installation_id = ${repo.installationId} and repo_id = ${repo.id}
            and environment = ${environmentKey(environment)} and from_sha = ${fromSha}
            and sha = ${sha}`;
        return row?.atMs ?? null;
      }),
    bypasses: (repo, environment) =>
      remembering('reading which deployments came past the gate', async () => [
        ...(await sql<Bypass[]>`
          select how, environment, deployment_id as "deploymentId", run_id as "runId", sha,
            at_ms as "atMs"
          from tagout.bypass where installation_id = ${repo.installationId}
            and repo_id = ${repo.id}
            and (environment = ${environmentKey(environment)} or how = 'look-alike')
          order by at_ms, deployment_id`),
      ]),
  };
}

/** What is remembered of agents, runs and the organisation's floor. */
function peopleMemory(
  sql: Sql,
): Part<
  | 'activity'
  | 'hasReleased'
  | 'floorSeen'
  | 'keepFloorSeen'
  | 'suspended'
  | 'reviewed'
  | 'mergeGateOnly'
> {
  return {
    mergeGateOnly: (repo) =>
      remembering('reading the posture of a repository', async () => {
        const rows = await sql`
          select 1 from tagout.posture where installation_id = ${repo.installationId}
            and repo_id = ${repo.id} and item = 'repository'
            and position(${MERGE_GATE_ONLY_ID} in state) > 0`;
        return rows.length > 0;
      }),
    reviewed: (asked) =>
      remembering('reading what a person has reviewed', () => readReviewed(sql, asked)),
    activity: (repo, asked) =>
      remembering('counting what agents did lately', () => readActivity(sql, repo, asked)),
    hasReleased: (repo, run) =>
      remembering('reading whether a run was released', () => hasReleased(sql, repo, run)),
    floorSeen: (installationId) =>
      remembering("reading whether there was an organisation's floor", async () => {
        const rows = await sql`
          select 1 from tagout.floor_seen where installation_id = ${installationId}`;
        return rows.length > 0;
      }),
    keepFloorSeen: (installationId) =>
      remembering("keeping that there is an organisation's floor", async () => {
        await sql`insert into tagout.floor_seen values (${installationId}::bigint,
          ${Date.now()}::bigint) on conflict do nothing`;
      }),
    suspended: (installationId) =>
      remembering('reading which agents are suspended', async () => {
        const rows = await sql<{ agent: string }[]>`
          select agent from tagout.suspension where installation_id = ${installationId}
          order by agent`;
        return rows.map((row) => row.agent);
      }),
  };
}

async function readVerdicts(
  sql: Sql,
  repo: RepoRef,
  pulls: readonly number[],
): Promise<PullVerdicts> {
  const { installationId, id } = repo;
  const byKey = new Map(
    pulls.map((number) => [locatorKey({ kind: 'pull-request', repo, number }), number]),
  );
  const rows = await sql<{ key: string; verdict: Verdict; headSha: string | null }[]>`
    select s.key, s.verdict, e.doc->'subject'->>'sha' as "headSha"
    from tagout.subject s left join audit.event e on e.event_id = s.event_id
    where s.key = any(${[...byKey.keys()]}::text[])`;
  const last = rows.flatMap(({ key, verdict, headSha }) => {
    const number = byKey.get(key);
    return number === undefined ? [] : [[number, { verdict, headSha }] as const];
  });
  const [since] = await sql<{ sinceMs: number | null }[]>`
    select least(
      (select min(decided_at_ms) from tagout.subject where installation_id = ${installationId}
        and key ^@ ${`${installationId}:${id}:`}),
      (select min(since_ms) - 1 from tagout.incident where installation_id = ${installationId}
        and repo_id = ${id}),
      (select min(since_ms) from tagout.posture where installation_id = ${installationId}
        and repo_id = ${id})) as "sinceMs"`;
  return { last: new Map(last), sinceMs: since?.sinceMs ?? null };
}

/** Content by its git object id. */
function blobMemory(
  sql: Sql,
): Part<'blobs' | 'keepBlobs' | 'verdicts' | 'settled' | 'keepSettled'> {
  return {
    verdicts: (repo, pulls) =>
      remembering('reading what was decided about pull requests', () =>
        readVerdicts(sql, repo, pulls),
      ),
    settled: (repo, keys) =>
      remembering('reading what is kept of merged pull requests', async () => {
        if (keys.length === 0) return new Map();
        const rows = await sql<{ key: string; facts: string }[]>`
          select key, facts from tagout.settled where installation_id = ${repo.installationId}
            and repo_id = ${repo.id} and key = any(${[...keys]}::text[])`;
        return new Map(rows.map((row) => [row.key, row.facts]));
      }),
    keepSettled: (repo, key, facts) =>
      remembering('keeping a merged pull request', async () => {
        const nowMs = Date.now();
        await sql`insert into tagout.settled values (${repo.installationId}::bigint,
          ${repo.id}::bigint, ${key}, ${facts}, ${nowMs}::bigint) on conflict do nothing`;
        await sql`delete from tagout.settled where installation_id = ${repo.installationId}
          and repo_id = ${repo.id} and at_ms < ${nowMs - SETTLED_FOR_MS}::bigint`;
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
            select sha, decode(hex, 'hex'), ${Date.now()}::bigint from unnest(
              ${batch.map(([sha]) => sha)}::text[], ${hex}::text[]) as b(sha, hex)
            on conflict do nothing`;
        }
      }),
  };
}

/** The port `Memory` over a pool of the application's role. */
export function createMemory(sql: Sql): Memory {
  return { ...deploymentMemory(sql), ...peopleMemory(sql), ...blobMemory(sql) };
}
