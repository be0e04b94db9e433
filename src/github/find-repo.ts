/** A repository by its name, with the installation through which it is read. */
import { z } from 'zod';
import type { RepoRef } from '../core/subject.ts';
import { type Clock, type OctokitFor, type OctokitLike, readClient } from './clients.ts';
import { isRefusal } from './faults.ts';
import { parseAnswer } from './reading.ts';

const installationSchema = z.object({ id: z.int().positive() });
const repoSchema = z.object({
  id: z.int().positive(),
  name: z.string(),
  owner: z.object({ login: z.string() }),
});

/** Null when the App is not installed there. Throws GitHubFault when GitHub does not answer. */
export async function findRepo(
  clients: { readonly app: () => Promise<OctokitLike>; readonly octokitFor: OctokitFor },
  asked: { readonly owner: string; readonly repo: string },
  now: Clock,
): Promise<RepoRef | null> {
  const place = { owner: asked.owner, repo: asked.repo };
  try {
    const app = readClient(await clients.app(), now);
    const found = await app.get('/repos/{owner}/{repo}/installation', place);
    const { id: installationId } = parseAnswer(installationSchema, found.data, 'the installation');
    const client = readClient(await clients.octokitFor(installationId), now);
    const answer = await client.get('/repos/{owner}/{repo}', place);
    const { id, name, owner } = parseAnswer(repoSchema, answer.data, 'the repository');
    return { installationId, id, owner: owner.login, name };
  } catch (fault) {
    if (isRefusal(fault, 404)) return null;
    throw fault;
  }
}
