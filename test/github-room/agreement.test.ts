/** The manifest asks for exactly the events of the table and the permissions of effects and readings. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { AUTOMATIC_EVENTS, EVENT_TABLE } from '../../src/github/events.ts';
import { EFFECT_PERMISSIONS, READ_PERMISSIONS } from '../../src/github/permissions.ts';

const manifest = z
  .object({
    name: z.string(),
    url: z.url(),
    description: z.string(),
    public: z.boolean(),
    default_events: z.array(z.string()),
    default_permissions: z.record(z.string(), z.enum(['read', 'write'])),
  })
  .strict()
  .parse(parse(readFileSync(new URL('../../app.yml', import.meta.url), 'utf8')));

const contract = z
  .object({ 'x-webhooks': z.record(z.string(), z.unknown()) })
  .parse(JSON.parse(readFileSync(new URL('../contract/github-api.json', import.meta.url), 'utf8')));

test('the manifest subscribes to exactly the events of the table', () => {
  const events = Object.keys(EVENT_TABLE).map((key) => key.split('.')[0] ?? '');
  const wanted = new Set(events.filter((event) => !AUTOMATIC_EVENTS.includes(event)));
  assert.deepEqual([...manifest.default_events].sort(), [...wanted].sort());
});

test('every row of the table is an event of GitHub', () => {
  for (const key of Object.keys(EVENT_TABLE)) {
    const name = key.replaceAll(/[._]/g, '-');
    assert.ok(name in contract['x-webhooks'], `${key} is not in GitHub's description`);
  }
});

test('the manifest asks for exactly the permissions that effects and readings need', () => {
  const written = new Set(Object.values(EFFECT_PERMISSIONS).flat());
  const wanted = Object.keys(READ_PERMISSIONS).map(
    (name) => [name, [...written].some((one) => one === name) ? 'write' : 'read'] as const,
  );
  assert.deepEqual(manifest.default_permissions, Object.fromEntries(wanted));
});

test('the app is not public and never asks to write what it judges', () => {
  assert.equal(manifest.public, false);
  for (const name of ['contents', 'administration', 'actions', 'members']) {
    assert.equal(manifest.default_permissions[name], 'read', name);
  }
  for (const name of ['workflows', 'secrets', 'environments', 'statuses']) {
    assert.equal(manifest.default_permissions[name], undefined, name);
  }
});
