#!/usr/bin/env node
// The program's entry. It is plain JavaScript, so that an old Node can read it too: that one then
// hands over to the Node that is installed beside Tagout, or says what to install.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 18)) {
  const cache = cacheFolder();
  if (cache !== null) nodeModule.enableCompileCache?.(cache);
  // A checkout runs its sources; a package has them compiled, as Node does not strip types of
  // what lies under node_modules.
  const source = new URL('./cli.ts', import.meta.url);
  const compiled = new URL('../dist/cli.js', import.meta.url);
  const { run } = await import(existsSync(source) ? source.href : compiled.href);
  process.exitCode = await run(process.argv.slice(2));
} else {
  process.exitCode = handOver();
}

// Half of the time of a short command is compiling. The cache lies with the user's own files:
// what lies there is run, so a folder that others can write would be a way in. Each folder is made
// by itself, as making a whole path never ends where nothing can be made (HOME below /proc).
function cacheFolder() {
  try {
    const home = homedir();
    if (!isAbsolute(home) || !statSync(home).isDirectory()) return null;
    let folder = home;
    for (const name of ['.cache', 'tagout', 'compiled']) {
      folder = join(folder, name);
      if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
    }
    const { uid, mode } = statSync(folder);
    return uid === process.getuid?.() && (mode & 0o022) === 0 ? folder : null;
  } catch {
    return null;
  }
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
