/** Findings that weaken the proof itself, each with its harmless twin. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChangedFile } from '../../src/core/evidence.ts';
import type {
  DataChange,
  Destruction,
  EnvironmentSign,
  LockTaken,
  TableSize,
} from '../../src/core/dry-run.ts';
import { findingsOf } from '../../src/core/findings-of.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { aChange, adding, aFile, aFolder, aRun } from './change.ts';

test('what a dump has and the dry run may not make is told for each, and is medium', () => {
  const observation = {
    ...(aFolder().observation ?? assert.fail()),
    leftOut: ['event trigger a'],
  };
  const run = aRun(aFolder({ observation }));
  const found = findingsOf(aChange({ dryRun: run, files: [] }), defaultPolicy);
  const told = found.filter(({ id }) => id === 'baseline-incomplete');
  assert.deepEqual(
    told.map(({ object, radius }) => [object, radius]),
    [['event trigger a', 'medium']],
  );
  const twin = findingsOf(aChange({ dryRun: aRun(aFolder()), files: [] }), defaultPolicy);
  assert.ok(twin.every(({ id }) => id !== 'baseline-incomplete'));
});

const statement = {
  path: 'drizzle/0007_x.sql',
  line: 3,
  column: 1,
  text: 'x',
  durationMs: 1,
  rows: 5,
  locks: [],
  rewrites: [],
  error: null,
};

interface Update {
  readonly before: number;
  readonly origin: TableSize['origin'];
  readonly destroys: boolean;
}

function radiusOfUpdate({ before, origin, destroys }: Update): string {
  const act: Destruction = {
    verb: 'update',
    object: 'users',
    columns: ['plan'],
    place: 'statement',
  };
  const data: DataChange = {
    object: 'users.plan',
    measure: 'values',
    before,
    after: before + 5,
    lost: 0,
    added: 5,
    changed: 0,
  };
  const observation = {
    ...(aFolder().observation ?? assert.fail()),
    data: [data],
    tables: [{ table: 'users', rows: 9, origin }],
  };
  const statements = [{ ...statement, ...(destroys ? { destroys: [act] } : {}) }];
  const run = aRun(aFolder({ observation, statements }));
  const found = findingsOf(aChange({ dryRun: run, files: [] }), defaultPolicy);
  return found.map(({ id, radius }) => `${radius} ${id}`).join(', ');
}

test('a column that held nothing here may hold values in production: setting it is unproven', () => {
  const held = { before: 0, origin: 'synthetic', destroys: true } as const;
  assert.equal(radiusOfUpdate(held), 'high destruction-unproven, medium values-filled');
  // Twins: a condition that it is null, a column that held some, the rows of production.
  assert.equal(radiusOfUpdate({ ...held, destroys: false }), 'medium values-filled');
  assert.equal(radiusOfUpdate({ ...held, before: 2 }), 'medium values-filled');
  assert.equal(radiusOfUpdate({ ...held, origin: 'snapshot' }), 'medium values-filled');
});

test('a block that made nothing here, as its condition was not met, is not low', () => {
  const told = (environment: readonly EnvironmentSign[], objects?: readonly string[]): string => {
    const made = objects === undefined ? {} : { objects };
    const run = aRun(aFolder({ statements: [{ ...statement, environment, ...made }] }));
    const found = findingsOf(aChange({ dryRun: run, files: [] }), defaultPolicy);
    return found.map(({ id, radius }) => `${radius} ${id}`).join(', ');
  };
  assert.equal(told(['condition']), 'medium environment-aware-sql');
  assert.equal(told(['condition'], ['mood']), '');
  assert.equal(told([]), '');
});

const paths = (...files: ChangedFile[]): readonly string[] =>
  findingsOf(aChange({ files }), defaultPolicy).map(({ id, radius }) => `${radius} ${id}`);

test('a mode that changed alone is told; a program whose content changed is told as content', () => {
  const blob = '5'.repeat(40);
  const same = { blob, previousBlob: blob, patch: null, additions: 0 };
  const run = aFile('scripts/x.sh', { ...same, mode: '100755' });
  assert.ok(paths(run).includes('medium mode-changed'));
  const off = aFile('test/x.sh', { ...same, mode: '100644', status: 'changed' });
  assert.ok(paths(off).includes('medium mode-changed'));
  assert.ok(
    !paths(aFile('scripts/x.sh', { mode: '100755' }))
      .join()
      .includes('mode-changed'),
  );
  assert.ok(
    !paths(adding('scripts/x.sh', 'a', { mode: '100755' }))
      .join()
      .includes('mode-'),
  );
});

test('a deploy path that names an old test from now on runs what the change does not show', () => {
  const script = (path: string, line: string): readonly string[] => paths(adding(path, line));
  const unread = 'high file-unread';
  assert.ok(script('package.json', '  "predeploy": "node test/wipe.js"').includes(unread));
  assert.ok(script('app/package.json', '  "start": "sh ./test/run.sh"').includes(unread));
  assert.ok(script('scripts/deploy.sh', 'node ../tests/wipe.js').includes(unread));
  // Twins: the tests' own scripts, code, a comment, a line that named it before, one in the change.
  assert.ok(!script('package.json', '  "test": "node --test test/a.test.js"').includes(unread));
  assert.ok(!script('package.json', '  "predeploy": "node src/migrate.js"').includes(unread));
  assert.ok(!script('scripts/deploy.sh', '# as test/wipe.js does').includes(unread));
  const moved = aFile('package.json', {
    patch:
      '@@ -1 +1 @@\n-"predeploy": "node test/wipe.js"\n+"predeploy": "node test/wipe.js --dry"',
  });
  assert.ok(!paths(moved).includes(unread));
  const both = [adding('package.json', '"predeploy": "node test/a.js"'), adding('test/a.js', 'x')];
  assert.ok(!paths(...both).includes(unread));
});

test('a lock that is stated and was not observed says so', () => {
  const tables: readonly TableSize[] = [{ table: 'users', rows: 9, origin: 'seed' }];
  const observation = { ...(aFolder().observation ?? assert.fail()), tables };
  const lock = { object: 'users', mode: 'AccessExclusive' };
  const messageOf = (locks: readonly LockTaken[]): string | undefined => {
    const statements = [{ ...statement, text: 'VACUUM FULL users', locks }];
    const run = aRun(aFolder({ observation, statements }));
    const found = findingsOf(aChange({ dryRun: run, files: [] }), defaultPolicy);
    return found.find(({ id }) => id === 'blocking-lock')?.message;
  };
  const remark = "AccessExclusive, stated by PostgreSQL's documentation, not observed";
  assert.match(messageOf([lock]) ?? '', /locked \(AccessExclusive\)/);
  assert.ok(messageOf([{ ...lock, stated: true }])?.includes(`locked (${remark})`));
});
