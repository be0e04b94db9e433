/**
 * The git program, run so that nothing of the repository can run with it: argument arrays only, no
 * hooks, filters, text conversion, external diff, replaced objects or fetching of missing ones.
 */
import { spawn } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';
import { TagoutError } from '../core/errors.ts';

/** Settings of a repository are the repository's word: those that start programs are overruled. */
const OVERRULED = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.untrackedCache=false',
  'core.attributesFile=/dev/null',
  'core.pager=cat',
  'core.quotePath=true',
  'core.commitGraph=false',
  'log.showSignature=false',
  'diff.renames=true',
  'diff.noprefix=false',
  'diff.mnemonicPrefix=false',
  'diff.suppressBlankEmpty=false',
  'diff.interHunkContext=0',
  'diff.algorithm=myers',
  'diff.indentHeuristic=true',
  'protocol.allow=never',
];

export interface GitAnswer {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface GitOptions {
  /** Sent to the program's standard input. */
  readonly input?: string;
  /** More output than this is an error; the program is ended. */
  readonly maxBytes?: number;
  /** The program is ended after so long. */
  readonly timeoutMs?: number;
  /** Takes each piece of output instead of keeping it; answering false ends the program. */
  readonly onData?: (chunk: Buffer) => boolean;
}

export interface Git {
  /** The folder that was asked for. */
  readonly folder: string;
  /** Runs git and answers whatever its exit code was. */
  run(args: readonly string[], options?: GitOptions): Promise<GitAnswer>;
  /** Runs git and throws TagoutError('git') unless it succeeded. */
  must(args: readonly string[], options?: GitOptions): Promise<Buffer>;
}

const DEFAULT_MAX_BYTES = 512 * 1024 * 1024;

/** What git is allowed to see of our environment: no GIT_* variable comes through. */
export function gitEnvironment(from: Readonly<Record<string, string | undefined>>): {
  [name: string]: string;
} {
  const kept = ['PATH', 'HOME', 'XDG_CONFIG_HOME', 'TMPDIR', 'SYSTEMROOT', 'USERPROFILE'];
  const env: { [name: string]: string } = {};
  for (const name of kept) {
    const value = from[name];
    if (value !== undefined) env[name] = value;
  }
  return {
    ...env,
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_GRAFT_FILE: '/dev/null',
    GIT_ALLOW_PROTOCOL: 'none',
  };
}

/**
 * Git in one folder, with a cleaned environment (see gitEnvironment). `extra` is ours to add: for
 * the one repository that we write to ourselves, whose address is a setting of the server.
 */
export function gitIn(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  extra: Readonly<Record<string, string>> = {},
): Git {
  const clean = { ...gitEnvironment(env), ...extra };
  const before = ['-C', folder, '--no-pager', '--literal-pathspecs'];
  const settings = OVERRULED.flatMap((setting) => ['-c', setting]);
  const run: Git['run'] = (args, options = {}) =>
    start([...before, ...settings, ...args], clean, options);
  return {
    folder,
    run,
    must: async (args, options) => {
      const answer = await run(args, options);
      if (answer.code === 0) return answer.stdout;
      throw new TagoutError('git', explain(folder, args[0] ?? '', answer.stderr));
    },
  };
}

function start(
  args: readonly string[],
  env: { [name: string]: string },
  options: GitOptions,
): Promise<GitAnswer> {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, { env, stdio: ['pipe', 'pipe', 'pipe'], shell: false });
    const kept: Buffer[] = [];
    const stderr = new StringDecoder('utf8');
    let errorText = '';
    let sizeBytes = 0;
    let stopped = false;
    const stop = (): void => {
      stopped = true;
      child.kill('SIGKILL');
    };
    child.on('error', (cause) => reject(cannotStart(cause)));
    const { timeoutMs } = options;
    const timer = timeoutMs === undefined ? undefined : setTimeout(stop, timeoutMs);
    // Git may end before it has read all of its input; its exit code tells what happened.
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (chunk: Buffer) => {
      if (stopped) return;
      if (options.onData !== undefined) {
        if (!options.onData(chunk)) stop();
        return;
      }
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) stop();
      else kept.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (errorText.length < 4000) errorText += stderr.write(chunk);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (sizeBytes > maxBytes) reject(tooMuch(args, maxBytes));
      else {
        const done = stopped && options.onData !== undefined ? 0 : (code ?? 1);
        resolve({ code: done, stdout: Buffer.concat(kept), stderr: errorText });
      }
    });
    child.stdin.end(options.input ?? '');
  });
}

function cannotStart(cause: Error): TagoutError {
  const missing = 'code' in cause && cause.code === 'ENOENT';
  const message = missing
    ? 'The git program was not found: install git and put it on the PATH.'
    : `The git program could not be started: ${cause.message}.`;
  return new TagoutError('git', message, { cause });
}

function tooMuch(args: readonly string[], maxBytes: number): TagoutError {
  const command = args.find((arg) => /^[a-z]+-?[a-z]+$/.test(arg) && arg !== 'cat') ?? 'git';
  return new TagoutError(
    'git',
    `git ${command} gave more than ${Math.round(maxBytes / 1024 / 1024)} MB: ` +
      'the change is too large to be judged in one piece; split it.',
  );
}

/** The clear sentence for what git wrote on its error output; never more than its first lines. */
export function explain(folder: string, command: string, stderr: string): string {
  if (stderr.includes('dubious ownership')) {
    return (
      `Git does not trust ${folder}, because it belongs to another user. If you do, run: ` +
      `git config --global --add safe.directory '${folder.replaceAll("'", "'\\''")}'`
    );
  }
  if (/not a git repository/i.test(stderr)) {
    return `${folder} is not a git repository: give the path of a checkout with --repo.`;
  }
  if (/cannot change to .*(No such file|Not a directory)/i.test(stderr)) {
    return `${folder} is not a folder: give the path of a git checkout with --repo.`;
  }
  if (/unable to read|bad object|missing (blob|tree|commit)|could not fetch/i.test(stderr)) {
    return (
      `Git could not read an object of ${folder}: the clone is partial or damaged. ` +
      'Fetch it whole (git fetch --refetch --no-filter) and check it with git fsck.'
    );
  }
  const detail = stderr.split('\n').slice(0, 3).join(' ').trim().slice(0, 300);
  return `git ${command} failed in ${folder}: ${detail === '' ? 'no reason was given' : detail}.`;
}
