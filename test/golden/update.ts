/** Writes the golden files anew: `node test/golden/update.ts`, then read the difference. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { render, SCENES } from './scenes.ts';

for (const scene of SCENES) {
  writeFileSync(join(import.meta.dirname, scene.file), render(scene));
}
console.log(`${SCENES.length} golden files written`);
