/** Forms of values that several settings have. */
import { z } from 'zod';

/** An empty variable is one that is not set. */
export const given: z.ZodString = z.string().trim().min(1);

/** Plain http is for this machine only: tokens travel on it. */
export function webUrl(name: string, example: string): z.ZodType<string> {
  return given
    .refine((text) => {
      const url = URL.parse(text);
      if (url?.protocol === 'https:') return true;
      return (
        url?.protocol === 'http:' && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
      );
    }, `${name} is not an https address (http only on this machine): write ${example}.`)
    .transform((text) => text.replace(/\/+$/, ''));
}

export const wholeNumber = (message: string): z.ZodType<number> =>
  given.regex(/^\d{1,15}$/, message).transform(Number);
