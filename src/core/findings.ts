/** What the change does, as rules of thumb with proof: the closed list that people and agents read. */
export type BlastRadius = 'low' | 'medium' | 'high' | 'critical';

export type FindingLevel = 'danger' | 'advice' | 'note';

export interface Finding {
  /** Stable kebab-case name, documented: `values-lost`, `table-dropped`, `policy-changed`. */
  readonly id: string;
  readonly level: FindingLevel;
  readonly radius: BlastRadius;
  /** `users.email`, `.github/tagout.yml`. */
  readonly object: string;
  /** One sentence: what happened. `1,000 values lost in users.email`. */
  readonly message: string;
  /** How we know: `dry run`, `diff`, `plan`, `advice`. */
  readonly evidence: string;
  /** Figures that bind an approval: row counts and the like; never times. */
  readonly figures: Readonly<Record<string, number>>;
  readonly path: string | null;
  readonly line: number | null;
}
