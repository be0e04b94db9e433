/** `tagout token`: a bearer token for a deployer outside of GitHub's workflows. */
import { TagoutError } from '../core/errors.ts';
import { createDeployerToken } from '../store/deployers.ts';
import { openStore } from '../store/open.ts';
import { EXIT, type Io } from './io.ts';
import { readStoreSettings } from './settings.ts';

export interface TokenOptions {
  /** `owner/name`. */
  readonly repo: string;
  readonly environment: string;
}

/** Prints a new token once; the store keeps its hash only. */
export async function token({ repo, environment }: TokenOptions, io: Io): Promise<number> {
  if (!/^[\w.-]+\/[\w.-]+$/.test(repo)) {
    throw new TagoutError('usage', '--repo takes owner/name.');
  }
  const { databaseUrl, databaseOwnerUrl: ownerUrl, dataDir } = readStoreSettings(io.env, io.cwd);
  const store = await openStore({ databaseUrl, ownerUrl, dataDir });
  try {
    const place = { repository: repo, environment };
    io.out(`${await createDeployerToken(store.sql, place, io.now())}\n`);
    io.err(`It asks about ${environment} of ${repo} only, and is not shown again.\n`);
    return EXIT.allow;
  } finally {
    await store.close();
  }
}
