/** The policy that `init` proposes: the built-in default, with what was found, explained. */
import { defaultEnvironmentRule } from '../../core/policy-default.ts';
import { counted } from '../../core/words/text.ts';
import type { Found } from './found.ts';

/** A text as YAML: JSON's form of a string is YAML's double-quoted one. */
function quoted(text: string): string {
  return /^[a-z][\w-]*$/i.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text);
}

function list(texts: readonly string[]): string {
  return `[${texts.map(quoted).join(', ')}]`;
}

/** One line of a comment; what was found cannot end it. */
function comment(text: string): string {
  return `# ${text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')}`;
}

function agents(found: Found): readonly string[] {
  const seen = found.agents.map(({ name, commits }) => `${name} (${commits})`).join(', ');
  const [first] = found.agents;
  const head =
    first === undefined
      ? [
          comment(
            `No known agent was seen in ${counted(found.commitsRead, 'commit')}. Known ones are`,
          ),
          comment('recognised without being named here; name your own, and who operates them.'),
        ]
      : [
          comment(`Seen in the last ${counted(found.commitsRead, 'commit')}: ${seen}.`),
          comment(
            'Known agents are recognised without being named here. Name the people who operate',
          ),
          comment('one: they cannot approve its work.'),
        ];
  return [
    ...head,
    '# agents:',
    comment(`  - name: ${first?.name ?? 'acme-coder'}`),
    '#     operators: [your-login]',
  ];
}

function environments(found: Found): readonly string[] {
  const match = [...defaultEnvironmentRule.match, ...found.alsoProduction];
  const lines = ['environments:', '  production:'];
  if (found.guarded.length > 0) {
    lines.push(`    ${comment(`Workflow files name: ${found.guarded.join(', ')}.`)}`);
  } else {
    lines.push('    # No workflow file names one of these environments yet.');
  }
  if (found.alsoProduction.length > 0) {
    const names = found.alsoProduction.join(', ');
    lines.push(`    ${comment(`Added, as the name reads like production: ${names}.`)}`);
  }
  if (found.others.length > 0) {
    lines.push(
      `    ${comment(`Not guarded: ${found.others.join(', ')}. Add what reaches production.`)}`,
    );
  }
  lines.push(`    match: ${list(match)}`);
  const before = found.before.length > 0 ? list(found.before) : '[staging]';
  lines.push(
    '    # The same commit must have been deployed there successfully first:',
    `    # after: ${before.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')}`,
    '    # How many independent people must approve, by blast radius, and for how long it counts.',
    '    # `teams: [platform]` asks for a member of a team, `allOf` for one of each.',
    '    reviews:',
    '      low:      { count: 1, maxAge: 14d }',
    '      medium:   { count: 1, maxAge: 7d }',
    '      high:     { count: 1, maxAge: 3d }',
    '      critical: { count: 2, maxAge: 1d }',
    '    # freeze:',
    '    #   - { name: weekends, weekly: { from: "Fri 18:00", to: "Mon 07:00" }, timeZone: Europe/Berlin }',
    '    # breakGlass: { teams: [sre], count: 2, lasts: 60m, reviewWithin: 24h }',
  );
  return lines;
}

function migrations(found: Found): readonly string[] {
  if (found.folders.length === 0) {
    return [
      '# No migrations were found. If there are some, name their folder and framework:',
      '# migrations:',
      '#   folders: [{ path: db/migrations, framework: plain }]',
    ];
  }
  const rows = found.folders.map(({ path, framework }) => {
    const folder = JSON.stringify(path === '' ? '.' : path);
    return comment(`  - { path: ${folder}, framework: ${framework} }`);
  });
  const head = [
    '# Migrations are found by themselves; here is what was found. Uncomment `folders` to allow',
    '# these alone.',
  ];
  const about = '# Major version of the production server, for dry runs.';
  const [version, ...others] = found.postgres;
  if (version === undefined || others.length > 0) {
    const inside = ['# folders:', ...rows, about, '# postgres: 17'];
    return [...head, '# migrations:', ...inside.map((one) => one.replace('#', '#  '))];
  }
  const from = comment(`Taken from ${version.path}: correct it if production differs.`);
  const inside = ['# folders:', ...rows, about, from, `postgres: ${version.major}`];
  return [...head, 'migrations:', ...inside.map((one) => `  ${one}`)];
}

/** The file's text. `schemaUrl` is where editors find the schema. */
export function policyText(found: Found, schemaUrl: string): string {
  const lines = [
    `# yaml-language-server: $schema=${schemaUrl}`,
    '# Who must review what before it is deployed. Everything is optional: what is left out has the',
    "# built-in default, which the values below repeat. The default branch's file speaks, so a",
    '# change to it is itself reviewed at the highest level.',
    '# Check it with: npx tagout policy validate',
    'version: 1',
    '',
    ...agents(found),
    '',
    ...environments(found),
    '',
    ...migrations(found),
    '',
    '# Work of a suspended agent holds at once:',
    '# suspended: [agent-name]',
  ];
  return `${lines.join('\n')}\n`;
}
