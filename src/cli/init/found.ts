/** What `init` finds in a checkout: migrations, environments, PostgreSQL's version, and agents. */
import { agentsOfBranch } from '../../core/agent-index.ts';
import { NO_DRY_RUN } from '../../core/dry-run.ts';
import { environmentRule } from '../../core/environments.ts';
import type { Change, Commit } from '../../core/evidence.ts';
import { originOf } from '../../core/origin.ts';
import { defaultPolicy } from '../../core/policy-default.ts';
import { jobsOf } from '../../core/posture-workflows.ts';
import { parseCommit } from '../../git/commits.ts';
import { listTree, readObjects, sourceTree } from '../../git/objects.ts';
import type { Git } from '../../git/program.ts';
import { planMigrations } from '../../migrations/plan.ts';
import { SUPPORTED_MAJORS } from '../../postgres/engine.ts';

export interface FoundFolder {
  readonly path: string;
  readonly framework: string;
  readonly migrations: number;
}

export interface Found {
  readonly folders: readonly FoundFolder[];
  /** Environments that the built-in default guards already. */
  readonly guarded: readonly string[];
  /** Environments that read like production, and that the built-in default does not guard. */
  readonly alsoProduction: readonly string[];
  /** Environments that read like a step before production. */
  readonly before: readonly string[];
  /** All other environments that workflow files name. */
  readonly others: readonly string[];
  /** Whether a job names its environment by an expression. */
  readonly computed: boolean;
  /** Major versions of PostgreSQL that compose and workflow files name, with the file. */
  readonly postgres: readonly { readonly major: number; readonly path: string }[];
  readonly agents: readonly { readonly name: string; readonly commits: number }[];
  readonly commitsRead: number;
}

const MAX_COMMITS = 1_000;
const MAX_FILE_BYTES = 512 * 1024;

const WORKFLOW = /^\.github\/workflows\/[^/]+\.ya?ml$/;
const COMPOSE = /(?:^|\/)(?:docker-)?compose[^/]*\.ya?ml$/;
const LIKE_PRODUCTION = /prod|live|customer|\bprd\b/i;
const BEFORE_PRODUCTION = /stag|preprod|pre-prod|uat|acceptance|canary|qa|test/i;

/** Looks at HEAD of a checkout. Throws TagoutError('git') when there is no commit. */
export async function lookAround(git: Git): Promise<Found> {
  const entries = await listTree(git, 'HEAD');
  const tree = sourceTree(git, entries);
  const wanted = entries
    .filter(({ path }) => WORKFLOW.test(path) || COMPOSE.test(path))
    .filter(({ sizeBytes }) => sizeBytes !== null && sizeBytes <= MAX_FILE_BYTES)
    .map(({ path }) => path);
  const texts = [...(await tree.read(wanted))].map(([path, bytes]) => ({
    path,
    text: new TextDecoder().decode(bytes),
  }));
  const empty = { entries: [], read: () => Promise.resolve(new Map<string, Uint8Array>()) };
  const plans = await planMigrations({ base: empty, head: tree, settings: { folders: null } });
  return {
    folders: plans.map((plan) => ({
      path: plan.folder,
      framework: plan.framework,
      migrations: plan.pending.length,
    })),
    ...environmentsIn(texts.filter(({ path }) => WORKFLOW.test(path))),
    postgres: versionsIn(texts),
    ...(await agentsIn(git)),
  };
}

interface Text {
  readonly path: string;
  readonly text: string;
}

type Environments = Pick<Found, 'guarded' | 'alsoProduction' | 'before' | 'others' | 'computed'>;

function environmentsIn(workflows: readonly Text[]): Environments {
  const jobs = workflows.flatMap((file) => jobsOf(file) ?? []);
  const named = jobs.flatMap(({ environment }) => (environment === null ? [] : [environment]));
  const names = [...new Set(named)].filter((name) => name !== '');
  const isGuarded = (name: string): boolean => environmentRule(defaultPolicy, name) !== null;
  const open = names.filter((name) => !isGuarded(name));
  const before = open.filter((name) => BEFORE_PRODUCTION.test(name));
  const rest = open.filter((name) => !before.includes(name));
  return {
    guarded: names.filter(isGuarded),
    alsoProduction: rest.filter((name) => LIKE_PRODUCTION.test(name)),
    before,
    others: rest.filter((name) => !LIKE_PRODUCTION.test(name)),
    computed: named.includes(''),
  };
}

function versionsIn(texts: readonly Text[]): Found['postgres'] {
  const found = new Map<number, string>();
  for (const { path, text } of texts) {
    const images = text.matchAll(
      /image:\s*["']?(?:[\w.-]+\/)*(?:postgres|postgis|timescaledb):(\d{2})\b/g,
    );
    for (const [, version] of images) {
      const major = Number(version);
      if (SUPPORTED_MAJORS.includes(major) && !found.has(major)) found.set(major, path);
    }
  }
  return [...found].map(([major, path]) => ({ major, path }));
}

async function agentsIn(git: Git): Promise<Pick<Found, 'agents' | 'commitsRead'>> {
  const listed = await git.must(['rev-list', `--max-count=${MAX_COMMITS}`, 'HEAD']);
  const shas = listed.toString('utf8').split('\n').filter(Boolean);
  const objects = await readObjects(git, shas);
  const counts = new Map<string, number>();
  const count = (names: readonly string[], by: number): void => {
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + by);
  };
  for (const sha of shas) {
    const bytes = objects.get(sha);
    if (bytes === undefined) continue;
    const commit = parseCommit(sha, Buffer.from(bytes).toString('utf8'));
    count(originOf(changeOf(commit), defaultPolicy).agents, 1);
  }
  const refs = await git.must(['for-each-ref', '--format=%(refname:lstrip=3)', 'refs/remotes']);
  const branches = refs.toString('utf8').split('\n').filter(Boolean);
  for (const branch of branches) count(agentsOfBranch(branch, defaultPolicy), 0);
  const agents = [...counts]
    .map(([name, commits]) => ({ name, commits }))
    .sort((one, other) => other.commits - one.commits || (one.name < other.name ? -1 : 1));
  return { agents, commitsRead: shas.length };
}

/** A change of one commit, so that a commit is read for agents as every change is. */
function changeOf(commit: Commit): Change {
  const sha = commit.sha;
  return {
    pull: null,
    title: '',
    body: '',
    state: 'open',
    draft: false,
    author: null,
    viaApp: null,
    baseRef: '',
    baseSha: sha,
    mergeBaseSha: sha,
    headRef: '',
    headSha: sha,
    headRepoId: null,
    mergedAtMs: null,
    mergeCommitSha: null,
    mergedBy: null,
    labels: [],
    commits: [commit],
    pushes: [],
    files: [],
    reviews: [],
    involved: [],
    postings: [],
    dryRun: NO_DRY_RUN,
  };
}
