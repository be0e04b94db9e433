/**
 * The real line on a local GitHub without a server: gather, decide, effects and enact, with what
 * the store would keep held in memory. For ways round that no queue or database closes.
 */
import assert from 'node:assert/strict';
import { decide } from '../../src/core/decide.ts';
import type { Decision } from '../../src/core/decision.ts';
import type { Effect } from '../../src/core/effect.ts';
import { effectivePolicy } from '../../src/core/effective-policy.ts';
import { effects } from '../../src/core/effects.ts';
import type { Evidence, Posting } from '../../src/core/evidence.ts';
import type { Release } from '../../src/core/ports.ts';
import { environmentKey, type Locator, type RepoRef } from '../../src/core/subject.ts';
import type { Account, LocalGitHub, Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import type { Run } from '../github/repo.ts';
import { openRoom, type Room, TestMemory } from '../github-room/room.ts';

export interface Seen {
  readonly evidence: Evidence;
  readonly decision: Decision;
  readonly effects: readonly Effect[];
}

/** Memory that keeps repositories, pull requests and environments apart, as the store does. */
export class LineMemory extends TestMemory {
  readonly shown: Map<string, Posting[]> = new Map();
  readonly ran: Map<string, Release[]> = new Map();

  override async postings(repo?: RepoRef, pull?: number): Promise<readonly Posting[]> {
    return this.shown.get(`${repo?.id}:${pull}`) ?? [];
  }
  override async keepSucceeded(repo: RepoRef, environment: string, done: Release): Promise<void> {
    const key = `${repo.id}:${environmentKey(environment)}`;
    const list = this.ran.get(key) ?? [];
    const keep = (one: Release): Release =>
      one.deploymentId === done.deploymentId ? { ...one, succeeded: true } : one;
    this.ran.set(key, list.map(keep));
  }
  override async releases(repo?: RepoRef, environment?: string): Promise<readonly Release[]> {
    return this.ran.get(`${repo?.id}:${environmentKey(environment ?? '')}`) ?? [];
  }
}

export interface Line {
  readonly gh: LocalGitHub;
  readonly room: Room;
  readonly memory: LineMemory;
  /** Judges and writes, as a webhook would make it do; the subject must be there. */
  look(locator: Locator): Promise<Seen>;
  pull(pull: Pull): Promise<Seen>;
  deployment(run: Run, environment?: string): Promise<Seen>;
  close(): Promise<void>;
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

/** A start is adopted once, with the first decision that stands on it. */
function keepAdopted(memory: LineMemory, { evidence }: Seen): void {
  const { adopted = null, fromSha = null, environment = '' } = evidence.deployment ?? {};
  if (adopted === null || fromSha === null || evidence.subject.kind === 'checkout') return;
  const key = `${evidence.subject.repo.id}:${environmentKey(environment)}`;
  const { runId, deploymentId, atMs } = adopted;
  const made = { runId: runId ?? 0, deploymentId, sha: fromSha, atMs } as const;
  memory.ran.set(key, [...(memory.ran.get(key) ?? []), { ...made, origin: 'adopted' }]);
}

async function keep(line: Pick<Line, 'room' | 'memory'>, seen: Seen): Promise<void> {
  const { room, memory } = line;
  keepAdopted(memory, seen);
  for (const effect of seen.effects) {
    // One after the other, as the outbox sends them.
    const outcome = await room.enact.enact(effect, { checkRunId: null, uncertain: false });
    assert.equal(outcome.status, 'done', outcome.detail ?? '');
    const atMs = outcome.githubAtMs ?? 0;
    if (effect.kind === 'check-run' && effect.shown !== null) {
      const { pull, baseRef, digest } = effect.shown;
      const key = `${effect.repo.id}:${pull}`;
      const list = memory.shown.get(key) ?? [];
      const { headSha } = effect;
      const check = effect.name;
      const last = list.findLast((one) => one.headSha === headSha && one.check === check);
      const stands = last?.shown === digest && last.baseRef === baseRef;
      if (!stands) list.push({ headSha, baseRef, shown: digest, atMs, check });
      memory.shown.set(key, list);
    }
    const { subject } = seen.evidence;
    if (effect.kind !== 'review-deployment' || effect.state !== 'approved') continue;
    if (subject.kind !== 'deployment') continue;
    const { runId, deploymentId, sha } = subject;
    const key = `${effect.repo.id}:${environmentKey(subject.environment)}`;
    const made: Release = { runId, deploymentId, sha, origin: 'released', atMs };
    memory.ran.set(key, [made, ...(memory.ran.get(key) ?? [])]);
  }
}

/** Opens a line on a GitHub of its own, or a second process of ours on one that is there. */
export async function openLine(on?: Line): Promise<Line> {
  const memory = on?.memory ?? new LineMemory();
  const room = await openRoom(on?.gh, memory, { validate: false });
  if (on === undefined) {
    room.gh.org('acme', { teams: { platform: ['octavia'], sre: ['olaf'] }, admins: ['root'] });
    for (const login of Object.keys(crew)) room.gh.user(login);
  }
  const repoOf = (record: { owner: Account; name: string; id: number }): RepoRef => ({
    installationId: room.gh.installation(record.owner.login).id,
    id: record.id,
    owner: record.owner.login,
    name: record.name,
  });
  const look = async (locator: Locator): Promise<Seen> => {
    const evidence = await room.read(locator);
    const policy = effectivePolicy(evidence.policy);
    const decision = decide(policy, evidence);
    const trigger = { locator, because: 'test', delivery: null };
    const written = effects({ trigger, locator, evidence, policy, decision });
    const seen = { evidence, decision, effects: written };
    await keep({ room, memory }, seen);
    return seen;
  };
  return {
    gh: room.gh,
    room,
    memory,
    look,
    pull: ({ repo, number }) => look({ kind: 'pull-request', repo: repoOf(repo), number }),
    deployment: ({ record, id, deployment }, environment = 'production') =>
      look({
        kind: 'deployment',
        repo: repoOf(record),
        runId: id,
        environment,
        deploymentId: deployment?.id ?? null,
      }),
    close: () => room.gh.close(),
  };
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
