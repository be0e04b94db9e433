/** `app.yml`: what the app asks for, for its registration and for the doctor's comparison. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { TagoutError } from '../core/errors.ts';

export interface AppManifest {
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly public: false;
  readonly default_events: readonly string[];
  readonly default_permissions: Readonly<Record<string, 'read' | 'write'>>;
}

const manifestSchema: z.ZodType<AppManifest> = z.strictObject({
  name: z.string(),
  description: z.string(),
  url: z.string(),
  public: z.literal(false),
  default_events: z.array(z.string()),
  default_permissions: z.record(z.string(), z.enum(['read', 'write'])),
});

const FILE = new URL('../../app.yml', import.meta.url);

/** Reads app.yml. Throws TagoutError('configuration') when it is missing or has another form. */
export function readAppManifest(): AppManifest {
  try {
    return manifestSchema.parse(parse(readFileSync(FILE, 'utf8')));
  } catch (cause) {
    const message = `${FILE.pathname} is missing or has an unknown form: install Tagout again.`;
    throw new TagoutError('configuration', message, { cause });
  }
}
