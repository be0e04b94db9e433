/**
 * `/audit` over real HTTP, on a real store and the local GitHub, with a clock that is told: what the
 * server mounts, and a browser without a screen to use it.
 */
import { createAuditDoor } from '../../src/audit-door.ts';
import { Limits } from '../../src/github/limits.ts';
import { createProbot } from '../../src/github/probot.ts';
import { createWebApp } from '../../src/web/app.ts';
import { createAuditPages } from '../../src/web/audit/pages.ts';
import { listen } from '../../src/web/server.ts';
import { LocalGitHub } from '../github/index.ts';
import { openTestStore, type TestStore } from '../store/help.ts';
import { judged, repoOf } from '../store/judged.ts';
import type { TestLog } from './log.ts';

export const FLOOR = 'version: 1\naudit:\n  readers: { teams: [compliance] }\n';

export interface AuditSite {
  readonly gh: LocalGitHub;
  readonly t: TestStore;
  readonly url: string;
  /** The installation of acme, whose record there is. */
  readonly acme: number;
  readonly lines: readonly string[];
  close(): Promise<void>;
}

export interface SiteOptions {
  /** Null: acme has no floor. */
  readonly floor?: string | null;
  readonly publicUrl?: string;
  readonly clientSecret?: string;
}

/** People: root owns acme, cara is in its team compliance, mira is a member, eve a stranger. */
async function organisation(gh: LocalGitHub, floor: string | null): Promise<number> {
  for (const login of ['root', 'cara', 'mira', 'eve']) gh.user(login);
  gh.org('acme', { teams: { compliance: ['cara'] }, members: ['mira'], admins: ['root'] });
  await gh.repo('acme/shop', {});
  if (floor !== null) {
    await gh.repo('acme/.github', { files: { '.github/tagout.yml': floor } });
  }
  return gh.installation('acme').id;
}

/** One real, sealed record of an installation. */
export async function recordOne(t: TestStore, installationId: number): Promise<void> {
  const repo = repoOf(installationId, installationId + 10);
  await t.store.record.record(judged({ repo, runId: 1, verdict: 'hold' }));
  await t.store.sealer.sealNow(installationId);
}

/** Puts a made-up log into the store, sealed at the times of its events. */
export async function fillFrom(t: TestStore, log: TestLog, installationId: number): Promise<void> {
  for (const { body, details } of log.leaves) {
    const own = body.replace('"installationId":1,', `"installationId":${installationId},`);
    t.clock.nowMs = JSON.parse(body).recordedAtMs + 500;
    const [row] = await t.store.sql`insert into audit.event (body) values (${own}) returning id`;
    for (const { path, salt, value } of details) {
      await t.store.sql`insert into audit.detail (event_row, path, salt, value)
        values (${row?.['id']}, ${path}, ${Buffer.from(salt)}, ${value})`;
    }
    await t.store.sealer.sealNow(installationId);
  }
}

export async function openSite(options: SiteOptions = {}): Promise<AuditSite> {
  const t = await openTestStore();
  const now = (): number => t.clock.nowMs;
  const gh = await LocalGitHub.start({ now });
  const acme = await organisation(gh, options.floor === undefined ? FLOOR : options.floor);
  await recordOne(t, acme);
  const { privateKey, webhookSecret: secret, id: appId, clientId, clientSecret } = gh.app;
  const probot = await createProbot({ appId, privateKey, secret, baseUrl: gh.url });
  const lines: string[] = [];
  const write = (about: object, message: string): void =>
    void lines.push(JSON.stringify({ ...about, message }));
  const log = { info: write, warn: write, error: write };
  const door = createAuditDoor({
    settings: { privateKey, githubApiUrl: gh.url, publicUrl: options.publicUrl ?? null },
    oauth: { clientId, clientSecret: options.clientSecret ?? clientSecret },
    probot,
    limits: new Limits(now),
    store: t.store,
    log,
    now,
  });
  const app = createWebApp({ receiveWebhook: null, ready: () => Promise.resolve(), log });
  app.route('/', createAuditPages(door));
  const listening = await listen(app, { host: '127.0.0.1', port: 0 });
  gh.app.callbackUrls = [options.publicUrl ?? listening.url].map((url) => `${url}/audit/callback`);
  return {
    gh,
    t,
    url: listening.url,
    acme,
    lines,
    async close() {
      await listening.close(100);
      await t.close();
      await gh.close();
    },
  };
}

/** A browser without a screen: keeps cookies of the site and follows nothing by itself. */
export class Visitor {
  readonly cookies: Map<string, string> = new Map();
  readonly site: AuditSite;

  constructor(site: AuditSite) {
    this.site = site;
  }

  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const url = `${this.site.url}${path}`;
    const answer = await fetch(url, { ...init, redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
      if (value === '' || /max-age=0/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return answer;
  }

  /** As a browser does, comes back where a page says that it asks again by itself. */
  async page(path: string): Promise<{ readonly status: number; readonly text: string }> {
    let answer = await this.ask(path);
    while (answer.headers.has('refresh')) answer = await this.ask(path);
    return { status: answer.status, text: await answer.text() };
  }

  post(path: string, form: Readonly<Record<string, string>>): Promise<Response> {
    return this.ask(path, { method: 'POST', body: new URLSearchParams(form) });
  }

  /** Goes to GitHub, says who it is, and answers the path with which GitHub sends it back. */
  async throughGitHub(login: string): Promise<string> {
    const begun = await this.ask('/audit/sign-in');
    const answer = await fetch(begun.headers.get('location') ?? '', {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ by: login }),
    });
    const back = new URL(answer.headers.get('location') ?? '');
    return `${back.pathname}${back.search}`;
  }

  async signIn(login: string): Promise<Response> {
    return this.ask(await this.throughGitHub(login));
  }
}
