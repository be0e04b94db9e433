/** Signing in at `/audit`, over HTTP, PostgreSQL and the local GitHub. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createSessions } from '../../src/web/audit/session.ts';
import { type AuditSite, FLOOR, openSite, recordOne, Visitor } from './site.ts';

interface Read {
  readonly outcome: string;
  readonly what: string;
  readonly id: number;
}

async function reads(site: AuditSite, installationId = site.acme): Promise<readonly Read[]> {
  return site.t.store.sql<Read[]>`select doc->>'outcome' as outcome, doc->'report'->>'what' as what,
      (doc->'actor'->>'id')::int as id
    from audit.event where kind = 'report.read' and log_id = ${installationId} order by id`;
}

/** Over the time for which rights are remembered. */
const STALE_MS = 121_000;

describe('signing in to read the record', () => {
  let site: AuditSite;
  before(async () => {
    site = await openSite();
  });
  after(() => site.close());

  const signedIn = async (login: string): Promise<Visitor> => {
    const visitor = new Visitor(site);
    const answer = await visitor.signIn(login);
    assert.equal(answer.headers.get('location'), '/audit', await answer.text());
    return visitor;
  };
  const idOf = (login: string): number => site.gh.user(login).id;

  test('without a session there is only the way in, and it leads to GitHub with PKCE', async () => {
    const visitor = new Visitor(site);
    const { status, text } = await visitor.page('/audit');
    assert.equal(status, 403);
    assert.match(text, /Sign in with GitHub/);
    assert.doesNotMatch(text, /acme/);
    const answer = await visitor.ask('/audit/sign-in');
    const to = new URL(answer.headers.get('location') ?? '');
    assert.equal(`${to.origin}${to.pathname}`, `${site.gh.url}/login/oauth/authorize`);
    assert.equal(to.searchParams.get('code_challenge_method'), 'S256');
    assert.match(to.searchParams.get('code_challenge') ?? '', /^[\w-]{43}$/);
    const [cookie = ''] = answer.headers.getSetCookie();
    for (const part of ['HttpOnly', 'SameSite=Lax', 'Max-Age=600']) {
      assert.ok(cookie.includes(part), `${part} in ${cookie}`);
    }
    assert.equal(to.href.includes(visitor.cookies.get('tagout_sign_in') ?? '?'), false);
  });

  test('an owner reads, and each read is an event with their number', async () => {
    const before = (await reads(site)).length;
    const visitor = await signedIn('root');
    const { status, text } = await visitor.page('/audit');
    assert.equal(status, 200);
    assert.match(text, /Deployments to production/);
    const answer = await visitor.ask('/audit/agents');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.match(answer.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    await visitor.page('/audit/register?from=2025-01-01');
    const after = (await reads(site)).slice(before);
    const id = idOf('root');
    assert.deepEqual(
      after.map((row) => ({ ...row })),
      [
        { outcome: 'shown', what: 'overview', id },
        { outcome: 'shown', what: 'agents and approvers', id },
        { outcome: 'shown', what: 'register', id },
      ],
    );
  });

  test('a reader by team reads; a member and a stranger are told who can grant it', async () => {
    assert.equal((await (await signedIn('cara')).page('/audit')).status, 200);
    for (const login of ['mira', 'eve']) {
      const visitor = await signedIn(login);
      const { status, text } = await visitor.page('/audit');
      assert.equal(status, 403, login);
      assert.match(text, /owners of the organisation/);
      assert.match(text, /audit\.readers/);
      assert.doesNotMatch(text, /acme/);
      await visitor.page('/audit/register');
      const refused = (await reads(site)).filter((row) => row.id === idOf(login));
      assert.deepEqual(
        refused.map(({ outcome }) => outcome),
        ['refused'],
        'recorded once, however often they try',
      );
    }
  });

  test('a reader who is taken out of the team is out within two minutes', async () => {
    const visitor = await signedIn('cara');
    assert.equal((await visitor.page('/audit')).status, 200);
    const org = site.gh.org('acme', { members: ['mira'], admins: ['root'] });
    site.gh.team(org, 'compliance', []);
    site.t.clock.nowMs += STALE_MS;
    assert.equal((await visitor.page('/audit')).status, 403);
    site.gh.team(org, 'compliance', ['cara']);
    site.t.clock.nowMs += STALE_MS;
    assert.equal((await visitor.page('/audit')).status, 200);
  });

  test('while GitHub does not answer nobody reads, and nobody signs in', async () => {
    const visitor = await signedIn('root');
    assert.equal((await visitor.page('/audit')).status, 200);
    site.t.clock.nowMs += STALE_MS;
    site.gh.faults.request({ match: '/orgs/acme/memberships', status: 503 });
    const { status, text } = await visitor.page('/audit');
    assert.equal(status, 503);
    assert.match(text, /GitHub cannot be asked now/);
    assert.doesNotMatch(text, /<svg/);
    site.gh.faults.clear();
    assert.equal((await visitor.page('/audit')).status, 200, 'a failure is not remembered');
    const other = new Visitor(site);
    const back = await other.throughGitHub('root');
    site.gh.faults.request({ match: 'POST /login/oauth/access_token', drop: true });
    const unanswered = await other.page(back);
    site.gh.faults.clear();
    assert.equal(unanswered.status, 503);
    assert.match(unanswered.text, /nobody is signed in/);
    assert.equal(other.cookies.has('tagout_audit'), false);
  });

  test('the account counts, not the name: a login that changed hands opens nothing', async () => {
    const sessions = createSessions(site.gh.app.privateKey);
    const visitor = new Visitor(site);
    const forged = sessions.issue({ id: 4711, login: 'root' }, site.t.clock.nowMs);
    visitor.cookies.set('tagout_audit', forged);
    assert.equal((await visitor.page('/audit')).status, 403);
  });

  test('a forged or expired cookie is none', async () => {
    const visitor = await signedIn('root');
    const good = visitor.cookies.get('tagout_audit') ?? '';
    const [text = '', signature = ''] = good.split('.');
    const other = createSessions('another secret');
    const claims = JSON.parse(Buffer.from(text, 'base64url').toString());
    const raised = Buffer.from(JSON.stringify({ ...claims, id: idOf('root') + 1 }));
    for (const value of [
      `${text}.${signature.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))}`,
      `${raised.toString('base64url')}.${signature}`,
      other.issue({ id: idOf('root'), login: 'root' }, site.t.clock.nowMs),
      `${text}.`,
      '.',
    ]) {
      visitor.cookies.set('tagout_audit', value);
      assert.match((await visitor.page('/audit')).text, /Sign in with GitHub/, value);
    }
    visitor.cookies.set('tagout_audit', good);
    assert.equal((await visitor.page('/audit')).status, 200);
    const own = createSessions(site.gh.app.privateKey);
    const began = (agoMs: number): string =>
      own.issue({ id: idOf('root'), login: 'root' }, site.t.clock.nowMs - agoMs);
    visitor.cookies.set('tagout_audit', began(8 * 3_600_000 - 1));
    assert.equal((await visitor.page('/audit')).status, 200);
    visitor.cookies.set('tagout_audit', began(8 * 3_600_000));
    assert.match((await visitor.page('/audit')).text, /Sign in with GitHub/, 'after eight hours');
  });

  test('an answer fits only the browser, the ten minutes and the one time it was asked for', async () => {
    const visitor = new Visitor(site);
    const back = await visitor.throughGitHub('root');
    assert.equal((await new Visitor(site).page(back)).status, 400, 'no cookie');
    const other = new Visitor(site);
    await other.ask('/audit/sign-in');
    assert.equal((await other.page(back)).status, 400, 'the cookie of another sign-in');
    const waiting = visitor.cookies.get('tagout_sign_in') ?? '';
    const mixed = back.replace(/state=\d+/, 'state=99999999999999');
    assert.equal((await visitor.page(mixed)).status, 400, 'a state with another end');
    visitor.cookies.set('tagout_sign_in', waiting);
    assert.equal((await visitor.ask(back)).headers.get('location'), '/audit');
    visitor.cookies.set('tagout_sign_in', waiting);
    visitor.cookies.delete('tagout_audit');
    assert.equal((await visitor.page(back)).status, 400, 'the same answer again');
    const late = new Visitor(site);
    const tooLate = await late.throughGitHub('root');
    site.t.clock.nowMs += 600_001;
    assert.equal((await late.page(tooLate)).status, 400, 'after ten minutes');
    assert.equal(visitor.cookies.has('tagout_audit'), false);
  });

  test('a code that GitHub has seen before signs nobody in; nor does one that it denied', async () => {
    const visitor = new Visitor(site);
    const used = new URL(await visitor.throughGitHub('root'), site.url).searchParams.get('code');
    await visitor.ask(await visitor.throughGitHub('root'));
    const begun = await visitor.ask('/audit/sign-in');
    const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state') ?? '';
    visitor.cookies.delete('tagout_audit');
    const query = (code: string): string =>
      new URLSearchParams({
        state,
        ...(code === '' ? { error: 'access_denied' } : { code }),
      }).toString();
    // The code of another sign-in has another PKCE challenge, so GitHub refuses it.
    const replayed = await visitor.page(`/audit/callback?${query(used ?? '')}`);
    assert.equal(replayed.status, 403);
    assert.match(replayed.text, /used before|older than ten minutes/);
    assert.equal(visitor.cookies.has('tagout_audit'), false);
    const denied = await new Visitor(site).page('/audit/callback?error=access_denied&state=x');
    assert.equal(denied.status, 400);
  });

  test('nothing in a request changes where one is sent', async () => {
    const visitor = new Visitor(site);
    const begun = await visitor.ask('/audit/sign-in?redirect_uri=https://evil.example&to=//evil');
    assert.doesNotMatch(begun.headers.get('location') ?? '', /evil/);
    const back = await visitor.throughGitHub('root');
    const answer = await visitor.ask(`${back}&redirect=https://evil.example`);
    assert.equal(answer.headers.get('location'), '/audit');
  });

  test('signing out needs a form of one’s own, and ends copies of the cookie too', async () => {
    const visitor = await signedIn('root');
    const copy = visitor.cookies.get('tagout_audit') ?? '';
    const { text } = await visitor.page('/audit');
    const field = /name="form" value="([^"]+)"/.exec(text)?.[1] ?? '';
    assert.equal((await visitor.post('/audit/sign-out', { form: 'x' })).status, 403);
    assert.equal((await visitor.ask('/audit/sign-out')).status, 404, 'a link cannot do it');
    assert.equal((await visitor.page('/audit')).status, 200);
    await visitor.post('/audit/sign-out', { form: field });
    assert.equal(visitor.cookies.has('tagout_audit'), false);
    visitor.cookies.set('tagout_audit', copy);
    assert.match((await visitor.page('/audit')).text, /Sign in with GitHub/);
  });

  test('no token, code, secret or cookie comes into the log', () => {
    const log = site.lines.join('\n');
    assert.ok(site.lines.length > 0, 'something was logged');
    for (const secret of [site.gh.app.clientSecret, 'ghu_', 'code=', 'tagout_audit=']) {
      assert.equal(log.includes(secret), false, secret);
    }
  });
});

test('of several organisations one chooses, and sees only one’s own', async (t) => {
  const site = await openSite();
  t.after(() => site.close());
  site.gh.user('gina');
  site.gh.org('globex', { admins: ['root', 'gina'] });
  await site.gh.repo('globex/app', {});
  const globex = site.gh.installation('globex').id;
  await recordOne(site.t, globex);
  const root = new Visitor(site);
  await root.signIn('root');
  const { text } = await root.page('/audit');
  assert.match(text, /Choose a record/);
  assert.match(text, /acme/);
  const chosen = await root.page(`/audit?log=${globex}`);
  assert.match(chosen.text, /globex/);
  assert.match(chosen.text, new RegExp(`/audit/register\\?log=${globex}"`));
  const gina = new Visitor(site);
  await gina.signIn('gina');
  assert.match((await gina.page('/audit')).text, /globex/);
  const other = await gina.page(`/audit?log=${site.acme}`);
  assert.equal(other.status, 403);
  assert.doesNotMatch(other.text, /<svg/);
  assert.equal((await reads(site)).at(-1)?.outcome, 'refused', 'the record that was asked for');
});

test('without a floor, with one that names nobody and with a broken one only owners read', async (t) => {
  const site = await openSite({ floor: null });
  t.after(() => site.close());
  const [root, cara] = [new Visitor(site), new Visitor(site)];
  await root.signIn('root');
  await cara.signIn('cara');
  const expect = async (status: number, what: string): Promise<void> => {
    site.t.clock.nowMs += STALE_MS;
    assert.equal((await cara.page('/audit')).status, status, what);
    assert.equal((await root.page('/audit')).status, 200, `${what}: owners`);
  };
  await expect(403, 'none');
  const path = '.github/tagout.yml';
  const repo = await site.gh.repo('acme/.github', { files: { [path]: 'version: 1\n' } });
  await expect(403, 'nobody named');
  await repo.commit({ files: { [path]: FLOOR } });
  await expect(200, 'the team named');
  await repo.commit({ files: { [path]: `${FLOOR}  writers: 1\n` } });
  await expect(403, 'a floor with a problem names nobody');
});

test('behind https the cookies are this host’s alone; a wrong secret is said plainly', async (t) => {
  const publicUrl = 'https://tagout.example.com';
  const site = await openSite({ publicUrl, clientSecret: 'not the secret' });
  t.after(() => site.close());
  const visitor = new Visitor(site);
  const begun = await visitor.ask('/audit/sign-in');
  const [cookie = ''] = begun.headers.getSetCookie();
  assert.match(cookie, /^__Host-tagout_sign_in=.*; Secure/);
  const to = new URL(begun.headers.get('location') ?? '');
  assert.equal(to.searchParams.get('redirect_uri'), `${publicUrl}/audit/callback`);
  const { status, text } = await visitor.page(await visitor.throughGitHub('root'));
  assert.equal(status, 403);
  assert.match(text, /CLIENT_ID and CLIENT_SECRET/);
});
