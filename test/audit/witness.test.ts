import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { consistencyProof, leafHash, type Hash } from '../../src/core/audit/merkle.ts';
import { parseVkey, signedTime, vkeyOf } from '../../src/core/audit/note.ts';
import { createWitnessState } from '../../src/cli/witness-state.ts';
import { addCheckpoint, createWitnessApp, type WitnessParts } from '../../src/web/audit-witness.ts';
import { createLog, deployments, failure, START_MS } from './log.ts';

const root = mkdtempSync(join(tmpdir(), 'tagout-witness-'));
after(() => rmSync(root, { recursive: true, force: true }));

function request(old: number, proof: readonly Hash[], note: string): string {
  const hashes = proof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`).join('');
  return `old ${old}\n${hashes}\n${note}`;
}

describe('a witness', () => {
  const log = deployments(3);
  const leaves = log.leaves.map(({ body }) => leafHash(body));
  const verifier = parseVkey(log.vkey);
  assert.ok(verifier !== null);
  const { privateKey } = generateKeyPairSync('ed25519');
  const signer = { name: 'witness.example', privateKey };
  const parts: WitnessParts = {
    logs: [verifier],
    signer,
    state: createWitnessState(root),
    now: () => START_MS,
  };
  const sizes = log.notes.map((note) => Number(note.split('\n')[1]));
  const noteAt = (at: number): string => log.notes[at] ?? '';
  const between = (from: number, to: number): readonly Hash[] =>
    consistencyProof(leaves.slice(0, sizes[to]), sizes[from] ?? 0);

  test('signs a first checkpoint with its time, and one that goes on from it', () => {
    const first = addCheckpoint(request(0, [], noteAt(0)), parts);
    assert.equal(first.status, 200, first.body);
    const own = parseVkey(vkeyOf(signer.name, privateKey));
    assert.ok(own !== null);
    assert.equal(signedTime(noteAt(0) + first.body, own), START_MS);
    const next = addCheckpoint(request(sizes[0] ?? 0, between(0, 3), noteAt(3)), parts);
    assert.equal(next.status, 200, next.body);
    assert.equal(parts.state.read(log.origin), noteAt(3));
    assert.equal(createWitnessState(root).read(log.origin), noteAt(3), 'after a restart as well');
  });

  test('refuses to go back, to fork, to sign for strangers and what is malformed', () => {
    const back = addCheckpoint(request(0, [], noteAt(0)), parts);
    assert.deepEqual([back.status, back.body], [409, `${sizes[3]}\n`]);
    const fork = createLog();
    for (let number = 0; number < 9; number += 1) fork.add(failure(number, START_MS));
    fork.seal(START_MS);
    const forked = addCheckpoint(request(sizes[3] ?? 0, between(3, 4), fork.notes[0] ?? ''), parts);
    assert.equal(forked.status, 422);
    const stranger = deployments(1, createLog(1, privateKey));
    assert.equal(addCheckpoint(request(0, [], stranger.notes[0] ?? ''), parts).status, 403);
    const other = createLog(2);
    other.add(failure(1, START_MS));
    other.seal(START_MS);
    assert.equal(addCheckpoint(request(0, [], other.notes[0] ?? ''), parts).status, 404);
    assert.equal(addCheckpoint('old x\n\n', parts).status, 400);
    assert.equal(parts.state.read(log.origin), noteAt(3), 'nothing of that was kept');
  });

  test('answers over HTTP with the type of the protocol', async () => {
    const app = createWitnessApp(parts);
    const body = request(0, [], noteAt(0));
    const headers = { 'content-length': String(Buffer.byteLength(body)) };
    const refused = await app.request('/add-checkpoint', { method: 'POST', body, headers });
    assert.equal(refused.status, 409);
    assert.equal(refused.headers.get('content-type'), 'text/x.tlog.size');
    const kept = await app.request(`/checkpoint/${log.origin}`);
    assert.equal(await kept.text(), noteAt(3));
    assert.equal((await app.request('/checkpoint/nobody')).status, 404);
  });
});
