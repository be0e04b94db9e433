/** How `tagout stats` is called. */
import type { Command } from 'commander';
import type { Io } from './io.ts';

interface StatsFlags {
  readonly databaseUrl: string;
  readonly out: string;
}

/** Adds the command to the program. */
export function addStats(program: Command, io: Io, answer: (code: number) => void): void {
  program
    .command('stats')
    .description("Write the sizes of production's tables to a file; reads the catalog, no rows.")
    .requiredOption('--database-url <url>', 'address of the database, with a role that only reads')
    .option('--out <file>', 'the file to write', 'db/statistics.json')
    .action(async (flags: StatsFlags) => {
      const { stats } = await import('./stats.ts');
      answer(await stats(flags, io));
    });
}
