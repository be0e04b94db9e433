/** Resident memory of the server process while it judges changes of databases that are large. */
import { journal, tagoutCheck, until } from '../story/scene.ts';
import type { Row } from './row.ts';
import { type BenchScene, openBenchScene } from './server.ts';

const LIMIT_MB = 300;
/** The first of them replays the whole history. */
const PATIENCE_MS = 300_000;

const tagOf = (n: number): string => `${String(n).padStart(4, '0')}_step`;

/** 400 files, then 5,000 tables in 50 more, then a table whose 400,000 rows the seed brings. */
const HISTORY: readonly string[] = [
  ...Array.from(
    { length: 400 },
    (_, i) =>
      `create table h${i} (id serial primary key, name text); create index on h${i} (name);`,
  ),
  ...Array.from({ length: 50 }, (_, i) =>
    Array.from(
      { length: 100 },
      (_unused, j) => `create table t${i}_${j} (id int primary key, a text, b int);`,
    ).join('\n'),
  ),
  'create table big (id int primary key, v text, n int);',
];

const POLICY = `version: 1
environments:
  production:
    match: [production]
migrations:
  folders: [{ path: drizzle, framework: drizzle }]
  seed: [db/seed.sql]
  rows: 0
`;

const SEED = `INSERT INTO big SELECT i, 'name ' || i, i % 100 FROM generate_series(1, 400000) i;`;

/** Each on the same history, and what its check must speak of: the run was not cut short. */
const CHANGES: readonly { readonly branch: string; readonly sql: string; readonly says: RegExp }[] =
  [
    { branch: 'long', sql: 'alter table h7 drop column name;', says: /h7\.name/ },
    { branch: 'wide', sql: 'alter table t7_7 drop column a;', says: /t7_7\.a/ },
    { branch: 'heavy', sql: 'update big set v = upper(v);', says: /400,000/ },
  ];

async function giveHistory({ repo, people }: BenchScene): Promise<void> {
  const files: Record<string, string> = { '.github/tagout.yml': POLICY, 'db/seed.sql': SEED };
  const tags = ['0000_users', ...HISTORY.map((_, i) => tagOf(i + 1))];
  for (const [i, sql] of HISTORY.entries()) files[`drizzle/${tagOf(i + 1)}.sql`] = sql;
  files['drizzle/meta/_journal.json'] = journal(tags);
  await repo.commit({ branch: 'main', files, author: people.maria });
}

async function judge(scene: BenchScene, { branch, sql, says }: (typeof CHANGES)[number]) {
  const { repo, people } = scene;
  const tags = ['0000_users', ...HISTORY.map((_, i) => tagOf(i + 1)), '9999_new'];
  const files = { 'drizzle/9999_new.sql': sql, 'drizzle/meta/_journal.json': journal(tags) };
  await repo.commit({ branch, files, author: people.maria });
  const pull = await repo.openPull({ author: people.maria, head: branch });
  await until(
    `${branch} is judged`,
    () => {
      const check = tagoutCheck(repo, pull.headSha);
      if (check?.status !== 'completed') return null;
      const told = `${check.output.summary} ${check.output.text}`;
      if (!says.test(told)) throw new Error(`${branch} was not seen to the end: ${told}`);
      return check;
    },
    PATIENCE_MS,
  );
}

export async function benchRunMemory(): Promise<readonly Row[]> {
  const scene = await openBenchScene();
  try {
    const idleMb = scene.server.rssMb();
    await giveHistory(scene);
    for (const change of CHANGES) await judge(scene, change);
    const peakMb = scene.server.peakRssMb();
    return [
      {
        what: 'peak memory of the server process: 450 files, 5,400 tables, an UPDATE of 400,000 rows',
        reach: `≤ ${LIMIT_MB} MB`,
        measured: `${peakMb.toFixed(0)} MB (${idleMb.toFixed(0)} MB when it was ready)`,
        ok: peakMb <= LIMIT_MB,
      },
    ];
  } finally {
    await scene.close();
  }
}
