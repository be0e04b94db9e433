/** Probot, set up so that it neither logs payloads nor waits by itself nor knows a default secret. */
import { Probot, ProbotOctokit } from 'probot';
import { TagoutError } from '../core/errors.ts';
import type { OctokitFor, OctokitLike } from './clients.ts';
import type { Limits } from './limits.ts';
import { narrowed, Tokens } from './narrowed.ts';

export interface ProbotSettings {
  readonly appId: number;
  readonly privateKey: string;
  readonly secret: string;
  /** `https://api.github.com`, or `https://HOST/api/v3` of a GitHub Enterprise Server. */
  readonly baseUrl: string;
}

interface OctokitOptions {
  readonly throttle?: object;
  readonly retry?: object;
}

/**
 * Switches throttling and retrying off: only the function form of `defaults` does (probot#2039).
 * Limits are the job queue's business, which can wait without holding a webhook's answer.
 */
const PlainOctokit: typeof ProbotOctokit = ProbotOctokit.defaults((options: OctokitOptions) => ({
  ...options,
  throttle: { ...options.throttle, enabled: false },
  retry: { enabled: false },
}));

/**
 * The Probot of the server. Throws TagoutError('configuration') without a secret, as Probot would
 * fall back to a public one. Its logger is kept at `fatal`: on lower levels it writes whole
 * payloads, signed or not; what went wrong is told by the error that `verifyAndReceive` throws.
 */
export async function createProbot(settings: ProbotSettings): Promise<Probot> {
  if (settings.secret.trim() === '') {
    throw new TagoutError(
      'configuration',
      'WEBHOOK_SECRET is empty: set it to the secret of the GitHub App',
    );
  }
  const probot = new Probot({
    appId: settings.appId,
    privateKey: settings.privateKey,
    secret: settings.secret,
    baseUrl: settings.baseUrl,
    Octokit: PlainOctokit,
    logLevel: 'fatal',
  });
  return probot.ready();
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** The client that speaks as the App itself, with a JSON web token. */
export function appClient(probot: Probot, limits: Limits): () => Promise<OctokitLike> {
  const made = probot.auth();
  made.catch(() => {});
  return async () => limits.watch(await made, { installationId: 0, urgency: 'background' });
}

/** One client per installation and use, each with a token that is as narrow as the use. */
export function octokitFor(probot: Probot, limits: Limits | null = null): OctokitFor {
  const app = probot.auth();
  app.catch(() => {});
  const tokens = new Tokens(() => app);
  return async (installationId, urgency = 'pull', use = 'read') => {
    const { baseUrl } = (await app).request.endpoint.DEFAULTS;
    const plain = new PlainOctokit({ baseUrl, log: quiet });
    const octokit = narrowed(plain, () => tokens.of(installationId, use));
    return limits?.watch(octokit, { installationId, urgency }) ?? octokit;
  };
}
