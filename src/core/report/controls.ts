/** Which table supports which control. A record supports a control; it never is compliance. */
import type { Told } from './period.ts';

interface Control {
  readonly framework: string;
  readonly control: string;
  readonly supports: string;
  readonly files: readonly string[];
}

const CONTROLS: readonly Control[] = [
  {
    framework: 'SOC 2',
    control: 'CC8.1',
    supports: 'changes are documented, tested, approved by somebody else, and then deployed',
    files: ['deployments.csv', 'exceptions.csv', 'policy_changes.csv', 'posture.csv'],
  },
  {
    framework: 'ISO/IEC 27001:2022',
    control: 'A.8.32, A.8.31, A.5.3',
    supports: 'a complete register of changes, each authorised by an independent person',
    files: ['deployments.csv', 'population.csv', 'exceptions.csv'],
  },
  {
    framework: 'PCI DSS 4.0.1',
    control: '6.5.1, 6.5.4, 10.2.1.3',
    supports:
      'documented approval and testing; only reviewed changes are deployed; access is logged',
    files: ['deployments.csv', 'exceptions.csv', 'access.csv'],
  },
  {
    framework: 'SOX ITGC',
    control: 'change management',
    supports: 'a population from the system itself, and a sample that neither side can choose',
    files: ['population.csv', 'samples.csv', 'queries.sql'],
  },
  {
    framework: 'NIST SP 800-53 rev. 5',
    control: 'CM-3, CM-3(2), CM-4, CM-5(1), AU-3, AU-9(2), AU-9(3), AU-10, AC-5, AC-6(9)',
    supports: 'review, test and impact before the change; records protected by cryptography',
    files: ['deployments.csv', 'events.jsonl', 'checkpoints.txt', 'access.csv'],
  },
  {
    framework: 'DORA RTS 2024/1774',
    control: 'Article 17',
    supports: 'approving is independent of requesting; emergency changes are shown apart',
    files: ['deployments.csv', 'approvers.csv', 'break_glass.csv'],
  },
  {
    framework: 'EU AI Act',
    control: 'Articles 12, 14, 19, 26',
    supports: 'automatic logs of an agent’s work and of the people who oversaw it',
    files: ['agents.csv', 'approvers.csv', 'events.jsonl'],
  },
];

/** The map as a value; `exceptions` are those of the period, whatever the control. */
export function controlsOf({ summary, population, differences }: Told): unknown {
  return {
    note:
      'These files support the named controls. Whether a control is met is for its auditor to ' +
      'say; a deployment gate covers no control by itself.',
    exceptions: summary.exceptions,
    exceptionsByType: Object.fromEntries(summary.exceptionTypes),
    compared: population !== null,
    differences: differences.length,
    controls: CONTROLS,
  };
}

/** The same for a page. */
export const CONTROL_ROWS: readonly (readonly [string, string, string, string])[] = CONTROLS.map(
  ({ framework, control, supports, files }) => [framework, control, supports, files.join(', ')],
);
