/** The sessions of one run: who runs the SQL, who looks on, and who may ask for a checkpoint. */
import type { Wire } from '../postgres/wire.ts';
import { prepareCatalog } from './catalog.ts';
import { readLocks } from './observe.ts';
import { OBSERVER, OWNER, type Throwaway } from './workspace.ts';

export interface Sessions {
  readonly observer: Wire;
  readonly owner: Wire;
  readonly superuser: Wire;
  /** A second one of the observer's, which has read the catalog before; null: there was no time. */
  readonly reader: Wire | null;
}

/** Opens them at once. Rejects with ConnectionLost when the server lets one of them not in. */
export async function openSessions(run: Throwaway): Promise<Sessions> {
  const roles = [OBSERVER, OWNER, 'superuser'] as const;
  const [observer, owner, superuser] = await Promise.all(roles.map((role) => run.connect(role)));
  if (!observer || !owner || !superuser) throw new Error('a session is missing');
  return { observer, owner, superuser, reader: null };
}

/** The same, and a session that is quick to read the catalog: for a run that begins later. */
export async function openSessionsAhead(run: Throwaway): Promise<Sessions> {
  const sessions = await openSessions(run);
  const reader = await run.connect(OBSERVER);
  await prepareCatalog(reader);
  await readLocks(sessions.observer, sessions.owner.processId);
  return { ...sessions, reader };
}
