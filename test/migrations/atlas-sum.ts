/** Writes `atlas.sum` as `atlas migrate hash` does, for fixtures and generated histories. */
import { createHash } from 'node:crypto';

/** The file for migrations by name, in the order of their names. */
export function atlasSum(files: Readonly<Record<string, string>>): string {
  const running = createHash('sha256');
  const all = createHash('sha256');
  const lines = Object.keys(files)
    .sort()
    .map((name) => {
      const sum = running
        .update(name)
        .update(files[name] ?? '')
        .copy()
        .digest('base64');
      all.update(name + sum);
      return `${name} h1:${sum}\n`;
    });
  return `h1:${all.digest('base64')}\n${lines.join('')}`;
}
