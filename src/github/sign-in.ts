/**
 * Signing a person in through the app itself: GitHub's web application flow with PKCE. The person's
 * token is used for one question, who they are, and is then dropped.
 */
import { Octokit } from '@octokit/rest';
import { z } from 'zod';
import { readClient } from './clients.ts';
import { GitHubFault } from './faults.ts';
import { placeOfApi } from './places.ts';
import { parseAnswer } from './reading.ts';
import type { SignedInPerson } from './readers.ts';

export interface SignInSettings {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly githubApiUrl: string;
  /** Null: the first callback address of the app's settings page. */
  readonly redirectUri: string | null;
  readonly now: () => number;
}

/** GitHub says no to the exchange: `bad_verification_code`, `incorrect_client_credentials`, …. */
export interface SignInRefusal {
  readonly refused: string;
}

export interface GitHubSignIn {
  /** The page at GitHub; `challenge` is the base64url SHA-256 of the verifier (RFC 7636). */
  page(asked: { readonly state: string; readonly challenge: string }): string;
  /** Who brought this code. Throws GitHubFault when GitHub cannot be asked. */
  exchange(code: string, verifier: string): Promise<SignedInPerson | SignInRefusal>;
}

const TIMEOUT_MS = 10_000;

const answerSchema = z.union([
  z.object({ access_token: z.string().min(1), token_type: z.string() }),
  z.object({ error: z.string() }),
]);
const userSchema = z.object({ id: z.int(), login: z.string(), type: z.string() });

/** Speaks to the GitHub whose API has the given address. */
export function createGitHubSignIn(settings: SignInSettings): GitHubSignIn {
  const { clientId, clientSecret, redirectUri, now } = settings;
  const { webUrl, apiUrl } = placeOfApi(settings.githubApiUrl);
  const where: Readonly<Record<string, string>> =
    redirectUri === null ? {} : { redirect_uri: redirectUri };

  async function tokenOf(fields: Readonly<Record<string, string>>) {
    const url = `${webUrl}/login/oauth/access_token`;
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { accept: 'application/json' },
        body: new URLSearchParams(fields),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return answerSchema.parse(await answer.json());
    } catch {
      // The error is not passed on: it could quote the code or the secret.
      const message = 'GitHub does not answer to the exchange of a sign-in code';
      throw new GitHubFault('github-unavailable', message, { httpStatus: null });
    }
  }

  return {
    page({ state, challenge }) {
      const query = new URLSearchParams({
        client_id: clientId,
        state,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        ...where,
      });
      return `${webUrl}/login/oauth/authorize?${query.toString()}`;
    },
    async exchange(code, verifier) {
      const client = { client_id: clientId, client_secret: clientSecret };
      const answer = await tokenOf({ ...client, code, code_verifier: verifier, ...where });
      if ('error' in answer) return { refused: answer.error.slice(0, 100) };
      const quiet = { debug() {}, info() {}, warn() {}, error() {} };
      const octokit = new Octokit({ baseUrl: apiUrl, auth: answer.access_token, log: quiet });
      const { data } = await readClient(octokit, now).get('/user');
      const { id, login, type } = parseAnswer(userSchema, data, 'the account that signed in');
      return type === 'User' ? { id, login } : { refused: 'not_a_person' };
    },
  };
}
