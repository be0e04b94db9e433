/** Posture of the app itself: what it may do, what it hears, and whether GitHub reaches it. */
import type {
  AppFacts,
  DeliveryFact,
  InstallationFacts,
  PostureFinding,
  Wanted,
} from './posture.ts';
import { duration, line, list, time } from './words/text.ts';

/** A token that is signed with a clock this far off is refused by GitHub. */
const CLOCK_LIMIT_MS = 60_000;
const CLOCK_ADVICE_MS = 10_000;

const RANK: Readonly<Record<string, number>> = { read: 1, write: 2, admin: 3 };

function rank(level: string | undefined): number {
  return level === undefined ? 0 : (RANK[level] ?? 0);
}

interface Held {
  readonly permissions: Readonly<Record<string, string>>;
  readonly events: readonly string[];
}

/** What is asked for and not held: `checks: write`, `event push`. */
function lacking(held: Held, wanted: Wanted): readonly string[] {
  const permissions = Object.entries(wanted.permissions)
    .filter(([name, level]) => rank(held.permissions[name]) < rank(level))
    .map(([name, level]) => `${name}: ${level}`);
  const events = wanted.events
    .filter((event) => !held.events.includes(event))
    .map((event) => `event ${event}`);
  return [...permissions, ...events];
}

/** What is held and not asked for: a stolen key would reach further than needed. */
function tooMuch(held: Held, wanted: Wanted): readonly string[] {
  return Object.entries(held.permissions)
    .filter(([name, level]) => rank(level) > rank(wanted.permissions[name]))
    .map(([name, level]) => `${name}: ${level}`);
}

function rights(app: AppFacts, wanted: Wanted): readonly PostureFinding[] {
  const about = `app ${app.slug}`;
  const mend = { place: `${app.settingsUrl}/permissions`, command: null };
  const missing = lacking(app, wanted);
  const extra = tooMuch(app, wanted);
  const findings: PostureFinding[] = [];
  if (missing.length > 0) {
    const says =
      `The app lacks ${list(missing)}, which app.yml asks for: what needs it holds or is not ` +
      'seen. Add it; each installation must then accept it.';
    findings.push({ id: 'app-lacks-rights', level: 'open', about, says, mend });
  }
  if (extra.length > 0) {
    const says =
      `The app holds ${list(extra)}, more than app.yml asks for: whoever takes its key could do ` +
      'more than Tagout ever needs. Take it away.';
    findings.push({ id: 'app-holds-too-much', level: 'advice', about, says, mend });
  }
  if (findings.length > 0) return findings;
  const says = 'Permissions and events are those of app.yml.';
  return [{ id: 'app-rights', level: 'guarded', about, says, mend: null }];
}

function webhook(app: AppFacts, wanted: Wanted): PostureFinding {
  const about = `app ${app.slug} webhook`;
  const mend = { place: app.settingsUrl, command: null };
  if (!app.webhook.seen) {
    const says = `The webhook's settings could not be read: ${app.webhook.why}`;
    return { id: 'webhook-unseen', level: 'unknown', about, says, mend };
  }
  const { url, checksTls } = app.webhook.value;
  const shown = line(url, 200);
  if (!checksTls || !url.startsWith('https:')) {
    const says =
      `Webhooks go to ${shown} without a checked certificate: whoever is between can keep them ` +
      'back. Use https with SSL verification.';
    return { id: 'webhook-not-safe', level: 'open', about, says, mend };
  }
  if (wanted.webhookUrl !== null && url.replace(/\/+$/, '') !== wanted.webhookUrl) {
    const says =
      `Webhooks go to ${shown}, but this server expects them at ${wanted.webhookUrl}: until one ` +
      'of the two is changed, gates wait without an answer.';
    return { id: 'webhook-elsewhere', level: 'open', about, says, mend };
  }
  const says = `Webhooks go to ${shown}.`;
  return { id: 'webhook', level: 'guarded', about, says, mend: null };
}

function failed(delivery: DeliveryFact): boolean {
  return delivery.statusCode < 200 || delivery.statusCode >= 300;
}

function told({ event, statusCode, status, deliveredAtMs }: DeliveryFact): string {
  const answer = statusCode === 0 ? line(status, 80) : `${statusCode}`;
  return `${line(event, 60)} at ${time(deliveredAtMs)} (${answer})`;
}

function deliveries(app: AppFacts): PostureFinding {
  const about = `app ${app.slug} deliveries`;
  const mend = { place: `${app.settingsUrl}/advanced`, command: null };
  if (!app.deliveries.seen) {
    const says = `Recent deliveries could not be read: ${app.deliveries.why}`;
    return { id: 'deliveries-unseen', level: 'unknown', about, says, mend };
  }
  const all = app.deliveries.value;
  const [newest] = all;
  if (newest === undefined) {
    const says =
      'GitHub has sent nothing in the last days. If something happened there, the webhook is ' +
      'switched off; if nothing did, open a pull request and look again.';
    return { id: 'deliveries-none', level: 'advice', about, says, mend };
  }
  const bad = all.filter(failed);
  if (failed(newest)) {
    const says =
      `GitHub did not get through with its newest delivery, ${told(newest)}: what it said is not ` +
      'judged, and its gates wait. Start the server or open the way to it, then redeliver.';
    return { id: 'deliveries-fail', level: 'open', about, says, mend };
  }
  if (bad.length > 0) {
    const says =
      `${bad.length} of the last ${all.length} deliveries did not get through, as ` +
      `${told(bad[0] ?? newest)}. Redeliver them if a gate or a check waits.`;
    return { id: 'deliveries-failed', level: 'advice', about, says, mend };
  }
  const says = `The last ${all.length} deliveries got through, the newest ${told(newest)}.`;
  return { id: 'deliveries', level: 'guarded', about, says, mend: null };
}

function clock(app: AppFacts): PostureFinding {
  const about = "this machine's clock";
  const off = Math.abs(app.clockSkewMs);
  const way = app.clockSkewMs > 0 ? 'ahead of' : 'behind';
  const mend = {
    place: 'time synchronisation of this machine',
    command: 'timedatectl set-ntp true',
  };
  if (off < CLOCK_ADVICE_MS) {
    const says = "It agrees with GitHub's.";
    return { id: 'clock', level: 'guarded', about, says, mend: null };
  }
  const says =
    `It is ${duration(off)} ${way} GitHub's. GitHub refuses tokens from a clock that is a minute ` +
    'off, and times in the audit log are wrong.';
  return { id: 'clock-off', level: off < CLOCK_LIMIT_MS ? 'advice' : 'open', about, says, mend };
}

/** Findings about the app, in the order in which a reader wants them. */
export function judgeApp(app: AppFacts, wanted: Wanted): readonly PostureFinding[] {
  return [...rights(app, wanted), webhook(app, wanted), deliveries(app), clock(app)];
}

/** Findings about one installation. */
export function judgeInstallation(
  one: InstallationFacts,
  wanted: Wanted,
): readonly PostureFinding[] {
  const about = `installation on ${one.account}`;
  const mend = { place: one.settingsUrl, command: null };
  if (one.suspended) {
    const says =
      'The installation is suspended: Tagout sees and answers nothing there, so gates wait until ' +
      'GitHub gives up, and checks stay as they were. Unsuspend it.';
    return [{ id: 'installation-suspended', level: 'open', about, says, mend }];
  }
  const missing = lacking(one, wanted);
  if (missing.length > 0) {
    const says =
      `The installation has not been given ${list(missing)}. An owner accepts the request on the ` +
      "installation's page.";
    const which = list(missing);
    return [{ id: 'installation-lacks-rights', level: 'open', about, says, mend, which }];
  }
  if (!one.everyRepository) {
    const says =
      'The app is installed on selected repositories only. What deploys from any other one, and ' +
      'every repository made from now on, is not seen.';
    return [{ id: 'installation-selected', level: 'advice', about, says, mend }];
  }
  const says = 'The app is installed on every repository, with all its rights.';
  return [{ id: 'installation', level: 'guarded', about, says, mend: null }];
}
