/**
 * Sets our labels on a pull request. Everything here can be sent twice without harm, so nothing is
 * read first: GitHub adds to the set of labels, and a label that is there already makes no second
 * entry in the timeline, no webhook and no notification.
 */
import { z } from 'zod';
import type { Effect, EffectOutcome } from '../core/effect.ts';
import type { Answer } from './clients.ts';
import type { Writing } from './enact.ts';
import { isRefusal } from './faults.ts';
import { parseAnswer, place } from './reading.ts';

type Labels = Extract<Effect, { kind: 'labels' }>;
type Wanted = Labels['add'][number];

const labelsSchema = z.array(
  z.object({ name: z.string(), color: z.string(), description: z.string().nullish() }),
);

/** Adds what is wanted, gives a label that GitHub made by itself its colour, removes the rest. */
export async function writeLabels(effect: Labels, writing: Writing): Promise<EffectOutcome> {
  let last: Answer | null = null;
  if (effect.add.length > 0) {
    last = await addLabels(effect, writing);
    const there = parseAnswer(labelsSchema, last.data, 'the labels');
    for (const label of effect.add) {
      const found = there.find((one) => one.name.toLowerCase() === label.name.toLowerCase());
      // GitHub makes a missing label grey and without a description; a colour that people chose stays.
      const isBare = found?.color === 'ededed' && (found.description ?? '') === '';
      if (isBare) await dress(effect, writing, label);
    }
  }
  for (const name of effect.remove) last = (await removeLabel(effect, writing, name)) ?? last;
  return {
    status: 'done',
    githubId: null,
    githubAtMs: last?.atMs ?? null,
    httpStatus: last?.status ?? null,
    detail: null,
    retryAfterMs: null,
  };
}

function addLabels(effect: Labels, writing: Writing): Promise<Answer> {
  return writing.write.send('POST', '/repos/{owner}/{repo}/issues/{issue_number}/labels', {
    ...place(effect.repo),
    issue_number: effect.pull,
    labels: effect.add.map((label) => label.name),
  });
}

/** `name` is also the parameter of the address, so that only colour and description are sent. */
async function dress(effect: Labels, writing: Writing, label: Wanted): Promise<void> {
  await writing.write.send('PATCH', '/repos/{owner}/{repo}/labels/{name}', {
    ...place(effect.repo),
    name: label.name,
    color: label.color,
    description: label.description,
  });
}

async function removeLabel(effect: Labels, writing: Writing, name: string): Promise<Answer | null> {
  try {
    const path = '/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}';
    const address = { ...place(effect.repo), issue_number: effect.pull, name };
    return await writing.write.send('DELETE', path, address);
  } catch (fault) {
    if (isRefusal(fault, 404)) return null;
    throw fault;
  }
}
