/**
 * What changes around the gate and not in a pull request: people leave teams and the organisation,
 * rules of branches and rights of the app change. Each is heard at once, on the real server.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import type { Org } from '../github/state.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import type { RepositoryPosture } from '../../src/core/posture.ts';
import { judgeRepository } from '../../src/core/posture-repository.ts';
import { repositoryReading } from '../../src/core/posture-state.ts';
import { createPostureMemory } from '../../src/store/posture.ts';
import { run } from '../../src/cli.ts';
import { keptIo } from '../cli/io.ts';
import { locatorKey } from '../../src/core/subject.ts';
import { tagoutCheck, until } from '../story/scene.ts';
import { openReliable, type ReliableScene } from './scene.ts';

const policy = `version: 1
environments:
  production:
    match: [production]
    reviews: { low: { count: 1, teams: [platform] } }
`;

let s: ReliableScene;
let org: Org;

before(async () => {
  // The posture is watched where sweeps are made; the first one at the start.
  s = await openReliable({ sweepMinutes: 60 });
  const found = s.gh.world.orgs.get('acme');
  assert.ok(found);
  org = found;
  await s.repo.commit({
    branch: 'main',
    files: { '.github/tagout.yml': policy },
    author: s.people.maria,
  });
});
after(() => s.close());

let count = 0;

async function opened(repo: Repo = s.repo): Promise<Pull> {
  count += 1;
  const branch = `change-${count}`;
  const files = { [`docs/page-${count}.md`]: `# ${count}\n` };
  await repo.commit({ branch, files, author: s.people.maria });
  return repo.openPull({ author: s.people.maria, head: branch });
}

async function says(pull: Pull, conclusion: string, repo: Repo = s.repo): Promise<void> {
  await until(`pull request ${pull.number} says ${conclusion}`, () =>
    tagoutCheck(repo, pull.headSha)?.conclusion === conclusion ? true : null,
  );
}

async function approved(): Promise<Pull> {
  const pull = await opened();
  await says(pull, 'action_required');
  await pull.review({ by: 'octavia' });
  await says(pull, 'success');
  return pull;
}

const who = { team: 'platform', login: 'octavia' } as const;

describe('people', () => {
  test('a reviewer leaves the team: what was approved holds at once, and clears with the return', async () => {
    const pull = await approved();
    s.gh.membership(org, who, 'removed');
    await says(pull, 'action_required');
    s.gh.membership(org, who, 'added');
    await says(pull, 'success');
    const rows = await s.served.store.sql<{ because: string }[]>`
      select doc->'source'->>'because' as because from audit.event
      where kind = 'decision.made' and (doc->'subject'->>'pull')::int = ${pull.number} order by id`;
    assert.deepEqual(rows.map(({ because }) => because).slice(-2), [
      'membership.removed',
      'membership.added',
    ]);
  });

  test('a gate that waits is judged again when its reviewer leaves the team and comes back', async () => {
    const pull = await approved();
    const sha = await pull.merge({ by: 'maria' });
    const run = await s.repo.startRun({ actor: 'maria', sha });
    /** Waits until the newest decision about the run says whether the team has spoken. */
    const told = async (wanted: boolean): Promise<void> => {
      for (const endMs = Date.now() + 60_000; Date.now() < endMs; ) {
        const [row] = await s.served.store.sql<{ spoken: boolean }[]>`
          select not doc->'decision'->'opinions' @> '[{"code":"approvals-missing"}]' as spoken
          from audit.event where kind = 'decision.made'
            and (doc->'subject'->>'runId')::bigint = ${run.id} order by id desc limit 1`;
        if (row?.spoken === wanted) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`the decision about the run did not become ${wanted}`);
    };
    // The policy itself came in without a review, so that it waits for that as well.
    await until('it waits', () => (run.notes.length > 0 ? true : null));
    s.gh.membership(org, who, 'removed');
    await told(false);
    s.gh.membership(org, who, 'added');
    await told(true);
  });

  test('a team that is deleted: everything that anybody reviewed is judged again', async () => {
    const pull = await approved();
    s.gh.dissolve(org, 'platform');
    await says(pull, 'action_required');
    s.gh.team(org, 'platform', ['octavia']);
    s.gh.membership(org, who, 'added');
    await says(pull, 'success');
  });

  test('what stands on whose approval is found by our record, without what is over', async () => {
    const [pull, other] = [await approved(), await approved()];
    const { id: installationId } = s.gh.installation('acme');
    const { octavia, ben } = s.people;
    const of = async (personId: number | null): Promise<readonly string[]> => {
      const rows = await s.served.store.memory.reviewed?.({
        kind: 'approvals',
        installationId,
        personId,
      });
      return (rows ?? []).map(locatorKey).toSorted();
    };
    const key = (one: Pull): string => `${installationId}:${s.repo.id}:pull:${one.number}`;
    const found = new Set(await of(octavia.id));
    assert.ok(found.has(key(pull)) && found.has(key(other)), [...found].join());
    assert.deepEqual(await of(null), await of(octavia.id));
    assert.deepEqual(await of(ben.id), []);
    // The gate of the test before still waits; one that we released would be left out.
    const runs = (await of(null)).filter((one) => one.includes(':run:'));
    assert.equal(runs.length, 1);
    await s.served.store
      .sql`update tagout.subject set verdict = 'allow' where key = ${runs[0] ?? ''}`;
    assert.ok((await of(null)).every((one) => !one.includes(':run:')));
  });

  test('a reviewer leaves the organisation: the approval is void everywhere', async () => {
    const pull = await approved();
    s.gh.leave(org, 'octavia');
    await says(pull, 'action_required');
    const [row] = await s.served.store.sql<{ codes: string[] }[]>`
      select doc->'decision'->'refused'->0->'codes' as codes from audit.event
      where kind = 'decision.made' and (doc->'subject'->>'pull')::int = ${pull.number}
      order by id desc limit 1`;
    assert.ok(row?.codes.includes('R08'), JSON.stringify(row));
  });
});

describe('a plan without protection rules', () => {
  let small: Repo;
  /** Later than whatever the server itself reads of it. */
  let ahead = 3_600_000;
  before(async () => {
    small = await s.gh.repo('acme/small', { collaborators: { maria: 'write' } });
  });

  /** The posture as github.com would show it of a private repository of a smaller plan. */
  async function reads(rule: boolean): Promise<void> {
    const { id, fullName } = small;
    const { id: installationId } = s.gh.installation('acme');
    const none = { seen: true, value: [] } as const;
    const effective = { policy: defaultPolicy, problems: [], digest: '', spoke: [], notes: [] };
    const posture: RepositoryPosture = {
      fullName,
      webUrl: `https://github.com/${fullName}`,
      private: true,
      archived: false,
      defaultBranch: 'main',
      policy: { seen: true, value: effective },
      checks: none,
      rulesets: none,
      workflows: none,
      environments: {
        seen: true,
        value: [
          {
            id: 1,
            name: 'production',
            adminsMayBypass: false,
            ourRule: { seen: true, value: rule },
          },
        ],
      },
    };
    const own = { appId: s.gh.app.id, slug: s.gh.app.slug };
    const reading = repositoryReading(posture, judgeRepository(posture, own, defaultPolicy));
    const repo = { installationId, id, owner: 'acme', name: 'small' };
    const memory = createPostureMemory(s.served.store.sql);
    const read = { because: 'test', readAtMs: Date.now() + (ahead += 1_000) };
    await memory.keep({ installationId, repo }, reading, read);
  }

  /** Everything that the bundle for an auditor says. */
  async function report(): Promise<string> {
    const io = keptIo({ TAGOUT_DATA: s.settings.dataDir });
    const out = join(s.settings.dataDir, 'bundle');
    const code = await run(['report', '--out', out, '--org', 'acme'], { ...io, now: Date.now });
    assert.equal(code, 0, io.printed.err);
    const files = readdirSync(out, { recursive: true, withFileTypes: true });
    const texts = files.filter((file) => file.isFile() && /\.(csv|html|json)$/.test(file.name));
    return texts.map((file) => readFileSync(join(file.parentPath, file.name), 'utf8')).join('\n');
  }

  test('"merge gate only" stands in the check and in the report, and goes when a rule stands', async () => {
    await reads(false);
    const held = await opened(small);
    await says(held, 'action_required', small);
    const check = tagoutCheck(small, held.headSha);
    assert.match(
      check?.output.summary ?? '',
      /\*\*Merge gate only\.\*\* Nothing holds a deployment/,
    );
    assert.match(await report(), /open: merge-gate-only[^\n]*Merge gate only\. Nothing holds/);
    await reads(true);
    const other = await opened(small);
    await says(other, 'action_required', small);
    const summary = tagoutCheck(small, other.headSha)?.output.summary ?? '';
    assert.doesNotMatch(summary, /Merge gate only/);
  });
});

describe('what stands around the gate', () => {
  const required = (appId: number | null): Record<string, unknown> => ({
    id: 77,
    name: 'main',
    target: 'branch',
    enforcement: 'active',
    conditions: { ref_name: { include: ['~DEFAULT_BRANCH'], exclude: [] } },
    rules: [
      {
        type: 'required_status_checks',
        ruleset_id: 77,
        parameters: {
          strict_required_status_checks_policy: false,
          required_status_checks: [
            { context: 'tagout', ...(appId === null ? {} : { integration_id: appId }) },
          ],
        },
      },
    ],
    bypassActors: [],
  });

  interface Change {
    readonly because: string;
    readonly from: string | null;
    readonly fromMs: number | null;
    readonly to: string | null;
    readonly toMs: number;
  }

  async function changes(item: string): Promise<readonly Change[]> {
    return s.served.store.sql<Change[]>`
      select doc->'source'->>'because' as because, doc->'posture'->>'from' as from,
        (doc->'posture'->>'fromMs')::bigint as "fromMs", doc->'posture'->>'to' as to,
        (doc->'posture'->>'toMs')::bigint as "toMs"
      from audit.event where kind = 'posture.changed' and doc->'posture'->>'item' = ${item}
      order by id`;
  }

  async function last(item: string, to: RegExp): Promise<Change> {
    for (const endMs = Date.now() + 60_000; Date.now() < endMs; ) {
      const found = (await changes(item)).at(-1);
      if (to.test(found?.to ?? '')) return found as Change;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${item} did not become ${String(to)}`);
  }

  test('the server itself reads the posture when it starts', async () => {
    const installation = await last('installation', /^guarded: installation$/);
    assert.equal(installation.because, 'posture.poll');
    await last('default branch', /^open: check-not-required$/);
  });

  test('a ruleset is made, loses its pin, and goes: in force from … to …', async () => {
    s.repo.ruleset('root', 'created', required(s.gh.app.id));
    const made = await last('default branch', /^guarded: check$/);
    assert.equal(made.because, 'repository_ruleset.created');
    s.repo.ruleset('root', 'edited', required(null));
    const open = await last('default branch', /^open: check-not-pinned$/);
    assert.deepEqual(
      [open.because, open.from, open.fromMs],
      ['repository_ruleset.edited', made.to, made.toMs],
    );
    s.repo.ruleset('root', 'edited', required(s.gh.app.id));
    await last('default branch', /^guarded: check$/);
    s.repo.ruleset('root', 'deleted', required(s.gh.app.id));
    const gone = await last('default branch', /^open: check-not-required$/);
    assert.equal(gone.because, 'repository_ruleset.deleted');
  });

  test('an event whose reading fails is read again', async () => {
    s.gh.faults.request({ match: 'GET /app', nth: 1, status: 502 });
    s.repo.ruleset('root', 'created', required(s.gh.app.id));
    const made = await last('default branch', /^guarded: check$/);
    assert.equal(made.because, 'repository_ruleset.created');
    s.gh.faults.clear();
  });

  test('rights that are taken, a suspension, its end, and the app taken away', async () => {
    const { permissions } = s.gh.app;
    permissions['checks'] = 'read';
    s.gh.changeInstallation('acme', 'new_permissions_accepted');
    const lacks = await last('installation', /^open: installation-lacks-rights \(checks: write\)$/);
    assert.equal(lacks.because, 'installation.new_permissions_accepted');
    permissions['checks'] = 'write';
    s.gh.changeInstallation('acme', 'new_permissions_accepted');
    await last('installation', /^guarded: installation$/);
    s.gh.suspend('acme');
    const off = await last('installation', /^open: installation-suspended$/);
    assert.equal(off.because, 'installation.suspend');
    assert.match((await last('default branch', /suspended/)).to ?? '', /^unknown: /);
    s.gh.suspend('acme', false);
    const back = await last('installation', /^guarded: installation$/);
    assert.deepEqual(
      [back.because, back.from, back.fromMs],
      ['installation.unsuspend', off.to, off.toMs],
    );
    await last('default branch', /^guarded: check$/);
    s.gh.changeInstallation('acme', 'deleted');
    const gone = await last('installation', /^open: not-installed$/);
    assert.equal(gone.because, 'installation.deleted');
    await last('default branch', /^open: not-installed$/);
  });
});
