/** The register for a terminal: one paragraph for each deployment, and the count of each kind. */
import { counted, line, time } from '../core/words/text.ts';
import type { DeploymentRow, Disposition, ReportPerson, ReportWish } from '../store/report.ts';

/** What the report is about. */
export function periodText({ fromMs, toMs, repo }: ReportWish): string {
  const from = fromMs === null ? 'the first event' : time(fromMs);
  const to = toMs === null ? 'now' : time(toMs);
  const where = repo === null ? '' : ` of ${line(repo, 200)}`;
  return `Production deployments${where} from ${from} until ${to}\n\n`;
}

const HEADLINE: Readonly<Record<Disposition, string>> = {
  approved: 'released with approval',
  none: 'RELEASED WITHOUT ANY APPROVAL',
  refused: 'refused',
  waiting: 'held, not released',
};

/** One deployment; whatever a person or an agent wrote is made one visible line. */
export function deploymentText(row: DeploymentRow): string {
  const head = `${time(row.releasedAtMs ?? row.firstDecidedAtMs)}  ${HEADLINE[row.disposition]}`;
  const fields: readonly (readonly [string, string])[] = [
    ['what', `${line(row.repo, 200)} to ${line(row.environment, 100)}, run ${row.runId}`],
    ['commit', `${row.sha.slice(0, 12)}${pullsText(row)}`],
    ['requested', `${personText(row.requester)}, ${time(row.requestedAtMs)}`],
    ['written by', [row.origin, ...row.agents.map((agent) => line(agent, 60))].join(', ')],
    ['risk', `blast radius ${row.blastRadius}, dry run ${row.dryRun}`],
    ...row.approvers.map((one) => ['approved', approverText(one)] as const),
    ...(row.approvers.length === 0 ? [['approved', 'by nobody'] as const] : []),
    ...row.refused.map(
      ({ person, codes }) => ['refused', `${personText(person)} (${codes.join(', ')})`] as const,
    ),
    ...(row.codes.length === 0 ? [] : [['held by', [...new Set(row.codes)].join(', ')] as const]),
    ['proof', proofText(row)],
  ];
  const lines = fields.map(([name, value]) => `  ${name.padEnd(10)} ${value}\n`);
  return `${head}\n${lines.join('')}\n`;
}

function pullsText(row: DeploymentRow): string {
  const pulls = row.pulls.map((pull, at) => {
    const title = row.titles[at];
    return title === null || title === undefined ? `#${pull}` : `#${pull} ${line(title, 80)}`;
  });
  return pulls.length === 0 ? ', no reviewed pull request' : `, ${pulls.join('; ')}`;
}

function personText(person: ReportPerson | null): string {
  if (person === null) return 'unknown';
  return person.login === null ? `account ${person.id ?? 'unknown'}` : line(person.login, 60);
}

function approverText(one: DeploymentRow['approvers'][number]): string {
  const pull = one.pull === null ? '' : ` on #${one.pull}`;
  const independent = one.independent ? '' : ', NOT INDEPENDENT';
  const at = `${one.reviewedSha.slice(0, 12)}${pull}, ${time(one.submittedAtMs)}`;
  return `by ${personText(one)} at ${at}${independent}`;
}

function proofText(row: DeploymentRow): string {
  const place = row.leafIndex === null ? 'not sealed yet' : `sealed at leaf ${row.leafIndex}`;
  return `event ${row.eventId}, ${place}`;
}

export type Tally = Readonly<Record<Disposition, number>>;

/** Nothing counted so far. */
export function emptyTally(): Tally {
  return { approved: 0, none: 0, refused: 0, waiting: 0 };
}

/** The tally with one deployment more. */
export function tallied(tally: Tally, row: DeploymentRow): Tally {
  return { ...tally, [row.disposition]: tally[row.disposition] + 1 };
}

/** The last line of the report. */
export function tallyText(tally: Tally): string {
  const all = tally.approved + tally.none + tally.refused + tally.waiting;
  return (
    `${counted(all, 'deployment')}: ${tally.approved} with approval, ` +
    `${tally.none} without any, ${tally.refused} refused, ${tally.waiting} held\n`
  );
}
