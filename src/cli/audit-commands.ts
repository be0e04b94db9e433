/** The commands around the record: verify, suspend, resume, redact, witness. */
import type { Command } from 'commander';
import type { Io } from './io.ts';

type Answer = (code: number) => void;

interface VerifyFlags {
  readonly databaseUrl?: string;
  readonly key?: readonly string[];
  readonly origin?: string;
  readonly anchor?: readonly string[];
  readonly tsaCert?: string;
  readonly since?: string;
  readonly treeOnly?: true;
  readonly json?: true;
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

function addVerify(program: Command, io: Io, answer: Answer): void {
  program
    .command('verify')
    .description('Whether a record is the one that was signed; needs no network.')
    .argument('[bundle]', 'the folder of a bundle')
    .option('--database-url <url>', 'verify where the record lies, as a role that may read it')
    .option('--key <vkey>', 'a verifier key that you trust; again for each', collect)
    .option('--origin <name>', "the log's name; left out, the name of the key")
    .option(
      '--anchor <file>',
      'a checkpoint or proof from elsewhere, git:REPO#BRANCH or tsr:FILE',
      collect,
    )
    .option('--tsa-cert <pem>', 'the certificate of the time-stamp authority that you trust')
    .option('--since <rows>', 'rows below were judged before: only hash them')
    .option('--tree-only', 'bytes, tree and signatures, without judging what events say')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExit codes: 0 intact, 1 tampered, 2 cannot verify, 64 wrong usage.')
    .action(async (bundle: string | undefined, flags: VerifyFlags) => {
      const { verify } = await import('./verify.ts');
      const options = {
        bundle: bundle ?? null,
        databaseUrl: flags.databaseUrl ?? null,
        keys: flags.key ?? [],
        origin: flags.origin ?? null,
        anchors: flags.anchor ?? [],
        tsaCert: flags.tsaCert ?? null,
        since: flags.since ?? null,
        treeOnly: flags.treeOnly === true,
        json: flags.json === true,
      };
      answer(await verify(options, io));
    });
}

interface SuspendFlags {
  readonly reason: string;
  readonly installation?: string;
}

function addSuspend(program: Command, io: Io, answer: Answer): void {
  for (const name of ['suspend', 'resume'] as const) {
    program
      .command(name)
      .description(
        name === 'suspend'
          ? "Hold all of an agent's work at once, whatever its approvals."
          : "Let an agent's work be judged again as the policy says.",
      )
      .argument('<agent>', "the agent's name as the policy or the registry has it")
      .requiredOption('--reason <text>', 'why; it stands in the record')
      .option('--installation <id>', 'one installation; left out, every one that is known')
      .action(async (agent: string, flags: SuspendFlags) => {
        const { suspend } = await import('./suspend.ts');
        const { reason, installation = null } = flags;
        answer(await suspend({ agent, reason, installation, resume: name === 'resume' }, io));
      });
  }
}

interface RedactFlags {
  readonly olderThan?: string;
  readonly basis: string;
  readonly dryRun?: true;
}

function addRedact(program: Command, io: Io, answer: Answer): void {
  program
    .command('redact')
    .description('Erase a personal text from the record; every proof stays valid.')
    .argument('[text]', 'the exact text: a login, a name, an e-mail address, a title')
    .option('--older-than <age>', 'every personal text that is older: 400d, 12mo or 7y')
    .requiredOption('--basis <text>', 'on what basis; it stands in the record')
    .option('--dry-run', 'only say how often it occurs')
    .action(async (text: string | undefined, flags: RedactFlags) => {
      const { redact } = await import('./redact.ts');
      const { basis, olderThan = null } = flags;
      const wish = { text: text ?? null, olderThan, basis, dryRun: flags.dryRun === true };
      answer(await redact(wish, io));
    });
}

interface WitnessFlags {
  readonly key: readonly string[];
  readonly state: string;
  readonly port: string;
  readonly host: string;
}

function addWitness(program: Command, io: Io, answer: Answer): void {
  program
    .command('witness')
    .description("Keep a log's newest checkpoint elsewhere and refuse one that goes back or forks.")
    .requiredOption('--key <vkey>', 'the verifier key of a log; again for each', collect)
    .requiredOption('--state <folder>', 'where the checkpoints and the witness’s key lie')
    .option('--port <number>', 'where to listen', '7465')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .action(async (flags: WitnessFlags) => {
      const { witness } = await import('./witness.ts');
      answer(await witness({ ...flags, keys: flags.key }, io));
    });
}

/** Adds the commands to the program. */
export function addAudit(program: Command, io: Io, answer: Answer): void {
  addVerify(program, io, answer);
  addSuspend(program, io, answer);
  addRedact(program, io, answer);
  addWitness(program, io, answer);
}
