/** The set-up page of a first start, used as a person would: by keyboard, narrow and wide. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { readAppManifest } from '../../src/cli/app-manifest.ts';
import { manifestFor } from '../../src/cli/setup.ts';
import { newAppPage, placeOfWeb } from '../../src/github/places.ts';
import { listen } from '../../src/web/server.ts';
import { createSetupApp } from '../../src/web/setup.ts';
import { launch, LOOKS, overflows, screenshot, seriousFindings } from './browser.ts';

const manifest = readAppManifest();
let browser: Browser;

before(async () => {
  browser = await launch();
});

after(() => browser.close());

function setupApp() {
  let secrets = 0;
  return createSetupApp({
    token: 'once',
    publicUrl: null,
    fixedGitHub: null,
    secret: () => `secret-${(secrets += 1)}`,
    now: () => 0,
    register: (where, redirectUrl) => ({
      page: newAppPage(placeOfWeb(where.githubUrl), where.organisation),
      manifest: manifestFor(manifest, { publicUrl: where.publicUrl, redirectUrl }),
      webhookUrl: `${where.publicUrl}/api/github/webhooks`,
      permissions: manifest.default_permissions,
      events: manifest.default_events,
    }),
    create: async () => ({
      slug: 'tagout-acme',
      htmlUrl: 'https://github.com/apps/tagout-acme',
      owner: 'acme',
      appId: 123_456,
      storedIn: '/var/lib/tagout/credentials.json',
      checkName: 'tagout',
    }),
    onCreated: () => undefined,
    log: { info() {}, warn() {}, error() {} },
  });
}

async function sound(page: Page, name: string): Promise<void> {
  await screenshot(page, name);
  assert.deepEqual(await seriousFindings(page), [], name);
  assert.equal(await overflows(page), false, `${name}: no sideways scrolling`);
}

for (const { width, scheme } of LOOKS) {
  test(`from the link to the last page at ${width} pixels, ${scheme}`, async (t) => {
    const listening = await listen(setupApp(), { host: '127.0.0.1', port: 0 });
    const look = { viewport: { width, height: 900 }, colorScheme: scheme };
    // axe is run inside the page, which its own policy would forbid.
    const context = await browser.newContext({ ...look, bypassCSP: true });
    t.after(async () => {
      await context.close();
      await listening.close(100);
    });
    const page = await context.newPage();
    const shot = (step: string): string => `setup-${step}-${width}-${scheme}`;
    await page.goto(`${listening.url}/setup?token=once`);
    assert.equal(page.url(), `${listening.url}/setup`, 'the token left the address');
    await sound(page, shot('where'));

    await page.keyboard.press('Tab');
    await page.keyboard.type('acme corp');
    await page.keyboard.press('Tab');
    await page.keyboard.type('https://tagout.acme.dev');
    await page.keyboard.press('Enter');
    await page.getByText('This is not a name that GitHub gives').waitFor();
    await sound(page, shot('refused'));

    await page.getByLabel('Organisation').fill('acme');
    await page.keyboard.press('Enter');
    const button = page.getByRole('button', { name: 'Register the app at GitHub' });
    await button.waitFor();
    await sound(page, shot('register'));

    let sent = new URLSearchParams();
    let state: string | null = null;
    await page.route('https://github.com/**', (route) => {
      const request = route.request();
      sent = new URLSearchParams(request.postData() ?? '');
      state = new URL(request.url()).searchParams.get('state');
      return route.fulfill({ status: 200, contentType: 'text/html', body: 'GitHub' });
    });
    await button.press('Enter');
    await page.waitForURL('https://github.com/organizations/acme/settings/apps/new**');
    const posted = JSON.parse(sent.get('manifest') ?? '{}');
    assert.equal(posted.redirect_url, `${listening.url}/setup/created`);
    assert.deepEqual(posted.default_permissions, manifest.default_permissions);
    assert.deepEqual(posted.callback_urls, ['https://tagout.acme.dev/audit/callback']);

    await page.goto(`${listening.url}/setup/created?code=abc&state=${state}`);
    await page.getByText('Nothing is held yet').waitFor();
    await sound(page, shot('created'));
  });
}

test('without bypass the pages run under their own policy, with their style', async (t) => {
  const listening = await listen(setupApp(), { host: '127.0.0.1', port: 0 });
  const page = await browser.newPage();
  t.after(async () => {
    await page.close();
    await listening.close(100);
  });
  const refused: string[] = [];
  page.on('console', (message) => void refused.push(message.text()));
  await page.goto(`${listening.url}/setup?token=once`);
  const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
  assert.notEqual(ground, 'rgba(0, 0, 0, 0)', 'the style was taken');
  assert.deepEqual(refused, []);
});
