import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { parseVkey, vkeyOf } from '../../src/core/audit/note.ts';
import { gitPlace } from '../../src/cli/anchor-git.ts';
import { witnessPlace } from '../../src/cli/anchor-witness.ts';
import { run } from '../../src/cli.ts';
import { writeBundle } from '../../src/cli/report-bundle.ts';
import { createWitnessState } from '../../src/cli/witness-state.ts';
import {
  anchorAges,
  anchorAll,
  type AnchorParts,
  type AnchorPlace,
} from '../../src/store/anchor.ts';
import { connect, type Sql } from '../../src/store/connect.ts';
import { createAnchorBranch } from '../../src/git/anchor-branch.ts';
import { createWitnessApp, type WitnessState } from '../../src/web/audit-witness.ts';
import { listen, type Listening } from '../../src/web/server.ts';
import { openTestStore, type TestStore } from '../store/help.ts';
import { judged, repoOf } from '../store/judged.ts';
import { createLog, deployments, START_MS } from './log.ts';

/** Real git, a real PostgreSQL, a real witness over HTTP; only the clock is told. */
const scratch = mkdtempSync(join(tmpdir(), 'tagout-anchors-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const BRANCH = 'tagout-anchors';
let count = 0;
let t: TestStore;
let lock: Sql;

function fresh(name: string): string {
  count += 1;
  return join(scratch, `${name}-${count}`);
}

function git(folder: string, ...args: string[]): string {
  return execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).trim();
}

function remote(): string {
  const folder = fresh('remote.git');
  execFileSync('git', ['init', '--quiet', '--bare', folder]);
  // As a host with a ruleset for the branch.
  git(folder, 'config', 'receive.denyNonFastForwards', 'true');
  git(folder, 'config', 'receive.denyDeletes', 'true');
  return folder;
}

function branchOf(url: string, mirror = fresh('mirror')): AnchorPlace {
  const repository = { url, branch: BRANCH, keyPath: null, token: null };
  return gitPlace(repository, { folder: mirror, env: process.env }, () => t.clock.nowMs);
}

let runs = 0;
async function decide(logId: number): Promise<void> {
  runs += 1;
  const repo = repoOf(logId);
  await t.store.record.record(judged({ repo, runId: runs, verdict: 'hold' }));
  await t.store.sealer.sealNow(logId);
}

function parts(...places: AnchorPlace[]): AnchorParts {
  return { lock, app: t.store.sql, places, now: () => t.clock.nowMs };
}

async function incidents(): Promise<readonly string[]> {
  const rows = await t.store.sql<{ what: string }[]>`
    select log_id || ' ' || (doc->'incident'->>'code') || ' ' || (doc->>'outcome') as what
    from audit.event where kind like 'incident.%' order by id`;
  return rows.map(({ what }) => what);
}

async function anchored(kind: string): Promise<readonly string[]> {
  const rows = await t.store.sql<{ what: string }[]>`
    select log_id || ':' || tree_size as what from audit.anchor where kind = ${kind}
    order by at_ms, log_id`;
  return rows.map(({ what }) => what);
}

before(async () => {
  t = await openTestStore();
});
after(() => t.close());
beforeEach(() => {
  lock = connect({ url: t.url('tagout_sealer'), role: null }, { name: 'anchors', max: 1 });
});
afterEach(() => lock.end({ timeout: 5 }));

const MINUTE = 60_000;

describe('the anchor branch', () => {
  test('gathers, then leaves one commit for all logs; each goes on from the last', async () => {
    const url = remote();
    const all = parts(branchOf(url));
    await decide(11);
    await decide(12);
    await anchorAll(all);
    assert.equal(git(url, 'branch', '--list'), '', 'younger than the time for gathering');
    t.clock.nowMs += 20_000;
    await anchorAll(all);
    const first = git(url, 'rev-parse', BRANCH);
    assert.deepEqual(git(url, 'ls-tree', '--name-only', BRANCH).split('\n'), [
      '11.checkpoint',
      '12.checkpoint',
      'README.md',
    ]);
    await anchorAll(all);
    assert.equal(git(url, 'rev-parse', BRANCH), first, 'nothing new, no commit');
    t.clock.nowMs += MINUTE;
    await decide(12);
    t.clock.nowMs += 20_000;
    await anchorAll(all);
    assert.equal(git(url, 'rev-parse', `${BRANCH}~1`), first, 'fast-forward');
    assert.deepEqual(await anchored('git'), ['11:2', '12:2', '12:3']);
    assert.deepEqual(await incidents(), []);
    assert.deepEqual(await anchorAges(t.store.sql, all.places, t.clock.nowMs), { git: 0 });
    const [note] = await t.store.sql<{ note: string }[]>`
      select note from audit.checkpoint where log_id = 12 and tree_size = 3`;
    assert.equal(git(url, 'show', `${BRANCH}:12.checkpoint`), note?.note.trimEnd());
  });

  test('a branch that was rewound is refused, and told as an incident of every log', async () => {
    const url = remote();
    const place = branchOf(url);
    for (let round = 0; round < 2; round += 1) {
      t.clock.nowMs += MINUTE;
      await decide(21);
      t.clock.nowMs += 20_000;
      await anchorAll(parts(place));
    }
    const before = await anchored('git');
    git(url, 'update-ref', `refs/heads/${BRANCH}`, git(url, 'rev-parse', `${BRANCH}~1`));
    const rewound = git(url, 'rev-parse', BRANCH);
    t.clock.nowMs += MINUTE;
    await decide(21);
    t.clock.nowMs += 20_000;
    await anchorAll(parts(place));
    await anchorAll(parts(place));
    // A replica without a mirror sees it as well: what was left is known from the database.
    await anchorAll(parts(branchOf(url)));
    assert.equal(git(url, 'rev-parse', BRANCH), rewound, 'nothing was pushed');
    assert.deepEqual(await anchored('git'), before);
    const told = (await incidents()).filter((row) => row.startsWith('21 '));
    assert.deepEqual(told, ['21 anchor-rewound opened'], 'once');
    git(url, 'update-ref', '-d', `refs/heads/${BRANCH}`);
    await anchorAll(parts(place));
    assert.equal(git(url, 'branch', '--list'), '', 'a branch that is gone is not made anew');
  });

  test('a database that was rolled back meets a checkpoint that it never made', async () => {
    const url = remote();
    const place = branchOf(url);
    await decide(31);
    await decide(32);
    t.clock.nowMs += MINUTE;
    await anchorAll(parts(place));
    // The attacker holds the database and the key: rows go, and the log goes on another way.
    await t.root.unsafe(`set session_replication_role = replica; alter table audit.anchor disable
      trigger all; alter table audit.checkpoint disable trigger all; alter table audit.leaf disable
      trigger all; delete from audit.anchor where log_id = 31; delete from audit.checkpoint where
      log_id = 31; delete from audit.leaf where log_id = 31; alter table audit.anchor enable always
      trigger no_row_change; reset session_replication_role`);
    await decide(31);
    await decide(32);
    t.clock.nowMs += MINUTE;
    await anchorAll(parts(place));
    const told = (await incidents()).filter((row) => /^3[12] /.test(row));
    assert.deepEqual(told, ['31 anchor-forked opened']);
    const left = (await anchored('git')).filter((row) => /^3[12]:/.test(row));
    assert.deepEqual(left, ['32:2', '32:3'], 'the other log goes on');
  });

  test('two replicas at once leave one line of commits', async () => {
    const url = remote();
    const other = connect({ url: t.url('tagout_sealer'), role: null }, { name: 'b', max: 1 });
    try {
      const [a, b] = [parts(branchOf(url)), { ...parts(branchOf(url)), lock: other }];
      for (let round = 0; round < 3; round += 1) {
        await decide(41);
        t.clock.nowMs += MINUTE;
        await Promise.all([anchorAll(a), anchorAll(b)]);
      }
      const sizes = (await anchored('git')).filter((row) => row.startsWith('41:'));
      assert.deepEqual(sizes, [...new Set(sizes)], 'none twice');
      assert.equal(sizes.length, 3);
      const known = (await incidents()).filter((row) => row.startsWith('41 '));
      assert.deepEqual(known, []);
      assert.equal(git(url, 'rev-list', '--merges', BRANCH), '');
    } finally {
      await other.end({ timeout: 5 });
    }
  });

  test('a push by somebody else in between is no fault: the next round goes on from it', async () => {
    const url = remote();
    const place = branchOf(url);
    await decide(42);
    t.clock.nowMs += MINUTE;
    await anchorAll(parts(place));
    const tree = git(url, 'rev-parse', `${BRANCH}^{tree}`);
    const env = { ...process.env, GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@localhost' };
    const more = { ...env, GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@localhost' };
    const args = ['-C', url, 'commit-tree', tree, '-p', BRANCH, '-m', 'a note of the operators'];
    const commit = execFileSync('git', args, { env: more, encoding: 'utf8' }).trim();
    git(url, 'update-ref', `refs/heads/${BRANCH}`, commit);
    await decide(42);
    t.clock.nowMs += MINUTE;
    await anchorAll(parts(place));
    assert.equal(git(url, 'rev-parse', `${BRANCH}~1`), commit);
  });

  test('out of reach for more than ten minutes is an incident, and its end is told', async () => {
    const url = fresh('missing.git');
    const place = branchOf(url);
    await decide(51);
    for (const minutes of [1, 8, 0.5]) {
      t.clock.nowMs += minutes * MINUTE;
      await anchorAll(parts(place));
    }
    const mine = async () => (await incidents()).filter((row) => row.startsWith('51 '));
    assert.deepEqual(await mine(), [], 'not yet ten minutes');
    t.clock.nowMs += 2 * MINUTE;
    await anchorAll(parts(place));
    await anchorAll(parts(place));
    assert.deepEqual(await mine(), ['51 anchor-stale opened']);
    const { git: age = 0 } = await anchorAges(t.store.sql, [place], t.clock.nowMs);
    assert.ok(age > 600, `${age} s`);
    execFileSync('git', ['init', '--quiet', '--bare', url]);
    await anchorAll(parts(place));
    assert.deepEqual(await mine(), ['51 anchor-stale opened', '51 anchor-stale closed']);
  });

  test('a place is not late before its first ten minutes, however old the log is', async () => {
    await decide(53);
    t.clock.nowMs += 24 * 60 * MINUTE;
    const url = fresh('missing.git');
    const place = branchOf(url);
    const mine = async () => (await incidents()).filter((row) => row.startsWith('53 '));
    const age = async () => (await anchorAges(t.store.sql, [place], t.clock.nowMs))['git'] ?? 0;
    await anchorAll(parts(place));
    assert.equal(await age(), 0);
    t.clock.nowMs += 10 * MINUTE;
    // A server that starts anew knows it too.
    await anchorAll(parts(branchOf(url)));
    assert.deepEqual([await mine(), await age()], [[], 600]);
    t.clock.nowMs += 1;
    await anchorAll(parts(place));
    assert.deepEqual(await mine(), ['53 anchor-stale opened']);
    // Another branch is another place: what is told of the first one ends, and its time begins.
    execFileSync('git', ['init', '--quiet', '--bare', url]);
    const repository = { url, branch: 'second', keyPath: null, token: null };
    const mirror = { folder: fresh('mirror'), env: process.env };
    await anchorAll(parts(gitPlace(repository, mirror, () => t.clock.nowMs)));
    assert.deepEqual(await mine(), ['53 anchor-stale opened', '53 anchor-stale closed']);
    assert.notEqual(git(url, 'rev-parse', 'second'), '');
  });

  test('an incident of a place that is no longer set up ends without any other', async () => {
    await decide(54);
    const place = branchOf(fresh('missing.git'));
    const mine = async () => (await incidents()).filter((row) => row.startsWith('54 '));
    for (const minutes of [0, 11]) {
      t.clock.nowMs += minutes * MINUTE;
      await anchorAll(parts(place));
    }
    assert.deepEqual(await mine(), ['54 anchor-stale opened']);
    await anchorAll(parts());
    assert.deepEqual(await mine(), ['54 anchor-stale opened', '54 anchor-stale closed']);
    // Set up again it has ten minutes again, and is then told again.
    for (const minutes of [0, 11]) {
      t.clock.nowMs += minutes * MINUTE;
      await anchorAll(parts(place));
    }
    assert.equal((await mine()).length, 3);
  });

  test('the credential is of this repository alone, and never in what is told', async () => {
    const told: string[] = [];
    const repository = {
      url: 'https://user:hunter2hunter2@localhost:1/x.git',
      branch: BRANCH,
      keyPath: null,
      token: 'a-token-of-one-repository',
    };
    const place = gitPlace(
      repository,
      { folder: fresh('mirror'), env: process.env },
      () => t.clock.nowMs,
    );
    assert.doesNotMatch(place.name, /hunter2/);
    await decide(52);
    t.clock.nowMs += MINUTE;
    await anchorAll({ ...parts(place), log: (_, message) => void told.push(message) });
    assert.match(told.join('\n'), /not at https:\/\/localhost:1\/x\.git#tagout-anchors yet/);
    assert.doesNotMatch(told.join(), /hunter2|a-token-of-one/);
  });
});

describe('the witness as an anchor', () => {
  let listening: Listening;
  let state: WitnessState;
  let place: AnchorPlace;
  before(async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const logs = [61, 62]
      .map((id) => parseVkey(t.store.key.vkey(id)))
      .filter((key) => key !== null);
    const signer = { name: 'witness.example', privateKey };
    state = createWitnessState(fresh('witness'));
    const app = createWitnessApp({ logs, signer, state, now: () => t.clock.nowMs });
    listening = await listen(app, { host: '127.0.0.1', port: 0 });
    const key = parseVkey(vkeyOf(signer.name, privateKey));
    assert.ok(key !== null);
    place = witnessPlace({ url: listening.url, key });
  });
  after(() => listening.close(1_000));

  test('signs each checkpoint that goes on, from any size that it knows', async () => {
    for (const rows of [1, 3, 2, 6]) {
      for (let row = 0; row < rows; row += 1) await decide(61);
      t.clock.nowMs += MINUTE;
      await anchorAll(parts(place));
    }
    const mine = (await anchored('witness')).filter((row) => row.startsWith('61:'));
    assert.deepEqual(mine, ['61:2', '61:5', '61:7', '61:13']);
    assert.match(state.read(t.store.key.origin(61)) ?? '', /\n13\n/);
  });

  test('a shorter past is an incident', async () => {
    await decide(62);
    t.clock.nowMs += MINUTE;
    await anchorAll(parts(place));
    const origin = t.store.key.origin(62);
    const note = (state.read(origin) ?? '').replace('\n2\n', '\n900\n');
    state.write(origin, note);
    await decide(62);
    t.clock.nowMs += MINUTE;
    await anchorAll(parts(place));
    const mine = (await incidents()).filter((row) => row.startsWith('62 '));
    assert.deepEqual(mine, ['62 anchor-rewound opened']);
  });
});

describe('verify with the anchor branch', () => {
  test('takes every checkpoint that ever stood there; a log made anew is tampered', async () => {
    const url = remote();
    const log = deployments(2);
    const repository = { url, branch: BRANCH, keyPath: null, token: null };
    const branch = createAnchorBranch(repository, {
      folder: fresh('mirror'),
      env: process.env,
    });
    for (const note of log.notes) {
      await branch.push(await branch.tip(), new Map([[1, note]]), START_MS);
    }
    const folder = fresh('bundle');
    await writeBundle(folder, log.source(), { fromMs: null, toMs: null, repo: null });
    const said: string[] = [];
    const say = (text: string): void => void said.push(text);
    const io = { cwd: scratch, env: process.env, now: () => START_MS, out: say, err: say };
    const verify = (bundle: string, ...more: string[]): Promise<number> =>
      run(['verify', bundle, '--key', log.vkey, ...more], io);
    const anchor = ['--anchor', `git:${url}`];
    assert.equal(await verify(folder, ...anchor), 0, said.join(''));
    assert.match(said.join(''), new RegExp(`${log.notes.length} given anchors`));
    // The same key signs a shorter past, and one with another row at its end.
    const anew = createLog();
    for (const leaf of log.leaves.slice(0, -2)) anew.leaves.push(leaf);
    anew.seal(START_MS * 2);
    const short = fresh('bundle');
    await writeBundle(short, anew.source(), { fromMs: null, toMs: null, repo: null });
    const [without, withAnchor] = [
      await verify(short, '--tree-only'),
      await verify(short, ...anchor),
    ];
    assert.deepEqual([without, withAnchor], [0, 1], said.join(''));
    assert.equal(await verify(folder, '--anchor', `git:${url}#none`), 64);
    assert.equal(await verify(folder, '--anchor', `git:${fresh('nowhere')}`), 64);
  });
});
