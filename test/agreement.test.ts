/** Holds the papers honest: what the README shows and lists against what the code is and does. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const block = /(<!-- check-run:begin [^\n]*-->\n)([^]*?)(<!-- check-run:end -->)/;

/** The golden check as the README quotes it: every line behind `> `. */
function quoted(golden: string): string {
  const lines = golden.trimEnd().split('\n');
  return `${lines.map((line) => (line === '' ? '>' : `> ${line}`)).join('\n')}\n`;
}

test('the README shows the check that the demo produced', () => {
  const wanted = quoted(read('test/golden/demo-drop-column.md'));
  if (process.env['GOLDEN'] === 'write') {
    const filled = read('README.md').replace(block, (_, begin, __, end) => begin + wanted + end);
    writeFileSync(join(root, 'README.md'), filled);
  }
  const found = block.exec(read('README.md'));
  assert.ok(found, 'the README has the block');
  assert.equal(found[2], wanted, 'GOLDEN=write fills it in');
});

test('the README has at most 200 lines', () => {
  assert.ok(read('README.md').split('\n').length <= 201);
});

test('every room is in the map of the house', () => {
  const readme = read('README.md');
  for (const entry of readdirSync(join(root, 'src'), { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name === 'cli') continue;
    assert.ok(readme.includes(`\`src/${entry.name}/\``), `src/${entry.name}/ is explained`);
  }
});

test('every file and folder that the README names is there', () => {
  const named = [...read('README.md').matchAll(/`((?:src|test|db|docs)\/[\w./-]+)`/g)];
  assert.ok(named.length > 10);
  for (const [, path] of named) assert.doesNotThrow(() => readdirOrFile(path ?? ''), path);
});

function readdirOrFile(path: string): void {
  if (path.endsWith('/')) readdirSync(join(root, path));
  else read(path);
}

test('every setting of the server is explained', () => {
  const settings = read('src/cli/settings.ts') + read('src/cli/settings-anchors.ts');
  const readme = read('README.md');
  const names = new Set(
    [...settings.matchAll(/^ {2}([A-Z][A-Z\d_]+):/gm)].map((match) => match[1]),
  );
  assert.ok(names.size >= 8, 'the settings were found');
  for (const name of names) assert.ok(readme.includes(`\`${name}\``), `${name} is in the README`);
});

test('every npm script that the README names exists', () => {
  const scripts = Object.keys(JSON.parse(read('package.json')).scripts);
  for (const [, name] of read('README.md').matchAll(/npm run ([a-z]+)/g)) {
    assert.ok(scripts.includes(name ?? ''), `npm run ${name}`);
  }
});
