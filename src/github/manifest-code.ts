/** Exchanges the code that GitHub brings back from an app's registration for its credentials. */
import { Octokit } from '@octokit/rest';
import { z } from 'zod';
import { TagoutError } from '../core/errors.ts';
import { writeClient } from './clients.ts';
import { isRefusal } from './faults.ts';
import { parseAnswer } from './reading.ts';

export interface NewApp {
  readonly appId: number;
  readonly slug: string;
  readonly htmlUrl: string;
  readonly owner: string;
  readonly privateKey: string;
  readonly webhookSecret: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

const newAppSchema = z.object({
  id: z.int().positive(),
  slug: z.string().min(1),
  html_url: z.url(),
  owner: z.object({ login: z.string() }),
  client_id: z.string(),
  client_secret: z.string(),
  webhook_secret: z.string().nullable(),
  pem: z.string().min(1),
});

/**
 * One call without any credentials. Throws TagoutError('bad-input') when GitHub does not know the
 * code (used, or older than an hour), and GitHubFault when it could not be asked.
 */
export async function exchangeManifestCode(
  code: string,
  apiUrl: string,
  now: () => number,
): Promise<NewApp> {
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const client = writeClient(new Octokit({ baseUrl: apiUrl, log: quiet }), now);
  const path = `/app-manifests/${encodeURIComponent(code)}/conversions` as const;
  const answer = await client.send('POST', path, {}).catch((fault: unknown) => {
    if (!isRefusal(fault, 404, 422)) throw fault;
    const message =
      'GitHub does not know this registration: its code was used already or is older than one hour.';
    throw new TagoutError('bad-input', message);
  });
  const made = parseAnswer(newAppSchema, answer.data, 'the registration of the app');
  if (made.webhook_secret === null || made.webhook_secret === '') {
    const message =
      `GitHub registered ${made.slug} without a webhook secret. Delete it on ${made.html_url}, ` +
      'and register it again.';
    throw new TagoutError('bad-input', message);
  }
  return {
    appId: made.id,
    slug: made.slug,
    htmlUrl: made.html_url,
    owner: made.owner.login,
    privateKey: made.pem,
    webhookSecret: made.webhook_secret,
    clientId: made.client_id,
    clientSecret: made.client_secret,
  };
}
