/**
 * The real line on a local GitHub and a real store without a server: gather, decide, record and
 * enact, one look after the other. For ways round that no queue closes.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Decision } from '../../src/core/decision.ts';
import type { Effect } from '../../src/core/effect.ts';
import type { RunDry } from '../../src/core/dry-run.ts';
import type { Evidence } from '../../src/core/evidence.ts';
import type { Enact, Record as RecordPort } from '../../src/core/ports.ts';
import { type Locator, locatorKey, type RepoRef } from '../../src/core/subject.ts';
import { judge } from '../../src/line.ts';
import { openStore, type Store } from '../../src/store/open.ts';
import { sendDue } from '../../src/store/outbox.ts';
import type { Account, LocalGitHub, Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import type { Run } from '../github/repo.ts';
import { openBareRoom } from '../github-room/room.ts';
import { preparedStore } from '../prepared.ts';

export interface Seen {
  readonly evidence: Evidence;
  readonly decision: Decision;
  readonly effects: readonly Effect[];
}

export interface Line {
  readonly gh: LocalGitHub;
  readonly store: Store;
  refOf(repo: Repo): RepoRef;
  /** Judges and writes, as a webhook would make it do; the subject must be there. */
  look(locator: Locator): Promise<Seen>;
  pull(pull: Pull): Promise<Seen>;
  deployment(run: Run, environment?: string): Promise<Seen>;
  close(): Promise<void>;
}

interface LineStore {
  readonly store: Store;
  close(): Promise<void>;
}

/** What a repository is known by. */
interface RepoRecord {
  readonly owner: Account;
  readonly name: string;
  readonly id: number;
}

/** The people of every way round: maintainers, a reviewer's peer, and the agent. */
export const crew: Readonly<Record<string, 'write' | 'admin'>> = {
  maria: 'write',
  octavia: 'write',
  olaf: 'write',
  ben: 'write',
  Copilot: 'write',
  boss: 'admin',
};

/** A store of its own, in a folder of its own. */
async function openLineStore(): Promise<LineStore> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tagout-line-'));
  await preparedStore(dataDir);
  const store = await openStore({ databaseUrl: null, ownerUrl: null, dataDir });
  const close = async (): Promise<void> => {
    await store.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { store, close };
}

/** What the queue would do after a decision: everything that is due leaves, and nothing stays behind. */
async function send({ store, enact }: Sender, locator: Locator): Promise<void> {
  const key = locatorKey(locator);
  const { sql, sealer } = store;
  const sealNow = async (logId: number): Promise<void> => void (await sealer.sealNow(logId));
  await sendDue({ sql, enact, sealNow, now: Date.now, random: () => 1 }, key);
  const stuck = await sql`select kind, status, detail from tagout.outbox where subject_key = ${key}
    and status not in ('done', 'superseded')`;
  assert.deepEqual([...stuck], []);
}

interface Sender {
  readonly store: Store;
  readonly enact: Enact;
}

/**
 * Opens a line on a GitHub of its own, or a second process of ours on one that is there. Without
 * `runDry` every dry run is fine and finds nothing.
 */
export async function openLine(on?: Line, runDry?: RunDry): Promise<Line> {
  const own = on === undefined ? await openLineStore() : null;
  const store = on?.store ?? own?.store;
  if (store === undefined) throw new Error('no store');
  const options = { validate: false, ...(runDry === undefined ? {} : { runDry }) };
  const room = await openBareRoom(on?.gh, store.memory, options);
  const { gh, gather, enact } = room;
  if (on === undefined) {
    gh.org('acme', { teams: { platform: ['octavia'], sre: ['olaf'] }, admins: ['root'] });
    for (const login of Object.keys(crew)) gh.user(login);
  }
  const look = async (locator: Locator): Promise<Seen> => {
    let seen: Seen | null = null;
    const record: RecordPort = {
      record: async (judged) => {
        seen = judged;
        return store.record.record(judged);
      },
    };
    const trigger = { locator, because: 'test', delivery: null };
    await judge(trigger, locator, { gather, record });
    if (seen === null) throw new Error(`nothing at ${JSON.stringify(locator)}`);
    await send({ store, enact }, locator);
    return seen;
  };
  return {
    gh,
    store,
    refOf: ({ record }) => refOf(gh, record),
    look,
    pull: ({ repo, number }) => look({ kind: 'pull-request', repo: refOf(gh, repo), number }),
    deployment: ({ record, id, deployment }, environment = 'production') =>
      look({
        kind: 'deployment',
        repo: refOf(gh, record),
        runId: id,
        environment,
        deploymentId: deployment?.id ?? null,
      }),
    async close() {
      await gh.close();
      await own?.close();
    },
  };
}

function refOf(gh: LocalGitHub, { owner, name, id }: RepoRecord): RepoRef {
  return { installationId: gh.installation(owner.login).id, id, owner: owner.login, name };
}

let count = 0;

export interface ShopOptions {
  readonly files?: Readonly<Record<string, string>>;
  /** Whether a workflow deployed the first commit before the gate; yes when absent. */
  readonly deployed?: boolean;
}

/** A repository of its own whose first commit runs in production, with the gate enabled. */
export async function shop(line: Line, options: ShopOptions = {}): Promise<Repo> {
  count += 1;
  const files = { 'README.md': '# shop\n', 'src/server.ts': 'listen();\n', ...options.files };
  const name = `acme/shop-${count}`;
  const repo = await line.gh.repo(name, { files, collaborators: crew, author: 'boss' });
  if (options.deployed !== false) await repo.startRun({ actor: 'maria' });
  repo.environment('production', { protectedByApp: true });
  return repo;
}

export interface WorkOptions {
  readonly author?: string;
  readonly branch?: string;
  readonly files?: Readonly<Record<string, string | null>>;
  readonly title?: string;
  readonly body?: string;
}

/** An open pull request; the agent's when nobody else is named. */
export async function work(repo: Repo, options: WorkOptions = {}): Promise<Pull> {
  count += 1;
  const author = options.author ?? 'Copilot';
  const branch = options.branch ?? `work-${count}`;
  const files = options.files ?? { [`src/part-${count}.ts`]: `export const n = ${count};\n` };
  await repo.commit({ branch, files, author, message: options.title ?? 'Work' });
  const { title, body } = options;
  return repo.openPull({
    author,
    head: branch,
    ...(title === undefined ? {} : { title }),
    ...(body === undefined ? {} : { body }),
  });
}

/** Codes of everything that holds or denies. */
export function against(seen: Seen): readonly string[] {
  return seen.decision.opinions.flatMap(({ verdict, code }) => (verdict === 'allow' ? [] : [code]));
}

/** Refusal codes of a person's approval; empty when it counted, null when there is none. */
export function refusals(seen: Seen, login: string): readonly string[] | null {
  const refused = seen.decision.refused.find(({ person }) => person?.login === login);
  if (refused !== undefined) return refused.codes;
  const counted = seen.decision.counted.some(({ person }) => person.login === login);
  return counted ? [] : null;
}
