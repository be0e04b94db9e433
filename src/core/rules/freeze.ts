/** Freeze windows: times local to their time zone, on GitHub's clock. */
import type { FreezeWindow } from '../policy.ts';
import { SAY } from '../words/holds.ts';
import type { Rule, Thought } from './case.ts';

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const WEEK_MINUTES = 7 * 1440;

/** A deployment is held while a window of its environment is open. */
export const freeze: Rule = {
  name: 'freeze',
  judge: ({ evidence, environment }) => {
    if (evidence.deployment === null || environment === null) return [];
    const windows = environment.rule.freeze;
    const open: Thought[] = windows.flatMap((window) => {
      const left = minutesLeft(window, evidence.readAtMs);
      return left === null ? [] : [frozen(window, left)];
    });
    if (open.length > 0 || windows.length === 0) return open;
    return [{ ...SAY.notFrozen(), verdict: 'allow' }];
  },
};

function frozen(window: FreezeWindow, minutes: number): Thought {
  const until = 'weekly' in window ? window.weekly.to : window.to.replace('T', ' ');
  return {
    ...SAY.frozen(window.name, `${until} (${window.timeZone})`),
    verdict: 'hold',
    breakable: true,
    lookAgainMs: Math.max(1, minutes) * 60_000,
  };
}

/** Minutes until an open window ends, by the wall clock there; null when it is not open. */
export function minutesLeft(window: FreezeWindow, atMs: number): number | null {
  const now = wallClock(atMs, window.timeZone);
  if ('weekly' in window) {
    const from = weekMinute(window.weekly.from);
    const to = weekMinute(window.weekly.to);
    const at = (now.weekday * 1440 + now.minuteOfDay) % WEEK_MINUTES;
    // A window over the end of the week wraps; one of zero length is the whole week.
    const length = (to - from + WEEK_MINUTES) % WEEK_MINUTES || WEEK_MINUTES;
    const passed = (at - from + WEEK_MINUTES) % WEEK_MINUTES;
    return passed < length ? length - passed : null;
  }
  const from = localMinutes(window.from);
  const to = localMinutes(window.to);
  return now.minutes >= from && now.minutes < to ? to - now.minutes : null;
}

interface WallClock {
  readonly weekday: number;
  readonly minuteOfDay: number;
  /** Minutes since 1970 of the same digits read as UTC: comparable with other local times. */
  readonly minutes: number;
}

function wallClock(atMs: number, timeZone: string): WallClock {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  }).formatToParts(atMs);
  const field = (type: string): number =>
    Number(parts.find((part) => part.type === type)?.value ?? Number.NaN);
  const asUtcMs = Date.UTC(
    field('year'),
    field('month') - 1,
    field('day'),
    field('hour'),
    field('minute'),
  );
  const at = new Date(asUtcMs);
  return {
    weekday: at.getUTCDay(),
    minuteOfDay: at.getUTCHours() * 60 + at.getUTCMinutes(),
    minutes: asUtcMs / 60_000,
  };
}

/** `Fri 18:00` → minutes since Sunday 00:00. Throws on anything else, which holds. */
function weekMinute(text: string): number {
  const found = /^(sun|mon|tue|wed|thu|fri|sat)[a-z]* (\d{1,2}):(\d{2})$/i.exec(text.trim());
  const day = DAYS.findIndex((name) => name === found?.[1]?.toLowerCase());
  if (found === null || day < 0) throw new RangeError(`not a time of the week: ${text}`);
  return day * 1440 + Number(found[2]) * 60 + Number(found[3]);
}

/** `2026-12-20T00:00` → minutes of the same digits read as UTC. Throws on anything else. */
function localMinutes(text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?$/.test(text)
    ? Date.parse(`${text.slice(0, 16)}:00Z`)
    : Number.NaN;
  if (Number.isNaN(ms)) throw new RangeError(`not a local time: ${text}`);
  return ms / 60_000;
}
