/**
 * The files for running the server, read by the linters of their own formats: each takes ours, and
 * refuses a copy with a fault in it. They come from .ci/linters and Debian, so that this has a run
 * of its own: `npm run linters`.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';

const root = join(import.meta.dirname, '..', '..');
const linters = join(root, '.ci', 'linters');
const place = mkdtempSync(join(tmpdir(), 'tagout-linters-'));
after(() => rmSync(place, { recursive: true, force: true }));

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Told {
  readonly code: number | null;
  readonly text: string;
}

function lint(program: string, ...args: readonly string[]): Told {
  const ran = spawnSync(program, args, { cwd: root, encoding: 'utf8', timeout: 120_000 });
  assert.equal(ran.error, undefined, `${program} runs`);
  return { code: ran.status, text: `${ran.stdout}${ran.stderr}` };
}

/** Writes a copy of a file in which one text stands for another, and answers its path. */
function spoilt(path: string, from: string, to: string): string {
  const text = read(path);
  assert.ok(text.includes(from), `${path} has ${from}`);
  const copy = join(place, path.replaceAll('/', '-'));
  writeFileSync(copy, text.replace(from, to));
  return copy;
}

function takes(told: Told): void {
  assert.equal(told.code, 0, told.text);
}

function refuses(told: Told, why: RegExp): void {
  assert.notEqual(told.code, 0, told.text);
  assert.match(told.text, why);
}

describe('Dockerfile, by dockerfile-utils', () => {
  const program = join(linters, 'node_modules', '.bin', 'dockerfile-utils');

  test('takes ours without a word', () => {
    const told = lint(program, 'lint', 'deploy/Dockerfile');
    takes(told);
    assert.equal(told.text, '', 'a warning changes no exit code');
  });

  test('refuses an instruction that is none, and a second command', () => {
    refuses(lint(program, 'lint', spoilt('deploy/Dockerfile', 'EXPOSE', 'EXPOS')), /EXPOS/);
    const twice = spoilt('deploy/Dockerfile', 'ENTRYPOINT', 'CMD ["true"]\nENTRYPOINT');
    assert.match(lint(program, 'lint', twice).text, /only be one CMD/);
  });
});

describe('compose, by dclint and the schema of the compose specification', () => {
  const program = join(linters, 'node_modules', '.bin', 'dclint');
  const dclint = (path: string): Told =>
    lint(program, '--max-warnings', '0', '-c', join(linters, 'dclint.yaml'), path);

  test('takes ours without a warning', () => takes(dclint('deploy/compose.yaml')));

  test('refuses a key that compose does not know, and a port open to everybody', () => {
    const key = spoilt('deploy/compose.yaml', 'stop_grace_period', 'stop_grace_time');
    refuses(dclint(key), /stop_grace_time|additional propert/i);
    const port = spoilt('deploy/compose.yaml', "'127.0.0.1:3000:3000'", "'3000:3000'");
    refuses(dclint(port), /no-unbound-port-interfaces/);
  });
});

describe('systemd, by systemd-analyze', () => {
  /** The unit with a program and a folder that are on this machine: only they differ. */
  function unit(from: string, to: string): string {
    const path = spoilt('deploy/tagout.service', from, to);
    const here = readFileSync(path, 'utf8').replace('/usr/bin/node', process.execPath);
    const copy = join(place, 'tagout.service');
    writeFileSync(copy, here);
    return copy;
  }

  test('takes ours, and finds little exposed', () => {
    const path = unit('Type=exec', 'Type=exec');
    const told = lint('systemd-analyze', 'verify', path);
    takes(told);
    assert.equal(told.text, '');
    // From 0, nothing, to 10, everything; the unit says nothing of addresses, as GitHub's change.
    takes(lint('systemd-analyze', 'security', '--offline=true', '--threshold=20', path));
  });

  test('refuses a setting that is none', () => {
    const told = lint('systemd-analyze', 'verify', unit('TimeoutStopSec', 'TimeoutStopSecs'));
    assert.match(told.text, /Unknown key.*TimeoutStopSecs/);
    const open = unit('ProtectSystem=strict', 'ProtectSystem=no');
    const exposed = readFileSync(open, 'utf8').replaceAll(/^(?:Protect|Restrict).*\n/gm, '');
    writeFileSync(open, exposed);
    const security = ['security', '--offline=true', '--threshold=20', open];
    assert.notEqual(lint('systemd-analyze', ...security).code, 0);
  });
});

describe('YAML, by yamllint', () => {
  const yamllint = (...paths: readonly string[]): Told =>
    lint('yamllint', '--strict', '-c', join(linters, 'yamllint.yaml'), ...paths);

  test('takes ours', () => takes(yamllint('deploy', 'action.yml', 'app.yml')));

  test('refuses a key that stands twice', () => {
    const told = yamllint(spoilt('app.yml', 'public: false', 'public: false\npublic: true'));
    refuses(told, /duplication of key/);
  });
});

describe('shell, by shellcheck', () => {
  const steps = z.object({
    runs: z.object({ steps: z.array(z.object({ run: z.string() })) }),
  });

  test('takes what CI runs, and what the action runs', () => {
    takes(lint('shellcheck', '.ci/run'));
    for (const [nth, { run }] of steps.parse(parse(read('action.yml'))).runs.steps.entries()) {
      const path = join(place, `step-${nth}.sh`);
      writeFileSync(path, `#!/usr/bin/env bash\n${run}`);
      takes(lint('shellcheck', path));
    }
  });

  test('refuses a variable that a space would break', () => {
    refuses(lint('shellcheck', spoilt('.ci/run', '[ -x "$1" ]', '[ -x $1 ]')), /SC2086/);
  });
});

/** Checks an object against the OpenAPI description of its kind; throws with what is wrong. */
type Model = new (data: unknown) => { validate(): void };

describe("Kubernetes, by its own OpenAPI description and kubectl's kustomize", () => {
  const models = join(linters, 'node_modules', 'kubernetes-models');
  const folder = 'deploy/kubernetes';
  const header = z.object({ apiVersion: z.string(), kind: z.string() });
  type Header = z.infer<typeof header>;

  const kustomized = (path: string): Told => lint('kubectl', 'kustomize', path);

  function objects(text: string): readonly (readonly [Header, unknown])[] {
    const all = parseAllDocuments(text).map((one): unknown => one.toJS());
    return all.map((one) => [header.parse(one), one] as const);
  }

  async function validate([{ apiVersion, kind }, object]: readonly [
    Header,
    unknown,
  ]): Promise<void> {
    const path = join(models, apiVersion, 'index.js');
    const kinds: Readonly<Record<string, Model>> = await import(pathToFileURL(path).href);
    const Kind = kinds[kind];
    assert.ok(Kind, `${apiVersion} has ${kind}`);
    new Kind(object).validate();
  }

  /** Keys that the description does not have: a literal of the wrong shape does not compile. */
  function compile(all: readonly (readonly [Header, unknown])[]): Told {
    const lines = all.map(([{ apiVersion, kind }, object], nth) => {
      const type = `import('kubernetes-models/${apiVersion}').I${kind}`;
      return `export const object${nth}: ${type} = ${JSON.stringify(object)};`;
    });
    const file = join(place, 'objects.ts');
    writeFileSync(file, lines.join('\n'));
    const paths = { '*': [join(linters, 'node_modules', '*')] };
    const options = { paths, module: 'esnext', moduleResolution: 'bundler', strict: true };
    const compilerOptions = { ...options, skipLibCheck: true, noEmit: true, types: [] };
    const config = join(place, 'tsconfig.json');
    writeFileSync(config, JSON.stringify({ compilerOptions, files: [file] }));
    return lint(join(root, 'node_modules', '.bin', 'tsc'), '-p', config);
  }

  test('takes ours, one by one and put together', async () => {
    const together = kustomized(folder);
    takes(together);
    const all = objects(together.text);
    assert.ok(all.length >= 6);
    for (const one of all) await validate(one);
    takes(compile(all));
  });

  test('refuses a wrong value, an unknown key and a file that is not there', async () => {
    const server = read(`${folder}/server.yaml`);
    const wrong = objects(server.replace('replicas: 2', 'replicas: two'))[0];
    await assert.rejects(validate(wrong!), /replicas must be integer/);
    refuses(compile(objects(server.replace('rollingUpdate', 'rollingUpdates'))), /rollingUpdates/);
    const copy = join(place, 'kubernetes');
    cpSync(join(root, folder), copy, { recursive: true });
    rmSync(join(copy, 'network.yaml'));
    refuses(kustomized(copy), /network\.yaml/);
  });
});

test('the linters are pinned by their content, free, and run no script when they are installed', () => {
  const schema = z.object({
    packages: z.record(
      z.string(),
      z.object({
        integrity: z.string(),
        license: z.string(),
        hasInstallScript: z.never().optional(),
      }),
    ),
  });
  const text: unknown = JSON.parse(readFileSync(join(linters, 'package-lock.json'), 'utf8'));
  const { packages } = z.object({ packages: z.record(z.string(), z.unknown()) }).parse(text);
  delete packages[''];
  const found = schema.parse({ packages }).packages;
  assert.ok(Object.keys(found).length > 3);
  for (const [path, { integrity, license }] of Object.entries(found)) {
    assert.match(integrity, /^sha512-[\w+/]{86}==$/, path);
    assert.match(license, /^(?:MIT|ISC|Apache-2\.0|BSD-[23]-Clause|CC0-1\.0|Python-2\.0)$/, path);
  }
  const installed = readdirSync(join(linters, 'node_modules'));
  assert.ok(installed.includes('dclint'), 'npm ci --prefix .ci/linters');
});
