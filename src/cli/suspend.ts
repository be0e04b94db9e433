/** `tagout suspend` and `tagout resume`: all of an agent's work holds at once. */
import { TagoutError } from '../core/errors.ts';
import { counted, line } from '../core/words/text.ts';
import { operator } from '../store/access.ts';
import { openStore } from '../store/open.ts';
import { knownInstallations, suspendAgent } from '../store/suspend.ts';
import { EXIT } from './io.ts';
import type { Io } from './io.ts';
import { readStoreSettings } from './settings.ts';

export interface SuspendOptions {
  readonly agent: string;
  readonly reason: string;
  /** GitHub's number, or null for every installation. */
  readonly installation: string | null;
  readonly resume: boolean;
}

function wanted(known: readonly number[], installation: string | null): readonly number[] {
  if (installation === null) return known;
  const id = Number(installation);
  if (Number.isSafeInteger(id) && id > 0) return [id];
  throw new TagoutError('usage', '--installation is not the number of an installation.');
}

/** Writes the suspension and its events; answers the exit code. */
export async function suspend(options: SuspendOptions, io: Io): Promise<number> {
  const { agent, reason, resume } = options;
  if (agent.trim() === '' || reason.trim() === '') {
    throw new TagoutError('usage', 'The agent and --reason cannot be empty.');
  }
  const { databaseUrl, databaseOwnerUrl: ownerUrl, dataDir } = readStoreSettings(io.env, io.cwd);
  const store = await openStore({ databaseUrl, ownerUrl, dataDir });
  try {
    const ids = wanted(await knownInstallations(store.sql), options.installation);
    if (ids.length === 0) {
      throw new TagoutError(
        'usage',
        'No installation is known here yet: give its number with --installation.',
      );
    }
    let changed = 0;
    for (const installationId of ids) {
      const what = { installationId, agent, reason, resume, doer: operator() };
      if (await suspendAgent(store.sql, what, io.now())) changed += 1;
    }
    io.out(words(options, changed));
    return EXIT.allow;
  } finally {
    await store.close();
  }
}

function words({ agent, resume }: SuspendOptions, changed: number): string {
  const name = line(agent, 100);
  if (changed === 0) {
    return resume ? `${name} was not suspended.\n` : `${name} is suspended already.\n`;
  }
  const where = counted(changed, 'installation');
  return resume
    ? `${name} is no longer suspended in ${where}; its work is judged again by the policy.\n`
    : `${name} is suspended in ${where}: all its work holds from now on, whatever its approvals. ` +
        `\`npx tagout resume\` ends it.\n`;
}
