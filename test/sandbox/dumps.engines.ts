/**
 * Snapshots as the operator's tools write them. The dumps in test/fixtures/dumps were made by
 * pg_dump 15 from `production.sql`; what is cut off, packed or huge is made of them here.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { DryRun } from '../../src/core/dry-run.ts';
import { DumpReader } from '../../src/sandbox/dump-reader.ts';
import { readSnapshots } from '../../src/sandbox/snapshots.ts';
import { type Bench, dataLines, observed, open, plan } from './helpers.ts';

const fixture = (name: string): string => join(import.meta.dirname, '../fixtures/dumps', name);
const PLAIN = readFileSync(fixture('production.plain.sql'));

/** Whether this machine has a pg_restore, without which a custom dump must not be comparable. */
function hasRestore(): boolean {
  try {
    execFileSync('sh', ['-c', 'ls /usr/lib/postgresql/*/bin/pg_restore /usr/bin/pg_restore'], {
      stdio: 'pipe',
    });
    return true;
  } catch (error) {
    return (
      error instanceof Error && 'stdout' in error && String(error.stdout).includes('pg_restore')
    );
  }
}

describe('dumps as pg_dump writes them', () => {
  let home: string;
  let file: string;
  let bench: Bench;
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'tagout-dumps-'));
    file = join(home, 'secret-place.dump');
    bench = open({ snapshots: new Map([['*', file]]) });
  });
  after(async () => {
    await bench.close();
    rmSync(home, { recursive: true });
  });

  const withDump = (content: Uint8Array, sql: string): Promise<DryRun> => {
    writeFileSync(file, content);
    return bench.run(plan([], [sql]), { baseline: 'snapshot', rows: 10 });
  };
  const refused = async (content: Uint8Array, says: RegExp): Promise<void> => {
    const run = await withDump(content, 'select 1');
    assert.equal(run.status, 'not-comparable');
    assert.match(run.reason ?? '', says);
    assert.doesNotMatch(JSON.stringify(run), /secret-place|example\.com/);
  };

  const WHOLE = [
    'events_2026 30 snapshot',
    'pg_largeobject 1 snapshot',
    'shop.orders 90 snapshot',
    'shop.users 42 snapshot',
  ];
  const HARM = `update shop.users set note = null where email = 'null@example.com';
    delete from shop.orders where id <= 30;
    select 1 / count(*) from shop.users where note = E'\\\\.' and lower_note = E'\\\\.';
    select 1 / count(*) from shop.users where email like 'é%';
    select 1 / (length(lo_get(4242)) - 13)`;

  for (const name of ['production.plain.sql', 'production.custom', 'production.tar']) {
    test(`${name} is restored with all that it holds`, async () => {
      const run = await withDump(readFileSync(fixture(name)), HARM);
      if (name !== 'production.plain.sql' && !hasRestore()) {
        assert.equal(run.status, 'not-comparable');
        assert.match(run.reason ?? '', /no pg_restore is on the server/);
        return;
      }
      assert.equal(run.status, 'ok', run.reason ?? '');
      const tables = observed(run).tables.map((t) => `${t.table} ${t.rows} ${t.origin}`);
      assert.deepEqual(tables, WHOLE);
      assert.ok(dataLines(run).includes('shop.orders rows 90 > 60 lost 30 added 0 changed 0'));
      assert.ok((run.restore?.restoreMs ?? 0) > 0);
    });
  }

  test('what the sandbox may not make is named, the rest of its kind is loaded', async () => {
    const sql = `create table shop.fresh (id int);
      select 1 / count(*) from pg_publication where pubname = 'changes'`;
    const run = await withDump(PLAIN, sql);
    assert.equal(run.status, 'ok', run.reason ?? '');
    assert.deepEqual(observed(run).leftOut, ['publication everything', 'event trigger audit']);
    // Default rights of the production's owner hold for what the change makes.
    const rights = observed(run).objects.filter(({ kind }) => kind === 'grant');
    assert.deepEqual(
      rights.map(({ change, object }) => `${change} ${object}`),
      ['added shop.fresh to reporting'],
    );
  });

  test('a packed dump is restored, and one that is cut off is not comparable', async () => {
    const packed = gzipSync(PLAIN);
    assert.equal((await withDump(packed, HARM)).status, 'ok');
    await refused(packed.subarray(0, packed.length - 200), /cannot be read to its end/);
    const rows = PLAIN.indexOf('p20@example.com');
    await refused(PLAIN.subarray(0, rows), /ends within the rows of a table/);
    await refused(
      PLAIN.subarray(0, PLAIN.indexOf('-- PostgreSQL database dump c')),
      /it is cut off/,
    );
    if (!hasRestore()) return;
    const custom = readFileSync(fixture('production.custom'));
    await refused(custom.subarray(0, 11_000), /could not be restored: .*pg_restore/);
  });

  test('a newer server, another encoding, a newer archive and a folder say what to do', async () => {
    const text = PLAIN.toString('utf8');
    const newer = text.replace(/database version \d+[^\n]*/, 'database version 99.1');
    await refused(Buffer.from(newer), /taken from PostgreSQL 99 .*migrations\.postgres/);
    const latin = text.replace("client_encoding = 'UTF8'", "client_encoding = 'LATIN1'");
    await refused(Buffer.from(latin, 'latin1'), /dump it with -E UTF8/);
    if (hasRestore()) {
      const custom = Buffer.from(readFileSync(fixture('production.custom')));
      custom[6] = 99;
      await refused(custom, /pg_restore: .*unsupported version/);
    }
    const folder = open({ snapshots: new Map([['*', home]]) });
    const run = await folder.run(plan([], ['select 1']), { baseline: 'snapshot' });
    assert.match(run.reason ?? '', /none that it can read/);
    await folder.close();
  });

  test('a row of many megabytes passes through without being held', async () => {
    const head = PLAIN.toString('utf8').split('\n').slice(0, 30).join('\n');
    const end = '\n--\n-- PostgreSQL database dump complete\n--\n';
    const open_ = `${head}\nCREATE TABLE public.big (t text);\nCOPY public.big (t) FROM stdin;\n`;
    const row = Buffer.alloc(64 * 2 ** 20, 'x');
    const dump = Buffer.concat([Buffer.from(open_), row, Buffer.from(`\n\\.\n${end}`)]);
    const sql = `do $$ begin if (select length(t) from big) <> ${row.length} then raise 'short'; end if; end $$`;
    const run = await withDump(dump, sql);
    assert.equal(run.status, 'ok', run.reason ?? '');
  });

  describe('at an address', () => {
    let server: Server;
    let asked: string[];
    let answer: { status: number; modified: string | null; cut: boolean };
    let address: string;
    before(async () => {
      server = createServer((request, response) => {
        const since = request.headers['if-modified-since'];
        asked.push(since ?? 'all');
        const { status, modified, cut } = answer;
        if (modified !== null && since === modified) return response.writeHead(304).end();
        const headers = { 'content-length': PLAIN.length };
        response.writeHead(status, {
          ...headers,
          ...(modified === null ? {} : { 'last-modified': modified }),
        });
        if (cut) response.write(PLAIN.subarray(0, 500), () => response.destroy());
        else response.end(PLAIN);
        return undefined;
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const found = server.address();
      const port = typeof found === 'object' && found !== null ? found.port : 0;
      address = `http://127.0.0.1:${port}/shop.sql?token=hush`;
    });
    after(() => new Promise((resolve) => server.close(resolve)));

    test('is fetched once, is as old as its server says, and its faults hold', async () => {
      asked = [];
      answer = { status: 200, modified: 'Wed, 15 Nov 2023 06:13:20 GMT', cut: false };
      const there = open({ snapshots: new Map([['acme/shop', address]]) });
      const request = {
        owner: 'test',
        plans: [plan([], ['select 1'])],
        settings: { postgres: null, seed: [], rows: 0, timeoutMs: 20_000 },
      } as const;
      const ask = (repository: string): Promise<DryRun> =>
        there.sandbox.dryRun({
          ...request,
          repository,
          settings: { ...request.settings, baseline: 'snapshot' },
        });
      const first = await ask('Acme/Shop');
      assert.equal(first.status, 'ok', first.reason ?? '');
      assert.equal(first.restore?.takenAtMs, 1_700_028_800_000);
      assert.equal(first.restore.sizeBytes, PLAIN.length);
      assert.equal((await ask('acme/shop')).baselineCached, true);
      assert.deepEqual(asked, ['all', answer.modified]);
      const other = await ask('acme/other');
      assert.match(other.reason ?? '', /none that it can read/);
      for (const [change, says] of [
        [{ status: 403, modified: 'x' }, /answers 403/],
        [{ modified: null }, /does not say when it was taken/],
        [{ modified: 'Thu, 16 Nov 2023 06:13:20 GMT', cut: true }, /ended before it was whole/],
      ] as const) {
        answer = { status: 200, cut: false, ...change };
        const broken = await ask('acme/shop');
        assert.equal(broken.status, 'not-comparable');
        assert.match(broken.reason ?? '', says);
        assert.doesNotMatch(JSON.stringify(broken), /hush|127\.0\.0\.1/);
      }
      await there.close();
    });
  });
});

test('TAGOUT_SNAPSHOT is one place, or one for each repository', () => {
  const read = (text: string): unknown => {
    const found = readSnapshots(text, '/srv');
    return typeof found === 'string' ? found : Object.fromEntries(found);
  };
  assert.deepEqual(read('my dumps/a.sql'), { '*': '/srv/my dumps/a.sql' });
  assert.deepEqual(read(' acme/Shop=a.dump\n*=https://x.example/b?c=d '), {
    'acme/shop': '/srv/a.dump',
    '*': 'https://x.example/b?c=d',
  });
  assert.deepEqual(read(''), {});
  assert.match(String(read('a/b=x a/B=y')), /names a\/B twice/);
  assert.match(String(read('a/b=x c=y')), /not a place, nor a list/);
  for (const place of ['http://x.example/a', 'ftp://x.example/a', 'a/b=http://x.example/a']) {
    assert.match(String(read(place)), /not https/);
  }
});

test('the end of the rows is found wherever the pieces of the dump end', async () => {
  const text = 'COPY t FROM stdin;\na\t\\\\.\n\\.x\n\n\\N\n\\.\r\nSELECT 1;\n';
  for (let size = 1; size <= text.length; size += 1) {
    const pieces = async function* (): AsyncGenerator<Buffer> {
      for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size));
    };
    const reader = new DumpReader(pieces());
    assert.equal(await reader.next(), 'COPY t FROM stdin;');
    let rows = '';
    for await (const piece of reader.rows()) rows += piece.toString('utf8');
    assert.equal(rows, 'a\t\\\\.\n\\.x\n\n\\N\n', `pieces of ${size}`);
    assert.deepEqual([await reader.next(), reader.line], ['SELECT 1;', 7]);
    assert.equal(await reader.next(), null);
  }
});
