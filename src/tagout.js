#!/usr/bin/env node
// The program's entry. It is plain JavaScript, so that an old Node can read it too: that one then
// hands over to the Node that is installed beside Tagout, or says what to install.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 18)) {
  // Half of the time of a short command is compiling. The cache lies with the user's own files:
  // what lies there is run, so a folder that all users share would be a way in.
  nodeModule.enableCompileCache?.(join(homedir(), '.cache', 'tagout', 'compiled'));
  const { run } = await import('./cli.ts');
  process.exitCode = await run(process.argv.slice(2));
} else {
  process.exitCode = handOver();
}

function handOver() {
  const self = fileURLToPath(import.meta.url);
  const node = findNode(dirname(dirname(self)));
  if (node === null) {
    process.stderr.write(
      `Tagout needs Node 22.18 or newer, and this is ${process.versions.node}. ` +
        'Install a newer Node, or run `npm ci` in the checkout, which brings one for Linux.\n',
    );
    return 1;
  }
  const args = [self, ...process.argv.slice(2)];
  const ended = spawnSync(node, args, { stdio: 'inherit' });
  return ended.status ?? 1;
}

function findNode(start) {
  const name = `node-${process.platform}-${process.arch}`;
  for (let folder = start; ; folder = dirname(folder)) {
    const node = join(folder, 'node_modules', name, 'bin', 'node');
    if (existsSync(node)) return node;
    if (folder === dirname(folder)) return null;
  }
}
