/** The files for running the server, held to what the server needs and to what it must not have. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { createWebApp } from '../../src/web/app.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** What a YAML document may hold, as far as it is looked at here. */
type Key =
  | 'containers'
  | 'database'
  | 'env'
  | 'environment'
  | 'httpGet'
  | 'initContainers'
  | 'inside'
  | 'kind'
  | 'labels'
  | 'limits'
  | 'livenessProbe'
  | 'matchLabels'
  | 'memory'
  | 'metadata'
  | 'migrate'
  | 'minAvailable'
  | 'name'
  | 'networks'
  | 'path'
  | 'podSelector'
  | 'policyTypes'
  | 'port'
  | 'ports'
  | 'readinessProbe'
  | 'replicas'
  | 'resources'
  | 'secretKeyRef'
  | 'securityContext'
  | 'selector'
  | 'services'
  | 'spec'
  | 'startupProbe'
  | 'tagout'
  | 'targetPort'
  | 'template'
  | 'terminationGracePeriodSeconds'
  | 'valueFrom';

type Node = { readonly [Name in Key]?: Node } & readonly Node[];

function documents(path: string): readonly Node[] {
  return parseAllDocuments(read(path)).map((document) => {
    assert.deepEqual(document.errors, [], path);
    return document.toJS();
  });
}

/** What packages beside the server read by themselves. */
const OTHERS = ['OTEL_EXPORTER_OTLP_HEADERS'];

/** The names that the server reads, from where it reads them. */
const known = new Set([
  ...OTHERS,
  ...[
    'src/cli/settings.ts',
    'src/cli/settings-anchors.ts',
    'src/cli/setup.ts',
    'src/cli/check.ts',
    'src/cli/credentials.ts',
    'src/cli/doctor.ts',
  ].flatMap((path) => read(path).match(/\b[A-Z][A-Z]+(?:_[A-Z]+)*\b/g) ?? []),
]);

const quiet = { info() {}, warn() {}, error() {} };
const web = createWebApp({
  receiveWebhook: async () => 'stored',
  ready: async () => undefined,
  log: quiet,
});

async function answers(path: string): Promise<void> {
  assert.equal((await web.request(path)).status, 200, `${path} is a path of the server`);
}

/** Every value under a key, anywhere. */
function* valuesOf(node: unknown, key: string): Generator<unknown> {
  if (typeof node !== 'object' || node === null) return;
  for (const [name, value] of Object.entries(node)) {
    if (name === key) yield value;
    yield* valuesOf(value, key);
  }
}

describe('kubernetes', () => {
  const folder = 'deploy/kubernetes';
  const files = readdirSync(join(root, folder)).filter((name) => name.endsWith('.yaml'));
  const all = files.flatMap((name) => documents(`${folder}/${name}`));
  const of = (kind: string): readonly Node[] => all.filter((one) => String(one.kind) === kind);
  const pods = [...of('Deployment'), ...of('Job')].map((one) => one.spec!.template!.spec!);
  const containers = pods.flatMap((pod) => [...(pod.initContainers ?? []), ...pod.containers!]);

  test('kustomization names every file', () => {
    const [kustomization] = of('Kustomization');
    const listed = [...(kustomization?.resources ?? [])].map(String).toSorted();
    assert.deepEqual(listed, files.filter((name) => name !== 'kustomization.yaml').toSorted());
  });

  test('every pod and container is restricted', () => {
    assert.ok(pods.length >= 2 && containers.length >= 3);
    for (const pod of pods) {
      const security = JSON.parse(JSON.stringify(pod.securityContext));
      assert.equal(security.runAsNonRoot, true);
      assert.equal(security.seccompProfile.type, 'RuntimeDefault');
      assert.equal(JSON.parse(JSON.stringify(pod)).automountServiceAccountToken, false);
    }
    for (const one of containers) {
      const security = JSON.parse(JSON.stringify(one.securityContext));
      assert.deepEqual(security, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      assert.ok(one.resources?.limits?.memory);
    }
  });

  test('every environment variable is one that the server reads, and no secret stands in a file', () => {
    const names = containers.flatMap((one) => [...(one.env ?? [])]);
    assert.ok(names.length >= 7);
    for (const one of names) {
      assert.ok(known.has(String(one.name)), `${String(one.name)} is read by the server`);
      const secret = !['PUBLIC_URL', 'PORT'].includes(String(one.name));
      assert.equal(one.valueFrom?.secretKeyRef !== undefined, secret, String(one.name));
    }
    assert.deepEqual(of('Secret'), []);
  });

  test('probes ask for paths that are there, on the port that is listened on', async () => {
    const probes = containers.flatMap((one) =>
      (['startupProbe', 'livenessProbe', 'readinessProbe'] as const).flatMap(
        (name) => one[name] ?? [],
      ),
    );
    assert.equal(probes.length, 3);
    for (const probe of probes) {
      await answers(String(probe.httpGet?.path));
      assert.equal(String(probe.httpGet?.port), 'http');
    }
    const [server] = of('Deployment');
    const port = server?.spec?.template?.spec?.containers?.[0]?.ports?.[0];
    assert.deepEqual(port, { name: 'http', containerPort: 3000 });
    const [service] = of('Service');
    assert.equal(String(service?.spec?.ports?.[0]?.targetPort), 'http');
  });

  test('two replicas, of which one always stays, and more time to stop than stopping takes', () => {
    const [server] = of('Deployment');
    assert.equal(Number(server?.spec?.replicas), 2);
    assert.equal(Number(of('PodDisruptionBudget')[0]?.spec?.minAvailable), 1);
    const limitMs = Number(
      /STOP_LIMIT_MS = ([\d_]+)/.exec(read('src/main.ts'))?.[1]?.replace('_', ''),
    );
    const grace = Number(server?.spec?.template?.spec?.terminationGracePeriodSeconds);
    assert.ok(grace * 1000 > limitMs, `${grace} s is more than ${limitMs} ms`);
  });

  test('every selector finds the labels it means', () => {
    const labels = of('Deployment')[0]?.spec?.template?.metadata?.labels;
    for (const kind of ['Deployment', 'PodDisruptionBudget']) {
      assert.deepEqual(of(kind)[0]?.spec?.selector?.matchLabels, labels, kind);
    }
    assert.deepEqual(of('Service')[0]?.spec?.selector, labels);
    const [policy] = of('NetworkPolicy');
    assert.deepEqual(policy?.spec?.policyTypes, ['Ingress', 'Egress']);
    assert.deepEqual(policy?.spec?.podSelector?.matchLabels, {
      'app.kubernetes.io/name': 'tagout',
    });
    assert.deepEqual([...valuesOf(policy, 'except')], [['169.254.0.0/16']]);
  });
});

describe('compose', () => {
  const [compose] = documents('deploy/compose.yaml');
  const services = compose!.services!;

  test('the server is locked down, and only loopback is published', () => {
    for (const name of ['tagout', 'migrate'] as const) {
      const one = JSON.parse(JSON.stringify(services[name]));
      assert.equal(one.user, '10001:10001');
      assert.equal(one.read_only, true);
      assert.deepEqual(one.cap_drop, ['ALL']);
      assert.deepEqual(one.security_opt, ['no-new-privileges:true']);
    }
    const published = [...valuesOf(services, 'ports')].flat();
    assert.deepEqual(published, ['127.0.0.1:3000:3000']);
  });

  test('variables are those that the server reads; every secret comes from outside', () => {
    for (const name of ['tagout', 'migrate'] as const) {
      for (const [key, value] of Object.entries(services[name]!.environment!)) {
        assert.ok(known.has(key), `${key} is read by the server`);
        if (/SECRET|URL|PASSWORD|APP_ID/.test(key)) assert.match(String(value), /\$\{[A-Z_]+/);
      }
    }
    const server = JSON.stringify(services['tagout']);
    assert.doesNotMatch(server, /OWNER/, 'the server never has the rights of the owner');
  });

  test('the database cannot be reached from outside', () => {
    assert.deepEqual(services['database']?.networks, ['inside']);
    assert.deepEqual(compose?.networks?.['inside'], { internal: true });
  });
});

describe('image', () => {
  const lines = read('deploy/Dockerfile').replaceAll('\\\n', ' ').split('\n');
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));

  test('runs as a user without rights, in production, and asks the server whether it lives', async () => {
    assert.ok(last.includes('USER 10001:10001'));
    const env = last.find((line) => line.startsWith('ENV ')) ?? '';
    const names = [...env.matchAll(/([A-Z_]+)=/g)].map(([, name]) => name ?? '');
    assert.deepEqual(names, ['NODE_ENV', 'TAGOUT_DATA', 'HOST', 'PORT']);
    for (const name of names) assert.ok(known.has(name), name);
    const health = last.find((line) => line.startsWith('HEALTHCHECK ')) ?? '';
    await answers(/\/[a-z]+(?=')/.exec(health.slice(health.indexOf('PORT')))?.[0] ?? '');
  });

  test('copies what is there, and its context holds nothing else', () => {
    const copied = lines
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
      .flatMap((line) => line.split(' ').slice(1, -1));
    for (const path of copied) assert.ok(readdirSync(root).includes(path), path);
    const allowed = read('deploy/Dockerfile.dockerignore')
      .split('\n')
      .filter((line) => /^[*!]/.test(line));
    assert.equal(allowed[0], '*');
    const wanted = [...new Set(copied)].map((path) => `!${path}`).toSorted();
    assert.deepEqual(allowed.slice(1).toSorted(), wanted);
  });
});

describe('systemd', () => {
  const lines = read('deploy/tagout.service').split('\n');
  const all = (name: string): readonly string[] =>
    lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));

  test('every line is a section, a setting, a comment or empty', () => {
    for (const line of lines) assert.match(line, /^(?:\[\w+\]|[A-Z]\w+=.*|#.*|)$/);
  });

  test('variables are those that the server reads, and the key comes as a credential', () => {
    const names = all('Environment').map((line) => line.split('=')[0] ?? '');
    assert.ok(names.length >= 4);
    for (const name of names) assert.ok(known.has(name), name);
    assert.ok(all('Environment').includes('PRIVATE_KEY_PATH=%d/private-key'));
    assert.match(all('LoadCredential')[0] ?? '', /^private-key:/);
  });

  test('no rights, no other folders, and time to stop', () => {
    assert.deepEqual(all('User'), ['tagout']);
    assert.deepEqual(all('CapabilityBoundingSet'), ['']);
    for (const name of ['NoNewPrivileges', 'ProtectHome', 'PrivateTmp', 'RestrictNamespaces']) {
      assert.deepEqual(all(name), ['yes'], name);
    }
    assert.deepEqual(all('ProtectSystem'), ['strict']);
    assert.ok(Number(all('TimeoutStopSec')[0]) > 25);
    // Node compiles as it runs, so memory that is written must become executable.
    assert.deepEqual(all('MemoryDenyWriteExecute'), []);
  });
});

test('the papers name settings, commands and keys that are there', () => {
  const papers = ['operating', 'agents', 'without-a-server'].map((name) => read(`docs/${name}.md`));
  const code = papers.join('\n').match(/`[^`\n]+`/g) ?? [];
  const settings = code.flatMap((text) => text.match(/\b(?:[A-Z]+_)+[A-Z]+\b/g) ?? []);
  assert.ok(settings.length >= 5);
  for (const name of settings) assert.ok(known.has(name), `${name} is read by the server`);
  const commands = new Set(papers.join('\n').match(/(?<=npx tagout |tagout\.js )[a-z]+/g) ?? []);
  const program = read('src/cli.ts') + read('src/cli/audit-commands.ts');
  for (const name of commands) assert.ok(program.includes(`.command('${name}')`), name);
  const block = /"tagout": 1[^]*?\n\}/.exec(read('test/golden/held-values-lost.md'))?.[0] ?? '';
  const keys = Object.keys(JSON.parse(`{${block}`));
  // The keys of `check --json` alone have a table of their own, which test/docs holds.
  const [blockTable = ''] = (papers[1] ?? '').split('<!-- /block -->');
  const table = [...blockTable.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key);
  assert.deepEqual(
    table.filter((key) => key !== 'R02'),
    keys,
  );
  for (const path of papers.join('\n').match(/deploy\/[\w.-]+/g) ?? []) {
    if (/secrets|\.env/.test(path)) continue;
    assert.ok(readdirSync(join(root, 'deploy')).includes(path.slice('deploy/'.length)), path);
  }
});
