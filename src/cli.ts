/** The command line. Each command is loaded when it is called, so that `check` starts quickly. */
import { Command, CommanderError, Option } from 'commander';
import { addAudit } from './cli/audit-commands.ts';
import { EXIT, failed, realIo } from './cli/io.ts';
import type { Io } from './cli/io.ts';
import type { PolicyFlags } from './cli/policy.ts';
import { addStats } from './cli/stats-command.ts';

/** Runs one command line (without `node` and the program) and answers its exit code. */
export async function run(args: readonly string[], io: Io = realIo): Promise<number> {
  let code: number = EXIT.allow;
  const program = createProgram(io, (answered) => {
    code = answered;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.allow : EXIT.usage;
    return failed(error, io);
  }
}

function createProgram(io: Io, answer: (code: number) => void): Command {
  const program = new Command('tagout')
    .description(
      'Holds production deployments of agent-authored changes until an independent human has ' +
        'reviewed exactly that content.',
    )
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .showHelpAfterError('(add --help for the options)');
  addCheck(program, io, answer);
  addStats(program, io, answer);
  addServer(program, io, answer);
  addReport(program, io, answer);
  addAudit(program, io, answer);
  addPolicy(program, io, answer);
  addDoctor(program, io, answer);
  addDeployer(program, io, answer);
  addInit(program, io, answer);
  return program;
}

interface CheckFlags {
  readonly repo: string;
  readonly base: string;
  readonly head: string;
  readonly plan?: string;
  readonly json?: true;
  readonly format?: 'text' | 'json' | 'sarif';
}

function addCheck(program: Command, io: Io, answer: (code: number) => void): void {
  program
    .command('check')
    .description('Judge a change in a local checkout, as the pull request would be.')
    .option('--repo <folder>', 'the git checkout', '.')
    .requiredOption('--base <ref>', 'branch, tag or SHA that it would be merged into')
    .requiredOption('--head <ref>', 'branch, tag or SHA of the change')
    .option('--plan <path>', 'SQL printed for migrations in code: a .sql file or a folder of them')
    .option('--json', 'print one JSON object; the same as --format json')
    .addOption(new Option('--format <format>', 'how to print').choices(['text', 'json', 'sarif']))
    .addHelpText(
      'after',
      '\nExit codes: 0 no reason to hold, 10 hold, 20 deny, 1 could not judge (treat as hold), ' +
        '64 wrong usage.',
    )
    .action(async (flags: CheckFlags) => {
      const { check } = await import('./cli/check.ts');
      answer(await check(flags, io));
    });
}

/** The parts that `serve --only` can run by themselves. */
const HALVES = ['web', 'worker'];

function addServer(program: Command, io: Io, answer: (code: number) => void): void {
  program
    .command('serve')
    .description('Run the GitHub App; settings come from the environment (see README).')
    .addOption(
      new Option('--only <half>', 'one half of the server in this process').choices(HALVES),
    )
    .action(async ({ only }: { readonly only?: 'web' | 'worker' }) => {
      const { runServer } = await import('./main.ts');
      answer(await runServer(io, only ?? null));
    });
  program
    .command('plan')
    .description('Print the SQL of a JSON log of PostgreSQL, for the artifact tagout-plan.')
    .requiredOption('--log <file>', 'the log, written with log_statement = all')
    .action(async (flags: { readonly log: string }) => {
      const { plan } = await import('./cli/plan.ts');
      answer(await plan(flags, io));
    });
  program
    .command('backup')
    .description("Copy Tagout's own store into a new folder; the server may be running.")
    .argument('<folder>', 'a folder that is not there yet')
    .action(async (folder: string) => {
      const { backup } = await import('./cli/backup.ts');
      answer(await backup(folder, io));
    });
  program
    .command('restore')
    .description('Put a backup where no store is.')
    .argument('<folder>', 'what `tagout backup` has written')
    .action(async (folder: string) => {
      const { restore } = await import('./cli/backup.ts');
      answer(await restore(folder, io));
    });
  program
    .command('sweep')
    .description('Look once, now, for deliveries and changes that were missed.')
    .action(async () => {
      const { sweepNow } = await import('./cli/sweep.ts');
      answer(await sweepNow(io));
    });
  program
    .command('migrate')
    .description("Create or update the store's tables and roles, as DATABASE_OWNER_URL.")
    .action(async () => {
      const { migrateStore } = await import('./cli/migrate.ts');
      answer(await migrateStore(io));
    });
}

interface ReportFlags {
  readonly from?: string;
  readonly to?: string;
  readonly repo?: string;
  readonly format: 'text' | 'csv' | 'json';
  readonly out?: string;
  readonly org?: string;
  readonly serve?: true;
}

function addReport(program: Command, io: Io, answer: (code: number) => void): void {
  const formats = ['text', 'csv', 'json'];
  program
    .command('report')
    .description('Every production deployment: who asked, what it was, who approved, what ran.')
    .option('--from <date>', 'first day or time, ISO 8601, in UTC')
    .option('--to <date>', 'first day or time after the period, ISO 8601, in UTC')
    .option('--repo <owner/name>', 'one repository')
    .option('--out <folder>', 'write the bundle that an auditor can check without this server')
    .option('--org <name>', 'the organisation, when the record holds several')
    .option('--question <number>', "answer one of an auditor's twenty questions (docs/audit.md)")
    .option('--at <date>', 'the moment that question 9 is about')
    .option('--run <id>', 'the workflow run that questions 7, 8, 12 and 20 are about')
    .option('--population <file>', "keep GitHub's own lists there; without a token, read them")
    .option('--serve', 'show the audit pages on this machine alone, behind a one-time address')
    .addOption(new Option('--format <format>', 'how to print').choices(formats).default('text'))
    .action(async (flags: ReportFlags) => {
      const { report } = await import('./cli/report.ts');
      answer(await report(flags, io));
    });
}

function addPolicy(program: Command, io: Io, answer: (code: number) => void): void {
  const policy = program.command('policy').description('Look at a policy file.');
  const command = (name: string, description: string): Command =>
    policy
      .command(name)
      .description(description)
      .argument('[file]', 'the policy file (default: .github/tagout.yml)')
      .option('--floor <file>', 'the policy file of the organisation, over which it stands');
  const format = (fallback: string): Option =>
    new Option('--format <format>', 'how to print').choices(['json', 'text']).default(fallback);
  command(
    'validate',
    'Say whether a policy file can speak, or which line and key are wrong.',
  ).action(async (file: string | undefined, flags: PolicyFlags) => {
    const { validatePolicy } = await import('./cli/policy.ts');
    answer(await validatePolicy(file, io, flags));
  });
  command('explain', 'Print the effective policy with the origin of each value.')
    .addOption(format('json'))
    .action(async (file: string | undefined, flags: PolicyFlags) => {
      const { explainPolicy } = await import('./cli/policy.ts');
      answer(await explainPolicy(file, io, flags));
    });
  command(
    'simulate',
    'Say for each environment and blast radius whether these approvals are enough.',
  )
    .option('--approver <login[:team,…]>', 'a person who approves (repeatable)', collect, [])
    .option(
      '--recorded <subject>',
      'judge a recorded decision: owner/repo#12, owner/repo@environment, a run id or its event id; ' +
        'with a policy file, as if that were the policy',
    )
    .option('--database-url <url>', 'where the record lies; else that of the settings')
    .option('--evidence <file>', 'judge the evidence in this JSON file')
    .addOption(format('text'))
    .action(async (file: string | undefined, flags: PolicyFlags) => {
      const { simulatePolicy } = await import('./cli/policy.ts');
      answer(await simulatePolicy(file, io, flags));
    });
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

interface WaitFlags {
  readonly environment: string;
  readonly sha: string;
  readonly repo: string;
  readonly url?: string;
  readonly minutes: string;
}

function addDeployer(program: Command, io: Io, answer: (code: number) => void): void {
  program
    .command('wait')
    .description('Wait in any pipeline until a commit may go to an environment.')
    .requiredOption('--environment <name>', 'where it goes, such as production')
    .requiredOption('--sha <id>', 'the whole commit id')
    .requiredOption('--repo <owner/name>', 'the repository')
    .option('--url <address>', 'the Tagout server; TAGOUT_URL when left out')
    .option('--minutes <n>', 'how long to wait while it is held', '30')
    .addHelpText(
      'after',
      '\nExit codes: 0 allowed, 10 still held, 20 denied, 1 could not ask (treat as hold), ' +
        '64 wrong usage.',
    )
    .action(async ({ minutes, ...flags }: WaitFlags) => {
      const { wait } = await import('./cli/wait.ts');
      answer(await wait({ ...flags, minutes: Number(minutes) }, io));
    });
  program
    .command('token')
    .description('Make a token with which a deployer asks about one environment.')
    .requiredOption('--repo <owner/name>', 'the repository')
    .requiredOption('--environment <name>', 'the environment')
    .action(async (flags: { readonly repo: string; readonly environment: string }) => {
      const { token } = await import('./cli/token.ts');
      answer(await token(flags, io));
    });
}

interface DoctorFlags {
  readonly org?: string;
  readonly repo?: string;
  readonly json?: true;
}

function addDoctor(program: Command, io: Io, answer: (code: number) => void): void {
  program
    .command('doctor')
    .description('What is guarded and what is not, with the place where each gap is mended.')
    .option('--org <name>', 'one organisation')
    .option('--repo <owner/name>', 'one repository')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExit codes: 0 all is guarded, 10 something is not, 1 could not look, 64 wrong usage.',
    )
    .action(async (flags: DoctorFlags) => {
      const { doctor } = await import('./cli/doctor.ts');
      answer(await doctor({ ...flags, json: flags.json === true }, io));
    });
}

interface InitFlags {
  readonly repo: string;
  readonly force?: true;
  readonly replay?: true;
}

function addInit(program: Command, io: Io, answer: (code: number) => void): void {
  program
    .command('init')
    .description('Look at a checkout and write the policy that it proposes.')
    .option('--repo <folder>', 'the git checkout', '.')
    .option('--force', 'write over a policy that is there')
    .option(
      '--replay',
      'judge the last 20 changes as it would have; with GH_TOKEN, pull requests and their reviews',
    )
    .action(async ({ repo, force, replay }: InitFlags) => {
      const { init } = await import('./cli/init.ts');
      answer(await init({ repo, force: force === true, replay: replay === true }, io));
    });
}
