/** The real server for the story, in this process, on an embedded store in a folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { run } from '../../src/cli.ts';
import { createLog } from '../../src/cli/log.ts';
import { type Served, serve, type ServeSettings } from '../../src/main.ts';
import { SUPERUSER } from '../../src/postgres/cluster.ts';
import { findEngine } from '../../src/postgres/engine.ts';
import { openStoreCluster } from '../../src/postgres/store-cluster.ts';
import { preparedCache, preparedStore } from '../prepared.ts';
import type { LocalGitHub, Manifest } from '../github/index.ts';
import { deployOnce, raise, type Scene, type Tagout } from './scene.ts';

/** The app's manifest as the repository ships it. */
export async function manifest(): Promise<Manifest> {
  return parse(await readFile(join(import.meta.dirname, '../../app.yml'), 'utf8')) as Manifest;
}

export function settingsFor(gh: LocalGitHub, dataDir: string): ServeSettings {
  return {
    appId: gh.app.id,
    privateKey: gh.app.privateKey,
    webhookSecret: gh.app.webhookSecret,
    githubApiUrl: gh.url,
    port: 0,
    host: '127.0.0.1',
    publicUrl: null,
    logLevel: 'error',
    databaseUrl: null,
    databaseOwnerUrl: null,
    dataDir,
  };
}

async function report(dataDir: string, format: string): Promise<string> {
  let text = '';
  let complaints = '';
  const code = await run(['report', '--format', format], {
    env: { TAGOUT_DATA: dataDir },
    cwd: dataDir,
    now: Date.now,
    out: (part) => {
      text += part;
    },
    err: (part) => {
      complaints += part;
    },
  });
  if (code !== 0) throw new Error(`tagout report ended with ${code}: ${complaints}`);
  return text;
}

async function rewriteOneRow(served: Served): Promise<string> {
  try {
    await served.store.sql`update audit.event set body = body where id = 1`;
    return 'accepted';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

/** A Tagout in this process, with what its operator holds. */
export interface Running extends Tagout {
  readonly served: Served;
  /** Address of its database for the superuser, past every role of ours. */
  rootUrl(): Promise<string>;
}

/** Starts Tagout against a local GitHub and points its webhooks there; `fresh`: as on its first day. */
export async function startTagout(
  gh: LocalGitHub,
  options: { readonly fresh?: boolean; readonly settings?: Partial<ServeSettings> } = {},
): Promise<Running> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tagout-story-'));
  if (options.fresh !== true) {
    await preparedStore(dataDir);
    await preparedCache(join(dataDir, 'sandbox'));
  }
  const settings = { ...settingsFor(gh, dataDir), ...options.settings };
  const served = await serve(settings, createLog({ level: 'error', secrets: [] }));
  gh.app.webhookUrl = `${served.url}/api/github/webhooks`;
  return {
    served,
    url: served.url,
    report: (format) => report(dataDir, format),
    rewriteOneRow: () => rewriteOneRow(served),
    async rootUrl() {
      const place = { dataDir: join(dataDir, 'store'), database: 'tagout' };
      const joined = await openStoreCluster({ ...place, engine: await findEngine({}) });
      return joined.url(SUPERUSER, 'tagout', joined.connection.password);
    },
    async eventKinds() {
      const rows = await served.store.sql<
        { kind: string }[]
      >`select kind from audit.event order by id`;
      return rows.map((row) => row.kind);
    },
    async close() {
      await served.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The whole scene: an old repository, its first deployment, the gate enabled, Tagout running. */
export async function openScene(
  options: { readonly validate?: boolean; readonly fresh?: boolean } = {},
): Promise<Scene> {
  const raised = await raise(await manifest(), options.validate ?? true);
  await deployOnce(raised);
  const tagout = await startTagout(raised.gh, options);
  return {
    ...raised,
    tagout,
    async close() {
      await raised.gh.settled();
      await tagout.close();
      await raised.gh.close();
    },
  };
}
