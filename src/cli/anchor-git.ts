/** The anchor branch as a place: looks first whether what we left there is still there. */
import { parseCheckpoint } from '../core/audit/note.ts';
import { type AnchorTip, createAnchorBranch, shownUrl } from '../git/anchor-branch.ts';
import type { AnchorRepository, MirrorPlace } from '../git/anchor-branch.ts';
import { AnchorConflict } from '../store/anchor.ts';
import type { AnchorPlace, LogReader, WaitingLog } from '../store/anchor.ts';

/** The signed part of a note; two keys may have signed the same tree. */
export function treeOf(note: string): string | null {
  const text = note.slice(0, note.lastIndexOf('\n\n') + 1);
  return parseCheckpoint(text) === null ? null : text;
}

function mend(name: string): string {
  return (
    `Nothing more is left at ${name}. Find out who changed it, keep a copy of both, then start a ` +
    'new branch (ANCHOR_GIT_BRANCH).'
  );
}

/** What stands on the branch must be a beginning of what we hold. */
async function checkTip(
  tip: AnchorTip,
  log: WaitingLog,
  { name, reader }: { readonly name: string; readonly reader: LogReader },
): Promise<void> {
  const note = tip.notes.get(log.logId);
  if (note === undefined) {
    if (log.anchored === 0) return;
    const message = `The file of log ${log.logId} is gone from ${name}. ${mend(name)}`;
    throw new AnchorConflict('anchor-rewound', log.logId, message);
  }
  const text = treeOf(note);
  const size = Number(text?.split('\n')[1] ?? Number.NaN);
  const ours = Number.isSafeInteger(size) ? await reader.checkpoint(log.logId, size) : null;
  if (text !== null && ours !== null && treeOf(ours.note) === text) return;
  const message =
    `${name} holds a checkpoint of log ${log.logId} of ${Number.isNaN(size) ? 'no' : size} rows ` +
    `that this log never made: the database was rolled back or the log was forked. ${mend(name)}`;
  throw new AnchorConflict('anchor-forked', log.logId, message);
}

/** The logs that may go on; one that cannot keeps no other back. */
async function checked(
  tip: AnchorTip | null,
  logs: readonly WaitingLog[],
  about: { readonly name: string; readonly reader: LogReader },
): Promise<{ readonly good: readonly WaitingLog[]; readonly faults: readonly unknown[] }> {
  const good: WaitingLog[] = [];
  const faults: unknown[] = [];
  for (const log of logs) {
    try {
      if (tip !== null) await checkTip(tip, log, about);
      good.push(log);
    } catch (error) {
      faults.push(error);
    }
  }
  return { good, faults };
}

/** A branch of a git repository. */
export function gitPlace(
  repository: AnchorRepository,
  mirror: MirrorPlace,
  now: () => number,
): AnchorPlace {
  const branch = createAnchorBranch(repository, mirror);
  const name = `${shownUrl(repository.url)}#${repository.branch}`;
  return {
    kind: 'git',
    name,
    async leave(logs, last, reader) {
      const tip = await branch.tip();
      if (last !== null && (tip === null || !(await branch.holds(last)))) {
        const what = tip === null ? 'is gone' : `no longer holds our commit ${last}`;
        const message = `The anchor branch ${name} ${what}: it was rewound. ${mend(name)}`;
        throw new AnchorConflict('anchor-rewound', null, message);
      }
      const { good, faults } = await checked(tip, logs, { name, reader });
      if (good.length === 0) return { receipts: [], faults };
      const notes = new Map(good.map((log) => [log.logId, log.note]));
      const commit = await branch.push(tip, notes, now());
      // Another replica was quicker: what is left comes with the next round.
      if (commit === null) return { receipts: [], faults };
      const at = { locator: commit, receipt: null };
      return { receipts: good.map(({ logId, size }) => ({ logId, size, ...at })), faults };
    },
  };
}
