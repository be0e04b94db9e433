/** A first start: serves the set-up page until the app is registered and its credentials stored. */
import { randomBytes } from 'node:crypto';
import { CHECK_NAME } from '../core/effects.ts';
import { exchangeManifestCode } from '../github/manifest-code.ts';
import { newAppPage, placeOfApi, placeOfWeb } from '../github/places.ts';
import type { GitHubPlace } from '../github/places.ts';
import { WEBHOOK_PATH } from '../web/app.ts';
import { CALLBACK_PATH } from '../web/audit/sign-in.ts';
import type { Log } from '../web/log.ts';
import { listen } from '../web/server.ts';
import { createSetupApp } from '../web/setup.ts';
import type { Created, Registration, Where } from '../web/setup.ts';
import { readAppManifest } from './app-manifest.ts';
import type { AppManifest } from './app-manifest.ts';
import { credentialsPath, environmentHasCredentials, readCredentials } from './credentials.ts';
import { writeCredentials } from './credentials.ts';
import { EXIT } from './io.ts';
import type { Io } from './io.ts';
import { readSetupSettings } from './settings.ts';

/** The page closes by itself, so that a forgotten one does not stand open for ever. */
const OPEN_FOR_MS = 30 * 60 * 1000;
const GRACE_MS = 2_000;

/**
 * Whether a start has no credentials at all, so that the set-up page can help. In production
 * (NODE_ENV) nobody sits at the terminal, and a start without credentials is a fault.
 */
export function needsSetup(env: Io['env'], cwd: string): boolean {
  if (env['NODE_ENV'] === 'production' || environmentHasCredentials(env)) return false;
  return readCredentials(credentialsPath(env, cwd)) === null;
}

/** The manifest of app.yml for one place, as GitHub's registration form takes it. */
export function manifestFor(
  manifest: AppManifest,
  addresses: { readonly publicUrl: string; readonly redirectUrl: string },
): object {
  return {
    ...manifest,
    hook_attributes: { url: `${addresses.publicUrl}${WEBHOOK_PATH}`, active: true },
    redirect_url: addresses.redirectUrl,
    callback_urls: [`${addresses.publicUrl}${CALLBACK_PATH}`],
    request_oauth_on_install: false,
  };
}

/** Serves the page. Answers 0 when the credentials are stored, so that the server can start. */
export async function runSetup(io: Io, log: Log): Promise<number> {
  const settings = readSetupSettings(io.env);
  const fixed = settings.githubApiUrl === null ? null : placeOfApi(settings.githubApiUrl);
  const token = randomBytes(24).toString('base64url');
  const done = Promise.withResolvers<'created' | 'late' | 'stopped'>();
  const app = createSetupApp({
    token,
    publicUrl: settings.publicUrl,
    fixedGitHub: fixed?.webUrl ?? null,
    secret: () => randomBytes(24).toString('base64url'),
    now: io.now,
    register: registrationOf(readAppManifest()),
    create: (code, where) => create(io, fixed ?? placeOfWeb(where.githubUrl), code, where),
    onCreated: () => done.resolve('created'),
    log,
  });
  const listening = await listen(app, { host: '127.0.0.1', port: settings.port });
  io.out(invitation(listening.url, token));
  const timer = setTimeout(() => done.resolve('late'), OPEN_FOR_MS);
  const stop = (): void => done.resolve('stopped');
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const ended = await done.promise;
    if (ended === 'created') return EXIT.allow;
    if (ended === 'late') io.err('tagout: the set-up page is closed: run npm start again.\n');
    return EXIT.configuration;
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await listening.close(GRACE_MS);
  }
}

function invitation(url: string, token: string): string {
  const port = new URL(url).port;
  return (
    'Tagout has no credentials yet. Open this page on this machine to register your GitHub App:\n\n' +
    `  ${url}/setup?token=${token}\n\n` +
    'The link works once; the page stays open for 30 minutes. On a machine without a browser,\n' +
    `forward the port first: ssh -L ${port}:127.0.0.1:${port} HOST\n`
  );
}

function registrationOf(manifest: AppManifest) {
  return (where: Where, redirectUrl: string): Registration => ({
    page: newAppPage(placeOfWeb(where.githubUrl), where.organisation),
    manifest: manifestFor(manifest, { publicUrl: where.publicUrl, redirectUrl }),
    webhookUrl: `${where.publicUrl}${WEBHOOK_PATH}`,
    permissions: manifest.default_permissions,
    events: manifest.default_events,
  });
}

async function create(io: Io, place: GitHubPlace, code: string, where: Where): Promise<Created> {
  const { owner, ...app } = await exchangeManifestCode(code, place.apiUrl, io.now);
  const path = credentialsPath(io.env, io.cwd);
  writeCredentials(path, {
    version: 1,
    ...app,
    githubApiUrl: place.apiUrl,
    publicUrl: where.publicUrl,
    createdAt: new Date(io.now()).toISOString(),
  });
  const { slug, htmlUrl, appId } = app;
  return { slug, htmlUrl, appId, owner, storedIn: path, checkName: CHECK_NAME };
}
