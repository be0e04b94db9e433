/** The policy files: the repository's on its default branch, the base branch's, the organisation's floor. */
import { Buffer } from 'node:buffer';
import { z } from 'zod';
import type { TreeEntry } from '../core/dry-run.ts';
import type { PolicyFile, PolicySources } from '../core/evidence.ts';
import { readBlobs } from './blobs.ts';
import type { GraphqlError } from './clients.ts';
import { type Writers, writersSchema } from './eligible.ts';
import { POLICY_QUERY } from './queries.ts';
import { noteGap, parseAnswer, type Reading, refuseErrors, shaSchema } from './reading.ts';

/** Where every policy file stands. */
export const POLICY_PATH = '.github/tagout.yml';

/** The same file for GraphQL's `object(expression:)`, on the default branch. */
export const POLICY_EXPRESSION: string = `HEAD:${POLICY_PATH}`;

/** The organisation's repository that holds the floor. */
export const FLOOR_REPOSITORY = '.github';

/** What a query tells of one repository: its default branch and the policy file there. */
export interface RepositoryFacts {
  readonly databaseId?: number | null | undefined;
  readonly defaultBranchRef?:
    | {
        readonly name: string;
        readonly target?: { readonly oid: string } | null | undefined;
      }
    | null
    | undefined;
  readonly policyFile?:
    | {
        readonly oid?: string | undefined;
        readonly text?: string | null | undefined;
        readonly isTruncated?: boolean | undefined;
      }
    | null
    | undefined;
}

export const repositoryFactsSchema: z.ZodType<RepositoryFacts> = z.object({
  databaseId: z.int().nullish(),
  defaultBranchRef: z
    .object({ name: z.string(), target: z.object({ oid: shaSchema }).nullish() })
    .nullish(),
  policyFile: z
    .object({ oid: shaSchema, text: z.string().nullable(), isTruncated: z.boolean() })
    .partial()
    .nullish(),
});

export interface PolicyFacts {
  readonly repository: RepositoryFacts;
  readonly floor: RepositoryFacts | null;
  readonly errors: readonly GraphqlError[];
}

const policySchema = z.object({
  repository: repositoryFactsSchema.and(z.object({ people: writersSchema.nullish().catch(null) })),
  floor: repositoryFactsSchema.nullish(),
});

/** The policy files for a deployment, and beside them the people with a role on the repository. */
export async function readPolicyFacts(
  reading: Reading,
): Promise<PolicyFacts & { readonly writers: Writers | null }> {
  const { owner, name } = reading.repo;
  const variables = { owner, name, policyPath: POLICY_EXPRESSION };
  const answer = await reading.client.query(POLICY_QUERY, variables);
  // Who could approve is good to know, and nothing is released by it.
  const errors = answer.errors.filter(({ path }) => path[1] !== 'people');
  refuseErrors({ ...answer, errors }, 'the policy files', 'floor');
  const { repository, floor } = parseAnswer(policySchema, answer.data, 'the policy files');
  const writers = repository.people ?? null;
  return { repository, floor: floor ?? null, errors: answer.errors, writers };
}

/** Installations whose organisation has shown a floor to this process. */
export type FloorsSeen = Set<number>;

/** The branch whose file may tighten the policy: the pull request's base, with its tree. */
export interface BaseFile {
  readonly ref: string;
  readonly commitSha: string;
  readonly entries: readonly TreeEntry[];
}

/**
 * Makes the sources of the policy from what was read. A file that is there and has no readable text
 * stands as text that cannot be parsed, so that it holds and cannot pass for an absent one.
 */
export async function policySources(
  reading: Reading,
  facts: PolicyFacts,
  base: BaseFile | null,
  seen: FloorsSeen,
): Promise<PolicySources> {
  const { owner, name } = reading.repo;
  const repository = fileOf(reading, `${owner}/${name}`, facts.repository);
  const defaultBranch = facts.repository.defaultBranchRef?.name ?? null;
  const other = base !== null && base.ref !== defaultBranch ? base : null;
  return {
    repository,
    base: other === null ? null : await baseFile(reading, other),
    floor: await floorOf(reading, facts, seen),
  };
}

function fileOf(reading: Reading, repo: string, facts: RepositoryFacts): PolicyFile {
  const found = facts.policyFile;
  const commitSha = facts.defaultBranchRef?.target?.oid ?? null;
  if (found === null || found === undefined) {
    return { repo, path: POLICY_PATH, commitSha, blob: null, text: null };
  }
  const text = found.text ?? null;
  if (text === null || found.isTruncated === true || found.oid === undefined) {
    noteGap(reading, {
      what: 'policy',
      why: text === null ? 'unreadable' : 'too-large',
      detail: `${repo}:${POLICY_PATH} is not a text that can be read whole; make it an ordinary YAML file of at most 64 KiB.`,
    });
  }
  // A NUL cannot stand in YAML: what has no text is refused as unparsable.
  return { repo, path: POLICY_PATH, commitSha, blob: found.oid ?? null, text: text ?? '\0' };
}

async function baseFile(reading: Reading, base: BaseFile): Promise<PolicyFile> {
  const { owner, name } = reading.repo;
  const repo = `${owner}/${name}@${base.ref}`;
  const entry = base.entries.find((candidate) => candidate.path === POLICY_PATH);
  const file = { repo, path: POLICY_PATH, commitSha: base.commitSha };
  if (entry === undefined) return { ...file, blob: null, text: null };
  const blobs = await readBlobs(reading, [{ sha: entry.blob, sizeBytes: entry.sizeBytes }]);
  const content = blobs.get(entry.blob);
  const text = content === undefined ? '\0' : Buffer.from(content).toString('utf8');
  return { ...file, blob: entry.blob, text };
}

/**
 * GitHub answers "not found" both for a floor that is not there and for one that the app may not
 * read. An organisation that once had one has it still, as far as we can know: then it is a gap.
 */
async function floorOf(
  reading: Reading,
  facts: PolicyFacts,
  seen: FloorsSeen,
): Promise<PolicyFile | null> {
  const { owner } = reading.repo;
  const repo = `${owner}/${FLOOR_REPOSITORY}`;
  const failed = facts.errors.find((error) => error.path[0] === 'floor');
  if (failed !== undefined && failed.type !== 'NOT_FOUND') {
    noteGap(reading, {
      what: 'policy',
      why: 'unreadable',
      detail: `The organisation's floor ${repo}:${POLICY_PATH} could not be read (${failed.message}); it is tried again.`,
    });
    return { repo, path: POLICY_PATH, commitSha: null, blob: null, text: null };
  }
  const file =
    facts.floor === null
      ? { repo, path: POLICY_PATH, commitSha: null, blob: null, text: null }
      : fileOf(reading, repo, facts.floor);
  if (file.text !== null) await rememberFloor(reading, seen);
  else if (facts.floor === null && (await wasSeen(reading, seen))) {
    noteGap(reading, {
      what: 'policy',
      why: 'unreadable',
      detail: `The organisation's floor ${repo}:${POLICY_PATH} was there and can no longer be read; give the App access to ${repo} again, or put an empty policy file there when the floor is meant to go.`,
    });
  }
  return file;
}

async function wasSeen({ repo, memory }: Reading, seen: FloorsSeen): Promise<boolean> {
  if (seen.has(repo.installationId)) return true;
  return (await memory.floorSeen?.(repo.installationId)) ?? false;
}

async function rememberFloor({ repo, memory }: Reading, seen: FloorsSeen): Promise<void> {
  if (seen.has(repo.installationId)) return;
  seen.add(repo.installationId);
  await memory.keepFloorSeen?.(repo.installationId);
}
