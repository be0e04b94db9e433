/** `/audit` of the running server: who may read which record, asked of GitHub, and remembered shortly. */
import type { Probot } from 'probot';
import type { Doer } from './core/audit/notice-event.ts';
import type { Limits } from './github/limits.ts';
import { appClient, octokitFor } from './github/probot.ts';
import { placeOfApi } from './github/places.ts';
import { createReadersCheck, type ReadingRight } from './github/readers.ts';
import { createGitHubSignIn } from './github/sign-in.ts';
import { remembering } from './remembering.ts';
import { recordRead } from './store/access.ts';
import type { Store } from './store/open.ts';
import { readLogIds } from './store/read-log.ts';
import type { LogChoice } from './web/audit/frame.ts';
import type { AuditParts } from './web/audit/pages.ts';
import { createSessions, type Reader } from './web/audit/session.ts';
import { createLogSource } from './web/audit/source.ts';
import { CALLBACK_PATH } from './web/audit/sign-in.ts';
import type { Log } from './web/log.ts';

/** Rights are asked of GitHub again after this long, so that a removed reader is out soon. */
const RIGHTS_MS = 120_000;
/** A stranger who keeps trying is recorded once in this time, so that nobody can fill the log. */
const REFUSAL_MS = 3_600_000;
const MOST_REMEMBERED = 2_000;

export interface AuditDoorParts {
  readonly settings: {
    readonly privateKey: string;
    readonly githubApiUrl: string;
    readonly publicUrl: string | null;
  };
  readonly oauth: { readonly clientId: string; readonly clientSecret: string };
  readonly probot: Probot;
  readonly limits: Limits;
  readonly store: Pick<Store, 'sql' | 'reports' | 'key'>;
  readonly log: Log;
  readonly now: () => number;
}

/** Where GitHub sends people back to; null: PUBLIC_URL is not set, so the app's own setting counts. */
export function callbackUrl(publicUrl: string | null): string | null {
  return publicUrl === null ? null : `${publicUrl}${CALLBACK_PATH}`;
}

function doerOf({ id, login }: Reader): Doer {
  return { kind: 'human', id, login };
}

function createRights({ probot, limits, store, log, now }: AuditDoorParts) {
  const clients = { app: appClient(probot, limits), octokitFor: octokitFor(probot, limits) };
  const check = createReadersCheck(clients, now);
  const remember = remembering<ReadingRight>({ lifeMs: RIGHTS_MS, most: MOST_REMEMBERED, now });
  return async (reader: Reader): ReturnType<AuditParts['rightsOf']> => {
    const { id, login } = reader;
    if (id === null) return { logs: [], unread: false };
    const logs: LogChoice[] = [];
    let unread = false;
    for (const installationId of await readLogIds(store.reports)) {
      try {
        const key = `${installationId}:${id}:${login}`;
        const right = await remember(key, () => check(installationId, { id, login }));
        if (right.may) logs.push({ id: installationId, name: right.account });
      } catch (error) {
        unread = true;
        const why = error instanceof Error ? error.message : 'unknown';
        log.warn({ installationId, why }, 'the readers of a record could not be read');
      }
    }
    return { logs, unread };
  };
}

/** Makes the parts of the pages. The session key is derived from the app's private key. */
export function createAuditDoor(parts: AuditDoorParts): AuditParts {
  const { settings, oauth, store, now, log } = parts;
  const rememberRefusal = remembering<true>({ lifeMs: REFUSAL_MS, most: MOST_REMEMBERED, now });
  const { githubApiUrl, publicUrl } = settings;
  const { webUrl } = placeOfApi(githubApiUrl);
  return {
    source: createLogSource({ sql: store.reports, keys: store.key, webUrl, now }),
    sessions: createSessions(settings.privateKey),
    signIn: createGitHubSignIn({
      ...oauth,
      githubApiUrl,
      redirectUri: callbackUrl(publicUrl),
      now,
    }),
    rightsOf: createRights(parts),
    recordRead: ({ installationId, what, reader, wish }) => {
      const read = { installationId, what, how: 'web', wish, doer: doerOf(reader) } as const;
      return recordRead(store, read, now);
    },
    async recordRefusal(reader, asked) {
      const logs = await readLogIds(store.reports);
      const [only] = logs;
      const installationId = asked ?? (logs.length === 1 ? only : undefined);
      if (installationId === undefined || !logs.includes(installationId)) return;
      await rememberRefusal(`${installationId}:${reader.id}`, async () => {
        const refusal = { installationId, what: 'record', how: 'web', shown: false } as const;
        await recordRead(store, { ...refusal, doer: doerOf(reader) }, now);
        return true;
      });
    },
    secure: publicUrl?.startsWith('https:') ?? false,
    now,
    log,
  };
}
