/** The state of the whole local GitHub, with its clock, its ids and its look-ups. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import type { GitCommit, Person } from './git.ts';
import { Faults } from './faults.ts';
import type {
  Account,
  AppRecord,
  Org,
  Permission,
  PullRecord,
  RepoRecord,
  SignInCode,
  Token,
} from './state.ts';
import type { Delivery } from './webhooks.ts';

export interface RequestLog {
  readonly method: string;
  /** The path with its query, as asked. */
  readonly path: string;
  /** GitHub's operation id, `graphql`, `page`, or null when there is none. */
  readonly operationId: string | null;
  readonly status: number;
  readonly ms: number;
  readonly atMs: number;
  /** Login of the account or `slug[bot]` of the app that asked. */
  readonly by: string | null;
  /** What the token could do; null: there was none of an installation. */
  readonly rights: Readonly<Record<string, string>> | null;
}

/** Where GitHub's own counters stand, so that ids look like ids and never collide. */
const firstIds: Readonly<Record<string, number>> = {
  account: 300_000_001,
  repo: 800_000_001,
  pull: 2_100_000_001,
  review: 2_700_000_001,
  run: 17_000_000_001,
  job: 47_000_000_001,
  check: 48_000_000_001,
  suite: 41_000_000_001,
  deployment: 2_900_000_001,
  artifact: 2_500_000_001,
  delivery: 190_000_000_001,
  installation: 60_000_001,
  app: 1_500_001,
};

export class World {
  readonly now: () => number;
  readonly seed: number;
  readonly dir: string;
  readonly faults: Faults;
  readonly accounts: Map<string, Account> = new Map();
  readonly orgs: Map<string, Org> = new Map();
  readonly repos: Map<string, RepoRecord> = new Map();
  readonly apps: AppRecord[] = [];
  readonly tokens: Map<string, Token> = new Map();
  readonly requests: RequestLog[] = [];
  /** Requests per hour and caller: 5,000 at least, 15,000 in an enterprise's organisations. */
  allowancePerHour = 5000;
  /** Public keys of workflow jobs' identity tokens; null: the service is down. */
  jobKeys: readonly object[] | null = [];
  readonly deliveries: Delivery[] = [];
  readonly manifestCodes: Map<string, AppRecord> = new Map();
  /** Codes of people who are on their way back from signing in. */
  readonly signInCodes: Map<string, SignInCode> = new Map();
  /** Work that runs behind the answers: webhook deliveries. */
  readonly background: Set<Promise<unknown>> = new Set();
  /** What the contract found wrong, filled by test/contract. */
  readonly violations: string[] = [];
  /** Whether GraphQL's `GitActor.user` answers for bots: not documented, so both can be tried. */
  botsInCommits = true;
  /** Commits whose pull request list still lags behind a merge: answered empty until taken out. */
  readonly lagging: Set<string> = new Set();
  judge: ((kind: 'webhook', name: string, payload: unknown) => void) | null = null;
  url = '';
  /** Where people see it, when that is another host than the API's; null: the same. */
  webUrl: string | null = null;
  private readonly emails = new Map<string, Account>();
  private readonly counters = new Map<string, number>();

  constructor(options: { readonly now: () => number; readonly seed: number }) {
    this.now = options.now;
    this.seed = options.seed;
    this.dir = mkdtempSync(join(tmpdir(), 'local-github-'));
    this.faults = new Faults(options.seed);
  }

  close(): void {
    for (const repo of this.repos.values()) repo.git.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  nextId(kind: string): number {
    const next = this.counters.get(kind) ?? firstIds[kind] ?? 1_000_001;
    this.counters.set(kind, next + 1);
    return next;
  }

  /** Hex digits that depend on the seed and the name alone. */
  token(name: string): string {
    return createHash('sha256').update(`${this.seed}:${name}`).digest('hex');
  }

  addAccount(account: Account): Account {
    const key = account.login.toLowerCase();
    const existing = this.accounts.get(key);
    // Three accounts of GitHub share the login Copilot: the first stays the one found by name.
    if (existing === undefined) this.accounts.set(key, account);
    else this.accounts.set(`${key}#${account.id}`, account);
    const noreply = `${account.id}+${account.login}@users.noreply.github.com`;
    for (const email of [...account.emails, noreply, `${account.login}@users.noreply.github.com`]) {
      const known = email.toLowerCase();
      if (!this.emails.has(known)) this.emails.set(known, account);
    }
    return account;
  }

  account(login: string): Account {
    const found = this.accounts.get(login.toLowerCase());
    if (found === undefined) throw new Error(`no account ${login}: make it with gh.user(…) first`);
    return found;
  }

  /** The account that a commit's address belongs to; a noreply address counts by its number. */
  byEmail(email: string): Account | null {
    const known = this.emails.get(email.toLowerCase());
    if (known !== undefined) return known;
    const id = /^(\d+)\+[^@]*@users\.noreply\.github\.com$/i.exec(email)?.[1];
    if (id === undefined) return null;
    return [...this.accounts.values()].find((account) => account.id === Number(id)) ?? null;
  }

  person(account: Account, atMs?: number): Person {
    const noreply = `${account.id}+${account.login}@users.noreply.github.com`;
    const email = account.emails[0] ?? noreply;
    return { name: account.name, email, atMs: atMs ?? this.now() };
  }

  repo(name: string): RepoRecord | null {
    const repo = this.repos.get(name.toLowerCase());
    return repo === undefined || repo.deleted ? null : repo;
  }

  isOrg(account: Account): boolean {
    return this.orgs.has(account.login.toLowerCase());
  }

  /** What an account may do in a repository, the strongest of its grants. */
  permission(repo: RepoRecord, account: Account): Permission {
    if (repo.owner.id === account.id) return 'admin';
    const org = this.orgs.get(repo.owner.login.toLowerCase());
    if (org?.members.get(account.login.toLowerCase()) === 'admin') return 'admin';
    const own = repo.collaborators.get(account.login.toLowerCase());
    if (own !== undefined) return own;
    return repo.private ? 'none' : 'read';
  }

  installed(app: AppRecord, repo: RepoRecord): AppRecord['installations'][number] | null {
    const found = app.installations.find((one) => one.account.id === repo.owner.id);
    if (found === undefined) return null;
    return found.selected === null || found.selected.has(repo.id) ? found : null;
  }

  /** A branch, `heads/x`, `HEAD`, `pull/n/head` or a commit's name to the commit; null if unknown. */
  async resolve(repo: RepoRecord, name: string): Promise<string | null> {
    const ref = name.replace(/^refs\//, '').replace(/^heads\//, '');
    if (ref === 'HEAD') return repo.branches.get(repo.defaultBranch) ?? null;
    const branch = repo.branches.get(ref);
    if (branch !== undefined) return branch;
    const pull = /^pull\/(\d+)\/(head|merge)$/.exec(ref);
    if (pull !== null) return repo.pulls.get(Number(pull[1]))?.headSha ?? null;
    if (/^[0-9a-f]{40}$/.test(ref)) return (await repo.git.commit(ref)) === null ? null : ref;
    return null;
  }

  /** The commits of a pull request, oldest first. */
  async pullCommits(repo: RepoRecord, pull: PullRecord): Promise<GitCommit[]> {
    const shas = await repo.git.range(pull.baseSha, pull.headSha);
    return Promise.all(shas.map((sha) => repo.git.mustCommit(sha)));
  }

  /** Runs work behind the answers, so that `settled` can wait for it. */
  later(work: Promise<unknown>): void {
    const kept = work.catch((error: unknown) => {
      this.violations.push(`work behind an answer failed: ${String(error)}`);
    });
    this.background.add(kept);
    void kept.finally(() => this.background.delete(kept));
  }

  async settled(): Promise<void> {
    while (this.background.size > 0) await Promise.all(this.background);
  }
}
