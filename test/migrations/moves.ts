/** The migrations of a generated history, as statements: what a service writes in some years. */

/** One migration, free of any framework's form. */
export interface Move {
  readonly nth: number;
  readonly up: readonly string[];
  /** Takes `up` back; the last migration's down part is run. */
  readonly down: readonly string[];
  /** PostgreSQL refuses it within a transaction. */
  readonly alone: boolean;
  /** Bodies hold semicolons, so that a runner which cuts at them has to be told. */
  readonly body: boolean;
}

type Parts = Pick<Move, 'up' | 'down'>;

/** `of` is the number of the table that a migration works on: eight migrations share one. */
const KINDS: readonly ((of: number) => Parts)[] = [
  (of) => ({
    up: [
      `CREATE TYPE mood_${of} AS ENUM ('ok;', 'it''s --')`,
      `CREATE TABLE t_${of} (\n  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n` +
        `  parent bigint REFERENCES t_${of === 1 ? 1 : of - 1} (id),\n` +
        `  name text NOT NULL DEFAULT '/* no comment',\n  mood mood_${of}\n)`,
    ],
    down: [`DROP TABLE t_${of}`, `DROP TYPE mood_${of}`],
  }),
  (of) => ({
    up: [`CREATE INDEX CONCURRENTLY t_${of}_by_name ON t_${of} (name)`],
    down: [`DROP INDEX t_${of}_by_name`],
  }),
  (of) => ({
    up: [
      `CREATE FUNCTION f_${of}() RETURNS trigger LANGUAGE plpgsql AS $body$\nBEGIN\n` +
        `  NEW.name := coalesce(NEW.name, 'a;b'); -- ends; here\n  RETURN NEW;\nEND;\n$body$`,
      `CREATE TRIGGER named BEFORE INSERT ON t_${of} FOR EACH ROW EXECUTE FUNCTION f_${of}()`,
    ],
    down: [`DROP TRIGGER named ON t_${of}`, `DROP FUNCTION f_${of}()`],
  }),
  (of) => ({
    up: [
      `ALTER TABLE t_${of} ADD COLUMN price numeric(10, 2),\n` +
        `  ADD CONSTRAINT paid_${of} CHECK (price >= 0)`,
    ],
    down: [`ALTER TABLE t_${of} DROP COLUMN price`],
  }),
  (of) => ({
    up: [
      `INSERT INTO t_${of} (name) SELECT 'n' || n FROM generate_series(1, 3) n`,
      `UPDATE t_${of} SET mood = 'ok;' WHERE id = 1`,
    ],
    down: [`DELETE FROM t_${of}`],
  }),
  (of) => ({
    up: [
      `CREATE VIEW v_${of} AS SELECT id, name FROM t_${of} WHERE mood IS NOT NULL`,
      `COMMENT ON VIEW v_${of} IS 'a view; of rows'`,
    ],
    down: [`DROP VIEW v_${of}`],
  }),
  (of) => ({
    up: [
      `ALTER TABLE t_${of} ENABLE ROW LEVEL SECURITY`,
      `CREATE POLICY own ON t_${of} USING (name = current_user)`,
      `DO $$\nBEGIN\n  EXECUTE 'ALTER TABLE t_${of} ADD COLUMN made int';\nEND;\n$$`,
    ],
    down: [
      `ALTER TABLE t_${of} DROP COLUMN made`,
      `DROP POLICY own ON t_${of}`,
      `ALTER TABLE t_${of} DISABLE ROW LEVEL SECURITY`,
    ],
  }),
  (of) => ({
    up: [
      `ALTER TABLE t_${of} RENAME COLUMN made TO done`,
      `ALTER TABLE t_${of} ALTER COLUMN price SET DEFAULT 1`,
    ],
    down: [
      `ALTER TABLE t_${of} ALTER COLUMN price DROP DEFAULT`,
      `ALTER TABLE t_${of} RENAME COLUMN done TO made`,
    ],
  }),
];

/** The first `count` migrations; `concurrently` is left out for runners that cannot do it. */
export function movesOf(count: number, concurrently = true): readonly Move[] {
  return Array.from({ length: count }, (_, at) => {
    const kind = KINDS[at % KINDS.length] ?? (() => ({ up: [], down: [] }));
    const { up, down } = kind(Math.floor(at / KINDS.length) + 1);
    const alone = up.some((sql) => sql.includes(' CONCURRENTLY '));
    const said = concurrently ? up : up.map((sql) => sql.replace(' CONCURRENTLY ', ' '));
    const body = up.some((sql) => sql.includes(';\n'));
    return { nth: at + 1, up: said, down, alone: alone && concurrently, body };
  });
}

/** Statements as a file holds them. */
export function sqlOf(statements: readonly string[]): string {
  return statements.map((sql) => `${sql};\n`).join('');
}
