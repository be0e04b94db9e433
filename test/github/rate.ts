/** The hourly allowance of each caller, as headers and as `GET /rate_limit`. */
import { whose, type Auth } from './http.ts';
import type { Json } from './state.ts';
import type { World } from './world.ts';

interface Window {
  used: number;
  resetAtMs: number;
}

const windows = new WeakMap<World, Map<string, Window>>();
const hourMs = 3_600_000;

function limitOf(world: World, auth: Auth): number {
  return auth.kind === 'none' ? 60 : world.allowancePerHour;
}

function windowOf(world: World, auth: Auth): Window {
  return windowFor(world, whose(auth) ?? 'anonymous');
}

function windowFor(world: World, key: string): Window {
  const all = windows.get(world) ?? new Map<string, Window>();
  windows.set(world, all);
  const known = all.get(key);
  if (known !== undefined && known.resetAtMs > world.now()) return known;
  const fresh = { used: 0, resetAtMs: world.now() + hourMs };
  all.set(key, fresh);
  return fresh;
}

/** Counts one request; an answer of 304 is taken back with `giveBack`. */
export function countRequest(world: World, auth: Auth): Record<string, string> {
  const window = windowOf(world, auth);
  window.used += 1;
  return rateHeaders(world, auth);
}

/** Makes so many requests of the hour used up, as if that caller had asked them. */
export function spend(world: World, login: string, used: number): void {
  windowFor(world, login).used = used;
}

export function giveBack(world: World, auth: Auth): void {
  windowOf(world, auth).used -= 1;
}

export function rateHeaders(world: World, auth: Auth): Record<string, string> {
  const window = windowOf(world, auth);
  const limit = limitOf(world, auth);
  return {
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(Math.max(0, limit - window.used)),
    'x-ratelimit-reset': String(Math.ceil(window.resetAtMs / 1000)),
    'x-ratelimit-used': String(window.used),
    'x-ratelimit-resource': 'core',
  };
}

export function spent(world: World, auth: Auth): boolean {
  return windowOf(world, auth).used > limitOf(world, auth);
}

export function rateJson(world: World, auth: Auth): Json {
  const window = windowOf(world, auth);
  const limit = limitOf(world, auth);
  const core = {
    limit,
    used: window.used,
    remaining: Math.max(0, limit - window.used),
    reset: Math.ceil(window.resetAtMs / 1000),
  };
  return {
    resources: { core, search: { ...core, limit: 30, used: 0, remaining: 30 } },
    rate: core,
  };
}
