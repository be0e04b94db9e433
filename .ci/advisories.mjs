// Asks the registry for advisories on what the server runs (`npm audit --omit=dev`). A high or
// critical one fails. A registry that does not answer the question (offline, a mirror) fails
// nothing, and it is said that nothing is known: an outage elsewhere must not stop a mend from going out.
import { spawnSync } from 'node:child_process';

const TIME_LIMIT_MS = 60_000;

function asked() {
  const run = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
    encoding: 'utf8',
    timeout: TIME_LIMIT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  try {
    return { report: JSON.parse(run.stdout), why: '' };
  } catch {
    return { report: null, why: run.error?.message ?? `npm ended with ${run.status}` };
  }
}

/** Counts by severity, or null when the answer is not a report. */
function countsOf(report) {
  const counts = report?.metadata?.vulnerabilities;
  const whole = ['low', 'moderate', 'high', 'critical'].every((name) =>
    Number.isInteger(counts?.[name]),
  );
  return whole && typeof report.vulnerabilities === 'object' ? counts : null;
}

function lineOf({ name, severity, via }) {
  const about = via.map((one) => (typeof one === 'string' ? one : `${one.title} ${one.url}`));
  return `  ${severity}: ${name}: ${about.join('; ')}\n`;
}

const { report, why } = asked();
const counts = countsOf(report);
if (counts === null) {
  const said = report?.message ?? report?.error?.summary ?? why;
  process.stdout.write(
    `Advisories: the registry could not be asked (${String(said).split('\n')[0]}); nothing is known.\n`,
  );
} else {
  const grave = Object.values(report.vulnerabilities).filter(({ severity }) =>
    ['high', 'critical'].includes(severity),
  );
  process.stdout.write(
    `Advisories on what the server runs: ${counts.critical} critical, ${counts.high} high, ` +
      `${counts.moderate} moderate, ${counts.low} low.\n${grave.map(lineOf).join('')}`,
  );
  if (counts.high + counts.critical > 0) process.exitCode = 1;
}
