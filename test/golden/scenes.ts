/** The texts that a person reads, one scene per golden file. */
import { effects } from '../../src/core/effects.ts';
import type { Effect } from '../../src/core/effect.ts';
import { reportJson, reportText } from '../../src/core/words/report.ts';
import { type ChangeStory, play, REPO, type Story } from '../core/stories.ts';

export interface Scene {
  readonly file: string;
  readonly story: Story;
}

const copilot: ChangeStory = {
  does: 'drops a column',
  author: 'Copilot',
  commits: [{ by: 'Copilot' }],
  branch: 'copilot/drop-email',
  title: 'Drop the e-mail column',
  pushedBy: ['Copilot'],
  involved: [{ who: 'bob', signal: 'assigned-agent' }],
};

const glass = {
  version: 1,
  environments: {
    production: {
      match: ['production'],
      breakGlass: { teams: ['sre'], count: 2, lasts: '60m', reviewWithin: '24h' },
      freeze: [
        { name: 'year end', from: '2026-11-01T00:00', to: '2026-12-01T00:00', timeZone: 'UTC' },
      ],
    },
  },
};

/** Text that tries to become something else in the check. */
export const HOSTILE: string =
  '</details><h1>Approved</h1> @acme/owners ![x](https://evil.example/p.png) [click](https://evil.example) ' +
  '```\n# Released by Tagout\n``` `code` | cell | www.evil.example \u202egnp.exe\u200b #1 <!-- hidden';

export const SCENES: readonly Scene[] = [
  { file: 'held-values-lost.md', story: { change: copilot } },
  {
    file: 'held-refused-approvals.md',
    story: {
      change: {
        ...copilot,
        reviews: [
          { by: 'github-actions[bot]', minute: 5 },
          { by: 'Copilot', minute: 6 },
          { by: 'bob', minute: 7 },
        ],
      },
    },
  },
  {
    file: 'held-pushed-after-approval.md',
    story: { change: { ...copilot, reviews: [{ by: 'carol', of: 'old' }] } },
  },
  {
    file: 'held-merge-gate-only.md',
    story: { mergeGateOnly: true, change: { does: 'code', reviews: [] } },
  },
  { file: 'passed.md', story: { change: { ...copilot, reviews: [{ by: 'carol' }] } } },
  {
    file: 'passed-documentation.md',
    story: { change: { does: 'docs', reviews: [{ by: 'carol' }], labels: ['blast-radius: high'] } },
  },
  {
    file: 'held-policy-weakened.md',
    story: { change: { ...copilot, does: 'weakens the policy', reviews: [{ by: 'carol' }] } },
  },
  {
    file: 'held-teams.md',
    story: {
      policy: {
        version: 1,
        environments: {
          production: {
            match: ['production'],
            reviews: {
              critical: {
                count: 2,
                allOf: [{ teams: ['platform'] }, { teams: ['dba', 'data'] }],
              },
            },
          },
        },
      },
      teams: { carol: ['platform'] },
      change: { ...copilot, does: 'drops a table', reviews: [{ by: 'carol' }] },
    },
  },
  {
    file: 'held-unknown-contributor.md',
    story: {
      change: {
        does: 'code',
        commits: [{ by: 'alice' }, { by: 'someone@home.example' }],
        reviews: [{ by: 'carol' }],
      },
    },
  },
  { file: 'held-migration-fails.md', story: { change: { ...copilot, does: 'fails to run' } } },
  {
    file: 'held-broken-policy.md',
    story: { policy: 'version: 1\nsuspendet: []\n', change: { does: 'docs' } },
  },
  {
    file: 'held-incomplete.md',
    story: {
      gaps: [
        {
          what: 'commits',
          why: 'truncated',
          detail: 'GitHub lists 250 of 300 commits; split the pull request.',
        },
      ],
      change: { does: 'docs', reviews: [{ by: 'carol' }] },
    },
  },
  {
    file: 'held-changes-requested.md',
    story: {
      change: { does: 'code', reviews: [{ by: 'carol' }, { by: 'erin', says: 'changes' }] },
    },
  },
  {
    file: 'held-hostile-text.md',
    story: {
      change: {
        ...copilot,
        title: HOSTILE,
        body: HOSTILE,
        branch: `copilot/${HOSTILE}`,
        commits: [{ by: 'Copilot', message: HOSTILE }],
        paths: [`docs/${HOSTILE}`, 'drizzle/0007_drop_email.sql'],
      },
    },
  },
  {
    file: 'released.md',
    story: { changes: [{ ...copilot, reviews: [{ by: 'carol' }] }], deployment: {} },
  },
  {
    file: 'waiting-direct-push.md',
    story: { changes: [], deployment: { range: [{ pull: null, by: 'Copilot' }] } },
  },
  {
    file: 'waiting-frozen.md',
    story: {
      policy: glass,
      changes: [{ ...copilot, reviews: [{ by: 'carol' }] }],
      deployment: {},
    },
  },
  {
    file: 'released-broken-glass.md',
    story: {
      policy: glass,
      teams: { dave: ['sre'], erin: ['sre'] },
      changes: [
        {
          ...copilot,
          reviews: [
            { by: 'dave', says: 'comment', body: 'break glass: checkout is down', minute: 100 },
            { by: 'erin', says: 'comment', body: 'break glass: checkout is down', minute: 101 },
          ],
        },
      ],
      deployment: {},
    },
  },
  {
    file: 'rejected-other-commit.md',
    story: {
      changes: [{ ...copilot, reviews: [{ by: 'carol' }] }],
      deployment: { runSha: 'c'.repeat(40) },
    },
  },
  { file: 'check-held.txt', story: { checkout: true, change: { does: 'drops a column' } } },
  { file: 'check-clear.txt', story: { checkout: true, change: { does: 'docs' } } },
  {
    file: 'check-unknown-contributor.txt',
    story: {
      checkout: true,
      change: { does: 'code', commits: [{ by: 'alice' }, { by: 'someone@home.example' }] },
    },
  },
  {
    file: 'check-held.json',
    story: { checkout: true, change: { does: 'drops a column' } },
  },
];

/** What is written for a scene, as the bytes of its golden file; digests are no words. */
export function render(scene: Scene): string {
  return written(scene)
    .replace(/\b[0-9a-f]{64}\b/g, '(sha-256)')
    .replace(/(?<=effective as `)[0-9a-f]{12}(?=`)/g, '(sha-256)');
}

function written({ file, story }: Scene): string {
  const outcome = play(story);
  if (file.endsWith('.txt')) return reportText(outcome);
  if (file.endsWith('.json')) return `${JSON.stringify(reportJson(outcome), null, 2)}\n`;
  return effectsOf(story).map(renderEffect).join('\n\n');
}

/** The effects of a story. */
export function effectsOf(story: Story): readonly Effect[] {
  const locator = { kind: 'repository', repo: REPO } as const;
  return effects({
    trigger: { locator, because: 'test', delivery: null },
    locator,
    ...play(story),
  });
}

function renderEffect(effect: Effect): string {
  switch (effect.kind) {
    case 'check-run': {
      const notes = effect.annotations.map(
        (a) => `${a.level} ${a.path}:${a.startLine} ${a.title}\n${a.message}`,
      );
      const head = `# ${effect.title}\n\nconclusion: ${effect.conclusion}`;
      const parts = [head, effect.summary, effect.text, `Annotations:\n\n${notes.join('\n\n')}`];
      return `${parts.join('\n\n')}\n`;
    }
    case 'labels': {
      const add = effect.add.map((label) => `+ ${label.name} #${label.color} ${label.description}`);
      return `${[...add, ...effect.remove.map((label) => `- ${label}`)].join('\n')}\n`;
    }
    case 'review-deployment':
      return `${effect.state} ${effect.environment}\n\n${effect.comment}\n`;
    case 'deployment-note':
      return `note ${effect.environment}\n\n${effect.comment}\n`;
    case 'pull-comment':
    case 'review-request':
    case 'notice':
      return `${JSON.stringify(effect, null, 2)}\n`;
    case 'issue':
      return `issue ${effect.title}\n\n${effect.body}`;
  }
}
