/**
 * `npm run bench [name …]`: figures on this machine, as ratios against a limit or a peer measured in
 * the same run. It prints and never fails: a shared machine is noisy, so read ratios and medians.
 */
import { cpus } from 'node:os';
import type { Row } from './row.ts';

const benches: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
  append: async () => (await import('./audit.ts')).benchAppends(),
  audit: async () => (await import('./audit.ts')).benchAudit(),
  decide: async () => (await import('./decide.ts')).benchDecide(),
  range: async () => (await import('./range.ts')).benchRange(),
  event: async () => (await import('./event.ts')).benchEvent(),
  check: async () => (await import('./check.ts')).benchCheck(),
  intake: async () => (await import('./intake.ts')).benchIntake(),
  flood: async () => (await import('./flood.ts')).benchFlood(),
  growth: async () => (await import('./growth.ts')).benchGrowth(),
  memory: async () => (await import('./memory.ts')).benchMemory(),
  'run-memory': async () => (await import('./run-memory.ts')).benchRunMemory(),
  soak: async () => (await import('./soak.ts')).benchSoak(),
  report: async () => (await import('./report.ts')).benchReport(),
  sandbox: async () => (await import('./sandbox.ts')).benchSandbox(),
  'sandbox-peer': async () => (await import('./sandbox.ts')).benchSandboxPeer(),
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => benches[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(
    `no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}\n`,
  );
  process.exit(64);
}

process.stdout.write(`Node ${process.versions.node}, ${cpus().length} cores\n\n`);
process.stdout.write('| what | reach | measured | |\n|---|---|---|---|\n');
for (const [name, bench] of Object.entries(benches)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  for (const row of await bench()) {
    const verdict = row.ok ? 'reached' : 'missed';
    process.stdout.write(`| ${row.what} | ${row.reach} | ${row.measured} | ${verdict} |\n`);
  }
}
