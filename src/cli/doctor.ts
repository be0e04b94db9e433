/** `tagout doctor`: what is guarded and what is not, with the place where each gap is mended. */
import { CHECK_NAME } from '../core/effects.ts';
import { TagoutError } from '../core/errors.ts';
import { defaultPolicy } from '../core/policy-default.ts';
import { isGuarded } from '../core/posture.ts';
import type { AppFacts, PostureFinding, RepositoryPosture, Wanted } from '../core/posture.ts';
import { judgeApp, judgeInstallation } from '../core/posture-app.ts';
import { judgeRepository } from '../core/posture-repository.ts';
import type { ReadClient } from '../github/clients.ts';
import { isRefusal } from '../github/faults.ts';
import { placeOfApi } from '../github/places.ts';
import {
  readApp,
  readCovered,
  readInstallationOf,
  readInstallations,
  seen,
} from '../github/posture.ts';
import type { CoveredRepository, FoundInstallation } from '../github/posture.ts';
import { postureClients } from '../github/posture-client.ts';
import type { PostureClients } from '../github/posture-client.ts';
import { readRepositories } from '../github/posture-repository.ts';
import { WEBHOOK_PATH } from '../web/app.ts';
import { readAppManifest } from './app-manifest.ts';
import { environmentHasCredentials, withStoredCredentials } from './credentials.ts';
import { judgeMachine } from './doctor/machine.ts';
import { doctorJson, doctorText } from './doctor/report.ts';
import { EXIT } from './io.ts';
import type { Io } from './io.ts';
import { readServeSettings } from './settings.ts';
import type { ServeSettings } from './settings.ts';

export interface DoctorOptions {
  readonly org?: string;
  /** `owner/name`. */
  readonly repo?: string;
  readonly json: boolean;
}

/** Requests for one repository beside its tenth of a query, so that all are at most six. */
const BUDGET = 5;

/** Looks, prints, and answers 0 when all is guarded, 10 when not, 1 when it could not look. */
export async function doctor(options: DoctorOptions, io: Io): Promise<number> {
  const wish = wishOf(options);
  try {
    const look = await lookAt(wish, io);
    const print = options.json ? doctorJson : doctorText;
    io.out(print({ ...look, checkedAtMs: io.now() }));
    return isGuarded(look.findings) ? EXIT.allow : EXIT.hold;
  } catch (error) {
    if (!(error instanceof TagoutError) || error.code === 'usage') throw error;
    const why = isRefusal(error, 401)
      ? 'GitHub does not accept the credentials: compare APP_ID and the key with the app’s ' +
        `settings page, and this machine’s clock with GitHub’s. (${error.message})`
      : error.message;
    io.err(`tagout: could not look, so nothing is known to be guarded: ${why}\n`);
    return EXIT.fault;
  }
}

interface Wish {
  readonly org: string | null;
  readonly repo: { readonly owner: string; readonly name: string } | null;
}

function wishOf({ org, repo }: DoctorOptions): Wish {
  if (org !== undefined && !/^[\w-]{1,100}$/.test(org)) {
    throw new TagoutError('usage', '--org takes the name of an organisation, such as acme.');
  }
  if (repo === undefined) return { org: org ?? null, repo: null };
  const [, owner, name] = /^([\w-]{1,100})\/([\w.-]{1,100})$/.exec(repo) ?? [];
  if (owner === undefined || name === undefined) {
    throw new TagoutError('usage', '--repo takes owner/name, such as acme/shop.');
  }
  if (org !== undefined && org.toLowerCase() !== owner.toLowerCase()) {
    throw new TagoutError('usage', `--repo ${repo} does not belong to --org ${org}: give one.`);
  }
  return { org: owner, repo: { owner, name } };
}

export interface Look {
  readonly app: AppFacts;
  readonly githubApiUrl: string;
  readonly findings: readonly PostureFinding[];
  readonly repositories: number;
  readonly requests: number;
}

async function lookAt(wish: Wish, io: Io): Promise<Look> {
  const settings = settingsOf(io);
  const clients = postureClients(settings, io.now);
  const place = placeOfApi(settings.githubApiUrl);
  const token = (io.env['GH_TOKEN'] ?? '').trim();
  const editor = token === '' ? null : clients.person(token);
  const app = await readApp(clients.app, place, io.now);
  const wanted = wantedOf(settings);
  const installations = await installationsOf(wish, clients);
  const findings: PostureFinding[] = [...judgeApp(app, wanted)];
  const repositories: RepositoryPosture[] = [];
  if (installations.length === 0) findings.push(notInstalled(app, wish));
  for (const one of installations) {
    findings.push(...judgeInstallation(one, wanted));
    if (one.suspended) continue;
    // One installation after the other, so that GitHub's limits are not hit all at once.
    const covered = await coveredBy(one, wish, clients);
    findings.push(...covered.findings);
    repositories.push(...(await postureOf(one, covered.rows, { app, clients, wish, editor })));
  }
  findings.push(...repositories.flatMap((repo) => judgeRepository(repo, app, defaultPolicy)));
  const majors = repositories.flatMap(({ policy }) => {
    const major = policy.seen ? policy.value.policy.migrations.postgres : null;
    return major === null ? [] : [major];
  });
  findings.push(...(await judgeMachine(settings, io, majors)));
  const { githubApiUrl } = settings;
  const counts = { repositories: repositories.length, requests: clients.sent() };
  return { app, githubApiUrl, findings, ...counts };
}

function settingsOf(io: Io): ServeSettings {
  const env = withStoredCredentials(io.env, io.cwd);
  if (environmentHasCredentials(env)) return readServeSettings(env, io.cwd);
  const message =
    'there are no credentials of a GitHub App here. Run it where the server runs, with the same ' +
    'TAGOUT_DATA or the same APP_ID, PRIVATE_KEY and WEBHOOK_SECRET; `npm start` registers an app.';
  throw new TagoutError('configuration', message);
}

function wantedOf(settings: ServeSettings): Wanted {
  const manifest = readAppManifest();
  const { publicUrl } = settings;
  return {
    permissions: manifest.default_permissions,
    events: manifest.default_events,
    webhookUrl: publicUrl === null ? null : `${publicUrl}${WEBHOOK_PATH}`,
  };
}

async function installationsOf(
  { org, repo }: Wish,
  clients: PostureClients,
): Promise<readonly FoundInstallation[]> {
  if (repo !== null) {
    const one = await readInstallationOf(clients.app, repo.owner, repo.name);
    return one === null ? [] : [one];
  }
  const all = await readInstallations(clients.app);
  if (org === null) return all;
  return all.filter(({ account }) => account.toLowerCase() === org.toLowerCase());
}

function notInstalled(app: AppFacts, { org, repo }: Wish): PostureFinding {
  const about = repo === null ? (org ?? 'every account') : `${repo.owner}/${repo.name}`;
  return {
    id: 'not-installed',
    level: 'open',
    about,
    says: `The app ${app.slug} is not installed there: nothing is judged and nothing is held.`,
    mend: { place: `${app.settingsUrl}/installations`, command: null },
  };
}

interface Covered {
  readonly rows: readonly CoveredRepository[];
  readonly findings: readonly PostureFinding[];
}

async function coveredBy(
  one: FoundInstallation,
  { repo }: Wish,
  clients: PostureClients,
): Promise<Covered> {
  const read = await seen(readCovered(clients.installation(one.id)));
  if (!read.seen) return { rows: [], findings: [unlisted(one, read.why)] };
  const list = read.value;
  const wanted = (each: CoveredRepository): boolean =>
    repo === null ||
    (each.owner.toLowerCase() === repo.owner.toLowerCase() &&
      each.name.toLowerCase() === repo.name.toLowerCase());
  const rows = list.rows.filter(wanted);
  const whole = list.complete || (repo !== null && rows.length > 0);
  if (whole) return { rows, findings: [] };
  const why = `it covers more than ${list.rows.length}, and only these were looked at.`;
  return { rows, findings: [unlisted(one, why)] };
}

function unlisted(one: FoundInstallation, why: string): PostureFinding {
  return {
    id: 'repositories-unseen',
    level: 'unknown',
    about: `installation on ${one.account}`,
    says: `Its repositories could not all be read: ${why}`,
    mend: { place: one.settingsUrl, command: null },
  };
}

function postureOf(
  one: FoundInstallation,
  rows: readonly CoveredRepository[],
  about: {
    readonly app: AppFacts;
    readonly clients: PostureClients;
    readonly wish: Wish;
    readonly editor: ReadClient | null;
  },
): Promise<readonly RepositoryPosture[]> {
  return readRepositories(about.clients.installation(one.id), rows, {
    appId: about.app.appId,
    checkName: CHECK_NAME,
    budget: about.wish.repo === null ? BUDGET : null,
    editor: about.editor,
  });
}
