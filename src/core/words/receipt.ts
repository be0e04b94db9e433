/** The proof that a decision is in the audit log, as it stands under the summary of a check. */
import { MAX_OUTPUT_BYTES } from './check.ts';
import { bytes, fence } from './text.ts';

/** The summary with a C2SP `tlog-proof` under it; as it was when there is none or no room for it. */
export function withReceipt(summary: string, receipt: string | null): string {
  if (receipt === null) return summary;
  const whole = [
    summary,
    '<details><summary>Proof that this decision is in the audit log</summary>',
    'A copy of this text outside the server shows later that the record was not changed: ' +
      '`npx tagout verify --anchor FILE`.',
    fence(receipt.trimEnd(), 'text'),
    '</details>',
  ].join('\n\n');
  return bytes(whole) > MAX_OUTPUT_BYTES ? summary : whole;
}
