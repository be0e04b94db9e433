/**
 * `npm run demo`: the story on this machine. `--keep` leaves the app and the local GitHub running;
 * `--json` prints one JSON object per step. Exit code 0 only if every expected verdict came.
 */
import { parseArgs } from 'node:util';
import { type Kept, steps } from './story/steps.ts';
import { openScene } from './story/tagout.ts';

const { values } = parseArgs({
  options: { keep: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});

function say(text: string): void {
  if (!values.json) process.stdout.write(`${text}\n`);
}

async function playAll(): Promise<boolean> {
  const startedMs = performance.now();
  const scene = await openScene({ fresh: true });
  say('Tagout: the story of one agent, on a local GitHub, a real PostgreSQL and signed webhooks.');
  const kept: Kept = {};
  let ok = true;
  for (const [index, step] of steps.entries()) {
    const stepMs = performance.now();
    let lines: readonly string[];
    try {
      lines = await step.play(scene, kept);
    } catch (error) {
      ok = false;
      lines = [`NOT AS EXPECTED: ${error instanceof Error ? error.message : String(error)}`];
    }
    const ms = Math.round(performance.now() - stepMs);
    say(`\n${index + 1}. ${step.title} (${ms} ms)`);
    for (const line of lines) say(`   ${line}`);
    if (values.json) {
      process.stdout.write(
        `${JSON.stringify({ step: index + 1, title: step.title, ok, ms, lines })}\n`,
      );
    }
    if (!ok) break;
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  say(
    ok ? `\nEvery verdict came as expected, in ${seconds} s.` : '\nStopped: a verdict was wrong.',
  );
  if (values.keep) {
    say(`\nLocal GitHub: ${scene.gh.url}\nTagout:       ${scene.tagout.url}\nCtrl-C ends both.`);
    await new Promise<void>((resolve) => {
      process.once('SIGINT', resolve);
      process.once('SIGTERM', resolve);
    });
  }
  await scene.close();
  return ok;
}

process.exitCode = (await playAll()) ? 0 : 1;
