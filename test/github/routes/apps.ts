/** Apps, installations, tokens and hook deliveries. */
import {
  actingApp,
  byCursor,
  found,
  HttpError,
  isRecord,
  number,
  ok,
  paged,
  param,
  repoOf,
  type Call,
  type Reply,
  type Route,
} from '../http.ts';
import { appJson, fullRepoJson, installationJson, iso } from '../shapes.ts';
import type { AppRecord, Installation, Json, RepoRecord } from '../state.ts';
import { redeliver, type Delivery } from '../webhooks.ts';

function appOf(call: Call): AppRecord {
  return found(actingApp(call));
}

function installationOf(call: Call): Installation {
  const id = number(call, 'installation_id');
  return found(appOf(call).installations.find((one) => one.id === id));
}

function covered(call: Call, app: AppRecord, one: Installation): RepoRecord[] {
  return [...call.world.repos.values()].filter(
    (repo) => !repo.deleted && call.world.installed(app, repo) === one,
  );
}

const ranks: Readonly<Record<string, number>> = { read: 1, write: 2, admin: 3 };

function narrowPermissions(app: AppRecord, asked: unknown): Record<string, string> {
  if (!isRecord(asked)) return { ...app.permissions };
  const narrowed: Record<string, string> = {};
  for (const [name, level] of Object.entries(asked)) {
    const held = ranks[app.permissions[name] ?? ''] ?? 0;
    if (typeof level !== 'string' || (ranks[level] ?? 9) > held) {
      const reason = 'The permissions requested are not granted to this installation.';
      throw new HttpError(422, reason);
    }
    narrowed[name] = level;
  }
  // Every token can read metadata.
  return { metadata: 'read', ...narrowed };
}

function narrowRepositories(call: Call, repos: readonly RepoRecord[]): RepoRecord[] | null {
  const { repositories, repository_ids: ids } = call.body;
  if (!Array.isArray(repositories) && !Array.isArray(ids)) return null;
  const names: readonly unknown[] = Array.isArray(repositories) ? repositories : [];
  const numbers: readonly unknown[] = Array.isArray(ids) ? ids : [];
  const byName = names.map((name) => repos.find((repo) => repo.name === name));
  const byId = numbers.map((id) => repos.find((repo) => repo.id === id));
  return [...byName, ...byId].map((repo) => {
    if (repo !== undefined) return repo;
    const reason = 'There is at least one repository that does not exist or is not accessible';
    throw new HttpError(422, reason);
  });
}

const tokenLifeMs = 3_600_000;

function createToken(call: Call): Reply {
  const { world } = call;
  const app = appOf(call);
  const installation = installationOf(call);
  if (installation.suspendedAtMs !== null) {
    throw new HttpError(403, 'This installation has been suspended');
  }
  const narrowed = narrowRepositories(call, covered(call, app, installation));
  const permissions = narrowPermissions(app, call.body['permissions']);
  const token = `ghs_${world.token(`installation ${world.nextId('token')}`).slice(0, 36)}`;
  const expiresAtMs = world.now() + tokenLifeMs;
  const repositories = narrowed === null ? null : new Set(narrowed.map((repo) => repo.id));
  const record = { token, app, installation, permissions, repositories, expiresAtMs };
  world.tokens.set(token, { ...record, kind: 'installation', user: null });
  const all = narrowed === null && installation.selected === null;
  return ok(
    {
      token,
      expires_at: iso(expiresAtMs),
      permissions,
      repository_selection: all ? 'all' : 'selected',
      ...(narrowed === null
        ? {}
        : { repositories: narrowed.map((repo) => fullRepoJson(world, repo)) }),
    },
    201,
  );
}

function deliveryStatus(delivery: Delivery): string {
  if (delivery.outcome === 'answered')
    return delivery.statusCode < 400 ? 'OK' : 'Invalid HTTP Response';
  if (delivery.outcome === 'failed') return 'Invalid HTTP Response: 502';
  return delivery.outcome === 'pending' ? 'pending' : 'failed to connect to host';
}

function deliveryItem(delivery: Delivery): Json {
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: iso(delivery.atMs),
    redelivery: delivery.redelivery,
    duration: Math.round(delivery.durationMs) / 1000,
    status: deliveryStatus(delivery),
    status_code: delivery.statusCode,
    event: delivery.event,
    action: delivery.action,
    installation_id: delivery.installationId,
    repository_id: delivery.repositoryId,
    throttled_at: null,
  };
}

function deliveryJson(delivery: Delivery): Json {
  return {
    ...deliveryItem(delivery),
    url: delivery.app.webhookUrl ?? '',
    request: { headers: delivery.headers, payload: JSON.parse(delivery.body) },
    response: { headers: {}, payload: delivery.responseBody },
  };
}

function deliveryOf(call: Call): Delivery {
  const id = number(call, 'delivery_id');
  const app = appOf(call);
  return found(call.world.deliveries.find((one) => one.id === id && one.app === app));
}

/** Deliveries are kept for three days, and can be sent again for as long. */
const keptMs = 3 * 86_400_000;

function listDeliveries(call: Call): Promise<Reply> {
  const app = appOf(call);
  const since = call.world.now() - keptMs;
  const mine = call.world.deliveries.filter((one) => one.app === app && one.atMs >= since);
  const status = call.query.get('status');
  const items = mine.reverse().filter((one) => {
    if (status === null) return true;
    const good = one.statusCode >= 200 && one.statusCode < 400;
    return status === 'success' ? good : !good;
  });
  return byCursor(call, { items, render: deliveryItem }, 'cursor');
}

function convertManifest(call: Call): Reply {
  const code = param(call, 'code');
  const app = found(call.world.manifestCodes.get(code));
  call.world.manifestCodes.delete(code);
  const secrets = {
    client_id: app.clientId,
    client_secret: app.clientSecret,
    webhook_secret: app.webhookSecret,
    pem: app.privateKey,
  };
  return ok({ ...appJson(call.world, app), ...secrets }, 201);
}

function getApp(call: Call): Reply {
  const app = appOf(call);
  return ok({ ...appJson(call.world, app), installations_count: app.installations.length });
}

function listRepositories(call: Call): Promise<Reply> {
  if (call.auth.kind !== 'token' || call.auth.token.installation === null) {
    throw new HttpError(403, 'You must authenticate with an installation access token');
  }
  const { token } = call.auth;
  const app = found(token.app);
  const repos = covered(call, app, found(token.installation)).filter(
    (repo) => token.repositories === null || token.repositories.has(repo.id),
  );
  return paged(call, {
    items: repos,
    render: (repo) => fullRepoJson(call.world, repo),
    wrap: (repositories, total) => ({
      total_count: total,
      repository_selection: token.repositories === null ? 'all' : 'selected',
      repositories,
    }),
  });
}

function repoInstallation(call: Call): Reply {
  const repo = repoOf(call, 'jwt');
  const app = appOf(call);
  return ok(installationJson(call.world, app, found(call.world.installed(app, repo))));
}

function hookConfig(call: Call): Reply {
  const url = appOf(call).webhookUrl ?? `${call.world.url}/no-webhook`;
  return ok({ content_type: 'json', insecure_ssl: '0', secret: '********', url });
}

export const appRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/app/installations/{installation_id}/access_tokens',
    operationId: 'apps/create-installation-access-token',
    need: 'jwt',
    handle: createToken,
  },
  {
    method: 'GET',
    path: '/app',
    operationId: 'apps/get-authenticated',
    need: 'jwt',
    handle: getApp,
  },
  {
    method: 'GET',
    path: '/app/installations',
    operationId: 'apps/list-installations',
    need: 'jwt',
    handle: (call) => {
      const app = appOf(call);
      const render = (one: Installation): Json => installationJson(call.world, app, one);
      return paged(call, { items: app.installations, render });
    },
  },
  {
    method: 'GET',
    path: '/app/installations/{installation_id}',
    operationId: 'apps/get-installation',
    need: 'jwt',
    handle: (call) => ok(installationJson(call.world, appOf(call), installationOf(call))),
  },
  {
    method: 'GET',
    path: '/app/hook/deliveries',
    operationId: 'apps/list-webhook-deliveries',
    need: 'jwt',
    handle: listDeliveries,
  },
  {
    method: 'GET',
    path: '/app/hook/deliveries/{delivery_id}',
    operationId: 'apps/get-webhook-delivery',
    need: 'jwt',
    handle: (call) => ok(deliveryJson(deliveryOf(call))),
  },
  {
    method: 'POST',
    path: '/app/hook/deliveries/{delivery_id}/attempts',
    operationId: 'apps/redeliver-webhook-delivery',
    need: 'jwt',
    handle: (call) => {
      redeliver(call.world, deliveryOf(call));
      return ok({}, 202);
    },
  },
  {
    method: 'GET',
    path: '/app/hook/config',
    operationId: 'apps/get-webhook-config-for-app',
    need: 'jwt',
    handle: hookConfig,
  },
  {
    method: 'POST',
    path: '/app-manifests/{code}/conversions',
    operationId: 'apps/create-from-manifest',
    need: 'any',
    handle: convertManifest,
  },
  {
    method: 'DELETE',
    path: '/installation/token',
    operationId: 'apps/revoke-installation-access-token',
    need: 'token',
    handle: (call) => {
      if (call.auth.kind === 'token') call.world.tokens.delete(call.auth.token.token);
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path: '/installation/repositories',
    operationId: 'apps/list-repos-accessible-to-installation',
    need: 'token',
    handle: listRepositories,
  },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/installation',
    operationId: 'apps/get-repo-installation',
    need: 'jwt',
    handle: repoInstallation,
  },
];
