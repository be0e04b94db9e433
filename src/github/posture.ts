/** Reads the posture of the app and of its installations. GET only. */
import { z } from 'zod';
import type { AppFacts, InstallationFacts, Seen } from '../core/posture.ts';
import { TagoutError } from '../core/errors.ts';
import { getPages, type ReadClient } from './clients.ts';
import { isRefusal } from './faults.ts';
import type { GitHubPlace } from './places.ts';
import { parseAnswer, timeSchema } from './reading.ts';

export interface FoundInstallation extends InstallationFacts {
  readonly id: number;
}

/** A repository that an installation covers. */
export interface CoveredRepository {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  readonly webUrl: string;
  readonly private: boolean;
  readonly archived: boolean;
}

const PAGES = 100;

const permissionsSchema = z.record(z.string(), z.string());

const appSchema = z.object({
  id: z.int(),
  slug: z.string(),
  owner: z.object({ login: z.string().optional(), type: z.string().optional() }),
  permissions: permissionsSchema,
  events: z.array(z.string()),
});

const webhookSchema = z.object({
  url: z.string().default(''),
  insecure_ssl: z.union([z.string(), z.number()]).default('0'),
});

const deliveriesSchema = z.array(
  z.object({
    event: z.string(),
    delivered_at: timeSchema,
    status: z.string(),
    status_code: z.int(),
  }),
);

const installationSchema = z.object({
  id: z.int(),
  // An enterprise has a slug and no login.
  account: z.object({ login: z.string().optional(), slug: z.string().optional() }),
  html_url: z.string(),
  repository_selection: z.string(),
  suspended_at: z.string().nullish(),
  permissions: permissionsSchema,
  events: z.array(z.string()),
});

const coveredSchema = z.object({
  repositories: z.array(
    z.object({
      id: z.int().positive(),
      name: z.string(),
      owner: z.object({ login: z.string() }),
      html_url: z.string(),
      private: z.boolean(),
      archived: z.boolean().default(false),
    }),
  ),
});

/** What was read, or why it could not be; only faults of GitHub's become a reason. */
export async function seen<T>(reading: Promise<T>): Promise<Seen<T>> {
  try {
    return { seen: true, value: await reading };
  } catch (fault) {
    if (!(fault instanceof TagoutError)) throw fault;
    return { seen: false, why: `${fault.message}.` };
  }
}

/**
 * The app as GitHub knows it. Throws GitHubFault when GitHub cannot be reached or does not accept
 * the credentials: then nothing can be said at all.
 */
export async function readApp(
  client: ReadClient,
  place: GitHubPlace,
  now: () => number,
): Promise<AppFacts> {
  const startedMs = now();
  const answer = await client.get('/app');
  // GitHub's time has whole seconds; the middle of the exchange is compared with their middle.
  const ourMs = (startedMs + now()) / 2;
  const app = parseAnswer(appSchema, answer.data, 'the app');
  const [webhook, deliveries] = await Promise.all([
    seen(readWebhook(client)),
    seen(readDeliveries(client)),
  ]);
  return {
    appId: app.id,
    slug: app.slug,
    settingsUrl: settingsUrl(place, app),
    permissions: app.permissions,
    events: app.events,
    webhook,
    deliveries,
    clockSkewMs: Math.round(ourMs - (answer.atMs + 500)),
  };
}

function settingsUrl(place: GitHubPlace, app: z.infer<typeof appSchema>): string {
  const owner = app.owner.login ?? '';
  const ofPerson = app.owner.type !== 'Organization' || owner === '';
  const start = ofPerson ? place.webUrl : `${place.webUrl}/organizations/${owner}`;
  return `${start}/settings/apps/${app.slug}`;
}

async function readWebhook(client: ReadClient): Promise<{ url: string; checksTls: boolean }> {
  const answer = await client.get('/app/hook/config');
  const hook = parseAnswer(webhookSchema, answer.data, "the app's webhook");
  return { url: hook.url, checksTls: String(hook.insecure_ssl) === '0' };
}

async function readDeliveries(client: ReadClient) {
  const answer = await client.get('/app/hook/deliveries', { per_page: 50 });
  const all = parseAnswer(deliveriesSchema, answer.data, 'the deliveries of webhooks');
  return all.map((one) => ({
    event: one.event,
    deliveredAtMs: one.delivered_at,
    statusCode: one.status_code,
    status: one.status,
  }));
}

function installationOf(data: unknown): FoundInstallation {
  const one = parseAnswer(installationSchema, data, 'an installation');
  return {
    id: one.id,
    account: one.account.login ?? one.account.slug ?? `installation ${one.id}`,
    settingsUrl: one.html_url,
    suspended: one.suspended_at !== null && one.suspended_at !== undefined,
    everyRepository: one.repository_selection === 'all',
    permissions: one.permissions,
    events: one.events,
  };
}

/** Every installation of the app. Throws when the list does not end. */
export async function readInstallations(client: ReadClient): Promise<readonly FoundInstallation[]> {
  const rows = (data: unknown): readonly FoundInstallation[] =>
    parseAnswer(z.array(z.unknown()), data, 'the installations').map(installationOf);
  const list = await getPages(client, '/app/installations', { parameters: {}, rows, pages: PAGES });
  if (list.complete) return list.rows;
  throw new TagoutError('usage', 'There are too many installations: name one with --org.');
}

/** One installation by its id; null when the app is not installed there (any more). */
export async function readInstallation(
  client: ReadClient,
  installationId: number,
): Promise<FoundInstallation | null> {
  const asked = client.get('/app/installations/{installation_id}', {
    installation_id: installationId,
  });
  const answer = await asked.catch(noneAt404);
  return answer === null ? null : installationOf(answer.data);
}

function noneAt404(fault: unknown): null {
  if (isRefusal(fault, 404)) return null;
  throw fault;
}

/** The installation that covers a repository, or null when there is none. */
export async function readInstallationOf(
  client: ReadClient,
  owner: string,
  repo: string,
): Promise<FoundInstallation | null> {
  const asked = client.get('/repos/{owner}/{repo}/installation', { owner, repo });
  const answer = await asked.catch(noneAt404);
  return answer === null ? null : installationOf(answer.data);
}

/** Every repository that an installation covers. */
export async function readCovered(client: ReadClient): Promise<{
  readonly rows: readonly CoveredRepository[];
  readonly complete: boolean;
}> {
  const rows = (data: unknown): readonly CoveredRepository[] =>
    parseAnswer(coveredSchema, data, 'the repositories of an installation').repositories.map(
      (one) => ({
        id: one.id,
        owner: one.owner.login,
        name: one.name,
        webUrl: one.html_url,
        private: one.private,
        archived: one.archived,
      }),
    );
  return getPages(client, '/installation/repositories', { parameters: {}, rows, pages: PAGES });
}
