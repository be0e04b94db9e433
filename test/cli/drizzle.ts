/** A Drizzle history as its generator writes it: numbered files and a journal. */

/** Files of a history with one statement text per migration. */
export function drizzleFiles(steps: readonly string[]): Record<string, string> {
  const entries = steps.map((_, idx) => ({
    idx,
    version: '7',
    when: 1_700_000_000_000 + idx * 60_000,
    tag: `${String(idx).padStart(4, '0')}_step`,
    breakpoints: true,
  }));
  const journal = { version: '7', dialect: 'postgresql', entries };
  return {
    'drizzle.config.ts':
      "import { defineConfig } from 'drizzle-kit';\n" +
      "export default defineConfig({ dialect: 'postgresql', out: './drizzle' });\n",
    'drizzle/meta/_journal.json': `${JSON.stringify(journal, null, 2)}\n`,
    ...Object.fromEntries(
      entries.map((entry, i) => [`drizzle/${entry.tag}.sql`, `${steps[i] ?? ''}\n`]),
    ),
  };
}
