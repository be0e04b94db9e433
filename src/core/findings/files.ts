/** Findings from what the changed files are, and from what their added lines hold. */
import { atLeast, radii } from '../blast-radius.ts';
import { type CommandFound, scanCommands, scanSqlLines, type UnreadLine } from '../command-scan.ts';
import type { DryRun } from '../dry-run.ts';
import type { Change, ChangedFile } from '../evidence.ts';
import type { BlastRadius, Finding } from '../findings.ts';
import { pathMatcher } from '../glob.ts';
import { hasHiddenCharacters } from '../hidden-characters.ts';
import { type PathClass, pathClass } from '../paths.ts';
import { isUnread, linesAfter, type PatchLine } from '../patch.ts';
import type { Policy } from '../policy.ts';
import { counted, makeFinding } from './make.ts';
import { environmentSigns } from './sql-text.ts';
import {
  isLinkToUnread,
  isModeAlone,
  isMovedToCommands,
  modeFinding,
  namedByCommands,
  newlyRun,
} from './indirect.ts';
import { type Reading, readFiles } from './readings.ts';
import { guardedEnvironment } from './workflows.ts';

/** Findings with this evidence come from the policy's own words and bind no approval (shown.ts). */
export const policyEvidence = 'policy';

const downPart =
  /(?:\.|_|\/)(?:down|undo|revert|rollback)(?:\.|\/)[^/]*$|(?:^|\/)u\d[^/]*__[^/]*\.sql$/i;
const bookkeeping =
  /(?:^|\/)(?:_journal\.json|[^/]*snapshot\.json|migration_lock\.toml|atlas\.sum|sqitch\.plan)$/i;

/** Whether a path is of the migration files that the dry run has run or spoken about. */
function isJudgedBy({ folders, problems }: DryRun): (path: string) => boolean {
  const steps = folders.flatMap((folder) => folder.steps.map(({ path }) => path));
  const judged = new Set([...steps, ...problems.map(({ path }) => path)]);
  // Most of thousands of paths differ by their length already, which needs no look at the text.
  const lengths = new Set([...judged].map(({ length }) => length));
  return (path) => lengths.has(path.length) && judged.has(path);
}

interface Around {
  readonly policy: Policy;
  readonly isJudged: (path: string) => boolean;
  readonly folders: readonly string[];
  /** Whether command files of the same change name a test or a document. */
  readonly isNamed: (path: string) => boolean;
  /** The paths of all files of the change; few changes ask for them. */
  readonly inChange: () => ReadonlySet<string>;
}

/** A migration that ran is told by what it did: its path is then a low note. */
function judgedClass(path: string, around: Around): PathClass | null {
  if (around.isJudged(path)) return pathClass('judged-migration');
  const inside = around.folders.some((folder) => path.startsWith(folder));
  if (!inside) return null;
  if (bookkeeping.test(path)) return pathClass('judged-migration');
  if (downPart.test(path) && path.endsWith('.sql')) return pathClass('down-part');
  return path.endsWith('.sql') ? pathClass('migration') : null;
}

function classesOf({ file, classes }: Reading, around: Around): readonly PathClass[] {
  const judged = judgedClass(file.path, around);
  const { statistics } = around.policy.migrations;
  if (statistics !== null && file.path === statistics) return [pathClass('statistics')];
  if (judged === null) return classes;
  const kept = classes.filter(({ name }) => !['migration', 'code'].includes(name));
  return [...kept, judged];
}

/** What the classes of the files tell: one finding per file from high upwards, a count below. */
interface ClassesTold {
  readonly found: Finding[];
  readonly counts: Map<PathClass, { readonly first: string; files: number }>;
}

function tellClasses(reading: Reading, around: Around, { found, counts }: ClassesTold): void {
  const { file } = reading;
  for (const one of classesOf(reading, around)) {
    const known = counts.get(one);
    if (known !== undefined) known.files += 1;
    else if (atLeast(one.radius, 'high')) found.push(fileFinding(file, one));
    else counts.set(one, { first: file.path, files: 1 });
  }
}

function countFindings({ counts }: ClassesTold): readonly Finding[] {
  return [...counts].map(([one, { first, files }]) =>
    makeFinding({
      id: `${one.name}-changed`,
      radius: one.radius,
      object: files === 1 ? first : one.many,
      message: `${counted(files, one.one, one.many)} changed`,
      evidence: 'diff',
      figures: { files },
      path: files === 1 ? first : null,
    }),
  );
}

const verbs: Readonly<Record<ChangedFile['status'], string>> = {
  added: 'added',
  modified: 'changed',
  removed: 'removed',
  renamed: 'renamed',
  copied: 'copied',
  changed: 'changed',
};

function fileFinding(file: ChangedFile, one: PathClass): Finding {
  const noun = `${one.one.slice(0, 1).toUpperCase()}${one.one.slice(1)}`;
  return makeFinding({
    id: `${one.name}-changed`,
    radius: one.radius,
    object: file.path,
    message: `${noun} ${verbs[file.status]}: ${file.path}`,
    evidence: 'diff',
    path: file.path,
    line: file.status === 'removed' ? null : 1,
  });
}

/** What the policy's own `paths` raise, once for each level and file. */
function policyPathFindings(files: readonly ChangedFile[], policy: Policy): readonly Finding[] {
  const levels = radii.flatMap((radius) =>
    (policy.paths[radius] ?? []).map((glob) => ({ radius, glob, matches: pathMatcher(glob) })),
  );
  if (levels.length === 0) return [];
  return files.flatMap((file) => {
    const hit = levels
      .filter(
        ({ matches }) =>
          matches(file.path) || (file.previousPath !== null && matches(file.previousPath)),
      )
      .reduce<(typeof levels)[number] | null>(
        (worst, one) => (worst === null || atLeast(one.radius, worst.radius) ? one : worst),
        null,
      );
    if (hit === null) return [];
    return [
      makeFinding({
        id: 'protected-path-changed',
        radius: hit.radius,
        object: file.path,
        message: `${file.path} changed; the policy's paths make it ${hit.radius} (${hit.glob})`,
        evidence: policyEvidence,
        path: file.path,
        line: file.status === 'removed' ? null : 1,
      }),
    ];
  });
}

const none: readonly Finding[] = [];

function isWorkflow(path: string): boolean {
  return path.startsWith('.') && /^\.github\/workflows\/[^/]+\.ya?ml$/i.test(path);
}

function workflowFindings(file: ChangedFile, policy: Policy): readonly Finding[] {
  if (!isWorkflow(file.path) && !isWorkflow(file.previousPath ?? '')) return none;
  const guarded = guardedEnvironment(file, policy);
  if (guarded === null) return [];
  const message =
    guarded === ''
      ? `Workflow ${file.path} may name a guarded environment: its text does not tell which`
      : `Workflow ${file.path} names the guarded environment ${guarded}`;
  return [
    makeFinding({
      id: 'guarded-workflow-changed',
      radius: 'critical',
      object: file.path,
      message,
      evidence: policyEvidence,
      path: file.path,
      line: file.status === 'removed' ? null : 1,
    }),
  ];
}

function commandFinding(file: ChangedFile, command: CommandFound, radius: BlastRadius): Finding {
  const destroys = command.kind === 'destroys';
  return makeFinding({
    id: destroys ? 'destructive-command' : 'migration-runner-added',
    radius,
    object: file.path,
    message: `\`${command.text.replaceAll('`', "'")}\` would ${command.does} outside the migrations`,
    evidence: 'diff',
    figures: { [command.id]: 1 },
    path: file.path,
    line: command.line,
  });
}

/** A line whose text does not tell what it runs. */
function unreadLineFinding(
  file: ChangedFile,
  { line, does }: UnreadLine,
  radius: BlastRadius,
): Finding {
  return makeFinding({
    id: 'file-unread',
    radius,
    object: file.path,
    message: `A line of ${file.path} ${does}, so what it runs is not known`,
    evidence: 'diff',
    path: file.path,
    line,
  });
}

function commandFindings(
  { file, path }: Reading,
  lines: readonly PatchLine[],
  isNamed: boolean,
): readonly Finding[] {
  const { name } = path.kind;
  if ((name === 'documentation' && !isNamed) || file.mode === '120000') return [];
  const isTest = name === 'tests' && !isNamed;
  const isCommand = path.isCommand || isNamed;
  const scan = scanCommands(lines, isCommand || isTest ? 'commands' : 'code');
  // A dump in a folder of scripts drops what it makes; it counts where something runs it.
  const inScript = isCommand && (isNamed || !path.isSql) ? scanSqlLines(lines) : [];
  const told = [...scan.found, ...inScript].flatMap((command) => {
    if (command.kind === 'destroys') {
      return [commandFinding(file, command, isTest ? 'medium' : 'critical')];
    }
    return isTest || (!isCommand && command.isCommand)
      ? []
      : [commandFinding(file, command, 'high')];
  });
  if (scan.unread === null) return told;
  return [...told, unreadLineFinding(file, scan.unread, isTest ? 'medium' : 'high')];
}

function hiddenCharacters(file: ChangedFile, lines: readonly PatchLine[]): readonly Finding[] {
  const first = lines.find(
    ({ added, text, line }) =>
      added && hasHiddenCharacters(line === 1 ? text.replace(/^\ufeff/, '') : text),
  );
  const inName = hasHiddenCharacters(file.path);
  if (first === undefined && !inName) return [];
  return [
    makeFinding({
      id: 'hidden-characters',
      radius: 'medium',
      object: file.path,
      message: inName
        ? `The name of ${JSON.stringify(file.path)} has invisible or bidirectional characters`
        : `${file.path} has invisible or bidirectional characters, so it reads differently than it runs`,
      evidence: 'diff',
      path: file.path,
      line: first?.line ?? null,
      advice: true,
    }),
  ];
}

function sqlFindings(file: ChangedFile, lines: readonly PatchLine[]): readonly Finding[] {
  if (!file.path.toLowerCase().endsWith('.sql')) return [];
  return environmentSigns(lines).map(({ radius, what, line }) =>
    makeFinding({
      id: 'environment-aware-sql',
      radius,
      object: file.path,
      message: `The SQL ${what}, so it can behave differently in production`,
      evidence: 'diff',
      path: file.path,
      line,
      advice: true,
    }),
  );
}

function pointerFinding(file: ChangedFile, lines: readonly PatchLine[]): readonly Finding[] {
  const pointer = lines.some(({ text }) =>
    text.startsWith('version https://git-lfs.github.com/spec/'),
  );
  if (!pointer) return [];
  const message = `${file.path} is a Git LFS pointer: its content is not in the repository and was not read`;
  const base = { id: 'lfs-pointer-changed', object: file.path, message, path: file.path };
  return [makeFinding({ ...base, radius: 'medium', evidence: 'diff', advice: true })];
}

/** Content that lies where commands live and came there past everybody who looks for them. */
function indirectFinding({ file }: Reading, around: Around): readonly Finding[] {
  if (around.isJudged(file.path)) return none;
  const isLink = isLinkToUnread(file);
  if (!isLink && !isMovedToCommands(file)) return none;
  const message = isLink
    ? `${file.path} is a link to what is not read for commands, so what it runs is not known`
    : `${file.path} was ${file.previousPath ?? ''}, which is not read for commands, so what it runs is not known`;
  const base = { object: file.path, message, evidence: 'diff', path: file.path };
  return [makeFinding({ ...base, id: 'file-unread', radius: 'high' })];
}

/** Content that no diff shows: high where commands live, medium elsewhere. */
function unreadFinding({ file, path, patch }: Reading): readonly Finding[] {
  if (!isUnread(file, patch)) return none;
  const watched = path.isCommand || path.isSql;
  const message = watched
    ? `${file.path} could not be read in full (binary or too large), so what it runs is not known`
    : `${file.path} is binary or too large for a diff`;
  return [
    makeFinding({
      id: watched ? 'file-unread' : 'binary-changed',
      radius: watched ? 'high' : 'medium',
      object: file.path,
      message,
      evidence: 'diff',
      path: file.path,
    }),
  ];
}

/** Ordinary files are read line by line only when a line of them can hold something. */
function contentFindings(reading: Reading, around: Around): readonly Finding[] {
  const { file, path, patch } = reading;
  const own = isModeAlone(file) ? modeFinding(file) : unreadFinding(reading);
  const indirect = indirectFinding(reading, around);
  const unread = own.length + indirect.length === 0 ? none : [...own, ...indirect];
  const isNamed = around.isNamed(file.path);
  if (file.status === 'removed' || file.patch === null || patch === null) return unread;
  const isTelling = path.isCommand || path.isSql || path.isHidden || patch.telling;
  if (!isTelling && !isNamed) return unread;
  const lines = linesAfter(file.patch);
  return [
    ...unread,
    ...(around.isJudged(file.path) ? [] : commandFindings(reading, lines, isNamed)),
    ...newlyRun(file, lines, around.inChange),
    ...hiddenCharacters(file, lines),
    ...sqlFindings(file, lines),
    ...pointerFinding(file, lines),
  ];
}

/** Findings from the files of a change. */
export function findFiles(change: Change, policy: Policy): readonly Finding[] {
  const { files, dryRun } = change;
  const folders = dryRun.folders
    .filter(({ observation, error }) => observation !== null && error === null)
    .map(({ folder }) => folder.replace(/^\.?\/|\/+$/g, '').replace(/^\.$/, ''))
    .map((folder) => (folder === '' ? '' : `${folder}/`));
  const readings = readFiles(change);
  const named = namedByCommands(readings);
  let paths: ReadonlySet<string> | null = null;
  const around = {
    policy,
    isJudged: isJudgedBy(dryRun),
    folders,
    isNamed: (path: string) => named.size > 0 && named.has(path),
    inChange: () => (paths ??= new Set(files.map(({ path }) => path))),
  };
  const classes: ClassesTold = { found: [], counts: new Map() };
  const lines: Finding[] = [];
  for (const reading of readings) {
    tellClasses(reading, around, classes);
    // Most of thousands of files.
    if (reading.isPlain && !around.isNamed(reading.file.path)) continue;
    lines.push(...workflowFindings(reading.file, policy), ...contentFindings(reading, around));
  }
  return [
    ...classes.found,
    ...countFindings(classes),
    ...policyPathFindings(files, policy),
    ...lines,
  ];
}
