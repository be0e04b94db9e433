/** Every link and every command in the papers is one that is there. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { run } from '../../src/cli.ts';
import { keptIo } from '../cli/io.ts';

const root = join(import.meta.dirname, '..', '..');
const papers = [
  'README.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'src/migrations/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** What GitHub makes of a heading. */
function anchorOf(heading: string): string {
  const text = heading.replaceAll(/[`*[\]]|\(.*?\)/g, '').toLowerCase();
  return text
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

function anchorsOf(path: string): ReadonlySet<string> {
  const headings = read(path).matchAll(/^#{1,6} (.+)$/gm);
  return new Set([...headings].map(([, heading]) => anchorOf(heading ?? '')));
}

describe('links', () => {
  for (const paper of papers) {
    test(`of ${paper} lead somewhere`, () => {
      const links = [...read(paper).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => to ?? '');
      for (const link of links.filter((one) => !/^https?:/.test(one))) {
        const [file = '', anchor] = link.split('#');
        const target = file === '' ? paper : join(dirname(paper), file);
        assert.ok(existsSync(join(root, target)), `${paper}: ${link}`);
        if (anchor === undefined) continue;
        assert.ok(anchorsOf(target).has(anchor), `${paper}: ${link} has no such heading`);
      }
    });
  }
});

/** The name of a command, with the second one of `policy`. */
function nameOf(words: readonly string[]): readonly string[] {
  return words[0] === 'policy' ? words.slice(0, 2) : words.slice(0, 1);
}

const helps = new Map<string, Promise<string>>();

/** What a command says of its options; a name that is none says what the program says. */
function helpOf(name: readonly string[]): Promise<string> {
  const key = name.join(' ');
  const known = helps.get(key);
  if (known !== undefined) return known;
  const asked = (async () => {
    const io = keptIo();
    assert.equal(await run([...name, '--help'], io), 0, `tagout ${key} is a command`);
    assert.match(io.printed.out, new RegExp(`^Usage: tagout ${key}\\b`), `tagout ${key}`);
    return io.printed.out;
  })();
  helps.set(key, asked);
  return asked;
}

test('every command in the papers, with every flag, is one of the program', async () => {
  let seen = 0;
  for (const paper of papers) {
    // A command ends with its line, its code span, or what a shell joins to it.
    const commands = read(paper).matchAll(/(?:npx tagout|src\/tagout\.js) ([^`\n|#;&]+)/g);
    for (const [, text = ''] of commands) {
      const words = text.trim().split(/\s+/);
      const help = await helpOf(nameOf(words));
      for (const flag of text.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? []) {
        assert.match(help, new RegExp(`(?<![\\w-])${flag}(?![\\w-])`), `${paper}: tagout ${text}`);
      }
      seen += 1;
    }
  }
  assert.ok(seen > 30, `${seen} commands`);
});

test('every command of the program is in the papers', async () => {
  const io = keptIo();
  await run(['--help'], io);
  const names = [...io.printed.out.matchAll(/^ {2}([a-z]+) .*/gm)].map(([, name]) => name ?? '');
  assert.ok(names.length > 15);
  const all = papers.map(read).join('\n');
  for (const name of names.filter((one) => one !== 'help')) {
    assert.match(all, new RegExp(`tagout ${name}\\b`), `tagout ${name}`);
  }
});

test('every npm script in the papers about this repository is in package.json', () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'));
  for (const paper of ['README.md', 'docs/contributing.md', 'docs/operating.md']) {
    for (const [, name = ''] of read(paper).matchAll(/npm run ([a-z]+)/g)) {
      assert.ok(name in scripts, `${paper}: npm run ${name}`);
    }
  }
});
