/**
 * The local GitHub: a stateful peer on real git repositories that answers GitHub's REST and
 * GraphQL API, signs and sends webhooks, and is driven by the tests and the demo.
 *
 *     const gh = await LocalGitHub.start({ app: manifest });
 *     const alice = gh.user('alice');
 *     const repo = await gh.repo('acme/shop', { files: { 'README.md': 'Hello' } });
 */
import { generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { defaultManifest, newRepo, type RepoOptions } from './defaults.ts';
import { GitStore } from './git.ts';
import { Repo } from './repo.ts';
import { LocalServer, type Exchange } from './server.ts';
import { installationJson } from './shapes.ts';
import type {
  Account,
  AccountType,
  AppRecord,
  Installation,
  Json,
  Manifest,
  Org,
  RepoRecord,
} from './state.ts';
import { changeInstallation, changeTeam, deleteTeam, removeMember, suspend } from './acts-more.ts';
import { closeWebhooks, emit, redeliver, type Delivery } from './webhooks.ts';
import { World, type RequestLog } from './world.ts';
import type { Faults } from './faults.ts';
import { contractJudge, type Judge } from '../contract/judge.ts';
import { moveRef } from './acts-code.ts';

export interface StartOptions {
  /** 0, the default, picks a free port. */
  readonly port?: number;
  /** The manifest (`app.yml` parsed): permissions and events. */
  readonly app?: Manifest;
  readonly webhookUrl?: string;
  /** Checks every exchange and webhook against GitHub's OpenAPI; on unless told otherwise. */
  readonly validate?: boolean;
  readonly now?: () => number;
  readonly seed?: number;
}

export interface UserOptions {
  readonly id?: number;
  readonly type?: AccountType;
  readonly name?: string;
  readonly emails?: readonly string[];
}

export class LocalGitHub {
  readonly world: World;
  readonly app: AppRecord;
  private readonly server: LocalServer;
  private readonly judge: Judge | null;
  private readonly repos = new Map<RepoRecord, Repo>();

  private constructor(options: StartOptions) {
    const now = options.now ?? Date.now;
    this.world = new World({ now, seed: options.seed ?? 1 });
    this.judge = options.validate === false ? null : contractJudge(this.world.violations);
    const { judge } = this;
    if (judge !== null) this.world.judge = (_, name, payload) => judge.webhook(name, payload);
    const hear = (exchange: Exchange): void => judge?.exchange(exchange);
    this.server = new LocalServer(this.world, hear);
    this.wellKnown();
    this.app = this.addApp(options.app ?? defaultManifest);
    this.app.webhookUrl = options.webhookUrl ?? null;
  }

  static async start(options: StartOptions = {}): Promise<LocalGitHub> {
    const gh = new LocalGitHub(options);
    await new Promise<void>((resolve, reject) => {
      gh.server.http.once('error', reject);
      gh.server.http.listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    const address = gh.server.http.address() as AddressInfo;
    gh.world.url = `http://127.0.0.1:${address.port}`;
    return gh;
  }

  /** Address of the API and of the pages. */
  get url(): string {
    return this.world.url;
  }

  get requests(): readonly RequestLog[] {
    return this.world.requests;
  }

  get deliveries(): readonly Delivery[] {
    return this.world.deliveries;
  }

  get violations(): readonly string[] {
    return this.world.violations;
  }

  get faults(): Faults {
    return this.world.faults;
  }

  /** Accounts that exist on every GitHub. */
  private wellKnown(): void {
    const known: readonly [number, string, AccountType, string][] = [
      [19_864_447, 'web-flow', 'User', 'noreply@github.com'],
      [10_137, 'ghost', 'User', 'ghost@users.noreply.github.com'],
      [41_898_282, 'github-actions[bot]', 'Bot', 'github-actions@github.com'],
      [198_982_749, 'Copilot', 'Bot', '198982749+Copilot@users.noreply.github.com'],
      [49_699_333, 'dependabot[bot]', 'Bot', 'support@github.com'],
    ];
    for (const [id, login, type, email] of known) {
      this.world.addAccount({ id, login, type, name: login, emails: [email] });
    }
  }

  /** Makes an account, or answers the one that is there. */
  user(login: string, options: UserOptions = {}): Account {
    const existing = this.world.accounts.get(login.toLowerCase());
    if (existing !== undefined && (options.id ?? existing.id) === existing.id) return existing;
    return this.world.addAccount({
      id: options.id ?? this.world.nextId('account'),
      login,
      type: options.type ?? 'User',
      name: options.name ?? login,
      emails: options.emails ?? [`${login.replace(/\W/g, '')}@example.com`],
    });
  }

  /** A personal token of a user, as the command line would use. */
  token(login: string): string {
    const token = `ghp_${this.world.token(`user ${login}`).slice(0, 36)}`;
    const user = this.world.account(login);
    const none = { app: null, installation: null, repositories: null, permissions: {} };
    const expiresAtMs = Number.POSITIVE_INFINITY;
    this.world.tokens.set(token, { token, kind: 'user', user, expiresAtMs, ...none });
    return token;
  }

  /** Makes an organisation; `teams` lists the members of each. */
  org(
    login: string,
    options: {
      readonly teams?: Readonly<Record<string, readonly string[]>>;
      readonly members?: readonly string[];
      readonly admins?: readonly string[];
    } = {},
  ): Org {
    const account = this.user(login, { type: 'Organization', emails: [] });
    const org: Org = { account, teams: new Map(), members: new Map() };
    this.world.orgs.set(login.toLowerCase(), org);
    for (const name of options.members ?? []) org.members.set(this.login(name), 'member');
    for (const [name, members] of Object.entries(options.teams ?? {})) {
      this.team(org, name, members);
    }
    for (const name of options.admins ?? []) org.members.set(this.login(name), 'admin');
    return org;
  }

  /** Makes a team, or sets the members of one that is there. */
  team(org: Org, name: string, members: readonly string[]): void {
    const slug = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
    const logins = new Set(members.map((member) => this.login(member)));
    for (const login of logins) if (!org.members.has(login)) org.members.set(login, 'member');
    const id = org.teams.get(slug)?.id ?? this.world.nextId('team');
    org.teams.set(slug, { id, slug, name, members: logins });
  }

  /** A person joins or leaves a team, with the webhook `membership`. */
  membership(
    org: Org,
    who: { readonly team: string; readonly login: string },
    action: 'added' | 'removed',
  ): void {
    const team = org.teams.get(who.team);
    if (team === undefined) throw new Error(`${org.account.login} has no team ${who.team}`);
    const change = {
      org,
      team,
      member: this.user(who.login),
      sender: this.firstAdmin(org.account),
    };
    changeTeam(this.world, change, action);
  }

  /** A person leaves the organisation, with the webhook `organization`. */
  leave(org: Org, login: string): void {
    const sender = this.firstAdmin(org.account);
    removeMember(this.world, { org, member: this.user(login), sender });
  }

  /** A team is deleted, with the webhook `team`. */
  dissolve(org: Org, slug: string): void {
    const team = org.teams.get(slug);
    if (team === undefined) throw new Error(`${org.account.login} has no team ${slug}`);
    deleteTeam(this.world, { org, team, sender: this.firstAdmin(org.account) });
  }

  /** An owner accepts the app's permissions as they are now, or uninstalls it. */
  changeInstallation(owner: string, action: 'new_permissions_accepted' | 'deleted'): void {
    const by = this.firstAdmin(this.world.account(owner));
    const installation = this.installation(owner);
    changeInstallation(this.world, { app: this.app, installation, by }, action);
  }

  /** Suspends the app's installation on an account, or wakes it again. */
  suspend(owner: string, suspended: boolean = true): void {
    const by = this.firstAdmin(this.world.account(owner));
    suspend(this.world, { app: this.app, installation: this.installation(owner), by }, suspended);
  }

  private login(name: string): string {
    return this.user(name).login.toLowerCase();
  }

  /** Registers an app with a fresh key. */
  addApp(manifest: Manifest): AppRecord {
    const { world } = this;
    const id = world.nextId('app');
    const name = manifest.name ?? 'tagout';
    const slug = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
    const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const app: AppRecord = {
      id,
      slug,
      name,
      clientId: `Iv23li${world.token(`app ${id}`).slice(0, 14)}`,
      clientSecret: world.token(`client ${id}`).slice(0, 40),
      callbackUrls: [...(manifest.callback_urls ?? [])],
      owner: world.account('ghost'),
      bot: this.user(`${slug}[bot]`, { type: 'Bot' }),
      privateKey: keys.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
      publicKey: keys.publicKey,
      createdAtMs: world.now(),
      hookId: world.nextId('hook'),
      installations: [],
      permissions: { metadata: 'read', ...manifest.default_permissions },
      events: [...manifest.default_events],
      webhookSecret: world.token(`secret ${id}`).slice(0, 40),
      webhookUrl: null,
    };
    world.apps.push(app);
    return app;
  }

  /** The installation of an app on an account, made when it is not there. */
  installation(owner: string, app: AppRecord = this.app): Installation {
    const account = this.world.account(owner);
    const known = app.installations.find((one) => one.account.id === account.id);
    if (known !== undefined) return known;
    const made: Installation = {
      id: this.world.nextId('installation'),
      account,
      createdAtMs: this.world.now(),
      suspendedAtMs: null,
      selected: null,
    };
    app.installations.push(made);
    const org = this.world.orgs.get(owner.toLowerCase());
    const admin = [...(org?.members ?? [])].find(([, role]) => role === 'admin')?.[0];
    const body: Json = {
      installation: installationJson(this.world, app, made),
      repositories: [],
      requester: null,
    };
    const sender = admin === undefined ? account : this.world.account(admin);
    const notice = { event: 'installation', action: 'created', repo: null, sender, body };
    emit(this.world, { ...notice, installation: made, onlyApp: app });
    return made;
  }

  /** Makes `owner/name` with a first commit, with the app installed on the owner. */
  async repo(name: string, options: RepoOptions = {}): Promise<Repo> {
    const [owner = '', short = ''] = name.split('/');
    const account = this.user(owner);
    for (const app of this.world.apps) this.installation(owner, app);
    const id = this.world.nextId('repo');
    const git = await GitStore.create(join(this.world.dir, `${id}.git`));
    const record = newRepo(this.world, { id, account, name: short, git, parent: null, options });
    const repo = this.keep(record);
    const author = options.author ?? this.firstAdmin(account);
    const by = typeof author === 'string' ? this.user(author) : author;
    const files = options.files ?? { 'README.md': `# ${short}\n` };
    const message = 'Initial commit';
    await repo.commit({ branch: record.defaultBranch, files, author: by, message, parents: [] });
    return repo;
  }

  /** A fork of a repository; both share one object store, as at GitHub. */
  async fork(of: Repo, owner: string): Promise<Repo> {
    const { record } = of;
    const id = this.world.nextId('repo');
    const account = this.user(owner);
    const { git, name } = record;
    const made = newRepo(this.world, { id, account, name, git, parent: record, options: {} });
    made.defaultBranch = record.defaultBranch;
    const fork = this.keep(made);
    const sha = of.sha(record.defaultBranch);
    const branch = record.defaultBranch;
    await moveRef(this.world, { repo: made, branch, sha, by: account });
    return fork;
  }

  private keep(record: RepoRecord): Repo {
    const key = `${record.owner.login}/${record.name}`.toLowerCase();
    if (this.world.repo(key) !== null) throw new Error(`${key} is already there`);
    this.world.repos.set(key, record);
    const repo = new Repo(this.world, record);
    this.repos.set(record, repo);
    return repo;
  }

  private firstAdmin(account: Account): Account {
    const org = this.world.orgs.get(account.login.toLowerCase());
    const admin = [...(org?.members ?? [])].find(([, role]) => role === 'admin')?.[0];
    if (admin !== undefined) return this.world.account(admin);
    return org === undefined ? account : this.user(`${account.login}-admin`);
  }

  /** Sends one delivery again, with its old id. */
  redeliver(delivery: Delivery): Delivery {
    return redeliver(this.world, delivery);
  }

  /** Waits until every webhook that was sent is answered. */
  settled(): Promise<void> {
    return this.world.settled();
  }

  /** Waits until everything so far has also been judged; `close` does so itself. */
  async judged(): Promise<void> {
    await this.world.settled();
    await this.judge?.drained();
  }

  /** Requests by operation since a mark: `gh.requests.length` taken earlier. */
  requestsSince(mark: number): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const one of this.requests.slice(mark)) {
      const name = one.operationId ?? `${one.method} ${one.path}`;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  /** A manifest code, as the browser would bring back from app creation. */
  manifestCode(manifest: Manifest): string {
    const app = this.addApp(manifest);
    const code = this.world.token(`code ${app.id}`);
    this.world.manifestCodes.set(code, app);
    return code;
  }

  /** Stops it; throws when anything broke GitHub's contract. */
  async close(): Promise<void> {
    await this.judged();
    closeWebhooks(this.world);
    this.server.http.closeAllConnections();
    await new Promise((resolve) => this.server.http.close(resolve));
    this.world.close();
    if (this.violations.length === 0) return;
    const list = [...new Set(this.violations)].slice(0, 20).join('\n- ');
    throw new Error(`${this.violations.length} violations of GitHub's contract:\n- ${list}`);
  }
}

export type { Account, AppRecord, Delivery, Manifest, RequestLog };
export { Repo } from './repo.ts';
