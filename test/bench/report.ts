/** The report and its pages over the record of a large organisation. `DEPLOYMENTS=1000` for a look. */
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openTestStore, type TestStore } from '../store/help.ts';
import type { Measured } from './report-child.ts';
import { fillReportLog, PER_DEPLOYMENT } from './report-log.ts';
import { ms, type Row } from './row.ts';

const CHILD = join(import.meta.dirname, 'report-child.ts');

async function measure(t: TestStore, what: 'bundle' | 'pages'): Promise<Measured> {
  const out = join(t.dataDir, 'bundle');
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, what, t.dataDir, out]);
  rmSync(out, { recursive: true, force: true });
  return JSON.parse(stdout);
}

export async function benchReport(): Promise<readonly Row[]> {
  const deployments = Number(process.env['DEPLOYMENTS'] ?? 100_000);
  const t = await openTestStore();
  try {
    await fillReportLog(t, deployments);
    const over = `${deployments.toLocaleString('en-US')} deployments, ${(
      deployments * PER_DEPLOYMENT
    ).toLocaleString('en-US')} events`;
    const pages = await measure(t, 'pages');
    const bundle = await measure(t, 'bundle');
    const bundleMs = bundle.ms['bundle'] ?? Number.NaN;
    return [
      {
        what: `report: the whole bundle (${over})`,
        reach: '≤ 60 s, ≤ 512 MB',
        measured: `${(bundleMs / 1000).toFixed(1)} s, ${Math.round(bundle.maxRssMb)} MB`,
        ok: bundleMs <= 60_000 && bundle.maxRssMb <= 512,
      },
      ...Object.entries(pages.ms).map(([page, tookMs]) => ({
        what: `first byte of ${page}`,
        reach: page === '/audit' ? '≤ 300 ms' : '–',
        measured: ms(tookMs),
        ok: page !== '/audit' || tookMs <= 300,
      })),
      {
        what: 'memory of the process with the pages',
        reach: '≤ 512 MB',
        measured: `${Math.round(pages.maxRssMb)} MB`,
        ok: pages.maxRssMb <= 512,
      },
    ];
  } finally {
    await t.close();
  }
}
