/** A backup of the running store is restored whole, and nothing is overwritten by mistake. */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run } from '../../src/cli.ts';
import { openStore, type Store } from '../../src/store/open.ts';
import { judged, repoOf } from '../store/judged.ts';

describe('backup and restore', () => {
  const home = mkdtempSync(join(tmpdir(), 'tagout-backup-'));
  chmodSync(home, 0o755);
  let store: Store;
  before(async () => {
    store = await openStore({ databaseUrl: null, ownerUrl: null, dataDir: join(home, 'live') });
  });
  after(async () => {
    await store.close();
    rmSync(home, { recursive: true, force: true });
  });

  async function tagout(data: string, ...args: string[]) {
    let said = '';
    const io = {
      env: { TAGOUT_DATA: join(home, data) },
      cwd: home,
      now: Date.now,
      out: (text: string) => {
        said += text;
      },
      err: (text: string) => {
        said += text;
      },
    };
    const code = await run(args, io);
    return { code, said };
  }

  test('what was recorded before is there, while the server goes on writing', async () => {
    const decision = (id: number) => judged({ repo: repoOf(id), readAtMs: Date.now() });
    await store.record.record(decision(1));
    await store.sealer.sealAll();
    let writing = true;
    const writer = (async () => {
      for (let id = 100; writing; id += 1) await store.record.record(decision(id));
    })();
    const made = await tagout('live', 'backup', 'copy');
    writing = false;
    await writer;
    assert.equal(made.code, 0, made.said);
    const restored = await tagout('new', 'restore', 'copy');
    assert.equal(restored.code, 0, restored.said);
    assert.match(restored.said, /is restored: \d+ audit events/);
    const again = await openStore({
      databaseUrl: null,
      ownerUrl: null,
      dataDir: join(home, 'new'),
    });
    const rows =
      await again.sql`select from audit.event where log_id = 1 and kind = 'decision.made'`;
    assert.equal(rows.length, 1);
    await again.record.record(decision(9_999));
    await again.sealer.sealAll();
    assert.equal(again.key.vkey(1), store.key.vkey(1), 'the same key signs on');
    await again.close();
  });

  test('nothing is overwritten', async () => {
    const twice = await tagout('live', 'backup', 'copy');
    assert.equal(twice.code, 78);
    assert.match(twice.said, /is there already/);
    const over = await tagout('new', 'restore', 'copy');
    assert.equal(over.code, 78);
    assert.match(over.said, /move it away first/);
    const nothing = await tagout('empty', 'restore', 'nowhere');
    assert.equal(nothing.code, 78);
    assert.equal(existsSync(join(home, 'empty')), false);
  });

  test('a copy of another folder is not taken for a backup', async () => {
    cpSync(join(home, 'copy', 'audit.key'), join(home, 'half', 'audit.key'));
    const { code, said } = await tagout('other', 'restore', 'half');
    assert.equal(code, 78);
    assert.match(said, /holds no backup/);
  });
});
