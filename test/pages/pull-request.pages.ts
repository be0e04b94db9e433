/** The page of a pull request on the local GitHub, clicked as a reviewer would after `demo --keep`. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { Scene } from '../story/scene.ts';
import { tagoutCheck, until } from '../story/scene.ts';
import { type Kept, steps } from '../story/steps.ts';
import { openScene } from '../story/tagout.ts';
import { launch, LOOKS, overflows, screenshot, seriousFindings } from './browser.ts';

let scene: Scene;
let browser: Browser;
const kept: Kept = {};

before(async () => {
  [scene, browser] = await Promise.all([openScene(), launch()]);
  await steps[0]?.play(scene, kept);
  await steps[1]?.play(scene, kept);
});

after(async () => {
  await browser.close();
  await scene.close();
});

for (const { width, scheme } of LOOKS) {
  test(`the held pull request at ${width} pixels, ${scheme}`, async () => {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
    await page.goto(`${scene.gh.url}/acme/shop/pull/2`);
    await screenshot(page, `pull-request-${width}-${scheme}`);
    assert.match(await page.innerText('body'), /1,000 values lost in users\.email/);
    assert.deepEqual(await seriousFindings(page), []);
    assert.equal(await overflows(page), false, 'no sideways scrolling');
    await page.close();
  });
}

test('a click on Approve releases the check', async () => {
  const page = await browser.newPage();
  await page.goto(`${scene.gh.url}/acme/shop/pull/2`);
  await page.getByRole('button', { name: 'Approve as octavia' }).click();
  assert.ok(kept.agentPull);
  const { headSha } = kept.agentPull;
  await until('the check passes', () => {
    const check = tagoutCheck(scene.repo, headSha);
    return check?.conclusion === 'success' ? check : null;
  });
  await page.reload();
  assert.match(await page.innerText('body'), /Passed: 1 independent approval/);
  await screenshot(page, 'pull-request-approved');
  await page.close();
});
