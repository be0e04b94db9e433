/**
 * GitHub's door for the doctor: reads only, as the app itself or as one of its installations.
 * It counts requests, so that a look at many repositories keeps within its figure.
 */
import { createAppAuth } from '@octokit/auth-app';
import { Octokit } from '@octokit/rest';
import { type ReadClient, readClient } from './clients.ts';

export interface AppCredentials {
  readonly appId: number;
  readonly privateKey: string;
  readonly githubApiUrl: string;
}

export interface PostureClients {
  readonly app: ReadClient;
  /** The client of an installation; its token is asked for with the first request. */
  installation(id: number): ReadClient;
  /** The client of a person, by a token that they gave for this look. */
  person(token: string): ReadClient;
  /** Requests that were sent, those for tokens among them. */
  sent(): number;
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** No request is sent before the first read. */
export function postureClients(credentials: AppCredentials, now: () => number): PostureClients {
  const { appId, privateKey, githubApiUrl: baseUrl } = credentials;
  let sent = 0;
  const counting: typeof fetch = (input, init) => {
    sent += 1;
    return fetch(input, init);
  };
  const common = { baseUrl, log: quiet, request: { fetch: counting } };
  const clientFor = (auth: object): ReadClient =>
    readClient(new Octokit({ ...common, authStrategy: createAppAuth, auth }), now);
  const known = new Map<number, ReadClient>();
  return {
    app: clientFor({ appId, privateKey, log: quiet }),
    installation(id) {
      const client =
        known.get(id) ?? clientFor({ appId, privateKey, installationId: id, log: quiet });
      known.set(id, client);
      return client;
    },
    person: (token) => readClient(new Octokit({ ...common, auth: token }), now),
    sent: () => sent,
  };
}
