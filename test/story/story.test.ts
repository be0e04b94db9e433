/** The whole line on real input: the demo's story, step by step, with its check text held golden. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { golden } from './golden.ts';
import type { Scene } from './scene.ts';
import { type Kept, steps } from './steps.ts';
import { openScene } from './tagout.ts';

let scene: Scene;
const kept: Kept = {};

before(async () => {
  scene = await openScene();
});

after(async () => {
  await scene.close();
});

for (const [index, step] of steps.entries()) {
  test(`${index + 1}. ${step.title}`, { timeout: 60_000 }, async () => {
    const lines = await step.play(scene, kept);
    assert.ok(lines.length > 0, 'the step says what it saw');
  });
}

test('the check that held reads as its golden file', async () => {
  assert.ok(kept.heldCheck, 'step 2 kept its check');
  await golden('demo-drop-column.md', kept.heldCheck);
});
