/**
 * SQL that a workflow printed in place of migrations written in code. It is the change's own word:
 * it is run and shown, it makes nothing smaller than high, and it is refused as soon as the change
 * also touches what prints it.
 */
import { sha256Hex } from '../core/canonical.ts';
import {
  type DryRunSettings,
  type MigrationPlan,
  type MigrationStep,
  type PlanProblem,
  PRINTED_PLAN,
  type SourceTree,
  type StatedPlan,
} from '../core/dry-run.ts';
import { changedPaths } from './changes.ts';
import { statementsOf } from './lexer.ts';
import { problem } from './problems.ts';
import { peek, SQL_FILE } from './shared.ts';
import { compareBytes, decode, MAX_FILE_BYTES, withoutBom } from './text.ts';
import { nameOf, viewOf } from './tree.ts';

/** A file of the plan: its name with `/` between folders, and its bytes. */
export interface PrintedFile {
  readonly path: string;
  readonly content: Uint8Array;
}

/** What was found where a plan is looked for. `why` is a sentence with the remedy. */
export type Printed =
  | {
      readonly kind: 'plan';
      readonly files: readonly PrintedFile[];
      readonly source: string;
      readonly runId: number | null;
    }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'none' };

/** The limits of a plan, in bytes and files; what is larger is refused whole. */
export const PRINTED_LIMITS: {
  readonly packedBytes: number;
  readonly bytes: number;
  readonly files: number;
} = { packedBytes: 8 * 1024 * 1024, bytes: MAX_FILE_BYTES, files: 1000 };

/** The SQL that makes the database of before, where the policy names no dump and no snapshot. */
const BASE = 'base.sql';

/** Migrations in code that a printed plan can stand for. */
export function writtenInCode(plans: readonly MigrationPlan[]): readonly PlanProblem[] {
  return plans.flatMap((plan) => plan.problems.filter((each) => each.inCode === true));
}

/**
 * The plans of several pull requests, the oldest first, as one: the database of before is that of
 * the first. One that is refused or not there leaves all of them without.
 */
export function joined(all: readonly Printed[]): Printed {
  const [only, ...more] = all;
  if (only === undefined) return { kind: 'none' };
  if (more.length === 0) return only;
  const unfit = all.find(({ kind }) => kind !== 'plan');
  if (unfit !== undefined) return unfit;
  const plans = all.filter((each) => each.kind === 'plan');
  const files = plans.flatMap(({ files: own }, nth) =>
    own.flatMap(({ path, content }) => {
      if (path === BASE) return nth === 0 ? [{ path, content }] : [];
      return [{ path: `${String(nth + 1).padStart(4, '0')}/${path}`, content }];
    }),
  );
  const source = [...new Set(plans.map((plan) => plan.source))].join(', ');
  return { kind: 'plan', files, source, runId: plans.at(-1)?.runId ?? null };
}

export interface Stated {
  readonly plans: readonly MigrationPlan[];
  readonly stated: StatedPlan | null;
}

/**
 * The plans with the printed one in place of the migrations in code. A plan that is refused or not
 * there leaves them as they are, not judged, with the reason in front.
 */
export function withPrinted(
  plans: readonly MigrationPlan[],
  printed: Printed,
  baseline: DryRunSettings['baseline'],
): Stated {
  const inCode = writtenInCode(plans);
  if (inCode.length === 0 || printed.kind === 'none') return { plans, stated: null };
  if (printed.kind === 'refused') return refused(plans, printed.why);
  const read = stepsOf(printed.files);
  if (typeof read === 'string') return refused(plans, `The printed plan ${read}`);
  const { base, pending } = read;
  if (base === null && baseline === undefined) return refused(plans, NO_BASE);
  const empty = pending.every((step) => statementsOf(step.sql).length === 0);
  if (empty) return refused(plans, nothingIn(inCode.length));
  const texts = [base, ...pending].map((step) => (step === null ? null : [step.path, step.sql]));
  const plan: MigrationPlan = {
    framework: 'stated by CI',
    folder: PRINTED_PLAN,
    dialect: 'postgresql',
    // The text is sent as it was printed, with the BEGIN and COMMIT that its printer wrote.
    scope: 'statement',
    applied: base === null ? [] : [base],
    pending,
    problems: [],
  };
  return {
    plans: [...plans.map(withoutCode), plan],
    stated: {
      sha256: sha256Hex(JSON.stringify(texts)),
      source: printed.source,
      runId: printed.runId,
      migrations: inCode.length,
    },
  };
}

function withoutCode(plan: MigrationPlan): MigrationPlan {
  return { ...plan, problems: plan.problems.filter((each) => each.inCode !== true) };
}

const NO_BASE =
  `The printed plan has no ${BASE}, and the policy names no schema dump, so there is no database ` +
  `to run it on. Let the workflow also print the SQL of the base branch as ${BASE}, or set ` +
  '`migrations: { baseline: { schema: … } }` in the policy on the default branch.';

function nothingIn(migrations: number): string {
  return (
    `The printed plan holds no statement, although the change has ${migrations} ` +
    `${migrations === 1 ? 'migration' : 'migrations'} written in code. Correct the step that ` +
    'prints it, and let it fail when it prints nothing.'
  );
}

/** Everything stays unjudged, and the reason comes first: it is what the reader must cure. */
function refused(plans: readonly MigrationPlan[], why: string): Stated {
  const at = plans.findIndex((plan) => plan.problems.some((each) => each.inCode === true));
  const reason = problem('not-judged', PRINTED_PLAN, why);
  return {
    stated: null,
    plans: plans.map((plan, index) =>
      index === at ? { ...plan, problems: [reason, ...plan.problems] } : plan,
    ),
  };
}

const SAFE_NAME = /^(?!\/)(?!.*(?:^|\/)\.{1,2}(?:\/|$))[\p{L}\p{N} _.+@=,()[\]/-]{1,300}$/u;

/** What pg_dump brackets its output with for psql; it means nothing to a server. */
const RESTRICT = /^\\(?:un)?restrict \w+$/gm;

interface Steps {
  readonly base: MigrationStep | null;
  readonly pending: readonly MigrationStep[];
}

/** The files as steps in byte order of their names, or what is wrong, to follow "The plan". */
function stepsOf(files: readonly PrintedFile[]): Steps | string {
  const total = files.reduce((sum, file) => sum + file.content.length, 0);
  if (files.length > PRINTED_LIMITS.files) {
    return `holds ${files.length} files, and at most ${PRINTED_LIMITS.files} are read.`;
  }
  if (total > PRINTED_LIMITS.bytes) {
    return `holds ${total} bytes, and at most ${PRINTED_LIMITS.bytes} are read.`;
  }
  const steps: MigrationStep[] = [];
  for (const { path, content } of files.toSorted((a, b) => compareBytes(a.path, b.path))) {
    if (!SAFE_NAME.test(path)) return 'has a file whose name could lead out of its folder.';
    if (!SQL_FILE.test(path)) return `holds ${path}, which is no .sql file; leave it out.`;
    if (steps.some((step) => step.path === shown(path))) return `holds ${path} twice.`;
    const decoded = decode(content);
    if (!decoded.ok) return `cannot be read: ${path} ${decoded.why}.`;
    steps.push(stepOf(path, withoutBom(decoded.text).replace(RESTRICT, '')));
  }
  const base = steps.find((step) => step.path === shown(BASE)) ?? null;
  return { base, pending: steps.filter((step) => step !== base) };
}

function shown(path: string): string {
  return `${PRINTED_PLAN}/${path}`;
}

function stepOf(path: string, sql: string): MigrationStep {
  return {
    path: shown(path),
    blob: sha256Hex(sql),
    version: nameOf(path),
    sql,
    firstLine: 1,
    down: null,
    transaction: 'inherit',
  };
}

/** Workflows and their actions: whoever changes them can print what they like. */
const WORKFLOW = /^\.github\/(?:workflows|actions)\//;

/** Configuration that decides what the frameworks in code print, by the names that they give it. */
const CONFIGURATION =
  /(?:^|\/)(?:alembic\.ini|env\.py|script\.py\.mako|pyproject\.toml|manage\.py|settings(?:\/[^/]+)?\.py|settings\/[^/]+\.py|knexfile\.\w+|ormconfig\.\w+|[\w-]*(?:[dD]ata|[tT]ypeorm)[-_.]?(?:[sS]ource|[cC]onfig)\.\w+|\.sequelizerc|config\/(?:config|database)\.(?:json|[cm]?[jt]s)|\.db-migraterc|\.pgmigraterc|database\.(?:json|ya?ml)|config\/(?:application|environment|boot)\.rb|config\/environments\/[^/]+\.rb|Rakefile|bin\/(?:rails|rake|setup)|lib\/tasks\/[^/]+\.rake|liquibase\.properties|Makefile|[Jj]ustfile|Taskfile\.ya?ml|\.npmrc|\.env(?:\.\w+)?)$/;

const MANIFEST = /(?:^|\/)package\.json$/;

/** Parts of a manifest that change with every dependency and print nothing by themselves. */
const DEPENDENCIES =
  /^(?:version|description|(?:dev|peer|optional)?[dD]ependencies|peerDependenciesMeta)$/;

interface Trees {
  readonly base: SourceTree;
  readonly head: SourceTree;
}

/**
 * Why the plan is not taken when the change itself decides what it says; null when it does not.
 * `workflow` is the path of the workflow that printed the plan, where one did.
 */
export async function touchedPrinting(
  trees: Trees,
  workflow: string | null,
): Promise<string | null> {
  const path = await changedPrinting(trees, workflow);
  if (path === null) return null;
  return (
    `The change also touches ${path}, which decides what the plan says, so the printed plan is ` +
    'not taken. Make that change in a pull request of its own.'
  );
}

/**
 * The first path that does: a workflow or local action, the configuration of a framework, the
 * scripts of a package, or a file that the workflow names.
 */
async function changedPrinting(trees: Trees, workflow: string | null): Promise<string | null> {
  const texts = new Map();
  const base = viewOf(trees.base, texts);
  const head = viewOf(trees.head, texts);
  const changed = [...changedPaths(base, head)].toSorted(compareBytes);
  const plain = changed.find((path) => WORKFLOW.test(path) || CONFIGURATION.test(path));
  if (plain !== undefined) return plain;
  const manifests = changed.filter((path) => MANIFEST.test(path));
  await head.fetch(manifests);
  await base.fetch([...manifests, ...(workflow === null ? [] : [workflow])]);
  const script = manifests.find(
    (path) => printingPart(peek(base, path)) !== printingPart(peek(head, path)),
  );
  if (script !== undefined) return script;
  const named = namesIn(workflow === null ? '' : (peek(base, workflow) ?? ''));
  return changed.find((path) => !SQL_FILE.test(path) && isNamed(path, named)) ?? null;
}

/** What a manifest says beside its dependencies; the whole text when it is not JSON. */
function printingPart(text: string | null): string {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    return JSON.stringify(Object.entries(value).filter(([key]) => !DEPENDENCIES.test(key)));
  } catch {
    return text ?? '';
  }
}

/** Words of a workflow that can be paths: they hold a dot or a slash. */
function namesIn(workflow: string): ReadonlySet<string> {
  const words = workflow.match(/[\w./@+-]*[./][\w./@+-]*/g) ?? [];
  return new Set(words.map((word) => word.replace(/^\.\//, '').replace(/\/$/, '')));
}

/** A path that the workflow names, whole or by its end (`working-directory`), or a folder of it. */
function isNamed(path: string, names: ReadonlySet<string>): boolean {
  const parts = path.split('/');
  return parts.some((_, from) => names.has(parts.slice(from).join('/')));
}
