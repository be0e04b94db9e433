/** Seals one log and brings its checkpoint to every place, once; then it ends. Killed at any step. */
import { z } from 'zod';
import { gitPlace } from '../../src/cli/anchor-git.ts';
import { witnessPlace } from '../../src/cli/anchor-witness.ts';
import { parseVkey } from '../../src/core/audit/note.ts';
import { anchorAll } from '../../src/store/anchor.ts';
import { connect } from '../../src/store/connect.ts';
import { openLogKey } from '../../src/store/key.ts';
import { createSealer } from '../../src/store/seal.ts';

const planSchema = z.object({
  sealer: z.string(),
  app: z.string(),
  keyPath: z.string(),
  logId: z.number(),
  remote: z.string(),
  mirror: z.string(),
  witness: z.string(),
  witnessKey: z.string(),
  nowMs: z.number(),
});
const told = planSchema.parse(JSON.parse(process.argv[2] ?? ''));
const key = parseVkey(told.witnessKey);
if (key === null) throw new Error('no key of the witness');
const now = (): number => told.nowMs;
const sealer = connect({ url: told.sealer, role: null }, { name: 'sealer', max: 1 });
const app = connect({ url: told.app, role: null }, { name: 'app', max: 1 });
const lock = connect({ url: told.sealer, role: null }, { name: 'anchors', max: 1 });
const logKey = openLogKey(told.keyPath, 'tagout/audit');
await createSealer({ sealer, app, key: logKey, now }).sealNow(told.logId);
const repository = { url: told.remote, branch: 'tagout-anchors', keyPath: null, token: null };
const places = [
  gitPlace(repository, { folder: told.mirror, env: process.env }, now),
  witnessPlace({ url: told.witness, key }),
];
// A minute later, so that nothing is gathered any longer.
await anchorAll({ lock, app, places, now: () => told.nowMs + 60_000 });
await Promise.all([sealer, app, lock].map((sql) => sql.end({ timeout: 5 })));
