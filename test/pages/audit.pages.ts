/** `/audit` in a browser: signed in through the local GitHub, every page, light and dark, by keyboard. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { createOrg } from '../audit/org.ts';
import { type AuditSite, fillFrom, openSite, recordOne } from '../audit/site.ts';
import { launch, LOOKS, overflows, screenshot, seriousFindings } from './browser.ts';

const DEPLOYMENTS = 120;

let site: AuditSite;
let browser: Browser;
let globex: number;
const org = createOrg(DEPLOYMENTS);

before(async () => {
  [site, browser] = await Promise.all([openSite(), launch()]);
  site.gh.org('globex', { admins: ['root'] });
  await site.gh.repo('globex/app', {});
  globex = site.gh.installation('globex').id;
  await recordOne(site.t, globex);
  await fillFrom(site.t, org.log, site.acme);
});

after(async () => {
  await browser.close();
  await site.close();
});

async function signedIn(context: BrowserContext, login: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${site.url}/audit`);
  await page.getByRole('link', { name: 'Sign in with GitHub' }).click();
  await page.getByRole('button', { name: `Sign in as ${login}` }).click();
  await page.waitForURL(`${site.url}/audit`);
  return page;
}

async function sound(page: Page, name: string): Promise<void> {
  await screenshot(page, `audit-${name}`);
  assert.deepEqual(await seriousFindings(page), [], name);
  assert.equal(await overflows(page), false, `${name}: no sideways scrolling`);
}

for (const { width, scheme } of LOOKS) {
  test(`every page at ${width} pixels, ${scheme}`, async (t) => {
    const look = { viewport: { width, height: 900 }, colorScheme: scheme };
    // axe is run inside the page, which its own policy would forbid.
    const context = await browser.newContext({ ...look, bypassCSP: true });
    t.after(() => context.close());
    const shot = (step: string): string => `${step}-${width}-${scheme}`;
    const outside = await context.newPage();
    await outside.goto(`${site.url}/audit`);
    await sound(outside, shot('sign-in'));
    await outside.close();

    const page = await signedIn(context, 'root');
    await sound(page, shot('choose'));
    await page.getByRole('link', { name: 'acme' }).click();
    const figures = page.locator('.figures li');
    // While the record is read for the first time the page asks again by itself.
    await figures.first().waitFor();
    assert.equal(await figures.count(), 5);
    assert.match(await figures.first().innerText(), new RegExp(`^${org.released}\\b`));
    assert.equal(await page.locator('figure svg').count(), 6, 'six charts');
    assert.equal(await page.locator('figure table').count(), 6, 'a table under each');
    await sound(page, shot('overview'));

    await page.getByRole('link', { name: 'Register', exact: true }).click();
    await sound(page, shot('register'));
    await page.getByLabel('disposition').selectOption('break_glass');
    await page.getByRole('button', { name: 'Filter' }).click();
    const glass = org.planted.filter(({ type }) => type === 'break-glass').length;
    assert.equal(await page.locator('tbody tr').count(), glass);
    await page.locator('tbody tr a').first().click();
    const steps = await page.locator('ol.steps > li > strong:first-child').allInnerTexts();
    const judged = ['Requested', 'The change', 'Dry run', 'Reviews', 'Decision', 'Release'];
    assert.deepEqual(steps, [...judged, 'Review afterwards', 'Proof']);
    await sound(page, shot('deployment'));

    for (const [name, step] of [
      ['Exceptions', 'exceptions'],
      ['Agents and approvers', 'agents'],
      ['Policy, access, gate', 'posture'],
    ] as const) {
      await page.getByRole('link', { name, exact: true }).click();
      await sound(page, shot(step));
      if (step !== 'exceptions') continue;
      await page.locator('tbody a').first().click();
      await page.getByRole('heading', { name: 'What happened' }).waitFor();
      await page.goBack();
    }
    await page.getByRole('link', { name: 'Verification' }).click();
    await page.getByRole('button', { name: 'Verify every row now' }).click();
    await page.getByRole('status').waitFor();
    assert.match(await page.getByRole('status').innerText(), /Tampered|Cannot verify/);
    assert.match(await page.innerText('main'), /release-unfounded/, 'what was planted is found');
    await sound(page, shot('verification'));
  });
}

test('an untouched record verifies on its page, and a stranger is told who can let them in', async () => {
  const context = await browser.newContext({ bypassCSP: true });
  const page = await signedIn(context, 'root');
  await page.goto(`${site.url}/audit/verification?log=${globex}`);
  await page.getByRole('button', { name: 'Verify every row now' }).waitFor();
  await page.getByRole('button', { name: 'Verify every row now' }).click();
  assert.match(await page.getByRole('status').innerText(), /^Intact/);
  await sound(page, 'verification-intact');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('link', { name: 'Sign in with GitHub' }).waitFor();
  const stranger = await signedIn(context, 'eve');
  assert.match(await stranger.innerText('main'), /ask an owner/);
  await sound(stranger, 'stranger');
  await context.close();
});

test('by keyboard alone: past the navigation, through the filters, into a deployment', async () => {
  const context = await browser.newContext();
  const page = await signedIn(context, 'root');
  const refused: string[] = [];
  page.on('console', (message) => void refused.push(message.text()));
  await page.goto(`${site.url}/audit/register?log=${site.acme}`);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate<string>('document.activeElement.className'), 'skip');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate<string>('document.activeElement.name'), 'from');
  await page.getByLabel('repository').focus();
  await page.keyboard.type('acme/billing');
  await page.keyboard.press('Enter');
  await page.waitForURL(/repo=acme%2Fbilling/);
  const repos = await page.locator('tbody tr td:nth-child(2)').allInnerTexts();
  assert.ok(repos.length > 0 && repos.every((text) => text.startsWith('acme/billing')));
  await page.locator('tbody tr a').first().focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'acme/billing → production' }).waitFor();
  assert.deepEqual(refused, [], 'the pages run under their own policy');
  await context.close();
});

test('on paper there is the record, and no navigation or form', async () => {
  const context = await browser.newContext();
  const page = await signedIn(context, 'root');
  await page.emulateMedia({ media: 'print' });
  await page.goto(`${site.url}/audit?log=${site.acme}`);
  for (const hidden of ['nav', 'form']) {
    assert.equal(await page.locator(hidden).first().isVisible(), false, hidden);
  }
  assert.equal(await page.locator('.figures').isVisible(), true);
  await screenshot(page, 'audit-print');
  await context.close();
});
