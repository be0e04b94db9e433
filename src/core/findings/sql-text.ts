/** SQL that can behave differently in production than in the dry run (B30), by its added lines. */
import type { BlastRadius } from '../findings.ts';
import type { PatchLine } from '../patch.ts';

interface Sign {
  readonly radius: BlastRadius;
  readonly what: string;
  readonly pattern: RegExp;
}

const signs: readonly Sign[] = [
  {
    radius: 'high',
    what: 'asks which server, database, role or setting it runs on',
    pattern:
      /\b(?:current_database|current_setting|inet_server_addr|inet_server_port|pg_is_in_recovery|pg_postmaster_start_time|pg_backend_pid)\s{0,5}\(|\bversion\(\)|\bserver_version\b|\bcurrent_catalog\b|\bpg_stat_\w+|\bpg_settings\b/i,
  },
  {
    radius: 'high',
    what: 'waits',
    pattern: /\bpg_sleep(?:_for|_until)?\s{0,5}\(/i,
  },
  {
    radius: 'high',
    what: 'runs text that it has put together',
    pattern: /\bexecute\s{1,9}(?:format\s{0,5}\(|[^;]{0,200}\|\||concat)/i,
  },
  {
    radius: 'medium',
    what: 'depends on the time or on chance in a condition',
    pattern:
      /\b(?:if|when|where|having)\b[^;]{0,200}\b(?:now\(\)|current_date|current_timestamp|clock_timestamp\(\)|random\(\))/i,
  },
];

export interface SqlSign extends Sign {
  readonly line: number;
}

/** The signs in added lines, each once, comments left out. */
export function environmentSigns(lines: readonly PatchLine[]): readonly SqlSign[] {
  return signs.flatMap((sign) => {
    const found = lines.find(
      ({ added, text }) => added && sign.pattern.test(text.replace(/--.*$/, '')),
    );
    return found === undefined ? [] : [{ ...sign, line: found.line }];
  });
}
