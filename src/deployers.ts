/** The door for deployers outside of GitHub's workflows: who may ask, and the fresh answer. */
import type { Probot } from 'probot';
import { locatorKey, type Locator, type RepoRef } from './core/subject.ts';
import { findRepo } from './github/find-repo.ts';
import type { Limits } from './github/limits.ts';
import { createOidcCheck, issuerOf, OIDC_AUDIENCE } from './github/oidc.ts';
import { appClient, octokitFor } from './github/probot.ts';
import { remembering } from './remembering.ts';
import { isDeployerToken, lastDecision } from './store/deployers.ts';
import type { Store } from './store/open.ts';
import type { AskedDecision, DecisionAnswer, DecisionParts } from './web/decisions.ts';

/** An answer stands for this long; after it GitHub is read again before anything is released. */
const FRESH_MS = 30_000;
/** A look that was asked for is not asked for again at once. */
const ASK_MS = 5_000;
/** Names and what they stand for are asked of GitHub again after this long. */
const KNOWN_MS = 600_000;
const KNOWN_LIMIT = 1_000;

export interface DoorParts {
  readonly probot: Probot;
  readonly limits: Limits;
  readonly store: Pick<Store, 'sql' | 'inbox'>;
  readonly githubApiUrl: string;
  readonly now: () => number;
}

/** Makes the parts of the decision endpoint. */
export function createDeployerDoor(parts: DoorParts): DecisionParts {
  const { store, now } = parts;
  const issuer = issuerOf(parts.githubApiUrl);
  const isJob = createOidcCheck({ issuer, audience: OIDC_AUDIENCE, now });
  const repoOf = knownRepos(parts);
  const asks = new Map<string, number>();
  return {
    async authorise(token, { owner, repo, environment }) {
      const place = { repository: `${owner}/${repo}`, environment };
      if (token.split('.').length === 3) return isJob(token, place);
      return isDeployerToken(store.sql, token, place);
    },
    async look(asked) {
      const repo = await repoOf(asked);
      if (repo === null) return null;
      const { environment, sha } = asked;
      const locator: Locator = { kind: 'external', repo, environment, sha, deploymentId: null };
      const key = locatorKey(locator);
      const last = await lastDecision(store.sql, key);
      if (last !== null && last.readAtMs > now() - FRESH_MS) {
        const { verdict, codes, decidedAtMs } = last;
        return { decision: verdict, codes, decidedAtMs };
      }
      if ((asks.get(key) ?? Number.NEGATIVE_INFINITY) < now() - ASK_MS) {
        if (asks.size > KNOWN_LIMIT) asks.clear();
        asks.set(key, now());
        await store.inbox.enqueue({ locator, because: 'deployer', delivery: null });
      }
      return PENDING;
    },
  };
}

const PENDING: DecisionAnswer = { decision: 'pending', codes: [], decidedAtMs: null };

function knownRepos(parts: DoorParts): (asked: AskedDecision) => Promise<RepoRef | null> {
  const { probot, limits, now } = parts;
  const clients = { app: appClient(probot, limits), octokitFor: octokitFor(probot, limits) };
  const remember = remembering<RepoRef | null>({
    lifeMs: KNOWN_MS,
    most: KNOWN_LIMIT,
    now,
    // A repository that the app gets next is there at once.
    keeps: (repo) => repo !== null,
  });
  return (asked) =>
    remember(`${asked.owner}/${asked.repo}`.toLowerCase(), () => findRepo(clients, asked, now));
}
