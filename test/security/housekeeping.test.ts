/** What is installed: its licences, its integrity, its install scripts; and how secrets are compared. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const platforms = z.union([z.string(), z.array(z.string())]);
const entrySchema = z.object({
  version: z.string().optional(),
  license: z.string().optional(),
  integrity: z.string().optional(),
  resolved: z.string().optional(),
  link: z.boolean().optional(),
  dev: z.boolean().optional(),
  optional: z.boolean().optional(),
  os: platforms.optional(),
  cpu: platforms.optional(),
  hasInstallScript: z.boolean().optional(),
});
type Entry = z.infer<typeof entrySchema>;
const lock = z
  .object({ lockfileVersion: z.literal(3), packages: z.record(z.string(), entrySchema) })
  .parse(JSON.parse(read('package-lock.json')));
const entries = Object.entries(lock.packages).filter(([path]) => path !== '');

const manifest = z
  .object({
    dependencies: z.record(z.string(), z.string()),
    devDependencies: z.record(z.string(), z.string()),
    optionalDependencies: z.record(z.string(), z.string()),
    allowScripts: z.record(z.string(), z.boolean()),
  })
  .parse(JSON.parse(read('package.json')));

/** Licences that ask for no more than to be named; a package with another one is a decision. */
const ALLOWED = ['MIT', 'Apache-2.0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'Unlicense'];
/** Licences of argparse and of pako's zlib among them, which are as free. */
const ALLOWED_BESIDE = ['Python-2.0', 'BlueOak-1.0.0', 'CC0-1.0', 'Zlib'];
/** Weak copyleft is for tools alone: they are not shipped. */
const ALLOWED_FOR_TOOLS = ['MPL-2.0'];

/** The build of an optional package for another platform, which only names what would be taken. */
function isNamedOnly({ optional, os, cpu, integrity }: Entry): boolean {
  return optional === true && os !== undefined && cpu !== undefined && integrity === undefined;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

test('every dependency has a licence that this project may ship with', () => {
  const wrong = entries.filter(([, entry]) => {
    if (isNamedOnly(entry)) return false;
    const allowed = [...ALLOWED, ...ALLOWED_BESIDE, ...(entry.dev ? ALLOWED_FOR_TOOLS : [])];
    const words = (entry.license ?? '').replaceAll(/[()]/g, '').split(' OR ');
    // All of what AND joins has to be kept, and one of what OR joins.
    return !words.some((word) => word.split(' AND ').every((one) => allowed.includes(one)));
  });
  assert.deepEqual(
    wrong.map(([path, { license }]) => `${path}: ${license ?? 'none'}`),
    [],
  );
});

test('every package that can be installed here is pinned by its content', () => {
  const loose = entries.filter(
    ([, entry]) => !isNamedOnly(entry) && !/^sha512-[\w+/]{86}==$/.test(entry.integrity ?? ''),
  );
  assert.deepEqual(
    loose.map(([path]) => path),
    [],
    'run npm install, then node .ci/complete-lock.mjs',
  );
});

test('what is only named for other platforms is never a dependency of ours', () => {
  const named = entries.filter(([, entry]) => isNamedOnly(entry)).map(([path]) => nameOf(path));
  const ours = { ...manifest.dependencies, ...manifest.optionalDependencies };
  assert.deepEqual(
    named.filter((name) => name in ours),
    [],
  );
});

test('nothing comes from outside the registry, and direct versions are exact', () => {
  for (const [path, { resolved, link }] of entries) {
    assert.equal(link ?? false, false, path);
    if (resolved !== undefined) assert.match(resolved, /^https:\/\//, path);
  }
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  for (const [name, version] of Object.entries({
    ...dependencies,
    ...devDependencies,
    ...optionalDependencies,
  })) {
    assert.match(version, /^\d+\.\d+\.\d+(?:-[\w.]+)?$/, name);
    assert.equal(lock.packages[`node_modules/${name}`]?.version, version, name);
  }
});

test('no package runs a script when it is installed but those that are listed', () => {
  const scripted = new Set(
    entries.filter(([, entry]) => entry.hasInstallScript).map(([path]) => nameOf(path)),
  );
  assert.deepEqual([...scripted].sort(), Object.keys(manifest.allowScripts).sort());
});

function sources(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

/** A comparison of something that is called like a secret, with anything but a constant. */
const COMPARED =
  /\b\w*(?:secret|token|signature|password|hmac|mac|cookie|session)\b\s*[!=]==?\s*(?!=|\s|null\b|undefined\b|''|""|'[\w-]*'|\d)\S+/gi;

test('nothing that is called a secret is compared in a time that tells of it', () => {
  const found = sources('src').flatMap((path) =>
    [...read(path).matchAll(COMPARED)].map(([text]) => `${path}: ${text}`),
  );
  assert.deepEqual(found, [], 'compare digests with timingSafeEqual');
  assert.match('if (token === given)', COMPARED);
});
