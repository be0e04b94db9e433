/**
 * Sealing and anchoring are killed (SIGKILL, with every git that runs) before and after each
 * statement, each call of git and each request to the witness: at each of them before or after, in
 * turn by the seed; `CUTS=all`: both. The points are counted in a play
 * without a cut. After each one the next process must go on: the log is intact with every checkpoint
 * that lies elsewhere, the branch is one line, nothing is told as an incident, nothing waits.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseVkey, vkeyOf } from '../../src/core/audit/note.ts';
import { readAnchored } from '../../src/git/anchor-branch.ts';
import { createWitnessState } from '../../src/cli/witness-state.ts';
import { verifyStored } from '../../src/store/verify-stored.ts';
import { createWitnessApp } from '../../src/web/audit-witness.ts';
import { listen, type Listening } from '../../src/web/server.ts';
import { openTestStore, type TestStore } from '../store/help.ts';
import { judged, repoOf } from '../store/judged.ts';
import { Wire } from './wire.ts';

const LOG = 1;
const seed = Number(process.env['SEED'] ?? 1);
const CHILD = join(import.meta.dirname, 'anchor-child.ts');
const scratch = mkdtempSync(join(tmpdir(), 'tagout-anchor-cuts-'));
const remote = join(scratch, 'remote.git');
const bin = join(scratch, 'bin');

interface Cut {
  readonly kind: 'statement' | 'git' | 'witness';
  readonly name: string;
  readonly nth: number;
  readonly when: 'before' | 'after';
}

let t: TestStore;
let wire: Wire;
let port: number;
let witness: Listening;
let witnessKey: string;
let state: ReturnType<typeof createWitnessState>;
let asked = 0;
let onWitness: { nth: number; when: string; act: () => void } | null = null;

before(async () => {
  t = await openTestStore();
  const target = Number(new URL(t.url('tagout_sealer')).port);
  wire = new Wire(target);
  port = await wire.listen();
  execFileSync('git', ['init', '--quiet', '--bare', remote]);
  execFileSync('git', ['-C', remote, 'config', 'receive.denyNonFastForwards', 'true']);
  // Counts each call and, at the one that is meant, ends the whole group of processes.
  mkdirSync(bin);
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const script = `#!/bin/sh
n=$(($(cat "${scratch}/calls" 2>/dev/null || echo 0) + 1)); echo $n > "${scratch}/calls"
[ "$n" = "$(cat "${scratch}/before" 2>/dev/null)" ] && kill -9 0
"${real}" "$@"; code=$?
[ "$n" = "$(cat "${scratch}/after" 2>/dev/null)" ] && kill -9 0
exit $code
`;
  writeFileSync(join(bin, 'git'), script);
  chmodSync(join(bin, 'git'), 0o755);
  const { privateKey } = generateKeyPairSync('ed25519');
  const signer = { name: 'witness.example', privateKey };
  witnessKey = vkeyOf(signer.name, privateKey);
  const logs = [parseVkey(t.store.key.vkey(LOG))].filter((key) => key !== null);
  state = createWitnessState(join(scratch, 'witness'));
  const app = createWitnessApp({ logs, signer, state, now: () => t.clock.nowMs });
  witness = await listen(app, { host: '127.0.0.1', port: 0 });
  // Before the application sees it, and after its answer has left it.
  const [own] = witness.server.listeners('request');
  witness.server.removeAllListeners('request');
  witness.server.on('request', (request, response) => {
    asked += 1;
    const due = onWitness?.nth === asked ? onWitness : null;
    if (due?.when === 'before') return due.act();
    if (due !== null) response.on('finish', due.act);
    own?.call(witness.server, request, response);
  });
});
after(async () => {
  wire.close();
  await witness.close(100);
  await t.close();
  rmSync(scratch, { recursive: true, force: true });
});

function through(user: string): string {
  const url = new URL(t.url(user));
  url.port = String(port);
  return url.href;
}

let child: ChildProcess | null = null;
function kill(): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

let runs = 0;
/** One process from the seal to the last receipt; answers whether it came to its end. */
async function play(cut: Cut | null): Promise<boolean> {
  runs += 1;
  t.clock.nowMs += 120_000;
  await t.store.record.record(judged({ repo: repoOf(LOG), runId: runs, verdict: 'hold' }));
  for (const name of ['calls', 'before', 'after']) rmSync(join(scratch, name), { force: true });
  if (cut?.kind === 'git') writeFileSync(join(scratch, cut.when), String(cut.nth));
  asked = 0;
  onWitness = cut?.kind === 'witness' ? { nth: cut.nth, when: cut.when, act: kill } : null;
  wire.arm(
    cut?.kind === 'statement' ? { statement: cut.name, nth: cut.nth, when: cut.when } : null,
    kill,
  );
  const plan = {
    sealer: through('tagout_sealer'),
    app: through('tagout_app'),
    keyPath: join(t.dataDir, 'audit.key'),
    logId: LOG,
    remote,
    mirror: join(scratch, 'mirror'),
    witness: witness.url,
    witnessKey,
    nowMs: t.clock.nowMs,
  };
  child = spawn(process.execPath, [CHILD, JSON.stringify(plan)], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` },
  });
  const said: string[] = [];
  child.stderr?.on('data', (piece: Buffer) => void said.push(piece.toString('utf8')));
  const code = await new Promise<number | null>((ended) => child?.once('close', ended));
  if (code !== 0 && code !== null) throw new Error(said.join('').slice(0, 2_000));
  return code === 0;
}

function calls(): number {
  const path = join(scratch, 'calls');
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
}

function points(): readonly Cut[] {
  const seen = new Map<string, number>();
  const cuts: Cut[] = [];
  const both = (kind: Cut['kind'], name: string, nth: number): void => {
    for (const when of ['before', 'after'] as const) cuts.push({ kind, name, nth, when });
  };
  for (const name of wire.steps) {
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    both('statement', name, nth);
  }
  for (let nth = 1; nth <= calls(); nth += 1) both('git', 'call', nth);
  for (let nth = 1; nth <= asked; nth += 1) both('witness', 'request', nth);
  return cuts;
}

/** What must hold after a process that went to its end, whatever happened before it. */
async function check(): Promise<void> {
  const repository = { url: remote, branch: 'tagout-anchors', keyPath: null, token: null };
  const folder = join(scratch, 'reader');
  const notes = await readAnchored(repository, LOG, { folder, env: process.env });
  const origin = t.store.key.origin(LOG);
  const seen = state.read(origin) ?? '';
  const vkeys = [t.store.key.vkey(LOG)];
  const trusted = { origin, installationId: LOG, vkeys, anchors: [...notes, seen] };
  const { problems } = await verifyStored(t.store.reports, trusted);
  assert.deepEqual(problems, [], 'intact');
  const merges = execFileSync('git', ['-C', remote, 'rev-list', '--merges', '--all'], {
    encoding: 'utf8',
  });
  assert.equal(merges, '', 'one line');
  const [row] = await t.root`select
    (select max(tree_size)::int from audit.checkpoint) as size,
    (select max(tree_size)::int from audit.anchor where kind = 'git') as git,
    (select max(tree_size)::int from audit.anchor where kind = 'witness') as witness,
    (select count(*)::int from audit.event where kind like 'incident.%') as incidents`;
  assert.deepEqual([row?.['git'], row?.['witness']], [row?.['size'], row?.['size']], 'up to date');
  assert.match(seen, new RegExp(`^${origin}\n${String(row?.['size'])}\n`));
  assert.equal(row?.['incidents'], 0);
}

test('anchoring that is killed at any step goes on without a fork', {
  timeout: 60 * 60_000,
}, async (context) => {
  assert.ok(await play(null));
  assert.ok(await play(null), 'from here on every play has the same steps');
  const all = points();
  const cuts =
    process.env['CUTS'] === 'all'
      ? all
      : all.filter((_, at) => at % 2 === (Math.floor(at / 2) + seed) % 2);
  context.diagnostic(`seed ${seed}: ${cuts.length} of ${all.length} cuts`);
  await check();
  const wrong: string[] = [];
  let met = 0;
  for (const cut of cuts) {
    const name = `${cut.kind} ${cut.nth} ${cut.when}: ${cut.name}`;
    try {
      if (!(await play(cut))) met += 1;
      assert.ok(await play(null), 'the next process came to its end');
      await check();
    } catch (error) {
      wrong.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      process.stderr.write(`${wrong.at(-1)}\n`);
    }
  }
  context.diagnostic(`${cuts.length} cuts, ${met} of them killed the process`);
  assert.deepEqual(wrong, []);
  assert.ok(met >= cuts.length * 0.9, `${met} of ${cuts.length} were met`);
});
