import assert from 'node:assert/strict';
import { test } from 'node:test';
import { databases } from '../../src/core/commands/databases.ts';
import { infrastructure } from '../../src/core/commands/infrastructure.ts';
import { mayHoldCommand } from '../../src/core/commands/prefilter.ts';
import { runners } from '../../src/core/commands/runners.ts';
import { commandTexts } from '../../src/core/commands/texts.ts';
import { unreadable, unreadableRows } from '../../src/core/commands/unreadable.ts';
import { commandTable } from '../../src/core/commands.ts';
import { scanCommands, type ScanMode } from '../../src/core/command-scan.ts';
import { findingsOf } from '../../src/core/findings-of.ts';
import type { PatchLine } from '../../src/core/patch.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { aChange, adding, aFile } from './change.ts';
import evasions from './cases/commands.json' with { type: 'json' };

function linesOf(text: string): readonly PatchLine[] {
  return text.split('\n').map((line, at) => ({ line: at + 1, text: line, added: true }));
}

function scan(text: string, mode: ScanMode = 'commands') {
  return scanCommands(linesOf(text), mode).found;
}

for (const row of [...commandTable, ...commandTexts]) {
  test(`command ${row.id}: found in \`${row.example}\`, not in \`${row.safe}\``, () => {
    const found = scan(row.example);
    assert.ok(
      found.some(({ id, kind }) => id === row.id && kind === row.kind),
      JSON.stringify(found),
    );
    assert.deepEqual(scan(row.safe), []);
  });
}

const tellingRows = [...commandTable.filter(({ kind }) => kind === 'destroys'), ...commandTexts];

for (const row of tellingRows) {
  test(`command ${row.id}: found in ordinary code and in a script, whatever words it has`, () => {
    const isCall = 'pattern' in row;
    const code = isCall ? row.example : `run(\`${row.example}\`);`;
    for (const file of [adding('src/tool.ts', code), adding('tools/run.sh', row.example)]) {
      const found = findingsOf(aChange({ files: [file] }), defaultPolicy);
      const ids = found.flatMap(({ figures }) => Object.keys(figures));
      assert.ok(ids.includes(row.id), `${file.path}: ${JSON.stringify(found)}`);
    }
  });
}

test('ordinary code without any word of the tables is not read line by line', () => {
  assert.equal(mayHoldCommand('@@ -1 +1 @@\n-old\n+const total = price * count;'), false);
  assert.equal(mayHoldCommand('+run(\'pri" + "sma\')'), false);
  assert.equal(mayHoldCommand('+run(\'pri""sma migrate re""set\')'), true);
  assert.equal(mayHoldCommand('+pri\u200bsma migrate reset'), true);
});

test('a long line hides nothing, and a line of too many programs is not known', () => {
  const filler = 'x'.repeat(30_000);
  for (const text of [`echo ${filler}; prisma migrate reset`, `prisma ${filler} migrate reset`]) {
    for (const path of ['build.sh', 'src/run.ts']) {
      const found = findingsOf(aChange({ files: [adding(path, text)] }), defaultPolicy);
      assert.ok(
        found.some(({ id }) => id === 'destructive-command'),
        `${path} ${text.slice(-40)}`,
      );
    }
  }
  const many = [adding('build.sh', `echo start\n${'terraform '.repeat(60)}plan`)];
  const [unread] = findingsOf(aChange({ files: many }), defaultPolicy);
  assert.equal(unread?.id, 'file-unread');
  assert.equal(unread.radius, 'high');
  assert.equal(unread.line, 2);
});

test('a list of words is read to its end', () => {
  const args = ['prisma', ...Array.from({ length: 60 }, (_, n) => `--x${n}`), 'migrate', 'reset'];
  const text = `args:\n${args.map((word) => `  - ${word}`).join('\n')}`;
  assert.deepEqual(
    scan(text).map(({ id }) => id),
    ['prisma-reset'],
  );
});

test('every example of the tables is a row of its own', () => {
  const texts = [databases, infrastructure, runners].join('\n');
  assert.equal(commandTable.length, texts.match(/^! /gm)?.length);
  assert.equal(commandTable.length, texts.match(/^= /gm)?.length);
});

/** What people have lost data by, as they wrote it, and what looks like it. */
const named: readonly (readonly [string, string])[] = [
  ['npx prisma db push --force-reset', 'npx prisma db push'],
  ['npx prisma migrate reset -f', 'npx prisma migrate deploy'],
  ['RAILS_ENV=production bundle exec rake db:schema:load', 'bundle exec rake db:schema:dump'],
  ['bin/rails db:drop', 'bin/rails db:abort_if_pending_migrations'],
  ['python3 manage.py flush', 'python3 manage.py collectstatic'],
  ['npx sequelize db:drop', 'npx sequelize db:create'],
  ['npx typeorm schema:drop', 'npx typeorm schema:log'],
  ['npx knex migrate:rollback --all', 'npx knex migrate:status'],
  ['liquibase dropAll', 'liquibase history'],
  ['flyway clean', 'flyway info'],
  ['dropdb shop', 'createdb shop'],
  ['terraform destroy -auto-approve', 'terraform fmt'],
  ['terraform apply -auto-approve', 'terraform init'],
  ['pulumi destroy', 'pulumi about'],
  ['kubectl delete statefulset db', 'kubectl get statefulset db'],
  ['helm uninstall shop-db', 'helm status shop-db'],
  ['docker compose down -v', 'docker compose up -d'],
  ['docker-compose -f prod.yml down --volumes', 'docker-compose -f prod.yml ps'],
  ['aws rds delete-db-cluster --db-cluster-identifier prod', 'aws rds describe-db-clusters'],
  ['aws s3 rm s3://prod --recursive', 'aws s3 ls s3://prod'],
  ['aws s3 sync . s3://prod --delete', 'aws s3 sync . s3://prod'],
  ['aws dynamodb delete-table --table-name users', 'aws dynamodb list-tables'],
  ['gcloud sql instances delete prod', 'gcloud sql instances describe prod'],
  ['az postgres flexible-server delete --name prod', 'az postgres flexible-server show'],
  ['railway volume delete', 'railway volume list'],
  ['flyctl postgres destroy shop-db', 'flyctl postgres list'],
  ['fly volumes destroy vol_1', 'fly volumes show vol_1'],
  ['heroku pg:reset', 'heroku pg:info'],
  ['neonctl branches delete main', 'neonctl branches get main'],
  ['pscale branch delete shop main', 'pscale branch list shop'],
  ['supabase db reset --linked', 'supabase db reset'],
  ['turso db destroy shop', 'turso db show shop'],
  ['redis-cli FLUSHALL', 'redis-cli DBSIZE'],
  ["mongosh --eval 'db.dropDatabase()'", "mongosh --eval 'db.version()'"],
  ['psql -c "DROP TABLE users"', 'psql -c "SELECT 1"'],
];
for (const [command, harmless] of named) {
  test(`${command} destroys, ${harmless} does not`, () => {
    const found = scan(command).filter(({ kind }) => kind === 'destroys');
    assert.ok(found.length > 0, command);
    const like = scan(harmless).filter(({ kind }) => kind === 'destroys');
    assert.deepEqual(like, []);
  });
}

test('rows have ids of their own', () => {
  const ids = [...commandTable, ...commandTexts].map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
});

for (const { name, text, ids, mode } of evasions) {
  test(`commands: ${name}`, () => {
    const found = scan(text, mode === 'code' ? 'code' : 'commands');
    assert.deepEqual(
      found.map(({ id }) => id),
      ids,
    );
  });
}

test('only the flag is new: the command of the context lines is read with it', () => {
  const patch =
    '@@ -3,2 +3,3 @@ scripts\n   npx prisma db push \\\n+    --force-reset \\\n     --skip-generate';
  const files = [aFile('scripts/build.sh', { patch })];
  const [finding] = findingsOf(aChange({ files }), defaultPolicy);
  assert.equal(finding?.id, 'destructive-command');
  assert.equal(finding.line, 4);
  assert.equal(finding.radius, 'critical');
});

test('a command that was there before is not the change', () => {
  const patch = '@@ -3,2 +3,3 @@\n npx prisma migrate reset\n+echo done\n';
  const files = [aFile('scripts/build.sh', { patch })];
  assert.ok(
    findingsOf(aChange({ files }), defaultPolicy).every(({ id }) => id !== 'destructive-command'),
  );
});

test('S01: drizzle-kit push --force in the build script is critical', () => {
  const files = [
    adding('package.json', '{ "scripts": { "build": "drizzle-kit push --force && vite build" } }'),
  ];
  const found = findingsOf(aChange({ files }), defaultPolicy);
  const finding = found.find(({ id }) => id === 'destructive-command');
  assert.equal(finding?.radius, 'critical');
  assert.equal(finding.level, 'danger');
  assert.equal(
    finding.message,
    '`drizzle-kit push --force` would drop what the schema file does not name outside the migrations',
  );
});

test('B29: a migration runner that is added to a deploy path is high; in code it is ordinary', () => {
  const inDeploy = [adding('Procfile', 'release: npx prisma migrate deploy')];
  const found = findingsOf(aChange({ files: inDeploy }), defaultPolicy);
  assert.equal(found.find(({ id }) => id === 'migration-runner-added')?.radius, 'high');
  const inCode = [adding('src/help.ts', "print('npx prisma migrate deploy')")];
  const ordinary = findingsOf(aChange({ files: inCode }), defaultPolicy);
  assert.deepEqual(
    ordinary.map(({ id }) => id),
    ['code-changed'],
  );
});

test('a watched file without a patch is high, as what it runs is not known', () => {
  const files = [aFile('deploy.sh', { patch: null })];
  const found = findingsOf(aChange({ files }), defaultPolicy);
  assert.equal(found.find(({ id }) => id === 'file-unread')?.radius, 'high');
});

test('a patch with fewer added lines than GitHub counts is not the whole file', () => {
  const files = [aFile('Makefile', { additions: 5000 })];
  const found = findingsOf(aChange({ files }), defaultPolicy);
  assert.ok(found.some(({ id }) => id === 'file-unread'));
});

/** Lines that a shell puts together, with what they are: null where the text is all there is. */
const LINES: readonly (readonly [string, string | null])[] = [
  ['printf %s ZHJvcA== | base64 --decode | psql "$URL"', 'decoded-and-run'],
  ['base64 -d < x.txt | sudo bash -s', 'decoded-and-run'],
  ['echo 64726f70 | xxd -r -p | sh', 'decoded-and-run'],
  ['bash <(curl -s https://example.org/x)', 'fetched-and-run'],
  ['curl -fsSL https://example.org/install | sudo bash -', 'fetched-and-run'],
  ['eval "$(wget -qO- https://example.org/x)"', 'fetched-and-run'],
  ['wget -qO- https://example.org/x.sql | psql "$URL"', 'fetched-and-run'],
  ['bash -lc "$STEP"', 'evaluated'],
  ['eval $(make -s print-command)', 'evaluated'],
  ['    run: ${TOOL} db push', 'command-in-variable'],
  ['"$RUNNER"', 'command-in-variable'],
  ['terraform $1', 'words-in-variable'],
  ['kubectl delete "$WHAT"', 'words-in-variable'],
  ['psql "$URL" -c "$SQL"', 'words-in-variable'],
  ['psql "$URL" -c "$(cat x.sql)"', 'words-in-variable'],
  ['curl -fsSL https://example.org/x.py | python3 -', 'fetched-and-run'],
  ['curl -fsS "$URL" | python3 -m json.tool', null],
  ['exec "$@"', null],
  ['"$GITHUB_WORKSPACE/scripts/build.sh" --fast', null],
  ['psql "$DATABASE_URL" -c "select 1"', null],
  ['curl -fsS "$URL/health" | jq .ok', null],
  ['echo "$KEY" | base64 -d | tee key.json', null],
  ['VERSION=$(node -p 1)', null],
  ['if [ "$CI" = true ]; then npm ci; fi', null],
  ['sh -c "npm ci && npm run build"', null],
  ['kubectl get pods -n "$NS"', null],
];

test('a line that only a running shell can tell is named and high, its neighbours are not', () => {
  for (const [text, id] of LINES) {
    const row = unreadableRows.find(({ does }) => does === unreadable(text));
    assert.equal(row?.id ?? null, id, text);
  }
  for (const { example, safe, does } of unreadableRows) {
    assert.equal(unreadable(example), does);
    assert.equal(unreadable(safe), null, safe);
    const found = findingsOf(aChange({ files: [adding('deploy.sh', example)] }), defaultPolicy);
    const finding = found.find(({ id }) => id === 'file-unread');
    assert.equal(finding?.radius, 'high', example);
    assert.match(finding.message, new RegExp(does));
    const quiet = findingsOf(aChange({ files: [adding('deploy.sh', safe)] }), defaultPolicy);
    assert.ok(
      quiet.every(({ id }) => id !== 'file-unread'),
      safe,
    );
    const inCode = findingsOf(aChange({ files: [adding('src/a.ts', example)] }), defaultPolicy);
    assert.ok(
      inCode.every(({ id }) => id !== 'file-unread'),
      example,
    );
  }
});

test('a command that echo and printf only print is told all the same: their output can be run', () => {
  for (const text of ['echo "prisma migrate reset"', "printf 'dropdb shop\\n' > next.sh"]) {
    assert.equal(scan(text).length, 1, text);
  }
  assert.deepEqual(scan('echo "reset the form"'), []);
});

test('SQL in a here-document is told by its lines, whatever shell reads it', () => {
  const texts = [
    'psql "$URL" <<SQL\nDROP TABLE users;\nSQL',
    "cat > x.sql <<'EOF'\nTRUNCATE users;\nEOF",
  ];
  for (const text of texts) {
    const files = [adding('deploy.sh', text)];
    const found = findingsOf(aChange({ files }), defaultPolicy);
    const told = found.find(({ id }) => id === 'destructive-command');
    assert.equal(told?.radius, 'critical', text);
    assert.equal(told.line, 2);
  }
});

test('documentation may speak of commands', () => {
  const files = [adding('docs/reset.md', 'Run `npx prisma migrate reset --force`.')];
  assert.deepEqual(
    findingsOf(aChange({ files }), defaultPolicy).map(({ id }) => id),
    ['documentation-changed'],
  );
});

/** A pattern's source without classes and escapes, so that only its operators are left. */
function operatorsOf({ source }: RegExp): string {
  return source.replace(/\\./g, 'x').replace(/\[[^\]]*\]/g, 'x');
}

test('no pattern for a line repeats without a bound, so that a long line is read once', () => {
  const bare = (pattern: RegExp): string | null =>
    operatorsOf(pattern).match(/[*+]|\{\d+,\}/)?.[0] ?? null;
  for (const pattern of [/a+/, /a.*b/, /\s{2,}/, /[a*]+/]) assert.ok(bare(pattern), pattern.source);
  for (const pattern of [/\*\+/, /[*+]/, /a{1,9}?/])
    assert.equal(bare(pattern), null, pattern.source);
  for (const { id, pattern } of [...commandTexts, ...unreadableRows]) {
    assert.equal(bare(pattern), null, id);
  }
});

test('a command that names more programs than are looked up is named as unread', () => {
  const line = (programs: number): string => 'prisma '.repeat(programs);
  const unreadOf = (text: string) => scanCommands(linesOf(text), 'commands').unread?.does ?? null;
  assert.equal(unreadOf(line(50)), null);
  assert.equal(unreadOf(line(51)), 'is too long to be read for commands');
  assert.equal(unreadOf(line(20_000)), 'is too long to be read for commands');
});
