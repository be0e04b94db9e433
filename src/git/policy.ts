/** The policy file as the base of a checkout holds it. */
import type { SourceTree, TreeEntry } from '../core/dry-run.ts';
import type { Gap, PolicySources } from '../core/evidence.ts';

const PATH = '.github/tagout.yml';
/** Far above what a policy may have (64 KiB), so that the policy's own rule gives the message. */
const MAX_BYTES = 1024 * 1024;

/** Reads `.github/tagout.yml`; what cannot be read is a gap, and never "no policy". */
export async function readPolicy(
  repo: string,
  commitSha: string,
  tree: SourceTree,
): Promise<{ readonly sources: PolicySources; readonly gaps: readonly Gap[] }> {
  const entry = tree.entries.find((candidate) => candidate.path === PATH);
  const text = entry === undefined ? null : await policyText(tree, entry);
  const gap = text !== null && 'why' in text ? text : null;
  const file = {
    repo,
    path: PATH,
    commitSha,
    blob: entry?.blob ?? null,
    text: text !== null && 'text' in text ? text.text : null,
  };
  return {
    sources: { repository: file, base: null, floor: null },
    gaps: gap === null ? [] : [gap],
  };
}

async function policyText(tree: SourceTree, entry: TreeEntry): Promise<{ text: string } | Gap> {
  if (!entry.mode.startsWith('100')) {
    return gap('unreadable', `${PATH} is not an ordinary file: commit the policy itself.`);
  }
  if ((entry.sizeBytes ?? 0) > MAX_BYTES) {
    return gap('too-large', `${PATH} is larger than 1 MB: a policy has at most 64 KiB.`);
  }
  const bytes = (await tree.read([PATH])).get(PATH);
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return gap('unreadable', `${PATH} is not UTF-8: save it as UTF-8.`);
  }
}

function gap(why: Gap['why'], detail: string): Gap {
  return { what: 'policy', why, detail };
}
