/** Commands of incidents in every file that runs them, and the same words where nothing runs them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingsOf } from '../../src/core/findings-of.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { aChange, adding } from './change.ts';

/** How each kind of file holds a command. */
const FILES: Readonly<Record<string, (command: string) => string>> = {
  'package.json': (command) => `{\n  "scripts": {\n    "build": ${JSON.stringify(command)}\n  }\n}`,
  '.github/workflows/deploy.yml': (command) => `    steps:\n      - run: |\n          ${command}`,
  Dockerfile: (command) => `FROM node:24\nRUN ${command}`,
  'docker-compose.yml': (command) => `services:\n  app:\n    command: ${command}`,
  'compose.prod.yaml': (command) =>
    `services:\n  app:\n    command:\n${command
      .split(' ')
      .map((word) => `      - ${word}`)
      .join('\n')}`,
  Procfile: (command) => `release: ${command}`,
  'netlify.toml': (command) => `[build]\n  command = ${JSON.stringify(command)}`,
  'vercel.json': (command) => `{ "buildCommand": ${JSON.stringify(command)} }`,
  'fly.toml': (command) => `[deploy]\n  release_command = ${JSON.stringify(command)}`,
  'render.yaml': (command) => `services:\n  - type: web\n    preDeployCommand: ${command}`,
  'railway.json': (command) => `{ "deploy": { "startCommand": ${JSON.stringify(command)} } }`,
  'scripts/deploy.sh': (command) => `#!/bin/sh\nset -e\n${command}`,
  Makefile: (command) => `deploy:\n\t@${command}`,
};

/** The commands that the issue of destroyed databases names. */
const COMMANDS: readonly string[] = [
  'npx prisma db push --force-reset',
  'npx prisma db push --accept-data-loss',
  'npx prisma migrate reset --force',
  'npx drizzle-kit push --force',
  'bin/rails db:drop',
  'bundle exec rails db:reset',
  'python manage.py flush --no-input',
  'dropdb production',
  'terraform destroy',
  'terraform apply -auto-approve',
  'kubectl delete namespace production',
  'aws rds delete-db-instance --db-instance-identifier main',
  'railway volume delete',
];

function destroyed(path: string, text: string): boolean {
  const found = findingsOf(aChange({ files: [adding(path, text)] }), defaultPolicy);
  return found.some(({ id, radius }) => id === 'destructive-command' && radius === 'critical');
}

for (const [path, hold] of Object.entries(FILES)) {
  test(`${path}: every command is critical, its harmless neighbours are not`, () => {
    for (const command of COMMANDS) assert.ok(destroyed(path, hold(command)), command);
    for (const command of ['npx prisma migrate deploy', 'terraform plan', 'kubectl get pods']) {
      assert.ok(!destroyed(path, hold(command)), command);
    }
  });
}

test('the same words where nothing runs them: documentation and comments', () => {
  for (const command of COMMANDS) {
    assert.ok(!destroyed('docs/runbook.md', `Never run \`${command}\` in production.`), command);
    for (const path of ['scripts/deploy.sh', 'Makefile', 'fly.toml', 'Dockerfile']) {
      assert.ok(!destroyed(path, `# never: ${command}`), `${path}: ${command}`);
    }
  }
});

test('what hides a command from the eye does not hide it here', () => {
  const hidden: readonly string[] = [
    'npx prisma db \\\n  push \\\n  --force-reset',
    'npx "prisma" db push "--force-reset"',
    "npx pri''sma db push --force-reset",
    'sudo -E /usr/bin/dropdb production',
    'CI=1 npx --yes prisma@5 db push --force-reset',
    'test -f x && (cd app; npx prisma migrate reset --force)',
    'sh -c "dropdb production"',
    'ssh host "dropdb production"',
  ];
  for (const text of hidden) assert.ok(destroyed('scripts/deploy.sh', text), text);
});
