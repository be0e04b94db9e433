/** `tagout migrate`: brings the store's tables, roles and grants up to date, as their owner. */
import { migrate } from '../store/migrate.ts';
import { openStore } from '../store/open.ts';
import { EXIT } from './io.ts';
import type { Io } from './io.ts';
import { readStoreSettings } from './settings.ts';

/** Migrates DATABASE_OWNER_URL, else DATABASE_URL, else the embedded store in TAGOUT_DATA. */
export async function migrateStore(io: Io): Promise<number> {
  const { databaseOwnerUrl, databaseUrl, dataDir } = readStoreSettings(io.env, io.cwd);
  const url = databaseOwnerUrl ?? databaseUrl;
  if (url !== null) {
    await migrate(url);
    io.out("The store's tables, roles and grants are up to date.\n");
    return EXIT.allow;
  }
  const store = await openStore({ databaseUrl: null, ownerUrl: null, dataDir });
  await store.close();
  io.out(`The embedded store in ${dataDir} is up to date.\n`);
  return EXIT.allow;
}
