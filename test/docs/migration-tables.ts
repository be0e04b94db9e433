/** The generated parts of docs/migrations.md, each made from the code or the cases it speaks of. */
import { commandTable } from '../../src/core/commands.ts';
import { commandTexts } from '../../src/core/commands/texts.ts';
import type { Framework } from '../../src/migrations/framework.ts';
import { frameworks } from '../../src/migrations/frameworks.ts';
import { firstVerdicts } from '../migrations/verdicts-first.ts';
import { type CaseName, cases } from '../migrations/runner-cases.ts';
import { runnerTable } from '../migrations/runner-table.ts';
import { moreVerdicts } from '../migrations/verdicts-more.ts';
import { CASES } from '../sandbox/observation-cases.ts';
import type { Case } from '../sandbox/observation-pairs.ts';
import { STATEMENT_CASES, WORDS } from '../sandbox/statement-cases.ts';

const cell = (text: string): string => text.replace(/\s+/g, ' ').trim().replaceAll('|', '\\|');
const code = (text: string): string => `\`${cell(text).replaceAll('`', "'")}\``;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

function observation({ name, sql, data = [], objects = [] }: Case): readonly string[] {
  const seen = [...data, ...objects];
  const shown = seen.length === 0 ? 'nothing' : seen.slice(0, 3).map(cell).join('<br>');
  const more = seen.length > 3 ? `<br>and ${seen.length - 3} more` : '';
  return [cell(name), code(sql), shown + more];
}

function caseOf(name: string): Case {
  const found = CASES.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no case "${name}"`);
  return found;
}

/** Every observation with the case that shows it and the twin that shows nothing. */
function words(): readonly (readonly string[])[] {
  const statements = STATEMENT_CASES.map(({ name, sql, shown, twin, twinShown }) => [
    `of a statement: ${name}`,
    `${code(sql)}: ${cell(shown)}`,
    `${code(twin)}: ${cell(twinShown === '' ? 'nothing' : twinShown)}`,
  ]);
  const objects = WORDS.map(([word, shows, twin]) => {
    const [one, other] = [caseOf(shows), caseOf(twin)];
    const silent = (other.data ?? []).length + (other.objects ?? []).length === 0;
    if (one === other || !silent) throw new Error(`"${twin}" is no twin of "${shows}"`);
    return [word, `${cell(shows)}: ${code(one.sql)}`, code(other.sql)];
  });
  return [...statements, ...objects];
}

const SCOPE: Readonly<Record<Framework['runner']['scope'], string>> = {
  statement: 'as written',
  file: 'a file at a time',
  batch: 'all pending in one transaction',
};

function framework({ name, title, takes, runner, recipe }: Framework): readonly string[] {
  const run = recipe === undefined ? 'run' : 'code: run from a printed plan, else held';
  return [code(name), cell(title), cell(takes), `${run}; ${SCOPE[runner.scope]}`, runner.late];
}

/** Setting up and installing, for the frameworks whose programs are known. */
const INSTALL: Readonly<Record<string, readonly [uses: string, install: string]>> = {
  rails: ['ruby/setup-ruby@v1', 'bundle install'],
  alembic: ['actions/setup-python@v5', 'pip install -r requirements.txt'],
  django: ['actions/setup-python@v5', 'pip install -r requirements.txt'],
  knex: ['actions/setup-node@v4', 'npm ci'],
  typeorm: ['actions/setup-node@v4', 'npm ci && npm run build'],
  sequelize: ['actions/setup-node@v4', 'npm ci'],
  'db-migrate': ['actions/setup-node@v4', 'npm ci'],
  'node-pg-migrate-js': ['actions/setup-node@v4', 'npm ci'],
};

/** The two lines of a framework that the workflow of the page needs; empty for the others. */
export function recipeOf({ name, recipe }: Framework): string {
  const [uses, install] = INSTALL[name] ?? [];
  if (uses === undefined || install === undefined || recipe === undefined) return '';
  return [`SETUP: ${uses}`, `INSTALL: ${install}`, `MIGRATE: ${recipe}`].join('\n');
}

function recipe(each: Framework): readonly (readonly string[])[] {
  const lines = recipeOf(each);
  if (lines === '') return [];
  return [[each.title, ...lines.split('\n').map((line) => code(line.replace(/^\w+: /, '')))]];
}

/** The runner's own doing and, below it, what the plan says; a dash where the case cannot be. */
function runners(): string {
  const names = Object.keys(cases).filter((name): name is CaseName => name in cases);
  return table(
    ['framework', ...names],
    runnerTable.map(({ framework: name, cells }) => [
      code(name),
      ...names.map((each) => {
        const [outcome, ...codes] = cells[each] ?? ['–'];
        return [outcome, ...codes.map(code)].join('<br>');
      }),
    ]),
  );
}

const runnerSources = (): string =>
  table(
    ['framework', 'by'],
    runnerTable.map(({ framework: name, source }) => [code(name), cell(source)]),
  );

const runnerCases = (): string =>
  table(
    ['case', 'the change'],
    Object.entries(cases).map(([name, { says }]) => [name, cell(says)]),
  );

const MEANS = 'problems of the plan';

/** Each generated part by the name of its marker in docs/migrations.md. */
export function migrationTables(): Readonly<Record<string, string>> {
  const verdicts = [...firstVerdicts, ...moreVerdicts];
  const commands = commandTable.filter(({ kind }) => kind === 'destroys');
  const texts = commandTexts.filter(({ kind }) => kind === 'destroys');
  return {
    frameworks: table(
      ['name', 'framework', 'takes', 'how it is judged', 'a file that sorts before an applied one'],
      frameworks.map(framework),
    ),
    recipes: table(['framework', 'SETUP', 'INSTALL', 'MIGRATE'], frameworks.flatMap(recipe)),
    'runner-cases': runnerCases(),
    runners: runners(),
    'runner-sources': runnerSources(),
    verdicts: table(
      ['framework', 'the change', MEANS, 'run'],
      verdicts.map(({ fixture, when, problems, pending }) => [
        code(fixture),
        cell(when),
        problems.length === 0 ? 'none' : problems.map(code).join('<br>'),
        pending.length === 0 ? 'nothing' : pending.map(code).join('<br>'),
      ]),
    ),
    commands: table(
      ['found in the lines of the change', 'would', 'not found'],
      [...commands, ...texts].map(({ example, does, safe }) => [
        code(example),
        cell(does),
        code(safe),
      ]),
    ),
    words: table(['observed', 'shown by', 'and not by'], words()),
    observations: table(['case', 'SQL', 'what the dry run shows'], CASES.map(observation)),
  };
}
