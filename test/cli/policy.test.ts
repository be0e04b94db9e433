/** `tagout policy`: a sound file, a broken one, none. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run } from '../../src/cli.ts';
import { keptIo } from './io.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagout-policy-'));
after(() => rmSync(folder, { recursive: true }));

test('a sound policy is said to be sound, and explained with every key', async () => {
  writeFileSync(join(folder, 'good.yml'), 'version: 1\nundeclared: human\n');
  const io = keptIo({}, folder);
  assert.equal(await run(['policy', 'validate', 'good.yml'], io), 0);
  assert.match(io.printed.out, /good\.yml is sound\./);
  const more = keptIo({}, folder);
  assert.equal(await run(['policy', 'explain', 'good.yml'], more), 0);
  const explained = JSON.parse(more.printed.out);
  assert.equal(explained.policy.undeclared, 'human');
  assert.equal(explained.policy.environments.production.reviews.critical.count, 2);
});

test('explain says where each value comes from, as JSON and as text', async () => {
  writeFileSync(join(folder, 'own.yml'), 'undeclared: human\nsuspended: [cursor]\n');
  writeFileSync(join(folder, 'floor.yml'), 'suspended: [copilot]\nundeclared: agent\n');
  const io = keptIo({}, folder);
  assert.equal(await run(['policy', 'explain', 'own.yml', '--floor', 'floor.yml'], io), 0);
  const { origins, policy } = JSON.parse(io.printed.out);
  assert.equal(policy.undeclared, 'agent');
  assert.equal(origins.undeclared, 'floor');
  assert.equal(origins.suspended, 'floor and file');
  assert.equal(origins.solo, 'default');
  assert.equal(origins['environments.production.reviews.high.count'], 'default');
  const text = keptIo({}, folder);
  assert.equal(await run(['policy', 'explain', 'own.yml', '--format', 'text'], text), 0);
  assert.match(text.printed.out, /^undeclared\s+"human" {2}\(file\)$/m);
});

test('simulate says whose approvals would be enough', async () => {
  const reviews = '{ critical: { count: 2, allOf: [{ teams: [platform] }, { teams: [dba] }] } }';
  const rule = `environments: { production: { match: [production], reviews: ${reviews} } }`;
  writeFileSync(join(folder, 'teams.yml'), `${rule}\n`);
  const io = keptIo({}, folder);
  const people = ['--approver', 'carol:platform', '--approver', 'dave'];
  assert.equal(await run(['policy', 'simulate', 'teams.yml', ...people], io), 0);
  assert.match(io.printed.out, /^If carol, dave approved/);
  assert.match(
    io.printed.out,
    /production {2}critical {2}2 of 2 {2}still needed: 1 independent approval from dba/,
  );
  const enough = keptIo({}, folder);
  people[3] = 'dave:dba';
  assert.equal(await run(['policy', 'simulate', 'teams.yml', ...people], enough), 0);
  assert.match(enough.printed.out, /production {2}critical {2}2 of 2 {2}enough/);
  const wrong = keptIo({}, folder);
  assert.equal(await run(['policy', 'simulate', 'teams.yml', '--approver', 'a:b:c'], wrong), 1);
  assert.match(wrong.printed.err, /--approver a:b:c is not a person/);
});

test('a broken policy names line and key, and holds', async () => {
  writeFileSync(join(folder, 'bad.yml'), 'version: 1\nundeclred: human\n');
  for (const command of ['validate', 'explain']) {
    const io = keptIo({}, folder);
    assert.equal(await run(['policy', command, 'bad.yml'], io), 10);
    assert.match(io.printed.err, /undeclred/);
    assert.match(io.printed.err, /everything that it would speak for holds/);
  }
});

test('a file that is not there is a fault with its name', async () => {
  const io = keptIo({}, folder);
  assert.equal(await run(['policy', 'validate', 'none.yml'], io), 1);
  assert.match(io.printed.err, /none\.yml cannot be read \(ENOENT\)/);
});
