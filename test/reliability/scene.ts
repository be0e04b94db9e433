/** A local GitHub with a real Tagout server and a sweep that can be made at any time of the clock. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../src/cli/log.ts';
import { EVERYTHING, sweep, type Swept, sweepPartsOf } from '../../src/cli/sweep.ts';
import { Limits } from '../../src/github/limits.ts';
import { appClient, createProbot, octokitFor } from '../../src/github/probot.ts';
import { type Served, serve, type ServeSettings } from '../../src/main.ts';
import type { SweepSince } from '../../src/store/jobs.ts';
import type { LocalGitHub } from '../github/index.ts';
import { deployOnce, type People, raise } from '../story/scene.ts';
import { preparedCache, preparedStore } from '../prepared.ts';
import { manifest, settingsFor } from '../story/tagout.ts';
import type { Repo } from '../github/index.ts';

export interface ReliableScene {
  readonly gh: LocalGitHub;
  readonly repo: Repo;
  readonly people: People;
  readonly served: Served;
  readonly settings: ServeSettings;
  /** One sweep as if it were so much later; all that GitHub remembers, or what is left of another. */
  sweepAfter(ms: number, since?: SweepSince): Promise<Swept>;
  close(): Promise<void>;
}

export async function openReliable(
  extra: Partial<ServeSettings> = {},
  validate: boolean = true,
): Promise<ReliableScene> {
  const raised = await raise(await manifest(), validate);
  await deployOnce(raised);
  const dataDir = await mkdtemp(join(tmpdir(), 'tagout-reliable-'));
  await preparedStore(dataDir);
  await preparedCache(join(dataDir, 'sandbox'));
  const settings = { ...settingsFor(raised.gh, dataDir), ...extra };
  const log = createLog({ level: 'fatal', secrets: [] });
  const served = await serve(settings, log);
  raised.gh.app.webhookUrl = `${served.url}/api/github/webhooks`;
  const { appId, privateKey, webhookSecret: secret, githubApiUrl: baseUrl } = settings;
  const probot = await createProbot({ appId, privateKey, secret, baseUrl });
  const limits = new Limits(Date.now);
  const client = octokitFor(probot, limits);
  const { store } = served;
  // It asks again at once: nobody waits in a test.
  const patience = { wait: () => Promise.resolve(), random: () => 1 };
  const parts = sweepPartsOf({ store, app: appClient(probot, limits), client, log, patience });
  return {
    ...raised,
    served,
    settings,
    sweepAfter: (ms, since = EVERYTHING) => sweep({ ...parts, now: () => Date.now() + ms }, since),
    async close() {
      await served.close();
      await raised.gh.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
