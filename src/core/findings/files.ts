/** Findings from what the changed files are, and from what their added lines hold. */
import { atLeast, radii } from '../blast-radius.ts';
import { type CommandFound, scanCommands } from '../command-scan.ts';
import { mayHoldCommand } from '../commands/prefilter.ts';
import type { DryRun } from '../dry-run.ts';
import type { ChangedFile } from '../evidence.ts';
import type { BlastRadius, Finding } from '../findings.ts';
import { pathMatcher } from '../glob.ts';
import { hasHiddenCharacters } from '../hidden-characters.ts';
import { classesOfFile, classOfPath, isCommandFile, type PathClass, pathClass } from '../paths.ts';
import { isUnread, linesAfter, type PatchLine } from '../patch.ts';
import type { Policy } from '../policy.ts';
import { counted, makeFinding } from './make.ts';
import { environmentSigns } from './sql-text.ts';
import { guardedEnvironment } from './workflows.ts';

/** Findings with this evidence come from the policy's own words and bind no approval (shown.ts). */
export const policyEvidence = 'policy';

const downPart =
  /(?:\.|_|\/)(?:down|undo|revert|rollback)(?:\.|\/)[^/]*$|(?:^|\/)u\d[^/]*__[^/]*\.sql$/i;
const bookkeeping =
  /(?:^|\/)(?:_journal\.json|[^/]*snapshot\.json|migration_lock\.toml|atlas\.sum|sqitch\.plan)$/i;

/** The migration files that the dry run has run or spoken about. */
function judgedPaths(run: DryRun): ReadonlySet<string> {
  const steps = run.folders.flatMap((folder) => folder.steps.map(({ path }) => path));
  return new Set([...steps, ...run.problems.map(({ path }) => path)]);
}

interface Around {
  readonly policy: Policy;
  readonly judged: ReadonlySet<string>;
  readonly folders: readonly string[];
}

/** A migration that ran is told by what it did: its path is then a low note. */
function judgedClass(file: ChangedFile, around: Around): PathClass | null {
  const { path } = file;
  if (around.judged.has(path)) return pathClass('judged-migration');
  const inside = around.folders.some((folder) => folder === '' || path.startsWith(`${folder}/`));
  if (!inside) return null;
  if (bookkeeping.test(path)) return pathClass('judged-migration');
  if (downPart.test(path) && path.endsWith('.sql')) return pathClass('down-part');
  return path.endsWith('.sql') ? pathClass('migration') : null;
}

function classesOf(file: ChangedFile, around: Around): readonly PathClass[] {
  const judged = judgedClass(file, around);
  const { statistics } = around.policy.migrations;
  if (statistics !== null && file.path === statistics) return [pathClass('statistics')];
  const classes = classesOfFile(file);
  if (judged === null) return classes;
  const kept = classes.filter(({ name }) => !['migration', 'code'].includes(name));
  return [...kept, judged];
}

/** One finding per file from high upwards, one finding per class with a count below. */
function classFindings(files: readonly ChangedFile[], around: Around): readonly Finding[] {
  const counts = new Map<PathClass, string[]>();
  const found: Finding[] = [];
  for (const file of files) {
    for (const one of classesOf(file, around)) {
      if (atLeast(one.radius, 'high')) found.push(fileFinding(file, one));
      else {
        const paths = counts.get(one);
        if (paths === undefined) counts.set(one, [file.path]);
        else paths.push(file.path);
      }
    }
  }
  const grouped = [...counts].map(([one, paths]) =>
    makeFinding({
      id: `${one.name}-changed`,
      radius: one.radius,
      object: paths.length === 1 ? (paths[0] ?? '') : one.many,
      message: `${counted(paths.length, one.one, one.many)} changed`,
      evidence: 'diff',
      figures: { files: paths.length },
      path: paths.length === 1 ? (paths[0] ?? null) : null,
    }),
  );
  return [...found, ...grouped];
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

function workflowFindings(file: ChangedFile, policy: Policy): readonly Finding[] {
  const paths = [file.path, file.previousPath ?? file.path];
  if (!paths.some((path) => /^\.github\/workflows\/[^/]+\.ya?ml$/i.test(path))) return [];
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

/** A line that names too many programs to be looked up: what it runs is not known. */
function unreadLineFinding(file: ChangedFile, line: number, radius: BlastRadius): Finding {
  return makeFinding({
    id: 'file-unread',
    radius,
    object: file.path,
    message: `A line of ${file.path} is too long to be read for commands, so what it runs is not known`,
    evidence: 'diff',
    path: file.path,
    line,
  });
}

function commandFindings(file: ChangedFile, lines: readonly PatchLine[]): readonly Finding[] {
  const { name } = classOfPath(file.path);
  if (name === 'documentation' || file.mode === '120000') return [];
  const isTest = name === 'tests';
  const isCommand = isCommandFile(file.path);
  const scan = scanCommands(lines, isCommand || isTest ? 'commands' : 'code');
  const told = scan.found.flatMap((command) => {
    if (command.kind === 'destroys') {
      return [commandFinding(file, command, isTest ? 'medium' : 'critical')];
    }
    return isTest || (!isCommand && command.isCommand)
      ? []
      : [commandFinding(file, command, 'high')];
  });
  if (scan.unreadLine === null) return told;
  return [...told, unreadLineFinding(file, scan.unreadLine, isTest ? 'medium' : 'high')];
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

/** Content that no diff shows: high where commands live, medium elsewhere. */
function unreadFinding(file: ChangedFile): readonly Finding[] {
  if (!isUnread(file)) return [];
  const watched = isCommandFile(file.path) || file.path.toLowerCase().endsWith('.sql');
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

/** What else than a command a line of any file can hold: hidden characters, a pointer. */
const othersWorthReading = /[^\t\n\r\x20-\x7e]|git-lfs/;

function contentFindings(file: ChangedFile, around: Around): readonly Finding[] {
  if (file.status === 'removed' || file.patch === null) return unreadFinding(file);
  const always = isCommandFile(file.path) || file.path.toLowerCase().endsWith('.sql');
  const worthReading = always || othersWorthReading.test(file.patch) || mayHoldCommand(file.patch);
  if (!worthReading) return unreadFinding(file);
  const lines = linesAfter(file.patch);
  return [
    ...unreadFinding(file),
    ...(around.judged.has(file.path) ? [] : commandFindings(file, lines)),
    ...hiddenCharacters(file, lines),
    ...sqlFindings(file, lines),
    ...pointerFinding(file, lines),
  ];
}

/** Findings from the files of a change. */
export function findFiles(
  files: readonly ChangedFile[],
  run: DryRun,
  policy: Policy,
): readonly Finding[] {
  const folders = run.folders
    .filter(({ observation, error }) => observation !== null && error === null)
    .map(({ folder }) => folder.replace(/^\.?\/|\/+$/g, '').replace(/^\.$/, ''));
  const around = { policy, judged: judgedPaths(run), folders };
  return [
    ...classFindings(files, around),
    ...policyPathFindings(files, policy),
    ...files.flatMap((file) => workflowFindings(file, policy)),
    ...files.flatMap((file) => contentFindings(file, around)),
  ];
}
